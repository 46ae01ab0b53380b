/*
 * Binary form of a layout, version 1. LEB128 numbers (svarint: zigzag), ids are 16 bytes, text has its length
 * before it.
 *
 *   u8 version | venue id | name | timezone | varint rev | varint created (ms) | u8 flags |
 *   [svarint width, height] | varint sections | sections | [positions] | [attributes] | [gaps]
 *                flags: 1 size, 2 positions, 4 attributes, 8 gaps
 *   section      section id | name | varint places | places
 *   place        type id | varint price unscaled | u8 scale | varint rows | rows
 *                unnumbered: 0 for rows | varint seats
 *   row          label | u8 form | seats | [svarint x, y]
 *                form: 0 counted, 1 listed, 2 listed as before; + 4 with a position of its own
 *                seats: 0 varint count; 1 varint count | labels; 2 varint which of the lists so far
 *   positions    varint runs | runs of seats with a position, each followed by
 *                length x (svarint x - x before | svarint y - y before)
 *   attributes   varint count | count x (name | varint runs | runs of seats that have it)
 *   gaps         varint count | count x varint seats skipped since the gap before
 *   run          varint seats skipped since the end of the run before | varint length (> 0)
 *
 * What follows from the rest (numbers of seats, first seats, parts of physical rows) is not stored: the
 * decoder feeds the builder, which finds it again and refuses what no builder could have made. So limits may
 * grow, but never shrink.
 */
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "base/text.h"
#include "domain/codec.h"
#include "domain/layout_impl.h"
#include <stdlib.h>
#include <string.h>

enum { LAYOUT_VERSION = 1, SCALE_MAX = 4 };
enum { FLAG_SIZE = 1, FLAG_POSITIONS = 2, FLAG_ATTRIBUTES = 4, FLAG_GAPS = 8 };
enum { FORM_COUNTED = 0, FORM_LISTED = 1, FORM_AS_BEFORE = 2, FORM_MASK = 3, FORM_POSITION = 4 };
enum { SECTION_BYTES_MIN = 18, PLACE_BYTES_MIN = 5, LABEL_BYTES_MIN = 2, RUN_BYTES_MIN = 2 };
enum { TEXT_MAX = LIMIT_NAME_CHARS * 4 + 1 }; /* the longest text of a layout: names */

/* ---- encode ---- */

/* What runs are made of: does @seat have attribute @which (or a position)? */
typedef bool has_fn(const struct layout *l, uint32_t seat, uint32_t which);

static bool has_attribute(const struct layout *l, uint32_t seat, uint32_t which)
{
    return l->seat_attributes[seat] >> which & 1;
}

static bool has_position(const struct layout *l, uint32_t seat, uint32_t which)
{
    (void)which;
    return l->x[seat] != NO_COORDINATE;
}

/* The next run from @from on: seats *ret_first..*ret_end-1. Returns false if there is none. */
static bool find_run(const struct layout *l, has_fn *has, uint32_t which, uint32_t from, uint32_t *ret_first,
                     uint32_t *ret_end)
{
    while (from < l->seats_total && !has(l, from, which))
        from++;
    *ret_first = from;
    while (from < l->seats_total && has(l, from, which))
        from++;
    *ret_end = from;
    return *ret_first < *ret_end;
}

static uint32_t count_runs(const struct layout *l, has_fn *has, uint32_t which)
{
    uint32_t count = 0, first, end = 0;
    while (find_run(l, has, which, end, &first, &end))
        count++;
    return count;
}

static void put_attributes(struct buf *b, const struct layout *l)
{
    put_varint(b, l->attribute_count);
    for (uint32_t i = 0; i < l->attribute_count; i++) {
        uint32_t first, end = 0, before = 0;
        put_text(b, l->attributes[i]);
        put_varint(b, count_runs(l, has_attribute, i));
        while (find_run(l, has_attribute, i, end, &first, &end)) {
            put_varint(b, first - before);
            put_varint(b, end - first);
            before = end;
        }
    }
}

static void put_positions(struct buf *b, const struct layout *l)
{
    uint32_t first, end = 0, before = 0;
    int32_t x = 0, y = 0;
    put_varint(b, count_runs(l, has_position, 0));
    while (find_run(l, has_position, 0, end, &first, &end)) {
        put_varint(b, first - before);
        put_varint(b, end - first);
        for (uint32_t seat = first; seat < end; seat++) {
            put_svarint(b, (int64_t)l->x[seat] - x);
            put_svarint(b, (int64_t)l->y[seat] - y);
            x = l->x[seat];
            y = l->y[seat];
        }
        before = end;
    }
}

