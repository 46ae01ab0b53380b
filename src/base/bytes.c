#include "base/bytes.h"
#include <endian.h>
#include <string.h>

enum { VARINT_MAX = 10 }; /* 64 bits in groups of 7 */

static void put_be(struct buf *b, uint64_t v, size_t size)
{
    uint64_t be = htobe64(v << (8 * (8 - size)));
    buf_add(b, &be, size);
}

void put_u8(struct buf *b, uint8_t v)
{
    buf_addc(b, (char)v);
}

void put_u16(struct buf *b, uint16_t v)
{
    put_be(b, v, 2);
}

void put_u32(struct buf *b, uint32_t v)
{
    put_be(b, v, 4);
}

void put_u64(struct buf *b, uint64_t v)
{
    put_be(b, v, 8);
}

void put_i64(struct buf *b, int64_t v)
{
    put_be(b, (uint64_t)v, 8);
}

void put_varint(struct buf *b, uint64_t v)
{
    char *to = buf_reserve(b, VARINT_MAX);
    size_t size = 0;
    while (v >= 0x80) {
        to[size++] = (char)(uint8_t)(v | 0x80);
        v >>= 7;
    }
    to[size++] = (char)v;
    b->size += size;
}

void put_svarint(struct buf *b, int64_t v)
{
    put_varint(b, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

void put_bytes(struct buf *b, const void *data, size_t size)
{
    put_varint(b, size);
    buf_add(b, data, size);
}

void put_text(struct buf *b, const char *text)
{
    put_bytes(b, text, strlen(text));
}

void rd_init(struct rd *r, const void *data, size_t size)
{
    static const uint8_t nothing[1];
    r->next = data ? data : nothing; /* no arithmetic on NULL */
    r->end = r->next + (data ? size : 0);
    r->failed = !data && size;
}

size_t rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->next);
}

bool rd_ok(const struct rd *r)
{
    return !r->failed;
}

bool rd_end(const struct rd *r)
{
    return !r->failed && r->next == r->end;
}

static void fail(struct rd *r)
{
    r->failed = true;
    r->next = r->end; /* nothing can be read after a fault */
}

const uint8_t *rd_raw(struct rd *r, size_t size)
{
    if (r->failed || size > rd_left(r)) {
        fail(r);
        return NULL;
    }
    const uint8_t *data = r->next;
    r->next += size;
    return data;
}

static uint64_t rd_be(struct rd *r, size_t size)
{
    const uint8_t *data = rd_raw(r, size);
    uint64_t v = 0;
    for (size_t i = 0; data && i < size; i++)
        v = v << 8 | data[i];
    return v;
}

uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)rd_be(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
    return (uint16_t)rd_be(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
    return (uint32_t)rd_be(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
    return rd_be(r, 8);
}

int64_t rd_i64(struct rd *r)
{
    return (int64_t)rd_be(r, 8);
}

uint64_t rd_varint(struct rd *r)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < VARINT_MAX && rd_left(r); i++) {
        uint8_t byte = *r->next++;
        /* A value has one encoding: the tenth byte holds one bit, and the last byte is not a needless 0. */
        if ((i == VARINT_MAX - 1 && byte > 1) || (i > 0 && byte == 0))
            break;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return v;
    }
    fail(r);
    return 0;
}

int64_t rd_svarint(struct rd *r)
{
    uint64_t v = rd_varint(r);
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

const uint8_t *rd_bytes(struct rd *r, size_t *ret_size)
{
    uint64_t size = rd_varint(r);
    const uint8_t *data = NULL;
    if (size > rd_left(r))
        fail(r);
    else
        data = rd_raw(r, (size_t)size);
    *ret_size = data ? (size_t)size : 0;
    return data;
}
