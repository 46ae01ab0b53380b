/*
 * Group commit. What a round accepts, of all events, is one batch; in it each event has a part: its changes
 * in order and the requests that wait for them. The store makes the batch durable; until then each of its
 * events is busy. Then, part by part:
 *
 *   durable   the observer is told, the requests are answered, the event goes on;
 *   fenced    the part never happened: the event is loaded again and the requests are decided again;
 *   unknown   the requests are told so, and the writer begins to recover (recover.c).
 *
 * On a shared store whatever is not durable concerns the one event only: it is lost (homes.c).
 *
 * A refusal that rests on the part waits with it: had the part not happened, the refusal would have been
 * wrong.
 *
 * A store may complete inside store_commit() or later on a thread of its own. Later completions come through
 * the mailbox; an inline one is finished right after the call returns. Which of the two it is shows in a
 * thread-local, so that nothing is shared: only a completion on the committing thread, during the call, can
 * see its own batch there.
 */
#include "base/metrics.h"
#include "writer/writer_internal.h"
#include <stddef.h>
#include <stdlib.h>

enum { BATCH_BLOCK = 65536 };

static _Thread_local struct batch *committing;

/* ---- batches ---- */

static void run_completed(struct task *t);
static void commit_done(struct commit *c);

static struct batch *batch_new(struct writer *w)
{
    struct batch *b = calloc(1, sizeof(*b));
    must(b); /* out of memory ends the program */
    b->writer = w;
    b->completed.run = run_completed;
    arena_init(&b->arena, BATCH_BLOCK);
    b->next_batch = w->batches;
    w->batches = b;
    return b;
}

static struct batch *open_batch(struct writer *w)
{
    if (w->open)
        return w->open;
    struct batch *b = w->batches;
    while (b && b->in_use)
        b = b->next_batch;
    if (!b)
        b = batch_new(w);
    b->in_use = true;
    w->open = b;
    return b;
}

static void recycle(struct batch *b)
{
    arena_reset(&b->arena);
    b->first_part = b->last_part = NULL;
    b->part_count = 0;
    b->done_inline = false;
    b->in_use = false;
}

void group_free_all(struct writer *w)
{
    while (w->batches) {
        struct batch *b = w->batches;
        w->batches = b->next_batch;
        arena_done(&b->arena);
        free(b);
    }
}

struct arena *group_arena(struct writer *w)
{
    return &open_batch(w)->arena;
}

/* ---- filling the open batch ---- */

static struct part *part_of(struct writer *w, struct entry *e)
{
    if (e->part)
        return e->part;
    struct batch *b = open_batch(w);
    struct part *p = arena_alloc(&b->arena, sizeof(*p));
    p->entry = e;
    if (!b->first_part)
        b->decided_us = w->not_before_us;
    if (b->last_part)
        b->last_part->next = p;
    else
        b->first_part = p;
    b->last_part = p;
    b->part_count++;
    e->part = p;
    return p;
}

void group_accept(struct writer *w, struct entry *e, const struct verdict *verdict, struct writer_req *req)
{
    must(!e->busy && verdict->changes && verdict->last && !verdict->last->next);
    budget_follow(w->budget, verdict->changes, req ? req->client : NULL);
    struct part *p = part_of(w, e);
    if (p->last) {
        must(p->last->seq + 1 == verdict->changes->seq);
        p->last->next = verdict->changes;
    } else {
        p->first = verdict->changes;
        p->follows_seq = verdict->changes->seq - 1;
    }
    p->last = verdict->last;
    p->change_count += (uint32_t)(verdict->last->seq - verdict->changes->seq + 1);
    for (const struct change *c = verdict->changes; c; c = c->next)
        p->seat_count += c->seat_count;
    e->full = p->seat_count >= w->group_seats;
    if (req)
        list_push(&p->requests, req);
}

void group_refuse(struct entry *e, struct writer_req *req, int code)
{
    must(e->part && code != BOX_OK);
    req->code = code;
    list_push(&e->part->requests, req);
}

