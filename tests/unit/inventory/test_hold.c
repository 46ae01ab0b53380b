/* Holds: who gets seats, for how long, and how it ends. */
#include "unit/inventory/rig.h"

/* ---- create ---- */

static void test_create(void **state)
{
    struct rig *r = *state;
    assert_int_equal(hold(r, ALICE, SEATS(3, 1, 12)), BOX_OK);
    const struct change *c = r->v.last;
    assert_int_equal(c->kind, CHANGE_HOLD_CREATED);
    assert_int_equal(c->actor.kind, ACTOR_SESSION);
    assert_null(c->next);
    assert_null(c->order);
    assert_null(c->event);
    assert_null(c->hold->lines);
    assert_int_equal(c->hold->status, HOLD_ACTIVE);
    assert_int_equal(c->hold->started_ms, RIG_START_MS);
    assert_int_equal(c->hold->expires_ms, RIG_START_MS + HOLD_MS);
    assert_int_equal(c->hold->ended_ms, 0);
    assert_int_equal(c->hold->total.minor, 4500 + 4500 + 6000);
    assert_int_equal(id_tag(&c->hold->hold_id.u), id_tag(&c->event_id.u));
    assert_int_equal(c->seat_count, 3);
    assert_int_equal(c->seats[0].seat, 3); /* in the order that was asked for */
    assert_int_equal(c->seats[2].seat, 12);
    assert_int_equal(c->seats[2].price.minor, 6000);
    assert_string_equal(c->price_type_names[0], "standard");
    assert_counts(r, 17, 3, 0, 0);
    assert_int_equal(inventory_live_holds(r->inv), 1);
}

static void test_no_seat_is_held_twice(void **state)
{
    struct rig *r = *state;
    held(r, ALICE, SEATS(4, 5));
    assert_int_equal(hold(r, BOB, SEATS(5)), BOX_ESEATSTAKEN);
    assert_int_equal(hold(r, ALICE, SEATS(5)), BOX_ESEATSTAKEN); /* nor by the same session */
    assert_int_equal(hold(r, BOB, SEATS(6)), BOX_OK);
}

static void test_all_or_none_and_every_taken_seat_is_told(void **state)
{
    struct rig *r = *state;
    held(r, ALICE, SEATS(1));
    bought(r, BOB, SEATS(3));
    assert_int_equal(block(r, SEATS(5)), BOX_OK);
    assert_int_equal(hold(r, CAROL, SEATS(0, 5, 1, 2, 3)), BOX_ESEATSTAKEN);
    assert_int_equal(r->v.taken_count, 3);
    assert_int_equal(r->v.taken[0], 5);
    assert_int_equal(r->v.taken[1], 1);
    assert_int_equal(r->v.taken[2], 3);
    assert_counts(r, 17, 1, 1, 1);
}

static void test_price_types(void **state)
{
    struct rig *r = *state;
    const char *types[] = {"standard", "child"};
    struct command c = {.kind = COMMAND_HOLD_CREATE,
                        .actor = who_is(ALICE),
                        .session = session(ALICE),
                        .seats = (const uint32_t[]){1, 2},
                        .seat_count = 2,
                        .price_types = types};
    assert_int_equal(rig_decide(r, &c), BOX_OK);
    assert_int_equal(r->v.last->hold->total.minor, 4500 + 2000);
    assert_int_equal(r->v.last->seats[1].price_type, 1);
    assert_string_equal(r->v.last->price_type_names[1], "child");

    c.seats = (const uint32_t[]){3, 10}; /* premium has no price for children */
    assert_int_equal(rig_decide(r, &c), BOX_EINVALID);
    assert_string_equal(r->v.pointer, "/price_types/1");
    assert_non_null(r->v.detail);
    types[0] = "adult";
    assert_int_equal(rig_decide(r, &c), BOX_EINVALID);
    assert_string_equal(r->v.pointer, "/price_types/0");
}

static void test_a_hold_keeps_the_price_it_began_with(void **state)
{
    struct rig *r = *state;
    struct hold_id first = held(r, ALICE, SEATS(1));
    assert_int_equal(price(r, 0, "standard", 9900), BOX_OK);
    held(r, BOB, SEATS(2));
    assert_int_equal(r->v.last->hold->total.minor, 9900);
    struct order_id id = ordered(r, ALICE, first);
    assert_int_equal(r->v.last->order->total.minor, 4500);
    assert_int_equal(r->v.last->seats[0].price.minor, 4500);
    assert_int_equal(confirm(r, 0, id), BOX_OK);
    assert_int_equal(r->v.last->order->total.minor, 4500);
}

