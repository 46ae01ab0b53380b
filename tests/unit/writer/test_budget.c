/* The budget by itself, beside a plain recount of everything that it was told. */
#include "unit/domain/fixture.h"

#include "writer/budget.h"

enum { SESSIONS = 5, ADDRESSES = 3, NOBODY = ADDRESSES, HOLDS = 40, STEPS = 20000 };

static struct address address_numbered(uint8_t n)
{
    return (struct address){{[10] = 0xff, [11] = 0xff, 192, 0, 2, n}};
}

static struct hold_id hold_numbered(uint32_t n)
{
    struct hold_id id = {{{0x40}}};
    memcpy(id.u.b + 12, &n, sizeof(n));
    return id;
}

static struct hold hold_of(uint32_t n, uint8_t session, uint32_t seats, int64_t expires_ms)
{
    return (struct hold){
        .hold_id = hold_numbered(n),
        .session_id = session_numbered(session),
        .expires_ms = expires_ms,
        .line_count = seats,
    };
}

/* One change of a hold, as the inventory makes it. */
static void tell(struct budget *b, enum change_kind kind, const struct hold *hold, uint32_t seats,
                 const struct address *address)
{
    struct hold record = *hold;
    record.line_count = 0;
    struct change c = {.kind = kind, .hold = &record, .seat_count = seats};
    budget_follow(b, &c, address);
}

static struct budget *budget_of(uint32_t session, uint32_t address)
{
    struct rng rng;
    rng_init_seeded(&rng, 5);
    const struct budget_limits limits = {{[BUDGET_SESSION] = session, [BUDGET_ADDRESS] = address}};
    return budget_new(&limits, &rng);
}

static void begin(struct budget *b, uint32_t n, uint8_t session, uint32_t seats, int64_t expires_ms,
                  const struct address *address)
{
    struct hold h = hold_of(n, session, seats, expires_ms);
    tell(b, CHANGE_HOLD_CREATED, &h, seats, address);
}

static void end(struct budget *b, uint32_t n, enum change_kind kind)
{
    struct hold h = hold_of(n, 0, 0, 0);
    tell(b, kind, &h, 1, NULL);
}

static bool allows(const struct budget *b, uint8_t session, const struct address *address, uint32_t seats,
                   struct budget_refusal *ret_refusal)
{
    struct session_id id = session_numbered(session);
    return budget_allows(b, &id, address, seats, ret_refusal);
}

static void assert_refused(const struct budget *b, uint8_t session, const struct address *address,
                           uint32_t seats, struct budget_refusal wanted)
{
    struct budget_refusal r;
    assert_false(allows(b, session, address, seats, &r));
    assert_int_equal(r.scope, wanted.scope);
    assert_int_equal(r.limit, wanted.limit);
    assert_int_equal(r.held, wanted.held);
    assert_int_equal(r.retry_ms, wanted.retry_ms);
}

/* ---- one by one ---- */

static void test_a_session(void **state)
{
    (void)state;
    struct budget *b = budget_of(5, 0);
    struct budget_refusal r;
    assert_true(allows(b, 1, NULL, 5, &r));
    begin(b, 1, 1, 2, 2000, NULL);
    begin(b, 2, 1, 3, 1000, NULL);
    assert_refused(b, 1, NULL, 1, (struct budget_refusal){BUDGET_SESSION, 5, 5, 1000});
    assert_true(allows(b, 2, NULL, 5, &r));
    struct hold longer = hold_of(2, 1, 3, 3000);
    tell(b, CHANGE_HOLD_EXTENDED, &longer, 3, NULL);
    assert_refused(b, 1, NULL, 1, (struct budget_refusal){BUDGET_SESSION, 5, 5, 2000});
    end(b, 1, CHANGE_HOLD_RELEASED);
    assert_true(allows(b, 1, NULL, 2, &r));
    assert_refused(b, 1, NULL, 3, (struct budget_refusal){BUDGET_SESSION, 5, 3, 3000});
    budget_check(b);
    budget_free(b);
}

