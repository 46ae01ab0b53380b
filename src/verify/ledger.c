#include "verify/ledger.h"
#include "base/bytes.h"
#include "base/must.h"
#include "domain/codec.h"
#include <stddef.h>
#include <stdlib.h>

void ledger_init(struct ledger *l, const struct event_id *event, uint32_t seats_total)
{
    must(seats_total > 0);
    *l = (struct ledger){
        .event_id = *event,
        .seats = calloc(seats_total, sizeof(struct ledger_seat)),
        .seats_total = seats_total,
    };
    must(l->seats); /* out of memory ends the program */
    for (uint32_t i = 0; i < seats_total; i++)
        l->seats[i].ticket = (struct ticket_row){.event_id = *event, .seat = i, .status = SEAT_AVAILABLE};
    idmap_init(&l->holds, offsetof(struct ledger_record, id));
    idmap_init(&l->orders, offsetof(struct ledger_record, id));
    arena_init(&l->scratch, 0);
}

static void free_records(struct idmap *m)
{
    size_t at = 0;
    for (struct ledger_record *r; (r = idmap_next(m, &at));)
        free(r);
    idmap_done(m);
}

void ledger_done(struct ledger *l)
{
    free_records(&l->holds);
    free_records(&l->orders);
    free(l->cdc);
    free(l->seats);
    arena_done(&l->scratch);
    buf_done(&l->row);
}

/* ---- hashes ---- */

static uint64_t hash_and_reset(struct buf *b)
{
    uint64_t hash = hash64(b->data, b->size);
    buf_reset(b);
    return hash;
}

uint64_t hold_hash(const struct hold *hold, struct buf *scratch)
{
    buf_reset(scratch);
    hold_encode(hold, scratch);
    return hash_and_reset(scratch);
}

uint64_t order_hash(const struct order *order, struct buf *scratch)
{
    buf_reset(scratch);
    order_encode(order, scratch);
    return hash_and_reset(scratch);
}

uint64_t cdc_hash(uint64_t before, const struct cdc_row *row)
{
    struct buf b = {0};
    put_u64(&b, before);
    put_u64(&b, row->seq);
    put_uuid(&b, &row->time);
    put_u32(&b, row->batch_seq);
    put_u8(&b, row->end_of_batch);
    put_i64(&b, row->operation);
    put_i64(&b, row->ttl);
    put_uuid(&b, &row->event_id.u);
    put_u32(&b, row->seat);
    put_i64(&b, row->started_ms);
    put_uuid(&b, &row->session.u);
    put_uuid(&b, &row->hold_id.u);
    put_u8(&b, (uint8_t)row->outcome);
    uint64_t hash = hash64(b.data, b.size);
    buf_done(&b);
    return hash;
}

/* ---- rows of a change ---- */

struct adding {
    struct ledger *l;
    uint64_t seq;
};

static struct ledger_seat *seat_of(struct ledger *l, uint32_t seat)
{
    must(seat < l->seats_total);
    return &l->seats[seat];
}

static void on_ticket(void *ctx, const struct ticket_row *row)
{
    struct adding *a = ctx;
    struct ledger_seat *seat = seat_of(a->l, row->seat);
    seat->ticket = *row;
    seat->seq = a->seq;
}

static void on_queue_put(void *ctx, const struct order_queue_row *row)
{
    struct ledger_seat *seat = seat_of(((struct adding *)ctx)->l, row->seat);
    seat->queue = *row;
    seat->queued = true;
}

static void on_queue_delete(void *ctx, const struct order_queue_row *row)
{
    seat_of(((struct adding *)ctx)->l, row->seat)->queued = false;
}

static void on_cdc(void *ctx, const struct cdc_row *row)
{
    struct ledger *l = ((struct adding *)ctx)->l;
    if (row->batch_seq == 0) { /* the change's first */
        if (l->cdc_count == l->cdc_cap) {
            l->cdc_cap = l->cdc_cap ? 2 * l->cdc_cap : 64;
            l->cdc = realloc(l->cdc, l->cdc_cap * sizeof(*l->cdc));
            must(l->cdc); /* out of memory ends the program */
        }
        l->cdc[l->cdc_count++] = (struct ledger_cdc){.seq = row->seq};
    }
    struct ledger_cdc *cdc = &l->cdc[l->cdc_count - 1];
    cdc->hash = cdc_hash(cdc->hash, row);
    cdc->rows++;
}

static void put_record(struct idmap *m, const struct uuid *id, uint64_t seq, uint64_t hash, int status)
{
    struct ledger_record *r = idmap_find(m, id);
    if (!r) {
        r = calloc(1, sizeof(*r));
        must(r); /* out of memory ends the program */
        r->id = *id;
        idmap_add(m, r);
    }
    r->seq = seq;
    r->hash = hash;
    r->status = status;
}

static void on_hold(void *ctx, const struct hold *hold)
{
    struct adding *a = ctx;
    put_record(&a->l->holds, &hold->hold_id.u, a->seq, hold_hash(hold, &a->l->row), (int)hold->status);
}

static void on_order(void *ctx, const struct order *order)
{
    struct adding *a = ctx;
    put_record(&a->l->orders, &order->order_id.u, a->seq, order_hash(order, &a->l->row), (int)order->status);
}

void ledger_add(struct ledger *l, const struct change *c)
{
    struct adding adding = {.l = l, .seq = c->seq};
    const struct row_sink sink = {
        .ctx = &adding,
        .ticket = on_ticket,
        .order_queue_put = on_queue_put,
        .order_queue_delete = on_queue_delete,
        .cdc = on_cdc,
        .hold = on_hold,
        .order = on_order,
    };
    must(uuid_equal(&c->event_id.u, &l->event_id.u));
    rows_of_change(c, &l->scratch, &sink);
    arena_reset(&l->scratch);
}
