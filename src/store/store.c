#include "store/store.h"
#include "base/must.h"

void store_commit(struct store *s, struct commit *c)
{
    must(s && c && c->done && c->group_count > 0);
    s->ops->commit(s, c);
}

void store_close(struct store *s)
{
    must(s);
    s->ops->close(s);
}

int store_reopen(struct store *s)
{
    must(s);
    return s->ops->reopen(s);
}

bool store_writable(const struct store *s)
{
    must(s);
    return s->ops->writable(s);
}

void store_reason(struct store *s, char *ret_text, size_t size)
{
    must(s && ret_text && size > 0);
    s->ops->reason(s, ret_text, size);
}

uint64_t store_commit_no(struct store *s)
{
    must(s);
    return s->ops->commit_no(s);
}

int store_idem_find(struct store *s, const struct digest *key, int64_t now_ms, struct arena *arena,
                    struct idem_record *ret_record)
{
    must(s && key && arena && ret_record);
    return s->ops->idem_find(s, key, now_ms, arena, ret_record);
}

int store_put_venue(struct store *s, const struct layout *layout, const struct idem_record *idem)
{
    must(s && layout);
    return s->ops->put_venue(s, layout, idem);
}

int store_create_tickets(struct store *s, const struct event *event, const struct layout *layout,
                         void (*progress)(void *ctx, uint32_t done), void *ctx)
{
    must(s && event && layout);
    must(layout->seats_total > 0);
    return s->ops->create_tickets(s, event, layout, progress, ctx);
}

void store_drop_tickets(struct store *s, const struct event_id *event)
{
    must(s && event);
    s->ops->drop_tickets(s, event);
}

int store_list_events(struct store *s, int (*each)(void *ctx, struct event_id id), void *ctx)
{
    must(s && each);
    return s->ops->list_events(s, each, ctx);
}

int store_list_venues(struct store *s, int (*each)(void *ctx, struct layout *layout), void *ctx)
{
    must(s && each);
    return s->ops->list_venues(s, each, ctx);
}

int store_load_event(struct store *s, const struct event_id *id,
                     struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                     struct image *ret_image)
{
    must(s && id && layout_of && ret_image);
    return s->ops->load_event(s, id, layout_of, ctx, ret_image);
}

int store_get_hold(struct store *s, const struct hold_id *id, struct arena *arena, struct hold *ret_hold)
{
    must(s && id && arena && ret_hold);
    return s->ops->get_hold(s, id, arena, ret_hold);
}

int store_get_order(struct store *s, const struct order_id *id, struct arena *arena, struct order *ret_order)
{
    must(s && id && arena && ret_order);
    return s->ops->get_order(s, id, arena, ret_order);
}

int store_get_personal(struct store *s, const struct order_id *id, struct arena *arena,
                       struct personal *ret_personal)
{
    must(s && id && arena && ret_personal);
    return s->ops->get_personal(s, id, arena, ret_personal);
}

int store_get_ticket(struct store *s, const struct event_id *event, uint32_t seat, struct ticket_row *ret_row)
{
    must(s && event && ret_row);
    return s->ops->get_ticket(s, event, seat, ret_row);
}

int store_list_orders(struct store *s, const struct order_filter *f, const struct cursor *after,
                      uint32_t limit, struct arena *arena, struct order **ret_orders, uint32_t *ret_count,
                      struct cursor *ret_cursor)
{
    must(s && f && after && limit > 0 && arena && ret_orders && ret_count && ret_cursor);
    must(!f->ticket || f->event);
    return s->ops->list_orders(s, f, after, limit, arena, ret_orders, ret_count, ret_cursor);
}

int store_list_holds(struct store *s, const struct checkout_filter *f, const struct cursor *after,
                     uint32_t limit, struct arena *arena, struct hold **ret_holds, uint32_t *ret_count,
                     struct cursor *ret_cursor)
{
    must(s && f && after && limit > 0 && arena && ret_holds && ret_count && ret_cursor);
    return s->ops->list_holds(s, f, after, limit, arena, ret_holds, ret_count, ret_cursor);
}