static void put_gaps(struct buf *b, const struct layout *l)
{
    uint32_t count = 0, next = 0;
    for (uint32_t seat = 0; seat < l->seats_total; seat++)
        count += layout_gap_after(l, seat);
    put_varint(b, count);
    for (uint32_t seat = 0; seat < l->seats_total; seat++) {
        if (layout_gap_after(l, seat)) {
            put_varint(b, seat - next);
            next = seat + 1;
        }
    }
}

/* @lists: how many label lists were written so far. */
static void put_row(struct buf *b, const struct layout_box *box, uint32_t index, uint32_t *lists)
{
    const struct layout_row *row = &box->layout.rows[index];
    bool known = row->labels && box->row_lists[index] < *lists;
    uint8_t form = !row->labels ? FORM_COUNTED : known ? FORM_AS_BEFORE : FORM_LISTED;
    put_text(b, row->label);
    put_u8(b, (uint8_t)(form | (row->has_xy ? FORM_POSITION : 0)));
    put_varint(b, known ? box->row_lists[index] : row->seats);
    if (form == FORM_LISTED) {
        must(box->row_lists[index] == (*lists)++);
        for (uint32_t i = 0; i < row->seats; i++)
            put_text(b, row->labels[i]);
    }
    if (row->has_xy) {
        put_svarint(b, row->x);
        put_svarint(b, row->y);
    }
}

static void put_place(struct buf *b, const struct layout_box *box, const struct layout_place *place,
                      uint32_t *lists)
{
    put_text(b, place->type_id);
    put_varint(b, (uint64_t)place->price.unscaled);
    put_u8(b, place->price.scale);
    put_varint(b, place->numbered ? place->rows : 0);
    if (!place->numbered)
        put_varint(b, place->seats);
    for (uint32_t row = 0; place->numbered && row < place->rows; row++)
        put_row(b, box, place->first_row + row, lists);
}

static void put_sections(struct buf *b, const struct layout_box *box)
{
    const struct layout *l = &box->layout;
    uint32_t lists = 0;
    put_varint(b, l->section_count);
    for (uint32_t i = 0; i < l->section_count; i++) {
        const struct layout_section *section = &l->sections[i];
        put_uuid(b, &section->section_id.u);
        put_text(b, section->name);
        put_varint(b, section->places);
        for (uint32_t place = 0; place < section->places; place++)
            put_place(b, box, &l->places[section->first_place + place], &lists);
    }
}

void layout_encode(const struct layout *l, struct buf *ret)
{
    put_u8(ret, LAYOUT_VERSION);
    put_uuid(ret, &l->venue_id.u);
    put_text(ret, l->name);
    put_text(ret, l->timezone);
    put_varint(ret, l->rev);
    put_time_ms(ret, l->created_ms);
    put_u8(ret, (uint8_t)((l->has_size ? FLAG_SIZE : 0) | (l->x ? FLAG_POSITIONS : 0) |
                          (l->seat_attributes ? FLAG_ATTRIBUTES : 0) | (l->gap_after ? FLAG_GAPS : 0)));
    if (l->has_size) {
        put_svarint(ret, l->width);
        put_svarint(ret, l->height);
    }
    put_sections(ret, (const struct layout_box *)l);
    if (l->x)
        put_positions(ret, l);
    if (l->seat_attributes)
        put_attributes(ret, l);
    if (l->gap_after)
        put_gaps(ret, l);
}

/* ---- decode ---- */

/* A layout that is being read. A call that the builder refuses is a fault of the bytes. */
struct reading {
    struct rd r;
    struct layout_builder *b;
    uint32_t *lists; /* row that has list 0, 1, ... */
    size_t list_count, list_cap;
    char name[TEXT_MAX], timezone[TEXT_MAX], text[TEXT_MAX];
};

static void expect(struct reading *in, bool fine)
{
    if (!fine)
        rd_fail(&in->r);
}

