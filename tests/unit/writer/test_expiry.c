/* Deadlines: on time, never early, exactly once. */
#include "unit/writer/fixture.h"

static const int64_t HOLD_US = HOLD_SECONDS * INT64_C(1000000);

static uint32_t live_holds(const struct bench *b)
{
    return inventory_live_holds(inventory_at(b, 0));
}

static void test_exactly_at_its_time(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    assert_true(writer_next_wake_us(b->writer) == INT64_MAX);
    forward(b, 123456);
    struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
    int64_t deadline_us = held->req.verdict.last->hold->expires_ms * 1000;
    assert_true(writer_next_wake_us(b->writer) == deadline_us);
    assert_true(deadline_us >= START_US + HOLD_US);

    b->clock.virtual_wall_us = deadline_us - 1;
    settle(b);
    assert_int_equal(live_holds(b), 1);
    int64_t expired = metrics_get(METRIC_HOLDS_EXPIRED);
    b->clock.virtual_wall_us = deadline_us;
    size_t from = b->note_count;
    settle(b);
    assert_int_equal(live_holds(b), 0);
    assert_int_equal(noted(b, NOTE_CHANGED, from), 1);
    assert_int_equal(metrics_get(METRIC_HOLDS_EXPIRED), expired + 1);
    assert_int_equal(stored_status(b, 0, 3), SEAT_AVAILABLE);
    assert_true(writer_next_wake_us(b->writer) == INT64_MAX);
    settle(b);
    assert_int_equal(metrics_get(METRIC_HOLDS_EXPIRED), expired + 1);
    bench_free(b);
}

static void test_clock_set_back(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
    int64_t deadline_us = held->req.verdict.last->hold->expires_ms * 1000;
    b->clock.virtual_wall_us -= HOLD_US;
    settle(b);
    assert_int_equal(live_holds(b), 1);
    struct ask *second = asked(hold(b, 0, 4, 1), BOX_OK); /* goes on, and in order */
    assert_true(second->req.verdict.last->time_us > held->req.verdict.last->time_us);
    b->clock.virtual_wall_us = deadline_us - 1;
    settle(b);
    assert_true(live_holds(b) >= 1);
    assert_int_equal(stored_status(b, 0, 3), SEAT_HELD);
    b->clock.virtual_wall_us = deadline_us + HOLD_US; /* and far ahead */
    settle(b);
    assert_int_equal(live_holds(b), 0);
    bench_free(b);
}

/* The expiry is decided before the requests of its round: a buyer who waits for the seat gets it in the next
 * group. */
static void test_expiry_before_requests(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(hold(b, 0, 3, 1), BOX_OK);
    forward(b, HOLD_US);
    struct ask *next = asked(hold(b, 0, 3, 2), BOX_OK);
    assert_int_equal(stored_status(b, 0, 3), SEAT_HELD);
    assert_int_equal(next->req.verdict.last->seq, 4);
    bench_free(b);
}

/* At the deadline itself there is one winner, whatever came first, and the ticket is not sold after it. */
static void test_confirm_at_the_deadline(void **state)
{
    (void)state;
    for (int64_t offset_us = -1000; offset_us <= 1000; offset_us += 1000) {
        struct bench *b = bench_with_event();
        struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
        struct ask *order = asked(of_hold(b, 0, COMMAND_ORDER_CREATE, held), BOX_OK);
        struct ask *confirm = submitted(of_order(b, 0, COMMAND_ORDER_CONFIRM, order));
        b->clock.virtual_wall_us = held->req.verdict.last->hold->expires_ms * 1000 + offset_us;
        settle(b);
        assert_int_equal(confirm->req.code, offset_us < 0 ? BOX_OK : BOX_ENOTLIVE);
        struct order stored;
        struct order_id id = order->req.verdict.last->order->order_id;
        assert_int_equal(store_get_order(b->store, &id, &order->arena, &stored), 0);
        assert_int_equal(stored.status, offset_us < 0 ? ORDER_PAID : ORDER_EXPIRED);
        assert_int_equal(stored_status(b, 0, 3), offset_us < 0 ? SEAT_SOLD : SEAT_AVAILABLE);
        bench_free(b);
    }
}