static void test_an_address(void **state)
{
    (void)state;
    struct budget *b = budget_of(4, 6);
    struct budget_refusal r;
    struct address one = address_numbered(1), two = address_numbered(2);
    begin(b, 1, 1, 4, 1000, &one);
    begin(b, 2, 2, 2, 2000, &one);
    assert_refused(b, 3, &one, 1, (struct budget_refusal){BUDGET_ADDRESS, 6, 6, 1000});
    assert_true(allows(b, 3, &two, 4, &r));
    assert_true(allows(b, 3, NULL, 4, &r));
    assert_refused(b, 1, &one, 1,
                   (struct budget_refusal){BUDGET_SESSION, 4, 4, 1000}); /* the session's first */
    assert_refused(b, 1, &two, 1, (struct budget_refusal){BUDGET_SESSION, 4, 4, 1000});
    end(b, 1, CHANGE_ORDER_PAID);
    assert_refused(b, 3, &one, 5, (struct budget_refusal){BUDGET_SESSION, 4, 0, 0});
    assert_true(allows(b, 3, &one, 4, &r));
    begin(b, 3, 3, 3, 500, &one);
    assert_refused(b, 4, &one, 2, (struct budget_refusal){BUDGET_ADDRESS, 6, 5, 500});
    budget_free(b);
}

static void test_more_than_the_limit_at_once(void **state)
{
    (void)state;
    struct budget *b = budget_of(0, 3);
    struct address one = address_numbered(1);
    struct budget_refusal r;
    assert_refused(b, 1, &one, 4, (struct budget_refusal){BUDGET_ADDRESS, 3, 0, 0});
    assert_refused(b, 1, &one, UINT32_MAX, (struct budget_refusal){BUDGET_ADDRESS, 3, 0, 0});
    assert_true(allows(b, 1, &one, 3, &r));
    budget_free(b);
}

static void test_every_end_frees(void **state)
{
    (void)state;
    static const enum change_kind ends[] = {CHANGE_HOLD_RELEASED, CHANGE_HOLD_EXPIRED, CHANGE_ORDER_PAID,
                                            CHANGE_ORDER_CANCELLED};
    struct budget *b = budget_of(2, 2);
    struct address one = address_numbered(1);
    struct budget_refusal r;
    for (uint32_t i = 0; i < 4; i++) {
        begin(b, i, 1, 2, 1000, &one);
        struct hold h = hold_of(i, 1, 2, 1000);
        tell(b, CHANGE_ORDER_CREATED, &h, 2, NULL); /* an order changes nothing */
        assert_false(allows(b, 1, &one, 1, &r));
        end(b, i, ends[i]);
        assert_true(allows(b, 1, &one, 2, &r));
        assert_int_equal(budget_holds(b), 0);
        budget_check(b);
    }
    budget_free(b);
}

static void test_loaded(void **state)
{
    (void)state;
    struct budget *b = budget_of(10, 3);
    struct address one = address_numbered(1);
    begin(b, 1, 1, 2, 1000, &one);
    struct hold known = hold_of(1, 1, 2, 5000), more = hold_of(2, 1, 7, 4000);
    budget_loaded(b, &known);
    budget_loaded(b, &more);
    assert_int_equal(budget_held_at(b, &one), 2); /* it keeps its address; the other has none */
    assert_refused(b, 2, &one, 2, (struct budget_refusal){BUDGET_ADDRESS, 3, 2, 5000});
    assert_refused(b, 1, NULL, 2, (struct budget_refusal){BUDGET_SESSION, 10, 9, 4000});
    assert_int_equal(budget_holds(b), 2);
    budget_check(b);
    budget_free(b);
}

/* ---- at random ---- */

struct plain {
    bool live;
    uint8_t session, address;
    uint32_t seats;
    int64_t expires_ms;
};

