#include "load/rules.h"
#include "base/must.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *meaning;
} RULE[RULES] = {
    {"one-owner", "each seat is in at most one active hold or paid order, and its status says so"},
    {"counts", "the event's counts are those of the availability, the tickets, the holds and orders"},
    {"promises", "each hold and order is there as it was acknowledged"},
    {"log-pairs",
     "each seat of a hold has one insert in the change log and, when it ended, one end of its kind"},
    {"order-queue", "order_queue has a row for each seat of a live hold and no others"},
    {"seq", "the event's changes are numbered without gaps"},
};

const char *rule_name(enum rule rule)
{
    return RULE[rule].name;
}

const char *rule_meaning(enum rule rule)
{
    return RULE[rule].meaning;
}

void rule_broken(struct rule_result *r, const char *format, ...)
{
    va_list args;
    if (r->breaches++ > 0)
        return;
    va_start(args, format);
    vsnprintf(r->first, sizeof r->first, format, args);
    va_end(args);
}

struct text {
    char text[UUID_TEXT + 1];
};

static struct text show(struct uuid id)
{
    struct text t;
    uuid_format(&id, t.text);
    return t;
}

/* ---- finding: arrays sorted by hold ---- */

static int compare_holds(const void *a, const void *b)
{
    return uuid_compare(&((const struct fact_hold *)a)->hold, &((const struct fact_hold *)b)->hold);
}

static int compare_orders(const void *a, const void *b)
{
    const struct fact_order *x = a, *y = b;
    int by_hold = uuid_compare(&x->hold, &y->hold);
    return by_hold ? by_hold : uuid_compare(&x->order, &y->order);
}

static int compare_promises(const void *a, const void *b)
{
    return uuid_compare(&((const struct promise *)a)->hold, &((const struct promise *)b)->hold);
}

static int compare_log(const void *a, const void *b)
{
    const struct fact_log *x = a, *y = b;
    int by_hold = uuid_compare(&x->hold, &y->hold);
    if (by_hold)
        return by_hold;
    if (x->seat != y->seat)
        return x->seat < y->seat ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1)
        qsort(base, count, size, compare);
}

static const struct fact_hold *find_hold(const struct facts *f, struct uuid hold)
{
    const struct fact_hold key = {.hold = hold};
    return f->hold_count ? bsearch(&key, f->holds, f->hold_count, sizeof key, compare_holds) : NULL;
}

/* The order of a hold with this id. */
static const struct fact_order *find_order(const struct facts *f, struct uuid hold, struct uuid order)
{
    const struct fact_order key = {.hold = hold, .order = order};
    return f->order_count ? bsearch(&key, f->orders, f->order_count, sizeof key, compare_orders) : NULL;
}

/* ---- the rules ---- */

/* Say of each seat of a hold or order that it is its; the seat must be nobody else's. */
static void own(const struct facts *f, size_t first, size_t count, struct uuid id, uint8_t status,
                uint8_t *owned, struct rule_result *r)
{
    for (size_t i = first; i < first + count; i++) {
        uint32_t seat = f->seats[i];
        if (seat >= f->seats_total)
            rule_broken(r, "%s has seat %" PRIu32 ", which is none", show(id).text, seat);
        else if (owned[seat] != SEAT_AVAILABLE)
            rule_broken(r, "seat %" PRIu32 " of %s belongs to another hold or order too", seat,
                        show(id).text);
        else
            owned[seat] = status;
    }
}

static void check_owners(const struct facts *f, uint8_t *owned, struct rule_result *r)
{
    for (size_t i = 0; i < f->hold_count; i++) {
        if (f->holds[i].status == HOLD_ACTIVE)
            own(f, f->holds[i].first, f->holds[i].count, f->holds[i].hold, SEAT_HELD, owned, r);
    }
    for (size_t i = 0; i < f->order_count; i++) {
        if (f->orders[i].status == ORDER_PAID)
            own(f, f->orders[i].first, f->orders[i].count, f->orders[i].order, SEAT_SOLD, owned, r);
    }
    for (uint32_t seat = 0; seat < f->seats_total; seat++) {
        if (f->availability[seat] != owned[seat])
            rule_broken(r, "seat %" PRIu32 " has status %u, its holds and orders say %u", seat,
                        f->availability[seat], owned[seat]);
    }
}

static void compare_counts(struct rule_result *r, const char *what, const uint32_t *counts,
                           const uint32_t *event)
{
    static const char *const NAMES[] = {"available", "held", "sold", "blocked"};
    for (unsigned i = 0; i < SEAT_STATUSES; i++) {
        if (counts[i] != event[i])
            rule_broken(r, "%s: %" PRIu32 " seats are %s, the event says %" PRIu32, what, counts[i], NAMES[i],
                        event[i]);
    }
}

