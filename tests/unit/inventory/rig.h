/*
 * What the tests of the inventory share: a small hall, an event in it, commands in a few words, and checks
 * that hold for every command:
 *   - a refusal changes nothing: seq, hash, counts and statuses are what they were;
 *   - an accepted one emits changes that follow from those before, survive encoding, and list exactly the
 * seats whose status changed; applied to the rows of a naive store they give the statuses that the inventory
 * has;
 *   - inventory_check();
 *   - a second inventory that follows (what it gets was encoded and decoded) has after each group the state
 * that the first has, to the byte of its image.
 *
 *   section A  type regular  row 1: seats 0..4, row 2: seats 5..9    45.00, child 20.00
 *              type premium  row 3: seats 10..14                      60.00
 *   section B  type standing 15..19, unnumbered                       25.00
 */
#ifndef UNIT_INVENTORY_RIG_H
#define UNIT_INVENTORY_RIG_H

#include "base/error.h"
#include "base/params.h"
#include "inventory/image_code.h"
#include "inventory/inventory.h"
#include "unit/inventory/replay.h"
#include <sodium.h>

enum { HALL_SEATS = 20, ALICE = 1, BOB = 2, CAROL = 3 };
enum { HOLD_MS = 900 * 1000 };

#define RIG_START_MS INT64_C(1763800000000)

struct rig {
    struct rng rng;
    struct arena arena; /* verdicts */
    struct layout *layout;
    struct inventory *inv, *follower;
    struct replay store;
    int64_t now_ms;
    bool keep_group_open; /* else each accepted command is a group */
    bool dirty[HALL_SEATS];
    struct verdict v; /* the newest */
};

/* ---- making ---- */

static inline struct session_id session(unsigned n)
{
    return (struct session_id){.u.b = {[6] = 0x40, [8] = 0x80, [15] = (uint8_t)n}};
}

static inline struct layout *rig_layout(void)
{
    struct layout_builder *b = layout_builder_new();
    struct layout *layout;
    struct section_id a = {.u.b = {1}}, standing = {.u.b = {2}};
    assert_int_equal(layout_builder_section(b, a, "A"), 0);
    assert_int_equal(layout_builder_type(b, "regular", (struct decimal){4500, 2}), 0);
    assert_int_equal(layout_builder_row(b, "1", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 5), 0);
    assert_int_equal(layout_builder_row(b, "2", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 5), 0);
    assert_int_equal(layout_builder_type(b, "premium", (struct decimal){6000, 2}), 0);
    assert_int_equal(layout_builder_row(b, "3", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 5), 0);
    assert_int_equal(layout_builder_section(b, standing, "B"), 0);
    assert_int_equal(layout_builder_type(b, "standing", (struct decimal){2500, 2}), 0);
    assert_int_equal(layout_builder_unnumbered(b, 5), 0);
    struct venue_id venue = {.u.b = {3}};
    assert_int_equal(layout_builder_finish(b, venue, "Hall", "Europe/Berlin", 0, &layout), 0);
    layout_builder_free(b);
    assert_int_equal(layout->seats_total, HALL_SEATS);
    return layout;
}

static inline struct event *rig_event(struct rig *r, bool published)
{
    struct price_entry child = {.place = 0, .price_type = "child", .price.minor = 2000};
    struct event_draft draft = {
        .event_id = event_id_new(&r->rng),
        .slug = "event",
        .fields = {.set = EVENT_NAME | EVENT_DATE | EVENT_HOLD_SECONDS | EVENT_MAX_TICKETS,
                   .name = "Event",
                   .date_ms = RIG_START_MS + INT64_C(90) * 86400 * 1000,
                   .hold_seconds = HOLD_MS / 1000,
                   .max_tickets_per_session = 8},
        .published = published,
        .prices = &child,
        .price_count = 1,
        .created_ms = RIG_START_MS,
    };
    struct event *event;
    uint32_t place;
    assert_int_equal(currency_find("EUR", &draft.currency), 0);
    assert_int_equal(event_new(&draft, r->layout, &place, &event), 0);
    return event;
}

/* ---- what holds for every command ---- */

struct rig_state {
    uint64_t seq;
    struct digest hash;
    uint32_t counts[SEAT_STATUSES], live;
    bool open;
    int64_t expires_ms;
    struct hold_id next_hold;
    uint8_t status[HALL_SEATS];
};