int store_list_order_queue(struct store *s, const struct order_queue_filter *f, const struct cursor *after,
                           uint32_t limit, struct arena *arena, struct order_queue_row **ret_rows,
                           uint32_t *ret_count, struct cursor *ret_cursor)
{
    must(s && f && after && limit > 0 && arena && ret_rows && ret_count && ret_cursor);
    must(!f->has_seat || f->event);
    return s->ops->list_order_queue(s, f, after, limit, arena, ret_rows, ret_count, ret_cursor);
}

int store_list_cdc(struct store *s, const struct cursor *after, uint32_t limit, struct arena *arena,
                   struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more)
{
    must(s && after && limit > 0 && arena && ret_rows && ret_count && ret_cursor && ret_more);
    return s->ops->list_cdc(s, after, limit, arena, ret_rows, ret_count, ret_cursor, ret_more);
}

int store_list_changes(struct store *s, const struct event_id *event, uint64_t after_seq, uint32_t limit,
                       struct arena *arena, struct change ***ret_changes, uint32_t *ret_count)
{
    must(s && event && limit > 0 && arena && ret_changes && ret_count);
    return s->ops->list_changes(s, event, after_seq, limit, arena, ret_changes, ret_count);
}

int store_secret(struct store *s, const char *name, const uint8_t fresh[32], uint8_t ret_secret[32])
{
    must(s && name && *name && fresh && ret_secret);
    return s->ops->secret(s, name, fresh, ret_secret);
}

struct cursor store_cdc_cursor(const struct store *s, const struct cdc_row *row)
{
    must(s && row);
    return s->ops->cdc_cursor(row);
}

bool store_cdc_cursor_valid(const struct store *s, const struct cursor *cursor)
{
    must(s && cursor);
    return s->ops->cdc_cursor_valid(cursor);
}

int store_get_venue(struct store *s, const struct venue_id *id, struct layout **ret_layout)
{
    must(s && id && ret_layout);
    return s->ops->get_venue(s, id, ret_layout);
}

/* ---- what is different when the store is shared ---- */

bool store_shared(const struct store *s)
{
    must(s);
    return s->ops->shared != NULL;
}

int store_take_event(struct store *s, const struct event_id *id,
                     struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                     struct image *ret_image)
{
    must(s && id && layout_of && ret_image);
    return store_shared(s) ? s->ops->shared->take_event(s, id, layout_of, ctx, ret_image)
                           : s->ops->load_event(s, id, layout_of, ctx, ret_image);
}

void store_idem_lookup(struct store *s, struct idem_lookup *l)
{
    must(s && l && l->arena && l->done);
    if (store_shared(s)) {
        s->ops->shared->idem_lookup(s, l);
        return;
    }
    l->record = arena_alloc(l->arena, sizeof(*l->record));
    l->result = store_idem_find(s, &l->key, l->now_ms, l->arena, l->record);
    l->done(l);
}

int store_claim_slug(struct store *s, const char *slug, const struct event_id *event)
{
    must(s && slug && *slug && event);
    return store_shared(s) ? s->ops->shared->claim_slug(s, slug, event) : 0;
}

void store_cdc_until(struct store *s, int64_t until_us)
{
    must(store_shared(s));
    s->ops->shared->cdc_until(s, until_us);
}

int store_cdc_log(struct store *s, const struct event_id *event,
                  int (*each)(void *ctx, const struct cdc_row *row), void *ctx)
{
    must(s && event && each);
    bool kept = store_shared(s) && s->ops->shared->cdc_log;
    return kept ? s->ops->shared->cdc_log(s, event, each, ctx) : BOX_ENOSYS;
}

uint32_t store_group_seats(const struct store *s)
{
    return store_shared(s) ? s->ops->shared->group_seats(s) : UINT32_MAX;
}

int store_beat(struct store *s, const struct server_row *me, struct arena *arena,
               struct server_row **ret_rows, uint32_t *ret_count)
{
    must(store_shared(s) && me && arena && ret_rows && ret_count);
    return s->ops->shared->beat(s, me, arena, ret_rows, ret_count);
}

void store_leave(struct store *s, const struct uuid *server_id)
{
    must(store_shared(s) && server_id);
    s->ops->shared->leave(s, server_id);
}

int store_clock(struct store *s, const struct clock *clock, int64_t *ret_ahead_us, int64_t *ret_error_us)
{
    must(store_shared(s) && clock && ret_ahead_us && ret_error_us);
    return s->ops->shared->clock(s, clock, ret_ahead_us, ret_error_us);
}
