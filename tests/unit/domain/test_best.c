/*
 * Best available on small halls that are drawn as text (hall.h); what was chosen is drawn as x. Every choice
 * is compared with that of the plain algorithm (plain_best.h), and many with all choices that there are.
 */
#include "domain/best.h"
#include "unit/domain/hall.h"
#include "unit/domain/plain_best.h"

/* ---- asking ---- */

/* "w1r2": one wheelchair space and two seats with a restricted view. */
static size_t parse_needs(const struct hall *h, const char *text, struct best_need *needs, bool *ret_known)
{
    size_t count = 0;
    *ret_known = true;
    for (; text && *text; text += 2) {
        const char *name = *text == 'w' ? "wheelchair" : *text == 'c' ? "companion" : "restricted_view";
        needs[count].count = (uint32_t)(text[1] - '0');
        if (needs[count].count == 0)
            continue;
        *ret_known = *ret_known && layout_find_attribute(h->layout, name, &needs[count].attribute);
        count++;
    }
    return count;
}

/* Choose and check what always holds, and that the plain algorithm chooses the same; seats into @ret_seats.
 */
static int choose(struct hall *h, uint32_t section, const char *type, uint32_t count, const char *needs,
                  uint32_t *ret_seats)
{
    struct best_need list[4];
    bool known;
    struct best_wish wish = {.count = count, .section = section, .type_id = type, .needs = list};
    wish.need_count = parse_needs(h, needs, list, &known);
    if (!known)
        return BOX_ENOTENOUGH; /* the hall has no such seat at all */
    struct arena arena;
    arena_init(&arena, 0);
    uint32_t plain[LIMIT_HOLD_SEATS];
    int ret = best_available(h->layout, h->runs, &wish, &arena, ret_seats);
    assert_int_equal(plain_best_available(h->layout, &wish, hall_is_free, h, &arena, plain), ret);
    arena_done(&arena);
    if (ret)
        assert_int_equal(ret, BOX_ENOTENOUGH);
    for (uint32_t i = 0; !ret && i < count; i++) {
        assert_true(ret_seats[i] < h->seats && !h->taken[ret_seats[i]]);
        assert_true(i == 0 || ret_seats[i - 1] < ret_seats[i]);
        assert_int_equal(plain[i], ret_seats[i]);
    }
    return ret;
}

static void draw_chosen(const struct hall *h, const uint32_t *seats, uint32_t count, char ret_text[MAP_MAX])
{
    memcpy(ret_text, h->text, MAP_MAX);
    for (uint32_t i = 0; i < count; i++)
        ret_text[h->place[seats[i]]] = 'x';
}

/* ---- by hand ---- */

struct example {
    const char *name, *map;
    uint32_t count;
    const char *expected; /* NULL: not enough */
    const char *needs, *type;
    uint32_t section; /* 1 + index; 0: any */
};

