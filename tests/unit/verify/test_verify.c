/*
 * verify finds nothing in what the program wrote, and everything that somebody else did to it: each test
 * alters one row in the way that it says.
 */
#include "change/rows.h"
#include "store/kv/kv_store.h"
#include "unit/verify/busy.h"
#include "verify/verify.h"
#include <sodium.h>

static int busy_setup(void **state)
{
    struct busy *b = calloc(1, sizeof(*b));
    assert_true(sodium_init() >= 0);
    busy_init(b, "a");
    *state = b;
    return 0;
}

static int busy_teardown(void **state)
{
    busy_done(*state);
    free(*state);
    return 0;
}

/* ---- looking ---- */

struct seen {
    struct findings findings;
    struct verify_totals totals;
};

static void look_at(struct busy *b, const struct event_id *event, struct seen *ret)
{
    const struct verify_options options = {.store = b->w.store, .event = event, .now_ms = b->w.now_us / 1000};
    assert_int_equal(verify_run(&options, &ret->findings, &ret->totals), 0);
}

static void say_all(const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        print_message("%s: is %s; should be %s\n", f->list[i].where, f->list[i].is, f->list[i].should_be);
}

static void assert_clean(struct busy *b)
{
    struct seen s;
    look_at(b, NULL, &s);
    if (s.findings.count)
        say_all(&s.findings);
    assert_int_equal(s.findings.count, 0);
    findings_done(&s.findings);
}

/* Some finding has these words. */
static bool found(const struct findings *f, const char *where, const char *is, const char *should_be)
{
    for (size_t i = 0; i < f->count; i++)
        if (strstr(f->list[i].where, where) && strstr(f->list[i].is, is) &&
            strstr(f->list[i].should_be, should_be))
            return true;
    say_all(f);
    return false;
}

static void assert_finds(struct busy *b, const char *where, const char *is, const char *should_be)
{
    struct seen s;
    look_at(b, NULL, &s);
    assert_true(found(&s.findings, where, is, should_be));
    findings_done(&s.findings);
}

static void assert_finds_only(struct busy *b, const char *where, const char *is, const char *should_be)
{
    struct seen s;
    look_at(b, NULL, &s);
    assert_true(found(&s.findings, where, is, should_be));
    if (s.findings.count > 1)
        say_all(&s.findings);
    assert_int_equal(s.findings.count, 1);
    findings_done(&s.findings);
}

/* ---- writing by hand ---- */

static void put_raw(struct busy *b, enum table t, const struct key *k, const struct buf *value)
{
    struct kv *kv = kv_store_of(b->w.store)->kv;
    struct kv_batch *batch = kv->ops->batch_new(kv, KV_BATCH_WORKER);
    if (value)
        kv->ops->put(batch, t, k->b, k->size, value->data, value->size);
    else
        kv->ops->del(batch, t, k->b, k->size);
    assert_int_equal(kv->ops->write(kv, batch, true), 0);
    kv->ops->batch_free(batch);
}

static struct ticket_row stored_ticket(struct busy *b, uint32_t seat)
{
    struct ticket_row row;
    assert_int_equal(store_get_ticket(b->w.store, &b->e.id, seat, &row), 0);
    return row;
}

static void put_ticket(struct busy *b, const struct ticket_row *row)
{
    struct key k;
    struct buf value = {0};
    key_ticket(&k, &row->event_id, row->seat);
    ticket_row_encode(row, &value);
    put_raw(b, TABLE_TICKETS, &k, &value);
    buf_done(&value);
}

static void put_hold(struct busy *b, const struct hold *hold)
{
    struct key k;
    struct buf value = {0};
    key_begin(&k);
    key_id(&k, &hold->hold_id.u);
    hold_encode(hold, &value);
    put_raw(b, TABLE_HOLDS, &k, &value);
    buf_done(&value);
}

static void put_order(struct busy *b, const struct order *order)
{
    struct key k;
    struct buf value = {0};
    key_begin(&k);
    key_id(&k, &order->order_id.u);
    order_encode(order, &value);
    put_raw(b, TABLE_ORDERS, &k, &value);
    buf_done(&value);
}

/* ---- clean ---- */

