/*
 * From a change to the rows of the tables: which ticket, order_queue, CDC log, hold and order rows it writes.
 * Written once for every store: a store gives a sink and gets one call per row.
 *
 * CDC (ScyllaDB's codes): a hold of n seats is n inserts (2), an extend n updates (1), an end by purchase,
 * release or cancel n row deletes (3), by time n expiries (-3). A refund and a block write no CDC row. Rows
 * of one change share cdc$time and count cdc$batch_seq_no up from 0; cdc$end_of_batch is true on the last.
 * cdc$stream_id is the event id's 16 bytes. cdc$time is a version 1 UUID of the change's time_us, which is
 * strictly greater from change to change of an event: it never goes back within a stream and no two changes
 * share it. CDC rows are a function of the change alone, so that a store which keeps the changes need not
 * keep them as well.
 */
#ifndef CHANGE_ROWS_H
#define CHANGE_ROWS_H

#include "change/change.h"

struct ticket_row {
    struct event_id event_id;
    uint32_t seat;
    enum seat_status status;
    uint8_t price_type;
    struct money price;        /* as taken; 0 while available or blocked */
    struct hold_id hold_id;    /* held, sold: its hold; else nil */
    struct session_id session; /* held, sold: hold_session; else nil */
    struct order_id order_id;  /* sold: its order (held: its pending order); else nil */
    int64_t hold_until_ms;     /* held; else 0 */
    int64_t last_started_ms;   /* started_at of the newest hold it ever was in; 0 if none */
};

struct order_queue_row {
    struct event_id event_id;
    uint32_t seat;
    int64_t started_ms;
    struct session_id session_id;
    struct hold_id hold_id;
    uint64_t seq;       /* of the change that wrote it last */
    int64_t expires_ms; /* hold's deadline: the TTL is what is left */
};

enum cdc_operation { CDC_UPDATE = 1, CDC_INSERT = 2, CDC_ROW_DELETE = 3, CDC_EXPIRED = -3 };

struct cdc_row {
    uint64_t commit_no; /* the store's cursor: (commit_no, batch_seq) */
    uint64_t seq;
    struct uuid time;   /* cdc$time */
    uint32_t batch_seq; /* cdc$batch_seq_no */
    bool end_of_batch;
    enum cdc_operation operation;
    int64_t ttl; /* seconds: cdc$ttl of an insert or update; 0: null */
    struct event_id event_id;
    uint32_t seat;
    int64_t started_ms;
    struct session_id session; /* hold_session; session_id shows it on 1 and 2 only */
    struct hold_id hold_id;
    enum hold_outcome outcome; /* none on 1 and 2 */
};

/* NULL: rows of this table are not wanted. */
struct row_sink {
    void *ctx;
    void (*ticket)(void *ctx, const struct ticket_row *row);
    void (*order_queue_put)(void *ctx, const struct order_queue_row *row);
    void (*order_queue_delete)(void *ctx, const struct order_queue_row *row); /* the key is what counts */
    void (*cdc)(void *ctx, const struct cdc_row *row);
    void (*hold)(void *ctx, const struct hold *hold);    /* with lines */
    void (*order)(void *ctx, const struct order *order); /* with lines */
};

/*
 * Call the sink for every row of @c, tickets first. Arena for lines.
 * Thread: any. Rows are lent for the call only.
 */
void rows_of_change(const struct change *c, struct arena *arena, const struct row_sink *sink);

/* True if a change of this kind has CDC rows: one for each of its seats. */
bool change_has_cdc(enum change_kind kind);
/* cdc$time of a change at @time_us. */
struct uuid cdc_time(int64_t time_us);

/* Values of the rows for stores that keep bytes (keys are the store's). Decoders: 0 or BOX_ECORRUPT. */
void ticket_row_encode(const struct ticket_row *row, struct buf *ret);
/* event_id, seat: nil, 0; they stand in the key */
int ticket_row_decode(const void *data, size_t size, struct ticket_row *ret_row);
void order_queue_row_encode(const struct order_queue_row *row, struct buf *ret);
/* event_id, seat, started_ms: nil, 0 */
int order_queue_row_decode(const void *data, size_t size, struct order_queue_row *ret_row);

#endif
