/* Events, edits, prices and seats from JSON. */
#include "unit/api/fixture.h"

#include "api/event_in.h"
#include "api/seats_in.h"

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof(*d));
    desk_init(d);
    assert_int_equal(
        desk_build(d,
                   "{\"name\":\"Hall\",\"timezone\":\"UTC\",\"sections\":[{\"name\":\"A\",\"types\":["
                   "{\"type_id\":\"r\",\"price\":\"1\",\"seats_count\":4},"
                   "{\"type_id\":\"s\",\"price\":\"1\",\"seats_count\":4}]}]}",
                   venue_from_json),
        0);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    desk_done(*state);
    free(*state);
    return 0;
}

static void test_draft(void **state)
{
    struct desk *d = *state;
    struct event_draft draft = {0};
    event_draft_in(
        desk_json(d, "{\"name\":\"N\",\"slug\":\"n-1\",\"date\":\"2026-11-22T20:00:00+01:00\",\"currency\":"
                     "\"JPY\",\"event_type\":null,\"on_sale_at\":\"1970-01-01T00:00:00Z\"}"),
        &draft);
    assert_int_equal(json_in_status(&d->in), 0);
    assert_string_equal(draft.fields.name, "N");
    assert_string_equal(draft.fields.event_type, "");
    assert_int_equal(draft.fields.date_ms, INT64_C(1795374000000));
    assert_int_equal(draft.fields.hold_seconds, 900);
    assert_int_equal(draft.fields.max_tickets_per_session, 8);
    assert_int_equal(draft.fields.on_sale_ms, 1); /* 0 would be open */
    assert_int_equal(draft.fields.off_sale_ms, 0);
    assert_int_equal(draft.currency.exponent, 0);
    assert_false(draft.published);
}

static void test_draft_faults(void **state)
{
    struct desk *d = *state;
    struct event_draft draft = {0};
    event_draft_in(
        desk_json(d, "{\"slug\":\"-a\",\"currency\":\"eur\",\"hold_seconds\":0,\"published\":1,"
                     "\"on_sale_at\":\"2026-01-01T00:00:00Z\",\"off_sale_at\":\"2026-01-01T00:00:00Z\"}"),
        &draft);
    assert_string_equal(desk_pointers(d),
                        "/slug /currency /published /name /date /hold_seconds /off_sale_at ");
}

static void test_edit(void **state)
{
    struct desk *d = *state;
    struct event_edit edit = {0};
    event_edit_in(desk_json(d, "{\"event_type\":null,\"off_sale_at\":null,\"max_tickets_per_session\":3}"),
                  &edit);
    assert_int_equal(json_in_status(&d->in), 0);
    assert_int_equal(edit.set, EVENT_TYPE | EVENT_OFF_SALE | EVENT_MAX_TICKETS);
    assert_string_equal(edit.event_type, "");
    assert_int_equal(edit.off_sale_ms, 0);
    assert_int_equal(edit.max_tickets_per_session, 3);
}

static void test_edit_faults(void **state)
{
    struct desk *d = *state;
    struct event_edit edit = {0};
    event_edit_in(desk_json(d, "{}"), &edit);
    assert_string_equal(desk_pointers(d), " ");
    event_edit_in(desk_json(d, "{\"name\":null,\"date\":null,\"hold_seconds\":null}"), &edit);
    assert_string_equal(desk_pointers(d), "/name /date /hold_seconds ");
}

