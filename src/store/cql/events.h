/*
 * The events that this store has taken: of each the epoch under which it may commit and what the next group
 * must follow. An event that is not here is another server's, or in doubt: its commits are BOX_EFENCED
 * without a look at the cluster.
 *
 * Thread: any; one short lock, never held over a request. Who may change an entry: a worker that has just
 * taken the event (cql_events_taken()), and the store's own thread, which commits.
 */
#ifndef CQL_EVENTS_H
#define CQL_EVENTS_H

#include "domain/event.h"
#include "domain/layout.h"
#include <stdbool.h>
#include <stdint.h>

/* What a commit needs to know of an event, as a value. References are the holder's: event_state_done(). */
struct cql_event_state {
    int64_t epoch;
    uint64_t seq;          /* of the newest durable change; 0: only its tickets exist */
    struct uuid batch_id;  /* of the newest group, or nil */
    struct event *event;   /* the newest version: currency and prices */
    struct layout *layout; /* which seat costs what */
    uint32_t available;    /* seats */
};

struct cql_events;

/* An empty table. */
struct cql_events *cql_events_new(void);
/* Nobody uses it any more. */
void cql_events_free(struct cql_events *t);
/* Drop the references of a copy. */
void cql_event_state_done(struct cql_event_state *state);

/*
 * The event was taken (or, its seq being 0, is being created). Takes references of its own. @tail: the
 * cluster holds the newest group's tail. A commit that is under way under an older epoch will end as fenced
 * and leave this entry alone.
 */
void cql_events_taken(struct cql_events *t, const struct event_id *id, const struct cql_event_state *state,
                      bool tail, int64_t now_us);
/* Forget it, if it still is of this epoch. */
void cql_events_lost(struct cql_events *t, const struct event_id *id, int64_t epoch);

/* A group that follows @follows_seq may be tried: a copy of the state (the caller's). Else BOX_EFENCED. */
int cql_events_begin(struct cql_events *t, const struct event_id *id, uint64_t follows_seq,
                     struct cql_event_state *ret_state);
/* The group is durable and written out: @state is what is true now (its references are copied). */
void cql_events_committed(struct cql_events *t, const struct event_id *id,
                          const struct cql_event_state *state, int64_t now_us);

/* An event whose tail is to be cleared: no group since @before_us. */
struct cql_idle_event {
    struct event_id id;
    int64_t epoch;
    uint64_t seq;
};
/* At most @max of them; each is given once until its next group. Returns how many. */
uint32_t cql_events_idle(struct cql_events *t, int64_t before_us, struct cql_idle_event *ret_idle,
                         uint32_t max);
/* It could not be cleared: give it again, if nothing happened since. */
void cql_events_still_idle(struct cql_events *t, const struct cql_idle_event *idle);

#endif
