/*
 * Best available, in two steps.
 *
 * 1. together(): the rows from the front; the first one with a window of neighbouring seats that will do.
 * Within the row a window that leaves no single seat alone is better than one that does, then the one nearest
 * to the middle, then the leftmost.
 * 2. best_split(), when no row has such a window: first the seats that the needs ask for, each the nearest to
 * the first of them; then the rest in the fewest pieces that are possible, taken where these lie in the
 * smallest stretch of rows.
 *
 * A row here is a physical row: the parts that belong to different places, chained by next_part. An
 * unnumbered place is one piece whose free places all count as neighbours.
 *
 * Seats with a special attribute count towards a need for it and are otherwise left alone, so exactly as many
 * are chosen as are needed; of other attributes at least as many. A seat that answers several needs at once
 * is preferred for them; where needs overlap in an odd way, this may miss the one combination that exists.
 */
#include "base/must.h"
#include "domain/best_impl.h"
#include <stdlib.h>
#include <string.h>

static const char *const special_attributes[] = {"wheelchair", "companion"};

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
    for (size_t i = 0; i < sizeof(special_attributes) / sizeof(special_attributes[0]); i++) {
        uint32_t attribute;
        if (layout_find_attribute(c->layout, special_attributes[i], &attribute))
            c->special |= UINT32_C(1) << attribute;
    }
    c->forbidden = c->special & ~c->needed;
}

static void read_places(struct chooser *c)
{
    const struct layout *l = c->layout;
    uint32_t place = 0, place_end = l->place_count;
    if (c->wish->section != UINT32_MAX) {
        must(c->wish->section < l->section_count);
        place = l->sections[c->wish->section].first_place;
        place_end = place + l->sections[c->wish->section].places;
    }
    must(place < place_end);
    c->row = l->places[place].first_row;
    c->row_end = l->places[place_end - 1].first_row + l->places[place_end - 1].rows;
    c->eligible = arena_array(c->arena, l->place_count, sizeof(*c->eligible));
    for (; place < place_end; place++)
        c->eligible[place] = !c->wish->type_id || strcmp(l->places[place].type_id, c->wish->type_id) == 0;
}

/* ---- rows ---- */

static uint32_t attributes_of(const struct chooser *c, uint32_t seat)
{
    return c->layout->seat_attributes ? c->layout->seat_attributes[seat] : 0;
}

bool best_next_row(const struct chooser *c, uint32_t *row)
{
    const struct layout_row *rows = c->layout->rows;
    for (; *row < c->row_end; ++*row) {
        if (rows[*row].part_of_earlier)
            continue;
        for (uint32_t part = *row; part != NO_ROW; part = rows[part].next_part) {
            if (c->eligible[rows[part].place])
                return true;
        }
    }
    return false;
}

bool best_is_numbered(const struct chooser *c, uint32_t row)
{
    return c->layout->places[c->layout->rows[row].place].numbered;
}

static bool gap_after(const struct chooser *c, uint32_t seat)
{
    const uint8_t *gaps = c->layout->gap_after;
    return gaps && (gaps[seat / 8] >> seat % 8 & 1);
}

/* Written without branches on what a seat is like: in a half-sold hall they could not be foretold. */
static void look_at_part(struct chooser *c, const struct layout_row *part, uint32_t *run)
{
    bool eligible = c->eligible[part->place];
    for (uint32_t seat = part->first_seat; seat < part->first_seat + part->seats; seat++) {
        uint32_t attributes = attributes_of(c, seat);
        bool free = c->free_seat(c->ctx, seat);
        bool usable = free & eligible & !(attributes & c->forbidden);
        bool gap = gap_after(c, seat);
        c->cells[c->cell_count++] = (struct cell){seat, attributes, free, usable, gap};
        *run = usable ? *run + 1 : 0;
        c->longest_run = *run > c->longest_run ? *run : c->longest_run;
        *run = gap ? 0 : *run;
    }
}

void best_look_at_row(struct chooser *c, uint32_t row)
{
    const struct layout_row *rows = c->layout->rows;
    uint32_t seats = 0, run = 0;
    for (uint32_t part = row; part != NO_ROW; part = rows[part].next_part)
        seats += rows[part].seats;
    if (seats > c->cell_cap) {
        c->cell_cap = 2 * seats;
        c->cells = arena_array(c->arena, c->cell_cap, sizeof(*c->cells));
    }
    c->cell_count = 0;
    c->longest_run = 0;
    for (uint32_t part = row; part != NO_ROW; part = rows[part].next_part)
        look_at_part(c, &rows[part], &run);
    must(c->cell_count == seats);
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

static bool choose_in_row(struct chooser *c, uint32_t row)
{
    struct window best;
    bool found = false;
    best_look_at_row(c, row);
    if (c->longest_run < c->wish->count)
        return false;
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

uint32_t best_free_places(const struct chooser *c, uint32_t row, uint32_t limit, uint32_t *ret_seats)
{
    const struct layout_row *r = &c->layout->rows[row];
    uint32_t found = 0;
    for (uint32_t i = 0; i < r->seats && found < limit; i++) {
        uint32_t seat = r->first_seat + i;
        if (c->free_seat(c->ctx, seat) && !(attributes_of(c, seat) & c->special))
            ret_seats[found++] = seat;
    }
    return found;
}

static bool together(struct chooser *c)
{
    for (uint32_t row = c->row; best_next_row(c, &row); row++) {
        if (best_is_numbered(c, row)) {
            if (choose_in_row(c, row))
                return true;
        } else if (!c->needed && best_free_places(c, row, c->wish->count, c->chosen) == c->wish->count) {
            c->chosen_count = c->wish->count;
            return true;
        }
    }
    return false;
}

static int compare_seats(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int best_available(const struct layout *layout, const struct best_wish *wish,
                   bool (*free_seat)(const void *ctx, uint32_t seat), const void *ctx, struct arena *arena,
                   uint32_t *ret_seats)
{
    must(wish->count > 0 && wish->count <= LIMIT_HOLD_SEATS);
    struct chooser c = {
        .layout = layout,
        .wish = wish,
        .free_seat = free_seat,
        .ctx = ctx,
        .arena = arena,
        .chosen = arena_array(arena, wish->count, sizeof(*ret_seats)),
    };
    read_needs(&c);
    read_places(&c);
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
