/* The same key again: replayed, waiting, refused; and claims. */
#include "unit/writer/fixture.h"

static void check_replay(const struct ask *again, const struct ask *first)
{
    assert_true(again->answered);
    assert_int_equal(again->req.code, BOX_OK);
    assert_non_null(again->req.replay);
    assert_null(again->req.rendered);
    assert_int_equal(again->rendered, 0);
    const struct idem_record *got = again->req.replay, *want = first->req.rendered;
    assert_int_equal(got->http_status, want->http_status);
    assert_int_equal(got->change_seq, want->change_seq);
    assert_string_equal(got->location, want->location);
    assert_int_equal(got->body_size, want->body_size);
    assert_memory_equal(got->body, want->body, want->body_size);
    assert_ptr_not_equal(got->body, want->body);
}

static void test_replay(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *first = asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK);
    assert_null(first->req.replay);
    assert_int_equal(first->rendered, 1);
    uint64_t seq = inventory_seq(inventory_at(b, 0));

    check_replay(asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK), first);
    struct ask *other = asked(with_key(hold(b, 0, 5, 1), "key", "another body"), BOX_EIDEMREUSED);
    assert_null(other->req.replay);
    asked(with_key(hold(b, 0, 3, 1), "other key", "body"), BOX_ESEATSTAKEN);

    restart(b);
    check_replay(asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK), first);
    assert_int_equal(inventory_seq(inventory_at(b, 0)), seq);
    bench_free(b);
}

static void test_a_key_is_kept_for_a_day(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *first = asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK);
    forward(b, LIMIT_IDEMPOTENCY_SECONDS * INT64_C(1000000) - 1000);
    settle(b);
    check_replay(asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK), first);
    forward(b, 1000);
    struct ask *anew =
        asked(with_key(hold(b, 0, 3, 1), "key", "body"), BOX_OK); /* the hold expired long ago */
    assert_null(anew->req.replay);
    bench_free(b);
}

static void test_a_refusal_is_not_kept(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
    asked(with_key(hold(b, 0, 3, 2), "key", "body"), BOX_ESEATSTAKEN);
    asked(of_hold(b, 0, COMMAND_HOLD_RELEASE, held), BOX_OK);
    struct ask *again = asked(with_key(hold(b, 0, 3, 2), "key", "another body"), BOX_OK);
    assert_null(again->req.replay);
    bench_free(b);
}

/* A duplicate of what is under way waits for its answer, and is not decided. */
static void test_duplicates_at_once(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    store_mem_set_async(b->store, true);
    struct ask *first = submitted(with_key(hold(b, 0, 3, 1), "key", "body"));
    struct ask *second = submitted(with_key(hold(b, 0, 3, 1), "key", "body"));
    settle(b);
    struct ask *third = submitted(with_key(hold(b, 0, 3, 1), "key", "body"));
    struct ask *other = submitted(with_key(hold(b, 0, 5, 1), "key", "another body"));
    settle(b);
    assert_false(first->answered || second->answered || third->answered || other->answered);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(first->req.code, BOX_OK);
    check_replay(second, first);
    check_replay(third, first);
    assert_int_equal(other->req.code, BOX_EIDEMREUSED);
    assert_false(store_mem_step(b->store));
    bench_free(b);
}

/* The first was refused: the next in line is decided as if it were the first. */
static void test_duplicates_of_a_refusal_are_decided_anew(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    store_mem_set_async(b->store, true);
    struct ask *winner = submitted(hold(b, 0, 3, 1));
    struct ask *loser = submitted(with_key(hold(b, 0, 3, 2), "key", "body"));
    struct ask *better = submitted(with_key(hold(b, 0, 4, 2), "key", "better body"));
    struct ask *same = submitted(with_key(hold(b, 0, 4, 2), "key", "better body"));
    struct ask *worse = submitted(with_key(hold(b, 0, 3, 2), "key", "body"));
    settle(b);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(winner->req.code, BOX_OK);
    assert_int_equal(loser->req.code, BOX_ESEATSTAKEN);
    assert_false(better->answered);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(better->req.code, BOX_OK);
    check_replay(same, better);
    assert_int_equal(worse->req.code, BOX_EIDEMREUSED);
    bench_free(b);
}

