/*
 * Store: makes groups of changes durable, and gives back what was stored.
 *
 * Two kinds of use, by two kinds of thread:
 *   - the writer commits groups and looks up idempotency keys;
 *   - workers read records, create tickets and put venues.
 * Which rows a change writes is decided in change/rows.h, not here; whether a store keeps the CDC rows or
 * makes them from the changes again is its own affair. Nothing of a store's library shows through this
 * interface; a commit is asynchronous, says which seq it follows, and may be refused or remain unknown,
 * because a cluster may stand behind it.
 *
 * Shared stores: several servers may have a cluster open at once (store_shared()). An event then has one home
 * at a time, the server whose store_take_event() succeeded last; a commit of any other is BOX_EFENCED. Who
 * should be home is not the store's affair (cluster/cluster.h), that a former home can do no harm is.
 *
 * What a commit may answer, per event group:
 *   BOX_OK            durable: survives power loss.
 *   BOX_EFENCED       not done, and never will be: the event's newest change is not the one that the group
 *                     follows.
 *   BOX_EUNKNOWN      it may have happened or not. The store is then *failed*: every commit and write answers
 *                     BOX_EUNAVAILABLE until store_reopen() succeeds; afterwards loads and reads tell what is
 *                     durable. Never repeat a commit by yourself.
 *                     A shared store does not fail: only the event is in doubt, its commits answer
 *                     BOX_EFENCED until store_take_event() has settled what happened.
 *   BOX_EUNAVAILABLE  certainly not done (the store had failed before).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "change/change.h"
#include "change/rows.h"
#include "inventory/image.h"
#include <stdbool.h>
#include <stdint.h>

struct store;

/* The answer that was given to a request with an Idempotency-Key, kept for LIMIT_IDEMPOTENCY_SECONDS. */
struct idem_record {
    struct digest key;     /* of credential, method, path and key */
    struct digest request; /* of the body's bytes */
    int64_t expires_ms;
    uint16_t http_status;
    uint64_t change_seq;  /* 0: none */
    const char *location; /* or NULL */
    const void *body;
    size_t body_size;
};

/* A buyer's data beside an order; a NULL member leaves what is stored. */
struct personal_record {
    struct order_id order_id;
    struct personal personal;
};

/*
 * Changes of one event that follow each other: all of them become durable, or none. (A shared store may need
 * several steps for a group that is far larger than store_group_seats(). Where that ends in between, the
 * answer is BOX_EUNKNOWN, and the event is what the first of the changes have made of it.)
 */
struct event_group {
    struct event_id event_id;
    uint64_t follows_seq;   /* the event's newest durable seq, as the writer knows it */
    struct change *changes; /* by next; the store sets commit_no */
    uint32_t change_count;
    const struct idem_record **idems;
    size_t idem_count;
    const struct personal_record **personals;
    size_t personal_count;
    int result; /* set by the store, see above */
};

/* Groups of different events, committed together where the store can (embedded: one write, one sync). */
struct commit {
    struct event_group *groups;
    size_t group_count;
    /* Every result is set. Called from store_commit() itself or later from another thread. */
    void (*done)(struct commit *c);
    void *ctx;
};

/*
 * Queue a commit. At most one per event is under way (caller's duty).
 * Thread: the writer. Ownership: @c and all it points to are lent until done().
 */
void store_commit(struct store *s, struct commit *c);

/* Free the store; nothing may be under way. */
void store_close(struct store *s);
/*
 * After a failure: close and open again. Blocks. Thread: the writer.
 * Returns 0 or why not (BOX_EIO, BOX_ECORRUPT, BOX_ELOCKED).
 */
int store_reopen(struct store *s);
/* True while commits are accepted. Thread: any. */
bool store_writable(const struct store *s);
/* Why the store failed last, in one line for the process log ("" if it never did), copied. Thread: any. */
void store_reason(struct store *s, char *ret_text, size_t size);

/* The newest commit number. Thread: any. */
uint64_t store_commit_no(struct store *s);

/*
 * The answer kept for a key, unexpired at @now_ms. Thread: any; quick (memory, or a filter that says no).
 * Returns 0, BOX_ENOTFOUND or BOX_EIO. The record is the arena's.
 */
int store_idem_find(struct store *s, const struct digest *key, int64_t now_ms, struct arena *arena,
                    struct idem_record *ret_record);

