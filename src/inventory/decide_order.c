/* Orders: attempts to purchase a hold, and the way back from a purchase. */
#include "base/error.h"
#include "inventory/inventory_internal.h"

static struct order new_order(const struct decision *d, const struct live *live, uint64_t seq)
{
    struct order order = {
        .order_id = order_id_new(&d->inv->event->event_id, seq, d->inv->rng),
        .event_id = d->inv->event->event_id,
        .hold_id = live->hold.hold_id,
        .session_id = live->hold.session_id,
        .user_id = d->command->user_id,
        .status = ORDER_PENDING,
        .created_ms = stamp_ms(d, live),
        .expires_ms = live->hold.expires_ms,
        .total = live->hold.total,
    };
    order_code_new(d->inv->rng, order.code);
    return order;
}

int decide_order_create(struct decision *d)
{
    struct live *live = NULL;
    int ret = find_live(d, live_by_hold(d->inv, &d->command->hold_id), &live);
    if (ret)
        return ret;
    /* First: the answer is the same whether or not the expiry was decided already. */
    if (past_deadline(d, live))
        return BOX_EHOLDEXPIRED;
    if (live->has_order) {
        d->verdict->order_id = live->order.order_id;
        return BOX_EORDEREXISTS;
    }
    if (live_is_dirty(d->inv, live))
        return BOX_EDEFER;

    struct change *c = emit_begin(d, CHANGE_ORDER_CREATED);
    struct order order = new_order(d, live, c->seq);
    live_set_order(d->inv, live, &order);
    emit_lines(d, c, live->lines, live->hold.line_count, SEAT_HELD, SEAT_HELD, &live->hold.hold_id.u);
    emit_records(d, c, &live->hold, &live->order);
    emit_finish(d, c);
    return BOX_OK;
}

int decide_order_confirm(struct decision *d)
{
    struct live *live = NULL;
    int ret = find_live(d, live_by_order(d->inv, &d->command->order_id), &live);
    if (ret)
        return ret;
    if (past_deadline(d, live))
        return BOX_EHOLDEXPIRED;
    if (live_is_dirty(d->inv, live))
        return BOX_EDEFER;
    end_hold(d, live, CHANGE_ORDER_PAID, OUTCOME_PURCHASED);
    return BOX_OK;
}

int decide_order_cancel(struct decision *d)
{
    struct live *live = NULL;
    int ret = find_live(d, live_by_order(d->inv, &d->command->order_id), &live);
    if (ret)
        return ret;
    if (past_deadline(d, live))
        return refuse_state(d, BOX_EORDERSTATE, order_status_name(ORDER_EXPIRED));
    if (live_is_dirty(d->inv, live))
        return BOX_EDEFER;
    end_hold(d, live, CHANGE_ORDER_CANCELLED, OUTCOME_CANCELLED);
    return BOX_OK;
}

/* ---- refunds ---- */

/*
 * 0 when the order as the store has it was paid; its seats may still say otherwise. A copy that says
 * "pending" while no such order is live is out of date: the caller looks again.
 */
static int check_paid(struct decision *d, const struct order *stored)
{
    struct live *live = live_by_order(d->inv, &d->command->order_id);
    if (live) {
        int ret = check_owner(d, &live->order.session_id);
        enum order_status status = past_deadline(d, live) ? ORDER_EXPIRED : ORDER_PENDING;
        return ret ? ret : refuse_state(d, BOX_EORDERSTATE, order_status_name(status));
    }
    if (!stored)
        return BOX_ENOTLIVE;
    must(uuid_equal(&stored->order_id.u, &d->command->order_id.u));
    must(uuid_equal(&stored->event_id.u, &d->inv->event->event_id.u));
    int ret = check_owner(d, &stored->session_id);
    if (ret)
        return ret;
    if (stored->status == ORDER_PENDING)
        return BOX_ENOTLIVE;
    return stored->status == ORDER_PAID ? 0
                                        : refuse_state(d, BOX_EORDERSTATE, order_status_name(stored->status));
}

/* The stored copy may be older than a refund of this order: who owns the seats decides. */
static bool still_sold(const struct decision *d, const struct order *order)
{
    must(order->line_count > 0 && order->lines);
    for (uint32_t i = 0; i < order->line_count; i++) {
        must(order->lines[i].seat < d->inv->layout->seats_total);
        const struct seat *seat = &d->inv->seats[order->lines[i].seat];
        if (seat->status != SEAT_SOLD || !uuid_equal(&seat->owner, &order->order_id.u))
            return false;
    }
    return true;
}

static bool lines_dirty(const struct decision *d, const struct order *order)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (d->inv->seats[order->lines[i].seat].dirty)
            return true;
    }
    return false;
}

int decide_order_refund(struct decision *d)
{
    const struct order *stored = d->command->stored_order;
    int ret = check_paid(d, stored);
    if (ret)
        return ret;
    if (!still_sold(d, stored))
        return refuse_state(d, BOX_EORDERSTATE, order_status_name(ORDER_REFUNDED));
    if (lines_dirty(d, stored))
        return BOX_EDEFER;

    struct order order = *stored;
    order.status = ORDER_REFUNDED;
    order.ended_ms = d->now_ms > order.purchased_ms ? d->now_ms : order.purchased_ms;
    struct change *c = emit_begin(d, CHANGE_ORDER_REFUNDED);
    emit_lines(d, c, stored->lines, stored->line_count, SEAT_SOLD,
               d->command->block_seats ? SEAT_BLOCKED : SEAT_AVAILABLE, &UUID_NIL);
    emit_records(d, c, NULL, &order);
    emit_finish(d, c);
    buyer_add(d->inv, &order.session_id, 0, -(int64_t)stored->line_count);
    return BOX_OK;
}