static inline struct rig_state rig_state(const struct rig *r)
{
    struct rig_state s;
    memset(&s, 0, sizeof(s)); /* it is compared as bytes */
    s.seq = inventory_seq(r->inv);
    s.hash = *inventory_hash(r->inv);
    inventory_counts(r->inv, s.counts);
    s.live = inventory_live_holds(r->inv);
    s.open = inventory_group_open(r->inv);
    inventory_next_deadline(r->inv, &s.expires_ms, &s.next_hold);
    for (uint32_t i = 0; i < HALL_SEATS; i++)
        s.status[i] = (uint8_t)inventory_seat_status(r->inv, i);
    return s;
}

/* What is decoded is what was encoded: the record says everything that the hash covers. */
static inline void rig_check_codec(const struct buf *once, const struct change *decoded)
{
    struct buf twice = {0};
    change_encode(decoded, &twice);
    assert_int_equal(once->size, twice.size);
    assert_memory_equal(once->data, twice.data, once->size);
    buf_done(&twice);
}

/* What a follower gets of a change: its bytes. */
static inline void rig_follow(struct rig *r, const struct change *c)
{
    struct buf bytes = {0};
    struct arena arena;
    struct change *decoded;
    arena_init(&arena, 0);
    change_encode(c, &bytes);
    assert_int_equal(change_decode(bytes.data, bytes.size, &arena, &decoded), 0);
    rig_check_codec(&bytes, decoded);
    if (!r->follower) /* of a new event it knows as much as its first change says */
        r->follower = inventory_new_event(decoded->event, r->layout, &r->rng);
    assert_int_equal(inventory_follow(r->follower, decoded, &arena), 0);
    inventory_check(r->follower);
    if (decoded->event)
        event_unref(decoded->event);
    arena_done(&arena);
    buf_done(&bytes);
}

static inline struct layout *rig_lend_layout(void *ctx, const struct venue_id *venue)
{
    struct rig *r = ctx;
    assert_true(uuid_equal(&venue->u, &r->layout->venue_id.u));
    return r->layout;
}

/* Both inventories have the same image, and what is made of it has it, too. */
static inline void rig_check_images(struct rig *r)
{
    struct buf decided = {0}, followed = {0}, again = {0};
    struct image image;
    image_encode(r->inv, &decided);
    image_encode(r->follower, &followed);
    assert_int_equal(decided.size, followed.size);
    assert_memory_equal(decided.data, followed.data, decided.size);
    assert_int_equal(image_decode(decided.data, decided.size, rig_lend_layout, r, &image), 0);
    struct inventory *copy = inventory_new(&image, &r->rng);
    image_done(&image);
    inventory_check(copy);
    image_encode(copy, &again);
    assert_int_equal(decided.size, again.size);
    assert_memory_equal(decided.data, again.data, decided.size);
    inventory_free(copy);
    buf_done(&decided);
    buf_done(&followed);
    buf_done(&again);
}

static inline void rig_group_done(struct rig *r)
{
    inventory_group_done(r->inv);
    memset(r->dirty, 0, sizeof(r->dirty));
    assert_false(inventory_group_open(r->inv));
    rig_check_images(r);
}

static inline void rig_accepted(struct rig *r, struct change *first)
{
    for (struct change *c = first; c; c = c->next) {
        rig_follow(r, c);
        replay_apply(&r->store, c);
        for (uint32_t i = 0; i < c->seat_count; i++) {
            assert_false(r->dirty[c->seats[i].seat]); /* a group changes a seat at most once */
            r->dirty[c->seats[i].seat] = true;
        }
    }
    assert_true(inventory_group_open(r->inv));
    assert_int_equal(r->store.seq, inventory_seq(r->inv));
    assert_memory_equal(&r->store.hash, inventory_hash(r->inv), sizeof(r->store.hash));
    assert_int_equal(r->store.seq, inventory_seq(r->follower));
    for (uint32_t i = 0; i < HALL_SEATS; i++) {
        assert_int_equal(r->store.seats[i].status, inventory_seat_status(r->inv, i));
        assert_int_equal(r->store.seats[i].status, inventory_seat_status(r->follower, i));
    }
    assert_ptr_equal(r->store.event, inventory_event(r->inv));
    if (!r->keep_group_open)
        rig_group_done(r);
}