static const struct example examples[] = {
    {"one seat of many: the middle of the first row", "...../.....", 1, "..x../.....", NULL, NULL, 0},
    {"two in the middle", "....../......", 2, "..xx../......", NULL, NULL, 0},
    {"the first row with room, not the emptiest", "#..###/......", 2, "#xx###/......", NULL, NULL, 0},
    {"a taken seat is not offered", "..#../.....", 3, "..#../xxx..", NULL, NULL, 0},
    {"a whole row", "....", 4, "xxxx", NULL, NULL, 0},
    {"a full row is passed over", "####/....", 2, "####/xx..", NULL, NULL, 0},
    {"no aisle between", "..|../....", 3, "..|../xxx.", NULL, NULL, 0},
    {"beside an aisle", "...|...", 3, "xxx|...", NULL, NULL, 0},
    {"two aisles", ".|..|./...", 3, ".|..|./xxx", NULL, NULL, 0},
    {"nobody is left alone, though the middle is further", ".....", 2, "xx...", NULL, NULL, 0},
    {"nobody alone on the right", "#....#", 2, "#xx..#", NULL, NULL, 0},
    {"alone is better than apart", "...", 2, "xx.", NULL, NULL, 0},
    {"who was alone before does not count", ".#....", 2, ".#xx..", NULL, NULL, 0},
    {"a single gap is filled before it is widened", "..#.#..", 1, "..#x#..", NULL, NULL, 0},
    {"behind an aisle nobody is alone with us", ".|....", 2, ".|xx..", NULL, NULL, 0},
    {"fewest pieces: two of two, not three", "..#./.#../#.#.", 4, "xx#./.#xx/#.#.", NULL, NULL, 0},
    {"the longest piece and one beside it", "...#./.#.#.", 4, "xxx#x/.#.#.", NULL, NULL, 0},
    {"pieces in neighbouring rows", "..##/####/####/..##/##..", 4, "..##/####/####/xx##/##xx", NULL, NULL, 0},
    {"pieces of one row are nearest", "..#./.#../..#..", 4, "..#./.#../xx#xx", NULL, NULL, 0},
    {"a piece is cut at the end that is nearer to the middle", "...###/###...", 5, "xxx###/###xx.", NULL,
     NULL, 0},
    {"the whole house", ".#./#.#", 3, "x#x/#x#", NULL, NULL, 0},
    {"one too few", ".#./#.#", 4, NULL, NULL, NULL, 0},
    {"nothing free", "###", 1, NULL, NULL, NULL, 0},
    {"a row through two types is one row", "..;..", 4, "xx;xx", NULL, NULL, 0},
    {"but not for one who wants one type", "../..;../..", 3, "xx/.x;../..", NULL, "a", 0},
    {"the other type", "../...;../...", 3, "../...;../xxx", NULL, "b", 0},
    {"a neighbour of another type is company", "...;.", 2, "xx.;.", NULL, "a", 0},
    {"an aisle between the types", "..|;..", 3, "xx|;x.", NULL, NULL, 0},
    {"a type that is not there", "....", 1, NULL, NULL, "z", 0},
    {"only the wanted section", "....=.#.=....", 2, "....=x#x=....", NULL, NULL, 2},
    {"pieces of one section rather than of two", ".#.##=.=.#.", 2, "x#x##=.=.#.", NULL, NULL, 0},
    {"pieces over a border when nothing else is left", "#.#=.", 2, "#x#=x", NULL, NULL, 0},
    {"the nearer section", "#.#=#.#.#=.", 2, "#.#=#x#x#=.", NULL, NULL, 0},
    {"unnumbered: any free ones", "*#.#.#.", 3, "*#x#x#x", NULL, NULL, 0},
    {"unnumbered: not enough", "*#.#.#.", 4, NULL, NULL, NULL, 0},
    {"unnumbered counts as together", ".#.#.;*.#.", 2, ".#.#.;*x#x", NULL, NULL, 0},
    {"seats and standing", ".;*.#", 2, "x;*x#", NULL, NULL, 0},
    {"wheelchair spaces are kept", "wwww/....", 2, "wwww/xx..", NULL, NULL, 0},
    {"kept even when nothing else is left", "ww.", 2, NULL, NULL, NULL, 0},
    {"companion seats are kept", "cc..cc", 2, "ccxxcc", NULL, NULL, 0},
    {"restricted view is not special", "rrrr", 2, "xxrr", NULL, NULL, 0},
    {"a wheelchair space and friends", "..../w.../....", 4, "..../xxxx/....", "w1", NULL, 0},
    {"one space of several", "wwww..", 3, "wwwxxx", "w1", NULL, 0},
    {"two spaces", "wwww..", 3, "wwxxx.", "w2", NULL, 0},
    {"space and companion", "wcwc../......", 2, "wcxx../......", "w1c1", NULL, 0},
    {"space and companion, not asked for the companion", "wc../....", 2, "xcx./....", "w1", NULL, 0},
    {"apart when it must be", "w###/....", 3, "x###/xx..", "w1", NULL, 0},
    {"no space is free", "W.../....", 2, NULL, "w1", NULL, 0},
    {"more needs than seats", "ww..", 1, NULL, "w2", NULL, 0},
    {"restricted view wanted", "..../rr../....", 2, "..../xx../....", "r2", NULL, 0},
    {"restricted view, at least one", "..../..r./....", 3, "..../xxx./....", "r1", NULL, 0},
};

