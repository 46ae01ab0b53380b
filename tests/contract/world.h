/*
 * A small world for store tests: a venue, events whose inventories decide, and a store that keeps what they
 * decided. After every step the event is loaded again, compared with the inventory that made it, and the
 * loaded one goes on: so every state that a test passes through is also one that a restart could begin with.
 */
#ifndef CONTRACT_WORLD_H
#define CONTRACT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <semaphore.h>

#include "inventory/inventory.h"
#include "store/store.h"

enum { MAIN_SEATS = 30, STANDING = 10, SEATS = MAIN_SEATS + STANDING };

struct world {
    struct store *store;
    struct rng rng;
    int64_t now_us;
    struct arena arena; /* of the whole test */
    struct layout *layout;
    unsigned starts; /* how often the store was stopped and started */
};

struct show { /* an event on */
    struct world *w;
    struct event_id id;
    struct inventory *inv;
    unsigned home_since; /* w->starts when the store became its home */
};

/* ---- venue and events ---- */

static inline struct uuid test_uuid(struct world *w)
{
    return uuid_random(&w->rng);
}

static inline struct layout *make_layout(struct world *w, const char *name)
{
    struct layout *layout = NULL;
    struct layout_builder *b = layout_builder_new();
    struct decimal price = {.unscaled = 4500, .scale = 2}, cheap = {.unscaled = 25, .scale = 0};
    assert_int_equal(layout_builder_section(b, (struct section_id){test_uuid(w)}, "Block A"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price), 0);
    for (int row = 0; row < 3; row++) {
        char label[8];
        snprintf(label, sizeof(label), "%d", row + 1);
        assert_int_equal(layout_builder_row(b, label, NULL, NULL), 0);
        assert_int_equal(layout_builder_seats_counted(b, MAIN_SEATS / 3), 0);
    }
    assert_int_equal(layout_builder_type(b, "standing", cheap), 0);
    assert_int_equal(layout_builder_unnumbered(b, STANDING), 0);
    struct venue_id id = {test_uuid(w)};
    int ret = layout_builder_finish(b, id, name, "Europe/Berlin", w->now_us / 1000, &layout);
    assert_int_equal(ret, 0);
    layout_builder_free(b);
    return layout;
}

static inline void world_init(struct world *w, struct store *store, uint64_t seed)
{
    *w = (struct world){.store = store, .now_us = 1900000000000000};
    rng_init_seeded(&w->rng, seed);
    arena_init(&w->arena, 0);
    w->layout = make_layout(w, "Test Hall");
}

static inline void world_done(struct world *w)
{
    layout_unref(w->layout);
    arena_done(&w->arena);
}

static inline struct event *make_event(struct world *w, const char *slug)
{
    struct event *event = NULL;
    uint32_t place;
    struct event_draft draft = {
        .event_id = event_id_new(&w->rng),
        .slug = slug,
        .fields = {.set = EVENT_NAME | EVENT_DATE, .name = "A night", .date_ms = w->now_us / 1000 + 86400000},
        .published = true,
        .created_ms = w->now_us / 1000,
    };
    assert_int_equal(currency_find("EUR", &draft.currency), 0);
    draft.fields.set |= EVENT_HOLD_SECONDS | EVENT_MAX_TICKETS;
    draft.fields.hold_seconds = 900;
    draft.fields.max_tickets_per_session = 100;
    assert_int_equal(event_new(&draft, w->layout, &place, &event), 0);
    return event;
}

/* ---- commits ---- */

static inline void count_done(struct commit *c)
{
    ++*(int *)c->ctx;
}

static inline void post_done(struct commit *c)
{
    sem_post(c->ctx);
}

/* Submit and wait. */
static inline void submit(struct store *s, struct commit *c)
{
    sem_t done;
    sem_init(&done, 0, 0);
    c->done = post_done;
    c->ctx = &done;
    store_commit(s, c);
    while (sem_wait(&done)) /* a signal */
        ;
    sem_destroy(&done);
}

static inline uint32_t chain_length(const struct change *c)
{
    uint32_t n = 0;
    for (; c; c = c->next)
        n++;
    return n;
}

static inline struct event_group group_of(struct event_id id, struct change *changes)
{
    return (struct event_group){
        .event_id = id,
        .follows_seq = changes->seq - 1,
        .changes = changes,
        .change_count = chain_length(changes),
        .result = 12345,
    };
}

static inline int commit_one(struct store *s, struct event_group *g)
{
    struct commit c = {.groups = g, .group_count = 1};
    submit(s, &c);
    return g->result;
}

static inline int commit_changes(struct store *s, struct event_id id, struct change *changes)
{
    struct event_group g = group_of(id, changes);
    return commit_one(s, &g);
}

/* ---- loading ---- */

static inline struct layout *the_layout(void *ctx, const struct venue_id *venue)
{
    struct world *w = ctx;
    return uuid_equal(&venue->u, &w->layout->venue_id.u) ? w->layout : NULL;
}

static inline struct inventory *load(struct world *w, struct event_id id)
{
    struct image image;
    assert_int_equal(store_load_event(w->store, &id, the_layout, w, &image), 0);
    struct inventory *inv = inventory_new(&image, &w->rng);
    image_done(&image);
    inventory_check(inv);
    return inv;
}

static inline void assert_same_event(const struct event *a, const struct event *b)
{
    struct buf x = {0}, y = {0};
    event_encode(a, &x);
    event_encode(b, &y);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    buf_done(&x);
    buf_done(&y);
}

