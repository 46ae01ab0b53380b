/*
 * Following what somebody else decided. That every change of every kind leads to the decider's state is
 * checked by rig.h for each command of all tests of the inventory; here is what must be refused: a change
 * that is not the next, one that was altered, and, sealed as if it had been decided so, one that does not fit
 * the state.
 */
#include "unit/inventory/rig.h"

/* ---- changes, taken apart ---- */

/* A change with everything in it to be written to. */
struct copy {
    struct change change;
    struct hold hold;
    struct order order;
    struct seat_change seats[HALL_SEATS + 1];
};

static void copy_change(struct copy *x, const struct change *c)
{
    memset(x, 0, sizeof(*x));
    x->change = *c;
    x->change.next = NULL;
    if (c->hold) {
        x->hold = *c->hold;
        x->change.hold = &x->hold;
    }
    if (c->order) {
        x->order = *c->order;
        x->change.order = &x->order;
    }
    for (uint32_t i = 0; i < c->seat_count; i++)
        x->seats[i] = c->seats[i];
    x->change.seats = x->seats;
}

/* ---- what can be wrong with a change; false: not with one like this ---- */

static bool other_event(struct copy *x)
{
    if (x->change.event)
        return false;
    x->change.event_id.u.b[0] ^= 1;
    x->hold.event_id = x->order.event_id = x->change.event_id;
    return true;
}

static bool earlier(struct copy *x)
{
    x->change.time_us = 1;
    return true;
}

static bool another_seat(struct copy *x)
{
    if (x->change.seat_count == 0)
        return false;
    x->seats[0].seat = x->seats[0].seat == 19 ? 18 : 19; /* the last ones are not in the story */
    x->seats[0].before = SEAT_SOLD;
    return true;
}

static bool no_such_seat(struct copy *x)
{
    x->seats[0].seat = HALL_SEATS;
    return x->change.seat_count > 0;
}

static bool a_seat_twice(struct copy *x)
{
    x->seats[x->change.seat_count] = x->seats[0];
    return x->change.seat_count++ > 0;
}

static bool a_seat_less(struct copy *x)
{
    if (x->change.kind <= CHANGE_SEATS_UNBLOCKED || x->change.kind == CHANGE_ORDER_REFUNDED ||
        x->change.seat_count < 2)
        return false;
    x->change.seat_count--;
    return true;
}

static bool other_before(struct copy *x)
{
    x->seats[0].before = x->seats[0].before == SEAT_AVAILABLE ? SEAT_BLOCKED : SEAT_AVAILABLE;
    return x->change.seat_count > 0;
}

static bool other_after(struct copy *x)
{
    x->seats[0].after = x->seats[0].after == SEAT_SOLD ? SEAT_AVAILABLE : SEAT_SOLD;
    return x->change.seat_count > 0;
}

static bool other_start(struct copy *x)
{
    x->seats[0].last_started_ms += 1;
    return x->change.seat_count > 0;
}

static bool other_price(struct copy *x)
{
    x->seats[0].price.minor += 1;
    return x->change.seat_count > 0 && x->change.hold;
}

static bool no_such_hold(struct copy *x)
{
    if (!x->change.hold || x->change.kind == CHANGE_HOLD_CREATED)
        return false;
    x->hold.hold_id.u.b[15] ^= 1;
    return true;
}

static bool other_session(struct copy *x)
{
    if (!x->change.hold || x->change.kind == CHANGE_HOLD_CREATED)
        return false;
    x->hold.session_id = session(99);
    return true;
}

static bool other_total(struct copy *x)
{
    x->hold.total.minor += 1;
    return x->change.hold;
}

static bool shorter(struct copy *x)
{
    x->hold.expires_ms = x->hold.started_ms;
    return x->change.hold;
}

static bool other_status(struct copy *x)
{
    x->hold.status = x->hold.status == HOLD_ACTIVE ? HOLD_RELEASED : HOLD_ACTIVE;
    return x->change.hold;
}

