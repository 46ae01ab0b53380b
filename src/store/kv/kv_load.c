/*
 * Load: one event from its rows, as an image.
 *
 * The ticket rows decide. They are scanned once; nearly all of them are alike (available, never held), which
 * one comparison of bytes finds out. Held seats name their holds, which are read one by one and must be
 * active, and their orders; sold seats count for the session that bought them. order_queue is not read: it is
 * the record, never the right to a seat, and the deletions in it make a scan slow. What does not fit together
 * (a missing ticket, counts other than the event's state says, a held seat without its hold) is BOX_ECORRUPT:
 * to sell on from a wrong image would sell a seat twice.
 */
#include "base/must.h"
#include "store/kv/kv_store.h"
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct buyer_entry {
    struct session_id session;
    uint32_t sold;
    UT_hash_handle hh;
};

struct hold_entry {
    struct hold_id id;
    uint32_t seats;
    UT_hash_handle hh;
};

/* What the scan of the tickets finds beside the seats. */
struct found {
    uint32_t counts[SEAT_STATUSES];
    struct buyer_entry *buyers;
    struct hold_entry *holds;
};

int kv_event_state(struct kv_read *r, const struct event_id *id, struct event_state *ret_state)
{
    struct key k;
    struct buf value = {0};
    key_event(&k, id, EVENT_PART_STATE);
    int ret = r->kv->ops->get(r, TABLE_EVENTS, k.b, k.size, &value);
    if (!ret)
        ret = event_state_decode(value.data, value.size, ret_state);
    buf_done(&value);
    return ret;
}

static int read_event(struct kv_read *r, const struct event_id *id, struct event **ret_event)
{
    struct key k;
    struct buf value = {0};
    key_event(&k, id, EVENT_PART_VERSION);
    int ret = r->kv->ops->get(r, TABLE_EVENTS, k.b, k.size, &value);
    if (ret == BOX_ENOTFOUND)
        ret = BOX_ECORRUPT; /* it has a state */
    if (!ret)
        ret = event_decode(value.data, value.size, ret_event);
    buf_done(&value);
    return ret;
}

/* ---- tickets ---- */

static void found_sold(struct found *f, const struct session_id *session)
{
    struct buyer_entry *b;
    HASH_FIND(hh, f->buyers, session, sizeof(*session), b);
    if (!b) {
        b = calloc(1, sizeof(*b));
        must(b);
        b->session = *session;
        HASH_ADD(hh, f->buyers, session, sizeof(b->session), b);
    }
    b->sold++;
}

static void found_held(struct found *f, const struct hold_id *id)
{
    struct hold_entry *h;
    HASH_FIND(hh, f->holds, id, sizeof(*id), h);
    if (!h) {
        h = calloc(1, sizeof(*h));
        must(h);
        h->id = *id;
        HASH_ADD(hh, f->holds, id, sizeof(h->id), h);
    }
    h->seats++;
}

static void found_done(struct found *f)
{
    struct buyer_entry *b, *next_b;
    HASH_ITER (hh, f->buyers, b, next_b) {
        HASH_DEL(f->buyers, b);
        free(b);
    }
    struct hold_entry *h, *next_h;
    HASH_ITER (hh, f->holds, h, next_h) {
        HASH_DEL(f->holds, h);
        free(h);
    }
}

static int read_seat(const struct slice *value, struct found *f, struct seat *seat)
{
    struct ticket_row row;
    if (ticket_row_decode(value->data, value->size, &row) || row.status >= SEAT_STATUSES)
        return BOX_ECORRUPT;
    seat->status = (uint8_t)row.status;
    seat->last_started_ms = row.last_started_ms;
    f->counts[row.status]++;
    if (row.status == SEAT_HELD) {
        seat->owner = row.hold_id.u;
        found_held(f, &row.hold_id);
    } else if (row.status == SEAT_SOLD) {
        seat->owner = row.order_id.u;
        found_sold(f, &row.session);
    }
    return 0;
}

/* One row: it must be the next seat's. */
static int scan_row(const struct kv_iter *it, const struct buf *untouched, uint32_t seat, uint32_t total,
                    struct found *f, struct seat *seats)
{
    if (seat == total || it->key.size != ID_BYTES + 4 || load_u32(it->key.data + ID_BYTES) != seat)
        return BOX_ECORRUPT;
    if (it->value.size != untouched->size || memcmp(it->value.data, untouched->data, untouched->size) != 0)
        return read_seat(&it->value, f, &seats[seat]);
    f->counts[SEAT_AVAILABLE]++; /* the rest of the seat is zero */
    return 0;
}

static int scan_tickets(struct kv_read *r, const struct event_id *id, uint32_t total, struct found *f,
                        struct seat *seats)
{
    const struct kv_ops *ops = r->kv->ops;
    struct ticket_row row = {.event_id = *id, .status = SEAT_AVAILABLE};
    struct buf untouched = {0};
    ticket_row_encode(&row, &untouched);
    struct kv_iter *it = ops->iter_new(r, TABLE_TICKETS, id->u.b, ID_BYTES, KV_ITER_LONG);
    uint32_t seat = 0;
    int ret = 0;
    for (ops->iter_seek(it, NULL, 0); !ret && it->valid; ops->iter_next(it))
        ret = scan_row(it, &untouched, seat++, total, f, seats);
    if (!ret)
        ret = it->error ? it->error : seat == total ? 0 : BOX_ECORRUPT;
    ops->iter_free(it);
    buf_done(&untouched);
    return ret;
}