/* Offsets from the start in ms: before, first, last, after. */
static void test_sale_window(void **state)
{
    struct rig *r = *state;
    struct event_edit window = {.set = EVENT_ON_SALE | EVENT_OFF_SALE,
                                .on_sale_ms = RIG_START_MS + 1000,
                                .off_sale_ms = RIG_START_MS + 2000};
    assert_int_equal(edit(r, window), BOX_OK);
    r->now_ms = RIG_START_MS + 999;
    assert_int_equal(hold(r, ALICE, SEATS(1)), BOX_ENOTONSALE);
    r->now_ms = RIG_START_MS + 1000;
    struct hold_id id = held(r, ALICE, SEATS(1));
    r->now_ms = RIG_START_MS + 1999;
    assert_int_equal(hold(r, ALICE, SEATS(2)), BOX_OK);
    r->now_ms = RIG_START_MS + 2000;
    assert_int_equal(hold(r, ALICE, SEATS(3)), BOX_ENOTONSALE);
    struct order_id oid = ordered(r, ALICE, id); /* what began in time may be finished */
    assert_int_equal(confirm(r, 0, oid), BOX_OK);
}

static void test_order_of_the_checks(void **state)
{
    struct rig *r = *state;
    const char *unknown[] = {"nonsense", "nonsense", "nonsense", "nonsense", "nonsense"};
    assert_int_equal(edit(r, (struct event_edit){.set = EVENT_MAX_TICKETS, .max_tickets_per_session = 4}), 0);
    held(r, BOB, SEATS(0));
    struct command c = {.kind = COMMAND_HOLD_CREATE,
                        .actor = who_is(ALICE),
                        .session = session(ALICE),
                        .seats = (const uint32_t[]){0, 1, 2, 3, 4},
                        .seat_count = 5,
                        .price_types = unknown};
    assert_int_equal(on_event(r, COMMAND_EVENT_PAUSE), BOX_OK);
    assert_int_equal(rig_decide(r, &c), BOX_ENOTONSALE);
    assert_int_equal(on_event(r, COMMAND_EVENT_RESUME), BOX_OK);
    assert_int_equal(rig_decide(r, &c), BOX_EINVALID);
    c.price_types = NULL;
    assert_int_equal(rig_decide(r, &c), BOX_ESEATSTAKEN);
    c.seats = (const uint32_t[]){5, 1, 2, 3, 4};
    assert_int_equal(rig_decide(r, &c), BOX_ESESSIONLIMIT);
    c.seat_count = 4;
    assert_int_equal(rig_decide(r, &c), BOX_OK);
}

/* ---- limits of a session ---- */

static void test_session_limit_counts_held_and_bought(void **state)
{
    struct rig *r = *state;
    bought(r, ALICE, SEATS(0, 1, 2));
    struct hold_id id = held(r, ALICE, SEATS(3, 4, 5, 6));
    assert_int_equal(hold(r, ALICE, SEATS(7, 8)), BOX_ESESSIONLIMIT);
    assert_int_equal(r->v.limit, 8);
    assert_int_equal(r->v.held, 7);
    assert_int_equal(hold_for(r, 0, ALICE, SEATS(7, 8)), BOX_ESESSIONLIMIT); /* the key holds for a session */
    assert_int_equal(hold(r, BOB, SEATS(7, 8)), BOX_OK);
    assert_int_equal(hold(r, ALICE, SEATS(9)), BOX_OK); /* exactly 8 */
    assert_int_equal(release(r, ALICE, id), BOX_OK);
    assert_int_equal(hold(r, ALICE, SEATS(3, 4, 5, 6)), BOX_OK);
    assert_int_equal(hold(r, ALICE, SEATS(10)), BOX_ESESSIONLIMIT);
}

static void test_a_refund_makes_room_under_the_limit(void **state)
{
    struct rig *r = *state;
    struct order_id id = bought(r, ALICE, SEATS(0, 1, 2, 3, 4, 5, 6, 7));
    assert_int_equal(hold(r, ALICE, SEATS(8)), BOX_ESESSIONLIMIT);
    assert_int_equal(refund(r, 0, id, false), BOX_OK);
    assert_int_equal(hold(r, ALICE, SEATS(8)), BOX_OK);
}

/* ---- best available ---- */

