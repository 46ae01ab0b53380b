/*
 * Layout: a venue's sections, ticket types, rows and seats, numbered 0..seats_total-1. Immutable once built,
 * shared by all of the venue's events, counted by references (atomic; any thread may ref and unref).
 *
 * Numbering: sections in order, in each its types in order, in each its rows in order, in each its seats in
 * order. A (section, type) pair is a *place*: places partition the seats into runs, one after another. A row
 * belongs to one place; a physical row that runs through several types of a section is several rows with the
 * same label, chained by next_part in their order (so seats on both sides of the border are side by side).
 * Unnumbered places (standing) are one row without a label whose seats have no label; they are side by side
 * in no particular way (any set will do).
 */
#ifndef DOMAIN_LAYOUT_H
#define DOMAIN_LAYOUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "domain/ids.h"
#include "money/money.h"
#include <stdbool.h>
#include <stdint.h>

enum { NO_SEAT = UINT32_MAX, NO_ROW = UINT32_MAX };

struct seating;

struct layout_section {
    struct section_id section_id;
    const char *name;
    uint32_t first_seat, seats;
    uint32_t first_place, places;
};

struct layout_place {
    const char *type_id;
    struct decimal price; /* the venue's */
    uint32_t section;     /* index */
    uint32_t first_seat, seats;
    uint32_t first_row, rows;
    bool numbered; /* false: seats_count places without labels (one row) */
};

struct layout_row {
    const char *label; /* NULL in an unnumbered place */
    uint32_t place;
    uint32_t first_seat, seats;
    const char *const *labels; /* one per seat, or NULL: "1".."n" */
    uint32_t next_part;        /* row that goes on with this physical row, or NO_ROW */
    bool part_of_earlier;      /* another row's next_part is this one */
    bool has_xy;
    int32_t x, y; /* the row's own position, if has_xy */
};

struct layout {
    struct venue_id venue_id;
    const char *name;
    const char *timezone; /* IANA */
    uint32_t rev;         /* 1 */
    int64_t created_ms;
    uint32_t seats_total;
    bool has_size;
    int32_t width, height; /* plan units */
    struct layout_section *sections;
    uint32_t section_count;
    struct layout_place *places;
    uint32_t place_count;
    struct layout_row *rows;
    uint32_t row_count;
    const char **attributes; /* names, at most LIMIT_ATTRIBUTES */
    uint32_t attribute_count;
    uint32_t *seat_attributes; /* bit i: attributes[i]; one per seat, or NULL when no seat has any */
    int32_t *x, *y; /* one per seat, or NULL when no seat has a position; NO_COORDINATE where one has none */
    uint8_t *gap_after;            /* bit seat%8 of byte seat/8: an aisle after this seat; or NULL */
    const struct seating *seating; /* the same seats in the order in which people sit (seating.h) */
};

enum { NO_COORDINATE = INT32_MIN };

/*
 * Building: begin, then sections, types, rows and seats in order, then finish. The builder copies all text.
 * Every call returns 0 or BOX_EINVALID with a reason in layout_builder_reason() (a sentence fit for a user):
 * limits of params.def, labels twice in a section's row (whatever the type), a row twice in a type, a type
 * twice in a section, a section, type or row without seats (at finish). A refused call adds nothing. One may
 * go on to find more faults, but what is inside of a refused section, type or row must be left out, and
 * finish refuses too.
 */
struct layout_builder;
struct layout_builder *layout_builder_new(void);
void layout_builder_free(struct layout_builder *b);
void layout_builder_set_size(struct layout_builder *b, int32_t width, int32_t height);
int layout_builder_section(struct layout_builder *b, struct section_id id, const char *name);
int layout_builder_type(struct layout_builder *b, const char *type_id, struct decimal price);
/* An unnumbered place: the current type has @seats places and no rows. */
int layout_builder_unnumbered(struct layout_builder *b, uint32_t seats);
/* A row of the current type; then its seats. */
int layout_builder_row(struct layout_builder *b, const char *label, const int32_t *x, const int32_t *y);
/* @count seats labelled "1".."count". */
int layout_builder_seats_counted(struct layout_builder *b, uint32_t count);
/* One seat; @x, @y may be NULL together; @attributes is a NULL-terminated list or NULL. */
int layout_builder_seat(struct layout_builder *b, const char *label, const int32_t *x, const int32_t *y,
                        const char *const *attributes);
/* An aisle after the seat with this label in the current row. BOX_EINVALID if there is none. */
int layout_builder_gap_after(struct layout_builder *b, const char *label);
/*
 * Aisles where two neighbours of a physical row (through all of its parts) are more than 1.5 times the row's
 * median distance apart. Rows without seat positions are left alone. No more seats can be added to the
 * current row.
 */
void layout_builder_derive_gaps(struct layout_builder *b);
/* Finish: the new layout has one reference, the caller's; the builder can only be freed afterwards. */
int layout_builder_finish(struct layout_builder *b, struct venue_id id, const char *name,
                          const char *timezone, int64_t created_ms, struct layout **ret_layout);
/* Why the newest refused call was refused; "" if none was. Lent until the next call. */
const char *layout_builder_reason(const struct layout_builder *b);
/* Seats so far. */
uint32_t layout_builder_seats(const struct layout_builder *b);

/* One reference more, one less (NULL is allowed there); the last frees it. Thread: any. */
struct layout *layout_ref(const struct layout *l);
void layout_unref(const struct layout *l);

/* Place, row and position in the row of a seat (must be < seats_total). O(log rows). */
uint32_t layout_place_of(const struct layout *l, uint32_t seat);
uint32_t layout_row_of(const struct layout *l, uint32_t seat);
/* Label of a seat into @ret (LIMIT_LABEL_CHARS * 4 + 1 bytes); NULL-label seats give false. */
bool layout_seat_label(const struct layout *l, uint32_t seat, char *ret);
/* The row's label, or NULL. */
const char *layout_row_label(const struct layout *l, uint32_t seat);
/* Index of a section by id, of a place by (section, type_id). Returns false if there is none. */
bool layout_find_section(const struct layout *l, const struct section_id *id, uint32_t *ret_section);
bool layout_find_place(const struct layout *l, uint32_t section, const char *type_id, uint32_t *ret_place);
bool layout_find_attribute(const struct layout *l, const char *name, uint32_t *ret_attribute);
bool layout_gap_after(const struct layout *l, uint32_t seat);

/* Versioned binary form (the store's). layout_decode returns 0, BOX_ECORRUPT or BOX_ENEWER. */
void layout_encode(const struct layout *l, struct buf *ret);
int layout_decode(const void *data, size_t size, struct layout **ret_layout);

/* True if @name is a time zone of the IANA list. */
bool timezone_known(const char *name);

#endif
