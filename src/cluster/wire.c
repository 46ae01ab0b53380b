#include "cluster/wire.h"
#include "base/error.h"
#include "base/must.h"

enum { VERSION = 1 };

/* ---- writing ---- */

void wire_put_news(struct buf *b, const struct wire_news *news)
{
    put_u8(b, VERSION);
    put_uuid(b, &news->server_id);
    put_u64(b, news->position);
    put_i64(b, news->stable_us);
    put_u8(b, news->anew);
}

void wire_put_home(struct buf *b, const struct event_id *id, uint64_t epoch, uint64_t seq)
{
    put_u8(b, WIRE_HOME);
    put_uuid(b, &id->u);
    put_varint(b, epoch);
    put_varint(b, seq);
}

void wire_put_resigned(struct buf *b, const struct event_id *id, uint64_t epoch)
{
    put_u8(b, WIRE_RESIGNED);
    put_uuid(b, &id->u);
    put_varint(b, epoch);
}

void wire_put_changes(struct buf *b, const struct change *first)
{
    struct buf one = {0};
    uint64_t count = 0;
    must(first);
    for (const struct change *c = first; c; c = c->next)
        count++;
    put_u8(b, WIRE_CHANGES);
    put_uuid(b, &first->event_id.u);
    put_varint(b, count);
    for (const struct change *c = first; c; c = c->next) {
        buf_reset(&one);
        change_encode(c, &one);
        put_bytes(b, one.data, one.size);
    }
    buf_done(&one);
}

void wire_put_venue(struct buf *b, const struct venue_id *id)
{
    put_u8(b, WIRE_VENUE);
    put_uuid(b, &id->u);
}

void wire_put_leaves(struct buf *b, const struct uuid *server)
{
    put_u8(b, WIRE_LEAVES);
    put_uuid(b, server);
}

/* ---- reading ---- */

int wire_read_news(struct rd *r, const void *data, size_t size, struct wire_news *ret_news)
{
    rd_init(r, data, size);
    int ret = rd_version(r, VERSION);
    if (ret)
        return ret;
    struct wire_news news = {.server_id = rd_uuid_present(r)};
    news.position = rd_u64(r);
    news.stable_us = rd_i64(r);
    news.anew = rd_u8_max(r, 1);
    if (!rd_ok(r))
        return BOX_ECORRUPT;
    *ret_news = news;
    return 0;
}

/* Pass over the changes of a record, which are lent to it. */
static void read_changes(struct rd *r, struct wire_record *record)
{
    record->count = rd_count(r, 1);
    record->changes = *r;
    for (uint32_t i = 0; i < record->count; i++) {
        size_t size;
        rd_bytes(r, &size);
    }
    record->changes.end = r->next;
}

int wire_next(struct rd *r, struct wire_record *ret_record)
{
    if (rd_ok(r) && rd_left(r) == 0)
        return BOX_ENOTFOUND;
    struct wire_record record = {.kind = (enum wire_kind)rd_u8_max(r, WIRE_LEAVES)};
    record.id = rd_uuid_present(r);
    switch (record.kind) {
    case WIRE_HOME:
        record.epoch = rd_varint(r);
        record.seq = rd_varint(r);
        break;
    case WIRE_RESIGNED:
        record.epoch = rd_varint(r);
        break;
    case WIRE_CHANGES:
        read_changes(r, &record);
        break;
    case WIRE_VENUE:
    case WIRE_LEAVES:
        break;
    default:
        rd_fail(r);
    }
    if (!rd_ok(r))
        return BOX_ECORRUPT;
    *ret_record = record;
    return 0;
}

int wire_next_change(struct wire_record *record, struct arena *arena, struct change **ret_change)
{
    size_t size;
    if (record->count == 0)
        return BOX_ENOTFOUND;
    record->count--;
    const uint8_t *data = rd_bytes(&record->changes, &size);
    must(data); /* wire_next() has passed over it */
    return change_decode(data, size, arena, ret_change);
}
