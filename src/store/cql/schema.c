#include "store/cql/schema.h"
#include <ctype.h>
#include <string.h>

#define END                                                                                                  \
    {                                                                                                        \
        NULL, NULL                                                                                           \
    }

/*
 * What the cluster's servers must agree on, each decided once by an LWT: schema_version, schema_lock (while
 * somebody applies a schema), home_dc (the data centre whose nodes decide).
 */
static const struct schema_column META[] = {{"key", "text"}, {"value", "text"}, END};

/* ---- the published model, with our columns behind ---- */

static const struct schema_column VENUE_SECTIONS[] = {
    {"venue_id", "uuid"}, {"section_id", "uuid"}, {"type_id", "text"},
    {"price", "decimal"}, {"seats_count", "int"}, END,
};

/* data: event_encode(). seq: of the change that wrote the row. A deleted event's row stays, marked. */
static const struct schema_column EVENTS[] = {
    {"event_id", "uuid"},
    {"date", "timestamp"},
    {"event_type", "text"},
    {"has_tickets", "boolean"},
    {"name", "text"},
    {"slug", "text"},
    {"venue_id", "uuid"},
    {"currency", "text"},
    {"hold_seconds", "int"},
    {"max_tickets_per_session", "int"},
    {"on_sale_at", "timestamp"},
    {"off_sale_at", "timestamp"},
    {"published", "boolean"},
    {"event_status", "text"},
    {"created_at", "timestamp"},
    {"deleted", "boolean"},
    {"seq", "bigint"},
    {"data", "blob"},
    END,
};

/*
 * The right to a seat, and the event's order of changes. The statics are set and conditioned by every group:
 * seq (of the event's newest change), epoch (counts its homes), ts (time of the newest group, us), batch_id
 * (which group that was), tail (what the group's second half needs); owner (which take of the event made its
 * epoch, so that one whose outcome was unknown is recognised). hold_id, hold_session and order_id stay
 * while a ticket is sold; started_at is that of the newest hold it ever was in; price_type and price_taken
 * are as it was taken.
 */
static const struct schema_column TICKETS[] = {
    {"event_id", "uuid"},
    {"ticket_id", "uuid"},
    {"price", "decimal"},
    {"section", "uuid"},
    {"status", "text"},
    {"type_id", "text"},
    {"row", "text"},
    {"seat", "text"},
    {"hold_id", "uuid"},
    {"hold_session", "text"},
    {"hold_until", "timestamp"},
    {"order_id", "uuid"},
    {"started_at", "timestamp"},
    {"price_type", "int"},
    {"price_taken", "decimal"},
    {"seq", "bigint static"},
    {"epoch", "bigint static"},
    {"ts", "bigint static"},
    {"batch_id", "uuid static"},
    {"tail", "blob static"},
    {"owner", "uuid static"},
    END,
};

static const struct schema_column ORDER_QUEUE[] = {
    {"event_id", "uuid"},
    {"ticket_id", "uuid"},
    {"started_at", "timestamp"},
    {"session_id", "text"},
    {"hold_id", "uuid"},
    {"seq", "bigint"},
    END,
};

/* Filled by us on Apache Cassandra only. What ends a hold has hold_session and outcome, not session_id. */
static const struct schema_column CDC_LOG[] = {
    {"\"cdc$stream_id\"", "blob"},
    {"\"cdc$time\"", "timeuuid"},
    {"\"cdc$batch_seq_no\"", "int"},
    {"\"cdc$deleted_session_id\"", "boolean"},
    {"\"cdc$end_of_batch\"", "boolean"},
    {"\"cdc$operation\"", "tinyint"},
    {"\"cdc$ttl\"", "bigint"},
    {"event_id", "uuid"},
    {"session_id", "text"},
    {"started_at", "timestamp"},
    {"ticket_id", "uuid"},
    {"\"cdc$deleted_hold_id\"", "boolean"},
    {"\"cdc$deleted_seq\"", "boolean"},
    {"hold_id", "uuid"},
    {"seq", "bigint"},
    {"hold_session", "text"},
    {"outcome", "text"},
    END,
};

/* data: order_encode() */
static const struct schema_column ORDERS[] = {
    {"order_id", "uuid"},
    {"event_id", "uuid"},
    {"purchased_at", "timestamp"},
    {"status", "text"},
    {"total_price", "decimal"},
    {"user_id", "uuid"},
    {"hold_id", "uuid"},
    {"hold_session", "text"},
    {"code", "text"},
    {"currency", "text"},
    {"created_at", "timestamp"},
    {"expires_at", "timestamp"},
    {"ended_at", "timestamp"},
    {"data", "blob"},
    END,
};

/* ---- ours ---- */

/* data: change_encode(). batch_id: of the group, so that one whose outcome was unknown can be found again. */
static const struct schema_column CHANGES[] = {
    {"event_id", "uuid"}, {"seq", "bigint"}, {"batch_id", "uuid"}, {"data", "blob"}, END,
};

