/*
 * Best available: choose seats on one version of a seat map. A pure function of what it is given.
 *
 * Side by side in one row where any row of the wanted section and type has room: the first such row, nearest
 * to the row's middle but leaving no single seat alone where another choice in the row does not; else the
 * fewest pieces, nearest to each other. Aisles (gap_after) part a row. Seats with a special attribute
 * (wheelchair, companion) are chosen only as far as @needs asks for them. Refused only when fewer seats than
 * wanted are free.
 */
#ifndef DOMAIN_BEST_H
#define DOMAIN_BEST_H

#include "base/arena.h"
#include "domain/layout.h"
#include <stdbool.h>
#include <stdint.h>

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
 * Choose. @free_seat(ctx, seat) says if a seat may be taken. @ret_seats gets wish->count indexes, ascending.
 * Memory: scratch from @arena. Returns 0 or BOX_ENOTENOUGH.
 */
int best_available(const struct layout *layout, const struct best_wish *wish,
                   bool (*free_seat)(const void *ctx, uint32_t seat), const void *ctx, struct arena *arena,
                   uint32_t *ret_seats);

#endif
