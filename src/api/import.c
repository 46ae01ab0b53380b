/*
 * Import of a seating plan in pretix's open format: plan -> zones -> rows -> seats, and a list of categories.
 *
 *  - A zone is a section. Zones without seats are passed over; a zone without a name is called by its
 *    zone_id, else "Zone n"; a name that comes again gets " (2)", " (3)", ...
 *  - A category is a ticket type of each section that has seats of it, in the order in which they come;
 *    `prices` says what it costs.
 *  - Rows of a zone with the same row_number are one physical row (halves left and right of an aisle), unless
 *    a seat's label would then come twice in it: then the later one is a row of its own, "12 (2)". A row
 *    without a number is never merged and is called by its place in the zone: "1", "2", ... A row with seats
 *    of several categories runs through several types.
 *  - A seat_number is the seat's label; a seat without one is called by its place in the row, and one that
 *    comes again in its row of the plan gets " (2)". Numbers may be texts or integers.
 *  - A seat's place is its position + its row's + its zone's, rounded.
 *  - A gap is where two neighbours are more than 1.5 times the row's median distance apart, and where seats
 *    of another type stand between two seats of one type.
 *
 * Members that are not needed are passed over.
 */
#include "api/text_map.h"
#include "api/venue_in.h"
#include "base/error.h"
#include "base/params.h"
#include <inttypes.h>
#include <string.h>

enum { NO_CATEGORY = UINT32_MAX, NO_TYPE = UINT32_MAX };

struct place {
    bool known;
    int32_t x, y;
};

struct category {
    const char *name;
    struct decimal price;
    bool priced, missed; /* missed: reported as having no price */
    uint32_t type;       /* which type of the zone that is built it is, or NO_TYPE */
};

struct plan_seat {
    const char *label; /* NULL until it is counted */
    uint32_t category;
    struct place at;
};

/* One physical row. */
struct plan_row {
    const char *label; /* NULL until it is counted */
    uint32_t scope;    /* of its seats' labels */
    struct place at;
    struct plan_seat *seats;
    uint32_t count, cap;
};

struct zone {
    const char *name;
    uint32_t scope; /* of its rows' labels: newest physical row of that label + 1 */
    struct place at;
    struct plan_row *rows;
    uint32_t count, seats;
};

struct import {
    struct venue_in *v;
    struct category *categories;
    uint32_t category_count;
    uint32_t *types;        /* the categories of the zone that is built, in the order in which they come */
    struct text_map names;  /* 0: category -> index, 1: zone names -> last suffix, 2: seat_guids, 3: prices */
    struct text_map labels; /* of rows and seats, each zone and row a scope */
    uint32_t scopes;
    struct json_node prices;
};

enum { SCOPE_CATEGORIES, SCOPE_ZONES, SCOPE_GUIDS };

/* ---- tolerant reading ---- */

/* A text or an integer as text; NULL when it is missing, null or "". */
static const char *label_in(struct import *im, struct json_node node)
{
    if (json_in_absent(node))
        return NULL;
    if (json_in_is_int(node))
        return arena_printf(im->v->arena, "%" PRId64, json_in_int(node, INT64_MIN, INT64_MAX));
    const char *text = json_in_text(node, 0, LIMIT_LABEL_CHARS);
    return text && text[0] ? text : NULL;
}

/* A position, added to @base; unknown when it is missing. */
static struct place place_in(struct json_node node, const struct place *base)
{
    struct place at = {.x = base->x, .y = base->y};
    if (json_in_absent(node) || !json_in_object(node, NULL))
        return at;
    struct json_node x = json_in_member(node, "x"), y = json_in_member(node, "y");
    if (json_in_missing(x) || json_in_missing(y))
        return at;
    at.x += json_in_coordinate(x);
    at.y += json_in_coordinate(y);
    at.known = true;
    return at;
}

/* @text, or with " (2)", " (3)", ... the first that is new in @scope; the entry of @text remembers the last
 * one. */
static const char *distinct(struct import *im, struct text_map *map, uint32_t scope, const char *text)
{
    bool is_new;
    uint32_t *last = text_map_put(map, scope, text, &is_new);
    if (is_new)
        return text;
    uint32_t number = *last ? *last : 1;
    const char *name;
    do {
        name = arena_printf(im->v->arena, "%s (%" PRIu32 ")", text, ++number);
        text_map_put(map, scope, name, &is_new);
    } while (!is_new);
    *text_map_find(map, scope, text) = number;
    return name;
}

/* ---- categories and prices ---- */

_Static_assert((int)LIMIT_JSON_MEMBERS >= (int)LIMIT_VENUE_PLACES, "prices may name every category");

