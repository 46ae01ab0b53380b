/* The change record: round trips of every kind, damage, and the hash chain. */
#include "base/text.h"
#include "change/change.h"
#include "unit/change/fixture.h"

static int decode(const void *data, size_t size)
{
    struct arena arena;
    struct change *c;
    struct buf again = {0};
    arena_init(&arena, 0);
    int ret = change_decode(data, size, &arena, &c);
    if (ret == 0) { /* what is accepted is what encoding gives: the hash covers every bit of it */
        change_encode(c, &again);
        assert_int_equal(again.size, size);
        assert_memory_equal(again.data, data, size);
        event_unref(c->event);
    }
    buf_done(&again);
    arena_done(&arena);
    return ret;
}

static void expect_same_hold(const struct hold *a, const struct hold *b)
{
    assert_true(!a == !b);
    if (!a)
        return;
    assert_true(uuid_equal(&a->hold_id.u, &b->hold_id.u) && uuid_equal(&a->event_id.u, &b->event_id.u));
    assert_true(uuid_equal(&a->session_id.u, &b->session_id.u) && uuid_equal(&a->order_id.u, &b->order_id.u));
    assert_true(uuid_equal(&a->user_id, &b->user_id));
    assert_true(a->status == b->status && a->outcome == b->outcome);
    assert_true(a->started_ms == b->started_ms && a->expires_ms == b->expires_ms &&
                a->ended_ms == b->ended_ms);
    assert_true(a->total.minor == b->total.minor);
    assert_null(b->lines);
    assert_int_equal(b->line_count, 0);
}

static void expect_same_order(const struct order *a, const struct order *b)
{
    assert_true(!a == !b);
    if (!a)
        return;
    assert_true(uuid_equal(&a->order_id.u, &b->order_id.u) && uuid_equal(&a->event_id.u, &b->event_id.u));
    assert_true(uuid_equal(&a->hold_id.u, &b->hold_id.u) && uuid_equal(&a->session_id.u, &b->session_id.u));
    assert_true(uuid_equal(&a->user_id, &b->user_id));
    assert_string_equal(a->code, b->code);
    assert_true(a->status == b->status && a->created_ms == b->created_ms && a->expires_ms == b->expires_ms);
    assert_true(a->purchased_ms == b->purchased_ms && a->ended_ms == b->ended_ms);
    assert_true(a->total.minor == b->total.minor);
    assert_null(b->lines);
}

static void expect_same(const struct change *a, const struct change *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(uuid_equal(&a->event_id.u, &b->event_id.u));
    assert_true(a->seq == b->seq && a->commit_no == b->commit_no && a->time_us == b->time_us);
    assert_int_equal(a->actor.kind, b->actor.kind);
    assert_string_equal(a->actor.key_name, b->actor.key_name);
    assert_true(uuid_equal(&a->actor.session.u, &b->actor.session.u));
    expect_same_hold(a->hold, b->hold);
    expect_same_order(a->order, b->order);
    assert_int_equal(a->seat_count, b->seat_count);
    for (uint32_t i = 0; i < a->seat_count; i++) {
        const struct seat_change *x = &a->seats[i], *y = &b->seats[i];
        assert_int_equal(x->seat, y->seat);
        assert_true(x->before == y->before && x->after == y->after && x->price_type == y->price_type);
        assert_true(x->price.minor == y->price.minor && x->last_started_ms == y->last_started_ms);
        assert_string_equal(a->price_type_names[x->price_type], b->price_type_names[y->price_type]);
    }
    assert_int_equal(a->price_type_count, b->price_type_count);
    assert_true(!a->event == !b->event);
    if (a->event)
        assert_string_equal(a->event->name, b->event->name);
    assert_true(digest_equal(&a->hash, &b->hash));
    assert_null(b->next);
}

static void test_every_kind_round_trips(void **state)
{
    (void)state;
    for (int kind = CHANGE_EVENT_CREATED; kind <= CHANGE_ORDER_REFUNDED; kind++) {
        struct fixture f;
        struct arena arena;
        struct buf b = {0};
        struct change *back;
        arena_init(&arena, 0);
        fixture_init(&f, (enum change_kind)kind, 1);
        change_seal(&f.change, NULL);
        change_encode(&f.change, &b);
        assert_int_equal(change_decode(b.data, b.size, &arena, &back), 0);
        assert_int_equal(change_kind_of(b.data, b.size), kind);
        assert_int_equal(change_kind_of(b.data, 1), 0);
        expect_same(&f.change, back);
        assert_true(change_check(back, NULL));
        event_unref(back->event);
        check_damage(decode, &b, BOX_ENEWER);
        check_mutations(decode, &b);
        buf_done(&b);
        arena_done(&arena);
        fixture_done(&f);
    }
}

