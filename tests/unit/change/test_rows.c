/* Which rows a change writes, for every kind, and their order. */
#include "change/rows.h"
#include "unit/change/fixture.h"

enum { ROWS_MAX = 8 };

struct seen {
    struct ticket_row tickets[ROWS_MAX];
    struct order_queue_row puts[ROWS_MAX], deletes[ROWS_MAX];
    struct cdc_row cdc[ROWS_MAX];
    struct hold hold;
    struct order order;
    unsigned ticket_count, put_count, delete_count, cdc_count, hold_count, order_count;
};

static void on_ticket(void *ctx, const struct ticket_row *row)
{
    struct seen *s = ctx;
    assert_int_equal(s->put_count + s->delete_count + s->cdc_count + s->hold_count + s->order_count, 0);
    s->tickets[s->ticket_count++] = *row;
}

static void on_put(void *ctx, const struct order_queue_row *row)
{
    struct seen *s = ctx;
    s->puts[s->put_count++] = *row;
}

static void on_delete(void *ctx, const struct order_queue_row *row)
{
    struct seen *s = ctx;
    s->deletes[s->delete_count++] = *row;
}

static void on_cdc(void *ctx, const struct cdc_row *row)
{
    struct seen *s = ctx;
    s->cdc[s->cdc_count++] = *row;
}

static void on_hold(void *ctx, const struct hold *hold)
{
    struct seen *s = ctx;
    s->hold_count++;
    s->hold = *hold;
}

static void on_order(void *ctx, const struct order *order)
{
    struct seen *s = ctx;
    s->order_count++;
    s->order = *order;
}

static void collect(const struct change *c, struct arena *arena, struct seen *s)
{
    const struct row_sink sink = {
        .ctx = s,
        .ticket = on_ticket,
        .order_queue_put = on_put,
        .order_queue_delete = on_delete,
        .cdc = on_cdc,
        .hold = on_hold,
        .order = on_order,
    };
    memset(s, 0, sizeof(*s));
    rows_of_change(c, arena, &sink);
}

/* What each kind writes for the fixture's three seats. */
static const struct expected {
    enum change_kind kind;
    unsigned tickets, puts, deletes, holds, orders;
    enum cdc_operation operation; /* 0: no CDC rows */
    enum hold_outcome outcome;
} EXPECTED[] = {
    {CHANGE_EVENT_CREATED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_PUBLISHED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_UNPUBLISHED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_EDITED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_PRICED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_PAUSED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_RESUMED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_CANCELLED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_EVENT_DELETED, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_SEATS_BLOCKED, 3, 0, 0, 0, 0, 0, 0},
    {CHANGE_SEATS_UNBLOCKED, 3, 0, 0, 0, 0, 0, 0},
    {CHANGE_HOLD_CREATED, 3, 3, 0, 1, 0, CDC_INSERT, OUTCOME_NONE},
    {CHANGE_HOLD_EXTENDED, 3, 3, 0, 1, 1, CDC_UPDATE, OUTCOME_NONE},
    {CHANGE_HOLD_RELEASED, 3, 0, 3, 1, 0, CDC_ROW_DELETE, OUTCOME_RELEASED},
    {CHANGE_HOLD_EXPIRED, 3, 0, 3, 1, 1, CDC_EXPIRED, OUTCOME_EXPIRED},
    {CHANGE_ORDER_CREATED, 3, 0, 0, 1, 1, 0, 0},
    {CHANGE_ORDER_PAID, 3, 0, 3, 1, 1, CDC_ROW_DELETE, OUTCOME_PURCHASED},
    {CHANGE_ORDER_CANCELLED, 3, 0, 3, 1, 1, CDC_ROW_DELETE, OUTCOME_CANCELLED},
    {CHANGE_ORDER_REFUNDED, 3, 0, 0, 0, 1, 0, 0},
};
enum { KINDS = sizeof(EXPECTED) / sizeof(EXPECTED[0]) };