/* data: hold_encode(). A hold's id says its event's tag (domain/ids.h), not the event. */
static const struct schema_column HOLDS[] = {
    {"event_tag", "bigint"}, {"hold_id", "uuid"}, {"event_id", "uuid"}, {"data", "blob"}, END,
};

static const struct schema_column ORDERS_BY_EVENT[] = {{"event_id", "uuid"}, {"order_id", "uuid"}, END};

/* kind: "code" (value: the code), "ticket" (its id), "email" (a keyed hash of it). */
static const struct schema_column ORDER_INDEX[] = {
    {"kind", "text"},
    {"value", "blob"},
    {"order_id", "uuid"},
    END,
};

static const struct schema_column PERSONAL[] = {
    {"order_id", "uuid"}, {"name", "text"}, {"email", "text"}, {"payment_reference", "text"}, END,
};

/* venue_id: the request made a venue, which is visible from then on. */
static const struct schema_column IDEMPOTENCY[] = {
    {"key", "blob"},        {"request", "blob"},      {"expires_at", "timestamp"},
    {"http_status", "int"}, {"change_seq", "bigint"}, {"location", "text"},
    {"body", "blob"},       {"venue_id", "uuid"},     END,
};

static const struct schema_column EVENT_SLUGS[] = {{"slug", "text"}, {"event_id", "uuid"}, END};

/*
 * data: the pieces of layout_encode(). chunks: how many. A venue is visible when `visible` is true, or when
 * the answer to the request that made it (idem_key) is the one that counts: venue.c.
 */
static const struct schema_column VENUES[] = {
    {"venue_id", "uuid"},
    {"chunk", "int"},
    {"data", "blob"},
    {"chunks", "int static"},
    {"visible", "boolean static"},
    {"idem_key", "blob static"},
    END,
};

static const struct schema_column SECRETS[] = {{"name", "text"}, {"value", "blob"}, END};

/* One partition, so that whoever writes its row and reads all sees every row that was written before. */
static const struct schema_column SERVERS[] = {
    {"cluster", "text"}, {"server_id", "uuid"},       {"address", "text"}, {"version", "text"},
    {"beat", "bigint"},  {"started_at", "timestamp"}, {"fit", "boolean"},  END,
};

/* ---- which CDC streams there are, as system.cdc_timestamps and system.cdc_streams say it ---- */

static const struct schema_column CDC_GENERATIONS[] = {
    {"keyspace_name", "text"},
    {"table_name", "text"},
    {"timestamp", "timestamp"},
    END,
};

static const struct schema_column CDC_STREAMS[] = {
    {"keyspace_name", "text"},   {"table_name", "text"}, {"timestamp", "timestamp"},
    {"stream_state", "tinyint"}, {"stream_id", "blob"},  END,
};

/* How far a consumer that goes by this name has come: store/cql/consumer.h. */
static const struct schema_column CDC_CHECKPOINTS[] = {
    {"name", "text"},
    {"generation", "timestamp"},
    {"time_us", "bigint"},
    END,
};

#define LOG_KEY "\"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\""
#define LOG_WITH                                                                                             \
    "CLUSTERING ORDER BY (\"cdc$time\" ASC, \"cdc$batch_seq_no\" ASC) AND gc_grace_seconds = 0 AND "         \
    "compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_size': '60', "                \
    "'compaction_window_unit': 'MINUTES'}"

/*
 * order_queue collects tombstones (every hold ends in some), so that they go after its longest TTL. The CDC
 * log is never deleted from.
 */
