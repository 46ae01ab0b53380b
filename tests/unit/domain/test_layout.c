/* Layouts as readers see them: numbering, look-ups, parts of rows, references. */
#include "base/params.h"
#include "domain/layout.h"
#include "unit/domain/fixture.h"
#include <pthread.h>

static void expect_seat(const struct layout *l, uint32_t seat, uint32_t place, uint32_t row,
                        const char *row_label, const char *label)
{
    char text[LIMIT_LABEL_CHARS * 4 + 1];
    assert_int_equal(layout_place_of(l, seat), place);
    assert_int_equal(layout_row_of(l, seat), row);
    if (!row_label) {
        assert_null(layout_row_label(l, seat));
        assert_false(layout_seat_label(l, seat, text));
        return;
    }
    assert_string_equal(layout_row_label(l, seat), row_label);
    assert_true(layout_seat_label(l, seat, text));
    assert_string_equal(text, label);
}

static void test_numbering(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    assert_int_equal(l->seats_total, 15);
    assert_int_equal(l->section_count, 2);
    assert_int_equal(l->place_count, 3);
    assert_int_equal(l->row_count, 4);
    assert_int_equal(l->rev, 1);
    assert_string_equal(l->name, "Hall");
    assert_string_equal(l->timezone, "Europe/Berlin");
    assert_true(l->created_ms == 1700000000000);
    expect_seat(l, 0, 0, 0, "1", "1");
    expect_seat(l, 2, 0, 0, "1", "3");
    expect_seat(l, 3, 0, 1, "2", "1");
    expect_seat(l, 5, 0, 1, "2", "3");
    expect_seat(l, 6, 1, 2, NULL, NULL);
    expect_seat(l, 10, 1, 2, NULL, NULL);
    expect_seat(l, 11, 2, 3, "1", "1");
    expect_seat(l, 14, 2, 3, "1", "4");
    assert_int_equal(l->sections[0].seats, 11);
    assert_int_equal(l->sections[0].places, 2);
    assert_int_equal(l->sections[1].first_seat, 11);
    assert_int_equal(l->sections[1].first_place, 2);
    assert_int_equal(l->places[1].first_seat, 6);
    assert_int_equal(l->places[1].seats, 5);
    assert_int_equal(l->places[1].rows, 1);
    assert_false(l->places[1].numbered);
    assert_true(l->places[2].numbered);
    assert_int_equal(l->places[2].section, 1);
    assert_int_equal(l->places[2].first_row, 3);
    layout_unref(l);
}

static void test_plain_layouts_take_no_memory_per_seat(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    for (uint32_t row = 0; row < l->row_count; row++)
        assert_null(l->rows[row].labels);
    assert_null(l->x);
    assert_null(l->y);
    assert_null(l->seat_attributes);
    assert_null(l->gap_after);
    assert_false(l->has_size);
    assert_false(layout_gap_after(l, 3));
    layout_unref(l);
}

static void test_look_ups(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct section_id stalls = section_numbered(20), circle = section_numbered(10),
                      none = section_numbered(30);
    uint32_t found = 99;
    assert_true(layout_find_section(l, &stalls, &found));
    assert_int_equal(found, 0);
    assert_true(layout_find_section(l, &circle, &found));
    assert_int_equal(found, 1);
    assert_false(layout_find_section(l, &none, &found));
    assert_true(layout_find_place(l, 0, "standing", &found));
    assert_int_equal(found, 1);
    assert_true(layout_find_place(l, 1, "regular", &found));
    assert_int_equal(found, 2);
    assert_false(layout_find_place(l, 1, "standing", &found));
    assert_int_equal(found, 2);
    assert_false(layout_find_attribute(l, "wheelchair", &found));
    layout_unref(l);
}

/* Row "A" runs through three types of section 1; row "A" of section 2 is another row. */
static void test_rows_through_several_types(void **state)
{
    (void)state;
    static const char *const types[] = {"front", "middle", "back"};
    struct layout_builder *b = layout_builder_new();
    for (uint8_t section = 1; section <= 2; section++) {
        layout_builder_section(b, section_numbered(section), "S");
        for (int type = 0; type < 3; type++) {
            layout_builder_type(b, types[type], price_of(100));
            layout_builder_row(b, "A", NULL, NULL);
            char label[2] = {(char)('a' + type), 0};
            layout_builder_seat(b, label, NULL, NULL, NULL);
            layout_builder_row(b, "B", NULL, NULL);
            layout_builder_seat(b, label, NULL, NULL, NULL);
        }
    }
    struct layout *l = built(b);
    assert_int_equal(l->row_count, 12);
    static const uint32_t next[] = {2, 3, 4, 5, NO_ROW, NO_ROW, 8, 9, 10, 11, NO_ROW, NO_ROW};
    for (uint32_t row = 0; row < 12; row++) {
        assert_true(l->rows[row].next_part == next[row]);
        assert_int_equal(l->rows[row].part_of_earlier, row % 6 >= 2);
    }
    layout_unref(l);
}

