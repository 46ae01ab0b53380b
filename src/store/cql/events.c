#include "store/cql/events.h"
#include "base/error.h"
#include "base/must.h"
#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

struct entry {
    struct event_id id;
    struct cql_event_state state;
    bool tail; /* there is one to be cleared when the event stands idle */
    int64_t last_us;
    UT_hash_handle hh;
};

struct cql_events {
    pthread_mutex_t mtx;
    struct entry *entries; /* under mtx */
};

struct cql_events *cql_events_new(void)
{
    struct cql_events *t = calloc(1, sizeof(*t));
    must(t && pthread_mutex_init(&t->mtx, NULL) == 0);
    return t;
}

static void drop_entry(struct cql_events *t, struct entry *e)
{
    HASH_DEL(t->entries, e);
    cql_event_state_done(&e->state);
    free(e);
}

void cql_events_free(struct cql_events *t)
{
    struct entry *e, *next;
    HASH_ITER (hh, t->entries, e, next)
        drop_entry(t, e);
    pthread_mutex_destroy(&t->mtx);
    free(t);
}

void cql_event_state_done(struct cql_event_state *state)
{
    event_unref(state->event);
    layout_unref(state->layout);
    state->event = NULL;
    state->layout = NULL;
}

static struct cql_event_state copy_of(const struct cql_event_state *state)
{
    struct cql_event_state copy = *state;
    copy.event = event_ref(state->event);
    copy.layout = layout_ref(state->layout);
    return copy;
}

static struct entry *find(struct cql_events *t, const struct event_id *id)
{
    struct entry *e;
    HASH_FIND(hh, t->entries, id, sizeof(*id), e);
    return e;
}

static void set_state(struct entry *e, const struct cql_event_state *state, bool tail, int64_t now_us)
{
    struct cql_event_state before = e->state;
    e->state = copy_of(state);
    e->tail = tail;
    e->last_us = now_us;
    cql_event_state_done(&before);
}

void cql_events_taken(struct cql_events *t, const struct event_id *id, const struct cql_event_state *state,
                      bool tail, int64_t now_us)
{
    pthread_mutex_lock(&t->mtx);
    struct entry *e = find(t, id);
    if (!e) {
        e = calloc(1, sizeof(*e));
        must(e);
        e->id = *id;
        HASH_ADD(hh, t->entries, id, sizeof(e->id), e);
    }
    set_state(e, state, tail, now_us);
    pthread_mutex_unlock(&t->mtx);
}

void cql_events_lost(struct cql_events *t, const struct event_id *id, int64_t epoch)
{
    pthread_mutex_lock(&t->mtx);
    struct entry *e = find(t, id);
    if (e && e->state.epoch == epoch)
        drop_entry(t, e);
    pthread_mutex_unlock(&t->mtx);
}

int cql_events_begin(struct cql_events *t, const struct event_id *id, uint64_t follows_seq,
                     struct cql_event_state *ret_state)
{
    pthread_mutex_lock(&t->mtx);
    const struct entry *e = find(t, id);
    bool may = e && e->state.seq == follows_seq;
    if (may)
        *ret_state = copy_of(&e->state);
    pthread_mutex_unlock(&t->mtx);
    return may ? 0 : BOX_EFENCED;
}

void cql_events_committed(struct cql_events *t, const struct event_id *id,
                          const struct cql_event_state *state, int64_t now_us)
{
    pthread_mutex_lock(&t->mtx);
    struct entry *e = find(t, id);
    if (e && e->state.epoch == state->epoch)
        set_state(e, state, true, now_us);
    pthread_mutex_unlock(&t->mtx);
}

uint32_t cql_events_idle(struct cql_events *t, int64_t before_us, struct cql_idle_event *ret_idle,
                         uint32_t max)
{
    uint32_t count = 0;
    pthread_mutex_lock(&t->mtx);
    for (struct entry *e = t->entries; e && count < max; e = e->hh.next) {
        if (!e->tail || e->last_us > before_us || e->state.seq == 0)
            continue;
        e->tail = false;
        ret_idle[count++] =
            (struct cql_idle_event){.id = e->id, .epoch = e->state.epoch, .seq = e->state.seq};
    }
    pthread_mutex_unlock(&t->mtx);
    return count;
}

void cql_events_still_idle(struct cql_events *t, const struct cql_idle_event *idle)
{
    pthread_mutex_lock(&t->mtx);
    struct entry *e = find(t, &idle->id);
    if (e && e->state.epoch == idle->epoch && e->state.seq == idle->seq)
        e->tail = true;
    pthread_mutex_unlock(&t->mtx);
}
