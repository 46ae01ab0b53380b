/* Events and prices as they are given: from JSON to what the app wants. */
#ifndef API_EVENT_IN_H
#define API_EVENT_IN_H

#include "domain/event.h"
#include "json/json_in.h"

/* The body of POST /v1/events but venue_id and prices; text is lent. Faults are recorded. */
void event_draft_in(struct json_node body, struct event_draft *ret_draft);
/* The body of PATCH: what is given; null opens a window and takes the type away. Faults are recorded. */
void event_edit_in(struct json_node body, struct event_edit *ret_edit);
/*
 * A list of prices for places of @layout: @min..any number of entries. Memory: the decoder's arena. Faults
 * are recorded.
 */
void prices_in(struct json_node list, size_t min, const struct layout *layout,
               const struct currency *currency, const struct price_entry **ret_prices, size_t *ret_count);

#endif
