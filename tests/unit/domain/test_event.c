#include "base/params.h"
#include "domain/event.h"
#include "unit/domain/fixture.h"
#include <pthread.h>
#include <stdio.h>

static int decode_event(const void *data, size_t size)
{
    struct event *e;
    struct buf again = {0};
    int ret = event_decode(data, size, &e);
    if (ret)
        return ret;
    event_encode(e, &again); /* what is accepted is what encoding gives */
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, data, size);
    buf_done(&again);
    event_unref(e);
    return 0;
}

static void test_draft(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct event *e = small_event(l);
    struct event_id seven = event_numbered(7);
    uint32_t type;
    assert_true(uuid_equal(&e->event_id.u, &seven.u));
    assert_true(uuid_equal(&e->venue_id.u, &l->venue_id.u));
    assert_string_equal(e->name, "Concert");
    assert_string_equal(e->slug, "concert-1");
    assert_string_equal(e->event_type, "concert");
    assert_string_equal(e->currency.code, "EUR");
    assert_int_equal(e->hold_seconds, 900);
    assert_int_equal(e->max_tickets_per_session, 8);
    assert_true(e->on_sale_ms == 0 && e->off_sale_ms == 0);
    assert_true(e->published && e->ever_published && !e->deleted);
    assert_int_equal(e->status, EVENT_SCHEDULED);
    assert_int_equal(e->layout_rev, 1);
    assert_int_equal(e->place_count, 3);
    assert_int_equal(e->price_type_count, 2);
    assert_string_equal(e->price_types[PRICE_STANDARD], "standard");
    assert_true(event_find_price_type(e, "child", &type));
    assert_int_equal(type, 1);
    assert_false(event_find_price_type(e, "Child", &type));
    assert_true(event_price(e, 0, PRICE_STANDARD) == 4500 && event_price(e, 1, PRICE_STANDARD) == 2500);
    assert_true(event_price(e, 2, PRICE_STANDARD) == 6000);
    assert_true(event_price(e, 0, 1) == 2000 && event_price(e, 1, 1) == PRICE_NONE);
    event_unref(e);
    layout_unref(l);
}

static void test_venue_price_with_too_many_decimals(void **state)
{
    (void)state;
    struct layout_builder *b = layout_builder_new();
    layout_builder_section(b, section_numbered(20), "Stalls");
    layout_builder_type(b, "a", (struct decimal){4500, 2}); /* 45.00: fits JPY as well */
    layout_builder_unnumbered(b, 1);
    layout_builder_type(b, "b", (struct decimal){4550, 2});
    layout_builder_unnumbered(b, 1);
    struct layout *l = built(b);
    const struct price_entry given = {.place = 1, .price_type = "standard", .price = {46}};
    struct event_draft draft = {
        .slug = "s", .currency = {"JPY", 0}, .fields = {.set = EVENT_NAME | EVENT_DATE, .name = "n"}};
    struct event *e;
    uint32_t place = 99;
    assert_int_equal(event_new(&draft, l, &place, &e), BOX_ERANGE);
    assert_int_equal(place, 1);
    draft.prices = &given;
    draft.price_count = 1;
    assert_int_equal(event_new(&draft, l, &place, &e), 0); /* the price is not needed now */
    assert_true(event_price(e, 0, 0) == 45 && event_price(e, 1, 0) == 46);
    assert_string_equal(e->event_type, "");
    event_unref(e);
    layout_unref(l);
}

static void test_edit_makes_a_version(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct event *e = small_event(l);
    const struct event_edit edit = {
        .set = EVENT_NAME | EVENT_ON_SALE | EVENT_HOLD_SECONDS | EVENT_MAX_TICKETS,
        .name = "Second",
        .on_sale_ms = 5,
        .off_sale_ms = 6, /* not set */
        .hold_seconds = 60,
        .max_tickets_per_session = 4,
    };
    struct event *edited = event_edited(e, &edit);
    assert_string_equal(e->name, "Concert");
    assert_int_equal(e->hold_seconds, 900);
    assert_string_equal(edited->name, "Second");
    assert_string_equal(edited->slug, "concert-1");
    assert_string_equal(edited->event_type, "concert");
    assert_true(edited->on_sale_ms == 5 && edited->off_sale_ms == 0);
    assert_true(edited->date_ms == e->date_ms);
    assert_int_equal(edited->hold_seconds, 60);
    assert_int_equal(edited->max_tickets_per_session, 4);
    event_unref(e); /* the copy owns all that it shows */
    assert_true(event_price(edited, 0, 1) == 2000);
    assert_string_equal(edited->price_types[1], "child");
    event_unref(edited);
    layout_unref(l);
}

static void test_reprice(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct event *e = small_event(l), *priced;
    const struct price_entry prices[] = {
        {.place = 2, .price_type = "senior", .price = {3000}},
        {.place = 2, .price_type = "standard", .price = {7000}},
        {.place = 1, .price_type = "child", .price = {0}},
        {.place = 2, .price_type = "standard", .price = {7100}}, /* the last counts */
    };
    assert_int_equal(event_repriced(e, prices, 4, &priced), 0);
    assert_int_equal(e->price_type_count, 2);
    assert_true(event_price(e, 2, 0) == 6000);
    assert_int_equal(priced->price_type_count, 3);
    assert_string_equal(priced->price_types[2], "senior");
    assert_true(event_price(priced, 0, 0) == 4500 && event_price(priced, 0, 1) == 2000);
    assert_true(event_price(priced, 0, 2) == PRICE_NONE);
    assert_true(event_price(priced, 1, 1) == 0);
    assert_true(event_price(priced, 2, 0) == 7100 && event_price(priced, 2, 2) == 3000);
    event_unref(priced);
    event_unref(e);
    layout_unref(l);
}

