/*
 * The conditional batch that makes a group durable: one statement for the event's statics and one for every
 * seat that the group's changes list, all of one partition of `tickets`, so that all of it happens or
 * nothing.
 *
 * Conditions. Of the statics: seq is the one that the group follows, epoch is this home's, and batch_id is
 * not this very group's; the last is there for one reason only: a refusal shows the columns that were asked
 * about, and by batch_id a group whose outcome was unknown is recognised when it is issued again (answer.h).
 * Of each seat, belt and braces: the status before; where it was held, by whom; where it was sold, to which
 * order. A group lists a seat at most once (inventory.h): two updates of one row in one batch would both see
 * the old row.
 *
 * What a seat's row says afterwards is change/rows.h's ticket row. Cells that were empty and stay so are left
 * alone, because a deleted cell is a tombstone.
 *
 * Pure: builds values, knows no session.
 */
#ifndef CQL_BATCH_H
#define CQL_BATCH_H

#include "store/cql/events.h"
#include "store/cql/statements.h"
#include "store/cql/value.h"
#include "store/store.h"

struct batch {
    enum cql_st *statements;
    size_t count;
    struct cql_values values;
};

/*
 * Build it in @arena. @state: what the event is before the group; @event: the version to tell prices by;
 * @tail: the encoded group.
 */
void batch_build(const struct event_group *g, const struct cql_event_state *state, const struct event *event,
                 const struct uuid *batch_id, const struct buf *tail, struct arena *arena,
                 struct batch *ret_batch);

#endif
