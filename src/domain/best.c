/*
 * Best available, in two steps.
 *
 * 1. together(): the first row from the front with a window of neighbouring seats that will do; the runs tell
 * which it is. Within the row a window that leaves no single seat alone is better than one that does, then
 * the one nearest to the middle, then the leftmost.
 * 2. best_split(), when no row has such a window: first the seats that the needs ask for, each the nearest to
 * the first of them; then the rest in the fewest pieces that are possible, taken where these lie in the
 * smallest stretch of rows.
 *
 * A row here is a full row (seating.h): a physical row with all its parts. An unnumbered place is one piece
 * whose free places all count as neighbours.
 *
 * Seats with a special attribute count towards a need for it and are otherwise left alone, so exactly as many
 * are chosen as are needed; of other attributes at least as many. A seat that answers several needs at once
 * is preferred for them.
 */
#include "base/must.h"
#include "domain/best_impl.h"
#include <stdlib.h>
#include <string.h>

/* ---- the wish ---- */

static void read_needs(struct chooser *c)
{
    for (size_t i = 0; i < c->wish->need_count; i++) {
        const struct best_need *need = &c->wish->needs[i];
        must(need->attribute < c->layout->attribute_count);
        if (need->count == 0)
            continue;
        c->needs[need->attribute] += need->count;
        c->needed |= UINT32_C(1) << need->attribute;
    }
    c->special = c->layout->seating->special_attributes;
    c->forbidden = c->special & ~c->needed;
}

/* ---- rows ---- */

/* Append the cells of a row of the layout that is a part of the full row. */
static void look_at_part(struct chooser *c, uint32_t row)
{
    const struct layout_row *part = &c->layout->rows[row];
    const char *type_id = c->layout->places[part->place].type_id;
    bool eligible = !c->wish->type_id || strcmp(c->wish->type_id, type_id) == 0;
    uint32_t first_cell = seating_cell(c->layout, row, part->first_seat);
    for (uint32_t i = 0; i < part->seats; i++) {
        uint32_t seat = part->first_seat + i;
        uint32_t attributes = c->layout->seat_attributes ? c->layout->seat_attributes[seat] : 0;
        bool free = runs_cell_is_free(c->runs, first_cell + i);
        bool usable = free & eligible & !(attributes & c->forbidden);
        bool gap = bit_at(c->layout->seating->stop_after, first_cell + i);
        c->cells[c->cell_count++] = (struct cell){seat, attributes, free, usable, gap};
    }
}

static void look_at_row(struct chooser *c, uint32_t full_row)
{
    const struct seating *seating = c->layout->seating;
    uint32_t cells = seating->lanes[full_row].cells;
    if (cells > c->cell_cap) {
        c->cell_cap = 2 * cells;
        c->cells = arena_array(c->arena, c->cell_cap, sizeof(*c->cells));
    }
    c->cell_count = 0;
    for (uint32_t part = seating->first_part[full_row]; part != NO_ROW;
         part = c->layout->rows[part].next_part)
        look_at_part(c, part);
    must(c->cell_count == cells);
}

/* ---- step 1: together ---- */

struct window {
    uint32_t first, alone, off_middle;
};

/* True if the free cell @i would have no free neighbour but for those of the window next to it. */
static bool left_alone(const struct chooser *c, uint32_t i, bool window_is_right)
{
    const struct cell *cell = &c->cells[i];
    if (!cell->free || (cell->attributes & c->special))
        return false;
    if (window_is_right)
        return i == 0 || cell[-1].gap_after || !cell[-1].free;
    return i + 1 == c->cell_count || cell->gap_after || !cell[1].free;
}

static struct window rate(const struct chooser *c, uint32_t first)
{
    uint32_t end = first + c->wish->count;
    struct window w = {.first = first};
    if (first > 0 && !c->cells[first - 1].gap_after)
        w.alone += left_alone(c, first - 1, true);
    if (end < c->cell_count && !c->cells[end - 1].gap_after)
        w.alone += left_alone(c, end, false);
    uint32_t twice_middle = first + end; /* in half seats */
    w.off_middle = twice_middle > c->cell_count ? twice_middle - c->cell_count : c->cell_count - twice_middle;
    return w;
}

static bool is_better(const struct window *a, const struct window *b)
{
    return a->alone != b->alone ? a->alone < b->alone : a->off_middle < b->off_middle;
}

static bool needs_met(const struct chooser *c, const uint32_t *have)
{
    for (uint32_t left = c->needed; left; left &= left - 1) {
        uint32_t attribute = (uint32_t)__builtin_ctz(left);
        bool exact = c->special >> attribute & 1;
        if (exact ? have[attribute] != c->needs[attribute] : have[attribute] < c->needs[attribute])
            return false;
    }
    return true;
}

/* Count a cell's needed attributes in (+1) or out (-1) of a window. */
static void count_needs(const struct chooser *c, uint32_t cell, int by, uint32_t *have)
{
    for (uint32_t left = c->cells[cell].attributes & c->needed; left; left &= left - 1)
        have[__builtin_ctz(left)] += (uint32_t)by;
}

