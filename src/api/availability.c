#include "api/accept.h"
#include "api/encode.h"
#include "api/kept.h"
#include "api/routes.h"
#include "base/error.h"
#include "base/must.h"
#include <inttypes.h>

static const char BYTES_TYPE[] = "application/octet-stream";

/* Seats that changed after `since`. */
struct delta {
    uint64_t since;
    struct seat_delta *changes;
    uint32_t count;
};

static void out_full(struct api_req *c, struct json_out *j)
{
    const struct snapshot *s = c->call.event;
    json_out_object(j);
    json_out_member_uuid(j, "event_id", &s->event->event_id.u);
    json_out_member_int(j, "seq", (int64_t)s->seq);
    encode_counts(j, s->counts);
    json_out_member_text(j, "encoding", "2bit");
    json_out_key(j, "statuses");
    json_out_base64(j, s->bitmap, s->bitmap_size);
    json_out_end_object(j);
}

static void out_delta(struct api_req *c, struct json_out *j)
{
    const struct snapshot *s = c->call.event;
    const struct delta *d = c->user;
    json_out_object(j);
    json_out_member_uuid(j, "event_id", &s->event->event_id.u);
    json_out_member_int(j, "seq", (int64_t)s->seq);
    json_out_member_int(j, "since", (int64_t)d->since);
    encode_counts(j, s->counts);
    json_out_key(j, "changes");
    json_out_array(j);
    for (uint32_t i = 0; i < d->count; i++) {
        json_out_array(j);
        json_out_int(j, d->changes[i].seat);
        json_out_int(j, d->changes[i].status);
        json_out_end_array(j);
    }
    json_out_end_array(j);
    json_out_end_object(j);
}

/* The bytes alone. */
static void show_bytes(struct api_req *c)
{
    const struct snapshot *s = c->call.event;
    struct buf b = {0};
    if (kept_reply(c, KEPT_BYTES, 0))
        return;
    buf_add(&b, s->bitmap, s->bitmap_size);
    const struct kept_spec spec = {.slot = KEPT_BYTES, .etag = api_event_etag(c, "-bytes"), .vary = "Accept"};
    kept_reply_new(c, &spec, http_body_new(BYTES_TYPE, &b));
}

static void show_full(struct api_req *c)
{
    kept_reply_json(c, KEPT_AVAILABILITY, "Accept", out_full);
}

/* What changed since then, if that is still known. Returns false where the full form must be given. */
static bool find_delta(struct api_req *c, struct delta *d)
{
    struct app_call *call = &c->call;
    struct snapshot *newest = NULL;
    int ret = view_changes(call->app->parts.view, &call->event->event->event_id, d->since, call->arena,
                           &d->changes, &d->count, &newest);
    if (!newest || !app_sees_event(&call->who, newest->event)) {
        view_release(newest);
        return false; /* deleted or unpublished just now: the version that was found is as good as any */
    }
    view_release(call->event);
    call->event = newest;
    call->seq = newest->seq;
    return ret == 0;
}

static void show_delta(struct api_req *c, uint64_t since)
{
    enum kept slot = KEPT_DELTAS + (enum kept)(since % KEPT_DELTA_SLOTS);
    struct delta *d = arena_alloc(c->req->arena, sizeof(*d));
    struct buf b = {0};
    if (kept_reply(c, slot, since))
        return;
    d->since = since;
    if (!find_delta(c, d)) {
        show_full(c);
        return;
    }
    c->user = d;
    api_encode_into(c, out_delta, &b);
    const struct kept_spec spec = {
        .slot = slot,
        .key = since,
        .etag = api_event_etag(c, arena_printf(c->req->arena, "-since-%" PRIu64, since)),
        .vary = "Accept",
    };
    kept_reply_new(c, &spec, http_body_new(JSON_TYPE, &b));
}

static void show_availability(struct api_req *c)
{
    uint64_t seq;
    bool since = api_query_number(c, "since", INT64_MAX, &seq);
    if (!api_fits(c))
        return;
    if (accept_prefers(http_header(c->req, "Accept"), BYTES_TYPE, "application/json"))
        show_bytes(c);
    else if (since)
        show_delta(c, seq);
    else
        show_full(c);
}

void get_availability(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"since", NULL};
    api_event_read(req, ctx, query, show_availability);
}
