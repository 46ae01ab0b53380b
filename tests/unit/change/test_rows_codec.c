/* The bytes of rows. */
#include "change/rows.h"
#include "unit/change/fixture.h"

static int decode_ticket(const void *data, size_t size)
{
    struct ticket_row row;
    struct buf again = {0};
    int ret = ticket_row_decode(data, size, &row);
    if (ret)
        return ret;
    ticket_row_encode(&row, &again); /* one row, one encoding */
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, data, size);
    buf_done(&again);
    return 0;
}

static int decode_queue(const void *data, size_t size)
{
    struct order_queue_row row;
    return order_queue_row_decode(data, size, &row);
}

static void check_ticket(const struct ticket_row *row, size_t size)
{
    struct ticket_row back;
    struct buf b = {0};
    ticket_row_encode(row, &b);
    assert_int_equal(b.size, size);
    assert_int_equal(ticket_row_decode(b.data, b.size, &back), 0);
    assert_int_equal(back.status, row->status);
    assert_int_equal(back.price_type, row->price_type);
    assert_true(back.price.minor == row->price.minor);
    assert_true(uuid_equal(&back.hold_id.u, &row->hold_id.u) && uuid_equal(&back.session.u, &row->session.u));
    assert_true(uuid_equal(&back.order_id.u, &row->order_id.u));
    assert_true(back.hold_until_ms == row->hold_until_ms && back.last_started_ms == row->last_started_ms);
    check_damage(decode_ticket, &b, BOX_ECORRUPT);
    check_mutations(decode_ticket, &b);
    buf_done(&b);
}

static void test_ticket_rows(void **state)
{
    (void)state;
    struct ticket_row row = {.status = SEAT_AVAILABLE};
    check_ticket(&row, 4);
    row.status = SEAT_BLOCKED;
    row.last_started_ms = FIXTURE_STARTED_MS;
    check_ticket(&row, 9);
    row = (struct ticket_row){
        .status = SEAT_HELD,
        .price_type = 2,
        .price = {0}, /* a free ticket of another type */
        .hold_id = {uuid_numbered(1)},
        .session = session_numbered(2),
        .hold_until_ms = FIXTURE_STARTED_MS + 1,
        .last_started_ms = FIXTURE_STARTED_MS,
    };
    check_ticket(&row, 3 + 2 + 32 + 6 + 6);
    row.status = SEAT_SOLD;
    row.price = (struct money){4500};
    row.order_id = (struct order_id){uuid_numbered(3)};
    row.hold_until_ms = 0;
    check_ticket(&row, 3 + 3 + 48 + 6);
}

static void test_order_queue_rows(void **state)
{
    (void)state;
    const struct order_queue_row row = {
        .event_id = event_numbered(7), /* of the key: not in the bytes */
        .seat = 5,
        .started_ms = 6,
        .session_id = session_numbered(2),
        .hold_id = {uuid_numbered(1)},
        .seq = 300,
        .expires_ms = FIXTURE_STARTED_MS,
    };
    struct order_queue_row back;
    struct buf b = {0};
    order_queue_row_encode(&row, &b);
    assert_int_equal(order_queue_row_decode(b.data, b.size, &back), 0);
    assert_true(uuid_equal(&back.session_id.u, &row.session_id.u) &&
                uuid_equal(&back.hold_id.u, &row.hold_id.u));
    assert_true(back.seq == 300 && back.expires_ms == row.expires_ms);
    assert_true(back.seat == 0 && back.started_ms == 0 && uuid_is_nil(&back.event_id.u));
    check_damage(decode_queue, &b, BOX_ECORRUPT);
    check_mutations(decode_queue, &b);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticket_rows),
        cmocka_unit_test(test_order_queue_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
