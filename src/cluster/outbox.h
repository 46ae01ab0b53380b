/*
 * Outbox: what this server decided, for the others to follow, in the order in which it became durable.
 *
 * Every record has a position: 1, 2, 3, ... A reader names the position up to which it knows everything and
 * gets what is after it, at most LIMIT_OUTBOX_ANSWER_BYTES at once. Only the newest LIMIT_OUTBOX_BYTES are
 * kept, in memory: a reader that is further behind, or comes for the first time, gets the list of the events
 * that this server is home of, with their seqs, and the position to go on from; what it lacks of an event it
 * then asks for as a whole (the event's image).
 *
 * The list of homes is kept here, too, under the same lock, so that list and position belong together.
 *
 * Thread: any, for all of it. Nothing waits but for the short lock.
 */
#ifndef CLUSTER_OUTBOX_H
#define CLUSTER_OUTBOX_H

#include "base/buf.h"
#include "base/task.h"
#include "change/change.h"
#include "domain/ids.h"
#include <stdbool.h>

struct outbox;

/* Empty. @limit: bytes of records that are kept. */
struct outbox *outbox_new(const struct uuid *server_id, size_t limit);
/* Nobody waits any more. */
void outbox_free(struct outbox *o);

/* This server is home of the event, whose newest change is @seq. */
void outbox_home(struct outbox *o, const struct event_id *id, uint64_t epoch, uint64_t seq);
/* It is not any more. */
void outbox_resigned(struct outbox *o, const struct event_id *id, uint64_t epoch);
/* Changes of one event, by next. */
void outbox_changes(struct outbox *o, const struct change *first);
/* A venue was made. */
void outbox_venue(struct outbox *o, const struct venue_id *id);
/* This server is about to stop. */
void outbox_leaves(struct outbox *o);

/*
 * Append to @ret the news after @after of the process @from (wire.h), with @stable_us, which was asked for
 * before. @reader: who asks. Returns false, with nothing appended, when there are none.
 */
bool outbox_read(struct outbox *o, const struct uuid *reader, const struct uuid *from, uint64_t after,
                 int64_t stable_us, struct buf *ret);
/* The same without records, for a reader that knows everything: it is told the time. */
void outbox_idle(struct outbox *o, const struct uuid *from, uint64_t after, int64_t stable_us,
                 struct buf *ret);
/* Have @t posted to @m at the next record, once. False: there is one after @after already. */
bool outbox_wait(struct outbox *o, uint64_t after, struct mailbox *m, struct task *t);
/* Take that back. False: it was posted. */
bool outbox_unwait(struct outbox *o, struct task *t);
/* Has @reader said that it knows everything up to now? */
bool outbox_told(struct outbox *o, const struct uuid *reader);

#endif
