#include "domain/checkout.h"
#include "unit/domain/fixture.h"

static const struct line LINES[] = {
    {.seat = 17, .price_type = 1, .price = {2000}},
    {.seat = 4, .price_type = 0, .price = {0}},
    {.seat = 999999, .price_type = 31, .price = {100000000000}},
};

static struct hold full_hold(void)
{
    return (struct hold){
        .hold_id = {uuid_numbered(2)},
        .event_id = event_numbered(7),
        .session_id = session_numbered(3),
        .order_id = {uuid_numbered(4)},
        .user_id = uuid_numbered(5),
        .status = HOLD_PURCHASED,
        .outcome = OUTCOME_PURCHASED,
        .started_ms = 1700000000000,
        .expires_ms = 1700000900000,
        .ended_ms = 1700000100000,
        .total = {100000002000},
        .lines = LINES,
        .line_count = 3,
    };
}

static struct order full_order(void)
{
    return (struct order){
        .order_id = {uuid_numbered(4)},
        .code = "23456789",
        .event_id = event_numbered(7),
        .hold_id = {uuid_numbered(2)},
        .session_id = session_numbered(3),
        .user_id = uuid_numbered(5),
        .status = ORDER_REFUNDED,
        .created_ms = 1700000050000,
        .expires_ms = 1700000900000,
        .purchased_ms = 1700000100000,
        .ended_ms = 1700000200000,
        .total = {100000002000},
        .lines = LINES,
        .line_count = 3,
    };
}

static int decode_hold(const void *data, size_t size)
{
    struct arena arena;
    struct hold hold;
    struct buf again = {0};
    arena_init(&arena, 0);
    int ret = hold_decode(data, size, &arena, &hold);
    if (ret == 0) { /* what is accepted is what encoding gives */
        hold_encode(&hold, &again);
        assert_int_equal(again.size, size);
        assert_memory_equal(again.data, data, size);
    }
    buf_done(&again);
    arena_done(&arena);
    return ret;
}

static int decode_order(const void *data, size_t size)
{
    struct arena arena;
    struct order order;
    struct buf again = {0};
    arena_init(&arena, 0);
    int ret = order_decode(data, size, &arena, &order);
    if (ret == 0) {
        order_encode(&order, &again);
        assert_int_equal(again.size, size);
        assert_memory_equal(again.data, data, size);
    }
    buf_done(&again);
    arena_done(&arena);
    return ret;
}

static void check_lines(const struct line *lines, uint32_t count)
{
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(lines[i].seat, LINES[i].seat);
        assert_int_equal(lines[i].price_type, LINES[i].price_type);
        assert_true(lines[i].price.minor == LINES[i].price.minor);
    }
}

static void test_hold_round_trip(void **state)
{
    (void)state;
    struct arena arena;
    struct buf b = {0};
    const struct hold h = full_hold();
    struct hold back;
    arena_init(&arena, 0);
    hold_encode(&h, &b);
    assert_int_equal(hold_decode(b.data, b.size, &arena, &back), 0);
    assert_true(uuid_equal(&back.hold_id.u, &h.hold_id.u) && uuid_equal(&back.event_id.u, &h.event_id.u));
    assert_true(uuid_equal(&back.session_id.u, &h.session_id.u) &&
                uuid_equal(&back.order_id.u, &h.order_id.u));
    assert_true(uuid_equal(&back.user_id, &h.user_id));
    assert_int_equal(back.status, h.status);
    assert_int_equal(back.outcome, h.outcome);
    assert_true(back.started_ms == h.started_ms && back.expires_ms == h.expires_ms &&
                back.ended_ms == h.ended_ms);
    assert_true(back.total.minor == h.total.minor);
    check_lines(back.lines, back.line_count);
    check_damage(decode_hold, &b, BOX_ENEWER);
    check_mutations(decode_hold, &b);
    buf_done(&b);
    arena_done(&arena);
}

static void test_hold_without_order(void **state)
{
    (void)state;
    struct arena arena;
    struct buf b = {0};
    struct hold h = full_hold(), back;
    h.order_id.u = h.user_id = UUID_NIL;
    h.status = HOLD_ACTIVE;
    h.outcome = OUTCOME_NONE;
    h.ended_ms = 0;
    arena_init(&arena, 0);
    hold_encode(&h, &b);
    assert_int_equal(hold_decode(b.data, b.size, &arena, &back), 0);
    assert_true(uuid_is_nil(&back.order_id.u) && uuid_is_nil(&back.user_id));
    assert_true(back.ended_ms == 0);
    check_damage(decode_hold, &b, BOX_ENEWER);
    buf_done(&b);
    arena_done(&arena);
}