static inline int rig_decide_us(struct rig *r, const struct command *command, int64_t now_us)
{
    struct rig_state before = rig_state(r);
    int ret = inventory_decide(r->inv, command, now_us, &r->arena, &r->v);
    assert_int_equal(ret, r->v.code);
    inventory_check(r->inv);
    if (ret) {
        struct rig_state after = rig_state(r);
        assert_memory_equal(&before, &after, sizeof(before));
        assert_null(r->v.changes);
        assert_null(r->v.last);
    } else {
        assert_non_null(r->v.last);
        rig_accepted(r, r->v.changes);
    }
    return ret;
}

static inline int rig_decide(struct rig *r, const struct command *command)
{
    return rig_decide_us(r, command, r->now_ms * 1000);
}

/* ---- life ---- */

static inline void rig_init(struct rig *r, bool published)
{
    assert_true(sodium_init() >= 0);
    *r = (struct rig){.now_ms = RIG_START_MS};
    rng_init_seeded(&r->rng, 1);
    arena_init(&r->arena, 0);
    r->layout = rig_layout();
    struct event *event = rig_event(r, published);
    r->inv = inventory_new_event(event, r->layout, &r->rng);
    event_unref(event);
    replay_init(&r->store, r->layout);
    struct actor key = actor_key("box");
    rig_accepted(r, inventory_create(r->inv, &key, r->now_ms * 1000, &r->arena));
}

static inline void rig_done(struct rig *r)
{
    inventory_free(r->inv);
    inventory_free(r->follower);
    replay_done(&r->store);
    layout_unref(r->layout);
    arena_done(&r->arena);
}

/* Load the event again from what was stored. */
static inline void rig_reload(struct rig *r)
{
    struct image image;
    struct rig_state before = rig_state(r);
    replay_image(&r->store, &image);
    inventory_free(r->inv);
    r->inv = inventory_new(&image, &r->rng);
    assert_null(image.seats);
    assert_null(image.event);
    assert_null(image.layout);
    image_done(&image);
    inventory_check(r->inv);
    struct rig_state after = rig_state(r);
    before.next_hold = after.next_hold; /* of two equal deadlines either may be the first */
    assert_memory_equal(&before, &after, sizeof(before));
    struct hold_id id;
    int64_t expires_ms;
    if (inventory_next_deadline(r->inv, &expires_ms, &id))
        assert_true(replay_hold(&r->store, &id)->expires_ms == expires_ms);
}

/* ---- commands; who 0: the API key, else that session ---- */

#define SEATS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static inline struct actor who_is(unsigned who)
{
    return who ? actor_session(session(who)) : actor_key("box");
}

static inline int hold_for(struct rig *r, unsigned who, unsigned whose, const uint32_t *seats, size_t count)
{
    struct command c = {.kind = COMMAND_HOLD_CREATE,
                        .actor = who_is(who),
                        .session = session(whose),
                        .seats = seats,
                        .seat_count = (uint32_t)count};
    return rig_decide(r, &c);
}

static inline int hold(struct rig *r, unsigned who, const uint32_t *seats, size_t count)
{
    return hold_for(r, who, who, seats, count);
}

/* A hold that must succeed. */
static inline struct hold_id held(struct rig *r, unsigned who, const uint32_t *seats, size_t count)
{
    assert_int_equal(hold(r, who, seats, count), BOX_OK);
    return r->v.last->hold->hold_id;
}

static inline int best(struct rig *r, unsigned who, uint32_t count, uint32_t section)
{
    struct command c = {.kind = COMMAND_HOLD_CREATE,
                        .actor = who_is(who),
                        .session = session(who),
                        .best = {.count = count, .section = section}};
    return rig_decide(r, &c);
}

static inline int on_hold(struct rig *r, enum command_kind kind, unsigned who, struct hold_id id)
{
    struct command c = {.kind = kind, .actor = who_is(who), .hold_id = id};
    return rig_decide(r, &c);
}

static inline int extend(struct rig *r, unsigned who, struct hold_id id, int64_t until_ms)
{
    struct command c = {
        .kind = COMMAND_HOLD_EXTEND, .actor = who_is(who), .hold_id = id, .until_ms = until_ms};
    return rig_decide(r, &c);
}

