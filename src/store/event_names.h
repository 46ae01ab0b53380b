/*
 * Events by what people call them, in a store that no server has in memory: a slug is in the version that an
 * event was created with, its first change, and never changes. One read for each event. Blocks.
 */
#ifndef STORE_EVENT_NAMES_H
#define STORE_EVENT_NAMES_H

#include "store/store.h"

/*
 * Call @each with the first version of every event, lent for the call; it may use the store. An event whose
 * first change cannot be decoded has no name here and is passed over. Returns 0, what @each returned when not
 * 0, or why the store cannot be read.
 */
int event_names_each(struct store *s, int (*each)(void *ctx, const struct event *first), void *ctx);
/* The event with this slug or, if it is one's text, this id. Returns 0, BOX_ENOTFOUND, or as above. */
int event_names_find(struct store *s, const char *slug_or_id, struct event_id *ret_id);

#endif
