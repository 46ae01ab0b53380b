/*
 * Where in an event's change log a time is: remembered from one page of CDC rows to the next, so that a
 * reader who goes on is not made to look for his place again, and an event that has nothing between him and
 * the end of his page is not read at all. Only a memory: what is not in it is found by a search.
 */
#ifndef STORE_CQL_CDC_PLACES_H
#define STORE_CQL_CDC_PLACES_H

#include "domain/ids.h"
#include <stdbool.h>
#include <stdint.h>

/* Change @seq has time at_us (INT64_MAX: it was not there yet), the one before it has before_us. */
struct cdc_log_place {
    uint64_t seq;
    int64_t before_us, at_us;
};

struct cdc_places;

/* Nothing is remembered. Thread of all others: any. */
struct cdc_places *cdc_places_new(void);
void cdc_places_free(struct cdc_places *p);
/* What was put last for this event. Returns false if nothing was. */
bool cdc_places_get(struct cdc_places *p, const struct event_id *event, struct cdc_log_place *ret_place);
/* Remember it instead of what was put before. */
void cdc_places_put(struct cdc_places *p, const struct event_id *event, const struct cdc_log_place *place);

#endif