/* ---- committing ---- */

/* The order that a request makes or changes. */
static const struct order *order_of(const struct writer_req *req)
{
    const struct order *order = NULL;
    for (const struct change *c = req->verdict.changes; c; c = c == req->verdict.last ? NULL : c->next) {
        if (c->order)
            order = c->order;
    }
    return order;
}

static const struct personal_record *personal_of(struct arena *arena, const struct writer_req *req)
{
    const struct order *order = order_of(req);
    must(order); /* personal data belong to an order */
    struct personal_record *record = arena_alloc(arena, sizeof(*record));
    *record = (struct personal_record){.order_id = order->order_id, .personal = *req->personal};
    return record;
}

/* Lists what is stored beside the changes: answers to keep, and data of persons. */
static void collect_records(struct arena *arena, const struct part *p, struct event_group *g)
{
    size_t idems = 0, personals = 0;
    for (const struct writer_req *req = p->requests.first; req; req = req->next) {
        idems += req->code == BOX_OK && req->rendered;
        personals += req->code == BOX_OK && req->personal;
    }
    g->idems = arena_array(arena, idems, sizeof(*g->idems));
    g->personals = arena_array(arena, personals, sizeof(*g->personals));
    for (const struct writer_req *req = p->requests.first; req; req = req->next) {
        if (req->code == BOX_OK && req->rendered)
            g->idems[g->idem_count++] = req->rendered;
        if (req->code == BOX_OK && req->personal)
            g->personals[g->personal_count++] = personal_of(arena, req);
    }
    must(g->idem_count == idems && g->personal_count == personals);
}

static void make_groups(struct batch *b)
{
    b->commit = (struct commit){
        .groups = arena_array(&b->arena, b->part_count, sizeof(struct event_group)),
        .group_count = b->part_count,
        .done = commit_done,
        .ctx = b,
    };
    struct event_group *g = b->commit.groups;
    for (struct part *p = b->first_part; p; p = p->next, g++) {
        *g = (struct event_group){
            .event_id = p->entry->id,
            .follows_seq = p->follows_seq,
            .changes = p->first,
            .change_count = p->change_count,
        };
        must(p->last->seq == p->follows_seq + p->change_count);
        collect_records(&b->arena, p, g);
    }
}

/* While a commit is under way its events rest: no decision, no deadline. */
static void make_busy(struct writer *w, struct batch *b)
{
    for (struct part *p = b->first_part; p; p = p->next) {
        must(p->entry->part == p && !p->entry->busy);
        p->entry->part = NULL;
        p->entry->busy = true;
        heap_remove(&w->deadlines, inventory_heap_item(p->entry->inv));
    }
}

static void commit_done(struct commit *c)
{
    struct batch *b = c->ctx;
    if (committing == b)
        b->done_inline = true;
    else
        task_post(&b->writer->mailbox, &b->completed);
}

static void finish(struct batch *b);

void group_commit(struct writer *w)
{
    struct batch *b = w->open;
    if (!b || b->part_count == 0)
        return;
    w->open = NULL;
    make_groups(b);
    make_busy(w, b);
    w->under_way++;
    b->begun_us = clock_monotonic_us(w->clock);

    committing = b;
    store_commit(w->store, &b->commit);
    committing = NULL;
    if (b->done_inline)
        finish(b);
}

/* ---- after the commit ---- */

/* Not below 0: the clock may have been set back since the decision. */
static int64_t lateness_us(const struct change *c, int64_t now_us)
{
    int64_t late_us = now_us - c->hold->expires_ms * 1000;
    return late_us > 0 ? late_us : 0;
}

