/*
 * Binary forms of holds and orders. LEB128 numbers (svarint: zigzag), ids are 16 bytes.
 *
 *   hold record   u8 version 1 | event id | hold part | lines
 *   order record  u8 version 1 | event id | order part | lines
 *
 *   hold part     hold id | session id | u8 flags | [order id] | [user id] | u8 status | u8 outcome |
 *                 varint started, expires, ended (ms) | varint total (minor units)
 *                 flags: 1 has an order id, 2 has a user id
 *   order part    order id | hold id | session id | u8 flags | [user id] | u8 status | text code |
 *                 varint created, expires, purchased, ended (ms) | varint total
 *                 flags: 2 has a user id
 *   lines         varint count | count x (svarint seat - seat before | varint price type | varint price)
 */
#include "domain/checkout_codec.h"
#include "base/error.h"
#include "base/must.h"
#include "domain/codec.h"
#include <string.h>

enum { HOLD_VERSION = 1, ORDER_VERSION = 1 };
enum { HAS_ORDER = 1, HAS_USER = 2 };
enum { LINE_BYTES_MIN = 3 };

void put_hold_part(struct buf *b, const struct hold *h)
{
    bool has_order = !uuid_is_nil(&h->order_id.u), has_user = !uuid_is_nil(&h->user_id);
    put_uuid(b, &h->hold_id.u);
    put_uuid(b, &h->session_id.u);
    put_u8(b, (uint8_t)((has_order ? HAS_ORDER : 0) | (has_user ? HAS_USER : 0)));
    if (has_order)
        put_uuid(b, &h->order_id.u);
    if (has_user)
        put_uuid(b, &h->user_id);
    put_u8(b, (uint8_t)h->status);
    put_u8(b, (uint8_t)h->outcome);
    put_time_ms(b, h->started_ms);
    put_time_ms(b, h->expires_ms);
    put_time_ms(b, h->ended_ms);
    put_money(b, h->total);
}

struct hold rd_hold_part(struct rd *r)
{
    struct hold h = {0};
    h.hold_id.u = rd_uuid(r);
    h.session_id.u = rd_uuid(r);
    uint8_t flags = rd_flags(r, HAS_ORDER | HAS_USER);
    if (flags & HAS_ORDER)
        h.order_id.u = rd_uuid_present(r);
    if (flags & HAS_USER)
        h.user_id = rd_uuid_present(r);
    h.status = (enum hold_status)rd_u8_max(r, HOLD_PURCHASED);
    h.outcome = (enum hold_outcome)rd_u8_max(r, OUTCOME_EXPIRED);
    h.started_ms = rd_time_ms(r);
    h.expires_ms = rd_time_ms(r);
    h.ended_ms = rd_time_ms(r);
    h.total = rd_money(r);
    return h;
}

void put_order_part(struct buf *b, const struct order *o)
{
    bool has_user = !uuid_is_nil(&o->user_id);
    put_uuid(b, &o->order_id.u);
    put_uuid(b, &o->hold_id.u);
    put_uuid(b, &o->session_id.u);
    put_u8(b, has_user ? HAS_USER : 0);
    if (has_user)
        put_uuid(b, &o->user_id);
    put_u8(b, (uint8_t)o->status);
    put_text(b, o->code);
    put_time_ms(b, o->created_ms);
    put_time_ms(b, o->expires_ms);
    put_time_ms(b, o->purchased_ms);
    put_time_ms(b, o->ended_ms);
    put_money(b, o->total);
}

static void rd_code(struct rd *r, char ret_code[ORDER_CODE_CHARS + 1])
{
    size_t size;
    const uint8_t *code = rd_bytes(r, &size);
    if (!code)
        return;
    if (size > ORDER_CODE_CHARS || memchr(code, '\0', size))
        rd_fail(r);
    else
        memcpy(ret_code, code, size);
}

struct order rd_order_part(struct rd *r)
{
    struct order o = {0};
    o.order_id.u = rd_uuid(r);
    o.hold_id.u = rd_uuid(r);
    o.session_id.u = rd_uuid(r);
    if (rd_flags(r, HAS_USER) & HAS_USER)
        o.user_id = rd_uuid_present(r);
    o.status = (enum order_status)rd_u8_max(r, ORDER_REFUNDED);
    rd_code(r, o.code);
    o.created_ms = rd_time_ms(r);
    o.expires_ms = rd_time_ms(r);
    o.purchased_ms = rd_time_ms(r);
    o.ended_ms = rd_time_ms(r);
    o.total = rd_money(r);
    return o;
}

static void put_lines(struct buf *b, const struct line *lines, uint32_t count)
{
    must(lines || count == 0);
    put_varint(b, count);
    int64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        put_svarint(b, (int64_t)lines[i].seat - before);
        put_varint(b, lines[i].price_type);
        put_money(b, lines[i].price);
        before = lines[i].seat;
    }
}

static const struct line *rd_lines(struct rd *r, struct arena *arena, uint32_t *ret_count)
{
    uint32_t count = rd_count(r, LINE_BYTES_MIN);
    struct line *lines = arena_array(arena, count, sizeof(*lines));
    uint32_t before = 0;
    for (uint32_t i = 0; i < count && rd_ok(r); i++) {
        int64_t seat;
        if (__builtin_add_overflow(rd_svarint(r), (int64_t)before, &seat) || seat < 0 || seat > UINT32_MAX)
            rd_fail(r);
        else
            before = (uint32_t)seat;
        lines[i].seat = before;
        lines[i].price_type = (uint8_t)rd_varint_max(r, UINT8_MAX);
        lines[i].price = rd_money(r);
    }
    *ret_count = count;
    return lines;
}

void hold_encode(const struct hold *h, struct buf *ret)
{
    put_u8(ret, HOLD_VERSION);
    put_uuid(ret, &h->event_id.u);
    put_hold_part(ret, h);
    put_lines(ret, h->lines, h->line_count);
}

int hold_decode(const void *data, size_t size, struct arena *arena, struct hold *ret_hold)
{
    struct rd r;
    rd_init(&r, data, size);
    int ret = rd_version(&r, HOLD_VERSION);
    if (ret)
        return ret;
    struct event_id event_id = {rd_uuid(&r)};
    struct hold h = rd_hold_part(&r);
    h.event_id = event_id;
    h.lines = rd_lines(&r, arena, &h.line_count);
    if (!rd_end(&r))
        return BOX_ECORRUPT;
    *ret_hold = h;
    return 0;
}

void order_encode(const struct order *o, struct buf *ret)
{
    put_u8(ret, ORDER_VERSION);
    put_uuid(ret, &o->event_id.u);
    put_order_part(ret, o);
    put_lines(ret, o->lines, o->line_count);
}

int order_decode(const void *data, size_t size, struct arena *arena, struct order *ret_order)
{
    struct rd r;
    rd_init(&r, data, size);
    int ret = rd_version(&r, ORDER_VERSION);
    if (ret)
        return ret;
    struct event_id event_id = {rd_uuid(&r)};
    struct order o = rd_order_part(&r);
    o.event_id = event_id;
    o.lines = rd_lines(&r, arena, &o.line_count);
    if (!rd_end(&r))
        return BOX_ECORRUPT;
    *ret_order = o;
    return 0;
}
