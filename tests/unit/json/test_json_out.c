#include "base/arena.h"
#include "unit/base/check.h"
#include "json/json_in.h"
#include "json/json_out.h"
#include <string.h>

static void assert_content(struct buf *b, const char *expected)
{
    buf_addc(b, '\0');
    assert_string_equal(b->data, expected);
    buf_done(b);
}

static void test_document(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key(&j, "empty");
    json_out_object(&j);
    json_out_end_object(&j);
    json_out_key(&j, "list");
    json_out_array(&j);
    json_out_int(&j, 1);
    json_out_array(&j);
    json_out_end_array(&j);
    json_out_null(&j);
    json_out_bool(&j, true);
    json_out_end_array(&j);
    json_out_member_bool(&j, "no", false);
    json_out_member_text(&j, "t", "x");
    json_out_member_text(&j, "n", NULL);
    json_out_key(&j, "raw");
    json_out_raw(&j, "{\"a\":1}", 7);
    json_out_key(&j, "b");
    json_out_base64(&j, "foob", 4);
    json_out_end_object(&j);
    assert_content(&b, "{\"empty\":{},\"list\":[1,[],null,true],\"no\":false,\"t\":\"x\",\"n\":null,"
                       "\"raw\":{\"a\":1},\"b\":\"Zm9vYg==\"}");
}

static void test_fragment(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_int(&j, 1);
    json_out_text(&j, "two");
    json_out_member_int(&j, "three", 3);
    assert_content(&b, "1,\"two\",\"three\":3");
}

static void test_integers(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_array(&j);
    json_out_int(&j, 0);
    json_out_int(&j, -1);
    json_out_int(&j, 1000000007);
    json_out_int(&j, INT64_MAX);
    json_out_int(&j, INT64_MIN);
    json_out_end_array(&j);
    assert_content(&b, "[0,-1,1000000007,9223372036854775807,-9223372036854775808]");
}

static void test_ids_and_times(void **state)
{
    (void)state;
    struct uuid id;
    assert_int_equal(uuid_parse("c232ab00-9414-11ec-b3c8-9f6bdeced846", &id), 0);
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_member_uuid(&j, "a", &id);
    json_out_member_uuid(&j, "b", &UUID_NIL);
    json_out_member_uuid_or_null(&j, "c", &id);
    json_out_member_uuid_or_null(&j, "d", &UUID_NIL);
    json_out_member_time(&j, "e", 0);
    json_out_member_time_or_null(&j, "f", 1);
    json_out_member_time_or_null(&j, "g", 0);
    json_out_end_object(&j);
    assert_content(&b, "{\"a\":\"c232ab00-9414-11ec-b3c8-9f6bdeced846\","
                       "\"b\":\"00000000-0000-0000-0000-000000000000\","
                       "\"c\":\"c232ab00-9414-11ec-b3c8-9f6bdeced846\",\"d\":null,"
                       "\"e\":\"1970-01-01T00:00:00.000Z\",\"f\":\"1970-01-01T00:00:00.001Z\",\"g\":null}");
}

static void test_escapes(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_text(
        &j, "a\"b\\c/\b\t\n\v\f\r\x01\x1f\x7f <\xc3\x9f> \xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa7\xe2\x82\xac"
            "\xf0\x9f\x8e\xab");
    assert_content(
        &b, "\"a\\\"b\\\\c/\\b\\t\\n\\u000b\\f\\r\\u0001\\u001f\x7f <\xc3\x9f> \\u2028\\u2029\xe2\x80\xa7"
            "\xe2\x82\xac\xf0\x9f\x8e\xab\"");
}

/* Every character that may stand in a text comes back from our own reader. */
static void test_round_trip(void **state)
{
    (void)state;
    char text[128 - 32 + 20];
    for (int c = 32; c < 127; c++)
        text[c - 32] = (char)c;
    strcpy(text + 127 - 32, "\xc3\x9f\xe2\x82\xac\xf0\x9f\x8e\xab");
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_text(&j, text);

    struct arena arena;
    arena_init(&arena, 0);
    struct json_in in;
    assert_int_equal(json_in_parse(&in, &arena, b.data, b.size), 0);
    assert_string_equal(json_in_text(json_in_root(&in), 98, 98), text);
    json_in_done(&in);

    /* Control characters are read well, and then refused as values. */
    for (int c = 1; c < 32; c++) {
        char control[2] = {(char)c, '\0'};
        buf_reset(&b);
        json_out_init(&j, &b);
        json_out_text(&j, control);
        assert_int_equal(json_in_parse(&in, &arena, b.data, b.size), 0);
        assert_null(json_in_text(json_in_root(&in), 1, 1));
        json_in_done(&in);
    }
    arena_done(&arena);
    buf_done(&b);
}

static struct buf scratch;
static struct json_out writer;

static void begin(void)
{
    json_out_init(&writer, &scratch);
}

static void end_nothing(void)
{
    begin();
    json_out_end_object(&writer);
}

static void end_as_another(void)
{
    begin();
    json_out_array(&writer);
    json_out_end_object(&writer);
}

static void value_without_key(void)
{
    begin();
    json_out_object(&writer);
    json_out_int(&writer, 1);
}

static void key_without_value(void)
{
    begin();
    json_out_object(&writer);
    json_out_key(&writer, "a");
    json_out_end_object(&writer);
}

static void key_after_key(void)
{
    begin();
    json_out_object(&writer);
    json_out_key(&writer, "a");
    json_out_key(&writer, "b");
}

static void key_in_array(void)
{
    begin();
    json_out_object(&writer);
    json_out_key(&writer, "a");
    json_out_array(&writer);
    json_out_key(&writer, "b");
}

static void nest_too_deep(void)
{
    begin();
    for (int i = 0; i < 65; i++)
        json_out_array(&writer);
}

static void raw_nothing(void)
{
    begin();
    json_out_raw(&writer, "", 0);
}

static void test_wrong_nesting_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(end_nothing);
    CHECK_ABORTS(end_as_another);
    CHECK_ABORTS(value_without_key);
    CHECK_ABORTS(key_without_value);
    CHECK_ABORTS(key_after_key);
    CHECK_ABORTS(key_in_array);
    CHECK_ABORTS(nest_too_deep);
    CHECK_ABORTS(raw_nothing);
}

static void test_deepest_nesting(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    for (int i = 0; i < 32; i++) {
        json_out_array(&j);
        json_out_object(&j);
        json_out_key(&j, "k");
    }
    json_out_int(&j, 1);
    for (int i = 0; i < 32; i++) {
        json_out_end_object(&j);
        json_out_end_array(&j);
    }
    assert_int_equal(j.depth, 0);
    assert_int_equal(b.size, 32 * 8 + 1);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_fragment),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_ids_and_times),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_wrong_nesting_aborts),
        cmocka_unit_test(test_deepest_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
