/* What a builder refuses, the aisles it derives, and that it is quick. */
#include "base/params.h"
#include "domain/layout.h"
#include "unit/domain/fixture.h"

/* A builder with a section "Stalls" and its type "regular". */
static struct layout_builder *begun(void)
{
    struct layout_builder *b = layout_builder_new();
    assert_int_equal(layout_builder_section(b, section_numbered(1), "Stalls"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price_of(100)), 0);
    return b;
}

static void expect_refused(struct layout_builder *b, int ret, const char *reason)
{
    assert_int_equal(ret, BOX_EINVALID);
    assert_string_equal(layout_builder_reason(b), reason);
}

static int finish(struct layout_builder *b)
{
    struct layout *l = NULL;
    int ret = layout_builder_finish(b, venue_numbered(1), "Hall", "UTC", 0, &l);
    assert_true((ret == 0) == (l != NULL));
    layout_unref(l);
    return ret;
}

static int row(struct layout_builder *b, const char *label)
{
    return layout_builder_row(b, label, NULL, NULL);
}

static int seat(struct layout_builder *b, const char *label)
{
    return layout_builder_seat(b, label, NULL, NULL, NULL);
}

static void test_seat_twice_in_a_row(void **state)
{
    (void)state;
    struct layout_builder *b = begun();
    assert_int_equal(row(b, "7"), 0);
    assert_int_equal(seat(b, "a"), 0);
    assert_int_equal(seat(b, "b"), 0);
    expect_refused(b, seat(b, "a"), "seat \"a\" comes twice in row \"7\" of section \"Stalls\"");
    assert_int_equal(layout_builder_seats(b), 2);
    assert_int_equal(row(b, "8"), 0);
    assert_int_equal(seat(b, "a"), 0); /* another row */
    assert_int_equal(finish(b), BOX_EINVALID);
    layout_builder_free(b);
}

static void test_seat_twice_through_types(void **state)
{
    (void)state;
    struct layout_builder *b = begun();
    row(b, "7");
    assert_int_equal(seat(b, "a"), 0);
    row(b, "8");
    assert_int_equal(seat(b, "b"), 0);
    layout_builder_type(b, "second", price_of(100));
    row(b, "8");
    assert_int_equal(seat(b, "a"), 0);
    row(b, "7");
    assert_int_equal(seat(b, "b"), 0);
    expect_refused(b, seat(b, "a"), "seat \"a\" comes twice in row \"7\" of section \"Stalls\"");
    layout_builder_type(b, "third", price_of(100));
    row(b, "7");
    assert_int_equal(seat(b, "c"), 0);
    assert_int_equal(seat(b, "b"), BOX_EINVALID);
    assert_int_equal(seat(b, "c"), BOX_EINVALID);
    layout_builder_section(b, section_numbered(2), "Circle");
    layout_builder_type(b, "regular", price_of(100));
    row(b, "7");
    assert_int_equal(seat(b, "a"), 0); /* another section */
    layout_builder_free(b);
}

static void test_counted_seats_meet_listed_ones(void **state)
{
    (void)state;
    struct layout_builder *b = begun();
    row(b, "7");
    assert_int_equal(layout_builder_seats_counted(b, 10), 0);
    row(b, "8");
    assert_int_equal(seat(b, "010"), 0); /* not a number that counting makes */
    assert_int_equal(seat(b, "12"), 0);
    layout_builder_type(b, "second", price_of(100));
    row(b, "7");
    expect_refused(b, seat(b, "10"), "seat \"10\" comes twice in row \"7\" of section \"Stalls\"");
    assert_int_equal(seat(b, "11"), 0);
    assert_int_equal(seat(b, "0"), 0);
    assert_int_equal(seat(b, "01"), 0);
    row(b, "8");
    expect_refused(b, layout_builder_seats_counted(b, 12),
                   "seat \"12\" comes twice in row \"8\" of section \"Stalls\"");
    assert_int_equal(layout_builder_seats_counted(b, 11), 0);
    layout_builder_type(b, "third", price_of(100));
    row(b, "8");
    expect_refused(b, layout_builder_seats_counted(b, 1),
                   "seat \"1\" comes twice in row \"8\" of section \"Stalls\"");
    assert_int_equal(seat(b, "11"), BOX_EINVALID);
    assert_int_equal(seat(b, "13"), 0);
    layout_builder_free(b);
}

