#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/members.h"

enum { LEASE_US = 5000000 };

static struct members *m;
static struct uuid self, a, b;

static struct uuid id_of(uint8_t n)
{
    struct uuid id = {{n}};
    return id;
}

static struct server_row row_of(struct uuid id, uint64_t beat)
{
    return (struct server_row){.server_id = id, .beat = beat, .started_ms = 1, .fit = true};
}

static void read_two(uint64_t beat_a, uint64_t beat_b, int64_t now_us)
{
    const struct server_row rows[] = {row_of(a, beat_a), row_of(self, 9), row_of(b, beat_b)};
    members_read(m, &self, rows, 3, now_us);
}

static int set_up(void **state)
{
    (void)state;
    m = calloc(1, sizeof *m);
    m->lease_us = LEASE_US;
    self = id_of(1);
    a = id_of(2);
    b = id_of(3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(m);
    return 0;
}

static void the_server_itself_is_none_of_the_others(void **state)
{
    (void)state;
    read_two(1, 1, 0);
    assert_int_equal(m->count, 2);
    assert_null(members_find(m, &self));
    assert_true(members_live(m, &a));
}

static void one_whose_beat_stands_still_is_dead_after_a_lease_of_our_clock(void **state)
{
    (void)state;
    read_two(1, 1, 0);
    read_two(2, 1, LEASE_US);
    assert_false(members_age(m, LEASE_US)); /* not a moment too early */
    assert_true(members_age(m, LEASE_US + 1));
    assert_false(members_live(m, &b));
    assert_true(members_live(m, &a));
    assert_false(members_age(m, LEASE_US + 2)); /* it is told once */
}

static void a_row_that_is_new_to_us_gets_a_whole_lease(void **state)
{
    (void)state;
    read_two(7, 7, 100 * INT64_C(1000000));
    assert_false(members_age(m, 100 * INT64_C(1000000) + LEASE_US));
    assert_true(members_live(m, &a));
}

static void a_dead_one_lives_again_when_its_beat_grows_and_only_then(void **state)
{
    (void)state;
    read_two(1, 1, 0);
    members_age(m, LEASE_US + 1);
    read_two(1, 2, LEASE_US + 2);
    assert_false(members_live(m, &a));
    assert_true(members_live(m, &b));
}

static void an_older_read_that_comes_late_is_no_news(void **state)
{
    (void)state;
    read_two(5, 5, 0);
    read_two(4, 4, LEASE_US);
    assert_true(members_age(m, LEASE_US + 1));
    assert_int_equal(members_find(m, &a)->row.beat, 5);
}

static void a_row_that_is_gone_is_a_server_that_is_gone(void **state)
{
    (void)state;
    read_two(1, 1, 0);
    const struct server_row rows[] = {row_of(b, 2)};
    members_read(m, &self, rows, 1, 1);
    assert_false(members_live(m, &a));
    assert_true(members_live(m, &b));
}

static void only_who_lives_and_is_fit_may_be_a_home(void **state)
{
    (void)state;
    struct uuid fit[LIMIT_CLUSTER_SERVERS];
    struct server_row rows[] = {row_of(a, 1), row_of(b, 1)};
    rows[1].fit = false;
    members_read(m, &self, rows, 2, 0);
    assert_int_equal(members_fit(m, fit), 1);
    assert_true(uuid_equal(&fit[0], &a));
    members_gone(m, &a);
    assert_int_equal(members_fit(m, fit), 0);
}

static void of_too_many_rows_the_youngest_servers_are_known(void **state)
{
    (void)state;
    enum { ROWS = LIMIT_CLUSTER_ROWS + 10 };
    struct server_row *rows = calloc(ROWS, sizeof *rows);
    for (int i = 0; i < ROWS; i++) {
        rows[i] = row_of(id_of(9), 1);
        rows[i].server_id.b[14] = (uint8_t)(i >> 8);
        rows[i].server_id.b[15] = (uint8_t)i;
        rows[i].started_ms = i;
    }
    members_read(m, &self, rows, ROWS, 0);
    assert_int_equal(m->count, LIMIT_CLUSTER_ROWS);
    assert_null(members_find(m, &rows[9].server_id));
    assert_non_null(members_find(m, &rows[10].server_id));
    assert_non_null(members_find(m, &rows[ROWS - 1].server_id));
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_server_itself_is_none_of_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_whose_beat_stands_still_is_dead_after_a_lease_of_our_clock,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_row_that_is_new_to_us_gets_a_whole_lease, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dead_one_lives_again_when_its_beat_grows_and_only_then, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_older_read_that_comes_late_is_no_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_row_that_is_gone_is_a_server_that_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_who_lives_and_is_fit_may_be_a_home, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_too_many_rows_the_youngest_servers_are_known, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
