/* One snapshot: the search for a seat, and what readers leave at it. */
#include "unit/view/stage.h"

/* ---- the search ---- */

static uint32_t next_seat_slowly(const struct snapshot *s, uint32_t from, uint32_t end,
                                 enum seat_status status)
{
    for (uint32_t seat = from; seat < end; seat++) {
        if (snapshot_status(s, seat) == status)
            return seat;
    }
    return NO_SEAT;
}

/* Statuses of all four kinds, in runs of up to @longest. */
static void fill(struct snapshot *s, uint32_t longest, struct rng *rng)
{
    uint32_t total = s->layout->seats_total;
    for (uint32_t seat = 0; seat < total;) {
        unsigned status = rng_below(rng, SEAT_STATUSES);
        for (uint32_t left = 1 + rng_below(rng, longest); left > 0 && seat < total; left--, seat++) {
            unsigned byte = s->bitmap[seat / 4] & ~(3u << (2 * (seat % 4)));
            s->bitmap[seat / 4] = (uint8_t)(byte | status << (2 * (seat % 4)));
        }
    }
}

static void test_next_seat(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct stage t;
        stage_init(&t, 1 + (uint32_t)seed * 13, seed);
        struct snapshot *s = view_find(t.view, &t.id);
        uint32_t total = s->layout->seats_total;
        fill(s, seed % 2 ? 3 : 200, &t.rng); /* nobody else has it */
        for (unsigned round = 0; round < 2000; round++) {
            uint32_t end = rng_below(&t.rng, total + 1), from = rng_below(&t.rng, total + 1);
            enum seat_status status = (enum seat_status)rng_below(&t.rng, SEAT_STATUSES);
            assert_int_equal(snapshot_next_seat(s, from, end, status),
                             next_seat_slowly(s, from, end, status));
        }
        view_release(s);
        stage_free(&t);
    }
}

static void test_next_seat_at_the_borders(void **state)
{
    struct stage t;
    (void)state;
    stage_init(&t, 64 - 13, 1); /* exactly two words */
    const uint32_t last = 63;
    set_blocked(t.view, t.inv, &last, 1, true);
    struct snapshot *s = view_find(t.view, &t.id);
    assert_int_equal(s->layout->seats_total, 64);
    assert_int_equal(snapshot_next_seat(s, 0, 64, SEAT_BLOCKED), 63);
    assert_int_equal(snapshot_next_seat(s, 63, 64, SEAT_BLOCKED), 63);
    assert_int_equal(snapshot_next_seat(s, 0, 63, SEAT_BLOCKED), NO_SEAT);
    assert_int_equal(snapshot_next_seat(s, 64, 64, SEAT_BLOCKED), NO_SEAT);
    assert_int_equal(snapshot_next_seat(s, 0, 0, SEAT_AVAILABLE), NO_SEAT);
    assert_int_equal(snapshot_next_seat(s, 32, 64, SEAT_AVAILABLE), 32);
    view_release(s);
    stage_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_seat),
        cmocka_unit_test(test_next_seat_at_the_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
