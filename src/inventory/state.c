/*
 * The state of an event: seats, live holds, counters of sessions. Nothing here decides anything.
 */
#include "inventory/inventory_internal.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { FIRST_CAP = 64 };

/* ---- seats ---- */

void seat_mark(struct inventory *inv, uint32_t seat)
{
    if (inv->seats[seat].dirty)
        return;
    if (inv->dirty_count == inv->dirty_cap) {
        inv->dirty_cap = inv->dirty_cap ? 2 * inv->dirty_cap : FIRST_CAP;
        inv->dirty = realloc(inv->dirty, inv->dirty_cap * sizeof(inv->dirty[0]));
        must(inv->dirty); /* out of memory ends the program */
    }
    inv->dirty[inv->dirty_count++] = seat;
    inv->seats[seat].dirty = 1;
}

void seat_set(struct inventory *inv, uint32_t seat, enum seat_status before, enum seat_status after,
              const struct uuid *owner)
{
    must(seat < inv->layout->seats_total);
    struct seat *s = &inv->seats[seat];
    must(s->status == before && inv->counts[before] > 0);
    inv->counts[before]--;
    inv->counts[after]++;
    if ((before == SEAT_AVAILABLE) != (after == SEAT_AVAILABLE))
        runs_set(inv->runs, seat, after == SEAT_AVAILABLE);
    s->status = (uint8_t)after;
    s->owner = *owner;
    seat_mark(inv, seat);
}

void seats_unmark(struct inventory *inv)
{
    for (size_t i = 0; i < inv->dirty_count; i++)
        inv->seats[inv->dirty[i]].dirty = 0;
    inv->dirty_count = 0;
}

bool seat_is_available(const void *inv, uint32_t seat)
{
    return ((const struct inventory *)inv)->seats[seat].status == SEAT_AVAILABLE;
}

/* ---- live holds ---- */

struct live *live_by_hold(const struct inventory *inv, const struct hold_id *id)
{
    return idmap_find(&inv->by_hold, &id->u);
}

struct live *live_by_order(const struct inventory *inv, const struct order_id *id)
{
    return idmap_find(&inv->by_order, &id->u);
}

struct live *live_add(struct inventory *inv, const struct hold *hold)
{
    must(hold->status == HOLD_ACTIVE && hold->line_count > 0);
    size_t size = hold->line_count * sizeof(struct line);
    struct live *live = calloc(1, sizeof(*live) + size);
    must(live); /* out of memory ends the program */
    live->hold = *hold;
    memcpy(live->lines, hold->lines, size);
    live->hold.lines = live->lines;
    DL_APPEND(inv->lives, live);
    idmap_add(&inv->by_hold, live);
    heap_set(&inv->deadlines, &live->deadline, hold->expires_ms);
    return live;
}

void live_set_order(struct inventory *inv, struct live *live, const struct order *order)
{
    must(!live->has_order && order->status == ORDER_PENDING);
    must(uuid_equal(&order->hold_id.u, &live->hold.hold_id.u));
    must(!live_by_order(inv, &order->order_id));
    live->has_order = true;
    live->order = *order;
    live->order.lines = NULL;
    live->order.line_count = 0;
    live->order.expires_ms = live->hold.expires_ms;
    live->hold.order_id = order->order_id;
    live->hold.user_id = order->user_id;
    idmap_add(&inv->by_order, live);
}

void live_set_deadline(struct inventory *inv, struct live *live, int64_t expires_ms)
{
    must(expires_ms >= live->hold.expires_ms); /* a deadline never comes nearer */
    live->hold.expires_ms = expires_ms;
    if (live->has_order)
        live->order.expires_ms = expires_ms;
    heap_set(&inv->deadlines, &live->deadline, expires_ms);
}

void live_remove(struct inventory *inv, struct live *live)
{
    if (live->has_order)
        idmap_remove(&inv->by_order, live);
    idmap_remove(&inv->by_hold, live);
    DL_DELETE(inv->lives, live);
    heap_remove(&inv->deadlines, &live->deadline);
    free(live);
}

bool live_is_dirty(const struct inventory *inv, const struct live *live)
{
    must(live->hold.line_count > 0);
    return inv->seats[live->lines[0].seat].dirty;
}

/* ---- buyers ---- */

static struct buyer *find_buyer(const struct inventory *inv, const struct session_id *session)
{
    return idmap_find(&inv->buyers, &session->u);
}

const struct buyer *buyer_find(const struct inventory *inv, const struct session_id *session)
{
    return find_buyer(inv, session);
}

void buyer_add(struct inventory *inv, const struct session_id *session, int64_t held, int64_t sold)
{
    struct buyer *buyer = find_buyer(inv, session);
    if (!buyer) {
        buyer = calloc(1, sizeof(*buyer));
        must(buyer); /* out of memory ends the program */
        buyer->session = *session;
        idmap_add(&inv->buyers, buyer);
    }
    must(buyer->held + held >= 0 && buyer->sold + sold >= 0);
    buyer->held = (uint32_t)(buyer->held + held);
    buyer->sold = (uint32_t)(buyer->sold + sold);
    if (buyer->held == 0 && buyer->sold == 0) {
        idmap_remove(&inv->buyers, buyer);
        free(buyer);
    }
}
