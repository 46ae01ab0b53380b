/*
 * Private to domain/layout*.c: a layout with its reference count and its memory, and the inside of the
 * builder, which the decoder and derive_gaps work on too.
 */
#ifndef DOMAIN_LAYOUT_IMPL_H
#define DOMAIN_LAYOUT_IMPL_H

#include "base/arena.h"
#include "base/params.h"
#include "domain/layout.h"
#include "domain/layout_labels.h"
#include <stdatomic.h>

struct layout_box {
    struct layout layout; /* first: a pointer to it is a pointer to the box */
    atomic_uint refs;
    uint32_t *by_id;     /* indexes of sections in the order of their ids, for layout_find_section() */
    uint32_t *row_lists; /* per row with listed labels: which list, numbered 0, 1, ... by first use */
    struct arena arena;
    struct text_pool text;
};

/* Free memory of a layout that nobody refers to. */
void layout_box_free(struct layout_box *box);

/* One number per seat; there is no memory for it until a seat has something other than the default. */
struct seat_array {
    uint32_t *data;
    uint32_t filled; /* seats from here on have the default */
    size_t cap;      /* elements */
};

struct layout_builder {
    struct layout_box *box; /* becomes the layout at finish; NULL afterwards */
    struct label_table labels;
    struct list_table lists;
    struct pair_set pairs; /* (physical row, label) of rows with several parts */

    struct layout_section *sections;
    struct layout_place *places;
    struct layout_row *rows;
    uint32_t *least_number; /* per row: the least number among its listed labels, UINT32_MAX: none */
    uint32_t *row_lists;    /* as in struct layout_box */
    size_t section_cap, place_cap, row_cap, least_cap, row_list_cap;
    uint32_t section_count, place_count, row_count, numbered_rows;
    uint32_t seats;

    struct seat_array x, y;             /* int32_t by their bits; default NO_COORDINATE */
    struct seat_array attributes, gaps; /* default 0; gaps: 32 seats an element, seat 0 in the lowest bit */
    const char *attribute_names[LIMIT_ATTRIBUTES];
    uint32_t attribute_count;

    /* the current row, while it is open */
    bool row_open;
    const char **row_labels; /* listed so far */
    size_t row_labels_cap;
    uint32_t row_listed;     /* how many */
    uint32_t physical;       /* its first part (itself where it is the only one) */
    uint32_t others_counted; /* "1".."n" of other parts of the physical row; 0: none */
    uint32_t others_least;   /* least number among listed labels of other parts */

    char *reason; /* of the newest refusal; NULL: none so far */
};

/* The next listed seat of the current row. Returns 0 or BOX_EINVALID. */
int builder_listed_seat(struct layout_builder *b, const char *label);
/* The current row is complete: its label list is put where the layout keeps it. */
void builder_close_row(struct layout_builder *b);
void builder_set_position(struct layout_builder *b, uint32_t seat, int32_t x, int32_t y);
void builder_set_attributes(struct layout_builder *b, uint32_t seat, uint32_t bits);
bool builder_has_position(const struct layout_builder *b, uint32_t seat);
void builder_set_gap(struct layout_builder *b, uint32_t seat);
/* Index of an attribute, made if it is new. Returns 0 or BOX_EINVALID. */
int builder_attribute(struct layout_builder *b, const char *name, uint32_t *ret_attribute);
/*
 * What layout_builder_finish() does after checking @timezone: a stored layout may have one that is not in
 * our list.
 */
int builder_finish(struct layout_builder *b, struct venue_id id, const char *name, const char *timezone,
                   int64_t created_ms, struct layout **ret_layout);

#endif
