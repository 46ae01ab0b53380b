/*
 * After a commit whose outcome is unknown, memory and disk may differ: the inventories hold what was
 * accepted, the store perhaps not. There is no undo and no second try of the write. Instead
 *
 *   1. everything that waits is refused, and so is everything that comes; commits still under way are waited
 * for;
 *   2. the store is opened again, at once and then every second until it succeeds: now it says what is
 * durable;
 *   3. the observer is told that it is open, every inventory is loaded again and the observer is told;
 *      then requests are decided again.
 *
 * What was durable before the failure was shown, what was not was never shown: so the observer sees an event
 * jump forward at most. An error while loading begins again at 2. The same happens when the store failed
 * under a worker. Claims of keys and slugs survive: they rest on nothing in the store, and a worker goes on
 * with them.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "writer/writer_internal.h"
#include <stdlib.h>

enum { RETRY_US = 1000000, REASON = 512 };

/* ---- loading ---- */

struct id_list {
    struct event_id *ids;
    size_t count, cap;
};

static int collect_id(void *ctx, struct event_id id)
{
    struct id_list *l = ctx;
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->ids = realloc(l->ids, l->cap * sizeof(l->ids[0]));
        must(l->ids); /* out of memory ends the program */
    }
    l->ids[l->count++] = id;
    return 0;
}

/* The store borrows the layout for the load; our reference is dropped after it. */
struct lent_layout {
    struct writer *writer;
    struct layout *layout;
};

static struct layout *lend_layout(void *ctx, const struct venue_id *venue)
{
    struct lent_layout *lent = ctx;
    if (!lent->layout)
        lent->layout = lent->writer->layout_of(lent->writer->layout_ctx, venue);
    return lent->layout;
}

static int load_inventory(struct writer *w, const struct event_id *id, struct inventory **ret_inv)
{
    struct image image = {0};
    struct lent_layout lent = {.writer = w};
    int ret = store_take_event(w->store, id, lend_layout, &lent, &image);
    if (ret == 0) {
        *ret_inv = inventory_new(&image, w->rng);
        image_done(&image);
    }
    if (lent.layout)
        layout_unref(lent.layout);
    return ret;
}

/* Forget every event that is not among @ids. */
static void forget_others(struct writer *w, const struct id_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct entry *e = entry_find(w, &l->ids[i]);
        if (e)
            e->listed = true;
    }
    for (struct entry *e = w->entries, *next; e; e = next) {
        next = e->hh.next;
        if (!e->listed)
            entry_forget(w, e);
        else
            e->listed = false;
    }
}

static int load_event(struct writer *w, const struct event_id *id, uint32_t *ret_tickets)
{
    struct inventory *inv;
    struct entry *e = entry_find(w, id);
    int ret = load_inventory(w, id, &inv);
    if (ret == BOX_ENOTFOUND) { /* deleted since it was listed: by another server */
        if (e)
            entry_forget(w, e);
        return 0;
    }
    if (ret)
        return ret;
    if (e)
        entry_replace(w, e, inv);
    else
        e = entry_add(w, id, inv);
    entry_show(w, e);
    *ret_tickets = inventory_layout(inv)->seats_total;
    return 0;
}

static int load_all(struct writer *w, void (*progress)(void *ctx, size_t events, uint64_t tickets), void *ctx)
{
    struct id_list list = {0};
    uint64_t tickets = 0;
    int ret = store_list_events(w->store, collect_id, &list);
    if (ret)
        goto out;
    forget_others(w, &list);
    for (size_t i = 0; i < list.count; i++) {
        uint32_t more = 0;
        ret = load_event(w, &list.ids[i], &more);
        if (ret)
            goto out;
        tickets += more;
        if (progress)
            progress(ctx, i + 1, tickets);
    }
out:
    free(list.ids);
    return ret;
}

int recover_event(struct writer *w, struct entry *e)
{
    struct inventory *inv;
    int ret = load_inventory(w, &e->id, &inv);
    if (ret == BOX_ENOTFOUND)
        entry_forget(w, e);
    if (ret)
        return ret;
    entry_replace(w, e, inv);
    entry_show(w, e);
    return 0;
}

/* ---- the failed state ---- */

void writer_set_ready(struct writer *w, bool ready)
{
    atomic_store(&w->ready, ready);
    metrics_set(METRIC_STORE_WRITABLE, ready);
}

void recover_begin(struct writer *w, int code)
{
    if (w->failed)
        return;
    must(!w->shared);
    must(!w->open || w->open->part_count == 0);
    char reason[REASON];
    store_reason(w->store, reason, sizeof(reason));
    log_error("writer", "the store failed (%s%s%s): everything is refused until it is open again",
              error_info(code)->name, *reason ? ": " : "", reason);
    w->failed = true;
    w->retry_us = clock_monotonic_us(w->clock);
    writer_set_ready(w, false);
    for (struct entry *e = w->entries; e; e = e->hh.next)
        queue_again(w, &e->waiting);
    idem_refuse_claims(w, BOX_EUNAVAILABLE);
}

bool recover(struct writer *w)
{
    must(w->failed);
    int64_t now_us = clock_monotonic_us(w->clock);
    if (w->under_way || now_us < w->retry_us)
        return false;
    int ret = store_reopen(w->store);
    if (ret == 0 && w->observer.reopened)
        ret = w->observer.reopened(w->observer.ctx);
    if (ret == 0)
        ret = load_all(w, NULL, NULL);
    if (ret) {
        char reason[REASON];
        store_reason(w->store, reason, sizeof(reason));
        log_error("writer", "the store cannot be opened again (%s%s%s); next try in a second",
                  error_info(ret)->name, *reason ? ": " : "", reason);
        w->retry_us = now_us + RETRY_US;
        return true;
    }
    log_info("writer", "the store is open again, %u events were loaded", HASH_COUNT(w->entries));
    w->failed = false;
    writer_set_ready(w, true);
    return true;
}

/* ---- the start ---- */

/* End what fell due while nobody looked, and wait until that is durable. */
static int expire_overdue(struct writer *w)
{
    while (decide_expiries(w, clock_wall_us(w->clock))) {
        group_commit(w);
        while (w->under_way) {
            mailbox_wait(&w->mailbox, -1);
            task_run_all(&w->mailbox);
        }
        if (w->failed)
            return BOX_EUNKNOWN;
    }
    return 0;
}

int writer_load(struct writer *w, void (*progress)(void *ctx, size_t events, uint64_t tickets), void *ctx)
{
    must(!w->failed && w->under_way == 0);
    int ret = w->shared ? 0 : load_all(w, progress, ctx);
    if (ret == 0)
        ret = expire_overdue(w);
    if (ret == 0)
        writer_set_ready(w, true);
    return ret;
}
