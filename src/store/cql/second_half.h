/*
 * The second half of a commit: every row but the tickets' of a group that is durable already, because its
 * conditional batch, which holds the group's tail, was applied.
 *
 * It may be written any number of times, by anybody, late: every write is USING TIMESTAMP the time of its
 * change, which is greater than that of any change of the event before, and says what the change alone says
 * (but a TTL, which is what is left). So a row written again is the same row, and one written late does not
 * undo what came after it. Nothing of it is ever read to decide whose a seat is.
 *
 *   order_queue and its log   one batch: one partition key, so one mutation
 *   changes, holds, orders_by_event   a batch for each
 *   orders, order_index, personal, idempotency, events   row by row
 *   event_slugs               an LWT, as everything in that table: made permanent with the event, freed with
 * it
 *
 * Pure but for the clock, which says what is left of a TTL; how the writes are done is writes.h's affair.
 */
#ifndef CQL_SECOND_HALF_H
#define CQL_SECOND_HALF_H

#include "store/cql/writes.h"

enum {
    SECOND_HALF_MANY = 64,
    HAS_TICKETS_AS_IT_IS = -1, /* events.has_tickets need not be written */
};

struct second_half_input {
    const struct event_group *group;
    const struct event *event; /* any version: its currency is what counts */
    struct uuid batch_id;
    int has_tickets; /* after the group: 0, 1 or AS_IT_IS */
};

/* What rows are made with, beside the group. */
struct second_half_frame {
    enum schema_dialect dialect;
    const char *keyspace;
    const uint8_t *email_secret;
    int64_t now_ms;
};
/* That of @s, now. */
struct second_half_frame second_half_frame_of(const struct cql_store *s);

/* Append all writes of a group. What @in points to is needed until this returns only. */
void second_half_build(const struct second_half_frame *frame, const struct second_half_input *in,
                       struct cql_writes *ret_writes);

#endif
