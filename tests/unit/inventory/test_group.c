/* Groups, time, and the image of an event. */
#include "base/heap.h"
#include "unit/inventory/rig.h"

static int setup_open(void **state)
{
    rig_setup(state);
    ((struct rig *)*state)->keep_group_open = true;
    return 0;
}

/* ---- a group changes a ticket at most once ---- */

static void test_group_opens_and_closes(void **state)
{
    struct rig *r = *state;
    assert_false(inventory_group_open(r->inv));
    inventory_group_done(r->inv); /* nothing to do */
    assert_int_equal(hold(r, ALICE, SEATS(1)), BOX_OK);
    assert_true(inventory_group_open(r->inv));
    assert_int_equal(hold(r, BOB, SEATS(2)), BOX_OK); /* other seats may follow */
    assert_int_equal(hold(r, BOB, SEATS(1)), BOX_ESEATSTAKEN);
    rig_group_done(r);
    assert_int_equal(hold(r, BOB, SEATS(1)), BOX_ESEATSTAKEN);
    assert_false(inventory_group_open(r->inv)); /* a refusal opens none */
}

static void test_a_hold_of_the_open_group_waits(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    assert_int_equal(order(r, ALICE, id), BOX_EDEFER);
    assert_int_equal(extend(r, ALICE, id, 0), BOX_EDEFER);
    assert_int_equal(release(r, ALICE, id), BOX_EDEFER);
    assert_int_equal(release(r, BOB, id), BOX_ENOTFOUND); /* a refusal does not wait */
    r->now_ms += HOLD_MS;
    assert_int_equal(expire(r, id), BOX_EDEFER);
    r->now_ms -= HOLD_MS;
    rig_group_done(r);
    struct order_id oid = ordered(r, ALICE, id);
    assert_int_equal(confirm(r, 0, oid), BOX_EDEFER);
    assert_int_equal(cancel(r, 0, oid), BOX_EDEFER);
    assert_int_equal(extend(r, 0, id, RIG_START_MS + 5000), BOX_EDEFER);
    rig_group_done(r);
    assert_int_equal(extend(r, ALICE, id, 0), BOX_OK);
    assert_int_equal(confirm(r, 0, oid), BOX_EDEFER);
    rig_group_done(r);
    assert_int_equal(confirm(r, 0, oid), BOX_OK);
    assert_int_equal(refund(r, 0, oid, false), BOX_EDEFER);
    rig_group_done(r);
    assert_int_equal(refund(r, 0, oid, false), BOX_OK);
    assert_int_equal(refund(r, 0, oid, false), BOX_EORDERSTATE);
}

static void test_a_seat_freed_in_the_open_group_waits(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1, 2));
    assert_int_equal(block(r, SEATS(9)), BOX_OK);
    rig_group_done(r);
    assert_int_equal(release(r, ALICE, id), BOX_OK);
    assert_int_equal(hold(r, BOB, SEATS(2, 3)), BOX_EDEFER);
    assert_int_equal(hold(r, BOB, SEATS(2, 9)), BOX_ESEATSTAKEN); /* would be refused in any case */
    assert_int_equal(block(r, SEATS(1)), BOX_EDEFER);
    assert_int_equal(unblock(r, SEATS(9)), BOX_OK);
    assert_int_equal(block(r, SEATS(9)), BOX_EDEFER);
    rig_group_done(r);
    assert_int_equal(hold(r, BOB, SEATS(2, 3)), BOX_OK);
}

static void test_best_available_waits_for_a_dirty_seat(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(0, 1));
    rig_group_done(r);
    assert_int_equal(release(r, ALICE, id), BOX_OK);
    assert_int_equal(best(r, BOB, 2, 0), BOX_EDEFER);
    rig_group_done(r);
    assert_int_equal(best(r, BOB, 2, 0), BOX_OK);
    assert_int_equal(r->v.last->seats[0].seat, 0);
}

static void test_a_cancellation_waits_as_a_whole(void **state)
{
    struct rig *r = *state;
    held(r, ALICE, SEATS(1));
    rig_group_done(r);
    held(r, BOB, SEATS(2));
    assert_int_equal(on_event(r, COMMAND_EVENT_CANCEL), BOX_EDEFER);
    rig_group_done(r);
    assert_int_equal(on_event(r, COMMAND_EVENT_CANCEL), BOX_OK);
    assert_int_equal(on_event(r, COMMAND_EVENT_CANCEL), BOX_EEVENTSTATE);
}

/* Changes of a group show the versions that it went through, although each replaced the one before. */
static void test_event_versions_of_a_group(void **state)
{
    struct rig *r = *state;
    assert_int_equal(edit(r, (struct event_edit){.set = EVENT_NAME, .name = "One"}), BOX_OK);
    const struct change *one = r->v.last;
    assert_int_equal(edit(r, (struct event_edit){.set = EVENT_NAME, .name = "Two"}), BOX_OK);
    const struct change *two = r->v.last;
    assert_int_equal(on_event(r, COMMAND_EVENT_PAUSE), BOX_OK);
    assert_string_equal(one->event->name, "One");
    assert_string_equal(two->event->name, "Two");
    assert_int_equal(r->v.last->event->status, EVENT_PAUSED);
}

