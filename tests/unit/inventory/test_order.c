/* Orders: created on a hold, confirmed in time or not, cancelled, refunded. */
#include "unit/inventory/rig.h"

static void test_create(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1, 2));
    struct uuid user = {.b = {7}};
    struct command c = {.kind = COMMAND_ORDER_CREATE, .actor = who_is(ALICE), .hold_id = id, .user_id = user};
    r->now_ms += 10;
    assert_int_equal(rig_decide(r, &c), BOX_OK);
    const struct order *o = r->v.last->order;
    assert_int_equal(r->v.last->kind, CHANGE_ORDER_CREATED);
    assert_int_equal(o->status, ORDER_PENDING);
    assert_int_equal(strlen(o->code), ORDER_CODE_CHARS);
    assert_memory_equal(&o->hold_id, &id, sizeof(id));
    assert_memory_equal(&o->user_id, &user, sizeof(user));
    assert_int_equal(o->total.minor, 9000);
    assert_int_equal(o->created_ms, RIG_START_MS + 10);
    assert_int_equal(o->expires_ms, RIG_START_MS + HOLD_MS);
    assert_int_equal(o->purchased_ms, 0);
    assert_memory_equal(&r->v.last->hold->order_id, &o->order_id, sizeof(o->order_id));
    assert_memory_equal(&r->v.last->hold->user_id, &user, sizeof(user));
    assert_int_equal(r->v.last->seat_count, 2);
    assert_counts(r, 18, 2, 0, 0);
}

static void test_a_hold_has_at_most_one_order(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    struct order_id first = ordered(r, ALICE, id);
    assert_int_equal(order(r, ALICE, id), BOX_EORDEREXISTS);
    assert_memory_equal(&r->v.order_id, &first, sizeof(first));
    assert_int_equal(order(r, 0, id), BOX_EORDEREXISTS);
    r->now_ms += HOLD_MS; /* the answer does not depend on whether the expiry was decided already */
    assert_int_equal(order(r, ALICE, id), BOX_EHOLDEXPIRED);
}

static void test_confirm_sells(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1, 11));
    struct order_id oid = ordered(r, ALICE, id);
    r->now_ms += 20;
    assert_int_equal(confirm(r, 0, oid), BOX_OK);
    const struct change *c = r->v.last;
    assert_int_equal(c->kind, CHANGE_ORDER_PAID);
    assert_int_equal(c->order->status, ORDER_PAID);
    assert_int_equal(c->order->purchased_ms, RIG_START_MS + 20);
    assert_int_equal(c->order->ended_ms, 0);
    assert_int_equal(c->hold->status, HOLD_PURCHASED);
    assert_int_equal(c->hold->outcome, OUTCOME_PURCHASED);
    assert_int_equal(c->hold->ended_ms, RIG_START_MS + 20);
    assert_int_equal(c->seats[1].after, SEAT_SOLD);
    assert_counts(r, 18, 0, 2, 0);
    assert_int_equal(inventory_live_holds(r->inv), 0);
    assert_int_equal(confirm(r, 0, oid), BOX_ENOTLIVE);
    assert_int_equal(cancel(r, 0, oid), BOX_ENOTLIVE);
    assert_int_equal(release(r, 0, id), BOX_ENOTLIVE);
    assert_int_equal(expire(r, id), BOX_ENOTLIVE);
    assert_int_equal(hold(r, BOB, SEATS(1)), BOX_ESEATSTAKEN); /* sold stays sold */
    assert_int_equal(block(r, SEATS(1)), BOX_ESEATSTAKEN);
}