static void what_the_program_wrote_is_clean(void **state)
{
    struct busy *b = *state;
    struct seen s;
    look_at(b, NULL, &s);
    say_all(&s.findings);
    assert_int_equal(s.findings.count, 0);
    assert_int_equal(s.totals.events, 1);
    assert_int_equal(s.totals.changes, inventory_seq(b->e.inv));
    assert_int_equal(s.totals.holds, 9);
    assert_int_equal(s.totals.orders, 5);
    assert_true(s.totals.cdc_rows > 20);
    assert_true(s.totals.tickets > 15 && s.totals.tickets < SEATS); /* not those that nobody touched */
    findings_done(&s.findings);
}

static void other_events_are_not_looked_at(void **state)
{
    struct busy *b = *state;
    struct show other = begin_show(&b->w, "b");
    struct ticket_row row = stored_ticket(b, BUSY_PAID);
    struct seen s;
    row.price.minor++;
    put_ticket(b, &row);
    take_seats(&other, b->ada, 3, 2);
    look_at(b, &other.id, &s);
    assert_int_equal(s.findings.count, 0);
    assert_int_equal(s.totals.events, 1);
    assert_int_equal(s.totals.cdc_rows, 2);
    findings_done(&s.findings);
    look_at(b, NULL, &s);
    assert_int_equal(s.findings.count, 1);
    assert_int_equal(s.totals.events, 2);
    findings_done(&s.findings);
    end_show(&other);
}

static void an_event_that_is_not_there_is_said(void **state)
{
    struct busy *b = *state;
    struct event_id id = event_id_new(&b->w.rng);
    struct findings findings;
    struct verify_totals totals;
    const struct verify_options options = {.store = b->w.store, .event = &id};
    assert_int_equal(verify_run(&options, &findings, &totals), BOX_ENOTFOUND);
    findings_done(&findings);
}

/* ---- tickets ---- */

static void a_seat_given_away_by_hand(void **state)
{
    struct busy *b = *state;
    struct ticket_row row = stored_ticket(b, BUSY_UNTOUCHED);
    row.status = SEAT_SOLD;
    put_ticket(b, &row);
    assert_finds(b, "tickets, seat 25", "sold", "available, as created");
    assert_finds(b, "the loaded event", "not loadable", "loadable");
}

static void a_sold_seat_made_free_by_hand(void **state)
{
    struct busy *b = *state;
    struct ticket_row row = {.event_id = b->e.id, .seat = BUSY_PAID + 1};
    row.last_started_ms = stored_ticket(b, BUSY_PAID + 1).last_started_ms;
    put_ticket(b, &row);
    assert_finds(b, "tickets, seat 5", "available", "sold, hold_id");
}

/* It loads, and would let a second hold of the seat begin at the time of the first. */
static void a_seat_that_forgot_when_it_was_held(void **state)
{
    struct busy *b = *state;
    struct ticket_row row = stored_ticket(b, BUSY_REFUNDED);
    row.last_started_ms = 0;
    put_ticket(b, &row);
    assert_finds_only(b, "tickets, seat 14", "available", "available, last held from");
}

static void a_hold_given_to_another_session(void **state)
{
    struct busy *b = *state;
    struct ticket_row row = stored_ticket(b, BUSY_LIVE);
    row.session = b->bob;
    put_ticket(b, &row);
    assert_finds_only(b, "tickets, seat 0", "hold_session", "held, hold_id");
}

static void a_price_as_taken_altered(void **state)
{
    struct busy *b = *state;
    struct ticket_row row = stored_ticket(b, BUSY_PAID);
    row.price.minor = 1;
    put_ticket(b, &row);
    assert_finds_only(b, "tickets, seat 4", "at 1", "at 4500");
}

static void a_ticket_that_is_gone(void **state)
{
    struct busy *b = *state;
    struct key k;
    key_ticket(&k, &b->e.id, BUSY_UNTOUCHED);
    put_raw(b, TABLE_TICKETS, &k, NULL);
    assert_finds(b, "tickets, seat 25", "no row", "available, as created");
}

/* ---- holds and orders ---- */

