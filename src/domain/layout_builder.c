/*
 * Building a layout.
 *
 * Everything is appended to growing arrays and copied into the layout at finish; text goes into the layout at
 * once. Two checks would be slow if made the simple way, at 1,000,000 seats:
 *   - a seat's label is new in its row: each label notes the newest row that has it (label.seat_row), so the
 * check is one look-up. Where a physical row has several parts, rows of other labels lie between them and the
 * note is lost: such rows - few - keep a set of (row, label). Counted seats have no label texts; they are
 * compared as numbers.
 *   - a row's label is new in its type, or goes on with an earlier type's row: labels note that as well.
 */
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "base/text.h"
#include "domain/layout_impl.h"
#include "domain/seating.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct layout_builder *layout_builder_new(void)
{
    struct layout_builder *b = calloc(1, sizeof(*b));
    must(b);
    b->box = calloc(1, sizeof(*b->box));
    must(b->box);
    atomic_init(&b->box->refs, 1);
    arena_init(&b->box->arena, 16384);
    return b;
}

void layout_builder_free(struct layout_builder *b)
{
    if (!b)
        return;
    if (b->box)
        layout_box_free(b->box);
    label_table_done(&b->labels);
    list_table_done(&b->lists);
    pair_set_done(&b->pairs);
    free(b->sections);
    free(b->places);
    free(b->rows);
    free(b->least_number);
    free(b->row_lists);
    free(b->x.data);
    free(b->y.data);
    free(b->attributes.data);
    free(b->gaps.data);
    free(b->row_labels);
    free(b->reason);
    free(b);
}

static int refuse(struct layout_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct layout_builder *b, const char *format, ...)
{
    char *reason;
    va_list args;
    va_start(args, format);
    must(vasprintf(&reason, format, args) >= 0);
    va_end(args);
    free(b->reason); /* after: it may be one of the arguments */
    b->reason = reason;
    return BOX_EINVALID;
}

const char *layout_builder_reason(const struct layout_builder *b)
{
    return b->reason ? b->reason : "";
}

uint32_t layout_builder_seats(const struct layout_builder *b)
{
    return b->seats;
}

/* Room for @need elements. */
static void *grow(void *data, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return data;
    size_t bigger = *cap ? *cap * 2 : 16;
    *cap = bigger > need ? bigger : need;
    data = realloc(data, *cap * size);
    must(data); /* out of memory ends the program */
    return data;
}

static void array_fill(struct seat_array *a, uint32_t seats, uint32_t value)
{
    a->data = grow(a->data, &a->cap, seats, sizeof(*a->data));
    while (a->filled < seats)
        a->data[a->filled++] = value;
}

static uint32_t *array_at(struct seat_array *a, uint32_t seat, uint32_t fill)
{
    array_fill(a, seat + 1, fill);
    return &a->data[seat];
}

static const char *keep_text(struct layout_builder *b, const char *text)
{
    return text_pool_add(&b->box->text, &b->box->arena, text, strlen(text));
}

static int check_text(struct layout_builder *b, const char *what, const char *text, size_t max_chars)
{
    if (!text[0])
        return refuse(b, "%s is empty", what);
    if (text_has_control(text))
        return refuse(b, "%s has control characters or is not UTF-8", what);
    if (text_chars(text) > max_chars)
        return refuse(b, "%s is longer than %zu characters", what, max_chars);
    return 0;
}

static int check_position(struct layout_builder *b, const int32_t *x, const int32_t *y)
{
    if (!x != !y)
        return refuse(b, "x and y go together");
    if (x &&
        (*x < -LIMIT_COORDINATE || *x > LIMIT_COORDINATE || *y < -LIMIT_COORDINATE || *y > LIMIT_COORDINATE))
        return refuse(b, "x and y are at most %d from 0", LIMIT_COORDINATE);
    return 0;
}

/* ---- sections and places ---- */

