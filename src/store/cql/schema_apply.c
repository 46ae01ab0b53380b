/*
 * Making what is missing of the tables.
 *
 * meta says which version of the schema is there: the usual start reads that and is done. Else the servers
 * take turns: meta is made first (IF NOT EXISTS, by however many at once), then a row of it that goes by
 * itself is the lock, then whoever has it makes tables and columns, one statement after another, and writes
 * the version last. Who dies in between leaves a schema that the next goes on with: every statement may be
 * given again.
 */
#include "base/must.h"
#include "store/cql/opening.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOCK_SECONDS = 120,  /* of one who died; longer than any statement */
    TURN_SECONDS = 300,  /* to wait for one's turn */
    TURN_PAUSE_MS = 200, /* between two looks */
    DDL_TRIES = 7,       /* nodes that do not agree about the schema yet, or stall over it for seconds */
};

static void pause_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&left, NULL);
}

/* ---- meta ---- */

int opening_get_meta(struct opening *o, const char *key, char *ret_value, size_t size)
{
    struct arena arena;
    struct cql_values v;
    struct cql_result *result;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_text(&v, key);
    int ret = cql_call(o->s, CQL_ST_GET_META, &v, &result);
    if (!ret) {
        const char *value = NULL;
        if (cql_rows(result)) {
            struct cql_row row = cql_row_at(result, 0);
            value = row_text(&row, "value", &arena);
        }
        snprintf(ret_value, size, "%s", value ? value : "");
        cql_result_free(result);
    }
    arena_done(&arena);
    return ret ? opening_refuse(o, BOX_EUNAVAILABLE, "cannot read meta: %s", o->s->reason) : 0;
}

/* An LWT of meta; *ret_applied. */
static int change_meta(struct opening *o, enum cql_st st, const struct cql_values *v, bool *ret_applied)
{
    if (cql_call_lwt(o->s, st, v, ret_applied, NULL))
        return opening_refuse(o, BOX_EUNAVAILABLE, "cannot write meta: %s", o->s->reason);
    return 0;
}

int opening_make_meta(struct opening *o, const char *key, const char *value, bool *ret_made)
{
    struct arena arena;
    struct cql_values v;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_text(&v, key);
    bind_text(&v, value);
    int ret = change_meta(o, CQL_ST_MAKE_META, &v, ret_made);
    arena_done(&arena);
    return ret;
}

/* Text of three: statement's markers in order. */
static int change_meta_texts(struct opening *o, enum cql_st st, const char *a, const char *b, const char *c,
                             bool *ret_applied)
{
    struct arena arena;
    struct cql_values v;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_text(&v, a);
    bind_text(&v, b);
    if (c)
        bind_text(&v, c);
    int ret = change_meta(o, st, &v, ret_applied);
    arena_done(&arena);
    return ret;
}

static int lock(struct opening *o, const char *owner, bool *ret_locked)
{
    struct arena arena;
    struct cql_values v;
    char value[UUID_TEXT + 1];
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_text(&v, "schema_lock");
    bind_text(&v, owner);
    bind_int(&v, LOCK_SECONDS);
    int ret = change_meta(o, CQL_ST_LOCK_META, &v, ret_locked);
    arena_done(&arena);
    if (ret || *ret_locked)
        return ret;
    ret =
        opening_get_meta(o, "schema_lock", value, sizeof(value)); /* an earlier try whose answer was lost? */
    *ret_locked = !ret && strcmp(value, owner) == 0;
    return ret;
}

static void unlock(struct opening *o, const char *owner)
{
    bool applied;
    change_meta_texts(o, CQL_ST_UNLOCK_META, "schema_lock", owner, NULL,
                      &applied); /* else it goes by itself */
}

/* ---- statements ---- */

static bool views_refused(const struct cql_error *error)
{
    return strstr(error->message, "aterialized view") != NULL && strstr(error->message, "disabled") != NULL;
}

