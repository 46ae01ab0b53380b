#include "domain/runs.h"
#include "base/must.h"
#include "base/params.h"
#include "domain/seating.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(LIMIT_HOLD_SEATS <= UINT8_MAX, "a length fits a byte");

struct runs {
    const struct layout *layout;
    const struct seating *seating;
    uint64_t *free;      /* a bit a cell */
    uint32_t *standing;  /* for each unnumbered place, its free cells that anybody may choose */
    uint32_t leaf_count; /* a power of two, >= lanes */
    uint8_t *longest; /* the tree: the root at 1, children of i at 2i and 2i + 1, lanes from leaf_count on */
};

/* ---- cells ---- */

static uint64_t choosable(const struct runs *r, uint32_t word)
{
    uint64_t bits = r->free[word];
    return r->seating->special ? bits & ~r->seating->special[word] : bits;
}

/* The first set bit of [from, end) in the bitmap whose words are @bits(r, word); @end: none. */
static inline uint32_t next_bit(const struct runs *r, uint64_t (*bits)(const struct runs *r, uint32_t word),
                                uint32_t from, uint32_t end)
{
    if (from >= end)
        return end;
    uint32_t word = from / 64;
    uint64_t left = bits(r, word) >> from % 64 << from % 64;
    while (!left) {
        if (++word * 64 >= end)
            return end;
        left = bits(r, word);
    }
    uint32_t cell = word * 64 + (uint32_t)__builtin_ctzll(left);
    return cell < end ? cell : end;
}

/* Cells after which a run does not go on: they cannot be chosen, or the next one is no neighbour. */
static uint64_t stops(const struct runs *r, uint32_t word)
{
    return ~choosable(r, word) | r->seating->stop_after[word];
}

static bool can_be_chosen(const struct runs *r, uint32_t cell)
{
    return choosable(r, cell / 64) >> cell % 64 & 1;
}

bool runs_next(const struct runs *r, uint32_t from, uint32_t end, struct run *ret_run)
{
    uint32_t first = next_bit(r, choosable, from, end);
    if (first >= end)
        return false;
    uint32_t stop = next_bit(r, stops, first, end);
    if (stop < end && can_be_chosen(r, stop))
        stop++; /* the last of the run itself */
    *ret_run = (struct run){.first = first, .length = stop - first};
    return true;
}

/* ---- lanes ---- */

static uint8_t cut(uint32_t length)
{
    return (uint8_t)(length < LIMIT_HOLD_SEATS ? length : LIMIT_HOLD_SEATS);
}

/* @count bits, at most 64, from @cell on. */
static uint64_t bits_from(const struct runs *r, uint64_t (*bits)(const struct runs *r, uint32_t word),
                          uint32_t cell, uint32_t count)
{
    uint64_t found = bits(r, cell / 64) >> cell % 64;
    if (cell % 64 + count > 64)
        found |= bits(r, cell / 64 + 1) << (64 - cell % 64);
    return count < 64 ? found & ((UINT64_C(1) << count) - 1) : found;
}

/* The longest run of at most 64 cells: the beginnings of runs of 1, of 2, ... until there are none. */
static uint8_t longest_of_few(const struct runs *r, const struct lane *lane)
{
    uint64_t begin = bits_from(r, choosable, lane->first_cell, lane->cells);
    uint64_t go_on = ~bits_from(r, stops, lane->first_cell, lane->cells);
    uint8_t longest = 0;
    for (; begin; begin = go_on & begin >> 1)
        longest++;
    return cut(longest);
}

static uint8_t count_longest(const struct runs *r, const struct lane *lane)
{
    if (lane->cells <= 64)
        return longest_of_few(r, lane);
    uint32_t longest = 0, end = lane->first_cell + lane->cells;
    struct run run;
    for (uint32_t at = lane->first_cell; longest < LIMIT_HOLD_SEATS && runs_next(r, at, end, &run);
         at = run.first + run.length)
        longest = run.length > longest ? run.length : longest;
    return cut(longest);
}

static uint8_t larger_child(const struct runs *r, uint32_t node)
{
    uint8_t left = r->longest[2 * node], right = r->longest[2 * node + 1];
    return left > right ? left : right;
}

static void set_longest(struct runs *r, uint32_t lane, uint8_t length)
{
    uint32_t node = r->leaf_count + lane;
    if (r->longest[node] == length)
        return;
    r->longest[node] = length;
    for (node /= 2; node > 0; node /= 2) {
        uint8_t most = larger_child(r, node);
        if (r->longest[node] == most)
            return;
        r->longest[node] = most;
    }
}

uint32_t runs_longest(const struct runs *r, uint32_t lane)
{
    must(lane < r->seating->lane_count);
    return r->longest[r->leaf_count + lane];
}

uint32_t runs_next_lane(const struct runs *r, uint32_t lane, uint32_t end, uint32_t length)
{
    must(length > 0 && end <= r->seating->lane_count);
    if (lane >= end)
        return end;
    uint32_t node = r->leaf_count + lane;
    while (r->longest[node] < length) {
        while (node % 2) /* nothing more under this one's parent */
            node /= 2;
        if (node == 0)
            return end;
        node++;
    }
    while (node < r->leaf_count) {
        node *= 2;
        node += r->longest[node] < length;
    }
    lane = node - r->leaf_count;
    return lane < end ? lane : end;
}

