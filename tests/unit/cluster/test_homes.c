#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/homes.h"

enum { EVENTS = 3000, SERVERS = 5 };

struct world {
    struct uuid servers[SERVERS];
    struct event_id events[EVENTS];
};

static int set_up(void **state)
{
    static struct world w;
    struct rng rng;
    rng_init_seeded(&rng, 42);
    for (int i = 0; i < SERVERS; i++)
        w.servers[i] = uuid_random(&rng);
    for (int i = 0; i < EVENTS; i++)
        w.events[i] = event_id_new(&rng);
    *state = &w;
    return 0;
}

static void nobody_wins_where_there_is_no_server(void **state)
{
    struct world *w = *state;
    assert_null(homes_winner(w->servers, 0, &w->events[0]));
}

static void each_server_wins_its_share(void **state)
{
    struct world *w = *state;
    unsigned won[SERVERS] = {0};
    for (int i = 0; i < EVENTS; i++)
        won[homes_winner(w->servers, SERVERS, &w->events[i]) - w->servers]++;
    for (int i = 0; i < SERVERS; i++) {
        assert_true(won[i] > EVENTS / SERVERS * 8 / 10);
        assert_true(won[i] < EVENTS / SERVERS * 12 / 10);
    }
}

static void the_order_does_not_matter(void **state)
{
    struct world *w = *state;
    struct uuid reversed[SERVERS];
    for (int i = 0; i < SERVERS; i++)
        reversed[i] = w->servers[SERVERS - 1 - i];
    for (int i = 0; i < EVENTS; i++)
        assert_true(uuid_equal(homes_winner(w->servers, SERVERS, &w->events[i]),
                               homes_winner(reversed, SERVERS, &w->events[i])));
}

static void a_newcomer_takes_only_what_it_wins(void **state)
{
    struct world *w = *state;
    const struct uuid *newcomer = &w->servers[SERVERS - 1];
    unsigned moved = 0;
    for (int i = 0; i < EVENTS; i++) {
        const struct uuid *before = homes_winner(w->servers, SERVERS - 1, &w->events[i]);
        const struct uuid *after = homes_winner(w->servers, SERVERS, &w->events[i]);
        assert_true(uuid_equal(after, before) || uuid_equal(after, newcomer));
        moved += after == newcomer;
    }
    assert_in_range(moved, EVENTS / SERVERS * 8 / 10, EVENTS / SERVERS * 12 / 10);
}

static void one_that_goes_loses_only_its_own(void **state)
{
    struct world *w = *state;
    unsigned orphans = 0;
    for (int i = 0; i < EVENTS; i++) {
        const struct uuid *before = homes_winner(w->servers, SERVERS, &w->events[i]);
        const struct uuid *after = homes_winner(w->servers + 1, SERVERS - 1, &w->events[i]);
        if (before == &w->servers[0])
            orphans++;
        else
            assert_true(uuid_equal(before, after));
    }
    assert_true(orphans > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_wins_where_there_is_no_server),
        cmocka_unit_test(each_server_wins_its_share),
        cmocka_unit_test(the_order_does_not_matter),
        cmocka_unit_test(a_newcomer_takes_only_what_it_wins),
        cmocka_unit_test(one_that_goes_loses_only_its_own),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
