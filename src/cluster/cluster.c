/*
 * The two threads: the one that owns the cluster's state and never blocks, and the one that beats; and what
 * everybody may ask.
 *
 * The end. cluster_leave() gives everything away while the server still answers; the thread then goes on to
 * forward what comes. cluster_stop() comes when no request can come any more.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "cluster/homes.h"
#include "cluster/internal.h"
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_WRITER_US = 5000, LEAVE_MS = 8000 };

/* ---- life ---- */

int cluster_open(const struct cluster_options *options, struct cluster **ret_cluster)
{
    must(options->store && options->view && options->workers && options->clock);
    struct cluster *c = calloc(1, sizeof *c);
    must(c); /* out of memory ends the program */
    c->options = *options;
    if (link_open(options->ca_file, &c->link)) {
        free(c);
        return BOX_EIO;
    }
    must(mailbox_init(&c->inbox) == 0 && mailbox_init(&c->beat_box) == 0);
    struct arena arena;
    arena_init(&arena, 0);
    snprintf(c->secret, sizeof c->secret, "%s",
             text_base64url(&arena, options->secret, sizeof options->secret));
    arena_done(&arena);
    c->server_id = uuid_random(options->rng);
    c->started_ms = clock_wall_us(options->clock) / 1000;
    c->outbox = outbox_new(&c->server_id, LIMIT_OUTBOX_BYTES);
    sights_init(&c->sights);
    idmap_init(&c->events, offsetof(struct known, id));
    heap_init(&c->timers);
    c->members = calloc(1, sizeof *c->members);
    must(c->members);
    c->members->lease_us = options->lease_ms * INT64_C(1000);
    must(pthread_rwlock_init(&c->lock, NULL) == 0);
    must(pthread_mutex_init(&c->wait_mtx, NULL) == 0);
    must(pthread_cond_init(&c->wait, NULL) == 0);
    *ret_cluster = c;
    return 0;
}

void cluster_introduce(struct cluster *c, struct writer *writer, const char *address)
{
    c->writer = writer;
    snprintf(c->address, sizeof c->address, "%s", address);
}

void cluster_close(struct cluster *c)
{
    must(c->under_way == 0 && c->peer_count == 0);
    link_close(c->link);
    size_t at = 0;
    for (struct known *k; (k = idmap_next(&c->events, &at));)
        free(k);
    idmap_done(&c->events);
    heap_done(&c->timers);
    outbox_free(c->outbox);
    sights_done(&c->sights);
    free(c->members);
    task_run_all(&c->inbox); /* what the observer has said since */
    mailbox_done(&c->inbox);
    mailbox_take(&c->beat_box);
    mailbox_done(&c->beat_box);
    pthread_rwlock_destroy(&c->lock);
    pthread_cond_destroy(&c->wait);
    pthread_mutex_destroy(&c->wait_mtx);
    free(c);
}

/* ---- what others do for the thread ---- */

void timer_set(struct cluster *c, struct timer *t, int64_t us)
{
    heap_set(&c->timers, &t->item, now_us(c) + us);
}

static void run_timers(struct cluster *c)
{
    int64_t now = now_us(c);
    for (struct heap_item *first; (first = heap_first(&c->timers)) && first->key <= now;) {
        struct timer *t = (struct timer *)first;
        heap_remove(&c->timers, first);
        t->run(t);
    }
}

static void job_done(struct task *t)
{
    struct job *job = (struct job *)t;
    job->c->under_way--;
    job->then(job);
}

static void run_job(struct task *t)
{
    struct job *job = (struct job *)t;
    job->work(job);
    job->task.run = job_done;
    task_post(&job->c->inbox, &job->task);
}

int job_start(struct cluster *c, struct job *job)
{
    job->c = c;
    job->task.run = run_job;
    int ret = work_submit(c->options.workers, &job->task);
    if (ret == 0)
        c->under_way++;
    return ret;
}

