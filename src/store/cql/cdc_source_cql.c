/*
 * A consumer's source on a cluster: cdc_source.h by CQL.
 */
#include "base/error.h"
#include "base/must.h"
#include "store/cql/cdc_tables.h"
#include "store/cql/url.h"
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source {
    struct cdc_source base;
    struct cdc_link link;
    struct cdc_tables tables;
    struct cql_statement *statements[CDC_STATEMENTS]; /* NULL: not needed, or not yet */
};

static struct source *source_of(const struct cdc_source *s)
{
    return (struct source *)(uintptr_t)s;
}

/* system_distributed has its own replication, which on a single node nobody need have raised. */
static enum cql_consistency consistency_of(const struct source *s, const char *table)
{
    bool alone = s->link.topology.nodes + s->link.topology.other_nodes == 1;
    return strncmp(table, "system", 6) == 0 && (alone || table[6] == '.') ? CQL_ONE : CQL_QUORUM;
}

static int prepare(struct source *s, enum cdc_statement statement)
{
    struct buf text = {0};
    int ret = 0;
    if (s->statements[statement])
        return 0;
    cdc_statement_text(&s->tables, statement, &text);
    if (text.size) {
        buf_addc(&text, '\0');
        ret = cdc_link_prepare(&s->link, text.data, &s->statements[statement]);
    }
    buf_done(&text);
    return ret;
}

static void request_init(const struct source *s, enum cdc_statement statement, const char *table,
                         struct arena *arena, struct cdc_request *ret_request)
{
    must(s->statements[statement]);
    ret_request->statement = s->statements[statement];
    ret_request->consistency = consistency_of(s, table);
    cql_values_init(&ret_request->values, arena);
}

static int corrupt(struct source *s, const char *table)
{
    snprintf(s->link.reason, sizeof(s->link.reason), "%s has rows that do not have the form of such a table",
             table);
    return BOX_ECORRUPT;
}

/* ---- generations ---- */

struct times {
    struct source *s;
    struct arena *arena;
    int64_t *us;
    size_t count, cap;
};

