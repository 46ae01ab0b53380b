/*
 * Reading a request: MHD's access handler, the body, what is refused before any handler sees it; and what
 * handlers ask of a request.
 *
 * MHD calls access_handler() once when the header is complete, then for each piece of the body, and once more
 * when the request is complete. An answer in the first call makes it close the connection (it will not read
 * on), so only what cannot be read to its end is answered there; any other refusal waits for the last call
 * and the connection lives on. Between the two it takes no answer at all: what must be refused then (a
 * chunked body that turns out to be too large) is written to the socket by us, see http_reply_raw().
 */
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "http/callbacks.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    ARENA_BLOCK = 4096,
    SPARE_REQUESTS = 1024,  /* kept for reuse, each with one block */
    SMALL_BODY = 2048,      /* a body of known size up to this lives in the arena */
    FIRST_ROOM = 64 * 1024, /* memory for a larger one at first, whatever its announced size */
};

/* ---- life ---- */

static struct http_request *new_request(struct http_loop *loop)
{
    struct http_request *r = loop->spare;
    struct arena arena;
    if (r) {
        loop->spare = r->next;
        loop->spare_count--;
        arena = r->arena;
    } else {
        r = malloc(sizeof *r);
        must(r);
        arena_init(&arena, ARENA_BLOCK);
    }
    *r = (struct http_request){.loop = loop, .arena = arena};
    r->pub.arena = &r->arena;
    r->pub.body = "";
    return r;
}

static void release_body(struct http_request *r)
{
    if (r->body_on_heap)
        free(r->body);
    if (r->big)
        atomic_fetch_sub(&r->loop->server->big_bodies, 1);
}

void http_request_free(struct http_request *r)
{
    struct http_loop *loop = r->loop;
    must(!r->mhd && !r->suspended);
    must(r->answered || !r->running);
    if (r->finish)
        r->finish(&r->pub);
    heap_remove(&loop->timers, &r->timer);
    release_body(r);
    if (r->conn && r->conn->closed)
        free(r->conn);
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

/* MHD is done with a request: it was answered and sent, or the connection broke. */
void http_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                       enum MHD_RequestTerminationCode code)
{
    struct http_loop *loop = cls;
    struct http_request *r = *con_cls;
    (void)mhd;
    (void)code;
    if (!r)
        return;
    *con_cls = NULL;
    must(r->loop == loop && r->conn->req == r);
    r->mhd = NULL;
    if (r->running && !r->answered) {
        /* MHD lets a suspended connection end only when the loop is ended by force. */
        must(loop->stopping && !r->suspended);
        loop->orphans++;
        return;
    }
    r->conn->req = NULL;
    http_loop_idle(r->conn);
    http_request_free(r);
}

/* ---- the head of a request ---- */

