/*
 * Which rows a change writes.
 *
 *   kind                        ticket     order_queue  CDC         hold, order
 *   --------------------------- ---------- ------------ ----------- ----------------
 *   event_*                     -          -            -           -
 *   seats_blocked, _unblocked   each seat  -            -           -
 *   hold_created                each seat  put          2 insert    hold
 *   hold_extended               each seat  put          1 update    hold, its order
 *   hold_released               each seat  delete       3 delete    hold, its order
 *   hold_expired                each seat  delete       -3 expired  hold, its order
 *   order_created               each seat  -            -           hold, order
 *   order_paid                  each seat  delete       3 delete    hold, order
 *   order_cancelled             each seat  delete       3 delete    hold, order
 *   order_refunded              each seat  -            -           order
 */
#include "change/rows.h"
#include "base/must.h"

/* What happens to the order_queue rows of a change's seats. */
enum queue_effect { QUEUE_NONE, QUEUE_PUT, QUEUE_DELETE };

static enum queue_effect queue_effect(enum change_kind kind, enum cdc_operation *ret_operation)
{
    switch (kind) {
    case CHANGE_HOLD_CREATED:
        *ret_operation = CDC_INSERT;
        return QUEUE_PUT;
    case CHANGE_HOLD_EXTENDED:
        *ret_operation = CDC_UPDATE;
        return QUEUE_PUT;
    case CHANGE_HOLD_RELEASED:
    case CHANGE_ORDER_PAID:
    case CHANGE_ORDER_CANCELLED:
        *ret_operation = CDC_ROW_DELETE;
        return QUEUE_DELETE;
    case CHANGE_HOLD_EXPIRED:
        *ret_operation = CDC_EXPIRED;
        return QUEUE_DELETE;
    default:
        return QUEUE_NONE;
    }
}

bool change_has_cdc(enum change_kind kind)
{
    enum cdc_operation operation;
    return queue_effect(kind, &operation) != QUEUE_NONE;
}

struct uuid cdc_time(int64_t time_us)
{
    /* A made-up node: the lowest bit of its first byte says that it is no network card's. */
    static const uint8_t node[6] = {'c', 'd', 'c', 'l', 'o', 'g'};
    return uuid_v1(time_us, 0, 0, node);
}

static struct order_id order_of(const struct change *c)
{
    if (c->order)
        return c->order->order_id;
    return c->hold ? c->hold->order_id : (struct order_id){UUID_NIL};
}

static struct ticket_row ticket_row_of(const struct change *c, const struct seat_change *s)
{
    struct ticket_row row = {
        .event_id = c->event_id,
        .seat = s->seat,
        .status = (enum seat_status)s->after,
        .last_started_ms = s->last_started_ms,
    };
    if (s->after != SEAT_HELD && s->after != SEAT_SOLD)
        return row;
    must(c->hold);
    row.price_type = s->price_type;
    row.price = s->price;
    row.hold_id = c->hold->hold_id;
    row.session = c->hold->session_id;
    row.order_id = order_of(c);
    row.hold_until_ms = s->after == SEAT_HELD ? c->hold->expires_ms : 0;
    return row;
}

static void emit_tickets(const struct change *c, const struct row_sink *sink)
{
    for (uint32_t i = 0; sink->ticket && i < c->seat_count; i++) {
        const struct ticket_row row = ticket_row_of(c, &c->seats[i]);
        sink->ticket(sink->ctx, &row);
    }
}

static void emit_order_queue(const struct change *c, enum queue_effect effect, const struct row_sink *sink)
{
    void (*emit)(void *, const struct order_queue_row *) =
        effect == QUEUE_PUT ? sink->order_queue_put : sink->order_queue_delete;
    for (uint32_t i = 0; emit && i < c->seat_count; i++) {
        const struct order_queue_row row = {
            .event_id = c->event_id,
            .seat = c->seats[i].seat,
            .started_ms = c->hold->started_ms,
            .session_id = c->hold->session_id,
            .hold_id = c->hold->hold_id,
            .seq = c->seq,
            .expires_ms = c->hold->expires_ms,
        };
        emit(sink->ctx, &row);
    }
}

/*
 * A new hold has its whole time left. Whatever the clock does, its beginning may differ from the change's
 * time: started_at of a ticket never repeats, and the time of a change never goes back.
 */
static uint32_t ttl_of(const struct change *c)
{
    int64_t now_ms = c->time_us / 1000;
    if (c->kind == CHANGE_HOLD_CREATED || now_ms < c->hold->started_ms)
        now_ms = c->hold->started_ms;
    return hold_ttl_seconds(c->hold->expires_ms, now_ms);
}

static void emit_cdc(const struct change *c, enum queue_effect effect, enum cdc_operation operation,
                     const struct row_sink *sink)
{
    must((effect == QUEUE_PUT) == (c->hold->outcome == OUTCOME_NONE));
    must((operation == CDC_EXPIRED) == (c->hold->outcome == OUTCOME_EXPIRED));
    if (!sink->cdc)
        return;
    struct cdc_row row = {
        .commit_no = c->commit_no,
        .seq = c->seq,
        .time = cdc_time(c->time_us),
        .operation = operation,
        .ttl = effect == QUEUE_PUT ? ttl_of(c) : 0,
        .event_id = c->event_id,
        .started_ms = c->hold->started_ms,
        .session = c->hold->session_id,
        .hold_id = c->hold->hold_id,
        .outcome = c->hold->outcome,
    };
    for (uint32_t i = 0; i < c->seat_count; i++) {
        row.seat = c->seats[i].seat;
        row.batch_seq = i;
        row.end_of_batch = i + 1 == c->seat_count;
        sink->cdc(sink->ctx, &row);
    }
}

static const struct line *lines_of(const struct change *c, struct arena *arena)
{
    struct line *lines = arena_array(arena, c->seat_count, sizeof(*lines));
    for (uint32_t i = 0; i < c->seat_count; i++) {
        lines[i] = (struct line){
            .seat = c->seats[i].seat,
            .price_type = c->seats[i].price_type,
            .price = c->seats[i].price,
        };
    }
    return lines;
}

static void emit_records(const struct change *c, struct arena *arena, const struct row_sink *sink)
{
    const struct line *lines = lines_of(c, arena);
    if (c->hold && sink->hold) {
        struct hold hold = *c->hold;
        hold.lines = lines;
        hold.line_count = c->seat_count;
        sink->hold(sink->ctx, &hold);
    }
    if (c->order && sink->order) {
        struct order order = *c->order;
        order.lines = lines;
        order.line_count = c->seat_count;
        sink->order(sink->ctx, &order);
    }
}

void rows_of_change(const struct change *c, struct arena *arena, const struct row_sink *sink)
{
    emit_tickets(c, sink);
    enum cdc_operation operation = 0;
    enum queue_effect effect = queue_effect(c->kind, &operation);
    if (effect != QUEUE_NONE) {
        must(c->hold && c->seat_count > 0);
        emit_order_queue(c, effect, sink);
        emit_cdc(c, effect, operation, sink);
    }
    if ((c->hold && sink->hold) || (c->order && sink->order))
        emit_records(c, arena, sink);
}