static void test_best_available(void **state)
{
    struct rig *r = *state;
    assert_int_equal(best(r, ALICE, 2, UINT32_MAX), BOX_OK);
    assert_int_equal(r->v.last->seats[0].seat, 0); /* 0 and 1: nobody is left alone */
    assert_int_equal(r->v.last->seats[1].seat, 1);
    assert_int_equal(best(r, BOB, 4, 1), BOX_OK);
    assert_int_equal(r->v.last->seats[0].seat, 15);
    assert_int_equal(best(r, CAROL, 2, 1), BOX_ENOTENOUGH);
    assert_int_equal(best(r, CAROL, 1, 1), BOX_OK);
    assert_int_equal(best(r, CAROL, 1, 1), BOX_ENOTENOUGH);
}

/* Only when seats are chosen is it known which price types they need. */
static void test_best_available_with_price_types(void **state)
{
    struct rig *r = *state;
    const char *types[] = {"standard", "child"};
    struct command c = {.kind = COMMAND_HOLD_CREATE,
                        .actor = who_is(ALICE),
                        .session = session(ALICE),
                        .best = {.count = 2, .section = UINT32_MAX, .type_id = "regular"},
                        .price_types = types};
    assert_int_equal(rig_decide(r, &c), BOX_OK);
    assert_int_equal(r->v.last->hold->total.minor, 6500);
    c.best.type_id = "premium";
    assert_int_equal(rig_decide(r, &c), BOX_EINVALID);
    assert_string_equal(r->v.pointer, "/price_types/1");
    types[1] = "unknown";
    assert_int_equal(rig_decide(r, &c), BOX_EINVALID);
}

static void test_best_available_minds_the_session_limit(void **state)
{
    struct rig *r = *state;
    held(r, ALICE, SEATS(0, 1, 2, 3, 4));
    assert_int_equal(best(r, ALICE, 4, UINT32_MAX), BOX_ESESSIONLIMIT);
    assert_int_equal(best(r, ALICE, 3, UINT32_MAX), BOX_OK);
}

/* ---- started_at ---- */

static void test_started_at_grows_strictly_per_ticket(void **state)
{
    struct rig *r = *state;
    int64_t clock[] = {0, 0, 1, -5000, -5000, 3};
    int64_t last = 0;
    for (size_t i = 0; i < sizeof(clock) / sizeof(clock[0]); i++) {
        r->now_ms = RIG_START_MS + clock[i];
        struct hold_id id = held(r, ALICE, SEATS(1, 2));
        const struct hold *h = r->v.last->hold;
        assert_true(h->started_ms > last && h->started_ms >= r->now_ms);
        assert_int_equal(h->expires_ms, h->started_ms + HOLD_MS);
        last = h->started_ms;
        assert_int_equal(release(r, ALICE, id), BOX_OK);
        assert_true(r->v.last->hold->ended_ms >= last);
    }
    assert_int_equal(last, RIG_START_MS + 5); /* each time 1 ms after the one before */
    r->now_ms = RIG_START_MS;
    held(r, ALICE, SEATS(2, 3)); /* the latest of the seats counts */
    assert_int_equal(r->v.last->hold->started_ms, last + 1);
    held(r, ALICE, SEATS(4)); /* a seat that was never held begins now */
    assert_int_equal(r->v.last->hold->started_ms, RIG_START_MS);
}

/* ---- deadline ---- */

static void test_deadline_is_the_first_ms_that_is_too_late(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    int64_t expires_ms;
    struct hold_id next;
    assert_true(inventory_next_deadline(r->inv, &expires_ms, &next));
    assert_int_equal(expires_ms, RIG_START_MS + HOLD_MS);
    assert_memory_equal(&next, &id, sizeof(id));
    r->now_ms = expires_ms - 1;
    assert_int_equal(expire(r, id), BOX_EDEFER); /* a stale timer */
    r->now_ms = expires_ms;
    assert_int_equal(extend(r, ALICE, id, 0), BOX_EHOLDSTATE);
    assert_current(r, "expired");
    assert_int_equal(release(r, ALICE, id), BOX_EHOLDSTATE);
    assert_current(r, "expired");
    assert_int_equal(order(r, ALICE, id), BOX_EHOLDEXPIRED);
    assert_int_equal(hold(r, BOB, SEATS(1)), BOX_ESEATSTAKEN); /* free is what is decided to be free */
    assert_int_equal(expire(r, id), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_HOLD_EXPIRED);
    assert_int_equal(r->v.last->actor.kind, ACTOR_SYSTEM);
    assert_int_equal(r->v.last->hold->status, HOLD_EXPIRED);
    assert_int_equal(r->v.last->hold->outcome, OUTCOME_EXPIRED);
    assert_int_equal(r->v.last->hold->ended_ms, expires_ms);
    assert_int_equal(expire(r, id), BOX_ENOTLIVE);
    assert_int_equal(hold(r, BOB, SEATS(1)), BOX_OK);
}

