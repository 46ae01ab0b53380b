/*
 * CDC rows of all events, ordered by (time_us, event_id, cdc$batch_seq_no), up to the watermark.
 *
 * As in the embedded store they are made of the change records (change/rows.h), not read from the CDC log: a
 * change says all of its rows, on both servers, while ScyllaDB's own log knows neither the seq nor the
 * outcome of what ends a checkout, and has its rows in streams that are no event's.
 *
 * A page merges the logs of events. Each event that has anything as new as the cursor takes part, with the
 * time of its next change where that is known (cdc_places.h). In rounds, some events are read a stretch
 * further, those first whose next change is oldest, until the page is full and no event can have a row that
 * belongs before its last. What has been read too far is read again for the next page.
 *
 * No change may come to stand before a cursor that was given: a change is looked at only when the watermark
 * has passed its time (store_cdc_until()).
 */
#include "base/must.h"
#include "change/rows.h"
#include "store/cql/cdc_places.h"
#include "store/cql/ops.h"
#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* ---- the cursor ---- */

/* time_us, event id, cdc$batch_seq_no: big-endian, so that cursors compare as bytes. */
enum { CURSOR_SIZE = 8 + 16 + 4 };

/* A place in the order of rows: behind this one. */
struct position {
    int64_t time_us;
    struct event_id event_id;
    uint32_t batch_seq;
};

static struct cursor cursor_of(const struct position *p)
{
    struct cursor cursor = {.size = CURSOR_SIZE};
    uint64_t time_us = htobe64((uint64_t)p->time_us);
    uint32_t batch_seq = htobe32(p->batch_seq);
    memcpy(cursor.bytes, &time_us, 8);
    memcpy(cursor.bytes + 8, p->event_id.u.b, 16);
    memcpy(cursor.bytes + 24, &batch_seq, 4);
    return cursor;
}

static struct position position_of(const struct cdc_row *row)
{
    return (struct position){uuid_v1_time_us(&row->time), row->event_id, row->batch_seq};
}

struct cursor cql_cdc_cursor(const struct cdc_row *row)
{
    const struct position p = position_of(row);
    return cursor_of(&p);
}

bool cql_cdc_cursor_valid(const struct cursor *cursor)
{
    return cursor->size == CURSOR_SIZE && cursor->bytes[0] < 0x80; /* no time is negative */
}

static struct position position_after(const struct cursor *cursor)
{
    struct position p = {.time_us = -1};
    uint64_t time_us;
    uint32_t batch_seq;
    if (!cursor->size)
        return p;
    memcpy(&time_us, cursor->bytes, 8);
    memcpy(p.event_id.u.b, cursor->bytes + 8, 16);
    memcpy(&batch_seq, cursor->bytes + 24, 4);
    p.time_us = (int64_t)be64toh(time_us);
    p.batch_seq = be32toh(batch_seq);
    return p;
}

static int compare_positions(const struct position *a, const struct position *b)
{
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    int order = uuid_compare(&a->event_id.u, &b->event_id.u);
    return order ? order : (a->batch_seq > b->batch_seq) - (a->batch_seq < b->batch_seq);
}

static int compare_rows(const void *a, const void *b)
{
    const struct position x = position_of(a), y = position_of(b);
    return compare_positions(&x, &y);
}

/* ---- the page in the making ---- */

enum {
    STRETCH = 64, /* changes of one event that are read at once */
    ROUND = 16,   /* events that are */
};

struct read_change {
    uint64_t seq;
    int64_t time_us;
};

/* An event that has something as new as the cursor. */
struct source {
    struct event_id event_id;
    uint64_t newest_seq;
    struct cdc_log_place place; /* of change low */
    uint64_t low, high;         /* the first that matters is one of [low, high] */
    bool placed;                /* it is near enough to low to read from there */
    uint64_t next_seq;          /* to read next */
    int64_t next_us;            /* it is not older than this */
    bool exhausted;
    struct read_change *read; /* read_count of them, in order */
    size_t read_count, read_cap;
};