/* True if the example comes out as drawn. */
static bool is_as_drawn(const struct example *e)
{
    struct hall h;
    hall_init(&h, e->map);
    uint32_t seats[LIMIT_HOLD_SEATS];
    char drawn[MAP_MAX] = "";
    int ret = choose(&h, e->section - 1, e->type, e->count, e->needs, seats);
    if (!ret)
        draw_chosen(&h, seats, e->count, drawn);
    hall_done(&h);
    if (e->expected ? strcmp(drawn, e->expected) == 0 : ret == BOX_ENOTENOUGH)
        return true;
    print_error("%s: %u of %s: got %s\n", e->name, e->count, e->map, ret ? "not enough" : drawn);
    return false;
}

static void test_examples(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        wrong += !is_as_drawn(&examples[i]);
    assert_int_equal(wrong, 0);
}

/* ---- against all that could be ---- */

/* A random hall of one section and type, and the same as rows of cells. */
struct plain {
    char rows[ROWS_MAX][32]; /* seats and aisles */
    uint32_t row_count;
    char text[MAP_MAX];
};

static void random_plain(struct rng *rng, const char *seats, struct plain *ret)
{
    *ret = (struct plain){0};
    ret->row_count = 1 + rng_below(rng, 4);
    char *text = ret->text;
    for (uint32_t r = 0; r < ret->row_count; r++) {
        uint32_t length = 1 + rng_below(rng, 8);
        char *row = ret->rows[r];
        for (uint32_t i = 0; i < length; i++) {
            *row++ = seats[rng_below(rng, (uint32_t)strlen(seats))];
            if (i + 1 < length && rng_below(rng, 8) == 0)
                *row++ = '|';
        }
        text += sprintf(text, "%s%s", r ? "/" : "", ret->rows[r]);
    }
}

/* Seats before character @i of a row. */
static uint32_t seats_before(const char *row, size_t i)
{
    uint32_t seats = 0;
    for (size_t j = 0; j < i; j++)
        seats += row[j] != '|';
    return seats;
}

/* How bad a window is: seats left alone, then distance from the middle, then how far to the right. */
static uint32_t badness(const char *row, size_t first, uint32_t count)
{
    size_t length = strlen(row), end = first + count;
    uint32_t alone = 0;
    if (first > 0 && row[first - 1] == '.' && (first == 1 || row[first - 2] != '.'))
        alone++;
    if (end < length && row[end] == '.' && (end + 1 == length || row[end + 1] != '.'))
        alone++;
    uint32_t seats = seats_before(row, length), begin = seats_before(row, first);
    uint32_t twice = 2 * begin + count, off = twice > seats ? twice - seats : seats - twice;
    return alone * 10000 + off * 100 + begin;
}

/* The window of the first row that has one, drawn; false if no row has. */
static bool naive_together(const struct plain *p, uint32_t count, char *ret_text)
{
    size_t at = 0;
    for (uint32_t r = 0; r < p->row_count; at += strlen(p->rows[r++]) + 1) {
        const char *row = p->rows[r];
        uint32_t best = UINT32_MAX;
        for (size_t first = 0; row[first]; first++) {
            if (strspn(row + first, ".") < count || badness(row, first, count) >= best)
                continue;
            best = badness(row, first, count);
            strcpy(ret_text, p->text);
            memset(ret_text + at + first, 'x', count);
        }
        if (best != UINT32_MAX)
            return true;
    }
    return false;
}

/* Lengths of the runs of rows [low, high], longest first. Returns how many. */
static uint32_t naive_runs(const struct plain *p, uint32_t low, uint32_t high, uint32_t *ret_lengths)
{
    uint32_t count = 0;
    for (uint32_t r = low; r <= high; r++) {
        for (const char *at = p->rows[r]; *at; at += strcspn(at, ".")) {
            uint32_t length = (uint32_t)strspn(at, ".");
            at += length;
            if (length == 0)
                continue;
            uint32_t i = count++;
            for (; i > 0 && ret_lengths[i - 1] < length; i--)
                ret_lengths[i] = ret_lengths[i - 1];
            ret_lengths[i] = length;
        }
    }
    return count;
}