struct errand *errand_new(struct cluster *c, enum writer_op op, const struct event_id *id)
{
    struct errand *e = calloc(1, sizeof *e);
    must(e); /* out of memory ends the program */
    arena_init(&e->arena, 0);
    e->c = c;
    e->req = (struct writer_req){.op = op, .event_id = *id, .arena = &e->arena, .reply_to = &c->inbox};
    return e;
}

void errand_end(struct errand *e)
{
    arena_done(&e->arena);
    free(e);
}

static struct errand *errand_of(struct writer_req *req)
{
    return (struct errand *)(void *)((char *)req - offsetof(struct errand, req));
}

static void errand_done(struct writer_req *req)
{
    struct errand *e = errand_of(req);
    e->c->under_way--;
    e->then(e);
}

static void errand_try(struct errand *e)
{
    int ret = writer_submit(e->c->writer, &e->req);
    if (ret == 0)
        return;
    if (ret == BOX_EBUSY) {
        timer_set(e->c, &e->retry, RETRY_WRITER_US);
        return;
    }
    if (e->req.op == WRITER_ADOPT)
        inventory_free(e->req.inventory); /* the writer would have taken it */
    e->req.code = ret;
    errand_done(&e->req);
}

static void errand_again(struct timer *t)
{
    errand_try((struct errand *)(void *)((char *)t - offsetof(struct errand, retry)));
}

void errand_send(struct errand *e, void (*then)(struct errand *e))
{
    e->then = then;
    e->req.done = errand_done;
    e->retry.run = errand_again;
    e->c->under_way++;
    errand_try(e);
}

/* ---- what the observer says ---- */

enum note_kind { NOTE_CREATED, NOTE_DELETED, NOTE_LOST };

struct note {
    struct task task;
    struct cluster *c;
    struct event_id id;
    enum note_kind kind;
};

enum { FIRST_EPOCH = 1 }; /* of an event that was never taken */

static void read_note(struct task *t)
{
    struct note *n = (struct note *)t;
    struct cluster *c = n->c;
    struct known *k;
    switch (n->kind) {
    case NOTE_CREATED:
        known_set_home(c, known_of(c, &n->id), &c->server_id, FIRST_EPOCH, false);
        break;
    case NOTE_DELETED:
        k = known_find(c, &n->id);
        if (k)
            known_drop(c, k);
        break;
    case NOTE_LOST:
        known_lost(c, &n->id);
    }
    free(n);
}

static void note(struct cluster *c, const struct event_id *id, enum note_kind kind)
{
    struct note *n = calloc(1, sizeof *n);
    must(n); /* out of memory ends the program */
    *n = (struct note){.task.run = read_note, .c = c, .id = *id, .kind = kind};
    task_post(&c->inbox, &n->task);
}

void cluster_decided(struct cluster *c, const struct inventory *inv, const struct change *first)
{
    (void)inv;
    const struct change *last = first;
    while (last->next)
        last = last->next;
    if (first->kind == CHANGE_EVENT_CREATED) {
        outbox_home(c->outbox, &first->event_id, FIRST_EPOCH, last->seq);
        note(c, &first->event_id, NOTE_CREATED);
        if (!first->next)
            return; /* who hears of it asks for the whole event */
    }
    outbox_changes(c->outbox, first);
    if (last->kind == CHANGE_EVENT_DELETED)
        note(c, &last->event_id, NOTE_DELETED);
}

void cluster_lost(struct cluster *c, const struct event_id *id)
{
    note(c, id, NOTE_LOST);
}

void cluster_venue(struct cluster *c, const struct venue_id *id)
{
    outbox_venue(c->outbox, id);
}

struct layout *cluster_venue_of(struct cluster *c, const struct venue_id *id)
{
    struct layout *layout = view_venue(c->options.view, id);
    if (!layout && store_get_venue(c->options.store, id, &layout) == 0)
        view_put_venue(c->options.view, layout);
    return layout;
}

/* ---- beats ---- */

/* One beat, and what was read with it; from the beat's thread to the cluster's. */
struct beat {
    struct task task;
    struct cluster *c;
    struct arena arena;
    struct server_row *rows;
    uint32_t count;
    int64_t begun_us, ahead_us, error_us;
    int code, clock_code;
};

