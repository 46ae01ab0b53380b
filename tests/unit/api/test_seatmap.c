/* The seat map as JSON: every form of a row, and no more time than there are seats. */
#include "unit/api/fixture.h"

#include "api/seatmap.h"
#include "base/clock.h"
#include <stdio.h>

static const struct event_id EVENT = {{{0xab, 0xcd, [15] = 0xff}}};

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof(*d));
    desk_init(d);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    desk_done(*state);
    free(*state);
    return 0;
}

static const char *map_of(struct desk *d)
{
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    encode_seatmap(&j, &EVENT, d->layout);
    const char *text = arena_strndup(&d->arena, b.data, b.size);
    buf_done(&b);
    return text;
}

static void test_small_map(void **state)
{
    struct desk *d = *state;
    assert_int_equal(
        desk_build(
            d,
            "{\"name\":\"Hall\",\"timezone\":\"UTC\",\"sections\":[{\"name\":\"A \\\"1\\\"\",\"types\":["
            "{\"type_id\":\"r\",\"price\":\"1\",\"rows\":[{\"row\":\"1\",\"seats\":3,\"gaps_after\":[\"2\"]},"
            "{\"row\":\"2\",\"seats\":[{\"label\":\"a\",\"x\":-1,\"y\":2,\"attributes\":[\"wheel\"]},\"b\"]}]"
            "},"
            "{\"type_id\":\"s\",\"price\":\"1\",\"seats_count\":4}]}]}",
            venue_from_json),
        0);
    char id[UUID_TEXT + 1];
    uuid_format(&d->layout->sections[0].section_id.u, id);
    const char *wanted = arena_printf(
        &d->arena,
        "{\"event_id\":\"abcd0000-0000-0000-0000-0000000000ff\",\"layout_rev\":1,\"seats_total\":9,\"ticket_"
        "id\":"
        "{\"prefix\":\"abcd00000000000000000000\",\"suffix\":\"seat_index, 32 bits, "
        "big-endian\"},\"size\":null,"
        "\"sections\":[{\"section\":\"%s\",\"name\":\"A \\\"1\\\"\",\"first_seat_index\":0,\"types\":["
        "{\"type_id\":\"r\",\"first_seat_index\":0,\"seats_count\":5,\"rows\":["
        "{\"row\":\"1\",\"first_seat_index\":0,\"seats\":3,\"x\":null,\"y\":null,\"gaps_after\":[\"2\"]},"
        "{\"row\":\"2\",\"first_seat_index\":3,\"seats\":[\"a\",\"b\"],\"x\":[-1,null],\"y\":[2,null],"
        "\"gaps_after\":[]}]},{\"type_id\":\"s\",\"first_seat_index\":5,\"seats_count\":4}]}],"
        "\"attributes\":{\"wheel\":[3]}}",
        id);
    assert_string_equal(map_of(d), wanted);
}

/* 50,000 seats with positions. Sanitizers slow this down many times: the limit only catches what is not
 * linear. */
static void test_big_map_is_quick(void **state)
{
    struct desk *d = *state;
    struct layout_builder *b = layout_builder_new();
    struct venue_id id = {uuid_random(&d->rng)};
    struct clock clock;
    clock_init_system(&clock);
    assert_int_equal(layout_builder_section(b, (struct section_id){id.u}, "A"), 0);
    assert_int_equal(layout_builder_type(b, "t", (struct decimal){100, 2}), 0);
    for (int32_t y = 0; y < 1000; y++) {
        char row[16];
        snprintf(row, sizeof(row), "%d", y);
        assert_int_equal(layout_builder_row(b, row, NULL, NULL), 0);
        for (int32_t x = 0; x < 50; x++) {
            char label[16];
            snprintf(label, sizeof(label), "%d", x + 1);
            assert_int_equal(layout_builder_seat(b, label, &x, &y, NULL), 0);
        }
    }
    assert_int_equal(layout_builder_finish(b, id, "Big", "UTC", 1, &d->layout), 0);
    layout_builder_free(b);
    int64_t start = clock_monotonic_us(&clock);
    size_t size = strlen(map_of(d));
    int64_t us = clock_monotonic_us(&clock) - start;
    print_message("50,000 seats: %zu bytes in %lld us\n", size, (long long)us);
    assert_true(size > 400000);
    assert_true(us < 500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_small_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_big_map_is_quick, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