void layout_builder_set_size(struct layout_builder *b, int32_t width, int32_t height)
{
    must(b->box);
    b->box->layout.has_size = true;
    b->box->layout.width = width;
    b->box->layout.height = height;
}

int layout_builder_section(struct layout_builder *b, struct section_id id, const char *name)
{
    must(b->box);
    if (b->section_count == LIMIT_VENUE_SECTIONS)
        return refuse(b, "a venue has at most %d sections", LIMIT_VENUE_SECTIONS);
    if (check_text(b, "the section's name", name, LIMIT_NAME_CHARS))
        return BOX_EINVALID;
    builder_close_row(b);
    b->sections = grow(b->sections, &b->section_cap, b->section_count + 1, sizeof(*b->sections));
    b->sections[b->section_count++] = (struct layout_section){
        .section_id = id,
        .name = keep_text(b, name),
        .first_seat = b->seats,
        .first_place = b->place_count,
    };
    return 0;
}

static struct layout_section *current_section(struct layout_builder *b)
{
    return b->section_count ? &b->sections[b->section_count - 1] : NULL;
}

/* The type that rows go to, or NULL. */
static struct layout_place *current_place(struct layout_builder *b)
{
    const struct layout_section *section = current_section(b);
    return section && section->places ? &b->places[b->place_count - 1] : NULL;
}

static int check_type(struct layout_builder *b, const char *type_id)
{
    const struct layout_section *section = current_section(b);
    if (!section)
        return refuse(b, "a type needs a section");
    if (check_text(b, "the type_id", type_id, LIMIT_TYPE_ID_CHARS))
        return BOX_EINVALID;
    for (uint32_t i = section->first_place; i < b->place_count; i++) {
        if (strcmp(b->places[i].type_id, type_id) == 0)
            return refuse(b, "type \"%s\" comes twice in section \"%s\"", type_id, section->name);
    }
    if (section->places == LIMIT_SECTION_TYPES)
        return refuse(b, "a section has at most %d types", LIMIT_SECTION_TYPES);
    if (b->place_count == LIMIT_VENUE_PLACES)
        return refuse(b, "a venue has at most %d pairs of section and type", LIMIT_VENUE_PLACES);
    return 0;
}

int layout_builder_type(struct layout_builder *b, const char *type_id, struct decimal price)
{
    must(b->box);
    must(price.unscaled >= 0);
    if (check_type(b, type_id))
        return BOX_EINVALID;
    builder_close_row(b);
    current_section(b)->places++;
    b->places = grow(b->places, &b->place_cap, b->place_count + 1, sizeof(*b->places));
    b->places[b->place_count++] = (struct layout_place){
        .type_id = keep_text(b, type_id),
        .price = price,
        .section = b->section_count - 1,
        .first_seat = b->seats,
        .first_row = b->row_count,
        .numbered = true,
    };
    return 0;
}

/* ---- rows ---- */

static struct layout_row *append_row(struct layout_builder *b, const char *label)
{
    b->rows = grow(b->rows, &b->row_cap, b->row_count + 1, sizeof(*b->rows));
    b->least_number = grow(b->least_number, &b->least_cap, b->row_count + 1, sizeof(*b->least_number));
    b->least_number[b->row_count] = UINT32_MAX;
    b->row_lists = grow(b->row_lists, &b->row_list_cap, b->row_count + 1, sizeof(*b->row_lists));
    b->row_lists[b->row_count] = UINT32_MAX;
    current_place(b)->rows++;
    struct layout_row *row = &b->rows[b->row_count++];
    *row = (struct layout_row){
        .label = label,
        .place = b->place_count - 1,
        .first_seat = b->seats,
        .next_part = NO_ROW,
    };
    return row;
}

/* @count seats more: in the current row, place, section and venue. */
static void append_seats(struct layout_builder *b, uint32_t count)
{
    b->rows[b->row_count - 1].seats += count;
    current_place(b)->seats += count;
    current_section(b)->seats += count;
    b->seats += count;
}