static int check_counts(const struct found *f, const struct event_state *state)
{
    bool same = f->counts[SEAT_HELD] == state->held && f->counts[SEAT_SOLD] == state->sold &&
                f->counts[SEAT_BLOCKED] == state->blocked;
    return same ? 0 : BOX_ECORRUPT;
}

/* ---- holds and their orders ---- */

static int read_hold(struct kv_read *r, const struct hold_entry *entry, struct arena *arena,
                     struct buf *value, struct hold *ret_hold)
{
    buf_reset(value);
    int ret = r->kv->ops->get(r, TABLE_HOLDS, entry->id.u.b, ID_BYTES, value);
    if (!ret)
        ret = hold_decode(value->data, value->size, arena, ret_hold);
    if (ret == BOX_ENOTFOUND ||
        (!ret && (ret_hold->status != HOLD_ACTIVE || ret_hold->line_count != entry->seats)))
        return BOX_ECORRUPT;
    return ret;
}

static int read_order(struct kv_read *r, const struct order_id *id, struct arena *arena, struct buf *value,
                      struct order *ret_order)
{
    buf_reset(value);
    int ret = r->kv->ops->get(r, TABLE_ORDERS, id->u.b, ID_BYTES, value);
    if (!ret)
        ret = order_decode(value->data, value->size, arena, ret_order);
    if (ret == BOX_ENOTFOUND || (!ret && ret_order->status != ORDER_PENDING))
        return BOX_ECORRUPT;
    return ret;
}

static int read_holds(struct kv_read *r, const struct found *f, struct image *image)
{
    size_t count = HASH_COUNT(f->holds);
    struct buf value = {0};
    int ret = 0;
    image->holds = arena_array(&image->arena, count, sizeof(*image->holds));
    image->orders = arena_array(&image->arena, count, sizeof(*image->orders));
    for (const struct hold_entry *e = f->holds; e && !ret; e = e->hh.next) {
        struct hold *hold = &image->holds[image->hold_count];
        if ((ret = read_hold(r, e, &image->arena, &value, hold)))
            break;
        image->hold_count++;
        if (uuid_is_nil(&hold->order_id.u))
            continue;
        ret = read_order(r, &hold->order_id, &image->arena, &value, &image->orders[image->order_count]);
        if (!ret)
            image->order_count++;
    }
    buf_done(&value);
    return ret;
}

static void take_buyers(const struct found *f, struct image *image)
{
    image->buyers = arena_array(&image->arena, HASH_COUNT(f->buyers), sizeof(*image->buyers));
    for (const struct buyer_entry *b = f->buyers; b; b = b->hh.next)
        image->buyers[image->buyer_count++] = (struct image_buyer){.session = b->session, .sold = b->sold};
}

/* ---- the event ---- */

static int load_seats(struct kv_read *r, const struct event_id *id, const struct event_state *state,
                      struct image *image)
{
    struct found found = {0};
    uint32_t total = image->layout->seats_total;
    image->seats = calloc(total, sizeof(*image->seats));
    must(image->seats);
    int ret = scan_tickets(r, id, total, &found, image->seats);
    if (!ret)
        ret = check_counts(&found, state);
    if (!ret)
        ret = read_holds(r, &found, image);
    if (!ret)
        take_buyers(&found, image);
    found_done(&found);
    return ret;
}

/* All that must be of one moment: read under one snapshot. */
static int load_moment(struct kv *kv, const struct event_id *id, struct image *image)
{
    struct kv_read r;
    struct event_state state;
    int ret = kv->ops->read_begin(kv, true, &r);
    if (ret)
        return ret;
    ret = kv_event_state(&r, id, &state);
    if (!ret)
        ret = state.deleted ? BOX_ENOTFOUND : read_event(&r, id, &image->event);
    if (!ret)
        ret = load_seats(&r, id, &state, image);
    kv->ops->read_end(&r);
    image->seq = state.seq;
    image->time_us = state.time_us;
    image->hash = state.hash;
    return ret;
}

/* Which layout the event has. Read on its own, so that layout_of() runs outside of any read; the venue never
 * changes. */
static int find_layout(struct kv *kv, const struct event_id *id,
                       struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                       struct layout **ret_layout)
{
    struct kv_read r;
    struct event_state state;
    struct event *event;
    int ret = kv->ops->read_begin(kv, true, &r);
    if (ret)
        return ret;
    ret = kv_event_state(&r, id, &state);
    if (!ret)
        ret = state.deleted ? BOX_ENOTFOUND : read_event(&r, id, &event);
    kv->ops->read_end(&r);
    if (ret)
        return ret;
    struct layout *layout = layout_of(ctx, &event->venue_id);
    bool fits = layout && layout->place_count == event->place_count;
    event_unref(event);
    if (!fits)
        return BOX_ECORRUPT;
    *ret_layout = layout_ref(layout);
    return 0;
}

int kv_load_event(struct store *base, const struct event_id *id,
                  struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                  struct image *ret_image)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct image image = {0};
    int ret = find_layout(kv, id, layout_of, ctx, &image.layout);
    if (ret)
        return ret;
    arena_init(&image.arena, 0);
    ret = load_moment(kv, id, &image);
    if (ret)
        image_done(&image);
    else
        *ret_image = image;
    return ret;
}
