#include "base/arena.h"
#include "unit/base/check.h"
#include <stdalign.h>
#include <string.h>

static void test_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 256);
    char *pointers[500];
    size_t sizes[500];
    for (size_t i = 0; i < 500; i++) {
        sizes[i] = (i * 37) % 300;
        pointers[i] = arena_alloc(&a, sizes[i]);
        assert_int_equal((uintptr_t)pointers[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pointers[i][k], 0);
        memset(pointers[i], (int)(i % 251) + 1, sizes[i]);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal((unsigned char)pointers[i][k], i % 251 + 1);
    arena_done(&a);
    assert_int_equal(a.total, 0);
}

static void test_size_zero_is_valid(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    char *one = arena_alloc(&a, 0), *two = arena_alloc(&a, 0);
    assert_non_null(one);
    assert_ptr_not_equal(one, two);
    assert_non_null(arena_array(&a, 0, 100));
    assert_non_null(arena_copy(&a, NULL, 0));
    assert_string_equal(arena_strndup(&a, NULL, 0), "");
    arena_done(&a);
}

static void test_reset_keeps_one_block_and_zeroes_again(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024);
    for (int i = 0; i < 100; i++)
        memset(arena_alloc(&a, 100), 0xff, 100);
    memset(arena_alloc(&a, 100000), 0xff, 100000);
    assert_true(a.total > 100000);
    arena_reset(&a);
    assert_int_equal(a.total, 1024);
    const struct arena_block *kept = a.head;
    for (int i = 0; i < 9; i++) {
        const char *data = arena_alloc(&a, 100);
        for (int k = 0; k < 100; k++)
            assert_int_equal(data[k], 0);
    }
    assert_ptr_equal(a.head, kept); /* nothing was allocated anew */
    arena_done(&a);
}

static void test_reset_of_big_or_empty(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 128);
    arena_reset(&a);
    arena_alloc(&a, 5000); /* big first: there is no ordinary block to keep */
    arena_reset(&a);
    assert_int_equal(a.total, 0);
    assert_non_null(arena_alloc(&a, 10));
    arena_done(&a);
    assert_non_null(arena_alloc(&a, 10)); /* may be used again after done */
    arena_done(&a);
}

static void test_big_ones_do_not_waste_the_head(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    char *before = arena_alloc(&a, 16);
    arena_alloc(&a, 100000);
    assert_ptr_equal(arena_alloc(&a, 16), before + 16);
    arena_done(&a);
}

static void test_text(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    assert_string_equal(arena_strdup(&a, "seat"), "seat");
    assert_string_equal(arena_strdup(&a, ""), "");
    assert_string_equal(arena_strndup(&a, "seatmap", 4), "seat");
    assert_string_equal(arena_printf(&a, "%s-%d", "row", 12), "row-12");
    char *long_text = arena_printf(&a, "%0500d", 7);
    assert_int_equal(strlen(long_text), 500);
    assert_memory_equal(arena_copy(&a, "a\0b", 3), "a\0b", 3);
    arena_done(&a);
}

static void overflow_the_product(void)
{
    struct arena a;
    arena_init(&a, 0);
    arena_array(&a, SIZE_MAX / 2, 3);
}

static void ask_for_too_much(void)
{
    struct arena a;
    arena_init(&a, 0);
    arena_alloc(&a, SIZE_MAX - 8);
}

static void test_overflow_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(overflow_the_product);
    CHECK_ABORTS(ask_for_too_much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_aligned_and_apart),
        cmocka_unit_test(test_size_zero_is_valid),
        cmocka_unit_test(test_reset_keeps_one_block_and_zeroes_again),
        cmocka_unit_test(test_reset_of_big_or_empty),
        cmocka_unit_test(test_big_ones_do_not_waste_the_head),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_overflow_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
