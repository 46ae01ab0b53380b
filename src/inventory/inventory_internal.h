/*
 * Private to inventory/: how an event lies in memory, and the steps that the decisions share.
 *
 * Every decision is written in the same order: look things up, refuse, defer, and only then change anything.
 * What is below "changing" therefore never fails.
 */
#ifndef INVENTORY_INTERNAL_H
#define INVENTORY_INTERNAL_H

#include "base/heap.h"
#include "base/idmap.h"
#include "base/must.h"
#include "inventory/inventory.h"

/* A hold that has not ended, and its pending order. */
struct live {
    struct hold hold; /* lines point to lines[] */
    bool has_order;
    struct order order; /* if has_order; without lines: they are the hold's */
    struct heap_item deadline;
    struct live *prev, *next; /* in the order of their beginning (utlist) */
    struct line lines[];
};

/* What a session has of this event; exists while it has anything. */
struct buyer {
    struct session_id session;
    uint32_t held, sold;
};

struct inventory {
    const struct event *event; /* one reference */
    const struct layout *layout;
    struct rng *rng; /* the writer's */

    /* the newest change */
    uint64_t seq;
    int64_t time_us;
    struct digest hash;

    struct seat *seats;
    uint32_t counts[SEAT_STATUSES];
    struct runs *runs; /* of the available seats */
    struct live *lives;
    struct idmap by_hold, by_order; /* struct live */
    struct heap deadlines;
    struct idmap buyers; /* struct buyer, by session */

    /* the open group */
    bool group_open;
    uint32_t *dirty; /* seats it changed, each once */
    size_t dirty_count, dirty_cap;
    const struct event **retired; /* versions it replaced: its changes still show them */
    size_t retired_count, retired_cap;

    struct heap_item item; /* the writer's */
};

/* One command while it is being decided. */
struct decision {
    struct inventory *inv;
    const struct command *command;
    int64_t now_us, now_ms;
    struct arena *arena;
    struct verdict *verdict;
};

/* ---- the state (state.c) ---- */

/* A seat goes from @before, which it must have, to @after; from now on it is dirty. */
void seat_set(struct inventory *inv, uint32_t seat, enum seat_status before, enum seat_status after,
              const struct uuid *owner);

/* A seat is dirty from now on; none is. */
void seat_mark(struct inventory *inv, uint32_t seat);
void seats_unmark(struct inventory *inv);

/* For runs_new(): @inv (an inventory) has this seat to sell. */
bool seat_is_available(const void *inv, uint32_t seat);

/* Find; NULL if there is none. */
struct live *live_by_hold(const struct inventory *inv, const struct hold_id *id);
struct live *live_by_order(const struct inventory *inv, const struct order_id *id);
/* Keep a copy of an active hold and its lines; the seats and the buyer are the caller's part. */
struct live *live_add(struct inventory *inv, const struct hold *hold);
/* Give it the pending order. */
void live_set_order(struct inventory *inv, struct live *live, const struct order *order);
void live_set_deadline(struct inventory *inv, struct live *live, int64_t expires_ms);
/* It has ended. Frees @live. */
void live_remove(struct inventory *inv, struct live *live);
/* True when the open group changed it: every such change touches all of its seats. */
bool live_is_dirty(const struct inventory *inv, const struct live *live);

/* Counter of a session, or NULL: it has nothing. */
const struct buyer *buyer_find(const struct inventory *inv, const struct session_id *session);
/* Add to what a session has (either may be negative). */
void buyer_add(struct inventory *inv, const struct session_id *session, int64_t held, int64_t sold);

/* ---- what decisions share (decide.c) ---- */

/* Refusals: set what the verdict tells and return the code. */
int refuse_state(struct decision *d, int code, const char *current);
int refuse_invalid(struct decision *d, const char *pointer, const char *detail);

/* 0, or BOX_ENOTFOUND when a session asks about what belongs to another. */
int check_owner(const struct decision *d, const struct session_id *owner);
/* What a look-up found, for the actor's eyes. Returns 0, BOX_ENOTLIVE (@found is NULL) or BOX_ENOTFOUND
 * (another's). */
int find_live(const struct decision *d, struct live *found, struct live **ret_live);
bool past_deadline(const struct decision *d, const struct live *live);
/* 0, or BOX_ESEATSTAKEN with every seat that has not @wanted. */
int check_seats(struct decision *d, const uint32_t *seats, uint32_t count, enum seat_status wanted);
/* 0, or BOX_EDEFER when the open group changed one of the seats. */
int check_clean(const struct decision *d, const uint32_t *seats, uint32_t count);

/* The next change of the event; its parts are filled in by the following and the caller, then
 * emit_finish(). */
struct change *emit_begin(struct decision *d, enum change_kind kind);
/* List the lines' seats in the change and give them @after and @owner. Their status becomes so at once. */
void emit_lines(struct decision *d, struct change *c, const struct line *lines, uint32_t count,
                enum seat_status before, enum seat_status after, const struct uuid *owner);
/* Then: put copies of the records, without lines, and the names of the lines' price types into the change. */
void emit_records(struct decision *d, struct change *c, const struct hold *hold, const struct order *order);
/* Seal it: from now on it is the newest change. */
void emit_finish(struct decision *d, struct change *c);

/* Time to write into a hold's and its order's records: now, but in the order in which things happened. */
int64_t stamp_ms(const struct decision *d, const struct live *live);
/* The status that a hold has which ended so, and its order. */
enum hold_status hold_status_after(enum hold_outcome outcome);
enum order_status order_status_after(enum hold_outcome outcome);
/* End a live hold and its pending order; the seats are sold if @outcome is purchased, else free. */
void end_hold(struct decision *d, struct live *live, enum change_kind kind, enum hold_outcome outcome);

/* ---- decisions: return a code, have filled the verdict ---- */
int decide_hold_create(struct decision *d);
int decide_hold_extend(struct decision *d);
int decide_hold_release(struct decision *d);
int decide_hold_expire(struct decision *d);
int decide_order_create(struct decision *d);
int decide_order_confirm(struct decision *d);
int decide_order_cancel(struct decision *d);
int decide_order_refund(struct decision *d);
int decide_event_state(struct decision *d); /* publish, unpublish, pause, resume, cancel, delete */
int decide_event_edit(struct decision *d);
int decide_event_price(struct decision *d);
int decide_block(struct decision *d);
int decide_unblock(struct decision *d);

#endif
