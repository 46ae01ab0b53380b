#include "store/cql/cdc_tables.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/must.h"
#include "store/cql/call.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char LOG_ENDS[] = "_scylla_cdc_log";

/* ---- names ---- */

static bool is_name(const char *name, size_t size)
{
    if (!size || size > KEYSPACE_NAME_MAX || !isalpha((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

bool cdc_table_name(const char *name, const char *keyspace, char ret_name[CDC_NAME_MAX])
{
    const char *dot = strchr(name, '.');
    const char *table = dot ? dot + 1 : name;
    if ((dot && !is_name(name, (size_t)(dot - name))) || !is_name(table, strlen(table)))
        return false;
    snprintf(ret_name, CDC_NAME_MAX, "%s%s%s", dot ? "" : keyspace, dot ? "" : ".", name);
    for (char *c = ret_name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return true;
}

/* ---- what there is ---- */

__attribute__((format(printf, 2, 3))) static int refuse(struct cdc_link *link, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(link->reason, sizeof(link->reason), format, args);
    va_end(args);
    return BOX_EINVALID;
}

struct columns {
    bool any, streams, stream_state;
};

static int take_columns(void *ctx, size_t index, const struct cql_result *page)
{
    struct columns *found = ctx;
    struct arena arena;
    (void)index;
    arena_init(&arena, 0);
    for (size_t i = 0; i < cql_rows(page); i++) {
        struct cql_row row = cql_row_at(page, i);
        const char *name = row_text(&row, "column_name", &arena);
        found->any = true;
        found->streams |= name && !strcmp(name, "streams");
        found->stream_state |= name && !strcmp(name, "stream_state");
    }
    arena_done(&arena);
    return 0;
}

/* Run a statement without values. */
static int ask(struct cdc_link *link, const char *text,
               int (*each)(void *ctx, size_t index, const struct cql_result *page), void *ctx)
{
    struct cql_statement *statement;
    int ret = cdc_link_prepare(link, text, &statement);
    if (ret)
        return ret;
    const struct cdc_request request = {.statement = statement, .consistency = CQL_ONE};
    ret = cdc_link_run(link, &request, each, ctx);
    cql_statement_free(statement);
    return ret;
}

static int find_columns(struct cdc_link *link, const char *table, struct columns *ret_columns)
{
    char text[256];
    const char *dot = strchr(table, '.');
    *ret_columns = (struct columns){.any = false};
    snprintf(
        text, sizeof(text),
        "SELECT column_name FROM system_schema.columns WHERE keyspace_name = '%.*s' AND table_name = '%s'",
        (int)(dot - table), table, dot + 1);
    return ask(link, text, take_columns, ret_columns);
}

static int count_rows(void *ctx, size_t index, const struct cql_result *page)
{
    (void)index;
    *(size_t *)ctx += cql_rows(page);
    return 0;
}

/* Does ScyllaDB keep this table's streams as those of a table in tablets? */
static int in_tablets(struct cdc_link *link, const struct cdc_tables *t, bool *ret_tablets)
{
    char text[384];
    size_t rows = 0;
    snprintf(text, sizeof(text),
             "SELECT timestamp FROM system.cdc_timestamps WHERE keyspace_name = '%s' AND table_name = '%s' "
             "LIMIT 1",
             t->base_keyspace, t->base);
    int ret = ask(link, text, count_rows, &rows);
    *ret_tablets = !ret && rows > 0;
    return ret == BOX_EINVALID ? 0 : ret; /* older servers have no such table */
}

/* ---- choosing ---- */

/* "ks.order_queue_scylla_cdc_log" is the log of order_queue in ks. */
static bool find_base(struct cdc_tables *t)
{
    const char *dot = strchr(t->log, '.');
    size_t size = strlen(dot + 1), ending = strlen(LOG_ENDS);
    if (size <= ending || strcmp(dot + 1 + size - ending, LOG_ENDS) != 0)
        return false;
    snprintf(t->base, sizeof(t->base), "%.*s", (int)(size - ending), dot + 1);
    snprintf(t->base_keyspace, sizeof(t->base_keyspace), "%.*s", (int)(dot - t->log), t->log);
    return true;
}

struct defaults {
    const char *generations, *streams, *expiries;
};
static const struct defaults DEFAULTS[] = {
    [CDC_VNODES] = {"system_distributed.cdc_generation_timestamps",
                    "system_distributed.cdc_streams_descriptions_v2", "order_queue_expiries"},
    [CDC_TABLETS] = {"system.cdc_timestamps", "system.cdc_streams", "order_queue_expiries"},
    [CDC_OPENED] = {"cdc_generations", "cdc_streams", ""},
};

static bool name_table(const char *wanted, const char *otherwise, const char *keyspace,
                       char ret_name[CDC_NAME_MAX])
{
    const char *name = wanted ? wanted : otherwise;
    ret_name[0] = '\0';
    return !*name || cdc_table_name(name, keyspace, ret_name);
}

/* A table of the caller's says by its columns of which kind it is. */
static int kind_of(struct cdc_link *link, const struct cdc_tables *t, const char *streams,
                   enum cdc_kind *ret_kind)
{
    struct columns columns;
    bool tablets = false;
    int ret;
    if (streams) {
        char name[CDC_NAME_MAX];
        if (!cdc_table_name(streams, t->keyspace, name))
            return refuse(link, "'%.80s' is no name of a table", streams);
        ret = find_columns(link, name, &columns);
        if (!ret && !columns.streams && !columns.stream_state)
            return refuse(link,
                          "%s has neither a column streams nor a column stream_state: it does "
                          "not say which streams there are",
                          name);
        *ret_kind = columns.streams ? CDC_VNODES : CDC_TABLETS;
        return ret;
    }
    *ret_kind = CDC_OPENED;
    if (!link->topology.scylla)
        return 0;
    ret = in_tablets(link, t, &tablets);
    *ret_kind = tablets ? CDC_TABLETS : CDC_VNODES;
    return ret;
}

static int check_there(struct cdc_link *link, const char *table)
{
    struct columns columns;
    int ret = *table ? find_columns(link, table, &columns) : 0;
    if (!ret && *table && !columns.any)
        return refuse(link, "there is no table %s", table);
    return ret;
}

int cdc_tables_find(struct cdc_link *link, const char *keyspace, const struct consumer_tables *wanted,
                    struct cdc_tables *ret_tables)
{
    struct cdc_tables t = {.bypass_cache = link->topology.scylla};
    snprintf(t.keyspace, sizeof(t.keyspace), "%s", keyspace);
    const char *log = wanted->log ? wanted->log : "order_queue_scylla_cdc_log";
    if (!cdc_table_name(log, keyspace, t.log) || !find_base(&t))
        return refuse(link, "'%.80s' is no name of a CDC log: it ends in %s", log, LOG_ENDS);
    int ret = kind_of(link, &t, wanted->streams, &t.kind);
    if (ret)
        return ret;
    const struct defaults *d = &DEFAULTS[t.kind];
    if (!name_table(wanted->generations, d->generations, keyspace, t.generations) ||
        !name_table(wanted->streams, d->streams, keyspace, t.streams) ||
        !name_table(wanted->expiries, link->topology.scylla ? d->expiries : "", keyspace, t.expiries))
        return refuse(link, "a name of a table is letters, digits and _, perhaps with a keyspace and a "
                            "dot before it");
    const char *const tables[] = {t.log, t.generations, t.streams, t.expiries};
    for (size_t i = 0; !ret && i < sizeof(tables) / sizeof(tables[0]); i++)
        ret = check_there(link, tables[i]);
    if (!ret)
        *ret_tables = t;
    return ret;
}

/* ---- statements ---- */

static void rows_of_stream(const char *table, bool bypass_cache, struct buf *ret)
{
    buf_printf(ret,
               "SELECT * FROM %s WHERE \"cdc$stream_id\" = ? AND \"cdc$time\" >= ? AND \"cdc$time\" < ?%s",
               table, bypass_cache ? " BYPASS CACHE" : "");
}

static void streams_text(const struct cdc_tables *t, struct buf *ret)
{
    if (t->kind == CDC_VNODES)
        buf_printf(ret, "SELECT streams FROM %s WHERE time = ?", t->streams);
    else
        buf_printf(ret, "SELECT stream_id FROM %s WHERE keyspace_name = '%s' AND table_name = '%s'%s",
                   t->streams, t->base_keyspace, t->base,
                   t->kind == CDC_TABLETS ? " AND timestamp = ? AND stream_state = 0" : "");
}

void cdc_statement_text(const struct cdc_tables *t, enum cdc_statement statement, struct buf *ret)
{
    switch (statement) {
    case CDC_GENERATIONS:
        if (t->kind == CDC_VNODES)
            buf_printf(ret, "SELECT time FROM %s WHERE key = 'timestamps'", t->generations);
        else if (t->kind == CDC_TABLETS)
            buf_printf(ret,
                       "SELECT timestamp AS time FROM %s WHERE keyspace_name = '%s' AND table_name = '%s'",
                       t->generations, t->base_keyspace, t->base);
        return;
    case CDC_STREAMS:
        streams_text(t, ret);
        return;
    case CDC_LOG:
        rows_of_stream(t->log, t->bypass_cache, ret);
        return;
    case CDC_EVENT_STREAMS:
        if (t->expiries[0])
            buf_printf(
                ret, "SELECT stream_id FROM %s.cdc_streams WHERE keyspace_name = '%s' AND table_name = '%s'",
                t->keyspace, t->base_keyspace, t->base);
        return;
    case CDC_EXPIRIES:
        if (t->expiries[0])
            rows_of_stream(t->expiries, t->bypass_cache, ret);
        return;
    case CDC_LOAD:
        buf_printf(ret, "SELECT generation, time_us FROM %s.cdc_checkpoints WHERE name = ?", t->keyspace);
        return;
    case CDC_SAVE:
        buf_printf(ret, "INSERT INTO %s.cdc_checkpoints (name, generation, time_us) VALUES (?, ?, ?)",
                   t->keyspace);
        return;
    case CDC_STATEMENTS:
        break;
    }
    must(false);
}