static void test_row_twice_in_a_type(void **state)
{
    (void)state;
    struct layout_builder *b = begun();
    row(b, "7");
    layout_builder_seats_counted(b, 2);
    expect_refused(b, row(b, "7"), "row \"7\" comes twice in type \"regular\"");
    expect_refused(b, seat(b, "3"), "a seat needs a row");
    layout_builder_type(b, "second", price_of(100));
    assert_int_equal(row(b, "7"), 0);
    expect_refused(b, row(b, "7"), "row \"7\" comes twice in type \"second\"");
    layout_builder_free(b);
}

static void test_type_twice_in_a_section(void **state)
{
    (void)state;
    struct layout_builder *b = begun();
    expect_refused(b, layout_builder_type(b, "regular", price_of(1)),
                   "type \"regular\" comes twice in section \"Stalls\"");
    layout_builder_section(b, section_numbered(2), "Circle");
    assert_int_equal(layout_builder_type(b, "regular", price_of(1)), 0);
    layout_builder_free(b);
}

static void test_nothing_without_seats(void **state)
{
    (void)state;
    struct layout_builder *b = layout_builder_new();
    assert_int_equal(finish(b), BOX_EINVALID);
    assert_string_equal(layout_builder_reason(b), "a venue has at least one section");
    layout_builder_free(b);

    b = layout_builder_new();
    layout_builder_section(b, section_numbered(1), "Stalls");
    assert_int_equal(finish(b), BOX_EINVALID);
    assert_string_equal(layout_builder_reason(b), "section \"Stalls\" has no types");
    layout_builder_free(b);

    b = begun();
    assert_int_equal(finish(b), BOX_EINVALID);
    assert_string_equal(layout_builder_reason(b), "type \"regular\" of section \"Stalls\" has no seats");
    layout_builder_free(b);

    b = begun();
    row(b, "1");
    row(b, "2");
    layout_builder_seats_counted(b, 1);
    assert_int_equal(finish(b), BOX_EINVALID);
    assert_string_equal(layout_builder_reason(b), "row \"1\" of section \"Stalls\" has no seats");
    layout_builder_free(b);

    b = begun();
    row(b, "1");
    expect_refused(b, layout_builder_seats_counted(b, 0), "row \"1\" has no seats");
    layout_builder_free(b);

    b = begun();
    expect_refused(b, layout_builder_unnumbered(b, 0), "type \"regular\" has no seats");
    layout_builder_free(b);
}

static void test_order_of_calls(void **state)
{
    (void)state;
    struct layout_builder *b = layout_builder_new();
    expect_refused(b, layout_builder_type(b, "regular", price_of(1)), "a type needs a section");
    layout_builder_section(b, section_numbered(1), "Stalls");
    expect_refused(b, row(b, "1"), "a row needs a type");
    expect_refused(b, layout_builder_unnumbered(b, 1), "places need a type");
    expect_refused(b, seat(b, "1"), "a seat needs a row");
    expect_refused(b, layout_builder_gap_after(b, "1"), "an aisle needs a row");
    layout_builder_type(b, "regular", price_of(1));
    expect_refused(b, layout_builder_seats_counted(b, 1), "a seat needs a row");
    row(b, "1");
    layout_builder_seats_counted(b, 5);
    expect_refused(b, seat(b, "x"), "row \"1\" has counted seats already");
    expect_refused(b, layout_builder_seats_counted(b, 5), "row \"1\" has counted seats already");
    expect_refused(b, layout_builder_unnumbered(b, 1), "type \"regular\" has either rows or seats_count");
    row(b, "2");
    seat(b, "x");
    expect_refused(b, layout_builder_seats_counted(b, 5), "row \"2\" has listed seats already");
    layout_builder_type(b, "standing", price_of(1));
    layout_builder_unnumbered(b, 1);
    expect_refused(b, row(b, "3"), "type \"standing\" has either rows or seats_count");
    expect_refused(b, layout_builder_unnumbered(b, 1), "type \"standing\" has either rows or seats_count");
    layout_builder_free(b);
}

