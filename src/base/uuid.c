#include "base/uuid.h"
#include "base/error.h"
#include "base/must.h"
#include "base/text.h"
#include <string.h>

const struct uuid UUID_NIL = {{0}};

/* 100 ns ticks from 1582-10-15, where version 1 begins, to 1970-01-01. */
static const int64_t V1_EPOCH_TICKS = 0x01B21DD213814000;

/* "00" to "ff": ids are half of what an answer says. */
#define HEX_16(d)                                                                                            \
    d "0" d "1" d "2" d "3" d "4" d "5" d "6" d "7" d "8" d "9" d "a" d "b" d "c" d "d" d "e" d "f"
static const char HEX_PAIRS[] =
    HEX_16("0") HEX_16("1") HEX_16("2") HEX_16("3") HEX_16("4") HEX_16("5") HEX_16("6") HEX_16("7")
        HEX_16("8") HEX_16("9") HEX_16("a") HEX_16("b") HEX_16("c") HEX_16("d") HEX_16("e") HEX_16("f");
_Static_assert(sizeof(HEX_PAIRS) == 513, "two digits for each byte");

struct uuid uuid_random(struct rng *rng)
{
    struct uuid u;
    rng_bytes(rng, u.b, sizeof(u.b));
    u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40);
    u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
    return u;
}

struct uuid uuid_v1(int64_t time_us, unsigned ticks, uint16_t clock_seq, const uint8_t node[6])
{
    int64_t t;
    must(ticks <= 9);
    must(!__builtin_mul_overflow(time_us, 10, &t) && !__builtin_add_overflow(t, V1_EPOCH_TICKS + ticks, &t));
    must(t >= 0 && t >> 60 == 0);

    struct uuid u;
    for (unsigned i = 0; i < 4; i++)
        u.b[i] = (uint8_t)(t >> (24 - 8 * i));
    u.b[4] = (uint8_t)(t >> 40);
    u.b[5] = (uint8_t)(t >> 32);
    u.b[6] = (uint8_t)(0x10 | t >> 56);
    u.b[7] = (uint8_t)(t >> 48);
    u.b[8] = (uint8_t)(0x80 | (clock_seq >> 8 & 0x3f));
    u.b[9] = (uint8_t)clock_seq;
    memcpy(u.b + 10, node, 6);
    return u;
}

int64_t uuid_v1_time_us(const struct uuid *u)
{
    const uint8_t *b = u->b;
    uint64_t high = (uint64_t)(b[6] & 0x0f) << 8 | b[7];
    uint64_t mid = (uint64_t)b[4] << 8 | b[5];
    uint64_t low = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    int64_t ticks = (int64_t)(high << 48 | mid << 32 | low) - V1_EPOCH_TICKS;
    return ticks / 10 - (ticks % 10 < 0); /* rounded down also before 1970 */
}

void uuid_format(const struct uuid *u, char ret_text[UUID_TEXT + 1])
{
    static const uint8_t at[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    for (unsigned i = 0; i < 16; i++)
        memcpy(ret_text + at[i], &HEX_PAIRS[2 * u->b[i]], 2);
    ret_text[8] = ret_text[13] = ret_text[18] = ret_text[23] = '-';
    ret_text[UUID_TEXT] = '\0';
}

int uuid_parse(const char *text, struct uuid *ret_uuid)
{
    struct uuid u;
    const char *from = text;
    for (unsigned i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *from++ != '-')
            return BOX_ESYNTAX;
        int high = text_hex_digit(from[0]);
        int low = high < 0 ? -1 : text_hex_digit(from[1]); /* from[0] may be the NUL */
        if (low < 0)
            return BOX_ESYNTAX;
        u.b[i] = (uint8_t)(high << 4 | low);
        from += 2;
    }
    if (*from)
        return BOX_ESYNTAX;
    *ret_uuid = u;
    return 0;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool uuid_is_nil(const struct uuid *u)
{
    return uuid_equal(u, &UUID_NIL);
}
