/*
 * Decoding a venue. Everything is read, so that all faults are reported at once; but the builder is fed only
 * as long as nothing is wrong.
 */
#include "api/venue_in.h"
#include "base/error.h"
#include "base/params.h"

bool venue_in_ok(const struct venue_in *v)
{
    return json_in_status(v->in) == BOX_OK;
}

void venue_in_built(struct venue_in *v, struct json_node where, int ret)
{
    if (ret)
        json_in_fault(where, "%s", layout_builder_reason(v->builder));
}

const char *venue_in_timezone(struct json_node node)
{
    const char *name = json_in_text(node, 1, 64);
    if (name && !timezone_known(name))
        json_in_fault(node, "is no time zone of the IANA list");
    return name;
}

int venue_in_finish(struct venue_in *v, struct json_node body, const char *name, const char *timezone,
                    struct layout **ret_layout)
{
    struct venue_id id = {uuid_random(v->rng)};
    if (venue_in_ok(v))
        venue_in_built(v, body, layout_builder_finish(v->builder, id, name, timezone, v->now_ms, ret_layout));
    layout_builder_free(v->builder);
    v->builder = NULL;
    return json_in_status(v->in);
}

/* x and y of a row or seat: both or neither. Returns true if they are given. */
static bool position_in(struct json_node node, int32_t *ret_x, int32_t *ret_y)
{
    struct json_node x = json_in_member(node, "x"), y = json_in_member(node, "y");
    if (json_in_absent(x) != json_in_absent(y))
        json_in_fault(json_in_absent(x) ? x : y, "x and y go together");
    if (json_in_absent(x) || json_in_absent(y))
        return false;
    *ret_x = (int32_t)json_in_int(x, -LIMIT_COORDINATE, LIMIT_COORDINATE);
    *ret_y = (int32_t)json_in_int(y, -LIMIT_COORDINATE, LIMIT_COORDINATE);
    return true;
}

/* The names of a seat's attributes, ended by NULL; NULL if there are none. */
static const char *const *attributes_in(struct venue_in *v, struct json_node node)
{
    size_t count;
    if (json_in_absent(node) || !json_in_array(node, 0, LIMIT_ATTRIBUTES, &count) || count == 0)
        return NULL;
    const char **names = arena_array(v->arena, count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = json_in_text(json_in_item(node, i), 1, LIMIT_TYPE_ID_CHARS);
        if (!names[i])
            return NULL;
    }
    return names;
}

static void seat_in(struct venue_in *v, struct json_node seat)
{
    static const char *const known[] = {"label", "x", "y", "attributes", NULL};
    int32_t x, y;
    if (json_in_is_text(seat)) {
        const char *label = json_in_text(seat, 1, LIMIT_LABEL_CHARS);
        if (venue_in_ok(v))
            venue_in_built(v, seat, layout_builder_seat(v->builder, label, NULL, NULL, NULL));
        return;
    }
    if (!json_in_is_object(seat)) {
        json_in_fault(seat, "must be a label or an object");
        return;
    }
    json_in_object(seat, known);
    const char *label = json_in_text(json_in_member(seat, "label"), 1, LIMIT_LABEL_CHARS);
    const char *const *attributes = attributes_in(v, json_in_member(seat, "attributes"));
    bool placed = position_in(seat, &x, &y);
    if (venue_in_ok(v))
        venue_in_built(
            v, seat,
            layout_builder_seat(v->builder, label, placed ? &x : NULL, placed ? &y : NULL, attributes));
}

static void seats_in(struct venue_in *v, struct json_node seats)
{
    size_t count;
    if (json_in_is_int(seats)) {
        uint32_t counted = (uint32_t)json_in_int(seats, 1, LIMIT_ROW_SEATS);
        if (venue_in_ok(v))
            venue_in_built(v, seats, layout_builder_seats_counted(v->builder, counted));
    } else if (json_in_is_array(seats)) {
        json_in_array(seats, 1, LIMIT_ROW_SEATS, &count);
        for (size_t i = 0; i < count; i++)
            seat_in(v, json_in_item(seats, i));
    } else {
        json_in_fault(seats, "must be a number of seats or a list of them");
    }
}