/* A statement that may be given again. */
static int ddl(struct opening *o, const char *what, struct buf *text)
{
    struct cql_error error;
    enum cql_kind kind = CQL_OK;
    buf_addc(text, '\0');
    for (int i = 0; i < DDL_TRIES; i++) {
        kind = cql_query(o->s->session, text->data, CQL_SCHEMA_MS, NULL, &error);
        if (!cql_worth_retry(kind) && kind != CQL_OTHER)
            break;
        pause_ms(TURN_PAUSE_MS << i);
    }
    buf_reset(text);
    if (kind == CQL_OK || kind == CQL_EXISTS)
        return 0;
    if (views_refused(&error))
        return opening_refuse(o, BOX_EINVALID,
                              "the cluster refuses materialized views, which available_tickets and "
                              "available_events are: set materialized_views_enabled: true in every node's "
                              "cassandra.yaml");
    return opening_error(o, what, &error);
}

static int make_table(struct opening *o, const struct schema_table *t)
{
    struct buf text = {0};
    schema_create_table(t, o->s->keyspace, o->s->dialect, &text);
    int ret = ddl(o, t->name, &text);
    buf_done(&text);
    return ret;
}

static int make_view(struct opening *o, const struct schema_view *v)
{
    struct buf text = {0};
    schema_create_view(v, o->s->keyspace, &text);
    int ret = ddl(o, v->name, &text);
    buf_done(&text);
    return ret;
}

/* ---- columns of tables that were there before ---- */

static bool has_column(const struct cql_result *columns, const char *table, const char *column)
{
    size_t skip = column[0] == '"', length = strlen(column) - 2 * skip;
    for (size_t i = 0; i < cql_rows(columns); i++) {
        struct cql_row row = cql_row_at(columns, i);
        size_t table_size, name_size;
        const uint8_t *of = row_blob(&row, "table_name", &table_size);
        const uint8_t *name = row_blob(&row, "column_name", &name_size);
        if (of && name && table_size == strlen(table) && memcmp(of, table, table_size) == 0 &&
            name_size == length && memcmp(name, column + skip, length) == 0)
            return true;
    }
    return false;
}

static int add_columns(struct opening *o, const struct cql_result *columns, const struct schema_table *t)
{
    struct buf text = {0};
    int ret = 0;
    for (const struct schema_column *c = t->columns; !ret && c->name; c++) {
        if (has_column(columns, t->name, c->name))
            continue;
        schema_add_column(t, c, o->s->keyspace, &text);
        ret = ddl(o, t->name, &text);
    }
    buf_done(&text);
    return ret;
}

static int read_columns(struct opening *o, struct cql_result **ret_columns)
{
    char text[256];
    struct cql_error error;
    snprintf(text, sizeof(text),
             "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = '%s'",
             o->s->keyspace);
    if (cql_query(o->s->session, text, CQL_TRY_MS, ret_columns, &error) != CQL_OK)
        return opening_error(o, "reading system_schema.columns", &error);
    return 0;
}

/* ---- all ---- */

static int apply(struct opening *o)
{
    struct cql_result *columns = NULL;
    int ret = 0;
    for (const struct schema_table *t = SCHEMA_TABLES; !ret && t->name; t++)
        if (schema_belongs(t->where, o->s->dialect))
            ret = make_table(o, t);
    if (!ret)
        ret = read_columns(o, &columns);
    for (const struct schema_table *t = SCHEMA_TABLES; !ret && t->name; t++)
        if (schema_belongs(t->where, o->s->dialect))
            ret = add_columns(o, columns, t);
    for (const struct schema_view *v = SCHEMA_VIEWS; !ret && v->name; v++)
        ret = make_view(o, v);
    cql_result_free(columns);
    return ret;
}

/* The version that is there; 0: none yet. */
static int read_version(struct opening *o, long *ret_version)
{
    char value[32];
    int ret = opening_get_meta(o, "schema_version", value, sizeof(value));
    if (!ret)
        *ret_version = strtol(value, NULL, 10);
    return ret;
}

