/*
 * Building an image out of an event's rows: what every store does alike.
 *
 * The ticket rows decide. Held seats name their holds, which must be active and of just these seats, and the
 * holds their orders, which must be pending; sold seats count for the session that bought them. What does not
 * fit together is BOX_ECORRUPT: to sell on from a wrong image would sell a seat twice.
 *
 * Use: image_build_init(), image_build_seat() for every row that is not untouched, then the holds
 * that image_build_holds() lists, one image_build_hold() each, an image_build_order() where that says so, and
 * image_build_finish(). image_build_done() in any case. Thread: one at a time.
 */
#ifndef STORE_IMAGE_BUILD_H
#define STORE_IMAGE_BUILD_H

#include "change/rows.h"
#include "inventory/image.h"
#include <stdbool.h>

struct image_build {
    uint32_t counts[SEAT_STATUSES]; /* seats met so far; image_build_untouched() counts, too */
    struct buyer_entry *buyers;
    struct hold_entry *holds;
    struct image *image; /* lent */
};

/* Begin: the image has its layout; its seats are made here, all available. */
void image_build_init(struct image_build *b, struct image *image);
/* A seat that was never held, sold or blocked: nothing but its place in the counts. */
void image_build_untouched(struct image_build *b);
/* A ticket row (seat < the layout's seats_total). Returns 0 or BOX_ECORRUPT. */
int image_build_seat(struct image_build *b, const struct ticket_row *row);

/* How many holds the seats name, and which, in any order; *ret_ids is the image's arena's. */
uint32_t image_build_holds(struct image_build *b, struct hold_id **ret_ids);
/* Add one of these, as it is stored (its parts the image's arena's). Returns 0, or BOX_ECORRUPT: it does not
 * fit the seats. *ret_has_order: hold->order_id must follow by image_build_order(). */
int image_build_hold(struct image_build *b, const struct hold *hold, bool *ret_has_order);
int image_build_order(struct image_build *b, const struct order *order);
/* All seats and holds are there: add the buyers. Returns 0 or BOX_ECORRUPT (a seat or a hold is missing). */
int image_build_finish(struct image_build *b);
void image_build_done(struct image_build *b);

#endif
