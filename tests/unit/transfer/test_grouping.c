/* Which changes are committed together again: a ticket is changed at most once in a group. */
#include "base/rng.h"
#include "transfer/grouping.h"
#include "unit/base/check.h"

enum { SEATS = 40, MANY = 1000 };

static struct change touching(struct seat_change *seats, const uint32_t *which, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        seats[i] = (struct seat_change){.seat = which[i]};
    return (struct change){.kind = CHANGE_HOLD_CREATED, .seats = seats, .seat_count = count};
}

static bool take(struct grouping *g, const uint32_t *which, uint32_t count)
{
    struct seat_change seats[SEATS];
    struct change c = touching(seats, which, count);
    return grouping_take(g, &c);
}

static void a_ticket_is_changed_once_in_a_group(void **state)
{
    (void)state;
    struct grouping g;
    grouping_init(&g, SEATS, MANY, MANY);
    assert_true(take(&g, (uint32_t[]){1, 2, 3}, 3));
    assert_true(take(&g, (uint32_t[]){4, 5}, 2));
    assert_false(take(&g, (uint32_t[]){6, 3}, 2));
    assert_true(take(&g, (uint32_t[]){6}, 1)); /* who was refused took nothing */
    grouping_next(&g);
    assert_true(take(&g, (uint32_t[]){6, 3}, 2));
    assert_false(take(&g, (uint32_t[]){6}, 1));
    grouping_done(&g);
}

static void changes_without_seats_join_any_group(void **state)
{
    (void)state;
    struct grouping g;
    grouping_init(&g, SEATS, 2, MANY);
    for (int i = 0; i < 5; i++)
        assert_true(take(&g, NULL, 0));
    assert_true(take(&g, (uint32_t[]){0, 39}, 2));
    assert_true(take(&g, NULL, 0)); /* it is full of seats only */
    assert_false(take(&g, (uint32_t[]){7}, 1));
    grouping_done(&g);
}

static void a_group_has_no_more_seats_than_the_store_likes(void **state)
{
    (void)state;
    struct grouping g;
    grouping_init(&g, SEATS, 4, MANY);
    assert_true(take(&g, (uint32_t[]){0, 1, 2}, 3));
    assert_false(take(&g, (uint32_t[]){3, 4}, 2));
    assert_true(take(&g, (uint32_t[]){3}, 1));
    grouping_done(&g);
}

static void one_change_alone_may_be_larger(void **state)
{
    (void)state;
    struct grouping g;
    grouping_init(&g, SEATS, 2, MANY);
    assert_true(take(&g, (uint32_t[]){0, 1, 2, 3}, 4));
    assert_false(take(&g, (uint32_t[]){5}, 1));
    grouping_next(&g);
    assert_true(take(&g, (uint32_t[]){5}, 1));
    assert_false(take(&g, (uint32_t[]){0, 1, 2}, 3)); /* not behind another */
    grouping_done(&g);
}

static void a_group_has_no_more_changes_than_told(void **state)
{
    (void)state;
    struct grouping g;
    grouping_init(&g, SEATS, MANY, 2);
    assert_true(take(&g, NULL, 0));
    assert_true(take(&g, (uint32_t[]){1}, 1));
    assert_false(take(&g, NULL, 0));
    grouping_next(&g);
    assert_true(take(&g, NULL, 0));
    grouping_done(&g);
}

/* Whatever comes: no group has a seat twice, none is too large, and none ends before it must. */
static void random_logs_are_cut_where_they_must(void **state)
{
    (void)state;
    struct rng rng;
    struct grouping g;
    bool in_group[SEATS] = {false};
    uint32_t seats = 0, changes = 0, groups = 0;
    rng_init_seeded(&rng, 5);
    grouping_init(&g, SEATS, 12, 6);
    for (int step = 0; step < 20000; step++) {
        uint32_t which[4], count = (uint32_t)rng_below(&rng, 5);
        bool again = false;
        for (uint32_t i = 0; i < count; i++) {
            which[i] = (uint32_t)(rng_below(&rng, SEATS / 4) * 4 + i);
            again |= in_group[which[i]];
        }
        bool expected = changes == 0 || (!again && changes < 6 && seats + count <= 12);
        assert_int_equal(take(&g, which, count), expected);
        if (!expected) {
            grouping_next(&g);
            for (uint32_t i = 0; i < SEATS; i++)
                in_group[i] = false;
            seats = changes = 0;
            groups++;
            assert_true(take(&g, which, count));
        }
        for (uint32_t i = 0; i < count; i++)
            in_group[which[i]] = true;
        seats += count;
        changes++;
    }
    assert_true(groups > 1000);
    grouping_done(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_changed_once_in_a_group),
        cmocka_unit_test(changes_without_seats_join_any_group),
        cmocka_unit_test(a_group_has_no_more_seats_than_the_store_likes),
        cmocka_unit_test(one_change_alone_may_be_larger),
        cmocka_unit_test(a_group_has_no_more_changes_than_told),
        cmocka_unit_test(random_logs_are_cut_where_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
