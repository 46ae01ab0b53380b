/* Which stretch of a CDC log is read next. */
#include "store/cql/cdc_window.h"
#include "unit/base/check.h"

static const int64_t S = 1000000, NEVER = INT64_MAX;

static int64_t next(const struct cdc_window *w, int64_t at_us, int64_t now_us, int64_t safety_us,
                    int64_t end_us)
{
    int64_t to_us;
    return cdc_window_next(w, at_us, now_us, safety_us, end_us, &to_us) ? to_us : -1;
}

static void never_nearer_than_the_safety_interval(void **state)
{
    (void)state;
    const struct cdc_window w = {.span_us = 100 * S};
    assert_int_equal(next(&w, 0, 30 * S, 30 * S, NEVER), -1);
    assert_int_equal(next(&w, 0, 30 * S + 1, 30 * S, NEVER), 1);
    assert_int_equal(next(&w, 50 * S, 70 * S, 30 * S, NEVER), -1);
    assert_int_equal(next(&w, 50 * S, 90 * S, 30 * S, NEVER), 60 * S);
    assert_int_equal(next(&w, 0, 1000 * S, 30 * S, NEVER), 100 * S);
    assert_int_equal(next(&w, 50 * S, 90 * S, 0, NEVER), 90 * S);
}

static void never_over_the_end_of_a_generation(void **state)
{
    (void)state;
    const struct cdc_window w = {.span_us = 100 * S};
    assert_int_equal(next(&w, 0, 1000 * S, 30 * S, 40 * S), 40 * S);
    assert_int_equal(next(&w, 0, 60 * S, 30 * S, 40 * S), 30 * S);
    assert_int_equal(next(&w, 40 * S, 1000 * S, 30 * S, 40 * S), -1);
}

static void as_long_as_is_good(void **state)
{
    (void)state;
    struct cdc_window w;
    cdc_window_init(&w);
    int64_t first = w.span_us;
    cdc_window_widen(&w, 26, 100);
    assert_int_equal(w.span_us, first);
    cdc_window_widen(&w, 25, 100);
    assert_int_equal(w.span_us, 2 * first);
    for (int i = 0; i < 100; i++)
        cdc_window_widen(&w, 0, 100);
    int64_t longest = w.span_us;
    assert_true(longest > 365LL * 86400 * S && longest < 1000LL * 86400 * S);
    cdc_window_narrow(&w, 0, 10);
    assert_int_equal(w.span_us, 5);
    cdc_window_narrow(&w, 7, 9);
    assert_int_equal(w.span_us, 1);
    assert_int_equal(next(&w, 7, 100, 0, NEVER), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_nearer_than_the_safety_interval),
        cmocka_unit_test(never_over_the_end_of_a_generation),
        cmocka_unit_test(as_long_as_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