static void a_hold_altered(void **state)
{
    struct busy *b = *state;
    struct hold hold = stored_hold(&b->e, b->released);
    hold.outcome = OUTCOME_CANCELLED;
    put_hold(b, &hold);
    assert_finds_only(b, "holds, ", "but for its status", "released, by change");
}

static void a_live_hold_with_more_time(void **state)
{
    struct busy *b = *state;
    struct hold hold = stored_hold(&b->e, b->live);
    hold.expires_ms += 60000;
    put_hold(b, &hold);
    assert_finds(b, "the loaded event, hold", "live", "active, by change");
    assert_finds(b, "holds, ", "but for its status", "active, by change");
}

static void a_hold_that_is_gone_and_one_that_nobody_made(void **state)
{
    struct busy *b = *state;
    struct hold hold = stored_hold(&b->e, b->released);
    struct key k;
    key_begin(&k);
    key_id(&k, &b->released.u);
    put_raw(b, TABLE_HOLDS, &k, NULL);
    assert_finds_only(b, "holds, ", "no row", "released, by change");
    hold.hold_id = hold_id_new(&b->e.id, 5, &b->w.rng);
    put_hold(b, &hold);
    assert_finds(b, "holds, ", "a row (released)", "no change made it");
}

static void an_order_paid_by_hand(void **state)
{
    struct busy *b = *state;
    struct order order = stored_order(&b->e, b->cancelled);
    order.status = ORDER_PAID;
    order.purchased_ms = order.ended_ms;
    put_order(b, &order);
    assert_finds(b, "orders, ", "paid", "cancelled, by change");
    assert_finds(b, "orders, ", "paid, and 0 of its 2 tickets are sold to it", "paid, and 2 are sold to it");
}

static void an_order_that_costs_something_else(void **state)
{
    struct busy *b = *state;
    struct order order = stored_order(&b->e, b->paid);
    order.total.minor = 100;
    put_order(b, &order);
    assert_finds(b, "orders, ", "a total of 100", "the sum of its lines, 13500");
    assert_finds(b, "orders, ", "but for its status", "paid, by change");
}

/* ---- order_queue ---- */

static void order_queue_key(struct busy *b, uint32_t seat, struct key *ret)
{
    key_order_queue(ret, &b->e.id, seat, stored_ticket(b, seat).last_started_ms);
}

static void a_checkout_that_is_not_recorded(void **state)
{
    struct busy *b = *state;
    struct key k;
    order_queue_key(b, BUSY_LIVE, &k);
    put_raw(b, TABLE_ORDER_QUEUE, &k, NULL);
    assert_finds_only(b, "order_queue, seat 0", "no row", "hold_id");
    b->w.now_us += 901 * INT64_C(1000000); /* then its TTL would have ended it, too */
    assert_clean(b);
}

static void a_checkout_that_is_no_more(void **state)
{
    struct busy *b = *state;
    struct order_queue_row row = {.event_id = b->e.id, .seat = BUSY_PAID, .seq = 3, .hold_id = b->expired};
    struct key k;
    struct buf value = {0};
    order_queue_key(b, BUSY_PAID, &k);
    order_queue_row_encode(&row, &value);
    put_raw(b, TABLE_ORDER_QUEUE, &k, &value);
    buf_done(&value);
    assert_finds_only(b, "order_queue, seat 4", "hold_id", "no row: the seat is not held");
}

static void a_checkout_of_another_hold(void **state)
{
    struct busy *b = *state;
    struct order_queue_row row = {.seq = 3, .hold_id = b->expired, .expires_ms = b->w.now_us / 1000};
    struct key k;
    struct buf value = {0};
    order_queue_key(b, BUSY_ORDERED, &k);
    order_queue_row_encode(&row, &value);
    put_raw(b, TABLE_ORDER_QUEUE, &k, &value);
    buf_done(&value);
    assert_finds_only(b, "order_queue, seat 2", "hold_id", "hold_id");
}

/* ---- the change log ---- */

/* The store's row of the log that ends with this commit. */
static void read_log_row(struct busy *b, uint64_t commit_no, struct key *ret_key, struct buf *ret_value)
{
    struct kv *kv = kv_store_of(b->w.store)->kv;
    struct kv_read r;
    key_change(ret_key, commit_no);
    assert_int_equal(kv->ops->read_begin(kv, false, &r), 0);
    assert_int_equal(kv->ops->get(&r, TABLE_CHANGES, ret_key->b, ret_key->size, ret_value), 0);
    kv->ops->read_end(&r);
}

