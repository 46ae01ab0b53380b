#include "unit/api/fixture.h"

#include "api/accept.h"

static const char BYTES[] = "application/octet-stream", JSON[] = "application/json";

static void test_prefers(void **state)
{
    static const char *const yes[] = {
        "application/octet-stream",
        "Application/Octet-Stream",
        "application/octet-stream;q=0.5",
        "application/json;q=0.5, application/octet-stream",
        "application/json, application/octet-stream",
        "application/octet-stream; q=0.9 , application/json;q=0.899",
        "text/html,application/octet-stream;v=1;q=0.001",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_true(accept_prefers(yes[i], BYTES, JSON));
}

static void test_does_not_prefer(void **state)
{
    static const char *const no[] = {
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/octet-streams",
        "application/octet",
        "application/octet-stream;q=0",
        "application/octet-stream;q=0.000, */*",
        "application/octet-stream;q=0.5,application/json;q=0.6",
        ",,;q=1,",
        ";",
        "application/octet-stream;q=0.",
    };
    (void)state;
    assert_false(accept_prefers(NULL, BYTES, JSON));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_false(accept_prefers(no[i], BYTES, JSON));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefers),
        cmocka_unit_test(test_does_not_prefer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
