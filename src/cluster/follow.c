/*
 * Following another server: its news come by long polls, one after the other, and an answer is applied whole
 * before the next is asked for. So nothing is queued here however slow this server is: what waits, waits in
 * the other one's outbox, and who falls too far behind begins anew.
 *
 * What an answer says of one event is put together (struct item): its changes, in order, and whether the
 * other server is home of it at the end. Then, all events side by side:
 *
 *   changes           to the writer (WRITER_FOLLOW). Those that are known already are passed over. Where one
 *                     is missing, or the event is not known to the writer, the whole event is asked for.
 *   "I am home"       if what is shown here is older than it says, the whole event is asked for: its image
 *                     (WRITER_ADOPT).
 *
 * A server that hears the claim of another one for an event that it thinks to be its own gives it up if the
 * claim is newer; and also where the other one has decided something after what is known here: the store has
 * let it, so it is home.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "cluster/internal.h"
#include "inventory/image_code.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_US = 50000, RETRY_DOUBLINGS = 5, OK = 200 };

/* What an answer says of one event. */
struct item {
    struct uuid id; /* first: the map's */
    struct item *next;
    struct batch *batch;
    struct change *first, *last;
    bool home, resigned; /* said last */
    uint64_t epoch, seq;
};

/* An answer, while it is being applied. */
struct batch {
    struct peer *peer;
    struct wire_news news;
    struct arena arena;
    struct idmap items;
    struct item *first, *last;
    size_t pending; /* what must end before the next answer is asked for */
    int spoilt;     /* why it cannot be used; 0: it can */
    int64_t came_us;
};

static void poll_peer(struct peer *p);
static void batch_step_done(struct batch *b);
static void peer_free_if_idle(struct peer *p);

struct peer *peer_find(const struct cluster *c, const struct uuid *id)
{
    for (size_t i = 0; i < c->peer_count; i++)
        if (!c->peers[i]->gone && uuid_equal(&c->peers[i]->id, id))
            return c->peers[i];
    return NULL;
}

/* ---- the image of an event ---- */

/* Ask a peer for an image, and adopt it. */
struct fetch {
    struct link_call call;
    struct job job; /* its venue is not known here yet */
    struct peer *peer;
    struct batch *batch; /* that waits for it, or NULL */
    struct known *known;
    char url[URL_BYTES];
    struct buf bytes;
    struct layout *layout; /* lent to the image */
    struct venue_id missing;
    bool looked; /* for the missing venue */
};

static void fetch_end(struct fetch *f, bool good)
{
    struct cluster *c = f->peer->c;
    struct batch *b = f->batch;
    if (!good) {
        known_failed(c, f->known);
        known_set_stale(c, f->known, true);
    }
    known_free(c, f->known);
    struct peer *p = f->peer;
    p->fetches--;
    buf_done(&f->bytes);
    free(f);
    if (b)
        batch_step_done(b);
    else
        peer_free_if_idle(p);
}

static void stepped_down(struct errand *e)
{
    struct known *k = e->known;
    struct cluster *c = e->c;
    errand_end(e);
    known_free(c, k);
    c->dirty = true;
}

/* The writer thinks to be home, and is not. Its image is asked for afterwards. */
static void step_down(struct cluster *c, struct known *k)
{
    known_set_stale(c, k, true);
    outbox_resigned(c->outbox, &k->id, k->epoch);
    if (k->busy)
        return;
    struct errand *e = errand_new(c, WRITER_RESIGN, &k->id);
    k->busy = true;
    e->known = k;
    errand_send(e, stepped_down);
}

static void image_adopted(struct errand *e)
{
    struct fetch *f = e->user;
    int code = e->req.code;
    struct known *k = f->known;
    struct cluster *c = e->c;
    errand_end(e);
    /* Older than what is shown: then that came from somewhere else meanwhile. */
    bool good = code == 0 || code == BOX_ERANGE || code == BOX_EEXISTS;
    /* The writer is home: this server has taken the event meanwhile, or else has to be told that it is not.
     */
    bool denied = code == BOX_EEXISTS && !known_is_here(c, k) && !k->dropped;
    if (good)
        known_set_stale(c, k, false);
    fetch_end(f, good);
    if (denied)
        step_down(c, k);
}