/* Fewest pieces of rows [low, high] with @wanted seats, 0: not enough. */
static uint32_t naive_pieces(const struct plain *p, uint32_t low, uint32_t high, uint32_t wanted)
{
    uint32_t lengths[MAP_MAX], sum = 0, count = naive_runs(p, low, high, lengths);
    for (uint32_t i = 0; i < count; i++) {
        sum += lengths[i];
        if (sum >= wanted)
            return i + 1;
    }
    return 0;
}

/* Over how few rows the fewest pieces can lie. */
static uint32_t naive_stretch(const struct plain *p, uint32_t pieces, uint32_t wanted)
{
    for (uint32_t stretch = 0; stretch < p->row_count; stretch++) {
        for (uint32_t low = 0; low + stretch < p->row_count; low++) {
            if (naive_pieces(p, low, low + stretch, wanted) == pieces)
                return stretch;
        }
    }
    return UINT32_MAX;
}

/* Pieces of x in a drawing, and the rows they stretch over. */
static uint32_t drawn_pieces(const char *drawn, uint32_t *ret_stretch)
{
    uint32_t pieces = 0, row = 0, first = UINT32_MAX, last = 0;
    for (size_t i = 0; drawn[i]; i++) {
        row += drawn[i] == '/';
        if (drawn[i] != 'x')
            continue;
        first = first < row ? first : row;
        last = row;
        pieces += i == 0 || drawn[i - 1] != 'x';
    }
    *ret_stretch = last - first;
    return pieces;
}

static void check_plain(const struct plain *p, uint32_t count, int ret, const char *drawn)
{
    char expected[MAP_MAX];
    uint32_t pieces = naive_pieces(p, 0, p->row_count - 1, count), stretch;
    if (pieces == 0) {
        assert_int_equal(ret, BOX_ENOTENOUGH); /* refused: there are fewer */
        return;
    }
    assert_int_equal(ret, 0); /* never refused while there are enough */
    if (naive_together(p, count, expected)) {
        assert_string_equal(drawn, expected);
        return;
    }
    assert_int_equal(drawn_pieces(drawn, &stretch), pieces);
    assert_int_equal(stretch, naive_stretch(p, pieces, count));
}

static void test_random_halls(void **state)
{
    (void)state;
    static const char *const densities[] = {".", "...#", ".#", ".###"};
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct rng rng;
        rng_init_seeded(&rng, seed);
        struct plain p;
        random_plain(&rng, densities[seed % 4], &p);
        struct hall h;
        hall_init(&h, p.text);
        for (uint32_t count = 1; count <= h.seats && count <= 12; count++) {
            uint32_t seats[LIMIT_HOLD_SEATS];
            char drawn[MAP_MAX];
            int ret = choose(&h, UINT32_MAX, NULL, count, NULL, seats);
            if (!ret)
                draw_chosen(&h, seats, count, drawn);
            check_plain(&p, count, ret, drawn);
        }
        hall_done(&h);
    }
}

/* ---- needs ---- */

static uint32_t count_of(const char *text, char ch)
{
    uint32_t count = 0;
    for (; *text; text++)
        count += *text == ch;
    return count;
}

/* True if some window has exactly @wheelchairs, and at least @restricted. */
static bool has_window(const struct plain *p, uint32_t count, uint32_t wheelchairs, uint32_t restricted)
{
    const char *usable = wheelchairs ? ".rw" : ".r";
    for (uint32_t r = 0; r < p->row_count; r++) {
        for (const char *at = p->rows[r]; *at; at++) {
            char window[32];
            snprintf(window, sizeof(window), "%.*s", (int)count, at);
            if (strspn(window, usable) == count && count_of(window, 'w') == wheelchairs &&
                count_of(window, 'r') >= restricted)
                return true;
        }
    }
    return false;
}

