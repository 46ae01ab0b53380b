/*
 * How long a choice of best available takes, beside the plain algorithm that looks at every row (the one that
 * the tests compare it with), on the same seats in the same run; and what keeping the runs up to date costs.
 *
 *     boxoffice-best [ROUNDS]     (default 301)
 *
 * Halls of 50,000 seats. Before each round some seats change at random, so that no two choices are quite the
 * same; the plain algorithm goes first and leaves the caches full of its own. Medians of all rounds.
 */
#include "domain/best.h"
#include "base/rng.h"
#include "domain/seating.h"
#include "unit/domain/plain_best.h"
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

enum { SECTIONS = 50, ROWS = 50, ROW_SEATS = 20, SEATS = SECTIONS * ROWS * ROW_SEATS, CHANGES = 200 };

struct hall {
    struct layout *layout;
    struct runs *runs;
    bool free[SEATS];
};

/* ---- halls ---- */

/* The attributes of a seat of the @row-th row: wheelchair spaces in every tenth, "aisle" at both ends. */
static const char *const *attributes(uint32_t row, uint32_t seat)
{
    static const char *const wheelchair[] = {"wheelchair", NULL}, *const companion[] = {"companion", NULL};
    static const char *const aisle[] = {"aisle", NULL};
    if (row % 10 == 9 && seat < 4)
        return seat % 2 ? companion : wheelchair;
    return seat == 0 || seat + 1 == ROW_SEATS ? aisle : NULL;
}

static void build_row(struct layout_builder *b, uint32_t row)
{
    char label[16];
    snprintf(label, sizeof(label), "%u", row + 1);
    must(layout_builder_row(b, label, NULL, NULL) == 0);
    for (uint32_t seat = 0; seat < ROW_SEATS; seat++) {
        snprintf(label, sizeof(label), "%u", seat + 1);
        must(layout_builder_seat(b, label, NULL, NULL, attributes(row, seat)) == 0);
    }
    must(layout_builder_gap_after(b, "10") == 0);
}

/* Sections of rows with an aisle in the middle; the front half of each is of type "a", the other of "b". */
static void build_rows(struct layout_builder *b)
{
    for (uint32_t section = 0; section < SECTIONS; section++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", section + 1);
        must(layout_builder_section(b, (struct section_id){.u.b = {(uint8_t)section}}, name) == 0);
        for (uint32_t row = 0; row < ROWS; row++) {
            if (row % (ROWS / 2) == 0)
                must(layout_builder_type(b, row ? "b" : "a", (struct decimal){4500, 2}) == 0);
            build_row(b, row);
        }
    }
}

static void build_standing(struct layout_builder *b)
{
    must(layout_builder_section(b, (struct section_id){.u.b = {1}}, "Floor") == 0);
    must(layout_builder_type(b, "a", (struct decimal){4500, 2}) == 0);
    must(layout_builder_unnumbered(b, SEATS) == 0);
}

static bool is_free(const void *ctx, uint32_t seat)
{
    return ((const struct hall *)ctx)->free[seat];
}

static void set_free(struct hall *h, uint32_t seat, bool free)
{
    if (h->free[seat] == free)
        return;
    h->free[seat] = free;
    runs_set(h->runs, seat, free);
}

static void build(struct hall *h, void (*parts)(struct layout_builder *b))
{
    struct layout_builder *b = layout_builder_new();
    parts(b);
    must(layout_builder_finish(b, (struct venue_id){.u.b = {1}}, "Hall", "Europe/Berlin", 0, &h->layout) ==
         0);
    layout_builder_free(b);
    must(h->layout->seats_total == SEATS);
    h->runs = runs_new(h->layout, is_free, h);
}

/* ---- who is free ---- */

/* True if @seat is to be free, at random, when @mille of a thousand are to be. */
typedef bool fill_fn(struct rng *rng, uint32_t seat, uint32_t mille);

static bool fill_at_random(struct rng *rng, uint32_t seat, uint32_t mille)
{
    (void)seat;
    return rng_below(rng, 1000) < mille;
}

/* No two neighbours are free. */
static bool fill_alone(struct rng *rng, uint32_t seat, uint32_t mille)
{
    return seat % 2 == 0 && rng_below(rng, 500) < mille;
}

/* One seat of each row. */
static bool fill_one_a_row(struct rng *rng, uint32_t seat, uint32_t mille)
{
    (void)rng;
    (void)mille;
    return seat % ROW_SEATS == 7;
}

/* At random, but no place for a wheelchair. */
static bool fill_no_wheelchair(struct rng *rng, uint32_t seat, uint32_t mille)
{
    return !(seat / ROW_SEATS % 10 == 9 && seat % ROW_SEATS < 4) && rng_below(rng, 1000) < mille;
}

/* ---- measuring ---- */