static void test_prices(void **state)
{
    struct desk *d = *state;
    struct currency eur;
    const struct price_entry *prices;
    size_t count;
    char id[UUID_TEXT + 1];
    uuid_format(&d->layout->sections[0].section_id.u, id);
    assert_int_equal(currency_find("EUR", &eur), 0);
    const char *text =
        arena_printf(&d->arena,
                     "[{\"section\":\"%s\",\"type_id\":\"s\",\"price\":\"2.5\"},"
                     "{\"section\":\"%s\",\"type_id\":\"r\",\"price_type\":\"child\",\"price\":\"0\"}]",
                     id, id);
    prices_in(desk_json(d, text), 1, d->layout, &eur, &prices, &count);
    assert_int_equal(json_in_status(&d->in), 0);
    assert_int_equal(count, 2);
    assert_int_equal(prices[0].place, 1);
    assert_string_equal(prices[0].price_type, "standard");
    assert_int_equal(prices[0].price.minor, 250);
    assert_string_equal(prices[1].price_type, "child");
    text = arena_printf(&d->arena,
                        "[{\"section\":\"%s\",\"type_id\":\"t\",\"price\":\"1.005\"},{\"section\":"
                        "\"00000000-0000-4000-8000-000000000000\",\"type_id\":\"r\",\"price\":\"1\"}]",
                        id);
    prices_in(desk_json(d, text), 1, d->layout, &eur, &prices, &count);
    assert_string_equal(desk_pointers(d), "/0/type_id /0/price /1/section ");
    prices_in(desk_json(d, "[]"), 1, d->layout, &eur, &prices, &count);
    assert_string_equal(desk_pointers(d), " ");
}

static void ticket_text(const struct event_id *event, uint32_t seat, char ret_text[UUID_TEXT + 1])
{
    struct ticket_id id = ticket_id_of(event, seat);
    uuid_format(&id.u, ret_text);
}

static void test_seats(void **state)
{
    struct desk *d = *state;
    struct event_id event = event_id_new(&d->rng), other = event_id_new(&d->rng);
    uint32_t count = 0;
    char ids[3][UUID_TEXT + 1];
    ticket_text(&event, 7, ids[0]);
    ticket_text(&event, 8, ids[1]);
    ticket_text(&other, 1, ids[2]);
    const char *text = arena_printf(&d->arena, "[\"%s\"]", ids[0]);
    const uint32_t *seats = tickets_in(desk_json(d, text), 2, &event, d->layout, &count);
    assert_int_equal(count, 1);
    assert_int_equal(seats[0], 7);
    text = arena_printf(&d->arena, "[\"%s\",\"%s\",\"x\",7]", ids[1], ids[2]);
    tickets_in(desk_json(d, text), 4, &event, d->layout, &count);
    assert_string_equal(desk_pointers(d), "/0 /1 /2 /3 ");
    tickets_in(desk_json(d, "[\"00000000-0000-0000-0000-000000000000\"]"), 2, &event, d->layout, &count);
    assert_string_equal(desk_pointers(d), "/0 ");
    text = arena_printf(&d->arena, "[\"%s\",\"%s\"]", ids[0], ids[0]);
    tickets_in(desk_json(d, text), 2, &event, d->layout, &count);
    assert_string_equal(desk_pointers(d), "/1 ");
}

static void test_seat_indexes(void **state)
{
    struct desk *d = *state;
    uint32_t count = 0;
    const uint32_t *seats = seat_indexes_in(desk_json(d, "[7,0,3]"), 3, d->layout, &count);
    assert_int_equal(count, 3);
    assert_int_equal(seats[0], 7); /* in the order of the request */
    seat_indexes_in(desk_json(d, "[8,-1,1.0]"), 3, d->layout, &count);
    assert_string_equal(desk_pointers(d), "/0 /1 /2 ");
    seat_indexes_in(desk_json(d, "[1,2,1,2,3]"), 5, d->layout, &count);
    assert_string_equal(desk_pointers(d), "/2 /3 ");
    seat_indexes_in(desk_json(d, "[]"), 5, d->layout, &count);
    assert_string_equal(desk_pointers(d), " ");
    seat_indexes_in(desk_json(d, "[1,2,3]"), 2, d->layout, &count);
    assert_string_equal(desk_pointers(d), " ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_draft),  TEST(test_draft_faults), TEST(test_edit),         TEST(test_edit_faults),
        TEST(test_prices), TEST(test_seats),        TEST(test_seat_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