/* The same for the writer, which must not wait. */
struct idem_lookup {
    struct digest key;
    int64_t now_ms;
    struct arena *arena;
    struct idem_record *record; /* set when result is 0: the arena's */
    int result;                 /* 0, BOX_ENOTFOUND, BOX_EIO, BOX_EUNAVAILABLE */
    void (*done)(struct idem_lookup *l);
    void *ctx;
};
/*
 * Set @l's result and call done(): before this returns, or later from another thread. A record that was
 * durable when this was called is found.
 */
void store_idem_lookup(struct store *s, struct idem_lookup *l);

/* ---- writing outside of groups (workers) ---- */

/*
 * Store a venue with its venue_sections rows, and the answer if @idem is not NULL. Durable at return.
 * Returns 0, BOX_EUNKNOWN or BOX_EUNAVAILABLE; BOX_EEXISTS: another server has answered a request with this
 * key meanwhile, look it up, nothing of this one is visible.
 */
int store_put_venue(struct store *s, const struct layout *layout, const struct idem_record *idem);
/*
 * Write a ticket row for every seat; invisible until the event's first change is committed (follows_seq 0).
 * Durable at return. Idempotent. @progress (or NULL) is called now and then; it must not use the store.
 * Returns 0, BOX_EUNKNOWN or BOX_EUNAVAILABLE.
 */
int store_create_tickets(struct store *s, const struct event *event, const struct layout *layout,
                         void (*progress)(void *ctx, uint32_t done), void *ctx);
/*
 * Take a slug for an event that is about to be created, so that no other server gives it away. What is not
 * followed by the event's first commit is free again after LIMIT_SLUG_CLAIM_SECONDS. Idempotent for the same
 * event. A store that is not shared has nothing to do: the writer knows all slugs.
 * Returns 0, BOX_ESLUGTAKEN, BOX_EUNKNOWN or BOX_EUNAVAILABLE.
 */
int store_claim_slug(struct store *s, const char *slug, const struct event_id *event);
/* Remove the ticket rows of an event that was not created or was deleted. Best effort; also done at open. */
void store_drop_tickets(struct store *s, const struct event_id *event);

/* ---- reading (workers; each is consistent in itself; blocks) ---- */

/* Every event that was created and not deleted, in any order. Returns 0 or the first error met. */
int store_list_events(struct store *s, int (*each)(void *ctx, struct event_id id), void *ctx);
/* Every venue: @each gets a reference it must drop. */
int store_list_venues(struct store *s, int (*each)(void *ctx, struct layout *layout), void *ctx);
/* One venue: a reference that the caller must drop. Returns 0, BOX_ENOTFOUND, BOX_ECORRUPT, BOX_EIO. */
int store_get_venue(struct store *s, const struct venue_id *id, struct layout **ret_layout);
/*
 * Load one event, as somebody who looks on: in a shared store its home may go on meanwhile, then it is read
 * again, and BOX_EBUSY is the answer when it never stood still. @layout_of lends its venue's layout (the
 * image takes a reference of its own), or gives NULL when there is none. Returns 0, BOX_ENOTFOUND,
 * BOX_ECORRUPT, BOX_EIO; the image is the caller's (image_done) only when 0.
 */
int store_load_event(struct store *s, const struct event_id *id,
                     struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                     struct image *ret_image);

/*
 * Become the home of an event and load it: whoever was it before is fenced first, and what of its newest
 * group was durable but not written out is. At return no commit can happen but one of @s, following the
 * image's seq. In a store that is not shared this is store_load_event(). Blocks; workers.
 * Returns as that, and BOX_EUNAVAILABLE; BOX_EFENCED: another server took it in the same moment.
 */
int store_take_event(struct store *s, const struct event_id *id,
                     struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                     struct image *ret_image);

/* Point reads. Returns 0, BOX_ENOTFOUND, BOX_ECORRUPT, BOX_EIO. Records are the arena's. These and all other
 * reads of a shared store also return BOX_EUNAVAILABLE: too few of its nodes answered in time. */
int store_get_hold(struct store *s, const struct hold_id *id, struct arena *arena, struct hold *ret_hold);
int store_get_order(struct store *s, const struct order_id *id, struct arena *arena, struct order *ret_order);
int store_get_personal(struct store *s, const struct order_id *id, struct arena *arena,
                       struct personal *ret_personal); /* absent: all NULL, 0 */
int store_get_ticket(struct store *s, const struct event_id *event, uint32_t seat,
                     struct ticket_row *ret_row);

/*
 * Lists are read in pages: at most @limit records after the cursor. A cursor is a byte string of the store's,
 * at most CURSOR_BYTES; size 0 is the start. @ret_cursor size 0: the end was reached.
 */