struct page {
    struct cql_store *s;
    struct position after;
    int64_t until_us;
    uint32_t limit;
    struct arena arena; /* of this page */
    struct source *sources;
    size_t source_count, source_cap;
    struct cdc_row *rows; /* sorted, at most limit + 1, but while a round is added */
    size_t row_count, row_cap;
    /* one round */
    struct source *round[ROUND];
    size_t round_count;
    struct arena scratch;
};

/* No row that is this late can come into the page any more. */
static bool page_is_full_at(const struct page *p, int64_t time_us)
{
    if (time_us > p->until_us)
        return true;
    return p->row_count > p->limit && time_us > position_of(&p->rows[p->limit]).time_us;
}

static void add_row(void *ctx, const struct cdc_row *row)
{
    struct page *p = ctx;
    const struct position at = position_of(row);
    if (compare_positions(&at, &p->after) <= 0)
        return;
    if (p->row_count == p->row_cap) {
        p->row_cap = p->row_cap ? 2 * p->row_cap : 256;
        p->rows = realloc(p->rows, p->row_cap * sizeof(*p->rows));
        must(p->rows);
    }
    p->rows[p->row_count++] = *row;
}

/* ---- who takes part ---- */

/* Begin with what is remembered of the event's log. */
static void place_source(struct page *p, struct source *source)
{
    int64_t time_us = p->after.time_us;
    struct cdc_log_place place;
    source->place = (struct cdc_log_place){.seq = 1, .before_us = INT64_MIN, .at_us = INT64_MAX};
    source->low = 1;
    source->high = source->newest_seq + 1;
    source->next_us = time_us;
    if (time_us < 0) { /* from the very first on */
        source->high = 1;
    } else if (cdc_places_get(p->s->cdc_places, &source->event_id, &place)) {
        if (time_us <= place.before_us) {
            source->high = place.seq;
        } else {
            source->place = place;
            source->low = place.seq;
            if (time_us <= place.at_us && place.at_us != INT64_MAX) {
                source->high = place.seq;
                source->next_us = place.at_us;
            }
        }
    }
}

static void add_source(struct page *p, const struct event_id *event, uint64_t newest_seq)
{
    if (p->source_count == p->source_cap) {
        struct source *old = p->sources;
        p->source_cap = p->source_cap ? 2 * p->source_cap : 64;
        p->sources = arena_array(&p->arena, p->source_cap, sizeof(*p->sources));
        if (p->source_count)
            memcpy(p->sources, old, p->source_count * sizeof(*old));
    }
    struct source *source = &p->sources[p->source_count++];
    *source = (struct source){.event_id = *event, .newest_seq = newest_seq};
    place_source(p, source);
}

