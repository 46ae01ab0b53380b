/*
 * Best available on small halls that are drawn as text. '/' ends a row, '|' is an aisle, ';' begins the next
 * type of the section (its first row goes on with the section's row 1, and so on), '=' the next section, '*'
 * begins an unnumbered place. A letter is a free seat, a capital or '#' a taken one:
 *   . ordinary   w wheelchair   c companion   r restricted view (an attribute like any other)
 * What was chosen is drawn as x.
 */
#include "base/error.h"
#include "base/params.h"
#include "base/rng.h"
#include "domain/best.h"
#include "unit/base/check.h"
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { MAP_MAX = 512, ROWS_MAX = 16 };

struct hall {
    char text[MAP_MAX];
    struct layout *layout;
    bool taken[MAP_MAX];     /* by seat */
    uint32_t place[MAP_MAX]; /* of each seat in the text */
    uint32_t seats;
};

/* ---- drawing ---- */

static bool is_seat(char ch)
{
    return ch != '\0' && strchr(".#wWcCrR", ch);
}

static void add_seat(struct layout_builder *b, char ch, const char *label)
{
    const char *names[] = {NULL, NULL};
    switch (tolower(ch)) {
    case 'w':
        names[0] = "wheelchair";
        break;
    case 'c':
        names[0] = "companion";
        break;
    case 'r':
        names[0] = "restricted_view";
        break;
    default:
        break;
    }
    assert_int_equal(layout_builder_seat(b, label, NULL, NULL, names[0] ? names : NULL), 0);
}

static void begin_row(struct layout_builder *b, uint32_t row)
{
    char label[16];
    snprintf(label, sizeof(label), "%u", row + 1);
    assert_int_equal(layout_builder_row(b, label, NULL, NULL), 0);
}

static void begin_type(struct layout_builder *b, uint32_t type)
{
    char name[16];
    snprintf(name, sizeof(name), "%c", (char)('a' + type));
    assert_int_equal(layout_builder_type(b, name, (struct decimal){4500, 2}), 0);
}

static void begin_section(struct layout_builder *b, uint32_t section)
{
    struct section_id id = {.u.b = {(uint8_t)(section + 1)}};
    char name[16];
    snprintf(name, sizeof(name), "Section %u", section);
    assert_int_equal(layout_builder_section(b, id, name), 0);
}

/* The type's rows up to the next type or section. @columns: seats so far in each row of the section. */
static const char *draw_rows(struct layout_builder *b, const char *at, uint32_t *columns)
{
    uint32_t row = 0;
    char label[16] = "";
    begin_row(b, row);
    for (; *at && *at != ';' && *at != '='; at++) {
        if (*at == '/') {
            begin_row(b, ++row);
        } else if (*at == '|') {
            assert_int_equal(layout_builder_gap_after(b, label), 0);
        } else {
            assert_true(is_seat(*at) && row < ROWS_MAX);
            snprintf(label, sizeof(label), "%u", ++columns[row]);
            add_seat(b, *at, label);
        }
    }
    return at;
}

static const char *draw_type(struct layout_builder *b, const char *at, uint32_t *columns)
{
    if (*at != '*')
        return draw_rows(b, at, columns);
    size_t places = strcspn(++at, ";=");
    assert_int_equal(layout_builder_unnumbered(b, (uint32_t)places), 0);
    return at + places;
}

static void hall_init(struct hall *h, const char *text)
{
    *h = (struct hall){0};
    snprintf(h->text, sizeof(h->text), "%s", text);
    for (uint32_t i = 0; text[i]; i++) {
        if (!is_seat(text[i]))
            continue;
        h->place[h->seats] = i;
        h->taken[h->seats++] = text[i] == '#' || isupper(text[i]);
    }
    struct layout_builder *b = layout_builder_new();
    uint32_t columns[ROWS_MAX] = {0}, section = 0, type = 0;
    begin_section(b, section);
    for (const char *at = text;; at++) {
        begin_type(b, type++);
        at = draw_type(b, at, columns);
        if (*at == '\0')
            break;
        if (*at == '=') {
            begin_section(b, ++section);
            type = 0;
            memset(columns, 0, sizeof(columns));
        }
    }
    struct venue_id venue = {.u.b = {1}};
    assert_int_equal(layout_builder_finish(b, venue, "Hall", "Europe/Berlin", 0, &h->layout), 0);
    layout_builder_free(b);
    assert_int_equal(h->layout->seats_total, h->seats);
}

static void hall_done(struct hall *h)
{
    layout_unref(h->layout);
}

/* ---- asking ---- */

static bool free_seat(const void *ctx, uint32_t seat)
{
    const struct hall *h = ctx;
    assert_true(seat < h->seats);
    return !h->taken[seat];
}

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

/* Choose and check what always holds; seats into @ret_seats. */
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
    uint32_t again[LIMIT_HOLD_SEATS];
    int ret = best_available(h->layout, &wish, free_seat, h, &arena, ret_seats);
    assert_int_equal(best_available(h->layout, &wish, free_seat, h, &arena, again), ret);
    arena_done(&arena);
    if (ret)
        assert_int_equal(ret, BOX_ENOTENOUGH);
    for (uint32_t i = 0; !ret && i < count; i++) {
        assert_true(ret_seats[i] < h->seats && !h->taken[ret_seats[i]]);
        assert_true(i == 0 || ret_seats[i - 1] < ret_seats[i]);
        assert_int_equal(again[i], ret_seats[i]); /* the same again */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_random_halls),
        cmocka_unit_test(test_random_needs),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
