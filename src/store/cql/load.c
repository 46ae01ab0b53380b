#include "store/cql/load.h"
#include "base/must.h"
#include "store/cql/ops.h"
#include "store/image_build.h"

struct loading {
    struct cql_store *s;
    const struct event_id *id;
    const struct cql_statics *statics;
    const struct event_group *newest; /* or NULL */
    struct image *image;
    struct image_build build;
    struct order_id *orders; /* of the holds so far that have one */
    uint32_t order_count;
};

/* ---- what the newest group says ---- */

/* Its records of one hold or order, if it has any; with lines. */
struct wanted {
    const struct hold_id *hold_id;
    const struct order_id *order_id;
    struct hold hold;
    struct order order;
    bool found;
};

static void on_hold(void *ctx, const struct hold *hold)
{
    struct wanted *w = ctx;
    if (w->hold_id && uuid_equal(&hold->hold_id.u, &w->hold_id->u)) {
        w->hold = *hold;
        w->found = true;
    }
}

static void on_order(void *ctx, const struct order *order)
{
    struct wanted *w = ctx;
    if (w->order_id && uuid_equal(&order->order_id.u, &w->order_id->u)) {
        w->order = *order;
        w->found = true;
    }
}

static bool look_in_newest(struct loading *l, struct wanted *w)
{
    const struct row_sink sink = {.ctx = w, .hold = on_hold, .order = on_order};
    const struct change *c = l->newest ? l->newest->changes : NULL;
    for (; c; c = c->next) /* the last word counts */
        rows_of_change(c, &l->image->arena, &sink);
    return w->found;
}

static const struct event *newest_event(const struct event_group *newest)
{
    const struct event *event = NULL;
    for (const struct change *c = newest ? newest->changes : NULL; c; c = c->next)
        event = c->event ? c->event : event;
    return event;
}

/* ---- the event ---- */

static int decode_event(const struct cql_result *result, struct event **ret_event)
{
    if (cql_rows(result) == 0)
        return BOX_ECORRUPT; /* its first group is written out: it has a row */
    size_t size;
    struct cql_row row = cql_row_at(result, 0);
    const uint8_t *data = row_blob(&row, "data", &size);
    return row_ok(&row) && data ? event_decode(data, size, ret_event) : BOX_ECORRUPT;
}

static int read_event(struct loading *l, struct event **ret_event)
{
    const struct event *newest = newest_event(l->newest);
    struct cql_values v;
    struct cql_result *result;
    if (newest) {
        *ret_event = event_ref(newest);
        return 0;
    }
    cql_values_init(&v, &l->image->arena);
    bind_uuid(&v, &l->id->u);
    int ret = cql_call(l->s, CQL_ST_GET_EVENT, &v, &result);
    if (ret)
        return ret;
    ret = decode_event(result, ret_event);
    cql_result_free(result);
    return ret;
}

/* Time and hash of the newest change. */
static void set_newest(struct image *image, const struct change *c)
{
    image->time_us = c->time_us;
    image->hash = c->hash;
}

static int decode_change(struct loading *l, const struct cql_result *result)
{
    if (cql_rows(result) == 0)
        return BOX_ECORRUPT;
    size_t size;
    struct change *c;
    struct cql_row row = cql_row_at(result, 0);
    const uint8_t *data = row_blob(&row, "data", &size);
    int ret = row_ok(&row) && data ? change_decode(data, size, &l->image->arena, &c) : BOX_ECORRUPT;
    if (ret)
        return ret;
    if (c->seq != l->statics->seq || !uuid_equal(&c->event_id.u, &l->id->u))
        ret = BOX_ECORRUPT;
    else
        set_newest(l->image, c);
    event_unref(c->event);
    return ret;
}

static int read_newest_change(struct loading *l)
{
    const struct change *c = l->newest ? l->newest->changes : NULL;
    struct cql_values v;
    struct cql_result *result;
    l->image->seq = l->statics->seq;
    for (; c; c = c->next)
        if (!c->next)
            set_newest(l->image, c);
    if (l->newest)
        return 0;
    cql_values_init(&v, &l->image->arena);
    bind_uuid(&v, &l->id->u);
    bind_bigint(&v, (int64_t)l->statics->seq);
    int ret = cql_call(l->s, CQL_ST_GET_CHANGE, &v, &result);
    if (ret)
        return ret;
    ret = decode_change(l, result);
    cql_result_free(result);
    return ret;
}

/* ---- tickets ---- */

/*
 * One row: it must be the next seat's. Who is free or blocked has no owner: a group that frees a seat deletes
 * these cells, a program that writes to the table behind our back does not.
 */
static int add_ticket(struct loading *l, struct cql_row *row, uint32_t seat)
{
    struct ticket_row ticket;
    int ret = cql_read_ticket(row, l->id, &ticket);
    if (ret)
        return ret;
    if (ticket.seat != seat || seat >= l->image->layout->seats_total)
        return BOX_ECORRUPT;
    bool owned = ticket.status == SEAT_HELD || ticket.status == SEAT_SOLD;
    if (!owned && (row_has(row, "hold_id") || row_has(row, "order_id")))
        return BOX_ECORRUPT;
    if (ticket.status == SEAT_SOLD && uuid_is_nil(&ticket.order_id.u))
        return BOX_ECORRUPT;
    return row_ok(row) ? image_build_seat(&l->build, &ticket) : BOX_ECORRUPT;
}