static void check_needs(const struct plain *p, const struct hall *h, uint32_t count, uint32_t w, uint32_t r)
{
    char needs[8], drawn[MAP_MAX];
    snprintf(needs, sizeof(needs), "w%ur%u", w, r);
    uint32_t seats[LIMIT_HOLD_SEATS], free_r = count_of(p->text, 'r'), stretch;
    bool possible = count_of(p->text, 'w') >= w && free_r >= r && w + r <= count &&
                    count_of(p->text, '.') + free_r >= count - w;
    int ret = choose((struct hall *)h, UINT32_MAX, NULL, count, needs, seats);
    assert_int_equal(ret, possible ? 0 : BOX_ENOTENOUGH);
    if (ret)
        return;
    draw_chosen(h, seats, count, drawn);
    assert_int_equal(count_of(p->text, 'w') - count_of(drawn, 'w'), w);
    assert_true(free_r - count_of(drawn, 'r') >= r);
    if (has_window(p, count, w, r))
        assert_int_equal(drawn_pieces(drawn, &stretch), 1);
    else
        assert_true(drawn_pieces(drawn, &stretch) > 1);
}

static void test_random_needs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct rng rng;
        rng_init_seeded(&rng, seed);
        struct plain p;
        random_plain(&rng, seed % 2 ? "....wrWR#" : "..#wr#", &p);
        struct hall h;
        hall_init(&h, p.text);
        for (uint32_t count = 1; count <= 6; count++) {
            for (uint32_t needs = 0; needs < 9; needs++)
                check_needs(&p, &h, count, needs / 3, needs % 3);
        }
        hall_done(&h);
    }
}

/* ---- against the plain algorithm, while seats come and go ---- */

static void wish_by_chance(struct rng *rng, struct hall *h)
{
    static const char *const types[] = {NULL, NULL, "a", "b", "c"};
    static const char *const needs[] = {NULL, NULL, NULL, "w1", "w1c1", "r2", "w1r1"};
    uint32_t seats[LIMIT_HOLD_SEATS];
    uint32_t section = rng_below(rng, 2) ? UINT32_MAX : rng_below(rng, h->layout->section_count);
    const char *type = types[rng_below(rng, sizeof(types) / sizeof(types[0]))];
    const char *need = needs[rng_below(rng, sizeof(needs) / sizeof(needs[0]))];
    choose(h, section, type, 1 + rng_below(rng, 1 + rng_below(rng, 20)), need, seats);
}

static void test_halls_that_change(void **state)
{
    (void)state;
    static const char *const densities[] = {".", "....wcr#", ".#", ".###", ".#rRwWcC"};
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct rng rng;
        rng_init_seeded(&rng, seed);
        char text[MAP_MAX];
        random_hall(&rng, densities[seed % 5], text);
        struct hall h;
        hall_init(&h, text);
        for (uint32_t step = 0; step < 100; step++) {
            for (uint32_t i = rng_below(&rng, 6); i > 0; i--)
                hall_toggle(&h, rng_below(&rng, h.seats));
            wish_by_chance(&rng, &h);
        }
        hall_done(&h);
    }
}

/* ---- big houses ---- */

struct house {
    struct layout *layout;
    struct runs *runs;
    bool *free;
};

static bool is_free_in_house(const void *ctx, uint32_t seat)
{
    return ((const struct house *)ctx)->free[seat];
}

/* Two types in each section, one behind the other; a wheelchair space in every tenth row. */
static void build_section(struct layout_builder *b, uint32_t section, uint32_t rows, uint32_t row_seats)
{
    begin_section(b, section);
    for (uint32_t row = 0; row < rows; row++) {
        if (row == 0 || row == rows / 2)
            begin_type(b, row > 0);
        begin_row(b, row);
        for (uint32_t seat = 0; seat < row_seats; seat++) {
            char label[16];
            snprintf(label, sizeof(label), "%u", seat + 1);
            add_seat(b, seat == 1 && row % 10 == 9 ? 'w' : '.', label);
        }
    }
}

static void house_init(struct house *h, uint32_t sections, uint32_t rows, uint32_t row_seats)
{
    struct layout_builder *b = layout_builder_new();
    struct venue_id venue = {.u.b = {1}};
    for (uint32_t section = 0; section < sections; section++)
        build_section(b, section, rows, row_seats);
    assert_int_equal(layout_builder_finish(b, venue, "House", "Europe/Berlin", 0, &h->layout), 0);
    layout_builder_free(b);
    h->free = calloc(h->layout->seats_total, sizeof(*h->free));
    assert_non_null(h->free);
    h->runs = runs_new(h->layout, is_free_in_house, h);
}