static void test_text(void **state)
{
    (void)state;
    char label[LIMIT_LABEL_CHARS * 2 + 3], name[LIMIT_NAME_CHARS + 2];
    for (size_t i = 0; i < LIMIT_LABEL_CHARS + 1; i++)
        memcpy(label + 2 * i, "\xc3\xa4", 2);
    label[LIMIT_LABEL_CHARS * 2 + 2] = '\0';
    memset(name, 'n', sizeof(name));
    name[LIMIT_NAME_CHARS + 1] = '\0';

    struct layout_builder *b = layout_builder_new();
    expect_refused(b, layout_builder_section(b, section_numbered(1), ""), "the section's name is empty");
    expect_refused(b, layout_builder_section(b, section_numbered(1), name),
                   "the section's name is longer than 200 characters");
    assert_int_equal(layout_builder_section(b, section_numbered(1), name + 1), 0);
    expect_refused(b, layout_builder_type(b, "a\nb", price_of(1)),
                   "the type_id has control characters or is not UTF-8");
    assert_int_equal(layout_builder_type(b, "a b", price_of(1)), 0);
    expect_refused(b, row(b, label), "the row's label is longer than 32 characters");
    assert_int_equal(row(b, label + 2), 0); /* characters, not bytes */
    expect_refused(b, seat(b, "\xff"), "the seat's label has control characters or is not UTF-8");
    expect_refused(b, seat(b, ""), "the seat's label is empty");
    assert_int_equal(seat(b, label + 2), 0);
    layout_builder_free(b);
}

static void test_finish(void **state)
{
    (void)state;
    struct layout *l;
    struct layout_builder *b = begun();
    layout_builder_unnumbered(b, 1);
    int ret = layout_builder_finish(b, venue_numbered(1), "Hall", "Europe/Atlantis", 0, &l);
    expect_refused(b, ret, "\"Europe/Atlantis\" is not a time zone of the IANA list");
    layout_builder_free(b);

    b = begun();
    layout_builder_unnumbered(b, 1);
    expect_refused(b, layout_builder_finish(b, venue_numbered(1), "", "UTC", 0, &l),
                   "the venue's name is empty");
    layout_builder_free(b);

    b = begun();
    layout_builder_unnumbered(b, 1);
    layout_builder_section(b, section_numbered(1), "Circle");
    layout_builder_type(b, "regular", price_of(1));
    layout_builder_unnumbered(b, 1);
    ret = layout_builder_finish(b, venue_numbered(1), "Hall", "UTC", 0, &l);
    assert_int_equal(ret, BOX_EINVALID);
    assert_non_null(strstr(layout_builder_reason(b), "have one id"));
    layout_builder_free(b);
}

static void test_positions_and_attributes(void **state)
{
    (void)state;
    const int32_t far = LIMIT_COORDINATE + 1, edge = -LIMIT_COORDINATE, none = NO_COORDINATE;
    struct layout_builder *b = begun();
    expect_refused(b, layout_builder_row(b, "1", &edge, NULL), "x and y go together");
    expect_refused(b, layout_builder_row(b, "1", &edge, &far), "x and y are at most 10000000 from 0");
    assert_int_equal(layout_builder_row(b, "1", &edge, &edge), 0);
    assert_int_equal(layout_builder_seat(b, "a", &none, &edge, NULL), BOX_EINVALID);
    assert_int_equal(layout_builder_seat(b, "a", NULL, &edge, NULL), BOX_EINVALID);
    assert_int_equal(layout_builder_seats(b), 0);

    char names[LIMIT_ATTRIBUTES + 1][8];
    for (int i = 0; i <= LIMIT_ATTRIBUTES; i++) {
        char label[16];
        snprintf(names[i], sizeof(names[i]), "a%d", i);
        snprintf(label, sizeof(label), "%d", i);
        const char *const list[] = {names[i], names[0], NULL};
        int ret = layout_builder_seat(b, label, NULL, NULL, list);
        assert_int_equal(ret, i < LIMIT_ATTRIBUTES ? 0 : BOX_EINVALID);
    }
    assert_string_equal(layout_builder_reason(b), "a venue has at most 32 different attributes");
    layout_builder_free(b);
}

