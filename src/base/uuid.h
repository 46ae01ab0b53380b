/*
 * UUIDs (RFC 9562) as 16 bytes in network order, which is also their sort order.
 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/rng.h"
#include <stdbool.h>
#include <stdint.h>

struct uuid {
    uint8_t b[16];
};

enum { UUID_TEXT = 36 };

extern const struct uuid UUID_NIL;

/* A random UUID, version 4. */
struct uuid uuid_random(struct rng *rng);
/*
 * Version 1 UUID of a time in us since 1970 (60-bit 100 ns ticks: @ticks 0..9 more) with @clock_seq (14 bits)
 * and @node.
 */
struct uuid uuid_v1(int64_t time_us, unsigned ticks, uint16_t clock_seq, const uint8_t node[6]);
/* The time of a version 1 UUID in us since 1970. */
int64_t uuid_v1_time_us(const struct uuid *u);
/* Lower-case text; @ret_text gets 36 characters and a NUL. */
void uuid_format(const struct uuid *u, char ret_text[UUID_TEXT + 1]);
/* Exactly 36 characters, either case. Returns 0 or BOX_ESYNTAX. */
int uuid_parse(const char *text, struct uuid *ret_uuid);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
int uuid_compare(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *u);

#endif
