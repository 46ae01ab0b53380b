#include "cluster/outbox.h"
#include "base/idmap.h"
#include "base/must.h"
#include "base/params.h"
#include "cluster/wire.h"
#include <stdlib.h>

enum { FIRST_SLOTS = 1024 };

struct record {
    char *data;
    size_t size;
};

struct home {
    struct uuid id;
    uint64_t epoch, seq;
    bool said; /* HOME was recorded; changes may come a moment earlier */
};

struct waiter {
    struct waiter *next;
    struct mailbox *mailbox;
    struct task *task;
};

/* Up to where a reader knows everything. */
struct reader {
    struct uuid id;
    uint64_t after;
};

struct outbox {
    struct uuid server_id;
    size_t limit;
    pthread_mutex_t mtx;
    /* under mtx */
    struct record *ring; /* of cap slots, a power of two; position p is in slot p % cap */
    size_t cap;
    uint64_t first, end; /* positions kept: first .. end - 1 */
    size_t bytes;
    struct idmap homes;
    struct waiter *waiters;
    struct reader readers[LIMIT_CLUSTER_SERVERS];
    size_t reader_next; /* the place that is used again next */
};

struct outbox *outbox_new(const struct uuid *server_id, size_t limit)
{
    struct outbox *o = calloc(1, sizeof *o);
    must(o); /* out of memory ends the program */
    o->server_id = *server_id;
    o->limit = limit;
    o->cap = FIRST_SLOTS;
    o->ring = calloc(o->cap, sizeof *o->ring);
    must(o->ring);
    o->first = o->end = 1;
    idmap_init(&o->homes, offsetof(struct home, id));
    must(pthread_mutex_init(&o->mtx, NULL) == 0);
    return o;
}

static struct record *slot(struct outbox *o, uint64_t position)
{
    return &o->ring[position & (o->cap - 1)];
}

static void drop_first(struct outbox *o)
{
    struct record *r = slot(o, o->first++);
    o->bytes -= r->size;
    free(r->data);
}

void outbox_free(struct outbox *o)
{
    must(!o->waiters);
    while (o->first < o->end)
        drop_first(o);
    size_t at = 0;
    for (struct home *h; (h = idmap_next(&o->homes, &at));)
        free(h);
    idmap_done(&o->homes);
    pthread_mutex_destroy(&o->mtx);
    free(o->ring);
    free(o);
}

/* ---- recording; under the lock ---- */

static void grow(struct outbox *o)
{
    size_t cap = 2 * o->cap;
    struct record *ring = calloc(cap, sizeof *ring);
    must(ring); /* out of memory ends the program */
    for (uint64_t p = o->first; p < o->end; p++)
        ring[p & (cap - 1)] = *slot(o, p);
    free(o->ring);
    o->ring = ring;
    o->cap = cap;
}

/* Take the bytes of @b as the newest record, and wake who waits for one. */
static void record(struct outbox *o, struct buf *b)
{
    if (o->end - o->first == o->cap)
        grow(o);
    struct record *r = slot(o, o->end++);
    r->data = buf_take(b, &r->size);
    o->bytes += r->size;
    while (o->bytes > o->limit)
        drop_first(o);
    while (o->waiters) {
        struct waiter *w = o->waiters;
        o->waiters = w->next;
        task_post(w->mailbox, w->task);
        free(w);
    }
}

static struct home *home_of(struct outbox *o, const struct uuid *id)
{
    struct home *h = idmap_find(&o->homes, id);
    if (h)
        return h;
    h = calloc(1, sizeof *h);
    must(h); /* out of memory ends the program */
    h->id = *id;
    idmap_add(&o->homes, h);
    return h;
}

static void forget_home(struct outbox *o, const struct uuid *id)
{
    struct home *h = idmap_find(&o->homes, id);
    if (!h)
        return;
    idmap_remove(&o->homes, h);
    free(h);
}

/* ---- recording ---- */

void outbox_home(struct outbox *o, const struct event_id *id, uint64_t epoch, uint64_t seq)
{
    struct buf b = {0};
    pthread_mutex_lock(&o->mtx);
    struct home *h = home_of(o, &id->u);
    h->said = true;
    h->epoch = epoch;
    if (h->seq < seq)
        h->seq = seq;
    wire_put_home(&b, id, epoch, h->seq);
    record(o, &b);
    pthread_mutex_unlock(&o->mtx);
}

void outbox_resigned(struct outbox *o, const struct event_id *id, uint64_t epoch)
{
    struct buf b = {0};
    wire_put_resigned(&b, id, epoch);
    pthread_mutex_lock(&o->mtx);
    forget_home(o, &id->u);
    record(o, &b);
    pthread_mutex_unlock(&o->mtx);
}

void outbox_changes(struct outbox *o, const struct change *first)
{
    struct buf b = {0};
    const struct change *last = first;
    while (last->next)
        last = last->next;
    wire_put_changes(&b, first);
    pthread_mutex_lock(&o->mtx);
    if (last->kind == CHANGE_EVENT_DELETED)
        forget_home(o, &last->event_id.u);
    else
        home_of(o, &last->event_id.u)->seq = last->seq;
    record(o, &b);
    pthread_mutex_unlock(&o->mtx);
}