static int read_tickets(struct loading *l)
{
    struct cql_scan scan;
    struct cql_row row;
    struct cql_values v;
    uint32_t seat = 0;
    int ret;
    cql_values_init(&v, &l->image->arena);
    bind_uuid(&v, &l->id->u);
    cql_scan_init(&scan, l->s, CQL_ST_LOAD_TICKETS, &v, 0);
    while ((ret = cql_scan_next(&scan, &row)) == 0)
        if ((ret = add_ticket(l, &row, seat++)))
            break;
    cql_scan_done(&scan);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

/* ---- holds and their orders ---- */

static int add_hold(struct loading *l, const struct hold *hold)
{
    bool has_order;
    int ret = image_build_hold(&l->build, hold, &has_order);
    if (!ret && has_order)
        l->orders[l->order_count++] = hold->order_id;
    return ret;
}

static int on_hold_row(void *ctx, size_t index, const struct cql_result *result)
{
    struct loading *l = ctx;
    struct hold hold;
    (void)index;
    if (cql_rows(result) == 0)
        return BOX_ECORRUPT;
    struct cql_row row = cql_row_at(result, 0);
    int ret = cql_read_hold(&row, &l->image->arena, &hold);
    return ret ? BOX_ECORRUPT : add_hold(l, &hold);
}

static int on_order_row(void *ctx, size_t index, const struct cql_result *result)
{
    struct loading *l = ctx;
    struct order order;
    (void)index;
    if (cql_rows(result) == 0)
        return BOX_ECORRUPT;
    struct cql_row row = cql_row_at(result, 0);
    int ret = cql_read_order(&row, &l->image->arena, &order);
    return ret ? BOX_ECORRUPT : image_build_order(&l->build, &order);
}

static int read_holds(struct loading *l)
{
    struct arena *arena = &l->image->arena;
    struct hold_id *ids;
    uint32_t count = image_build_holds(&l->build, &ids), asked = 0;
    struct cql_values *v = arena_array(arena, count, sizeof(*v));
    int ret = 0;
    l->orders = arena_array(arena, count, sizeof(*l->orders));
    for (uint32_t i = 0; i < count && !ret; i++) {
        struct wanted w = {.hold_id = &ids[i]};
        if (look_in_newest(l, &w)) {
            ret = add_hold(l, &w.hold);
            continue;
        }
        cql_values_init(&v[asked], arena);
        bind_bigint(&v[asked], (int64_t)id_tag(&ids[i].u));
        bind_uuid(&v[asked++], &ids[i].u);
    }
    return ret ? ret : cql_call_many(l->s, CQL_ST_GET_HOLD, v, asked, on_hold_row, l);
}

static int read_orders(struct loading *l)
{
    struct arena *arena = &l->image->arena;
    struct cql_values *v = arena_array(arena, l->order_count, sizeof(*v));
    uint32_t asked = 0;
    int ret = 0;
    for (uint32_t i = 0; i < l->order_count && !ret; i++) {
        struct wanted w = {.order_id = &l->orders[i]};
        if (look_in_newest(l, &w)) {
            ret = image_build_order(&l->build, &w.order);
            continue;
        }
        cql_values_init(&v[asked], arena);
        bind_uuid(&v[asked++], &l->orders[i].u);
    }
    return ret ? ret : cql_call_many(l->s, CQL_ST_GET_ORDER, v, asked, on_order_row, l);
}

/* ---- all of it ---- */

static int set_layout(struct image *image,
                      struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx)
{
    struct layout *layout = layout_of(ctx, &image->event->venue_id);
    if (!layout || layout->place_count != image->event->place_count)
        return BOX_ECORRUPT;
    image->layout = layout_ref(layout);
    return 0;
}

static int load(struct loading *l, struct layout *(*layout_of)(void *ctx, const struct venue_id *venue),
                void *ctx)
{
    int ret = read_event(l, &l->image->event);
    if (!ret && l->image->event->deleted)
        ret = BOX_ENOTFOUND;
    if (!ret)
        ret = read_newest_change(l);
    if (!ret)
        ret = set_layout(l->image, layout_of, ctx);
    if (ret)
        return ret;
    image_build_init(&l->build, l->image);
    ret = read_tickets(l);
    if (!ret)
        ret = read_holds(l);
    if (!ret)
        ret = read_orders(l);
    if (!ret)
        ret = image_build_finish(&l->build);
    image_build_done(&l->build);
    return ret;
}

int cql_load_rows(struct cql_store *s, const struct event_id *id, const struct cql_statics *statics,
                  const struct event_group *newest,
                  struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                  struct image *ret_image)
{
    struct image image = {0};
    struct loading l = {.s = s, .id = id, .statics = statics, .newest = newest, .image = &image};
    arena_init(&image.arena, 0);
    int ret = load(&l, layout_of, ctx);
    if (ret) {
        image_done(&image);
        return ret == BOX_ENEWER ? BOX_ECORRUPT : ret;
    }
    *ret_image = image;
    return 0;
}
