/* A store that fails: what is answered, what is loaded again, and that nothing is done twice. */
#include "unit/writer/fixture.h"
#include "unit/writer/wrapped.h"

/* Whether or not the write happened, the answer is "unknown"; the key finds out afterwards. */
static void check_unknown(enum store_mem_fault fault)
{
    struct bench *b = bench_with_event();
    store_mem_fail(b->store, 1, fault);
    struct ask *a = submitted(with_key(hold(b, 0, 3, 1), "key", "body"));
    struct ask *twin = submitted(with_key(hold(b, 0, 3, 1), "key", "body"));
    struct ask *loser = submitted(hold(b, 0, 3, 2));
    size_t from = b->note_count;
    assert_true(step(b));
    assert_int_equal(a->req.code, BOX_EUNKNOWN);
    assert_null(a->req.verdict.changes);
    assert_int_equal(loser->req.code, BOX_EUNAVAILABLE);
    assert_int_equal(noted(b, NOTE_CHANGED, from), 0);
    assert_false(writer_ready(b->writer));
    struct ask *later = submitted(hold(b, 0, 4, 1));
    assert_true(step(b)); /* at once: refuses all and opens the store again */
    assert_int_equal(twin->req.code, BOX_EUNAVAILABLE);
    assert_int_equal(later->req.code, BOX_EUNAVAILABLE);
    assert_true(writer_ready(b->writer));
    assert_int_equal(noted(b, NOTE_LOADED, from), 1);
    assert_int_equal(noted(b, NOTE_CHANGED, from), 0);

    bool happened = fault == STORE_MEM_UNKNOWN_DONE;
    assert_int_equal(stored_status(b, 0, 3), happened ? SEAT_HELD : SEAT_AVAILABLE);
    struct ask *again = asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK);
    assert_int_equal(again->req.replay != NULL, happened);
    assert_int_equal(inventory_live_holds(inventory_at(b, 0)), 1);
    inventory_check(inventory_at(b, 0));
    bench_free(b);
}

static void test_unknown_and_done(void **state)
{
    (void)state;
    check_unknown(STORE_MEM_UNKNOWN_DONE);
}

static void test_unknown_and_undone(void **state)
{
    (void)state;
    check_unknown(STORE_MEM_UNKNOWN_UNDONE);
}

static void check_created_or_not(enum store_mem_fault fault)
{
    struct bench *b = bench_new();
    bool happened = fault == STORE_MEM_UNKNOWN_DONE;
    struct ask *create = with_key(create_event(b, "concert"), "key", "body");
    store_mem_fail(b->store, 1, fault);
    asked(create, BOX_EUNKNOWN);
    assert_true(writer_ready(b->writer));
    assert_int_equal(noted(b, NOTE_LOADED, 0), happened);
    assert_int_equal(noted(b, NOTE_GONE, 0), 0); /* it was never shown */
    assert_int_equal(inventory_at(b, 0) != NULL, happened);
    struct ask *again = asked(with_key(create_event(b, "concert"), "key", "body"), BOX_OK);
    assert_int_equal(again->req.replay != NULL, happened);
    bench_free(b);
}

static void test_unknown_creation(void **state)
{
    (void)state;
    check_created_or_not(STORE_MEM_UNKNOWN_DONE);
    check_created_or_not(STORE_MEM_UNKNOWN_UNDONE);
}

static void check_deleted_or_not(enum store_mem_fault fault)
{
    struct bench *b = bench_new();
    struct ask *create = create_event(b, "concert");
    struct event *hidden = event_with_state(create->req.new_event, false, EVENT_SCHEDULED, false);
    hidden->ever_published = false;
    create->req.new_event = hidden;
    asked(create, BOX_OK);
    size_t from = b->note_count;
    store_mem_fail(b->store, 1, fault);
    asked(command(b, 0, COMMAND_EVENT_DELETE), BOX_EUNKNOWN);
    bool happened = fault == STORE_MEM_UNKNOWN_DONE;
    assert_int_equal(noted(b, NOTE_GONE, from), happened);
    assert_int_equal(noted(b, NOTE_LOADED, from), !happened);
    asked(create_event(b, "concert"), happened ? BOX_OK : BOX_ESLUGTAKEN);
    event_unref(hidden);
    bench_free(b);
}

static void test_unknown_deletion(void **state)
{
    (void)state;
    check_deleted_or_not(STORE_MEM_UNKNOWN_DONE);
    check_deleted_or_not(STORE_MEM_UNKNOWN_UNDONE);
}

