/* Private to domain/best*.c: the wish, worked out, and the row that is being looked at. */
#ifndef DOMAIN_BEST_IMPL_H
#define DOMAIN_BEST_IMPL_H

#include "base/params.h"
#include "domain/best.h"

/* A seat of the row that is being looked at. */
struct cell {
    uint32_t seat;
    uint32_t attributes;
    bool free;      /* by whatever buyer */
    bool usable;    /* free, and fit for this wish */
    bool gap_after; /* the next cell is no neighbour */
};

struct chooser {
    const struct layout *layout;
    const struct best_wish *wish;
    bool (*free_seat)(const void *ctx, uint32_t seat);
    const void *ctx;
    struct arena *arena;
    bool *eligible;                   /* per place: of the wanted section and type */
    uint32_t row, row_end;            /* where to look */
    uint32_t special;                 /* attributes that are only chosen as far as needed, */
    uint32_t forbidden;               /* those of them that are not needed, */
    uint32_t needed;                  /* all that are needed, */
    uint32_t needs[LIMIT_ATTRIBUTES]; /* how often */

    struct cell *cells; /* the row that is being looked at */
    uint32_t cell_count, cell_cap;
    uint32_t longest_run; /* of usable neighbours */

    uint32_t *chosen;
    uint32_t chosen_count;
};

/* The next physical row at or after *row with a part of the wanted section and type, or false: none. */
bool best_next_row(const struct chooser *c, uint32_t *row);
bool best_is_numbered(const struct chooser *c, uint32_t row);
/* Fill cells with a numbered row. */
void best_look_at_row(struct chooser *c, uint32_t row);
/* Free places of an unnumbered row into @ret_seats, at most @limit; they answer no need. Returns how many. */
uint32_t best_free_places(const struct chooser *c, uint32_t row, uint32_t limit, uint32_t *ret_seats);

/* Step 2 (best_split.c): fill chosen with pieces. Returns 0 or BOX_ENOTENOUGH. */
int best_split(struct chooser *c);

#endif