/* Text into @ret; "" after a fault. What is in it, the builder checks (but for NULs, which it cannot see). */
static const char *rd_short_text(struct rd *r, char ret[TEXT_MAX])
{
    size_t size;
    const uint8_t *text = rd_bytes(r, &size);
    if (text && (size >= TEXT_MAX || memchr(text, '\0', size))) {
        rd_fail(r);
        size = 0;
    }
    if (text)
        memcpy(ret, text, size);
    ret[size] = '\0';
    return ret;
}

static int32_t rd_i32(struct rd *r)
{
    int64_t v = rd_svarint(r);
    if (v >= INT32_MIN && v <= INT32_MAX)
        return (int32_t)v;
    rd_fail(r);
    return 0;
}

/* A coordinate, as the difference from the one before. */
static int32_t rd_coordinate(struct rd *r, int32_t before)
{
    int64_t v;
    if (!__builtin_add_overflow(rd_svarint(r), (int64_t)before, &v) && v >= -LIMIT_COORDINATE &&
        v <= LIMIT_COORDINATE)
        return (int32_t)v;
    rd_fail(r);
    return 0;
}

static void rd_listed_seats(struct reading *in, uint32_t row)
{
    uint32_t count = rd_count(&in->r, LABEL_BYTES_MIN);
    for (uint32_t i = 0; i < count && rd_ok(&in->r); i++) {
        rd_short_text(&in->r, in->text);
        expect(in, rd_ok(&in->r) && builder_listed_seat(in->b, in->text) == 0);
    }
    if (in->list_count == in->list_cap) {
        in->list_cap = in->list_cap ? in->list_cap * 2 : 16;
        in->lists = realloc(in->lists, in->list_cap * sizeof(*in->lists));
        must(in->lists); /* out of memory ends the program */
    }
    in->lists[in->list_count++] = row;
}

static void rd_seats_as_before(struct reading *in)
{
    uint64_t list = rd_varint(&in->r);
    if (!rd_ok(&in->r) || list >= in->list_count) {
        rd_fail(&in->r);
        return;
    }
    const struct layout_row before = in->b->rows[in->lists[list]];
    for (uint32_t i = 0; i < before.seats && rd_ok(&in->r); i++)
        expect(in, builder_listed_seat(in->b, before.labels[i]) == 0);
}

static void rd_row(struct reading *in)
{
    rd_short_text(&in->r, in->text);
    uint8_t form = rd_flags(&in->r, FORM_MASK | FORM_POSITION);
    expect(in, rd_ok(&in->r) && layout_builder_row(in->b, in->text, NULL, NULL) == 0);
    if (!rd_ok(&in->r))
        return;
    uint32_t row = in->b->row_count - 1;
    switch (form & FORM_MASK) {
    case FORM_COUNTED:
        expect(in, layout_builder_seats_counted(in->b, rd_varint32(&in->r)) == 0);
        break;
    case FORM_LISTED:
        rd_listed_seats(in, row);
        break;
    case FORM_AS_BEFORE:
        rd_seats_as_before(in);
        break;
    default:
        rd_fail(&in->r);
    }
    builder_close_row(in->b);
    if (form & FORM_POSITION) {
        in->b->rows[row].has_xy = true;
        in->b->rows[row].x = rd_coordinate(&in->r, 0);
        in->b->rows[row].y = rd_coordinate(&in->r, 0);
    }
}

static void rd_place(struct reading *in)
{
    struct decimal price;
    rd_short_text(&in->r, in->text);
    price.unscaled = (int64_t)rd_varint_max(&in->r, INT64_MAX);
    price.scale = rd_u8_max(&in->r, SCALE_MAX);
    uint64_t rows = rd_varint(&in->r);
    expect(in, rd_ok(&in->r) && layout_builder_type(in->b, in->text, price) == 0);
    if (rd_ok(&in->r) && rows == 0)
        expect(in, layout_builder_unnumbered(in->b, rd_varint32(&in->r)) == 0);
    for (; rows > 0 && rd_ok(&in->r); rows--)
        rd_row(in);
}

static void rd_sections(struct reading *in)
{
    uint32_t count = rd_count(&in->r, SECTION_BYTES_MIN);
    for (uint32_t i = 0; i < count && rd_ok(&in->r); i++) {
        struct section_id id = {rd_uuid(&in->r)};
        rd_short_text(&in->r, in->text);
        uint32_t places = rd_count(&in->r, PLACE_BYTES_MIN);
        expect(in, rd_ok(&in->r) && layout_builder_section(in->b, id, in->text) == 0);
        for (; places > 0 && rd_ok(&in->r); places--)
            rd_place(in);
    }
}

