/* Decoding of paths and queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/params.h"
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

/* What @raw means, as "name=value;" for each pair; NULL: refused. */
static const char *query_of(const char *raw)
{
    struct http_pair *pairs;
    size_t count;
    const char *reason = NULL, *text = "";
    if (http_query_parse(&arena, raw, &pairs, &count, &reason)) {
        assert_non_null(reason);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&arena, "%s%s=%s;", text, pairs[i].name, pairs[i].value);
    return text;
}

static void queries(void **state)
{
    (void)state;
    assert_string_equal(query_of(""), "");
    assert_string_equal(query_of("&&"), "");
    assert_string_equal(query_of("a=1&b=x+y%2Bz&&flag&=v&e=&a=b=c"), "a=1;b=x y+z;flag=;=v;e=;a=b=c;");
    assert_string_equal(query_of("%3d=%26%3d/?"), "==&=/?;");
    assert_string_equal(query_of("x=%F0%9F%8E%AB"), "x=\xf0\x9f\x8e\xab;");
    static const char *const bad[] = {"%",         "%1",  "%zz",    "%00",  "a%",     "%ff",      "\xff",
                                      "%f0%9f%8e", "a=%", "a=%1&2", "%4=1", "a=%4&1", "a=1&b=%ff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(query_of(bad[i]));
    char many[4 * LIMIT_QUERY_PARAMS + 8] = "";
    for (int i = 0; i < LIMIT_QUERY_PARAMS; i++)
        strcat(many, "a=1&");
    assert_non_null(query_of(many));
    assert_null(query_of(strcat(many, "a")));
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