static void test_just_in_time(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    r->now_ms = RIG_START_MS + HOLD_MS - 1;
    assert_int_equal(extend(r, ALICE, id, 0), BOX_OK);
    assert_int_equal(r->v.last->hold->expires_ms, RIG_START_MS + 2 * HOLD_MS - 1);
    r->now_ms = RIG_START_MS + 2 * HOLD_MS - 2;
    assert_int_equal(release(r, ALICE, id), BOX_OK);
}

static void test_next_deadline_is_the_earliest(void **state)
{
    struct rig *r = *state;
    struct hold_id ids[4], next;
    int64_t expires_ms;
    assert_false(inventory_next_deadline(r->inv, &expires_ms, &next));
    for (uint32_t i = 0; i < 4; i++) {
        ids[i] = held(r, i + 1, &i, 1);
        r->now_ms += 1000;
    }
    assert_int_equal(extend(r, 1, ids[0], 0), BOX_OK);
    for (uint32_t i = 1; i < 4; i++) {
        assert_true(inventory_next_deadline(r->inv, &expires_ms, &next));
        assert_memory_equal(&next, &ids[i], sizeof(next));
        assert_int_equal(release(r, i + 1, ids[i]), BOX_OK);
    }
    assert_true(inventory_next_deadline(r->inv, &expires_ms, &next));
    assert_memory_equal(&next, &ids[0], sizeof(next));
    assert_int_equal(expires_ms, r->now_ms + HOLD_MS);
}

/* ---- extend ---- */

static void test_extend_and_its_cap(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1, 2));
    r->now_ms = RIG_START_MS + 1000;
    assert_int_equal(extend(r, ALICE, id, 0), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_HOLD_EXTENDED);
    assert_int_equal(r->v.last->seat_count, 2);
    assert_int_equal(r->v.last->seats[0].before, SEAT_HELD);
    assert_int_equal(r->v.last->seats[0].after, SEAT_HELD);
    assert_int_equal(r->v.last->hold->expires_ms, RIG_START_MS + 1000 + HOLD_MS);
    assert_int_equal(r->v.last->hold->started_ms, RIG_START_MS);
    r->now_ms = RIG_START_MS + HOLD_MS + 500;
    assert_int_equal(extend(r, 0, id, 0), BOX_OK); /* the key by the same rule */
    assert_int_equal(r->v.last->hold->expires_ms, RIG_START_MS + 2 * HOLD_MS);
    r->now_ms++;
    assert_int_equal(extend(r, ALICE, id, 0), BOX_EHOLDSTATE);
    assert_current(r, "active");
    assert_int_equal(extend(r, 0, id, 0), BOX_EHOLDSTATE);
}

static void test_extend_never_shortens(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    r->now_ms = RIG_START_MS - 60000; /* the clock was set back */
    assert_int_equal(extend(r, ALICE, id, 0), BOX_OK);
    assert_int_equal(r->v.last->hold->expires_ms, RIG_START_MS + HOLD_MS);
    r->now_ms = RIG_START_MS;
    assert_int_equal(edit(r, (struct event_edit){.set = EVENT_HOLD_SECONDS, .hold_seconds = 60}), BOX_OK);
    assert_int_equal(extend(r, ALICE, id, 0), BOX_EHOLDSTATE); /* beyond the new cap already */
    assert_current(r, "active");
}

static void test_extend_until(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    const int64_t day = INT64_C(86400000);
    assert_int_equal(extend(r, 0, id, RIG_START_MS + 1), BOX_EINVALID); /* no pending order */
    assert_string_equal(r->v.pointer, "/until");
    ordered(r, ALICE, id);
    assert_int_equal(extend(r, ALICE, id, RIG_START_MS + 2 * HOLD_MS), BOX_EINVALID); /* a session */
    assert_string_equal(r->v.pointer, "/until");
    assert_int_equal(extend(r, 0, id, RIG_START_MS), BOX_EINVALID); /* not later than now */
    assert_int_equal(extend(r, 0, id, RIG_START_MS + day + 1), BOX_EINVALID);
    assert_int_equal(extend(r, 0, id, RIG_START_MS + day), BOX_OK);
    assert_int_equal(r->v.last->hold->expires_ms, RIG_START_MS + day);
    assert_int_equal(r->v.last->order->expires_ms, RIG_START_MS + day); /* an order ends with its hold */
    assert_int_equal(extend(r, 0, id, RIG_START_MS + 1000), BOX_OK);    /* never earlier than it was */
    assert_int_equal(r->v.last->hold->expires_ms, RIG_START_MS + day);
    assert_int_equal(extend(r, ALICE, id, 0), BOX_EHOLDSTATE);
}