static void test_kind_names(void **state)
{
    (void)state;
    assert_string_equal(change_kind_name(CHANGE_EVENT_CREATED), "event_created");
    assert_string_equal(change_kind_name(CHANGE_HOLD_CREATED), "hold_created");
    assert_string_equal(change_kind_name(CHANGE_ORDER_REFUNDED), "order_refunded");
    for (int kind = CHANGE_EVENT_CREATED; kind <= CHANGE_ORDER_REFUNDED; kind++)
        assert_non_null(change_kind_name((enum change_kind)kind));
}

static void test_names_of_unused_types_are_left_out(void **state)
{
    (void)state;
    struct fixture f;
    struct arena arena;
    struct buf b = {0};
    struct change *back;
    arena_init(&arena, 0);
    fixture_init(&f, CHANGE_HOLD_CREATED, 1);
    f.names[2] = "senior";
    f.names[3] = "group";
    f.names[5] = "club";
    f.seats[0].price_type = 3;
    f.change.price_type_count = 6;
    change_seal(&f.change, NULL);
    change_encode(&f.change, &b);
    assert_int_equal(change_decode(b.data, b.size, &arena, &back), 0);
    assert_int_equal(back->price_type_count, 4);
    assert_string_equal(back->price_type_names[0], "standard");
    assert_string_equal(back->price_type_names[1], "child");
    assert_null(back->price_type_names[2]);
    assert_string_equal(back->price_type_names[3], "group");
    buf_done(&b);
    arena_done(&arena);
    fixture_done(&f);
}

static void test_chain(void **state)
{
    (void)state;
    static const enum change_kind kinds[] = {CHANGE_EVENT_CREATED, CHANGE_HOLD_CREATED, CHANGE_ORDER_CREATED,
                                             CHANGE_ORDER_PAID, CHANGE_ORDER_REFUNDED};
    enum { COUNT = sizeof(kinds) / sizeof(kinds[0]) };
    struct fixture f[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        fixture_init(&f[i], kinds[i], i + 1);
        change_seal(&f[i].change, i ? &f[i - 1].change.hash : NULL);
        assert_true(change_check(&f[i].change, i ? &f[i - 1].change.hash : NULL));
        assert_false(change_check(&f[i].change, i ? NULL : &f[i].change.hash));
    }
    assert_false(change_check(&f[3].change, &f[1].change.hash)); /* one was removed */
    f[4].change.commit_no = 7;                                   /* the store's, set after the seal */
    assert_true(change_check(&f[4].change, &f[3].change.hash));
    f[4].change.seats = f[3].seats; /* other statuses */
    assert_false(change_check(&f[4].change, &f[3].change.hash));
    for (unsigned i = 0; i < COUNT; i++)
        fixture_done(&f[i]);
}

/* Where the commit number stands in the encoded form: the hash does not cover it. */
enum { COMMIT_AT = 1 + 1 + 16 + 8, COMMIT_END = COMMIT_AT + 8 };

/* Flip one bit of an encoded change: it can no longer be decoded, or no longer follows. */
static void flip(struct buf *b, size_t bit, const struct digest *previous)
{
    struct arena arena;
    struct change *c;
    arena_init(&arena, 0);
    b->data[bit / 8] = (char)(b->data[bit / 8] ^ 1 << bit % 8);
    if (change_decode(b->data, b->size, &arena, &c) == 0) {
        assert_false(change_check(c, previous));
        event_unref(c->event);
    }
    b->data[bit / 8] = (char)(b->data[bit / 8] ^ 1 << bit % 8);
    arena_done(&arena);
}

static void test_any_flipped_bit_breaks_the_chain(void **state)
{
    (void)state;
    const struct digest previous = {{1, 2, 3}};
    for (int kind = CHANGE_EVENT_CREATED; kind <= CHANGE_ORDER_REFUNDED; kind++) {
        struct fixture f;
        struct buf b = {0};
        fixture_init(&f, (enum change_kind)kind, 2);
        change_seal(&f.change, &previous);
        change_encode(&f.change, &b);
        for (size_t bit = 0; bit < b.size * 8; bit++) {
            if (bit / 8 < COMMIT_AT || bit / 8 >= COMMIT_END)
                flip(&b, bit, &previous);
        }
        buf_done(&b);
        fixture_done(&f);
    }
}

