/*
 * Orders in pages: through the narrowest of e-mail, code, ticket, event or all, then filtered by the rest.
 *
 * Every one of these ranges gives ids in order; their records are read side by side, some more than are
 * wanted at once. All orders are those of one event after another: order ids begin with their event's tag, so
 * that the events in the order of their tags give the orders in order. A page also ends when it has looked at
 * SCAN_BUDGET orders or EVENTS_PER_PAGE events; the cursor is the last id that was looked at, or the greatest
 * that an event could have.
 */
#include "base/must.h"
#include "store/cql/ops.h"
#include "store/cql/page.h"
#include <stdlib.h>
#include <strings.h>

enum { IDS_AT_ONCE_MIN = 32, IDS_AT_ONCE_MAX = 512, EVENTS_PER_PAGE = 1024 };

struct order_page {
    struct cql_store *s;
    const struct order_filter *f;
    uint32_t seat; /* of f->ticket */
    /* the range: of order_index, or of events[] */
    const char *kind; /* NULL: events */
    const uint8_t *value;
    size_t value_size;
    struct event_id *events;
    size_t event_count, event_at;
    /* ids that were read and not looked at */
    struct order_id ids[IDS_AT_ONCE_MAX];
    uint32_t id_count, id_limit;
    bool end; /* there are no more behind them */
    /* the page */
    uint32_t limit, count, budget;
    struct arena *arena, scratch;
    struct order *orders;
    struct cursor cursor;
    bool full;
};

struct digest cql_email_hash(const struct cql_store *s, const char *email)
{
    struct buf lower = {0};
    for (const char *c = email; *c; c++)
        buf_addc(&lower, *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c);
    struct digest hash = digest_keyed(s->email_secret, lower.data, lower.size);
    buf_done(&lower);
    return hash;
}

/* ---- the range ---- */

static void use_index(struct order_page *p, const char *kind, const void *value, size_t size)
{
    p->kind = kind;
    p->value = arena_copy(&p->scratch, value, size);
    p->value_size = size;
}

/* Returns 0, BOX_ENOTFOUND when nothing can match, BOX_EIO. */
static int choose_range(struct order_page *p)
{
    const struct order_filter *f = p->f;
    if (f->ticket && !ticket_id_seat(f->ticket, f->event, &p->seat))
        return BOX_ENOTFOUND;
    if (f->code && strlen(f->code) != ORDER_CODE_CHARS)
        return BOX_ENOTFOUND;
    if (f->email) {
        const struct digest hash = cql_email_hash(p->s, f->email);
        use_index(p, "email", hash.b, DIGEST_BYTES);
    } else if (f->code) {
        use_index(p, "code", f->code, ORDER_CODE_CHARS);
    } else if (f->ticket) {
        use_index(p, "ticket", f->ticket->u.b, ID_BYTES);
    } else if (f->event) {
        p->events = malloc(sizeof(*p->events));
        must(p->events);
        p->events[0] = *f->event;
        p->event_count = 1;
    } else {
        return cql_sorted_events(p->s, &p->events, &p->event_count);
    }
    return 0;
}

/* Take ids from an answer while there is room. Returns 0 or BOX_ECORRUPT. */
static int take_ids(struct order_page *p, const struct cql_result *result)
{
    for (size_t i = 0; i < cql_rows(result) && p->id_count < p->id_limit; i++) {
        struct cql_row row = cql_row_at(result, i);
        p->ids[p->id_count++].u = row_uuid(&row, "order_id");
        if (!row_ok(&row))
            return BOX_ECORRUPT;
    }
    return 0;
}

static int next_of_index(struct order_page *p, const struct uuid *after)
{
    struct arena arena;
    struct cql_values v;
    struct cql_result *result;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_text(&v, p->kind);
    bind_blob(&v, p->value, p->value_size);
    bind_uuid(&v, after);
    bind_int(&v, (int32_t)p->id_limit);
    int ret = cql_call(p->s, CQL_ST_LIST_ORDER_INDEX, &v, &result);
    arena_done(&arena);
    if (ret)
        return ret;
    ret = take_ids(p, result);
    cql_result_free(result);
    p->end = p->id_count < p->id_limit;
    return ret;
}

/* The ids of one event of several that were asked about together. */
static int take_event(void *ctx, size_t index, const struct cql_result *result)
{
    (void)index; /* in order: it is event_at's */
    struct order_page *p = ctx;
    if (p->id_count == p->id_limit)
        return 0; /* asked about in vain: it comes again */
    int ret = take_ids(p, result);
    if (p->id_count < p->id_limit)
        p->event_at++;
    return ret;
}

static int next_of_events(struct order_page *p, const struct uuid *after)
{
    enum { TOGETHER = 32 };
    struct cql_values v[TOGETHER];
    struct arena arena;
    size_t count = p->event_count - p->event_at;
    count = count < TOGETHER ? count : TOGETHER;
    arena_init(&arena, 0);
    for (size_t i = 0; i < count; i++) {
        const struct event_id *event = &p->events[p->event_at + i];
        bool within = memcmp(after->b, event->u.b, EVENT_TAG_BYTES) == 0;
        cql_values_init(&v[i], &arena);
        bind_uuid(&v[i], &event->u);
        bind_uuid(&v[i], within ? after : &UUID_NIL);
        bind_int(&v[i], (int32_t)p->id_limit);
    }
    size_t before = p->event_at;
    int ret = cql_call_many(p->s, CQL_ST_LIST_ORDERS_OF_EVENT, v, count, take_event, p);
    arena_done(&arena);
    p->end = p->event_at == p->event_count;
    if (p->event_at > before && p->id_count == 0) { /* these events have no more orders */
        struct uuid last;
        memset(last.b, 0xff, sizeof(last.b));
        memcpy(last.b, p->events[p->event_at - 1].u.b, EVENT_TAG_BYTES);
        page_cursor_set(&p->cursor, last.b, ID_BYTES);
    }
    return ret;
}

