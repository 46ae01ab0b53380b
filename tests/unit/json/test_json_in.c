#include "base/error.h"
#include "base/params.h"
#include "base/text.h"
#include "unit/base/check.h"
#include "json/json_in.h"
#include <stdio.h>
#include <string.h>

/* A parsed body and its arena, one per test. */
struct body {
    struct arena arena;
    struct json_in in;
};

static int setup(void **state)
{
    struct body *body = calloc(1, sizeof(*body));
    arena_init(&body->arena, 0);
    *state = body;
    return 0;
}

static int teardown(void **state)
{
    struct body *body = *state;
    json_in_done(&body->in);
    json_in_done(&body->in); /* twice does no harm */
    arena_done(&body->arena);
    free(body);
    return 0;
}

/* Parse @size bytes from a block of exactly that size, so that a sanitizer sees one byte too many. */
static int parse_bytes(struct body *body, const char *data, size_t size)
{
    char *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    json_in_done(&body->in);
    int ret = json_in_parse(&body->in, &body->arena, exact, size);
    free(exact);
    assert_int_equal(ret, json_in_status(&body->in));
    return ret;
}

static struct json_node parse(struct body *body, const char *text)
{
    assert_int_equal(parse_bytes(body, text, strlen(text)), 0);
    return json_in_root(&body->in);
}

static void assert_refused(struct body *body, const char *text, size_t size, const char *word)
{
    if (parse_bytes(body, text, size) != BOX_EBADREQUEST)
        fail_msg("%.40s was accepted", text);
    assert_non_null(body->in.detail);
    assert_true(text_is_utf8(body->in.detail, strlen(body->in.detail)));
    if (!strstr(body->in.detail, word))
        fail_msg("%.40s: \"%s\" does not say \"%s\"", text, body->in.detail, word);
    assert_true(json_in_missing(json_in_root(&body->in)));
}

/* Exactly one fault was recorded since the parse: at @pointer, with @word in its detail. */
static void assert_one_fault(const struct body *body, const char *pointer, const char *word)
{
    assert_int_equal(json_in_status(&body->in), BOX_EINVALID);
    assert_int_equal(body->in.error_count, 1);
    assert_string_equal(body->in.errors->pointer, pointer);
    assert_null(body->in.errors->next);
    if (!strstr(body->in.errors->detail, word))
        fail_msg("\"%s\" does not say \"%s\"", body->in.errors->detail, word);
}

static void test_reads_every_type(void **state)
{
    struct body *body = *state;
    static const char *const known[] = {"name", "count", "on", "id", "at", "x", "list", "none", NULL};
    struct json_node root =
        parse(body, " {\"name\": \"Stra\\u00dfe \\ud83c\\udfab\", \"count\": -7, \"on\": true,"
                    "\"id\": \"C232AB00-9414-11ec-b3c8-9f6bdeced846\","
                    "\"at\": \"2026-11-22T11:00:00.5+01:00\", \"x\": -3.5,"
                    "\"list\": [1, 2, 3], \"none\": null}\r\n");
    assert_true(json_in_object(root, known));
    assert_string_equal(json_in_text(json_in_member(root, "name"), 8, 8), "Stra\xc3\x9f"
                                                                          "e \xf0\x9f\x8e\xab");
    assert_int_equal(json_in_int(json_in_member(root, "count"), -7, -7), -7);
    assert_true(json_in_bool(json_in_member(root, "on")));
    struct uuid id = json_in_uuid(json_in_member(root, "id"));
    assert_int_equal(id.b[0], 0xc2);
    assert_int_equal(json_in_time(json_in_member(root, "at")), INT64_C(1795341600500));
    assert_int_equal(json_in_coordinate(json_in_member(root, "x")), -4);
    size_t count;
    struct json_node list = json_in_member(root, "list");
    assert_true(json_in_array(list, 3, 3, &count));
    assert_int_equal(count, 3);
    assert_int_equal(json_in_int(json_in_item(list, 2), 0, 9), 3);
    assert_true(json_in_absent(json_in_member(root, "none")));
    assert_false(json_in_missing(json_in_member(root, "none")));
    assert_int_equal(json_in_status(&body->in), 0);
}

