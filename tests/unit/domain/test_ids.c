#include "domain/ids.h"
#include "unit/domain/fixture.h"

static void test_event_ids(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seeded(&rng, 1);
    struct event_id a = event_id_new(&rng), b = event_id_new(&rng);
    assert_true(id_is_ours(&a.u));
    assert_int_equal(a.u.b[6] >> 4, 8);
    assert_int_equal(a.u.b[8] >> 6, 2);
    for (unsigned i = TICKET_PREFIX_BYTES; i < 16; i++)
        assert_int_equal(a.u.b[i], 0xff);
    assert_true(id_tag(&a.u) != id_tag(&b.u));
    assert_true(id_tag(&a.u) >> 48 == 0);
}

static void test_ticket_ids_are_seat_indexes(void **state)
{
    (void)state;
    static const uint32_t seats[] = {0, 1, 255, 256, 65535, 999999, 16777216, 0xfffffffe};
    struct event_id event = event_numbered(1);
    struct ticket_id before = ticket_id_of(&event, 0);
    for (unsigned i = 0; i < sizeof(seats) / sizeof(seats[0]); i++) {
        uint32_t seat = 77;
        struct ticket_id id = ticket_id_of(&event, seats[i]);
        assert_true(id_is_ours(&id.u));
        assert_true(id_tag(&id.u) == id_tag(&event.u));
        assert_true(ticket_id_seat(&id, &event, &seat));
        assert_true(seat == seats[i]);
        assert_true(i == 0 || uuid_compare(&before.u, &id.u) < 0);
        before = id;
    }
}

static void test_foreign_tickets_are_refused(void **state)
{
    (void)state;
    struct event_id event = event_numbered(1), other = event_numbered(2);
    struct ticket_id id = ticket_id_of(&event, 5);
    uint32_t seat = 77;
    assert_false(ticket_id_seat(&id, &other, &seat));
    for (unsigned i = 0; i < TICKET_PREFIX_BYTES; i++) {
        struct ticket_id changed = id;
        changed.u.b[i] ^= 1;
        assert_false(ticket_id_seat(&changed, &event, &seat));
    }
    assert_int_equal(seat, 77);
}

/* The seq as the header's table has it: 12 bits behind the version, 28 behind the variant. */
static uint64_t seq_of(const struct uuid *u)
{
    uint64_t high = (uint64_t)(u->b[6] & 0x0f) << 8 | u->b[7];
    uint64_t low =
        (uint64_t)(u->b[8] & 0x3f) << 22 | (uint64_t)u->b[9] << 14 | (uint64_t)u->b[10] << 6 | u->b[11] >> 2;
    return high << 28 | low;
}

static void test_hold_and_order_ids_sort_by_seq(void **state)
{
    (void)state;
    static const uint64_t seqs[] = {
        1, 2, 63, 64, 255, (1 << 14) - 1, 1 << 14, 1 << 22, 1ull << 28, 1ull << 36, (1ull << 40) - 1};
    struct rng rng;
    rng_init_seeded(&rng, 3);
    struct event_id event = event_numbered(1);
    struct uuid before = UUID_NIL;
    for (unsigned i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
        struct uuid hold = hold_id_new(&event, seqs[i], &rng).u;
        assert_true(id_seq(&hold) == seqs[i]);
        struct uuid order = order_id_new(&event, seqs[i], &rng).u;
        assert_true(id_is_ours(&hold) && id_is_ours(&order));
        assert_true(id_tag(&hold) == id_tag(&event.u) && id_tag(&order) == id_tag(&event.u));
        assert_true(seq_of(&hold) == seqs[i] && seq_of(&order) == seqs[i]);
        assert_false(uuid_equal(&hold, &order)); /* 34 random bits */
        assert_true(i == 0 || uuid_compare(&before, &hold) < 0);
        before = uuid_compare(&hold, &order) < 0 ? order : hold;
    }
}

static void seq_too_large(void)
{
    struct rng rng;
    rng_init_seeded(&rng, 3);
    struct event_id event = event_numbered(1);
    hold_id_new(&event, 1ull << 40, &rng);
}

static void test_seq_has_forty_bits(void **state)
{
    (void)state;
    CHECK_ABORTS(seq_too_large);
}

static void test_ids_of_other_kinds(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seeded(&rng, 4);
    struct uuid random = uuid_random(&rng), nil = UUID_NIL;
    assert_false(id_is_ours(&random));
    assert_false(id_is_ours(&nil));
    struct uuid wrong_variant = event_numbered(1).u;
    wrong_variant.b[8] |= 0xc0;
    assert_false(id_is_ours(&wrong_variant));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_ids),
        cmocka_unit_test(test_ticket_ids_are_seat_indexes),
        cmocka_unit_test(test_foreign_tickets_are_refused),
        cmocka_unit_test(test_hold_and_order_ids_sort_by_seq),
        cmocka_unit_test(test_seq_has_forty_bits),
        cmocka_unit_test(test_ids_of_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
