/* The binary form of layouts: round trips, damage, size. */
#include "base/bytes.h"
#include "base/text.h"
#include "domain/layout.h"
#include "unit/domain/fixture.h"

/* Everything a layout can have. */
static struct layout *full_layout(void)
{
    static const char *const odd[] = {"1", "3", "5"};
    static const char *const wheelchair[] = {"wheelchair", NULL};
    static const char *const both[] = {"companion", "wheelchair", NULL};
    struct layout_builder *b = layout_builder_new();
    layout_builder_set_size(b, 800, 600);
    layout_builder_section(b, section_numbered(20), "Parkett \xc3\xbc");
    layout_builder_type(b, "regular", price_of(4500));
    for (int row = 0; row < 3; row++) {
        char label[2] = {(char)('A' + row), 0};
        const int32_t rx = -10, ry = row * 30;
        layout_builder_row(b, label, row ? &rx : NULL, row ? &ry : NULL);
        for (int i = 0; i < 3; i++) {
            const int32_t x = i * 25, y = row * 30;
            bool placed = row != 1 || i != 1;
            layout_builder_seat(b, odd[i], placed ? &x : NULL, placed ? &y : NULL,
                                row == 1 ? wheelchair
                                : i == 0 ? both
                                         : NULL);
        }
        layout_builder_gap_after(b, "3");
    }
    layout_builder_type(b, "balcony", (struct decimal){7, 0});
    layout_builder_row(b, "A", NULL, NULL);
    layout_builder_seat(b, "7", NULL, NULL, NULL);
    layout_builder_row(b, "D", NULL, NULL);
    layout_builder_seats_counted(b, 200);
    layout_builder_gap_after(b, "200");
    layout_builder_type(b, "standing", price_of(2500));
    layout_builder_unnumbered(b, 300);
    layout_builder_section(b, section_numbered(10), "Rang");
    layout_builder_type(b, "regular", price_of(6000));
    layout_builder_row(b, "A", NULL, NULL);
    for (int i = 0; i < 3; i++)
        layout_builder_seat(b, odd[i], NULL, NULL, NULL);
    return built(b);
}

static void expect_same_seats(const struct layout *a, const struct layout *b, uint32_t seat)
{
    char label_a[256] = "", label_b[256] = "";
    assert_int_equal(layout_row_of(a, seat), layout_row_of(b, seat));
    assert_int_equal(layout_place_of(a, seat), layout_place_of(b, seat));
    assert_int_equal(layout_seat_label(a, seat, label_a), layout_seat_label(b, seat, label_b));
    assert_string_equal(label_a, label_b);
    assert_int_equal(layout_gap_after(a, seat), layout_gap_after(b, seat));
    if (a->x) {
        assert_int_equal(a->x[seat], b->x[seat]);
        assert_int_equal(a->y[seat], b->y[seat]);
    }
    if (a->seat_attributes)
        assert_int_equal(a->seat_attributes[seat], b->seat_attributes[seat]);
}

static void expect_same_rows(const struct layout *a, const struct layout *b)
{
    assert_int_equal(a->row_count, b->row_count);
    for (uint32_t i = 0; i < a->row_count; i++) {
        const struct layout_row *x = &a->rows[i], *y = &b->rows[i];
        assert_int_equal(x->label == NULL, y->label == NULL);
        if (x->label)
            assert_string_equal(x->label, y->label);
        assert_true(x->next_part == y->next_part && x->part_of_earlier == y->part_of_earlier);
        assert_true(x->has_xy == y->has_xy && x->x == y->x && x->y == y->y);
        assert_true((x->labels == NULL) == (y->labels == NULL));
    }
}

static void expect_same(const struct layout *a, const struct layout *b)
{
    assert_true(uuid_equal(&a->venue_id.u, &b->venue_id.u));
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->timezone, b->timezone);
    assert_true(a->rev == b->rev && a->created_ms == b->created_ms);
    assert_true(a->has_size == b->has_size && a->width == b->width && a->height == b->height);
    assert_int_equal(a->seats_total, b->seats_total);
    assert_int_equal(a->section_count, b->section_count);
    assert_int_equal(a->place_count, b->place_count);
    for (uint32_t i = 0; i < a->section_count; i++) {
        assert_true(uuid_equal(&a->sections[i].section_id.u, &b->sections[i].section_id.u));
        assert_string_equal(a->sections[i].name, b->sections[i].name);
        assert_int_equal(a->sections[i].seats, b->sections[i].seats);
    }
    for (uint32_t i = 0; i < a->place_count; i++) {
        assert_string_equal(a->places[i].type_id, b->places[i].type_id);
        assert_true(a->places[i].price.unscaled == b->places[i].price.unscaled);
        assert_int_equal(a->places[i].price.scale, b->places[i].price.scale);
        assert_int_equal(a->places[i].numbered, b->places[i].numbered);
        assert_int_equal(a->places[i].seats, b->places[i].seats);
    }
    expect_same_rows(a, b);
    assert_int_equal(a->attribute_count, b->attribute_count);
    for (uint32_t i = 0; i < a->attribute_count; i++)
        assert_string_equal(a->attributes[i], b->attributes[i]);
    assert_true(!a->x == !b->x && !a->seat_attributes == !b->seat_attributes &&
                !a->gap_after == !b->gap_after);
    for (uint32_t seat = 0; seat < a->seats_total; seat++)
        expect_same_seats(a, b, seat);
}