static void test_tries_every_second(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    store_mem_set_reopen_failures(b->store, 3);
    asked(hold(b, 0, 3, 1), BOX_EUNKNOWN);
    for (int i = 0; i < 3; i++) {
        assert_false(writer_ready(b->writer));
        asked(hold(b, 0, 3, 1), BOX_EUNAVAILABLE);
        assert_true(writer_next_wake_us(b->writer) == b->clock.virtual_wall_us + 1000000);
        forward(b, 999999);
        settle(b);
        assert_false(writer_ready(b->writer));
        assert_true(writer_next_wake_us(b->writer) == b->clock.virtual_wall_us + 1);
        forward(b, 1);
        settle(b);
    }
    assert_true(writer_ready(b->writer));
    asked(hold(b, 0, 3, 1), BOX_OK);
    bench_free(b);
}

/* No deadline is ended while the store is failed, and all that passed are afterwards. */
static void test_deadlines_wait_for_the_store(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(hold(b, 0, 3, 1), BOX_OK);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    store_mem_set_reopen_failures(b->store, 1);
    asked(hold(b, 0, 4, 1), BOX_EUNKNOWN);
    b->clock.virtual_wall_us += HOLD_SECONDS * INT64_C(1000000);
    settle(b);
    assert_int_equal(inventory_seat_status(inventory_at(b, 0), 3), SEAT_HELD);
    forward(b, 1000000);
    settle(b);
    assert_int_equal(stored_status(b, 0, 3), SEAT_AVAILABLE);
    bench_free(b);
}

/* The failure of one commit dooms those behind it; each of their requests is answered, and the store opened
 * after. */
static void test_commits_under_way(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(create_event(b, "other"), BOX_OK);
    store_mem_set_async(b->store, true);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_DONE);
    struct ask *first = submitted(hold(b, 0, 3, 1));
    settle(b);
    struct ask *second = submitted(hold(b, 1, 3, 1));
    settle(b);
    struct ask *waits = submitted(hold(b, 0, 4, 1));
    struct ask *waits_too = submitted(hold(b, 1, 4, 1));
    settle(b);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(first->req.code, BOX_EUNKNOWN);
    assert_int_equal(waits->req.code, BOX_EUNAVAILABLE);
    assert_int_equal(waits_too->req.code, BOX_EUNAVAILABLE);
    assert_false(second->answered); /* it may still be done */
    assert_false(writer_ready(b->writer));
    assert_true(writer_next_wake_us(b->writer) == INT64_MAX);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(second->req.code, BOX_EUNAVAILABLE);
    assert_true(writer_ready(b->writer));
    assert_int_equal(stored_status(b, 0, 3), SEAT_HELD);
    assert_int_equal(stored_status(b, 1, 3), SEAT_AVAILABLE);
    bench_free(b);
}

/* Another server has the event: what was decided never happened, is loaded again and decided again. */
static void test_fenced(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *held = asked(hold(b, 0, 5, 1), BOX_OK);
    size_t from = b->note_count;
    store_mem_fail(b->store, 1, STORE_MEM_FENCE);
    struct ask *a = submitted(with_key(hold(b, 0, 3, 1), "key", "body"));
    struct ask *twin = submitted(with_key(hold(b, 0, 3, 1), "key", "body"));
    struct ask *loser = submitted(hold(b, 0, 3, 2));
    struct ask *release = submitted(of_hold(b, 0, COMMAND_HOLD_RELEASE, held));
    struct ask *deferred = submitted(hold(b, 0, 5, 2));
    settle(b);
    assert_int_equal(a->req.code, BOX_OK);
    assert_int_equal(a->rendered, 2);
    assert_int_equal(a->req.rendered->change_seq, a->req.verdict.last->seq);
    assert_int_equal(twin->req.code, BOX_OK);
    assert_non_null(twin->req.replay);
    assert_int_equal(loser->req.code, BOX_ESEATSTAKEN);
    assert_int_equal(release->req.code, BOX_OK);
    assert_int_equal(deferred->req.code, BOX_OK);
    assert_int_equal(b->notes[from].kind, NOTE_LOADED);
    assert_true(writer_ready(b->writer));
    inventory_check(inventory_at(b, 0));
    bench_free(b);
}

static void test_fenced_creation(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    struct ask *create = with_key(create_event(b, "concert"), "key", "body");
    store_mem_fail(b->store, 1, STORE_MEM_FENCE);
    asked(create, BOX_OK);
    assert_int_equal(create->rendered, 2);
    assert_int_equal(b->notes[0].kind, NOTE_LOADED);
    bench_free(b);
}