static void test_gap_after_needs_its_seat(void **state)
{
    (void)state;
    struct layout_builder *b = begun();
    row(b, "1");
    seat(b, "x");
    row(b, "2");
    seat(b, "y");
    expect_refused(b, layout_builder_gap_after(b, "x"), "row \"2\" has no seat \"x\"");
    row(b, "3");
    layout_builder_seats_counted(b, 3);
    assert_int_equal(layout_builder_gap_after(b, "3"), 0);
    assert_int_equal(layout_builder_gap_after(b, "4"), BOX_EINVALID);
    assert_int_equal(layout_builder_gap_after(b, "0"), BOX_EINVALID);
    assert_int_equal(layout_builder_gap_after(b, "y"), BOX_EINVALID);
    layout_builder_free(b);
}

static void test_limits(void **state)
{
    (void)state;
    struct layout_builder *b = begun();
    row(b, "1");
    expect_refused(b, layout_builder_seats_counted(b, LIMIT_ROW_SEATS + 1), "a row has at most 10000 seats");
    assert_int_equal(layout_builder_seats_counted(b, LIMIT_ROW_SEATS), 0);
    layout_builder_type(b, "standing", price_of(1));
    expect_refused(b, layout_builder_unnumbered(b, LIMIT_VENUE_SEATS - LIMIT_ROW_SEATS + 1),
                   "a venue has at most 1000000 seats");
    assert_int_equal(layout_builder_unnumbered(b, LIMIT_VENUE_SEATS - LIMIT_ROW_SEATS), 0);
    layout_builder_type(b, "more", price_of(1));
    assert_int_equal(layout_builder_unnumbered(b, 1), BOX_EINVALID);
    row(b, "1");
    assert_int_equal(seat(b, "x"), BOX_EINVALID);
    layout_builder_free(b);
}

static void test_limits_of_sections_and_types(void **state)
{
    (void)state;
    struct layout_builder *b = layout_builder_new();
    int types = 0;
    for (int section = 0; section < LIMIT_VENUE_SECTIONS; section++) {
        assert_int_equal(layout_builder_section(b, section_numbered((uint8_t)section), "S"), 0);
        for (int type = 0; type < LIMIT_SECTION_TYPES && types < LIMIT_VENUE_PLACES; type++, types++) {
            char name[16];
            snprintf(name, sizeof(name), "%d", type);
            assert_int_equal(layout_builder_type(b, name, price_of(1)), 0);
        }
        if (section == 0)
            expect_refused(b, layout_builder_type(b, "x", price_of(1)), "a section has at most 100 types");
    }
    expect_refused(b, layout_builder_type(b, "x", price_of(1)),
                   "a venue has at most 20000 pairs of section and type");
    expect_refused(b, layout_builder_section(b, section_numbered(1), "S"),
                   "a venue has at most 5000 sections");
    layout_builder_free(b);
}

/* ---- aisles ---- */

/* Seats at (x[i], 0) in row "A", the first @parts[0] of them in one type, the others in a second one. */
static struct layout *row_at(const int32_t *x, size_t count, size_t first_part)
{
    const int32_t y = 0;
    struct layout_builder *b = begun();
    row(b, "A");
    for (size_t i = 0; i < count; i++) {
        char label[24];
        if (i == first_part) {
            layout_builder_type(b, "second", price_of(1));
            row(b, "A");
        }
        snprintf(label, sizeof(label), "%zu", i);
        assert_int_equal(layout_builder_seat(b, label, x[i] == NO_COORDINATE ? NULL : &x[i],
                                             x[i] == NO_COORDINATE ? NULL : &y, NULL),
                         0);
    }
    layout_builder_derive_gaps(b);
    return built(b);
}

static void expect_gaps(const int32_t *x, size_t count, size_t first_part, const char *gaps)
{
    struct layout *l = row_at(x, count, first_part);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(layout_gap_after(l, i), gaps[i] == '|');
    layout_unref(l);
}

