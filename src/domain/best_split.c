/*
 * Best available, step 2: no row has a window that will do, so the party sits in pieces (see best.c).
 *
 * The fewest pieces are the longest runs there are, and the runs' tree tells which lanes have them: the lanes
 * with the longest are looked at, then those with the next shorter, until the seats are enough. Each lane
 * that is looked at gives at least one of the pieces, so these lanes are never more than the seats that are
 * wanted.
 *
 * Then it is known how many pieces it takes, how short one of them may be, and how long one of them must be.
 * Two fingers go over the pieces that are not too short, from the front, and find where so many of them lie
 * nearest to each other; they pass over what is too far from every long one.
 */
#include "base/error.h"
#include "base/must.h"
#include "domain/best_impl.h"
#include <string.h>

enum {
    SECTION_STEP = 1000, /* a section's border is as far as so many rows */
    KINDS_MAX = 64,      /* of seats that answer needs */
    FIRST_CAP = 64,
};

/* Neighbouring seats, or some of an unnumbered place. */
struct piece {
    struct run run;
    uint32_t length; /* of the run, cut to what is wanted */
    uint32_t lane, rank;
};

struct pieces {
    struct piece *list;
    uint32_t count, cap;
};

/* A seat that answers a need. */
struct candidate {
    uint32_t seat, cell, attributes, rank, position;
    bool chosen;
};

/* Candidates with the same attributes, as far as these matter. */
struct kind {
    uint32_t attributes, count;
};