static void test_kinds(void **state)
{
    struct body *body = *state;
    struct json_node root = parse(body, "{\"o\": {}, \"a\": [], \"t\": \"\", \"i\": 1, \"r\": 1.0}");
    struct json_node o = json_in_member(root, "o"), a = json_in_member(root, "a"),
                     t = json_in_member(root, "t");
    struct json_node i = json_in_member(root, "i"), r = json_in_member(root, "r"),
                     no = json_in_member(root, "no");
    assert_true(json_in_is_object(o) && !json_in_is_object(a) && !json_in_is_object(no));
    assert_true(json_in_is_array(a) && !json_in_is_array(o) && !json_in_is_array(no));
    assert_true(json_in_is_text(t) && !json_in_is_text(i) && !json_in_is_text(no));
    assert_true(json_in_is_int(i) && !json_in_is_int(r) && !json_in_is_int(no));
    assert_true(json_in_missing(no) && json_in_absent(no) && !json_in_absent(t));
    assert_int_equal(json_in_status(&body->in), 0);
}

static void test_empty_body_is_absent(void **state)
{
    struct body *body = *state;
    assert_int_equal(json_in_parse(&body->in, &body->arena, NULL, 0), 0);
    struct json_node root = json_in_root(&body->in);
    assert_true(json_in_missing(root));
    assert_true(json_in_missing(json_in_member(root, "name")));
    assert_int_equal(json_in_status(&body->in), 0);
    assert_false(json_in_object(root, NULL));
    assert_one_fault(body, "", "missing");
}

static void test_any_value_may_be_the_body(void **state)
{
    struct body *body = *state;
    assert_int_equal(json_in_int(parse(body, "7"), 0, 9), 7);
    assert_string_equal(json_in_text(parse(body, "\"x\""), 1, 1), "x");
    assert_true(json_in_absent(parse(body, "null")));
    assert_false(json_in_object(parse(body, "[]"), NULL));
    assert_one_fault(body, "", "must be an object");
}

