/*
 * A request: its life, what is refused before any handler sees it, running, and what handlers ask of it.
 *
 * A refusal waits until the body has been read, so that the connection lives on, unless the body is too long
 * to wait for or the client asks whether to send it (Expect). Then the answer is the last of its connection.
 */
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "http/internal.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    ARENA_BLOCK = 8192,    /* what a usual request needs, so that none asks malloc() */
    SPARE_REQUESTS = 1024, /* kept for reuse, each with one block */
};

/* ---- life ---- */

static struct http_request *new_request(struct http_conn *c)
{
    struct http_loop *loop = c->loop;
    struct http_request *r = loop->spare;
    struct arena arena;
    if (r) {
        loop->spare = r->next;
        loop->spare_count--;
        arena = r->arena;
    } else {
        r = malloc(sizeof *r);
        must(r); /* out of memory ends the program */
        arena_init(&arena, ARENA_BLOCK);
    }
    *r = (struct http_request){.loop = loop, .conn = c, .arena = arena};
    r->pub.arena = &r->arena;
    r->pub.body = r->pub.raw_path = r->pub.path = "";
    r->pub.peer = c->peer;
    return r;
}

void http_request_free(struct http_request *r)
{
    struct http_loop *loop = r->loop;
    must(r->answered || !r->running);
    if (r->finish)
        r->finish(&r->pub);
    heap_remove(&loop->timers, &r->timer);
    http_body_drop(r);
    if (loop->spare_count < SPARE_REQUESTS) {
        arena_reset(&r->arena);
        r->next = loop->spare;
        loop->spare = r;
        loop->spare_count++;
    } else {
        arena_done(&r->arena);
        free(r);
    }
}

/* ---- refusing ---- */

void http_request_refuse(struct http_request *r, int code, const char *detail)
{
    if (r->refusal)
        return;
    r->refusal = code;
    r->refusal_detail = detail;
}

static void answer_refusal(struct http_request *r)
{
    if (r->refusal == BOX_EMETHOD)
        http_reply_header(&r->pub, "Allow", http_allow_text(&r->arena, r->allow));
    http_problem(&r->pub, r->refusal, r->refusal_detail, NULL, NULL);
}

/* The rest of what the client sends is not read any more. */
static void end_with(struct http_request *r)
{
    r->last = r->conn->linger = true;
}

static void refuse_unread(struct http_request *r, int code)
{
    if (code != r->refusal) {
        r->refusal = code;
        r->refusal_detail = NULL;
    }
    end_with(r);
    answer_refusal(r);
}

void http_request_too_slow(struct http_request *r)
{
    end_with(r);
    http_problem_plain(&r->pub, 408, "Request timeout", "The body took too long to arrive.");
}

/* ---- the head ---- */

