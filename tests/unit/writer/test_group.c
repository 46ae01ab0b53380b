/* Rounds and groups: what is decided together, in what order things become durable, visible and answered. */
#include "unit/writer/fixture.h"

static void test_durable_before_visible_before_answered(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    store_mem_set_async(b->store, true);
    size_t from = b->note_count;
    struct ask *a = submitted(hold(b, 0, 3, 1));
    settle(b);
    assert_int_equal(b->note_count, from); /* not durable: nobody sees or hears of it */
    assert_int_equal(stored_status(b, 0, 3), SEAT_AVAILABLE);

    assert_true(store_mem_step(b->store));
    assert_int_equal(stored_status(b, 0, 3), SEAT_HELD);
    assert_int_equal(b->note_count, from);
    settle(b);
    assert_int_equal(b->note_count, from + 2);
    assert_int_equal(b->notes[from].kind, NOTE_CHANGED);
    assert_int_equal(b->notes[from].seq, a->req.verdict.last->seq);
    assert_ptr_equal(b->notes[from + 1].ask, a);
    assert_int_equal(a->req.code, BOX_OK);
    assert_false(store_mem_step(b->store));
    bench_free(b);
}

static void test_many_requests_one_commit(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(create_event(b, "other"), BOX_OK);
    uint64_t before = store_commit_no(b->store);
    int64_t groups = metrics_get(METRIC_COMMIT_GROUPS);
    store_mem_set_async(b->store, true);
    struct ask *asks[SEATS];
    for (uint32_t i = 0; i < SEATS; i++)
        asks[i] = submitted(hold(b, i % 2, i, 1));
    assert_true(step(b));
    assert_false(step(b));
    assert_true(store_mem_step(b->store)); /* of both events */
    assert_false(store_mem_step(b->store));
    settle(b);
    for (uint32_t i = 0; i < SEATS; i++)
        assert_int_equal(asks[i]->req.code, BOX_OK);
    assert_int_equal(store_commit_no(b->store), before + SEATS);
    assert_int_equal(metrics_get(METRIC_COMMIT_GROUPS), groups + 2);
    assert_int_equal(b->notes[b->note_count - 1].kind, NOTE_DONE);
    bench_free(b);
}

static void test_a_group_is_bounded(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    store_mem_set_async(b->store, true);
    struct ask *last = NULL;
    for (unsigned i = 0; i < LIMIT_GROUP_COMMANDS + 5; i++)
        last = submitted(hold(b, 0, i % SEATS, 1));
    assert_true(step(b));
    assert_true(writer_next_wake_us(b->writer) <= b->clock.virtual_wall_us); /* five are left */
    settle(b);
    while (store_mem_step(b->store))
        settle(b);
    assert_int_equal(last->req.code, BOX_ESEATSTAKEN);
    bench_free(b);
}

static void test_refusal_needs_no_disk(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(hold(b, 0, 3, 1), BOX_OK);
    store_mem_set_async(b->store, true);
    struct ask *a = submitted(hold(b, 0, 3, 2));
    struct ask *unknown = ask_new(b, WRITER_COMMAND);
    unknown->req.event_id = event_numbered(99);
    submit(unknown);
    settle(b);
    assert_true(a->answered && unknown->answered);
    assert_int_equal(a->req.code, BOX_ESEATSTAKEN);
    assert_int_equal(a->req.verdict.taken_count, 1);
    assert_int_equal(unknown->req.code, BOX_ENOTFOUND);
    assert_false(store_mem_step(b->store));
    bench_free(b);
}

/* It must not be heard before that on which it rests is durable. */
static void test_refusal_that_rests_on_the_group_waits(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    store_mem_set_async(b->store, true);
    struct ask *first = submitted(hold(b, 0, 3, 1));
    struct ask *second = submitted(hold(b, 0, 3, 2));
    settle(b);
    assert_false(second->answered);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(first->req.code, BOX_OK);
    assert_int_equal(second->req.code, BOX_ESEATSTAKEN);
    assert_true(done_at(b, first) < done_at(b, second));
    assert_false(store_mem_step(b->store));
    bench_free(b);
}

/* A command that touches what the open group changed is decided in the next, before what came later. */
static void test_deferred_goes_first(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
    store_mem_set_async(b->store, true);
    struct ask *release = submitted(of_hold(b, 0, COMMAND_HOLD_RELEASE, held));
    struct ask *deferred = submitted(hold(b, 0, 3, 2));
    struct ask *free_seat = submitted(hold(b, 0, 4, 2));
    settle(b);
    struct ask *late = submitted(hold(b, 0, 3, 3));
    settle(b);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_true(release->answered && free_seat->answered);
    assert_false(deferred->answered || late->answered);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(deferred->req.code, BOX_OK);
    assert_int_equal(late->req.code, BOX_ESEATSTAKEN);
    bench_free(b);
}

/* One event waits for its commit, the others go on. */
static void test_events_do_not_wait_for_each_other(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(create_event(b, "other"), BOX_OK);
    store_mem_set_async(b->store, true);
    struct ask *first = submitted(hold(b, 0, 3, 1));
    settle(b);
    struct ask *same = submitted(hold(b, 0, 4, 1));
    struct ask *other = submitted(hold(b, 1, 4, 1));
    settle(b);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_true(first->answered);
    assert_false(same->answered || other->answered);
    assert_true(store_mem_step(b->store)); /* the other event's: it did not wait */
    settle(b);
    assert_true(other->answered);
    assert_false(same->answered);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(same->req.code, BOX_OK);
    bench_free(b);
}