static void categories_in(struct import *im, struct json_node list)
{
    size_t count;
    bool is_new;
    if (!json_in_array(list, 0, LIMIT_VENUE_PLACES, &count))
        return;
    im->categories = arena_array(im->v->arena, count, sizeof(*im->categories));
    im->types = arena_array(im->v->arena, count, sizeof(*im->types));
    for (size_t i = 0; i < count; i++) {
        struct json_node item = json_in_item(list, i);
        if (!json_in_object(item, NULL))
            continue;
        const char *name = json_in_text(json_in_member(item, "name"), 1, LIMIT_TYPE_ID_CHARS);
        uint32_t *index = name ? text_map_put(&im->names, SCOPE_CATEGORIES, name, &is_new) : NULL;
        if (!index || !is_new)
            continue;
        *index = im->category_count;
        im->categories[im->category_count++] = (struct category){.name = name, .type = NO_TYPE};
    }
}

static void prices_in(struct import *im, struct json_node prices)
{
    void *iter = NULL;
    const char *name;
    struct json_node value;
    im->prices = prices;
    if (!json_in_object(prices, NULL))
        return;
    while (json_in_next_member(prices, &iter, &name, &value)) {
        struct decimal price = decimal_in(value);
        const uint32_t *index = text_map_find(&im->names, SCOPE_CATEGORIES, name);
        if (!index) {
            json_in_fault(value, "is no category of the plan");
            continue;
        }
        im->categories[*index].price = price;
        im->categories[*index].priced = true;
    }
}

static uint32_t category_in(struct import *im, struct json_node node)
{
    const char *name = json_in_text(node, 0, LIMIT_TYPE_ID_CHARS);
    if (!name)
        return NO_CATEGORY;
    const uint32_t *index = text_map_find(&im->names, SCOPE_CATEGORIES, name);
    if (!index) {
        json_in_fault(node, "is no category of the plan");
        return NO_CATEGORY;
    }
    struct category *category = &im->categories[*index];
    if (!category->priced && !category->missed && json_in_is_object(im->prices)) {
        category->missed = true;
        json_in_fault(json_in_no_member(im->prices, category->name), "is missing: the category has seats");
    }
    return *index;
}

/* ---- seats ---- */

static void guid_in(struct import *im, struct json_node node)
{
    bool is_new;
    const char *guid = json_in_text(node, 1, LIMIT_NAME_CHARS);
    if (!guid)
        return;
    text_map_put(&im->names, SCOPE_GUIDS, guid, &is_new);
    if (!is_new)
        json_in_fault(node, "comes twice in the plan");
}

static void seat_in(struct import *im, struct json_node node, const struct plan_row *row,
                    struct plan_seat *ret_seat)
{
    *ret_seat = (struct plan_seat){.category = NO_CATEGORY};
    if (!json_in_object(node, NULL))
        return;
    guid_in(im, json_in_member(node, "seat_guid"));
    ret_seat->label = label_in(im, json_in_member(node, "seat_number"));
    ret_seat->category = category_in(im, json_in_member(node, "category"));
    ret_seat->at = place_in(json_in_member(node, "position"), &row->at);
}

/* Labels that are distinct in the row: first those that are given, then the counted ones. */
static void label_seats(struct import *im, struct plan_row *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (row->seats[i].label)
            row->seats[i].label = distinct(im, &im->labels, row->scope, row->seats[i].label);
    for (uint32_t i = 0; i < row->count; i++)
        if (!row->seats[i].label)
            row->seats[i].label =
                distinct(im, &im->labels, row->scope, arena_printf(im->v->arena, "%" PRIu32, i + 1));
}

/* ---- rows ---- */

/* One row of the plan, with labelled seats. Returns false if it has none. */
static bool row_in(struct import *im, const struct zone *zone, struct json_node node,
                   struct plan_row *ret_row)
{
    size_t count;
    *ret_row = (struct plan_row){.scope = im->scopes++};
    if (!json_in_object(node, NULL))
        return false;
    ret_row->label = label_in(im, json_in_member(node, "row_number"));
    ret_row->at = place_in(json_in_member(node, "position"), &zone->at);
    struct json_node seats = json_in_member(node, "seats");
    if (!json_in_array(seats, 0, LIMIT_ROW_SEATS, &count) || count == 0)
        return false;
    ret_row->seats = arena_array(im->v->arena, count, sizeof(*ret_row->seats));
    ret_row->count = ret_row->cap = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        seat_in(im, json_in_item(seats, i), ret_row, &ret_row->seats[i]);
    label_seats(im, ret_row);
    return true;
}