static inline void assert_same_inventory(const struct inventory *a, const struct inventory *b)
{
    uint32_t counts_a[SEAT_STATUSES], counts_b[SEAT_STATUSES];
    int64_t deadline_a = 0, deadline_b = 0;
    struct hold_id hold_a = {UUID_NIL}, hold_b = {UUID_NIL};
    assert_int_equal(inventory_seq(a), inventory_seq(b));
    assert_memory_equal(inventory_hash(a), inventory_hash(b), DIGEST_BYTES);
    assert_same_event(inventory_event(a), inventory_event(b));
    for (uint32_t seat = 0; seat < SEATS; seat++)
        assert_int_equal(inventory_seat_status(a, seat), inventory_seat_status(b, seat));
    inventory_counts(a, counts_a);
    inventory_counts(b, counts_b);
    assert_memory_equal(counts_a, counts_b, sizeof(counts_a));
    assert_int_equal(inventory_live_holds(a), inventory_live_holds(b));
    bool any = inventory_next_deadline(a, &deadline_a, &hold_a);
    assert_int_equal(any, inventory_next_deadline(b, &deadline_b, &hold_b));
    assert_int_equal(deadline_a, deadline_b);
    assert_true(!any || uuid_equal(&hold_a.u, &hold_b.u));
}

/* A shared store that was started again is nobody's home; what it takes is what was there. */
static inline void be_home(struct show *e)
{
    struct image image;
    if (e->home_since == e->w->starts)
        return;
    assert_int_equal(store_take_event(e->w->store, &e->id, the_layout, e->w, &image), 0);
    struct inventory *taken = inventory_new(&image, &e->w->rng);
    image_done(&image);
    inventory_check(taken);
    assert_same_inventory(e->inv, taken);
    inventory_free(taken);
    e->home_since = e->w->starts;
}

/* What is durable is what was decided; go on with what was loaded. */
static inline void reload(struct show *e)
{
    struct inventory *loaded = load(e->w, e->id);
    assert_same_inventory(e->inv, loaded);
    inventory_free(e->inv);
    e->inv = loaded;
    be_home(e);
}

/* ---- steps ---- */

/* A new event, on sale. */
static inline struct show begin_show(struct world *w, const char *slug)
{
    struct event *event = make_event(w, slug);
    struct show e = {.w = w, .id = event->event_id, .home_since = w->starts};
    struct actor actor = actor_key("default");
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), 0);
    e.inv = inventory_new_event(event, w->layout, &w->rng);
    struct change *c = inventory_create(e.inv, &actor, ++w->now_us, &w->arena);
    assert_int_equal(commit_changes(w->store, e.id, c), 0);
    inventory_group_done(e.inv);
    event_unref(event);
    reload(&e);
    return e;
}

static inline void end_show(struct show *e)
{
    inventory_free(e->inv);
}

/* Decide; the command must be accepted. */
static inline struct change *decide(struct show *e, const struct command *command)
{
    struct verdict v;
    e->w->now_us += 1000;
    assert_int_equal(inventory_decide(e->inv, command, e->w->now_us, &e->w->arena, &v), 0);
    assert_non_null(v.changes);
    return v.changes;
}

/* Decide, commit, load again. */
static inline struct change *step(struct show *e, const struct command *command)
{
    be_home(e);
    struct change *c = decide(e, command);
    assert_int_equal(commit_changes(e->w->store, e->id, c), 0);
    inventory_group_done(e->inv);
    reload(e);
    return c;
}

static inline struct command hold_command(struct session_id session, const uint32_t *seats, uint32_t count)
{
    return (struct command){
        .kind = COMMAND_HOLD_CREATE,
        .actor = actor_key("default"),
        .session = session,
        .seats = seats,
        .seat_count = count,
    };
}

static inline struct hold_id take_seats(struct show *e, struct session_id session, uint32_t first,
                                        uint32_t count)
{
    uint32_t seats[SEATS];
    for (uint32_t i = 0; i < count; i++)
        seats[i] = first + i;
    struct command c = hold_command(session, seats, count);
    return step(e, &c)->hold->hold_id;
}

static inline void on_hold(struct show *e, enum command_kind kind, struct hold_id hold)
{
    struct command c = {.kind = kind, .actor = actor_key("default"), .hold_id = hold};
    step(e, &c);
}

static inline struct order_id make_order(struct show *e, struct hold_id hold)
{
    struct command c = {.kind = COMMAND_ORDER_CREATE, .actor = actor_key("default"), .hold_id = hold};
    return step(e, &c)->order->order_id;
}

static inline void on_order(struct show *e, enum command_kind kind, struct order_id order)
{
    struct command c = {.kind = kind, .actor = actor_key("default"), .order_id = order};
    step(e, &c);
}

static inline void on_event(struct show *e, enum command_kind kind)
{
    struct command c = {.kind = kind, .actor = actor_key("default")};
    step(e, &c);
}

static inline void on_seats(struct show *e, enum command_kind kind, const uint32_t *seats, uint32_t count)
{
    struct command c = {.kind = kind, .actor = actor_key("default"), .seats = seats, .seat_count = count};
    step(e, &c);
}

static inline struct order stored_order(struct show *e, struct order_id id)
{
    struct order order;
    assert_int_equal(store_get_order(e->w->store, &id, &e->w->arena, &order), 0);
    return order;
}

static inline struct hold stored_hold(struct show *e, struct hold_id id)
{
    struct hold hold;
    assert_int_equal(store_get_hold(e->w->store, &id, &e->w->arena, &hold), 0);
    return hold;
}

static inline void refund(struct show *e, struct order_id id, bool block)
{
    struct order order = stored_order(e, id);
    struct command c = {
        .kind = COMMAND_ORDER_REFUND,
        .actor = actor_key("default"),
        .order_id = id,
        .stored_order = &order,
        .block_seats = block,
    };
    step(e, &c);
}

static inline struct session_id test_session(struct world *w)
{
    return (struct session_id){test_uuid(w)};
}

#endif
