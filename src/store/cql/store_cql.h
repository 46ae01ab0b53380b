/*
 * The store on a ScyllaDB or Apache Cassandra cluster. Shared: any number of servers may have it open.
 * What lies where, and why: schema.h; how a group becomes durable: commit.h.
 */
#ifndef STORE_CQL_H
#define STORE_CQL_H

#include "base/rng.h"
#include "store/store.h"

struct store_cql_options {
    const char *url;             /* cql://HOST[:PORT][,HOST[:PORT]]/KEYSPACE */
    const char *local_dc;        /* or NULL: the data centre of the first host that answers */
    const char *replication;     /* of a keyspace that is made: a CQL map; NULL: 3 copies in the local data
                                    centre, or as many as there are nodes when fewer */
    const char *user, *password; /* or NULL */
    const char *tls_ca, *tls_cert, *tls_key; /* PEM files or NULL */
    const char *dialect; /* "scylla", "cassandra"; NULL: what the cluster says of itself */
    bool existing;       /* make nothing: without such a keyspace and its tables BOX_ENOTFOUND */
    const struct clock *clock;
    struct rng *rng; /* shared by threads: the system's */
};

/*
 * Connect, make what is missing of keyspace and tables, check the rest (version of the schema, data centre,
 * replication). Blocks. *ret_reason: one line that says what is wrong and what to do (a static text or in
 * memory that lives as long as the program). *ret_note: one line about what was made, or NULL.
 * Returns 0, BOX_EUNAVAILABLE (no node, or too few), BOX_EUNAUTHORIZED (credentials), BOX_EINVALID (URL,
 * options), BOX_ENEWER, BOX_EOLDER (schema), BOX_ELOCKED (another data centre decides), BOX_ENOTFOUND,
 * BOX_ENOSYS (this program was built without cluster support).
 */
int store_cql_open(const struct store_cql_options *options, struct store **ret_store, const char **ret_reason,
                   const char **ret_note);

/* Is there cluster support in this program? */
bool store_cql_built(void);

#endif