void outbox_venue(struct outbox *o, const struct venue_id *id)
{
    struct buf b = {0};
    wire_put_venue(&b, id);
    pthread_mutex_lock(&o->mtx);
    record(o, &b);
    pthread_mutex_unlock(&o->mtx);
}

void outbox_leaves(struct outbox *o)
{
    struct buf b = {0};
    wire_put_leaves(&b, &o->server_id);
    pthread_mutex_lock(&o->mtx);
    record(o, &b);
    pthread_mutex_unlock(&o->mtx);
}

/* ---- reading ---- */

static void note_reader(struct outbox *o, const struct uuid *id, uint64_t after)
{
    for (size_t i = 0; i < LIMIT_CLUSTER_SERVERS; i++) {
        if (uuid_equal(&o->readers[i].id, id)) {
            o->readers[i].after = after;
            return;
        }
    }
    o->readers[o->reader_next] = (struct reader){*id, after};
    o->reader_next = (o->reader_next + 1) % LIMIT_CLUSTER_SERVERS;
}

static void put_head(struct outbox *o, uint64_t position, int64_t stable_us, bool anew, struct buf *ret)
{
    const struct wire_news news = {
        .server_id = o->server_id, .position = position, .stable_us = stable_us, .anew = anew};
    wire_put_news(ret, &news);
}

static void put_all_homes(struct outbox *o, int64_t stable_us, struct buf *ret)
{
    put_head(o, o->end - 1, stable_us, true, ret);
    size_t at = 0;
    for (struct home *h; (h = idmap_next(&o->homes, &at));) {
        const struct event_id id = {h->id};
        if (h->said)
            wire_put_home(ret, &id, h->epoch, h->seq);
    }
}

/* Not all of them: the reader comes again, and what it is told of the time holds for the last one only. */
static void put_records(struct outbox *o, uint64_t after, int64_t stable_us, struct buf *ret)
{
    size_t size = 0;
    uint64_t end = after + 1;
    while (end < o->end && (end == after + 1 || size + slot(o, end)->size <= LIMIT_OUTBOX_ANSWER_BYTES))
        size += slot(o, end++)->size;
    put_head(o, end - 1, end == o->end ? stable_us : 0, false, ret);
    for (uint64_t p = after + 1; p < end; p++)
        buf_add(ret, slot(o, p)->data, slot(o, p)->size);
}

bool outbox_read(struct outbox *o, const struct uuid *reader, const struct uuid *from, uint64_t after,
                 int64_t stable_us, struct buf *ret)
{
    bool news = true;
    pthread_mutex_lock(&o->mtx);
    bool known = uuid_equal(from, &o->server_id) && after < o->end;
    note_reader(o, reader, known ? after : 0);
    if (!known || after + 1 < o->first)
        put_all_homes(o, stable_us, ret);
    else if (after + 1 < o->end)
        put_records(o, after, stable_us, ret);
    else
        news = false;
    pthread_mutex_unlock(&o->mtx);
    return news;
}

void outbox_idle(struct outbox *o, const struct uuid *from, uint64_t after, int64_t stable_us,
                 struct buf *ret)
{
    must(uuid_equal(from, &o->server_id));
    pthread_mutex_lock(&o->mtx);
    /* What came since stable_us was asked for may be older than it: then that is not yet told. */
    put_head(o, after, after + 1 == o->end ? stable_us : 0, false, ret);
    pthread_mutex_unlock(&o->mtx);
}

bool outbox_wait(struct outbox *o, uint64_t after, struct mailbox *m, struct task *t)
{
    struct waiter *w = calloc(1, sizeof *w);
    must(w); /* out of memory ends the program */
    pthread_mutex_lock(&o->mtx);
    bool waits = after + 1 == o->end;
    if (waits) {
        *w = (struct waiter){.next = o->waiters, .mailbox = m, .task = t};
        o->waiters = w;
    }
    pthread_mutex_unlock(&o->mtx);
    if (!waits)
        free(w);
    return waits;
}

bool outbox_unwait(struct outbox *o, struct task *t)
{
    struct waiter *found = NULL;
    pthread_mutex_lock(&o->mtx);
    for (struct waiter **at = &o->waiters; *at; at = &(*at)->next) {
        if ((*at)->task == t) {
            found = *at;
            *at = found->next;
            break;
        }
    }
    pthread_mutex_unlock(&o->mtx);
    free(found);
    return found;
}

bool outbox_told(struct outbox *o, const struct uuid *reader)
{
    bool told = false;
    pthread_mutex_lock(&o->mtx);
    for (size_t i = 0; i < LIMIT_CLUSTER_SERVERS; i++)
        if (uuid_equal(&o->readers[i].id, reader))
            told = o->readers[i].after + 1 == o->end;
    pthread_mutex_unlock(&o->mtx);
    return told;
}