static inline int release(struct rig *r, unsigned who, struct hold_id id)
{
    return on_hold(r, COMMAND_HOLD_RELEASE, who, id);
}

static inline int expire(struct rig *r, struct hold_id id)
{
    struct command c = {.kind = COMMAND_HOLD_EXPIRE, .actor = actor_system(), .hold_id = id};
    return rig_decide(r, &c);
}

static inline int order(struct rig *r, unsigned who, struct hold_id id)
{
    return on_hold(r, COMMAND_ORDER_CREATE, who, id);
}

static inline struct order_id ordered(struct rig *r, unsigned who, struct hold_id id)
{
    assert_int_equal(order(r, who, id), BOX_OK);
    return r->v.last->order->order_id;
}

static inline int confirm(struct rig *r, unsigned who, struct order_id id)
{
    struct command c = {.kind = COMMAND_ORDER_CONFIRM, .actor = who_is(who), .order_id = id};
    return rig_decide(r, &c);
}

static inline int cancel(struct rig *r, unsigned who, struct order_id id)
{
    struct command c = {.kind = COMMAND_ORDER_CANCEL, .actor = who_is(who), .order_id = id};
    return rig_decide(r, &c);
}

static inline int refund(struct rig *r, unsigned who, struct order_id id, bool block)
{
    struct command c = {.kind = COMMAND_ORDER_REFUND,
                        .actor = who_is(who),
                        .order_id = id,
                        .stored_order = replay_order(&r->store, &id),
                        .block_seats = block};
    return rig_decide(r, &c);
}

/* Seats sold, as a whole. */
static inline struct order_id bought(struct rig *r, unsigned who, const uint32_t *seats, size_t count)
{
    struct order_id id = ordered(r, who, held(r, who, seats, count));
    assert_int_equal(confirm(r, 0, id), BOX_OK);
    return id;
}

static inline int on_event(struct rig *r, enum command_kind kind)
{
    struct command c = {.kind = kind, .actor = actor_key("box")};
    return rig_decide(r, &c);
}

static inline int edit(struct rig *r, struct event_edit fields)
{
    struct command c = {.kind = COMMAND_EVENT_EDIT, .actor = actor_key("box"), .edit = &fields};
    return rig_decide(r, &c);
}

static inline int price(struct rig *r, uint32_t place, const char *type, int64_t minor)
{
    struct price_entry entry = {.place = place, .price_type = type, .price.minor = minor};
    struct command c = {
        .kind = COMMAND_EVENT_PRICE, .actor = actor_key("box"), .prices = &entry, .price_count = 1};
    return rig_decide(r, &c);
}

static inline int block(struct rig *r, const uint32_t *seats, size_t count)
{
    struct command c = {
        .kind = COMMAND_BLOCK, .actor = actor_key("box"), .seats = seats, .seat_count = (uint32_t)count};
    return rig_decide(r, &c);
}

static inline int unblock(struct rig *r, const uint32_t *seats, size_t count)
{
    struct command c = {
        .kind = COMMAND_UNBLOCK, .actor = actor_key("box"), .seats = seats, .seat_count = (uint32_t)count};
    return rig_decide(r, &c);
}

/* ---- asserting ---- */

static inline void assert_counts(struct rig *r, uint32_t available, uint32_t held_seats, uint32_t sold,
                                 uint32_t blocked)
{
    uint32_t counts[SEAT_STATUSES];
    inventory_counts(r->inv, counts);
    assert_int_equal(counts[SEAT_AVAILABLE], available);
    assert_int_equal(counts[SEAT_HELD], held_seats);
    assert_int_equal(counts[SEAT_SOLD], sold);
    assert_int_equal(counts[SEAT_BLOCKED], blocked);
}

/* The newest verdict refused with a word about the present state. */
#define assert_current(rig, word)                                                                            \
    do {                                                                                                     \
        assert_non_null((rig)->v.current);                                                                   \
        assert_string_equal((rig)->v.current, word);                                                         \
    } while (0)

/* Each test begins with a new hall, published, and ends by taking it down. */
static inline int rig_setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    rig_init(r, true);
    *state = r;
    return 0;
}

static inline int rig_teardown(void **state)
{
    rig_done(*state);
    free(*state);
    return 0;
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
