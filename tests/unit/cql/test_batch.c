/* The conditional batch of a group: which statements, which conditions, what a seat's row becomes. */
#include "store/cql/batch.h"
#include "unit/change/fixture.h"

static const struct uuid BATCH = {{0xba}};

/* The batch of one change of a kind, numbered @seq. */
struct built {
    struct fixture f;
    struct layout *layout;
    struct event *event;
    struct arena arena;
    struct batch batch;
    size_t next; /* cell to be looked at */
};

static void build(struct built *b, enum change_kind kind, uint64_t seq)
{
    struct buf tail = {0};
    buf_adds(&tail, "tail");
    fixture_init(&b->f, kind, seq);
    b->layout = small_layout();
    b->event = small_event(b->layout);
    arena_init(&b->arena, 0);
    const struct event_group g = {
        .event_id = b->f.change.event_id, .follows_seq = seq - 1, .changes = &b->f.change, .change_count = 1};
    const struct cql_event_state state = {.epoch = 7, .seq = seq - 1, .layout = b->layout};
    batch_build(&g, &state, b->event, &BATCH, &tail, &b->arena, &b->batch);
    b->next = 0;
    buf_done(&tail);
    /* As many values as markers, or nothing of what follows is in its place. */
    size_t markers = 0;
    for (size_t i = 0; i < b->batch.count; i++)
        markers += cql_markers(b->batch.statements[i]);
    assert_int_equal(b->batch.values.count, markers);
}

static void built_done(struct built *b)
{
    arena_done(&b->arena);
    event_unref(b->event);
    layout_unref(b->layout);
    fixture_done(&b->f);
}

static const struct cql_cell *cell(struct built *b)
{
    assert_true(b->next < b->batch.values.count);
    return &b->batch.values.cells[b->next++];
}

static void expect_bytes(struct built *b, const void *data, size_t size)
{
    const struct cql_cell *c = cell(b);
    assert_int_equal(c->size, size);
    assert_memory_equal(c->data, data, size);
}

static void expect_uuid(struct built *b, const struct uuid *u)
{
    expect_bytes(b, u->b, sizeof(u->b));
}

static void expect_text(struct built *b, const char *text)
{
    expect_bytes(b, text, strlen(text));
}

static void expect_bigint(struct built *b, int64_t value)
{
    const struct cql_cell *c = cell(b);
    uint64_t v = 0;
    assert_int_equal(c->size, 8);
    for (int i = 0; i < 8; i++)
        v = v << 8 | c->data[i];
    assert_true((int64_t)v == value);
}

static void expect_int(struct built *b, int32_t value)
{
    const struct cql_cell *c = cell(b);
    assert_int_equal(c->size, 4);
    assert_int_equal((int32_t)((uint32_t)c->data[0] << 24 | (uint32_t)c->data[1] << 16 |
                               (uint32_t)c->data[2] << 8 | c->data[3]),
                     value);
}

/* A decimal: scale, then the unscaled number in as few bytes as it needs. */
static void expect_cents(struct built *b, int64_t minor)
{
    const struct cql_cell *c = cell(b);
    int64_t v = 0;
    assert_true(c->size > 4);
    assert_int_equal(c->data[3], 2);
    for (int32_t i = 4; i < c->size; i++)
        v = v << 8 | c->data[i];
    assert_int_equal(v, minor);
}

static void expect_unset(struct built *b)
{
    assert_int_equal(cell(b)->size, CQL_UNSET);
}

static void expect_null(struct built *b)
{
    assert_int_equal(cell(b)->size, CQL_NULL);
}

static void expect_session(struct built *b)
{
    char text[UUID_TEXT + 1];
    uuid_format(&b->f.hold.session_id.u, text);
    expect_text(b, text);
}

static void expect_event(struct built *b, uint64_t seq)
{
    assert_int_equal(b->batch.statements[0], CQL_ST_COMMIT_EVENT);
    expect_bigint(b, (int64_t)seq);
    expect_bigint(b, b->f.change.time_us);
    expect_uuid(b, &BATCH);
    expect_text(b, "tail");
    expect_uuid(b, &b->f.change.event_id.u);
    if (seq > 1)
        expect_bigint(b, (int64_t)seq - 1);
    else
        expect_null(b);
    expect_bigint(b, 7);
    expect_uuid(b, &BATCH);
}

static void expect_key(struct built *b, unsigned i)
{
    struct ticket_id ticket = ticket_id_of(&b->f.change.event_id, b->f.seats[i].seat);
    expect_uuid(b, &b->f.change.event_id.u);
    expect_uuid(b, &ticket.u);
}

static int64_t standard_price(const struct built *b, unsigned i)
{
    return event_price(b->event, layout_place_of(b->layout, b->f.seats[i].seat), PRICE_STANDARD);
}

static void only_the_event(void **state)
{
    (void)state;
    struct built b;
    build(&b, CHANGE_EVENT_CREATED, 1);
    assert_int_equal(b.batch.count, 1);
    expect_event(&b, 1);
    built_done(&b);
    build(&b, CHANGE_EVENT_PAUSED, 5);
    assert_int_equal(b.batch.count, 1);
    expect_event(&b, 5);
    built_done(&b);
}

