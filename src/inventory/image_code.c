/*
 * The encoded image, version 1. Words as in change/change.c.
 *
 *   bytes event record | u64 seq | i64 time us | hash 32 |
 *   varint seats in all | varint count | count x seat | varint count | count x hold |
 *   varint count | count x buyer
 *
 *   seat   varint untouched seats before it | u8 status | varint last started (ms) | sold: order id
 *          A seat that is available and never was in a hold is untouched: nearly all are, and stand nowhere.
 *          Whose a held seat is, its hold says.
 *   hold   bytes hold record | u8 1: has an order | [bytes order record]; in the order of their beginning
 *   buyer  session id | varint tickets sold to it; ascending
 *   A hold's or order's record takes its next version together with the image.
 *
 * The decoder looks at everything that inventory_new() relies on: the bytes come from another machine, and a
 * wrong image would sell a seat twice.
 */
#include "inventory/image_code.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/codec.h"
#include "inventory/inventory_internal.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_VERSION = 1, SEAT_BYTES_MIN = 3, HOLD_BYTES_MIN = 2, BUYER_BYTES_MIN = 17 };

/* ---- encode ---- */

static void put_part(struct buf *b, struct buf *part)
{
    put_bytes(b, part->data, part->size);
    buf_reset(part);
}

static bool untouched(const struct seat *s)
{
    return s->status == SEAT_AVAILABLE && s->last_started_ms == 0;
}

static void put_seats(struct buf *b, const struct inventory *inv)
{
    uint32_t total = inv->layout->seats_total, count = 0, before = 0;
    for (uint32_t i = 0; i < total; i++)
        count += !untouched(&inv->seats[i]);
    put_varint(b, total);
    put_varint(b, count);
    for (uint32_t i = 0; i < total; i++) {
        const struct seat *s = &inv->seats[i];
        if (untouched(s)) {
            before++;
            continue;
        }
        put_varint(b, before);
        put_u8(b, s->status);
        put_varint(b, (uint64_t)s->last_started_ms);
        if (s->status == SEAT_SOLD)
            put_uuid(b, &s->owner);
        before = 0;
    }
}

static void put_holds(struct buf *b, const struct inventory *inv)
{
    struct buf part = {0};
    put_varint(b, inv->by_hold.count);
    for (const struct live *live = inv->lives; live; live = live->next) {
        hold_encode(&live->hold, &part);
        put_part(b, &part);
        put_u8(b, live->has_order);
        if (live->has_order) {
            order_encode(&live->order, &part);
            put_part(b, &part);
        }
    }
    buf_done(&part);
}

static int compare_buyers(const void *a, const void *b)
{
    const struct image_buyer *x = a, *y = b;
    return uuid_compare(&x->session.u, &y->session.u);
}

static void put_buyers(struct buf *b, const struct inventory *inv)
{
    size_t count = 0, at = 0;
    struct image_buyer *buyers = calloc(inv->buyers.count + 1, sizeof(*buyers));
    must(buyers); /* out of memory ends the program */
    for (const struct buyer *buyer; (buyer = idmap_next(&inv->buyers, &at));) {
        if (buyer->sold)
            buyers[count++] = (struct image_buyer){buyer->session, buyer->sold};
    }
    qsort(buyers, count, sizeof(*buyers), compare_buyers);
    put_varint(b, count);
    for (size_t i = 0; i < count; i++) {
        put_uuid(b, &buyers[i].session.u);
        put_varint(b, buyers[i].sold);
    }
    free(buyers);
}

void image_encode(const struct inventory *inv, struct buf *ret)
{
    must(!inv->group_open && inv->seq > 0);
    struct buf event = {0};
    put_u8(ret, IMAGE_VERSION);
    event_encode(inv->event, &event);
    put_part(ret, &event);
    buf_done(&event);
    put_u64(ret, inv->seq);
    put_i64(ret, inv->time_us);
    buf_add(ret, inv->hash.b, sizeof(inv->hash.b));
    put_seats(ret, inv);
    put_holds(ret, inv);
    put_buyers(ret, inv);
}

