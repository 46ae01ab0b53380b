/*
 * Whose each event is: what this server believes, and what follows from it.
 *
 * A claim ("I am home", with an epoch) is believed when it is the newest of that event. Nobody is home of an
 * event whose last home is dead, has resigned, or has lost it. Then
 *
 *   - whoever wins it among the fit takes it; nobody else does, until it has been without a home for two
 *     leases: then whoever is fit. Two may take it at once: the store lets one of them, and the claim with
 *     the higher epoch is believed by both;
 *   - a server that has lost an event takes it again only when it has heard of all others since: the one that
 *     took it says so;
 *   - a home that sees another one winning resigns, a few events at a time, so that each is without a home
 *     for a moment only.
 *
 * A newcomer takes nothing until all others were heard, so that it knows their homes, and until everybody
 * must have seen its row (watermark.h).
 */
#include "base/log.h"
#include "base/metrics.h"
#include "cluster/homes.h"
#include "cluster/internal.h"
#include <stdlib.h>
#include <string.h>

enum {
    TAKING_JOINING = 16, /* events that are taken at once, while nobody is served */
    TAKING_JOINED = 2,   /* ... while workers are wanted by others, too */
    GIVING = 4,          /* events that are on their way to a newcomer at once */
    GIVING_US = 2000000, /* how long one is thought to be */
    BACK_OFF_US = 100000,
    BACK_OFF_DOUBLINGS = 6,
    LOOK_US = 100000, /* how often all events are looked at while some have no home */
    LOOK_SHARE = 3,   /* of this thread's time: at most one part of so many is spent on looks */
    LIST_RETRY_US = 1000000,
    TOLD_US = 500000, /* how long a server that leaves waits until the others have heard of it */
    FAILURES_SKIPPED = 3,
};

/* ---- what is believed of an event ---- */

struct known *known_find(const struct cluster *c, const struct event_id *id)
{
    return idmap_find(&c->events, &id->u);
}

struct known *known_of(struct cluster *c, const struct event_id *id)
{
    struct known *k = known_find(c, id);
    if (k)
        return k;
    k = calloc(1, sizeof *k);
    must(k); /* out of memory ends the program */
    k->id = *id;
    k->since_us = now_us(c);
    pthread_rwlock_wrlock(&c->lock);
    idmap_add(&c->events, k);
    pthread_rwlock_unlock(&c->lock);
    c->dirty = true;
    return k;
}

void known_drop(struct cluster *c, struct known *k)
{
    if (k->busy) {
        k->dropped = true;
        return;
    }
    pthread_rwlock_wrlock(&c->lock);
    idmap_remove(&c->events, k);
    pthread_rwlock_unlock(&c->lock);
    free(k);
    c->dirty = true;
}

void known_set_home(struct cluster *c, struct known *k, const struct uuid *home, uint64_t epoch,
                    bool resigned)
{
    pthread_rwlock_wrlock(&c->lock);
    k->home = home ? *home : UUID_NIL;
    k->epoch = epoch;
    pthread_rwlock_unlock(&c->lock);
    k->resigned = resigned;
    k->giving = false;
    if (home)
        k->failures = 0;
    else
        k->since_us = now_us(c);
    c->dirty = true;
}

void known_set_stale(struct cluster *c, struct known *k, bool stale)
{
    if (k->stale == stale)
        return;
    pthread_rwlock_wrlock(&c->lock);
    k->stale = stale;
    pthread_rwlock_unlock(&c->lock);
    c->dirty |= stale;
}

void known_free(struct cluster *c, struct known *k)
{
    k->busy = false;
    c->dirty |= k->stale;
    if (k->dropped)
        known_drop(c, k);
}

bool known_is_here(const struct cluster *c, const struct known *k)
{
    return uuid_equal(&k->home, &c->server_id);
}

bool known_claimed(struct cluster *c, struct known *k, const struct uuid *server, uint64_t epoch)
{
    if (uuid_equal(&k->home, server)) {
        k->epoch = epoch;
        return true;
    }
    bool newer = epoch > k->epoch || (epoch == k->epoch && uuid_is_nil(&k->home));
    if (newer)
        known_set_home(c, k, server, epoch, false);
    return newer;
}

