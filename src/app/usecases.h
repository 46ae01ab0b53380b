/*
 * The use cases: what a request may want, one function each. Every one ends with call->done(), exactly once;
 * see call.h for the ways there and for what stands in the call then. Who may call is checked by the caller
 * with app_allow(); whose a hold or order is, and whether an event may be seen, is checked here.
 *
 * Thread: the call's loop. Ownership: arguments are lent until done().
 */
#ifndef APP_USECASES_H
#define APP_USECASES_H

#include "app/call.h"

/* ---- venues ---- */

/*
 * Make a venue. @build decodes and builds on a worker: it sets call->layout, or returns what is wrong
 * (BOX_EINVALID, BOX_EBADREQUEST).
 */
struct app_venue_plan {
    int (*build)(struct app_venue_plan *plan, struct app_call *call);
};
void app_venue_create(struct app_call *call, struct app_venue_plan *plan);

/* ---- events ---- */

/*
 * Make an event with all its tickets. @build decodes on a worker: it sets call->layout (a reference) and
 * event (one reference, the caller's: to be dropped after done()), or returns what is wrong.
 */
struct app_event_plan {
    int (*build)(struct app_event_plan *plan, struct app_call *call);
    struct event *event;
};
void app_event_create(struct app_call *call, struct app_event_plan *plan);
/*
 * An id that no event has. On a cluster a request with an Idempotency-Key always gets the same one, whichever
 * server it comes to, and so the same home; another one gets an id that this server would be home of. Thread:
 * any.
 */
struct event_id app_new_event_id(struct app_call *call);
/* What the ids of a request are drawn from: on a cluster, with a key, a stream that repeats (lent by
 * @seeded). */
struct rng *app_ids(const struct app_call *call, struct rng *seeded);

/* Publish, unpublish, pause, resume, cancel, delete. */
void app_event_command(struct app_call *call, enum command_kind kind);
void app_event_edit(struct app_call *call, const struct event_edit *edit);
void app_event_price(struct app_call *call, const struct price_entry *prices, size_t count);
/* COMMAND_BLOCK or COMMAND_UNBLOCK of distinct seats of call->event. */
void app_seats_block(struct app_call *call, enum command_kind kind, const uint32_t *seats, uint32_t count);
/* call->event must have been found for the four above. */

/* ---- checkout ---- */

/* A new session: call->token, call->expires_ms. */
void app_session_create(struct app_call *call);

struct app_hold_wish {
    struct session_id session;
    const uint32_t *seats; /* distinct seats of call->event; */
    uint32_t seat_count;   /* 0: best */
    struct best_wish best;
    const char *const *price_types; /* one a seat, or NULL */
    const struct address *client;   /* the network that the request came from; NULL: not counted */
};
/* True if app_hold_create() in call->event would be refused with BOX_EBUSY now, whatever is wished for. */
bool app_hold_is_hopeless(const struct app_call *call);
/* Begin a hold in call->event. */
void app_hold_create(struct app_call *call, const struct app_hold_wish *wish);
void app_hold_get(struct app_call *call, const struct hold_id *id);
/* @until_ms: an API key's wish, or 0. */
void app_hold_extend(struct app_call *call, const struct hold_id *id, int64_t until_ms);
void app_hold_release(struct app_call *call, const struct hold_id *id);

/* An order for a hold; @user may be nil, @buyer is kept beside the order. */
void app_order_create(struct app_call *call, const struct hold_id *hold, const struct uuid *user,
                      const struct personal *buyer);
/* Read an order and, for its owner or a key, what belongs to the buyer. */
void app_order_get(struct app_call *call, const struct order_id *id);
/*
 * Sell. An order that is paid already with the same reference is answered again; an expired one is
 * BOX_EHOLDEXPIRED, any other BOX_EORDERSTATE.
 */
void app_order_confirm(struct app_call *call, const struct order_id *id, const char *payment_reference);
void app_order_cancel(struct app_call *call, const struct order_id *id);
void app_order_refund(struct app_call *call, const struct order_id *id, bool release_seats);

/* ---- lists from the store ---- */

struct app_list {
    /* what is wanted; set the filter of the list that is asked for */
    struct cursor after; /* size 0: from the start */
    uint32_t limit;
    struct order_filter orders;
    struct checkout_filter checkouts;
    struct order_queue_filter queue;
    /* the result: one of these */
    struct order *order;
    struct personal *personal; /* one an order */
    struct hold *hold;
    struct order_queue_row *queue_row;
    struct cdc_row *cdc_row;
    uint32_t count;
    struct cursor next; /* size 0: the end (never for CDC rows) */
    bool more;          /* CDC rows: there are more now */
};
/* BOX_EINVALID: the cursor is not one of that list's. */
void app_list_orders(struct app_call *call, struct app_list *list);
void app_list_checkouts(struct app_call *call, struct app_list *list);
void app_list_order_queue(struct app_call *call, struct app_list *list);
void app_list_cdc(struct app_call *call, struct app_list *list);

#endif
