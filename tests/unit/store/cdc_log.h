/* A CDC log in memory, for tests of what reads one. */
#ifndef UNIT_STORE_CDC_LOG_H
#define UNIT_STORE_CDC_LOG_H

#include "store/cql/cdc_row.h"
#include "unit/domain/fixture.h"

static const int64_t T0 = 1700000000000000; /* us */

static inline struct event_id log_event(uint8_t n)
{
    struct event_id id = {uuid_numbered(n)};
    memset(id.u.b + TICKET_PREFIX_BYTES, 0xff, 4);
    return id;
}

/* The stream of an event, as boxoffice's own log has it. */
static inline struct cdc_stream log_stream(uint8_t n)
{
    struct cdc_stream s = {.expiries = false};
    memcpy(s.id, log_event(n).u.b, CDC_STREAM_BYTES);
    return s;
}

/*
 * A row of a seat of event 1, @at_us after T0, as the log has it: with @hold (0: none) and @seq on what
 * writes. started_at is T0 plus @started ms.
 */
static inline struct cdc_log_row log_row(int operation, int64_t at_us, uint32_t seat, int64_t started,
                                         uint8_t hold, uint64_t seq)
{
    const struct event_id event = log_event(1);
    return (struct cdc_log_row){
        .stream = log_stream(1),
        .time = cdc_time(T0 + at_us),
        .time_us = T0 + at_us,
        .operation = operation,
        .end_of_batch = true,
        .ttl = operation == CDC_CODE_INSERT || operation == CDC_CODE_UPDATE ? 900 : 0,
        .event_id = event,
        .ticket_id = ticket_id_of(&event, seat),
        .started_ms = T0 / 1000 + started,
        .session = hold ? session_numbered(hold) : (struct session_id){UUID_NIL},
        .hold_id = {hold ? uuid_numbered(hold) : UUID_NIL},
        .seq = seq,
    };
}

#endif
