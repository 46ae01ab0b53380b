/*
 * A store that several servers of one process share: the store in memory behind a lock, with what a cluster
 * has besides: an event's home that is fenced, rows of servers. A handle for each server.
 */
#ifndef UNIT_CLUSTER_SHARED_STORE_H
#define UNIT_CLUSTER_SHARED_STORE_H

#include "base/error.h"
#include "base/must.h"
#include "store/mem/store_mem.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SHARED_EVENTS = 256, SHARED_SERVERS = 8 };

struct handle;

struct shared {
    pthread_mutex_t mtx;
    struct store *base;
    struct {
        struct event_id id;
        const struct handle *home;
        uint64_t epoch;
    } events[SHARED_EVENTS];
    size_t event_count;
    struct server_row rows[SHARED_SERVERS];
    size_t row_count;
};

struct handle {
    struct store store; /* first */
    struct store_ops ops;
    struct shared *shared;
    atomic_bool silent; /* its beats do not arrive */
    atomic_int fenced;  /* commits that were refused */
    _Atomic int64_t until_us;
};

static inline struct handle *handle_of(const struct store *s)
{
    return (struct handle *)(uintptr_t)s;
}

/* Lock and give the store behind. */
static inline struct store *enter(const struct store *s)
{
    must(pthread_mutex_lock(&handle_of(s)->shared->mtx) == 0);
    return handle_of(s)->shared->base;
}

static inline void leave(const struct store *s)
{
    must(pthread_mutex_unlock(&handle_of(s)->shared->mtx) == 0);
}

#define DELEGATE(name, parameters, call)                                                                     \
    static inline int sh_##name parameters                                                                   \
    {                                                                                                        \
        struct store *base = enter(s);                                                                       \
        int ret = call;                                                                                      \
        leave(s);                                                                                            \
        return ret;                                                                                          \
    }

typedef struct layout *layout_finder(void *, const struct venue_id *);

/* clang-format off */
DELEGATE(idem_find, (struct store *s, const struct digest *k, int64_t now, struct arena *a, struct idem_record *r),
         store_idem_find(base, k, now, a, r))
DELEGATE(put_venue, (struct store *s, const struct layout *l, const struct idem_record *i), store_put_venue(base, l, i))
DELEGATE(create_tickets, (struct store *s, const struct event *e, const struct layout *l, void (*p)(void *, uint32_t), void *c),
         store_create_tickets(base, e, l, p, c))
DELEGATE(list_events, (struct store *s, int (*each)(void *, struct event_id), void *c), store_list_events(base, each, c))
DELEGATE(list_venues, (struct store *s, int (*each)(void *, struct layout *), void *c), store_list_venues(base, each, c))
DELEGATE(load_event, (struct store *s, const struct event_id *id, layout_finder *f, void *c, struct image *i),
         store_load_event(base, id, f, c, i))
DELEGATE(get_hold, (struct store *s, const struct hold_id *id, struct arena *a, struct hold *h), store_get_hold(base, id, a, h))
DELEGATE(get_order, (struct store *s, const struct order_id *id, struct arena *a, struct order *o), store_get_order(base, id, a, o))
DELEGATE(get_personal, (struct store *s, const struct order_id *id, struct arena *a, struct personal *p),
         store_get_personal(base, id, a, p))
DELEGATE(get_venue, (struct store *s, const struct venue_id *id, struct layout **l), store_get_venue(base, id, l))
DELEGATE(secret, (struct store *s, const char *n, const uint8_t f[32], uint8_t r[32]), store_secret(base, n, f, r))
/* clang-format on */

static inline void sh_drop_tickets(struct store *s, const struct event_id *id)
{
    store_drop_tickets(enter(s), id);
    leave(s);
}

static inline size_t event_place(struct shared *sh, const struct event_id *id)
{
    size_t i = 0;
    while (i < sh->event_count && !uuid_equal(&sh->events[i].id.u, &id->u))
        i++;
    if (i == sh->event_count) {
        must(i < SHARED_EVENTS);
        sh->events[sh->event_count++].id = *id;
    }
    return i;
}

static inline void group_done(struct commit *c)
{
    (void)c;
}

static inline void sh_commit(struct store *s, struct commit *c)
{
    struct shared *sh = handle_of(s)->shared;
    struct store *base = enter(s);
    for (size_t i = 0; i < c->group_count; i++) {
        struct event_group *g = &c->groups[i];
        size_t place = event_place(sh, &g->event_id);
        if (g->follows_seq == 0)
            sh->events[place].home = handle_of(s);
        if (sh->events[place].home != handle_of(s)) {
            g->result = BOX_EFENCED;
            atomic_fetch_add(&handle_of(s)->fenced, 1);
            continue;
        }
        struct commit one = {.groups = g, .group_count = 1, .done = group_done};
        store_commit(base, &one);
    }
    leave(s);
    c->done(c);
}

