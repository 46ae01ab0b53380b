/* Private to domain/best*.c: the wish, worked out, and the row that is being looked at. */
#ifndef DOMAIN_BEST_IMPL_H
#define DOMAIN_BEST_IMPL_H

#include "base/params.h"
#include "domain/best.h"
#include "domain/seating.h"

/* A seat of the row that is being looked at. */
struct cell {
    uint32_t seat;
    uint32_t attributes;
    bool free;      /* by whatever buyer */
    bool usable;    /* free, and fit for this wish */
    bool gap_after; /* the next cell is no neighbour, or there is none */
};

struct chooser {
    const struct layout *layout;
    const struct runs *runs;
    const struct best_wish *wish;
    struct arena *arena;
    uint32_t lane, lane_end;          /* of the wanted section and type */
    uint32_t special;                 /* attributes that are only chosen as far as needed, */
    uint32_t forbidden;               /* those of them that are not needed, */
    uint32_t needed;                  /* all that are needed, */
    uint32_t needs[LIMIT_ATTRIBUTES]; /* how often */

    struct cell *cells; /* the row that is being looked at */
    uint32_t cell_count, cell_cap;

    uint32_t *chosen; /* seats */
    uint32_t chosen_count;
};

/* Choose the first @count free places of an unnumbered lane, which has so many. */
void best_take_standing(struct chooser *c, uint32_t lane, uint32_t count);

/* Step 2 (best_split.c): fill chosen with pieces. Returns 0 or BOX_ENOTENOUGH. */
int best_split(struct chooser *c);

#endif
