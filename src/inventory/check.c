/* inventory_check(): everything that is kept twice is counted again. */
#include "inventory/inventory_internal.h"
#include <stddef.h>
#include <stdlib.h>

static void check_seat_counts(const struct inventory *inv)
{
    uint32_t counts[SEAT_STATUSES] = {0};
    size_t dirty = 0;
    for (uint32_t i = 0; i < inv->layout->seats_total; i++) {
        const struct seat *s = &inv->seats[i];
        must(s->status < SEAT_STATUSES);
        counts[s->status]++;
        dirty += s->dirty;
        must(s->place == layout_place_of(inv->layout, i));
        bool owned = s->status == SEAT_HELD || s->status == SEAT_SOLD;
        must(owned == !uuid_is_nil(&s->owner));
        must(!owned || s->last_started_ms > 0);
    }
    for (unsigned i = 0; i < SEAT_STATUSES; i++)
        must(counts[i] == inv->counts[i]);
    struct runs *runs = runs_new(inv->layout, seat_is_available, inv);
    must(runs_equal(runs, inv->runs));
    runs_free(runs);
    must(dirty == inv->dirty_count);
    for (size_t i = 0; i < inv->dirty_count; i++)
        must(inv->seats[inv->dirty[i]].dirty);
    must(inv->group_open || dirty == 0);
}

static void check_live(const struct inventory *inv, const struct live *live)
{
    const struct hold *h = &live->hold;
    must(live_by_hold(inv, &h->hold_id) == live);
    must(h->status == HOLD_ACTIVE && h->outcome == OUTCOME_NONE && h->ended_ms == 0);
    must(h->lines == live->lines && h->line_count > 0 && h->started_ms < h->expires_ms);
    must(heap_has(&live->deadline) && live->deadline.key == h->expires_ms);
    must(heap_first(&inv->deadlines)->key <= h->expires_ms);
    int64_t total = 0;
    for (uint32_t i = 0; i < h->line_count; i++) {
        const struct seat *s = &inv->seats[h->lines[i].seat];
        must(s->status == SEAT_HELD && uuid_equal(&s->owner, &h->hold_id.u));
        must(s->last_started_ms == h->started_ms && s->dirty == live_is_dirty(inv, live));
        total += h->lines[i].price.minor;
    }
    must(total == h->total.minor);
    must(live->has_order == !uuid_is_nil(&h->order_id.u));
    if (!live->has_order)
        return;
    const struct order *o = &live->order;
    must(live_by_order(inv, &o->order_id) == live && uuid_equal(&o->order_id.u, &h->order_id.u));
    must(o->status == ORDER_PENDING && o->expires_ms == h->expires_ms && o->total.minor == h->total.minor);
    must(uuid_equal(&o->session_id.u, &h->session_id.u) && uuid_equal(&o->user_id, &h->user_id));
}

struct tally {
    struct session_id session;
    uint32_t held;
};

static struct idmap count_held(const struct inventory *inv)
{
    struct idmap tallies;
    idmap_init(&tallies, offsetof(struct tally, session));
    for (const struct live *live = inv->lives; live; live = live->next) {
        struct tally *t = idmap_find(&tallies, &live->hold.session_id.u);
        if (!t) {
            t = calloc(1, sizeof(*t));
            must(t); /* out of memory ends the program */
            t->session = live->hold.session_id;
            idmap_add(&tallies, t);
        }
        t->held += live->hold.line_count;
    }
    return tallies;
}

/* Which session a sold seat went to is the store's to know, so of those only the sum can be compared. */
static void check_buyers(const struct inventory *inv)
{
    uint64_t sold = 0;
    struct idmap tallies = count_held(inv);
    size_t at = 0;
    for (const struct buyer *b; (b = idmap_next(&inv->buyers, &at));) {
        const struct tally *t = idmap_find(&tallies, &b->session.u);
        must(b->held + b->sold > 0);
        must(b->held == (t ? t->held : 0));
        sold += b->sold;
    }
    must(sold == inv->counts[SEAT_SOLD]);
    at = 0;
    for (struct tally *t; (t = idmap_next(&tallies, &at));) {
        must(buyer_find(inv, &t->session));
        free(t);
    }
    idmap_done(&tallies);
}

void inventory_check(const struct inventory *inv)
{
    check_seat_counts(inv);
    uint32_t holds = 0, orders = 0;
    for (const struct live *live = inv->lives; live; live = live->next) {
        check_live(inv, live);
        holds++;
        orders += live->has_order;
    }
    must(holds == inv->by_hold.count && orders == inv->by_order.count);
    must(inv->deadlines.count == holds);
    check_buyers(inv);
}
