#include "load/crowd.h"
#include "load/histogram.h"
#include "unit/base/check.h"
#include <string.h>

enum { VALUES = 20000 };

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Against the sorted values themselves: never below the true quantile, at most 1/64 above. */
static void test_quantiles_of_many(void **state)
{
    (void)state;
    static int64_t values[VALUES];
    static struct histogram h;
    struct dice dice = {.state = 7};
    for (unsigned i = 0; i < VALUES; i++) {
        values[i] = (int64_t)(dice_roll(&dice) >> (dice_roll(&dice) % 63 + 1)); /* of every magnitude */
        histogram_add(&h, values[i]);
    }
    qsort(values, VALUES, sizeof values[0], compare);
    const double fractions[] = {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    for (unsigned i = 0; i < sizeof fractions / sizeof fractions[0]; i++) {
        int64_t right = values[(unsigned)(fractions[i] * VALUES + 0.999) - 1];
        double got = histogram_ms(&h, fractions[i]) * 1e6;
        assert_true(got >= (double)right * 0.999999);
        assert_true(got <= (double)right * (1 + 1.0 / 64) + 1);
    }
    assert_int_equal(h.total, VALUES);
    assert_int_equal(h.max, values[VALUES - 1]);
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    static struct histogram h;
    for (int64_t v = 0; v < 128; v++)
        histogram_add(&h, v);
    assert_true(histogram_ms(&h, 0.5) * 1e6 > 62.9 && histogram_ms(&h, 0.5) * 1e6 < 63.1);
    assert_true(histogram_ms(&h, 1) * 1e6 > 126.9 && histogram_ms(&h, 1) * 1e6 < 127.1);
}

static void test_empty(void **state)
{
    (void)state;
    static const struct histogram h;
    assert_true(histogram_ms(&h, 0.99) == 0);
    assert_true(median(NULL, 0) == 0);
}

static void test_median(void **state)
{
    (void)state;
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    assert_true(median(odd, 3) == 2);
    assert_true(median(even, 4) == 2.5);
}

static void add_below_zero(void)
{
    static struct histogram h;
    histogram_add(&h, -1);
}

static void test_time_does_not_run_backwards(void **state)
{
    (void)state;
    assert_true(check_aborts(add_below_zero));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_of_many),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_time_does_not_run_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
