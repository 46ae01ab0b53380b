/*
 * The CDC log of all events: the rows of each must be those that its changes write, change after change.
 * Where a store keeps the log in a table of its own, the table is read (store_cdc_log()), else the list that
 * readers get, once from its start. Of each change only the hash of its rows is kept (ledger.h), so a log of
 * any length costs little memory; a finding names the change, whose rows can then be looked at.
 */
#include "base/must.h"
#include "verify/verify_internal.h"
#include <stdlib.h>

struct look {
    struct verify *v;
    struct arena page, words;
};

static void finding(struct look *look, const struct checked_event *e, uint64_t seq, const char *is,
                    const char *should_be)
{
    const struct event_id id = {e->id};
    finding_add(
        look->v->findings, &id,
        arena_printf(&look->words, "order_queue_scylla_cdc_log, change %llu", (unsigned long long)seq), is,
        should_be);
    arena_reset(&look->words);
}

static const char *rows(struct look *look, uint32_t count)
{
    return arena_printf(&look->words, "%u row%s", count, count == 1 ? "" : "s");
}

/* Every change before @seq should have come. */
static void check_skipped(struct look *look, struct checked_event *e, uint64_t seq)
{
    for (; e->at < e->cdc_count && e->cdc[e->at].seq < seq; e->at++)
        finding(look, e, e->cdc[e->at].seq, "no rows", rows(look, e->cdc[e->at].rows));
}

/* The rows of a change have come. */
static void check_change(struct look *look, struct checked_event *e)
{
    const struct ledger_cdc now = e->now;
    e->now = (struct ledger_cdc){0};
    if (now.seq == 0)
        return;
    check_skipped(look, e, now.seq);
    if (e->at == e->cdc_count || e->cdc[e->at].seq != now.seq) {
        finding(look, e, now.seq, rows(look, now.rows), "none: the change makes none, or they came before");
        return;
    }
    const struct ledger_cdc *expected = &e->cdc[e->at++];
    if (expected->hash != now.hash)
        finding(look, e, now.seq,
                expected->rows == now.rows ? "rows that say something else" : rows(look, now.rows),
                arena_printf(&look->words, "the %s that the change makes", rows(look, expected->rows)));
}

static struct checked_event *event_of(struct look *look, const struct event_id *id)
{
    struct checked_event *e = idmap_find(&look->v->events, &id->u);
    if (e)
        return e;
    e = calloc(1, sizeof(*e));
    must(e); /* out of memory ends the program */
    e->id = id->u;
    idmap_add(&look->v->events, e);
    if (!look->v->options->event)
        finding_add(look->v->findings, id, "order_queue_scylla_cdc_log", "rows",
                    "none: there is no such event");
    return e;
}

static void take_row(struct look *look, const struct cdc_row *row)
{
    struct checked_event *e = event_of(look, &row->event_id);
    if (!e->known || row->seq > e->seq)
        return;
    if (row->seq != e->now.seq)
        check_change(look, e);
    e->now.seq = row->seq;
    e->now.hash = cdc_hash(e->now.hash, row);
    e->now.rows++;
    look->v->totals.cdc_rows++;
}

static int take_logged(void *ctx, const struct cdc_row *row)
{
    take_row(ctx, row);
    return 0;
}

/* Event by event. BOX_ENOSYS: there is no such table. */
static int read_tables(struct look *look)
{
    size_t at = 0;
    int ret = 0;
    for (struct checked_event *e; !ret && (e = idmap_next(&look->v->events, &at));) {
        const struct event_id id = {e->id};
        ret = store_cdc_log(look->v->store, &id, take_logged, look);
    }
    return ret;
}

static int read_list(struct look *look)
{
    if (store_shared(look->v->store))
        store_cdc_until(look->v->store, look->v->newest_us);
    struct cursor cursor = {0};
    struct cdc_row *page;
    uint32_t count;
    bool more = true;
    int ret = 0;
    while (!ret && more) {
        arena_reset(&look->page);
        ret = store_list_cdc(look->v->store, &cursor, VERIFY_PAGE * 4, &look->page, &page, &count, &cursor,
                             &more);
        for (uint32_t i = 0; i < count && !ret; i++)
            take_row(look, &page[i]);
    }
    return ret;
}

int verify_cdc(struct verify *v)
{
    struct look look = {.v = v};
    size_t at = 0;
    arena_init(&look.page, 0);
    arena_init(&look.words, 0);
    int ret = read_tables(&look);
    if (ret == BOX_ENOSYS)
        ret = read_list(&look);
    bool readable = ret != BOX_ECORRUPT && ret != BOX_ENEWER;
    if (!readable) {
        finding_add(v->findings, &(struct event_id){UUID_NIL}, "order_queue_scylla_cdc_log",
                    "a row that makes no sense", "rows that can be read");
        ret = 0;
    }
    for (struct checked_event *e; !ret && readable && (e = idmap_next(&v->events, &at));) {
        check_change(&look, e);
        check_skipped(&look, e, UINT64_MAX);
    }
    arena_done(&look.page);
    arena_done(&look.words);
    return ret;
}
