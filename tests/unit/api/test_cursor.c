#include "unit/api/fixture.h"

#include "api/cursor.h"

static const char *text_of(struct desk *d, const struct cursor *cursor)
{
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_object(&j);
    cursor_out(&j, cursor);
    json_out_end_object(&j);
    const char *text = arena_strndup(&d->arena, b.data, b.size);
    buf_done(&b);
    return text;
}

/* The text between the quotes of {"next_cursor":"..."}. */
static const char *value_of(struct desk *d, const char *text)
{
    size_t before = strlen("{\"next_cursor\":\"");
    return arena_strndup(&d->arena, text + before, strlen(text) - before - 2);
}

static void test_round_trip(void **state)
{
    struct desk d;
    (void)state;
    desk_init(&d);
    for (unsigned size = 1; size <= CURSOR_BYTES; size++) {
        struct cursor cursor = {.size = (uint8_t)size}, again = {0};
        for (unsigned i = 0; i < size; i++)
            cursor.bytes[i] = (uint8_t)(i * 37 + size);
        assert_int_equal(cursor_parse(value_of(&d, text_of(&d, &cursor)), &again), 0);
        assert_memory_equal(&again, &cursor, sizeof(cursor));
    }
    desk_done(&d);
}

static void test_end_is_null(void **state)
{
    struct desk d;
    struct cursor end = {0};
    (void)state;
    desk_init(&d);
    assert_string_equal(text_of(&d, &end), "{\"next_cursor\":null}");
    desk_done(&d);
}

static void test_kinds(void **state)
{
    struct desk d;
    struct uuid id, again;
    uint32_t number;
    (void)state;
    desk_init(&d);
    id = uuid_random(&d.rng);
    struct cursor of_id = cursor_of_id(&id), of_number = cursor_of_number(0xdeadbeef);
    assert_true(cursor_id(&of_id, &again));
    assert_true(uuid_equal(&id, &again));
    assert_false(cursor_number(&of_id, &number));
    assert_true(cursor_number(&of_number, &number));
    assert_int_equal(number, 0xdeadbeef);
    assert_false(cursor_id(&of_number, &again));
    desk_done(&d);
}

static void test_no_cursor(void **state)
{
    static const char *const texts[] = {"", "=", "a", "ab=", "a b", "a+b/", "ä", "AB", "AAB", "%41"};
    struct desk d;
    struct cursor cursor;
    (void)state;
    desk_init(&d);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(cursor_parse(texts[i], &cursor), BOX_ESYNTAX);
    char *big = arena_alloc(&d.arena, 2 * CURSOR_BYTES + 1);
    memset(big, 'A', 2 * CURSOR_BYTES);
    assert_int_equal(cursor_parse(big, &cursor), BOX_ESYNTAX);
    desk_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_end_is_null),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_no_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