struct split {
    struct chooser *c;
    struct candidate *candidates;
    uint32_t candidate_count, candidate_cap;
    struct kind kinds[KINDS_MAX];
    uint32_t kind_count;
    uint32_t *chosen_cells;       /* for needs */
    uint32_t rank_low, rank_high; /* of these; low > high: none */
    uint32_t wanted;              /* the rest */
    uint32_t pieces;              /* the fewest that have so many seats */
    uint32_t longest, shortest;   /* no such piece has more, or fewer */
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

/* The difference of two lanes' ranks is how far apart their rows are. */
static uint32_t rank_of(const struct split *s, uint32_t lane)
{
    return lane + (uint32_t)(SECTION_STEP - 1) * s->c->layout->seating->lanes[lane].section;
}

/* ---- first what is needed ---- */

/*
 * True if one more seat of this kind may be of use. Of seats that differ only in where they are, those from
 * the front will do, as many as a hold may have.
 */
static bool is_of_use(struct split *s, uint32_t attributes)
{
    attributes &= s->c->needed | s->c->special;
    uint32_t i = 0;
    while (i < s->kind_count && s->kinds[i].attributes != attributes)
        i++;
    if (i == KINDS_MAX)
        return false;
    if (i == s->kind_count)
        s->kinds[s->kind_count++] = (struct kind){.attributes = attributes};
    return s->kinds[i].count++ < LIMIT_HOLD_SEATS;
}

static void find_candidates_in(struct split *s, uint32_t lane)
{
    const struct chooser *c = s->c;
    const struct lane *cells = &c->layout->seating->lanes[lane];
    uint32_t row_begin = c->layout->seating->lanes[cells->full_row].first_cell;
    uint32_t end = cells->first_cell + cells->cells;
    for (uint32_t at = cells->first_cell; (at = runs_next_having(c->runs, c->needed, at, end)) < end; at++) {
        uint32_t seat = seating_seat(c->layout, cells->full_row, at);
        uint32_t attributes = c->layout->seat_attributes[seat];
        if ((attributes & c->forbidden) || !is_of_use(s, attributes))
            continue;
        s->candidates =
            grown(c->arena, s->candidates, s->candidate_count, &s->candidate_cap, sizeof(*s->candidates));
        s->candidates[s->candidate_count++] = (struct candidate){
            .seat = seat,
            .cell = at,
            .attributes = attributes,
            .rank = rank_of(s, lane),
            .position = at - row_begin,
        };
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
    s->chosen_cells[s->c->chosen_count] = a->cell;
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
    s->chosen_cells = arena_array(s->c->arena, s->c->wish->count, sizeof(*s->chosen_cells));
    for (uint32_t lane = s->c->lane; lane < s->c->lane_end; lane++)
        find_candidates_in(s, lane);
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

/* ---- pieces ---- */

/* Cut a run before the first of its seats that was chosen for a need. */
static void cut_at_chosen(const struct split *s, struct run *run)
{
    for (uint32_t i = 0; s->chosen_cells && i < s->c->chosen_count; i++) {
        uint32_t cell = s->chosen_cells[i];
        if (cell >= run->first && cell < run->first + run->length)
            run->length = cell - run->first;
    }
}

static void add_piece(struct split *s, struct pieces *p, uint32_t lane, const struct run *run)
{
    p->list = grown(s->c->arena, p->list, p->count, &p->cap, sizeof(*p->list));
    p->list[p->count++] = (struct piece){
        .run = *run,
        .length = run->length < s->wanted ? run->length : s->wanted,
        .lane = lane,
        .rank = rank_of(s, lane),
    };
}

/* Add the pieces of a lane that have at least @shortest seats. */
static void add_pieces(struct split *s, struct pieces *p, uint32_t lane, uint32_t shortest)
{
    const struct lane *cells = &s->c->layout->seating->lanes[lane];
    uint32_t at = cells->first_cell, end = at + cells->cells;
    struct run run = {.first = at};
    if (!cells->numbered) {
        run.length = runs_longest(s->c->runs, lane);
        if (run.length >= shortest)
            add_piece(s, p, lane, &run);
        return;
    }
    while (runs_next(s->c->runs, at, end, &run)) {
        cut_at_chosen(s, &run);
        at = run.first + (run.length ? run.length : 1);
        if (run.length >= shortest)
            add_piece(s, p, lane, &run);
    }
}

/* How many pieces there are of each length. */
struct lengths {
    uint32_t of[LIMIT_HOLD_SEATS + 1];
};

/*
 * Find the fewest pieces that have the wanted seats together: s->pieces, 0 when all of them have fewer.
 * @found gets all pieces of the lanes that the longest lie in, and so at least these.
 */
static void find_fewest(struct split *s, struct pieces *found)
{
    const struct chooser *c = s->c;
    struct lengths left = {0}; /* of the lanes that were looked at, but not yet counted */
    uint32_t pieces = 0, sum = 0;
    for (uint32_t length = s->wanted; length > 0; length--) {
        uint32_t lane = c->lane;
        for (;;) {
            for (; left.of[length] > 0; left.of[length]--) {
                s->longest = length > s->longest ? length : s->longest;
                s->shortest = s->wanted - sum;
                sum += length;
                s->pieces = ++pieces;
                if (sum >= s->wanted)
                    return;
            }
            lane = runs_next_lane(c->runs, lane, c->lane_end, length);
            if (lane == c->lane_end)
                break;
            uint32_t longest = runs_longest(c->runs, lane), before = found->count;
            if (length == s->wanted || longest == length) /* else it was looked at already */
                add_pieces(s, found, lane, 1);
            for (uint32_t i = before; i < found->count; i++)
                left.of[found->list[i].length]++;
            lane++;
        }
    }
    s->pieces = 0;
}

/* ---- near each other ---- */

/* Two fingers on the pieces that are near enough to a long one. */
struct search {
    struct pieces near;
    struct lengths in; /* between the fingers, both included */
    uint32_t first;    /* the left finger */
    uint32_t useless;  /* no piece up to this length adds to the longest ones between the fingers */
    uint32_t best, best_first, best_last;
};

/* True if the longest pieces between the fingers, as many as are to be, have the wanted seats. */
static bool enough(const struct split *s, struct search *w)
{
    uint32_t sum = 0, length = s->longest, pieces = s->pieces;
    for (; length > 0 && pieces > 0 && sum < s->wanted; length--) {
        uint32_t taken = w->in.of[length] < pieces ? w->in.of[length] : pieces;
        sum += taken * length;
        pieces -= taken;
    }
    w->useless = pieces == 0 ? length + 1 : 0;
    return sum >= s->wanted;
}

/* The rows that pieces @first to @last and the seats chosen for needs stretch over. */
static uint32_t stretch(const struct split *s, const struct piece *first, const struct piece *last)
{
    uint32_t low = first->rank < s->rank_low ? first->rank : s->rank_low;
    uint32_t high = last->rank > s->rank_high ? last->rank : s->rank_high;
    must(low <= high);
    return high - low;
}

/* No choice stretches over less. */
static uint32_t least_stretch(const struct split *s)
{
    uint32_t of_a_row = s->c->layout->seating->most_cells;
    of_a_row = of_a_row > s->longest ? of_a_row : s->longest;
    return (s->wanted - 1) / of_a_row;
}

/* The right finger goes on to piece @last; the left one to the last piece from which there is enough. */
static void move_fingers(const struct split *s, struct search *w, uint32_t last)
{
    const struct piece *list = w->near.list;
    w->in.of[list[last].length]++;
    if (list[last].length <= w->useless)
        return;
    uint32_t before = w->first;
    while (enough(s, w))
        w->in.of[list[w->first++].length]--;
    if (w->first == before || stretch(s, &list[w->first - 1], &list[last]) >= w->best)
        return;
    w->best = stretch(s, &list[w->first - 1], &list[last]);
    w->best_first = w->first - 1;
    w->best_last = last;
}

/* Where to begin: at the front, or not too far from the seats that were chosen for needs. */
static uint32_t first_near(const struct split *s)
{
    const struct chooser *c = s->c;
    if (s->rank_low > s->rank_high)
        return c->lane;
    uint32_t lane = c->lane, end = c->lane_end;
    while (end - lane > 1) {
        uint32_t middle = lane + (end - lane) / 2;
        if (rank_of(s, middle) <= s->rank_low)
            lane = middle;
        else
            end = middle;
    }
    return lane - c->lane > BEST_PIECES / 2 ? lane - BEST_PIECES / 2 : c->lane;
}

/*
 * Of all series of pieces in which so many have the wanted seats: the one over the smallest stretch, the
 * first of several. False if there is none among the pieces that are looked at. One of the pieces is a long
 * one, no shorter than all are on average: what is as far from every long one as the best stretch so far is
 * left out.
 */
static bool find_nearest(struct split *s, struct search *w)
{
    const struct chooser *c = s->c;
    uint32_t least = least_stretch(s), done = 0, lane = first_near(s), end = c->lane_end;
    uint32_t average = (s->wanted + s->pieces - 1) / s->pieces;
    uint32_t long_before = end, long_next = runs_next_lane(c->runs, lane, end, average);
    while (w->near.count < BEST_PIECES && w->best > least) {
        lane = runs_next_lane(c->runs, lane, end, s->shortest);
        if (lane == end || (rank_of(s, lane) > s->rank_low && rank_of(s, lane) - s->rank_low >= w->best))
            break;
        if (lane == long_next) {
            long_before = lane;
            long_next = runs_next_lane(c->runs, lane + 1, end, average);
        }
        if (long_before == end || rank_of(s, lane) - rank_of(s, long_before) >= w->best) {
            if (long_next == end)
                break;
            if (long_next - lane >= w->best) {
                lane = long_next - (w->best - 1);
                continue;
            }
        }
        add_pieces(s, &w->near, lane++, s->shortest);
        while (done < w->near.count && w->best > least)
            move_fingers(s, w, done++);
    }
    return w->best != UINT32_MAX;
}

/* ---- taking them ---- */

/* Take a piece, or as much of it as is wanted but for @cut seats: the end that is nearer to the row's middle.
 */
static void take_piece(struct split *s, const struct piece *piece, uint32_t cut)
{
    struct chooser *c = s->c;
    const struct seating *seating = c->layout->seating;
    uint32_t length = piece->length - cut, full_row = seating->lanes[piece->lane].full_row;
    if (!seating->lanes[piece->lane].numbered) {
        best_take_standing(c, piece->lane, length);
        return;
    }
    uint32_t begin = piece->run.first - seating->lanes[full_row].first_cell, end = begin + piece->run.length;
    bool take_last = begin + end < seating->lanes[full_row].cells;
    uint32_t first = piece->run.first + (take_last ? piece->run.length - length : 0);
    for (uint32_t cell = first; cell < first + length; cell++)
        c->chosen[c->chosen_count++] = seating_seat(c->layout, full_row, cell);
}

/* Take the longest of @count pieces, as many as are to be; what is too much is cut from a shortest one. */
static void take_longest(struct split *s, const struct piece *list, uint32_t count)
{
    struct lengths in = {0}, take = {0};
    for (uint32_t i = 0; i < count; i++)
        in.of[list[i].length]++;
    uint32_t sum = 0, shortest = 0, pieces = s->pieces;
    for (uint32_t length = s->longest; length > 0 && pieces > 0; length--) {
        take.of[length] = in.of[length] < pieces ? in.of[length] : pieces;
        pieces -= take.of[length];
        sum += take.of[length] * length;
        shortest = take.of[length] ? length : shortest;
    }
    must(sum >= s->wanted && sum - s->wanted < shortest);
    uint32_t too_much = sum - s->wanted;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = list[i].length;
        if (take.of[length] > 0)
            take_piece(s, &list[i], --take.of[length] == 0 && length == shortest ? too_much : 0);
    }
}

static int choose_rest(struct split *s)
{
    struct pieces found = {0};
    struct search w = {.best = UINT32_MAX};
    find_fewest(s, &found);
    if (s->pieces == 0)
        return BOX_ENOTENOUGH;
    if (find_nearest(s, &w))
        take_longest(s, &w.near.list[w.best_first], w.best_last - w.best_first + 1);
    else
        take_longest(s, found.list, found.count);
    return BOX_OK;
}

int best_split(struct chooser *c)
{
    struct split s = {.c = c, .rank_low = UINT32_MAX};
    if (c->needed && !choose_needed(&s))
        return BOX_ENOTENOUGH;
    s.wanted = c->wish->count - c->chosen_count;
    return s.wanted ? choose_rest(&s) : BOX_OK;
}
