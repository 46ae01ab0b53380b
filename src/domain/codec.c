#include "domain/codec.h"
#include "base/error.h"
#include "base/must.h"
#include "base/text.h"
#include <string.h>

void rd_fail(struct rd *r)
{
    r->failed = true;
    r->next = r->end;
}

int rd_version(struct rd *r, uint8_t newest)
{
    uint8_t version = rd_u8(r);
    if (version > newest)
        return BOX_ENEWER;
    return version == 0 ? BOX_ECORRUPT : 0;
}

void put_uuid(struct buf *b, const struct uuid *u)
{
    buf_add(b, u->b, sizeof(u->b));
}

struct uuid rd_uuid(struct rd *r)
{
    struct uuid u = UUID_NIL;
    const uint8_t *bytes = rd_raw(r, sizeof(u.b));
    if (bytes)
        memcpy(u.b, bytes, sizeof(u.b));
    return u;
}

struct uuid rd_uuid_present(struct rd *r)
{
    struct uuid u = rd_uuid(r);
    if (uuid_is_nil(&u))
        rd_fail(r);
    return u;
}

const char *rd_text(struct rd *r, struct arena *arena)
{
    size_t size;
    const char *text = (const char *)rd_bytes(r, &size);
    if (!text)
        return "";
    if (memchr(text, '\0', size) || !text_is_utf8(text, size)) {
        rd_fail(r);
        return "";
    }
    return arena_strndup(arena, text, size);
}

uint64_t rd_varint_max(struct rd *r, uint64_t max)
{
    uint64_t v = rd_varint(r);
    if (v <= max)
        return v;
    rd_fail(r);
    return 0;
}

uint32_t rd_varint32(struct rd *r)
{
    return (uint32_t)rd_varint_max(r, UINT32_MAX);
}

uint8_t rd_u8_max(struct rd *r, uint8_t max)
{
    uint8_t v = rd_u8(r);
    if (v <= max)
        return v;
    rd_fail(r);
    return 0;
}

uint8_t rd_flags(struct rd *r, uint8_t known)
{
    uint8_t flags = rd_u8(r);
    if ((flags & ~known) == 0)
        return flags;
    rd_fail(r);
    return 0;
}

uint32_t rd_count(struct rd *r, size_t least_bytes)
{
    must(least_bytes > 0);
    uint64_t count = rd_varint_max(r, UINT32_MAX);
    if (count <= rd_left(r) / least_bytes)
        return (uint32_t)count;
    rd_fail(r);
    return 0;
}

static const int64_t TIME_MS_MAX = 253402300799999; /* 9999-12-31T23:59:59.999Z */

void put_time_ms(struct buf *b, int64_t ms)
{
    must(ms >= 0 && ms <= TIME_MS_MAX);
    put_varint(b, (uint64_t)ms);
}

int64_t rd_time_ms(struct rd *r)
{
    return (int64_t)rd_varint_max(r, (uint64_t)TIME_MS_MAX);
}

void put_money(struct buf *b, struct money m)
{
    must(m.minor >= 0);
    put_varint(b, (uint64_t)m.minor);
}

struct money rd_money(struct rd *r)
{
    return (struct money){(int64_t)rd_varint_max(r, INT64_MAX)};
}
