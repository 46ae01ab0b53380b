#include "domain/ids.h"
#include "base/must.h"
#include <string.h>

enum { TAG_BYTES = 6, SEQ_BITS = 40 };

static void set_version_8(struct uuid *u)
{
    u->b[6] = (uint8_t)((u->b[6] & 0x0f) | 0x80);
    u->b[8] = (uint8_t)((u->b[8] & 0x3f) | 0x80);
}

struct event_id event_id_new(struct rng *rng)
{
    struct event_id id;
    rng_bytes(rng, id.u.b, TICKET_PREFIX_BYTES);
    set_version_8(&id.u);
    memset(id.u.b + TICKET_PREFIX_BYTES, 0xff, sizeof(id.u.b) - TICKET_PREFIX_BYTES);
    return id;
}

uint64_t id_tag(const struct uuid *id)
{
    uint64_t tag = 0;
    for (unsigned i = 0; i < TAG_BYTES; i++)
        tag = tag << 8 | id->b[i];
    return tag;
}

struct ticket_id ticket_id_of(const struct event_id *event, uint32_t seat)
{
    struct ticket_id id = {event->u};
    for (unsigned i = 0; i < 4; i++)
        id.u.b[TICKET_PREFIX_BYTES + i] = (uint8_t)(seat >> (24 - 8 * i));
    return id;
}

bool ticket_id_seat(const struct ticket_id *ticket, const struct event_id *event, uint32_t *ret_seat)
{
    if (memcmp(ticket->u.b, event->u.b, TICKET_PREFIX_BYTES) != 0)
        return false;
    uint32_t seat = 0;
    for (unsigned i = 0; i < 4; i++)
        seat = seat << 8 | ticket->u.b[TICKET_PREFIX_BYTES + i];
    *ret_seat = seat;
    return true;
}

/* The form of hold and order ids: tag, seq, 34 random bits. */
static struct uuid tagged(const struct event_id *event, uint64_t seq, struct rng *rng)
{
    must(seq > 0 && seq >> SEQ_BITS == 0);
    struct uuid u;
    rng_bytes(rng, u.b, sizeof(u.b));
    memcpy(u.b, event->u.b, TAG_BYTES);
    u.b[6] = (uint8_t)(seq >> 36);
    u.b[7] = (uint8_t)(seq >> 28);
    u.b[8] = (uint8_t)(seq >> 22 & 0x3f);
    u.b[9] = (uint8_t)(seq >> 14);
    u.b[10] = (uint8_t)(seq >> 6);
    u.b[11] = (uint8_t)((seq & 0x3f) << 2 | (u.b[11] & 0x03));
    set_version_8(&u);
    return u;
}

struct hold_id hold_id_new(const struct event_id *event, uint64_t seq, struct rng *rng)
{
    return (struct hold_id){tagged(event, seq, rng)};
}

struct order_id order_id_new(const struct event_id *event, uint64_t seq, struct rng *rng)
{
    return (struct order_id){tagged(event, seq, rng)};
}

uint64_t id_seq(const struct uuid *id)
{
    const uint8_t *b = id->b;
    return (uint64_t)(b[6] & 0x0f) << 36 | (uint64_t)b[7] << 28 | (uint64_t)(b[8] & 0x3f) << 22 |
           (uint64_t)b[9] << 14 | (uint64_t)b[10] << 6 | (uint64_t)b[11] >> 2;
}

bool id_is_ours(const struct uuid *id)
{
    return id->b[6] >> 4 == 8 && id->b[8] >> 6 == 2;
}
