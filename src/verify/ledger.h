/*
 * Ledger: the rows that an event's changes write, as change/rows.h makes them: what should stand in the
 * tables after the newest of them. Tickets and order_queue are kept as they are; of holds, orders and CDC
 * rows, of which there may be very many, only a hash: that is enough to see whether a row is as it should be.
 *
 * Thread: one at a time.
 */
#ifndef VERIFY_LEDGER_H
#define VERIFY_LEDGER_H

#include "base/idmap.h"
#include "change/rows.h"

struct ledger_seat {
    uint64_t seq; /* of the newest change that lists the seat; 0: none ever did */
    struct ticket_row ticket;
    bool queued; /* it has an order_queue row: */
    struct order_queue_row queue;
};

/* A hold or an order. */
struct ledger_record {
    struct uuid id;
    uint64_t seq; /* of the change that wrote it last */
    uint64_t hash;
    int status; /* enum hold_status or order_status */
    bool seen;  /* the caller's, false at first */
};

/* The CDC rows of one change. */
struct ledger_cdc {
    uint64_t seq;
    uint64_t hash; /* cdc_hash() through all of them */
    uint32_t rows;
};

struct ledger {
    struct event_id event_id;
    struct ledger_seat *seats;
    uint32_t seats_total;
    struct idmap holds, orders; /* struct ledger_record */
    struct ledger_cdc *cdc;     /* by seq */
    size_t cdc_count, cdc_cap;
    struct arena scratch;
    struct buf row;
};

/* Of an event whose tickets were just created. */
void ledger_init(struct ledger *l, const struct event_id *event, uint32_t seats_total);
void ledger_done(struct ledger *l);
/* The next change, which is in order (replay.h). */
void ledger_add(struct ledger *l, const struct change *c);

/* What ledger_record.hash is of, for the record as a store has it. @scratch is the caller's. */
uint64_t hold_hash(const struct hold *hold, struct buf *scratch);
uint64_t order_hash(const struct order *order, struct buf *scratch);
/* The hash of CDC rows: begins with 0, goes on with each row. The store's commit number does not count. */
uint64_t cdc_hash(uint64_t before, const struct cdc_row *row);

#endif