static void gaps_in(struct venue_in *v, struct json_node gaps)
{
    size_t count;
    if (json_in_absent(gaps) || !json_in_array(gaps, 0, LIMIT_ROW_SEATS, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        struct json_node item = json_in_item(gaps, i);
        const char *label = json_in_text(item, 1, LIMIT_LABEL_CHARS);
        if (venue_in_ok(v))
            venue_in_built(v, item, layout_builder_gap_after(v->builder, label));
    }
}

static void row_in(struct venue_in *v, struct json_node row)
{
    static const char *const known[] = {"row", "seats", "x", "y", "gaps_after", NULL};
    int32_t x, y;
    if (!json_in_object(row, known))
        return;
    const char *label = json_in_text(json_in_member(row, "row"), 1, LIMIT_LABEL_CHARS);
    bool placed = position_in(row, &x, &y);
    if (venue_in_ok(v))
        venue_in_built(v, row, layout_builder_row(v->builder, label, placed ? &x : NULL, placed ? &y : NULL));
    seats_in(v, json_in_member(row, "seats"));
    gaps_in(v, json_in_member(row, "gaps_after"));
}

static void type_in(struct venue_in *v, struct json_node type)
{
    static const char *const known[] = {"type_id", "price", "rows", "seats_count", NULL};
    size_t count;
    if (!json_in_object(type, known))
        return;
    const char *type_id = json_in_text(json_in_member(type, "type_id"), 1, LIMIT_TYPE_ID_CHARS);
    struct decimal price = decimal_in(json_in_member(type, "price"));
    struct json_node rows = json_in_member(type, "rows"), places = json_in_member(type, "seats_count");
    if (venue_in_ok(v))
        venue_in_built(v, type, layout_builder_type(v->builder, type_id, price));
    if (json_in_absent(rows) == json_in_absent(places)) {
        json_in_fault(type, "must have either rows or seats_count");
    } else if (!json_in_absent(places)) {
        uint32_t seats = (uint32_t)json_in_int(places, 1, LIMIT_VENUE_SEATS);
        if (venue_in_ok(v))
            venue_in_built(v, places, layout_builder_unnumbered(v->builder, seats));
    } else if (json_in_array(rows, 1, LIMIT_VENUE_ROWS, &count)) {
        for (size_t i = 0; i < count; i++)
            row_in(v, json_in_item(rows, i));
    }
}

static void section_in(struct venue_in *v, struct json_node section)
{
    static const char *const known[] = {"name", "types", NULL};
    size_t count;
    if (!json_in_object(section, known))
        return;
    const char *name = json_in_text(json_in_member(section, "name"), 1, LIMIT_NAME_CHARS);
    struct section_id id = {uuid_random(v->rng)};
    if (venue_in_ok(v))
        venue_in_built(v, section, layout_builder_section(v->builder, id, name));
    struct json_node types = json_in_member(section, "types");
    if (json_in_array(types, 1, LIMIT_SECTION_TYPES, &count))
        for (size_t i = 0; i < count; i++)
            type_in(v, json_in_item(types, i));
}

/* The plan's size, when it is given: both or none, positive. */
static void size_in(struct venue_in *v, struct json_node size)
{
    static const char *const known[] = {"width", "height", NULL};
    if (json_in_absent(size) || !json_in_object(size, known))
        return;
    int64_t width = json_in_int(json_in_member(size, "width"), 1, LIMIT_COORDINATE);
    int64_t height = json_in_int(json_in_member(size, "height"), 1, LIMIT_COORDINATE);
    if (venue_in_ok(v))
        layout_builder_set_size(v->builder, (int32_t)width, (int32_t)height);
}

int venue_from_json(struct venue_in *v, struct json_node body, struct layout **ret_layout)
{
    size_t count;
    v->builder = layout_builder_new();
    const char *name = json_in_text(json_in_member(body, "name"), 1, LIMIT_NAME_CHARS);
    const char *timezone = venue_in_timezone(json_in_member(body, "timezone"));
    size_in(v, json_in_member(body, "size"));
    struct json_node sections = json_in_member(body, "sections");
    if (json_in_array(sections, 1, LIMIT_VENUE_SECTIONS, &count))
        for (size_t i = 0; i < count; i++)
            section_in(v, json_in_item(sections, i));
    return venue_in_finish(v, body, name, timezone, ret_layout);
}
