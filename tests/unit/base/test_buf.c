#include "base/buf.h"
#include "unit/base/check.h"
#include <string.h>

static void assert_content(const struct buf *b, const char *expected)
{
    assert_int_equal(b->size, strlen(expected));
    assert_memory_equal(b->data, expected, b->size);
}

static void test_append(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add(&b, NULL, 0);
    assert_null(b.data);
    buf_adds(&b, "row");
    buf_addc(&b, ' ');
    buf_add(&b, "12345", 2);
    buf_printf(&b, "/%03d", 7);
    assert_content(&b, "row 12/007");
    buf_done(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
}

static void test_grows_and_keeps(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b);
    for (unsigned i = 0; i < 100000; i++)
        buf_addc(&b, (char)(i * 7));
    assert_int_equal(b.size, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], (char)(i * 7));
    size_t cap = b.cap;
    buf_reset(&b);
    assert_int_equal(b.size, 0);
    assert_int_equal(b.cap, cap);
    buf_done(&b);
}

static void test_printf_at_the_edge_of_the_room(void **state)
{
    (void)state;
    /* The text fits, its NUL does not; then exactly; then by far not. */
    for (int room = 0; room < 130; room++) {
        struct buf b = {0};
        buf_reserve(&b, 128);
        while (b.size + (size_t)room < b.cap)
            buf_addc(&b, '.');
        size_t before = b.size;
        buf_printf(&b, "%064d", 5);
        assert_int_equal(b.size, before + 64);
        assert_int_equal(b.data[before], '0');
        assert_int_equal(b.data[b.size - 1], '5');
        buf_done(&b);
    }
}

static void test_printf_of_nothing(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_printf(&b, "%s", "");
    assert_int_equal(b.size, 0);
    buf_done(&b);
}

static void test_reserve(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_non_null(buf_reserve(&b, 0));
    memcpy(buf_reserve(&b, 1000), "abc", 3);
    b.size += 3;
    assert_true(b.cap >= 1000);
    assert_content(&b, "abc");
    buf_done(&b);
}

static void test_take(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_adds(&b, "gone");
    size_t size;
    char *data = buf_take(&b, &size);
    assert_int_equal(size, 4);
    assert_memory_equal(data, "gone", 4);
    free(data);
    assert_null(buf_take(&b, &size));
    assert_int_equal(size, 0);
    buf_adds(&b, "again");
    assert_content(&b, "again");
    buf_done(&b);
}

static void reserve_too_much(void)
{
    struct buf b = {0};
    buf_reserve(&b, SIZE_MAX / 2);
}

static void test_overflow_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(reserve_too_much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_grows_and_keeps),
        cmocka_unit_test(test_printf_at_the_edge_of_the_room),
        cmocka_unit_test(test_printf_of_nothing),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_overflow_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