static struct layout *find_layout(void *ctx, const struct venue_id *venue)
{
    struct fetch *f = ctx;
    struct layout *layout = view_venue(f->peer->c->options.view, venue);
    if (!layout)
        f->missing = *venue;
    else
        f->layout = layout;
    return layout;
}

static void load_missing(struct job *job)
{
    struct fetch *f = (struct fetch *)(void *)((char *)job - offsetof(struct fetch, job));
    layout_unref(cluster_venue_of(job->c, &f->missing));
}

static void read_image(struct fetch *f);

static void missing_loaded(struct job *job)
{
    read_image((struct fetch *)(void *)((char *)job - offsetof(struct fetch, job)));
}

static void read_image(struct fetch *f)
{
    struct cluster *c = f->peer->c;
    struct image image = {0};
    f->layout = NULL;
    int ret = image_decode(f->bytes.data, f->bytes.size, find_layout, f, &image);
    if (ret == BOX_ENOTFOUND && !f->looked) {
        f->looked = true;
        f->job.work = load_missing;
        f->job.then = missing_loaded;
        if (job_start(c, &f->job) == 0)
            return;
    }
    if (ret) {
        layout_unref(f->layout);
        log_warn("cluster", "the image of an event from %s cannot be used (%s)", f->peer->address,
                 error_info(ret)->name);
        fetch_end(f, false);
        return;
    }
    struct errand *e = errand_new(c, WRITER_ADOPT, &f->known->id);
    e->req.inventory = inventory_new(&image, c->options.writer_rng);
    image_done(&image);
    layout_unref(f->layout);
    e->user = f;
    errand_send(e, image_adopted);
}

static void image_came(struct link_call *call)
{
    struct fetch *f = (struct fetch *)(void *)((char *)call - offsetof(struct fetch, call));
    f->bytes = call->reply;
    call->reply = (struct buf){0};
    if (call->code || call->status != OK)
        fetch_end(f, false);
    else
        read_image(f);
}

static void fetch_image(struct peer *p, struct known *k, struct batch *b)
{
    struct fetch *f = calloc(1, sizeof *f);
    must(f && !k->busy); /* out of memory ends the program */
    char id[UUID_TEXT + 1];
    uuid_format(&k->id.u, id);
    snprintf(f->url, sizeof f->url, "%s/internal/v1/events/%s/image", p->address, id);
    f->peer = p;
    f->batch = b;
    f->known = k;
    k->busy = true;
    p->fetches++;
    f->call = (struct link_call){
        .method = "GET",
        .url = f->url,
        .fields = p->fields,
        .timeout_ms = LIMIT_FORWARD_MS,
        .done = image_came,
    };
    link_send(p->c->link, &f->call);
}

void image_refresh(struct peer *p, struct known *k)
{
    if (now_us(p->c) >= k->not_before_us)
        fetch_image(p, k, NULL);
}

/* ---- applying ---- */

static bool known_is_of(const struct known *k, const struct peer *p)
{
    return uuid_equal(&k->home, &p->id);
}

static void drop_events(struct change *first)
{
    for (struct change *c = first; c; c = c->next) {
        event_unref(c->event);
        c->event = NULL;
    }
}

/* The whole event is wanted for an item; unless something else is done with it just now, then later. */
static void want_image(struct batch *b, struct known *k)
{
    if (k->busy || !known_is_of(k, b->peer)) {
        known_set_stale(b->peer->c, k, true);
        batch_step_done(b);
        return;
    }
    fetch_image(b->peer, k, b);
}

