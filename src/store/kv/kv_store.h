/*
 * The store on an ordered key-value backend: all that is the same for RocksDB and the reference in memory.
 */
#ifndef STORE_KV_STORE_H
#define STORE_KV_STORE_H

#include "base/rng.h"
#include "store/kv/format.h"
#include "store/kv/kv.h"
#include "store/kv/log_row.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>

struct event_entry;  /* kv_commit.c */
struct staged_group; /* kv_commit.c */

struct kv_store {
    struct store store; /* what callers hold */
    /* immutable after start */
    struct kv *kv;
    uint8_t email_secret[32];
    /* shared */
    _Atomic uint64_t commit_no;
    pthread_mutex_t secret_mtx; /* of two who make the same secret, one finds the other's */
    /* owned by the writer: newest durable state of each event */
    struct event_entry *events;
    /* owned by the writer: memory that one commit leaves to the next */
    struct kv_batch *batch;
    struct buf value;
    struct log_row log;
    struct arena arena;
    struct staged_group *staged;
    size_t staged_cap;
};

/* The operations, for a backend that replaces some. */
extern const struct store_ops kv_store_ops;

/*
 * Make a store on an open backend, which it takes over. Checks the format, makes what a new store needs
 * (@rng: its secrets), drops tickets of events that were never created. On failure the backend is closed;
 * *ret_reason says in one line what is wrong (static text). Returns 0, BOX_ENEWER, BOX_EOLDER, BOX_ECORRUPT,
 * BOX_EIO.
 */
int kv_store_open(struct kv *kv, struct rng *rng, struct kv_store **ret_store, const char **ret_reason);

static inline struct kv_store *kv_store_of(struct store *s)
{
    return (struct kv_store *)s;
}

/* ---- the parts; each implements the store_ops member of its name ---- */

/* kv_commit.c */
void kv_store_commit(struct store *base, struct commit *c);
/* Set every group's result and call done(). */
void kv_commit_refuse(struct commit *c, int result);
/* Read the newest state of every event and the newest commit number. Returns 0, BOX_EIO, BOX_ECORRUPT,
 * BOX_ENEWER. */
int kv_commit_start(struct kv_store *s, struct kv_read *r);
void kv_commit_stop(struct kv_store *s);

/* kv_write.c */
int kv_put_venue(struct store *base, const struct layout *layout, const struct idem_record *idem);
int kv_create_tickets(struct store *base, const struct event *event, const struct layout *layout,
                      void (*progress)(void *ctx, uint32_t done), void *ctx);
void kv_drop_tickets(struct store *base, const struct event_id *event);
int kv_secret(struct store *base, const char *name, const uint8_t fresh[32], uint8_t ret_secret[32]);
/* Drop ticket rows of every event that does not exist. */
int kv_drop_orphans(struct kv_store *s);
/* Put the answer to a request with an Idempotency-Key; @scratch is the caller's. */
void kv_put_idem(const struct kv_ops *ops, struct kv_batch *b, const struct idem_record *record,
                 struct buf *scratch);

/* kv_load.c */
int kv_load_event(struct store *base, const struct event_id *id,
                  struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                  struct image *ret_image);
/* The stored state of an event, deleted ones too. Returns 0, BOX_ENOTFOUND, BOX_EIO, BOX_ECORRUPT,
 * BOX_ENEWER. */
int kv_event_state(struct kv_read *r, const struct event_id *id, struct event_state *ret_state);

/* kv_read.c */
int kv_list_events(struct store *base, int (*each)(void *ctx, struct event_id id), void *ctx);
int kv_list_venues(struct store *base, int (*each)(void *ctx, struct layout *layout), void *ctx);
int kv_get_venue(struct store *base, const struct venue_id *id, struct layout **ret_layout);
int kv_get_hold(struct store *base, const struct hold_id *id, struct arena *arena, struct hold *ret_hold);
int kv_get_order(struct store *base, const struct order_id *id, struct arena *arena, struct order *ret_order);
int kv_get_personal(struct store *base, const struct order_id *id, struct arena *arena,
                    struct personal *ret_personal);
int kv_get_ticket(struct store *base, const struct event_id *event, uint32_t seat,
                  struct ticket_row *ret_row);
int kv_idem_find(struct store *base, const struct digest *key, int64_t now_ms, struct arena *arena,
                 struct idem_record *ret_record);
/* One part of an order's personal data; *ret_text NULL when there is none. Returns 0, BOX_EIO, BOX_ECORRUPT.
 */
int kv_read_personal(struct kv_read *r, const struct order_id *id, char part, struct arena *arena,
                     const char **ret_text);

/* kv_list.c */
int kv_list_holds(struct store *base, const struct checkout_filter *f, const struct cursor *after,
                  uint32_t limit, struct arena *arena, struct hold **ret_holds, uint32_t *ret_count,
                  struct cursor *ret_cursor);
int kv_list_order_queue(struct store *base, const struct order_queue_filter *f, const struct cursor *after,
                        uint32_t limit, struct arena *arena, struct order_queue_row **ret_rows,
                        uint32_t *ret_count, struct cursor *ret_cursor);

/* kv_list_log.c */
struct cursor kv_cdc_cursor(const struct cdc_row *row);
bool kv_cdc_cursor_valid(const struct cursor *cursor);
int kv_list_cdc(struct store *base, const struct cursor *after, uint32_t limit, struct arena *arena,
                struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more);
int kv_list_changes(struct store *base, const struct event_id *event, uint64_t after_seq, uint32_t limit,
                    struct arena *arena, struct change ***ret_changes, uint32_t *ret_count);

/* kv_list_orders.c */
int kv_list_orders(struct store *base, const struct order_filter *f, const struct cursor *after,
                   uint32_t limit, struct arena *arena, struct order **ret_orders, uint32_t *ret_count,
                   struct cursor *ret_cursor);

/* Rows that one page looks at, at most: a filter that matches little must not make one request read
 * everything. */
enum { SCAN_BUDGET = 20000 };

#endif