static int write_version(struct opening *o, long before)
{
    char old[32], new[32];
    bool applied;
    snprintf(old, sizeof(old), "%ld", before);
    snprintf(new, sizeof(new), "%d", SCHEMA_VERSION);
    if (before == 0)
        return opening_make_meta(o, "schema_version", new, &applied);
    return change_meta_texts(o, CQL_ST_CHANGE_META, new, "schema_version", old, &applied);
}

/* Until the version is there, whoever brings it. */
static int take_turns(struct opening *o, long version)
{
    struct uuid id = uuid_random(o->s->rng);
    char owner[UUID_TEXT + 1];
    bool locked = false;
    int64_t deadline_us = clock_monotonic_us(o->s->clock) + TURN_SECONDS * 1000000LL;
    uuid_format(&id, owner);
    int ret = lock(o, owner, &locked);
    while (!ret && !locked && version < SCHEMA_VERSION) {
        if (clock_monotonic_us(o->s->clock) > deadline_us)
            return opening_refuse(o, BOX_EUNAVAILABLE,
                                  "another server has been making the tables of %s for "
                                  "%d seconds; is it alive?",
                                  o->s->keyspace, TURN_SECONDS);
        pause_ms(TURN_PAUSE_MS);
        ret = read_version(o, &version);
        if (!ret && version < SCHEMA_VERSION)
            ret = lock(o, owner, &locked);
    }
    if (ret || !locked)
        return ret;
    ret = read_version(o, &version); /* somebody may just have done it */
    if (!ret && version < SCHEMA_VERSION)
        ret = apply(o);
    if (!ret && version < SCHEMA_VERSION)
        ret = write_version(o, version);
    unlock(o, owner);
    return ret;
}

/* meta and the statements that are about it; a table that was just made may not be known everywhere yet. */
static int prepare_meta(struct opening *o)
{
    static const enum cql_st needed[] = {CQL_ST_GET_META, CQL_ST_MAKE_META, CQL_ST_CHANGE_META,
                                         CQL_ST_LOCK_META, CQL_ST_UNLOCK_META};
    struct cql_error error;
    enum cql_kind kind = CQL_OK;
    for (int tries = 0; tries < DDL_TRIES; tries++) {
        kind = CQL_OK;
        for (size_t i = 0; kind == CQL_OK && i < sizeof(needed) / sizeof(*needed); i++)
            kind = cql_statement_prepare(o->s->session, o->s->keyspace, needed[i], o->s->statements, &error);
        if (kind == CQL_OK)
            return 0;
        pause_ms(TURN_PAUSE_MS << tries);
    }
    return opening_error(o, "preparing the statements of meta", &error);
}

static int meta_exists(struct opening *o, bool *ret_exists)
{
    char text[256];
    struct cql_result *result;
    struct cql_error error;
    snprintf(text, sizeof(text),
             "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '%s' AND table_name = '%s'",
             o->s->keyspace, SCHEMA_TABLES[0].name);
    if (cql_query(o->s->session, text, CQL_TRY_MS, &result, &error) != CQL_OK)
        return opening_error(o, "reading system_schema.tables", &error);
    *ret_exists = cql_rows(result) > 0;
    cql_result_free(result);
    return 0;
}

int opening_schema(struct opening *o)
{
    bool exists = false;
    long version = 0;
    int ret = meta_exists(o, &exists);
    if (!ret && !exists && o->options->existing)
        return opening_refuse(o, BOX_ENOTFOUND, "the keyspace %s is not boxoffice's: it has no table meta",
                              o->s->keyspace);
    if (!ret && !exists)
        ret = make_table(o, &SCHEMA_TABLES[0]);
    if (!ret)
        ret = prepare_meta(o);
    if (!ret)
        ret = read_version(o, &version);
    if (ret || version == SCHEMA_VERSION)
        return ret;
    if (version > SCHEMA_VERSION)
        return opening_refuse(o, BOX_ENEWER,
                              "the tables of %s were made by a newer version of boxoffice (schema %ld, this "
                              "program knows %d); use that version",
                              o->s->keyspace, version, SCHEMA_VERSION);
    return take_turns(o, version);
}