static void test_listed_labels_are_kept_once(void **state)
{
    (void)state;
    static const char *const labels[] = {"1", "3", "5", "7a", "\xc3\x9f"};
    struct layout_builder *b = layout_builder_new();
    layout_builder_section(b, section_numbered(1), "S");
    layout_builder_type(b, "regular", price_of(100));
    for (char row = 'A'; row <= 'C'; row++) {
        char label[2] = {row, 0};
        layout_builder_row(b, label, NULL, NULL);
        for (int i = 0; i < (row == 'C' ? 4 : 5); i++)
            layout_builder_seat(b, labels[i], NULL, NULL, NULL);
    }
    struct layout *l = built(b);
    assert_ptr_equal(l->rows[0].labels, l->rows[1].labels);
    assert_ptr_not_equal(l->rows[0].labels, l->rows[2].labels);
    assert_ptr_equal(l->rows[0].labels[3], l->rows[2].labels[3]);
    expect_seat(l, 8, 0, 1, "B", "7a");
    expect_seat(l, 9, 0, 1, "B", "\xc3\x9f");
    layout_unref(l);
}

static void test_positions_attributes_and_gaps(void **state)
{
    (void)state;
    static const char *const wheelchair[] = {"wheelchair", NULL};
    static const char *const both[] = {"aisle", "wheelchair", NULL};
    const int32_t x = -5, y = 7;
    struct layout_builder *b = layout_builder_new();
    layout_builder_set_size(b, 640, 480);
    layout_builder_section(b, section_numbered(1), "S");
    layout_builder_type(b, "regular", price_of(100));
    layout_builder_row(b, "A", &y, &x);
    layout_builder_seats_counted(b, 40);
    assert_int_equal(layout_builder_gap_after(b, "33"), 0);
    layout_builder_row(b, "B", NULL, NULL);
    layout_builder_seat(b, "b1", NULL, NULL, wheelchair);
    layout_builder_seat(b, "b2", &x, &y, both);
    layout_builder_seat(b, "b3", NULL, NULL, NULL);
    assert_int_equal(layout_builder_gap_after(b, "b2"), 0);
    struct layout *l = built(b);
    assert_true(l->has_size && l->width == 640 && l->height == 480);
    assert_true(l->rows[0].has_xy && l->rows[0].x == 7 && l->rows[0].y == -5);
    assert_false(l->rows[1].has_xy);
    uint32_t wheel, aisle;
    assert_true(layout_find_attribute(l, "wheelchair", &wheel) && layout_find_attribute(l, "aisle", &aisle));
    assert_int_equal(l->seat_attributes[39], 0);
    assert_int_equal(l->seat_attributes[40], 1u << wheel);
    assert_int_equal(l->seat_attributes[41], 1u << wheel | 1u << aisle);
    assert_int_equal(l->seat_attributes[42], 0);
    for (uint32_t seat = 0; seat < 43; seat++) {
        assert_int_equal(l->x[seat], seat == 41 ? -5 : NO_COORDINATE);
        assert_int_equal(l->y[seat], seat == 41 ? 7 : NO_COORDINATE);
        assert_int_equal(layout_gap_after(l, seat), seat == 32 || seat == 41);
    }
    layout_unref(l);
}

static void *ref_and_unref(void *layout)
{
    for (int i = 0; i < 10000; i++)
        layout_unref(layout_ref(layout));
    return NULL;
}

static void test_references(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, l), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    struct layout *second = layout_ref(l);
    assert_ptr_equal(second, l);
    layout_unref(l);
    assert_int_equal(second->seats_total, 15);
    layout_unref(second);
    layout_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbering),
        cmocka_unit_test(test_plain_layouts_take_no_memory_per_seat),
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_rows_through_several_types),
        cmocka_unit_test(test_listed_labels_are_kept_once),
        cmocka_unit_test(test_positions_attributes_and_gaps),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
