/*
 * order_queue, by (event, ticket, started_at).
 *
 * A partition of order_queue is full of what was deleted (every hold ends so), and reading through that can
 * fail. So the tickets say which rows there are, those that are held now, and order_queue is only asked for
 * them by their whole key.
 */
#include "base/must.h"
#include "store/cql/ops.h"
#include "store/cql/page.h"
#include <endian.h>
#include <stdlib.h>

enum {
    QUEUE_KEY_BYTES = ID_BYTES + 4 + 8,
    HELD_AT_ONCE = 256,
    EVENTS_PER_PAGE = 64,    /* each of them costs a look at all of its tickets */
    CLOCKS_DIFFER_MS = 1000, /* a node's and ours, at most: a row goes by the node's */
};

struct queue_page {
    struct cql_store *s;
    const struct order_queue_filter *f;
    struct order_queue_row *rows;
    uint32_t count, limit;
    struct cursor cursor;
    /* held tickets whose order_queue rows are to be read */
    struct ticket_row held[HELD_AT_ONCE];
    uint32_t held_count;
};

/* ---- cursors: the key of the last row looked at ---- */

static void write_key(const struct event_id *event, uint32_t seat, int64_t started_ms,
                      uint8_t ret[QUEUE_KEY_BYTES])
{
    const uint32_t be_seat = htobe32(seat);
    const uint64_t be_started = htobe64((uint64_t)started_ms);
    memcpy(ret, event->u.b, ID_BYTES);
    memcpy(ret + ID_BYTES, &be_seat, sizeof(be_seat));
    memcpy(ret + ID_BYTES + sizeof(be_seat), &be_started, sizeof(be_started));
}

static void move_cursor(struct queue_page *p, const struct event_id *event, uint32_t seat, int64_t started_ms)
{
    uint8_t key[QUEUE_KEY_BYTES];
    write_key(event, seat, started_ms, key);
    page_cursor_set(&p->cursor, key, sizeof(key));
}

/* As much of a key as the filter fixes must be the cursor's, too. */
static bool cursor_fits(const struct order_queue_filter *f, const struct cursor *after)
{
    uint8_t key[QUEUE_KEY_BYTES];
    if (after->size == 0)
        return true;
    if (after->size != QUEUE_KEY_BYTES)
        return false;
    if (!f->event)
        return true;
    write_key(f->event, f->seat, f->started_ms, key);
    size_t fixed = !f->has_seat ? ID_BYTES : f->started_ms ? QUEUE_KEY_BYTES : ID_BYTES + 4;
    return memcmp(key, after->bytes, fixed) == 0;
}

static struct ticket_id cursor_ticket(const struct cursor *cursor, const struct event_id *event)
{
    uint32_t seat;
    if (cursor->size == 0 || memcmp(cursor->bytes, event->u.b, ID_BYTES) != 0)
        return (struct ticket_id){UUID_NIL};
    memcpy(&seat, cursor->bytes + ID_BYTES, sizeof(seat));
    return ticket_id_of(event, be32toh(seat));
}

/* ---- from held tickets to rows ---- */

/*
 * Where a held ticket has no row, the hold's second half is not written yet: nobody has heard of it. Or its
 * time is over and nobody has ended it yet (its home waits for clocks that may be behind, or has just died):
 * it is a checkout all the same, and all but the newest extend's seq stands in the ticket.
 */
static int take_row(void *ctx, size_t index, const struct cql_result *result)
{
    struct queue_page *p = ctx;
    const struct ticket_row *t = &p->held[index];
    move_cursor(p, &t->event_id, t->seat, t->last_started_ms);
    uint64_t seq = id_seq(&t->hold_id.u);
    bool over = t->hold_until_ms <= clock_wall_us(p->s->clock) / 1000 + CLOCKS_DIFFER_MS;
    if (cql_rows(result) == 0 && !over)
        return 0;
    if (cql_rows(result)) {
        struct cql_row row = cql_row_at(result, 0);
        seq = (uint64_t)row_bigint(&row, "seq");
        if (!row_ok(&row))
            return BOX_ECORRUPT;
    }
    p->rows[p->count++] = (struct order_queue_row){.event_id = t->event_id,
                                                   .seat = t->seat,
                                                   .started_ms = t->last_started_ms,
                                                   .session_id = t->session,
                                                   .hold_id = t->hold_id,
                                                   .seq = seq,
                                                   .expires_ms = t->hold_until_ms};
    return 0;
}