enum { CURSOR_BYTES = 64 };
struct cursor {
    uint8_t size;
    uint8_t bytes[CURSOR_BYTES];
};

struct order_filter {
    const struct event_id *event;   /* or NULL */
    const struct ticket_id *ticket; /* or NULL; needs event */
    const char *code;               /* or NULL */
    const char *email;              /* or NULL; compared without case */
    int status;                     /* enum order_status, or -1 */
};

struct checkout_filter {
    struct event_id event;
    int status; /* enum hold_status, or -1 */
};

struct order_queue_filter {
    const struct event_id *event; /* or NULL: all events */
    bool has_seat;
    uint32_t seat;
    int64_t started_ms; /* 0: any */
};

/*
 * Orders in a stable order (by order_id: by event, then age). A page looks at a bounded number of rows: with
 * a filter it may hold fewer records than @limit, even none, and still give a cursor to go on with. Returns
 * 0, BOX_EINVALID (cursor), BOX_ECORRUPT, BOX_EIO.
 */
int store_list_orders(struct store *s, const struct order_filter *f, const struct cursor *after,
                      uint32_t limit, struct arena *arena, struct order **ret_orders, uint32_t *ret_count,
                      struct cursor *ret_cursor);
/* Holds of an event, oldest first. */
int store_list_holds(struct store *s, const struct checkout_filter *f, const struct cursor *after,
                     uint32_t limit, struct arena *arena, struct hold **ret_holds, uint32_t *ret_count,
                     struct cursor *ret_cursor);
/* order_queue rows by (event, ticket, started_at). */
int store_list_order_queue(struct store *s, const struct order_queue_filter *f, const struct cursor *after,
                           uint32_t limit, struct arena *arena, struct order_queue_row **ret_rows,
                           uint32_t *ret_count, struct cursor *ret_cursor);
/* The cursor of CDC rows: after this one. */
struct cursor store_cdc_cursor(const struct store *s, const struct cdc_row *row);
/* False: no cursor of this store's has this form (it is somebody's invention). */
bool store_cdc_cursor_valid(const struct store *s, const struct cursor *cursor);
/*
 * Of a shared store: every change of any event with a time_us up to @until_us is durable and written out, on
 * whichever server it was made. Lists of CDC rows end there, so that none can come to stand before a cursor
 * that was given. Never goes back. Thread: any.
 */
void store_cdc_until(struct store *s, int64_t until_us);
/*
 * CDC rows of all events; each event's in the order of its seq. Events among each other: in commit order, in
 * a shared store by (time_us, event_id). ret_cursor is always set: where to go on, also later; it may stand
 * behind changes that have no rows. *ret_more: there are more rows now.
 */
int store_list_cdc(struct store *s, const struct cursor *after, uint32_t limit, struct arena *arena,
                   struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more);
/*
 * The CDC rows of one event as they stand in the table of the log, in its order, for a look whether they are
 * those that the changes make; commit_no is 0. BOX_ENOSYS: this store keeps no such table, or a server that
 * is not ours writes it. Else returns 0, what @each returned when not 0, BOX_ECORRUPT or BOX_EIO.
 */
int store_cdc_log(struct store *s, const struct event_id *event,
                  int (*each)(void *ctx, const struct cdc_row *row), void *ctx);
/* An event's changes after @after_seq, at most @limit, in order. Their event references are the caller's. */
int store_list_changes(struct store *s, const struct event_id *event, uint64_t after_seq, uint32_t limit,
                       struct arena *arena, struct change ***ret_changes, uint32_t *ret_count);

/*
 * A named secret (the signing key): read, or made once with @fresh if there is none.
 * Returns 0, BOX_EIO or BOX_EUNKNOWN.
 */
int store_secret(struct store *s, const char *name, const uint8_t fresh[32], uint8_t ret_secret[32]);

/* ---- several servers on one store ---- */

/* True if other servers may have it open, too. Thread: any. */
bool store_shared(const struct store *s);
/* How many seats a group should change at most, so that it stays quick; UINT32_MAX: as many as there are. */
uint32_t store_group_seats(const struct store *s);

enum { SERVER_ADDRESS_BYTES = 256, SERVER_VERSION_BYTES = 32 };
/* A server on a shared store, as it says of itself with every beat. */
struct server_row {
    struct uuid server_id;              /* of the process: a new one at each start */
    char address[SERVER_ADDRESS_BYTES]; /* where other servers reach it: http[s]://HOST:PORT */
    char version[SERVER_VERSION_BYTES]; /* of the program */
    uint64_t beat;                      /* grows while it lives */
    int64_t started_ms;
    bool fit; /* it may be an event's home: loaded, its clock is right */
};
/*
 * Write @me (an LWT: it is known to have happened, or has not) and read all. A row that is not written for
 * LIMIT_SERVER_ROW_SECONDS goes by itself. Blocks. Shared stores only.
 * Returns 0, BOX_EUNAVAILABLE or BOX_EUNKNOWN; rows are the arena's.
 */
