/* Holds and orders: whose they are, what has ended, what comes twice. */
#include "unit/app/fixture.h"

enum { ALICE = 1, BOB = 2 };

static const char *current_of(const struct ask *a)
{
    return a->call.req.verdict.current;
}

/* ---- holds ---- */

static void test_hold(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct ask *a = hold_seats(ask_by(w, ALICE), &event, 3, 2);
    assert_int_equal(code_of(a), 0);
    const struct hold *h = a->call.hold;
    assert_int_equal(h->line_count, 2);
    assert_int_equal(h->lines[0].seat, 3);
    assert_int_equal(h->lines[1].price.minor, 4500);
    assert_int_equal(h->total.minor, 9000);
    assert_string_equal(a->call.price_types[h->lines[0].price_type], "standard");
    assert_int_equal(a->call.seq, 2);
    assert_int_equal(free_seats(w, &event), SEATS - 2);
}

/* What is answered says what the clock says: else a countdown would run wrong by as much. */
static void test_hold_after_the_clock_was_set_back(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    w->clock.virtual_wall_us -= INT64_C(3600000000);
    struct ask *a = hold_seats(ask_by(w, ALICE), &event, 3, 2);
    assert_int_equal(code_of(a), 0);
    assert_int_equal(a->call.now_ms, app_now_ms(w->app));
    assert_int_equal(a->call.hold->expires_ms - a->call.now_ms, HOLD_SECONDS * 1000);
}

static void test_hold_is_read_again(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct hold_id id = held(w, ALICE, &event, 0);
    struct ask *mine = ask_by(w, ALICE), *other = ask_by(w, BOB), *key = ask_new(w);
    app_hold_get(&mine->call, &id);
    app_hold_get(&other->call, &id);
    app_hold_get(&key->call, &id);
    assert_int_equal(code_of(mine), 0);
    assert_int_equal(mine->call.hold->line_count, 2);
    assert_int_equal(mine->call.seq, 2);
    assert_int_equal(code_of(other), BOX_ENOTFOUND);
    assert_int_equal(code_of(key), 0);
}

static void test_unknown_ids(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct rng rng;
    rng_init_seeded(&rng, 9);
    struct event_id nowhere = event_id_new(&rng);
    struct hold_id holds[] = {
        hold_id_new(&event, 77, &rng), hold_id_new(&nowhere, 2, &rng), {uuid_random(&rng)}};
    for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
        struct order_id order = {holds[i].u};
        struct ask *get = ask_new(w), *extend = ask_new(w), *release = ask_new(w), *get_order = ask_new(w);
        struct ask *cancel = ask_new(w), *refund = ask_new(w);
        app_hold_get(&get->call, &holds[i]);
        app_hold_extend(&extend->call, &holds[i], 0);
        app_hold_release(&release->call, &holds[i]);
        app_order_get(&get_order->call, &order);
        app_order_cancel(&cancel->call, &order);
        app_order_refund(&refund->call, &order, true);
        assert_int_equal(code_of(get), BOX_ENOTFOUND);
        assert_int_equal(code_of(extend), BOX_ENOTFOUND);
        assert_int_equal(code_of(release), BOX_ENOTFOUND);
        assert_int_equal(code_of(get_order), BOX_ENOTFOUND);
        assert_int_equal(code_of(cancel), BOX_ENOTFOUND);
        assert_int_equal(code_of(refund), BOX_ENOTFOUND);
        assert_int_equal(code_of(order_hold(ask_new(w), &holds[i])), BOX_ENOTFOUND);
        assert_int_equal(code_of(confirm(ask_new(w), &order, "p")), BOX_ENOTFOUND);
    }
}

static void test_ended_hold(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct hold_id released = held(w, ALICE, &event, 0), expired = held(w, ALICE, &event, 2);
    struct ask *release = ask_by(w, ALICE), *again = ask_by(w, ALICE), *late = ask_by(w, ALICE);
    struct ask *foreign = ask_by(w, BOB);
    app_hold_release(&release->call, &released);
    assert_int_equal(code_of(release), 0);
    app_hold_release(&again->call, &released);
    assert_int_equal(code_of(again), BOX_EHOLDSTATE);
    assert_string_equal(current_of(again), "released");
    pass(w, HOLD_SECONDS * 1000);
    app_hold_extend(&late->call, &expired, 0);
    assert_int_equal(code_of(late), BOX_EHOLDSTATE);
    assert_string_equal(current_of(late), "expired");
    app_hold_extend(&foreign->call, &expired, 0);
    assert_int_equal(code_of(foreign), BOX_ENOTFOUND);
}