static void house_done(struct house *h)
{
    runs_free(h->runs);
    layout_unref(h->layout);
    free(h->free);
}

static void set_free(struct house *h, uint32_t seat, bool is_free)
{
    if (h->free[seat] != is_free)
        runs_set(h->runs, seat, is_free);
    h->free[seat] = is_free;
}

/* How many pieces these seats are, which are in ascending order. */
static uint32_t pieces_of(const struct house *h, const uint32_t *seats, uint32_t count)
{
    uint32_t pieces = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool goes_on = i > 0 && seats[i] == seats[i - 1] + 1 &&
                       layout_row_of(h->layout, seats[i]) == layout_row_of(h->layout, seats[i - 1]);
        pieces += !goes_on;
    }
    return pieces;
}

static uint32_t free_pieces(const struct house *h)
{
    uint32_t *seats = calloc(h->layout->seats_total, sizeof(*seats)), count = 0;
    assert_non_null(seats);
    for (uint32_t seat = 0; seat < h->layout->seats_total; seat++) {
        if (h->free[seat])
            seats[count++] = seat;
    }
    uint32_t pieces = pieces_of(h, seats, count);
    free(seats);
    return pieces;
}

/* The same seats as by the plain algorithm, or if there is too much to look at the same number of pieces. */
static void compare_in_house(struct house *h, const struct best_wish *wish, uint32_t *exact)
{
    uint32_t seats[LIMIT_HOLD_SEATS], plain[LIMIT_HOLD_SEATS];
    struct arena arena;
    arena_init(&arena, 0);
    int ret = best_available(h->layout, h->runs, wish, &arena, seats);
    assert_int_equal(plain_best_available(h->layout, wish, is_free_in_house, h, &arena, plain), ret);
    arena_done(&arena);
    if (ret)
        return;
    bool all = free_pieces(h) <= BEST_PIECES;
    for (uint32_t i = 0; all && i < wish->count; i++)
        assert_int_equal(seats[i], plain[i]);
    assert_int_equal(pieces_of(h, seats, wish->count), pieces_of(h, plain, wish->count));
    *exact += all;
}

/* One seat in @mille of a thousand is free; single ones, or two beside each other, ... */
static void test_big_houses_that_change(void **state)
{
    (void)state;
    static const uint32_t milles[] = {5, 30, 100, 300};
    struct house h;
    struct rng rng;
    uint32_t exact = 0;
    rng_init_seeded(&rng, 1);
    house_init(&h, 12, 40, 17);
    struct best_need need = {.count = 1};
    assert_true(layout_find_attribute(h.layout, "wheelchair", &need.attribute));
    for (size_t i = 0; i < sizeof(milles) / sizeof(milles[0]); i++) {
        for (uint32_t seat = 0; seat < h.layout->seats_total; seat++)
            set_free(&h, seat, rng_below(&rng, 1000) < milles[i]);
        for (uint32_t step = 0; step < 400; step++) {
            for (uint32_t j = 0; j < 20; j++)
                set_free(&h, rng_below(&rng, h.layout->seats_total), rng_below(&rng, 1000) < milles[i]);
            struct best_wish wish = {
                .count = 1 + rng_below(&rng, step % 4 ? 10 : LIMIT_HOLD_SEATS),
                .section = rng_below(&rng, 4) ? UINT32_MAX : rng_below(&rng, 12),
                .type_id = rng_below(&rng, 3) ? NULL : "b",
                .needs = &need,
                .need_count = rng_below(&rng, 4) == 0,
            };
            compare_in_house(&h, &wish, &exact);
        }
    }
    assert_true(exact > 700);
    house_done(&h);
}

static void choose_in_house(const struct house *h, uint32_t count, uint32_t *ret_seats)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct best_wish wish = {.count = count, .section = UINT32_MAX};
    assert_int_equal(best_available(h->layout, h->runs, &wish, &arena, ret_seats), 0);
    arena_done(&arena);
}

/*
 * Rows of three seats. Of each row the outer ones are free, of the first and the last only the middle one: so
 * no two neighbours are, and there are more pieces than are looked at.
 */
