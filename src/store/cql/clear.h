/*
 * Clearing tails. The tail of an event's newest group may hold a buyer's data (tail.h), which must be
 * erasable where it is kept for good, and only there. Once its second half is acknowledged a tail is needed
 * no more; the next group replaces it, and that of an event where nothing happens for COMMIT_IDLE_MS is
 * cleared here; at the end of a store those of all its events are.
 *
 * An LWT under the condition of seq and epoch: should the next group come first, the clearing is refused, and
 * nothing needs to wait for it.
 */
#ifndef CQL_CLEAR_H
#define CQL_CLEAR_H

#include "store/cql/call.h"

struct cql_clear;

/* Begin to look for idle events, on the store's own thread, which must run. s->events is there. Thread: any.
 */
struct cql_clear *cql_clear_start(struct cql_store *s);
/* Clear what is left, each once, and wait until nothing is under way. Frees it. Thread: not the store's own.
 */
void cql_clear_stop(struct cql_clear *c);

#endif