struct scene {
    const char *name;
    bool standing;
    fill_fn *fill;
    uint32_t mille, count, section; /* section: UINT32_MAX: any */
    const char *type_id;
    const char *need;
    uint32_t needed;
};

#define ANY UINT32_MAX

static const struct scene scenes[] = {
    {"all free, 1", false, fill_at_random, 1000, 1, ANY, NULL, NULL, 0},
    {"all free, 4", false, fill_at_random, 1000, 4, ANY, NULL, NULL, 0},
    {"all free, 10", false, fill_at_random, 1000, 10, ANY, NULL, NULL, 0},
    {"all free, 100", false, fill_at_random, 1000, 100, ANY, NULL, NULL, 0},
    {"half free, 4", false, fill_at_random, 500, 4, ANY, NULL, NULL, 0},
    {"half free, 8", false, fill_at_random, 500, 8, ANY, NULL, NULL, 0},
    {"half free, 10", false, fill_at_random, 500, 10, ANY, NULL, NULL, 0},
    {"half free, 100", false, fill_at_random, 500, 100, ANY, NULL, NULL, 0},
    {"a fifth free, 4", false, fill_at_random, 200, 4, ANY, NULL, NULL, 0},
    {"a fifth free, 6", false, fill_at_random, 200, 6, ANY, NULL, NULL, 0},
    {"a fifth free, 10", false, fill_at_random, 200, 10, ANY, NULL, NULL, 0},
    {"3 % free, 1", false, fill_at_random, 30, 1, ANY, NULL, NULL, 0},
    {"3 % free, 4", false, fill_at_random, 30, 4, ANY, NULL, NULL, 0},
    {"3 % free, 100", false, fill_at_random, 30, 100, ANY, NULL, NULL, 0},
    {"3 % free, none beside another, 4", false, fill_alone, 30, 4, ANY, NULL, NULL, 0},
    {"one a row free, 2", false, fill_one_a_row, 0, 2, ANY, NULL, NULL, 0},
    {"one a row free, 100", false, fill_one_a_row, 0, 100, ANY, NULL, NULL, 0},
    {"none free, 1", false, fill_at_random, 0, 1, ANY, NULL, NULL, 0},
    {"section, half free, 4", false, fill_at_random, 500, 4, 40, NULL, NULL, 0},
    {"section, 3 % free, 4", false, fill_at_random, 30, 4, 40, NULL, NULL, 0},
    {"type, half free, 4", false, fill_at_random, 500, 4, ANY, "b", NULL, 0},
    {"type, 3 % free, 4", false, fill_at_random, 30, 4, ANY, "b", NULL, 0},
    {"section and type, half free, 4", false, fill_at_random, 500, 4, 40, "b", NULL, 0},
    {"standing, half free, 4", true, fill_at_random, 500, 4, ANY, NULL, NULL, 0},
    {"standing, 1 of 1000 free, 20", true, fill_at_random, 1, 20, ANY, NULL, NULL, 0},
    {"need 1 wheelchair of 2, half free", false, fill_at_random, 500, 2, ANY, NULL, "wheelchair", 1},
    {"need 1 wheelchair of 4, 3 % free", false, fill_at_random, 30, 4, ANY, NULL, "wheelchair", 1},
    {"need 1 wheelchair of 2, none free", false, fill_no_wheelchair, 500, 2, ANY, NULL, "wheelchair", 1},
    {"need 1 aisle of 4, half free", false, fill_at_random, 500, 4, ANY, NULL, "aisle", 1},
    {"need 2 aisle of 2", false, fill_at_random, 1000, 2, ANY, NULL, "aisle", 2},
    {"need 40 aisle of 80", false, fill_at_random, 1000, 80, ANY, NULL, "aisle", 40},
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, uint32_t count)
{
    qsort(times, count, sizeof(*times), compare);
    return times[count / 2];
}

static void fill(struct hall *h, const struct scene *scene, struct rng *rng)
{
    for (uint32_t seat = 0; seat < SEATS; seat++)
        set_free(h, seat, scene->fill(rng, seat, scene->mille));
}

static void change(struct hall *h, const struct scene *scene, struct rng *rng)
{
    for (uint32_t i = 0; i < CHANGES; i++) {
        uint32_t seat = rng_below(rng, SEATS);
        set_free(h, seat, scene->fill(rng, seat, scene->mille));
    }
}

static uint32_t pieces_of(const uint32_t *seats, uint32_t count)
{
    uint32_t pieces = 0;
    for (uint32_t i = 0; i < count; i++)
        pieces += i == 0 || seats[i] != seats[i - 1] + 1 || seats[i] % (ROW_SEATS / 2) == 0;
    return pieces;
}

