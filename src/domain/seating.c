#include "domain/seating.h"
#include "base/must.h"
#include "base/params.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(LIMIT_VENUE_SECTIONS <= UINT16_MAX, "a section's index fits");

static const char *const special_names[] = {"wheelchair", "companion"};

/* ---- making ---- */

/* What is filled here and constant afterwards. */
struct making {
    const struct layout *layout;
    struct arena *arena;
    struct seating *seating;
    struct lane *lanes;
    uint64_t *stop_after, *special, **having;
};

static void set_bit(uint64_t *bits, uint32_t cell)
{
    bits[cell / 64] |= UINT64_C(1) << cell % 64;
}

static int compare_types(const void *a, const void *b, void *arg)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const struct layout_place *places = arg;
    int order = strcmp(places[left].type_id, places[right].type_id);
    return order ? order : (left > right) - (left < right);
}

/* Where the parts' lanes of each place begin. */
static void number_places(struct making *m)
{
    const struct layout *l = m->layout;
    uint32_t *places = arena_array(m->arena, l->place_count, sizeof(*places));
    uint32_t *first_lane = arena_array(m->arena, l->place_count, sizeof(*first_lane));
    for (uint32_t i = 0; i < l->place_count; i++)
        places[i] = i;
    qsort_r(places, l->place_count, sizeof(*places), compare_types, l->places);
    uint32_t lane = m->seating->full_rows;
    for (uint32_t i = 0; i < l->place_count; i++) {
        first_lane[places[i]] = lane;
        lane += l->places[places[i]].rows;
    }
    m->seating->places_by_type = places;
    m->seating->lane_of_place = first_lane;
}

static uint32_t count_full_rows(const struct layout *l)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < l->row_count; row++)
        count += !l->rows[row].part_of_earlier;
    return count;
}

static struct lane lane(uint32_t first_cell, uint32_t cells, uint32_t full_row,
                        const struct layout_place *place)
{
    return (struct lane){
        .first_cell = first_cell,
        .cells = cells,
        .full_row = full_row,
        .section = (uint16_t)place->section,
        .numbered = place->numbered,
    };
}

/* Full rows, lanes and cells, in the order of the full rows. */
static void number_cells(struct making *m)
{
    const struct layout *l = m->layout;
    struct seating *s = m->seating;
    s->full_rows = count_full_rows(l);
    s->lane_count = s->full_rows + l->row_count;
    m->lanes = arena_array(m->arena, s->lane_count, sizeof(*m->lanes));
    uint32_t *first_part = arena_array(m->arena, s->full_rows, sizeof(*first_part));
    uint32_t *lane_of_row = arena_array(m->arena, l->row_count, sizeof(*lane_of_row));
    number_places(m);
    uint32_t *next_lane = arena_copy(m->arena, s->lane_of_place, l->place_count * sizeof(*s->lane_of_place));
    uint32_t full_row = 0, cell = 0;
    for (uint32_t row = 0; row < l->row_count; row++) {
        if (l->rows[row].part_of_earlier)
            continue;
        const struct layout_place *place = &l->places[l->rows[row].place];
        uint32_t begin = cell;
        for (uint32_t part = row; part != NO_ROW; part = l->rows[part].next_part) {
            lane_of_row[part] = next_lane[l->rows[part].place]++;
            m->lanes[lane_of_row[part]] = lane(cell, l->rows[part].seats, full_row, place);
            cell += l->rows[part].seats;
        }
        m->lanes[full_row] = lane(begin, cell - begin, full_row, place);
        if (place->numbered && cell - begin > s->most_cells)
            s->most_cells = cell - begin;
        first_part[full_row++] = row;
    }
    must(full_row == s->full_rows && cell == l->seats_total);
    s->lanes = m->lanes;
    s->first_part = first_part;
    s->lane_of_row = lane_of_row;
}

static void allot_bitmaps(struct making *m)
{
    const struct layout *l = m->layout;
    struct seating *s = m->seating;
    s->words = (l->seats_total + 63) / 64;
    m->stop_after = arena_array(m->arena, s->words, sizeof(*m->stop_after));
    m->having = arena_array(m->arena, l->attribute_count, sizeof(*m->having));
    for (uint32_t i = 0; i < l->attribute_count; i++)
        m->having[i] = arena_array(m->arena, s->words, sizeof(**m->having));
    for (size_t i = 0; i < sizeof(special_names) / sizeof(special_names[0]); i++) {
        uint32_t attribute;
        if (layout_find_attribute(l, special_names[i], &attribute))
            s->special_attributes |= UINT32_C(1) << attribute;
    }
    if (s->special_attributes)
        m->special = arena_array(m->arena, s->words, sizeof(*m->special));
}