static void recount(const uint8_t *statuses, uint32_t count, uint32_t *ret_counts)
{
    memset(ret_counts, 0, SEAT_STATUSES * sizeof *ret_counts);
    for (uint32_t i = 0; i < count; i++)
        ret_counts[statuses[i] & 3]++;
}

static void check_counts(const struct facts *f, const uint8_t *owned, struct rule_result *r)
{
    uint32_t counts[SEAT_STATUSES], sum = 0;
    compare_counts(r, "availability's counts", f->availability_counts, f->event_counts);
    recount(f->availability, f->seats_total, counts);
    compare_counts(r, "availability's seats", counts, f->event_counts);
    recount(f->tickets, f->seats_total, counts);
    compare_counts(r, "tickets", counts, f->event_counts);
    recount(owned, f->seats_total, counts);
    compare_counts(r, "holds and orders", counts, f->event_counts);
    for (unsigned i = 0; i < SEAT_STATUSES; i++)
        sum += f->event_counts[i];
    if (sum != f->seats_total)
        rule_broken(r, "the counts add up to %" PRIu32 " of %" PRIu32 " seats", sum, f->seats_total);
}

static bool promise_is_kept(const struct promise *p, const struct fact_hold *hold,
                            const struct fact_order *order)
{
    bool ordered = uuid_is_nil(&p->order) || order;
    switch (p->state) {
    case PROMISE_HELD:
        return hold->status == HOLD_ACTIVE || hold->status == HOLD_EXPIRED || p->open_end;
    case PROMISE_ORDERED:
        return order && ((order->status == ORDER_PENDING && hold->status == HOLD_ACTIVE) ||
                         (order->status == ORDER_EXPIRED && hold->status == HOLD_EXPIRED) || p->open_end);
    case PROMISE_PAID:
        return order && order->status == ORDER_PAID && hold->status == HOLD_PURCHASED;
    case PROMISE_RELEASED:
        return ordered && hold->status == HOLD_RELEASED && (!order || order->status == ORDER_CANCELLED);
    }
    return false;
}

static void check_promises(const struct facts *f, struct rule_result *r)
{
    static const char *const STATES[] = {"held", "ordered", "paid", "given back"};
    size_t told = 0;
    for (size_t i = 0; i < f->promise_count; i++) {
        const struct promise *p = &f->promises[i];
        const struct fact_hold *hold = find_hold(f, p->hold);
        if (i > 0 && uuid_equal(&p->hold, &f->promises[i - 1].hold))
            rule_broken(r, "hold %s was given to two buyers", show(p->hold).text);
        if (!hold) {
            rule_broken(r, "hold %s was acknowledged and is not there", show(p->hold).text);
            continue;
        }
        told++;
        const struct fact_order *order = uuid_is_nil(&p->order) ? NULL : find_order(f, p->hold, p->order);
        if (!promise_is_kept(p, hold, order))
            rule_broken(r, "hold %s was acknowledged as %s; now its status is %d, its order's %d",
                        show(p->hold).text, STATES[p->state], (int)hold->status,
                        order ? (int)order->status : -1);
    }
    if (f->hold_count > told + f->unanswered)
        rule_broken(r,
                    "%zu holds are there, %zu were acknowledged and %" PRIu64 " requests were not answered",
                    f->hold_count, told, f->unanswered);
}

static bool is_seat_of(const struct facts *f, const struct fact_hold *hold, uint32_t seat)
{
    for (size_t i = hold->first; i < hold->first + hold->count; i++) {
        if (f->seats[i] == seat)
            return true;
    }
    return false;
}

/* Check the rows log[@at .. @end - 1], which are those of one seat of @hold. */
static void check_pair(const struct facts *f, const struct fact_hold *hold, size_t at, size_t end,
                       struct rule_result *r)
{
    unsigned inserts = 0, ends = 0;
    uint32_t seat = f->log[at].seat;
    if (!is_seat_of(f, hold, seat))
        rule_broken(r, "the log has seat %" PRIu32 " for hold %s, which does not have it", seat,
                    show(hold->hold).text);
    for (size_t i = at; i < end; i++) {
        const struct fact_log *row = &f->log[i];
        bool is_end = row->operation == LOG_DELETE || row->operation == LOG_EXPIRED;
        inserts += row->operation == LOG_INSERT;
        ends += is_end;
        if (i == at && row->operation != LOG_INSERT)
            rule_broken(r, "hold %s: the log of seat %" PRIu32 " begins with operation %d",
                        show(hold->hold).text, seat, row->operation);
        if (is_end && (i + 1 != end || row->outcome != hold->status ||
                       (row->operation == LOG_EXPIRED) != (hold->status == HOLD_EXPIRED)))
            rule_broken(r,
                        "hold %s, status %d: seat %" PRIu32 " ends in the log with operation %d, outcome %d",
                        show(hold->hold).text, (int)hold->status, seat, row->operation, (int)row->outcome);
    }
    if (inserts != 1 || ends != (hold->status == HOLD_ACTIVE ? 0u : 1u))
        rule_broken(r, "hold %s, status %d: seat %" PRIu32 " has %u inserts and %u ends in the log",
                    show(hold->hold).text, (int)hold->status, seat, inserts, ends);
}

