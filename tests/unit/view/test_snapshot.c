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

/* ---- extras ---- */

struct note {
    struct view_extra extra; /* first: an extra is its note */
    unsigned *freed;
};

static void free_note(struct view_extra *x)
{
    ++*((struct note *)x)->freed;
    free(x);
}

static struct view_extra *note_new(unsigned *freed)
{
    struct note *note = malloc(sizeof(*note));
    *note = (struct note){.extra = {free_note}, .freed = freed};
    return &note->extra;
}

static void test_an_extra_lives_as_long_as_its_version(void **state)
{
    struct stage t;
    (void)state;
    stage_init(&t, 11, 1);
    unsigned freed = 0, second_freed = 0;
    const uint32_t seat = 3;
    struct snapshot *s = view_find(t.view, &t.id);
    assert_null(view_extra(s, 0));
    struct view_extra *note = note_new(&freed);
    assert_ptr_equal(view_extra_keep(s, 0, note), note);
    assert_ptr_equal(view_extra_keep(s, 0, note_new(&second_freed)), note); /* too late */
    assert_int_equal(second_freed, 1);
    assert_ptr_equal(view_extra(s, 0), note);
    assert_null(view_extra(s, SNAPSHOT_EXTRAS - 1));

    set_blocked(t.view, t.inv, &seat, 1, true);
    struct snapshot *next = view_find(t.view, &t.id);
    assert_null(view_extra(next, 0));
    view_extra_keep(next, SNAPSHOT_EXTRAS - 1, note_new(&freed));
    assert_int_equal(freed, 0);
    view_release(s);
    view_release(next);
    stage_free(&t);
    assert_int_equal(freed, 2);
}

static void test_lasting_extras_are_shared_by_versions(void **state)
{
    struct stage t;
    (void)state;
    stage_init(&t, 11, 1);
    unsigned freed = 0, second_freed = 0;
    const uint32_t seat = 3;
    struct snapshot *s = view_find(t.view, &t.id);
    struct view_extra *note = note_new(&freed);
    assert_null(view_lasting(s, 1));
    assert_ptr_equal(view_lasting_keep(s, 1, note), note);
    set_blocked(t.view, t.inv, &seat, 1, true);
    view_load(t.view, t.inv);
    struct snapshot *next = view_find(t.view, &t.id);
    assert_ptr_equal(view_lasting(next, 1), note);
    assert_ptr_equal(view_lasting_keep(next, 1, note_new(&second_freed)), note);
    assert_int_equal(second_freed, 1);
    view_release(s);
    stage_free(&t);
    assert_ptr_equal(view_lasting(next, 1), note); /* the last version still has it */
    assert_int_equal(freed, 0);
    view_release(next);
    assert_int_equal(freed, 1);
}

static void test_another_layout_has_lasting_extras_of_its_own(void **state)
{
    struct stage t;
    (void)state;
    stage_init(&t, 11, 1);
    unsigned freed = 0;
    struct snapshot *s = view_find(t.view, &t.id);
    view_lasting_keep(s, 0, note_new(&freed));
    view_release(s);
    struct layout *other = hall_of(12);
    struct inventory *inv = created(other, t.id, "concert", 1000, &t.rng);
    view_load(t.view, inv);
    assert_int_equal(freed, 1); /* nobody had a version of the first layout any more */
    s = view_find(t.view, &t.id);
    assert_null(view_lasting(s, 0));
    view_release(s);
    inventory_free(inv);
    layout_unref(other);
    stage_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_seat),
        cmocka_unit_test(test_next_seat_at_the_borders),
        cmocka_unit_test(test_an_extra_lives_as_long_as_its_version),
        cmocka_unit_test(test_lasting_extras_are_shared_by_versions),
        cmocka_unit_test(test_another_layout_has_lasting_extras_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
