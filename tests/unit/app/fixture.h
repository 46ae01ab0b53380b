/*
 * An app on the store in memory and a clock that stands still. Its loop, its workers and its writer are one
 * thread: settle() runs them in turn until nothing is left to do.
 */
#ifndef UNIT_APP_FIXTURE_H
#define UNIT_APP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "app/usecases.h"
#include "base/error.h"
#include "base/params.h"
#include "store/mem/store_mem.h"

enum { SEATS = 20, HOLD_SECONDS = 900 };

static const int64_t START_US = INT64_C(1700000000000000);

struct world {
    struct clock clock;
    struct rng rng;
    struct store *store;
    struct view *view;
    struct work_queue workers;
    struct mailbox loop;
    struct auth *auth;
    struct writer *writer;
    struct app *app;
    struct venue_id venue;
    struct ask *asks;
};

/* One call, and what became of it. */
struct ask {
    struct app_call call; /* first */
    struct world *world;
    struct arena arena;
    struct idem_key idem;
    struct app_venue_plan venue_plan;
    struct app_event_plan event_plan;
    const char *slug;
    unsigned done;
    struct ask *next;
};

/* ---- the parts ---- */

static inline void on_loaded(void *ctx, const struct inventory *inv)
{
    view_load(((struct world *)ctx)->view, inv);
}

static inline void on_changed(void *ctx, const struct inventory *inv, const struct change *first)
{
    view_apply(((struct world *)ctx)->view, inv, first);
}

static inline void on_gone(void *ctx, const struct event_id *id)
{
    view_remove(((struct world *)ctx)->view, id);
}

static inline int on_reopened(void *ctx)
{
    struct world *w = ctx;
    return app_load_venues(w->store, w->view);
}

static inline struct layout *layout_of(void *ctx, const struct venue_id *venue)
{
    return view_venue(((struct world *)ctx)->view, venue);
}

static inline void open_writer(struct world *w)
{
    struct writer_options options = {
        .store = w->store,
        .clock = &w->clock,
        .rng = &w->rng,
        .observer =
            {.ctx = w, .loaded = on_loaded, .changed = on_changed, .gone = on_gone, .reopened = on_reopened},
        .layout_of = layout_of,
        .layout_ctx = w,
    };
    w->writer = writer_new(&options);
    assert_int_equal(writer_load(w->writer, NULL, NULL), 0);
}

/* The store, its view and all that works on them. */
static inline struct world *world_new(void)
{
    static const uint8_t signing_key[32] = {7};
    struct world *w = calloc(1, sizeof(*w));
    assert_true(sodium_init() >= 0);
    clock_init_virtual(&w->clock, START_US);
    rng_init_seeded(&w->rng, 1);
    w->store = store_mem_new();
    w->view = view_new();
    work_init(&w->workers, 64);
    assert_int_equal(mailbox_init(&w->loop), 0);
    w->auth = auth_new(signing_key);
    assert_int_equal(auth_add_key(w->auth, "till", "key"), 0);
    open_writer(w);
    struct app_options options = {
        .store = w->store,
        .view = w->view,
        .writer = w->writer,
        .workers = &w->workers,
        .clock = &w->clock,
        .rng = &w->rng,
        .auth = w->auth,
    };
    w->app = app_open(&options);
    return w;
}

/* Run loop, workers and writer until nothing is left. */
static inline void settle(struct world *w)
{
    bool busy = true;
    while (busy) {
        busy = writer_step(w->writer);
        busy |= task_run_all(&w->loop) > 0;
        busy |= w->workers.count > 0;
        work_drain(&w->workers);
    }
}

static inline void pass(struct world *w, int64_t ms)
{
    w->clock.virtual_wall_us += ms * 1000;
    w->clock.virtual_monotonic_us += ms * 1000;
    settle(w);
}

/* ---- asking ---- */

static inline void note_done(struct app_call *call)
{
    ((struct ask *)(void *)call)->done++;
}

/* An answer that says what it was made from. */
static inline void render_note(struct app_call *call, struct idem_record *ret_answer)
{
    ret_answer->http_status = 200;
    if (call->hold)
        ret_answer->body = arena_printf(call->arena, "hold with %u seats at seq %u", call->hold->line_count,
                                        (unsigned)call->seq);
    else if (call->order)
        ret_answer->body = arena_printf(call->arena, "order at seq %u", (unsigned)call->seq);
    else if (call->event_now)
        ret_answer->body = arena_printf(call->arena, "event with %u free at seq %u",
                                        (unsigned)call->counts[SEAT_AVAILABLE], (unsigned)call->seq);
    else
        ret_answer->body = "venue";
    ret_answer->body_size = strlen(ret_answer->body);
}

/* A call by the API key. */
static inline struct ask *ask_new(struct world *w)
{
    struct ask *a = calloc(1, sizeof(*a));
    arena_init(&a->arena, 0);
    app_call_init(&a->call, w->app, &a->arena, &w->loop);
    assert_int_equal(auth_check(w->auth, "Bearer key", a->call.now_ms, &a->call.who), 0);
    a->call.render = render_note;
    a->call.done = note_done;
    a->world = w;
    a->next = w->asks;
    w->asks = a;
    return a;
}

/* A call by session number @session. */
static inline struct session_id session_numbered(uint8_t n)
{
    return (struct session_id){{{n}}};
}

static inline struct ask *ask_by(struct world *w, uint8_t session)
{
    struct ask *a = ask_new(w);
    a->call.who = (struct credential){
        .kind = CREDENTIAL_SESSION, .session = session_numbered(session), .may_begin = true};
    return a;
}