static void test_confirm_at_the_deadline(void **state)
{
    struct rig *r = *state;
    struct order_id in_time = ordered(r, ALICE, held(r, ALICE, SEATS(1)));
    struct hold_id id = held(r, BOB, SEATS(2));
    struct order_id late = ordered(r, BOB, id);
    r->now_ms = RIG_START_MS + HOLD_MS - 1;
    assert_int_equal(confirm(r, 0, in_time), BOX_OK);
    assert_true(r->v.last->order->purchased_ms < r->v.last->order->expires_ms);
    r->now_ms = RIG_START_MS + HOLD_MS;
    assert_int_equal(confirm(r, 0, late), BOX_EHOLDEXPIRED); /* although the expiry is not decided yet */
    assert_int_equal(cancel(r, 0, late), BOX_EORDERSTATE);
    assert_current(r, "expired");
    assert_int_equal(refund(r, 0, late, false), BOX_EORDERSTATE);
    assert_current(r, "expired");
    assert_int_equal(expire(r, id), BOX_OK);
    assert_int_equal(r->v.last->order->status, ORDER_EXPIRED);
}

static void test_cancel(void **state)
{
    struct rig *r = *state;
    struct order_id oid = ordered(r, ALICE, held(r, ALICE, SEATS(1, 2)));
    r->now_ms += 30;
    assert_int_equal(cancel(r, ALICE, oid), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_ORDER_CANCELLED);
    assert_int_equal(r->v.last->order->status, ORDER_CANCELLED);
    assert_int_equal(r->v.last->order->ended_ms, RIG_START_MS + 30);
    assert_int_equal(r->v.last->hold->status, HOLD_RELEASED);
    assert_int_equal(r->v.last->hold->outcome, OUTCOME_CANCELLED);
    assert_counts(r, 20, 0, 0, 0);
    assert_int_equal(cancel(r, ALICE, oid), BOX_ENOTLIVE);
    assert_int_equal(refund(r, 0, oid, false), BOX_EORDERSTATE);
    assert_current(r, "cancelled");
}

static void test_another_session_sees_nothing(void **state)
{
    struct rig *r = *state;
    struct order_id oid = ordered(r, ALICE, held(r, ALICE, SEATS(1)));
    assert_int_equal(confirm(r, BOB, oid), BOX_ENOTFOUND);
    assert_int_equal(cancel(r, BOB, oid), BOX_ENOTFOUND);
    assert_int_equal(refund(r, BOB, oid, false), BOX_ENOTFOUND);
    assert_int_equal(confirm(r, ALICE, oid), BOX_OK); /* where the app lets a session pay by itself */
    assert_int_equal(refund(r, BOB, oid, false), BOX_ENOTFOUND);
}

/* ---- refunds ---- */

static void test_refund(void **state)
{
    struct rig *r = *state;
    struct order_id oid = bought(r, ALICE, SEATS(1, 2));
    r->now_ms += 86400000;
    assert_int_equal(refund(r, 0, oid, false), BOX_OK);
    const struct change *c = r->v.last;
    assert_int_equal(c->kind, CHANGE_ORDER_REFUNDED);
    assert_int_equal(c->order->status, ORDER_REFUNDED);
    assert_int_equal(c->order->purchased_ms, RIG_START_MS);
    assert_int_equal(c->order->ended_ms, r->now_ms);
    assert_null(c->hold);
    assert_int_equal(c->seats[0].price.minor, 4500);
    assert_counts(r, 20, 0, 0, 0);
}

static void test_refund_blocks_where_the_box_office_says_so(void **state)
{
    struct rig *r = *state;
    struct order_id oid = bought(r, ALICE, SEATS(1, 2));
    assert_int_equal(refund(r, 0, oid, true), BOX_OK);
    assert_counts(r, 18, 0, 0, 2);
    assert_int_equal(hold(r, BOB, SEATS(1)), BOX_ESEATSTAKEN);
    assert_int_equal(unblock(r, SEATS(1, 2)), BOX_OK);
    assert_int_equal(hold(r, BOB, SEATS(1)), BOX_OK);
}

