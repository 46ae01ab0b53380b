/*
 * The tables of the cluster store, as data: what `boxoffice schema` prints, what store_cql_open() creates.
 * Knows nothing of a driver.
 *
 * The published tables have exactly the names and columns of the published model; ours are added to them. Two
 * dialects: on ScyllaDB the server makes the CDC log of order_queue by itself; on Apache Cassandra the log is
 * an ordinary table of the same name and columns, which the store fills, and the tables that say which
 * streams there are stand beside it, in the shape that ScyllaDB gives them with tablets.
 *
 * Changes are additive: a table or a column may come, none goes and none changes its type. Whoever adds one
 * counts SCHEMA_VERSION up.
 */
#ifndef STORE_CQL_SCHEMA_H
#define STORE_CQL_SCHEMA_H

#include "base/buf.h"
#include <stdbool.h>

enum { SCHEMA_VERSION = 1, KEYSPACE_NAME_MAX = 48 };

enum schema_dialect { SCHEMA_SCYLLA, SCHEMA_CASSANDRA };
/* Where a table or a statement belongs. */
enum schema_where { SCHEMA_ON_BOTH, SCHEMA_ON_SCYLLA, SCHEMA_ON_CASSANDRA };

struct schema_column {
    const char *name, *type; /* type with "static" where it is one */
};

struct schema_table {
    const char *name;
    const struct schema_column *columns; /* ended by a NULL name */
    const char *key;                     /* what stands in PRIMARY KEY (...) */
    const char *with;                    /* after WITH, or NULL */
    const char *with_scylla;             /* what ScyllaDB is told beside it, or NULL */
    enum schema_where where;
};

/* A materialized view. */
struct schema_view {
    const char *name, *columns, *table, *where, *key;
};

/* All tables, ended by a NULL name; "meta" is the first. */
extern const struct schema_table SCHEMA_TABLES[];
/* All views, ended by a NULL name. */
extern const struct schema_view SCHEMA_VIEWS[];

/* Does this belong to @dialect? */
bool schema_belongs(enum schema_where where, enum schema_dialect dialect);
/* "scylla", "cassandra". Returns false for any other name. */
bool schema_dialect_parse(const char *name, enum schema_dialect *ret_dialect);
/* A letter, then letters, digits and _, at most KEYSPACE_NAME_MAX. */
bool schema_keyspace_valid(const char *name);
/* Looks like a CQL map: {...} without a semicolon. */
bool schema_replication_valid(const char *map);

/* Append one statement, without a semicolon. Names have been checked. */
void schema_create_keyspace(const char *keyspace, const char *replication, struct buf *ret);
void schema_create_table(const struct schema_table *t, const char *keyspace, enum schema_dialect dialect,
                         struct buf *ret);
void schema_create_view(const struct schema_view *v, const char *keyspace, struct buf *ret);
void schema_add_column(const struct schema_table *t, const struct schema_column *c, const char *keyspace,
                       struct buf *ret);

#endif