static void test_order_of_an_ended_hold(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct hold_id released = held(w, ALICE, &event, 0), expired = held(w, ALICE, &event, 2);
    struct ask *release = ask_by(w, ALICE);
    app_hold_release(&release->call, &released);
    assert_int_equal(code_of(release), 0);
    struct ask *order = order_hold(ask_by(w, ALICE), &released);
    assert_int_equal(code_of(order), BOX_EHOLDSTATE);
    assert_string_equal(current_of(order), "released");
    pass(w, HOLD_SECONDS * 1000);
    assert_int_equal(code_of(order_hold(ask_by(w, ALICE), &expired)), BOX_EHOLDEXPIRED);
}

/* A repeat gets its answer, whatever became of the event since. */
static void test_replay_when_the_event_is_hidden(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct ask *first = hold_seats(with_key(ask_by(w, ALICE), "k", 1), &event, 0, 1);
    assert_int_equal(code_of(first), 0);
    struct ask *hide = ask_new(w);
    assert_int_equal(app_find_event(&hide->call, &event), 0);
    app_event_command(&hide->call, COMMAND_EVENT_UNPUBLISH);
    assert_int_equal(code_of(hide), 0);
    assert_string_equal(answer_of(hide), "event with 19 free at seq 3");
    struct ask *again = hold_seats(with_key(ask_by(w, ALICE), "k", 1), &event, 0, 1);
    assert_int_equal(code_of(again), 0);
    assert_true(again->call.replayed);
    assert_string_equal(answer_of(again), answer_of(first));
    assert_int_equal(code_of(hold_seats(with_key(ask_by(w, ALICE), "k", 2), &event, 0, 1)), BOX_EIDEMREUSED);
    assert_int_equal(code_of(hold_seats(with_key(ask_by(w, ALICE), "k2", 1), &event, 1, 1)), BOX_ENOTFOUND);
}

/* ---- orders ---- */

static void test_order(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct order_id id = ordered(w, ALICE, &event, 0);
    struct ask *mine = ask_by(w, ALICE), *other = ask_by(w, BOB);
    app_order_get(&mine->call, &id);
    app_order_get(&other->call, &id);
    assert_int_equal(code_of(mine), 0);
    assert_int_equal(mine->call.order->status, ORDER_PENDING);
    assert_string_equal(mine->call.personal.email, "ada@example.org");
    assert_null(mine->call.personal.payment_reference);
    assert_int_equal(code_of(other), BOX_ENOTFOUND);
}

static void test_confirm_comes_twice(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct order_id id = ordered(w, ALICE, &event, 0);
    struct ask *first = confirm(ask_new(w), &id, "p1");
    assert_int_equal(code_of(first), 0);
    assert_int_equal(first->call.order->status, ORDER_PAID);
    assert_string_equal(first->call.personal.name, "Ada");
    assert_string_equal(first->call.personal.payment_reference, "p1");
    struct ask *again = confirm(ask_new(w), &id, "p1");
    assert_int_equal(code_of(again), 0);
    assert_int_equal(again->call.order->status, ORDER_PAID);
    assert_int_equal(again->call.order->line_count, 2);
    assert_int_equal(again->call.seq, first->call.seq);
    struct ask *other = confirm(ask_new(w), &id, "p2");
    assert_int_equal(code_of(other), BOX_EORDERSTATE);
    assert_string_equal(current_of(other), "paid");
}

static void test_confirm_comes_twice_at_once(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct order_id id = ordered(w, ALICE, &event, 0);
    struct ask *first = confirm(ask_new(w), &id, "p1"), *second = confirm(ask_new(w), &id, "p1");
    assert_int_equal(code_of(first), 0);
    assert_int_equal(code_of(second), 0);
    assert_int_equal(second->call.order->status, ORDER_PAID);
}

static void test_confirm_too_late(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct order_id id = ordered(w, ALICE, &event, 0);
    pass(w, HOLD_SECONDS * 1000);
    assert_int_equal(code_of(confirm(ask_new(w), &id, "p")), BOX_EHOLDEXPIRED);
    assert_int_equal(free_seats(w, &event), SEATS);
}

static void test_confirm_of_a_cancelled_order(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct order_id id = ordered(w, ALICE, &event, 0);
    struct ask *cancel = ask_by(w, ALICE), *again = ask_by(w, ALICE), *foreign = ask_by(w, BOB);
    app_order_cancel(&cancel->call, &id);
    assert_int_equal(code_of(cancel), 0);
    assert_string_equal(cancel->call.personal.name, "Ada");
    app_order_cancel(&again->call, &id);
    assert_int_equal(code_of(again), BOX_EORDERSTATE);
    assert_string_equal(current_of(again), "cancelled");
    app_order_cancel(&foreign->call, &id);
    assert_int_equal(code_of(foreign), BOX_ENOTFOUND);
    struct ask *late = confirm(ask_new(w), &id, "p");
    assert_int_equal(code_of(late), BOX_EORDERSTATE);
    assert_string_equal(current_of(late), "cancelled");
}

