/*
 * Commit: how a group of an event's changes becomes durable on a cluster.
 *
 *   1. One conditional batch on the event's partition of `tickets` (batch.h): the seats, the event's seq, and
 * the tail, which is the whole group as bytes. When it is applied the group is durable, whatever happens
 * next: whoever takes the event finds the tail.
 *   2. The second half (second_half.h): everything else, from the same group.
 *   3. BOX_OK. The next group may come only then, so that one tail is enough. (Overlapping 2 with the next
 * batch would save some ms and need two tails.)
 *
 * Who decides. The epoch in the conditions is the one under which this store took the event (events.h,
 * take.h). Who takes it raises the epoch first, so that nothing of an older home can be applied afterwards:
 * BOX_EFENCED.
 *
 * When nobody knows. A batch that was not answered may have been applied. It is issued again, also by way of
 * other nodes, until there is a definite answer: applied; or refused, and then the batch_id found there, or
 * that of the change row, tells whether an earlier try was it (answer.h). Only after the deadline the answer
 * is BOX_EUNKNOWN, and the event is not this store's any more: taking it settles what happened. UNAVAILABLE
 * says that this try was not begun; it settles nothing about tries before.
 *
 * A very large group goes in slices (slice.h), each of which is committed in this way.
 *
 * Each group is a small state machine on the store's own thread; nothing blocks, no lock is held over a
 * request.
 */
#ifndef CQL_COMMIT_H
#define CQL_COMMIT_H

#include "store/cql/call.h"

/* The deadlines of a commit, in one place. */
enum {
    COMMIT_DEADLINE_MS = CQL_DEADLINE_MS, /* of the batch and its second half, from the start */
    COMMIT_HOPELESS_TRIES = 4, /* that were not begun (no node, too few replicas): then certainly not done */
    COMMIT_GROUP_SEATS = 200,  /* store_group_seats() */
    COMMIT_TAIL_BYTES = 8 * 1024 * 1024, /* a larger group is refused: a mutation has at most 16 MiB */
    COMMIT_IDLE_MS = 2000,               /* after that an event's tail is cleared (clear.h) */
};

#endif