static void check_cdc(const struct change *c, const struct expected *e, const struct seen *s)
{
    assert_int_equal(s->cdc_count, e->operation ? FIXTURE_SEATS : 0);
    struct uuid time = cdc_time(c->time_us);
    for (unsigned i = 0; i < s->cdc_count; i++) {
        const struct cdc_row *row = &s->cdc[i];
        assert_int_equal(row->operation, e->operation);
        assert_int_equal(row->outcome, e->outcome);
        assert_int_equal(row->batch_seq, i);
        assert_int_equal(row->end_of_batch, i == FIXTURE_SEATS - 1);
        assert_int_equal(row->ttl, e->puts ? 900 : 0);
        assert_true(row->commit_no == c->commit_no && row->seq == c->seq);
        assert_true(uuid_equal(&row->time, &time));
        assert_true(uuid_equal(&row->event_id.u, &c->event_id.u));
        assert_int_equal(row->seat, c->seats[i].seat);
        assert_true(row->started_ms == c->hold->started_ms);
        assert_true(uuid_equal(&row->session.u, &c->hold->session_id.u));
        assert_true(uuid_equal(&row->hold_id.u, &c->hold->hold_id.u));
    }
}

static void check_queue(const struct change *c, const struct order_queue_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_true(uuid_equal(&rows[i].event_id.u, &c->event_id.u));
        assert_int_equal(rows[i].seat, c->seats[i].seat);
        assert_true(rows[i].started_ms == c->hold->started_ms);
        assert_true(rows[i].expires_ms == c->hold->expires_ms);
        assert_true(rows[i].seq == c->seq);
        assert_true(uuid_equal(&rows[i].session_id.u, &c->hold->session_id.u));
        assert_true(uuid_equal(&rows[i].hold_id.u, &c->hold->hold_id.u));
    }
}

static void check_lines(const struct change *c, const struct line *lines, uint32_t count)
{
    assert_int_equal(count, FIXTURE_SEATS);
    for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
        assert_int_equal(lines[i].seat, c->seats[i].seat);
        assert_int_equal(lines[i].price_type, c->seats[i].price_type);
        assert_true(lines[i].price.minor == c->seats[i].price.minor);
    }
}

static void test_rows_of_every_kind(void **state)
{
    (void)state;
    assert_int_equal(KINDS, CHANGE_ORDER_REFUNDED);
    for (unsigned i = 0; i < KINDS; i++) {
        const struct expected *e = &EXPECTED[i];
        struct fixture f;
        struct seen s;
        struct arena arena;
        arena_init(&arena, 0);
        fixture_init(&f, e->kind, 5);
        collect(&f.change, &arena, &s);
        assert_int_equal(s.ticket_count, e->tickets);
        assert_int_equal(s.put_count, e->puts);
        assert_int_equal(s.delete_count, e->deletes);
        assert_int_equal(s.hold_count, e->holds);
        assert_int_equal(s.order_count, e->orders);
        check_cdc(&f.change, e, &s);
        check_queue(&f.change, s.puts, s.put_count);
        check_queue(&f.change, s.deletes, s.delete_count);
        if (s.hold_count) {
            assert_true(uuid_equal(&s.hold.hold_id.u, &f.hold.hold_id.u));
            check_lines(&f.change, s.hold.lines, s.hold.line_count);
        }
        if (s.order_count) {
            assert_string_equal(s.order.code, f.order.code);
            check_lines(&f.change, s.order.lines, s.order.line_count);
        }
        arena_done(&arena);
        fixture_done(&f);
    }
}

static void expect_free(const struct ticket_row *row, enum seat_status status)
{
    assert_int_equal(row->status, status);
    assert_true(uuid_is_nil(&row->hold_id.u) && uuid_is_nil(&row->session.u) &&
                uuid_is_nil(&row->order_id.u));
    assert_true(row->price.minor == 0 && row->price_type == 0 && row->hold_until_ms == 0);
}

static void test_ticket_rows(void **state)
{
    (void)state;
    for (int kind = CHANGE_SEATS_BLOCKED; kind <= CHANGE_ORDER_REFUNDED; kind++) {
        struct fixture f;
        struct seen s;
        struct arena arena;
        arena_init(&arena, 0);
        fixture_init(&f, (enum change_kind)kind, 5);
        collect(&f.change, &arena, &s);
        for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
            const struct ticket_row *row = &s.tickets[i];
            assert_true(uuid_equal(&row->event_id.u, &f.change.event_id.u));
            assert_int_equal(row->seat, f.seats[i].seat);
            assert_true(row->last_started_ms == f.seats[i].last_started_ms);
            if (f.seats[i].after != SEAT_HELD && f.seats[i].after != SEAT_SOLD) {
                expect_free(row, (enum seat_status)f.seats[i].after);
                continue;
            }
            bool sold = f.seats[i].after == SEAT_SOLD;
            assert_int_equal(row->status, f.seats[i].after);
            assert_true(uuid_equal(&row->hold_id.u, &f.hold.hold_id.u));
            assert_true(uuid_equal(&row->session.u, &f.hold.session_id.u));
            assert_true(
                uuid_equal(&row->order_id.u, &f.hold.order_id.u)); /* pending or paid; nil without one */
            assert_int_equal(row->price_type, f.seats[i].price_type);
            assert_true(row->price.minor == f.seats[i].price.minor);
            assert_true(row->hold_until_ms == (sold ? 0 : f.hold.expires_ms));
        }
        arena_done(&arena);
        fixture_done(&f);
    }
}