static int check_venue_room(struct layout_builder *b, uint32_t count)
{
    if (count > LIMIT_VENUE_SEATS - b->seats)
        return refuse(b, "a venue has at most %d seats", LIMIT_VENUE_SEATS);
    return 0;
}

int layout_builder_unnumbered(struct layout_builder *b, uint32_t seats)
{
    must(b->box);
    struct layout_place *place = current_place(b);
    if (!place)
        return refuse(b, "places need a type");
    if (place->rows)
        return refuse(b, "type \"%s\" has either rows or seats_count", place->type_id);
    if (seats == 0)
        return refuse(b, "type \"%s\" has no seats", place->type_id);
    if (check_venue_room(b, seats))
        return BOX_EINVALID;
    place->numbered = false;
    append_row(b, NULL);
    append_seats(b, seats);
    return 0;
}

/* The entry of a label, made if it is new. NULL (with a reason) if it cannot be a label. */
static struct label *get_label(struct layout_builder *b, const char *what, const char *text)
{
    struct label *label = label_find(&b->labels, text);
    if (label)
        return label;
    if (check_text(b, what, text, LIMIT_LABEL_CHARS))
        return NULL;
    return label_add(&b->labels, &b->box->text, &b->box->arena, text);
}

static int check_row(struct layout_builder *b, const char *text, const struct label *label)
{
    const struct layout_place *place = current_place(b);
    uint32_t newest = label->section == b->section_count - 1 ? label->newest_row : NO_ROW;
    if (newest != NO_ROW && b->rows[newest].place == b->place_count - 1)
        return refuse(b, "row \"%s\" comes twice in type \"%s\"", text, place->type_id);
    if (b->numbered_rows == LIMIT_VENUE_ROWS)
        return refuse(b, "a venue has at most %d rows", LIMIT_VENUE_ROWS);
    return 0;
}

/* Put the labels of the first part into the set: until now it was the only part and had no need of it. */
static void remember_first_part(struct layout_builder *b, uint32_t first)
{
    const struct layout_row *row = &b->rows[first];
    for (uint32_t i = 0; row->labels && i < row->seats; i++)
        must(pair_add(&b->pairs, first, label_find(&b->labels, row->labels[i])->id));
}

/* The new, last row goes on with a physical row. */
static void chain_row(struct layout_builder *b, uint32_t first, uint32_t newest)
{
    uint32_t row = b->row_count - 1;
    if (newest == first)
        remember_first_part(b, first);
    b->rows[newest].next_part = row;
    b->rows[row].part_of_earlier = true;
    b->physical = first;
    for (uint32_t part = first; part != row; part = b->rows[part].next_part) {
        if (!b->rows[part].labels && b->rows[part].seats > b->others_counted)
            b->others_counted = b->rows[part].seats;
        if (b->least_number[part] < b->others_least)
            b->others_least = b->least_number[part];
    }
}

int layout_builder_row(struct layout_builder *b, const char *label, const int32_t *x, const int32_t *y)
{
    must(b->box);
    const struct layout_place *place = current_place(b);
    if (!place)
        return refuse(b, "a row needs a type");
    if (!place->numbered)
        return refuse(b, "type \"%s\" has either rows or seats_count", place->type_id);
    builder_close_row(b);
    struct label *entry = get_label(b, "the row's label", label);
    if (!entry || check_position(b, x, y) || check_row(b, label, entry))
        return BOX_EINVALID;

    struct layout_row *row = append_row(b, entry->text);
    row->has_xy = x;
    row->x = x ? *x : 0;
    row->y = y ? *y : 0;
    b->numbered_rows++;
    b->row_open = true;
    b->row_listed = 0;
    b->physical = b->row_count - 1;
    b->others_counted = 0;
    b->others_least = UINT32_MAX;
    if (entry->section == b->section_count - 1) {
        chain_row(b, entry->first_row, entry->newest_row);
    } else {
        entry->section = b->section_count - 1;
        entry->first_row = b->row_count - 1;
    }
    entry->newest_row = b->row_count - 1;
    return 0;
}