static bool other_outcome(struct copy *x)
{
    x->hold.outcome = x->hold.outcome == OUTCOME_EXPIRED ? OUTCOME_RELEASED : OUTCOME_EXPIRED;
    return x->change.hold;
}

static bool other_order(struct copy *x)
{
    if (!x->change.order)
        return false;
    x->order.order_id.u.b[15] ^= 1;
    if (x->change.kind != CHANGE_ORDER_CREATED)
        x->hold.order_id = x->order.order_id;
    return true;
}

static bool other_order_status(struct copy *x)
{
    x->order.status = x->order.status == ORDER_PAID ? ORDER_CANCELLED : ORDER_PAID;
    return x->change.order;
}

static bool other_kind(struct copy *x)
{
    static const enum change_kind others[] = {
        [CHANGE_EVENT_PUBLISHED] = CHANGE_EVENT_CREATED,
        [CHANGE_EVENT_UNPUBLISHED] = CHANGE_EVENT_PUBLISHED,
        [CHANGE_EVENT_EDITED] = CHANGE_EVENT_PAUSED,
        [CHANGE_EVENT_PRICED] = CHANGE_EVENT_CANCELLED,
        [CHANGE_EVENT_PAUSED] = CHANGE_EVENT_RESUMED,
        [CHANGE_EVENT_RESUMED] = CHANGE_EVENT_EDITED,
        [CHANGE_EVENT_CANCELLED] = CHANGE_EVENT_DELETED,
        [CHANGE_SEATS_BLOCKED] = CHANGE_SEATS_UNBLOCKED,
        [CHANGE_SEATS_UNBLOCKED] = CHANGE_SEATS_BLOCKED,
        [CHANGE_HOLD_CREATED] = CHANGE_HOLD_EXTENDED,
        [CHANGE_HOLD_EXTENDED] = CHANGE_HOLD_CREATED,
        [CHANGE_HOLD_RELEASED] = CHANGE_HOLD_EXPIRED,
        [CHANGE_HOLD_EXPIRED] = CHANGE_HOLD_RELEASED,
        [CHANGE_ORDER_CREATED] = CHANGE_ORDER_PAID,
        [CHANGE_ORDER_PAID] = CHANGE_ORDER_CANCELLED,
        [CHANGE_ORDER_CANCELLED] = CHANGE_ORDER_PAID,
        [CHANGE_ORDER_REFUNDED] = CHANGE_ORDER_REFUNDED + 1,
    };
    enum change_kind other = others[x->change.kind];
    if (other == 0 || other > CHANGE_ORDER_REFUNDED || (x->change.order && other == CHANGE_HOLD_CREATED))
        return false; /* cannot be encoded */
    x->change.kind = other;
    return true;
}

static const struct {
    const char *name;
    bool (*spoil)(struct copy *x);
} WRONGS[] = {
    {"another event's", other_event}, {"earlier", earlier},
    {"another seat", another_seat},   {"no such seat", no_such_seat},
    {"a seat twice", a_seat_twice},   {"a seat less", a_seat_less},
    {"other before", other_before},   {"other after", other_after},
    {"other start", other_start},     {"other price", other_price},
    {"no such hold", no_such_hold},   {"other session", other_session},
    {"other total", other_total},     {"shorter", shorter},
    {"other status", other_status},   {"other outcome", other_outcome},
    {"other order", other_order},     {"other order status", other_order_status},
    {"other kind", other_kind},
};

/* ---- a story with every kind of change ---- */

struct story {
    struct rig *r;
    struct inventory *follower;
    unsigned kinds; /* bits */
};