/* The store's copy may be as old as it likes: the seats say whether they are still sold to the order. */
static void test_refund_then_resale_then_second_refund(void **state)
{
    struct rig *r = *state;
    struct order_id first = bought(r, ALICE, SEATS(1, 2));
    struct order stale = *replay_order(&r->store, &first);
    assert_int_equal(refund(r, 0, first, false), BOX_OK);
    struct command again = {
        .kind = COMMAND_ORDER_REFUND, .actor = who_is(0), .order_id = first, .stored_order = &stale};
    assert_int_equal(rig_decide(r, &again), BOX_EORDERSTATE);
    assert_current(r, "refunded");
    struct order_id second = bought(r, BOB, SEATS(1, 2));
    assert_int_equal(rig_decide(r, &again), BOX_EORDERSTATE);
    assert_current(r, "refunded");
    assert_int_equal(refund(r, 0, first, false), BOX_EORDERSTATE);
    assert_current(r, "refunded");
    assert_int_equal(refund(r, 0, second, false), BOX_OK);
}

static void test_refund_of_one_resold_seat_of_two(void **state)
{
    struct rig *r = *state;
    struct order_id first = bought(r, ALICE, SEATS(1, 2));
    struct order stale = *replay_order(&r->store, &first);
    assert_int_equal(refund(r, 0, first, false), BOX_OK);
    bought(r, BOB, SEATS(2));
    struct command again = {
        .kind = COMMAND_ORDER_REFUND, .actor = who_is(0), .order_id = first, .stored_order = &stale};
    assert_int_equal(rig_decide(r, &again), BOX_EORDERSTATE);
    assert_counts(r, 19, 0, 1, 0);
}

static void test_refund_of_what_was_not_paid(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    struct order_id oid = ordered(r, ALICE, id);
    struct order stale = *replay_order(&r->store, &oid);
    assert_int_equal(refund(r, 0, oid, false), BOX_EORDERSTATE);
    assert_current(r, "pending");
    assert_int_equal(confirm(r, 0, oid), BOX_OK);
    struct command c = {.kind = COMMAND_ORDER_REFUND, .actor = who_is(0), .order_id = oid};
    assert_int_equal(rig_decide(r, &c), BOX_ENOTLIVE); /* the caller is to look it up */
    c.stored_order = &stale;
    assert_int_equal(rig_decide(r, &c), BOX_ENOTLIVE); /* and again: what it has is out of date */
    assert_int_equal(refund(r, 0, oid, false), BOX_OK);
}

/* ---- blocked seats ---- */

static void test_block_and_unblock(void **state)
{
    struct rig *r = *state;
    held(r, ALICE, SEATS(3));
    assert_int_equal(block(r, SEATS(1, 3, 2)), BOX_ESEATSTAKEN); /* all or none */
    assert_int_equal(r->v.taken_count, 1);
    assert_int_equal(r->v.taken[0], 3);
    assert_int_equal(block(r, SEATS(1, 2)), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_SEATS_BLOCKED);
    assert_int_equal(r->v.last->price_type_count, 0);
    assert_int_equal(block(r, SEATS(2)), BOX_ESEATSTAKEN);
    assert_counts(r, 17, 1, 0, 2);
    assert_int_equal(unblock(r, SEATS(1, 4)), BOX_ESEATSTAKEN);
    assert_int_equal(r->v.taken[0], 4);
    assert_int_equal(unblock(r, SEATS(1, 2)), BOX_OK);
    assert_counts(r, 19, 1, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_create),
        RIG_TEST(test_a_hold_has_at_most_one_order),
        RIG_TEST(test_confirm_sells),
        RIG_TEST(test_confirm_at_the_deadline),
        RIG_TEST(test_cancel),
        RIG_TEST(test_another_session_sees_nothing),
        RIG_TEST(test_refund),
        RIG_TEST(test_refund_blocks_where_the_box_office_says_so),
        RIG_TEST(test_refund_then_resale_then_second_refund),
        RIG_TEST(test_refund_of_one_resold_seat_of_two),
        RIG_TEST(test_refund_of_what_was_not_paid),
        RIG_TEST(test_block_and_unblock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
