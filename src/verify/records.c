/*
 * Holds and orders: every row of the tables against what the newest change about it wrote; then what must be
 * so among orders and tickets, whatever the log says.
 */
#include "verify/verify_internal.h"

/* ---- rows against the log ---- */

struct record {
    const char *table;
    struct uuid id;
    uint64_t hash;
    int status;
    const char *status_text;
};

static const char *where_of(struct subject *s, const char *table, const struct uuid *id)
{
    return arena_printf(&s->page, "%s, %s", table, say_id(&s->page, id));
}

static const char *status_name(const char *table, int status)
{
    return *table == 'h' ? hold_status_name((enum hold_status)status)
                         : order_status_name((enum order_status)status);
}

static void check_record(struct subject *s, struct idmap *expected, const struct record *r)
{
    struct ledger_record *e = idmap_find(expected, &r->id);
    const char *where = where_of(s, r->table, &r->id);
    if (!e) {
        subject_finding(s, where, arena_printf(&s->page, "a row (%s)", status_name(r->table, r->status)),
                        "no row: no change made it");
        return;
    }
    if (e->seen)
        subject_finding(s, where, "there twice", "there once");
    e->seen = true;
    if (e->hash == r->hash)
        return;
    bool same_status = e->status == r->status;
    subject_finding(s, where,
                    same_status ? "other than the log says, but for its status"
                                : status_name(r->table, r->status),
                    say_by(&s->page, status_name(r->table, e->status), e->seq));
}

static void check_missing(struct subject *s, const char *table, struct idmap *expected)
{
    size_t at = 0;
    for (struct ledger_record *e; (e = idmap_next(expected, &at)); arena_reset(&s->page)) {
        if (e->seen)
            continue;
        subject_finding(s, where_of(s, table, &e->id), "no row",
                        say_by(&s->page, status_name(table, e->status), e->seq));
    }
}

/* ---- holds ---- */

static int check_holds(struct subject *s)
{
    const struct checkout_filter filter = {.event = s->id, .status = -1};
    struct ledger *l = &s->replay.ledger;
    struct cursor cursor = {0};
    struct hold *holds;
    uint32_t count;
    int ret;
    do {
        arena_reset(&s->page);
        ret = store_list_holds(s->v->store, &filter, &cursor, VERIFY_PAGE, &s->page, &holds, &count, &cursor);
        for (uint32_t i = 0; i < count && !ret; i++) {
            const struct record r = {
                .table = "holds",
                .id = holds[i].hold_id.u,
                .hash = hold_hash(&holds[i], &l->row),
                .status = (int)holds[i].status,
            };
            check_record(s, &l->holds, &r);
            s->v->totals.holds++;
        }
    } while (!ret && cursor.size);
    if (!ret)
        check_missing(s, "holds", &l->holds);
    return ret;
}

/* ---- orders ---- */

/* How many of the order's tickets are sold to it. */
static uint32_t sold_to(const struct subject *s, const struct order *order)
{
    uint32_t sold = 0;
    for (uint32_t i = 0; i < order->line_count; i++) {
        uint32_t number = order->lines[i].seat;
        if (number >= s->layout->seats_total)
            continue;
        const struct seat *seat = &s->image.seats[number];
        sold += seat->status == SEAT_SOLD && uuid_equal(&seat->owner, &order->order_id.u);
    }
    return sold;
}

/* Paid if and only if its tickets are sold to it; the total is the sum of its lines. */
static void check_order_rules(struct subject *s, const struct order *order)
{
    const char *where = where_of(s, "orders", &order->order_id.u);
    struct money sum = {0};
    for (uint32_t i = 0; i < order->line_count; i++)
        if (money_add(sum, order->lines[i].price, &sum))
            break;
    if (sum.minor != order->total.minor)
        subject_finding(s, where, arena_printf(&s->page, "a total of %lld", (long long)order->total.minor),
                        arena_printf(&s->page, "the sum of its lines, %lld", (long long)sum.minor));
    if (!s->loaded || s->replay.seq != s->image.seq)
        return; /* which seats are sold is not known of just this moment */
    uint32_t sold = sold_to(s, order), should = order->status == ORDER_PAID ? order->line_count : 0;
    if (sold != should)
        subject_finding(
            s, where,
            arena_printf(&s->page, "%s, and %u of its %u tickets are sold to it",
                         order_status_name(order->status), sold, order->line_count),
            arena_printf(&s->page, "%s, and %u are sold to it", order_status_name(order->status), should));
}

static int check_orders(struct subject *s)
{
    const struct order_filter filter = {.event = &s->id, .status = -1};
    struct ledger *l = &s->replay.ledger;
    struct cursor cursor = {0};
    struct order *orders;
    uint32_t count;
    int ret;
    do {
        arena_reset(&s->page);
        ret =
            store_list_orders(s->v->store, &filter, &cursor, VERIFY_PAGE, &s->page, &orders, &count, &cursor);
        for (uint32_t i = 0; i < count && !ret; i++) {
            const struct record r = {
                .table = "orders",
                .id = orders[i].order_id.u,
                .hash = order_hash(&orders[i], &l->row),
                .status = (int)orders[i].status,
            };
            check_record(s, &l->orders, &r);
            check_order_rules(s, &orders[i]);
            s->v->totals.orders++;
        }
    } while (!ret && cursor.size);
    if (!ret)
        check_missing(s, "orders", &l->orders);
    return ret;
}

/* ---- what was loaded ---- */

/* A restart would go on with these. */
static void check_loaded(struct subject *s)
{
    struct ledger *l = &s->replay.ledger;
    uint32_t live = inventory_live_holds(s->replay.inv);
    for (size_t i = 0; i < s->image.hold_count; i++) {
        const struct hold *hold = &s->image.holds[i];
        const struct ledger_record *e = idmap_find(&l->holds, &hold->hold_id.u);
        if (!e || e->status != HOLD_ACTIVE || e->hash != hold_hash(hold, &l->row))
            subject_finding(s, where_of(s, "the loaded event, hold", &hold->hold_id.u), "live",
                            e ? say_by(&s->page, hold_status_name((enum hold_status)e->status), e->seq)
                              : "not there");
    }
    if (s->image.hold_count != live)
        subject_finding(s, "the loaded event, live holds", arena_printf(&s->page, "%zu", s->image.hold_count),
                        arena_printf(&s->page, "%u", live));
}

/* A list that stumbles over a row: which row it is, the line above or below says. */
static int tell_damage(struct subject *s, const char *table, int ret)
{
    if (ret != BOX_ECORRUPT && ret != BOX_ENEWER)
        return ret;
    subject_finding(s, table, "a row that makes no sense", "rows that can be read");
    return 0;
}

int verify_records(struct subject *s)
{
    if (s->loaded && s->replay.seq == s->image.seq)
        check_loaded(s);
    int ret = subject_catch_up(s);
    if (!ret)
        ret = tell_damage(s, "holds", check_holds(s));
    if (!ret)
        ret = subject_catch_up(s);
    if (!ret)
        ret = tell_damage(s, "orders", check_orders(s));
    arena_reset(&s->page);
    return ret;
}
