/*
 * A writer on the store in memory and a clock that stands still, driven round by round in one thread;
 * everything that happens is noted in its order.
 */
#ifndef UNIT_WRITER_FIXTURE_H
#define UNIT_WRITER_FIXTURE_H

#include "unit/domain/fixture.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/params.h"
#include "store/mem/store_mem.h"
#include "writer/writer.h"
#include <stdio.h>
#include <stdlib.h>

enum { SEATS = 40, NOTES = 65536, HOLD_SECONDS = 900, MAX_EVENTS = 8 };

static const int64_t START_US = INT64_C(1700000000000000);

enum note_kind { NOTE_LOADED, NOTE_CHANGED, NOTE_GONE, NOTE_DONE, NOTE_DECIDED, NOTE_LOST };

struct note {
    enum note_kind kind;
    struct event_id event; /* but DONE */
    uint64_t seq;          /* LOADED, CHANGED: the state that is shown */
    const struct ask *ask; /* DONE */
};

/* A request and what belongs to it. */
struct ask {
    struct writer_req req; /* first */
    struct bench *bench;
    struct arena arena;
    struct idem_key key;
    struct idem_record answer;
    bool answered;
    unsigned rendered;
    struct ask *next;
};

struct bench {
    struct store *store;
    struct clock clock;
    struct rng rng;
    struct layout *layout;
    struct event *events[MAX_EVENTS];
    unsigned event_count;
    struct mailbox replies;
    struct writer *writer;
    size_t queue_limit, queue_reserve, event_limit;
    struct budget_limits limits;
    int64_t expiry_delay_us;
    struct writer_observer next_observer; /* called too, if set */
    struct ask *asks;
    size_t note_count;
    struct note notes[NOTES];
};

/* ---- noting ---- */

static inline void note(struct bench *b, struct note n)
{
    assert_true(b->note_count < NOTES);
    b->notes[b->note_count++] = n;
}

static inline void on_loaded(void *ctx, const struct inventory *inv)
{
    struct bench *b = ctx;
    inventory_check(inv);
    note(b, (struct note){NOTE_LOADED, inventory_event(inv)->event_id, inventory_seq(inv), NULL});
    if (b->next_observer.loaded)
        b->next_observer.loaded(b->next_observer.ctx, inv);
}

static inline void on_changed(void *ctx, const struct inventory *inv, const struct change *first)
{
    struct bench *b = ctx;
    uint64_t seq = first->seq;
    for (const struct change *c = first; c; c = c->next)
        assert_int_equal(c->seq, seq++);
    assert_int_equal(inventory_seq(inv), seq - 1);
    inventory_check(inv);
    note(b, (struct note){NOTE_CHANGED, first->event_id, inventory_seq(inv), NULL});
    if (b->next_observer.changed)
        b->next_observer.changed(b->next_observer.ctx, inv, first);
}

static inline void on_gone(void *ctx, const struct event_id *id)
{
    struct bench *b = ctx;
    note(b, (struct note){NOTE_GONE, *id, 0, NULL});
    if (b->next_observer.gone)
        b->next_observer.gone(b->next_observer.ctx, id);
}

/* Of a shared store only. */
static inline void on_decided(void *ctx, const struct inventory *inv, const struct change *first)
{
    struct bench *b = ctx;
    note(b, (struct note){NOTE_DECIDED, first->event_id, inventory_seq(inv), NULL});
    if (b->next_observer.decided)
        b->next_observer.decided(b->next_observer.ctx, inv, first);
}

static inline void on_lost(void *ctx, const struct event_id *id)
{
    struct bench *b = ctx;
    note(b, (struct note){NOTE_LOST, *id, 0, NULL});
    if (b->next_observer.lost)
        b->next_observer.lost(b->next_observer.ctx, id);
}

static inline void on_done(struct writer_req *req)
{
    struct ask *a = (struct ask *)req;
    assert_false(a->answered);
    a->answered = true;
    note(a->bench, (struct note){.kind = NOTE_DONE, .ask = a});
}

/* How many notes of a kind there are since @from. */
static inline size_t noted(const struct bench *b, enum note_kind kind, size_t from)
{
    size_t count = 0;
    for (size_t i = from; i < b->note_count; i++)
        count += b->notes[i].kind == kind;
    return count;
}

