#include "store/cql/cdc_checkouts.h"
#include "base/must.h"
#include "base/params.h"
#include <stdlib.h>
#include <string.h>

enum { FORGET_MIN = 1024 };

/* One seat in one checkout. */
struct checkout {
    struct checkout *older; /* of the same ticket */
    int64_t started_ms;
    struct hold_id hold_id;
    struct session_id session;
    uint64_t seq;      /* of the newest insert or update that was seen */
    int64_t forget_us; /* nothing more is expected after this time */
    bool inserted, ended;
};

struct ticket {
    struct uuid id;
    struct event_id event_id;
    struct checkout *newest;
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    must(memory);
    return memory;
}

void cdc_checkouts_init(struct cdc_checkouts *c, int64_t memory_us)
{
    *c = (struct cdc_checkouts){.memory_us = memory_us, .forget_at = FORGET_MIN};
    idmap_init(&c->tickets, offsetof(struct ticket, id));
}

/* ---- forgetting ---- */

static void forget_of_ticket(struct cdc_checkouts *c, struct ticket *t, int64_t before_us)
{
    struct checkout **at = &t->newest;
    while (*at) {
        struct checkout *old = *at;
        if (old->forget_us >= before_us) {
            at = &old->older;
            continue;
        }
        *at = old->older;
        free(old);
        c->count--;
    }
}

/* A map must not change while it is walked through: the tickets that are left go into a new one. */
static void forget_before(struct cdc_checkouts *c, int64_t before_us)
{
    struct idmap left;
    struct ticket *t;
    size_t at = 0;
    idmap_init(&left, offsetof(struct ticket, id));
    while ((t = idmap_next(&c->tickets, &at))) {
        forget_of_ticket(c, t, before_us);
        if (t->newest)
            idmap_add(&left, t);
        else
            free(t);
    }
    idmap_done(&c->tickets);
    c->tickets = left;
}

void cdc_checkouts_done(struct cdc_checkouts *c)
{
    forget_before(c, INT64_MAX);
    must(c->count == 0);
    idmap_done(&c->tickets);
}

/*
 * Looked at only when there are twice as many as were left last time, so that it costs each row little. More
 * than the limit are not kept: what is expected soonest to be over goes first.
 */
static void forget(struct cdc_checkouts *c, int64_t now_us)
{
    if (c->count < c->forget_at)
        return;
    forget_before(c, now_us);
    for (int64_t ahead_us = c->memory_us + 1; c->count > LIMIT_CDC_CHECKOUTS / 2; ahead_us *= 2)
        forget_before(c, now_us + ahead_us);
    c->forget_at = 2 * c->count > FORGET_MIN ? 2 * c->count : FORGET_MIN;
}

/* ---- remembering ---- */

static struct checkout *find(const struct ticket *t, int64_t started_ms)
{
    struct checkout *checkout = t ? t->newest : NULL;
    while (checkout && checkout->started_ms != started_ms)
        checkout = checkout->older;
    return checkout;
}

static struct checkout *find_or_add(struct cdc_checkouts *c, const struct cdc_log_row *row)
{
    struct ticket *t = idmap_find(&c->tickets, &row->ticket_id.u);
    if (!t) {
        t = allocate(sizeof(*t));
        t->id = row->ticket_id.u;
        t->event_id = row->event_id;
        idmap_add(&c->tickets, t);
    }
    struct checkout *checkout = find(t, row->started_ms);
    if (!checkout) {
        checkout = allocate(sizeof(*checkout));
        checkout->started_ms = row->started_ms;
        checkout->older = t->newest;
        t->newest = checkout;
        c->count++;
    }
    return checkout;
}

/* It is there for as long as its row has to live, and a while longer. */
static void keep(const struct cdc_checkouts *c, struct checkout *checkout, const struct cdc_log_row *row)
{
    int64_t ttl_us = row->ttl > 0 && row->ttl <= LIMIT_HOLD_SECONDS_MAX + LIMIT_HOLD_EXTEND_MAX_SECONDS
                         ? row->ttl * 1000000
                         : 0;
    int64_t until_us = row->time_us + ttl_us + c->memory_us;
    if (checkout->ended || until_us > checkout->forget_us)
        checkout->forget_us = until_us;
}

