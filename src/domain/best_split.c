/*
 * Best available, step 2: no row has a window that will do, so the party sits in pieces (see best.c).
 */
#include "base/error.h"
#include "base/must.h"
#include "domain/best_impl.h"
#include <string.h>

enum { SECTION_STEP = 1000 /* a section's border is as far as so many rows */, FIRST_CAP = 256 };

/* Neighbouring seats, as a part of split.pool. */
struct run {
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
    struct run *runs;
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
    bool border =
        before != NO_ROW && l->places[l->rows[before].place].section != l->places[l->rows[row].place].section;
    return rank + (border ? SECTION_STEP : 1);
}

static void find_candidates(struct split *s)
{
    uint32_t rank = 0, before = NO_ROW;
    for (uint32_t row = s->c->row; best_next_row(s->c, &row); before = row++) {
        rank = next_rank(s, rank, before, row);
        if (!best_is_numbered(s->c, row))
            continue;
        best_look_at_row(s->c, row);
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

static void add_run(struct split *s, struct run run, uint32_t wanted)
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
    best_look_at_row(s->c, row);
    uint32_t i = 0;
    while (i < s->c->cell_count) {
        struct run run = {.first = s->pool_count, .rank = rank};
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
    for (uint32_t row = s->c->row; best_next_row(s->c, &row); before = row++) {
        rank = next_rank(s, rank, before, row);
        if (best_is_numbered(s->c, row)) {
            runs_of_row(s, row, rank, wanted);
            continue;
        }
        struct run run = {.first = s->pool_count, .rank = rank};
        run.length = best_free_places(s->c, row, wanted, s->pool + s->pool_count);
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
        struct run run = s->runs[i];
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

int best_split(struct chooser *c)
{
    struct split s = {.c = c, .rank_low = UINT32_MAX};
    if (c->needed && !choose_needed(&s))
        return BOX_ENOTENOUGH;
    uint32_t wanted = c->wish->count - c->chosen_count;
    return wanted ? choose_rest(&s, wanted) : 0;
}
