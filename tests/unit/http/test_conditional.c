/* Entity tags, If-None-Match, remembered lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/internal.h"
#include <stdlib.h>

static void tags(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    assert_string_equal(http_tag(&a, "v1", HTTP_IDENTITY), "\"v1\"");
    assert_string_equal(http_tag(&a, "v1", HTTP_GZIP), "\"v1-gzip\"");
    assert_string_equal(http_tag(&a, "v1", HTTP_BR), "\"v1-br\"");
    assert_string_equal(http_tag(&a, "", HTTP_ZSTD), "\"-zstd\"");
    assert_string_equal(http_tag(&a, "", HTTP_IDENTITY), "\"\"");
    arena_done(&a);
}

static void lists(void **state)
{
    (void)state;
    static const struct {
        const char *header, *tag;
        bool listed;
    } table[] = {
        {"\"a\"", "\"a\"", true},
        {"\"a\"", "\"b\"", false},
        {"\"a\"", "\"a-gzip\"", false},
        {"\"a-gzip\"", "\"a\"", false},
        {"W/\"a\"", "\"a\"", true},
        {"w/\"a\"", "\"a\"", false},
        {"\"a\", \"b\"", "\"b\"", true},
        {"\"a\",\"b\",\"c\"", "\"c\"", true},
        {"\"a\" \t, W/\"b\"", "\"b\"", true},
        {" , ,\"a\",", "\"a\"", true},
        {"*", "\"a\"", true},
        {" * ", "\"a\"", true},
        {"*x", "\"a\"", false},
        {"\"*\"", "\"a\"", false},
        {"", "\"a\"", false},
        {"a", "\"a\"", false},
        {"a, \"a\"", "\"a\"", false},
        {"\"a", "\"a\"", false},
        {"\"x\", \"a", "\"a\"", false},
        {"\"a,b\"", "\"a,b\"", true},
        {"\"a,b\"", "\"b\"", false},
        {"\"\"", "\"\"", true},
        {"W/", "\"a\"", false},
        {"\"a\"\"b\"", "\"b\"", true},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(http_tag_listed(table[i].header, table[i].tag), table[i].listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