static void remember_hold(struct checkout *checkout, const struct cdc_log_row *row)
{
    if (!uuid_is_nil(&row->hold_id.u))
        checkout->hold_id = row->hold_id;
    if (!uuid_is_nil(&row->session.u))
        checkout->session = row->session;
}

/* ---- delivering ---- */

struct delivery {
    struct cdc_checkouts *c;
    cdc_deliver *deliver;
    void *ctx;
};

static void hand_on(const struct delivery *d, const struct cdc_log_row *of, uint32_t seat,
                    const struct checkout *checkout, enum cdc_operation operation)
{
    bool end = operation == CDC_ROW_DELETE || operation == CDC_EXPIRED;
    const struct cdc_row row = {
        .seq = of->seq,
        .time = of->time,
        .batch_seq = (uint32_t)of->batch_seq,
        .end_of_batch = of->end_of_batch,
        .operation = operation,
        .ttl = end ? 0 : of->ttl,
        .event_id = of->event_id,
        .seat = seat,
        .started_ms = checkout->started_ms,
        .session = checkout->session,
        .hold_id = checkout->hold_id,
        .outcome = operation == CDC_EXPIRED ? OUTCOME_EXPIRED : of->outcome,
    };
    d->deliver(d->ctx, &row, of);
}

static void take_write(const struct delivery *d, const struct cdc_log_row *row, uint32_t seat)
{
    struct checkout *checkout = find_or_add(d->c, row);
    bool insert = row->operation == CDC_CODE_INSERT;
    bool other_hold = !uuid_is_nil(&row->hold_id.u) && !uuid_equal(&row->hold_id.u, &checkout->hold_id.u);
    bool repeated =
        insert ? checkout->inserted && !other_hold : row->seq && row->seq <= checkout->seq && !other_hold;
    if (repeated) {
        d->c->repeated++;
        return;
    }
    remember_hold(checkout, row);
    checkout->inserted |= insert;
    checkout->ended &= !(insert && other_hold);
    if (row->seq > checkout->seq)
        checkout->seq = row->seq;
    keep(d->c, checkout, row);
    hand_on(d, row, seat, checkout, insert ? CDC_INSERT : CDC_UPDATE);
}

static void take_preimage(const struct delivery *d, const struct cdc_log_row *row)
{
    struct checkout *checkout = find_or_add(d->c, row);
    if (checkout->ended)
        return;
    remember_hold(checkout, row);
    keep(d->c, checkout, row);
}

static void take_end(const struct delivery *d, const struct cdc_log_row *row, uint32_t seat)
{
    struct checkout *checkout = find_or_add(d->c, row);
    if (checkout->ended) {
        d->c->repeated++;
        return;
    }
    remember_hold(checkout, row);
    checkout->ended = true;
    keep(d->c, checkout, row);
    hand_on(d, row, seat, checkout, row->operation == CDC_CODE_EXPIRED ? CDC_EXPIRED : CDC_ROW_DELETE);
}

/* ---- ranges ---- */

/* Which checkouts: of the event, from @from to @to; a bound without a key is none. */
struct range {
    struct event_id event_id;
    const struct cdc_log_row *from, *to;
};

static int compare_to_bound(const struct ticket *t, const struct checkout *checkout,
                            const struct cdc_log_row *bound)
{
    if (uuid_is_nil(&bound->ticket_id.u))
        return 0;
    int order = uuid_compare(&t->id, &bound->ticket_id.u);
    if (order || !bound->started_ms)
        return order;
    return (checkout->started_ms > bound->started_ms) - (checkout->started_ms < bound->started_ms);
}

static bool in_range(const struct range *r, const struct ticket *t, const struct checkout *checkout)
{
    if (!uuid_equal(&t->event_id.u, &r->event_id.u) || checkout->ended)
        return false;
    if (!r->from)
        return true;
    int from = compare_to_bound(t, checkout, r->from), to = compare_to_bound(t, checkout, r->to);
    bool from_fits =
        from > 0 ||
        (!from && (r->from->operation == CDC_CODE_FROM_INCLUSIVE || uuid_is_nil(&r->from->ticket_id.u)));
    bool to_fits =
        to < 0 || (!to && (r->to->operation == CDC_CODE_TO_INCLUSIVE || uuid_is_nil(&r->to->ticket_id.u)));
    return from_fits && to_fits;
}