static void check_log(const struct facts *f, struct rule_result *r)
{
    size_t pairs = 0, wanted = 0;
    for (size_t at = 0, end; at < f->log_count; at = end) {
        const struct fact_log *row = &f->log[at];
        const struct fact_hold *hold = find_hold(f, row->hold);
        for (end = at + 1; end < f->log_count && f->log[end].seat == row->seat &&
                           uuid_equal(&f->log[end].hold, &row->hold);)
            end++;
        if (!hold) {
            rule_broken(r, "the log has hold %s, which is not there", show(row->hold).text);
            continue;
        }
        check_pair(f, hold, at, end, r);
        pairs++;
    }
    for (size_t i = 0; i < f->hold_count; i++)
        wanted += f->holds[i].count;
    if (pairs != wanted)
        rule_broken(r, "the holds have %zu seats, the log begins %zu of them", wanted, pairs);
}

static void check_queue(const struct facts *f, struct rule_result *r)
{
    size_t live = 0;
    uint8_t *seen = calloc(f->seats_total + 1u, 1);
    must(seen);
    for (size_t i = 0; i < f->hold_count; i++)
        live += f->holds[i].status == HOLD_ACTIVE ? f->holds[i].count : 0;
    for (size_t i = 0; i < f->queue_count; i++) {
        const struct fact_queue *row = &f->queue[i];
        const struct fact_hold *hold = find_hold(f, row->hold);
        if (!hold || hold->status != HOLD_ACTIVE || !is_seat_of(f, hold, row->seat))
            rule_broken(r, "order_queue has seat %" PRIu32 " for hold %s, which is not live or has it not",
                        row->seat, show(row->hold).text);
        else if (row->seat < f->seats_total && seen[row->seat]++)
            rule_broken(r, "order_queue has seat %" PRIu32 " twice", row->seat);
    }
    if (f->queue_count != live)
        rule_broken(r, "order_queue has %zu rows, the live holds have %zu seats", f->queue_count, live);
    free(seen);
}

static void check_seq(const struct facts *f, struct rule_result *r)
{
    size_t count = f->seq_count + f->log_count;
    uint64_t *seqs = calloc(count + 1, sizeof *seqs), next = 1, missing = 0, first_missing = 0;
    must(seqs);
    if (f->seq_count)
        memcpy(seqs, f->answered_seqs, f->seq_count * sizeof *seqs);
    for (size_t i = 0; i < f->log_count; i++)
        seqs[f->seq_count + i] = f->log[i].seq;
    sort(seqs, count, sizeof *seqs, compare_numbers);
    seqs[count] = f->seq + 1; /* so that what is missing at the end is seen too */
    for (size_t i = 0; i <= count; i++) {
        if (seqs[i] > f->seq + 1) {
            rule_broken(r, "change %" PRIu64 " is newer than the event's newest, %" PRIu64, seqs[i], f->seq);
            break;
        }
        if (seqs[i] > next && !first_missing)
            first_missing = next;
        missing += seqs[i] > next ? seqs[i] - next : 0;
        next = seqs[i] >= next ? seqs[i] + 1 : next;
    }
    if (missing > f->unanswered)
        rule_broken(r, "%" PRIu64 " changes are known to nobody, the first is %" PRIu64, missing,
                    first_missing);
    free(seqs);
}

void rules_check(struct facts *f, struct rule_result *results)
{
    uint8_t *owned = calloc(f->seats_total + 1u, 1);
    must(owned);
    sort(f->holds, f->hold_count, sizeof *f->holds, compare_holds);
    sort(f->orders, f->order_count, sizeof *f->orders, compare_orders);
    sort(f->promises, f->promise_count, sizeof *f->promises, compare_promises);
    sort(f->log, f->log_count, sizeof *f->log, compare_log);
    check_owners(f, owned, &results[RULE_ONE_OWNER]);
    check_counts(f, owned, &results[RULE_COUNTS]);
    check_promises(f, &results[RULE_PROMISES]);
    check_log(f, &results[RULE_LOG_PAIRS]);
    check_queue(f, &results[RULE_QUEUE]);
    check_seq(f, &results[RULE_SEQ]);
    free(owned);
}