/* ---- the records ---- */

static bool has_seat(const struct order *o, uint32_t seat)
{
    for (uint32_t i = 0; i < o->line_count; i++)
        if (o->lines[i].seat == seat)
            return true;
    return false;
}

static bool matches(const struct order_page *p, const struct order *o)
{
    const struct order_filter *f = p->f;
    return (!f->event || uuid_equal(&o->event_id.u, &f->event->u)) && (!f->ticket || has_seat(o, p->seat)) &&
           (!f->code || strcmp(o->code, f->code) == 0) && (f->status < 0 || (int)o->status == f->status);
}

/* The index may have an address that was changed since. Without case as in the index: ASCII letters. */
static int check_email(struct order_page *p, const struct order_id *id, bool *ret_same)
{
    struct personal personal;
    int ret = cql_get_personal(&p->s->store, id, &p->scratch, &personal);
    if (!ret)
        *ret_same = personal.email && strcasecmp(personal.email, p->f->email) == 0;
    return ret;
}

/* An order's record may be written a moment after its entries: without it there is no order yet. */
static int take_order(void *ctx, size_t index, const struct cql_result *result)
{
    struct order_page *p = ctx;
    struct order order;
    if (p->full || p->count == p->limit) {
        p->full = true; /* read in vain: the cursor stands before it */
        return 0;
    }
    page_cursor_set(&p->cursor, p->ids[index].u.b, ID_BYTES);
    if (cql_rows(result) == 0)
        return 0;
    struct cql_row row = cql_row_at(result, 0);
    int ret = cql_read_order(&row, p->arena, &order);
    bool wanted = !ret && matches(p, &order);
    if (wanted && p->f->email)
        ret = check_email(p, &p->ids[index], &wanted);
    if (!ret && wanted)
        p->orders[p->count++] = order;
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

static int read_orders(struct order_page *p)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct cql_values *v = arena_array(&arena, p->id_count, sizeof(*v));
    for (uint32_t i = 0; i < p->id_count; i++) {
        cql_values_init(&v[i], &arena);
        bind_uuid(&v[i], &p->ids[i].u);
    }
    int ret = cql_call_many(p->s, CQL_ST_GET_ORDER, v, p->id_count, take_order, p);
    arena_done(&arena);
    return ret;
}

/* ---- pages ---- */

/* How many ids to read next: enough to fill the page if all fit. */
static uint32_t ids_at_once(const struct order_page *p)
{
    uint32_t want = p->limit - p->count;
    want = want < IDS_AT_ONCE_MIN ? IDS_AT_ONCE_MIN : want;
    return want < IDS_AT_ONCE_MAX ? want : IDS_AT_ONCE_MAX;
}

static int fill(struct order_page *p)
{
    size_t events_end = p->event_at + EVENTS_PER_PAGE;
    int ret = 0;
    while (!ret && !p->end && !p->full && p->count < p->limit && p->budget && p->event_at < events_end) {
        struct uuid after = page_cursor_id(&p->cursor);
        p->id_count = 0;
        p->id_limit = ids_at_once(p);
        ret = p->kind ? next_of_index(p, &after) : next_of_events(p, &after);
        if (!ret)
            ret = read_orders(p);
        p->budget -= p->id_count < p->budget ? p->id_count : p->budget;
    }
    if (p->end && !p->full)
        p->cursor.size = 0;
    return ret;
}

static bool cursor_fits(const struct order_page *p, const struct cursor *after)
{
    if (after->size == 0)
        return true;
    return after->size == ID_BYTES &&
           (p->kind || !p->f->event || memcmp(after->bytes, p->f->event->u.b, EVENT_TAG_BYTES) == 0);
}

/* Of all events: go on with the cursor's. */
static void skip_events(struct order_page *p)
{
    const struct uuid after = page_cursor_id(&p->cursor);
    while (p->event_at < p->event_count && memcmp(p->events[p->event_at].u.b, after.b, EVENT_TAG_BYTES) < 0)
        p->event_at++;
    p->end = !p->kind && p->event_at == p->event_count;
}

static int list(struct order_page *p, const struct cursor *after)
{
    int ret = choose_range(p);
    if (ret)
        return ret == BOX_ENOTFOUND ? 0 : ret;
    if (!cursor_fits(p, after))
        return BOX_EINVALID;
    p->cursor = *after;
    p->orders = arena_array(p->arena, p->limit, sizeof(*p->orders));
    skip_events(p);
    return fill(p);
}

int cql_list_orders(struct store *base, const struct order_filter *f, const struct cursor *after,
                    uint32_t limit, struct arena *arena, struct order **ret_orders, uint32_t *ret_count,
                    struct cursor *ret_cursor)
{
    struct order_page *p = calloc(1, sizeof(*p));
    must(p);
    *p = (struct order_page){
        .s = cql_store_of(base), .f = f, .limit = limit, .budget = SCAN_BUDGET, .arena = arena};
    arena_init(&p->scratch, 0);
    int ret = list(p, after);
    if (!ret) {
        *ret_orders = p->orders;
        *ret_count = p->count;
        *ret_cursor = p->cursor;
    }
    arena_done(&p->scratch);
    free(p->events);
    free(p);
    return ret;
}