static bool can_merge(const struct import *im, const struct plan_row *into, const struct plan_row *row)
{
    if (into->count + row->count > LIMIT_ROW_SEATS)
        return false;
    for (uint32_t i = 0; i < row->count; i++)
        if (text_map_find(&im->labels, into->scope, row->seats[i].label))
            return false;
    return true;
}

static void merge(struct import *im, struct plan_row *into, const struct plan_row *row)
{
    uint32_t count = into->count + row->count;
    bool is_new;
    if (count > into->cap) {
        struct plan_seat *seats = arena_array(im->v->arena, 2 * (size_t)count, sizeof(*seats));
        memcpy(seats, into->seats, into->count * sizeof(*seats));
        into->seats = seats;
        into->cap = 2 * count;
    }
    memcpy(into->seats + into->count, row->seats, row->count * sizeof(*row->seats));
    into->count = count;
    for (uint32_t i = 0; i < row->count; i++)
        text_map_put(&im->labels, into->scope, row->seats[i].label, &is_new);
}

/* Add a row to its zone: to the physical row of its label, or as a new one. */
static void add_row(struct import *im, struct zone *zone, const struct plan_row *row, uint32_t newest_scope)
{
    bool is_new = true;
    uint32_t *newest = row->label ? text_map_put(&im->labels, newest_scope, row->label, &is_new) : NULL;
    zone->seats += row->count;
    if (!is_new && can_merge(im, &zone->rows[*newest], row)) {
        merge(im, &zone->rows[*newest], row);
        return;
    }
    if (newest)
        *newest = zone->count;
    struct plan_row *added = &zone->rows[zone->count++];
    *added = *row;
    if (row->label)
        added->label = distinct(im, &im->labels, zone->scope, row->label);
}

static void rows_in(struct import *im, struct zone *zone, struct json_node rows)
{
    size_t count;
    struct plan_row row;
    uint32_t newest_scope = im->scopes++; /* label -> the newest physical row that was given it */
    if (!json_in_array(rows, 0, LIMIT_VENUE_ROWS, &count))
        return;
    zone->rows = arena_array(im->v->arena, count, sizeof(*zone->rows));
    for (size_t i = 0; i < count; i++)
        if (row_in(im, zone, json_in_item(rows, i), &row))
            add_row(im, zone, &row, newest_scope);
    for (uint32_t i = 0; i < zone->count; i++)
        if (!zone->rows[i].label)
            zone->rows[i].label =
                distinct(im, &im->labels, zone->scope, arena_printf(im->v->arena, "%" PRIu32, i + 1));
}

/* ---- building ---- */

/* The first seat from @index on that has this category; the row's count if there is none. */
static uint32_t next_of(const struct plan_row *row, uint32_t category, uint32_t index)
{
    while (index < row->count && row->seats[index].category != category)
        index++;
    return index;
}

/* Number the categories of a zone's seats as its types. Returns how many there are. */
static uint32_t number_types(struct import *im, const struct zone *zone)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < zone->count; i++) {
        for (uint32_t k = 0; k < zone->rows[i].count; k++) {
            uint32_t category = zone->rows[i].seats[k].category;
            if (im->categories[category].type != NO_TYPE)
                continue;
            im->categories[category].type = found;
            im->types[found++] = category;
        }
    }
    return found;
}

/* Where the physical row goes on after its part of type @type: the next type's first seat in it. */
static uint32_t start_of_next_part(const struct import *im, const struct plan_row *row, uint32_t type)
{
    uint32_t start = row->count, next = NO_TYPE;
    for (uint32_t i = 0; i < row->count; i++) {
        uint32_t other = im->categories[row->seats[i].category].type;
        if (other > type && other < next) {
            next = other;
            start = i;
        }
    }
    return start;
}

/* The part of a row that one type has. Seats that are not neighbours in the row are parted by a gap. */
static int build_part(struct layout_builder *b, const struct plan_row *row, uint32_t category,
                      uint32_t next_part)
{
    uint32_t i = next_of(row, category, 0);
    if (i == row->count)
        return 0;
    const struct place *at = &row->at;
    int ret = layout_builder_row(b, row->label, at->known ? &at->x : NULL, at->known ? &at->y : NULL);
    while (ret == 0 && i < row->count) {
        const struct plan_seat *seat = &row->seats[i];
        uint32_t next = next_of(row, category, i + 1);
        bool placed = seat->at.known;
        ret = layout_builder_seat(b, seat->label, placed ? &seat->at.x : NULL, placed ? &seat->at.y : NULL,
                                  NULL);
        uint32_t neighbour = next < row->count ? next : next_part;
        if (ret == 0 && neighbour < row->count && neighbour != i + 1)
            ret = layout_builder_gap_after(b, seat->label);
        i = next;
    }
    return ret;
}