static inline int sh_take_event(struct store *s, const struct event_id *id, layout_finder *f, void *ctx,
                                struct image *ret_image)
{
    struct shared *sh = handle_of(s)->shared;
    struct store *base = enter(s);
    int ret = store_load_event(base, id, f, ctx, ret_image);
    if (ret == 0) {
        size_t place = event_place(sh, id);
        sh->events[place].home = handle_of(s);
        ret_image->epoch = ++sh->events[place].epoch + 1;
    }
    leave(s);
    return ret;
}

static inline void sh_idem_lookup(struct store *s, struct idem_lookup *l)
{
    l->record = arena_alloc(l->arena, sizeof *l->record);
    l->result = sh_idem_find(s, &l->key, l->now_ms, l->arena, l->record);
    l->done(l);
}

static inline int sh_claim_slug(struct store *s, const char *slug, const struct event_id *id)
{
    (void)s, (void)slug, (void)id;
    return 0;
}

static inline void sh_cdc_until(struct store *s, int64_t until_us)
{
    atomic_store(&handle_of(s)->until_us, until_us);
}

static inline uint32_t sh_group_seats(const struct store *s)
{
    (void)s;
    return 100;
}

static inline int sh_beat(struct store *s, const struct server_row *me, struct arena *arena,
                          struct server_row **ret_rows, uint32_t *ret_count)
{
    struct shared *sh = handle_of(s)->shared;
    if (atomic_load(&handle_of(s)->silent))
        return BOX_EUNAVAILABLE;
    enter(s);
    size_t i = 0;
    while (i < sh->row_count && !uuid_equal(&sh->rows[i].server_id, &me->server_id))
        i++;
    must(i < SHARED_SERVERS);
    sh->row_count += i == sh->row_count;
    sh->rows[i] = *me;
    *ret_rows = arena_copy(arena, sh->rows, sizeof sh->rows);
    *ret_count = (uint32_t)sh->row_count;
    leave(s);
    return 0;
}

static inline void sh_leave(struct store *s, const struct uuid *id)
{
    struct shared *sh = handle_of(s)->shared;
    enter(s);
    for (size_t i = 0; i < sh->row_count; i++)
        if (uuid_equal(&sh->rows[i].server_id, id))
            sh->rows[i--] = sh->rows[--sh->row_count];
    leave(s);
}

static inline int sh_clock(struct store *s, const struct clock *clock, int64_t *ret_ahead, int64_t *ret_error)
{
    (void)s, (void)clock;
    *ret_ahead = 0;
    *ret_error = 1000;
    return 0;
}

static inline bool sh_writable(const struct store *s)
{
    (void)s;
    return true;
}

static inline void sh_reason(struct store *s, char *text, size_t size)
{
    (void)s;
    if (size)
        text[0] = 0;
}

static const struct store_shared_ops shared_ops = {
    .take_event = sh_take_event,
    .idem_lookup = sh_idem_lookup,
    .claim_slug = sh_claim_slug,
    .cdc_until = sh_cdc_until,
    .group_seats = sh_group_seats,
    .beat = sh_beat,
    .leave = sh_leave,
    .clock = sh_clock,
};

static inline struct shared *shared_new(void)
{
    struct shared *sh = calloc(1, sizeof *sh);
    must(sh && pthread_mutex_init(&sh->mtx, NULL) == 0);
    sh->base = store_mem_new();
    return sh;
}

static inline void shared_free(struct shared *sh)
{
    store_close(sh->base);
    pthread_mutex_destroy(&sh->mtx);
    free(sh);
}

static inline struct handle *handle_new(struct shared *sh)
{
    struct handle *h = calloc(1, sizeof *h);
    must(h);
    h->shared = sh;
    h->ops = (struct store_ops){
        .commit = sh_commit,
        .writable = sh_writable,
        .reason = sh_reason,
        .idem_find = sh_idem_find,
        .put_venue = sh_put_venue,
        .create_tickets = sh_create_tickets,
        .drop_tickets = sh_drop_tickets,
        .list_events = sh_list_events,
        .list_venues = sh_list_venues,
        .load_event = sh_load_event,
        .get_hold = sh_get_hold,
        .get_order = sh_get_order,
        .get_personal = sh_get_personal,
        .secret = sh_secret,
        .get_venue = sh_get_venue,
        .shared = &shared_ops,
    };
    h->store.ops = &h->ops;
    return h;
}

#endif
