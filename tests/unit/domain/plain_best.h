/*
 * The plain algorithm of best available, which looks at every row: what domain/best.c is compared with. Its
 * rules are those that domain/best.h gives, all of them without a bound, and it asks for each seat whether it
 * is free.
 */
#ifndef UNIT_DOMAIN_PLAIN_BEST_H
#define UNIT_DOMAIN_PLAIN_BEST_H

#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "domain/best.h"
#include <stdlib.h>
#include <string.h>

/* A seat of the row that is being looked at. */
struct cell {
    uint32_t seat;
    uint32_t attributes;
    bool free;      /* by whatever buyer */
    bool usable;    /* free, and fit for this wish */
    bool gap_after; /* the next cell is no neighbour */
};

struct chooser {
    const struct layout *layout;
    const struct best_wish *wish;
    bool (*free_seat)(const void *ctx, uint32_t seat);
    const void *ctx;
    struct arena *arena;
    bool *eligible;                   /* per place: of the wanted section and type */
    uint32_t row, row_end;            /* where to look */
    uint32_t special;                 /* attributes that are only chosen as far as needed, */
    uint32_t forbidden;               /* those of them that are not needed, */
    uint32_t needed;                  /* all that are needed, */
    uint32_t needs[LIMIT_ATTRIBUTES]; /* how often */

    struct cell *cells; /* the row that is being looked at */
    uint32_t cell_count, cell_cap;
    uint32_t longest_run; /* of usable neighbours */

    uint32_t *chosen;
    uint32_t chosen_count;
};

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

static bool plain_next_row(const struct chooser *c, uint32_t *row)
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

static bool plain_is_numbered(const struct chooser *c, uint32_t row)
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

static void plain_look_at_row(struct chooser *c, uint32_t row)
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
    plain_look_at_row(c, row);
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

static uint32_t plain_free_places(const struct chooser *c, uint32_t row, uint32_t limit, uint32_t *ret_seats)
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
    for (uint32_t row = c->row; plain_next_row(c, &row); row++) {
        if (plain_is_numbered(c, row)) {
            if (choose_in_row(c, row))
                return true;
        } else if (!c->needed && plain_free_places(c, row, c->wish->count, c->chosen) == c->wish->count) {
            c->chosen_count = c->wish->count;
            return true;
        }
    }
    return false;
}

enum { SECTION_STEP = 1000 /* a section's border is as far as so many rows */, FIRST_CAP = 256 };

/* Neighbouring seats, as a part of split.pool. */
struct plain_run {
    uint32_t first, length; /* length is cut to what is wanted */
    uint32_t rank;
    bool take_last; /* the run's end is nearer to the row's middle than its beginning */
};

/* A seat that answers a need. */
struct candidate {
    uint32_t seat, attributes, rank, position;
    bool chosen;
};

struct split {
    struct chooser *c;
    struct candidate *candidates;
    uint32_t candidate_count, candidate_cap;
    bool *is_chosen;              /* per seat, or NULL: none yet */
    uint32_t rank_low, rank_high; /* of what was chosen for needs; low > high: nothing */
    uint32_t *pool;
    uint32_t pool_count;
    struct plain_run *runs;
    uint32_t run_count, run_cap;
};

/* Room for one more element: twice the array (of the arena) when it is full. */
static void *grown(struct arena *arena, void *array, uint32_t count, uint32_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    *cap = *cap ? 2 * *cap : FIRST_CAP;
    void *bigger = arena_array(arena, *cap, size);
    if (count)
        memcpy(bigger, array, count * size);
    return bigger;
}

/* ---- first what is needed ---- */

/* Rank of @row after a row of rank @rank. The difference of two ranks is how far apart the rows are. */
static uint32_t next_rank(const struct split *s, uint32_t rank, uint32_t before, uint32_t row)
{
    const struct layout *l = s->c->layout;
    uint32_t borders = 0;
    if (before != NO_ROW)
        borders = l->places[l->rows[row].place].section - l->places[l->rows[before].place].section;
    return rank + 1 + borders * (SECTION_STEP - 1);
}

