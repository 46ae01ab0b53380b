/* Deltas: replayed on an old bitmap they give the new one, or it is said that they cannot. */
#include "unit/view/stage.h"

static int changes_since(struct stage *t, uint64_t since, struct seat_delta **ret_list, uint32_t *ret_count,
                         struct snapshot **ret_snapshot)
{
    arena_reset(&t->arena);
    return view_changes(t->view, &t->id, since, &t->arena, ret_list, ret_count, ret_snapshot);
}

static void test_borders(void **state)
{
    struct stage t;
    (void)state;
    stage_init(&t, 11, 1);
    struct seat_delta *list;
    uint32_t count = 9;
    struct snapshot *s = NULL;
    struct event_id unknown = event_numbered(2);
    assert_int_equal(view_changes(t.view, &unknown, 0, &t.arena, &list, &count, &s), BOX_ENOTFOUND);
    assert_null(s);
    assert_int_equal(changes_since(&t, 1, &list, &count, &s), 0);
    assert_int_equal(count, 0);
    assert_int_equal(s->seq, 1);
    view_release(s);
    assert_int_equal(changes_since(&t, 2, &list, &count, &s), BOX_ERANGE);
    check_shown(s, t.inv);
    view_release(s);
    assert_int_equal(changes_since(&t, 0, &list, &count, &s),
                     BOX_ERANGE); /* what was loaded came from nowhere */
    view_release(s);

    const uint32_t seats[] = {9, 2};
    set_blocked(t.view, t.inv, seats, 2, true);
    set_blocked(t.view, t.inv, seats, 1, false);
    assert_int_equal(changes_since(&t, 1, &list, &count, &s), 0);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].seat, 2);
    assert_int_equal(list[0].status, SEAT_BLOCKED);
    assert_int_equal(list[1].seat, 9);
    assert_int_equal(list[1].status, SEAT_AVAILABLE);
    view_release(s);
    assert_int_equal(changes_since(&t, 2, &list, &count, &s), 0);
    assert_int_equal(count, 1);
    view_release(s);

    view_load(t.view, t.inv); /* again, nothing new: what is known stays known */
    assert_int_equal(changes_since(&t, 1, &list, &count, &s), 0);
    assert_int_equal(count, 2);
    view_release(s);
    stage_free(&t);
}

/* After a reload that jumped ahead only the new state is known. */
static void test_reload_with_a_jump(void **state)
{
    struct stage t;
    (void)state;
    stage_init(&t, 11, 1);
    struct seat_delta *list;
    uint32_t count;
    struct snapshot *s;
    struct view *other = view_new();
    const uint32_t seats[] = {9, 2};
    set_blocked(t.view, t.inv, seats, 2, true);
    view_load(other, t.inv);
    set_blocked(other, t.inv, seats, 1, false);
    view_load(t.view, t.inv);
    assert_int_equal(changes_since(&t, 2, &list, &count, &s), BOX_ERANGE);
    check_shown(s, t.inv);
    view_release(s);
    assert_int_equal(changes_since(&t, 3, &list, &count, &s), 0);
    assert_int_equal(count, 0);
    view_release(s);
    view_free(other);
    stage_free(&t);
}

/* ---- the property ---- */

enum { KEPT = 64 };

static void check_replay(struct stage *t, const struct snapshot *old)
{
    struct seat_delta *list;
    uint32_t count;
    struct snapshot *s;
    assert_int_equal(changes_since(t, old->seq, &list, &count, &s), 0);
    uint8_t *bitmap = malloc(s->bitmap_size);
    memcpy(bitmap, old->bitmap, s->bitmap_size);
    replay(bitmap, list, count);
    assert_memory_equal(bitmap, s->bitmap, s->bitmap_size);
    free(bitmap);
    view_release(s);
}

static void test_replayed_deltas_give_the_bitmap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct stage t;
        stage_init(&t, 1 + (uint32_t)seed * 29, seed);
        struct snapshot *kept[KEPT] = {0};
        for (unsigned round = 0; round < 400; round++) {
            random_group(&t);
            unsigned k = rng_below(&t.rng, KEPT);
            if (kept[k]) {
                check_replay(&t, kept[k]);
                view_release(kept[k]);
            }
            kept[k] = view_find(t.view, &t.id);
            check_shown(kept[k], t.inv);
        }
        for (unsigned k = 0; k < KEPT; k++)
            view_release(kept[k]);
        stage_free(&t);
    }
}

/* The ring forgets the oldest; a change of which a part was forgotten counts as forgotten. */
static void test_a_full_ring(void **state)
{
    struct stage t;
    (void)state;
    stage_init(&t, 1000, 1);
    enum { PER_CHANGE = 1000, CHANGES = LIMIT_DELTA_RING / PER_CHANGE + 5 };
    uint32_t seats[PER_CHANGE];
    for (uint32_t i = 0; i < PER_CHANGE; i++)
        seats[i] = 13 + i;
    struct snapshot *old[CHANGES];
    for (unsigned i = 0; i < CHANGES; i++) {
        old[i] = view_find(t.view, &t.id);
        set_blocked(t.view, t.inv, seats, PER_CHANGE, i % 2 == 0);
    }
    for (unsigned i = 0; i < CHANGES; i++) {
        if (CHANGES - i <= LIMIT_DELTA_RING / PER_CHANGE) {
            check_replay(&t, old[i]);
        } else {
            struct seat_delta *list;
            uint32_t count;
            struct snapshot *s;
            assert_int_equal(changes_since(&t, old[i]->seq, &list, &count, &s), BOX_ERANGE);
            view_release(s);
        }
        view_release(old[i]);
    }
    stage_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_reload_with_a_jump),
        cmocka_unit_test(test_replayed_deltas_give_the_bitmap),
        cmocka_unit_test(test_a_full_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
