/* The queue's bound, and the end. */
#include "unit/writer/fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static void test_bounded(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    writer_free(b->writer);
    b->queue_limit = 3;
    start_writer(b);
    assert_int_equal(writer_load(b->writer, NULL, NULL), 0);

    int64_t refused = metrics_get(METRIC_OVERLOAD_REFUSALS);
    struct ask *asks[3];
    for (uint32_t i = 0; i < 3; i++)
        asks[i] = submitted(hold(b, 0, i, 1));
    struct ask *one_more = hold(b, 0, 4, 1);
    assert_int_equal(writer_submit(b->writer, &one_more->req), BOX_EBUSY);
    struct ask *claim = ask_new(b, WRITER_CLAIM);
    assert_int_equal(writer_submit(b->writer, &claim->req), BOX_EBUSY);
    submit(ask_new(b, WRITER_RELEASE)); /* what ends a claim is never refused */
    struct ask *create = submitted(create_event(b, "other"));
    assert_int_equal(metrics_get(METRIC_OVERLOAD_REFUSALS), refused + 2);
    settle(b);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(asks[i]->req.code, BOX_OK);
    assert_int_equal(create->req.code, BOX_OK);
    assert_false(one_more->answered);
    assert_int_equal(metrics_get(METRIC_WRITER_QUEUE), 0);
    asked(one_more, BOX_OK); /* it was never lent */
    bench_free(b);
}

/* Requests that wait for the disk count as well: they hold memory. */
static void test_bound_counts_until_the_answer(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    writer_free(b->writer);
    b->queue_limit = 1;
    start_writer(b);
    assert_int_equal(writer_load(b->writer, NULL, NULL), 0);
    store_mem_set_async(b->store, true);
    struct ask *first = submitted(hold(b, 0, 1, 1));
    settle(b);
    struct ask *second = hold(b, 0, 2, 1);
    assert_int_equal(writer_submit(b->writer, &second->req), BOX_EBUSY);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_true(first->answered);
    store_mem_set_async(b->store, false);
    asked(second, BOX_OK);
    bench_free(b);
}

static void test_one_event_has_its_share_of_the_places(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(create_event(b, "other"), BOX_OK);
    writer_free(b->writer);
    b->queue_limit = 3;
    b->event_limit = 2;
    start_writer(b);
    assert_int_equal(writer_load(b->writer, NULL, NULL), 0);
    struct ask *first = submitted(hold(b, 0, 0, 1)), *second = submitted(hold(b, 0, 1, 1));
    struct ask *third = hold(b, 0, 2, 1);
    assert_int_equal(writer_submit(b->writer, &third->req), BOX_EBUSY);
    struct ask *other = submitted(hold(b, 1, 0, 1)), *too_many = hold(b, 1, 1, 1);
    assert_int_equal(writer_submit(b->writer, &too_many->req), BOX_EBUSY);
    settle(b);
    assert_int_equal(first->req.code, BOX_OK);
    assert_int_equal(second->req.code, BOX_OK);
    assert_int_equal(other->req.code, BOX_OK);
    asked(third, BOX_OK);
    bench_free(b);
}

/* Whoever has seats can pay for them and give them back, however many others want some. */
static void test_new_holds_leave_room_for_the_rest(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *mine = asked(hold(b, 0, 0, 1), BOX_OK);
    struct hold_id id = hold_of(mine);
    writer_free(b->writer);
    b->queue_limit = 4;
    b->queue_reserve = 2;
    start_writer(b);
    assert_int_equal(writer_load(b->writer, NULL, NULL), 0);
    const struct event_id *event = &b->events[0]->event_id;
    assert_false(writer_full(b->writer, event));
    submit(hold(b, 0, 1, 1));
    submit(hold(b, 0, 2, 1));
    assert_true(writer_full(b->writer, event));
    struct ask *too_many = hold(b, 0, 3, 1), *extend = command(b, 0, COMMAND_HOLD_EXTEND);
    struct ask *release = command(b, 0, COMMAND_HOLD_RELEASE), *third = command(b, 0, COMMAND_HOLD_RELEASE);
    extend->req.command.hold_id = release->req.command.hold_id = third->req.command.hold_id = id;
    assert_int_equal(writer_submit(b->writer, &too_many->req), BOX_EBUSY);
    submit(extend);
    submit(release);
    assert_int_equal(writer_submit(b->writer, &third->req), BOX_EBUSY);
    settle(b);
    assert_int_equal(extend->req.code, BOX_OK);
    assert_int_equal(release->req.code, BOX_OK);
    assert_false(writer_full(b->writer, event));
    asked(too_many, BOX_OK);
    bench_free(b);
}

/* A crowd at one event: who wants another is decided in the very next round, at most a turn of each later. */
static void test_a_crowd_holds_up_nobody_else(void **state)
{
    enum { CROWD = 3000 };
    struct bench *b = bench_with_event();
    (void)state;
    asked(create_event(b, "other"), BOX_OK);
    struct ask *crowd[CROWD];
    for (unsigned i = 0; i < CROWD; i++)
        crowd[i] = submitted(hold(b, 0, i % SEATS, (uint8_t)i));
    struct ask *other = submitted(hold(b, 1, 0, 1)),
               *claim = submitted(with_key(ask_new(b, WRITER_CLAIM), "k", "b"));
    step(b);
    assert_true(other->answered && claim->answered);
    assert_int_equal(other->req.code, BOX_OK);
    assert_true(crowd[0]->answered);
    assert_false(crowd[CROWD - 1]->answered);
    settle(b);
    unsigned won = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        assert_true(crowd[i]->answered);
        won += crowd[i]->req.code == BOX_OK;
        assert_true((crowd[i]->req.code == BOX_OK) == (i < SEATS)); /* in the order in which they came */
    }
    assert_int_equal(won, SEATS);
    bench_free(b);
}

