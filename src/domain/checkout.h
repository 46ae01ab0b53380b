/*
 * Checkout: holds and orders as records, the form in which they are stored and shown.
 * Plain structs; text and arrays are borrowed from whoever made the record (an arena).
 */
#ifndef DOMAIN_CHECKOUT_H
#define DOMAIN_CHECKOUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "domain/ids.h"
#include "money/money.h"
#include <stdint.h>

enum seat_status { SEAT_AVAILABLE = 0, SEAT_HELD = 1, SEAT_SOLD = 2, SEAT_BLOCKED = 3, SEAT_STATUSES = 4 };
enum hold_status { HOLD_ACTIVE = 0, HOLD_RELEASED = 1, HOLD_EXPIRED = 2, HOLD_PURCHASED = 3 };
enum order_status {
    ORDER_PENDING = 0,
    ORDER_PAID = 1,
    ORDER_CANCELLED = 2,
    ORDER_EXPIRED = 3,
    ORDER_REFUNDED = 4
};
enum hold_outcome {
    OUTCOME_NONE = 0,
    OUTCOME_PURCHASED = 1,
    OUTCOME_RELEASED = 2,
    OUTCOME_CANCELLED = 3,
    OUTCOME_EXPIRED = 4
};

/* One seat of a hold or order, as it was taken. */
struct line {
    uint32_t seat;
    uint8_t price_type; /* index into the event's price_types */
    struct money price;
};

struct hold {
    struct hold_id hold_id;
    struct event_id event_id;
    struct session_id session_id;
    struct order_id order_id; /* its order, or nil */
    struct uuid user_id;      /* of its order, or nil */
    enum hold_status status;
    enum hold_outcome outcome;
    int64_t started_ms, expires_ms, ended_ms; /* ended 0 while active */
    struct money total;
    const struct line *lines;
    uint32_t line_count;
};

enum { ORDER_CODE_CHARS = 8 };

struct order {
    struct order_id order_id;
    char code[ORDER_CODE_CHARS + 1]; /* alphabet 23456789ABCDEFGHJKLMNPQRSTUVWXYZ without I, O, 0, 1 */
    struct event_id event_id;
    struct hold_id hold_id;
    struct session_id session_id;
    struct uuid user_id; /* or nil */
    enum order_status status;
    int64_t created_ms, expires_ms, purchased_ms, ended_ms; /* 0: not yet */
    struct money total;
    const struct line *lines;
    uint32_t line_count;
};

/* What belongs to a person, kept beside the order and never in the log. NULL: unknown. */
struct personal {
    const char *name, *email, *payment_reference;
};

/* Names as the interface has them. */
const char *seat_status_name(enum seat_status s);
const char *hold_status_name(enum hold_status s);
const char *order_status_name(enum order_status s);
const char *hold_outcome_name(enum hold_outcome o); /* NULL for OUTCOME_NONE */
/* The reverse. Return false for an unknown name. */
bool seat_status_parse(const char *name, enum seat_status *ret_status);
bool hold_status_parse(const char *name, enum hold_status *ret_status);
bool order_status_parse(const char *name, enum order_status *ret_status);

/* Whole seconds a hold has left at @now_ms, rounded up, at least 1: the TTL of its order_queue rows. */
uint32_t hold_ttl_seconds(int64_t expires_ms, int64_t now_ms);

/* A code for people. */
void order_code_new(struct rng *rng, char ret_code[ORDER_CODE_CHARS + 1]);

/* Versioned binary forms. Decoders return 0, BOX_ECORRUPT or BOX_ENEWER; arrays are the arena's. */
void hold_encode(const struct hold *h, struct buf *ret);
int hold_decode(const void *data, size_t size, struct arena *arena, struct hold *ret_hold);
void order_encode(const struct order *o, struct buf *ret);
int order_decode(const void *data, size_t size, struct arena *arena, struct order *ret_order);

#endif