static void judge_clock(struct cluster *c, const struct beat *b)
{
    int64_t off_us = b->ahead_us < 0 ? -b->ahead_us : b->ahead_us;
    bool fits = off_us - b->error_us <= c->options.max_clock_skew_ms * INT64_C(1000);
    c->clock_ahead_us = b->ahead_us;
    if (fits != c->clock_fits)
        c->dirty = true;
    if (!fits && c->clock_fits)
        log_warn("cluster",
                 "this machine's clock is %lld ms %s of the cluster's nodes: no event is decided here until "
                 "it is right",
                 (long long)off_us / 1000, b->ahead_us > 0 ? "ahead" : "behind");
    c->clock_fits = fits;
}

static void hear_beat(struct task *t)
{
    struct beat *b = (struct beat *)t;
    struct cluster *c = b->c;
    if (b->clock_code == 0)
        judge_clock(c, b);
    if (b->code == 0) {
        if (c->own_beat_us && b->begun_us - c->own_beat_us > c->members->lease_us)
            c->asleep_us = now_us(c);
        c->own_beat_us = b->begun_us;
        if (!c->first_beat_us)
            c->first_beat_us = b->begun_us;
        c->read_us = b->begun_us; /* what was read is not older, but may be as old */
        members_read(c->members, &c->server_id, b->rows, b->count, c->read_us);
        c->dirty = true;
    }
    if ((b->code != 0) != c->beat_failed)
        log_warn("cluster",
                 b->code ? "this server's row cannot be written (%s): others will take its events"
                         : "this server's row can be written again",
                 error_info(b->code)->name);
    c->beat_failed = b->code;
    arena_done(&b->arena);
    free(b);
}

static void beat(struct cluster *c, uint64_t number)
{
    struct beat *b = calloc(1, sizeof *b);
    must(b); /* out of memory ends the program */
    struct server_row me = {.server_id = c->server_id, .beat = number, .started_ms = c->started_ms};
    b->task.run = hear_beat;
    b->c = c;
    arena_init(&b->arena, 0);
    snprintf(me.address, sizeof me.address, "%s", c->address);
    snprintf(me.version, sizeof me.version, "%s", BOXOFFICE_VERSION);
    me.fit = atomic_load(&c->fit) && !atomic_load(&c->leaving);
    b->clock_code = store_clock(c->options.store, c->options.clock, &b->ahead_us, &b->error_us);
    b->begun_us = now_us(c);
    b->code = store_beat(c->options.store, &me, &b->arena, &b->rows, &b->count);
    task_post(&c->inbox, &b->task);
}

static void say_left(struct cluster *c)
{
    pthread_mutex_lock(&c->wait_mtx);
    atomic_store(&c->left, true);
    pthread_cond_broadcast(&c->wait);
    pthread_mutex_unlock(&c->wait_mtx);
}

void cluster_beat_run(struct cluster *c)
{
    int64_t pause_us = c->options.lease_ms * INT64_C(1000) / 4;
    uint64_t number = 0;
    bool left = false;
    while (!atomic_load(&c->stopping)) {
        if (!left && atomic_load(&c->resigned)) {
            store_leave(c->options.store, &c->server_id);
            left = true;
            say_left(c);
        }
        if (!left)
            beat(c, ++number);
        mailbox_wait(&c->beat_box, pause_us);
        task_run_all(&c->beat_box);
    }
    atomic_store(&c->beats_ended, true);
}

void cluster_never_beats(struct cluster *c)
{
    atomic_store(&c->beats_ended, true);
}

static void beat_woken(struct task *t)
{
    struct cluster *c = (struct cluster *)(void *)((char *)t - offsetof(struct cluster, beat_now));
    atomic_store(&c->beat_posted, false);
}

void beat_soon(struct cluster *c)
{
    if (atomic_exchange(&c->beat_posted, true))
        return;
    c->beat_now.run = beat_woken;
    task_post(&c->beat_box, &c->beat_now);
}

/* ---- the thread ---- */

/* Who reads the log as it grows is woken where it may have: what is shown has changed, and the watermark has
 * not yet passed the time of that (which another server's clock may have given it). */