static void test_derive_gaps(void **state)
{
    (void)state;
    const int32_t even[] = {0, 10, 20, 30};
    expect_gaps(even, 4, 4, "....");
    const int32_t aisle[] = {0, 10, 20, 40, 50, 60};
    expect_gaps(aisle, 6, 6, "..|...");
    const int32_t just[] = {0, 10, 20, 35, 45, 55}; /* 1.5 times is not more than 1.5 times */
    expect_gaps(just, 6, 6, "......");
    const int32_t more[] = {0, 10, 20, 36, 46, 56};
    expect_gaps(more, 6, 6, "..|...");
    const int32_t backwards[] = {60, 50, 40, 20, 10, 0};
    expect_gaps(backwards, 6, 6, "..|...");
    const int32_t two[] = {0, 500};
    expect_gaps(two, 2, 2, "..");
    const int32_t one[] = {0};
    expect_gaps(one, 1, 1, ".");
}

static void test_derive_gaps_through_types(void **state)
{
    (void)state;
    const int32_t touching[] = {0, 10, 20, 30, 40};
    expect_gaps(touching, 5, 2, ".....");
    const int32_t apart[] = {0, 10, 40, 50, 60};
    expect_gaps(apart, 5, 2, ".|...");
    /* the second type sits in the middle of the first: a seat is next to what is near it */
    const int32_t around[] = {0, 10, 50, 60, 20, 30, 40};
    expect_gaps(around, 7, 4, ".|.|...");
}

static void test_derive_gaps_without_positions(void **state)
{
    (void)state;
    const int32_t some[] = {0, 10, NO_COORDINATE, 100, 110, 120, 150};
    expect_gaps(some, 7, 7, ".....|.");
    const int32_t none[] = {NO_COORDINATE, NO_COORDINATE, NO_COORDINATE};
    struct layout *l = row_at(none, 3, 3);
    assert_null(l->gap_after);
    layout_unref(l);
}

/* ---- size ---- */

static void test_a_million_seats_are_quick(void **state)
{
    (void)state;
    double start = seconds();
    layout_unref(million_seats(false));
    double middle = seconds();
    layout_unref(million_seats(true));
    double end = seconds();
    printf("counted %.3f s, listed %.3f s\n", middle - start, end - middle);
    assert_true(end - start < 20); /* with sanitizers on a busy machine; else well under a second */
}

/* Chained rows are the slow kind: one row through 100 types, 10,000 seats each. */
static void test_the_longest_chain_is_quick(void **state)
{
    (void)state;
    struct layout_builder *b = layout_builder_new();
    double start = seconds();
    layout_builder_section(b, section_numbered(1), "S");
    for (int type = 0; type < LIMIT_SECTION_TYPES; type++) {
        char label[16];
        snprintf(label, sizeof(label), "%d", type);
        layout_builder_type(b, label, price_of(1));
        row(b, "A");
        for (int s = 0; s < LIMIT_ROW_SEATS; s++) {
            snprintf(label, sizeof(label), "%d-%d", type, s);
            assert_int_equal(seat(b, label), 0);
        }
    }
    struct layout *l = built(b);
    printf("chained %.3f s\n", seconds() - start);
    assert_int_equal(l->seats_total, LIMIT_VENUE_SEATS);
    assert_true(seconds() - start < 20);
    layout_unref(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seat_twice_in_a_row),
        cmocka_unit_test(test_seat_twice_through_types),
        cmocka_unit_test(test_counted_seats_meet_listed_ones),
        cmocka_unit_test(test_row_twice_in_a_type),
        cmocka_unit_test(test_type_twice_in_a_section),
        cmocka_unit_test(test_nothing_without_seats),
        cmocka_unit_test(test_order_of_calls),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_positions_and_attributes),
        cmocka_unit_test(test_gap_after_needs_its_seat),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limits_of_sections_and_types),
        cmocka_unit_test(test_derive_gaps),
        cmocka_unit_test(test_derive_gaps_through_types),
        cmocka_unit_test(test_derive_gaps_without_positions),
        cmocka_unit_test(test_a_million_seats_are_quick),
        cmocka_unit_test(test_the_longest_chain_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
