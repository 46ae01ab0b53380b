/* The seat map of an event: where each seat is and what it is called. */
#ifndef API_SEATMAP_H
#define API_SEATMAP_H

#include "domain/layout.h"
#include "json/json_out.h"

/* Write the map. One pass over the seats for rows and positions, one for each attribute. */
void encode_seatmap(struct json_out *j, const struct event_id *event, const struct layout *layout);

#endif
