#include "api/request.h"
#include "api/cursor.h"
#include "api/forward.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "base/text.h"
#include <inttypes.h>
#include <string.h>

enum { POLL_MS = 10 };

struct api_req *api_of(struct app_call *call)
{
    return (struct api_req *)(void *)call;
}

/* ---- beginning ---- */

static void finish(struct http_req *req)
{
    struct api_req *c = req->user;
    if (c->release)
        c->release(c);
    forward_finish(c);
    buf_done(&c->body);
    json_in_done(&c->in);
    app_call_end(&c->call);
}

static bool in_list(const char *const *list, const char *name, size_t *ret_index)
{
    for (size_t i = 0; list && list[i]; i++) {
        if (strcmp(list[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* Each query parameter must be known and come once. Returns NULL, or what is wrong. */
static const char *query_fault(struct api_req *c, const char *const *known)
{
    const char *name, *value;
    uint64_t seen = 0;
    for (size_t i = 0; (name = http_query_at(c->req, i, &value)); i++) {
        size_t index = 0;
        if (!in_list(known, name, &index))
            return arena_printf(c->req->arena, "Unknown query parameter \"%.64s\".", name);
        must(index < 64);
        if (seen >> index & 1)
            return arena_printf(c->req->arena, "The query parameter \"%s\" comes twice.", name);
        seen |= UINT64_C(1) << index;
    }
    return NULL;
}

struct api_req *api_begin(struct http_req *req, void *ctx, enum app_right right, const char *const *query)
{
    const struct api *api = ctx;
    struct app *app = api->app;
    struct api_req *c = arena_alloc(req->arena, sizeof(*c));
    c->req = req;
    c->api = api;
    req->user = c;
    app_call_init(&c->call, app, req->arena, http_mailbox(req));
    int ret = json_in_parse(&c->in, req->arena, "", 0);
    must(ret == 0);
    http_on_finish(req, finish);
    if (app->parts.cluster && !forward_begin(c))
        return NULL;
    const char *authorization = http_header(req, "Authorization");
    ret = auth_check(app->parts.auth, authorization, c->call.now_ms, &c->call.who);
    if (ret == 0)
        ret = app_allow(app, &c->call.who, right);
    const char *fault = ret ? NULL : query_fault(c, query);
    if (!ret && !fault)
        return c;
    api_problem(c, ret ? ret : BOX_EBADREQUEST, fault);
    return NULL;
}

/* What a key belongs to: credential, method, path and the key itself. */
static struct digest idem_digest(const struct api_req *c, const char *key)
{
    const struct credential *who = &c->call.who;
    struct buf b = {0};
    buf_addc(&b, (char)('0' + (int)who->kind));
    if (who->kind == CREDENTIAL_KEY)
        buf_adds(&b, who->key_name);
    else
        buf_add(&b, who->session.u.b, sizeof(who->session.u.b));
    buf_printf(&b, "\n%d %s\n%s", (int)c->req->method, c->req->path, key);
    struct digest d = digest_of(b.data, b.size, NULL, 0);
    buf_done(&b);
    return d;
}

static bool key_valid(const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < size; i++)
        if (key[i] < '!' || key[i] > '~')
            return false;
    return size >= 1 && size <= LIMIT_IDEMPOTENCY_KEY_CHARS;
}

struct api_req *api_begin_post(struct http_req *req, void *ctx, enum app_right right)
{
    struct api_req *c = api_begin(req, ctx, right, NULL);
    const char *key = c ? http_header(req, "Idempotency-Key") : NULL;
    if (!key)
        return c;
    if (!key_valid(key)) {
        api_invalid(c, "/idempotency_key", "must be 1 to 255 visible ASCII characters");
        return NULL;
    }
    c->idem.key = idem_digest(c, key);
    c->idem.request = digest_of(req->body, req->body_size, NULL, 0);
    c->call.idem = &c->idem;
    return c;
}

/* ---- path and body ---- */

bool api_path_id(struct api_req *c, unsigned index, struct uuid *ret_id)
{
    must(index < HTTP_PATH_PARAMS && c->req->params[index]);
    if (uuid_parse(c->req->params[index], ret_id) == 0)
        return true;
    api_problem(c, BOX_ENOTFOUND, NULL);
    return false;
}

bool api_path_event(struct api_req *c)
{
    struct event_id id;
    if (!api_path_id(c, 0, &id.u))
        return false;
    if (app_find_event(&c->call, &id) == 0)
        return true;
    api_problem(c, BOX_ENOTFOUND, "There is no such event.");
    return false;
}

struct json_node api_body(struct api_req *c, const char *const *known)
{
    struct json_node root = {.in = &c->in};
    if (json_in_parse(&c->in, c->req->arena, c->req->body, c->req->body_size) == 0) {
        root = json_in_root(&c->in);
        json_in_object(root, known);
    }
    return root;
}

struct json_node api_body_or_none(struct api_req *c, const char *const *known)
{
    return c->req->body_size > 0 ? api_body(c, known) : json_in_root(&c->in);
}

bool api_fits(struct api_req *c)
{
    int code = json_in_status(&c->in);
    if (code == BOX_OK)
        return true;
    api_problem(c, code, code == BOX_EBADREQUEST ? c->in.detail : NULL);
    return false;
}

/* ---- query ---- */

bool api_parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t digits = strspn(text, "0123456789");
    bool fits = digits >= 1 && digits <= 19 && !text[digits];
    for (size_t i = 0; fits && i < digits; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    if (!fits || number > max)
        return false;
    *ret_number = number;
    return true;
}

bool api_query_number(struct api_req *c, const char *name, uint64_t max, uint64_t *ret_number)
{
    const char *text = http_query(c->req, name);
    if (!text)
        return false;
    if (api_parse_number(text, max, ret_number))
        return true;
    json_in_fault_at(&c->in, arena_printf(c->req->arena, "/%s", name), "must be a number from 0 to %" PRIu64,
                     max);
    return false;
}

bool api_query_uuid(struct api_req *c, const char *name, struct uuid *ret_id)
{
    const char *text = http_query(c->req, name);
    if (!text)
        return false;
    if (uuid_parse(text, ret_id) == 0)
        return true;
    json_in_fault_at(&c->in, arena_printf(c->req->arena, "/%s", name), "must be a UUID");
    return false;
}

bool api_ticket_event(struct api_req *c, const struct uuid *ticket, bool named, struct event_id *event)
{
    struct snapshot *s = view_find_tag(c->call.app->parts.view, ticket);
    struct ticket_id id = {*ticket};
    uint32_t seat;
    if (!s)
        return false;
    bool found = ticket_id_seat(&id, &s->event->event_id, &seat) && seat < s->layout->seats_total &&
                 (!named || uuid_equal(&event->u, &s->event->event_id.u));
    *event = s->event->event_id;
    view_release(s);
    return found;
}

const char *api_query_text(struct api_req *c, const char *name, size_t max)
{
    const char *text = http_query(c->req, name);
    if (!text)
        return NULL;
    size_t chars = text_has_control(text) ? 0 : text_chars(text);
    if (chars >= 1 && chars <= max)
        return text;
    json_in_fault_at(&c->in, arena_printf(c->req->arena, "/%s", name),
                     "must have 1 to %zu characters and no control characters", max);
    return NULL;
}

void api_query_page(struct api_req *c, struct cursor *ret_after, uint32_t *ret_limit)
{
    *ret_after = (struct cursor){0};
    *ret_limit = LIMIT_PAGE_DEFAULT;
    const char *limit = http_query(c->req, "limit");
    if (limit) {
        size_t digits = strspn(limit, "0123456789");
        uint32_t number = 0;
        for (size_t i = 0; i < digits && i < 5; i++)
            number = number * 10 + (uint32_t)(limit[i] - '0');
        if (digits < 1 || digits > 4 || limit[digits] || number < 1 || number > LIMIT_PAGE_MAX)
            json_in_fault_at(&c->in, "/limit", "must be 1 to %d", LIMIT_PAGE_MAX);
        *ret_limit = number;
    }
    const char *name = http_query(c->req, "after") ? "after" : "cursor";
    const char *text = http_query(c->req, name);
    if (text && cursor_parse(text, ret_after) != 0)
        api_fault_cursor(c, name);
}

void api_fault_cursor(struct api_req *c, const char *name)
{
    json_in_fault_at(&c->in, arena_printf(c->req->arena, "/%s", name), "is not the next_cursor of this list");
}

bool api_query_page_of(struct api_req *c, struct uuid *ret_after, uint32_t *ret_limit)
{
    struct cursor after;
    api_query_page(c, &after, ret_limit);
    if (after.size == 0)
        return false;
    if (cursor_id(&after, ret_after))
        return true;
    api_fault_cursor(c, "cursor");
    return false;
}

/* ---- reading an event ---- */

static void read_event(struct http_req *req)
{
    struct api_req *c = req->user;
    if (c->call.event)
        view_release(c->call.event);
    c->call.event = NULL;
    if (!api_path_event(c))
        return;
    c->call.seq = c->call.event->seq;
    int64_t now_us = clock_monotonic_us(c->call.app->parts.clock);
    if (c->call.seq < c->wanted_seq && now_us < c->wait_until_us)
        http_after(req, POLL_MS, read_event);
    else
        c->show(c);
}

void api_event_read(struct http_req *req, void *ctx, const char *const *query, api_show *show)
{
    struct api_req *c = api_begin(req, ctx, RIGHT_PUBLIC, query);
    if (!c)
        return;
    c->show = show;
    const char *wanted = http_header(req, "Change-Seq");
    size_t digits = wanted ? strspn(wanted, "0123456789") : 0;
    if (wanted && (digits < 1 || digits > 18 || wanted[digits])) {
        api_problem(c, BOX_EBADREQUEST, "Change-Seq must be a number.");
        return;
    }
    for (size_t i = 0; i < digits; i++)
        c->wanted_seq = c->wanted_seq * 10 + (uint64_t)(wanted[i] - '0');
    c->wait_until_us =
        clock_monotonic_us(c->call.app->parts.clock) + INT64_C(1000) * LIMIT_CHANGE_SEQ_WAIT_MS;
    read_event(req);
}
