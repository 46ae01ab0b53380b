/*
 * Inventory: one event in memory - its seats, live holds, deadlines, counts and seq - and the place where
 * every command is decided.
 *
 * inventory_decide() takes a command and the time and either refuses (nothing changes) or accepts: the
 * inventory is then already in the new state, and the verdict lists the changes (usually one) that a store
 * must make durable before anybody may see or hear of them. The caller's duty:
 *   - commit the changes of an open group in order; after success call inventory_group_done();
 *   - after a commit that is not known to have succeeded, free the inventory and load it again from the
 *     store: there is no undo, and none is needed.
 *
 * A group changes a ticket at most once: a command that would change a seat which the open group has changed
 * already gets BOX_EDEFER and is to be decided again in the next group. (On CQL two conditional updates of
 * one row in one batch both see the old row.) A refusal that rests on a change of the open group is sound
 * only once that group is durable: answer refusals after the group when inventory_group_open() is true.
 *
 * In memory are the event, 32 bytes a seat and half a byte for the runs of free ones, the active holds, the
 * pending orders, and one counter per session that holds or bought. Ended holds and finished orders are the
 * store's: a command about one that is not live gets BOX_ENOTLIVE, and since an ended hold or order never
 * comes back to life, the caller may look it up in the store without a race. A refund, the one change of a
 * finished order, brings the stored order along; the inventory checks that each of its seats is still sold to
 * it.
 *
 * Thread: one at a time (the writer's). Knows no JSON, no HTTP, no store.
 */
#ifndef INVENTORY_INVENTORY_H
#define INVENTORY_INVENTORY_H

#include "base/arena.h"
#include "base/heap.h"
#include "base/rng.h"
#include "change/change.h"
#include "domain/best.h"
#include "inventory/image.h"
#include <stdbool.h>
#include <stdint.h>

struct inventory;

enum command_kind {
    COMMAND_EVENT_PUBLISH,
    COMMAND_EVENT_UNPUBLISH,
    COMMAND_EVENT_EDIT,
    COMMAND_EVENT_PRICE,
    COMMAND_EVENT_PAUSE,
    COMMAND_EVENT_RESUME,
    COMMAND_EVENT_CANCEL,
    COMMAND_EVENT_DELETE,
    COMMAND_BLOCK,
    COMMAND_UNBLOCK,
    COMMAND_HOLD_CREATE,
    COMMAND_HOLD_EXTEND,
    COMMAND_HOLD_RELEASE,
    COMMAND_HOLD_EXPIRE, /* the system's: ends a hold whose deadline has passed */
    COMMAND_ORDER_CREATE,
    COMMAND_ORDER_CONFIRM,
    COMMAND_ORDER_CANCEL,
    COMMAND_ORDER_REFUND,
};

/* Everything is borrowed from the submitter until the command is done. */
struct command {
    enum command_kind kind;
    int64_t not_before_us; /* the times that are written are not earlier than this; 0: any */
    struct actor actor;    /* a session may act on its own holds and orders only: others get BOX_ENOTFOUND */
    /* HOLD_CREATE: seats, or best when seat_count is 0. Seat indexes are < seats_total and distinct (caller
       checks). BLOCK, UNBLOCK: seats. */
    const uint32_t *seats;
    uint32_t seat_count;
    struct best_wish best;
    struct session_id session;        /* HOLD_CREATE: whose */
    bool over_budget;                 /* HOLD_CREATE, known to the writer: refuse it if nothing else does */
    const char *const *price_types;   /* HOLD_CREATE: one name per seat, or NULL: all standard */
    struct hold_id hold_id;           /* EXTEND, RELEASE, EXPIRE, ORDER_CREATE */
    struct order_id order_id;         /* CONFIRM, CANCEL, REFUND */
    struct uuid user_id;              /* ORDER_CREATE, or nil */
    int64_t until_ms;                 /* EXTEND by a key, or 0 */
    const struct order *stored_order; /* REFUND: as the store has it, with lines */
    bool block_seats;                 /* REFUND: blocked instead of available */
    const struct event_edit *edit;    /* EVENT_EDIT */
    const struct price_entry *prices; /* EVENT_PRICE */
    size_t price_count;
};