static void count_change(const struct change *c, int64_t now_us)
{
    switch (c->kind) {
    case CHANGE_HOLD_CREATED:
        metrics_add(METRIC_HOLDS_CREATED, 1);
        break;
    case CHANGE_HOLD_EXPIRED:
        metrics_add(METRIC_HOLDS_EXPIRED, 1);
        metrics_observe_us(METRIC_EXPIRY_LATENESS, lateness_us(c, now_us));
        break;
    case CHANGE_HOLD_RELEASED:
    case CHANGE_ORDER_CANCELLED:
        metrics_add(METRIC_HOLDS_RELEASED, 1);
        break;
    case CHANGE_ORDER_PAID:
        metrics_add(METRIC_TICKETS_SOLD, c->seat_count);
        break;
    default:
        break;
    }
}

/* Everybody may see the part now. */
static void show(struct writer *w, struct part *p)
{
    struct entry *e = p->entry;
    if (w->observer.decided)
        w->observer.decided(w->observer.ctx, e->inv, p->first);
    e->shown_seq = inventory_seq(e->inv);
    if (e->shown) {
        if (w->observer.changed)
            w->observer.changed(w->observer.ctx, e->inv, p->first);
        return;
    }
    e->shown = true;
    slug_own(w, inventory_event(e->inv)->slug);
    if (w->observer.loaded)
        w->observer.loaded(w->observer.ctx, e->inv);
}

/* The request's changes part from the group's; event versions are the inventory's and may be freed at any
 * time. */
static void detach_verdict(struct verdict *v)
{
    if (!v->last)
        return;
    v->last->next = NULL;
    for (struct change *c = v->changes; c; c = c->next)
        c->event = NULL;
}

static void part_durable(struct writer *w, struct part *p)
{
    struct entry *e = p->entry;
    show(w, p);
    int64_t now_us = clock_wall_us(w->clock);
    for (const struct change *c = p->first; c; c = c->next)
        count_change(c, now_us);
    bool deleted = inventory_event(e->inv)->deleted;
    inventory_group_done(e->inv);
    if (deleted) {
        if (w->observer.gone)
            w->observer.gone(w->observer.ctx, &e->id);
        slug_drop(w, inventory_event(e->inv)->slug);
    }

    for (struct writer_req *req; (req = list_pop(&p->requests));) {
        if (req->code == BOX_OK)
            detach_verdict(&req->verdict);
        writer_answer(w, req, req->code);
    }
    e->busy = false;
    if (deleted)
        entry_drop(w, e);
    else
        entry_idle(w, e);
}

static void part_fenced(struct writer *w, struct part *p)
{
    p->entry->busy = false;
    int ret = recover_event(w, p->entry);
    queue_again(w, &p->requests);
    if (ret && ret != BOX_ENOTFOUND)
        recover_begin(w, ret);
}

static void part_lost(struct writer *w, struct part *p, int result)
{
    p->entry->busy = false;
    for (struct writer_req *req; (req = list_pop(&p->requests));) {
        bool accepted = req->code == BOX_OK;
        req->verdict = (struct verdict){0};
        req->rendered = NULL;
        writer_answer(w, req, accepted && result != BOX_EUNAVAILABLE ? BOX_EUNKNOWN : BOX_EUNAVAILABLE);
    }
}

static void finish(struct batch *b)
{
    struct writer *w = b->writer;
    must(w->under_way > 0);
    w->under_way--;
    metrics_observe_us(METRIC_COMMIT_TIME, clock_monotonic_us(w->clock) - b->begun_us);

    int failure = 0;
    const struct event_group *g = b->commit.groups;
    for (struct part *p = b->first_part, *next; p; p = next, g++) {
        next = p->next;
        if (g->result == BOX_OK) {
            metrics_add(METRIC_COMMIT_GROUPS, 1);
            part_durable(w, p);
            continue;
        }
        metrics_add(METRIC_COMMIT_FAILURES, 1);
        if (w->shared) {
            part_void(w, p, g->result, b->decided_us);
        } else if (g->result == BOX_EFENCED) {
            part_fenced(w, p);
        } else {
            part_lost(w, p, g->result);
            failure = g->result;
        }
    }
    recycle(b);
    if (failure)
        recover_begin(w, failure);
}

static void run_completed(struct task *t)
{
    finish((struct batch *)((char *)t - offsetof(struct batch, completed)));
}