static int read_rows(struct queue_page *p)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct cql_values *v = arena_array(&arena, p->held_count, sizeof(*v));
    for (uint32_t i = 0; i < p->held_count; i++) {
        const struct ticket_row *t = &p->held[i];
        const struct ticket_id id = ticket_id_of(&t->event_id, t->seat);
        cql_values_init(&v[i], &arena);
        bind_uuid(&v[i], &t->event_id.u);
        bind_uuid(&v[i], &id.u);
        bind_timestamp(&v[i], t->last_started_ms);
    }
    int ret = cql_call_many(p->s, CQL_ST_GET_QUEUE_ROW, v, p->held_count, take_row, p);
    arena_done(&arena);
    p->held_count = 0;
    return ret;
}

static bool wanted(const struct queue_page *p, const struct ticket_row *t)
{
    return t->status == SEAT_HELD && (p->f->started_ms == 0 || p->f->started_ms == t->last_started_ms);
}

/* Is there room for no more, in the page or in what is read together? */
static bool held_full(const struct queue_page *p)
{
    return p->held_count == HELD_AT_ONCE || p->count + p->held_count == p->limit;
}

/* The rows of an event behind the cursor, until the page is full. */
static int read_event(struct queue_page *p, const struct event_id *event)
{
    struct arena arena;
    struct cql_values v;
    struct cql_scan scan;
    struct cql_row row;
    struct ticket_row t;
    const struct ticket_id from = cursor_ticket(&p->cursor, event);
    int ret = 0;
    bool end = false;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_uuid(&v, &event->u);
    bind_uuid(&v, &from.u);
    cql_scan_init(&scan, p->s, CQL_ST_LIST_HELD_TICKETS, &v, (int32_t)(p->limit < 1000 ? p->limit : 1000));
    while (!ret && !end && p->count < p->limit) {
        ret = cql_scan_next(&scan, &row);
        end = ret == BOX_ENOTFOUND;
        if (!ret)
            ret = cql_read_ticket(&row, event, &t);
        if (!ret && wanted(p, &t))
            p->held[p->held_count++] = t;
        if ((!ret && held_full(p)) || end)
            ret = read_rows(p);
    }
    cql_scan_done(&scan);
    arena_done(&arena);
    return ret;
}

static int read_ticket(struct queue_page *p)
{
    struct ticket_row t;
    if (p->cursor.size) { /* a ticket has one hold at most */
        p->cursor.size = 0;
        return 0;
    }
    int ret = cql_get_ticket(&p->s->store, p->f->event, p->f->seat, &t);
    if (!ret && wanted(p, &t)) {
        p->held[p->held_count++] = t;
        ret = read_rows(p);
    }
    p->cursor.size = 0;
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

static int read_events(struct queue_page *p)
{
    struct event_id *events;
    size_t count, at = 0;
    int ret = cql_sorted_events(p->s, &events, &count);
    if (ret)
        return ret;
    while (p->cursor.size && at < count && memcmp(events[at].u.b, p->cursor.bytes, ID_BYTES) < 0)
        at++;
    size_t end = at + EVENTS_PER_PAGE;
    for (; !ret && at < count && at < end && p->count < p->limit; at++) {
        ret = read_event(p, &events[at]);
        if (p->count < p->limit) /* nothing more of this one */
            move_cursor(p, &events[at], UINT32_MAX, INT64_MAX);
    }
    if (at == count && p->count < p->limit)
        p->cursor.size = 0;
    free(events);
    return ret;
}

static int read_page(struct queue_page *p)
{
    if (!p->f->event)
        return read_events(p);
    if (p->f->has_seat)
        return read_ticket(p);
    int ret = read_event(p, p->f->event);
    if (p->count < p->limit)
        p->cursor.size = 0;
    return ret;
}

int cql_list_order_queue(struct store *base, const struct order_queue_filter *f, const struct cursor *after,
                         uint32_t limit, struct arena *arena, struct order_queue_row **ret_rows,
                         uint32_t *ret_count, struct cursor *ret_cursor)
{
    if (!cursor_fits(f, after))
        return BOX_EINVALID;
    if (f->started_ms < 0) { /* no row */
        *ret_count = 0;
        ret_cursor->size = 0;
        return 0;
    }
    struct queue_page *p = calloc(1, sizeof(*p));
    must(p);
    *p = (struct queue_page){.s = cql_store_of(base), .f = f, .limit = limit, .cursor = *after};
    p->rows = arena_array(arena, limit, sizeof(*p->rows));
    int ret = read_page(p);
    if (!ret) {
        *ret_rows = p->rows;
        *ret_count = p->count;
        *ret_cursor = p->cursor;
    }
    free(p);
    return ret;
}