static uint64_t shown_seq(const struct cluster *c, const struct event_id *id)
{
    struct snapshot *s = view_find(c->options.view, id);
    uint64_t seq = s ? s->seq : 0;
    if (s)
        view_release(s);
    return seq;
}

static void followed(struct errand *e)
{
    struct item *item = e->user;
    struct batch *b = item->batch;
    struct cluster *c = e->c;
    const struct event_id id = {item->id};
    struct known *k = known_find(c, &id);
    int code = e->req.code;
    errand_end(e);
    if (!k) {
        batch_step_done(b); /* it was deleted meanwhile */
    } else if (code == 0) {
        int64_t late_us = clock_wall_us(c->options.clock) - item->last->time_us;
        metrics_observe_us(METRIC_CLUSTER_FOLLOW_LAG, late_us > 0 ? late_us : 0);
        if (item->last->kind == CHANGE_EVENT_DELETED)
            known_drop(c, k);
        batch_step_done(b);
    } else if (code == BOX_EEXISTS && item->last->seq > shown_seq(c, &id)) {
        known_set_home(c, k, &b->peer->id, k->epoch + 1, false);
        step_down(c, k);
        batch_step_done(b);
    } else if (code == BOX_EEXISTS) {
        batch_step_done(b); /* old news of a former home */
    } else {
        want_image(b, k);
    }
}

static void apply_claim(struct batch *b, const struct item *item, struct known *k)
{
    struct cluster *c = b->peer->c;
    bool was_here = known_is_here(c, k);
    if (item->home && known_claimed(c, k, &b->peer->id, item->epoch)) {
        if (was_here)
            step_down(c, k);
    } else if (item->resigned && uuid_equal(&k->home, &b->peer->id)) {
        known_set_home(c, k, NULL, item->epoch > k->epoch ? item->epoch : k->epoch, true);
    }
}

/* Does what the item says lead to what it says the event is at? */
static bool needs_image(const struct cluster *c, const struct item *item, const struct known *k)
{
    const struct event_id id = {item->id};
    uint64_t shown = shown_seq(c, &id);
    if (shown == 0 || k->stale)
        return true;
    return shown < item->seq &&
           !(item->first && item->first->seq <= shown + 1 && item->last->seq >= item->seq);
}

static void apply_item(struct batch *b, struct item *item)
{
    struct cluster *c = b->peer->c;
    const struct event_id id = {item->id};
    struct known *k = known_of(c, &id);
    apply_claim(b, item, k);
    b->pending++;
    if (item->home && known_is_of(k, b->peer) && needs_image(c, item, k)) {
        want_image(b, k);
    } else if (item->first && !k->stale) {
        struct errand *e = errand_new(c, WRITER_FOLLOW, &id);
        e->req.changes = item->first;
        e->user = item;
        errand_send(e, followed);
    } else {
        batch_step_done(b);
    }
}

/* ---- venues ---- */

struct venue_load {
    struct job job; /* first */
    struct batch *batch;
    struct venue_id id;
};

static void load_venue(struct job *job)
{
    layout_unref(cluster_venue_of(job->c, &((struct venue_load *)job)->id));
}

static void venue_loaded(struct job *job)
{
    struct batch *b = ((struct venue_load *)job)->batch;
    free(job);
    batch_step_done(b);
}

static void start_venue(struct batch *b, const struct uuid *id)
{
    struct venue_load *v = calloc(1, sizeof *v);
    must(v); /* out of memory ends the program */
    v->job.work = load_venue;
    v->job.then = venue_loaded;
    v->batch = b;
    v->id = (struct venue_id){*id};
    b->pending++;
    if (job_start(b->peer->c, &v->job) == 0)
        return;
    free(v); /* it is loaded when somebody asks for it */
    batch_step_done(b);
}

/* ---- an answer ---- */

