/* The answering half of request.h. */
#include "api/forward.h"
#include "api/request.h"
#include "base/error.h"
#include "base/must.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SEQ_TEXT = 24,
    USUAL_BYTES = 1024, /* of the answer to a write */
};

const char JSON_TYPE[] = "application/json";

void api_header_seq(struct api_req *c, uint64_t seq)
{
    char text[SEQ_TEXT];
    if (seq == 0)
        return;
    snprintf(text, sizeof(text), "%" PRIu64, seq);
    http_reply_header(c->req, "Change-Seq", text);
}

/* ---- problems ---- */

static void out_error(struct json_out *j, const char *pointer, const char *detail)
{
    json_out_object(j);
    json_out_member_text(j, "pointer", pointer);
    json_out_member_text(j, "detail", detail);
    json_out_end_object(j);
}

/* What does not fit: what was recorded here, else the one thing that the inventory found. */
static void out_errors(struct api_req *c, struct json_out *j)
{
    const struct verdict *v = &c->call.req.verdict;
    json_out_key(j, "errors");
    json_out_array(j);
    for (const struct json_error *e = c->in.errors; e; e = e->next)
        out_error(j, e->pointer, e->detail);
    if (!c->in.errors)
        out_error(j, v->pointer ? v->pointer : "", v->detail ? v->detail : "does not fit");
    json_out_end_array(j);
}

static void out_taken(struct api_req *c, struct json_out *j)
{
    const struct verdict *v = &c->call.req.verdict;
    json_out_key(j, "taken");
    json_out_array(j);
    for (uint32_t i = 0; i < v->taken_count; i++) {
        struct ticket_id id = ticket_id_of(&c->call.event->event->event_id, v->taken[i]);
        json_out_uuid(j, &id.u);
    }
    json_out_end_array(j);
}

static void out_over_budget(const struct budget_refusal *over, struct json_out *j)
{
    json_out_member_text(j, "scope", budget_scope_name(over->scope));
    json_out_member_int(j, "limit", over->limit);
    json_out_member_int(j, "held", (int64_t)over->held);
    json_out_member_time_or_null(j, "retry_at", over->retry_ms);
}

/* For people: whose budget, and until when. */
static const char *say_over_budget(const struct budget_refusal *over, struct arena *arena)
{
    const char *who = over->scope == BUDGET_SESSION ? "This session has" : "All buyers at this address have";
    char time[TIME_TEXT + 1];
    if (over->retry_ms == 0)
        return arena_printf(arena, "No more than %" PRIu32 " seats can be on hold at once.", over->limit);
    time_format(over->retry_ms, time);
    return arena_printf(
        arena, "%s %" PRIu64 " seats on hold, of %" PRIu32 "; the next come free at %s at the latest.", who,
        over->held, over->limit, time);
}

/* How long the client should wait, unless waiting does not help. */
static void header_retry_after(struct api_req *c, int64_t retry_ms)
{
    char text[SEQ_TEXT];
    if (retry_ms == 0)
        return;
    snprintf(text, sizeof(text), "%" PRIu32, hold_ttl_seconds(retry_ms, app_now_ms(c->call.app)));
    http_reply_header(c->req, "Retry-After", text);
}

struct problem {
    struct api_req *c;
    int code;
};

static void out_members(struct json_out *j, void *ctx)
{
    const struct problem *p = ctx;
    const struct verdict *v = &p->c->call.req.verdict;
    switch (p->code) {
    case BOX_EINVALID:
        out_errors(p->c, j);
        break;
    case BOX_ESEATSTAKEN:
        out_taken(p->c, j);
        break;
    case BOX_ESESSIONLIMIT:
        json_out_member_int(j, "limit", v->limit);
        json_out_member_int(j, "held", v->held);
        break;
    case BOX_EHOLDBUDGET:
        out_over_budget(&p->c->call.req.over, j);
        break;
    case BOX_EORDEREXISTS:
        json_out_member_uuid(j, "order_id", &v->order_id.u);
        break;
    case BOX_EHOLDSTATE:
    case BOX_EORDERSTATE:
    case BOX_EEVENTSTATE:
        json_out_member_text(j, "current", v->current);
        break;
    default:
        break;
    }
}

void api_problem(struct api_req *c, int code, const char *detail)
{
    struct problem p = {.c = c, .code = code};
    must(code != BOX_OK);
    if (!detail && code == BOX_EBADREQUEST)
        detail = c->in.detail; /* a body that a worker read */
    if (code == BOX_EHOLDBUDGET) {
        header_retry_after(c, c->call.req.over.retry_ms);
        detail = say_over_budget(&c->call.req.over, c->call.arena);
    }
    http_problem(c->req, code, detail, out_members, &p);
}

void api_invalid(struct api_req *c, const char *pointer, const char *detail)
{
    json_in_fault_at(&c->in, pointer, "%s", detail);
    api_problem(c, BOX_EINVALID, NULL);
}

/* ---- replies ---- */

void api_encode_into(struct api_req *c, api_encode *encode, struct buf *b)
{
    struct json_out j;
    json_out_init(&j, b);
    encode(c, &j);
    must(j.depth == 0);
}

/* What a key alone may see is kept by nobody who serves others. */
const char *api_revalidated(const struct api_req *c)
{
    const struct snapshot *s = c->call.event;
    bool shared = s ? s->event->published : c->call.who.kind != CREDENTIAL_KEY;
    return shared ? "no-cache" : "private, no-cache";
}

