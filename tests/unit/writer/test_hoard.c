/* Budgets in the writer: requests that race, everything that ends a hold, restarts, failures. */
#include "unit/writer/fixture.h"

#include "unit/writer/recount.h"

enum { SESSION_LIMIT = 4, ADDRESS_LIMIT = 10 };

static const struct address HOME = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}};
static const struct address AWAY = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 2}};

/* A bench with limits and two events. */
static struct bench *bench_with_limits(void)
{
    struct bench *b = bench_new();
    b->limits = (struct budget_limits){{[BUDGET_SESSION] = SESSION_LIMIT, [BUDGET_ADDRESS] = ADDRESS_LIMIT}};
    restart(b);
    asked(create_event(b, "concert"), BOX_OK);
    asked(create_event(b, "opera"), BOX_OK);
    return b;
}

static struct ask *from(struct ask *a, const struct address *address)
{
    a->req.client = address;
    return a;
}

static void assert_over(const struct ask *a, struct budget_refusal wanted)
{
    assert_true(a->answered);
    assert_int_equal(a->req.code, BOX_EHOLDBUDGET);
    assert_int_equal(a->req.over.scope, wanted.scope);
    assert_int_equal(a->req.over.limit, wanted.limit);
    assert_int_equal(a->req.over.held, wanted.held);
    assert_int_equal(a->req.over.retry_ms, wanted.retry_ms);
}

static int64_t end_of(const struct ask *a)
{
    return a->req.verdict.last->hold->expires_ms;
}

static uint64_t held(const struct bench *b, uint8_t session)
{
    struct session_id id = session_numbered(session);
    return budget_held(writer_budget(b->writer), &id);
}

static uint64_t held_at(const struct bench *b, const struct address *address)
{
    return budget_held_at(writer_budget(b->writer), address);
}

static void end_bench(struct bench *b)
{
    recount_budget(b);
    bench_free(b);
}

/* ---- counting ---- */

/* Forty requests of one session in one group get as many seats as one after the other would. */
static void test_race_in_one_group(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    store_mem_set_async(b->store, true);
    struct ask *asks[SEATS];
    for (uint32_t i = 0; i < SEATS; i++)
        asks[i] = submitted(from(hold(b, i % 2, i, 1), &HOME));
    settle(b);
    while (store_mem_step(b->store))
        settle(b);
    unsigned accepted = 0;
    for (uint32_t i = 0; i < SEATS; i++) {
        assert_true(asks[i]->answered);
        if (asks[i]->req.code == BOX_OK)
            accepted++;
        else
            assert_over(asks[i], (struct budget_refusal){BUDGET_SESSION, SESSION_LIMIT, SESSION_LIMIT,
                                                         START_US / 1000 + HOLD_SECONDS * INT64_C(1000)});
    }
    assert_int_equal(accepted, SESSION_LIMIT);
    assert_int_equal(held(b, 1), SESSION_LIMIT);
    end_bench(b);
}

static void test_address(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    struct ask *first = asked(from(hold(b, 0, 0, 1), &HOME), BOX_OK);
    for (uint32_t i = 1; i < ADDRESS_LIMIT; i++) {
        forward(b, 1000000);
        asked(from(hold(b, i % 2, i, (uint8_t)(1 + i)), &HOME), BOX_OK);
    }
    int64_t session = metrics_get(METRIC_SESSION_BUDGET_REFUSALS);
    int64_t address = metrics_get(METRIC_ADDRESS_BUDGET_REFUSALS);
    assert_over(asked(from(hold(b, 0, 20, 30), &HOME), BOX_EHOLDBUDGET),
                (struct budget_refusal){BUDGET_ADDRESS, ADDRESS_LIMIT, ADDRESS_LIMIT, end_of(first)});
    assert_int_equal(metrics_get(METRIC_SESSION_BUDGET_REFUSALS), session);
    assert_int_equal(metrics_get(METRIC_ADDRESS_BUDGET_REFUSALS), address + 1);
    asked(from(hold(b, 0, 20, 30), &AWAY), BOX_OK);
    assert_int_equal(held_at(b, &HOME), ADDRESS_LIMIT);
    assert_int_equal(held_at(b, &AWAY), 1);
    end_bench(b);
}

/* Best available counts as many seats as are wanted. */
static void test_best(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    struct ask *a = command(b, 0, COMMAND_HOLD_CREATE), *more = command(b, 1, COMMAND_HOLD_CREATE);
    a->req.command.session = more->req.command.session = session_numbered(1);
    a->req.command.actor = more->req.command.actor = actor_session(session_numbered(1));
    a->req.command.best = (struct best_wish){.count = SESSION_LIMIT - 1, .section = UINT32_MAX};
    more->req.command.best = (struct best_wish){.count = 2, .section = UINT32_MAX};
    asked(a, BOX_OK);
    assert_over(asked(more, BOX_EHOLDBUDGET),
                (struct budget_refusal){BUDGET_SESSION, SESSION_LIMIT, SESSION_LIMIT - 1, end_of(a)});
    end_bench(b);
}

