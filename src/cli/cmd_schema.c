/*
 * `boxoffice schema`: the tables of the cluster store as CQL, in a form that the chosen server accepts; the
 * same that `boxoffice serve` makes where they are missing (store/cql/schema.h). For those who let nobody but
 * themselves change a schema, and for a look at the data model. Untested on ScyllaDB itself.
 */
#include "cli/cli.h"
#include "store/cql/schema.h"
#include <stdio.h>

static const char DEFAULT_REPLICATION[] = "{'class': 'NetworkTopologyStrategy', 'datacenter1': '3'}";

static void print_schema(enum schema_dialect dialect, const char *keyspace, const char *replication)
{
    struct buf text = {0};
    schema_create_keyspace(keyspace, replication, &text);
    buf_adds(&text, ";\n");
    for (const struct schema_table *t = SCHEMA_TABLES; t->name; t++) {
        if (!schema_belongs(t->where, dialect))
            continue;
        buf_addc(&text, '\n');
        schema_create_table(t, keyspace, dialect, &text);
        buf_adds(&text, ";\n");
    }
    for (const struct schema_view *v = SCHEMA_VIEWS; v->name; v++) {
        buf_addc(&text, '\n');
        schema_create_view(v, keyspace, &text);
        buf_adds(&text, ";\n");
    }
    fwrite(text.data, 1, text.size, stdout);
    buf_done(&text);
}

static int schema(struct cli *c)
{
    const char *dialect_name = cli_value(c, "dialect"), *keyspace = cli_value(c, "keyspace"),
               *replication = cli_value(c, "replication");
    enum schema_dialect dialect = SCHEMA_SCYLLA;
    keyspace = keyspace ? keyspace : "boxoffice";
    replication = replication ? replication : DEFAULT_REPLICATION;
    if (dialect_name && !schema_dialect_parse(dialect_name, &dialect))
        return cli_usage(c, "--dialect is '%s'; it must be scylla or cassandra", dialect_name);
    if (!schema_keyspace_valid(keyspace))
        return cli_usage(c,
                         "--keyspace is '%s'; it must be a letter and then letters, digits and _, at most %d",
                         keyspace, KEYSPACE_NAME_MAX);
    if (!schema_replication_valid(replication))
        return cli_usage(c, "--replication must be a CQL map, e.g. %s", DEFAULT_REPLICATION);
    print_schema(dialect, keyspace, replication);
    return EXIT_DONE;
}

static const struct cli_option schema_options[] = {
    {"dialect", "NAME", "scylla (default) or cassandra"},
    {"keyspace", "NAME", "default boxoffice"},
    {"replication", "MAP", "default {'class': 'NetworkTopologyStrategy', 'datacenter1': '3'}"},
    {NULL, NULL, NULL},
};

const struct cli_verb schema_verbs[] = {
    {"", "", 0, 0,
     "Print the tables of the cluster store as CQL; `serve` makes those that are missing by itself.",
     schema_options, schema},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
