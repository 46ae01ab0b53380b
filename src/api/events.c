#include "api/cursor.h"
#include "api/encode.h"
#include "api/event_in.h"
#include "api/kept.h"
#include "api/routes.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include <string.h>

/* ---- making ---- */

/* Thread: a worker. */
static int build_event(struct app_event_plan *plan, struct app_call *call)
{
    static const char *const known[] = {
        "venue_id",   "name",        "slug",         "event_type",
        "date",       "currency",    "hold_seconds", "max_tickets_per_session",
        "on_sale_at", "off_sale_at", "published",    "prices",
        NULL};
    struct api_req *c = api_of(call);
    struct json_node body = api_body(c, known), prices = json_in_member(body, "prices");
    struct event_draft draft = {.event_id = app_new_event_id(call), .created_ms = call->now_ms};
    struct venue_id venue = {json_in_uuid(json_in_member(body, "venue_id"))};
    event_draft_in(body, &draft);
    call->layout = app_venue(call->app, &venue);
    if (call->layout && draft.currency.code[0] && !json_in_absent(prices))
        prices_in(prices, 0, call->layout, &draft.currency, &draft.prices, &draft.price_count);
    if (json_in_status(&c->in))
        return json_in_status(&c->in);
    if (!call->layout)
        return BOX_ENOTFOUND;
    uint32_t place = 0;
    int ret = event_new(&draft, call->layout, &place, &plan->event);
    if (ret == BOX_ERANGE)
        json_in_fault(json_in_member(body, "currency"), "has fewer decimals than the venue's price of \"%s\"",
                      call->layout->places[place].type_id);
    else if (ret)
        json_in_fault(prices, "an event has at most %d price types", LIMIT_PRICE_TYPES);
    return json_in_status(&c->in);
}

static void out_created(struct api_req *c, struct json_out *j)
{
    const struct app_call *call = &c->call;
    json_out_object(j);
    encode_event_members(j, call->event_now, call->layout->timezone, call->counts);
    json_out_member_int(j, "tickets_created", call->layout->seats_total);
    json_out_end_object(j);
}

static const char *event_path(struct api_req *c)
{
    return api_location(c, "/v1/events/", &c->call.event_now->event_id.u);
}

static void release_plan(struct api_req *c)
{
    const struct app_event_plan *plan = c->user;
    event_unref(plan->event);
}

void post_event(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin_post(req, ctx, RIGHT_KEY);
    if (!c)
        return;
    struct app_event_plan *plan = arena_alloc(req->arena, sizeof(*plan));
    plan->build = build_event;
    c->user = plan;
    c->release = release_plan;
    app_event_create(api_write(c, 201, out_created, event_path), plan);
}

/* ---- changing ---- */

static void out_changed(struct api_req *c, struct json_out *j)
{
    const struct app_call *call = &c->call;
    json_out_object(j);
    encode_event_members(j, call->event_now, call->event->layout->timezone, call->counts);
    json_out_end_object(j);
}

static void change_state(struct http_req *req, void *ctx, enum command_kind kind)
{
    struct api_req *c = api_begin_post(req, ctx, RIGHT_KEY);
    if (c && api_write_event(c, 200, out_changed))
        app_event_command(&c->call, kind);
}

void post_publish(struct http_req *req, void *ctx)
{
    change_state(req, ctx, COMMAND_EVENT_PUBLISH);
}

void post_unpublish(struct http_req *req, void *ctx)
{
    change_state(req, ctx, COMMAND_EVENT_UNPUBLISH);
}

void post_pause(struct http_req *req, void *ctx)
{
    change_state(req, ctx, COMMAND_EVENT_PAUSE);
}

void post_resume(struct http_req *req, void *ctx)
{
    change_state(req, ctx, COMMAND_EVENT_RESUME);
}

void post_cancel_event(struct http_req *req, void *ctx)
{
    change_state(req, ctx, COMMAND_EVENT_CANCEL);
}

void delete_event(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin(req, ctx, RIGHT_KEY, NULL);
    if (c && api_write_event(c, 204, NULL))
        app_event_command(&c->call, COMMAND_EVENT_DELETE);
}

void patch_event(struct http_req *req, void *ctx)
{
    static const char *const known[] = {
        "name", "event_type", "date", "on_sale_at", "off_sale_at", "hold_seconds", "max_tickets_per_session",
        NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_KEY, NULL);
    if (!c || !api_write_event(c, 200, out_changed))
        return;
    struct event_edit *edit = arena_alloc(req->arena, sizeof(*edit));
    event_edit_in(api_body(c, known), edit);
    if (api_fits(c))
        app_event_edit(&c->call, edit);
}

void put_prices(struct http_req *req, void *ctx)
{
    static const char *const known[] = {"prices", NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_KEY, NULL);
    const struct price_entry *prices = NULL;
    size_t count;
    if (!c || !api_write_event(c, 200, out_changed))
        return;
    const struct snapshot *s = c->call.event;
    struct json_node body = api_body(c, known);
    prices_in(json_in_member(body, "prices"), 1, s->layout, &s->event->currency, &prices, &count);
    if (api_fits(c))
        app_event_price(&c->call, prices, count);
}

/* ---- reading ---- */

static void out_event(struct api_req *c, struct json_out *j)
{
    encode_event(j, c->call.event);
}

static void show_event(struct api_req *c)
{
    kept_reply_json(c, KEPT_EVENT, NULL, out_event);
}

void get_event(struct http_req *req, void *ctx)
{
    api_event_read(req, ctx, NULL, show_event);
}
