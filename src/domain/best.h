/*
 * Best available: choose seats on one version of a seat map. A pure function of the layout, of what is free,
 * and of the wish.
 *
 * Side by side in one row where any row of the wanted section and type has room: the first such row, nearest
 * to the row's middle but leaving no single seat alone where another choice in the row does not; else the
 * fewest pieces, nearest to each other. Aisles (gap_after) part a row. Seats with a special attribute
 * (wheelchair, companion) are chosen only as far as @needs asks for them. Refused only when fewer seats than
 * wanted are free.
 *
 * What of this is exact, and what is bounded so that no choice takes long. Without needs all of it is exact,
 * but for "nearest to each other" where there are very many pieces: only the first BEST_PIECES from the front
 * that are long enough to be one of the fewest are looked at; if the fewest cannot be taken of these, they
 * are the longest of all, wherever they lie.
 *
 * With needs "side by side" is exact as long as at most BEST_ROWS rows seem to have room - they have what is
 * needed near enough to each other - and have not; then the seats are chosen as if no row had room: those
 * that are needed (of seats that are alike, from the first LIMIT_HOLD_SEATS from the front), and near them
 * the rest. Where needs overlap in an odd way, in seats that answer several, the one combination that exists
 * may be missed, and the wish refused.
 */
#ifndef DOMAIN_BEST_H
#define DOMAIN_BEST_H

#include "base/arena.h"
#include "domain/layout.h"
#include "domain/runs.h"
#include <stdbool.h>
#include <stdint.h>

enum { BEST_PIECES = 1024, BEST_ROWS = 128 };

struct best_need {
    uint32_t attribute; /* index in the layout */
    uint32_t count;
};

struct best_wish {
    uint32_t count;
    uint32_t section;    /* index, or UINT32_MAX: any */
    const char *type_id; /* or NULL: any */
    const struct best_need *needs;
    size_t need_count;
};

/*
 * Choose of what is free by @runs, which are the layout's. @ret_seats gets wish->count indexes, ascending.
 * Memory: scratch from @arena. Returns 0 or BOX_ENOTENOUGH.
 */
int best_available(const struct layout *layout, const struct runs *runs, const struct best_wish *wish,
                   struct arena *arena, uint32_t *ret_seats);

#endif