void builder_close_row(struct layout_builder *b)
{
    if (b->row_open && b->row_listed) {
        struct layout_row *row = &b->rows[b->row_count - 1];
        const struct label_list *list = list_keep(&b->lists, &b->box->arena, b->row_labels, b->row_listed);
        must(row->seats == b->row_listed);
        row->labels = list->labels;
        b->row_lists[b->row_count - 1] = list->id;
    }
    b->row_open = false;
}

/* ---- seats ---- */

/* The current row can take @count seats more. Returns 0 or BOX_EINVALID. */
static int check_row_room(struct layout_builder *b, uint32_t count)
{
    if (!b->row_open)
        return refuse(b, "a seat needs a row");
    const struct layout_row *row = &b->rows[b->row_count - 1];
    if (count > LIMIT_ROW_SEATS - row->seats)
        return refuse(b, "a row has at most %d seats", LIMIT_ROW_SEATS);
    if (row->seats > b->row_listed)
        return refuse(b, "row \"%s\" has counted seats already", row->label);
    return check_venue_room(b, count);
}

static int refuse_twice(struct layout_builder *b, const char *label)
{
    const char *row = b->rows[b->row_count - 1].label;
    return refuse(b, "seat \"%s\" comes twice in row \"%s\" of section \"%s\"", label, row,
                  current_section(b)->name);
}

int layout_builder_seats_counted(struct layout_builder *b, uint32_t count)
{
    must(b->box);
    if (check_row_room(b, count))
        return BOX_EINVALID;
    if (b->row_listed)
        return refuse(b, "row \"%s\" has listed seats already", b->rows[b->row_count - 1].label);
    if (count == 0)
        return refuse(b, "row \"%s\" has no seats", b->rows[b->row_count - 1].label);
    if (b->others_counted)
        return refuse_twice(b, "1");
    if (b->others_least <= count) {
        char text[16];
        snprintf(text, sizeof(text), "%u", b->others_least);
        return refuse_twice(b, text);
    }
    append_seats(b, count);
    return 0;
}

/* True if the current physical row has no such seat yet; its set then has it. */
static bool claim_label(struct layout_builder *b, struct label *label)
{
    uint32_t row = b->row_count - 1;
    if (label->seat_row == row || (label->number && label->number <= b->others_counted))
        return false;
    return b->physical == row || pair_add(&b->pairs, b->physical, label->id);
}

int builder_listed_seat(struct layout_builder *b, const char *text)
{
    must(b->box);
    if (check_row_room(b, 1))
        return BOX_EINVALID;
    struct label *label = get_label(b, "the seat's label", text);
    if (!label)
        return BOX_EINVALID;
    if (!claim_label(b, label))
        return refuse_twice(b, text);

    uint32_t row = b->row_count - 1;
    label->seat_row = row;
    label->seat = b->seats;
    if (label->number && label->number < b->least_number[row])
        b->least_number[row] = label->number;
    b->row_labels = grow(b->row_labels, &b->row_labels_cap, b->row_listed + 1, sizeof(*b->row_labels));
    b->row_labels[b->row_listed++] = label->text;
    append_seats(b, 1);
    return 0;
}

int builder_attribute(struct layout_builder *b, const char *name, uint32_t *ret_attribute)
{
    uint32_t i = 0;
    while (i < b->attribute_count && strcmp(b->attribute_names[i], name) != 0)
        i++;
    if (i == LIMIT_ATTRIBUTES)
        return refuse(b, "a venue has at most %d different attributes", LIMIT_ATTRIBUTES);
    if (i == b->attribute_count) {
        if (check_text(b, "the attribute", name, LIMIT_TYPE_ID_CHARS))
            return BOX_EINVALID;
        b->attribute_names[b->attribute_count++] = keep_text(b, name);
    }
    *ret_attribute = i;
    return 0;
}

