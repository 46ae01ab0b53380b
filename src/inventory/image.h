/*
 * Image: one event as a store loads it, from which an inventory is made.
 */
#ifndef INVENTORY_IMAGE_H
#define INVENTORY_IMAGE_H

#include "base/arena.h"
#include "base/hash.h"
#include "domain/checkout.h"
#include "domain/event.h"
#include "domain/layout.h"
#include <stdint.h>

/* One seat in memory: 32 bytes. */
struct seat {
    int64_t last_started_ms; /* started_at of its newest hold ever; 0: none */
    struct uuid owner;       /* held: its hold_id; sold: its order_id; else nil */
    uint16_t place;          /* index in the layout */
    uint8_t status;          /* enum seat_status */
    uint8_t dirty;           /* the inventory's: touched by the open group */
};

struct image_buyer {
    struct session_id session;
    uint32_t sold; /* tickets of this event that are sold to the session */
};

struct image {
    struct arena arena;    /* holds, orders, lines, buyers */
    struct event *event;   /* one reference, the image's */
    struct layout *layout; /* likewise */
    uint64_t seq;          /* newest change */
    int64_t time_us;       /* of the newest change */
    struct digest hash;    /* of the newest change */
    uint64_t epoch;        /* shared store, of store_take_event(): how often it was taken; else 0 */
    struct seat *seats;    /* malloc'd, layout->seats_total; all but place filled by the store */
    struct hold *holds;    /* active ones, with lines */
    size_t hold_count;
    struct order *orders; /* pending ones, with lines */
    size_t order_count;
    struct image_buyer *buyers;
    size_t buyer_count;
};

/* Free what the image still owns. */
void image_done(struct image *image);

#endif