static void a_free_seat_is_held(void **state)
{
    (void)state;
    struct built b;
    build(&b, CHANGE_HOLD_CREATED, 2);
    assert_int_equal(b.batch.count, 1 + FIXTURE_SEATS);
    expect_event(&b, 2);
    for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
        assert_int_equal(b.batch.statements[1 + i], CQL_ST_COMMIT_FREE_SEAT);
        expect_text(&b, "held");
        expect_cents(&b, b.f.seats[i].price.minor);
        expect_uuid(&b, &b.f.hold.hold_id.u);
        expect_session(&b);
        expect_bigint(&b, b.f.hold.expires_ms);
        expect_unset(&b); /* no order, and there was none */
        expect_bigint(&b, FIXTURE_STARTED_MS);
        expect_int(&b, b.f.seats[i].price_type);
        expect_cents(&b, b.f.seats[i].price.minor);
        expect_key(&b, i);
        expect_text(&b, "available");
    }
    assert_int_equal(b.next, b.batch.values.count);
    built_done(&b);
}

/* Extend and order lists seats whose status stays: the condition is whose they are. */
static void a_held_seat_stays_held(void **state)
{
    (void)state;
    static const enum change_kind kinds[] = {CHANGE_HOLD_EXTENDED, CHANGE_ORDER_CREATED};
    for (unsigned k = 0; k < 2; k++) {
        struct built b;
        build(&b, kinds[k], 3);
        expect_event(&b, 3);
        for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
            assert_int_equal(b.batch.statements[1 + i], CQL_ST_COMMIT_HELD_SEAT);
            expect_text(&b, "held");
            b.next += 3; /* price, hold, session */
            expect_bigint(&b, b.f.hold.expires_ms);
            expect_uuid(&b, &b.f.order.order_id.u);
            b.next += 3;
            expect_key(&b, i);
            expect_text(&b, "held");
            expect_uuid(&b, &b.f.hold.hold_id.u);
        }
        assert_int_equal(b.next, b.batch.values.count);
        built_done(&b);
    }
}

static void a_held_seat_is_sold(void **state)
{
    (void)state;
    struct built b;
    build(&b, CHANGE_ORDER_PAID, 4);
    expect_event(&b, 4);
    for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
        assert_int_equal(b.batch.statements[1 + i], CQL_ST_COMMIT_HELD_SEAT);
        expect_text(&b, "sold");
        expect_cents(&b, b.f.seats[i].price.minor);
        expect_uuid(&b, &b.f.hold.hold_id.u);
        expect_session(&b);
        expect_null(&b); /* hold_until */
        expect_uuid(&b, &b.f.order.order_id.u);
        b.next += 3;
        expect_key(&b, i);
        expect_text(&b, "held");
        expect_uuid(&b, &b.f.hold.hold_id.u);
    }
    built_done(&b);
}

/* Nothing of an owner is left on a seat that is freed, and its price is the standard one again. */
static void an_owned_seat_is_freed(void **state)
{
    (void)state;
    static const enum change_kind kinds[] = {CHANGE_HOLD_RELEASED, CHANGE_HOLD_EXPIRED,
                                             CHANGE_ORDER_CANCELLED, CHANGE_ORDER_REFUNDED};
    for (unsigned k = 0; k < 4; k++) {
        struct built b;
        build(&b, kinds[k], 4);
        bool refund = kinds[k] == CHANGE_ORDER_REFUNDED;
        expect_event(&b, 4);
        for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
            assert_int_equal(b.batch.statements[1 + i],
                             refund ? CQL_ST_COMMIT_SOLD_SEAT : CQL_ST_COMMIT_HELD_SEAT);
            expect_text(&b, "available");
            expect_cents(&b, standard_price(&b, i));
            for (int column = 0; column < 4; column++)
                expect_null(&b); /* hold_id, hold_session, hold_until, order_id */
            expect_bigint(&b, FIXTURE_STARTED_MS);
            expect_null(&b);
            expect_null(&b);
            expect_key(&b, i);
            expect_text(&b, refund ? "sold" : "held");
            expect_uuid(&b, refund ? &b.f.order.order_id.u : &b.f.hold.hold_id.u);
        }
        assert_int_equal(b.next, b.batch.values.count);
        built_done(&b);
    }
}

static void a_blocked_seat_leaves_no_tombstones(void **state)
{
    (void)state;
    struct built b;
    build(&b, CHANGE_SEATS_BLOCKED, 2);
    expect_event(&b, 2);
    for (unsigned i = 0; i < FIXTURE_SEATS; i++) {
        assert_int_equal(b.batch.statements[1 + i], CQL_ST_COMMIT_FREE_SEAT);
        expect_text(&b, "blocked");
        expect_cents(&b, standard_price(&b, i));
        for (int column = 0; column < 4; column++)
            expect_unset(&b);
        if (b.f.seats[i].last_started_ms)
            expect_bigint(&b, b.f.seats[i].last_started_ms);
        else
            expect_unset(&b);
        expect_unset(&b);
        expect_unset(&b);
        expect_key(&b, i);
        expect_text(&b, "available");
    }
    built_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_event),         cmocka_unit_test(a_free_seat_is_held),
        cmocka_unit_test(a_held_seat_stays_held), cmocka_unit_test(a_held_seat_is_sold),
        cmocka_unit_test(an_owned_seat_is_freed), cmocka_unit_test(a_blocked_seat_leaves_no_tombstones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
