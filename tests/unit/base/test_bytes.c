#include "base/bytes.h"
#include "unit/base/check.h"
#include <string.h>

static const uint64_t edges[] = {0,          1,         0x7f,       0x80,       0x3fff,     0x4000,
                                 0xffff,     0x10000,   UINT32_MAX, 1ull << 35, 1ull << 56, (1ull << 63) - 1,
                                 1ull << 63, UINT64_MAX};
enum { EDGES = sizeof(edges) / sizeof(edges[0]) };

static void test_big_endian(void **state)
{
    (void)state;
    struct buf b = {0};
    put_u8(&b, 0x01);
    put_u16(&b, 0x0203);
    put_u32(&b, 0x04050607);
    put_u64(&b, 0x08090a0b0c0d0e0f);
    put_i64(&b, -2);
    static const uint8_t expected[] = {1,  2,  3,  4,    5,    6,    7,    8,    9,    10,   11,  12,
                                       13, 14, 15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
    assert_int_equal(b.size, sizeof(expected));
    assert_memory_equal(b.data, expected, b.size);
    buf_done(&b);
}

static void test_varint_bytes(void **state)
{
    (void)state;
    struct buf b = {0};
    put_varint(&b, 300);
    assert_int_equal(b.size, 2);
    assert_memory_equal(b.data, "\xac\x02", 2);
    buf_reset(&b);
    put_varint(&b, UINT64_MAX);
    assert_int_equal(b.size, 10);
    buf_reset(&b);
    for (int v = -64; v < 64; v++)
        put_svarint(&b, v);
    assert_int_equal(b.size, 128); /* small negative numbers take one byte */
    buf_done(&b);
}

static void put_one_of_all(struct buf *b, uint64_t v)
{
    put_u8(b, (uint8_t)v);
    put_u16(b, (uint16_t)v);
    put_u32(b, (uint32_t)v);
    put_u64(b, v);
    put_i64(b, (int64_t)v);
    put_varint(b, v);
    put_svarint(b, (int64_t)v);
    put_bytes(b, "\0\1\2", 3);
    put_text(b, "Stra\xc3\x9f"
                "e");
    put_bytes(b, NULL, 0);
}

/* Read what put_one_of_all wrote; true if all came back. */
static bool take_one_of_all(struct rd *r, uint64_t v)
{
    size_t three, text_size, none;
    bool same = rd_u8(r) == (uint8_t)v;
    same &= rd_u16(r) == (uint16_t)v;
    same &= rd_u32(r) == (uint32_t)v;
    same &= rd_u64(r) == v;
    same &= rd_i64(r) == (int64_t)v;
    same &= rd_varint(r) == v;
    same &= rd_svarint(r) == (int64_t)v;
    const uint8_t *bytes = rd_bytes(r, &three);
    same &= bytes && three == 3 && memcmp(bytes, "\0\1\2", 3) == 0;
    const uint8_t *text = rd_bytes(r, &text_size);
    same &= text && text_size == 7 &&
            memcmp(text,
                   "Stra\xc3\x9f"
                   "e",
                   7) == 0;
    rd_bytes(r, &none);
    return same && none == 0;
}

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDGES; i++) {
        struct buf b = {0};
        put_one_of_all(&b, edges[i]);
        struct rd r;
        rd_init(&r, b.data, b.size);
        assert_int_equal(rd_left(&r), b.size);
        assert_true(take_one_of_all(&r, edges[i]));
        assert_true(rd_ok(&r));
        assert_true(rd_end(&r));
        buf_done(&b);
    }
}

static void test_every_truncation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDGES; i++) {
        struct buf b = {0};
        put_one_of_all(&b, edges[i]);
        for (size_t size = 0; size < b.size; size++) {
            char *exact = malloc(size ? size : 1); /* so that a sanitizer sees one byte too many */
            memcpy(exact, b.data, size);
            struct rd r;
            rd_init(&r, exact, size);
            take_one_of_all(&r, edges[i]);
            assert_false(rd_ok(&r));
            assert_false(rd_end(&r));
            free(exact);
        }
        buf_done(&b);
    }
}

static void test_nothing_after_a_fault(void **state)
{
    (void)state;
    struct rd r;
    rd_init(&r, "\x01\x02\x03", 3);
    assert_int_equal(rd_u32(&r), 0);
    assert_false(rd_ok(&r));
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(rd_u8(&r), 0); /* although 3 bytes were there */
    assert_int_equal(rd_varint(&r), 0);
    assert_null(rd_raw(&r, 0));
    size_t size = 99;
    assert_null(rd_bytes(&r, &size));
    assert_int_equal(size, 0);
}

static void assert_bad_varint(const char *bytes, size_t size)
{
    struct rd r;
    rd_init(&r, bytes, size);
    assert_int_equal(rd_varint(&r), 0);
    assert_false(rd_ok(&r));
}

static void test_bad_varints(void **state)
{
    (void)state;
    assert_bad_varint("", 0);
    assert_bad_varint("\x80", 1);
    assert_bad_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10); /* 65 bits */
    assert_bad_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    assert_bad_varint("\x80\x00", 2); /* 0 in two bytes */
    assert_bad_varint("\xff\x80\x00", 3);
}

static void test_length_beyond_the_end(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {3, 100, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        struct buf b = {0};
        put_varint(&b, lengths[i]);
        buf_adds(&b, "ab");
        struct rd r;
        rd_init(&r, b.data, b.size);
        size_t size;
        assert_null(rd_bytes(&r, &size));
        assert_false(rd_ok(&r));
        buf_done(&b);
    }
}

static void test_raw_and_left_over(void **state)
{
    (void)state;
    struct rd r;
    rd_init(&r, "abc", 3);
    assert_memory_equal(rd_raw(&r, 2), "ab", 2);
    assert_true(rd_ok(&r));
    assert_false(rd_end(&r));
    assert_non_null(rd_raw(&r, 1));
    assert_non_null(rd_raw(&r, 0));
    assert_true(rd_end(&r));
    assert_null(rd_raw(&r, SIZE_MAX));

    rd_init(&r, NULL, 0);
    assert_true(rd_end(&r));
    assert_int_equal(rd_u8(&r), 0);
    assert_false(rd_ok(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_big_endian),
        cmocka_unit_test(test_varint_bytes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_truncation_fails),
        cmocka_unit_test(test_nothing_after_a_fault),
        cmocka_unit_test(test_bad_varints),
        cmocka_unit_test(test_length_beyond_the_end),
        cmocka_unit_test(test_raw_and_left_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