static void check_refused(struct inventory *inv, const struct change *c, int code, const char *what)
{
    struct buf before = {0}, after = {0};
    struct arena arena;
    arena_init(&arena, 0);
    image_encode(inv, &before);
    int ret = inventory_follow(inv, c, &arena);
    if (ret != code)
        fail_msg("%s, %s: %d instead of %d", change_kind_name(c->kind), what, ret, code);
    inventory_check(inv);
    image_encode(inv, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    arena_done(&arena);
    buf_done(&before);
    buf_done(&after);
}

/* Everything that can be wrong with the change is refused, then it is followed. */
static void tell_one(struct story *s, const struct change *c)
{
    struct copy x;
    for (size_t i = 0; i < sizeof(WRONGS) / sizeof(WRONGS[0]); i++) {
        copy_change(&x, c);
        if (!WRONGS[i].spoil(&x))
            continue;
        change_seal(&x.change, inventory_hash(s->follower));
        check_refused(s->follower, &x.change, BOX_ECORRUPT, WRONGS[i].name);
    }
    copy_change(&x, c);
    x.change.hash.b[0] ^= 1;
    check_refused(s->follower, &x.change, BOX_ECORRUPT, "its hash");
    copy_change(&x, c);
    x.change.seq++;
    check_refused(s->follower, &x.change, BOX_ERANGE, "one is missing");

    assert_int_equal(inventory_follow(s->follower, c, &s->r->arena), 0);
    inventory_check(s->follower);
    check_refused(s->follower, c, BOX_ERANGE, "once more");
    s->kinds |= 1u << c->kind;
}

static void tell(struct story *s)
{
    for (const struct change *c = s->r->v.changes; c; c = c->next)
        tell_one(s, c);
}

static struct hold_id story_hold(struct story *s, const uint32_t *seats, size_t count)
{
    struct hold_id id = held(s->r, ALICE, seats, count);
    tell(s);
    return id;
}

static struct order_id story_order(struct story *s, const uint32_t *seats, size_t count)
{
    struct order_id id = ordered(s->r, ALICE, story_hold(s, seats, count));
    tell(s);
    return id;
}

static void story_event(struct story *s, enum command_kind kind)
{
    assert_int_equal(on_event(s->r, kind), BOX_OK);
    tell(s);
}

static struct story begin_story(struct rig *r)
{
    struct buf bytes = {0};
    struct image image;
    image_encode(r->inv, &bytes);
    assert_int_equal(image_decode(bytes.data, bytes.size, rig_lend_layout, r, &image), 0);
    struct story s = {.r = r, .follower = inventory_new(&image, &r->rng)};
    image_done(&image);
    buf_done(&bytes);
    return s;
}

static void test_what_does_not_fit(void **state)
{
    struct rig *r = *state;
    struct story s = begin_story(r);
    struct event_edit name = {.set = EVENT_NAME, .name = "Other"};

    assert_int_equal(block(r, SEATS(14, 13)), BOX_OK);
    tell(&s);
    assert_int_equal(unblock(r, SEATS(13, 14)), BOX_OK);
    tell(&s);
    struct hold_id released = story_hold(&s, SEATS(0, 1));
    assert_int_equal(extend(r, ALICE, released, 0), BOX_OK);
    tell(&s);
    assert_int_equal(release(r, ALICE, released), BOX_OK);
    tell(&s);
    struct order_id paid = story_order(&s, SEATS(2, 3)), cancelled = story_order(&s, SEATS(5, 7));
    r->now_ms += 1000;
    assert_int_equal(confirm(r, 0, paid), BOX_OK);
    tell(&s);
    assert_int_equal(cancel(r, ALICE, cancelled), BOX_OK);
    tell(&s);
    assert_int_equal(refund(r, 0, paid, true), BOX_OK);
    tell(&s);
    struct hold_id expired = story_hold(&s, SEATS(8, 9));
    r->now_ms += HOLD_MS;
    assert_int_equal(expire(r, expired), BOX_OK);
    tell(&s);
    assert_int_equal(edit(r, name), BOX_OK);
    tell(&s);
    assert_int_equal(price(r, 0, "senior", 3000), BOX_OK);
    tell(&s);
    story_event(&s, COMMAND_EVENT_PAUSE);
    story_event(&s, COMMAND_EVENT_RESUME);
    story_order(&s, SEATS(10, 11));
    story_event(&s, COMMAND_EVENT_UNPUBLISH);
    story_event(&s, COMMAND_EVENT_PUBLISH);
    story_event(&s, COMMAND_EVENT_CANCEL); /* and the hold ends */
    unsigned all = (2u << CHANGE_ORDER_REFUNDED) - 1 - 1;
    assert_int_equal(s.kinds, all & ~(1u << CHANGE_EVENT_CREATED | 1u << CHANGE_EVENT_DELETED));
    inventory_free(s.follower);
}

/* ---- single rules ---- */

/* While an event is paused nobody can have decided a hold. */
static void test_no_hold_while_paused(void **state)
{
    struct rig *r = *state;
    struct story s = begin_story(r);
    held(r, ALICE, SEATS(0));
    struct copy early;
    copy_change(&early, r->v.last);
    struct arena arena;
    arena_init(&arena, 0);
    struct verdict v;
    struct command pause = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("box")};
    assert_int_equal(inventory_decide(s.follower, &pause, r->now_ms * 1000, &arena, &v), BOX_OK);
    inventory_group_done(s.follower);
    early.change.seq++;
    early.change.time_us += 1000;
    change_seal(&early.change, inventory_hash(s.follower));
    check_refused(s.follower, &early.change, BOX_ECORRUPT, "paused");
    arena_done(&arena);
    inventory_free(s.follower);
}