void known_lost(struct cluster *c, const struct event_id *id)
{
    struct known *k = known_find(c, id);
    if (!k)
        return;
    known_set_stale(c, k, true);
    if (!known_is_here(c, k))
        return;
    known_set_home(c, k, NULL, k->epoch, false);
    known_failed(c, k);
    k->lost_us = now_us(c);
    c->listed = false; /* what was under way may still happen */
    outbox_resigned(c->outbox, id, k->epoch);
}

void known_failed(struct cluster *c, struct known *k)
{
    unsigned doublings = k->failures < BACK_OFF_DOUBLINGS ? k->failures : BACK_OFF_DOUBLINGS;
    k->failures++;
    k->not_before_us = now_us(c) + ((int64_t)BACK_OFF_US << doublings);
    c->dirty = true;
}

/* ---- servers ---- */

static bool all_heard(const struct cluster *c, int64_t since_us)
{
    for (size_t i = 0; i < c->members->count; i++) {
        const struct member *m = &c->members->list[i];
        const struct peer *p = m->live ? peer_find(c, &m->row.server_id) : NULL;
        if (m->live && (!p || !p->heard || p->heard_us < since_us))
            return false;
    }
    return true;
}

static bool any_live(const struct cluster *c)
{
    for (size_t i = 0; i < c->members->count; i++)
        if (c->members->list[i].live)
            return true;
    return false;
}

void reconcile_members(struct cluster *c)
{
    /* As of the newest read: while this server cannot read the rows, it knows of nobody's death. */
    if (members_age(c->members, c->read_us))
        c->dirty = true;
    for (size_t i = 0; i < c->peer_count; i++) {
        struct peer *p = c->peers[i];
        if (p->gone || members_live(c->members, &p->id))
            continue;
        log_info("cluster", "the server at %s is dead or has left", p->address);
        forward_server_died(c, &p->id);
        c->listed = false;
        c->dirty = true;
        peer_end(p);
        i = (size_t)-1; /* the list may be another one now */
    }
    size_t live = 1;
    for (size_t i = 0; i < c->members->count; i++) {
        const struct member *m = &c->members->list[i];
        live += m->live;
        if (m->live && !peer_find(c, &m->row.server_id) && c->peer_count < LIMIT_CLUSTER_SERVERS) {
            peer_new(c, &m->row);
            log_info("cluster", "the server at %s is seen", m->row.address);
            c->dirty = true;
        }
    }
    metrics_set(METRIC_CLUSTER_SERVERS, (int64_t)live);
}

static bool own_lease_holds(const struct cluster *c)
{
    return c->own_beat_us && now_us(c) - c->own_beat_us < c->members->lease_us;
}

/*
 * How long we can be sure that nobody else has taken our events. Others wait for a lease from when they saw
 * our beat, which is later than when we began it. Once that was missed, what they have taken is in their
 * outboxes.
 */
static void renew_trust(struct cluster *c)
{
    if (c->asleep_us && all_heard(c, c->asleep_us))
        c->asleep_us = 0;
    int64_t until_us = c->own_beat_us && !c->asleep_us ? c->own_beat_us + c->members->lease_us : 0;
    if (until_us == atomic_load(&c->trust_us))
        return;
    atomic_store(&c->trust_us, until_us);
    writer_trust(c->writer, until_us);
}

/* Everybody has seen our row by now, and clocks that are allowed to differ do not matter any more. */
static bool is_introduced(const struct cluster *c)
{
    int64_t wait_us = c->members->lease_us / 4 + 2 * c->options.max_clock_skew_ms * INT64_C(1000);
    return c->first_beat_us && (!any_live(c) || now_us(c) - c->first_beat_us > wait_us);
}

static void set_roster(struct cluster *c)
{
    struct uuid roster[LIMIT_CLUSTER_SERVERS + 1];
    size_t count = members_fit(c->members, roster);
    if (atomic_load(&c->fit))
        roster[count++] = c->server_id;
    if (count == c->roster_count && memcmp(c->roster, roster, count * sizeof roster[0]) == 0)
        return;
    pthread_rwlock_wrlock(&c->lock);
    memcpy(c->roster, roster, count * sizeof roster[0]);
    c->roster_count = count;
    pthread_rwlock_unlock(&c->lock);
}