/* ---- decode ---- */

static void rd_seat(struct rd *r, struct seat *s)
{
    s->status = rd_u8_max(r, SEAT_STATUSES - 1);
    s->last_started_ms = rd_time_ms(r);
    if (s->status == SEAT_SOLD)
        s->owner = rd_uuid_present(r);
    if (untouched(s))
        rd_fail(r);
}

static void rd_seats(struct rd *r, struct image *image)
{
    uint32_t total = image->layout->seats_total;
    if (rd_varint(r) != total) {
        rd_fail(r);
        return;
    }
    image->seats = calloc(total, sizeof(*image->seats));
    must(image->seats); /* out of memory ends the program */
    uint32_t count = rd_count(r, SEAT_BYTES_MIN), next = 0;
    for (; count > 0 && rd_ok(r); count--) {
        uint64_t seat = next + rd_varint_max(r, total);
        if (seat >= total) {
            rd_fail(r);
            return;
        }
        rd_seat(r, &image->seats[seat]);
        next = (uint32_t)seat + 1;
    }
}

/* The seats of a hold are held, and no other hold has them: they become its own. */
static bool own_seats(struct image *image, const struct hold *h)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < h->line_count; i++) {
        const struct line *l = &h->lines[i];
        struct seat *s = l->seat < image->layout->seats_total ? &image->seats[l->seat] : NULL;
        if (!s || s->status != SEAT_HELD || !uuid_is_nil(&s->owner) || s->last_started_ms != h->started_ms ||
            l->price_type >= image->event->price_type_count ||
            __builtin_add_overflow(total, l->price.minor, &total))
            return false;
        s->owner = h->hold_id.u;
    }
    return h->line_count > 0 && total == h->total.minor;
}

static bool hold_fits(struct image *image, const struct hold *h)
{
    return uuid_equal(&h->event_id.u, &image->event->event_id.u) && !uuid_is_nil(&h->hold_id.u) &&
           h->status == HOLD_ACTIVE && h->outcome == OUTCOME_NONE && h->ended_ms == 0 &&
           h->expires_ms > h->started_ms && own_seats(image, h);
}

static bool order_fits(const struct hold *h, const struct order *o)
{
    return o->status == ORDER_PENDING && uuid_equal(&o->event_id.u, &h->event_id.u) &&
           uuid_equal(&o->hold_id.u, &h->hold_id.u) && uuid_equal(&o->order_id.u, &h->order_id.u) &&
           uuid_equal(&o->session_id.u, &h->session_id.u) && uuid_equal(&o->user_id, &h->user_id) &&
           o->expires_ms == h->expires_ms && o->total.minor == h->total.minor;
}

/* Put @item into the map, unless another one has its id. */
static bool add_new(struct idmap *m, void *item, const struct uuid *id)
{
    if (idmap_find(m, id))
        return false;
    idmap_add(m, item);
    return true;
}

static void rd_one_hold(struct rd *r, struct image *image, struct idmap *holds, struct idmap *orders)
{
    struct hold *h = &image->holds[image->hold_count];
    struct order *o = &image->orders[image->order_count];
    size_t size;
    const uint8_t *data = rd_bytes(r, &size);
    if (!data || hold_decode(data, size, &image->arena, h) || !hold_fits(image, h) ||
        !add_new(holds, h, &h->hold_id.u)) {
        rd_fail(r);
        return;
    }
    image->hold_count++;
    bool has_order = rd_u8_max(r, 1);
    if (has_order != !uuid_is_nil(&h->order_id.u))
        rd_fail(r);
    if (!has_order)
        return;
    data = rd_bytes(r, &size);
    if (!data || order_decode(data, size, &image->arena, o) || !order_fits(h, o) ||
        !add_new(orders, o, &o->order_id.u))
        rd_fail(r);
    else
        image->order_count++;
    o->lines = h->lines; /* they are the hold's, and not sent twice */
    o->line_count = h->line_count;
}

