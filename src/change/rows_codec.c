/*
 * Values of rows in stores that keep bytes. LEB128 numbers, ids are 16 bytes, times (ms) are varints.
 *
 *   ticket       u8 version 1 | u8 flags | u8 status | [varint price type | varint price] | [hold id] |
 *                [session id] | [order id] | [varint hold until] | varint last started
 *                flags: 1 price, 2 hold id, 4 session id, 8 order id, 16 hold until
 *                A seat that was never touched is four bytes.
 *   order_queue  u8 version 1 | session id | hold id | varint seq | varint expires
 */
#include "base/error.h"
#include "base/must.h"
#include "change/rows.h"
#include "domain/codec.h"

enum { ROW_VERSION = 1 };
enum { HAS_PRICE = 1, HAS_HOLD = 2, HAS_SESSION = 4, HAS_ORDER = 8, HAS_UNTIL = 16, HAS_ALL = 31 };

/*
 * Rows of a newer version stand behind changes of a newer version, which are found first: here it is just
 * damage.
 */
static void rd_row_version(struct rd *r)
{
    if (rd_u8(r) != ROW_VERSION)
        rd_fail(r);
}

static uint8_t ticket_flags(const struct ticket_row *row)
{
    return (uint8_t)((row->price.minor || row->price_type ? HAS_PRICE : 0) |
                     (uuid_is_nil(&row->hold_id.u) ? 0 : HAS_HOLD) |
                     (uuid_is_nil(&row->session.u) ? 0 : HAS_SESSION) |
                     (uuid_is_nil(&row->order_id.u) ? 0 : HAS_ORDER) | (row->hold_until_ms ? HAS_UNTIL : 0));
}

void ticket_row_encode(const struct ticket_row *row, struct buf *ret)
{
    uint8_t flags = ticket_flags(row);
    put_u8(ret, ROW_VERSION);
    put_u8(ret, flags);
    put_u8(ret, (uint8_t)row->status);
    if (flags & HAS_PRICE) {
        put_varint(ret, row->price_type);
        put_money(ret, row->price);
    }
    if (flags & HAS_HOLD)
        put_uuid(ret, &row->hold_id.u);
    if (flags & HAS_SESSION)
        put_uuid(ret, &row->session.u);
    if (flags & HAS_ORDER)
        put_uuid(ret, &row->order_id.u);
    if (flags & HAS_UNTIL)
        put_time_ms(ret, row->hold_until_ms);
    put_time_ms(ret, row->last_started_ms);
}

int ticket_row_decode(const void *data, size_t size, struct ticket_row *ret_row)
{
    struct rd r;
    struct ticket_row row = {0};
    rd_init(&r, data, size);
    rd_row_version(&r);
    uint8_t flags = rd_flags(&r, HAS_ALL);
    row.status = (enum seat_status)rd_u8_max(&r, SEAT_BLOCKED);
    if (flags & HAS_PRICE) {
        row.price_type = (uint8_t)rd_varint_max(&r, UINT8_MAX);
        row.price = rd_money(&r);
    }
    if (flags & HAS_HOLD)
        row.hold_id.u = rd_uuid(&r);
    if (flags & HAS_SESSION)
        row.session.u = rd_uuid(&r);
    if (flags & HAS_ORDER)
        row.order_id.u = rd_uuid(&r);
    if (flags & HAS_UNTIL)
        row.hold_until_ms = rd_time_ms(&r);
    row.last_started_ms = rd_time_ms(&r);
    if (!rd_end(&r) || ticket_flags(&row) != flags)
        return BOX_ECORRUPT;
    *ret_row = row;
    return 0;
}

void order_queue_row_encode(const struct order_queue_row *row, struct buf *ret)
{
    put_u8(ret, ROW_VERSION);
    put_uuid(ret, &row->session_id.u);
    put_uuid(ret, &row->hold_id.u);
    put_varint(ret, row->seq);
    put_time_ms(ret, row->expires_ms);
}

int order_queue_row_decode(const void *data, size_t size, struct order_queue_row *ret_row)
{
    struct rd r;
    struct order_queue_row row = {0};
    rd_init(&r, data, size);
    rd_row_version(&r);
    row.session_id.u = rd_uuid(&r);
    row.hold_id.u = rd_uuid(&r);
    row.seq = rd_varint(&r);
    row.expires_ms = rd_time_ms(&r);
    if (!rd_end(&r))
        return BOX_ECORRUPT;
    *ret_row = row;
    return 0;
}