int layout_builder_seat(struct layout_builder *b, const char *label, const int32_t *x, const int32_t *y,
                        const char *const *attributes)
{
    must(b->box);
    uint32_t bits = 0;
    if (check_position(b, x, y))
        return BOX_EINVALID;
    for (; attributes && *attributes; attributes++) {
        uint32_t attribute;
        if (builder_attribute(b, *attributes, &attribute))
            return BOX_EINVALID;
        bits |= UINT32_C(1) << attribute;
    }
    if (builder_listed_seat(b, label))
        return BOX_EINVALID;
    if (x)
        builder_set_position(b, b->seats - 1, *x, *y);
    if (bits)
        builder_set_attributes(b, b->seats - 1, bits);
    return 0;
}

void builder_set_position(struct layout_builder *b, uint32_t seat, int32_t x, int32_t y)
{
    must(seat < b->seats && x != NO_COORDINATE && y != NO_COORDINATE);
    *array_at(&b->x, seat, (uint32_t)NO_COORDINATE) = (uint32_t)x;
    *array_at(&b->y, seat, (uint32_t)NO_COORDINATE) = (uint32_t)y;
}

bool builder_has_position(const struct layout_builder *b, uint32_t seat)
{
    return seat < b->x.filled && b->x.data[seat] != (uint32_t)NO_COORDINATE;
}

void builder_set_attributes(struct layout_builder *b, uint32_t seat, uint32_t bits)
{
    must(seat < b->seats);
    *array_at(&b->attributes, seat, 0) |= bits;
}

void builder_set_gap(struct layout_builder *b, uint32_t seat)
{
    must(seat < b->seats);
    *array_at(&b->gaps, seat / 32, 0) |= UINT32_C(1) << seat % 32;
}

int layout_builder_gap_after(struct layout_builder *b, const char *text)
{
    must(b->box);
    if (!b->row_open)
        return refuse(b, "an aisle needs a row");
    const struct layout_row *row = &b->rows[b->row_count - 1];
    if (b->row_listed) {
        const struct label *label = label_find(&b->labels, text);
        if (label && label->seat_row == b->row_count - 1) {
            builder_set_gap(b, label->seat);
            return 0;
        }
    } else {
        uint32_t number = label_number(text);
        if (number && number <= row->seats) {
            builder_set_gap(b, row->first_seat + number - 1);
            return 0;
        }
    }
    return refuse(b, "row \"%s\" has no seat \"%s\"", row->label, text);
}

/* ---- finish ---- */

static int check_seats(struct layout_builder *b)
{
    if (b->section_count == 0)
        return refuse(b, "a venue has at least one section");
    for (uint32_t i = 0; i < b->section_count; i++) {
        if (b->sections[i].places == 0)
            return refuse(b, "section \"%s\" has no types", b->sections[i].name);
    }
    for (uint32_t i = 0; i < b->place_count; i++) {
        const struct layout_place *place = &b->places[i];
        if (place->rows == 0)
            return refuse(b, "type \"%s\" of section \"%s\" has no seats", place->type_id,
                          b->sections[place->section].name);
    }
    for (uint32_t i = 0; i < b->row_count; i++) {
        if (b->rows[i].seats == 0)
            return refuse(b, "row \"%s\" of section \"%s\" has no seats", b->rows[i].label,
                          b->sections[b->places[b->rows[i].place].section].name);
    }
    return 0;
}

static int compare_sections(const void *a, const void *b, void *arg)
{
    const uint32_t *left = a, *right = b;
    const struct layout_section *sections = arg;
    return uuid_compare(&sections[*left].section_id.u, &sections[*right].section_id.u);
}