int store_beat(struct store *s, const struct server_row *me, struct arena *arena,
               struct server_row **ret_rows, uint32_t *ret_count);
/* The server leaves. Best effort. Blocks. */
void store_leave(struct store *s, const struct uuid *server_id);
/*
 * How far @clock is ahead of the clocks of the cluster's nodes (of their median; negative: behind), and how
 * far that may be off, both in us. Blocks. Returns 0 or BOX_EUNAVAILABLE.
 */
int store_clock(struct store *s, const struct clock *clock, int64_t *ret_ahead_us, int64_t *ret_error_us);

/* ---- what a backend provides (store/<backend>/ only) ---- */
struct store_ops;
struct store {
    const struct store_ops *ops;
};
struct store_ops {
    void (*commit)(struct store *, struct commit *);
    void (*close)(struct store *);
    int (*reopen)(struct store *);
    bool (*writable)(const struct store *);
    void (*reason)(struct store *, char *, size_t);
    uint64_t (*commit_no)(struct store *);
    int (*idem_find)(struct store *, const struct digest *, int64_t, struct arena *, struct idem_record *);
    int (*put_venue)(struct store *, const struct layout *, const struct idem_record *);
    int (*create_tickets)(struct store *, const struct event *, const struct layout *,
                          void (*)(void *, uint32_t), void *);
    void (*drop_tickets)(struct store *, const struct event_id *);
    int (*list_events)(struct store *, int (*)(void *, struct event_id), void *);
    int (*list_venues)(struct store *, int (*)(void *, struct layout *), void *);
    int (*load_event)(struct store *, const struct event_id *,
                      struct layout *(*)(void *, const struct venue_id *), void *, struct image *);
    int (*get_hold)(struct store *, const struct hold_id *, struct arena *, struct hold *);
    int (*get_order)(struct store *, const struct order_id *, struct arena *, struct order *);
    int (*get_personal)(struct store *, const struct order_id *, struct arena *, struct personal *);
    int (*get_ticket)(struct store *, const struct event_id *, uint32_t, struct ticket_row *);
    int (*list_orders)(struct store *, const struct order_filter *, const struct cursor *, uint32_t,
                       struct arena *, struct order **, uint32_t *, struct cursor *);
    int (*list_holds)(struct store *, const struct checkout_filter *, const struct cursor *, uint32_t,
                      struct arena *, struct hold **, uint32_t *, struct cursor *);
    int (*list_order_queue)(struct store *, const struct order_queue_filter *, const struct cursor *,
                            uint32_t, struct arena *, struct order_queue_row **, uint32_t *, struct cursor *);
    int (*list_cdc)(struct store *, const struct cursor *, uint32_t, struct arena *, struct cdc_row **,
                    uint32_t *, struct cursor *, bool *);
    int (*list_changes)(struct store *, const struct event_id *, uint64_t, uint32_t, struct arena *,
                        struct change ***, uint32_t *);
    int (*secret)(struct store *, const char *, const uint8_t[32], uint8_t[32]);
    int (*get_venue)(struct store *, const struct venue_id *, struct layout **);
    struct cursor (*cdc_cursor)(const struct cdc_row *);
    bool (*cdc_cursor_valid)(const struct cursor *);
    /* Of shared stores; NULL in one that is not. */
    const struct store_shared_ops *shared;
};
struct store_shared_ops {
    int (*take_event)(struct store *, const struct event_id *,
                      struct layout *(*)(void *, const struct venue_id *), void *, struct image *);
    void (*idem_lookup)(struct store *, struct idem_lookup *);
    int (*claim_slug)(struct store *, const char *, const struct event_id *);
    void (*cdc_until)(struct store *, int64_t);
    int (*cdc_log)(struct store *, const struct event_id *, int (*)(void *, const struct cdc_row *),
                   void *); /* or NULL */
    uint32_t (*group_seats)(const struct store *);
    int (*beat)(struct store *, const struct server_row *, struct arena *, struct server_row **, uint32_t *);
    void (*leave)(struct store *, const struct uuid *);
    int (*clock)(struct store *, const struct clock *, int64_t *, int64_t *);
};

#endif
