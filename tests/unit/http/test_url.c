/* Decoding of paths and queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "http/internal.h"
#include <stdio.h>
#include <string.h>

static struct arena arena;

/* The path's segments with a | behind each, or "!" where it is refused. */
static const char *cut(const char *raw)
{
    static char text[256];
    struct http_path path;
    const char *reason = NULL;
    if (http_path_parse(&arena, raw, &path, &reason)) {
        assert_non_null(reason);
        return "!";
    }
    text[0] = '\0';
    for (unsigned i = 0; i < path.count && i < HTTP_SEGMENTS; i++)
        sprintf(text + strlen(text), "%.*s|", (int)path.segment[i].size, path.segment[i].text);
    return text;
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *expected;
    } table[] = {
        {"/", ""},
        {"/a", "a|"},
        {"/a/", "a||"},
        {"//", "||"},
        {"//a", "|a|"},
        {"/a/b/c", "a|b|c|"},
        {"/a%20b/%41%7e", "a b|A~|"},
        {"/%C3%BC/\xc3\xbc", "\xc3\xbc|\xc3\xbc|"},
        {"/a+b;c=1,2:@!$&'()*", "a+b;c=1,2:@!$&'()*|"},
        {"/./..", ".|..|"},
        {"/%2e%2E", "..|"},
        {"/%25", "%|"},
        {"/%252F", "%2F|"},
        {"", "!"},
        {"a", "!"},
        {"*", "!"},
        {"/%", "!"},
        {"/%4", "!"},
        {"/%4g", "!"},
        {"/%g4", "!"},
        {"/%-1", "!"},
        {"/%2f", "!"},
        {"/a%2Fb", "!"},
        {"/%00", "!"},
        {"/a b", "!"},
        {"/a\tb", "!"},
        {"/a\x7f", "!"},
        {"/%80", "!"},
        {"/\xff", "!"},
        {"/%C3", "!"},
        {"/%C3/%BC", "!"},
        {"/%ED%A0%80", "!"}, /* half of a surrogate pair */
        {"/%C0%AF", "!"},    /* a slash in two bytes */
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(cut(table[i].raw), table[i].expected);
}

static void many_segments(void **state)
{
    (void)state;
    char raw[128] = "";
    struct http_path path;
    const char *reason;
    for (unsigned i = 1; i <= HTTP_SEGMENTS + 3; i++) {
        strcat(raw, "/a");
        assert_int_equal(http_path_parse(&arena, raw, &path, &reason), 0);
        assert_int_equal(path.count, i <= HTTP_SEGMENTS ? i : HTTP_SEGMENTS + 1);
    }
}

static void queries(void **state)
{
    (void)state;
    assert_string_equal(http_query_decode(&arena, ""), "");
    assert_string_equal(http_query_decode(&arena, "a b%2B%26%3d/?"), "a b+&=/?");
    assert_string_equal(http_query_decode(&arena, "%F0%9F%8E%AB"), "\xf0\x9f\x8e\xab");
    static const char *const bad[] = {"%", "%1", "%zz", "%00", "a%", "%ff", "\xff", "%f0%9f%8e"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(http_query_decode(&arena, bad[i]));
}

static void json_types(void **state)
{
    (void)state;
    assert_true(http_type_is_json("application/json"));
    assert_true(http_type_is_json("APPLICATION/Json"));
    assert_true(http_type_is_json("application/json;charset=utf-8"));
    assert_true(http_type_is_json("application/json ; charset=UTF-8"));
    assert_false(http_type_is_json("application/jsonl"));
    assert_false(http_type_is_json("application/problem+json"));
    assert_false(http_type_is_json("text/json"));
    assert_false(http_type_is_json(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(many_segments),
        cmocka_unit_test(queries),
        cmocka_unit_test(json_types),
    };
    arena_init(&arena, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
