/* What comes of a CDC log's rows: one insert, one end, always with their hold, whatever the log repeats. */
#include "base/params.h"
#include "store/cql/cdc_checkouts.h"
#include "unit/store/cdc_log.h"

enum { MEMORY_S = 60, GOT_MAX = 64 };

struct reader {
    struct cdc_checkouts checkouts;
    struct cdc_row got[GOT_MAX];
    size_t count;
};

static int setup(void **state)
{
    struct reader *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    cdc_checkouts_init(&r->checkouts, MEMORY_S * 1000000LL);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct reader *r = *state;
    cdc_checkouts_done(&r->checkouts);
    free(r);
    return 0;
}

static void keep(void *ctx, const struct cdc_row *row, const struct cdc_log_row *of)
{
    struct reader *r = ctx;
    assert_true(uuid_equal(&row->time, &of->time));
    assert_true(r->count < GOT_MAX);
    r->got[r->count++] = *row;
}

/* How many rows come of it. */
static size_t take(struct reader *r, struct cdc_log_row row)
{
    size_t before = r->count;
    cdc_checkouts_take(&r->checkouts, &row, keep, r);
    return r->count - before;
}

static const struct cdc_row *last(const struct reader *r)
{
    assert_true(r->count > 0);
    return &r->got[r->count - 1];
}

static void assert_end(const struct cdc_row *row, enum cdc_operation operation, uint32_t seat, uint8_t hold)
{
    const struct session_id session = session_numbered(hold);
    const struct uuid id = uuid_numbered(hold);
    assert_int_equal(row->operation, operation);
    assert_int_equal(row->seat, seat);
    assert_true(uuid_equal(&row->hold_id.u, &id));
    assert_true(uuid_equal(&row->session.u, &session.u));
    assert_int_equal(row->ttl, 0);
}

static void checkout_from_begin_to_end(void **state)
{
    struct reader *r = *state;
    assert_int_equal(take(r, log_row(CDC_CODE_INSERT, 0, 5, 0, 7, 3)), 1);
    assert_int_equal(last(r)->operation, CDC_INSERT);
    assert_int_equal(last(r)->seat, 5);
    assert_int_equal(last(r)->ttl, 900);
    assert_int_equal(last(r)->seq, 3);
    assert_int_equal(take(r, log_row(CDC_CODE_UPDATE, 10, 5, 0, 7, 4)), 1);
    assert_int_equal(take(r, log_row(CDC_CODE_UPDATE, 20, 5, 0, 7, 6)), 1);
    assert_int_equal(last(r)->operation, CDC_UPDATE);
    struct cdc_log_row end = log_row(CDC_CODE_ROW_DELETE, 30, 5, 0, 7, 9);
    end.outcome = OUTCOME_PURCHASED;
    assert_int_equal(take(r, end), 1);
    assert_end(last(r), CDC_ROW_DELETE, 5, 7);
    assert_int_equal(last(r)->outcome, OUTCOME_PURCHASED);
    assert_int_equal(last(r)->seq, 9);
    assert_int_equal(r->checkouts.repeated + r->checkouts.strange, 0);
}