static void test_fenced_expiry(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    asked(hold(b, 0, 3, 1), BOX_OK);
    store_mem_fail(b->store, 1, STORE_MEM_FENCE);
    forward(b, HOLD_SECONDS * INT64_C(1000000));
    settle(b);
    assert_int_equal(stored_status(b, 0, 3), SEAT_AVAILABLE);
    bench_free(b);
}

/* ---- claims ---- */

/* A worker's write failed: the writer opens the store again; the claim goes on, those who wait for it do not.
 */
static void test_store_failed_under_a_worker(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    struct ask *first = with_key(ask_new(b, WRITER_CLAIM), "key", "body");
    first->req.slug = "concert";
    asked(first, BOX_OK);
    struct ask *waits = submitted(with_key(ask_new(b, WRITER_CLAIM), "key", "body"));
    settle(b);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    struct event *e = draft_event(b, "concert");
    assert_int_equal(store_create_tickets(b->store, e, b->layout, NULL, NULL), BOX_EUNKNOWN);

    struct ask *release = with_key(ask_new(b, WRITER_RELEASE), "key", "body");
    release->req.slug = "concert";
    asked(release, BOX_OK);
    assert_int_equal(waits->req.code, BOX_EUNAVAILABLE);
    assert_true(writer_ready(b->writer));
    asked(create_event(b, "concert"), BOX_OK);
    bench_free(b);
}

static void test_claim_survives_a_failure(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *claim = with_key(ask_new(b, WRITER_CLAIM), "key", "body");
    claim->req.slug = "other";
    asked(claim, BOX_OK);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    asked(hold(b, 0, 3, 1), BOX_EUNKNOWN);
    assert_true(writer_ready(b->writer));
    asked(create_event(b, "other"), BOX_OK); /* no key: its slug is the claimer's, who has none either */
    struct ask *again = submitted(with_key(ask_new(b, WRITER_CLAIM), "key", "body"));
    settle(b);
    assert_false(again->answered);
    asked(with_key(ask_new(b, WRITER_RELEASE), "key", "body"), BOX_OK);
    assert_int_equal(again->req.code, BOX_OK);
    bench_free(b);
}

static void test_creation_while_failed_ends_the_claim(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *claim = with_key(ask_new(b, WRITER_CLAIM), "key", "body");
    claim->req.slug = "other";
    asked(claim, BOX_OK);
    struct ask *create = with_key(create_event(b, "other"), "key", "body");
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    store_mem_set_reopen_failures(b->store, 1);
    asked(hold(b, 0, 3, 1), BOX_EUNKNOWN);
    asked(create, BOX_EUNAVAILABLE);
    forward(b, 1000000);
    settle(b);
    struct ask *again = with_key(ask_new(b, WRITER_CLAIM), "key", "body");
    again->req.slug = "other";
    asked(again, BOX_OK);
    bench_free(b);
}

/* ---- reads that fail ---- */

static void test_key_cannot_be_looked_up(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct wrapped w = wrap(b->store);
    b->store = &w.store;
    restart(b);
    w.idem_code = BOX_EIO;
    asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_EUNAVAILABLE);
    asked(hold(b, 0, 4, 1), BOX_OK);
    w.idem_code = 0;
    struct ask *a = asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK);
    assert_null(a->req.replay);
    b->store = w.inner;
    bench_free(b);
}

/* What cannot be loaded is tried again until it can. */
static void test_reload_fails(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct wrapped w = wrap(b->store);
    b->store = &w.store;
    restart(b);
    int *codes[] = {&w.list_code, &w.load_code};
    for (unsigned i = 0; i < 2; i++) {
        *codes[i] = BOX_EIO;
        store_mem_fail(w.inner, 1, STORE_MEM_UNKNOWN_DONE);
        asked(hold(b, 0, i, 1), BOX_EUNKNOWN);
        assert_false(writer_ready(b->writer));
        forward(b, 1000000);
        settle(b);
        assert_false(writer_ready(b->writer));
        *codes[i] = 0;
        forward(b, 1000000);
        settle(b);
        assert_true(writer_ready(b->writer));
        asked(hold(b, 0, i, 2), BOX_ESEATSTAKEN);
    }
    b->store = w.inner;
    bench_free(b);
}

