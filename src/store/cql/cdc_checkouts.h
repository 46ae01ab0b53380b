/*
 * From rows of a CDC log to what a consumer wants: each seat in a checkout begins with one insert, may be
 * extended, and ends with exactly one delete or one expiry, all of them with their hold.
 *
 * A log does not say it in this form. Rows come twice, when a server repeated a write whose answer it never
 * got, and in another stream or under another cdc$time. ScyllaDB's row delete has only the key, its hold
 * stands in a preimage row before it, or nowhere when the TTL was quicker; a checkout that we expired is both
 * in our table of expiries and, as a delete, in ScyllaDB's log; somebody may have deleted a range or a whole
 * partition by hand. So every seat in a checkout is remembered here, by the key of its order_queue row
 * (ticket_id, started_at), with the hold that it belongs to:
 *
 *   insert      a repetition if its hold has been seen here; else delivered
 *   update      a repetition if its seq, or a later one, has been seen; else delivered
 *   delete, expiry   a repetition if the seat's checkout has ended; else delivered, with hold and session as
 *               they were remembered, and the checkout has ended
 *   preimage    delivered to nobody, but remembered
 *   range or partition   one delete for each checkout in it that has not ended
 *
 * Together this is the key (hold_id, ticket_id, seq, operation), where a checkout has at most one end. Rows
 * must be taken in the order of cdc_log_row_compare(). What has ended is forgotten after a while, and so is
 * what should have.
 */
#ifndef STORE_CQL_CDC_CHECKOUTS_H
#define STORE_CQL_CDC_CHECKOUTS_H

#include "base/idmap.h"
#include "store/cql/cdc_row.h"

struct cdc_checkouts {
    int64_t memory_us; /* how long a row may come again */
    struct idmap tickets;
    size_t count;                  /* checkouts */
    size_t forget_at;              /* count at which to look what can be forgotten */
    struct cdc_log_row range_from; /* of a range delete whose end comes next */
    bool in_range;
    uint64_t repeated; /* rows that had come before */
    uint64_t strange;  /* rows that are not of boxoffice: left out */
};

/* A row to hand on. Lent for the call. @of: the log's row that it was made of. */
typedef void cdc_deliver(void *ctx, const struct cdc_row *row, const struct cdc_log_row *of);

/* Nothing is remembered. A repetition that comes more than @memory_us after its like is taken for new. */
void cdc_checkouts_init(struct cdc_checkouts *c, int64_t memory_us);
void cdc_checkouts_done(struct cdc_checkouts *c);
/* Take the next row; @deliver is called for what it comes to: mostly once, for a repetition never. */
void cdc_checkouts_take(struct cdc_checkouts *c, const struct cdc_log_row *row, cdc_deliver *deliver,
                        void *ctx);

#endif