/* A duplicate of a deferred request still finds it under way. */
static void test_deferred_request_keeps_its_key(void **state)
{
    struct bench *b = bench_with_event();
    (void)state;
    struct ask *held = asked(hold(b, 0, 3, 1), BOX_OK);
    store_mem_set_async(b->store, true);
    submit(of_hold(b, 0, COMMAND_HOLD_RELEASE, held));
    struct ask *deferred = submitted(with_key(hold(b, 0, 3, 2), "key", "body"));
    settle(b);
    struct ask *again = submitted(with_key(hold(b, 0, 3, 2), "key", "body"));
    settle(b);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_false(deferred->answered || again->answered);
    assert_true(store_mem_step(b->store));
    settle(b);
    assert_int_equal(deferred->req.code, BOX_OK);
    check_replay(again, deferred);
    bench_free(b);
}

/* ---- claims ---- */

static struct ask *claim(struct bench *b, enum writer_op op, const char *key, const char *slug)
{
    struct ask *a = ask_new(b, op);
    if (key)
        with_key(a, key, "body");
    a->req.slug = slug;
    return a;
}

static void test_claim_and_create(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    asked(claim(b, WRITER_CLAIM, "key", "concert"), BOX_OK);
    struct ask *again = submitted(claim(b, WRITER_CLAIM, "key", "concert"));
    asked(claim(b, WRITER_CLAIM, "other", "concert"), BOX_ESLUGTAKEN);
    assert_false(again->answered);

    struct ask *create = asked(with_key(create_event(b, "concert"), "key", "body"), BOX_OK);
    assert_int_equal(create->rendered, 1);
    check_replay(again, create);
    check_replay(asked(claim(b, WRITER_CLAIM, "key", "concert"), BOX_OK), create);
    asked(claim(b, WRITER_CLAIM, "other", "concert"), BOX_ESLUGTAKEN);
    restart(b);
    check_replay(asked(claim(b, WRITER_CLAIM, "key", "concert"), BOX_OK), create);
    asked(claim(b, WRITER_CLAIM, "other", "concert"), BOX_ESLUGTAKEN);
    bench_free(b);
}

static void test_release_without_answer(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    asked(claim(b, WRITER_CLAIM, "key", "concert"), BOX_OK);
    struct ask *second = submitted(claim(b, WRITER_CLAIM, "key", "concert"));
    struct ask *third = submitted(claim(b, WRITER_CLAIM, "key", "concert"));
    settle(b);
    asked(claim(b, WRITER_RELEASE, "key", "concert"), BOX_OK);
    assert_int_equal(second->req.code, BOX_OK); /* the claim is its own now */
    assert_null(second->req.replay);
    assert_false(third->answered);
    asked(claim(b, WRITER_RELEASE, "key", "concert"), BOX_OK);
    assert_true(third->answered);
    asked(claim(b, WRITER_RELEASE, "key", "concert"), BOX_OK);
    asked(claim(b, WRITER_CLAIM, NULL, "concert"), BOX_OK);
    asked(claim(b, WRITER_CLAIM, NULL, "concert"), BOX_ESLUGTAKEN);
    asked(claim(b, WRITER_RELEASE, NULL, "concert"), BOX_OK);
    asked(claim(b, WRITER_RELEASE, NULL, NULL), BOX_OK);
    bench_free(b);
}

