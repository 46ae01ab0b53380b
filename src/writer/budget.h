/*
 * Budget: how many seats one session, and one network address, may have in live holds at once, over all
 * events. Without it anybody could empty a house by starting checkouts: an event's own limit is per session,
 * and a new session costs nothing.
 *
 * It is told of every hold that begins, gets another deadline, or ends, in the order in which the writer
 * decides, so it always equals a recount of the live holds (bought seats are held no longer). For each client
 * it keeps the sum of its seats and its holds by deadline: what a refusal tells costs nothing to find, and a
 * change O(log n) of one client's holds. Memory is bounded by the live holds: a client that has none is
 * forgotten.
 *
 * Addresses are personal data, so they are here only, in memory, and only while a hold lives. What is loaded
 * from the store therefore belongs to a session and to no address: after a restart the address budget begins
 * anew. An address is to be a network (address_network()): whoever has an IPv6 /64 has all of its addresses.
 * It is kept under a secret mask, so that nobody can choose addresses that collide in the hash table.
 *
 * Several servers on one store: each counts the holds of all events that it shows, those that others decide
 * about as well, so that a session gets no more by spreading over servers; only what is on its way from one
 * to the other is not counted yet. An address is known where its hold was decided alone: with n servers it
 * has at most n budgets. A hold whose event moves to another server counts there for its session.
 *
 * The budget is a policy and not a rule of selling: a hold that exists is counted, whatever the limit says.
 *
 * Thread: one at a time (the writer's).
 */
#ifndef WRITER_BUDGET_H
#define WRITER_BUDGET_H

#include "base/address.h"
#include "base/rng.h"
#include "change/change.h"
#include <stdbool.h>
#include <stdint.h>

enum budget_scope { BUDGET_SESSION, BUDGET_ADDRESS, BUDGET_SCOPES };

/* Seats; 0: no limit. */
struct budget_limits {
    uint32_t seats[BUDGET_SCOPES];
};

/* Why not. */
struct budget_refusal {
    enum budget_scope scope;
    uint32_t limit;
    uint64_t held;
    /* When the client's hold with the nearest deadline ends by time, unless it is extended; seats may come
       back sooner. 0: it holds nothing, and asked for more than the limit. */
    int64_t retry_ms;
};

struct budget;

/* @rng makes the mask. The caller frees it. */
struct budget *budget_new(const struct budget_limits *limits, struct rng *rng);
void budget_free(struct budget *b);

/*
 * May this client have @seats more? @address NULL: it counts for none. Returns true, or false with
 * @ret_refusal; where both scopes refuse, the session's.
 */
bool budget_allows(const struct budget *b, const struct session_id *session, const struct address *address,
                   uint32_t seats, struct budget_refusal *ret_refusal);

/* Follow the changes of one command, of a client at @address (NULL: unknown, or not counted). */
void budget_follow(struct budget *b, const struct change *first, const struct address *address);
/* Follow one change, whatever comes next. */
void budget_follow_one(struct budget *b, const struct change *c, const struct address *address);
/*
 * A hold of @hold->line_count seats as it was loaded: new and of no address, or known, with another deadline
 * perhaps; it then keeps its address.
 */
void budget_loaded(struct budget *b, const struct hold *hold);
/* The hold is gone. */
void budget_end(struct budget *b, const struct hold_id *hold);

/* Seats that a session holds, and how many holds there are. */
uint64_t budget_held(const struct budget *b, const struct session_id *session);
uint64_t budget_held_at(const struct budget *b, const struct address *address);
size_t budget_holds(const struct budget *b);
/* Count everything again; must() on a difference to what is kept. For tests. */
void budget_check(const struct budget *b);

/* "session", "address" */
const char *budget_scope_name(enum budget_scope scope);

#endif