static unsigned method_number(const char *method)
{
    static const char *const names[HTTP_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (unsigned m = 0; m < HTTP_METHODS; m++)
        if (strcmp(method, names[m]) == 0)
            return m;
    return HTTP_OTHER_METHOD;
}

/* "http://host/path", as to a proxy, means "/path". */
static const char *strip_authority(const char *target)
{
    if (strncasecmp(target, "http://", 7) != 0 && strncasecmp(target, "https://", 8) != 0)
        return target;
    const char *host = strstr(target, "//") + 2;
    const char *path = strchr(host, '/');
    return path ? path : "/";
}

static void read_target(struct http_request *r, struct http_path *path)
{
    const char *reason = NULL;
    if (strlen(r->head.target) > LIMIT_URL_BYTES) {
        http_request_refuse(r, BOX_EBADREQUEST, "The path and query are too long.");
        return;
    }
    char *query = strchr(r->head.target, '?');
    if (query)
        *query++ = '\0';
    r->pub.raw_path = r->pub.path = strip_authority(r->head.target);
    if (http_path_parse(&r->arena, r->pub.raw_path, path, &reason) ||
        (query && http_query_parse(&r->arena, query, &r->query, &r->query_count, &reason))) {
        http_request_refuse(r, BOX_EBADREQUEST, reason);
        return;
    }
    r->pub.path = path->text;
}

static void find_route(struct http_request *r, const struct http_path *path, unsigned method)
{
    struct http_match match = http_router_find(r->loop->server->router, path, method);
    r->route = match.route;
    r->allow = match.allow;
    if (!match.allow)
        http_request_refuse(r, BOX_ENOTFOUND, NULL);
    else if (!match.route)
        http_request_refuse(r, BOX_EMETHOD, NULL);
    for (unsigned i = 0; match.route && i < match.param_count; i++)
        r->pub.params[i] = arena_strndup(&r->arena, match.params[i]->text, match.params[i]->size);
}

/* ---- running ---- */

static void run(struct http_request *r)
{
    r->running = true;
    if (r->refusal)
        answer_refusal(r);
    else
        r->route->handler(&r->pub, r->loop->server->options.ctx);
    if (!r->answered)
        http_conn_enter(r->conn, HTTP_RUNNING);
}

/* Who asks whether to send the body is told to, unless it is here already. */
static void await_body(struct http_request *r)
{
    struct http_conn *c = r->conn;
    if (r->head.expect_continue && !r->head.http_1_0 && c->in.start == c->in.end)
        http_out_continue(c);
    http_conn_enter(c, HTTP_BODY);
}

/* The head is complete. */
static void begin(struct http_request *r)
{
    r->is_head = strcmp(r->head.method, "HEAD") == 0;
    r->last = !r->head.keep_alive;
    unsigned method = r->is_head ? HTTP_GET : method_number(r->head.method);
    r->pub.method = method < HTTP_METHODS ? (enum http_method)method : HTTP_GET;
    if (r->head.fault) {
        http_request_refuse(r, BOX_EBADREQUEST, r->head.fault);
        refuse_unread(r, BOX_EBADREQUEST);
        return;
    }
    struct http_path path;
    read_target(r, &path);
    if (!r->refusal)
        find_route(r, &path, method);
    int unreadable = http_body_plan(r);
    if (unreadable)
        refuse_unread(r, unreadable);
    else if (http_body_is_expected(r))
        await_body(r);
    else
        run(r);
}

static void refuse_long_head(struct http_request *r)
{
    end_with(r);
    http_problem_plain(&r->pub, 431, "Request header fields too large",
                       "The request line and the header fields are too long.");
}

/* Look for a whole head in what has come. False: there is none yet. */
static bool parse(struct http_conn *c)
{
    struct http_in *in = &c->in;
    /* Empty lines before a request are no part of it: some clients send one after a body. */
    while (in->end - in->start >= 2 && memcmp(in->data + in->start, "\r\n", 2) == 0) {
        in->start += 2;
        in->seen = 0;
    }
    if (in->start == in->end)
        return false;
    if (!c->req)
        c->req = new_request(c);
    unsigned size = http_in_head_size(c);
    size_t used = http_head_parse(&c->req->arena, in->data + in->start, size, in->seen, &c->req->head);
    in->seen = used ? 0 : size;
    if (!used)
        return false;
    in->start += (unsigned)used;
    c->req->in.floor = in->start;
    return true;
}

/* No more can be read now. */
static bool wait_for_head(struct http_conn *c)
{
    if (c->loop->stopping) {
        c->gone = true;
        return true;
    }
    if (c->req && c->state == HTTP_IDLE)
        http_conn_enter(c, HTTP_HEAD);
    http_in_rest(c);
    return false;
}

bool http_request_read_head(struct http_conn *c)
{
    if (c->in.start < c->in.end && parse(c)) {
        begin(c->req);
        return true;
    }
    int filled = c->readable ? http_in_fill_head(c) : 0;
    if (filled == 0)
        return wait_for_head(c);
    if (filled == -1)
        c->gone = true;
    else if (filled == -2)
        refuse_long_head(c->req);
    return true;
}

bool http_request_read_body(struct http_conn *c)
{
    struct http_request *r = c->req;
    switch (http_body_read(r)) {
    case HTTP_BODY_WAIT:
        return false;
    case HTTP_BODY_MORE:
        break;
    case HTTP_BODY_GONE:
        c->gone = true;
        break;
    case HTTP_BODY_REFUSED:
        refuse_unread(r, r->refusal);
        break;
    case HTTP_BODY_COMPLETE:
        run(r);
    }
    return true;
}

const char *http_request_header(struct http_request *r, const char *name)
{
    size_t size = strlen(name);
    const char *value = NULL;
    for (const struct http_line *line = r->head.lines; line < r->head.lines + r->head.line_count; line++) {
        if (line->name_size != size || strncasecmp(line->name, name, size) != 0)
            continue;
        value = value ? arena_printf(&r->arena, "%s, %s", value, line->value) : line->value;
    }
    return value;
}

const char *http_header(struct http_req *req, const char *name)
{
    return http_request_header(http_request_of(req), name);
}

const char *http_query(struct http_req *req, const char *name)
{
    const struct http_request *r = http_request_of(req);
    for (size_t i = 0; i < r->query_count; i++)
        if (strcmp(r->query[i].name, name) == 0)
            return r->query[i].value;
    return NULL;
}

const char *http_query_at(struct http_req *req, size_t index, const char **ret_value)
{
    const struct http_request *r = http_request_of(req);
    if (index >= r->query_count)
        return NULL;
    *ret_value = r->query[index].value;
    return r->query[index].name;
}

struct mailbox *http_mailbox(struct http_req *req)
{
    return &http_request_of(req)->loop->mailbox;
}

void http_after(struct http_req *req, unsigned ms, void (*fn)(struct http_req *req))
{
    struct http_request *r = http_request_of(req);
    must(r->running && !r->answered);
    r->timer_fn = fn;
    /* Later than this turn of the loop even for 0, so that a timer set from a timer cannot hold the loop up.
     */
    int64_t now_us = clock_monotonic_us(r->loop->server->options.clock);
    heap_set(&r->loop->timers, &r->timer, now_us + (int64_t)ms * 1000 + 1);
}

void http_on_finish(struct http_req *req, void (*fn)(struct http_req *req))
{
    http_request_of(req)->finish = fn;
}
