/* Making venues and events: durable before visible, once for a key, and nothing left over of what failed. */
#include "unit/app/fixture.h"

static unsigned count_events(struct world *w)
{
    return (unsigned)view_event_count(w->view);
}

static void test_venue_is_stored(void **state)
{
    struct world *w = *state;
    struct view *reloaded = view_new();
    assert_int_equal(app_load_venues(w->store, reloaded), 0);
    struct layout *l = view_venue(reloaded, &w->venue);
    assert_non_null(l);
    assert_int_equal(l->seats_total, SEATS);
    layout_unref(l);
    view_free(reloaded);
}

static void test_venue_once_for_a_key(void **state)
{
    struct world *w = *state;
    struct ask *first = make_venue(with_key(ask_new(w), "k", 1));
    struct ask *second = make_venue(with_key(ask_new(w), "k", 1)); /* while the first is under way */
    assert_int_equal(code_of(first), 0);
    assert_int_equal(code_of(second), 0);
    assert_false(first->call.replayed);
    assert_true(second->call.replayed);
    struct ask *third = make_venue(with_key(ask_new(w), "k", 1));
    assert_int_equal(code_of(third), 0);
    assert_true(third->call.replayed);
    assert_string_equal(answer_of(third), "venue");
    assert_int_equal(code_of(make_venue(with_key(ask_new(w), "k", 2))), BOX_EIDEMREUSED);
    struct layout *list[9];
    bool more;
    int count = view_list_venues(w->view, NULL, 9, list, &more);
    for (int i = 0; i < count; i++)
        layout_unref(list[i]);
    assert_int_equal(count, 2);
}

static int refuse_body(struct app_venue_plan *plan, struct app_call *call)
{
    (void)plan;
    (void)call;
    return BOX_EINVALID;
}

static void test_refused_venue_leaves_the_key(void **state)
{
    struct world *w = *state;
    struct ask *a = with_key(ask_new(w), "k", 1);
    a->venue_plan.build = refuse_body;
    app_venue_create(&a->call, &a->venue_plan);
    assert_int_equal(code_of(a), BOX_EINVALID);
    assert_int_equal(code_of(make_venue(with_key(ask_new(w), "k", 2))), 0);
}

static void test_venue_that_is_not_stored_is_not_shown(void **state)
{
    struct world *w = *state;
    store_mem_fail(w->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    struct ask *failed = make_venue(with_key(ask_new(w), "k", 1));
    assert_int_equal(code_of(failed), BOX_EUNKNOWN);
    assert_null(view_venue(w->view, &failed->call.layout->venue_id));
    pass(w, 2000); /* the store is opened again */
    struct ask *again = make_venue(with_key(ask_new(w), "k", 1));
    assert_int_equal(code_of(again), 0);
    assert_false(again->call.replayed);
}

/* The write was not known to have happened, but had: who repeats it gets a venue that is there. */
static void test_venue_that_is_stored_after_all_is_shown(void **state)
{
    struct world *w = *state;
    store_mem_fail(w->store, 1, STORE_MEM_UNKNOWN_DONE);
    struct ask *unknown = make_venue(with_key(ask_new(w), "k", 1));
    assert_int_equal(code_of(unknown), BOX_EUNKNOWN);
    pass(w, 2000); /* the store is opened again */
    struct ask *again = make_venue(with_key(ask_new(w), "k", 1));
    assert_int_equal(code_of(again), 0);
    assert_true(again->call.replayed);
    struct layout *l = view_venue(w->view, &unknown->call.layout->venue_id);
    assert_non_null(l);
    layout_unref(l);
}

static void test_event(void **state)
{
    struct world *w = *state;
    struct ask *a = make_event(ask_new(w), "show");
    assert_int_equal(code_of(a), 0);
    assert_string_equal(answer_of(a), "event with 20 free at seq 1");
    struct event_id id = a->event_plan.event->event_id;
    assert_int_equal(free_seats(w, &id), SEATS);
    for (uint32_t seat = 0; seat < SEATS; seat++) {
        struct ticket_row row;
        assert_int_equal(store_get_ticket(w->store, &id, seat, &row), 0);
        assert_int_equal(row.status, SEAT_AVAILABLE);
    }
}

static void test_slug_is_taken(void **state)
{
    struct world *w = *state;
    struct ask *first = make_event(ask_new(w), "show"), *second = make_event(ask_new(w), "show");
    settle(w);
    assert_int_equal((first->call.code == 0) + (second->call.code == 0), 1);
    assert_int_equal(first->call.code + second->call.code, BOX_ESLUGTAKEN);
    assert_int_equal(count_events(w), 1);
    assert_int_equal(code_of(make_event(ask_new(w), "show")), BOX_ESLUGTAKEN);
}

static void test_event_once_for_a_key(void **state)
{
    struct world *w = *state;
    struct ask *first = make_event(with_key(ask_new(w), "k", 1), "show");
    struct ask *second = make_event(with_key(ask_new(w), "k", 1), "show");
    assert_int_equal(code_of(first), 0);
    assert_int_equal(code_of(second), 0);
    assert_int_equal(first->call.replayed + second->call.replayed, 1);
    assert_string_equal(answer_of(first), answer_of(second));
    struct ask *third = make_event(with_key(ask_new(w), "k", 1), "show");
    assert_int_equal(code_of(third), 0);
    assert_true(third->call.replayed);
    assert_int_equal(third->call.seq, 1);
    assert_int_equal(count_events(w), 1);
}

/* The n-th write fails: creating the tickets, then the commit. Whatever it is, the slug is not lost. */
static void fail_write(struct world *w, unsigned n, enum store_mem_fault fault)
{
    store_mem_fail(w->store, n, fault);
    struct ask *a = make_event(ask_new(w), "show");
    assert_int_not_equal(code_of(a), 0);
    pass(w, 2000);
    bool happened = count_events(w) == 1;
    struct ask *again = make_event(ask_new(w), "show");
    assert_int_equal(code_of(again), happened ? BOX_ESLUGTAKEN : 0);
    assert_int_equal(count_events(w), 1);
}

static void test_tickets_fail(void **state)
{
    fail_write(*state, 1, STORE_MEM_UNKNOWN_UNDONE);
}

static void test_tickets_fail_but_are_there(void **state)
{
    fail_write(*state, 1, STORE_MEM_UNKNOWN_DONE);
}

static void test_commit_fails(void **state)
{
    fail_write(*state, 2, STORE_MEM_UNKNOWN_UNDONE);
}

static void test_commit_fails_but_is_there(void **state)
{
    fail_write(*state, 2, STORE_MEM_UNKNOWN_DONE);
}

static void test_workers_are_busy(void **state)
{
    struct world *w = *state;
    w->workers.limit = 0;
    assert_int_equal(code_of(make_venue(ask_new(w))), BOX_EBUSY);
    assert_int_equal(code_of(make_event(ask_new(w), "show")), BOX_EBUSY);
    w->workers.limit = 64;
    assert_int_equal(code_of(make_event(ask_new(w), "show")), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_venue_is_stored),
        TEST(test_venue_once_for_a_key),
        TEST(test_refused_venue_leaves_the_key),
        TEST(test_venue_that_is_not_stored_is_not_shown),
        TEST(test_venue_that_is_stored_after_all_is_shown),
        TEST(test_event),
        TEST(test_slug_is_taken),
        TEST(test_event_once_for_a_key),
        TEST(test_tickets_fail),
        TEST(test_tickets_fail_but_are_there),
        TEST(test_commit_fails),
        TEST(test_commit_fails_but_is_there),
        TEST(test_workers_are_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
