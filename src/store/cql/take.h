/*
 * Taking an event over, and loading one.
 *
 * Taking fences before it reads: an LWT raises the epoch, after which no group of an older home can be
 * applied, and which ends any Paxos round still open. Then the statics are read (serially, so that the newest
 * group is there), the second half of that group is written again from its tail, and the event is loaded.
 * Nothing can change under the load. This heals whatever a home left half done, also the creation of an
 * event.
 *
 * Who only looks on (store_load_event()) fences nothing: he reads the statics before and after the rows, and
 * begins anew when a group came in between. That group's second half may not be written yet: its records are
 * taken from the tail, which is why an image is exact at any time. All older groups are written out, because
 * a home begins the next batch only then.
 */
#ifndef CQL_TAKE_H
#define CQL_TAKE_H

#include "store/cql/call.h"

enum {
    LOAD_TRIES = 5, /* by who looks on, before BOX_EBUSY */
};

/* The statics of an event's partition. */
struct cql_statics {
    bool has_seq; /* its first group was applied */
    uint64_t seq;
    int64_t epoch; /* 0: there is none yet */
    struct uuid batch_id;
    const uint8_t *tail; /* the arena's; NULL: cleared */
    size_t tail_size;
};
/* Read them serially: whatever was decided is there. Returns 0 (also for no partition: all 0), BOX_EIO,
 * BOX_ECORRUPT. Blocks. */
int cql_statics_read(struct cql_store *s, const struct event_id *id, struct arena *arena,
                     struct cql_statics *ret_statics);
/*
 * Raise the epoch from @epoch. *ret_epoch is the new one. Returns 0, BOX_EFENCED (it was not @epoch any
 * more), BOX_EUNAVAILABLE or BOX_EUNKNOWN. Blocks.
 */
int cql_fence(struct cql_store *s, const struct event_id *id, int64_t epoch, int64_t *ret_epoch);

#endif