static void set_fit(struct cluster *c)
{
    bool fit = atomic_load(&c->joined) && c->clock_fits && own_lease_holds(c) && !atomic_load(&c->leaving);
    if (fit != atomic_load(&c->fit)) {
        atomic_store(&c->fit, fit);
        beat_soon(c);
    }
    set_roster(c);
}

/* ---- the list of all events ---- */

struct listing {
    struct job job; /* first */
    struct event_id *ids;
    size_t count, cap;
    int code;
};

static int add_id(void *ctx, struct event_id id)
{
    struct listing *l = ctx;
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 256;
        l->ids = realloc(l->ids, l->cap * sizeof l->ids[0]);
        must(l->ids); /* out of memory ends the program */
    }
    l->ids[l->count++] = id;
    return 0;
}

static void list_events(struct job *job)
{
    struct listing *l = (struct listing *)job;
    l->code = store_list_events(l->job.c->options.store, add_id, l);
}

static void events_listed(struct job *job)
{
    struct listing *l = (struct listing *)job;
    struct cluster *c = job->c;
    c->listing = false;
    if (l->code) {
        log_warn("cluster", "the events cannot be listed (%s); next try in a second",
                 error_info(l->code)->name);
        c->list_not_before_us = now_us(c) + LIST_RETRY_US;
        c->listed = false;
    }
    for (size_t i = 0; l->code == 0 && i < l->count; i++)
        known_of(c, &l->ids[i]);
    c->dirty = true;
    free(l->ids);
    free(l);
}

/* At the start, and after each death: the dead one may have made events that nobody has heard of. */
static void list_if_needed(struct cluster *c)
{
    if (c->listed || c->listing || now_us(c) < c->list_not_before_us || !c->first_beat_us)
        return;
    struct listing *l = calloc(1, sizeof *l);
    must(l); /* out of memory ends the program */
    l->job.work = list_events;
    l->job.then = events_listed;
    if (job_start(c, &l->job)) {
        free(l);
        return;
    }
    c->listing = c->listed = true; /* a death from now on asks again */
}

/* ---- one look at all events ---- */

/* What a look counts and may do. */
struct look {
    struct cluster *c;
    struct uuid fit[LIMIT_CLUSTER_SERVERS + 1]; /* who may be home; this server too, if it may take */
    size_t fit_count;
    bool may_take;
    size_t here, nobody, orphans, stale, unshown;
};

static bool is_shown(const struct cluster *c, const struct known *k)
{
    struct snapshot *s = view_find(c->options.view, &k->id);
    if (s)
        view_release(s);
    return s;
}

static bool wins(const struct look *l, const struct known *k)
{
    const struct uuid *winner = homes_winner(l->fit, l->fit_count, &k->id);
    return winner && uuid_equal(winner, &l->c->server_id);
}

static void look_at_own(struct look *l, struct known *k)
{
    struct cluster *c = l->c;
    l->here++;
    bool mine = atomic_load(&c->leaving) ? false : l->fit_count == 0 || wins(l, k);
    if (mine || k->busy || (!atomic_load(&c->leaving) && c->giving >= GIVING))
        return;
    if (!atomic_load(&c->leaving) && !atomic_load(&c->joined))
        return;
    resign_start(c, k);
}

static void look_at_orphan(struct look *l, struct known *k)
{
    struct cluster *c = l->c;
    int64_t now = now_us(c);
    bool joined = atomic_load(&c->joined);
    l->nobody++;
    l->orphans += !k->resigned;
    if (k->giving && now - k->since_us > GIVING_US)
        k->giving = false;
    if (k->busy || now < k->not_before_us || c->taking >= (joined ? TAKING_JOINED : TAKING_JOINING))
        return;
    bool overdue = now - k->since_us > 2 * c->members->lease_us;
    bool known_free_of_others = k->lost_us ? all_heard(c, k->lost_us) : all_heard(c, 0);
    if (l->may_take && (known_free_of_others || overdue) && (overdue || wins(l, k)))
        take_start(c, k, true);
    else if (!joined && !is_shown(c, k) && now - k->since_us > c->members->lease_us)
        take_start(c, k, false);
}

