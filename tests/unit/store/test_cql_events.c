/* The events that a store has taken. */
#include "store/cql/events.h"
#include "unit/domain/fixture.h"

struct table {
    struct cql_events *t;
    struct layout *layout;
    struct event *event;
    struct cql_event_state state;
};

static void table_init(struct table *x)
{
    x->t = cql_events_new();
    x->layout = small_layout();
    x->event = small_event(x->layout);
    x->state = (struct cql_event_state){.epoch = 1, .seq = 4, .event = x->event, .layout = x->layout};
}

static void table_done(struct table *x)
{
    cql_events_free(x->t);
    event_unref(x->event);
    layout_unref(x->layout);
}

static int begin(struct table *x, const struct event_id *id, uint64_t follows, int64_t *ret_epoch)
{
    struct cql_event_state s;
    int ret = cql_events_begin(x->t, id, follows, &s);
    if (ret)
        return ret;
    *ret_epoch = s.epoch;
    cql_event_state_done(&s);
    return 0;
}

static void only_what_was_taken_commits(void **state)
{
    (void)state;
    struct table x;
    struct event_id id = event_numbered(1), other = event_numbered(2);
    int64_t epoch;
    table_init(&x);
    assert_int_equal(begin(&x, &id, 4, &epoch), BOX_EFENCED);
    cql_events_taken(x.t, &id, &x.state, false, 0);
    assert_int_equal(begin(&x, &id, 4, &epoch), 0);
    assert_int_equal(epoch, 1);
    assert_int_equal(begin(&x, &id, 3, &epoch), BOX_EFENCED);
    assert_int_equal(begin(&x, &id, 5, &epoch), BOX_EFENCED);
    assert_int_equal(begin(&x, &other, 4, &epoch), BOX_EFENCED);
    x.state.seq = 5;
    cql_events_committed(x.t, &id, &x.state, 0);
    assert_int_equal(begin(&x, &id, 5, &epoch), 0);
    cql_events_lost(x.t, &id, 1);
    assert_int_equal(begin(&x, &id, 5, &epoch), BOX_EFENCED);
    table_done(&x);
}

/* What comes late from an older epoch changes nothing. */
static void an_older_epoch_has_no_say(void **state)
{
    (void)state;
    struct table x;
    struct event_id id = event_numbered(1);
    int64_t epoch;
    table_init(&x);
    cql_events_taken(x.t, &id, &x.state, false, 0);
    struct cql_event_state late = x.state;
    x.state.epoch = 2;
    x.state.seq = 9;
    cql_events_taken(x.t, &id, &x.state, false, 0);
    late.seq = 5;
    cql_events_committed(x.t, &id, &late, 0);
    cql_events_lost(x.t, &id, 1);
    assert_int_equal(begin(&x, &id, 9, &epoch), 0);
    assert_int_equal(epoch, 2);
    table_done(&x);
}

static void idle_tails_are_given_once(void **state)
{
    (void)state;
    struct table x;
    struct event_id a = event_numbered(1), b = event_numbered(2), c = event_numbered(3);
    struct cql_idle_event idle[4];
    table_init(&x);
    cql_events_taken(x.t, &a, &x.state, true, 100);
    cql_events_taken(x.t, &b, &x.state, false, 100); /* cleared already */
    x.state.seq = 0;
    cql_events_taken(x.t, &c, &x.state, true, 100); /* in creation: there is nothing yet */
    x.state.seq = 4;
    assert_int_equal(cql_events_idle(x.t, 99, idle, 4), 0); /* not idle yet */
    assert_int_equal(cql_events_idle(x.t, 100, idle, 0), 0);
    assert_int_equal(cql_events_idle(x.t, 100, idle, 4), 1);
    assert_true(uuid_equal(&idle[0].id.u, &a.u) && idle[0].seq == 4 && idle[0].epoch == 1);
    assert_int_equal(cql_events_idle(x.t, 100, idle, 4), 0);
    cql_events_still_idle(x.t, &idle[0]); /* it did not work: again */
    assert_int_equal(cql_events_idle(x.t, 100, idle, 4), 1);
    struct cql_event_state next = x.state;
    next.seq = 5;
    cql_events_committed(x.t, &a, &next, 200);
    cql_events_still_idle(x.t, &idle[0]); /* of an older group: forgotten */
    assert_int_equal(cql_events_idle(x.t, 100, idle, 4), 0);
    assert_int_equal(cql_events_idle(x.t, 200, idle, 4), 1);
    assert_true(idle[0].seq == 5);
    table_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_taken_commits),
        cmocka_unit_test(an_older_epoch_has_no_say),
        cmocka_unit_test(idle_tails_are_given_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
