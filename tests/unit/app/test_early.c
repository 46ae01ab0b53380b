/* Refusals without the writer: the same ones that it gives, and no others. */
#include "unit/app/fixture.h"

enum { ALICE = 1, BOB = 2 };

/* True if the answer came inside the use case, before the writer could run. */
static bool at_once(const struct ask *a)
{
    return a->done == 1;
}

/* BOB wants @count seats from @first on: with a key (the writer decides) or without one. */
static struct ask *wants(struct world *w, const struct event_id *event, uint32_t first, uint32_t count,
                         bool key)
{
    static unsigned number;
    struct ask *a = ask_by(w, BOB);
    if (key)
        with_key(a, arena_printf(&a->arena, "key %u", number++), 1);
    return hold_seats(a, event, first, count);
}

/* Asked both ways: the same refusal, which the one without a key gets without the writer. */
static void assert_refused(struct world *w, const struct event_id *event, uint32_t first, uint32_t count,
                           int code)
{
    struct ask *early = wants(w, event, first, count, false);
    assert_true(at_once(early));
    assert_int_equal(early->call.code, code);
    struct ask *decided = wants(w, event, first, count, true);
    assert_false(at_once(decided));
    assert_int_equal(code_of(decided), code);
    const struct verdict *a = &early->call.req.verdict, *b = &decided->call.req.verdict;
    assert_int_equal(a->taken_count, b->taken_count);
    for (uint32_t i = 0; i < a->taken_count; i++)
        assert_int_equal(a->taken[i], b->taken[i]);
}

static void test_taken_seats(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    held(w, ALICE, &event, 3); /* and 4 */
    assert_refused(w, &event, 3, 1, BOX_ESEATSTAKEN);
    assert_refused(w, &event, 2, 4, BOX_ESEATSTAKEN);
    struct ask *other = wants(w, &event, 5, 1, false);
    assert_false(at_once(other));
    assert_int_equal(code_of(other), 0);
    assert_refused(w, &event, 5, 1, BOX_ESEATSTAKEN);
}

static void test_free_again(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    held(w, ALICE, &event, 3);
    assert_refused(w, &event, 3, 1, BOX_ESEATSTAKEN);
    pass(w, HOLD_SECONDS * 1000);
    assert_int_equal(code_of(wants(w, &event, 3, 1, false)), 0);
}

/* Before the decision is durable nobody sees it, and nobody is refused for it. */
static void test_what_is_not_durable_refuses_nobody(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct ask *first = wants(w, &event, 0, 1, false), *second = wants(w, &event, 0, 1, false);
    assert_false(at_once(first) || at_once(second));
    assert_int_equal(code_of(first), 0);
    assert_int_equal(code_of(second), BOX_ESEATSTAKEN);
}

static struct ask *wants_best(struct world *w, const struct event_id *event, uint32_t count)
{
    struct ask *a = ask_by(w, BOB);
    struct app_hold_wish wish = {.session = session_numbered(BOB),
                                 .best = {.count = count, .section = UINT32_MAX}};
    assert_int_equal(app_find_event(&a->call, event), 0);
    app_hold_create(&a->call, arena_copy(&a->arena, &wish, sizeof(wish)));
    return a;
}

static void test_sold_out(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    for (uint32_t seat = 0; seat < SEATS - 2; seat += 2)
        held(w, ALICE + 10 + (uint8_t)seat, &event, seat);
    struct ask *three = wants_best(w, &event, 3);
    assert_true(at_once(three));
    assert_int_equal(three->call.code, BOX_ENOTENOUGH);
    struct ask *two = wants_best(w, &event, 2);
    assert_false(at_once(two));
    assert_int_equal(code_of(two), 0);
}

/* The sale begins at its millisecond: not before, and from then on. */
static void test_sale_window(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    struct ask *edit = ask_new(w);
    int64_t now_ms = app_now_ms(w->app);
    struct event_edit window = {
        .set = EVENT_ON_SALE | EVENT_OFF_SALE, .on_sale_ms = now_ms + 1000, .off_sale_ms = now_ms + 2000};
    assert_int_equal(app_find_event(&edit->call, &event), 0);
    app_event_edit(&edit->call, &window);
    assert_int_equal(code_of(edit), 0);
    pass(w, 999);
    assert_refused(w, &event, 0, 1, BOX_ENOTONSALE);
    pass(w, 1);
    assert_int_equal(code_of(wants(w, &event, 0, 1, false)), 0);
    pass(w, 999);
    assert_int_equal(code_of(wants(w, &event, 1, 1, false)), 0);
    pass(w, 1);
    assert_refused(w, &event, 2, 1, BOX_ENOTONSALE);
}

/* Who names another's session learns nothing here. */
static void test_another_session(void **state)
{
    struct world *w = *state;
    struct event_id event = show(w, "show");
    held(w, ALICE, &event, 3);
    struct ask *a = ask_by(w, BOB);
    static const uint32_t seat = 3;
    struct app_hold_wish wish = {.session = session_numbered(ALICE), .seats = &seat, .seat_count = 1};
    assert_int_equal(app_find_event(&a->call, &event), 0);
    app_hold_create(&a->call, &wish);
    assert_false(at_once(a));
    assert_int_equal(code_of(a), BOX_ENOTFOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_taken_seats), TEST(test_free_again),  TEST(test_what_is_not_durable_refuses_nobody),
        TEST(test_sold_out),    TEST(test_sale_window), TEST(test_another_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
