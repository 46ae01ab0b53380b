#include "base/clock.h"
#include "base/error.h"
#include "unit/base/check.h"
#include <stdio.h>
#include <string.h>

static const int64_t DAY_MS = 86400000;

static void assert_format(int64_t ms, const char *expected)
{
    char text[TIME_TEXT + 1];
    time_format(ms, text);
    assert_string_equal(text, expected);
}

static void assert_parse(const char *text, const char *expected)
{
    int64_t ms;
    assert_int_equal(time_parse(text, &ms), 0);
    assert_format(ms, expected);
}

static void test_format(void **state)
{
    (void)state;
    assert_format(0, "1970-01-01T00:00:00.000Z");
    assert_format(-1, "1969-12-31T23:59:59.999Z");
    assert_format(1700000000123, "2023-11-14T22:13:20.123Z");
    assert_format(-62167219200000, "0000-01-01T00:00:00.000Z");
    assert_format(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void format_year_10000(void)
{
    char text[TIME_TEXT + 1];
    time_format(253402300800000, text);
}

static void format_before_year_0(void)
{
    char text[TIME_TEXT + 1];
    time_format(-62167219200001, text);
}

static void test_format_beyond_the_years(void **state)
{
    (void)state;
    CHECK_ABORTS(format_year_10000);
    CHECK_ABORTS(format_before_year_0);
}

/* A calendar that counts days one by one, for every day of years 0 to 9999. */
static void test_every_day(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t ms = -62167219200000;
    for (int year = 0; year <= 9999; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int length = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= length; day++, ms += DAY_MS) {
                char text[TIME_TEXT + 1];
                time_format(ms + 1, text);
                int64_t number =
                    (((text[0] - '0') * 10 + text[1] - '0') * 10 + text[2] - '0') * 10 + text[3] - '0';
                bool same = number == year && text[5] - '0' == month / 10 && text[6] - '0' == month % 10 &&
                            text[8] - '0' == day / 10 && text[9] - '0' == day % 10;
                int64_t parsed = -1;
                if (year >= 1970)
                    same &= time_parse(text, &parsed) == 0 && parsed == ms + 1;
                if (!same)
                    fail_msg("%04d-%02d-%02d gave %s", year, month, day, text);
            }
        }
    }
    assert_int_equal(ms, 253402300800000);
}

static void test_parse_offsets_and_decimals(void **state)
{
    (void)state;
    assert_parse("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z");
    assert_parse("2026-11-22t10:00:00z", "2026-11-22T10:00:00.000Z");
    assert_parse("2026-11-22T10:00:00.5Z", "2026-11-22T10:00:00.500Z");
    assert_parse("2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00.123Z");
    assert_parse("2026-11-22T10:00:00.9999Z", "2026-11-22T10:00:00.999Z"); /* cut, not rounded */
    assert_parse("2026-11-22T10:00:00+01:00", "2026-11-22T09:00:00.000Z");
    assert_parse("2026-11-22T10:00:00-05:30", "2026-11-22T15:30:00.000Z");
    assert_parse("2026-11-22T10:00:00-00:00", "2026-11-22T10:00:00.000Z");
    assert_parse("2027-01-01T00:30:00.25+01:00", "2026-12-31T23:30:00.250Z");
    assert_parse("2026-11-22T10:00:00+23:59", "2026-11-21T10:01:00.000Z");
    assert_parse("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z");
    assert_parse("1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00.000Z");
    assert_parse("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z");
}

static void test_parse_leap(void **state)
{
    (void)state;
    assert_parse("2028-02-29T12:00:00Z", "2028-02-29T12:00:00.000Z");
    assert_parse("2000-02-29T12:00:00Z", "2000-02-29T12:00:00.000Z");
    assert_parse("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z");
    assert_parse("2016-12-31T23:59:60.7Z", "2017-01-01T00:00:00.000Z");
    assert_parse("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00.000Z");
}

static void test_parse_garbage(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00.1234567890Z",
        "2026-11-22T10:00:00,5Z",
        "2026-11-22T10:00:00ZZ",
        "2026-11-22T10:00:00Z ",
        " 2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00+0100",
        "2026-11-22T10:00:00+01",
        "2026-11-22T10:00:00+01:0",
        "2026-11-22T10:00:00+24:00",
        "2026-11-22T10:00:00+01:60",
        "2026-11-22T10:00:00 +01:00",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:61Z",
        "2026-11-22T10:00:60Z", /* no leap second in the middle of a day */
        "2026-11-22T23:59:60+01:00",
        "2026-00-22T10:00:00Z",
        "2026-13-22T10:00:00Z",
        "2026-11-00T10:00:00Z",
        "2026-11-31T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2100-02-29T10:00:00Z",
        "26-11-22T10:00:00Z",
        "02026-11-22T10:00:00Z",
        "+2026-11-22T10:00:00Z",
        "-026-11-22T10:00:00Z",
        "2026-1-22T10:00:00Z",
        "2026-11-2 T10:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "now",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ms = 4711;
        if (time_parse(bad[i], &ms) != BOX_ESYNTAX || ms != 4711)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "2026-11-22T10:00:00.123+01:00";
    int64_t ms;
    for (size_t size = 0; size < sizeof(whole) - 1; size++) {
        char *prefix = malloc(size + 1); /* exactly, so that a sanitizer sees a read behind the NUL */
        memcpy(prefix, whole, size);
        prefix[size] = '\0';
        assert_int_equal(time_parse(prefix, &ms), BOX_ESYNTAX);
        free(prefix);
    }
}

static void test_virtual_clock_stands(void **state)
{
    (void)state;
    struct clock c;
    clock_init_virtual(&c, 1000);
    assert_int_equal(clock_wall_us(&c), 1000);
    assert_int_equal(clock_monotonic_us(&c), 0);
    c.virtual_wall_us += 5;
    c.virtual_monotonic_us += 7;
    assert_int_equal(clock_wall_us(&c), 1005);
    assert_int_equal(clock_monotonic_us(&c), 7);
}

static void test_system_clock_goes(void **state)
{
    (void)state;
    struct clock c;
    clock_init_system(&c);
    assert_true(clock_wall_us(&c) > INT64_C(1700000000000000));
    int64_t last = clock_monotonic_us(&c);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us(&c);
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_format_beyond_the_years),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_parse_offsets_and_decimals),
        cmocka_unit_test(test_parse_leap),
        cmocka_unit_test(test_parse_garbage),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_virtual_clock_stands),
        cmocka_unit_test(test_system_clock_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
