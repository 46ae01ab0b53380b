/* Seats as they are given: ticket ids or seat indexes of one event. */
#ifndef API_SEATS_IN_H
#define API_SEATS_IN_H

#include "domain/layout.h"
#include "json/json_in.h"

/*
 * A list of 1..@max distinct tickets of @event (@layout: its seats), or of distinct seat indexes. Memory: the
 * decoder's arena. Faults are recorded; *ret_count is then not to be used.
 */
const uint32_t *tickets_in(struct json_node list, size_t max, const struct event_id *event,
                           const struct layout *layout, uint32_t *ret_count);
const uint32_t *seat_indexes_in(struct json_node list, size_t max, const struct layout *layout,
                                uint32_t *ret_count);

#endif
