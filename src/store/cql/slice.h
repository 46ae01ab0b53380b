/*
 * Slices: what of a group goes in one batch. Nearly always all of it, because the writer keeps groups small
 * (store_group_seats()). But one command may change very many seats - the cancelling of an event ends all of
 * its holds - and a batch over 10,000 rows takes longer than a Paxos round may, or meets more deleted cells
 * than a node is willing to read. Such a group becomes durable slice by slice. Each is whole in itself: its
 * changes with their records. Should the home die in between, the event is in a state that its changes have
 * led to, and the group's answer is "unknown".
 *
 * A slice ends before a change with which it would list more than SLICE_SEATS seats, or have two versions of
 * the event (which can be large). An answer goes with the change that it names, a buyer's data with their
 * order; what belongs to no change, with the last slice. Pure.
 */
#ifndef CQL_SLICE_H
#define CQL_SLICE_H

#include "store/store.h"

enum { SLICE_SEATS = 1000 };

struct slicer {
    const struct event_group *group;
    struct change *next; /* first change of the next slice */
    uint32_t done;       /* changes in earlier slices */
};

/* Begin at the group's first change. */
void slicer_init(struct slicer *s, const struct event_group *group);
/* The next slice; its lists are the arena's, all else is the group's. False: there is none any more. */
bool slicer_next(struct slicer *s, struct arena *arena, struct event_group *ret_slice);

#endif
