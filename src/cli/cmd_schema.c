/*
 * `boxoffice schema`: the data model as CQL, in a form that the chosen server accepts. Differences between
 * the two: on ScyllaDB the CDC log table is made by the server (cdc = {...} on order_queue); on Apache
 * Cassandra it is an ordinary table of the same name and columns, which boxoffice fills. Untested on ScyllaDB
 * itself.
 */
#include "cli/cli.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct column {
    const char *name, *type;
};

struct cql_table {
    const char *name;
    const struct column *columns; /* ended by NULL */
    const char *key;
    const char *with; /* after WITH, for both dialects */
};

#define END                                                                                                  \
    {                                                                                                        \
        NULL, NULL                                                                                           \
    }

static const struct column VENUE_SECTIONS[] = {{"venue_id", "uuid"},   {"section_id", "uuid"},
                                               {"type_id", "text"},    {"price", "decimal"},
                                               {"seats_count", "int"}, END};
static const struct column EVENTS[] = {{"event_id", "uuid"},
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
                                       END};
static const struct column TICKETS[] = {{"event_id", "uuid"},
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
                                        {"seq", "bigint static"},
                                        {"epoch", "bigint static"},
                                        {"ts", "bigint static"},
                                        {"batch_id", "uuid static"},
                                        {"tail", "blob static"},
                                        END};
static const struct column ORDER_QUEUE[] = {{"event_id", "uuid"},
                                            {"ticket_id", "uuid"},
                                            {"started_at", "timestamp"},
                                            {"session_id", "text"},
                                            {"hold_id", "uuid"},
                                            {"seq", "bigint"},
                                            END};
static const struct column ORDERS[] = {
    {"order_id", "uuid"}, {"event_id", "uuid"},       {"purchased_at", "timestamp"},
    {"status", "text"},   {"total_price", "decimal"}, {"user_id", "uuid"},
    {"hold_id", "uuid"},  {"session", "text"},        {"code", "text"},
    {"currency", "text"}, {"lines", "blob"},          END};
static const struct column CDC_LOG[] = {{"\"cdc$stream_id\"", "blob"},
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
                                        {"hold_id", "uuid"},
                                        {"seq", "bigint"},
                                        END};

static const struct cql_table TABLES[] = {
    {"venue_sections", VENUE_SECTIONS, "venue_id, section_id, type_id",
     "CLUSTERING ORDER BY (section_id ASC, type_id ASC)"},
    {"events", EVENTS, "event_id", NULL},
    {"tickets", TICKETS, "event_id, ticket_id", "CLUSTERING ORDER BY (ticket_id ASC)"},
    {"order_queue", ORDER_QUEUE, "event_id, ticket_id, started_at",
     "CLUSTERING ORDER BY (ticket_id ASC, started_at ASC) AND default_time_to_live = 900 AND "
     "gc_grace_seconds = 86400"},
    {"orders", ORDERS, "order_id", NULL},
};

static const struct cql_table CDC_TABLE = {
    "order_queue_scylla_cdc_log", CDC_LOG, "\"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\"",
    "CLUSTERING ORDER BY (\"cdc$time\" ASC, \"cdc$batch_seq_no\" ASC) AND gc_grace_seconds = 0 AND "
    "compaction = {'class': "
    "'TimeWindowCompactionStrategy', 'compaction_window_size': '60', 'compaction_window_unit': 'MINUTES'}"};

static void print_table(const char *keyspace, const struct cql_table *t, const char *more)
{
    printf("CREATE TABLE IF NOT EXISTS %s.%s (\n", keyspace, t->name);
    for (const struct column *c = t->columns; c->name; c++)
        printf("    %s %s,\n", c->name, c->type);
    printf("    PRIMARY KEY (%s)\n)", t->key);
    if (t->with || more)
        printf(" WITH %s%s%s", t->with ? t->with : "", t->with && more ? " AND " : "", more ? more : "");
    printf(";\n\n");
}

static void print_views(const char *keyspace)
{
    printf("CREATE MATERIALIZED VIEW IF NOT EXISTS %s.available_tickets AS\n"
           "    SELECT event_id, status, ticket_id, price, section, type_id FROM %s.tickets\n"
           "    WHERE event_id IS NOT NULL AND status IS NOT NULL AND ticket_id IS NOT NULL\n"
           "    PRIMARY KEY ((event_id, status), ticket_id);\n\n",
           keyspace, keyspace);
    printf("CREATE MATERIALIZED VIEW IF NOT EXISTS %s.available_events AS\n"
           "    SELECT has_tickets, event_id, date, event_type, name, slug, venue_id FROM %s.events\n"
           "    WHERE has_tickets IS NOT NULL AND event_id IS NOT NULL\n"
           "    PRIMARY KEY (has_tickets, event_id);\n",
           keyspace, keyspace);
}

static bool name_valid(const char *keyspace)
{
    size_t size = strlen(keyspace);
    if (!size || size > 48 || !isalpha((unsigned char)*keyspace))
        return false;
    for (const char *p = keyspace; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    return true;
}

static int schema(struct cli *c)
{
    const char *dialect = cli_value(c, "dialect"), *keyspace = cli_value(c, "keyspace"),
               *replication = cli_value(c, "replication");
    dialect = dialect ? dialect : "scylla";
    keyspace = keyspace ? keyspace : "boxoffice";
    replication = replication ? replication : "{'class': 'NetworkTopologyStrategy', 'datacenter1': '3'}";
    bool scylla = !strcmp(dialect, "scylla");
    if (!scylla && strcmp(dialect, "cassandra") != 0)
        return cli_usage(c, "--dialect is '%s'; it must be scylla or cassandra", dialect);
    if (!name_valid(keyspace))
        return cli_usage(c,
                         "--keyspace is '%s'; it must be a letter and then letters, digits and _, at most 48",
                         keyspace);
    if (replication[0] != '{' || replication[strlen(replication) - 1] != '}' || strchr(replication, ';'))
        return cli_usage(
            c,
            "--replication must be a CQL map, e.g. {'class': 'NetworkTopologyStrategy', 'datacenter1': '3'}");
    printf("CREATE KEYSPACE IF NOT EXISTS %s WITH replication = %s AND durable_writes = true;\n\n", keyspace,
           replication);
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        bool queue = !strcmp(TABLES[i].name, "order_queue");
        print_table(keyspace, &TABLES[i],
                    scylla && queue ? "cdc = {'enabled': true, 'preimage': true, 'ttl': 0}" : NULL);
    }
    if (!scylla)
        print_table(keyspace, &CDC_TABLE, NULL);
    print_views(keyspace);
    return EXIT_DONE;
}

static const struct cli_option schema_options[] = {
    {"dialect", "NAME", "scylla (default) or cassandra"},
    {"keyspace", "NAME", "default boxoffice"},
    {"replication", "MAP", "default {'class': 'NetworkTopologyStrategy', 'datacenter1': '3'}"},
    {NULL, NULL, NULL},
};

const struct cli_verb schema_verbs[] = {
    {"", "", 0, 0, "Print the tables as CQL, for a look at the data model and for the cluster store to come.",
     schema_options, schema},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
