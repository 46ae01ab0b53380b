/*
 * Identifiers: one-field structs, so that one kind cannot be passed for another, and the way they are made.
 *
 * All are UUIDv8 (RFC 9562) but venue, section and session ids, which are random (version 4).
 *
 *   bytes    0..5        6..7             8..11                 12..15
 *   event    tag         8 | random       10b | random          ffffffff
 *   ticket   the event's first 12 bytes (its prefix)            seat index, big-endian
 *   hold,    tag         8 | seq 39..28   10b | seq 27..0 | 34 random bits .............
 *   order
 *
 * The tag (48 random bits, unique among the events of a store) says which event an id belongs to, so that
 * every look-up is one step. Ticket ids sort as seat indexes do; hold and order ids carry the seq of the
 * change that made them: unique in the event by construction, and sorted by age. They are names, not secrets:
 * every route checks who asks.
 */
#ifndef DOMAIN_IDS_H
#define DOMAIN_IDS_H

#include "base/rng.h"
#include "base/uuid.h"
#include <stdbool.h>
#include <stdint.h>

struct event_id {
    struct uuid u;
};
struct ticket_id {
    struct uuid u;
};
struct hold_id {
    struct uuid u;
};
struct order_id {
    struct uuid u;
};
struct venue_id {
    struct uuid u;
};
struct section_id {
    struct uuid u;
};
struct session_id {
    struct uuid u;
};

enum { TICKET_PREFIX_BYTES = 12 };

/* A new event id with a random tag (the caller checks that no event has it). */
struct event_id event_id_new(struct rng *rng);
/* The tag of an event, ticket, hold or order id. */
uint64_t id_tag(const struct uuid *id);
/* The ticket of a seat. */
struct ticket_id ticket_id_of(const struct event_id *event, uint32_t seat);
/*
 * The seat index of a ticket of @event. Returns false if the id is not one of this event's (any index
 * passes).
 */
bool ticket_id_seat(const struct ticket_id *ticket, const struct event_id *event, uint32_t *ret_seat);
/* Ids of what the change @seq of @event makes. @seq < 2^40. */
struct hold_id hold_id_new(const struct event_id *event, uint64_t seq, struct rng *rng);
struct order_id order_id_new(const struct event_id *event, uint64_t seq, struct rng *rng);
/* The seq of the change that made a hold or order with this id. */
uint64_t id_seq(const struct uuid *id);
/*
 * True when the version and variant are those of an id made here (an id of another kind is certainly
 * unknown).
 */
bool id_is_ours(const struct uuid *id);

#endif