/* Where the answer of @a is noted. */
static inline size_t done_at(const struct bench *b, const struct ask *a)
{
    for (size_t i = 0; i < b->note_count; i++) {
        if (b->notes[i].kind == NOTE_DONE && b->notes[i].ask == a)
            return i;
    }
    fail_msg("not answered");
    return 0;
}

/* ---- life ---- */

static inline struct layout *lend_hall(void *ctx, const struct venue_id *venue)
{
    struct bench *b = ctx;
    assert_true(uuid_equal(&venue->u, &b->layout->venue_id.u));
    return layout_ref(b->layout);
}

static inline struct layout *hall(void)
{
    struct layout_builder *b = layout_builder_new();
    assert_int_equal(layout_builder_section(b, section_numbered(20), "Stalls"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price_of(4500)), 0);
    assert_int_equal(layout_builder_row(b, "1", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, SEATS), 0);
    return built(b);
}

static inline void start_writer(struct bench *b)
{
    struct writer_options options = {
        .store = b->store,
        .clock = &b->clock,
        .rng = &b->rng,
        .observer = {.ctx = b, .loaded = on_loaded, .changed = on_changed, .gone = on_gone},
        .layout_of = lend_hall,
        .layout_ctx = b,
        .queue_limit = b->queue_limit,
        .queue_reserve = b->queue_reserve,
        .event_limit = b->event_limit,
        .limits = b->limits,
        .expiry_delay_us = b->expiry_delay_us,
    };
    if (store_shared(b->store)) {
        options.observer.decided = on_decided;
        options.observer.lost = on_lost;
    }
    b->writer = writer_new(&options);
}

/* The same store under a new writer, as after a restart. */
static inline void restart(struct bench *b)
{
    writer_free(b->writer);
    start_writer(b);
    assert_int_equal(writer_load(b->writer, NULL, NULL), 0);
}

static inline struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->store = store_mem_new();
    clock_init_virtual(&b->clock, START_US);
    rng_init_seeded(&b->rng, 11);
    b->layout = hall();
    assert_int_equal(store_put_venue(b->store, b->layout, NULL), 0);
    assert_int_equal(mailbox_init(&b->replies), 0);
    start_writer(b);
    assert_int_equal(writer_load(b->writer, NULL, NULL), 0);
    return b;
}

static inline void bench_free(struct bench *b)
{
    writer_free(b->writer);
    mailbox_take(&b->replies);
    mailbox_done(&b->replies);
    while (b->asks) {
        struct ask *a = b->asks;
        b->asks = a->next;
        arena_done(&a->arena);
        free(a);
    }
    for (unsigned i = 0; i < b->event_count; i++)
        event_unref(b->events[i]);
    layout_unref(b->layout);
    store_close(b->store);
    free(b);
}

static inline void forward(struct bench *b, int64_t us)
{
    b->clock.virtual_wall_us += us;
    b->clock.virtual_monotonic_us += us > 0 ? us : 0;
}

/* One round, and what it answered. */
static inline bool step(struct bench *b)
{
    bool did = writer_step(b->writer);
    task_run_all(&b->replies);
    return did;
}

/* Rounds until nothing is left to do (at this time). */
static inline void settle(struct bench *b)
{
    for (int i = 0; step(b); i++)
        assert_true(i < 10000);
}

/* ---- asking ---- */

/* The answer to keep tells which request made it: for whom a replay came is then visible. */
static inline void render(struct writer_req *req, struct idem_record *ret_answer)
{
    struct ask *a = (struct ask *)req;
    assert_int_equal(req->verdict.code, BOX_OK);
    a->rendered++;
    ret_answer->http_status = 201;
    ret_answer->change_seq = req->verdict.last->seq;
    ret_answer->location =
        arena_printf(req->arena, "/change/%llu", (unsigned long long)req->verdict.last->seq);
    ret_answer->body = arena_printf(req->arena, "body %p", (void *)a);
    ret_answer->body_size = strlen(ret_answer->body);
}

static inline struct ask *ask_new(struct bench *b, enum writer_op op)
{
    struct ask *a = calloc(1, sizeof(*a));
    a->bench = b;
    arena_init(&a->arena, 0);
    a->next = b->asks;
    b->asks = a;
    a->req.op = op;
    a->req.arena = &a->arena;
    a->req.reply_to = &b->replies;
    a->req.done = on_done;
    a->req.render = render;
    return a;
}