static void a_change_altered(void **state)
{
    struct busy *b = *state;
    struct key k;
    struct buf value = {0};
    read_log_row(b, 6, &k, &value);
    value.data[value.size - 1] = (char)(value.data[value.size - 1] ^ 1); /* of its hash */
    put_raw(b, TABLE_CHANGES, &k, &value);
    buf_done(&value);
    assert_finds_only(b, "changes, change 6", "its hash does not follow", "a change that follows");
}

static void a_change_that_makes_no_sense(void **state)
{
    struct busy *b = *state;
    struct key k;
    struct buf value = {0};
    read_log_row(b, 6, &k, &value);
    assert_int_equal(value.data[4 + 2], 1); /* behind count and size: its version */
    value.data[4 + 2] = 0;
    put_raw(b, TABLE_CHANGES, &k, &value);
    buf_done(&value);
    assert_finds(b, "changes, change 6", "missing or damaged", "a change");
    assert_finds(b, "order_queue_scylla_cdc_log", "makes no sense", "rows that can be read");
}

static void a_change_that_is_gone(void **state)
{
    struct busy *b = *state;
    struct key k;
    key_change_by_event(&k, &b->e.id, 9);
    put_raw(b, TABLE_CHANGES_BY_EVENT, &k, NULL);
    assert_finds_only(b, "changes, change 9", "missing or damaged", "a change");
}

static void the_newest_change_is_gone(void **state)
{
    struct busy *b = *state;
    struct key k;
    key_change_by_event(&k, &b->e.id, inventory_seq(b->e.inv));
    put_raw(b, TABLE_CHANGES_BY_EVENT, &k, NULL);
    assert_finds_only(b, "changes, change ", "missing", "the tickets are at change");
}

/* ---- the CDC log, which this store makes of the changes: through a list that lies ---- */

static const struct store_ops *honest;
static struct cdc_lie {
    uint64_t drop, twice, alter; /* commit numbers */
    bool row_only;               /* drop: only the first row */
} lie;

static int lying_list_cdc(struct store *s, const struct cursor *after, uint32_t limit, struct arena *arena,
                          struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor,
                          bool *ret_more)
{
    struct cdc_row *rows, *out = arena_array(arena, 2 * (size_t)limit, sizeof(*out));
    uint32_t count, n = 0;
    assert_int_equal(honest->list_cdc(s, after, limit, arena, &rows, &count, ret_cursor, ret_more), 0);
    for (uint32_t i = 0; i < count; i++) {
        const struct cdc_row *row = &rows[i];
        if (row->commit_no == lie.drop && (!lie.row_only || row->batch_seq == 0))
            continue;
        out[n++] = *row;
        if (row->commit_no == lie.alter)
            out[n - 1].ttl++;
        if (row->commit_no == lie.twice)
            out[n++] = *row;
    }
    *ret_rows = out;
    *ret_count = n;
    return 0;
}

static void with_lie(struct busy *b, struct cdc_lie told, const char *is, const char *should_be)
{
    static struct store_ops truth;
    struct store_ops *ops = (struct store_ops *)(uintptr_t)b->w.store->ops; /* the mem store's own copy */
    truth = *ops;
    honest = &truth;
    lie = told;
    ops->list_cdc = lying_list_cdc;
    assert_finds_only(b, "order_queue_scylla_cdc_log, change 4", is, should_be);
    ops->list_cdc = truth.list_cdc;
    assert_clean(b);
}

static void cdc_rows_missing(void **state)
{
    with_lie(*state, (struct cdc_lie){.drop = 4}, "no rows", "2 rows");
}

static void a_cdc_row_missing(void **state)
{
    with_lie(*state, (struct cdc_lie){.drop = 4, .row_only = true}, "1 row", "the 2 rows");
}

static void cdc_rows_twice(void **state)
{
    with_lie(*state, (struct cdc_lie){.twice = 4}, "4 rows", "the 2 rows");
}

static void cdc_rows_altered(void **state)
{
    with_lie(*state, (struct cdc_lie){.alter = 4}, "rows that say something else", "the 2 rows");
}