static void rd_holds(struct rd *r, struct image *image)
{
    struct idmap holds, orders;
    uint32_t count = rd_count(r, HOLD_BYTES_MIN);
    image->holds = arena_array(&image->arena, count, sizeof(*image->holds));
    image->orders = arena_array(&image->arena, count, sizeof(*image->orders));
    idmap_init(&holds, offsetof(struct hold, hold_id));
    idmap_init(&orders, offsetof(struct order, order_id));
    for (; count > 0 && rd_ok(r); count--)
        rd_one_hold(r, image, &holds, &orders);
    idmap_done(&holds);
    idmap_done(&orders);
}

static void rd_buyers(struct rd *r, struct image *image)
{
    uint32_t count = rd_count(r, BUYER_BYTES_MIN);
    image->buyers = arena_array(&image->arena, count, sizeof(*image->buyers));
    for (; count > 0 && rd_ok(r); count--) {
        struct image_buyer *buyer = &image->buyers[image->buyer_count];
        buyer->session.u = rd_uuid(r);
        buyer->sold = rd_varint32(r);
        if (buyer->sold == 0 || (image->buyer_count > 0 && compare_buyers(buyer - 1, buyer) >= 0))
            rd_fail(r);
        image->buyer_count++;
    }
}

/* Every held seat has its hold, every sold one its buyer. */
static bool counts_fit(const struct image *image)
{
    uint64_t sold = 0, bought = 0;
    for (uint32_t i = 0; i < image->layout->seats_total; i++) {
        const struct seat *s = &image->seats[i];
        if (s->status == SEAT_HELD && uuid_is_nil(&s->owner))
            return false;
        if (s->status == SEAT_SOLD && s->last_started_ms == 0)
            return false;
        sold += s->status == SEAT_SOLD;
    }
    for (size_t i = 0; i < image->buyer_count; i++)
        bought += image->buyers[i].sold;
    return sold == bought;
}

/* All behind the event. */
static int rd_state(struct rd *r, struct image *image)
{
    image->seq = rd_u64(r);
    image->time_us = rd_i64(r);
    const uint8_t *hash = rd_raw(r, DIGEST_BYTES);
    if (!hash || image->seq == 0 || image->time_us < 0)
        return BOX_ECORRUPT;
    memcpy(image->hash.b, hash, DIGEST_BYTES);
    rd_seats(r, image);
    if (!rd_ok(r))
        return BOX_ECORRUPT;
    rd_holds(r, image);
    rd_buyers(r, image);
    return rd_end(r) && counts_fit(image) ? 0 : BOX_ECORRUPT;
}

static int rd_event(struct rd *r, struct layout *(*layout_of)(void *ctx, const struct venue_id *venue),
                    void *ctx, struct image *image)
{
    size_t size;
    const uint8_t *data = rd_bytes(r, &size);
    int ret = data ? event_decode(data, size, &image->event) : BOX_ECORRUPT;
    if (ret)
        return ret;
    struct layout *layout = layout_of(ctx, &image->event->venue_id);
    if (!layout)
        return BOX_ENOTFOUND;
    image->layout = layout_ref(layout);
    return layout->place_count == image->event->place_count ? 0 : BOX_ECORRUPT;
}

int image_decode(const void *data, size_t size,
                 struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                 struct image *ret_image)
{
    struct rd r;
    rd_init(&r, data, size);
    int ret = rd_version(&r, IMAGE_VERSION);
    if (ret)
        return ret;
    struct image image = {0};
    arena_init(&image.arena, 0);
    ret = rd_event(&r, layout_of, ctx, &image);
    if (!ret)
        ret = rd_state(&r, &image);
    if (ret)
        image_done(&image);
    else
        *ret_image = image;
    return ret;
}