/* The best window of the run of usable cells [begin, end), if it is better than *best. */
static void windows_of_run(const struct chooser *c, uint32_t begin, uint32_t end, struct window *best,
                           bool *found)
{
    uint32_t count = c->wish->count, have[LIMIT_ATTRIBUTES] = {0};
    for (uint32_t i = begin; i < end; i++) {
        count_needs(c, i, 1, have);
        if (i - begin >= count)
            count_needs(c, i - count, -1, have);
        if (i + 1 - begin < count || !needs_met(c, have))
            continue;
        struct window w = rate(c, i + 1 - count);
        if (!*found || is_better(&w, best))
            *best = w;
        *found = true;
    }
}

/* End of the run of usable neighbours that begins with cell @begin (which is usable). */
static uint32_t run_end(const struct chooser *c, uint32_t begin)
{
    uint32_t end = begin + 1;
    while (end < c->cell_count && !c->cells[end - 1].gap_after && c->cells[end].usable)
        end++;
    return end;
}

static bool choose_in_row(struct chooser *c, uint32_t full_row)
{
    struct window best;
    bool found = false;
    look_at_row(c, full_row);
    for (uint32_t i = 0; i < c->cell_count;) {
        if (!c->cells[i].usable) {
            i++;
            continue;
        }
        uint32_t end = run_end(c, i);
        if (end - i >= c->wish->count)
            windows_of_run(c, i, end, &best, &found);
        i = end;
    }
    for (uint32_t i = 0; found && i < c->wish->count; i++)
        c->chosen[c->chosen_count++] = c->cells[best.first + i].seat;
    return found;
}

void best_take_standing(struct chooser *c, uint32_t lane, uint32_t count)
{
    const struct lane *cells = &c->layout->seating->lanes[lane];
    uint32_t at = cells->first_cell, end = at + cells->cells;
    while (count > 0) {
        struct run run;
        must(runs_next(c->runs, at, end, &run));
        for (at = run.first; at < run.first + run.length && count > 0; at++, count--)
            c->chosen[c->chosen_count++] = seating_seat(c->layout, cells->full_row, at);
    }
}

/* True if somewhere in the lane @wanted free seats with one attribute (a bit) are near enough to each other.
 */
static bool has_enough(const struct chooser *c, const struct lane *cells, uint32_t attribute, uint32_t wanted)
{
    uint32_t end = cells->first_cell + cells->cells, found = 0;
    uint32_t first = runs_next_having(c->runs, attribute, cells->first_cell, end), last = first;
    for (; last < end; last = runs_next_having(c->runs, attribute, last + 1, end)) {
        if (++found > wanted)
            first = runs_next_having(c->runs, attribute, first + 1, end);
        if (found >= wanted && last - first < c->wish->count)
            return true;
    }
    return false;
}

/* False if no window of the lane can have the needed attributes. */
static bool has_needed(const struct chooser *c, uint32_t lane)
{
    for (uint32_t left = c->needed; left; left &= left - 1) {
        if (!has_enough(c, &c->layout->seating->lanes[lane], left & -left, c->needs[__builtin_ctz(left)]))
            return false;
    }
    return true;
}

/*
 * The next lane at or after *lane that may have a window that will do, or false: none. Without needs it has
 * one. The runs are of seats that anybody may choose; so they do not help those who need a special one.
 */
static bool next_lane(const struct chooser *c, uint32_t *lane)
{
    for (; *lane < c->lane_end; ++*lane) {
        if (!(c->needed & c->special))
            *lane = runs_next_lane(c->runs, *lane, c->lane_end, c->wish->count);
        if (*lane < c->lane_end && has_needed(c, *lane))
            return true;
    }
    return false;
}

static bool choose_in_lane(struct chooser *c, uint32_t lane)
{
    if (c->layout->seating->lanes[lane].numbered)
        return choose_in_row(c, c->layout->seating->lanes[lane].full_row);
    if (c->needed)
        return false; /* who stands has no need answered */
    best_take_standing(c, lane, c->wish->count);
    return true;
}

static bool together(struct chooser *c)
{
    uint32_t rows = 0;
    for (uint32_t lane = c->lane; rows < BEST_ROWS && next_lane(c, &lane); lane++, rows++) {
        if (choose_in_lane(c, lane))
            return true;
        must(c->needed);
    }
    return false;
}

static int compare_seats(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int best_available(const struct layout *layout, const struct runs *runs, const struct best_wish *wish,
                   struct arena *arena, uint32_t *ret_seats)
{
    must(wish->count > 0 && wish->count <= LIMIT_HOLD_SEATS);
    struct chooser c = {
        .layout = layout,
        .runs = runs,
        .wish = wish,
        .arena = arena,
        .chosen = arena_array(arena, wish->count, sizeof(*ret_seats)),
    };
    read_needs(&c);
    seating_lanes(layout, wish->section, wish->type_id, &c.lane, &c.lane_end);
    if (!together(&c)) {
        int ret = best_split(&c);
        if (ret)
            return ret;
    }
    must(c.chosen_count == wish->count);
    qsort(c.chosen, wish->count, sizeof(*c.chosen), compare_seats);
    memcpy(ret_seats, c.chosen, wish->count * sizeof(*c.chosen));
    return 0;
}