static void test_refund_that_blocks(void **state)
{
    (void)state;
    struct fixture f;
    struct seen s;
    struct arena arena;
    arena_init(&arena, 0);
    fixture_init(&f, CHANGE_ORDER_REFUNDED, 5);
    fixture_seats(&f, SEAT_SOLD, SEAT_BLOCKED, true);
    collect(&f.change, &arena, &s);
    for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
        expect_free(&s.tickets[i], SEAT_BLOCKED);
        assert_true(s.tickets[i].last_started_ms == FIXTURE_STARTED_MS);
    }
    assert_int_equal(s.cdc_count, 0);
    arena_done(&arena);
    fixture_done(&f);
}

static int64_t ttl_at(enum change_kind kind, int64_t time_us, int64_t started_ms, int64_t expires_ms)
{
    struct fixture f;
    struct seen s;
    struct arena arena;
    arena_init(&arena, 0);
    fixture_init(&f, kind, 5);
    f.change.time_us = time_us;
    f.hold.started_ms = started_ms;
    f.hold.expires_ms = expires_ms;
    collect(&f.change, &arena, &s);
    arena_done(&arena);
    fixture_done(&f);
    return s.cdc[0].ttl;
}

static void test_ttl(void **state)
{
    (void)state;
    assert_int_equal(ttl_at(CHANGE_HOLD_CREATED, 1000999, 1000, 901000), 900);
    /* began a ms after it was decided, because a seat was held in that very ms before */
    assert_int_equal(ttl_at(CHANGE_HOLD_CREATED, 1000999, 1001, 901001), 900);
    /* the clock was set back: the change's time still goes up, the hold begins by the clock */
    assert_int_equal(ttl_at(CHANGE_HOLD_CREATED, 3601000999, 1000, 901000), 900);
    assert_int_equal(ttl_at(CHANGE_HOLD_EXTENDED, 61000999, 1000, 961000), 900);
    assert_int_equal(ttl_at(CHANGE_HOLD_EXTENDED, 61001000, 1000, 961000), 900); /* rounded up */
    assert_int_equal(ttl_at(CHANGE_HOLD_EXTENDED, 960999999, 1000, 961000), 1);
}

static void test_cdc_time_goes_up(void **state)
{
    (void)state;
    struct uuid u = cdc_time(FIXTURE_TIME_US);
    assert_int_equal(u.b[6] >> 4, 1);
    assert_int_equal(u.b[8] >> 6, 2);
    assert_int_equal(u.b[10] & 1, 1); /* not a network card's */
    assert_true(uuid_v1_time_us(&u) == FIXTURE_TIME_US);
    struct uuid next = cdc_time(FIXTURE_TIME_US + 1), again = cdc_time(FIXTURE_TIME_US);
    assert_false(uuid_equal(&u, &next));
    assert_true(uuid_equal(&u, &again));
}

static void test_unwanted_tables(void **state)
{
    (void)state;
    struct seen s = {0};
    struct arena arena;
    const struct row_sink only_cdc = {.ctx = &s, .cdc = on_cdc};
    const struct row_sink nothing = {0};
    arena_init(&arena, 0);
    for (unsigned i = 0; i < KINDS; i++) {
        struct fixture f;
        fixture_init(&f, EXPECTED[i].kind, 5);
        rows_of_change(&f.change, &arena, &nothing);
        s.cdc_count = 0;
        rows_of_change(&f.change, &arena, &only_cdc);
        assert_int_equal(change_has_cdc(EXPECTED[i].kind), EXPECTED[i].operation != 0);
        assert_int_equal(s.cdc_count, EXPECTED[i].operation ? FIXTURE_SEATS : 0);
        fixture_done(&f);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_every_kind), cmocka_unit_test(test_ticket_rows),
        cmocka_unit_test(test_refund_that_blocks), cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_cdc_time_goes_up),   cmocka_unit_test(test_unwanted_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