struct hit {
    struct uuid ticket_id;
    struct checkout *checkout;
};

static int compare_hits(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    int order = uuid_compare(&x->ticket_id, &y->ticket_id);
    if (order)
        return order;
    return (x->checkout->started_ms > y->checkout->started_ms) -
           (x->checkout->started_ms < y->checkout->started_ms);
}

/* End all that is in @r, in the order of its keys. Returns how many. Rare, so that looking at all does. */
static size_t end_range(const struct delivery *d, const struct range *r, const struct cdc_log_row *of,
                        enum cdc_operation operation)
{
    struct hit *hits = allocate((d->c->count + 1) * sizeof(*hits));
    const struct ticket *t;
    size_t at = 0, count = 0;
    while ((t = idmap_next(&d->c->tickets, &at)))
        for (struct checkout *checkout = t->newest; checkout; checkout = checkout->older)
            if (in_range(r, t, checkout))
                hits[count++] = (struct hit){t->id, checkout};
    qsort(hits, count, sizeof(*hits), compare_hits);
    for (size_t i = 0; i < count; i++) {
        const struct ticket_id ticket = {hits[i].ticket_id};
        uint32_t seat;
        bool ours = ticket_id_seat(&ticket, &of->event_id, &seat);
        must(ours); /* only such are remembered */
        hits[i].checkout->ended = true;
        keep(d->c, hits[i].checkout, of);
        hand_on(d, of, seat, hits[i].checkout, operation);
    }
    free(hits);
    return count;
}

static void take_range_end(const struct delivery *d, const struct cdc_log_row *to)
{
    struct cdc_checkouts *c = d->c;
    const struct range range = {to->event_id, &c->range_from, to};
    uint32_t seat;
    if (!c->in_range || !uuid_equal(&c->range_from.time, &to->time) ||
        !uuid_equal(&c->range_from.event_id.u, &to->event_id.u)) {
        c->strange++;
        return;
    }
    c->in_range = false;
    if (end_range(d, &range, &c->range_from, CDC_ROW_DELETE))
        return;
    /* Nothing of it is known. Of one ticket that is worth to be said, without its checkout. */
    if (uuid_equal(&c->range_from.ticket_id.u, &to->ticket_id.u) &&
        ticket_id_seat(&to->ticket_id, &to->event_id, &seat))
        hand_on(d, &c->range_from, seat, &(struct checkout){.started_ms = to->started_ms}, CDC_ROW_DELETE);
}

/* ---- */

void cdc_checkouts_take(struct cdc_checkouts *c, const struct cdc_log_row *row, cdc_deliver *deliver,
                        void *ctx)
{
    const struct delivery d = {c, deliver, ctx};
    const struct range all = {.event_id = row->event_id};
    uint32_t seat = 0;
    bool of_seat = row->operation == CDC_CODE_INSERT || row->operation == CDC_CODE_UPDATE ||
                   row->operation == CDC_CODE_PREIMAGE || row->operation == CDC_CODE_ROW_DELETE ||
                   row->operation == CDC_CODE_EXPIRED;
    forget(c, row->time_us);
    if (of_seat && !ticket_id_seat(&row->ticket_id, &row->event_id, &seat)) {
        c->strange++;
        return;
    }
    switch (row->operation) {
    case CDC_CODE_INSERT:
    case CDC_CODE_UPDATE:
        take_write(&d, row, seat);
        break;
    case CDC_CODE_PREIMAGE:
        take_preimage(&d, row);
        break;
    case CDC_CODE_ROW_DELETE:
    case CDC_CODE_EXPIRED:
        take_end(&d, row, seat);
        break;
    case CDC_CODE_PARTITION_DELETE:
        end_range(&d, &all, row, CDC_ROW_DELETE);
        break;
    case CDC_CODE_PARTITION_EXPIRED:
        end_range(&d, &all, row, CDC_EXPIRED);
        break;
    case CDC_CODE_FROM_INCLUSIVE:
    case CDC_CODE_FROM_EXCLUSIVE:
        c->range_from = *row;
        c->in_range = true;
        break;
    case CDC_CODE_TO_INCLUSIVE:
    case CDC_CODE_TO_EXCLUSIVE:
        take_range_end(&d, row);
        break;
    case CDC_CODE_POSTIMAGE:
        break;
    default:
        c->strange++;
    }
}
