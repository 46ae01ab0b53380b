/*
 * The parts of the store on a cluster; each implements the member of store_ops or store_shared_ops of its
 * name (store/store.h says what it does).
 */
#ifndef STORE_CQL_OPS_H
#define STORE_CQL_OPS_H

#include "store/cql/call.h"

/* commit.c (see commit.h), tickets.c */
void cql_commit(struct store *base, struct commit *c);
int cql_create_tickets(struct store *base, const struct event *event, const struct layout *layout,
                       void (*progress)(void *ctx, uint32_t done), void *ctx);
void cql_drop_tickets(struct store *base, const struct event_id *event);
uint32_t cql_group_seats(const struct store *base);

/* take.c */
int cql_load_event(struct store *base, const struct event_id *id,
                   struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                   struct image *ret_image);
int cql_take_event(struct store *base, const struct event_id *id,
                   struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                   struct image *ret_image);

/* cdc_list.c */
int cql_list_cdc(struct store *base, const struct cursor *after, uint32_t limit, struct arena *arena,
                 struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more);
struct cursor cql_cdc_cursor(const struct cdc_row *row);
bool cql_cdc_cursor_valid(const struct cursor *cursor);

/* cdc_log.c */
int cql_cdc_log(struct store *base, const struct event_id *event,
                int (*each)(void *ctx, const struct cdc_row *row), void *ctx);

/* read.c */
int cql_get_hold(struct store *base, const struct hold_id *id, struct arena *arena, struct hold *ret_hold);
int cql_get_order(struct store *base, const struct order_id *id, struct arena *arena,
                  struct order *ret_order);
int cql_get_personal(struct store *base, const struct order_id *id, struct arena *arena,
                     struct personal *ret_personal);
int cql_get_ticket(struct store *base, const struct event_id *event, uint32_t seat,
                   struct ticket_row *ret_row);
/* What GET_TICKET and its like give, as a row; BOX_ECORRUPT if it is no ticket of @event. */
int cql_read_ticket(struct cql_row *row, const struct event_id *event, struct ticket_row *ret_row);
/* A record's `data`, decoded. BOX_ENOTFOUND when it is NULL: a row that this program did not write. */
int cql_read_hold(struct cql_row *row, struct arena *arena, struct hold *ret_hold);
int cql_read_order(struct cql_row *row, struct arena *arena, struct order *ret_order);

/* list_events.c */
int cql_list_events(struct store *base, int (*each)(void *ctx, struct event_id id), void *ctx);
/* The ids of all events that have their row (not of those in creation), sorted; malloc'd. */
int cql_sorted_events(struct cql_store *s, struct event_id **ret_ids, size_t *ret_count);

/* list_changes.c */
int cql_list_changes(struct store *base, const struct event_id *event, uint64_t after_seq, uint32_t limit,
                     struct arena *arena, struct change ***ret_changes, uint32_t *ret_count);

/* list_holds.c */
int cql_list_holds(struct store *base, const struct checkout_filter *f, const struct cursor *after,
                   uint32_t limit, struct arena *arena, struct hold **ret_holds, uint32_t *ret_count,
                   struct cursor *ret_cursor);

/* list_orders.c */
int cql_list_orders(struct store *base, const struct order_filter *f, const struct cursor *after,
                    uint32_t limit, struct arena *arena, struct order **ret_orders, uint32_t *ret_count,
                    struct cursor *ret_cursor);
/* The value of order_index for an e-mail address, without case. */
struct digest cql_email_hash(const struct cql_store *s, const char *email);

/* list_queue.c */
int cql_list_order_queue(struct store *base, const struct order_queue_filter *f, const struct cursor *after,
                         uint32_t limit, struct arena *arena, struct order_queue_row **ret_rows,
                         uint32_t *ret_count, struct cursor *ret_cursor);

/* venue.c */
int cql_put_venue(struct store *base, const struct layout *layout, const struct idem_record *idem);
int cql_get_venue(struct store *base, const struct venue_id *id, struct layout **ret_layout);
int cql_list_venues(struct store *base, int (*each)(void *ctx, struct layout *layout), void *ctx);

/* idem.c */
int cql_idem_find(struct store *base, const struct digest *key, int64_t now_ms, struct arena *arena,
                  struct idem_record *ret_record);
void cql_idem_lookup(struct store *base, struct idem_lookup *l);
/*
 * Keep the answer to a request that makes @venue, once. Returns 0 (also when it was kept before, of the same
 * venue), BOX_EEXISTS (another's), BOX_EUNAVAILABLE, BOX_EUNKNOWN.
 */
int cql_idem_claim(struct cql_store *s, const struct idem_record *idem, const struct venue_id *venue);
/* Which venue the request of this key made. Returns 0, BOX_ENOTFOUND, BOX_EIO. */
int cql_idem_venue(struct cql_store *s, const struct digest *key, struct venue_id *ret_venue);

/* slug.c, secret.c */
int cql_claim_slug(struct store *base, const char *slug, const struct event_id *event);
int cql_secret(struct store *base, const char *name, const uint8_t fresh[32], uint8_t ret_secret[32]);

/* server_rows.c */
int cql_beat(struct store *base, const struct server_row *me, struct arena *arena,
             struct server_row **ret_rows, uint32_t *ret_count);
void cql_leave(struct store *base, const struct uuid *server_id);
int cql_clock(struct store *base, const struct clock *clock, int64_t *ret_ahead_us, int64_t *ret_error_us);

#endif