static int take_times(void *ctx, size_t index, const struct cql_result *page)
{
    struct times *t = ctx;
    (void)index;
    for (size_t i = 0; i < cql_rows(page); i++) {
        struct cql_row row = cql_row_at(page, i);
        int64_t ms = row_timestamp(&row, "time");
        if (!row_ok(&row) || ms < 0 || ms > INT64_MAX / 1000)
            return corrupt(t->s, t->s->tables.generations);
        if (t->count == t->cap) {
            int64_t *old = t->us;
            t->cap = t->cap ? 2 * t->cap : 16;
            t->us = arena_array(t->arena, t->cap, sizeof(*t->us));
            if (t->count)
                memcpy(t->us, old, t->count * sizeof(*old));
        }
        t->us[t->count++] = ms * 1000;
    }
    return 0;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int generations(struct cdc_source *base, struct arena *arena, int64_t **ret_times, size_t *ret_count)
{
    struct source *s = source_of(base);
    struct times t = {.s = s, .arena = arena};
    int ret = 0;
    if (s->tables.kind == CDC_OPENED) { /* one, from the beginning of time */
        t.us = arena_array(arena, 1, sizeof(*t.us));
        t.count = 1;
    } else {
        struct cdc_request request;
        request_init(s, CDC_GENERATIONS, s->tables.generations, arena, &request);
        ret = cdc_link_run(&s->link, &request, take_times, &t);
    }
    if (ret)
        return ret;
    if (t.count)
        qsort(t.us, t.count, sizeof(*t.us), compare_times);
    *ret_times = t.us;
    *ret_count = t.count;
    return 0;
}

/* ---- streams ---- */

struct streams {
    struct source *s;
    struct arena *arena;
    bool expiries;
    struct cdc_stream *streams;
    size_t count, cap;
};

static int add_stream(struct streams *t, const uint8_t *id, size_t size)
{
    if (size != CDC_STREAM_BYTES)
        return corrupt(t->s, t->s->tables.streams);
    if (t->count == t->cap) {
        struct cdc_stream *old = t->streams;
        t->cap = t->cap ? 2 * t->cap : 64;
        t->streams = arena_array(t->arena, t->cap, sizeof(*t->streams));
        if (t->count)
            memcpy(t->streams, old, t->count * sizeof(*old));
    }
    struct cdc_stream *stream = &t->streams[t->count++];
    memcpy(stream->id, id, size);
    stream->expiries = t->expiries;
    return 0;
}

/* A set<blob>: how many, then each with its size before it; all numbers are big-endian ints. */
static int add_set(struct streams *t, const uint8_t *data, size_t size)
{
    uint32_t count, bytes;
    int ret = 0;
    if (size < 4)
        return corrupt(t->s, t->s->tables.streams);
    memcpy(&count, data, 4);
    size_t at = 4;
    for (uint32_t i = 0; !ret && i < be32toh(count); i++, at += be32toh(bytes)) {
        if (size - at < 4)
            return corrupt(t->s, t->s->tables.streams);
        memcpy(&bytes, data + at, 4);
        at += 4;
        if (size - at < be32toh(bytes))
            return corrupt(t->s, t->s->tables.streams);
        ret = add_stream(t, data + at, be32toh(bytes));
    }
    return ret;
}

static int take_streams(void *ctx, size_t index, const struct cql_result *page)
{
    struct streams *t = ctx;
    bool sets = t->s->tables.kind == CDC_VNODES && !t->expiries;
    int ret = 0;
    (void)index;
    for (size_t i = 0; !ret && i < cql_rows(page); i++) {
        struct cql_row row = cql_row_at(page, i);
        size_t size;
        const uint8_t *data = row_blob(&row, sets ? "streams" : "stream_id", &size);
        if (!row_ok(&row) || !data)
            ret = corrupt(t->s, t->s->tables.streams);
        else
            ret = sets ? add_set(t, data, size) : add_stream(t, data, size);
    }
    return ret;
}

static int compare_streams(const void *a, const void *b)
{
    return memcmp(((const struct cdc_stream *)a)->id, ((const struct cdc_stream *)b)->id, CDC_STREAM_BYTES);
}

/* One that was opened and closed has two rows. */
static void drop_doubles(struct streams *t)
{
    size_t kept = 0;
    if (t->count)
        qsort(t->streams, t->count, sizeof(*t->streams), compare_streams);
    for (size_t i = 0; i < t->count; i++)
        if (!kept || compare_streams(&t->streams[kept - 1], &t->streams[i]) != 0)
            t->streams[kept++] = t->streams[i];
    t->count = kept;
}

static int read_streams(struct cdc_source *base, int64_t generation_us, struct arena *arena,
                        struct cdc_stream **ret_streams, size_t *ret_count)
{
    struct source *s = source_of(base);
    struct streams t = {.s = s, .arena = arena};
    struct cdc_request request;
    request_init(s, CDC_STREAMS, s->tables.streams, arena, &request);
    if (s->tables.kind != CDC_OPENED)
        bind_timestamp(&request.values, generation_us / 1000);
    int ret = cdc_link_run(&s->link, &request, take_streams, &t);
    if (!ret && s->tables.kind == CDC_OPENED)
        drop_doubles(&t);
    if (!ret && s->statements[CDC_EVENT_STREAMS]) {
        struct streams events = {.s = s, .arena = arena, .expiries = true};
        request_init(s, CDC_EVENT_STREAMS, s->tables.keyspace, arena, &request);
        ret = cdc_link_run(&s->link, &request, take_streams, &events);
        drop_doubles(&events);
        for (size_t i = 0; !ret && i < events.count; i++) {
            t.expiries = true;
            ret = add_stream(&t, events.streams[i].id, CDC_STREAM_BYTES);
        }
    }
    *ret_streams = t.streams;
    *ret_count = t.count;
    return ret;
}

/* ---- rows ---- */

struct reading {
    struct source *s;
    const struct cdc_stream *streams;
    size_t limit;
    struct arena *arena;
    struct cdc_log_row *rows;
    size_t count, cap;
};

static struct uuid row_uuid_if_any(struct cql_row *row, const char *name)
{
    return row_column(row, name) ? row_uuid(row, name) : UUID_NIL;
}

/* A session is random and stands there as text; one that is none was written by somebody else. */
static struct uuid row_session(struct cql_row *row, const char *name, struct arena *arena)
{
    const char *text = row_column(row, name) ? row_text(row, name, arena) : NULL;
    struct uuid session = UUID_NIL;
    if (!text || uuid_parse(text, &session))
        return UUID_NIL;
    return session;
}

static enum hold_outcome row_outcome(struct cql_row *row, struct arena *arena)
{
    const char *text = row_column(row, "outcome") ? row_text(row, "outcome", arena) : NULL;
    for (int o = OUTCOME_PURCHASED; text && o <= OUTCOME_EXPIRED; o++)
        if (!strcmp(text, hold_outcome_name((enum hold_outcome)o)))
            return (enum hold_outcome)o;
    return OUTCOME_NONE;
}

/* ScyllaDB's log has the columns of order_queue only; ours has hold_session and outcome as well. */
static bool read_row(struct cql_row *row, const struct cdc_stream *stream, struct arena *arena,
                     struct cdc_log_row *ret_row)
{
    struct cdc_log_row r = {.stream = *stream};
    r.time = row_uuid(row, "cdc$time");
    r.time_us = uuid_v1_time_us(&r.time);
    r.batch_seq = row_int(row, "cdc$batch_seq_no");
    r.operation = row_tinyint(row, "cdc$operation");
    r.end_of_batch = row_boolean(row, "cdc$end_of_batch");
    r.ttl = row_bigint(row, "cdc$ttl");
    r.event_id.u = row_uuid(row, "event_id");
    r.ticket_id.u = row_uuid(row, "ticket_id");
    r.started_ms = row_timestamp(row, "started_at");
    r.hold_id.u = row_uuid_if_any(row, "hold_id");
    r.session.u = row_session(row, "hold_session", arena);
    if (uuid_is_nil(&r.session.u))
        r.session.u = row_session(row, "session_id", arena);
    r.seq = row_column(row, "seq") ? (uint64_t)row_bigint(row, "seq") : 0;
    r.outcome = row_outcome(row, arena);
    *ret_row = r;
    return row_ok(row);
}

static int take_rows(void *ctx, size_t index, const struct cql_result *page)
{
    struct reading *t = ctx;
    struct arena scratch; /* texts that are only looked at */
    int ret = 0;
    arena_init(&scratch, 0);
    for (size_t i = 0; !ret && i < cql_rows(page); i++) {
        struct cql_row row = cql_row_at(page, i);
        if (t->count == t->limit) {
            ret = BOX_ERANGE;
            break;
        }
        if (t->count == t->cap) {
            struct cdc_log_row *old = t->rows;
            t->cap = t->cap ? 2 * t->cap : 256;
            t->rows = arena_array(t->arena, t->cap, sizeof(*t->rows));
            if (t->count)
                memcpy(t->rows, old, t->count * sizeof(*old));
        }
        if (!read_row(&row, &t->streams[index], &scratch, &t->rows[t->count++]))
            ret = corrupt(t->s, t->streams[index].expiries ? t->s->tables.expiries : t->s->tables.log);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    return ret;
}

static int read_rows(struct cdc_source *base, const struct cdc_stream *streams, size_t stream_count,
                     int64_t from_us, int64_t to_us, size_t limit, struct arena *arena,
                     struct cdc_log_row **ret_rows, size_t *ret_count)
{
    struct source *s = source_of(base);
    struct reading t = {.s = s, .streams = streams, .limit = limit, .arena = arena};
    struct cdc_request *requests = arena_array(arena, stream_count, sizeof(*requests));
    const struct uuid from = cdc_time_from(from_us), to = cdc_time_from(to_us);
    for (size_t i = 0; i < stream_count; i++) {
        bool expiries = streams[i].expiries;
        request_init(s, expiries ? CDC_EXPIRIES : CDC_LOG, expiries ? s->tables.expiries : s->tables.log,
                     arena, &requests[i]);
        bind_blob(&requests[i].values, streams[i].id, CDC_STREAM_BYTES);
        bind_uuid(&requests[i].values, &from);
        bind_uuid(&requests[i].values, &to);
    }
    int ret = cdc_link_run_many(&s->link, requests, stream_count, take_rows, &t);
    if (ret)
        return ret;
    *ret_rows = t.rows;
    *ret_count = t.count;
    return 0;
}

/* ---- the checkpoint ---- */

struct loading {
    struct source *s;
    struct cdc_place *place;
    bool found;
};

static int take_place(void *ctx, size_t index, const struct cql_result *page)
{
    struct loading *t = ctx;
    (void)index;
    if (!cql_rows(page))
        return 0;
    struct cql_row row = cql_row_at(page, 0);
    const struct cdc_place place = {1000 * row_timestamp(&row, "generation"), row_bigint(&row, "time_us")};
    if (!row_ok(&row) || place.time_us < 0)
        return corrupt(t->s, "cdc_checkpoints");
    *t->place = place;
    t->found = true;
    return 0;
}

static int load(struct cdc_source *base, const char *name, struct cdc_place *ret_place)
{
    struct source *s = source_of(base);
    struct loading t = {.s = s, .place = ret_place};
    struct cdc_request request;
    struct arena arena;
    int ret = prepare(s, CDC_LOAD);
    if (ret)
        return ret;
    arena_init(&arena, 0);
    request_init(s, CDC_LOAD, s->tables.keyspace, &arena, &request);
    bind_text(&request.values, name);
    ret = cdc_link_run(&s->link, &request, take_place, &t);
    arena_done(&arena);
    return ret ? ret : t.found ? 0 : BOX_ENOTFOUND;
}

static int save(struct cdc_source *base, const char *name, const struct cdc_place *place)
{
    struct source *s = source_of(base);
    struct cdc_request request;
    struct arena arena;
    int ret = prepare(s, CDC_SAVE);
    if (ret)
        return ret;
    arena_init(&arena, 0);
    request_init(s, CDC_SAVE, s->tables.keyspace, &arena, &request);
    bind_text(&request.values, name);
    bind_timestamp(&request.values, place->generation_us / 1000);
    bind_bigint(&request.values, place->time_us);
    ret = cdc_link_run(&s->link, &request, NULL, NULL);
    arena_done(&arena);
    return ret;
}

/* ---- opening ---- */

static const char *reason(const struct cdc_source *base)
{
    return source_of(base)->link.reason;
}

static void close_source(struct cdc_source *base)
{
    struct source *s = source_of(base);
    for (int i = 0; i < CDC_STATEMENTS; i++)
        cql_statement_free(s->statements[i]);
    cdc_link_close(&s->link);
    free(s);
}

static const struct cdc_source_ops ops = {
    .generations = generations,
    .streams = read_streams,
    .read = read_rows,
    .load = load,
    .save = save,
    .reason = reason,
    .close = close_source,
};

static int open_tables(struct source *s, const char *keyspace, const struct consumer_cluster *cluster)
{
    static const enum cdc_statement first[] = {CDC_GENERATIONS, CDC_STREAMS, CDC_LOG, CDC_EVENT_STREAMS,
                                               CDC_EXPIRIES};
    int ret = cdc_tables_find(&s->link, keyspace, &cluster->tables, &s->tables);
    for (size_t i = 0; !ret && i < sizeof(first) / sizeof(first[0]); i++)
        ret = prepare(s, first[i]);
    return ret;
}

int consumer_source_open(const struct consumer_cluster *cluster, struct cdc_source **ret_source,
                         char ret_reason[CONSUMER_REASON])
{
    struct cql_url url;
    const char *wrong;
    int ret = cql_url_parse(cluster->url, &url, &wrong);
    if (ret) {
        snprintf(ret_reason, CONSUMER_REASON, "%s", wrong);
        return ret;
    }
    const struct cql_options options = {
        .hosts = url.hosts,
        .local_dc = cluster->local_dc,
        .user = cluster->user,
        .password = cluster->password,
        .tls_ca = cluster->tls_ca,
        .tls_cert = cluster->tls_cert,
        .tls_key = cluster->tls_key,
    };
    struct source *s = calloc(1, sizeof(*s));
    must(s);
    s->base.ops = &ops;
    ret = cdc_link_open(&s->link, &options);
    if (!ret)
        ret = open_tables(s, url.keyspace, cluster);
    if (!ret) {
        *ret_source = &s->base;
        return 0;
    }
    snprintf(ret_reason, CONSUMER_REASON, "%s", s->link.reason);
    close_source(&s->base);
    return ret;
}