static int build_zone(struct import *im, const struct zone *zone)
{
    struct layout_builder *b = im->v->builder;
    struct section_id id = {uuid_random(im->v->rng)};
    uint32_t count = number_types(im, zone);
    int ret = layout_builder_section(b, id, zone->name);
    for (uint32_t t = 0; t < count && ret == 0; t++) {
        const struct category *category = &im->categories[im->types[t]];
        ret = layout_builder_type(b, category->name, category->price);
        for (uint32_t i = 0; i < zone->count && ret == 0; i++) {
            const struct plan_row *row = &zone->rows[i];
            ret = build_part(b, row, im->types[t], start_of_next_part(im, row, t));
        }
    }
    for (uint32_t t = 0; t < count; t++)
        im->categories[im->types[t]].type = NO_TYPE;
    return ret;
}

static const char *zone_name_in(struct import *im, struct json_node node, size_t index)
{
    struct json_node name = json_in_member(node, "name"), id = json_in_member(node, "zone_id");
    const char *text = json_in_absent(name) ? NULL : json_in_text(name, 0, LIMIT_NAME_CHARS);
    if (!text || !text[0])
        text = json_in_is_text(id) ? json_in_text(id, 0, LIMIT_NAME_CHARS) : NULL;
    if (!text || !text[0])
        text = arena_printf(im->v->arena, "Zone %zu", index + 1);
    return distinct(im, &im->names, SCOPE_ZONES, text);
}

static void zone_in(struct import *im, struct json_node node, size_t index)
{
    static const struct place origin = {0};
    struct zone zone = {.scope = im->scopes++};
    if (!json_in_object(node, NULL))
        return;
    zone.at = place_in(json_in_member(node, "position"), &origin);
    rows_in(im, &zone, json_in_member(node, "rows"));
    if (zone.seats == 0)
        return;
    zone.name = zone_name_in(im, node, index);
    if (venue_in_ok(im->v))
        venue_in_built(im->v, node, build_zone(im, &zone));
}

static void size_in(struct import *im, struct json_node size)
{
    struct json_node width = json_in_member(size, "width"), height = json_in_member(size, "height");
    if (json_in_absent(size) || !json_in_object(size, NULL))
        return;
    int32_t w = json_in_missing(width) ? 0 : json_in_coordinate(width);
    int32_t h = json_in_missing(height) ? 0 : json_in_coordinate(height);
    if (w > 0 && h > 0)
        layout_builder_set_size(im->v->builder, w, h);
}

static void plan_in(struct import *im, struct json_node plan, struct json_node prices)
{
    size_t count;
    if (!json_in_object(plan, NULL))
        return;
    size_in(im, json_in_member(plan, "size"));
    categories_in(im, json_in_member(plan, "categories"));
    prices_in(im, prices);
    struct json_node zones = json_in_member(plan, "zones");
    if (json_in_array(zones, 1, LIMIT_VENUE_SECTIONS, &count))
        for (size_t i = 0; i < count; i++)
            zone_in(im, json_in_item(zones, i), i);
    if (venue_in_ok(im->v) && layout_builder_seats(im->v->builder) > 0)
        layout_builder_derive_gaps(im->v->builder);
}

int venue_from_import(struct venue_in *v, struct json_node body, struct layout **ret_layout)
{
    struct import im = {.v = v};
    v->builder = layout_builder_new();
    struct json_node format = json_in_member(body, "format"), plan = json_in_member(body, "plan");
    const char *text = json_in_text(format, 1, LIMIT_TYPE_ID_CHARS);
    if (text && strcmp(text, "pretix-seating-plan") != 0)
        json_in_fault(format, "must be \"pretix-seating-plan\"");
    struct json_node name = json_in_member(body, "name");
    if (json_in_absent(name) && !json_in_absent(json_in_member(plan, "name")))
        name = json_in_member(plan, "name");
    bool nameless = json_in_absent(name) && !json_in_is_object(plan); /* one fault is enough */
    const char *venue_name = nameless ? NULL : json_in_text(name, 1, LIMIT_NAME_CHARS);
    const char *timezone = venue_in_timezone(json_in_member(body, "timezone"));
    plan_in(&im, plan, json_in_member(body, "prices"));
    text_map_done(&im.names);
    text_map_done(&im.labels);
    return venue_in_finish(v, body, venue_name, timezone, ret_layout);
}