/* The next run of seats; @end is where the run before ended and becomes the end of this one. */
static bool rd_run(struct reading *in, uint32_t *ret_first, uint32_t *end)
{
    uint64_t skip = rd_varint_max(&in->r, in->b->seats - *end);
    uint64_t length = rd_varint_max(&in->r, in->b->seats - *end - (uint32_t)skip);
    expect(in, length > 0);
    if (!rd_ok(&in->r))
        return false;
    *ret_first = *end + (uint32_t)skip;
    *end = *ret_first + (uint32_t)length;
    return true;
}

static void rd_positions(struct reading *in)
{
    uint32_t runs = rd_count(&in->r, RUN_BYTES_MIN);
    uint32_t first, end = 0;
    int32_t x = 0, y = 0;
    expect(in, runs > 0);
    for (; runs > 0 && rd_run(in, &first, &end); runs--) {
        for (uint32_t seat = first; seat < end && rd_ok(&in->r); seat++) {
            x = rd_coordinate(&in->r, x);
            y = rd_coordinate(&in->r, y);
            if (rd_ok(&in->r))
                builder_set_position(in->b, seat, x, y);
        }
    }
}

static void rd_attributes(struct reading *in)
{
    uint64_t count = rd_varint_max(&in->r, LIMIT_ATTRIBUTES);
    expect(in, count > 0);
    for (uint32_t i = 0; i < count && rd_ok(&in->r); i++) {
        uint32_t attribute, first, end = 0;
        rd_short_text(&in->r, in->text);
        uint32_t runs = rd_count(&in->r, RUN_BYTES_MIN);
        expect(in, rd_ok(&in->r) && builder_attribute(in->b, in->text, &attribute) == 0 && attribute == i);
        for (; rd_ok(&in->r) && runs > 0 && rd_run(in, &first, &end); runs--) {
            for (uint32_t seat = first; seat < end; seat++)
                builder_set_attributes(in->b, seat, UINT32_C(1) << i);
        }
    }
}

static void rd_gaps(struct reading *in)
{
    uint32_t count = rd_count(&in->r, 1);
    uint32_t next = 0;
    expect(in, count > 0);
    for (; count > 0 && rd_ok(&in->r); count--) {
        uint64_t skip = rd_varint(&in->r);
        expect(in, skip < in->b->seats - next);
        if (rd_ok(&in->r)) {
            builder_set_gap(in->b, next + (uint32_t)skip);
            next += (uint32_t)skip + 1;
        }
    }
}

/* All after the version byte. Returns 0 or BOX_ECORRUPT. */
static int rd_layout(struct reading *in, struct layout **ret_layout)
{
    struct venue_id id = {rd_uuid(&in->r)};
    rd_short_text(&in->r, in->name);
    rd_short_text(&in->r, in->timezone);
    uint32_t rev = rd_varint32(&in->r);
    int64_t created_ms = rd_time_ms(&in->r);
    uint8_t flags = rd_flags(&in->r, FLAG_SIZE | FLAG_POSITIONS | FLAG_ATTRIBUTES | FLAG_GAPS);
    if (flags & FLAG_SIZE) {
        int32_t width = rd_i32(&in->r);
        layout_builder_set_size(in->b, width, rd_i32(&in->r));
    }
    rd_sections(in);
    if (flags & FLAG_POSITIONS)
        rd_positions(in);
    if (flags & FLAG_ATTRIBUTES)
        rd_attributes(in);
    if (flags & FLAG_GAPS)
        rd_gaps(in);
    if (!rd_end(&in->r) || builder_finish(in->b, id, in->name, in->timezone, created_ms, ret_layout) != 0)
        return BOX_ECORRUPT;
    (*ret_layout)->rev = rev;
    return 0;
}

int layout_decode(const void *data, size_t size, struct layout **ret_layout)
{
    struct reading in = {0};
    rd_init(&in.r, data, size);
    int ret = rd_version(&in.r, LAYOUT_VERSION);
    if (ret)
        return ret;
    in.b = layout_builder_new();
    ret = rd_layout(&in, ret_layout);
    layout_builder_free(in.b);
    free(in.lists);
    return ret;
}
