/* The event's own commands, and what its state means for others. */
#include "unit/inventory/rig.h"

static int setup_unpublished(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    rig_init(r, false);
    *state = r;
    return 0;
}

static void test_created(void **state)
{
    struct rig *r = *state;
    assert_int_equal(inventory_seq(r->inv), 1);
    assert_counts(r, HALL_SEATS, 0, 0, 0);
    assert_int_equal(inventory_live_holds(r->inv), 0);
    assert_ptr_equal(inventory_layout(r->inv), r->layout);
}

static void test_publish_and_unpublish(void **state)
{
    struct rig *r = *state;
    assert_int_equal(on_event(r, COMMAND_EVENT_UNPUBLISH), BOX_EEVENTSTATE);
    assert_current(r, "unpublished");
    assert_int_equal(on_event(r, COMMAND_EVENT_PUBLISH), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_EVENT_PUBLISHED);
    assert_true(r->v.last->event->published);
    assert_int_equal(on_event(r, COMMAND_EVENT_PUBLISH), BOX_EEVENTSTATE);
    assert_current(r, "published");
    assert_int_equal(on_event(r, COMMAND_EVENT_UNPUBLISH), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_EVENT_UNPUBLISHED);
    assert_false(inventory_event(r->inv)->published);
}

static void test_unpublished_is_not_there_for_a_session(void **state)
{
    struct rig *r = *state;
    assert_int_equal(hold(r, ALICE, SEATS(1)), BOX_ENOTFOUND);
    assert_int_equal(hold_for(r, 0, ALICE, SEATS(1)), BOX_ENOTONSALE); /* the key sees it */
    assert_int_equal(best(r, ALICE, 1, UINT32_MAX), BOX_ENOTFOUND);
}

static void test_checkouts_go_on_when_it_is_unpublished(void **state)
{
    struct rig *r = *state;
    struct hold_id a = held(r, ALICE, SEATS(1)), b = held(r, BOB, SEATS(2));
    assert_int_equal(on_event(r, COMMAND_EVENT_UNPUBLISH), BOX_OK);
    assert_int_equal(hold(r, ALICE, SEATS(3)), BOX_ENOTFOUND);
    r->now_ms += 1000;
    assert_int_equal(extend(r, ALICE, a, 0), BOX_OK);
    struct order_id oid = ordered(r, ALICE, a);
    assert_int_equal(confirm(r, 0, oid), BOX_OK);
    assert_int_equal(release(r, BOB, b), BOX_OK);
}

static void test_pause_and_resume(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    assert_int_equal(on_event(r, COMMAND_EVENT_RESUME), BOX_EEVENTSTATE);
    assert_current(r, "scheduled");
    assert_int_equal(on_event(r, COMMAND_EVENT_PAUSE), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_EVENT_PAUSED);
    assert_int_equal(on_event(r, COMMAND_EVENT_PAUSE), BOX_EEVENTSTATE);
    assert_current(r, "paused");
    assert_int_equal(hold(r, BOB, SEATS(2)), BOX_ENOTONSALE);
    assert_int_equal(order(r, ALICE, id), BOX_OK); /* what began goes on */
    assert_int_equal(on_event(r, COMMAND_EVENT_RESUME), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_EVENT_RESUMED);
    assert_int_equal(hold(r, BOB, SEATS(2)), BOX_OK);
}

static void test_cancel_ends_all_holds(void **state)
{
    struct rig *r = *state;
    struct order_id sold = bought(r, ALICE, SEATS(1, 2));
    struct hold_id a = held(r, ALICE, SEATS(3)), b = held(r, BOB, SEATS(4, 5));
    struct order_id pending = ordered(r, BOB, b);
    assert_int_equal(block(r, SEATS(6)), BOX_OK);
    uint64_t seq = inventory_seq(r->inv);
    assert_int_equal(on_event(r, COMMAND_EVENT_CANCEL), BOX_OK);

    const struct change *c = r->v.changes;
    assert_int_equal(c->kind, CHANGE_EVENT_CANCELLED);
    assert_int_equal(c->event->status, EVENT_CANCELLED);
    assert_int_equal(inventory_seq(r->inv), seq + 3);
    for (c = c->next; c; c = c->next) {
        assert_int_equal(c->kind, CHANGE_HOLD_RELEASED);
        assert_int_equal(c->hold->status, HOLD_RELEASED);
        assert_int_equal(c->hold->outcome, OUTCOME_CANCELLED);
        assert_int_equal(c->actor.kind, ACTOR_KEY);
    }
    assert_int_equal(replay_hold(&r->store, &a)->outcome, OUTCOME_CANCELLED);
    assert_int_equal(replay_order(&r->store, &pending)->status, ORDER_CANCELLED);
    assert_counts(r, 17, 0, 2, 1); /* what is sold stays sold until it is refunded */
    assert_int_equal(confirm(r, 0, pending), BOX_ENOTLIVE);
    assert_int_equal(hold(r, CAROL, SEATS(7)), BOX_ENOTONSALE);
    assert_int_equal(refund(r, 0, sold, false), BOX_OK);
}

