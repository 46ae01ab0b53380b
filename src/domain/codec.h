/*
 * What the binary forms of the domain have in common, beside base/bytes.h: ids, text, counts and flags.
 *
 * The readers are strict: a value has one encoding, so that bytes that decode well are the bytes that
 * encoding gives (the hash chain of changes rests on that). After a fault the reader fails for good, as those
 * of base/bytes.h do.
 */
#ifndef DOMAIN_CODEC_H
#define DOMAIN_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/uuid.h"
#include "money/money.h"

/* Record a fault: what was read does not fit. */
void rd_fail(struct rd *r);

/*
 * Read the version byte and compare it with the newest that is known. Returns 0, BOX_ENEWER, or BOX_ECORRUPT
 * (no byte at all, or 0).
 */
int rd_version(struct rd *r, uint8_t newest);

/* 16 bytes, written and read. */
void put_uuid(struct buf *b, const struct uuid *u);
struct uuid rd_uuid(struct rd *r);
/* A nil id is a fault: for ids whose presence a flag says. */
struct uuid rd_uuid_present(struct rd *r);

/*
 * Text that put_text() wrote, copied into the arena with a NUL. Not UTF-8, or a NUL inside, is a fault.
 * Never NULL.
 */
const char *rd_text(struct rd *r, struct arena *arena);

/* A varint of at most @max. */
uint64_t rd_varint_max(struct rd *r, uint64_t max);
uint32_t rd_varint32(struct rd *r);
/* A byte of at most @max. */
uint8_t rd_u8_max(struct rd *r, uint8_t max);
/* A byte in which only bits of @known may be set. */
uint8_t rd_flags(struct rd *r, uint8_t known);

/*
 * The count of things that follow, each of at least @least_bytes (> 0): more than the bytes left can hold is
 * a fault, so that a damaged count never makes a large allocation.
 */
uint32_t rd_count(struct rd *r, size_t least_bytes);

/*
 * A time in ms since 1970, up to the end of the year 9999 (what base/clock.h can format); 0 where there
 * is none.
 */
void put_time_ms(struct buf *b, int64_t ms);
int64_t rd_time_ms(struct rd *r);

/* Amounts are never negative. */
void put_money(struct buf *b, struct money m);
struct money rd_money(struct rd *r);

#endif
