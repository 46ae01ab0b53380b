/* A venue from JSON and back. */
#include "unit/api/fixture.h"

#include "api/encode.h"

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

#define VENUE(sections) "{\"name\":\"Hall\",\"timezone\":\"Europe/Berlin\",\"sections\":" sections "}"
#define ROWS(rows)                                                                                           \
    VENUE("[{\"name\":\"A\",\"types\":[{\"type_id\":\"t\",\"price\":\"1.50\",\"rows\":" rows "}]}]")

static const char *shown(struct desk *d)
{
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    encode_venue(&j, d->layout);
    const char *text = arena_strndup(&d->arena, b.data, b.size);
    buf_done(&b);
    return text;
}

/* What is given comes back the same, with ids and counts. */
static void round_trip(struct desk *d, const char *rows)
{
    const char *body = arena_printf(&d->arena, ROWS("%s"), rows);
    assert_int_equal(desk_build(d, body, venue_from_json), 0);
    const char *text = shown(d);
    if (!strstr(text, arena_printf(&d->arena, "\"rows\":%s", rows)))
        fail_msg("%s is not in %s", rows, text);
}

static void test_round_trip(void **state)
{
    round_trip(*state, "[{\"row\":\"1\",\"seats\":20}]");
    round_trip(*state, "[{\"row\":\"1\",\"seats\":[\"1\",\"2a\",\"Zürich \\\"\"]}]");
    round_trip(*state, "[{\"row\":\"1\",\"seats\":20,\"x\":-5,\"y\":0,\"gaps_after\":[\"3\",\"10\"]}]");
    round_trip(
        *state,
        "[{\"row\":\"1\",\"seats\":[{\"label\":\"1\",\"x\":1,\"y\":2,\"attributes\":[\"w\",\"c\"]},\"2\","
        "{\"label\":\"3\",\"attributes\":[\"c\"]}],\"gaps_after\":[\"2\"]},{\"row\":\"2\",\"seats\":1}]");
}

static void test_unnumbered(void **state)
{
    struct desk *d = *state;
    assert_int_equal(desk_build(d,
                                VENUE("[{\"name\":\"A\",\"types\":[{\"type_id\":\"s\",\"price\":\"25\","
                                      "\"seats_count\":300}]}]"),
                                venue_from_json),
                     0);
    assert_non_null(strstr(shown(d), "{\"type_id\":\"s\",\"price\":\"25\",\"seats_count\":300}"));
    assert_non_null(strstr(shown(d), "\"seats_count\":300,\"size\":null"));
}

static void test_faults_are_told_together(void **state)
{
    struct desk *d = *state;
    assert_int_equal(
        desk_build(d,
                   "{\"timezone\":\"Mars/Olympus\",\"sections\":[{\"name\":\"\",\"types\":[{\"type_id\":"
                   "\"t\",\"price\":\"-1\",\"rows\":[{\"row\":\"1\",\"seats\":0,\"x\":1}]}]}]}",
                   venue_from_json),
        BOX_EINVALID);
    assert_string_equal(desk_pointers(d), "/name /timezone /sections/0/name /sections/0/types/0/price "
                                          "/sections/0/types/0/rows/0/y /sections/0/types/0/rows/0/seats ");
}

static void refused(struct desk *d, const char *body, const char *pointer)
{
    assert_int_equal(desk_build(d, body, venue_from_json), BOX_EINVALID);
    assert_string_equal(desk_pointers(d), pointer);
}

static void test_what_the_builder_refuses(void **state)
{
    refused(*state, ROWS("[{\"row\":\"1\",\"seats\":[\"1\",\"2\",\"1\"]}]"),
            "/sections/0/types/0/rows/0/seats/2 ");
    refused(*state, ROWS("[{\"row\":\"1\",\"seats\":3,\"gaps_after\":[\"4\"]}]"),
            "/sections/0/types/0/rows/0/gaps_after/0 ");
    refused(*state, ROWS("[{\"row\":\"1\",\"seats\":3},{\"row\":\"1\",\"seats\":3}]"),
            "/sections/0/types/0/rows/1 ");
}

static void test_shapes(void **state)
{
    refused(*state, VENUE("[]"), "/sections ");
    refused(*state, VENUE("{}"), "/sections ");
    refused(*state, VENUE("[{\"name\":\"A\",\"types\":[{\"type_id\":\"t\",\"price\":\"1\"}]}]"),
            "/sections/0/types/0 ");
    refused(*state, ROWS("[{\"row\":\"1\",\"seats\":\"3\"}]"), "/sections/0/types/0/rows/0/seats ");
    refused(*state, ROWS("[{\"row\":\"1\",\"seats\":[7]}]"), "/sections/0/types/0/rows/0/seats/0 ");
    refused(*state, ROWS("[3]"), "/sections/0/types/0/rows/0 ");
}

static void test_unknown_member(void **state)
{
    struct desk *d = *state;
    assert_int_equal(desk_build(d, ROWS("[{\"row\":\"1\",\"seats\":3,\"colour\":1}]"), venue_from_json),
                     BOX_EBADREQUEST);
    assert_non_null(strstr(d->in.detail, "colour"));
}

static void test_too_many_seats(void **state)
{
    struct desk *d = *state;
    const char *rows = "{\"row\":\"0\",\"seats\":10000}";
    for (int i = 1; i <= 100; i++)
        rows = arena_printf(&d->arena, "%s,{\"row\":\"%d\",\"seats\":10000}", rows, i);
    assert_int_equal(desk_build(d, arena_printf(&d->arena, ROWS("[%s]"), rows), venue_from_json),
                     BOX_EINVALID);
    assert_string_equal(desk_pointers(d), "/sections/0/types/0/rows/100/seats ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),
        TEST(test_unnumbered),
        TEST(test_faults_are_told_together),
        TEST(test_what_the_builder_refuses),
        TEST(test_shapes),
        TEST(test_unknown_member),
        TEST(test_too_many_seats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
