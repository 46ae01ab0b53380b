/*
 * Binary form of an event, version 1. LEB128 numbers (svarint: zigzag), ids are 16 bytes, text has its length
 * before it, times (ms) are varints.
 *
 *   u8 version | event id | venue id | name | slug | event type | date | 3 bytes currency | u8 exponent |
 *   varint hold seconds, max tickets | on sale | off sale | u8 flags | u8 status | created |
 *   varint layout rev | varint price types | names | varint places | prices
 *                flags: 1 published, 2 ever published, 4 deleted
 *   prices       places x price types x varint (1 + minor units, 0: none)
 */
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "domain/codec.h"
#include "domain/event.h"
#include "domain/event_impl.h"
#include <string.h>

enum { EVENT_VERSION = 1, CURRENCY_CHARS = 3, EXPONENT_MAX = 4 };
enum { FLAG_PUBLISHED = 1, FLAG_EVER_PUBLISHED = 2, FLAG_DELETED = 4 };

static void put_prices(struct buf *b, const struct event *e)
{
    size_t cells = (size_t)e->place_count * e->price_type_count;
    must(e->price_type_count > 0 && e->place_count > 0);
    put_varint(b, e->price_type_count);
    for (uint32_t i = 0; i < e->price_type_count; i++)
        put_text(b, e->price_types[i]);
    put_varint(b, e->place_count);
    for (size_t i = 0; i < cells; i++) {
        must(e->prices[i] >= PRICE_NONE && e->prices[i] < INT64_MAX);
        put_varint(b, (uint64_t)(e->prices[i] + 1));
    }
}

void event_encode(const struct event *e, struct buf *ret)
{
    put_u8(ret, EVENT_VERSION);
    put_uuid(ret, &e->event_id.u);
    put_uuid(ret, &e->venue_id.u);
    put_text(ret, e->name);
    put_text(ret, e->slug);
    put_text(ret, e->event_type);
    put_time_ms(ret, e->date_ms);
    must(strlen(e->currency.code) == CURRENCY_CHARS);
    buf_add(ret, e->currency.code, CURRENCY_CHARS);
    put_u8(ret, e->currency.exponent);
    put_varint(ret, e->hold_seconds);
    put_varint(ret, e->max_tickets_per_session);
    put_time_ms(ret, e->on_sale_ms);
    put_time_ms(ret, e->off_sale_ms);
    put_u8(ret, (uint8_t)((e->published ? FLAG_PUBLISHED : 0) |
                          (e->ever_published ? FLAG_EVER_PUBLISHED : 0) | (e->deleted ? FLAG_DELETED : 0)));
    put_u8(ret, (uint8_t)e->status);
    put_time_ms(ret, e->created_ms);
    put_varint(ret, e->layout_rev);
    put_prices(ret, e);
}

static void rd_currency(struct rd *r, struct currency *ret_currency)
{
    const uint8_t *code = rd_raw(r, CURRENCY_CHARS);
    for (unsigned i = 0; code && i < CURRENCY_CHARS; i++) {
        if (code[i] < 'A' || code[i] > 'Z')
            rd_fail(r);
        ret_currency->code[i] = (char)code[i];
    }
    ret_currency->exponent = rd_u8_max(r, EXPONENT_MAX);
}

static void rd_price_types(struct rd *r, struct event_box *box)
{
    struct event *e = &box->event;
    uint32_t count = (uint32_t)rd_varint_max(r, LIMIT_PRICE_TYPES);
    e->price_types = arena_array(&box->arena, LIMIT_PRICE_TYPES, sizeof(*e->price_types));
    for (uint32_t i = 0; i < count && rd_ok(r); i++)
        e->price_types[e->price_type_count++] = rd_text(r, &box->arena);
    if (count == 0)
        rd_fail(r);
}

static void rd_prices(struct rd *r, struct event_box *box)
{
    struct event *e = &box->event;
    uint32_t places = (uint32_t)rd_varint_max(r, UINT32_MAX);
    /* A price is at least a byte: a count that the bytes cannot hold is damage, found before memory is taken
     * for it. */
    if (!rd_ok(r) || places == 0 || places > rd_left(r) / e->price_type_count) {
        rd_fail(r);
        return;
    }
    size_t cells = (size_t)places * e->price_type_count;
    e->place_count = places;
    e->prices = arena_array(&box->arena, cells, sizeof(*e->prices));
    for (size_t i = 0; i < cells && rd_ok(r); i++)
        e->prices[i] = (int64_t)rd_varint_max(r, INT64_MAX) - 1;
}

static void rd_event(struct rd *r, struct event_box *box)
{
    struct event *e = &box->event;
    e->event_id.u = rd_uuid(r);
    e->venue_id.u = rd_uuid(r);
    e->name = rd_text(r, &box->arena);
    e->slug = rd_text(r, &box->arena);
    e->event_type = rd_text(r, &box->arena);
    e->date_ms = rd_time_ms(r);
    rd_currency(r, &e->currency);
    e->hold_seconds = rd_varint32(r);
    e->max_tickets_per_session = rd_varint32(r);
    e->on_sale_ms = rd_time_ms(r);
    e->off_sale_ms = rd_time_ms(r);
    uint8_t flags = rd_flags(r, FLAG_PUBLISHED | FLAG_EVER_PUBLISHED | FLAG_DELETED);
    e->published = flags & FLAG_PUBLISHED;
    e->ever_published = flags & FLAG_EVER_PUBLISHED;
    e->deleted = flags & FLAG_DELETED;
    e->status = (enum event_status)rd_u8_max(r, EVENT_CANCELLED);
    e->created_ms = rd_time_ms(r);
    e->layout_rev = rd_varint32(r);
    rd_price_types(r, box);
    rd_prices(r, box);
}

int event_decode(const void *data, size_t size, struct event **ret_event)
{
    struct rd r;
    rd_init(&r, data, size);
    int ret = rd_version(&r, EVENT_VERSION);
    if (ret)
        return ret;
    struct event_box *box = event_box_new();
    rd_event(&r, box);
    if (!rd_end(&r)) {
        event_unref(&box->event);
        return BOX_ECORRUPT;
    }
    *ret_event = &box->event;
    return 0;
}
