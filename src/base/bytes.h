/*
 * Binary encoding: a writer on a struct buf and a reader on bytes, big-endian, with varints (LEB128) and
 * length-prefixed text. The reader never reads past its end: after the first fault every read gives 0 and
 * rd_ok() is false, so that a decoder checks once at the end. A varint that is longer than it need be is a
 * fault, so that bytes that decode well are the bytes that encoding gives.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Append in big-endian order. */
void put_u8(struct buf *b, uint8_t v);
void put_u16(struct buf *b, uint16_t v);
void put_u32(struct buf *b, uint32_t v);
void put_u64(struct buf *b, uint64_t v);
void put_i64(struct buf *b, int64_t v);
/* LEB128, 1 to 10 bytes; put_svarint maps small negative numbers to small ones first (zigzag). */
void put_varint(struct buf *b, uint64_t v);
void put_svarint(struct buf *b, int64_t v);
/* varint length, then the bytes. */
void put_bytes(struct buf *b, const void *data, size_t size);
void put_text(struct buf *b, const char *text);

struct rd {
    const uint8_t *next, *end;
    bool failed;
};

/* Read from @size bytes at @data, which stay the caller's. */
void rd_init(struct rd *r, const void *data, size_t size);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
int64_t rd_i64(struct rd *r);
uint64_t rd_varint(struct rd *r);
int64_t rd_svarint(struct rd *r);
/* Lend @size raw bytes (NULL after a fault). */
const uint8_t *rd_raw(struct rd *r, size_t size);
/* Lend what put_bytes wrote; *ret_size is 0 after a fault. */
const uint8_t *rd_bytes(struct rd *r, size_t *ret_size);
/* Bytes left. */
size_t rd_left(const struct rd *r);
/* True when no read failed; rd_end() also wants that nothing is left. */
bool rd_ok(const struct rd *r);
bool rd_end(const struct rd *r);

#endif