static void look_at(struct look *l, struct known *k)
{
    struct cluster *c = l->c;
    struct peer *home;
    if (known_is_here(c, k)) {
        look_at_own(l, k);
    } else if ((home = peer_find(c, &k->home)) && members_live(c->members, &k->home)) {
        l->stale += k->stale;
        if (k->stale && !k->busy && home->heard)
            image_refresh(home, k);
    } else {
        if (!uuid_is_nil(&k->home))
            known_set_home(c, k, NULL, k->epoch, false); /* it died with the event */
        look_at_orphan(l, k);
    }
    if (!atomic_load(&c->joined) && k->failures < FAILURES_SKIPPED)
        l->unshown += !is_shown(c, k);
}

static void count_giving(struct cluster *c)
{
    size_t at = 0;
    c->giving = 0;
    for (struct known *k; (k = idmap_next(&c->events, &at));)
        c->giving += k->giving;
}

static void end_look(struct look *l)
{
    struct cluster *c = l->c;
    c->here = l->here;
    c->nobody = l->nobody;
    c->orphans = l->orphans;
    c->stale = l->stale;
    metrics_set(METRIC_CLUSTER_HOMES, (int64_t)l->here);
    bool complete = c->listed && !c->listing && l->unshown == 0 && c->taking == 0 && all_heard(c, 0);
    if (!atomic_load(&c->joined) && complete && is_introduced(c)) {
        pthread_mutex_lock(&c->wait_mtx);
        atomic_store(&c->joined, true);
        pthread_cond_broadcast(&c->wait);
        pthread_mutex_unlock(&c->wait_mtx);
        log_info("cluster", "joined: %zu other servers, %zu events, %zu of them decided here", c->peer_count,
                 c->events.count, c->here);
        c->dirty = true;
    }
}

static void look(struct cluster *c)
{
    struct look l = {.c = c};
    l.fit_count = members_fit(c->members, l.fit);
    l.may_take = c->clock_fits && own_lease_holds(c) && is_introduced(c) && !atomic_load(&c->leaving);
    bool counts = atomic_load(&c->joined) ? atomic_load(&c->fit) : l.may_take;
    if (counts)
        l.fit[l.fit_count++] = c->server_id;
    l.may_take &= counts;
    c->dirty = false;
    c->looked_us = now_us(c);
    count_giving(c);
    /* What is looked at may be dropped: the list is made before. */
    size_t count = c->events.count, n = 0, at = 0;
    struct known **all = calloc(count + 1, sizeof *all);
    must(all); /* out of memory ends the program */
    for (struct known *k; (k = idmap_next(&c->events, &at));)
        all[n++] = k;
    for (size_t i = 0; i < n; i++)
        look_at(&l, all[i]);
    free(all);
    end_look(&l);
    c->look_took_us = now_us(c) - c->looked_us;
}

/* ---- leaving ---- */

static bool all_told(const struct cluster *c)
{
    for (size_t i = 0; i < c->peer_count; i++)
        if (!c->peers[i]->gone && !outbox_told(c->outbox, &c->peers[i]->id))
            return false;
    return true;
}

static void leave_if_done(struct cluster *c)
{
    if (!atomic_load(&c->leaving) || atomic_load(&c->resigned))
        return;
    if (!c->said_leaving) {
        outbox_leaves(c->outbox);
        c->said_leaving = c->dirty = true;
        return;
    }
    if (c->here > 0 || c->taking > 0 || c->resigning > 0)
        return;
    if (!c->left_told_us)
        c->left_told_us = now_us(c);
    if (!all_told(c) && now_us(c) - c->left_told_us < TOLD_US)
        return;
    atomic_store(&c->resigned, true);
    beat_soon(c);
}

void reconcile(struct cluster *c)
{
    reconcile_members(c);
    renew_trust(c);
    set_fit(c);
    list_if_needed(c);
    bool waiting = c->nobody || c->stale || !atomic_load(&c->joined) || atomic_load(&c->leaving);
    /* With very many events a look takes a while: then it is not the only thing that is done. */
    int64_t since_us = now_us(c) - c->looked_us;
    if ((c->dirty && since_us > LOOK_SHARE * c->look_took_us) || (waiting && since_us >= LOOK_US))
        look(c);
    leave_if_done(c);
}