static uint32_t *find_rows(struct making *m)
{
    uint32_t *row_near = arena_array(m->arena, m->seating->words, sizeof(*row_near));
    for (uint32_t i = 0, row = 0; i < m->seating->words; i++) {
        while (i * 64 - m->layout->rows[row].first_seat >= m->layout->rows[row].seats)
            row++;
        row_near[i] = row;
    }
    return row_near;
}

static void mark_cell(struct making *m, uint32_t seat, uint32_t cell)
{
    const struct layout *l = m->layout;
    uint32_t attributes = l->seat_attributes ? l->seat_attributes[seat] : 0;
    if (layout_gap_after(l, seat))
        set_bit(m->stop_after, cell);
    if (attributes & m->seating->special_attributes)
        set_bit(m->special, cell);
    for (; attributes; attributes &= attributes - 1)
        set_bit(m->having[__builtin_ctz(attributes)], cell);
}

const struct seating *seating_new(const struct layout *layout, struct arena *arena)
{
    struct making m = {.layout = layout, .arena = arena, .seating = arena_alloc(arena, sizeof(*m.seating))};
    number_cells(&m);
    allot_bitmaps(&m);
    for (uint32_t row = 0; row < layout->row_count; row++) {
        uint32_t cell = m.lanes[m.seating->lane_of_row[row]].first_cell;
        for (uint32_t i = 0; i < layout->rows[row].seats; i++)
            mark_cell(&m, layout->rows[row].first_seat + i, cell + i);
    }
    for (uint32_t i = 0; i < m.seating->full_rows; i++)
        set_bit(m.stop_after, m.lanes[i].first_cell + m.lanes[i].cells - 1);
    m.seating->row_near = find_rows(&m);
    m.seating->stop_after = m.stop_after;
    m.seating->special = m.special;
    m.seating->having = (const uint64_t **)m.having;
    return m.seating;
}

/* ---- lanes of a wish ---- */

/* How many of the places, which are ordered by type, come before @type_id (or, with @after, up to it). */
static uint32_t places_before(const struct layout *l, const char *type_id, bool after)
{
    uint32_t low = 0, high = l->place_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(l->places[l->seating->places_by_type[middle]].type_id, type_id);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The full row that a section begins with. */
static uint32_t first_full_row(const struct layout *l, uint32_t section)
{
    if (section == l->section_count)
        return l->seating->full_rows;
    uint32_t row = l->places[l->sections[section].first_place].first_row;
    return l->seating->lanes[l->seating->lane_of_row[row]].full_row;
}

void seating_lanes(const struct layout *layout, uint32_t section, const char *type_id, uint32_t *ret_lane,
                   uint32_t *ret_end)
{
    const struct seating *s = layout->seating;
    bool any_section = section == UINT32_MAX;
    must(any_section || section < layout->section_count);
    *ret_lane = *ret_end = 0;
    if (!type_id) {
        *ret_lane = any_section ? 0 : first_full_row(layout, section);
        *ret_end = any_section ? s->full_rows : first_full_row(layout, section + 1);
        return;
    }
    uint32_t first, last;
    if (any_section) {
        uint32_t before = places_before(layout, type_id, false), up_to = places_before(layout, type_id, true);
        if (before == up_to)
            return;
        first = s->places_by_type[before];
        last = s->places_by_type[up_to - 1];
    } else {
        if (!layout_find_place(layout, section, type_id, &first))
            return;
        last = first;
    }
    *ret_lane = s->lane_of_place[first];
    *ret_end = s->lane_of_place[last] + layout->places[last].rows;
}

/* ---- cells ---- */

/* Few rows begin within 64 seats: from the nearest row that is known it is not far. */
uint32_t seating_row(const struct layout *layout, uint32_t seat)
{
    must(seat < layout->seats_total);
    uint32_t row = layout->seating->row_near[seat / 64];
    while (seat - layout->rows[row].first_seat >= layout->rows[row].seats)
        row++;
    return row;
}

uint32_t seating_cell(const struct layout *layout, uint32_t row, uint32_t seat)
{
    const struct layout_row *r = &layout->rows[row];
    must(seat - r->first_seat < r->seats);
    return layout->seating->lanes[layout->seating->lane_of_row[row]].first_cell + (seat - r->first_seat);
}

uint32_t seating_seat(const struct layout *layout, uint32_t full_row, uint32_t cell)
{
    const struct seating *s = layout->seating;
    must(full_row < s->full_rows && cell - s->lanes[full_row].first_cell < s->lanes[full_row].cells);
    uint32_t part = s->first_part[full_row], offset = cell - s->lanes[full_row].first_cell;
    while (offset >= layout->rows[part].seats) {
        offset -= layout->rows[part].seats;
        part = layout->rows[part].next_part;
    }
    return layout->rows[part].first_seat + offset;
}