static void test_malformed(void **state)
{
    struct body *body = *state;
    static const char *const bad[] = {" ",
                                      "{",
                                      "}",
                                      "{\"a\":}",
                                      "{\"a\" 1}",
                                      "{a: 1}",
                                      "[1,]",
                                      "[1 2]",
                                      "\"open",
                                      "'x'",
                                      "tru",
                                      "nulll",
                                      "NaN",
                                      "-",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "0x10",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\",
                                      "\"a\nb\"",
                                      "/* */ 1",
                                      "Infinity",
                                      "\"\\ud800\"",
                                      "\"\\udc00x\"",
                                      "1e",
                                      "\xef\xbb\xbf{}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(body, bad[i], strlen(bad[i]), "JSON: ");
    assert_refused(body, "{} {}", 5, "after the value");
    assert_refused(body, "{\n  \"a\": tru }", 14, "line 2");
}

static void test_duplicate_member(void **state)
{
    struct body *body = *state;
    static const char twice[] = "{\"a\": {\"b\": 1, \"c\": 2, \"b\": 3}}";
    assert_refused(body, twice, strlen(twice), "twice");
    static const char escaped[] = "{\"a\": 1, \"\\u0061\": 2}"; /* the same name, written otherwise */
    assert_refused(body, escaped, strlen(escaped), "twice");
}

/* An object of @count members m0, m1, ...; the last one's name is @last unless NULL. */
static void add_object(struct buf *b, size_t count, const char *last)
{
    buf_addc(b, '{');
    for (size_t i = 0; i + 1 < count; i++)
        buf_printf(b, "\"m%zu\": %zu, ", i, i);
    if (last)
        buf_printf(b, "\"%s\": 0}", last);
    else
        buf_printf(b, "\"m%zu\": %zu}", count - 1, count - 1);
}

/* Wherever the two stand, and whether they are looked for pair by pair or by sorting. */
static void test_duplicate_among_any_number(void **state)
{
    struct body *body = *state;
    for (size_t count = 2; count <= 40; count++) {
        for (size_t twin = 0; twin + 1 < count; twin++) {
            struct buf b = {0};
            char name[20];
            snprintf(name, sizeof(name), "m%zu", twin);
            add_object(&b, count, name);
            assert_refused(body, b.data, b.size, "twice (line 1, column ");
            char column[40]; /* where the second one begins */
            snprintf(column, sizeof(column), "column %zu)", b.size - strlen(name) - strlen("\"\": 0}") + 1);
            assert_non_null(strstr(body->in.detail, column));
            buf_done(&b);
        }
    }
}

static void test_many_members(void **state)
{
    struct body *body = *state;
    struct buf b = {0};
    add_object(&b, LIMIT_JSON_MEMBERS, NULL);
    assert_int_equal(parse_bytes(body, b.data, b.size), 0);
    struct json_node root = json_in_root(&body->in);
    assert_int_equal(json_in_int(json_in_member(root, "m0"), 0, INT64_MAX), 0);
    char last[20];
    snprintf(last, sizeof(last), "m%d", LIMIT_JSON_MEMBERS - 1);
    assert_int_equal(json_in_int(json_in_member(root, last), 0, INT64_MAX), LIMIT_JSON_MEMBERS - 1);
    b.size = 0;
    add_object(&b, LIMIT_JSON_MEMBERS, "m77");
    assert_refused(body, b.data, b.size, "twice");
    b.size = 0;
    buf_adds(&b, "[\n");
    add_object(&b, LIMIT_JSON_MEMBERS + 1, NULL);
    buf_addc(&b, ']');
    assert_refused(body, b.data, b.size, "more than 20000 members (line 2, column 2)");
    buf_done(&b);
}

static void test_nul_and_utf8(void **state)
{
    struct body *body = *state;
    assert_refused(body, "\"a\\u0000b\"", 10, "U+0000");
    assert_refused(body, "{\"a\\u0000b\": 1}", 15, "U+0000");
    assert_refused(body, "\"a\0b\"", 5, "U+0000");
    assert_refused(body, "1\0", 2, "U+0000");
    assert_refused(body, "[1\0, 2]", 7, "U+0000");
    assert_refused(body, "\0{}", 3, "U+0000");
    assert_refused(body, "\"\xff\"", 3, "UTF-8");
    assert_refused(body, "\"\xc3\"", 3, "UTF-8");
    assert_refused(body, "\"\xc0\xaf\"", 4, "UTF-8");
    assert_refused(body, "\"\xed\xa0\x80\"", 5, "UTF-8");
    assert_refused(body, "\"\xf4\x90\x80\x80\"", 6, "UTF-8");
    assert_refused(body, "{\"\xff\": 1}", 8, "UTF-8");
    assert_string_equal(json_in_text(parse(body, "\"\\\\u0000\""), 6, 6), "\\u0000"); /* no U+0000 */
}

static void test_where_it_is_wrong(void **state)
{
    struct body *body = *state;
    static const char *const bad[][2] = {
        {"{\"a\": tru }", "well-formed (line 1, column 7)"},
        {"{\"a\": tru", "too early (line 1, column 10)"},
        {"[1,\n2,\n  x]", "well-formed (line 3, column 3)"},
        {"[\"\xc3\x9f\", x]", "well-formed (line 1, column 7)"}, /* characters, not bytes */
        {"{}\n{}", "after the value (line 2, column 1)"},
        {"[\"\xc3\x9f\xff\"]", "UTF-8 (line 1, column 4)"},
        {"[\n\"a\", \"b\\u0000\"]", "U+0000 is not accepted (line 2, column 6)"},
        {"{\"a\": 1,\n \"a\": 2}", "twice (line 2, column 2)"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(body, bad[i][0], strlen(bad[i][0]), bad[i][1]);
}

/* @depth brackets around nothing. */
static void nest(char *text, char open, char close, size_t depth)
{
    memset(text, open, depth);
    memset(text + depth, close, depth);
    text[2 * depth] = '\0';
}

static void test_depth(void **state)
{
    struct body *body = *state;
    static char text[200100];
    nest(text, '[', ']', LIMIT_JSON_DEPTH);
    parse(body, text);
    nest(text, '[', ']', LIMIT_JSON_DEPTH + 1);
    assert_refused(body, text, strlen(text), "deeper than 32");
    nest(text, '[', ']', 100000);
    assert_refused(body, text, strlen(text), "deeper");
    assert_refused(body, text, 1000, "deeper"); /* without the closing ones */
    assert_refused(body, "]]]]", 4, "JSON: ");
}

static void test_depth_is_not_counted_in_strings(void **state)
{
    struct body *body = *state;
    char text[300] = "[\"\\\"";
    memset(text + strlen(text), '[', 100);
    strcat(text, "\\\\\", \"{{{{\", []]");
    parse(body, text);
    char wide[1000] = "[[]"; /* many beside each other are not deep */
    for (int i = 0; i < 100; i++)
        strcat(wide, ",[{}]");
    strcat(wide, "]");
    parse(body, wide);
    char hidden[300] = "[\"\\\\\","; /* the backslash is escaped: the string ends */
    memset(hidden + strlen(hidden), '[', 40);
    assert_refused(body, hidden, strlen(hidden), "deeper");
}

static void test_unknown_member(void **state)
{
    struct body *body = *state;
    static const char *const known[] = {"a", "b", NULL};
    struct json_node root = parse(body, "{\"a\": 1, \"b\": {\"colour\": 1, \"hue\": 2}}");
    assert_true(json_in_object(root, known));
    assert_int_equal(json_in_status(&body->in), 0);
    assert_true(json_in_object(json_in_member(root, "b"), known));
    assert_int_equal(json_in_status(&body->in), BOX_EBADREQUEST);
    assert_string_equal(body->in.detail, "JSON: unknown member \"colour\" in /b");
    assert_true(json_in_object(json_in_member(root, "b"), NULL));
}

static void test_bad_request_outranks_invalid(void **state)
{
    struct body *body = *state;
    static const char *const known[] = {"a", NULL};
    struct json_node root = parse(body, "{\"a\": \"x\", \"z\": 1}");
    json_in_int(json_in_member(root, "a"), 0, 1);
    assert_int_equal(json_in_status(&body->in), BOX_EINVALID);
    json_in_object(root, known);
    assert_int_equal(json_in_status(&body->in), BOX_EBADREQUEST);
    assert_string_equal(body->in.detail, "JSON: unknown member \"z\" in the body");
    json_in_int(json_in_member(root, "a"), 0, 1);
    assert_int_equal(json_in_status(&body->in), BOX_EBADREQUEST);
}

static void test_long_unknown_name_is_cut(void **state)
{
    struct body *body = *state;
    char text[2100] = "{\"x";
    for (int i = 0; i < 1000; i++)
        strcat(text, "\xc3\x9f"); /* the cut falls into a character */
    strcat(text, "\": 1}");
    static const char *const known[] = {NULL};
    json_in_object(parse(body, text), known);
    assert_true(strlen(body->in.detail) < 120);
    assert_true(text_is_utf8(body->in.detail, strlen(body->in.detail)));
}

static void test_pointers(void **state)
{
    struct body *body = *state;
    struct json_node root =
        parse(body, "{\"sections\": [{}, {\"rows\": [1, \"x\"]}], \"a/b\": {\"m~n\": 1}, \"\": 0}");
    struct json_node section = json_in_item(json_in_member(root, "sections"), 1);
    struct json_node rows = json_in_member(section, "rows");
    json_in_fault(json_in_item(rows, 1), "no. %d", 1);
    json_in_fault(json_in_member(section, "name"), "no. %d", 2); /* a member that is not there */
    json_in_fault(json_in_member(json_in_member(root, "a/b"), "m~n"), "no. %d", 3);
    json_in_fault(json_in_member(root, ""), "no. %d", 4);
    json_in_fault(root, "no. %d", 5);
    json_in_fault(json_in_member(json_in_item(json_in_member(root, "none"), 7), "x"), "no. %d", 6);
    json_in_fault_at(&body->in, "/limit", "no. %d", 7);
    json_in_fault(json_in_item(rows, 0), "no. %d", 8); /* a node from before still knows its way */
    json_in_fault(json_in_no_member(section, "p/q"), "no. %d", 9);
    assert_true(json_in_missing(json_in_no_member(section, "rows"))); /* it is not looked for */
    static const char *const expected[] = {
        "/sections/1/rows/1", "/sections/1/name", "/a~1b/m~0n", "/", "", "/none/7/x", "/limit",
        "/sections/1/rows/0", "/sections/1/p~1q"};
    int number = 0;
    for (const struct json_error *e = body->in.errors; e; e = e->next) {
        assert_string_equal(e->pointer, expected[number++]);
        char detail[20];
        snprintf(detail, sizeof(detail), "no. %d", number);
        assert_string_equal(e->detail, detail);
    }
    assert_int_equal(number, 9);
    assert_int_equal(body->in.error_count, 9);
    assert_int_equal(json_in_status(&body->in), BOX_EINVALID);
}

static void test_faults_outlive_the_tree(void **state)
{
    struct body *body = *state;
    struct json_node root = parse(body, "{\"prices\": {\"Cat/1\": 45}}"), value;
    void *iter = NULL;
    const char *name;
    assert_true(json_in_next_member(json_in_member(root, "prices"), &iter, &name, &value));
    json_in_text(value, 1, 9);
    json_in_done(&body->in);
    assert_one_fault(body, "/prices/Cat~11", "must be a text");
}

static void test_many_faults_are_counted_not_kept(void **state)
{
    struct body *body = *state;
    char text[1000] = "[0";
    for (int i = 1; i < 300; i++)
        strcat(text, ",0");
    strcat(text, "]");
    struct json_node root = parse(body, text);
    for (size_t i = 0; i < 300; i++)
        json_in_text(json_in_item(root, i), 1, 2);
    assert_int_equal(body->in.error_count, 300);
    size_t kept = 0;
    for (const struct json_error *e = body->in.errors; e; e = e->next)
        kept++;
    assert_int_equal(kept, LIMIT_JSON_ERRORS);
    assert_string_equal(body->in.last_error->pointer, "/19");
}

static void test_long_pointer_ends_at_an_ancestor(void **state)
{
    struct body *body = *state;
    static char text[5000];
    snprintf(text, sizeof(text), "{\"a\": {\"%04000d\": {\"b\": 1}}}", 0);
    struct json_node a = json_in_member(parse(body, text), "a"), value;
    void *iter = NULL;
    const char *name;
    assert_true(json_in_next_member(a, &iter, &name, &value));
    json_in_text(json_in_member(value, "b"), 1, 9);
    assert_one_fault(body, "/a", "must be a text");
}

static void test_missing_and_null(void **state)
{
    struct body *body = *state;
    static const char *const bodies[] = {"{}", "{\"m\": null}"};
    for (int null = 0; null < 2; null++) {
        for (int kind = 0; kind < 8; kind++) {
            struct json_node m = json_in_member(parse(body, bodies[null]), "m");
            size_t count = 9;
            struct uuid nil;
            switch (kind) {
            case 0:
                assert_false(json_in_object(m, NULL));
                break;
            case 1:
                assert_false(json_in_array(m, 0, 9, &count));
                assert_int_equal(count, 0);
                break;
            case 2:
                assert_null(json_in_text(m, 0, 9));
                break;
            case 3:
                assert_int_equal(json_in_int(m, 3, 9), 3);
                break;
            case 4:
                assert_false(json_in_bool(m));
                break;
            case 5:
                nil = json_in_uuid(m);
                assert_true(uuid_is_nil(&nil));
                break;
            case 6:
                assert_int_equal(json_in_time(m), 0);
                break;
            default:
                assert_int_equal(json_in_coordinate(m), 0);
                break;
            }
            assert_one_fault(body, "/m", null ? "must be" : "is missing; it must be");
        }
    }
}

static void test_text(void **state)
{
    struct body *body = *state;
    assert_null(json_in_text(parse(body, "\"\""), 1, 5));
    assert_one_fault(body, "", "1 to 5 characters");
    assert_string_equal(json_in_text(parse(body, "\"\""), 0, 5), "");
    assert_non_null(
        json_in_text(parse(body, "\"\\u20ac\\u20ac\\u20ac\\u20ac\\u20ac\""), 1, 5)); /* 15 bytes */
    assert_null(json_in_text(parse(body, "\"123456\""), 1, 5));
    static const char *const controls[] = {"\"a\\nb\"", "\"\\u001b[0m\"", "\"\\u007f\"", "\"\\u0085\"",
                                           "\"\\u2028\""};
    for (size_t i = 0; i < 5; i++) {
        assert_null(json_in_text(parse(body, controls[i]), 0, 9));
        assert_one_fault(body, "", "control");
    }
    assert_null(json_in_text(parse(body, "5"), 0, 9));
    assert_one_fault(body, "", "must be a text");
}

static void assert_bad_int(struct body *body, const char *text, int64_t min, int64_t max)
{
    assert_int_equal(json_in_int(parse(body, text), min, max), min);
    assert_one_fault(body, "", "integer from");
}

static void test_integers(void **state)
{
    struct body *body = *state;
    assert_int_equal(json_in_int(parse(body, "9223372036854775807"), 0, INT64_MAX), INT64_MAX);
    assert_true(json_in_int(parse(body, "-9223372036854775808"), INT64_MIN, 0) == INT64_MIN);
    assert_int_equal(json_in_int(parse(body, "-0"), -1, 1), 0);
    assert_bad_int(body, "1.0", 1, 5);
    assert_bad_int(body, "1e0", 1, 5);
    assert_bad_int(body, "\"1\"", 1, 5);
    assert_bad_int(body, "true", 1, 5);
    assert_bad_int(body, "0", 1, 5);
    assert_bad_int(body, "6", 1, 5);
    assert_bad_int(body, "6", 1, 5);
}

/* Too big for a 64-bit integer or a double, yet well-formed: the value is refused with a pointer, and all
 * others are still read.
 */
static void test_overflowing_numbers_are_values(void **state)
{
    struct body *body = *state;
    assert_bad_int(body, "9223372036854775808", INT64_MIN, INT64_MAX);
    assert_bad_int(body, "-9223372036854775809", INT64_MIN, INT64_MAX);
    assert_bad_int(body, "1e309", INT64_MIN, INT64_MAX);
    assert_bad_int(body, "-1.5E+999", INT64_MIN, INT64_MAX);

    struct json_node root =
        parse(body, "{\"a\": [7, 123456789012345678901234567890, -1e400, 1e5],"
                    "\"t\": \"99999999999999999999\\\" 1e999\", \"ok\": 9223372036854775807}");
    struct json_node a = json_in_member(root, "a");
    assert_int_equal(json_in_int(json_in_item(a, 0), 0, 9), 7);
    assert_int_equal(json_in_coordinate(json_in_item(a, 3)), 100000);
    assert_string_equal(json_in_text(json_in_member(root, "t"), 0, 99), "99999999999999999999\" 1e999");
    assert_int_equal(json_in_int(json_in_member(root, "ok"), 0, INT64_MAX), INT64_MAX);
    assert_int_equal(json_in_status(&body->in), 0);
    json_in_coordinate(json_in_item(a, 2));
    assert_one_fault(body, "/a/2", "number from");
    json_in_int(json_in_item(a, 1), 0, 5);
    assert_string_equal(body->in.last_error->pointer, "/a/1");
}

static void test_overflow_does_not_hide_malformed_text(void **state)
{
    struct body *body = *state;
    assert_refused(body, "[1e999, ]", 9, "well-formed");
    assert_refused(body, "[1e999", 6, "too early");
    assert_refused(body, "{\"a\":1e999,\"a\":1}", 17, "twice");
    static const char *const bad[] = {"1e999.5", "01e999", "+1e999",  ".1e999",
                                      "1.e999",  "1e999e", "1e+-999", "--1e999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[40];
        snprintf(text, sizeof(text), "[1e999, %s]", bad[i]);
        assert_refused(body, text, strlen(text), "JSON: ");
    }
    assert_refused(body, "[1e999, \"\xff\"]", 12, "UTF-8");
}

static void test_coordinates(void **state)
{
    struct body *body = *state;
    assert_int_equal(json_in_coordinate(parse(body, "10000000")), 10000000);
    assert_int_equal(json_in_coordinate(parse(body, "-10000000.4")), -10000000);
    assert_int_equal(json_in_coordinate(parse(body, "0.49")), 0);
    assert_int_equal(json_in_coordinate(parse(body, "1e-400")), 0);
    assert_int_equal(json_in_coordinate(parse(body, "2.5e2")), 250);
    static const char *const bad[] = {"10000000.5", "-10000001", "1e308", "9223372036854775807", "1e999"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(json_in_coordinate(parse(body, bad[i])), 0);
        assert_one_fault(body, "", "number from -10000000 to 10000000");
    }
}

static void test_other_values(void **state)
{
    struct body *body = *state;
    json_in_bool(parse(body, "1"));
    assert_one_fault(body, "", "true or false");
    assert_false(json_in_bool(parse(body, "false")));
    assert_int_equal(json_in_status(&body->in), 0);
    json_in_uuid(parse(body, "\"c232ab00\""));
    assert_one_fault(body, "", "UUID");
    json_in_time(parse(body, "\"2026-11-22\""));
    assert_one_fault(body, "", "RFC 3339");
    json_in_time(parse(body, "1795341600"));
    assert_one_fault(body, "", "RFC 3339");
}

static void test_array_bounds(void **state)
{
    struct body *body = *state;
    size_t count;
    assert_true(json_in_array(parse(body, "[]"), 0, 2, &count));
    assert_int_equal(count, 0);
    assert_false(json_in_array(parse(body, "[]"), 1, 2, &count));
    assert_one_fault(body, "", "1 to 2 items");
    assert_false(json_in_array(parse(body, "[1,2,3]"), 1, 2, &count));
    assert_int_equal(count, 0);
    struct json_node array = parse(body, "[1]");
    assert_true(json_in_missing(json_in_item(array, 1)));
    assert_true(json_in_missing(json_in_item(array, SIZE_MAX)));
}

/* Items are found from the one that was read last, whatever is read in between and in whatever order. */
static void test_items_in_any_order(void **state)
{
    struct body *body = *state;
    enum { ITEMS = 50 };
    struct buf b = {0};
    for (int list = 0; list < 2; list++) {
        buf_adds(&b, list ? "], \"b\": [" : "{\"a\": [");
        for (int i = 0; i < ITEMS; i++)
            buf_printf(&b, i % 3 ? "%s[%d, [], {}]" : "%s[[], [[0]], %d]", i ? ", " : "", i + 100 * list);
    }
    buf_adds(&b, "]}");
    assert_int_equal(parse_bytes(body, b.data, b.size), 0);
    struct json_node root = json_in_root(&body->in),
                     lists[] = {json_in_member(root, "a"), json_in_member(root, "b")};
    for (size_t step = 1; step < 2 * ITEMS; step++) { /* up, down and to and fro, in both lists by turns */
        for (size_t i = 0; i < 2 * ITEMS; i++) {
            size_t at = i * step % ITEMS, list = i % 2;
            struct json_node item = json_in_item(lists[list], at);
            int64_t value = json_in_int(json_in_item(item, at % 3 ? 0 : 2), 0, 200);
            assert_int_equal(value, at + 100 * list);
        }
    }
    assert_true(json_in_missing(json_in_item(lists[0], ITEMS)));
    assert_int_equal(json_in_status(&body->in), 0);
    buf_done(&b);
}

/* Values lie closer together than the first guess of their number says, in the arena as in memory of their
 * own.
 */
static void test_dense_bodies_of_any_size(void **state)
{
    struct body *body = *state;
    for (size_t count = 1; count < 1500; count += 7) {
        struct buf b = {0};
        size_t items;
        for (size_t i = 0; i < count; i++)
            buf_printf(&b, "%s%zu", i ? "," : "[", i % 10);
        buf_addc(&b, ']');
        assert_int_equal(parse_bytes(body, b.data, b.size), 0);
        struct json_node root = json_in_root(&body->in);
        assert_true(json_in_array(root, count, count, &items));
        for (size_t i = 0; i < count; i++)
            assert_int_equal(json_in_int(json_in_item(root, i), 0, 9), i % 10);
        buf_done(&b);
    }
}

static void test_members_in_order(void **state)
{
    struct body *body = *state;
    struct json_node root = parse(body, "{\"z\": 0, \"a\": 1, \"m\": 2, \"b\": 3}"), value;
    static const char *const names[] = {"z", "a", "m", "b"};
    const char *name;
    void *iter = NULL;
    int64_t i = 0;
    for (; json_in_next_member(root, &iter, &name, &value); i++) {
        assert_string_equal(name, names[i]);
        assert_int_equal(json_in_int(value, i, i), i);
    }
    assert_int_equal(i, 4);
    iter = NULL;
    assert_false(json_in_next_member(json_in_member(root, "z"), &iter, &name, &value)); /* no object */
    assert_false(json_in_next_member(json_in_member(root, "q"), &iter, &name, &value));
    assert_int_equal(json_in_status(&body->in), 0);
}

/* Reading the members of many items must not cost the arena a copy of the parent for each member. */
static void test_nodes_take_little_memory(void **state)
{
    struct body *body = *state;
    struct buf b = {0};
    buf_addc(&b, '[');
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%s{\"x\": %d, \"y\": 2, \"z\": 3}", i ? "," : "", i);
    buf_addc(&b, ']');
    assert_int_equal(parse_bytes(body, b.data, b.size), 0);
    size_t before = body->arena.total;
    struct json_node root = json_in_root(&body->in);
    for (size_t i = 0; i < 1000; i++) {
        struct json_node item = json_in_item(root, i);
        assert_int_equal(json_in_int(json_in_member(item, "x"), 0, 1000), i);
        json_in_int(json_in_member(item, "y"), 0, 9);
        json_in_int(json_in_member(item, "z"), 0, 9);
    }
    assert_true(body->arena.total - before <= 1100 * sizeof(struct json_node) + 8192);
    buf_done(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_every_type),
        TEST(test_kinds),
        TEST(test_empty_body_is_absent),
        TEST(test_any_value_may_be_the_body),
        TEST(test_malformed),
        TEST(test_duplicate_member),
        TEST(test_duplicate_among_any_number),
        TEST(test_many_members),
        TEST(test_nul_and_utf8),
        TEST(test_where_it_is_wrong),
        TEST(test_depth),
        TEST(test_depth_is_not_counted_in_strings),
        TEST(test_unknown_member),
        TEST(test_bad_request_outranks_invalid),
        TEST(test_long_unknown_name_is_cut),
        TEST(test_pointers),
        TEST(test_faults_outlive_the_tree),
        TEST(test_many_faults_are_counted_not_kept),
        TEST(test_long_pointer_ends_at_an_ancestor),
        TEST(test_missing_and_null),
        TEST(test_text),
        TEST(test_integers),
        TEST(test_overflowing_numbers_are_values),
        TEST(test_overflow_does_not_hide_malformed_text),
        TEST(test_coordinates),
        TEST(test_other_values),
        TEST(test_array_bounds),
        TEST(test_items_in_any_order),
        TEST(test_dense_bodies_of_any_size),
        TEST(test_members_in_order),
        TEST(test_nodes_take_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