static void test_price_types_have_a_limit(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct event *e = small_event(l), *priced, *more; /* has standard and child */
    char names[LIMIT_PRICE_TYPES][8];
    struct price_entry prices[LIMIT_PRICE_TYPES];
    for (int i = 0; i < LIMIT_PRICE_TYPES; i++) {
        snprintf(names[i], sizeof(names[i]), "t%d", i);
        prices[i] = (struct price_entry){.place = 0, .price_type = names[i], .price = {i}};
    }
    assert_int_equal(event_repriced(e, prices, LIMIT_PRICE_TYPES - 1, &priced), BOX_EINVALID);
    assert_int_equal(event_repriced(e, prices, LIMIT_PRICE_TYPES - 2, &priced), 0);
    assert_int_equal(priced->price_type_count, LIMIT_PRICE_TYPES);
    assert_int_equal(event_repriced(priced, prices, 3, &more), 0); /* known names cost nothing */
    event_unref(more);
    assert_int_equal(event_repriced(priced, prices + LIMIT_PRICE_TYPES - 2, 1, &more), BOX_EINVALID);
    event_unref(priced);
    event_unref(e);
    layout_unref(l);
}

static void test_state(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct event *e = small_event(l);
    struct event *hidden = event_with_state(e, false, EVENT_PAUSED, false);
    assert_true(!hidden->published && hidden->ever_published);
    assert_int_equal(hidden->status, EVENT_PAUSED);
    struct event *deleted = event_with_state(hidden, false, EVENT_SCHEDULED, true);
    assert_true(deleted->deleted && deleted->ever_published);
    assert_string_equal(event_status_name(EVENT_CANCELLED), "cancelled");
    event_unref(deleted);
    event_unref(hidden);
    event_unref(e);
    layout_unref(l);
}

static void test_on_sale(void **state)
{
    (void)state;
    struct event e = {.published = true, .status = EVENT_SCHEDULED};
    assert_true(event_on_sale(&e, 0));
    e.on_sale_ms = 100;
    e.off_sale_ms = 200;
    assert_false(event_on_sale(&e, 99));
    assert_true(event_on_sale(&e, 100) && event_on_sale(&e, 199));
    assert_false(event_on_sale(&e, 200));
    e.on_sale_ms = 0;
    assert_true(event_on_sale(&e, 1));
    e.published = false;
    assert_false(event_on_sale(&e, 1));
    e.published = true;
    e.status = EVENT_PAUSED;
    assert_false(event_on_sale(&e, 1));
    e.status = EVENT_CANCELLED;
    assert_false(event_on_sale(&e, 1));
    e.status = EVENT_SCHEDULED;
    e.deleted = true;
    assert_false(event_on_sale(&e, 1));
}

static void test_round_trip(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct event *e = small_event(l), *back;
    struct buf b = {0};
    event_encode(e, &b);
    assert_int_equal(event_decode(b.data, b.size, &back), 0);
    assert_string_equal(back->name, e->name);
    assert_string_equal(back->currency.code, "EUR");
    assert_int_equal(back->currency.exponent, 2);
    assert_true(back->date_ms == e->date_ms && back->created_ms == e->created_ms);
    assert_true(event_price(back, 0, 1) == 2000 && event_price(back, 2, 1) == PRICE_NONE);
    check_damage(decode_event, &b, BOX_ENEWER);
    check_mutations(decode_event, &b);
    /* a decoded version can be edited on */
    const struct price_entry more = {.place = 0, .price_type = "group", .price = {1}};
    struct event *priced;
    assert_int_equal(event_repriced(back, &more, 1, &priced), 0);
    assert_true(event_price(priced, 0, 2) == 1);
    event_unref(priced);
    buf_done(&b);
    event_unref(back);
    event_unref(e);
    layout_unref(l);
}

static void *ref_and_unref(void *event)
{
    for (int i = 0; i < 10000; i++)
        event_unref(event_ref(event));
    return NULL;
}

static void test_references(void **state)
{
    (void)state;
    struct layout *l = small_layout();
    struct event *e = small_event(l);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, e), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    struct event *second = event_ref(e);
    assert_ptr_equal(second, e);
    event_unref(e);
    assert_string_equal(second->name, "Concert");
    event_unref(second);
    event_unref(NULL);
    layout_unref(l);
}

static void test_slugs(void **state)
{
    (void)state;
    char longest[LIMIT_SLUG_CHARS + 2];
    memset(longest, 'a', sizeof(longest));
    longest[LIMIT_SLUG_CHARS + 1] = '\0';
    assert_false(slug_valid(longest));
    longest[LIMIT_SLUG_CHARS] = '\0';
    assert_true(slug_valid(longest));
    assert_true(slug_valid("a") && slug_valid("0") && slug_valid("rock-2026-"));
    assert_false(slug_valid("") || slug_valid("-a") || slug_valid("A") || slug_valid("a_b") ||
                 slug_valid("\xc3\xa4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draft),
        cmocka_unit_test(test_venue_price_with_too_many_decimals),
        cmocka_unit_test(test_edit_makes_a_version),
        cmocka_unit_test(test_reprice),
        cmocka_unit_test(test_price_types_have_a_limit),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_on_sale),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_slugs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