static inline struct ask *command(struct bench *b, unsigned event, enum command_kind kind)
{
    struct ask *a = ask_new(b, WRITER_COMMAND);
    assert_true(event < b->event_count);
    a->req.event_id = b->events[event]->event_id;
    a->req.command.kind = kind;
    a->req.command.actor = actor_key("test");
    return a;
}

static inline void submit(struct ask *a)
{
    assert_int_equal(writer_submit(a->bench->writer, &a->req), 0);
}

static inline struct ask *submitted(struct ask *a)
{
    submit(a);
    return a;
}

/* The request carries a key; its body is @body. */
static inline struct ask *with_key(struct ask *a, const char *key, const char *body)
{
    a->key.key = digest_of(key, strlen(key), NULL, 0);
    a->key.request = digest_of(body, strlen(body), NULL, 0);
    a->req.idem = &a->key;
    return a;
}

static inline struct ask *hold(struct bench *b, unsigned event, uint32_t seat, uint8_t session)
{
    struct ask *a = command(b, event, COMMAND_HOLD_CREATE);
    a->req.command.seats = arena_copy(&a->arena, &seat, sizeof(seat));
    a->req.command.seat_count = 1;
    a->req.command.session = session_numbered(session);
    a->req.command.actor = actor_session(session_numbered(session));
    return a;
}

static inline struct hold_id hold_of(const struct ask *a)
{
    assert_true(a->answered);
    assert_int_equal(a->req.code, 0);
    return a->req.verdict.last->hold->hold_id;
}

static inline struct ask *of_hold(struct bench *b, unsigned event, enum command_kind kind,
                                  const struct ask *held)
{
    struct ask *a = command(b, event, kind);
    a->req.command.hold_id = hold_of(held);
    return a;
}

static inline struct ask *of_order(struct bench *b, unsigned event, enum command_kind kind,
                                   const struct ask *ordered)
{
    struct ask *a = command(b, event, kind);
    assert_int_equal(ordered->req.code, 0);
    a->req.command.order_id = ordered->req.verdict.last->order->order_id;
    return a;
}

/* Submit, settle, and expect this answer. */
static inline struct ask *asked(struct ask *a, int code)
{
    submit(a);
    settle(a->bench);
    assert_true(a->answered);
    assert_int_equal(a->req.code, code);
    return a;
}

/* ---- events ---- */

static inline struct event *draft_event(struct bench *b, const char *slug)
{
    const struct event_draft draft = {
        .event_id = event_id_new(&b->rng),
        .slug = slug,
        .currency = {"EUR", 2},
        .fields = {.set = EVENT_NAME | EVENT_TYPE | EVENT_DATE | EVENT_HOLD_SECONDS | EVENT_MAX_TICKETS,
                   .name = "Concert",
                   .event_type = "concert",
                   .date_ms = 1800000000000,
                   .hold_seconds = HOLD_SECONDS,
                   .max_tickets_per_session = SEATS},
        .published = true,
        .created_ms = b->clock.virtual_wall_us / 1000,
    };
    uint32_t place;
    struct event *e;
    assert_int_equal(event_new(&draft, b->layout, &place, &e), 0);
    assert_true(b->event_count < MAX_EVENTS);
    b->events[b->event_count++] = e;
    return e;
}

/* Its tickets are stored; the request to create it is not submitted yet. */
static inline struct ask *create_event(struct bench *b, const char *slug)
{
    struct ask *a = ask_new(b, WRITER_CREATE_EVENT);
    struct event *e = draft_event(b, slug);
    assert_int_equal(store_create_tickets(b->store, e, b->layout, NULL, NULL), 0);
    a->req.command.actor = actor_key("test");
    a->req.slug = e->slug;
    a->req.new_event = e;
    a->req.new_layout = b->layout;
    return a;
}

/* A bench with one event on sale. */
static inline struct bench *bench_with_event(void)
{
    struct bench *b = bench_new();
    asked(create_event(b, "concert"), BOX_OK);
    return b;
}

static inline const struct inventory *inventory_at(const struct bench *b, unsigned event)
{
    return writer_inventory(b->writer, &b->events[event]->event_id);
}

/* What the store says of a seat. */
static inline enum seat_status stored_status(struct bench *b, unsigned event, uint32_t seat)
{
    struct ticket_row row;
    assert_int_equal(store_get_ticket(b->store, &b->events[event]->event_id, seat, &row), 0);
    return row.status;
}

#endif