/* What a refusal must say, by looking at everything. Returns true when there is room. */
static bool recount(const struct plain *holds, enum budget_scope scope, uint8_t client, uint32_t limit,
                    uint32_t seats, struct budget_refusal *ret_refusal)
{
    struct budget_refusal r = {.scope = scope, .limit = limit};
    for (unsigned i = 0; i < HOLDS; i++) {
        const struct plain *p = &holds[i];
        if (!p->live || (scope == BUDGET_SESSION ? p->session : p->address) != client)
            continue;
        r.held += p->seats;
        if (r.retry_ms == 0 || p->expires_ms < r.retry_ms)
            r.retry_ms = p->expires_ms;
    }
    if (r.held + seats <= limit)
        return true;
    *ret_refusal = r;
    return false;
}

static void compare(struct budget *b, const struct plain *holds, struct rng *rng, uint32_t session_limit,
                    uint32_t address_limit)
{
    uint8_t session = (uint8_t)rng_below(rng, SESSIONS), at = (uint8_t)rng_below(rng, ADDRESSES + 1);
    uint32_t seats = 1 + rng_below(rng, 8);
    struct address address = address_numbered(at);
    struct budget_refusal wanted, r;
    bool room = recount(holds, BUDGET_SESSION, session, session_limit, seats, &wanted);
    if (room && at != NOBODY)
        room = recount(holds, BUDGET_ADDRESS, at, address_limit, seats, &wanted);
    assert_int_equal(allows(b, session, at == NOBODY ? NULL : &address, seats, &r), room);
    if (room)
        return;
    assert_int_equal(r.scope, wanted.scope);
    assert_int_equal(r.limit, wanted.limit);
    assert_int_equal(r.held, wanted.held);
    assert_int_equal(r.retry_ms, wanted.retry_ms);
}

static void random_change(struct budget *b, struct plain *p, uint32_t n, struct rng *rng)
{
    static const enum change_kind ends[] = {CHANGE_HOLD_RELEASED, CHANGE_HOLD_EXPIRED, CHANGE_ORDER_PAID,
                                            CHANGE_ORDER_CANCELLED};
    int64_t expires_ms = 1 + rng_below(rng, 1000);
    if (!p->live) {
        *p = (struct plain){true, (uint8_t)rng_below(rng, SESSIONS), (uint8_t)rng_below(rng, ADDRESSES + 1),
                            1 + rng_below(rng, 10), expires_ms};
        struct address address = address_numbered(p->address);
        begin(b, n, p->session, p->seats, expires_ms, p->address == NOBODY ? NULL : &address);
    } else if (rng_below(rng, 3) == 0) {
        p->expires_ms = expires_ms;
        struct hold h = hold_of(n, p->session, p->seats, expires_ms);
        tell(b, CHANGE_HOLD_EXTENDED, &h, p->seats, NULL);
    } else {
        p->live = false;
        end(b, n, ends[rng_below(rng, 4)]);
    }
}

static void test_random(void **state)
{
    (void)state;
    const uint32_t session_limit = 30, address_limit = 60;
    struct budget *b = budget_of(session_limit, address_limit);
    struct plain holds[HOLDS] = {0};
    struct rng rng;
    rng_init_seeded(&rng, 77);
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t n = rng_below(&rng, HOLDS);
        random_change(b, &holds[n], n, &rng);
        compare(b, holds, &rng, session_limit, address_limit);
        if (i % 64 == 0)
            budget_check(b);
    }
    for (uint32_t n = 0; n < HOLDS; n++)
        if (holds[n].live)
            end(b, n, CHANGE_HOLD_EXPIRED);
    assert_int_equal(budget_holds(b), 0);
    budget_check(b);
    budget_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session),
        cmocka_unit_test(test_an_address),
        cmocka_unit_test(test_more_than_the_limit_at_once),
        cmocka_unit_test(test_every_end_frees),
        cmocka_unit_test(test_loaded),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
