#include "store/cql/batch.h"
#include "base/must.h"

struct building {
    struct batch *batch;
    const struct event *event;
    const struct layout *layout;
    const struct change *change;
    uint32_t seat; /* index of the next in the change */
};

/* What the row of the event has to be, and what it becomes. */
static void add_event(struct batch *b, const struct event_group *g, const struct cql_event_state *state,
                      const struct uuid *batch_id, const struct buf *tail)
{
    struct cql_values *v = &b->values;
    const struct change *last = g->changes;
    for (uint32_t i = 1; i < g->change_count; i++)
        last = last->next;
    must(last->seq == g->follows_seq + g->change_count);
    b->statements[b->count++] = CQL_ST_COMMIT_EVENT;
    bind_bigint(v, (int64_t)last->seq);
    bind_bigint(v, last->time_us);
    bind_uuid(v, batch_id);
    bind_blob(v, tail->data, tail->size);
    bind_uuid(v, &g->event_id.u);
    if (g->follows_seq)
        bind_bigint(v, (int64_t)g->follows_seq);
    else
        bind_null(v);
    bind_bigint(v, state->epoch);
    bind_uuid(v, batch_id);
}

static void bind_uuid_or_none(struct cql_values *v, const struct uuid *u, bool had)
{
    if (had)
        bind_uuid_or_null(v, u);
    else if (uuid_is_nil(u))
        bind_unset(v);
    else
        bind_uuid(v, u);
}

/* The price shown beside the status: as taken; of a seat that is free or blocked, the standard price. */
static void bind_price(struct building *x, const struct ticket_row *row)
{
    struct cql_values *v = &x->batch->values;
    struct money price = row->price;
    if (row->status == SEAT_AVAILABLE || row->status == SEAT_BLOCKED) {
        int64_t standard = event_price(x->event, layout_place_of(x->layout, row->seat), PRICE_STANDARD);
        if (standard == PRICE_NONE) {
            bind_unset(v);
            return;
        }
        price = (struct money){standard};
    }
    bind_money(v, price, &x->event->currency);
}

/* What the row becomes. @had: it had an owner before. */
static void bind_row(struct building *x, const struct ticket_row *row, bool had)
{
    struct cql_values *v = &x->batch->values;
    bool has = row->status == SEAT_HELD || row->status == SEAT_SOLD;
    bind_text(v, seat_status_name(row->status));
    bind_price(x, row);
    bind_uuid_or_none(v, &row->hold_id.u, had);
    if (has)
        bind_uuid_text(v, &row->session.u);
    else if (had)
        bind_null(v);
    else
        bind_unset(v);
    if (row->hold_until_ms || had)
        bind_timestamp_or_null(v, row->hold_until_ms);
    else
        bind_unset(v);
    bind_uuid_or_none(v, &row->order_id.u, had);
    if (row->last_started_ms)
        bind_timestamp(v, row->last_started_ms);
    else
        bind_unset(v);
    if (has) {
        bind_int(v, row->price_type);
        bind_money(v, row->price, &x->event->currency);
    } else if (had) {
        bind_null(v);
        bind_null(v);
    } else {
        bind_unset(v);
        bind_unset(v);
    }
}

static void on_ticket(void *ctx, const struct ticket_row *row)
{
    struct building *x = ctx;
    struct batch *b = x->batch;
    struct cql_values *v = &b->values;
    const struct change *c = x->change;
    const struct seat_change *s = &c->seats[x->seat++];
    must(s->seat == row->seat);
    bind_row(x, row, s->before == SEAT_HELD || s->before == SEAT_SOLD);
    struct ticket_id ticket = ticket_id_of(&row->event_id, row->seat);
    bind_uuid(v, &row->event_id.u);
    bind_uuid(v, &ticket.u);
    bind_text(v, seat_status_name((enum seat_status)s->before));
    enum cql_st statement = CQL_ST_COMMIT_FREE_SEAT;
    if (s->before == SEAT_HELD) {
        must(c->hold);
        statement = CQL_ST_COMMIT_HELD_SEAT;
        bind_uuid(v, &c->hold->hold_id.u);
    } else if (s->before == SEAT_SOLD) {
        must(c->order);
        statement = CQL_ST_COMMIT_SOLD_SEAT;
        bind_uuid(v, &c->order->order_id.u);
    }
    b->statements[b->count++] = statement;
}

static size_t seats_listed(const struct event_group *g)
{
    size_t count = 0;
    const struct change *c = g->changes;
    for (uint32_t i = 0; i < g->change_count; i++, c = c->next)
        count += c->seat_count;
    return count;
}

void batch_build(const struct event_group *g, const struct cql_event_state *state, const struct event *event,
                 const struct uuid *batch_id, const struct buf *tail, struct arena *arena,
                 struct batch *ret_batch)
{
    size_t seats = seats_listed(g);
    *ret_batch = (struct batch){.statements = arena_array(arena, seats + 1, sizeof(*ret_batch->statements))};
    cql_values_init(&ret_batch->values, arena);
    add_event(ret_batch, g, state, batch_id, tail);
    struct building x = {.batch = ret_batch, .event = event, .layout = state->layout};
    const struct row_sink sink = {.ctx = &x, .ticket = on_ticket};
    const struct change *c = g->changes;
    for (uint32_t i = 0; i < g->change_count; i++, c = c->next) {
        x.change = c;
        x.seat = 0;
        rows_of_change(c, arena, &sink);
    }
    must(ret_batch->count == seats + 1);
}