static int find_sources(struct page *p)
{
    struct cql_scan scan;
    struct cql_row row;
    int ret;
    cql_scan_init(&scan, p->s, CQL_ST_LIST_EVENT_TIMES, NULL, 0);
    while (!(ret = cql_scan_next(&scan, &row))) {
        const struct event_id event = {row_uuid(&row, "event_id")};
        int64_t seq = row_bigint(&row, "seq"), newest_us = row_bigint(&row, "ts");
        if (!row_ok(&row) || seq < 0) {
            ret = BOX_ECORRUPT;
            break;
        }
        if (seq > 0 && newest_us >= p->after.time_us)
            add_source(p, &event, (uint64_t)seq);
    }
    cql_scan_done(&scan);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

/* ---- one round ---- */

static int compare_sources(const void *a, const void *b)
{
    const struct source *x = *(struct source *const *)a, *y = *(struct source *const *)b;
    return (x->next_us > y->next_us) - (x->next_us < y->next_us);
}

/* Those whose next change is oldest. Returns false when the page is ready. */
static bool pick_round(struct page *p)
{
    struct source **all = arena_array(&p->scratch, p->source_count, sizeof(struct source *));
    size_t count = 0;
    for (size_t i = 0; i < p->source_count; i++)
        if (!p->sources[i].exhausted && !page_is_full_at(p, p->sources[i].next_us))
            all[count++] = &p->sources[i];
    if (count)
        qsort(all, count, sizeof(struct source *), compare_sources);
    p->round_count = count < ROUND ? count : ROUND;
    memcpy(p->round, all, p->round_count * sizeof(struct source *));
    return count > 0;
}

/* Time and rows of an encoded change; only the time where @want_rows is false. */
static int decode(struct page *p, struct cql_row *row, bool want_rows, struct read_change *ret_change)
{
    const struct row_sink sink = {.ctx = p, .cdc = add_row};
    size_t size;
    const uint8_t *data = row_blob(row, "data", &size);
    uint64_t seq = (uint64_t)row_bigint(row, "seq");
    struct change *c;
    if (!row_ok(row) || !data)
        return BOX_ECORRUPT;
    int ret = change_decode(data, size, &p->scratch, &c);
    if (ret)
        return ret;
    *ret_change = (struct read_change){c->seq, c->time_us};
    if (c->seq != seq)
        ret = BOX_ECORRUPT;
    else if (want_rows && c->time_us >= p->after.time_us && c->time_us <= p->until_us &&
             change_has_cdc(c->kind))
        rows_of_change(c, &p->scratch, &sink);
    if (c->event)
        event_unref(c->event);
    return ret;
}

/* @sources[i]'s changes from @seqs[i] on. */
static int read_changes(struct page *p, struct source *const *sources, const uint64_t *seqs, size_t count,
                        int32_t limit, int (*each)(void *, size_t, const struct cql_result *), void *ctx)
{
    struct cql_values *values = arena_array(&p->scratch, count, sizeof(*values));
    for (size_t i = 0; i < count; i++) {
        cql_values_init(&values[i], &p->scratch);
        bind_uuid(&values[i], &sources[i]->event_id.u);
        bind_bigint(&values[i], (int64_t)seqs[i] - 1);
        bind_int(&values[i], limit);
    }
    return cql_call_many(p->s, CQL_ST_LIST_CHANGES, values, count, each, ctx);
}

/* ---- finding the first change as new as the cursor ---- */

struct probe {
    struct page *page;
    struct source *sources[ROUND];
    uint64_t seqs[ROUND];
    size_t count;
};

/* The change in the middle of what is left is older than the cursor, or it is not. */
static int take_probe(void *ctx, size_t index, const struct cql_result *result)
{
    struct probe *probe = ctx;
    struct source *source = probe->sources[index];
    struct read_change change = {probe->seqs[index], INT64_MAX}; /* none is there: it is to come */
    if (cql_rows(result)) {
        struct cql_row row = cql_row_at(result, 0);
        int ret = decode(probe->page, &row, false, &change);
        if (ret)
            return ret;
    }
    if (change.time_us < probe->page->after.time_us) {
        source->low = change.seq + 1;
        source->place.before_us = change.time_us;
    } else {
        source->high = probe->seqs[index];
    }
    return 0;
}

/* Halve what is left of all sources of the round at once, until each knows about where to begin. */
static int find_beginnings(struct page *p)
{
    int ret = 0;
    for (bool done = false; !ret && !done;) {
        struct probe probe = {.page = p};
        for (size_t i = 0; i < p->round_count; i++) {
            struct source *source = p->round[i];
            if (source->placed || source->low + STRETCH >= source->high)
                continue;
            probe.sources[probe.count] = source;
            probe.seqs[probe.count++] = source->low + (source->high - source->low) / 2;
        }
        done = probe.count == 0;
        if (!done)
            ret = read_changes(p, probe.sources, probe.seqs, probe.count, 1, take_probe, &probe);
    }
    for (size_t i = 0; !ret && i < p->round_count; i++) {
        struct source *source = p->round[i];
        if (!source->placed)
            source->next_seq = source->place.seq = source->low;
        source->placed = true;
    }
    return ret;
}

/* ---- reading on ---- */

static void remember_read(struct page *p, struct source *source, const struct read_change *change)
{
    if (source->read_count == source->read_cap) {
        struct read_change *old = source->read;
        source->read_cap = source->read_cap ? 2 * source->read_cap : STRETCH;
        source->read = arena_array(&p->arena, source->read_cap, sizeof(*source->read));
        if (source->read_count)
            memcpy(source->read, old, source->read_count * sizeof(*old));
    }
    source->read[source->read_count++] = *change;
}

static int take_stretch(void *ctx, size_t index, const struct cql_result *result)
{
    struct page *p = ctx;
    struct source *source = p->round[index];
    for (size_t i = 0; i < cql_rows(result); i++) {
        struct cql_row row = cql_row_at(result, i);
        struct read_change change;
        int ret = decode(p, &row, true, &change);
        if (ret)
            return ret;
        remember_read(p, source, &change);
        source->next_seq = change.seq + 1;
        source->next_us = change.time_us + 1; /* times of an event grow */
    }
    source->exhausted = cql_rows(result) < STRETCH;
    return 0;
}

static void cut_page(struct page *p)
{
    if (p->row_count)
        qsort(p->rows, p->row_count, sizeof(*p->rows), compare_rows);
    if (p->row_count > (size_t)p->limit + 1)
        p->row_count = (size_t)p->limit + 1;
}

static int read_round(struct page *p)
{
    uint64_t seqs[ROUND];
    int ret = find_beginnings(p);
    for (size_t i = 0; i < p->round_count; i++)
        seqs[i] = p->round[i]->next_seq;
    if (!ret)
        ret = read_changes(p, p->round, seqs, p->round_count, STRETCH, take_stretch, p);
    if (!ret)
        cut_page(p);
    return ret;
}

/* ---- the end of a page ---- */

/* Where each event that was read is to be gone on with from @time_us. */
static void remember_places(struct page *p, int64_t time_us)
{
    for (size_t i = 0; i < p->source_count; i++) {
        const struct source *source = &p->sources[i];
        struct cdc_log_place place = {source->place.seq, source->place.before_us, INT64_MAX};
        size_t k = 0;
        for (; k < source->read_count && source->read[k].time_us < time_us; k++)
            place = (struct cdc_log_place){source->read[k].seq + 1, source->read[k].time_us, INT64_MAX};
        if (k < source->read_count && source->read[k].seq == place.seq) /* else that one is not written yet */
            place.at_us = source->read[k].time_us;
        if (source->placed)
            cdc_places_put(p->s->cdc_places, &source->event_id, &place);
    }
}

static void finish(struct page *p, struct arena *arena, struct cdc_row **ret_rows, uint32_t *ret_count,
                   struct cursor *ret_cursor, bool *ret_more)
{
    struct position end = {.time_us = p->until_us, .batch_seq = UINT32_MAX};
    memset(end.event_id.u.b, 0xff, sizeof(end.event_id.u.b));
    *ret_more = p->row_count > p->limit;
    *ret_count = *ret_more ? p->limit : (uint32_t)p->row_count;
    *ret_rows = arena_array(arena, *ret_count, sizeof(**ret_rows));
    if (*ret_count)
        memcpy(*ret_rows, p->rows, *ret_count * sizeof(**ret_rows));
    if (*ret_more)
        end = position_of(&p->rows[p->limit - 1]);
    remember_places(p, end.time_us);
    *ret_cursor = cursor_of(&end);
}

static int read_page(struct page *p)
{
    int ret = find_sources(p);
    while (!ret && pick_round(p)) {
        ret = read_round(p);
        arena_reset(&p->scratch);
    }
    return ret;
}

int cql_list_cdc(struct store *base, const struct cursor *after, uint32_t limit, struct arena *arena,
                 struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more)
{
    if (after->size && !cql_cdc_cursor_valid(after))
        return BOX_EINVALID;
    struct cql_store *s = cql_store_of(base);
    struct page p = {.s = s,
                     .after = position_after(after),
                     .until_us = atomic_load_explicit(&s->cdc_until_us, memory_order_acquire),
                     .limit = limit};
    int ret = 0;
    must(limit > 0);
    if (p.after.time_us > p.until_us || (p.after.time_us == p.until_us && p.after.batch_seq == UINT32_MAX)) {
        *ret_rows = NULL; /* all that can be said now has been */
        *ret_count = 0;
        *ret_cursor = *after;
        *ret_more = false;
        return 0;
    }
    arena_init(&p.arena, 0);
    arena_init(&p.scratch, 1 << 16);
    ret = read_page(&p);
    if (!ret)
        finish(&p, arena, ret_rows, ret_count, ret_cursor, ret_more);
    arena_done(&p.scratch);
    arena_done(&p.arena);
    free(p.rows);
    return ret;
}
