#include "store/kv/format.h"
#include "base/bytes.h"
#include "base/must.h"
#include <string.h>

enum { STATE_VERSION = 1, STATE_DELETED = 1 };

void key_begin(struct key *k)
{
    k->size = 0;
}

void key_raw(struct key *k, const void *data, size_t size)
{
    must(size <= sizeof(k->b) - k->size);
    memcpy(k->b + k->size, data, size);
    k->size += size;
}

void key_u8(struct key *k, uint8_t v)
{
    key_raw(k, &v, 1);
}

void key_u32(struct key *k, uint32_t v)
{
    uint8_t b[4];
    for (unsigned i = 0; i < 4; i++)
        b[i] = (uint8_t)(v >> (24 - 8 * i));
    key_raw(k, b, sizeof(b));
}

void key_u64(struct key *k, uint64_t v)
{
    key_u32(k, (uint32_t)(v >> 32));
    key_u32(k, (uint32_t)v);
}

void key_id(struct key *k, const struct uuid *id)
{
    key_raw(k, id->b, ID_BYTES);
}

void key_event(struct key *k, const struct event_id *id, uint8_t part)
{
    key_begin(k);
    key_id(k, &id->u);
    key_u8(k, part);
}

void key_ticket(struct key *k, const struct event_id *id, uint32_t seat)
{
    key_begin(k);
    key_id(k, &id->u);
    key_u32(k, seat);
}

void key_order_queue(struct key *k, const struct event_id *id, uint32_t seat, int64_t started_ms)
{
    must(started_ms >= 0); /* or the keys would not sort as the times do */
    key_ticket(k, id, seat);
    key_u64(k, (uint64_t)started_ms);
}

void key_change(struct key *k, uint64_t last_commit_no)
{
    key_begin(k);
    key_u64(k, last_commit_no);
}

void key_change_by_event(struct key *k, const struct event_id *id, uint64_t last_seq)
{
    key_begin(k);
    key_id(k, &id->u);
    key_u64(k, last_seq);
}

void key_personal(struct key *k, const struct order_id *id, char part)
{
    key_begin(k);
    key_id(k, &id->u);
    key_u8(k, (uint8_t)part);
}

void key_index_code(struct key *k, const char *code)
{
    must(strlen(code) == ORDER_CODE_CHARS);
    key_begin(k);
    key_u8(k, 'c');
    key_raw(k, code, ORDER_CODE_CHARS);
}

void key_index_ticket(struct key *k, const struct ticket_id *ticket)
{
    key_begin(k);
    key_u8(k, 't');
    key_id(k, &ticket->u);
}

void key_index_email(struct key *k, const uint8_t secret[32], const char *email)
{
    struct buf lower = {0};
    for (const char *c = email; *c; c++)
        buf_addc(&lower, *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c);
    struct digest hash = digest_keyed(secret, lower.data, lower.size);
    buf_done(&lower);
    key_begin(k);
    key_u8(k, 'e');
    key_raw(k, hash.b, DIGEST_BYTES);
}

uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t load_u64(const uint8_t *p)
{
    return (uint64_t)load_u32(p) << 32 | load_u32(p + 4);
}

int format_check(uint64_t version, const char **ret_reason)
{
    if (version == FORMAT_VERSION)
        return 0;
    *ret_reason =
        version > FORMAT_VERSION
            ? "the store was written by a newer version of boxoffice; use that version"
            : "the store was written by an older version of boxoffice, which this one cannot read; use "
              "that version, or name a new folder";
    return version > FORMAT_VERSION ? BOX_ENEWER : BOX_EOLDER;
}

void event_state_encode(const struct event_state *state, struct buf *ret)
{
    must(state->seq > 0);
    put_u8(ret, STATE_VERSION);
    put_u8(ret, state->deleted ? STATE_DELETED : 0);
    put_u64(ret, state->seq);
    put_i64(ret, state->time_us);
    buf_add(ret, state->hash.b, DIGEST_BYTES);
    put_varint(ret, state->held);
    put_varint(ret, state->sold);
    put_varint(ret, state->blocked);
}

static uint32_t rd_count(struct rd *r)
{
    uint64_t v = rd_varint(r);
    if (v > UINT32_MAX)
        r->failed = true;
    return (uint32_t)v;
}

int event_state_decode(const void *data, size_t size, struct event_state *ret_state)
{
    struct rd r;
    rd_init(&r, data, size);
    uint8_t version = rd_u8(&r);
    if (version > STATE_VERSION)
        return BOX_ENEWER;
    uint8_t flags = rd_u8(&r);
    struct event_state state = {.deleted = flags & STATE_DELETED};
    state.seq = rd_u64(&r);
    state.time_us = rd_i64(&r);
    const uint8_t *hash = rd_raw(&r, DIGEST_BYTES);
    if (hash)
        memcpy(state.hash.b, hash, DIGEST_BYTES);
    state.held = rd_count(&r);
    state.sold = rd_count(&r);
    state.blocked = rd_count(&r);
    if (!rd_end(&r) || version != STATE_VERSION || flags > STATE_DELETED || state.seq == 0)
        return BOX_ECORRUPT;
    *ret_state = state;
    return 0;
}

void idem_encode(const struct idem_record *record, struct buf *ret)
{
    put_i64(ret, record->expires_ms);
    buf_add(ret, record->request.b, DIGEST_BYTES);
    put_u16(ret, record->http_status);
    put_u64(ret, record->change_seq);
    put_u8(ret, record->location ? 1 : 0);
    put_text(ret, record->location ? record->location : "");
    put_bytes(ret, record->body, record->body_size);
}

int idem_decode(const void *data, size_t size, struct arena *arena, struct idem_record *ret_record)
{
    struct rd r;
    rd_init(&r, data, size);
    struct idem_record record = {.expires_ms = rd_i64(&r)};
    const uint8_t *request = rd_raw(&r, DIGEST_BYTES);
    if (request)
        memcpy(record.request.b, request, DIGEST_BYTES);
    record.http_status = rd_u16(&r);
    record.change_seq = rd_u64(&r);
    uint8_t has_location = rd_u8(&r);
    size_t location_size;
    const uint8_t *location = rd_bytes(&r, &location_size);
    const uint8_t *body = rd_bytes(&r, &record.body_size);
    if (!rd_end(&r) || has_location > 1)
        return BOX_ECORRUPT;
    if (has_location)
        record.location = arena_strndup(arena, (const char *)location, location_size);
    record.body = arena_copy(arena, body, record.body_size);
    *ret_record = record;
    return 0;
}

bool idem_expires_ms(const void *data, size_t size, int64_t *ret_ms)
{
    if (size < 8)
        return false;
    *ret_ms = (int64_t)load_u64(data);
    return true;
}

void venue_section_encode(const struct layout_place *place, struct buf *ret)
{
    put_svarint(ret, place->price.unscaled);
    put_u8(ret, place->price.scale);
    put_varint(ret, place->seats);
}
