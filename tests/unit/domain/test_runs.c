/* Runs: what they say while seats come and go is what a look at every seat says. */
#include "base/params.h"
#include "domain/runs.h"
#include "domain/seating.h"
#include "unit/domain/hall.h"

enum { HALLS = 300, STEPS = 100 };

static bool can_be_chosen(const struct hall *h, uint32_t seat)
{
    return !h->taken[seat] && !strchr("wWcC", h->text[h->place[seat]]);
}

/* The lane's longest run, seat by seat. */
static uint32_t plain_longest(const struct hall *h, uint32_t lane)
{
    const struct lane *cells = &h->layout->seating->lanes[lane];
    bool numbered = cells->numbered;
    uint32_t longest = 0, run = 0;
    for (uint32_t cell = cells->first_cell; cell < cells->first_cell + cells->cells; cell++) {
        uint32_t seat = seating_seat(h->layout, cells->full_row, cell);
        if (can_be_chosen(h, seat))
            run++;
        else if (numbered)
            run = 0;
        longest = run > longest ? run : longest;
        if (layout_gap_after(h->layout, seat))
            run = 0;
    }
    return longest;
}

static void check_next_lane(const struct hall *h, struct rng *rng)
{
    uint32_t lanes = h->layout->seating->lane_count;
    uint32_t lane = rng_below(rng, lanes + 1), end = rng_below(rng, lanes + 1),
             length = 1 + rng_below(rng, 9);
    uint32_t next = lane < end ? lane : end;
    while (next < end && plain_longest(h, next) < length)
        next++;
    assert_int_equal(runs_next_lane(h->runs, lane, end, length), next);
}

static void check_cells(const struct hall *h)
{
    uint32_t restricted;
    bool known = layout_find_attribute(h->layout, "restricted_view", &restricted);
    for (uint32_t row = 0; row < h->layout->row_count; row++) {
        const struct layout_row *r = &h->layout->rows[row];
        uint32_t first = seating_cell(h->layout, row, r->first_seat), end = first + r->seats, next = end;
        for (uint32_t cell = end; cell-- > first;) {
            uint32_t seat = r->first_seat + (cell - first);
            assert_int_equal(runs_cell_is_free(h->runs, cell), !h->taken[seat]);
            if (!h->taken[seat] && strchr("rR", h->text[h->place[seat]]))
                next = cell;
            if (known)
                assert_int_equal(runs_next_having(h->runs, UINT32_C(1) << restricted, cell, end), next);
        }
    }
}

static void check_all(const struct hall *h)
{
    struct runs *again = runs_new(h->layout, hall_is_free, h);
    assert_true(runs_equal(again, h->runs));
    runs_free(again);
    for (uint32_t lane = 0; lane < h->layout->seating->lane_count; lane++)
        assert_int_equal(runs_longest(h->runs, lane), plain_longest(h, lane));
    check_cells(h);
}

static void test_halls_that_change(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HALLS; seed++) {
        struct rng rng;
        rng_init_seeded(&rng, seed);
        char text[MAP_MAX];
        random_hall(&rng, seed % 3 ? "..#" : "..#rRwWcC", text);
        struct hall h;
        hall_init(&h, text);
        check_all(&h);
        for (uint32_t step = 0; step < STEPS; step++) {
            hall_toggle(&h, rng_below(&rng, h.seats));
            check_next_lane(&h, &rng);
            if (step % 10 == 0)
                check_all(&h);
        }
        check_all(&h);
        hall_done(&h);
    }
}

/* ---- long rows: several words, more than a hold may have ---- */

static bool all_free(const void *ctx, uint32_t seat)
{
    (void)ctx;
    (void)seat;
    return true;
}

/* A row of 60, then one of 300 with an aisle after its seat 200, then 300 unnumbered places. */
static struct layout *long_rows(void)
{
    struct layout_builder *b = layout_builder_new();
    struct layout *layout;
    begin_section(b, 0);
    begin_type(b, 0);
    begin_row(b, 0);
    assert_int_equal(layout_builder_seats_counted(b, 60), 0);
    begin_row(b, 1);
    assert_int_equal(layout_builder_seats_counted(b, 300), 0);
    assert_int_equal(layout_builder_gap_after(b, "200"), 0);
    begin_type(b, 1);
    assert_int_equal(layout_builder_unnumbered(b, 300), 0);
    assert_int_equal(
        layout_builder_finish(b, (struct venue_id){.u.b = {1}}, "Long", "Europe/Berlin", 0, &layout), 0);
    layout_builder_free(b);
    return layout;
}

static void test_long_rows(void **state)
{
    (void)state;
    struct layout *l = long_rows();
    struct runs *r = runs_new(l, all_free, NULL);
    struct run run;
    assert_int_equal(runs_longest(r, 0), 60);
    assert_int_equal(runs_longest(r, 1), LIMIT_HOLD_SEATS);
    assert_int_equal(runs_longest(r, 2), LIMIT_HOLD_SEATS);
    assert_true(runs_next(r, 60, 360, &run));
    assert_int_equal(run.length, 200);
    assert_true(runs_next(r, 260, 360, &run));
    assert_int_equal(run.first, 260);
    assert_int_equal(run.length, 100);
    for (uint32_t seat = 60 + 31; seat < 360; seat += 32) /* 31 remain between those that are taken */
        runs_set(r, seat, false);
    assert_int_equal(runs_longest(r, 1), 31);
    assert_int_equal(runs_next_lane(r, 0, 3, 61), 2);
    assert_int_equal(runs_next_lane(r, 0, 2, 61), 2); /* none */
    for (uint32_t i = 0; i < 300; i++) {
        runs_set(r, 360 + i, false);
        assert_int_equal(runs_longest(r, 2), 299 - i < LIMIT_HOLD_SEATS ? 299 - i : LIMIT_HOLD_SEATS);
    }
    assert_false(runs_next(r, 360, 660, &run));
    runs_free(r);
    layout_unref(l);
}

static void set_twice(void)
{
    struct runs *r = runs_new(long_rows(), all_free, NULL);
    runs_set(r, 7, true);
}

static void test_a_free_seat_cannot_become_free(void **state)
{
    (void)state;
    CHECK_ABORTS(set_twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halls_that_change),
        cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_a_free_seat_cannot_become_free),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