static void measure(struct hall *h, const struct scene *scene, uint32_t rounds, struct rng *rng)
{
    struct best_need need = {.count = scene->needed};
    struct best_wish wish = {.count = scene->count, .section = scene->section, .type_id = scene->type_id};
    if (scene->need) {
        must(layout_find_attribute(h->layout, scene->need, &need.attribute));
        wish.needs = &need;
        wish.need_count = 1;
    }
    double *plain = calloc(rounds, sizeof(*plain)), *cold = calloc(rounds, sizeof(*cold)),
           *warm = calloc(rounds, sizeof(*warm));
    must(plain && cold && warm);
    uint32_t seats[LIMIT_HOLD_SEATS], refused = 0, pieces = 0;
    struct arena arena;
    arena_init(&arena, 0);
    fill(h, scene, rng);
    for (uint32_t i = 0; i < rounds; i++) {
        change(h, scene, rng);
        arena_reset(&arena);
        double t0 = now_ns();
        int ret = plain_best_available(h->layout, &wish, is_free, h, &arena, seats);
        double t1 = now_ns();
        arena_reset(&arena);
        double t2 = now_ns();
        int ret_cold = best_available(h->layout, h->runs, &wish, &arena, seats);
        double t3 = now_ns();
        arena_reset(&arena);
        double t4 = now_ns();
        int ret_warm = best_available(h->layout, h->runs, &wish, &arena, seats);
        double t5 = now_ns();
        must(ret == ret_cold && ret == ret_warm);
        refused += ret != 0;
        pieces += ret ? 0 : pieces_of(seats, wish.count);
        plain[i] = t1 - t0;
        cold[i] = t3 - t2;
        warm[i] = t5 - t4;
    }
    double p = median(plain, rounds), c = median(cold, rounds), w = median(warm, rounds);
    printf("%-34s %8.0f %8.0f %8.0f %6.0fx", scene->name, p, c, w, p / c);
    if (refused || scene->standing)
        printf(refused ? "  refused\n" : "  -\n");
    else
        printf("  %.1f\n", (double)pieces / rounds);
    arena_done(&arena);
    free(plain);
    free(cold);
    free(warm);
}

/* Seats that come and go at random; half of them are free. */
static void measure_changes(struct hall *h, const char *name, struct rng *rng)
{
    enum { SETS = 1 << 16, TIMES = 21 };
    double times[TIMES];
    uint32_t *seats = calloc(SETS, sizeof(*seats));
    must(seats);
    for (uint32_t i = 0; i < SETS; i++)
        seats[i] = rng_below(rng, SEATS);
    for (uint32_t i = 0; i < TIMES; i++) {
        double begin = now_ns();
        for (uint32_t j = 0; j < SETS; j++)
            set_free(h, seats[j], !h->free[seats[j]]);
        times[i] = (now_ns() - begin) / SETS;
    }
    free(seats);
    printf("%-34s %8.1f\n", name, median(times, TIMES));
}

/* What making them costs: the seating, once for a layout; the runs, once for an event. */
static void measure_making(const struct hall *h)
{
    enum { TIMES = 21 };
    double seating[TIMES], runs[TIMES];
    size_t seating_bytes = 0, runs_bytes = 0;
    for (uint32_t i = 0; i < TIMES; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        double t0 = now_ns();
        seating_new(h->layout, &arena);
        double t1 = now_ns();
        seating_bytes = arena.total;
        arena_done(&arena);
        size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
        double t2 = now_ns();
        struct runs *r = runs_new(h->layout, is_free, h);
        double t3 = now_ns();
        runs_bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
        runs_free(r);
        seating[i] = t1 - t0;
        runs[i] = t3 - t2;
    }
    printf("seating of a layout: %.0f us, %.2f bytes a seat; runs of an event: %.0f us, %.2f bytes a seat\n",
           median(seating, TIMES) / 1000, (double)seating_bytes / SEATS, median(runs, TIMES) / 1000,
           (double)runs_bytes / SEATS);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 301;
    must(sodium_init() >= 0 && rounds > 0);
    struct rng rng;
    rng_init_seeded(&rng, 1);
    static struct hall rows, standing;
    build(&rows, build_rows);
    build(&standing, build_standing);
    printf("ns a choice, medians of %u; \"warm\": the same choice again\n%-34s %8s %8s %8s %7s  %s\n", rounds,
           "", "plain", "runs", "warm", "ratio", "pieces");
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        measure(scenes[i].standing ? &standing : &rows, &scenes[i], rounds, &rng);
    static const struct scene half = {.fill = fill_at_random, .mille = 500};
    fill(&rows, &half, &rng);
    fill(&standing, &half, &rng);
    printf("\nns a seat that changes\n");
    measure_changes(&rows, "rows", &rng);
    measure_changes(&standing, "standing", &rng);
    measure_making(&rows);
    runs_free(rows.runs);
    runs_free(standing.runs);
    layout_unref(rows.layout);
    layout_unref(standing.layout);
    return 0;
}
