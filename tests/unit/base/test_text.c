#include "base/error.h"
#include "base/text.h"
#include "unit/base/check.h"
#include <string.h>

static int setup(void **state)
{
    struct arena *a = malloc(sizeof(*a));
    arena_init(a, 0);
    *state = a;
    return 0;
}

static int teardown(void **state)
{
    arena_done(*state);
    free(*state);
    return 0;
}

static void assert_base64(const char *text, const char *expected)
{
    struct buf b = {0};
    text_base64(&b, text, strlen(text));
    assert_int_equal(b.size, strlen(expected));
    if (b.size)
        assert_memory_equal(b.data, expected, b.size);
    buf_done(&b);
}

/* RFC 4648, section 10. */
static void test_base64_of_the_rfc(void **state)
{
    (void)state;
    assert_base64("", "");
    assert_base64("f", "Zg==");
    assert_base64("fo", "Zm8=");
    assert_base64("foo", "Zm9v");
    assert_base64("foob", "Zm9vYg==");
    assert_base64("fooba", "Zm9vYmE=");
    assert_base64("foobar", "Zm9vYmFy");
    assert_base64("\xfb\xff\xbf", "+/+/");
}

static void test_base64_is_appended(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_adds(&b, "x");
    text_base64(&b, "f", 1); /* padding counts from the start of the text, not of the buffer */
    text_hex(&b, "\x00\xaf", 2);
    assert_int_equal(b.size, 9);
    assert_memory_equal(b.data, "xZg==00af", 9);
    buf_done(&b);
}

static void test_base64url_round_trip(void **state)
{
    struct arena *a = *state;
    uint8_t data[256];
    for (unsigned i = 0; i < 256; i++)
        data[i] = (uint8_t)(255 - i);
    for (size_t size = 0; size <= 256; size++) {
        const char *text = text_base64url(a, data, size);
        assert_int_equal(strlen(text), (size * 4 + 2) / 3);
        assert_null(strpbrk(text, "+/="));
        uint8_t back[256];
        size_t back_size;
        assert_int_equal(text_from_base64url(text, back, size, &back_size), 0);
        assert_int_equal(back_size, size);
        assert_memory_equal(back, data, size);
        if (size > 0)
            assert_int_equal(text_from_base64url(text, back, size - 1, &back_size), BOX_ESYNTAX);
    }
    assert_string_equal(text_base64url(a, "\xfb\xff", 2), "-_8");
}

static void test_base64url_refuses(void **state)
{
    static const char *const bad[] = {"Z",     "Zg==",      "Zm9vY", "Zh" /* bits behind the byte */,
                                      "Zm9",   "Zm9+",      "Zm9/",  "Z m8",
                                      "Zm8\n", "Zm\xc3\xa4"};
    (void)state;
    uint8_t data[16];
    size_t size = 0;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(text_from_base64url(bad[i], data, sizeof(data), &size), BOX_ESYNTAX);
    assert_int_equal(size, 0);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool good;
    } cases[] = {
        {"", true},
        {"Stra\xc3\x9f"
         "e",
         true},
        {"\xe2\x82\xac \xf0\x9f\x8e\xab", true},
        {"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true}, /* edges */
        {"\xed\x9f\xbf\xee\x80\x80", true}, /* beside the surrogates */
        {"\x80", false},
        {"\xc3", false},
        {"\xc3(", false},
        {"\xc0\xaf", false}, /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false}, /* surrogate */
        {"\xed\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xf8\x88\x80\x80\x80", false},
        {"\xff", false},
        {"ok\xe2\x82", false}, /* cut */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (text_is_utf8(cases[i].bytes, strlen(cases[i].bytes)) != cases[i].good)
            fail_msg("case %zu", i);
    assert_true(text_is_utf8("a\0b", 3));
    assert_true(text_is_utf8("\xe2\x82\xac", 3));
    assert_false(text_is_utf8("\xe2\x82\xac", 2));
}

static void test_next(void **state)
{
    (void)state;
    uint32_t c = 0;
    assert_int_equal(text_next("\xf0\x9f\x8e\xab", 4, &c), 4);
    assert_int_equal(c, 0x1f3ab);
    assert_int_equal(text_next("\0", 1, &c), 1);
    assert_int_equal(c, 0);
    assert_int_equal(text_next("", 0, &c), 0);
}

static void test_chars(void **state)
{
    (void)state;
    assert_int_equal(text_chars(""), 0);
    assert_int_equal(text_chars("abc"), 3);
    assert_int_equal(text_chars("Stra\xc3\x9f"
                                "e"),
                     6);
    assert_int_equal(text_chars("\xf0\x9f\x8e\xab"), 1);
}

static void test_control(void **state)
{
    (void)state;
    assert_false(text_has_control("Stra\xc3\x9f"
                                  "e 1 ~"));
    assert_false(text_has_control("\xc2\xa0")); /* U+00A0 is no control character */
    assert_false(text_has_control("\xe2\x80\xa7\xe2\x80\xaa"));
    static const char *const bad[] = {"a\n",      "\x01",     "\t",           "\x1b[0m",       "\x7f",
                                      "\xc2\x80", "\xc2\x9f", "\xe2\x80\xa8", "x\xe2\x80\xa9", "\x80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(text_has_control(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_of_the_rfc),
        cmocka_unit_test(test_base64_is_appended),
        cmocka_unit_test_setup_teardown(test_base64url_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_base64url_refuses, setup, teardown),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_chars),
        cmocka_unit_test(test_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