static void test_deleted_is_the_end(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, false);
    struct story s = begin_story(&r);
    story_event(&s, COMMAND_EVENT_DELETE);
    assert_true(inventory_event(s.follower)->deleted);
    struct copy more;
    copy_change(&more, r.v.last);
    more.change.seq++;
    more.change.time_us++;
    change_seal(&more.change, inventory_hash(s.follower));
    check_refused(s.follower, &more.change, BOX_ECORRUPT, "deleted");
    inventory_free(s.follower);
    rig_done(&r);
}

/* Price types keep their places: an index in a line means the same for ever. */
static void test_names_stay(void **state)
{
    struct rig *r = *state;
    struct story s = begin_story(r);
    assert_int_equal(price(r, 0, "senior", 3000), BOX_OK);
    struct copy x;
    copy_change(&x, r->v.last);
    struct buf bytes = {0};
    struct event *other;
    event_encode(r->v.last->event ? r->v.last->event : inventory_event(r->inv), &bytes);
    assert_int_equal(event_decode(bytes.data, bytes.size, &other), 0);
    const char *first = other->price_types[1];
    other->price_types[1] = other->price_types[2];
    other->price_types[2] = first;
    x.change.event = other;
    change_seal(&x.change, inventory_hash(s.follower));
    check_refused(s.follower, &x.change, BOX_ECORRUPT, "names in another order");
    other->price_types[2] = other->price_types[1];
    other->price_types[1] = first;
    event_unref(other);
    buf_done(&bytes);
    inventory_free(s.follower);
}

/* Whoever takes over from a follower's state decides on as the first would have. */
static void test_follower_decides_on(void **state)
{
    struct rig *r = *state;
    struct order_id paid = bought(r, ALICE, SEATS(0, 1));
    struct hold_id id = held(r, BOB, SEATS(2));
    struct inventory *former = r->inv;
    r->inv = r->follower;
    r->follower = former;
    event_unref(r->store.event); /* the same version, as it was received */
    r->store.event = event_ref(inventory_event(r->inv));
    assert_int_equal(hold(r, CAROL, SEATS(2)), BOX_ESEATSTAKEN);
    assert_int_equal(refund(r, 0, paid, false), BOX_OK);
    assert_int_equal(release(r, BOB, id), BOX_OK);
    assert_counts(r, HALL_SEATS, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_what_does_not_fit),          RIG_TEST(test_no_hold_while_paused),
        cmocka_unit_test(test_deleted_is_the_end), RIG_TEST(test_names_stay),
        RIG_TEST(test_follower_decides_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