static struct ask *refund(struct ask *a, const struct order_id *id)
{
    app_order_refund(&a->call, id, true);
    return a;
}

static void test_refund(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct order_id id = ordered(w, ALICE, &event, 0);
    struct ask *early = refund(ask_new(w), &id);
    assert_int_equal(code_of(early), BOX_EORDERSTATE);
    assert_string_equal(current_of(early), "pending");
    assert_int_equal(code_of(confirm(ask_new(w), &id, "p")), 0);
    struct ask *first = refund(with_key(ask_new(w), "k", 1), &id);
    assert_int_equal(code_of(first), 0);
    assert_int_equal(first->call.order->status, ORDER_REFUNDED);
    assert_int_equal(free_seats(w, &event), SEATS);
    struct ask *replay = refund(with_key(ask_new(w), "k", 1), &id);
    assert_int_equal(code_of(replay), 0);
    assert_true(replay->call.replayed);
    assert_string_equal(answer_of(replay), answer_of(first));
    struct ask *again = refund(ask_new(w), &id);
    assert_int_equal(code_of(again), BOX_EORDERSTATE);
    assert_string_equal(current_of(again), "refunded");
}

/* ---- the event's own counts in the answer to a write ---- */

static void test_cancel_counts_its_own_holds(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    held(w, ALICE, &event, 0);
    held(w, BOB, &event, 4);
    struct ask *cancel = with_key(ask_new(w), "k", 1);
    assert_int_equal(app_find_event(&cancel->call, &event), 0);
    app_event_command(&cancel->call, COMMAND_EVENT_CANCEL);
    assert_int_equal(code_of(cancel), 0);
    assert_string_equal(answer_of(cancel), "event with 20 free at seq 6");
    assert_int_equal(cancel->call.event_now->status, EVENT_CANCELLED);
}

/* The answer to a write is made after it: by then the event may be gone. */
/* A write that was fenced is decided, and its answer made, once more. */
static void test_answer_is_made_twice(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    store_mem_fail(w->store, 1, STORE_MEM_FENCE);
    struct ask *a = with_key(ask_new(w), "k", 1);
    assert_int_equal(app_find_event(&a->call, &event), 0);
    app_event_command(&a->call, COMMAND_EVENT_CANCEL);
    assert_int_equal(code_of(a), 0);
    assert_int_equal(a->call.event_now->status, EVENT_CANCELLED);
}

static void test_event_that_is_deleted_meanwhile(void **state)
{
    struct world *w = *state;
    struct ask *make = make_event(ask_new(w), NULL); /* not published */
    assert_int_equal(code_of(make), 0);
    struct ask *pause = ask_new(w), *erase = ask_new(w), *late = ask_new(w);
    struct event_id event = make->event_plan.event->event_id;
    assert_int_equal(app_find_event(&pause->call, &event), 0);
    assert_int_equal(app_find_event(&erase->call, &event), 0);
    assert_int_equal(app_find_event(&late->call, &event), 0);
    app_event_command(&pause->call, COMMAND_EVENT_PAUSE);
    app_event_command(&erase->call, COMMAND_EVENT_DELETE);
    app_event_command(&late->call, COMMAND_EVENT_RESUME);
    assert_int_equal(code_of(pause), 0);
    assert_int_equal(pause->call.counts[SEAT_AVAILABLE], SEATS);
    assert_non_null(pause->call.event_now);
    assert_int_equal(code_of(erase), 0);
    assert_int_equal(code_of(late), BOX_ENOTFOUND);
}

static void test_nothing_while_workers_are_busy(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct order_id id = ordered(w, ALICE, &event, 0);
    w->workers.limit = 0;
    struct ask *get = ask_by(w, ALICE);
    app_order_get(&get->call, &id);
    assert_int_equal(code_of(get), BOX_EBUSY);
    assert_int_equal(code_of(confirm(ask_new(w), &id, "p")), BOX_EBUSY);
    assert_int_equal(code_of(refund(with_key(ask_new(w), "k", 1), &id)), BOX_EBUSY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hold),
        TEST(test_hold_after_the_clock_was_set_back),
        TEST(test_hold_is_read_again),
        TEST(test_unknown_ids),
        TEST(test_ended_hold),
        TEST(test_order_of_an_ended_hold),
        TEST(test_replay_when_the_event_is_hidden),
        TEST(test_order),
        TEST(test_confirm_comes_twice),
        TEST(test_confirm_comes_twice_at_once),
        TEST(test_confirm_too_late),
        TEST(test_confirm_of_a_cancelled_order),
        TEST(test_refund),
        TEST(test_cancel_counts_its_own_holds),
        TEST(test_answer_is_made_twice),
        TEST(test_event_that_is_deleted_meanwhile),
        TEST(test_nothing_while_workers_are_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