static void test_seat_count_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    struct arena arena;
    struct buf b = {0}, all = {0};
    struct change *back;
    fixture_init(&f, CHANGE_SEATS_BLOCKED, 1);
    change_seal(&f.change, NULL);
    change_encode(&f.change, &b);
    /* the names (count 1, type 0, "standard") and the count of seats */
    static const uint8_t names[] = {1, 0, 8, 's', 't', 'a', 'n', 'd', 'a', 'r', 'd', FIXTURE_SEATS};
    char *at = memmem(b.data, b.size, names, sizeof(names));
    assert_non_null(at);
    size_t head = (size_t)(at - b.data) + sizeof(names) - 1;
    buf_add(&all, b.data, head);
    buf_add(&all, "\xff\xff\xff\xff\x0f", 5);
    buf_add(&all, b.data + head + 1, b.size - head - 1);
    arena_init(&arena, 0);
    assert_int_equal(change_decode(all.data, all.size, &arena, &back), BOX_ECORRUPT);
    assert_true(arena.total <= 4096);
    arena_done(&arena);
    buf_done(&all);
    buf_done(&b);
    fixture_done(&f);
}

static void foreign_hold(void)
{
    struct fixture f;
    fixture_init(&f, CHANGE_HOLD_CREATED, 1);
    f.hold.event_id = event_numbered(8);
    change_seal(&f.change, NULL);
}

static void hold_without_seats(void)
{
    struct fixture f;
    fixture_init(&f, CHANGE_HOLD_CREATED, 1);
    f.change.seat_count = 0;
    change_seal(&f.change, NULL);
}

static void second_change_without_first(void)
{
    struct fixture f;
    fixture_init(&f, CHANGE_HOLD_CREATED, 2);
    change_seal(&f.change, NULL);
}

static void test_what_no_change_can_be(void **state)
{
    (void)state;
    CHECK_ABORTS(foreign_hold);
    CHECK_ABORTS(hold_without_seats);
    CHECK_ABORTS(second_change_without_first);
}

/* The log is read as long as there are versions: these bytes must never stop to be understood. */
static void test_version_1_is_pinned(void **state)
{
    (void)state;
    static const char *const pinned =
        "011129e86682ba4a8505b23973bbffffffff000000000000000100000000000003e900060a241820"
        "22400203000000000040008000000000000003070200000000004000800000000000000203000000"
        "00004000800000000000000303040000000000400080000000000000040500000000004000800000"
        "00000000050301fbd095ffbc319bc8ccffbc31dba599ffbc31f85504000000000040008000000000"
        "00000402000000000040008000000000000002030000000000400080000000000000030205000000"
        "0000400080000000000000050108414243443233343585d195ffbc319bc8ccffbc310000f8550200"
        "087374616e6461726401056368696c64031221009423fcd095ffbc31092101d00f00022100942300"
        "95f2b3ef6f4bed34130b0b9b6e3d3fdf9f66da932b239e186b5d053eecd101d4";
    struct fixture f;
    struct buf b = {0}, hex = {0};
    fixture_init(&f, CHANGE_ORDER_PAID, 1);
    change_seal(&f.change, NULL);
    change_encode(&f.change, &b);
    text_hex(&hex, b.data, b.size);
    buf_addc(&hex, '\0');
    assert_string_equal(hex.data, pinned);
    buf_done(&hex);
    buf_done(&b);
    fixture_done(&f);
}

static void test_size(void **state)
{
    (void)state;
    struct fixture f;
    struct buf b = {0};
    fixture_init(&f, CHANGE_HOLD_CREATED, 1);
    change_encode(&f.change, &b);
    assert_true(b.size < 220); /* three seats */
    buf_done(&b);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_round_trips),
        cmocka_unit_test(test_kind_names),
        cmocka_unit_test(test_names_of_unused_types_are_left_out),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_any_flipped_bit_breaks_the_chain),
        cmocka_unit_test(test_seat_count_is_bounded),
        cmocka_unit_test(test_what_no_change_can_be),
        cmocka_unit_test(test_version_1_is_pinned),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