static int index_sections(struct layout_builder *b)
{
    uint32_t *by_id = arena_array(&b->box->arena, b->section_count, sizeof(*by_id));
    for (uint32_t i = 0; i < b->section_count; i++)
        by_id[i] = i;
    qsort_r(by_id, b->section_count, sizeof(*by_id), compare_sections, b->sections);
    for (uint32_t i = 1; i < b->section_count; i++) {
        if (compare_sections(&by_id[i - 1], &by_id[i], b->sections) == 0)
            return refuse(b, "sections \"%s\" and \"%s\" have one id", b->sections[by_id[i - 1]].name,
                          b->sections[by_id[i]].name);
    }
    b->box->by_id = by_id;
    return 0;
}

/* The array at its full length in the layout's memory, or NULL when every seat has the default. */
static void *keep_array(struct layout_builder *b, struct seat_array *a, uint32_t count, uint32_t fill)
{
    if (!a->data)
        return NULL;
    array_fill(a, count, fill);
    return arena_copy(&b->box->arena, a->data, count * sizeof(*a->data));
}

static uint8_t *keep_gaps(struct layout_builder *b)
{
    if (!b->gaps.data)
        return NULL;
    uint8_t *bits = arena_array(&b->box->arena, (b->seats + 7) / 8, 1);
    array_fill(&b->gaps, (b->seats + 31) / 32, 0);
    for (uint32_t i = 0; i < (b->seats + 7) / 8; i++)
        bits[i] = (uint8_t)(b->gaps.data[i / 4] >> i % 4 * 8);
    return bits;
}

static void move_into_layout(struct layout_builder *b)
{
    struct layout *l = &b->box->layout;
    struct arena *arena = &b->box->arena;
    l->rev = 1;
    l->seats_total = b->seats;
    l->sections = arena_copy(arena, b->sections, b->section_count * sizeof(*b->sections));
    l->section_count = b->section_count;
    l->places = arena_copy(arena, b->places, b->place_count * sizeof(*b->places));
    l->place_count = b->place_count;
    l->rows = arena_copy(arena, b->rows, b->row_count * sizeof(*b->rows));
    l->row_count = b->row_count;
    b->box->row_lists = arena_copy(arena, b->row_lists, b->row_count * sizeof(*b->row_lists));
    l->attributes = arena_copy(arena, b->attribute_names, b->attribute_count * sizeof(*b->attribute_names));
    l->attribute_count = b->attribute_count;
    l->seat_attributes = keep_array(b, &b->attributes, b->seats, 0);
    l->x = keep_array(b, &b->x, b->seats, (uint32_t)NO_COORDINATE);
    l->y = keep_array(b, &b->y, b->seats, (uint32_t)NO_COORDINATE);
    l->gap_after = keep_gaps(b);
    l->seating = seating_new(l, arena);
}

int builder_finish(struct layout_builder *b, struct venue_id id, const char *name, const char *timezone,
                   int64_t created_ms, struct layout **ret_layout)
{
    must(b->box);
    if (b->reason)
        return BOX_EINVALID; /* something was left out */
    builder_close_row(b);
    if (check_text(b, "the venue's name", name, LIMIT_NAME_CHARS) || check_seats(b) || index_sections(b))
        return BOX_EINVALID;
    move_into_layout(b);
    struct layout *l = &b->box->layout;
    l->venue_id = id;
    l->name = keep_text(b, name);
    l->timezone = keep_text(b, timezone);
    l->created_ms = created_ms;
    b->box = NULL;
    *ret_layout = l;
    return 0;
}

int layout_builder_finish(struct layout_builder *b, struct venue_id id, const char *name,
                          const char *timezone, int64_t created_ms, struct layout **ret_layout)
{
    if (!b->reason && !timezone_known(timezone))
        return refuse(b, "\"%s\" is not a time zone of the IANA list", timezone);
    return builder_finish(b, id, name, timezone, created_ms, ret_layout);
}
