/*
 * Becoming home of an event, and stopping to be it.
 *
 * Take: a worker fences whoever was home before and loads the event; then the writer adopts it, and the
 * others are told. Load: the same without the fence, only to show it. Resign: the writer stops to decide when
 * nothing of the event is under way any more; then the others are told, and may take it.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "cluster/internal.h"
#include <stdlib.h>

struct take {
    struct job job; /* first */
    struct known *known;
    bool home;
    int code;
    struct inventory *inventory;
    uint64_t epoch, seq;
};

/* ---- on a worker ---- */

/* The store borrows the layout for the load; the reference is dropped after it. */
struct lent_layout {
    struct cluster *c;
    struct layout *layout;
};

static struct layout *lend_layout(void *ctx, const struct venue_id *venue)
{
    struct lent_layout *lent = ctx;
    if (!lent->layout)
        lent->layout = cluster_venue_of(lent->c, venue);
    return lent->layout;
}

static void take(struct job *job)
{
    struct take *t = (struct take *)job;
    struct cluster *c = job->c;
    struct image image = {0};
    struct lent_layout lent = {.c = c};
    t->code = t->home ? store_take_event(c->options.store, &t->known->id, lend_layout, &lent, &image)
                      : store_load_event(c->options.store, &t->known->id, lend_layout, &lent, &image);
    if (t->code == 0) {
        t->epoch = image.epoch;
        t->seq = image.seq;
        t->inventory = inventory_new(&image, c->options.writer_rng);
        image_done(&image);
    }
    layout_unref(lent.layout);
}

/* ---- back on the cluster's thread ---- */

static void say_failed(const struct take *t)
{
    char id[UUID_TEXT + 1];
    uuid_format(&t->known->id.u, id);
    log_warn("cluster", "the event %s cannot be %s (%s)", id, t->home ? "taken over" : "loaded",
             error_info(t->code)->name);
}

static void forgotten(struct errand *e)
{
    struct known *k = e->user;
    errand_end(e);
    k->dropped = true;
    known_free(e->c, k);
}

/* The store does not have the event any more. */
static void forget(struct cluster *c, struct known *k)
{
    struct errand *e = errand_new(c, WRITER_FORGET, &k->id);
    e->user = k;
    errand_send(e, forgotten);
}

static void adopted(struct errand *e)
{
    struct take *t = e->user;
    struct cluster *c = e->c;
    struct known *k = t->known;
    int code = e->req.code;
    c->taking--;
    if (t->home && (code == 0 || code == BOX_EEXISTS)) {
        uint64_t epoch = t->epoch > k->epoch ? t->epoch : k->epoch + 1;
        known_set_home(c, k, &c->server_id, epoch, false);
        known_set_stale(c, k, false);
        k->lost_us = 0;
        outbox_home(c->outbox, &k->id, epoch, t->seq);
        metrics_add(METRIC_CLUSTER_TAKEOVERS, 1);
    } else if (code && code != BOX_ERANGE && code != BOX_EEXISTS) {
        t->code = code;
        say_failed(t);
        known_failed(c, k);
    }
    known_free(c, k);
    free(t);
    errand_end(e);
}

static void taken(struct job *job)
{
    struct take *t = (struct take *)job;
    struct cluster *c = job->c;
    struct known *k = t->known;
    if (t->code == 0) {
        struct errand *e = errand_new(c, WRITER_ADOPT, &k->id);
        e->req.inventory = t->inventory;
        e->req.home = t->home;
        e->user = t;
        errand_send(e, adopted);
        return;
    }
    c->taking--;
    if (t->code == BOX_ENOTFOUND) {
        forget(c, k);
    } else {
        if (t->code != BOX_EFENCED) /* another server was quicker, and will say so */
            say_failed(t);
        known_failed(c, k);
        known_free(c, k);
    }
    free(t);
}

void take_start(struct cluster *c, struct known *k, bool home)
{
    struct take *t = calloc(1, sizeof *t);
    must(t); /* out of memory ends the program */
    t->job.work = take;
    t->job.then = taken;
    t->known = k;
    t->home = home;
    must(!k->busy);
    k->busy = true;
    c->taking++;
    if (job_start(c, &t->job) == 0)
        return;
    c->taking--;
    known_failed(c, k);
    known_free(c, k);
    free(t);
}

/* ---- resigning ---- */

static void resigned(struct errand *e)
{
    struct cluster *c = e->c;
    struct known *k = e->user;
    c->resigning--;
    if (known_is_here(c, k)) {
        known_set_home(c, k, NULL, k->epoch, e->req.code == 0);
        k->giving = e->req.code == 0;
        outbox_resigned(c->outbox, &k->id, k->epoch);
    }
    known_free(c, k);
    errand_end(e);
    c->dirty = true;
}

void resign_start(struct cluster *c, struct known *k)
{
    struct errand *e = errand_new(c, WRITER_RESIGN, &k->id);
    must(!k->busy);
    k->busy = true;
    c->resigning++;
    c->giving++;
    e->user = k;
    errand_send(e, resigned);
}
