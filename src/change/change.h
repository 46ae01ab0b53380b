/*
 * The change record: what one accepted command did to one event. It is what the view, the CDC log, exports,
 * followers and recovery read; every other record can be made again from it.
 *
 * Rules: an event's changes are numbered 1, 2, 3, ... (seq) without gaps. A change lists every seat it
 * concerns, in the order of the hold, with price type and price in minor units and the status before and
 * after (equal where a command concerns a seat without changing its status: extend, order created). hold and
 * order are the records as they are after the change, without their lines: the lines are the change's seats.
 * No personal data.
 *
 * Chain: hash = BLAKE2b-256(previous hash | encoded body); the first change of an event follows 32 zero
 * bytes. A record that was altered or removed breaks every later one.
 *
 * Encoded form (change_encode): u8 version (1) | u8 kind | event id 16 | u64 seq | u64 commit number | i64
 * time us | actor | sections present (bits) | hold | order | price type names used | seats | event version |
 * hash 32. The commit number is the store's (position in its whole log; 0 where a store has none) and is not
 * covered by the hash. Integers big-endian or LEB128; the layout of each part stands in change.c beside its
 * code.
 */
#ifndef CHANGE_CHANGE_H
#define CHANGE_CHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "domain/actor.h"
#include "domain/checkout.h"
#include "domain/event.h"
#include <stdint.h>

enum change_kind {
    CHANGE_EVENT_CREATED = 1, /* all tickets exist; lists no seats (all are available, blocked none) */
    CHANGE_EVENT_PUBLISHED = 2,
    CHANGE_EVENT_UNPUBLISHED = 3,
    CHANGE_EVENT_EDITED = 4,
    CHANGE_EVENT_PRICED = 5,
    CHANGE_EVENT_PAUSED = 6,
    CHANGE_EVENT_RESUMED = 7,
    CHANGE_EVENT_CANCELLED = 8,
    CHANGE_EVENT_DELETED = 9,
    CHANGE_SEATS_BLOCKED = 10,
    CHANGE_SEATS_UNBLOCKED = 11,
    CHANGE_HOLD_CREATED = 12,
    CHANGE_HOLD_EXTENDED = 13,
    CHANGE_HOLD_RELEASED = 14, /* outcome released, or cancelled when the event was cancelled */
    CHANGE_HOLD_EXPIRED = 15,
    CHANGE_ORDER_CREATED = 16,
    CHANGE_ORDER_PAID = 17,
    CHANGE_ORDER_CANCELLED = 18, /* its hold ends with outcome cancelled */
    CHANGE_ORDER_REFUNDED = 19,
};

struct seat_change {
    uint32_t seat;
    uint8_t before, after; /* enum seat_status */
    uint8_t price_type;
    struct money price;      /* as taken (holds, orders), else 0 */
    int64_t last_started_ms; /* started_at of the newest hold it ever was in, this one included; 0: none */
};

struct change {
    enum change_kind kind;
    struct event_id event_id;
    uint64_t seq;
    uint64_t commit_no; /* set by the store when it commits */
    int64_t time_us;    /* of the decision; strictly greater than the event's previous change's */
    struct actor actor;
    const struct hold *hold;   /* after the change (lines NULL), or NULL */
    const struct order *order; /* after the change (lines NULL), or NULL */
    const struct event *event; /* kinds EVENT_*: the version after the change, else NULL */
    const struct seat_change *seats;
    uint32_t seat_count;
    /* Name of each price type that the seats have, by index; the others may be NULL (decoded: are NULL). */
    const char *const *price_type_names;
    uint32_t price_type_count;
    struct digest hash;
    struct change *next; /* of the same command or group */
};

/* Compute c->hash from the previous change's hash (NULL: the first). Everything but commit_no must be set. */
void change_seal(struct change *c, const struct digest *previous);
/* True if c->hash follows from @previous. */
bool change_check(const struct change *c, const struct digest *previous);

/* Append the encoded form. @c is sealed. */
void change_encode(const struct change *c, struct buf *ret);
/*
 * Returns 0, BOX_ECORRUPT or BOX_ENEWER. Parts are the arena's; (*ret_change)->event, where there is one, is
 * a reference that the caller must drop.
 */
int change_decode(const void *data, size_t size, struct arena *arena, struct change **ret_change);
/* The kind of an encoded change, by a look at its head alone; 0 if it is of no version and kind known here.
 */
enum change_kind change_kind_of(const void *data, size_t size);

const char *change_kind_name(enum change_kind k); /* "hold_created" */

#endif