/* Those who stand in the lane of an event that is deleted get their answer. */
static void test_a_lane_whose_event_goes(void **state)
{
    enum { CROWD = 2500 };
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *create = create_event(b, "other");
    struct event *hidden = event_with_state(create->req.new_event, false, EVENT_SCHEDULED, false);
    hidden->ever_published = false; /* so that it may be deleted */
    create->req.new_event = hidden;
    asked(create, BOX_OK);
    struct ask *delete = submitted(command(b, 1, COMMAND_EVENT_DELETE));
    struct ask *crowd[CROWD];
    for (unsigned i = 0; i < CROWD; i++)
        crowd[i] = submitted(hold(b, 1, 0, 1));
    struct ask *neighbour = submitted(hold(b, 0, 0, 1));
    settle(b);
    assert_int_equal(delete->req.code, BOX_OK);
    for (unsigned i = 0; i < CROWD; i++)
        assert_int_equal(crowd[i]->req.code, BOX_ENOTFOUND);
    assert_int_equal(neighbour->req.code, BOX_OK);
    event_unref(hidden);
    bench_free(b);
}

static void test_stop_answers_all(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *claim = with_key(ask_new(b, WRITER_CLAIM), "key", "body");
    asked(claim, BOX_OK);
    struct ask *waits = submitted(with_key(ask_new(b, WRITER_CLAIM), "key", "body"));
    struct ask *a = submitted(hold(b, 0, 3, 1));
    struct ask *loser = submitted(hold(b, 0, 3, 2));
    writer_stop(b->writer);
    writer_stop(b->writer);
    struct ask *late = hold(b, 0, 4, 1);
    assert_int_equal(writer_submit(b->writer, &late->req), BOX_ESHUTDOWN);
    struct ask *release = with_key(ask_new(b, WRITER_RELEASE), "key", "body");
    assert_int_equal(writer_submit(b->writer, &release->req), BOX_ESHUTDOWN);
    writer_run(b->writer);
    task_run_all(&b->replies);
    assert_int_equal(a->req.code, BOX_OK);
    assert_int_equal(loser->req.code, BOX_ESEATSTAKEN);
    assert_int_equal(waits->req.code, BOX_ESHUTDOWN);
    assert_false(late->answered || release->answered);
    assert_int_equal(stored_status(b, 0, 3), SEAT_HELD);
    bench_free(b);
}

static void test_stop_while_the_store_is_failed(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    store_mem_set_reopen_failures(b->store, 1000);
    struct ask *a = submitted(hold(b, 0, 3, 1));
    assert_true(step(b));
    struct ask *later = submitted(hold(b, 0, 3, 1));
    writer_stop(b->writer);
    writer_run(b->writer);
    task_run_all(&b->replies);
    assert_int_equal(a->req.code, BOX_EUNKNOWN);
    assert_int_equal(later->req.code, BOX_EUNAVAILABLE);
    bench_free(b);
}

/* ---- with its thread ---- */

static void *run(void *arg)
{
    writer_run(arg);
    return NULL;
}

static struct writer *to_stop;

static void on_signal(int signal)
{
    (void)signal;
    writer_stop(to_stop);
}

static void test_stop_from_a_signal(void **state)
{
    struct bench *b = bench_with_event();
    pthread_t thread;
    (void)state;
    to_stop = b->writer;
    signal(SIGUSR1, on_signal);
    assert_int_equal(pthread_create(&thread, NULL, run, b->writer), 0);
    usleep(1000);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    bench_free(b);
}

/* On the machine's own clock: the thread sleeps until the deadline and not much longer. */
static void test_wakes_for_a_deadline(void **state)
{
    struct bench *b = bench_with_event();
    pthread_t thread;
    (void)state;
    struct event_edit edit = {.set = EVENT_HOLD_SECONDS, .hold_seconds = 1};
    struct ask *shorter = command(b, 0, COMMAND_EVENT_EDIT);
    shorter->req.command.edit = &edit;
    asked(shorter, BOX_OK);
    clock_init_system(&b->clock);
    struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
    int64_t deadline_us = held->req.verdict.last->hold->expires_ms * 1000;
    int64_t expired = metrics_get(METRIC_HOLDS_EXPIRED);

    assert_int_equal(pthread_create(&thread, NULL, run, b->writer), 0);
    while (metrics_get(METRIC_HOLDS_EXPIRED) == expired)
        usleep(200);
    int64_t seen_us = clock_wall_us(&b->clock);
    writer_stop(b->writer);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(seen_us >= deadline_us);
    assert_true(seen_us <
                deadline_us + 500000); /* a loaded machine is no failure; an early or lost wake-up is */
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_bound_counts_until_the_answer),
        cmocka_unit_test(test_one_event_has_its_share_of_the_places),
        cmocka_unit_test(test_new_holds_leave_room_for_the_rest),
        cmocka_unit_test(test_a_crowd_holds_up_nobody_else),
        cmocka_unit_test(test_a_lane_whose_event_goes),
        cmocka_unit_test(test_stop_answers_all),
        cmocka_unit_test(test_stop_while_the_store_is_failed),
        cmocka_unit_test(test_stop_from_a_signal),
        cmocka_unit_test(test_wakes_for_a_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