static void test_personal_data_are_stored_with_the_order(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
    struct personal personal = {.name = "Ada", .email = "ada@example.org"};
    struct ask *order = of_hold(b, 0, COMMAND_ORDER_CREATE, held);
    order->req.personal = &personal;
    asked(order, BOX_OK);

    struct personal stored;
    struct order_id id = order->req.verdict.last->order->order_id;
    assert_int_equal(store_get_personal(b->store, &id, &order->arena, &stored), 0);
    assert_string_equal(stored.name, "Ada");
    assert_string_equal(stored.email, "ada@example.org");
    bench_free(b);
}

/* What a request is given back is its own part of the group: nothing of its neighbours, nothing that may be
 * gone. */
static void test_verdicts_part_after_the_commit(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *pause = submitted(command(b, 0, COMMAND_EVENT_PAUSE));
    struct ask *resume = submitted(command(b, 0, COMMAND_EVENT_RESUME));
    struct ask *h = submitted(hold(b, 0, 1, 1));
    settle(b);
    assert_int_equal(pause->req.code, BOX_OK);
    assert_int_equal(resume->req.code, BOX_OK);
    assert_int_equal(h->req.code, BOX_OK);
    assert_ptr_equal(pause->req.verdict.changes, pause->req.verdict.last);
    assert_null(pause->req.verdict.last->next);
    assert_null(pause->req.verdict.last->event);
    assert_int_equal(resume->req.verdict.last->seq, pause->req.verdict.last->seq + 1);
    bench_free(b);
}

/* ---- events come and go ---- */

static void test_create_and_delete(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    struct ask *a = create_event(b, "concert");
    struct ask *same_slug = create_event(b, "concert");
    store_mem_set_async(b->store, true);
    submit(a);
    settle(b);
    assert_int_equal(b->note_count, 0);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(b->notes[0].kind, NOTE_LOADED);
    assert_int_equal(b->notes[0].seq, 1);
    assert_int_equal(a->req.code, BOX_OK);
    assert_int_equal(a->req.verdict.last->kind, CHANGE_EVENT_CREATED);
    store_mem_set_async(b->store, false);

    asked(same_slug, BOX_ESLUGTAKEN);
    asked(command(b, 0, COMMAND_EVENT_DELETE), BOX_EEVENTSTATE); /* was published */
    bench_free(b);
}

static void test_deleted_event_is_gone_and_frees_its_slug(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    struct ask *a = create_event(b, "concert");
    const struct event *published = a->req.new_event;
    struct event *hidden = event_with_state(published, false, EVENT_SCHEDULED, false);
    hidden->ever_published = false; /* ours alone until it is created */
    a->req.new_event = hidden;
    asked(a, BOX_OK);

    size_t from = b->note_count;
    struct ask *del = submitted(command(b, 0, COMMAND_EVENT_DELETE));
    struct ask *late = submitted(command(b, 0, COMMAND_EVENT_PAUSE));
    settle(b);
    assert_int_equal(del->req.code, BOX_OK);
    assert_int_equal(late->req.code, BOX_ENOTFOUND);
    assert_int_equal(b->notes[from].kind, NOTE_CHANGED);
    assert_int_equal(b->notes[from + 1].kind, NOTE_GONE);
    assert_null(inventory_at(b, 0));
    asked(command(b, 0, COMMAND_EVENT_PAUSE), BOX_ENOTFOUND);
    asked(create_event(b, "concert"), BOX_OK);
    event_unref(hidden);

    restart(b);
    assert_null(inventory_at(b, 0));
    assert_non_null(inventory_at(b, 1));
    asked(create_event(b, "concert"), BOX_ESLUGTAKEN);
    bench_free(b);
}

static void count_progress(void *ctx, size_t events, uint64_t tickets)
{
    uint64_t *seen = ctx;
    seen[0] = events;
    seen[1] = tickets;
}

static void test_load(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(create_event(b, "other"), BOX_OK);
    asked(hold(b, 1, 7, 1), BOX_OK);
    size_t from = b->note_count;
    uint64_t seen[2] = {0};
    writer_free(b->writer);
    start_writer(b);
    assert_false(writer_ready(b->writer));
    assert_int_equal(writer_load(b->writer, count_progress, seen), 0);
    assert_true(writer_ready(b->writer));
    assert_int_equal(noted(b, NOTE_LOADED, from), 2);
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 2 * SEATS);
    assert_int_equal(metrics_get(METRIC_LIVE_HOLDS), 1);
    asked(hold(b, 1, 7, 2), BOX_ESEATSTAKEN);
    asked(hold(b, 1, 8, 2), BOX_OK);
    bench_free(b);
    assert_int_equal(metrics_get(METRIC_LIVE_HOLDS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durable_before_visible_before_answered),
        cmocka_unit_test(test_many_requests_one_commit),
        cmocka_unit_test(test_a_group_is_bounded),
        cmocka_unit_test(test_refusal_needs_no_disk),
        cmocka_unit_test(test_refusal_that_rests_on_the_group_waits),
        cmocka_unit_test(test_deferred_goes_first),
        cmocka_unit_test(test_events_do_not_wait_for_each_other),
        cmocka_unit_test(test_personal_data_are_stored_with_the_order),
        cmocka_unit_test(test_verdicts_part_after_the_commit),
        cmocka_unit_test(test_create_and_delete),
        cmocka_unit_test(test_deleted_event_is_gone_and_frees_its_slug),
        cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