/* A verdict does not change when the inventory does. */
static void test_a_verdict_stays_as_it_was(void **state)
{
    struct rig *r = *state;
    struct hold_id id = held(r, ALICE, SEATS(1));
    const struct change *created = r->v.last;
    rig_group_done(r);
    r->now_ms += 1000;
    assert_int_equal(extend(r, ALICE, id, 0), BOX_OK);
    rig_group_done(r);
    ordered(r, ALICE, id);
    assert_int_equal(created->hold->expires_ms, RIG_START_MS + HOLD_MS);
    assert_true(uuid_is_nil(&created->hold->order_id.u));
    inventory_free(r->inv);
    r->inv = NULL;
    assert_string_equal(created->price_type_names[0], "standard");
    assert_int_equal(created->seats[0].before, SEAT_AVAILABLE);
}

/* ---- time ---- */

static void test_time_of_changes_never_goes_back(void **state)
{
    struct rig *r = *state;
    int64_t last = RIG_START_MS * 1000; /* of the creation */
    int64_t clock_us[] = {5, 5, 4, -1000000, 6, 7, 2000};
    for (uint32_t i = 0; i < sizeof(clock_us) / sizeof(clock_us[0]); i++) {
        int64_t now_us = RIG_START_MS * 1000 + clock_us[i];
        struct command c = {.kind = COMMAND_BLOCK, .actor = who_is(0), .seats = &i, .seat_count = 1};
        assert_int_equal(rig_decide_us(r, &c, now_us), BOX_OK);
        assert_int_equal(r->v.last->time_us, now_us > last ? now_us : last + 1);
        last = r->v.last->time_us;
    }
}

static void test_changes_of_one_command_have_different_times(void **state)
{
    struct rig *r = *state;
    held(r, ALICE, SEATS(1));
    held(r, BOB, SEATS(2));
    assert_int_equal(on_event(r, COMMAND_EVENT_CANCEL), BOX_OK);
    const struct change *c = r->v.changes;
    assert_true(c->time_us < c->next->time_us && c->next->time_us < c->next->next->time_us);
}

/* ---- the image ---- */

static void test_image_done_of_an_image_that_nobody_took(void **state)
{
    struct rig *r = *state;
    held(r, ALICE, SEATS(1));
    struct image image;
    replay_image(&r->store, &image);
    image_done(&image);
    assert_null(image.seats);
    image_done(&image); /* nothing left */
}

/* Everything goes on after a reload as if it had not been. */
static void test_reload(void **state)
{
    struct rig *r = *state;
    struct hold_id a = held(r, ALICE, SEATS(1, 2));
    struct hold_id b = held(r, BOB, SEATS(3));
    struct order_id pending = ordered(r, BOB, b);
    struct order_id sold = bought(r, ALICE, SEATS(4, 5, 6));
    assert_int_equal(block(r, SEATS(7)), BOX_OK);
    assert_int_equal(price(r, 0, "student", 3000), BOX_OK);
    rig_reload(r);
    assert_counts(r, 13, 3, 3, 1);
    assert_int_equal(inventory_live_holds(r->inv), 2);
    assert_int_equal(hold(r, CAROL, SEATS(1, 3, 4, 7, 8)), BOX_ESEATSTAKEN);
    assert_int_equal(r->v.taken_count, 4);
    assert_int_equal(hold(r, ALICE, SEATS(8, 9, 10, 11)), BOX_ESESSIONLIMIT);
    assert_int_equal(r->v.held, 5);
    assert_int_equal(order(r, BOB, b), BOX_EORDEREXISTS);
    assert_int_equal(release(r, BOB, a), BOX_ENOTFOUND);
    assert_int_equal(confirm(r, 0, pending), BOX_OK);
    assert_int_equal(refund(r, 0, sold, false), BOX_OK);
    r->now_ms = RIG_START_MS - 1000; /* started_at is still later than the one before */
    struct hold_id id = held(r, CAROL, SEATS(4));
    assert_int_equal(r->v.last->hold->started_ms, RIG_START_MS + 1);
    assert_true(r->v.last->time_us > RIG_START_MS * 1000);
    rig_reload(r);
    assert_int_equal(release(r, CAROL, id), BOX_OK);
}

static void test_heap_item(void **state)
{
    struct rig *r = *state;
    struct heap_item *item = inventory_heap_item(r->inv);
    assert_ptr_equal(inventory_of_heap_item(item), r->inv);
    assert_false(heap_has(item));
    struct heap heap;
    heap_init(&heap);
    heap_set(&heap, item, 5);
    assert_ptr_equal(heap_first(&heap), item);
    heap_remove(&heap, item);
    heap_done(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_group_opens_and_closes, setup_open, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_hold_of_the_open_group_waits, setup_open, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_seat_freed_in_the_open_group_waits, setup_open, rig_teardown),
        cmocka_unit_test_setup_teardown(test_best_available_waits_for_a_dirty_seat, setup_open, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_cancellation_waits_as_a_whole, setup_open, rig_teardown),
        cmocka_unit_test_setup_teardown(test_event_versions_of_a_group, setup_open, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_verdict_stays_as_it_was, setup_open, rig_teardown),
        RIG_TEST(test_time_of_changes_never_goes_back),
        RIG_TEST(test_changes_of_one_command_have_different_times),
        RIG_TEST(test_image_done_of_an_image_that_nobody_took),
        RIG_TEST(test_reload),
        RIG_TEST(test_heap_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
