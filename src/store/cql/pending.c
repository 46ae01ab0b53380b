/*
 * Places of parts that are still being written. Each goes when its part comes.
 */
#include "base/must.h"
#include "store/cql/ops.h"

void cql_commit(struct store *base, struct commit *c)
{
    (void)base;
    for (size_t i = 0; i < c->group_count; i++)
        c->groups[i].result = BOX_EUNAVAILABLE;
    c->done(c);
}

int cql_create_tickets(struct store *base, const struct event *event, const struct layout *layout,
                       void (*progress)(void *ctx, uint32_t done), void *ctx)
{
    (void)base, (void)event, (void)layout, (void)progress, (void)ctx;
    return BOX_EUNAVAILABLE;
}

void cql_drop_tickets(struct store *base, const struct event_id *event)
{
    (void)base, (void)event;
}

uint32_t cql_group_seats(const struct store *base)
{
    (void)base;
    return 200;
}

int cql_load_event(struct store *base, const struct event_id *id,
                   struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                   struct image *ret_image)
{
    (void)base, (void)id, (void)layout_of, (void)ctx, (void)ret_image;
    return BOX_ENOTFOUND;
}

int cql_take_event(struct store *base, const struct event_id *id,
                   struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                   struct image *ret_image)
{
    return cql_load_event(base, id, layout_of, ctx, ret_image);
}

struct cql_events *cql_events_new(struct cql_store *s)
{
    (void)s;
    return NULL;
}

void cql_events_free(struct cql_events *events)
{
    (void)events;
}

int cql_list_cdc(struct store *base, const struct cursor *after, uint32_t limit, struct arena *arena,
                 struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more)
{
    (void)base, (void)after, (void)limit, (void)arena, (void)ret_rows, (void)ret_count, (void)ret_cursor,
        (void)ret_more;
    return BOX_EIO;
}

struct cursor cql_cdc_cursor(const struct cdc_row *row)
{
    (void)row;
    return (struct cursor){.size = 0};
}

bool cql_cdc_cursor_valid(const struct cursor *cursor)
{
    (void)cursor;
    return false;
}
