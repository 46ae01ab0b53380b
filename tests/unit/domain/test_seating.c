/* Seating: every seat has one cell, neighbours have neighbouring cells, and every wish is a range of lanes.
 */
#include "domain/seating.h"
#include "unit/domain/hall.h"

enum { HALLS = 1000 };

/* ---- by hand ---- */

/* Section 0: row 1 is a's 0 1 and b's 4 5 6, row 2 a's 2 3, unnumbered c: 7 8. Section 1: one row of a, 9 10.
 */
static const char hand[] = "..|/w.;..c;*..=..";

static void test_by_hand(void **state)
{
    (void)state;
    struct hall h;
    hall_init(&h, hand);
    const struct seating *s = h.layout->seating;
    static const uint32_t seats[] = {0, 1, 4, 5, 6, 2, 3, 7, 8, 9, 10};
    static const uint32_t full_rows[] = {0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3};
    static const bool stops[] = {0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1};
    static const bool special[] = {0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0};
    assert_int_equal(s->full_rows, 4);
    for (uint32_t cell = 0; cell < h.seats; cell++) {
        assert_int_equal(seating_seat(h.layout, full_rows[cell], cell), seats[cell]);
        assert_int_equal(seating_cell(h.layout, layout_row_of(h.layout, seats[cell]), seats[cell]), cell);
        assert_int_equal(bit_at(s->stop_after, cell), stops[cell]);
        assert_int_equal(bit_at(s->special, cell), special[cell]);
    }
    assert_int_equal(s->special[0] >> h.seats, 0);
    uint32_t lane, end;
    seating_lanes(h.layout, 0, "a", &lane, &end);
    assert_int_equal(end - lane, 2);
    assert_int_equal(s->lanes[lane].cells, 2); /* but row 1 has five */
    seating_lanes(h.layout, UINT32_MAX, "a", &lane, &end);
    assert_int_equal(end - lane, 3);
    assert_int_equal(s->lanes[end - 1].full_row, 3);
    seating_lanes(h.layout, 1, "b", &lane, &end);
    assert_int_equal(end - lane, 0);
    seating_lanes(h.layout, UINT32_MAX, "d", &lane, &end);
    assert_int_equal(end - lane, 0);
    hall_done(&h);
}

/* ---- by chance ---- */

static void check_cells(const struct hall *h)
{
    const struct layout *l = h->layout;
    bool used[MAP_MAX] = {false};
    for (uint32_t row = 0; row < l->row_count; row++) {
        const struct layout_row *r = &l->rows[row];
        for (uint32_t seat = r->first_seat; seat < r->first_seat + r->seats; seat++) {
            uint32_t cell = seating_cell(l, row, seat);
            assert_true(cell < h->seats && !used[cell]);
            used[cell] = true;
            uint32_t full_row = l->seating->lanes[l->seating->lane_of_row[row]].full_row;
            assert_int_equal(seating_seat(l, full_row, cell), seat);
            assert_int_equal(seating_row(l, seat), row);
            bool last = seat + 1 == r->first_seat + r->seats && r->next_part == NO_ROW;
            assert_int_equal(bit_at(l->seating->stop_after, cell), last || layout_gap_after(l, seat));
        }
        if (r->next_part != NO_ROW) /* the next part goes on where this one ends */
            assert_int_equal(seating_cell(l, r->next_part, l->rows[r->next_part].first_seat),
                             seating_cell(l, row, r->first_seat) + r->seats);
    }
}

/* The lanes of a wish have exactly the seats of the wanted section and type, from the front. */
static void check_lanes(const struct hall *h, uint32_t section, const char *type_id)
{
    const struct layout *l = h->layout;
    uint32_t lane, end, wanted = 0, found = 0, next_cell = 0;
    for (uint32_t i = 0; i < l->place_count; i++) {
        const struct layout_place *p = &l->places[i];
        if ((section == UINT32_MAX || p->section == section) &&
            (!type_id || strcmp(p->type_id, type_id) == 0))
            wanted += p->seats;
    }
    seating_lanes(l, section, type_id, &lane, &end);
    for (; lane < end; lane++) {
        const struct lane *cells = &l->seating->lanes[lane];
        assert_true(cells->first_cell >= next_cell);
        next_cell = cells->first_cell + cells->cells;
        for (uint32_t cell = cells->first_cell; cell < next_cell; cell++, found++) {
            uint32_t seat = seating_seat(l, cells->full_row, cell);
            const struct layout_place *p = &l->places[layout_place_of(l, seat)];
            assert_true(section == UINT32_MAX || p->section == section);
            assert_int_equal(cells->section, p->section);
            assert_int_equal(cells->numbered, p->numbered);
            assert_true(!type_id || strcmp(p->type_id, type_id) == 0);
        }
    }
    assert_int_equal(found, wanted);
}

static void test_by_chance(void **state)
{
    (void)state;
    static const char *const types[] = {NULL, "a", "b", "c"};
    for (uint64_t seed = 1; seed <= HALLS; seed++) {
        struct rng rng;
        rng_init_seeded(&rng, seed);
        char text[MAP_MAX];
        random_hall(&rng, ".#wcr", text);
        struct hall h;
        hall_init(&h, text);
        check_cells(&h);
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            check_lanes(&h, UINT32_MAX, types[i]);
            for (uint32_t section = 0; section < h.layout->section_count; section++)
                check_lanes(&h, section, types[i]);
        }
        hall_done(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_by_chance),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
