#include "base/rng.h"
#include "unit/base/check.h"
#include <sodium.h>
#include <string.h>

/* Old seeds must go on meaning the same simulation. */
static void test_seeded_stream_is_pinned(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seeded(&rng, 1);
    assert_true(rng_u64(&rng) == UINT64_C(0x9c36b0116f34a45a));
    assert_true(rng_u64(&rng) == UINT64_C(0x683bbed0b055a12f));
    assert_int_equal(rng.counter, 2);
}

static void test_seeded_repeats(void **state)
{
    (void)state;
    struct rng a, b, c;
    rng_init_seeded(&a, 7);
    rng_init_seeded(&b, 7);
    rng_init_seeded(&c, 8);
    uint8_t from_a[1000], from_b[1000], from_c[1000];
    rng_bytes(&a, from_a, 3); /* the size of a draw does not shift the next */
    rng_bytes(&b, from_b, 999);
    rng_bytes(&a, from_a, sizeof(from_a));
    rng_bytes(&b, from_b, sizeof(from_b));
    rng_bytes(&c, from_c, sizeof(from_c));
    assert_memory_equal(from_a, from_b, sizeof(from_a));
    assert_memory_not_equal(from_a, from_c, sizeof(from_a));
}

static void test_below_is_in_range_and_even(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seeded(&rng, 3);
    unsigned counts[6] = {0};
    for (int i = 0; i < 60000; i++)
        counts[rng_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        assert_in_range(counts[i], 9600, 10400);
    static const uint32_t bounds[] = {1, 2, 0x80000000u, 0x80000001u, UINT32_MAX};
    for (size_t i = 0; i < 5; i++)
        for (int k = 0; k < 1000; k++)
            assert_true(rng_below(&rng, bounds[i]) < bounds[i]);
}

static void below_zero(void)
{
    struct rng rng;
    rng_init_seeded(&rng, 3);
    rng_below(&rng, 0);
}

static void test_bound_zero(void **state)
{
    (void)state;
    CHECK_ABORTS(below_zero);
}

static void test_system_differs(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_system(&rng);
    assert_true(rng_u64(&rng) != rng_u64(&rng));
    uint8_t bytes[64] = {0}, zeros[64] = {0};
    rng_bytes(&rng, bytes, sizeof(bytes));
    assert_memory_not_equal(bytes, zeros, sizeof(bytes));
    rng_bytes(&rng, bytes, 0);
}

static void test_keyed_streams_differ(void **state)
{
    (void)state;
    struct rng a, b;
    rng_init_keyed(&a);
    rng_init_keyed(&b);
    uint8_t from_a[32], again[32], from_b[32];
    rng_bytes(&a, from_a, sizeof(from_a));
    rng_bytes(&a, again, sizeof(again));
    rng_bytes(&b, from_b, sizeof(from_b));
    assert_memory_not_equal(from_a, again, sizeof(again));
    assert_memory_not_equal(from_a, from_b, sizeof(from_b));
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeded_stream_is_pinned),
        cmocka_unit_test(test_seeded_repeats),
        cmocka_unit_test(test_below_is_in_range_and_even),
        cmocka_unit_test(test_bound_zero),
        cmocka_unit_test(test_system_differs),
        cmocka_unit_test(test_keyed_streams_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