/*
 * What was decided. Memory is the arena's that was given to inventory_decide(); but the event that a change
 * of an event shows is lent until inventory_group_done() (or inventory_free()): whoever needs it longer takes
 * a reference.
 */
struct verdict {
    int code;               /* BOX_OK or the refusal */
    struct change *changes; /* accepted: in order, by next; sealed, numbered; commit_no 0 */
    struct change *last;    /* the newest of them: its seq is the Change-Seq of the answer */
    /* what a refusal tells */
    const uint32_t *taken; /* SEATSTAKEN */
    uint32_t taken_count;
    uint32_t limit, held;         /* SESSIONLIMIT */
    const char *current;          /* HOLDSTATE, ORDERSTATE, EVENTSTATE */
    struct order_id order_id;     /* ORDEREXISTS */
    const char *pointer, *detail; /* INVALID: which member and why */
};

/*
 * Make an inventory from an image; takes over the image's seats and references (the image is then empty but
 * its arena, which the caller frees with image_done).
 */
struct inventory *inventory_new(struct image *image, struct rng *rng);
/* A new event: all seats available, seq 0. */
struct inventory *inventory_new_event(const struct event *event, const struct layout *layout,
                                      struct rng *rng);
void inventory_free(struct inventory *inv);

/*
 * Decide one command at @now_us (wall clock). Deadlines and sale windows are judged by it as it is; the times
 * that are written never go back: time_us of a change is max(now, the previous change's + 1,
 * not_before_us), and an end is never before its beginning. Refusals come first, then BOX_EDEFER: a deferred
 * command is one that would have been accepted but for the open group.
 *
 * Rules (mission.md of the design; each is tested by name in tests/unit/inventory):
 *
 *   HOLD_CREATE    the event on sale or NOTONSALE; price type unknown or without a price at that place:
 *                  INVALID "/price_types/i"; all seats available or SEATSTAKEN with every taken one (best:
 *                  NOTENOUGH); held + bought of the session + new <= max_tickets_per_session or SESSIONLIMIT;
 *                  not over_budget or HOLDBUDGET;
 *                  checked in this order (best: which seats, and so whether they have a price, is known last
 *                  but for the limits). started_at = max(now, each seat's last_started + 1 ms);
 *                  expires_at = started_at + hold_seconds.
 *   HOLD_EXTEND    expires_at = min(now + hold_seconds, started_at + 2 * hold_seconds), never earlier than it
 *                  was; HOLDSTATE "active" at the cap. A key with until_ms and a pending order: until_ms, at
 *                  most started_at + 24 h, later than now (INVALID "/until"), never earlier than it was;
 *                  until_ms by a session or without a pending order: INVALID "/until".
 *   HOLD_RELEASE   ends it (outcome released); a pending order is cancelled with it.
 *   HOLD_EXPIRE    BOX_EDEFER when its deadline has not come (a stale timer), else outcome expired, order
 *                  expired.
 *   ORDER_CREATE   the hold's deadline has not passed, else HOLDEXPIRED; ORDEREXISTS.
 *   ORDER_CONFIRM  now < expires_at, else HOLDEXPIRED, although the expiry has not been decided.
 *   ORDER_CANCEL   ends the hold with outcome cancelled.
 *   ORDER_REFUND   every line still sold to the order, else ORDERSTATE "refunded"; an order that is not paid:
 *                  ORDERSTATE with its status. BOX_ENOTLIVE when stored_order is not given, or is out of date
 *                  (it says pending, but no such order is live): look it up and come again.
 *   a command on a live hold or order past its deadline: HOLD_EXTEND, HOLD_RELEASE: HOLDSTATE "expired";
 *                  ORDER_CANCEL, ORDER_REFUND: ORDERSTATE "expired".
 *   EVENT_CANCEL   one change for the event, then one HOLD_RELEASED (outcome cancelled) for each live hold.
 *   EVENT_*        EVENTSTATE with current when the state is already that, or the event is cancelled, or
 *                  DELETE of one that was ever published. on_sale >= off_sale: INVALID. More than
 *                  LIMIT_PRICE_TYPES names: INVALID "/prices".
 *   a deleted event: NOTFOUND, whatever the command.
 *   by a session   on an unpublished event: NOTFOUND (its own live holds and orders go on); what belongs to
 *                  another session, or needs a key: NOTFOUND.
 *
 * Returns verdict->code: BOX_OK, a refusal, BOX_EDEFER or BOX_ENOTLIVE.
 */