/* Over the budget is said last: another fault is told as ever. A replay is no new hold. */
static void test_order_of_refusals(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    struct ask *kept = asked(with_key(from(hold(b, 0, 0, 1), &HOME), "key", "body"), BOX_OK);
    for (uint32_t i = 1; i < SESSION_LIMIT; i++)
        asked(from(hold(b, 0, i, 1), &HOME), BOX_OK);
    asked(from(hold(b, 0, 5, 1), &HOME), BOX_EHOLDBUDGET);
    asked(from(hold(b, 0, 0, 1), &HOME), BOX_ESEATSTAKEN);
    struct ask *again = asked(with_key(from(hold(b, 0, 0, 1), &HOME), "key", "body"), BOX_OK);
    assert_ptr_not_equal(again->req.replay, NULL);
    assert_int_equal(again->req.replay->change_seq, kept->req.verdict.last->seq);
    asked(command(b, 0, COMMAND_EVENT_PAUSE), BOX_OK);
    asked(from(hold(b, 0, 5, 1), &HOME), BOX_ENOTONSALE);
    end_bench(b);
}

/* A refusal keeps nothing under its key: the same key works when there is room. */
static void test_refused_with_a_key(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    struct ask *first = asked(hold(b, 0, 0, 1), BOX_OK);
    for (uint32_t i = 1; i < SESSION_LIMIT; i++)
        asked(hold(b, 0, i, 1), BOX_OK);
    asked(with_key(hold(b, 1, 5, 1), "key", "body"), BOX_EHOLDBUDGET);
    asked(of_hold(b, 0, COMMAND_HOLD_RELEASE, first), BOX_OK);
    struct ask *again = asked(with_key(hold(b, 1, 5, 1), "key", "body"), BOX_OK);
    assert_null(again->req.replay);
    end_bench(b);
}

/* A counter is not bound; but what it holds for a session is that session's. */
static void test_keys(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    for (uint32_t i = 0; i < SESSION_LIMIT + 2; i++) {
        struct ask *a = hold(b, 0, i, 1);
        a->req.command.actor = actor_key("counter");
        asked(a, BOX_OK);
    }
    assert_int_equal(held(b, 1), SESSION_LIMIT + 2);
    struct ask *own = asked(from(hold(b, 1, 0, 1), &HOME), BOX_EHOLDBUDGET);
    assert_int_equal(own->req.over.held, SESSION_LIMIT + 2);
    end_bench(b);
}

static void test_no_limits(void **state)
{
    (void)state;
    struct bench *b = bench_with_event();
    for (uint32_t i = 0; i < SEATS; i++)
        asked(from(hold(b, 0, i, 1), &HOME), BOX_OK);
    assert_int_equal(held(b, 1), SEATS);
    end_bench(b);
}

/* ---- everything that ends a hold ---- */

static struct ask *ordered(struct bench *b, uint32_t seat)
{
    return asked(of_hold(b, 0, COMMAND_ORDER_CREATE, asked(from(hold(b, 0, seat, 1), &HOME), BOX_OK)),
                 BOX_OK);
}

static void assert_held(const struct bench *b, uint64_t seats)
{
    assert_int_equal(held(b, 1), seats);
    assert_int_equal(held_at(b, &HOME), seats);
    recount_budget(b);
}

static void test_ends(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    struct ask *a = ordered(b, 0);
    assert_held(b, 1); /* until it is paid */
    asked(of_order(b, 0, COMMAND_ORDER_CONFIRM, a), BOX_OK);
    assert_held(b, 0);
    a = ordered(b, 1);
    asked(of_order(b, 0, COMMAND_ORDER_CANCEL, a), BOX_OK);
    assert_held(b, 0);
    a = asked(from(hold(b, 0, 2, 1), &HOME), BOX_OK);
    asked(of_hold(b, 0, COMMAND_HOLD_RELEASE, a), BOX_OK);
    assert_held(b, 0);
    asked(from(hold(b, 1, 3, 1), &HOME), BOX_OK);
    ordered(b, 4);
    assert_held(b, 2);
    asked(command(b, 0, COMMAND_EVENT_CANCEL), BOX_OK);
    assert_held(b, 1);
    forward(b, HOLD_SECONDS * INT64_C(1000000));
    settle(b);
    assert_held(b, 0);
    end_bench(b);
}