/* ---- end ---- */

static void test_release(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1, 2));
    r->now_ms += 10;
    assert_int_equal(release(r, ALICE, id), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_HOLD_RELEASED);
    assert_int_equal(r->v.last->hold->status, HOLD_RELEASED);
    assert_int_equal(r->v.last->hold->outcome, OUTCOME_RELEASED);
    assert_int_equal(r->v.last->hold->ended_ms, RIG_START_MS + 10);
    assert_null(r->v.last->order);
    assert_counts(r, 20, 0, 0, 0);
    assert_int_equal(release(r, ALICE, id), BOX_ENOTLIVE);
    assert_int_equal(extend(r, ALICE, id, 0), BOX_ENOTLIVE);
    assert_int_equal(order(r, ALICE, id), BOX_ENOTLIVE);
}

static void test_release_cancels_the_order(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    struct order_id oid = ordered(r, ALICE, id);
    assert_int_equal(release(r, ALICE, id), BOX_OK);
    assert_int_equal(r->v.last->order->status, ORDER_CANCELLED);
    assert_int_equal(r->v.last->order->ended_ms, RIG_START_MS);
    assert_int_equal(confirm(r, 0, oid), BOX_ENOTLIVE);
}

static void test_expiry_ends_the_order(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    struct order_id oid = ordered(r, ALICE, id);
    r->now_ms += HOLD_MS + 5;
    assert_int_equal(expire(r, id), BOX_OK);
    assert_int_equal(r->v.last->order->status, ORDER_EXPIRED);
    assert_int_equal(r->v.last->order->purchased_ms, 0);
    assert_int_equal(confirm(r, 0, oid), BOX_ENOTLIVE);
    assert_counts(r, 20, 0, 0, 0);
}

/* ---- whose ---- */

static void test_another_session_sees_nothing(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    assert_int_equal(extend(r, BOB, id, 0), BOX_ENOTFOUND);
    assert_int_equal(release(r, BOB, id), BOX_ENOTFOUND);
    assert_int_equal(order(r, BOB, id), BOX_ENOTFOUND);
    r->now_ms += HOLD_MS;
    assert_int_equal(extend(r, BOB, id, 0), BOX_ENOTFOUND); /* nor that it has expired */
    r->now_ms -= HOLD_MS;
    assert_int_equal(hold_for(r, BOB, ALICE, SEATS(2)), BOX_ENOTFOUND);
    assert_int_equal(on_hold(r, COMMAND_HOLD_EXPIRE, ALICE, id), BOX_ENOTFOUND);
    assert_int_equal(release(r, 0, id), BOX_OK); /* the key may */
}

static void test_unknown_hold(void **state)
{
    struct rig *r = *state;
    struct hold_id id = {.u.b = {9}};
    assert_int_equal(extend(r, ALICE, id, 0), BOX_ENOTLIVE);
    assert_int_equal(release(r, 0, id), BOX_ENOTLIVE);
    assert_int_equal(order(r, ALICE, id), BOX_ENOTLIVE);
    assert_int_equal(expire(r, id), BOX_ENOTLIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_create),
        RIG_TEST(test_no_seat_is_held_twice),
        RIG_TEST(test_all_or_none_and_every_taken_seat_is_told),
        RIG_TEST(test_price_types),
        RIG_TEST(test_a_hold_keeps_the_price_it_began_with),
        RIG_TEST(test_sale_window),
        RIG_TEST(test_order_of_the_checks),
        RIG_TEST(test_session_limit_counts_held_and_bought),
        RIG_TEST(test_a_refund_makes_room_under_the_limit),
        RIG_TEST(test_best_available),
        RIG_TEST(test_best_available_with_price_types),
        RIG_TEST(test_best_available_minds_the_session_limit),
        RIG_TEST(test_started_at_grows_strictly_per_ticket),
        RIG_TEST(test_deadline_is_the_first_ms_that_is_too_late),
        RIG_TEST(test_just_in_time),
        RIG_TEST(test_next_deadline_is_the_earliest),
        RIG_TEST(test_extend_and_its_cap),
        RIG_TEST(test_extend_never_shortens),
        RIG_TEST(test_extend_until),
        RIG_TEST(test_release),
        RIG_TEST(test_release_cancels_the_order),
        RIG_TEST(test_expiry_ends_the_order),
        RIG_TEST(test_another_session_sees_nothing),
        RIG_TEST(test_unknown_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
