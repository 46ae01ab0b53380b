#include "api/forward.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include <arpa/inet.h>
#include <string.h>

enum { POLL_MS = 2 };

/* ---- a request that another server has sent on ---- */

static void answer_not_home(struct api_req *c)
{
    http_reply_header(c->req, CLUSTER_NOT_HOME, "1");
    api_problem(c, BOX_ENOTHOME, "Another server decides about this event. Nothing was done.");
}

/* Has a transport repeated it? Then the first one is under way, or done. */
static bool is_repeated(struct api_req *c)
{
    struct uuid id;
    const char *text = http_header(c->req, CLUSTER_REQUEST_ID);
    return text && uuid_parse(text, &id) == 0 && !cluster_first_sight(c->call.app->parts.cluster, &id);
}

static bool is_for_us(const struct api_req *c)
{
    struct uuid id;
    const char *text = http_header(c->req, CLUSTER_SERVER);
    return text && uuid_parse(text, &id) == 0 &&
           uuid_equal(&id, cluster_server_id(c->call.app->parts.cluster));
}

bool forward_begin(struct api_req *c)
{
    struct cluster *cluster = c->call.app->parts.cluster;
    c->forwarded = cluster_knows(cluster, http_header(c->req, CLUSTER_SECRET));
    if (c->forwarded && (!is_for_us(c) || !cluster_joined(cluster))) {
        answer_not_home(c);
        return false;
    }
    if (c->forwarded && is_repeated(c)) {
        api_problem(c, BOX_EUNKNOWN, NULL);
        return false;
    }
    if (cluster_joined(cluster))
        return true;
    api_problem(c, BOX_EUNAVAILABLE, "This server is just joining its cluster.");
    return false;
}

/* ---- sending on ---- */

static void add_field(struct cluster_forward *f, const char *name, const char *value)
{
    must(f->field_count < FORWARD_FIELDS);
    if (value)
        f->fields[f->field_count++] = (struct cluster_field){name, value};
}

/* What the request had, as far as it is of interest; and from whom it is. */
static void add_fields(struct api_req *c, struct cluster_forward *f)
{
    static const char *const passed[] = {"Authorization", "Content-Type",    "Accept",
                                         "Prefer",        "Idempotency-Key", "Change-Seq"};
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        add_field(f, passed[i], http_header(c->req, passed[i]));
    const struct address *client = api_client(c);
    char *text = arena_alloc(c->call.arena, INET6_ADDRSTRLEN);
    if (client && inet_ntop(AF_INET6, client->b, text, INET6_ADDRSTRLEN))
        add_field(f, CLUSTER_CLIENT, text);
}

static void pass_through(struct http_req *req)
{
    struct api_req *c = req->user;
    struct cluster_forward *f = c->forward;
    const char *type = NULL;
    for (size_t i = 0; i < f->reply_field_count; i++) {
        const struct cluster_field *field = &f->reply_fields[i];
        if (strcmp(field->name, "Content-Type") == 0)
            type = arena_strdup(c->call.arena, field->value);
        else
            http_reply_header(req, field->name, field->value);
    }
    if (!type && f->reply.size)
        type = "application/octet-stream";
    http_reply(req, f->status, type, &f->reply);
}

static const char *reply_field(const struct cluster_forward *f, const char *name)
{
    for (size_t i = 0; i < f->reply_field_count; i++)
        if (strcmp(f->reply_fields[i].name, name) == 0)
            return f->reply_fields[i].value;
    return NULL;
}

/* The event that the answer is about: a new one was given its id over there. */
static struct event_id event_of(const struct cluster_forward *f)
{
    static const char path[] = "/v1/events/";
    const char *location = reply_field(f, "Location");
    struct event_id id = f->event_id;
    if (location && strncmp(location, path, sizeof(path) - 1) == 0)
        uuid_parse(location + sizeof(path) - 1, &id.u);
    return id;
}

/* The change of the answer is shown here, or the event never will be. */
static bool is_shown(const struct api_req *c)
{
    struct event_id id = event_of(c->forward);
    struct snapshot *s = view_find(c->call.app->parts.view, &id);
    bool shown = s ? s->seq >= c->wanted_seq : c->req->method == HTTP_DELETE;
    if (s)
        view_release(s);
    return shown;
}

static void wait_until_shown(struct http_req *req)
{
    struct api_req *c = req->user;
    bool late = clock_monotonic_us(c->call.app->parts.clock) >= c->wait_until_us;
    if (late || is_shown(c))
        pass_through(req);
    else
        http_after(req, POLL_MS, wait_until_shown);
}

static void came_back(struct cluster_forward *f)
{
    struct api_req *c = f->ctx;
    if (f->code) {
        api_problem(c, f->code,
                    f->code == BOX_EUNKNOWN
                        ? "It is unknown whether this was done. Repeat it with the same Idempotency-Key."
                        : "No server decides about this event just now. Nothing was done.");
        return;
    }
    const char *seq = reply_field(f, "Change-Seq");
    int64_t wait_us = 0;
    if (seq && api_parse_number(seq, INT64_MAX, &c->wanted_seq))
        wait_us = INT64_C(1000) * LIMIT_FORWARD_REPLY_WAIT_MS;
    c->wait_until_us = clock_monotonic_us(c->call.app->parts.clock) + wait_us;
    wait_until_shown(c->req);
}

bool forward_answer(struct api_req *c, int code)
{
    static const char *const methods[HTTP_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    struct cluster *cluster = c->call.app->parts.cluster;
    if (!cluster || (code != BOX_ENOTHOME && !(code == BOX_ESHUTDOWN && c->forwarded)))
        return false;
    if (c->forwarded) {
        answer_not_home(c);
        return true;
    }
    struct cluster_forward *f = arena_alloc(c->call.arena, sizeof(*f));
    *f = (struct cluster_forward){
        .event_id = c->call.req.event_id,
        .method = methods[c->req->method],
        .target = c->req->raw_path, /* a write has no query */
        .body = c->req->body,
        .body_size = c->req->body_size,
        .reply_to = http_mailbox(c->req),
        .done = came_back,
        .ctx = c,
    };
    add_fields(c, f);
    c->forward = f;
    cluster_forward(cluster, f);
    return true;
}

void forward_finish(struct api_req *c)
{
    if (c->forward)
        cluster_forward_end(c->forward);
}