/* A venue: the worker stores it with the answer, the claim of its key ends with the same. */
static void test_release_with_answer(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    asked(claim(b, WRITER_CLAIM, "key", NULL), BOX_OK);
    struct ask *same = submitted(claim(b, WRITER_CLAIM, "key", NULL));
    struct ask *other = submitted(with_key(ask_new(b, WRITER_CLAIM), "key", "another body"));
    settle(b);
    struct ask *release = claim(b, WRITER_RELEASE, "key", NULL);
    struct idem_record answer = {.key = release->key.key,
                                 .request = release->key.request,
                                 .expires_ms = INT64_MAX,
                                 .http_status = 201,
                                 .body = "venue",
                                 .body_size = 5};
    assert_int_equal(store_put_venue(b->store, b->layout, &answer), 0);
    release->req.answer = &answer;
    asked(release, BOX_OK);
    assert_int_equal(same->req.code, BOX_OK);
    assert_memory_equal(same->req.replay->body, "venue", 5);
    assert_null(same->req.replay->location);
    assert_int_equal(other->req.code, BOX_EIDEMREUSED);
    struct ask *later = asked(claim(b, WRITER_CLAIM, "key", NULL), BOX_OK);
    assert_non_null(later->req.replay);
    bench_free(b);
}

/* The creation ends the claim also when it is refused. */
static void test_refused_creation_ends_the_claim(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    asked(claim(b, WRITER_CLAIM, "key", "concert"), BOX_OK);
    asked(claim(b, WRITER_CLAIM, "key 2", "other"), BOX_OK);
    asked(with_key(create_event(b, "concert"), "key", "body"), BOX_OK);
    struct ask *same_tag = with_key(create_event(b, "other"), "key 2", "body");
    struct event *other = event_ref(same_tag->req.new_event);
    other->event_id = b->events[0]->event_id;
    asked(same_tag, BOX_EUNAVAILABLE);
    event_unref(other);
    asked(claim(b, WRITER_CLAIM, "key 2", "other"), BOX_OK);
    bench_free(b);
}

static void test_creation_without_a_claim(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    struct ask *first = asked(with_key(create_event(b, "concert"), "key", "body"), BOX_OK);
    check_replay(asked(with_key(create_event(b, "concert"), "key", "body"), BOX_OK), first);
    asked(create_event(b, "concert"), BOX_ESLUGTAKEN);
    asked(create_event(b, "other"), BOX_OK);
    bench_free(b);
}

/* Claimed slugs count as events: no work is begun that must be thrown away. */
static void test_event_limit(void **state)
{
    struct bench *b = bench_with_event();
    struct ask *a = ask_new(b, WRITER_CLAIM);
    char slug[32];
    (void)state;
    a->req.slug = slug;
    for (unsigned i = 1; i < LIMIT_EVENTS; i++) {
        snprintf(slug, sizeof(slug), "event-%u", i);
        b->note_count = 0;
        a->answered = false;
        asked(a, BOX_OK);
    }
    a->answered = false;
    asked(a, BOX_ESLUGTAKEN);
    snprintf(slug, sizeof(slug), "one-more");
    a->answered = false;
    asked(a, BOX_EUNAVAILABLE);
    asked(create_event(b, "one-more"), BOX_EUNAVAILABLE);
    struct ask *release = ask_new(b, WRITER_RELEASE);
    release->req.slug = "event-7";
    asked(release, BOX_OK);
    asked(create_event(b, "one-more"), BOX_OK);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_a_key_is_kept_for_a_day),
        cmocka_unit_test(test_a_refusal_is_not_kept),
        cmocka_unit_test(test_duplicates_at_once),
        cmocka_unit_test(test_duplicates_of_a_refusal_are_decided_anew),
        cmocka_unit_test(test_deferred_request_keeps_its_key),
        cmocka_unit_test(test_claim_and_create),
        cmocka_unit_test(test_release_without_answer),
        cmocka_unit_test(test_release_with_answer),
        cmocka_unit_test(test_refused_creation_ends_the_claim),
        cmocka_unit_test(test_creation_without_a_claim),
        cmocka_unit_test(test_event_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
