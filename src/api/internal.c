/*
 * What the servers of a cluster ask of each other. Not part of the interface: who does not know the cluster's
 * secret is told that there is nothing here.
 */
#include "api/request.h"
#include "api/routes.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include <string.h>

static const char BYTES_TYPE[] = "application/octet-stream";

static struct cluster *cluster_of(struct http_req *req, void *ctx)
{
    const struct api *api = ctx;
    struct cluster *cluster = api->app->parts.cluster;
    if (cluster && cluster_knows(cluster, http_header(req, CLUSTER_SECRET)))
        return cluster;
    http_problem(req, BOX_ENOTFOUND, NULL, NULL, NULL);
    return NULL;
}

static void reply_bytes(struct http_req *req, struct buf *b)
{
    http_reply_header(req, "Cache-Control", "no-store");
    http_reply(req, 200, BYTES_TYPE, b);
}

/* ---- the outbox: a long poll ---- */

/* A reader that waits for news. */
struct waiting {
    struct task task; /* first: posted when there are some */
    struct cluster *cluster;
    struct http_req *req;
    struct uuid reader, from;
    uint64_t after;
};

/* Answer with the news; or wait, and be woken. */
static bool answer_news(struct waiting *w)
{
    struct buf b = {0};
    if (!cluster_news(w->cluster, &w->reader, &w->from, w->after, &b, http_mailbox(w->req), &w->task))
        return false;
    reply_bytes(w->req, &b);
    return true;
}

static void run_news(struct task *t)
{
    must(answer_news((struct waiting *)t)); /* there are, and they stay */
}

/* Long enough: the reader wants to know the time, too. */
static void idle(struct http_req *req)
{
    struct waiting *w = req->user;
    struct buf b = {0};
    if (!cluster_news_unwait(w->cluster, &w->task))
        return; /* just now there are some: run_news() comes */
    cluster_news_idle(w->cluster, &w->from, w->after, &b);
    reply_bytes(req, &b);
}

static bool query_uuid(struct http_req *req, const char *name, struct uuid *ret_id)
{
    const char *text = http_query(req, name);
    return text && uuid_parse(text, ret_id) == 0;
}

void get_outbox(struct http_req *req, void *ctx)
{
    struct cluster *cluster = cluster_of(req, ctx);
    if (!cluster)
        return;
    struct waiting *w = arena_alloc(req->arena, sizeof(*w));
    w->task.run = run_news;
    w->cluster = cluster;
    w->req = req;
    req->user = w;
    const char *after = http_query(req, "after");
    if (!query_uuid(req, "reader", &w->reader) || !query_uuid(req, "from", &w->from) || !after ||
        !api_parse_number(after, INT64_MAX, &w->after)) {
        http_problem(req, BOX_EBADREQUEST, NULL, NULL, NULL);
        return;
    }
    if (!answer_news(w))
        http_after(req, LIMIT_OUTBOX_IDLE_MS, idle);
}

/* ---- the image of an event ---- */

struct image_request {
    struct writer_req writer; /* first */
    struct http_req *req;
    struct buf image;
};

static void finish_image(struct http_req *req)
{
    struct image_request *i = req->user;
    buf_done(&i->image);
}

static void answer_image(struct writer_req *done)
{
    struct image_request *i = (struct image_request *)done;
    if (done->code == 0) {
        reply_bytes(i->req, &i->image);
        return;
    }
    http_reply_header(i->req, CLUSTER_NOT_HOME, "1");
    http_problem(i->req, done->code == BOX_ENOTFOUND ? BOX_ENOTHOME : done->code, NULL, NULL, NULL);
}

void get_event_image(struct http_req *req, void *ctx)
{
    const struct api *api = ctx;
    struct event_id id;
    if (!cluster_of(req, ctx))
        return;
    if (uuid_parse(req->params[0], &id.u)) {
        http_problem(req, BOX_ENOTFOUND, NULL, NULL, NULL);
        return;
    }
    struct image_request *i = arena_alloc(req->arena, sizeof(*i));
    i->req = req;
    i->writer = (struct writer_req){
        .op = WRITER_IMAGE,
        .event_id = id,
        .image = &i->image,
        .arena = req->arena,
        .reply_to = http_mailbox(req),
        .done = answer_image,
    };
    req->user = i;
    http_on_finish(req, finish_image);
    int ret = writer_submit(api->app->parts.writer, &i->writer);
    if (ret)
        http_problem(req, ret, NULL, NULL, NULL);
}