/* ---- a store that others write to meanwhile ---- */

static unsigned looks;

static int list_events_counted(struct store *s, int (*each)(void *ctx, struct event_id id), void *ctx)
{
    looks++;
    return honest->list_events(s, each, ctx);
}

static void until_anything(struct store *s, int64_t until_us)
{
    (void)s;
    assert_true(until_us > 0);
}

/* A list that lies in its first look only: what a reader sees while a commit is being written out. */
static int slow_list_cdc(struct store *s, const struct cursor *after, uint32_t limit, struct arena *arena,
                         struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor,
                         bool *ret_more)
{
    lie.drop = looks == 1 ? 4 : 0;
    return lying_list_cdc(s, after, limit, arena, ret_rows, ret_count, ret_cursor, ret_more);
}

static void what_is_under_way_is_no_finding(void **state)
{
    struct busy *b = *state;
    static struct store_ops truth;
    static const struct store_shared_ops shared = {.cdc_until = until_anything};
    struct store_ops *ops = (struct store_ops *)(uintptr_t)b->w.store->ops;
    truth = *ops;
    honest = &truth;
    lie = (struct cdc_lie){0};
    looks = 0;
    ops->list_cdc = slow_list_cdc;
    ops->list_events = list_events_counted;
    ops->shared = &shared;
    assert_clean(b);
    assert_int_equal(looks, 2); /* nothing was left to look for */

    struct ticket_row row = stored_ticket(b, BUSY_PAID);
    row.price.minor = 1;
    put_ticket(b, &row);
    looks = 0;
    assert_finds_only(b, "tickets, seat 4", "at 1", "at 4500");
    assert_int_equal(looks, 3);
    *ops = truth;
}

static int load_event_never(struct store *s, const struct event_id *id,
                            struct layout *(*layout_of)(void *, const struct venue_id *), void *ctx,
                            struct image *ret_image)
{
    (void)s, (void)id, (void)layout_of, (void)ctx, (void)ret_image;
    return BOX_EBUSY;
}

/* Sold so quickly that it never stands still. */
static void an_event_that_cannot_be_loaded_is_read_row_by_row(void **state)
{
    struct busy *b = *state;
    struct store_ops *ops = (struct store_ops *)(uintptr_t)b->w.store->ops;
    ops->load_event = load_event_never;
    struct seen s;
    look_at(b, NULL, &s);
    assert_int_equal(s.findings.count, 0);
    assert_int_equal(s.totals.tickets, SEATS);
    findings_done(&s.findings);
    struct ticket_row row = stored_ticket(b, BUSY_UNTOUCHED);
    row.status = SEAT_SOLD;
    put_ticket(b, &row);
    assert_finds_only(b, "tickets, seat 25", "sold", "available, as created");
    ops->load_event = kv_store_ops.load_event;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, busy_setup, busy_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_program_wrote_is_clean),
        TEST(other_events_are_not_looked_at),
        TEST(an_event_that_is_not_there_is_said),
        TEST(a_seat_given_away_by_hand),
        TEST(a_sold_seat_made_free_by_hand),
        TEST(a_seat_that_forgot_when_it_was_held),
        TEST(a_hold_given_to_another_session),
        TEST(a_price_as_taken_altered),
        TEST(a_ticket_that_is_gone),
        TEST(a_hold_altered),
        TEST(a_live_hold_with_more_time),
        TEST(a_hold_that_is_gone_and_one_that_nobody_made),
        TEST(an_order_paid_by_hand),
        TEST(an_order_that_costs_something_else),
        TEST(a_checkout_that_is_not_recorded),
        TEST(a_checkout_that_is_no_more),
        TEST(a_checkout_of_another_hold),
        TEST(a_change_altered),
        TEST(a_change_that_makes_no_sense),
        TEST(a_change_that_is_gone),
        TEST(the_newest_change_is_gone),
        TEST(cdc_rows_missing),
        TEST(a_cdc_row_missing),
        TEST(cdc_rows_twice),
        TEST(cdc_rows_altered),
        TEST(what_is_under_way_is_no_finding),
        TEST(an_event_that_cannot_be_loaded_is_read_row_by_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
