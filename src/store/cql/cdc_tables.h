/*
 * Which tables of a cluster a consumer reads, of which kind they are, and the statements for it.
 *
 *   VNODES    ScyllaDB: generations of the whole cluster, a set of streams for each range of tokens
 *   TABLETS   ScyllaDB: generations of one table, a row for each stream
 *   OPENED    ours: one generation for ever, to which each new event adds a stream. The table has the form
 *             of TABLETS, with each stream as opened at the event's creation.
 */
#ifndef STORE_CQL_CDC_TABLES_H
#define STORE_CQL_CDC_TABLES_H

#include "store/cql/cdc_link.h"
#include "store/cql/consumer.h"
#include "store/cql/schema.h"

enum cdc_kind { CDC_VNODES, CDC_TABLETS, CDC_OPENED };

enum { CDC_NAME_MAX = 2 * KEYSPACE_NAME_MAX + 32 };

struct cdc_tables {
    enum cdc_kind kind;
    char keyspace[KEYSPACE_NAME_MAX + 1];
    /* with their keyspace */
    char log[CDC_NAME_MAX], generations[CDC_NAME_MAX], streams[CDC_NAME_MAX];
    char expiries[CDC_NAME_MAX]; /* "": none */
    char base[CDC_NAME_MAX];     /* the table that the log is of, without its keyspace */
    char base_keyspace[CDC_NAME_MAX];
    bool bypass_cache;
};

/*
 * Find out what was not said in @wanted, and that all of it is there. The link's reason says what is not.
 * Returns 0, BOX_EINVALID or what the link failed with.
 */
int cdc_tables_find(struct cdc_link *link, const char *keyspace, const struct consumer_tables *wanted,
                    struct cdc_tables *ret_tables);

/* A table's name, perhaps with a keyspace: letters, digits and _. Without one it gets @keyspace. */
bool cdc_table_name(const char *name, const char *keyspace, char ret_name[CDC_NAME_MAX]);

enum cdc_statement {
    CDC_GENERATIONS,   /* not of CDC_OPENED */
    CDC_STREAMS,       /* of VNODES and TABLETS with the generation's time */
    CDC_LOG,           /* stream, from, to */
    CDC_EVENT_STREAMS, /* of the events: for expiries */
    CDC_EXPIRIES,      /* as CDC_LOG */
    CDC_LOAD,          /* name */
    CDC_SAVE,          /* name, generation, time_us */
    CDC_STATEMENTS
};
/* The text of a statement, appended. Nothing for one that is not needed. */
void cdc_statement_text(const struct cdc_tables *t, enum cdc_statement statement, struct buf *ret);

#endif