static void test_more_pieces_than_are_looked_at(void **state)
{
    (void)state;
    uint32_t rows = 3 * BEST_PIECES, last = 3 * (rows - 1), seats[LIMIT_HOLD_SEATS];
    struct house h;
    house_init(&h, 1, rows, 3);
    for (uint32_t seat = 0; seat < last + 3; seat++)
        set_free(&h, seat, (seat % 3 == 1) == (seat < 3 || seat >= last));

    /* Two pieces of one row: the first that has them. */
    choose_in_house(&h, 2, seats);
    assert_int_equal(seats[0], 3);
    assert_int_equal(seats[1], 5);

    /* Two neighbours in the last row, too far back to be looked at, make a third piece needless. Nearest to
       them would be the row before. */
    set_free(&h, last, true);
    choose_in_house(&h, 3, seats);
    assert_int_equal(seats[0], 1);
    assert_int_equal(seats[1], last);
    assert_int_equal(seats[2], last + 1);

    /* The last free ones of the house. */
    for (uint32_t seat = 3; seat < last; seat++)
        set_free(&h, seat, false);
    choose_in_house(&h, 3, seats);
    assert_int_equal(seats[0], 1);
    assert_int_equal(seats[2], last + 1);
    house_done(&h);
}

/*
 * In every tenth row a wheelchair space is free and nobody beside it; only in the last of them there is. It
 * is found if it is among the rows that are looked at. If not, the space and its friend are apart, not
 * refused.
 */
static void choose_with_wheelchair(uint32_t tens, uint32_t ret_seats[2])
{
    struct house h;
    struct arena arena;
    arena_init(&arena, 0);
    house_init(&h, 1, 10 * tens, 3);
    for (uint32_t ten = 1; ten <= tens; ten++)
        set_free(&h, 3 * (10 * ten - 1) + 1, true);
    set_free(&h, 3 * (10 * tens - 1), true);
    struct best_need need = {.count = 1};
    assert_true(layout_find_attribute(h.layout, "wheelchair", &need.attribute));
    struct best_wish wish = {.count = 2, .section = UINT32_MAX, .needs = &need, .need_count = 1};
    assert_int_equal(best_available(h.layout, h.runs, &wish, &arena, ret_seats), 0);
    arena_done(&arena);
    house_done(&h);
}

/* More wheelchair spaces than a hold may have, and nothing else. */
static void test_a_hold_of_wheelchair_spaces(void **state)
{
    (void)state;
    struct house h;
    uint32_t exact = 0, spaces = LIMIT_HOLD_SEATS + 50;
    house_init(&h, 1, 10 * spaces, 2);
    for (uint32_t ten = 1; ten <= spaces; ten++)
        set_free(&h, 2 * (10 * ten - 1) + 1, true);
    struct best_need need = {.count = LIMIT_HOLD_SEATS};
    assert_true(layout_find_attribute(h.layout, "wheelchair", &need.attribute));
    struct best_wish wish = {
        .count = LIMIT_HOLD_SEATS, .section = UINT32_MAX, .needs = &need, .need_count = 1};
    compare_in_house(&h, &wish, &exact);
    assert_int_equal(exact, 1);
    house_done(&h);
}

static void test_more_rows_than_are_looked_at(void **state)
{
    (void)state;
    uint32_t seats[2];
    choose_with_wheelchair(BEST_ROWS, seats);
    assert_int_equal(seats[0], 3 * (10 * BEST_ROWS - 1));
    assert_int_equal(seats[1], seats[0] + 1);
    choose_with_wheelchair(BEST_ROWS + 1, seats);
    assert_int_equal(seats[0], 3 * 9 + 1);
    assert_int_equal(seats[1], 3 * (10 * (BEST_ROWS + 1) - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_random_halls),
        cmocka_unit_test(test_random_needs),
        cmocka_unit_test(test_halls_that_change),
        cmocka_unit_test(test_big_houses_that_change),
        cmocka_unit_test(test_more_pieces_than_are_looked_at),
        cmocka_unit_test(test_more_rows_than_are_looked_at),
        cmocka_unit_test(test_a_hold_of_wheelchair_spaces),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
