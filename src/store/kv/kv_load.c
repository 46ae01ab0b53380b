/*
 * Load: one event from its rows, as an image.
 *
 * The ticket rows are scanned once; nearly all of them are alike (available, never held), which one
 * comparison of bytes finds out. What else is needed of the event, and what must fit together, says
 * store/image_build.h. order_queue is not read: it is the record, never the right to a seat, and the
 * deletions in it make a scan slow. Counts other than the event's state says are BOX_ECORRUPT, too.
 */
#include "store/image_build.h"
#include "store/kv/kv_store.h"
#include <string.h>

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

/* One row: it must be the next seat's. */
static int scan_row(const struct kv_iter *it, const struct buf *untouched, uint32_t seat,
                    struct image_build *b)
{
    struct ticket_row row;
    if (seat == b->image->layout->seats_total || it->key.size != ID_BYTES + 4 ||
        load_u32(it->key.data + ID_BYTES) != seat)
        return BOX_ECORRUPT;
    if (it->value.size == untouched->size && memcmp(it->value.data, untouched->data, untouched->size) == 0) {
        image_build_untouched(b);
        return 0;
    }
    if (ticket_row_decode(it->value.data, it->value.size, &row))
        return BOX_ECORRUPT;
    row.seat = seat;
    return image_build_seat(b, &row);
}

static int scan_tickets(struct kv_read *r, const struct event_id *id, struct image_build *b)
{
    const struct kv_ops *ops = r->kv->ops;
    struct ticket_row row = {.event_id = *id, .status = SEAT_AVAILABLE};
    struct buf untouched = {0};
    ticket_row_encode(&row, &untouched);
    struct kv_iter *it = ops->iter_new(r, TABLE_TICKETS, id->u.b, ID_BYTES, KV_ITER_LONG);
    uint32_t seat = 0;
    int ret = 0;
    for (ops->iter_seek(it, NULL, 0); !ret && it->valid; ops->iter_next(it))
        ret = scan_row(it, &untouched, seat++, b);
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    buf_done(&untouched);
    return ret;
}

static int check_counts(const struct image_build *b, const struct event_state *state)
{
    bool same = b->counts[SEAT_HELD] == state->held && b->counts[SEAT_SOLD] == state->sold &&
                b->counts[SEAT_BLOCKED] == state->blocked;
    return same ? 0 : BOX_ECORRUPT;
}

/* ---- holds and their orders ---- */

static int read_hold(struct kv_read *r, const struct hold_id *id, struct arena *arena, struct buf *value,
                     struct hold *ret_hold)
{
    buf_reset(value);
    int ret = r->kv->ops->get(r, TABLE_HOLDS, id->u.b, ID_BYTES, value);
    if (!ret)
        ret = hold_decode(value->data, value->size, arena, ret_hold);
    return ret == BOX_ENOTFOUND ? BOX_ECORRUPT : ret;
}

static int read_order(struct kv_read *r, const struct order_id *id, struct arena *arena, struct buf *value,
                      struct order *ret_order)
{
    buf_reset(value);
    int ret = r->kv->ops->get(r, TABLE_ORDERS, id->u.b, ID_BYTES, value);
    if (!ret)
        ret = order_decode(value->data, value->size, arena, ret_order);
    return ret == BOX_ENOTFOUND ? BOX_ECORRUPT : ret;
}

static int read_holds(struct kv_read *r, struct image_build *b)
{
    struct arena *arena = &b->image->arena;
    struct hold_id *ids;
    struct buf value = {0};
    uint32_t count = image_build_holds(b, &ids);
    int ret = 0;
    for (uint32_t i = 0; i < count && !ret; i++) {
        struct hold hold;
        struct order order;
        bool has_order = false;
        ret = read_hold(r, &ids[i], arena, &value, &hold);
        if (!ret)
            ret = image_build_hold(b, &hold, &has_order);
        if (!ret && has_order) {
            ret = read_order(r, &hold.order_id, arena, &value, &order);
            if (!ret)
                ret = image_build_order(b, &order);
        }
    }
    buf_done(&value);
    return ret;
}

/* ---- the event ---- */

static int load_seats(struct kv_read *r, const struct event_id *id, const struct event_state *state,
                      struct image *image)
{
    struct image_build b;
    image_build_init(&b, image);
    int ret = scan_tickets(r, id, &b);
    if (!ret)
        ret = check_counts(&b, state);
    if (!ret)
        ret = read_holds(r, &b);
    if (!ret)
        ret = image_build_finish(&b);
    image_build_done(&b);
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