/* ---- life ---- */

static void load_free(struct runs *r, bool (*is_free)(const void *ctx, uint32_t seat), const void *ctx)
{
    const struct layout *l = r->layout;
    for (uint32_t row = 0; row < l->row_count; row++) {
        uint32_t first = l->rows[row].first_seat, cell = seating_cell(l, row, first);
        for (uint32_t i = 0; i < l->rows[row].seats; i++)
            r->free[(cell + i) / 64] |= (uint64_t)is_free(ctx, first + i) << (cell + i) % 64;
    }
}

static void load_lane(struct runs *r, uint32_t lane)
{
    const struct lane *cells = &r->seating->lanes[lane];
    uint8_t *longest = &r->longest[r->leaf_count + lane];
    if (cells->numbered) {
        *longest = count_longest(r, cells);
        return;
    }
    uint32_t count = 0, end = cells->first_cell + cells->cells;
    struct run run;
    for (uint32_t at = cells->first_cell; runs_next(r, at, end, &run); at = run.first + run.length)
        count += run.length;
    r->standing[r->layout->rows[r->seating->first_part[cells->full_row]].place] = count;
    *longest = cut(count);
}

struct runs *runs_new(const struct layout *layout, bool (*is_free)(const void *ctx, uint32_t seat),
                      const void *ctx)
{
    struct runs *r = calloc(1, sizeof(*r));
    must(r); /* out of memory ends the program */
    r->layout = layout;
    r->seating = layout->seating;
    r->leaf_count = 1;
    while (r->leaf_count < r->seating->lane_count)
        r->leaf_count *= 2;
    r->free = calloc(r->seating->words, sizeof(*r->free));
    r->standing = calloc(layout->place_count, sizeof(*r->standing));
    r->longest = calloc(2 * (size_t)r->leaf_count, sizeof(*r->longest));
    must(r->free && r->standing && r->longest);
    load_free(r, is_free, ctx);
    for (uint32_t lane = 0; lane < r->seating->lane_count; lane++)
        load_lane(r, lane);
    for (uint32_t node = r->leaf_count - 1; node > 0; node--)
        r->longest[node] = larger_child(r, node);
    return r;
}

void runs_free(struct runs *r)
{
    if (!r)
        return;
    free(r->free);
    free(r->standing);
    free(r->longest);
    free(r);
}

/* ---- change ---- */

/* Both lanes of a cell are counted anew. */
static void recount(struct runs *r, uint32_t row)
{
    const struct seating *s = r->seating;
    uint32_t part = s->lane_of_row[row], full_row = s->lanes[part].full_row;
    uint8_t longest = count_longest(r, &s->lanes[full_row]);
    set_longest(r, full_row, longest);
    if (s->lanes[part].cells < s->lanes[full_row].cells)
        longest = count_longest(r, &s->lanes[part]);
    set_longest(r, part, longest);
}

/* An unnumbered place has one more choosable cell, or one less. */
static void count_standing(struct runs *r, uint32_t row, bool is_free)
{
    uint32_t place = r->layout->rows[row].place, part = r->seating->lane_of_row[row];
    r->standing[place] += is_free ? 1 : UINT32_MAX;
    set_longest(r, part, cut(r->standing[place]));
    set_longest(r, r->seating->lanes[part].full_row, cut(r->standing[place]));
}

void runs_set(struct runs *r, uint32_t seat, bool is_free)
{
    uint32_t row = seating_row(r->layout, seat), cell = seating_cell(r->layout, row, seat);
    must(bit_at(r->free, cell) != is_free);
    r->free[cell / 64] ^= UINT64_C(1) << cell % 64;
    if (r->seating->special && bit_at(r->seating->special, cell))
        return;
    if (r->layout->places[r->layout->rows[row].place].numbered)
        recount(r, row);
    else
        count_standing(r, row, is_free);
}

/* ---- look-ups ---- */

bool runs_cell_is_free(const struct runs *r, uint32_t cell)
{
    return bit_at(r->free, cell);
}

uint32_t runs_next_having(const struct runs *r, uint32_t attributes, uint32_t from, uint32_t end)
{
    uint64_t mask = ~UINT64_C(0) << from % 64; /* of the first word */
    for (uint32_t word = from / 64; word * 64 < end; word++) {
        uint64_t having = 0;
        for (uint32_t left = attributes; left; left &= left - 1)
            having |= r->seating->having[__builtin_ctz(left)][word];
        having &= r->free[word] & mask;
        mask = ~UINT64_C(0);
        if (having) {
            uint32_t cell = word * 64 + (uint32_t)__builtin_ctzll(having);
            return cell < end ? cell : end;
        }
    }
    return end;
}

bool runs_equal(const struct runs *a, const struct runs *b)
{
    must(a->layout == b->layout);
    return memcmp(a->free, b->free, a->seating->words * sizeof(*a->free)) == 0 &&
           memcmp(a->standing, b->standing, a->layout->place_count * sizeof(*a->standing)) == 0 &&
           memcmp(a->longest, b->longest, 2 * (size_t)a->leaf_count * sizeof(*a->longest)) == 0;
}