static void find_candidates(struct split *s)
{
    uint32_t rank = 0, before = NO_ROW;
    for (uint32_t row = s->c->row; plain_next_row(s->c, &row); before = row++) {
        rank = next_rank(s, rank, before, row);
        if (!plain_is_numbered(s->c, row))
            continue;
        plain_look_at_row(s->c, row);
        for (uint32_t i = 0; i < s->c->cell_count; i++) {
            const struct cell *cell = &s->c->cells[i];
            if (!cell->usable || !(cell->attributes & s->c->needed))
                continue;
            s->candidates = grown(s->c->arena, s->candidates, s->candidate_count, &s->candidate_cap,
                                  sizeof(*s->candidates));
            s->candidates[s->candidate_count++] = (struct candidate){
                .seat = cell->seat,
                .attributes = cell->attributes,
                .rank = rank,
                .position = i,
            };
        }
    }
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

/* True if @a is better than @b (or NULL): it answers more needs, or is nearer to @anchor (or NULL). */
static bool suits_better(const struct candidate *a, const struct candidate *b, uint32_t open,
                         const struct candidate *anchor)
{
    if (!b)
        return true;
    int answers_a = __builtin_popcount(a->attributes & open);
    int answers_b = __builtin_popcount(b->attributes & open);
    if (answers_a != answers_b || !anchor)
        return answers_a > answers_b;
    uint32_t rows_a = distance(a->rank, anchor->rank), rows_b = distance(b->rank, anchor->rank);
    if (rows_a != rows_b)
        return rows_a < rows_b;
    return distance(a->position, anchor->position) < distance(b->position, anchor->position);
}

/* The candidate to take next for the needs that are @open, or NULL. */
static struct candidate *next_candidate(struct split *s, uint32_t open, const struct candidate *anchor)
{
    struct candidate *best = NULL;
    for (uint32_t i = 0; i < s->candidate_count; i++) {
        struct candidate *a = &s->candidates[i];
        if (a->chosen || !(a->attributes & open) || (a->attributes & s->c->special & ~open))
            continue;
        if (suits_better(a, best, open, anchor))
            best = a;
    }
    return best;
}

static void take_candidate(struct split *s, struct candidate *a, uint32_t *open)
{
    must(!a->chosen && s->c->chosen_count < s->c->wish->count);
    a->chosen = true;
    s->is_chosen[a->seat] = true;
    s->c->chosen[s->c->chosen_count++] = a->seat;
    if (a->rank < s->rank_low)
        s->rank_low = a->rank;
    if (a->rank > s->rank_high)
        s->rank_high = a->rank;
    for (uint32_t left = a->attributes & *open; left; left &= left - 1) {
        uint32_t attribute = (uint32_t)__builtin_ctz(left);
        if (--s->c->needs[attribute] == 0)
            *open &= ~(UINT32_C(1) << attribute);
    }
}

/* Choose a seat for every need. False when the needs cannot be met. */
static bool choose_needed(struct split *s)
{
    uint32_t open = s->c->needed;
    const struct candidate *anchor = NULL;
    s->is_chosen = arena_array(s->c->arena, s->c->layout->seats_total, sizeof(*s->is_chosen));
    find_candidates(s);
    while (open) {
        struct candidate *a = next_candidate(s, open, anchor);
        if (!a || s->c->chosen_count == s->c->wish->count)
            return false;
        take_candidate(s, a, &open);
        if (!anchor)
            anchor = a;
    }
    return true;
}

/* ---- the rest in few pieces ---- */

static void add_run(struct split *s, struct plain_run run, uint32_t wanted)
{
    if (run.length == 0)
        return;
    if (run.length > wanted) {
        run.first += run.take_last ? run.length - wanted : 0;
        run.length = wanted;
    }
    s->runs = grown(s->c->arena, s->runs, s->run_count, &s->run_cap, sizeof(*s->runs));
    s->runs[s->run_count++] = run;
}

/* True if the cell may be chosen although no need asks for it. */
static bool is_plain(const struct split *s, const struct cell *cell)
{
    return cell->usable && !(cell->attributes & s->c->special) && !(s->is_chosen && s->is_chosen[cell->seat]);
}

static void runs_of_row(struct split *s, uint32_t row, uint32_t rank, uint32_t wanted)
{
    plain_look_at_row(s->c, row);
    uint32_t i = 0;
    while (i < s->c->cell_count) {
        struct plain_run run = {.first = s->pool_count, .rank = rank};
        uint32_t begin = i;
        while (i < s->c->cell_count && is_plain(s, &s->c->cells[i])) {
            s->pool[s->pool_count++] = s->c->cells[i].seat;
            if (s->c->cells[i++].gap_after)
                break;
        }
        run.length = s->pool_count - run.first;
        run.take_last = begin + i < s->c->cell_count;
        add_run(s, run, wanted);
        if (run.length == 0)
            i++;
    }
}

static void find_runs(struct split *s, uint32_t wanted)
{
    uint32_t rank = 0, before = NO_ROW;
    s->pool = arena_array(s->c->arena, s->c->layout->seats_total, sizeof(*s->pool));
    for (uint32_t row = s->c->row; plain_next_row(s->c, &row); before = row++) {
        rank = next_rank(s, rank, before, row);
        if (plain_is_numbered(s->c, row)) {
            runs_of_row(s, row, rank, wanted);
            continue;
        }
        struct plain_run run = {.first = s->pool_count, .rank = rank};
        run.length = plain_free_places(s->c, row, wanted, s->pool + s->pool_count);
        s->pool_count += run.length;
        add_run(s, run, wanted);
    }
}

/* How many runs there are of each length. */
struct lengths {
    uint32_t of[LIMIT_HOLD_SEATS + 1];
    uint32_t longest;
};

/* Fewest runs that have @wanted seats together, or 0: all of them have fewer. */
static uint32_t fewest(const struct lengths *lengths, uint32_t wanted)
{
    uint32_t pieces = 0, sum = 0;
    for (uint32_t length = lengths->longest; length > 0; length--) {
        for (uint32_t i = 0; i < lengths->of[length]; i++) {
            pieces++;
            sum += length;
            if (sum >= wanted)
                return pieces;
        }
    }
    return 0;
}

/* True if the @pieces longest runs have @wanted seats. No run up to *ret_floor would add to them. */
static bool enough(const struct lengths *lengths, uint32_t pieces, uint32_t wanted, uint32_t *ret_floor)
{
    uint32_t sum = 0, length = lengths->longest;
    for (; length > 0 && pieces > 0 && sum < wanted; length--) {
        uint32_t taken = lengths->of[length] < pieces ? lengths->of[length] : pieces;
        sum += taken * length;
        pieces -= taken;
    }
    *ret_floor = pieces == 0 ? length + 1 : 0;
    return sum >= wanted;
}

/* The rows that runs [first, last] and the seats chosen for needs stretch over. */
static uint32_t stretch(const struct split *s, uint32_t first, uint32_t last)
{
    uint32_t low = s->runs[first].rank < s->rank_low ? s->runs[first].rank : s->rank_low;
    uint32_t high = s->runs[last].rank > s->rank_high ? s->runs[last].rank : s->rank_high;
    must(low <= high);
    return high - low;
}

/*
 * Of all series of runs in which @pieces have @wanted seats: the one over the smallest stretch, the first of
 * several. Two fingers: for each last run the latest first one that will do.
 */
static void nearest_runs(const struct split *s, const struct lengths *all, uint32_t pieces, uint32_t wanted,
                         uint32_t *ret_first, uint32_t *ret_last)
{
    struct lengths in = {.longest = all->longest};
    uint32_t first = 0, floor = 0, best = UINT32_MAX;
    for (uint32_t last = 0; last < s->run_count && best > 0; last++) {
        in.of[s->runs[last].length]++;
        if (s->runs[last].length <= floor)
            continue;
        uint32_t before = first;
        while (enough(&in, pieces, wanted, &floor))
            in.of[s->runs[first++].length]--;
        if (first == before || stretch(s, first - 1, last) >= best)
            continue;
        best = stretch(s, first - 1, last);
        *ret_first = first - 1;
        *ret_last = last;
    }
    must(best != UINT32_MAX); /* the series of all runs will do */
}

/* Take the @pieces longest of the runs [first, last]; what is too much is cut from a shortest one. */
static void take_runs(struct split *s, uint32_t first, uint32_t last, uint32_t pieces, uint32_t wanted)
{
    struct lengths in = {0}, take = {0};
    for (uint32_t i = first; i <= last; i++)
        in.of[s->runs[i].length]++;
    uint32_t sum = 0, shortest = 0;
    for (uint32_t length = LIMIT_HOLD_SEATS; length > 0 && pieces > 0; length--) {
        take.of[length] = in.of[length] < pieces ? in.of[length] : pieces;
        pieces -= take.of[length];
        sum += take.of[length] * length;
        shortest = take.of[length] ? length : shortest;
    }
    must(sum >= wanted && sum - wanted < shortest);
    for (uint32_t i = first; i <= last; i++) {
        struct plain_run run = s->runs[i];
        if (take.of[run.length] == 0)
            continue;
        uint32_t cut = --take.of[run.length] == 0 && run.length == shortest ? sum - wanted : 0;
        uint32_t from = run.first + (run.take_last ? cut : 0);
        for (uint32_t j = 0; j < run.length - cut; j++)
            s->c->chosen[s->c->chosen_count++] = s->pool[from + j];
    }
}

static int choose_rest(struct split *s, uint32_t wanted)
{
    find_runs(s, wanted);
    struct lengths all = {0};
    for (uint32_t i = 0; i < s->run_count; i++) {
        uint32_t length = s->runs[i].length;
        all.of[length]++;
        all.longest = length > all.longest ? length : all.longest;
    }
    uint32_t pieces = fewest(&all, wanted);
    if (pieces == 0)
        return BOX_ENOTENOUGH;
    uint32_t first = 0, last = 0;
    nearest_runs(s, &all, pieces, wanted, &first, &last);
    take_runs(s, first, last, pieces, wanted);
    return 0;
}

static int plain_split(struct chooser *c)
{
    struct split s = {.c = c, .rank_low = UINT32_MAX};
    if (c->needed && !choose_needed(&s))
        return BOX_ENOTENOUGH;
    uint32_t wanted = c->wish->count - c->chosen_count;
    return wanted ? choose_rest(&s, wanted) : 0;
}

/* ---- the whole ---- */

static int compare_seats(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int plain_best_available(const struct layout *layout, const struct best_wish *wish,
                                bool (*free_seat)(const void *ctx, uint32_t seat), const void *ctx,
                                struct arena *arena, uint32_t *ret_seats)
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
        int ret = plain_split(&c);
        if (ret)
            return ret;
    }
    must(c.chosen_count == wish->count);
    qsort(c.chosen, wish->count, sizeof(*c.chosen), compare_seats);
    memcpy(ret_seats, c.chosen, wish->count * sizeof(*c.chosen));
    return 0;
}

#endif