bool api_unchanged(struct api_req *c, const char *etag, const char *cache_control)
{
    http_reply_cache(c->req, etag, cache_control ? cache_control : api_revalidated(c));
    api_header_seq(c, c->call.seq);
    return http_reply_unchanged(c->req);
}

void api_reply_cached(struct api_req *c, const char *etag, api_encode *encode)
{
    struct buf b = {0};
    if (api_unchanged(c, etag, NULL))
        return;
    api_encode_into(c, encode, &b);
    http_reply(c->req, 200, JSON_TYPE, &b);
}

const char *api_hash_etag(struct arena *arena, const void *data, size_t size)
{
    return arena_printf(arena, "%016" PRIx64, hash64(data, size));
}

void api_reply_hashed(struct api_req *c, api_encode *encode)
{
    struct buf b = {0};
    api_encode_into(c, encode, &b);
    http_reply_cache(c->req, api_hash_etag(c->req->arena, b.data, b.size), api_revalidated(c));
    http_reply(c->req, 200, JSON_TYPE, &b);
}

static void make_document(struct app_call *call)
{
    struct api_req *c = api_of(call);
    api_encode_into(c, c->encode, &c->body);
}

static void send_document(struct app_call *call)
{
    struct api_req *c = api_of(call);
    if (call->code) {
        api_problem(c, call->code, NULL);
        return;
    }
    http_reply(c->req, 200, JSON_TYPE, &c->body);
}

void api_reply_document(struct api_req *c, const char *etag, const char *cache_control, api_encode *encode,
                        uint32_t seats)
{
    c->encode = encode;
    if (api_unchanged(c, etag, cache_control))
        return;
    if (seats > API_LOOP_SEATS) {
        app_on_worker(&c->call, make_document, send_document);
        return;
    }
    make_document(&c->call);
    send_document(&c->call);
}

static void no_store(struct api_req *c)
{
    http_reply_header(c->req, "Cache-Control", "no-store");
}

void api_reply_private(struct api_req *c, unsigned status, api_encode *encode)
{
    struct buf b = {0};
    no_store(c);
    api_header_seq(c, c->call.seq);
    api_encode_into(c, encode, &b);
    http_reply(c->req, status, JSON_TYPE, &b);
}

const char *api_event_etag(struct api_req *c, const char *suffix)
{
    const struct snapshot *s = c->call.event;
    return arena_printf(c->req->arena, "%012" PRIx64 "-%" PRIu64 "%s", id_tag(&s->event->event_id.u), s->seq,
                        suffix);
}

/* ---- answers of use cases ---- */

static void render(struct app_call *call, struct idem_record *ret_answer)
{
    struct api_req *c = api_of(call);
    ret_answer->http_status = (uint16_t)c->status;
    ret_answer->location = c->location ? c->location(c) : NULL;
    if (!c->encode)
        return;
    struct buf b = {0};
    buf_reserve(&b, USUAL_BYTES);
    api_encode_into(c, c->encode, &b);
    ret_answer->body = arena_copy(call->arena, b.data, b.size);
    ret_answer->body_size = b.size;
    buf_done(&b);
}

void api_answer(struct app_call *call)
{
    struct api_req *c = api_of(call);
    if (call->code) {
        if (!forward_answer(c, call->code))
            api_problem(c, call->code, NULL);
        return;
    }
    const struct idem_record *answer = call->answer;
    api_header_seq(c, answer->change_seq ? answer->change_seq : call->seq);
    no_store(c);
    if (answer->location)
        http_reply_header(c->req, "Location", answer->location);
    if (call->replayed)
        http_reply_header(c->req, "Idempotent-Replayed", "true");
    struct buf b = {0};
    buf_add(&b, answer->body, answer->body_size);
    http_reply(c->req, answer->http_status, answer->body_size ? JSON_TYPE : NULL, &b);
}

const char *api_location(struct api_req *c, const char *base, const struct uuid *id)
{
    size_t size = strlen(base);
    char *path = arena_alloc(c->call.arena, size + UUID_TEXT + 1);
    memcpy(path, base, size);
    uuid_format(id, path + size);
    return path;
}

struct app_call *api_write(struct api_req *c, unsigned status, api_encode *encode,
                           const char *(*location)(struct api_req *c))
{
    c->status = status;
    c->encode = encode;
    c->location = location;
    c->call.render = render;
    c->call.done = api_answer;
    return &c->call;
}

bool api_write_event(struct api_req *c, unsigned status, api_encode *encode)
{
    struct event_id id;
    api_write(c, status, encode, NULL);
    if (!api_path_id(c, 0, &id.u))
        return false;
    if (app_find_event(&c->call, &id) == 0)
        return true;
    app_refuse(&c->call, BOX_ENOTFOUND); /* unless it was done already */
    return false;
}

void api_answer_read(struct app_call *call)
{
    struct api_req *c = api_of(call);
    if (call->code == BOX_EINVALID) {
        api_fault_cursor(c, http_query(c->req, "after") ? "after" : "cursor");
        api_problem(c, BOX_EINVALID, NULL);
    } else if (call->code) {
        api_problem(c, call->code, NULL);
    } else {
        api_reply_private(c, 200, c->encode);
    }
}

struct app_call *api_read(struct api_req *c, api_encode *encode)
{
    c->encode = encode;
    c->call.done = api_answer_read;
    return &c->call;
}
