#include "domain/checkout.h"
#include "base/must.h"
#include <string.h>

static const char *const SEAT_NAMES[] = {"available", "held", "sold", "blocked"};
static const char *const HOLD_NAMES[] = {"active", "released", "expired", "purchased"};
static const char *const ORDER_NAMES[] = {"pending", "paid", "cancelled", "expired", "refunded"};
static const char *const OUTCOME_NAMES[] = {NULL, "purchased", "released", "cancelled", "expired"};

enum { MS_PER_SECOND = 1000 };

const char *seat_status_name(enum seat_status s)
{
    must(s <= SEAT_BLOCKED);
    return SEAT_NAMES[s];
}

const char *hold_status_name(enum hold_status s)
{
    must(s <= HOLD_PURCHASED);
    return HOLD_NAMES[s];
}

const char *order_status_name(enum order_status s)
{
    must(s <= ORDER_REFUNDED);
    return ORDER_NAMES[s];
}

const char *hold_outcome_name(enum hold_outcome o)
{
    must(o <= OUTCOME_EXPIRED);
    return OUTCOME_NAMES[o];
}

/* Index of @name among @count names, or @count. */
static unsigned find_name(const char *const *names, unsigned count, const char *name)
{
    unsigned i = 0;
    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

bool seat_status_parse(const char *name, enum seat_status *ret_status)
{
    unsigned i = find_name(SEAT_NAMES, SEAT_STATUSES, name);
    if (i == SEAT_STATUSES)
        return false;
    *ret_status = (enum seat_status)i;
    return true;
}

bool hold_status_parse(const char *name, enum hold_status *ret_status)
{
    unsigned i = find_name(HOLD_NAMES, HOLD_PURCHASED + 1, name);
    if (i > HOLD_PURCHASED)
        return false;
    *ret_status = (enum hold_status)i;
    return true;
}

bool order_status_parse(const char *name, enum order_status *ret_status)
{
    unsigned i = find_name(ORDER_NAMES, ORDER_REFUNDED + 1, name);
    if (i > ORDER_REFUNDED)
        return false;
    *ret_status = (enum order_status)i;
    return true;
}

uint32_t hold_ttl_seconds(int64_t expires_ms, int64_t now_ms)
{
    if (expires_ms <= now_ms)
        return 1; /* a TTL of 0 would mean for ever */
    int64_t seconds = (expires_ms - now_ms - 1) / MS_PER_SECOND + 1;
    return seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

void order_code_new(struct rng *rng, char ret_code[ORDER_CODE_CHARS + 1])
{
    static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"; /* no I, O, 0, 1 */
    _Static_assert(sizeof(alphabet) == 32 + 1, "five bits a character");
    uint64_t bits = rng_u64(rng);
    for (unsigned i = 0; i < ORDER_CODE_CHARS; i++, bits >>= 5)
        ret_code[i] = alphabet[bits & 31];
    ret_code[ORDER_CODE_CHARS] = '\0';
}
