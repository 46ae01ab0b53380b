/*
 * Grouping: which changes of an event's log may be committed together again.
 *
 * They were decided in groups once, but how those were cut is not written down, and another store may want
 * smaller ones. What counts is the rule of every store (inventory.h): a group changes a ticket at most once.
 * So a change joins the open group unless a seat of it is in the group already, or the group would get larger
 * than the store likes; the first change of a group is always taken, however large it is.
 *
 * Thread: one at a time.
 */
#ifndef TRANSFER_GROUPING_H
#define TRANSFER_GROUPING_H

#include "change/change.h"
#include <stdbool.h>

struct grouping {
    uint32_t *taken_by; /* of each seat: the newest group that changes it; groups count from 1 */
    uint32_t seats_total, group;
    uint32_t seats_max, changes_max; /* of a group */
    uint32_t seats, changes;         /* of the open group */
};

/* No group is open. */
void grouping_init(struct grouping *g, uint32_t seats_total, uint32_t seats_max, uint32_t changes_max);
void grouping_done(struct grouping *g);
/*
 * Put @c, whose seats are < seats_total, into the open group. Returns false when it must wait for the next
 * one: grouping_next(), then again.
 */
bool grouping_take(struct grouping *g, const struct change *c);
/* The open group is complete. */
void grouping_next(struct grouping *g);

#endif