/* A deadline that passes while a commit of its event is under way waits for that commit only. */
static void test_expiry_while_busy(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(create_event(b, "other"), BOX_OK);
    asked(hold(b, 0, 3, 1), BOX_OK);
    asked(hold(b, 1, 3, 1), BOX_OK);
    store_mem_set_async(b->store, true);
    forward(b, HOLD_US - 1000);
    submit(hold(b, 0, 4, 1));
    settle(b);
    forward(b, 1000);
    settle(b); /* the other event's expiry goes into a commit of its own */
    assert_true(writer_next_wake_us(b->writer) == INT64_MAX);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_true(store_mem_step(b->store));
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(live_holds(b), 1);
    assert_int_equal(inventory_live_holds(inventory_at(b, 1)), 0);
    assert_false(store_mem_step(b->store));
    bench_free(b);
}

/* What fell due while nobody ran is expired before the first request is taken. */
static void test_overdue_at_load(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        asked(hold(b, 0, i, 1), BOX_OK);
    forward(b, HOLD_US / 2);
    asked(hold(b, 0, 5, 1), BOX_OK);
    forward(b, HOLD_US / 2);
    restart(b);
    assert_int_equal(live_holds(b), 1);
    assert_int_equal(stored_status(b, 0, 0), SEAT_AVAILABLE);
    assert_int_equal(stored_status(b, 0, 5), SEAT_HELD);
    bench_free(b);
}

static void test_overdue_at_load_and_the_store_fails(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(hold(b, 0, 3, 1), BOX_OK);
    forward(b, HOLD_US);
    writer_free(b->writer);
    start_writer(b);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    assert_int_equal(writer_load(b->writer, NULL, NULL), BOX_EUNKNOWN);
    assert_false(writer_ready(b->writer));
    settle(b); /* it would recover all the same */
    assert_true(writer_ready(b->writer));
    assert_int_equal(live_holds(b), 0);
    bench_free(b);
}

/* ---- a wave ---- */

enum { WAVE = 5000 };

static struct layout *big_hall(void)
{
    struct layout_builder *b = layout_builder_new();
    assert_int_equal(layout_builder_section(b, section_numbered(20), "Floor"), 0);
    assert_int_equal(layout_builder_type(b, "standing", price_of(4500)), 0);
    assert_int_equal(layout_builder_unnumbered(b, WAVE), 0);
    return built(b);
}

/* A wave of expiries is ended in shares, with the requests of each round in between. */
static void test_a_wave_does_not_stop_requests(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    layout_unref(b->layout);
    b->layout = big_hall();
    asked(create_event(b, "concert"), BOX_OK);
    for (uint32_t i = 0; i < WAVE; i++) {
        struct ask *a = hold(b, 0, i, 1);
        a->req.command.session.u.b[1] = (uint8_t)(i >> 8);
        a->req.command.session.u.b[2] = (uint8_t)i;
        a->req.command.actor = actor_key("test");
        submit(a);
    }
    settle(b);
    assert_int_equal(live_holds(b), WAVE);
    forward(b, HOLD_US);
    struct ask *pause = submitted(command(b, 0, COMMAND_EVENT_PAUSE));
    assert_true(step(b));
    assert_int_equal(pause->req.code, BOX_OK);
    assert_true(live_holds(b) > 0 && live_holds(b) < WAVE);
    settle(b);
    assert_int_equal(live_holds(b), 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_at_its_time),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_expiry_before_requests),
        cmocka_unit_test(test_confirm_at_the_deadline),
        cmocka_unit_test(test_expiry_while_busy),
        cmocka_unit_test(test_overdue_at_load),
        cmocka_unit_test(test_overdue_at_load_and_the_store_fails),
        cmocka_unit_test(test_a_wave_does_not_stop_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
