/*
 * A row of a CDC log as it stands in the table: ScyllaDB's `order_queue_scylla_cdc_log`, the one of that name
 * that we fill on Apache Cassandra, and our `order_queue_expiries` beside ScyllaDB's. What a row means for a
 * consumer is decided in cdc_checkouts.h; here is its form, its order and the arithmetic of cdc$time.
 */
#ifndef STORE_CQL_CDC_ROW_H
#define STORE_CQL_CDC_ROW_H

#include "change/rows.h"
#include "domain/ids.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cdc$operation. Those that boxoffice's own readers know stand in enum cdc_operation, too. */
enum cdc_code {
    CDC_CODE_PARTITION_EXPIRED = -4,
    CDC_CODE_EXPIRED = -3,
    CDC_CODE_PREIMAGE = 0,
    CDC_CODE_UPDATE = 1,
    CDC_CODE_INSERT = 2,
    CDC_CODE_ROW_DELETE = 3,
    CDC_CODE_PARTITION_DELETE = 4,
    CDC_CODE_FROM_INCLUSIVE = 5, /* a range delete is two rows: where it begins ... */
    CDC_CODE_FROM_EXCLUSIVE = 6,
    CDC_CODE_TO_INCLUSIVE = 7, /* ... and where it ends */
    CDC_CODE_TO_EXCLUSIVE = 8,
    CDC_CODE_POSTIMAGE = 9,
};

/* Stream ids have 16 bytes, ScyllaDB's and ours (an event id). */
enum { CDC_STREAM_BYTES = 16 };
struct cdc_stream {
    uint8_t id[CDC_STREAM_BYTES];
    bool expiries; /* of our table of expiries, not of the log */
};

/* A value that is NULL in the table is nil, 0 or OUTCOME_NONE here. */
struct cdc_log_row {
    struct cdc_stream stream;
    struct uuid time; /* cdc$time */
    int64_t time_us;  /* the same in us since 1970 */
    int32_t batch_seq;
    int operation; /* enum cdc_code, or what a newer server has made up */
    bool end_of_batch;
    int64_t ttl;
    struct event_id event_id;
    struct ticket_id ticket_id;
    int64_t started_ms;
    struct session_id session; /* hold_session, else session_id */
    struct hold_id hold_id;
    uint64_t seq;
    enum hold_outcome outcome;
};

/*
 * The order in which rows are handed out: by time, then event, so that it is the same whichever streams they
 * stand in. At one time of one event our own expiries come before what the server logged of the same deed.
 * A comparison for qsort().
 */
int cdc_log_row_compare(const void *a, const void *b);

/*
 * The smallest cdc$time of a moment: rows from @from_us on and before @to_us are those with
 * cdc$time >= cdc_time_from(from_us) AND cdc$time < cdc_time_from(to_us). Servers compare the second half of
 * a timeuuid as signed bytes, so that 0x80 is the smallest.
 */
struct uuid cdc_time_from(int64_t time_us);

#endif