int inventory_decide(struct inventory *inv, const struct command *command, int64_t now_us,
                     struct arena *arena, struct verdict *ret_verdict);

/* The first change of a new event (CHANGE_EVENT_CREATED); inventory at seq 0 only. */
struct change *inventory_create(struct inventory *inv, const struct actor *actor, int64_t now_us,
                                struct arena *arena);

/*
 * Bring an inventory that somebody else decides about to the state after @c: what a follower, a check of the
 * log and an import do. @c is believed to be durable. It must fit: what decide_*() would refuse because of
 * the state (of seats, holds, orders, the event) is refused here too, since then the log and the state do not
 * belong together. Limits and prices are not looked at again: they are what the decider thought right.
 *
 * No group may be open, and none is afterwards. @scratch is for the call. @c->event, where there is one, gets
 * a reference more.
 *
 * Returns 0; BOX_ERANGE (c->seq is not the next), BOX_ECORRUPT (another event's; its hash or time does not
 * follow; it does not fit the state). With an error nothing has changed, but after BOX_ECORRUPT the inventory
 * cannot be followed on from: make it anew from an image.
 */
int inventory_follow(struct inventory *inv, const struct change *c, struct arena *scratch);

/* True from the first accepted command until inventory_group_done(). */
bool inventory_group_open(const struct inventory *inv);
/* The open group is durable: its seats may be changed again. */
void inventory_group_done(struct inventory *inv);

/* The live hold that ends first: *ret_hold and its deadline in ms. Returns false when there is none. */
bool inventory_next_deadline(const struct inventory *inv, int64_t *ret_expires_ms, struct hold_id *ret_hold);

/* What it is about, and its newest change. Lent until the next command is decided. */
const struct event *inventory_event(const struct inventory *inv);
const struct layout *inventory_layout(const struct inventory *inv);
uint64_t inventory_seq(const struct inventory *inv);
const struct digest *inventory_hash(const struct inventory *inv);
/* Status of every seat, and how many have each; for loading the view and for checks. */
enum seat_status inventory_seat_status(const struct inventory *inv, uint32_t seat);
void inventory_counts(const struct inventory *inv, uint32_t ret_counts[SEAT_STATUSES]);
uint32_t inventory_live_holds(const struct inventory *inv);
/*
 * The live holds, with lines, the oldest first: the one after @hold (NULL: the first), or NULL. And the
 * one of this id, or NULL. Lent until the next command is decided.
 */
const struct hold *inventory_next_hold(const struct inventory *inv, const struct hold *hold);
const struct hold *inventory_find_hold(const struct inventory *inv, const struct hold_id *id);
/* Space for one heap of inventories by next deadline (the writer's). */
struct heap_item *inventory_heap_item(struct inventory *inv);
struct inventory *inventory_of_heap_item(struct heap_item *item);

/* Recount everything from the seats and holds; must() on any difference to what is kept. For tests. */
void inventory_check(const struct inventory *inv);

#endif