static void test_load_fails(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct wrapped w = wrap(b->store);
    b->store = &w.store;
    int *codes[] = {&w.list_code, &w.load_code};
    for (unsigned i = 0; i < 2; i++) {
        *codes[i] = BOX_ECORRUPT;
        writer_free(b->writer);
        start_writer(b);
        assert_int_equal(writer_load(b->writer, NULL, NULL), BOX_ECORRUPT);
        assert_false(writer_ready(b->writer));
        *codes[i] = 0;
    }
    w.load_code = BOX_ENOTFOUND; /* deleted by another server between list and load */
    restart(b);
    assert_null(inventory_at(b, 0));
    b->store = w.inner;
    bench_free(b);
}

/* Fenced, and then the event is not there, or cannot be read. */
static void check_fenced_then(int code)
{
    struct bench *b = bench_with_event();
    struct wrapped w = wrap(b->store);
    b->store = &w.store;
    restart(b);
    size_t from = b->note_count;
    store_mem_fail(w.inner, 1, STORE_MEM_FENCE);
    w.load_code = code;
    asked(hold(b, 0, 3, 1), code == BOX_ENOTFOUND ? BOX_ENOTFOUND : BOX_EUNAVAILABLE);
    assert_int_equal(noted(b, NOTE_GONE, from), code == BOX_ENOTFOUND);
    assert_int_equal(writer_ready(b->writer), code == BOX_ENOTFOUND);
    w.load_code = 0;
    forward(b, 1000000);
    settle(b);
    assert_true(writer_ready(b->writer));
    b->store = w.inner;
    bench_free(b);
}

static void test_fenced_event_cannot_be_loaded(void **state)
{
    (void)state;
    check_fenced_then(BOX_ENOTFOUND);
    check_fenced_then(BOX_EIO);
}

/* ---- every write of a day, each failing once ---- */

static void buy_and_give_back(struct bench *b)
{
    struct ask *h[4];
    for (uint32_t i = 0; i < 4; i++)
        h[i] = submitted(with_key(hold(b, 0, i, 1), (const char *[]){"h0", "h1", "h2", "h3"}[i], "body"));
    settle(b);
    for (uint32_t i = 0; i < 4; i++) {
        if (h[i]->req.code == BOX_OK && !h[i]->req.replay && i % 2)
            submit(of_hold(b, 0, i == 1 ? COMMAND_HOLD_RELEASE : COMMAND_ORDER_CREATE, h[i]));
    }
    settle(b);
    forward(b, HOLD_SECONDS * INT64_C(1000000));
    settle(b);
}

static void test_any_write_may_fail(void **state)
{
    (void)state;
    static const enum store_mem_fault faults[] = {STORE_MEM_UNKNOWN_DONE, STORE_MEM_UNKNOWN_UNDONE,
                                                  STORE_MEM_FENCE};
    for (unsigned n = 1; n <= 6; n++) {
        for (unsigned f = 0; f < 3; f++) {
            struct bench *b = bench_with_event();
            store_mem_fail(b->store, n, faults[f]);
            buy_and_give_back(b);
            buy_and_give_back(b);
            for (struct ask *a = b->asks; a; a = a->next)
                assert_true(a->answered);
            uint32_t counts[SEAT_STATUSES];
            inventory_check(inventory_at(b, 0));
            inventory_counts(inventory_at(b, 0), counts);
            assert_int_equal(counts[SEAT_AVAILABLE], SEATS);
            uint64_t seq = inventory_seq(inventory_at(b, 0));
            restart(b);
            assert_int_equal(inventory_seq(inventory_at(b, 0)), seq);
            bench_free(b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_and_done),
        cmocka_unit_test(test_unknown_and_undone),
        cmocka_unit_test(test_unknown_creation),
        cmocka_unit_test(test_unknown_deletion),
        cmocka_unit_test(test_tries_every_second),
        cmocka_unit_test(test_deadlines_wait_for_the_store),
        cmocka_unit_test(test_commits_under_way),
        cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_fenced_creation),
        cmocka_unit_test(test_fenced_expiry),
        cmocka_unit_test(test_store_failed_under_a_worker),
        cmocka_unit_test(test_claim_survives_a_failure),
        cmocka_unit_test(test_creation_while_failed_ends_the_claim),
        cmocka_unit_test(test_key_cannot_be_looked_up),
        cmocka_unit_test(test_reload_fails),
        cmocka_unit_test(test_load_fails),
        cmocka_unit_test(test_fenced_event_cannot_be_loaded),
        cmocka_unit_test(test_any_write_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
