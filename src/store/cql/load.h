/*
 * Loading an event's rows into an image, all but the question whether they are of one moment (take.h).
 */
#ifndef CQL_LOAD_H
#define CQL_LOAD_H

#include "store/cql/take.h"

/*
 * Read the event at @statics: its row, its tickets in pages, the holds and orders that they name. What the
 * newest group says itself, @newest (decoded from the tail; NULL: the tail was cleared), is taken from there.
 * Blocks. Returns 0, BOX_ENOTFOUND (deleted), BOX_ECORRUPT, BOX_EIO; the image is the caller's only when 0.
 */
int cql_load_rows(struct cql_store *s, const struct event_id *id, const struct cql_statics *statics,
                  const struct event_group *newest,
                  struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                  struct image *ret_image);

#endif