static void test_order_round_trip(void **state)
{
    (void)state;
    struct arena arena;
    struct buf b = {0};
    const struct order o = full_order();
    struct order back;
    arena_init(&arena, 0);
    order_encode(&o, &b);
    assert_int_equal(order_decode(b.data, b.size, &arena, &back), 0);
    assert_true(uuid_equal(&back.order_id.u, &o.order_id.u) && uuid_equal(&back.event_id.u, &o.event_id.u));
    assert_true(uuid_equal(&back.hold_id.u, &o.hold_id.u) && uuid_equal(&back.session_id.u, &o.session_id.u));
    assert_true(uuid_equal(&back.user_id, &o.user_id));
    assert_string_equal(back.code, o.code);
    assert_int_equal(back.status, o.status);
    assert_true(back.created_ms == o.created_ms && back.expires_ms == o.expires_ms);
    assert_true(back.purchased_ms == o.purchased_ms && back.ended_ms == o.ended_ms);
    assert_true(back.total.minor == o.total.minor);
    check_lines(back.lines, back.line_count);
    check_damage(decode_order, &b, BOX_ENEWER);
    check_mutations(decode_order, &b);
    buf_done(&b);
    arena_done(&arena);
}

static void test_line_count_is_bounded(void **state)
{
    (void)state;
    struct arena arena;
    struct buf b = {0};
    struct hold h = full_hold(), back;
    h.line_count = 0;
    hold_encode(&h, &b);
    b.size--;                               /* the count 0 */
    buf_add(&b, "\xff\xff\xff\xff\x0f", 5); /* 2^32 - 1 lines in no bytes */
    arena_init(&arena, 0);
    assert_int_equal(hold_decode(b.data, b.size, &arena, &back), BOX_ECORRUPT);
    assert_true(arena.total <= 4096);
    buf_done(&b);
    arena_done(&arena);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(seat_status_name(SEAT_BLOCKED), "blocked");
    assert_string_equal(hold_status_name(HOLD_PURCHASED), "purchased");
    assert_string_equal(order_status_name(ORDER_REFUNDED), "refunded");
    assert_string_equal(hold_outcome_name(OUTCOME_CANCELLED), "cancelled");
    assert_null(hold_outcome_name(OUTCOME_NONE));
    for (unsigned i = 0; i <= ORDER_REFUNDED; i++) {
        enum order_status s = ORDER_PENDING;
        assert_true(order_status_parse(order_status_name((enum order_status)i), &s));
        assert_int_equal(s, i);
    }
    for (unsigned i = 0; i < SEAT_STATUSES; i++) {
        enum seat_status seat = SEAT_AVAILABLE;
        enum hold_status hold = HOLD_ACTIVE;
        assert_true(seat_status_parse(seat_status_name((enum seat_status)i), &seat));
        assert_true(hold_status_parse(hold_status_name((enum hold_status)i), &hold));
        assert_int_equal(seat, i);
        assert_int_equal(hold, i);
    }
    enum seat_status seat;
    enum hold_status hold;
    enum order_status order;
    assert_false(seat_status_parse("", &seat) || seat_status_parse("Held", &seat));
    assert_false(hold_status_parse("cancelled", &hold) || order_status_parse("held", &order));
}

static void test_ttl_is_rounded_up_and_never_nothing(void **state)
{
    (void)state;
    assert_int_equal(hold_ttl_seconds(900000, 0), 900);
    assert_int_equal(hold_ttl_seconds(900001, 0), 901);
    assert_int_equal(hold_ttl_seconds(900000, 1), 900);
    assert_int_equal(hold_ttl_seconds(900000, 899000), 1);
    assert_int_equal(hold_ttl_seconds(900000, 899999), 1);
    assert_int_equal(hold_ttl_seconds(900000, 900000), 1);
    assert_int_equal(hold_ttl_seconds(900000, 1000000), 1);
}

static void test_order_codes(void **state)
{
    (void)state;
    struct rng rng;
    bool seen[128] = {false};
    rng_init_seeded(&rng, 9);
    for (int i = 0; i < 1000; i++) {
        char code[ORDER_CODE_CHARS + 1];
        order_code_new(&rng, code);
        assert_int_equal(strlen(code), ORDER_CODE_CHARS);
        assert_int_equal(strspn(code, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"), ORDER_CODE_CHARS);
        for (int k = 0; k < ORDER_CODE_CHARS; k++)
            seen[(unsigned char)code[k]] = true;
    }
    int used = 0;
    for (int i = 0; i < 128; i++)
        used += seen[i];
    assert_int_equal(used, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold_round_trip),
        cmocka_unit_test(test_hold_without_order),
        cmocka_unit_test(test_order_round_trip),
        cmocka_unit_test(test_line_count_is_bounded),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_ttl_is_rounded_up_and_never_nothing),
        cmocka_unit_test(test_order_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