static void wake_readers(struct cluster *c, int64_t before_us)
{
    uint64_t version = view_version(c->options.view);
    if (version != c->seen_version)
        c->news_us = clock_wall_us(c->options.clock) + c->options.max_clock_skew_ms * INT64_C(1000);
    c->seen_version = version;
    if (before_us < c->news_us)
        c->options.wake(c->options.wake_ctx);
}

static void raise_watermark(struct cluster *c)
{
    int64_t before_us = c->watermark.until_us;
    watermark_begin(&c->watermark, writer_stable_us(c->writer));
    for (size_t i = 0; i < c->members->count; i++) {
        const struct member *m = &c->members->list[i];
        const struct peer *p = m->live ? peer_find(c, &m->row.server_id) : NULL;
        if (m->live)
            watermark_server(&c->watermark, p && p->heard ? p->stable_us : 0);
    }
    bool settled = atomic_load(&c->joined) && c->listed && c->orphans == 0;
    if (watermark_end(&c->watermark, settled)) {
        store_cdc_until(c->options.store, c->watermark.until_us);
        atomic_store(&c->complete_us, c->watermark.until_us);
        wake_readers(c, before_us);
    }
    int64_t lag_us = clock_wall_us(c->options.clock) - c->watermark.until_us;
    metrics_set(METRIC_CLUSTER_WATERMARK_LAG, c->watermark.until_us ? lag_us / 1000 : 0);
}

static int64_t wait_us(const struct cluster *c)
{
    const struct heap_item *first = heap_first(&c->timers);
    int64_t left_us = first ? first->key - now_us(c) : TICK_US;
    return left_us < 0 ? 0 : left_us < TICK_US ? left_us : TICK_US;
}

/* Everything that somebody does for this thread has ended. */
static bool ended(const struct cluster *c)
{
    return atomic_load(&c->stopping) && atomic_load(&c->beats_ended) && c->under_way == 0 &&
           c->peer_count == 0;
}

void cluster_run(struct cluster *c)
{
    c->clock_fits = true;
    while (!ended(c)) {
        link_step(c->link, &c->inbox, wait_us(c));
        task_run_all(&c->inbox);
        run_timers(c);
        if (atomic_load(&c->stopping)) {
            forward_end_all(c);
            while (c->peer_count && !c->peers[0]->gone)
                peer_end(c->peers[0]);
            continue;
        }
        reconcile(c);
        raise_watermark(c);
    }
    forward_end_all(c);
}

/* ---- joining, leaving ---- */

static void wait_at_most(struct cluster *c, const atomic_bool *what, unsigned ms)
{
    struct timespec until;
    int64_t until_us = clock_wall_us(c->options.clock) + ms * INT64_C(1000);
    until.tv_sec = until_us / 1000000;
    until.tv_nsec = until_us % 1000000 * 1000;
    pthread_mutex_lock(&c->wait_mtx);
    int ret = 0;
    while (!atomic_load(what) && ret != ETIMEDOUT)
        ret = pthread_cond_timedwait(&c->wait, &c->wait_mtx, &until);
    pthread_mutex_unlock(&c->wait_mtx);
}

int cluster_wait_joined(struct cluster *c, unsigned timeout_ms)
{
    wait_at_most(c, &c->joined, timeout_ms);
    return atomic_load(&c->joined) ? 0 : BOX_EBUSY;
}

bool cluster_joined(const struct cluster *c)
{
    return atomic_load(&c->joined);
}

void cluster_leave(struct cluster *c)
{
    atomic_store(&c->leaving, true);
    beat_soon(c);
    wait_at_most(c, &c->left, LEAVE_MS);
}

void cluster_stop(struct cluster *c)
{
    atomic_store(&c->stopping, true);
    beat_soon(c);
}

/* ---- what everybody may ask ---- */

