/*
 * order_queue: one row for each held seat. Looked at from both sides: every row of the event's list must be a
 * held seat's, and every held seat's row must be there under its full key - which a cluster reads from the
 * table itself, while its lists are made of tickets (store/cql).
 */
#include "verify/verify_internal.h"

/* Beside what TTLs round, an order_queue row says what the change said. */
static bool row_same(const struct order_queue_row *a, const struct order_queue_row *b)
{
    int64_t later = a->expires_ms - b->expires_ms;
    return a->started_ms == b->started_ms && uuid_equal(&a->session_id.u, &b->session_id.u) &&
           uuid_equal(&a->hold_id.u, &b->hold_id.u) && a->seq == b->seq && later >= -1000 && later <= 1000;
}

static const char *should_be(struct subject *s, const struct ledger_seat *seat)
{
    return seat->queued ? say_queue_row(&s->page, &seat->queue)
                        : say_by(&s->page, "no row: the seat is not held", seat->seq);
}

/* A row that a list gave: is it a held seat's? What it says is looked at under its key. */
static void check_listed(struct subject *s, const struct order_queue_row *row)
{
    const struct ledger *l = &s->replay.ledger;
    const char *where = say_where(&s->page, "order_queue", &s->id, row->seat);
    if (row->seat >= l->seats_total)
        subject_finding(s, where, say_queue_row(&s->page, row), "no row: there is no such seat");
    else if (!l->seats[row->seat].queued || l->seats[row->seat].queue.started_ms != row->started_ms)
        subject_finding(s, where, say_queue_row(&s->page, row), should_be(s, &l->seats[row->seat]));
}

static int check_list(struct subject *s)
{
    const struct order_queue_filter filter = {.event = &s->id};
    struct cursor cursor = {0};
    struct order_queue_row *rows;
    uint32_t count;
    int ret;
    do {
        arena_reset(&s->page);
        ret = store_list_order_queue(s->v->store, &filter, &cursor, VERIFY_PAGE, &s->page, &rows, &count,
                                     &cursor);
        for (uint32_t i = 0; i < count && !ret; i++)
            check_listed(s, &rows[i]);
    } while (!ret && cursor.size);
    return ret;
}

/* Is the row of a held seat there, under its full key? Gone by its TTL is as it should be. */
static int check_by_key(struct subject *s, const struct ledger_seat *seat)
{
    const struct order_queue_row *expected = &seat->queue;
    const struct order_queue_filter filter = {
        .event = &s->id, .has_seat = true, .seat = expected->seat, .started_ms = expected->started_ms};
    struct cursor cursor = {0};
    struct order_queue_row *rows;
    uint32_t count;
    int ret = store_list_order_queue(s->v->store, &filter, &cursor, 2, &s->page, &rows, &count, &cursor);
    if (ret || (count == 1 && row_same(&rows[0], expected)))
        return ret;
    if (count == 0 && expected->expires_ms <= s->v->options->now_ms + 1000)
        return 0;
    subject_finding(s, say_where(&s->page, "order_queue", &s->id, expected->seat),
                    count ? say_queue_row(&s->page, &rows[0]) : "no row", should_be(s, seat));
    return 0;
}

int verify_queue(struct subject *s)
{
    int ret = subject_catch_up(s);
    if (!ret)
        ret = check_list(s);
    for (uint32_t i = 0; i < s->replay.ledger.seats_total && !ret; i++) {
        arena_reset(&s->page);
        if (s->replay.ledger.seats[i].queued)
            ret = check_by_key(s, &s->replay.ledger.seats[i]);
    }
    if (ret == BOX_ECORRUPT || ret == BOX_ENEWER) {
        subject_finding(s, "order_queue", "a row that makes no sense", "rows that can be read");
        ret = 0;
    }
    arena_reset(&s->page);
    return ret;
}
