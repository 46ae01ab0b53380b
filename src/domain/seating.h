/*
 * Seating: a layout's seats in the order in which people sit, so that neighbours are neighbouring bits.
 *
 * A *full row* is a physical row with all of its parts, or an unnumbered place. Full rows are numbered from
 * the front of the first section to the back of the last. A *cell* is a seat's number in that order: the
 * cells of a full row follow each other, part after part, although in the numbering of seats other rows lie
 * between the parts. Where no row runs through several types, a cell is the seat itself. What is true of some
 * seats is a bitmap with a bit for each cell: cell % 64 of word cell / 64.
 *
 * A *lane* is what a wish can be confined to in a full row: the full row itself (any type), or its part of
 * one type. Lanes are numbered so that every wish means a range of them: first the full rows in their order,
 * then the parts, by type and within a type in the order of the full rows. A section's full rows follow each
 * other, and so do the parts of a section and type.
 *
 * Immutable, and a part of its layout (layout->seating): made when the layout is, in its memory.
 */
#ifndef DOMAIN_SEATING_H
#define DOMAIN_SEATING_H

#include "domain/layout.h"

struct lane {
    uint32_t first_cell, cells;
    uint32_t full_row;
    uint16_t section; /* index */
    bool numbered;    /* false: an unnumbered place */
};

struct seating {
    uint32_t full_rows;
    uint32_t lane_count; /* full_rows, then one for each row of the layout */
    const struct lane *lanes;
    uint32_t most_cells;            /* of a numbered full row */
    const uint32_t *first_part;     /* of each full row: a row of the layout */
    const uint32_t *row_near;       /* of seats 0, 64, 128, ...: a row of the layout */
    const uint32_t *lane_of_row;    /* of each row of the layout: the lane that it is as a part */
    const uint32_t *lane_of_place;  /* of each place: the first lane of its parts */
    const uint32_t *places_by_type; /* all places, in the order of the parts' lanes */
    uint32_t words;                 /* of each bitmap; bits beyond the last cell are 0 */
    const uint64_t *stop_after;     /* the next cell is no neighbour: an aisle, or the full row's last cell */
    uint32_t special_attributes;    /* wheelchair and companion: chosen only when they are asked for, */
    const uint64_t *special;        /* and the cells that have one; NULL: none has */
    const uint64_t **having;        /* for each attribute, the cells that have it */
};

/* Make the seating of a layout that is complete but for this. Memory: @arena's. */
const struct seating *seating_new(const struct layout *layout, struct arena *arena);

/* The lanes of a wish: @section an index or UINT32_MAX, @type_id or NULL: any. An empty range (both 0): there
 * are none. */
void seating_lanes(const struct layout *layout, uint32_t section, const char *type_id, uint32_t *ret_lane,
                   uint32_t *ret_end);

/* The row of the layout that a seat is in. */
uint32_t seating_row(const struct layout *layout, uint32_t seat);
/* Cell of a seat of @row, a row of the layout. */
uint32_t seating_cell(const struct layout *layout, uint32_t row, uint32_t seat);
/* Seat of a cell of @full_row. */
uint32_t seating_seat(const struct layout *layout, uint32_t full_row, uint32_t cell);

static inline bool bit_at(const uint64_t *bits, uint32_t cell)
{
    return bits[cell / 64] >> cell % 64 & 1;
}

#endif