enum cluster_home cluster_home(struct cluster *c, const struct event_id *id)
{
    enum cluster_home home = HOME_NOBODY;
    pthread_rwlock_rdlock(&c->lock);
    const struct known *k = idmap_find(&c->events, &id->u);
    if (k && uuid_equal(&k->home, &c->server_id))
        home = HOME_HERE;
    else if (k && !uuid_is_nil(&k->home) && peer_find(c, &k->home))
        home = HOME_THERE;
    pthread_rwlock_unlock(&c->lock);
    return home;
}

bool cluster_would_be_home(struct cluster *c, const struct event_id *id)
{
    pthread_rwlock_rdlock(&c->lock);
    const struct uuid *winner = homes_winner(c->roster, c->roster_count, id);
    bool mine = winner && uuid_equal(winner, &c->server_id);
    pthread_rwlock_unlock(&c->lock);
    return mine;
}

int64_t cluster_complete_us(const struct cluster *c)
{
    return atomic_load(&c->complete_us);
}

bool cluster_fresh(struct cluster *c, const struct event_id *id)
{
    bool fresh = false;
    pthread_rwlock_rdlock(&c->lock);
    const struct known *k = idmap_find(&c->events, &id->u);
    const struct peer *p = k ? peer_find(c, &k->home) : NULL;
    if (k && uuid_equal(&k->home, &c->server_id))
        fresh = now_us(c) < atomic_load(&c->trust_us);
    else if (p && !k->stale)
        fresh = now_us(c) - p->heard_us < LIMIT_FOLLOW_FRESH_MS * INT64_C(1000);
    pthread_rwlock_unlock(&c->lock);
    return fresh;
}

bool cluster_knows(const struct cluster *c, const char *header)
{
    return header && strlen(header) == SECRET_TEXT && sodium_memcmp(header, c->secret, SECRET_TEXT) == 0;
}

const struct uuid *cluster_server_id(const struct cluster *c)
{
    return &c->server_id;
}

bool cluster_news(struct cluster *c, const struct uuid *reader, const struct uuid *from, uint64_t after,
                  struct buf *ret, struct mailbox *m, struct task *t)
{
    for (;;) {
        int64_t stable_us = writer_stable_us(c->writer); /* before the position, see writer.h */
        if (outbox_read(c->outbox, reader, from, after, stable_us, ret))
            return true;
        if (outbox_wait(c->outbox, after, m, t))
            return false;
    }
}

bool cluster_news_unwait(struct cluster *c, struct task *t)
{
    return outbox_unwait(c->outbox, t);
}

void cluster_news_idle(struct cluster *c, const struct uuid *from, uint64_t after, struct buf *ret)
{
    int64_t stable_us = writer_stable_us(c->writer);
    outbox_idle(c->outbox, from, after, stable_us, ret);
}

bool cluster_first_sight(struct cluster *c, const struct uuid *request_id)
{
    return sights_first(&c->sights, request_id, now_us(c));
}

static bool roster_has(const struct cluster *c, const struct uuid *server)
{
    for (size_t i = 0; i < c->roster_count; i++)
        if (uuid_equal(&c->roster[i], server))
            return true;
    return false;
}

void cluster_state(struct cluster *c, char *ret_text, size_t size)
{
    size_t here = 0, there = 0, nobody = 0, at = 0;
    pthread_rwlock_rdlock(&c->lock);
    for (const struct known *k; (k = idmap_next(&c->events, &at));) {
        here += uuid_equal(&k->home, &c->server_id);
        nobody += uuid_is_nil(&k->home);
    }
    there = c->events.count - here - nobody;
    size_t others = c->peer_count;
    size_t fit = c->roster_count - roster_has(c, &c->server_id);
    pthread_rwlock_unlock(&c->lock);
    const char *state = atomic_load(&c->leaving)   ? "leaving the cluster"
                        : !atomic_load(&c->joined) ? "joining the cluster"
                        : !atomic_load(&c->fit)    ? "in the cluster, but not fit to decide (see the log)"
                                                   : "in the cluster";
    snprintf(ret_text, size,
             "%s; %zu other servers live, %zu of them fit to decide; of %zu events %zu are decided here, %zu "
             "elsewhere, %zu nowhere just now",
             state, others, fit, here + there + nobody, here, there, nobody);
}