/* ... with an idempotency key, and a body that is known by a number. */
static inline struct ask *with_key(struct ask *a, const char *key, int body)
{
    a->idem.key = digest_of(key, strlen(key), NULL, 0);
    a->idem.request = digest_of(&body, sizeof(body), NULL, 0);
    a->call.idem = &a->idem;
    return a;
}

/* Let everything run; the call must then be done once. Returns its code. */
static inline int code_of(struct ask *a)
{
    settle(a->world);
    assert_int_equal(a->done, 1);
    assert_true(a->call.code || a->call.answer || a->call.hold || a->call.order);
    return a->call.code;
}

static inline const char *answer_of(struct ask *a)
{
    assert_non_null(a->call.answer);
    return arena_strndup(&a->arena, a->call.answer->body, a->call.answer->body_size);
}

/* ---- a venue and an event ---- */

static inline int build_hall(struct app_venue_plan *plan, struct app_call *call)
{
    struct layout_builder *b = layout_builder_new();
    struct venue_id id = {uuid_random(call->app->parts.rng)};
    (void)plan;
    assert_int_equal(layout_builder_section(b, (struct section_id){id.u}, "Stalls"), 0);
    assert_int_equal(layout_builder_type(b, "regular", (struct decimal){4500, 2}), 0);
    assert_int_equal(layout_builder_row(b, "1", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, SEATS), 0);
    assert_int_equal(layout_builder_finish(b, id, "Hall", "Europe/Berlin", call->now_ms, &call->layout), 0);
    layout_builder_free(b);
    return 0;
}

static inline struct ask *make_venue(struct ask *a)
{
    a->venue_plan.build = build_hall;
    app_venue_create(&a->call, &a->venue_plan);
    return a;
}

static inline int build_show(struct app_event_plan *plan, struct app_call *call)
{
    struct ask *a = (struct ask *)(void *)call;
    uint32_t place;
    struct event_draft draft = {
        .event_id = app_new_event_id(call),
        .slug = a->slug ? a->slug : "hidden",
        .fields = {.set = EVENT_NAME | EVENT_DATE | EVENT_HOLD_SECONDS | EVENT_MAX_TICKETS,
                   .name = "Show",
                   .date_ms = 1,
                   .hold_seconds = HOLD_SECONDS,
                   .max_tickets_per_session = 8},
        .published = a->slug,
        .created_ms = call->now_ms,
    };
    assert_int_equal(currency_find("EUR", &draft.currency), 0);
    call->layout = view_venue(call->app->parts.view, &a->world->venue);
    return event_new(&draft, call->layout, &place, &plan->event);
}

/* @slug NULL: one that is not published. */
static inline struct ask *make_event(struct ask *a, const char *slug)
{
    a->slug = slug;
    a->event_plan.build = build_show;
    app_event_create(&a->call, &a->event_plan);
    return a;
}

/* A world with a venue. */
static inline int setup(void **state)
{
    struct world *w = world_new();
    struct ask *a = make_venue(ask_new(w));
    assert_int_equal(code_of(a), 0);
    w->venue = a->call.layout->venue_id;
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;
    settle(w);
    app_close(w->app);
    writer_stop(w->writer);
    settle(w);
    for (struct ask *a = w->asks, *next; a; a = next) {
        next = a->next;
        assert_int_equal(a->done, 1);
        app_call_end(&a->call);
        event_unref(a->event_plan.event);
        arena_done(&a->arena);
        free(a);
    }
    writer_free(w->writer);
    auth_free(w->auth);
    mailbox_done(&w->loop);
    work_done(&w->workers);
    view_free(w->view);
    store_close(w->store);
    free(w);
    return 0;
}

/* An event that is on sale. */
static inline struct event_id show(struct world *w, const char *slug)
{
    struct ask *a = make_event(ask_new(w), slug);
    assert_int_equal(code_of(a), 0);
    return a->event_plan.event->event_id;
}

static inline uint32_t free_seats(struct world *w, const struct event_id *id)
{
    struct snapshot *s = view_find(w->view, id);
    uint32_t count = s->counts[SEAT_AVAILABLE];
    view_release(s);
    return count;
}

/* Begin a hold of @count seats from @first on. */
static inline struct ask *hold_seats(struct ask *a, const struct event_id *event, uint32_t first,
                                     uint32_t count)
{
    struct app_hold_wish *wish = arena_alloc(&a->arena, sizeof(*wish));
    uint32_t *seats = arena_array(&a->arena, count, sizeof(*seats));
    for (uint32_t i = 0; i < count; i++)
        seats[i] = first + i;
    *wish = (struct app_hold_wish){.session = a->call.who.session, .seats = seats, .seat_count = count};
    if (app_find_event(&a->call, event))
        app_refuse(&a->call, BOX_ENOTFOUND);
    else
        app_hold_create(&a->call, wish);
    return a;
}

static inline struct hold_id held(struct world *w, uint8_t session, const struct event_id *event,
                                  uint32_t first)
{
    struct ask *a = hold_seats(ask_by(w, session), event, first, 2);
    assert_int_equal(code_of(a), 0);
    return a->call.hold->hold_id;
}

static inline struct ask *order_hold(struct ask *a, const struct hold_id *hold)
{
    static const struct personal buyer = {.name = "Ada", .email = "ada@example.org"};
    app_order_create(&a->call, hold, &UUID_NIL, &buyer);
    return a;
}

static inline struct order_id ordered(struct world *w, uint8_t session, const struct event_id *event,
                                      uint32_t first)
{
    struct hold_id hold = held(w, session, event, first);
    struct ask *a = order_hold(ask_by(w, session), &hold);
    assert_int_equal(code_of(a), 0);
    return a->call.order->order_id;
}

static inline struct ask *confirm(struct ask *a, const struct order_id *order, const char *reference)
{
    app_order_confirm(&a->call, order, reference);
    return a;
}

#endif
