#include "base/error.h"
#include "base/uuid.h"
#include "unit/base/check.h"
#include <sodium.h>
#include <string.h>

static const uint8_t node[6] = {0x9f, 0x6b, 0xde, 0xce, 0xd8, 0x46};

static void assert_text(const struct uuid *u, const char *expected)
{
    char text[UUID_TEXT + 1];
    uuid_format(u, text);
    assert_string_equal(text, expected);
}

/* RFC 9562, appendix A.1: 2022-02-22T19:22:22Z. */
static void test_v1_of_the_rfc(void **state)
{
    (void)state;
    struct uuid u = uuid_v1(INT64_C(1645557742000000), 0, 0x33c8, node);
    assert_text(&u, "c232ab00-9414-11ec-b3c8-9f6bdeced846");
    assert_int_equal(uuid_v1_time_us(&u), INT64_C(1645557742000000));
}

static void test_v1_round_trip(void **state)
{
    (void)state;
    static const int64_t times[] = {0,
                                    1,
                                    -1,
                                    1645557742000001,
                                    INT64_C(1795341600000000),
                                    -12219292800000000,           /* 1582-10-15: all bits 0 */
                                    INT64_C(103072857660684697)}; /* all 60 bits 1 */
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        for (unsigned ticks = 0; ticks <= (i == 6 ? 5u : 9u); ticks++) {
            struct uuid u = uuid_v1(times[i], ticks, 0xffff, node);
            assert_int_equal(u.b[6] >> 4, 1);
            assert_int_equal(u.b[8] >> 6, 2);
            assert_int_equal(uuid_v1_time_us(&u), times[i]);
            struct uuid back;
            char text[UUID_TEXT + 1];
            uuid_format(&u, text);
            assert_int_equal(uuid_parse(text, &back), 0);
            assert_true(uuid_equal(&u, &back));
        }
    }
}

static void test_v1_ticks_tell_apart(void **state)
{
    (void)state;
    struct uuid a = uuid_v1(1000, 3, 5, node), b = uuid_v1(1000, 4, 5, node), c = uuid_v1(1000, 3, 6, node);
    assert_false(uuid_equal(&a, &b));
    assert_false(uuid_equal(&a, &c));
}

static void v1_before_its_calendar(void)
{
    uuid_v1(-12219292800000001, 0, 0, node);
}

static void v1_after_its_calendar(void)
{
    uuid_v1(INT64_C(103072857660684698), 0, 0, node);
}

static void v1_overflow(void)
{
    uuid_v1(INT64_MAX, 0, 0, node);
}

static void v1_ten_ticks(void)
{
    uuid_v1(0, 10, 0, node);
}

static void test_v1_limits(void **state)
{
    (void)state;
    CHECK_ABORTS(v1_before_its_calendar);
    CHECK_ABORTS(v1_after_its_calendar);
    CHECK_ABORTS(v1_overflow);
    CHECK_ABORTS(v1_ten_ticks);
}

static void test_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seeded(&rng, 1);
    struct uuid last = UUID_NIL;
    for (int i = 0; i < 100; i++) {
        struct uuid u = uuid_random(&rng);
        assert_int_equal(u.b[6] >> 4, 4);
        assert_int_equal(u.b[8] >> 6, 2);
        assert_false(uuid_equal(&u, &last));
        last = u;
    }
}

static void test_parse(void **state)
{
    (void)state;
    struct uuid lower, upper;
    assert_int_equal(uuid_parse("c232ab00-9414-11ec-b3c8-9f6bdeced846", &lower), 0);
    assert_int_equal(uuid_parse("C232AB00-9414-11EC-B3C8-9F6BDECED846", &upper), 0);
    assert_true(uuid_equal(&lower, &upper));
    assert_text(&upper, "c232ab00-9414-11ec-b3c8-9f6bdeced846");
    assert_int_equal(uuid_parse("00000000-0000-0000-0000-000000000000", &lower), 0);
    assert_true(uuid_is_nil(&lower));
}

static void test_parse_garbage(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "c232ab00-9414-11ec-b3c8-9f6bdeced84",
        "c232ab00-9414-11ec-b3c8-9f6bdeced8467",
        "c232ab0-09414-11ec-b3c8-9f6bdeced846",
        "c232ab00941411ecb3c89f6bdeced846",
        "{c232ab00-9414-11ec-b3c8-9f6bdeced846}",
        "c232ab00-9414-11ec-b3c8-9f6bdeced84g",
        "c232ab00-9414-11ec-b3c8_9f6bdeced846",
        " c232ab00-9414-11ec-b3c8-9f6bdeced846",
        "c232ab00-9414-11ec-b3c8-9f6bdeced846\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct uuid u = UUID_NIL;
        assert_int_equal(uuid_parse(bad[i], &u), BOX_ESYNTAX);
        assert_true(uuid_is_nil(&u));
    }
    static const char whole[] = "c232ab00-9414-11ec-b3c8-9f6bdeced846";
    for (size_t size = 0; size < UUID_TEXT; size++) {
        char *prefix = malloc(size + 1); /* exactly, so that a sanitizer sees a read behind the NUL */
        memcpy(prefix, whole, size);
        prefix[size] = '\0';
        struct uuid u;
        assert_int_equal(uuid_parse(prefix, &u), BOX_ESYNTAX);
        free(prefix);
    }
}

static void test_order(void **state)
{
    (void)state;
    struct uuid a = {{0}}, b = {{0}};
    b.b[15] = 1;
    assert_true(uuid_compare(&a, &b) < 0);
    a.b[0] = 0xff; /* bytes compare unsigned, the first counts most */
    assert_true(uuid_compare(&a, &b) > 0);
    assert_int_equal(uuid_compare(&a, &a), 0);
    assert_false(uuid_is_nil(&a));
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v1_of_the_rfc),
        cmocka_unit_test(test_v1_round_trip),
        cmocka_unit_test(test_v1_ticks_tell_apart),
        cmocka_unit_test(test_v1_limits),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_garbage),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
