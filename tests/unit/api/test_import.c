/* Import of seating plans: a real hall, and the oddities of other exports. */
#include "unit/api/fixture.h"

#include <stdio.h>

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

/* ---- the real file ---- */

static const char *read_plan(struct desk *d)
{
    struct buf b = {0};
    char chunk[65536];
    size_t size;
    FILE *f = fopen(TEST_DATA_DIR "/riethsporthalle.pretix.json", "r");
    assert_non_null(f);
    while ((size = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_add(&b, chunk, size);
    fclose(f);
    const char *text = arena_strndup(&d->arena, b.data, b.size);
    buf_done(&b);
    return text;
}

static void test_real_hall(void **state)
{
    struct desk *d = *state;
    const char *body = arena_printf(&d->arena,
                                    "{\"format\":\"pretix-seating-plan\",\"timezone\":\"Europe/"
                                    "Berlin\",\"prices\":{\"Kategorie I\":\"39\","
                                    "\"Kategorie II\":\"29\",\"Kategorie "
                                    "III\":\"19\",\"Fanblock\":\"15.5\",\"C unten\":\"25\",\"VIP\":\"120\"},"
                                    "\"plan\":%s}",
                                    read_plan(d));
    assert_int_equal(desk_build(d, body, venue_from_import), 0);
    const struct layout *l = d->layout;
    assert_string_equal(l->name, "Riethsporthalle Erfurt");
    assert_int_equal(l->seats_total, 1252);
    assert_int_equal(l->section_count, 6);
    assert_string_equal(l->sections[0].name, "Block D");
    assert_true(l->has_size);
    assert_int_equal(l->width, 2700);
    assert_string_equal(layout_row_label(l, 0), "14");
    assert_int_equal(l->x[1] - l->x[0], 25);
    assert_int_equal(l->x[l->sections[1].first_seat], 900); /* the zone's place counts */
    assert_true(l->rows[0].has_xy);
}

/* ---- small ones ---- */

#define CATEGORIES "\"categories\":[{\"name\":\"A\"},{\"name\":\"B\",\"color\":\"red\"}]"
#define BODY(plan)                                                                                           \
    "{\"format\":\"pretix-seating-plan\",\"timezone\":\"UTC\",\"prices\":{\"A\":\"1\",\"B\":\"2\"},"         \
    "\"plan\":{" plan "}}"

/* A seat with a guid of its own. */
static const char *seat(struct desk *d, const char *number, const char *category, int x)
{
    static unsigned guid;
    return arena_printf(
        &d->arena, "{\"seat_guid\":\"g%u\",%s\"category\":\"%s\",\"position\":{\"x\":%d,\"y\":0}}", ++guid,
        number ? arena_printf(&d->arena, "\"seat_number\":%s,", number) : "", category, x);
}

static const char *row(struct desk *d, const char *number, const char *seats)
{
    return arena_printf(&d->arena, "{%s\"seats\":[%s]}",
                        number ? arena_printf(&d->arena, "\"row_number\":%s,", number) : "", seats);
}

static int import(struct desk *d, const char *zones)
{
    const char *plan = arena_printf(&d->arena, "\"name\":\"P\"," CATEGORIES ",\"zones\":[%s]", zones);
    return desk_build(d, arena_printf(&d->arena, BODY("%s"), plan), venue_from_import);
}

static int import_rows(struct desk *d, const char *rows)
{
    return import(d, arena_printf(&d->arena, "{\"name\":\"Z\",\"rows\":[%s]}", rows));
}

#define TWO(a, b)        arena_printf(&d->arena, "%s,%s", a, b)
#define FOUR(a, b, c, e) TWO(TWO(a, b), TWO(c, e))

static void test_halves_are_one_row(void **state)
{
    struct desk *d = *state;
    const char *left = row(d, "\"1\"", TWO(seat(d, "\"1\"", "A", 0), seat(d, "\"2\"", "A", 10)));
    const char *right = row(d, "\"1\"", TWO(seat(d, "\"3\"", "A", 60), seat(d, "\"4\"", "A", 70)));
    assert_int_equal(import_rows(d, TWO(left, right)), 0);
    assert_int_equal(d->layout->row_count, 1);
    assert_string_equal(desk_seats(d, 0), "1/1 1/2| 1/3 1/4 ");
}

static void test_labels_that_collide(void **state)
{
    struct desk *d = *state;
    const char *left = row(d, "\"1\"", TWO(seat(d, "\"1\"", "A", 0), seat(d, "\"2\"", "A", 10)));
    const char *right = row(d, "\"1\"", TWO(seat(d, "\"1\"", "A", 60), seat(d, "\"2\"", "A", 70)));
    const char *third = row(d, "\"1\"", TWO(seat(d, "\"1\"", "A", 160), seat(d, "\"1\"", "A", 170)));
    assert_int_equal(import_rows(d, TWO(TWO(left, right), third)), 0);
    assert_string_equal(desk_seats(d, 0), "1/1 1/2 1 (2)/1 1 (2)/2 1 (3)/1 1 (3)/1 (2) ");
}

/* A label that a plan has on purpose is left to whom it belongs. */
static void test_made_labels_avoid_given_ones(void **state)
{
    struct desk *d = *state;
    const char *a = row(d, "\"1 (2)\"", seat(d, "\"1\"", "A", 0)),
               *b = row(d, "\"1\"", seat(d, "\"1\"", "A", 0));
    const char *c = row(d, "\"1\"", seat(d, "\"1\"", "A", 0));
    assert_int_equal(import_rows(d, TWO(TWO(a, b), c)), 0);
    assert_string_equal(desk_seats(d, 0), "1 (2)/1 1/1 1 (3)/1 ");
}

static void test_missing_labels_are_counted(void **state)
{
    struct desk *d = *state;
    const char *a = row(d, NULL, TWO(seat(d, NULL, "A", 0), seat(d, "\"\"", "A", 10)));
    const char *b = row(d, "\"\"", TWO(seat(d, "7", "A", 0), seat(d, "null", "A", 10)));
    const char *c = row(d, "12", TWO(seat(d, "\"1\"", "A", 0), seat(d, "\"x\"", "A", 10)));
    assert_int_equal(import_rows(d, TWO(TWO(a, b), c)), 0);
    assert_string_equal(desk_seats(d, 0), "1/1 1/2 2/7 2/2 12/1 12/x ");
}

static void test_counted_labels_avoid_given_ones(void **state)
{
    struct desk *d = *state;
    const char *a = row(d, NULL, TWO(seat(d, NULL, "A", 0), seat(d, "\"1\"", "A", 10)));
    assert_int_equal(import_rows(d, TWO(a, row(d, "\"1\"", seat(d, "\"1\"", "A", 0)))), 0);
    assert_string_equal(desk_seats(d, 0), "1 (2)/1 (2) 1 (2)/1 1/1 ");
}

/* Two categories in one row: two types, one physical row; a gap where the other type's seats stand between.
 */
static void test_row_of_two_categories(void **state)
{
    struct desk *d = *state;
    const char *seats = FOUR(seat(d, "\"1\"", "A", 0), seat(d, "\"2\"", "A", 10), seat(d, "\"3\"", "B", 20),
                             seat(d, "\"4\"", "A", 30));
    assert_int_equal(import_rows(d, row(d, "\"1\"", seats)), 0);
    assert_int_equal(d->layout->place_count, 2);
    assert_int_equal(d->layout->row_count, 2);
    assert_int_equal(d->layout->rows[0].next_part, 1);
    assert_string_equal(desk_seats(d, 0), "1/1 1/2| 1/4| 1/3 ");
}

static void test_types_that_meet_are_side_by_side(void **state)
{
    struct desk *d = *state;
    const char *seats = FOUR(seat(d, "\"1\"", "A", 0), seat(d, "\"2\"", "A", 10), seat(d, "\"3\"", "B", 20),
                             seat(d, "\"4\"", "B", 30));
    assert_int_equal(import_rows(d, row(d, "\"1\"", seats)), 0);
    assert_string_equal(desk_seats(d, 0), "1/1 1/2 1/3 1/4 ");
}

static void test_zones(void **state)
{
    struct desk *d = *state;
    const char *zones = "";
    const char *names[] = {"\"name\":\"Z\",", "\"name\":\"Z\",", "\"zone_id\":\"z9\",", "",
                           "\"name\":\"\",\"zone_id\":null,"};
    for (size_t i = 0; i < 5; i++)
        zones =
            arena_printf(&d->arena, "%s{%s\"areas\":[1],\"rows\":[%s]},{\"name\":\"empty\",\"rows\":[]}%s",
                         zones, names[i], row(d, "\"1\"", seat(d, "\"1\"", "A", 0)), i < 4 ? "," : "");
    assert_int_equal(import(d, zones), 0);
    assert_int_equal(d->layout->section_count, 5);
    assert_string_equal(d->layout->sections[1].name, "Z (2)");
    assert_string_equal(d->layout->sections[2].name, "z9");
    assert_string_equal(d->layout->sections[3].name, "Zone 7");
    assert_string_equal(d->layout->sections[4].name, "Zone 9");
}

static void test_without_positions(void **state)
{
    struct desk *d = *state;
    assert_int_equal(import_rows(d,
                                 "{\"seats\":[{\"seat_guid\":\"x\",\"category\":\"A\"},{\"seat_guid\":\"y\","
                                 "\"category\":\"A\",\"position\":null}]}"),
                     0);
    assert_string_equal(desk_seats(d, 0), "1/1 1/2 ");
    assert_null(d->layout->x);
}

/* ---- what is refused ---- */

static void refused(struct desk *d, int ret, const char *pointers)
{
    assert_int_equal(ret, BOX_EINVALID);
    assert_string_equal(desk_pointers(d), pointers);
}

static void test_guid_twice(void **state)
{
    struct desk *d = *state;
    const char *one = "{\"seat_guid\":\"same\",\"seat_number\":\"1\",\"category\":\"A\"}";
    const char *two = "{\"seat_guid\":\"same\",\"seat_number\":\"2\",\"category\":\"A\"}";
    refused(d, import_rows(d, TWO(row(d, "\"1\"", one), row(d, "\"2\"", two))),
            "/plan/zones/0/rows/1/seats/0/seat_guid ");
}

static void test_unknown_category(void **state)
{
    struct desk *d = *state;
    refused(d, import_rows(d, row(d, "\"1\"", seat(d, "\"1\"", "C", 0))),
            "/plan/zones/0/rows/0/seats/0/category ");
}

static void test_prices(void **state)
{
    struct desk *d = *state;
    const char *zones = "\"zones\":[{\"rows\":[{\"seats\":[{\"seat_guid\":\"a\",\"category\":\"A\"},"
                        "{\"seat_guid\":\"b\",\"category\":\"A\"}]}]}]";
    const char *body =
        arena_printf(&d->arena,
                     "{\"format\":\"pretix-seating-plan\",\"timezone\":\"UTC\",\"prices\":{\"B\":\"x\","
                     "\"C\":\"1\"},\"plan\":{\"name\":\"P\"," CATEGORIES ",%s}}",
                     zones);
    refused(d, desk_build(d, body, venue_from_import), "/prices/B /prices/C /prices/A ");
}

static void test_shapes(void **state)
{
    struct desk *d = *state;
    refused(d, import(d, ""), "/plan/zones ");
    refused(d, import(d, "{\"rows\":[]}"), " "); /* no seats at all */
    refused(d, import_rows(d, "{\"row_number\":1.5,\"seats\":[{\"seat_guid\":\"a\",\"category\":\"A\"}]}"),
            "/plan/zones/0/rows/0/row_number ");
    refused(d, import_rows(d, "{}"), "/plan/zones/0/rows/0/seats ");
    refused(d, import(d, "{\"name\":7,\"rows\":[{\"seats\":[{\"seat_guid\":\"a\",\"category\":\"A\"}]}]}"),
            "/plan/zones/0/name ");
    refused(d, import_rows(d, "{\"position\":{\"x\":1,\"y\":null},\"seats\":[]}"),
            "/plan/zones/0/rows/0/position/y ");
    refused(d,
            desk_build(d, "{\"format\":\"other\",\"timezone\":\"UTC\",\"prices\":{},\"plan\":7}",
                       venue_from_import),
            "/format /plan ");
    refused(d, desk_build(d, "{}", venue_from_import), "/format /timezone /plan ");
}

/* Many rows and seats of one name cost no more than others. */
static void test_many_of_one_name(void **state)
{
    struct desk *d = *state;
    struct buf b = {0};
    for (int r = 0; r < 2000; r++) {
        buf_printf(&b, "%s{\"row_number\":\"1\",\"seats\":[", r ? "," : "");
        for (int s = 0; s < 20; s++)
            buf_printf(&b, "%s{\"seat_guid\":\"%d-%d\",\"seat_number\":\"1\",\"category\":\"A\"}",
                       s ? "," : "", r, s);
        buf_adds(&b, "]}");
    }
    const char *rows = arena_strndup(&d->arena, b.data, b.size);
    buf_done(&b);
    assert_int_equal(import_rows(d, rows), 0);
    assert_int_equal(d->layout->seats_total, 40000);
    assert_string_equal(layout_row_label(d->layout, 39999), "1 (2000)");
}

/* More categories than a section can have: refused without looking for each of them in every row. */
static void test_many_categories_in_a_zone(void **state)
{
    enum { CATEGORY_COUNT = 20000, ROWS = 50, ROW_SEATS = 1000 };
    struct desk *d = *state;
    struct buf b = {0};
    buf_adds(&b, "{\"format\":\"pretix-seating-plan\",\"timezone\":\"UTC\",\"prices\":{");
    for (int i = 0; i < CATEGORY_COUNT; i++)
        buf_printf(&b, "%s\"%d\":\"1\"", i ? "," : "", i);
    buf_adds(&b, "},\"plan\":{\"name\":\"P\",\"categories\":[");
    for (int i = 0; i < CATEGORY_COUNT; i++)
        buf_printf(&b, "%s{\"name\":\"%d\"}", i ? "," : "", i);
    buf_adds(&b, "],\"zones\":[{\"rows\":[");
    for (int i = 0; i < ROWS * ROW_SEATS; i++) {
        bool plain = i < (ROWS * ROW_SEATS - CATEGORY_COUNT);
        buf_printf(&b, "%s{\"seat_guid\":\"%d\",\"category\":\"%d\"}%s",
                   i % ROW_SEATS == 0 ? (i ? ",{\"seats\":[" : "{\"seats\":[") : ",", i,
                   plain ? 0 : ROWS * ROW_SEATS - 1 - i, i % ROW_SEATS == ROW_SEATS - 1 ? "]}" : "");
    }
    buf_adds(&b, "]}]}}");
    const char *body = arena_strndup(&d->arena, b.data, b.size);
    buf_done(&b);
    refused(d, desk_build(d, body, venue_from_import), "/plan/zones/0 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_real_hall),
        TEST(test_halves_are_one_row),
        TEST(test_labels_that_collide),
        TEST(test_made_labels_avoid_given_ones),
        TEST(test_missing_labels_are_counted),
        TEST(test_counted_labels_avoid_given_ones),
        TEST(test_row_of_two_categories),
        TEST(test_types_that_meet_are_side_by_side),
        TEST(test_zones),
        TEST(test_without_positions),
        TEST(test_guid_twice),
        TEST(test_unknown_category),
        TEST(test_prices),
        TEST(test_shapes),
        TEST(test_many_of_one_name),
        TEST(test_many_categories_in_a_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
