/* What visitors see of the house, and the timeline that their requests are counted in. */
#include "load/sale.h"
#include "unit/base/check.h"
#include <string.h>

enum { SEATS = 3 * BLOCK_SEATS - 7 }; /* the last row is short */

static void take(struct picture *p, uint32_t seat, unsigned status)
{
    p->bits[seat / 4] = (uint8_t)((p->bits[seat / 4] & ~(3u << seat % 4 * 2)) | status << seat % 4 * 2);
}

static void test_rows_are_not_crossed(void **state)
{
    (void)state;
    struct picture p;
    uint32_t first = 0;
    picture_open(&p, SEATS);
    assert_true(picture_find(&p, 0, 0, 0, 4, &first));
    assert_int_equal(first, 0);
    /* Seats 0 to 16 of the first row are gone: 3 are left there, so four sit in the second. */
    for (uint32_t seat = 0; seat <= 16; seat++)
        take(&p, seat, SEAT_SOLD);
    assert_true(picture_find(&p, 0, 0, 0, 3, &first));
    assert_int_equal(first, 17);
    assert_true(picture_find(&p, 0, 0, 0, 4, &first));
    assert_int_equal(first, ROW_SEATS);
    picture_close(&p);
}

/* From a seat on to the end of the row, then from the row's beginning, then the next row. */
static void test_the_search_begins_at_a_seat(void **state)
{
    (void)state;
    struct picture p;
    uint32_t first = 0;
    picture_open(&p, SEATS);
    assert_true(picture_find(&p, 1, 2, 10, 4, &first));
    assert_int_equal(first, BLOCK_SEATS + 2 * ROW_SEATS + 10);
    assert_true(picture_find(&p, 1, 2, 18, 4, &first));
    assert_int_equal(first, BLOCK_SEATS + 2 * ROW_SEATS);
    for (uint32_t seat = 0; seat < ROW_SEATS; seat++)
        take(&p, BLOCK_SEATS + 2 * ROW_SEATS + seat, SEAT_SOLD);
    assert_true(picture_find(&p, 1, 2, 10, 4, &first));
    assert_int_equal(first, BLOCK_SEATS + 3 * ROW_SEATS + 10);
    picture_close(&p);
}

static void test_the_next_blocks_are_looked_at(void **state)
{
    (void)state;
    struct picture p;
    uint32_t first = 0;
    picture_open(&p, SEATS);
    for (uint32_t seat = 2 * BLOCK_SEATS; seat < SEATS; seat++)
        take(&p, seat, SEAT_HELD);
    assert_true(picture_find(&p, 2, 3, 0, 2, &first)); /* goes on with block 0, in the row that was wanted */
    assert_int_equal(first, 3 * ROW_SEATS);
    picture_close(&p);
}

static void test_sold_out(void **state)
{
    (void)state;
    struct picture p;
    uint32_t first = 4711;
    picture_open(&p, SEATS);
    for (uint32_t seat = 0; seat < SEATS; seat++)
        take(&p, seat, SEAT_SOLD);
    assert_false(picture_find(&p, 1, 0, 0, 1, &first));
    assert_int_equal(first, 4711);
    take(&p, SEATS - 1, SEAT_AVAILABLE);
    assert_true(picture_find(&p, 1, 0, 0, 1, &first));
    assert_int_equal(first, SEATS - 1);
    assert_false(picture_find(&p, 1, 0, 0, 2, &first));
    picture_close(&p);
}

static void test_answers_of_another_size_are_left_alone(void **state)
{
    (void)state;
    struct picture p;
    char bytes[(SEATS + 3) / 4];
    memset(bytes, 0xaa, sizeof bytes); /* all sold */
    struct reply reply = {.status = 200, .body = bytes, .kept = sizeof bytes - 1};
    picture_open(&p, SEATS);
    picture_take(&p, &reply);
    assert_true(picture_is_free(&p, 0));
    reply.kept = sizeof bytes;
    reply.status = 503;
    picture_take(&p, &reply);
    assert_true(picture_is_free(&p, 0));
    reply.status = 200;
    picture_take(&p, &reply);
    assert_false(picture_is_free(&p, 0));
    assert_false(picture_is_free(&p, SEATS - 1));
    picture_close(&p);
}

/* What the stream tells is newer than what was read; what is older than the picture is left alone. */
static void test_changes(void **state)
{
    (void)state;
    struct picture p;
    char bytes[(SEATS + 3) / 4] = {0};
    const struct reply all_free = {.status = 200, .body = bytes, .kept = sizeof bytes, .change_seq = 6};
    picture_open(&p, SEATS);
    picture_change(&p, 7, "{\"seq\":7,\"changes\":[[0,1],[5,2],[1492,3]]}");
    assert_false(picture_is_free(&p, 0) || picture_is_free(&p, 5) || picture_is_free(&p, 1492));
    assert_true(picture_is_free(&p, 1) && picture_is_free(&p, 4) && picture_is_free(&p, 1491));
    picture_take(&p, &all_free);
    picture_change(&p, 7, "{\"changes\":[[5,0]]}");
    assert_false(picture_is_free(&p, 5));
    picture_change(&p, 8, "{\"changes\":[[5,0],[99999,1],[2,9]]}"); /* no such seat, no such status */
    assert_true(picture_is_free(&p, 5) && picture_is_free(&p, 2));
    assert_int_equal(p.seq, 8);
    static const char *const BROKEN[] = {
        "", "{}", "{\"changes\":[", "{\"changes\":[[", "{\"changes\":[[1", "{\"changes\":[[1,"};
    for (unsigned i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++)
        picture_change(&p, 9 + i, BROKEN[i]);
    assert_false(picture_is_free(&p, 0));
    picture_close(&p);
}

static void test_timeline(void **state)
{
    (void)state;
    static const char *const FAMILIES[] = {"reads", "holds", NULL};
    struct timeline t;
    struct buf json = {0}, text = {0};
    timeline_open(&t, FAMILIES);
    timeline_add(&t, 2, 1, true, 5000000);
    timeline_add(&t, 0, 0, true, 1000000);
    timeline_add(&t, 0, 0, false, 1000000);
    timeline_add(&t, -1, 0, true, 1);
    timeline_add(&t, INT64_MAX, 0, true, 1); /* far beyond an hour: no memory is asked for */
    assert_int_equal(t.slot_count, 3);
    timeline_json(&t, -120, 15, &json);
    buf_addc(&json, 0);
    assert_non_null(
        strstr(json.data, "{\"second\":-120.000,\"reads\":{\"count\":2,\"good\":1,\"p50_ms\":1.000,"));
    assert_non_null(
        strstr(json.data, "{\"second\":-90.000,\"reads\":{\"count\":0,\"good\":0,\"p50_ms\":0.000,"));
    timeline_text(&t, -120, 15, &text);
    buf_addc(&text, 0);
    assert_non_null(strstr(text.data, "##############################\n")); /* the busiest second */
    buf_done(&json);
    buf_done(&text);
    timeline_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_not_crossed),
        cmocka_unit_test(test_the_search_begins_at_a_seat),
        cmocka_unit_test(test_the_next_blocks_are_looked_at),
        cmocka_unit_test(test_sold_out),
        cmocka_unit_test(test_answers_of_another_size_are_left_alone),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_timeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