/* Time alone frees a hoarder's seats, and the refusal said when; an extended hold takes longer. */
static void test_expiry(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    struct ask *first = asked(hold(b, 0, 0, 1), BOX_OK);
    forward(b, 10 * 1000000);
    struct ask *second = asked(hold(b, 1, 1, 1), BOX_OK);
    for (uint32_t i = 2; i < SESSION_LIMIT; i++)
        asked(hold(b, 0, i, 1), BOX_OK);
    asked(of_hold(b, 0, COMMAND_HOLD_EXTEND, first), BOX_OK);
    assert_over(asked(hold(b, 0, 30, 1), BOX_EHOLDBUDGET),
                (struct budget_refusal){BUDGET_SESSION, SESSION_LIMIT, SESSION_LIMIT, end_of(second)});
    b->clock.virtual_wall_us = end_of(second) * 1000 - 1;
    asked(hold(b, 0, 30, 1), BOX_EHOLDBUDGET);
    b->clock.virtual_wall_us = end_of(second) * 1000;
    asked(hold(b, 0, 30, 1), BOX_OK);
    end_bench(b);
}

/* ---- restarts and failures ---- */

/* Sessions are counted from the holds; addresses are not stored, so theirs begin anew. */
static void test_restart(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    struct ask *first = asked(from(hold(b, 0, 0, 1), &HOME), BOX_OK);
    for (uint32_t i = 1; i < SESSION_LIMIT; i++)
        asked(from(hold(b, 1, i, 1), &HOME), BOX_OK);
    restart(b);
    assert_int_equal(held(b, 1), SESSION_LIMIT);
    assert_int_equal(held_at(b, &HOME), 0);
    assert_over(asked(from(hold(b, 0, 9, 1), &HOME), BOX_EHOLDBUDGET),
                (struct budget_refusal){BUDGET_SESSION, SESSION_LIMIT, SESSION_LIMIT, end_of(first)});
    asked(of_hold(b, 0, COMMAND_HOLD_RELEASE, first), BOX_OK);
    asked(from(hold(b, 0, 9, 1), &HOME), BOX_OK);
    end_bench(b);
}

/* The answer was lost, the group happened: what is counted is what the store has. */
static void test_lost_answer(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    asked(from(hold(b, 0, 0, 1), &HOME), BOX_OK);
    struct ask *released = asked(from(hold(b, 0, 1, 1), &HOME), BOX_OK);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_DONE);
    submit(from(hold(b, 0, 2, 1), &HOME));
    submit(of_hold(b, 0, COMMAND_HOLD_RELEASE, released));
    settle(b);
    assert_true(writer_ready(b->writer));
    assert_int_equal(stored_status(b, 0, 1), SEAT_AVAILABLE);
    assert_int_equal(stored_status(b, 0, 2), SEAT_HELD);
    assert_held(b, 2); /* it keeps its address through the reload */
    end_bench(b);
}

/* A hold that came to nothing is counted no more, and one whose end came to nothing is again. */
static void test_lost_group(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    asked(from(hold(b, 0, 0, 1), &HOME), BOX_OK);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    asked(from(hold(b, 0, 2, 1), &HOME), BOX_EUNKNOWN);
    assert_held(b, 1);
    struct ask *kept = asked(from(hold(b, 0, 3, 1), &HOME), BOX_OK);
    store_mem_fail(b->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    asked(of_hold(b, 0, COMMAND_HOLD_RELEASE, kept), BOX_EUNKNOWN);
    assert_int_equal(held(b, 1), 2);
    assert_int_equal(held_at(b, &HOME), 1); /* by then nobody knew its address any more */
    end_bench(b);
}

/* A fenced group is decided again, and counted once. */
static void test_fenced(void **state)
{
    (void)state;
    struct bench *b = bench_with_limits();
    store_mem_fail(b->store, 1, STORE_MEM_FENCE);
    struct ask *asks[SESSION_LIMIT + 1];
    for (uint32_t i = 0; i <= SESSION_LIMIT; i++)
        asks[i] = submitted(from(hold(b, 0, i, 1), &HOME));
    settle(b);
    for (uint32_t i = 0; i <= SESSION_LIMIT; i++)
        assert_int_equal(asks[i]->req.code, i < SESSION_LIMIT ? BOX_OK : BOX_EHOLDBUDGET);
    assert_held(b, SESSION_LIMIT);
    end_bench(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race_in_one_group),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_order_of_refusals),
        cmocka_unit_test(test_refused_with_a_key),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_no_limits),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_lost_answer),
        cmocka_unit_test(test_lost_group),
        cmocka_unit_test(test_fenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