static void test_nothing_after_a_cancellation(void **state)
{
    struct rig *r = *state;
    assert_int_equal(on_event(r, COMMAND_EVENT_CANCEL), BOX_OK);
    const enum command_kind kinds[] = {COMMAND_EVENT_PUBLISH, COMMAND_EVENT_UNPUBLISH, COMMAND_EVENT_PAUSE,
                                       COMMAND_EVENT_RESUME,  COMMAND_EVENT_CANCEL,    COMMAND_EVENT_DELETE};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        assert_int_equal(on_event(r, kinds[i]), BOX_EEVENTSTATE);
        assert_current(r, "cancelled");
    }
    assert_int_equal(edit(r, (struct event_edit){.set = EVENT_NAME, .name = "Other"}), BOX_EEVENTSTATE);
    assert_int_equal(price(r, 0, "standard", 1), BOX_EEVENTSTATE);
}

static void test_delete_of_one_that_was_never_published(void **state)
{
    struct rig *r = *state;
    assert_int_equal(block(r, SEATS(1)), BOX_OK);
    assert_int_equal(on_event(r, COMMAND_EVENT_DELETE), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_EVENT_DELETED);
    assert_true(inventory_event(r->inv)->deleted);
    for (int kind = COMMAND_EVENT_PUBLISH; kind <= COMMAND_ORDER_REFUND; kind++) {
        struct command c = {.kind = (enum command_kind)kind, .actor = who_is(0)};
        assert_int_equal(rig_decide(r, &c), BOX_ENOTFOUND);
    }
}

static void test_what_was_published_is_not_deleted(void **state)
{
    struct rig *r = *state;
    assert_int_equal(on_event(r, COMMAND_EVENT_DELETE), BOX_EEVENTSTATE);
    assert_current(r, "published");
    assert_int_equal(on_event(r, COMMAND_EVENT_UNPUBLISH), BOX_OK);
    assert_int_equal(on_event(r, COMMAND_EVENT_DELETE), BOX_EEVENTSTATE);
    assert_current(r, "unpublished");
}

static void test_edit(void **state)
{
    struct rig *r = *state;
    struct event_edit fields = {.set = EVENT_NAME | EVENT_HOLD_SECONDS, .name = "New", .hold_seconds = 60};
    assert_int_equal(edit(r, fields), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_EVENT_EDITED);
    assert_string_equal(inventory_event(r->inv)->name, "New");
    held(r, ALICE, SEATS(1));
    assert_int_equal(r->v.last->hold->expires_ms, RIG_START_MS + 60000);
}

static void test_an_empty_sale_window_is_invalid(void **state)
{
    struct rig *r = *state;
    struct event_edit both = {.set = EVENT_ON_SALE | EVENT_OFF_SALE, .on_sale_ms = 5000, .off_sale_ms = 5000};
    assert_int_equal(edit(r, both), BOX_EINVALID);
    assert_string_equal(r->v.pointer, "/off_sale_at");
    both.off_sale_ms = 5001;
    assert_int_equal(edit(r, both), BOX_OK);
    struct event_edit later = {.set = EVENT_ON_SALE, .on_sale_ms = 6000};
    assert_int_equal(edit(r, later), BOX_EINVALID); /* with the off_sale that stands */
    assert_string_equal(r->v.pointer, "/on_sale_at");
    struct event_edit open = {.set = EVENT_OFF_SALE, .off_sale_ms = 0};
    assert_int_equal(edit(r, open), BOX_OK);
    assert_int_equal(edit(r, later), BOX_OK);
}

static void test_prices(void **state)
{
    struct rig *r = *state;
    assert_int_equal(price(r, 1, "child", 3000), BOX_OK);
    assert_int_equal(r->v.last->kind, CHANGE_EVENT_PRICED);
    assert_int_equal(event_price(inventory_event(r->inv), 1, 1), 3000);
    char name[16];
    for (int i = 2; i < LIMIT_PRICE_TYPES; i++) {
        snprintf(name, sizeof(name), "type %d", i);
        assert_int_equal(price(r, 0, name, 100), BOX_OK);
    }
    assert_int_equal(price(r, 0, "one too many", 100), BOX_EINVALID);
    assert_string_equal(r->v.pointer, "/prices");
    assert_int_equal(price(r, 0, "type 5", 200), BOX_OK);
}

static void test_a_session_has_no_say(void **state)
{
    struct rig *r = *state;
    for (int kind = COMMAND_EVENT_PUBLISH; kind <= COMMAND_UNBLOCK; kind++) {
        struct command c = {.kind = (enum command_kind)kind, .actor = who_is(ALICE)};
        assert_int_equal(rig_decide(r, &c), BOX_ENOTFOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_created),
        cmocka_unit_test_setup_teardown(test_publish_and_unpublish, setup_unpublished, rig_teardown),
        cmocka_unit_test_setup_teardown(test_unpublished_is_not_there_for_a_session, setup_unpublished,
                                        rig_teardown),
        RIG_TEST(test_checkouts_go_on_when_it_is_unpublished),
        RIG_TEST(test_pause_and_resume),
        RIG_TEST(test_cancel_ends_all_holds),
        RIG_TEST(test_nothing_after_a_cancellation),
        cmocka_unit_test_setup_teardown(test_delete_of_one_that_was_never_published, setup_unpublished,
                                        rig_teardown),
        RIG_TEST(test_what_was_published_is_not_deleted),
        RIG_TEST(test_edit),
        RIG_TEST(test_an_empty_sale_window_is_invalid),
        RIG_TEST(test_prices),
        RIG_TEST(test_a_session_has_no_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