const struct schema_table SCHEMA_TABLES[] = {
    {.name = "meta", .columns = META, .key = "key"},
    {.name = "venue_sections",
     .columns = VENUE_SECTIONS,
     .key = "venue_id, section_id, type_id",
     .with = "CLUSTERING ORDER BY (section_id ASC, type_id ASC)"},
    {.name = "events", .columns = EVENTS, .key = "event_id"},
    {.name = "tickets",
     .columns = TICKETS,
     .key = "event_id, ticket_id",
     .with = "CLUSTERING ORDER BY (ticket_id ASC)"},
    {.name = "order_queue",
     .columns = ORDER_QUEUE,
     .key = "event_id, ticket_id, started_at",
     .with = "CLUSTERING ORDER BY (ticket_id ASC, started_at ASC) AND default_time_to_live = 900 AND "
             "gc_grace_seconds = 86400",
     .with_scylla = "cdc = {'enabled': true, 'preimage': true, 'ttl': 0}"},
    {.name = "orders", .columns = ORDERS, .key = "order_id"},
    {.name = "order_queue_scylla_cdc_log",
     .columns = CDC_LOG,
     .key = LOG_KEY,
     .with = LOG_WITH,
     .where = SCHEMA_ON_CASSANDRA},
    {.name = "order_queue_expiries",
     .columns = CDC_LOG,
     .key = LOG_KEY,
     .with = LOG_WITH,
     .where = SCHEMA_ON_SCYLLA},
    {.name = "changes", .columns = CHANGES, .key = "event_id, seq", .with = "CLUSTERING ORDER BY (seq ASC)"},
    {.name = "holds",
     .columns = HOLDS,
     .key = "event_tag, hold_id",
     .with = "CLUSTERING ORDER BY (hold_id ASC)"},
    {.name = "orders_by_event",
     .columns = ORDERS_BY_EVENT,
     .key = "event_id, order_id",
     .with = "CLUSTERING ORDER BY (order_id ASC)"},
    {.name = "order_index",
     .columns = ORDER_INDEX,
     .key = "(kind, value), order_id",
     .with = "CLUSTERING ORDER BY (order_id ASC)"},
    {.name = "personal", .columns = PERSONAL, .key = "order_id"},
    {.name = "idempotency", .columns = IDEMPOTENCY, .key = "key", .with = "default_time_to_live = 86400"},
    {.name = "event_slugs", .columns = EVENT_SLUGS, .key = "slug"},
    {.name = "venues", .columns = VENUES, .key = "venue_id, chunk"},
    {.name = "secrets", .columns = SECRETS, .key = "name"},
    {.name = "servers", .columns = SERVERS, .key = "cluster, server_id", .with = "gc_grace_seconds = 86400"},
    {.name = "cdc_generations",
     .columns = CDC_GENERATIONS,
     .key = "(keyspace_name, table_name), timestamp",
     .with = "CLUSTERING ORDER BY (timestamp DESC)",
     .where = SCHEMA_ON_CASSANDRA},
    {.name = "cdc_streams",
     .columns = CDC_STREAMS,
     .key = "(keyspace_name, table_name), timestamp, stream_state, stream_id"},
    {.name = "cdc_checkpoints", .columns = CDC_CHECKPOINTS, .key = "name"},
    {.name = NULL},
};

const struct schema_view SCHEMA_VIEWS[] = {
    {.name = "available_tickets",
     .columns = "event_id, status, ticket_id, price, section, type_id",
     .table = "tickets",
     .where = "event_id IS NOT NULL AND status IS NOT NULL AND ticket_id IS NOT NULL",
     .key = "(event_id, status), ticket_id"},
    {.name = "available_events",
     .columns = "has_tickets, event_id, date, event_type, name, slug, venue_id",
     .table = "events",
     .where = "has_tickets IS NOT NULL AND event_id IS NOT NULL",
     .key = "has_tickets, event_id"},
    {.name = NULL},
};

bool schema_belongs(enum schema_where where, enum schema_dialect dialect)
{
    return where == SCHEMA_ON_BOTH || (where == SCHEMA_ON_SCYLLA) == (dialect == SCHEMA_SCYLLA);
}

bool schema_dialect_parse(const char *name, enum schema_dialect *ret_dialect)
{
    bool scylla = strcmp(name, "scylla") == 0;
    if (!scylla && strcmp(name, "cassandra") != 0)
        return false;
    *ret_dialect = scylla ? SCHEMA_SCYLLA : SCHEMA_CASSANDRA;
    return true;
}

bool schema_keyspace_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > KEYSPACE_NAME_MAX || !isalpha((unsigned char)*name))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    return true;
}

bool schema_replication_valid(const char *map)
{
    size_t size = strlen(map);
    return size >= 2 && map[0] == '{' && map[size - 1] == '}' && !strchr(map, ';');
}

void schema_create_keyspace(const char *keyspace, const char *replication, struct buf *ret)
{
    buf_printf(ret, "CREATE KEYSPACE IF NOT EXISTS %s WITH replication = %s AND durable_writes = true",
               keyspace, replication);
}

void schema_create_table(const struct schema_table *t, const char *keyspace, enum schema_dialect dialect,
                         struct buf *ret)
{
    const char *more = dialect == SCHEMA_SCYLLA ? t->with_scylla : NULL;
    buf_printf(ret, "CREATE TABLE IF NOT EXISTS %s.%s (\n", keyspace, t->name);
    for (const struct schema_column *c = t->columns; c->name; c++)
        buf_printf(ret, "    %s %s,\n", c->name, c->type);
    buf_printf(ret, "    PRIMARY KEY (%s)\n)", t->key);
    if (t->with || more)
        buf_printf(ret, " WITH %s%s%s", t->with ? t->with : "", t->with && more ? " AND " : "",
                   more ? more : "");
}

void schema_create_view(const struct schema_view *v, const char *keyspace, struct buf *ret)
{
    buf_printf(ret,
               "CREATE MATERIALIZED VIEW IF NOT EXISTS %s.%s AS\n    SELECT %s FROM %s.%s\n    WHERE %s\n"
               "    PRIMARY KEY (%s)",
               keyspace, v->name, v->columns, keyspace, v->table, v->where, v->key);
}

void schema_add_column(const struct schema_table *t, const struct schema_column *c, const char *keyspace,
                       struct buf *ret)
{
    buf_printf(ret, "ALTER TABLE %s.%s ADD %s %s", keyspace, t->name, c->name, c->type);
}