static unsigned method_number(const char *method)
{
    static const char *const names[HTTP_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (unsigned m = 0; m < HTTP_METHODS; m++)
        if (strcmp(method, names[m]) == 0)
            return m;
    return HTTP_OTHER_METHOD;
}

/* "http://host/path", as to a proxy, means "/path". */
static const char *strip_authority(const char *url)
{
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return url;
    const char *host = strstr(url, "//") + 2;
    const char *path = strchr(host, '/');
    return path ? path : "/";
}

/* The first refusal counts. */
static void refuse(struct http_request *r, int code, const char *detail)
{
    if (r->refusal)
        return;
    r->refusal = code;
    r->refusal_detail = detail;
}

static enum MHD_Result add_query(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                 const char *value, size_t value_size)
{
    struct http_request *r = cls;
    (void)kind;
    (void)value_size;
    if (name_size == 0 && !value)
        return MHD_YES; /* the nothing between two & */
    if (r->query_count == LIMIT_QUERY_PARAMS) {
        refuse(r, BOX_EBADREQUEST, "The query has too many parameters.");
        return MHD_NO;
    }
    if (!r->query)
        r->query = arena_array(&r->arena, LIMIT_QUERY_PARAMS, sizeof *r->query);
    struct http_pair *pair = &r->query[r->query_count];
    pair->name = http_query_decode(&r->arena, name);
    pair->value = http_query_decode(&r->arena, value ? value : "");
    if (!pair->name || !pair->value) {
        refuse(r, BOX_EBADREQUEST, "The query has a bad escape or is not UTF-8.");
        return MHD_NO;
    }
    r->query_count++;
    return MHD_YES;
}

static void read_target(struct http_request *r, const char *url, const char *version, struct http_path *path)
{
    const char *reason = NULL;
    if (version - url - 1 > LIMIT_URL_BYTES) {
        refuse(r, BOX_EBADREQUEST, "The path and query are too long.");
        return;
    }
    r->pub.raw_path = r->pub.path = arena_strdup(&r->arena, strip_authority(url));
    if (http_path_parse(&r->arena, r->pub.raw_path, path, &reason)) {
        refuse(r, BOX_EBADREQUEST, reason);
        return;
    }
    r->pub.path = path->text;
    MHD_get_connection_values_n(r->mhd, MHD_GET_ARGUMENT_KIND, add_query, r);
}

static void find_route(struct http_request *r, const struct http_path *path, unsigned method)
{
    struct http_match match = http_router_find(r->loop->server->router, path, method);
    r->route = match.route;
    r->allow = match.allow;
    if (!match.allow)
        refuse(r, BOX_ENOTFOUND, NULL);
    else if (!match.route)
        refuse(r, BOX_EMETHOD, NULL);
    for (unsigned i = 0; match.route && i < match.param_count; i++)
        r->pub.params[i] = arena_strndup(&r->arena, match.params[i]->text, match.params[i]->size);
}

static bool has_body(const struct http_request *r)
{
    return r->head.chunked || r->head.content_length > 0;
}

/* Count a big body; false if there are too many. */
static bool enter_big(struct http_request *r)
{
    struct http_server *s = r->loop->server;
    if (r->big)
        return true;
    if (atomic_fetch_add(&s->big_bodies, 1) >= s->options.max_big_bodies) {
        atomic_fetch_sub(&s->big_bodies, 1);
        return false;
    }
    r->big = true;
    return true;
}

static void check_type(struct http_request *r)
{
    const char *type = http_request_header(r, "Content-Type");
    if (r->route->json_body && (!type || !http_type_is_json(type)))
        refuse(r, BOX_EMEDIATYPE, NULL);
}

/* Decide about the body from what the header says. Returns BOX_Ex when it must not even be read. */
static int plan_body(struct http_request *r)
{
    if (!has_body(r))
        return 0;
    bool wanted = r->route && r->route->max_body;
    r->limit = wanted ? r->route->max_body : LIMIT_BODY_BYTES;
    int64_t length = r->head.content_length;
    if (length > 0 && (uint64_t)length > r->limit)
        return r->refusal ? r->refusal : BOX_ETOOLARGE;
    if (wanted && length > 0)
        check_type(r); /* of a chunked one it is not known yet whether there is any */
    if (r->refusal && (r->head.expect_continue || length > LIMIT_BODY_BYTES))
        return r->refusal;
    if (wanted && !r->refusal && length > 0 && (uint64_t)length > r->loop->server->options.big_body_bytes &&
        !enter_big(r))
        return BOX_EUNAVAILABLE;
    r->body_kept = wanted && !r->refusal;
    if (r->body_kept && length > 0 && length <= SMALL_BODY) {
        r->room = (size_t)length + 1;
        r->body = arena_alloc(&r->arena, r->room);
    }
    return 0;
}

static void answer_refusal(struct http_request *r)
{
    if (r->refusal == BOX_EMETHOD)
        http_reply_header(&r->pub, "Allow", http_allow_text(&r->arena, r->allow));
    http_problem(&r->pub, r->refusal, r->refusal_detail, NULL, NULL);
}

/* Answer in the first call: MHD sends it, reads nothing more and closes. */
static enum MHD_Result refuse_unread(struct http_request *r, int code)
{
    if (code != r->refusal) {
        r->refusal = code;
        r->refusal_detail = NULL;
    }
    r->conn->linger = has_body(r) || r->head.fault;
    answer_refusal(r);
    return r->broken ? MHD_NO : MHD_YES;
}

static enum MHD_Result begin(struct http_loop *loop, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, void **con_cls)
{
    struct http_request *r = new_request(loop);
    r->mhd = mhd;
    r->conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    must(r->conn && !r->conn->req);
    r->conn->req = r;
    r->pub.peer = r->conn->peer;
    r->pub.raw_path = r->pub.path = "";
    *con_cls = r;

    http_head_read(mhd, method, version, &r->head);
    r->is_head = strcmp(method, "HEAD") == 0;
    unsigned number = r->is_head ? HTTP_GET : method_number(method);
    r->pub.method = number < HTTP_METHODS ? (enum http_method)number : HTTP_GET;
    if (r->head.fault) {
        refuse(r, BOX_EBADREQUEST, r->head.fault);
        return refuse_unread(r, BOX_EBADREQUEST);
    }
    struct http_path path;
    read_target(r, url, version, &path);
    if (!r->refusal)
        find_route(r, &path, number);
    int unreadable = plan_body(r);
    if (unreadable)
        return refuse_unread(r, unreadable);
    if (has_body(r))
        r->conn->body_since = loop->now_us;
    return MHD_YES;
}

/* ---- the body ---- */

/* Make room for @more bytes and a NUL. Grows with what has come, not with what was announced. */
static void make_room(struct http_request *r, size_t more)
{
    size_t needed = r->received + more + 1;
    if (needed <= r->room)
        return;
    size_t most = (r->head.content_length > 0 ? (size_t)r->head.content_length : r->limit) + 1;
    size_t room = r->room ? 2 * r->room : FIRST_ROOM;
    if (room < needed)
        room = needed;
    if (room > most)
        room = most;
    must(room >= needed && (!r->body || r->body_on_heap));
    r->body = realloc(r->body, room);
    must(r->body);
    r->body_on_heap = true;
    r->room = room;
}

static enum MHD_Result refuse_midway(struct http_request *r, int code)
{
    http_reply_raw(r, code);
    r->conn->linger = true;
    return MHD_NO;
}

static enum MHD_Result read_body(struct http_request *r, const char *data, size_t *size)
{
    size_t more = *size;
    *size = 0; /* all of it is taken */
    if (more > r->limit - r->received)
        return refuse_midway(r, r->refusal ? r->refusal : BOX_ETOOLARGE);
    if (r->body_kept) {
        if (r->received + more > r->loop->server->options.big_body_bytes && !enter_big(r))
            return refuse_midway(r, BOX_EUNAVAILABLE);
        make_room(r, more);
        memcpy(r->body + r->received, data, more);
    }
    r->received += more;
    return MHD_YES;
}

/* ---- running ---- */

static enum MHD_Result complete(struct http_request *r)
{
    r->conn->body_since = 0;
    if (r->body_kept && r->received) {
        r->body[r->received] = '\0';
        r->pub.body = r->body;
        r->pub.body_size = r->received;
        if (r->head.chunked)
            check_type(r);
    }
    r->running = true;
    if (r->refusal)
        answer_refusal(r);
    else
        r->route->handler(&r->pub, r->loop->server->options.ctx);
    if (r->broken)
        return MHD_NO;
    if (!r->answered)
        http_loop_suspend(r);
    return MHD_YES;
}

enum MHD_Result http_on_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *size, void **con_cls)
{
    struct http_request *r = *con_cls;
    if (!r)
        return begin(cls, mhd, url, method, version, con_cls);
    must(r->loop == cls && r->mhd == mhd);
    if (r->answered)
        return MHD_NO; /* called again: the answer could not be queued */
    return *size ? read_body(r, data, size) : complete(r);
}

/* MHD would decode in place and leave bad escapes as they are: it is told not to. */
size_t http_on_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* ---- for handlers ---- */

struct wanted {
    struct arena *arena;
    const char *name;
    size_t name_size;
    char *value;
};

static enum MHD_Result take_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                  const char *value, size_t value_size)
{
    struct wanted *w = cls;
    (void)kind;
    if (name_size != w->name_size || strncasecmp(name, w->name, name_size) != 0)
        return MHD_YES;
    while (value_size && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
        value_size--;
    if (w->value)
        w->value = arena_printf(w->arena, "%s, %.*s", w->value, (int)value_size, value);
    else
        w->value = arena_strndup(w->arena, value, value_size);
    return MHD_YES;
}

const char *http_request_header(struct http_request *r, const char *name)
{
    if (!r->mhd)
        return NULL;
    struct wanted w = {.arena = &r->arena, .name = name, .name_size = strlen(name)};
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, take_field, &w);
    return w.value;
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