static void repetitions_are_left_out(void **state)
{
    struct reader *r = *state;
    const struct cdc_log_row rows[] = {
        log_row(CDC_CODE_INSERT, 0, 5, 0, 7, 3),      log_row(CDC_CODE_INSERT, 1, 5, 0, 7, 3),
        log_row(CDC_CODE_UPDATE, 10, 5, 0, 7, 4),     log_row(CDC_CODE_UPDATE, 11, 5, 0, 7, 4),
        log_row(CDC_CODE_ROW_DELETE, 30, 5, 0, 0, 0), log_row(CDC_CODE_ROW_DELETE, 31, 5, 0, 0, 0),
        log_row(CDC_CODE_INSERT, 32, 5, 0, 7, 3),     log_row(CDC_CODE_UPDATE, 33, 5, 0, 7, 4),
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(take(r, rows[i]), i < 6 && i % 2 == 0);
    assert_int_equal(r->checkouts.repeated, 5);
    /* Another checkout of the seat is none of them. */
    assert_int_equal(take(r, log_row(CDC_CODE_INSERT, 40, 5, 1, 8, 10)), 1);
    assert_int_equal(take(r, log_row(CDC_CODE_ROW_DELETE, 50, 5, 1, 0, 0)), 1);
    assert_end(last(r), CDC_ROW_DELETE, 5, 8);
}

/* Two sessions' rows of one key: an upsert, which the log shows as two inserts. */
static void another_hold_under_the_same_key_is_delivered(void **state)
{
    struct reader *r = *state;
    assert_int_equal(take(r, log_row(CDC_CODE_INSERT, 0, 5, 0, 7, 3)), 1);
    assert_int_equal(take(r, log_row(CDC_CODE_INSERT, 1, 5, 0, 8, 4)), 1);
    assert_int_equal(take(r, log_row(CDC_CODE_ROW_DELETE, 2, 5, 0, 0, 0)), 1);
    assert_end(last(r), CDC_ROW_DELETE, 5, 8);
}

static void preimage_tells_whose_the_delete_was(void **state)
{
    struct reader *r = *state;
    assert_int_equal(take(r, log_row(CDC_CODE_PREIMAGE, 30, 5, 0, 7, 3)), 0);
    assert_int_equal(take(r, log_row(CDC_CODE_ROW_DELETE, 30, 5, 0, 0, 0)), 1);
    assert_end(last(r), CDC_ROW_DELETE, 5, 7);
    assert_int_equal(last(r)->seq, 0); /* the preimage's is that of an earlier change */
    /* Without one, and without having seen how it began, it is still said, once. */
    assert_int_equal(take(r, log_row(CDC_CODE_ROW_DELETE, 31, 6, 0, 0, 0)), 1);
    assert_true(uuid_is_nil(&last(r)->hold_id.u));
    assert_int_equal(take(r, log_row(CDC_CODE_ROW_DELETE, 32, 6, 0, 0, 0)), 0);
    assert_int_equal(take(r, log_row(CDC_CODE_POSTIMAGE, 33, 6, 0, 7, 3)), 0);
    assert_int_equal(r->checkouts.strange, 0);
}

/* ScyllaDB logs the delete of what we expired as well; ours stands first in the order of rows. */
static void expiry_is_not_a_delete_as_well(void **state)
{
    struct reader *r = *state;
    struct cdc_log_row expiry = log_row(CDC_CODE_EXPIRED, 30, 5, 0, 7, 9);
    const struct cdc_log_row server = log_row(CDC_CODE_ROW_DELETE, 30, 5, 0, 0, 0);
    expiry.stream.expiries = true;
    assert_true(cdc_log_row_compare(&expiry, &server) < 0);
    take(r, log_row(CDC_CODE_INSERT, 0, 5, 0, 7, 3));
    assert_int_equal(take(r, expiry), 1);
    assert_end(last(r), CDC_EXPIRED, 5, 7);
    assert_int_equal(last(r)->outcome, OUTCOME_EXPIRED);
    assert_int_equal(take(r, server), 0);
}

static void take_three(struct reader *r)
{
    for (uint32_t seat = 4; seat < 7; seat++)
        take(r, log_row(CDC_CODE_INSERT, seat, seat, 0, (uint8_t)(seat + 1), seat));
    take(r, log_row(CDC_CODE_ROW_DELETE, 8, 4, 0, 0, 0));
    take(r, log_row(CDC_CODE_INSERT, 9, 4, 5, 9, 8));
}

static size_t take_range(struct reader *r, struct cdc_log_row from, struct cdc_log_row to)
{
    to.batch_seq = 1;
    from.end_of_batch = false;
    assert_int_equal(take(r, from), 0);
    return take(r, to);
}

/* DELETE ... WHERE event_id = ? AND ticket_id = ?: both bounds are the ticket, without started_at. */
static void range_delete_of_a_ticket(void **state)
{
    struct reader *r = *state;
    take_three(r);
    struct cdc_log_row from = log_row(CDC_CODE_FROM_INCLUSIVE, 20, 4, 0, 0, 0), to = from;
    from.started_ms = to.started_ms = 0;
    to.operation = CDC_CODE_TO_INCLUSIVE;
    assert_int_equal(take_range(r, from, to), 1); /* its first checkout had ended */
    assert_end(last(r), CDC_ROW_DELETE, 4, 9);
    assert_int_equal(last(r)->started_ms, T0 / 1000 + 5);
    /* Of a ticket that nobody knows there is one row all the same. */
    from.ticket_id = to.ticket_id = ticket_id_of(&from.event_id, 77);
    assert_int_equal(take_range(r, from, to), 1);
    assert_int_equal(last(r)->seat, 77);
    assert_int_equal(last(r)->started_ms, 0);
    assert_true(uuid_is_nil(&last(r)->hold_id.u));
}

static void range_bounds(void **state)
{
    struct reader *r = *state;
    take_three(r);
    struct cdc_log_row from = log_row(CDC_CODE_FROM_EXCLUSIVE, 20, 4, 0, 0, 0), to = from;
    to.operation = CDC_CODE_TO_EXCLUSIVE;
    to.ticket_id = ticket_id_of(&from.event_id, 6);
    /* Behind (4, started 0) and before (6, started 0): the newer one of seat 4, and seat 5. */
    assert_int_equal(take_range(r, from, to), 2);
    assert_end(&r->got[r->count - 2], CDC_ROW_DELETE, 4, 9);
    assert_end(last(r), CDC_ROW_DELETE, 5, 6);
    to.ticket_id.u = UUID_NIL; /* to the end of the partition */
    assert_int_equal(take_range(r, from, to), 1);
    assert_end(last(r), CDC_ROW_DELETE, 6, 7);
}

static void whole_partitions(void **state)
{
    struct reader *r = *state;
    take_three(r);
    struct cdc_log_row all = log_row(CDC_CODE_PARTITION_DELETE, 20, 0, 0, 0, 0);
    all.ticket_id.u = UUID_NIL;
    all.started_ms = 0;
    struct cdc_log_row other = all;
    other.event_id = log_event(2);
    assert_int_equal(take(r, other), 0);
    assert_int_equal(take(r, all), 3);
    assert_end(last(r), CDC_ROW_DELETE, 6, 7);
    all.operation = CDC_CODE_PARTITION_EXPIRED;
    assert_int_equal(take(r, all), 0);
    take(r, log_row(CDC_CODE_INSERT, 30, 5, 9, 7, 30));
    assert_int_equal(take(r, all), 1);
    assert_end(last(r), CDC_EXPIRED, 5, 7);
}

static void foreign_rows_are_counted(void **state)
{
    struct reader *r = *state;
    struct cdc_log_row row = log_row(CDC_CODE_INSERT, 0, 5, 0, 7, 3);
    row.ticket_id.u = uuid_numbered(99); /* no ticket of the event */
    assert_int_equal(take(r, row), 0);
    assert_int_equal(take(r, log_row(42, 0, 5, 0, 7, 3)), 0);
    assert_int_equal(take(r, log_row(CDC_CODE_TO_INCLUSIVE, 1, 5, 0, 0, 0)), 0); /* a range without a begin */
    assert_int_equal(r->checkouts.strange, 3);
    assert_int_equal(r->count, 0);
}

/* What has ended long ago makes room; what is still in a checkout is known to its end. */
static void old_checkouts_are_forgotten(void **state)
{
    struct reader *r = *state;
    const int64_t second = 1000000;
    take(r, log_row(CDC_CODE_INSERT, 0, 1000000, 0, 7, 3));
    for (uint32_t i = 0; i < 5000; i++) {
        int64_t at_us = i * second / 10;
        r->count = 0;
        assert_int_equal(take(r, log_row(CDC_CODE_INSERT, at_us, i, 0, 8, 4)), 1);
        assert_int_equal(take(r, log_row(CDC_CODE_ROW_DELETE, at_us + 1, i, 0, 0, 0)), 1);
    }
    /* In a minute 600 of them ended; that many are left whenever they are looked through. */
    assert_in_range(r->checkouts.count, 600, 2048);
    assert_int_equal(take(r, log_row(CDC_CODE_ROW_DELETE, 900 * second, 1000000, 0, 0, 0)), 1);
    assert_end(last(r), CDC_ROW_DELETE, 1000000, 7);
}

static void there_is_a_limit(void **state)
{
    struct reader *r = *state;
    for (uint32_t i = 0; i <= LIMIT_CDC_CHECKOUTS; i++) { /* none of them ends, all at one time */
        r->count = 0;
        assert_int_equal(take(r, log_row(CDC_CODE_INSERT, i / 100, i, 0, 8, 4)), 1);
    }
    assert_true(r->checkouts.count <= LIMIT_CDC_CHECKOUTS);
}

static void smallest_cdc_time(void **state)
{
    (void)state;
    const struct uuid from = cdc_time_from(T0), ours = cdc_time(T0), before = cdc_time(T0 - 1);
    assert_true(uuid_v1_time_us(&from) == T0);
    assert_memory_equal(from.b, ours.b, 8);
    for (int i = 8; i < 16; i++)
        assert_true((int8_t)from.b[i] == INT8_MIN);
    assert_true(uuid_v1_time_us(&before) < uuid_v1_time_us(&from));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(checkout_from_begin_to_end, setup, teardown),
        cmocka_unit_test_setup_teardown(repetitions_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(another_hold_under_the_same_key_is_delivered, setup, teardown),
        cmocka_unit_test_setup_teardown(preimage_tells_whose_the_delete_was, setup, teardown),
        cmocka_unit_test_setup_teardown(expiry_is_not_a_delete_as_well, setup, teardown),
        cmocka_unit_test_setup_teardown(range_delete_of_a_ticket, setup, teardown),
        cmocka_unit_test_setup_teardown(range_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_partitions, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_rows_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(old_checkouts_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(there_is_a_limit, setup, teardown),
        cmocka_unit_test(smallest_cdc_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