static int decode(const void *data, size_t size)
{
    struct layout *l;
    struct buf b = {0};
    int ret = layout_decode(data, size, &l);
    if (ret)
        return ret;
    layout_encode(l, &b); /* whatever is accepted can be stored again */
    buf_done(&b);
    layout_unref(l);
    return 0;
}

static void check_round_trip(struct layout *l)
{
    struct layout *back;
    struct buf b = {0}, again = {0};
    layout_encode(l, &b);
    assert_int_equal(layout_decode(b.data, b.size, &back), 0);
    expect_same(l, back);
    layout_encode(back, &again);
    assert_same_bytes(&b, &again);
    check_damage(decode, &b, BOX_ENEWER);
    check_mutations(decode, &b);
    buf_done(&again);
    buf_done(&b);
    layout_unref(back);
    layout_unref(l);
}

static void test_small_round_trip(void **state)
{
    (void)state;
    check_round_trip(small_layout());
}

static void test_full_round_trip(void **state)
{
    (void)state;
    check_round_trip(full_layout());
}

/* A stored layout is read as long as there are versions: these bytes must never stop to be understood. */
static void test_version_1_is_pinned(void **state)
{
    (void)state;
    static const char *const pinned =
        "01010000000000400080000000000000010448616c6c0d4575726f70652f4265726c696e0180d095"
        "ffbc31000214000000000040008000000000000014065374616c6c730207726567756c6172942302"
        "020131000301320003087374616e64696e67c4130200050a00000000004000800000000000000a06"
        "436972636c650107726567756c6172f02e020101310004";
    struct layout *l = small_layout();
    struct buf b = {0}, hex = {0};
    layout_encode(l, &b);
    text_hex(&hex, b.data, b.size);
    buf_addc(&hex, '\0');
    assert_string_equal(hex.data, pinned);
    buf_done(&hex);
    buf_done(&b);
    layout_unref(l);
}

/* The bytes up to the count of sections. */
static void put_start(struct buf *b, const char *timezone)
{
    static const uint8_t id[16] = {1};
    put_u8(b, 1);
    buf_add(b, id, sizeof(id));
    put_text(b, "Hall");
    put_text(b, timezone);
    put_varint(b, 1);
    put_varint(b, 0);
    put_u8(b, 0);
}

static void put_section(struct buf *b, uint64_t places)
{
    static const uint8_t id[16] = {2};
    put_varint(b, 1);
    buf_add(b, id, sizeof(id));
    put_text(b, "S");
    put_varint(b, places);
}

static void expect_corrupt(struct buf *b)
{
    double start = seconds();
    assert_int_equal(decode_exact(decode, b->data, b->size), BOX_ECORRUPT);
    assert_true(seconds() - start < 2);
    buf_done(b);
}

static void test_counts_are_bounded(void **state)
{
    (void)state;
    struct buf b = {0};
    put_start(&b, "UTC");
    put_varint(&b, UINT64_MAX); /* sections */
    expect_corrupt(&b);

    put_start(&b, "UTC");
    put_section(&b, UINT32_MAX); /* places */
    expect_corrupt(&b);

    put_start(&b, "UTC");
    put_section(&b, 1);
    put_text(&b, "regular");
    put_varint(&b, 100);
    put_u8(&b, 2);
    struct buf copy = {0};
    buf_add(&copy, b.data, b.size);
    put_varint(&b, UINT64_MAX); /* rows */
    expect_corrupt(&b);

    buf_add(&b, copy.data, copy.size);
    put_varint(&b, 0);
    put_varint(&b, UINT32_MAX); /* unnumbered seats */
    expect_corrupt(&b);

    buf_add(&b, copy.data, copy.size);
    put_varint(&b, 1);
    put_text(&b, "A");
    put_u8(&b, 1);
    put_varint(&b, UINT32_MAX); /* listed seats */
    expect_corrupt(&b);

    buf_add(&b, copy.data, copy.size);
    put_varint(&b, 1);
    put_text(&b, "A");
    put_u8(&b, 2);
    put_varint(&b, 0); /* a list that there is not yet */
    expect_corrupt(&b);
    buf_done(&copy);
}

static void test_a_zone_we_do_not_know(void **state)
{
    (void)state;
    struct buf b = {0};
    struct layout *l;
    put_start(&b, "Mars/Olympus"); /* stored by a version that knew it */
    put_section(&b, 1);
    put_text(&b, "regular");
    put_varint(&b, 100);
    put_u8(&b, 2);
    put_varint(&b, 0);
    put_varint(&b, 5);
    assert_int_equal(layout_decode(b.data, b.size, &l), 0);
    assert_string_equal(l->timezone, "Mars/Olympus");
    layout_unref(l);
    buf_done(&b);
}

static void test_size_and_speed(void **state)
{
    (void)state;
    for (int listed = 0; listed <= 1; listed++) {
        struct buf b = {0};
        struct layout *l = million_seats(listed), *back;
        double start = seconds();
        layout_encode(l, &b);
        double middle = seconds();
        assert_int_equal(layout_decode(b.data, b.size, &back), 0);
        printf("%s: %zu bytes, encode %.3f s, decode %.3f s\n", listed ? "listed" : "counted", b.size,
               middle - start, seconds() - middle);
        assert_true(b.size < (listed ? 3000000 : 700000));
        assert_int_equal(back->seats_total, 1000000);
        layout_unref(back);
        layout_unref(l);
        buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_round_trip),      cmocka_unit_test(test_full_round_trip),
        cmocka_unit_test(test_version_1_is_pinned),   cmocka_unit_test(test_counts_are_bounded),
        cmocka_unit_test(test_a_zone_we_do_not_know), cmocka_unit_test(test_size_and_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
