/*
 * The state of an event as bytes: what a home gives to a follower, which then goes on with the changes after
 * image.seq. Everything of an image but the layout, which is the venue's.
 *
 * Versioned like every encoded form; not kept anywhere, so that a version only has to agree between servers
 * of one cluster (an older server answers BOX_ENEWER and says so).
 */
#ifndef INVENTORY_IMAGE_CODE_H
#define INVENTORY_IMAGE_CODE_H

#include "base/buf.h"
#include "inventory/inventory.h"

/* Append the state of @inv; its group must not be open. */
void image_encode(const struct inventory *inv, struct buf *ret);
/*
 * The reverse. @layout_of as in store_load_event(). Returns 0 (the image is the caller's: image_done()),
 * BOX_ECORRUPT, BOX_ENEWER, or BOX_ENOTFOUND (no such venue here).
 */
int image_decode(const void *data, size_t size,
                 struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                 struct image *ret_image);

#endif
