#include "unit/domain/fixture.h"

static const char *const ZONES[] = {
#define TIMEZONE(name) name,
#include "timezones.def"
#undef TIMEZONE
};
enum { ZONE_COUNT = sizeof(ZONES) / sizeof(ZONES[0]) };

static void test_table_is_sorted_and_found(void **state)
{
    (void)state;
    assert_true(ZONE_COUNT > 400);
    for (unsigned i = 0; i < ZONE_COUNT; i++) {
        assert_true(i == 0 || strcmp(ZONES[i - 1], ZONES[i]) < 0);
        assert_true(timezone_known(ZONES[i]));
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(timezone_known("UTC"));
    assert_true(timezone_known("Europe/Berlin"));
    assert_true(timezone_known("America/Argentina/Buenos_Aires"));
    assert_true(timezone_known("Asia/Calcutta")); /* a link */
    assert_true(timezone_known("Europe/Kyiv"));
    assert_false(timezone_known(""));
    assert_false(timezone_known("europe/berlin"));
    assert_false(timezone_known("Europe/Berlin "));
    assert_false(timezone_known("Europe"));
    assert_false(timezone_known("Mars/Olympus"));
    assert_false(timezone_known("Factory"));
    assert_false(timezone_known("\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sorted_and_found),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