static struct item *item_of(struct batch *b, const struct uuid *id)
{
    struct item *item = idmap_find(&b->items, id);
    if (item)
        return item;
    item = arena_alloc(&b->arena, sizeof *item);
    item->id = *id;
    item->batch = b;
    idmap_add(&b->items, item);
    if (b->last)
        b->last->next = item;
    else
        b->first = item;
    b->last = item;
    return item;
}

static int read_changes(struct batch *b, struct wire_record *record)
{
    struct item *item = item_of(b, &record->id);
    struct change *c;
    int ret;
    while ((ret = wire_next_change(record, &b->arena, &c)) == 0) {
        if (item->last)
            item->last->next = c;
        else
            item->first = c;
        item->last = c;
    }
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

static int read_record(struct batch *b, struct wire_record *record)
{
    struct item *item;
    switch (record->kind) {
    case WIRE_HOME:
    case WIRE_RESIGNED:
        item = item_of(b, &record->id);
        item->home = record->kind == WIRE_HOME;
        item->resigned = !item->home;
        item->epoch = record->epoch;
        item->seq = item->home ? record->seq : 0;
        return 0;
    case WIRE_CHANGES:
        return read_changes(b, record);
    case WIRE_VENUE:
        start_venue(b, &record->id);
        return 0;
    case WIRE_LEAVES:
        members_unfit(b->peer->c->members, &b->peer->id);
        b->peer->c->dirty = true;
        return 0;
    }
    return BOX_ECORRUPT;
}

/* What the peer does not list among its homes is not its any more. */
static void drop_unlisted(struct batch *b)
{
    struct cluster *c = b->peer->c;
    size_t at = 0;
    for (struct known *k; (k = idmap_next(&c->events, &at));)
        if (known_is_of(k, b->peer) && !idmap_find(&b->items, &k->id.u))
            known_set_home(c, k, NULL, k->epoch, false);
}

static void batch_free(struct batch *b)
{
    for (struct item *item = b->first; item; item = item->next)
        drop_events(item->first);
    idmap_done(&b->items);
    arena_done(&b->arena);
    free(b);
}

static void peer_free_if_idle(struct peer *p)
{
    if (!p->gone || p->polling || p->batch || p->fetches)
        return;
    struct cluster *c = p->c;
    pthread_rwlock_wrlock(&c->lock);
    for (size_t i = 0; i < c->peer_count; i++)
        if (c->peers[i] == p)
            c->peers[i] = c->peers[--c->peer_count];
    pthread_rwlock_unlock(&c->lock);
    heap_remove(&c->timers, &p->retry.item);
    free(p);
}

static void poll_later(struct peer *p)
{
    unsigned doublings = p->failures < RETRY_DOUBLINGS ? p->failures : RETRY_DOUBLINGS;
    p->failures++;
    timer_set(p->c, &p->retry, (int64_t)RETRY_US << doublings);
}

/* An answer that makes no sense, or comes from another process. */
static void refuse_answer(struct peer *p, int code)
{
    if (code == BOX_ENOTFOUND) {
        members_gone(p->c->members, &p->id); /* its address is another process's: it is no more */
        p->c->dirty = true;
        return;
    }
    log_warn("cluster", "what %s says cannot be read (%s)%s", p->address, error_info(code)->name,
             code == BOX_ENEWER ? ": it is of a newer version" : "");
    poll_later(p);
}

/* Everything that the answer said is shown. */
static void note_heard(struct peer *p, const struct batch *b)
{
    p->after = b->news.position;
    if (!p->heard)
        p->c->dirty = true;
    p->heard = true;
    p->failures = 0;
    if (b->news.stable_us > p->stable_us)
        p->stable_us = b->news.stable_us;
    if (b->news.stable_us) /* else there is more to be asked for */
        atomic_store(&p->heard_us, b->came_us);
}

static void batch_end(struct batch *b)
{
    struct peer *p = b->peer;
    int spoilt = b->spoilt;
    p->batch = NULL;
    if (!spoilt)
        note_heard(p, b);
    batch_free(b);
    if (p->gone)
        peer_free_if_idle(p);
    else if (spoilt)
        refuse_answer(p, spoilt);
    else
        poll_peer(p);
}

static void batch_step_done(struct batch *b)
{
    must(b->pending > 0);
    if (--b->pending == 0)
        batch_end(b);
}

static int batch_read(struct batch *b, const struct link_call *call)
{
    struct rd r;
    struct wire_record record;
    int ret = wire_read_news(&r, call->reply.data, call->reply.size, &b->news);
    if (ret)
        return ret;
    if (!uuid_equal(&b->news.server_id, &b->peer->id))
        return BOX_ENOTFOUND;
    while ((ret = wire_next(&r, &record)) == 0 && (ret = read_record(b, &record)) == 0)
        ;
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

static void answered(struct link_call *call)
{
    struct peer *p = (struct peer *)(void *)((char *)call - offsetof(struct peer, poll));
    p->polling = false;
    if (p->gone || call->code || call->status != OK) {
        if (!p->gone && call->code == 0 && p->failures == 0)
            log_warn("cluster", "%s answers %u to this server's question; is its secret another one?",
                     p->address, call->status);
        if (!p->gone)
            poll_later(p);
        buf_done(&call->reply);
        peer_free_if_idle(p);
        return;
    }
    struct batch *b = calloc(1, sizeof *b);
    must(b); /* out of memory ends the program */
    arena_init(&b->arena, 0);
    idmap_init(&b->items, offsetof(struct item, id));
    b->peer = p;
    b->came_us = now_us(p->c);
    b->pending = 1; /* held while it begins */
    p->batch = b;
    int ret = batch_read(b, call);
    buf_done(&call->reply);
    if (ret) {
        b->spoilt = ret;
    } else {
        if (b->news.anew)
            drop_unlisted(b);
        for (struct item *item = b->first, *next; item; item = next) {
            next = item->next;
            apply_item(b, item);
        }
    }
    batch_step_done(b);
}

/* ---- polling ---- */

static void poll_peer(struct peer *p)
{
    char id[UUID_TEXT + 1], me[UUID_TEXT + 1];
    uuid_format(&p->id, id);
    uuid_format(&p->c->server_id, me);
    snprintf(p->url, sizeof p->url, "%s/internal/v1/outbox?reader=%s&from=%s&after=%" PRIu64, p->address, me,
             p->heard ? id : me, p->after);
    p->poll = (struct link_call){
        .method = "GET",
        .url = p->url,
        .fields = p->fields,
        .timeout_ms = p->c->options.lease_ms,
        .done = answered,
    };
    p->polling = true;
    link_send(p->c->link, &p->poll);
}

static void poll_again(struct timer *t)
{
    poll_peer((struct peer *)(void *)((char *)t - offsetof(struct peer, retry)));
}

struct peer *peer_new(struct cluster *c, const struct server_row *row)
{
    struct peer *p = calloc(1, sizeof *p);
    must(p && c->peer_count < LIMIT_CLUSTER_SERVERS); /* out of memory ends the program */
    p->c = c;
    p->id = row->server_id;
    memcpy(p->address, row->address, sizeof p->address);
    snprintf(p->secret_field, sizeof p->secret_field, CLUSTER_SECRET ": %s", c->secret);
    p->fields[0] = p->secret_field;
    p->retry.run = poll_again;
    pthread_rwlock_wrlock(&c->lock);
    c->peers[c->peer_count++] = p;
    pthread_rwlock_unlock(&c->lock);
    poll_peer(p);
    return p;
}

void peer_end(struct peer *p)
{
    struct cluster *c = p->c;
    must(!p->gone);
    pthread_rwlock_wrlock(&c->lock);
    p->gone = true;
    pthread_rwlock_unlock(&c->lock);
    heap_remove(&c->timers, &p->retry.item);
    if (p->polling)
        link_abort(c->link, &p->poll); /* answered() frees it */
    else
        peer_free_if_idle(p);
}
