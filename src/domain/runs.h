/*
 * Runs: which seats of an event are free, kept so that rows with room are found without a look at the others.
 *
 * A *run* is neighbouring cells (domain/seating.h) that all may be chosen by anybody: free, without a special
 * attribute, no aisle between them. Kept up to date with every seat are
 *   - a bit for each cell: free or not;
 *   - for each lane the length of its longest run, in a byte: no wish is for more seats than a hold may have,
 *     so longer ones count as that. The places of an unnumbered place are side by side in no particular way;
 *     all that are free are one run.
 *   - over these bytes a tree of maxima. Every wish means a range of lanes, and "the next lane with a run of
 *     at least n seats" goes up and down the tree once.
 * When a seat changes, its full row and its part of one type are counted anew, 64 cells a step; the tree is
 * followed upwards only as far as a maximum changes.
 *
 * Thread: one at a time.
 */
#ifndef DOMAIN_RUNS_H
#define DOMAIN_RUNS_H

#include "domain/layout.h"
#include <stdbool.h>
#include <stdint.h>

struct runs;

struct run {
    uint32_t first, length; /* cells */
};

/* An event's runs. @is_free(ctx, seat) is asked once for each seat. Ownership: @layout is borrowed. */
struct runs *runs_new(const struct layout *layout, bool (*is_free)(const void *ctx, uint32_t seat),
                      const void *ctx);
void runs_free(struct runs *r);

/* @seat becomes free, or is not so any more; it must have been otherwise. */
void runs_set(struct runs *r, uint32_t seat, bool is_free);

/* Whether a cell is free, special or not. */
bool runs_cell_is_free(const struct runs *r, uint32_t cell);
/* The first free cell of [from, end) with one of @attributes (bits, as in the layout); @end: none. */
uint32_t runs_next_having(const struct runs *r, uint32_t attributes, uint32_t from, uint32_t end);
/* Length of the lane's longest run, LIMIT_HOLD_SEATS if that is more. */
uint32_t runs_longest(const struct runs *r, uint32_t lane);
/* The first lane of [lane, end) with a run of @length seats or more (1..LIMIT_HOLD_SEATS); @end: none. */
uint32_t runs_next_lane(const struct runs *r, uint32_t lane, uint32_t end, uint32_t length);
/*
 * The first run in cells [from, end), cut to them; false if there is none. In an unnumbered place it is what
 * happens to be free next to each other: of use for finding what is free, not as a piece.
 */
bool runs_next(const struct runs *r, uint32_t from, uint32_t end, struct run *ret_run);

/* True if both say the same. For tests. */
bool runs_equal(const struct runs *a, const struct runs *b);

#endif
