/*
 * The store that a command opens itself: --store embedded or cql://..., with the options and variables that
 * `boxoffice serve` has for it.
 */
#ifndef CLI_OPEN_STORE_H
#define CLI_OPEN_STORE_H

#include "base/rng.h"
#include "cli/cli.h"
#include "store/cql/store_cql.h"
#include "store/store.h"

/* For the option table of a verb. */
#define STORE_OPTIONS                                                                                        \
    {"store", "STORE", "embedded (default), or cql://HOST[,HOST]/KEYSPACE ($BOXOFFICE_STORE)"},              \
        {"data-dir", "DIR", "folder of an embedded store (default boxoffice-data; $BOXOFFICE_DATA_DIR)"},    \
        CLUSTER_OPTIONS
/* Of these only how a cluster is reached. */
#define CLUSTER_OPTIONS                                                                                      \
    {"local-dc", "NAME", "cluster: the data centre that decides (default: that of the first host)"},         \
        {"cql-ca", "FILE", "cluster: certificates by which the nodes' are checked; TLS if it is given"},     \
        {"cql-cert", "FILE", "cluster: a certificate for the nodes"},                                        \
        {"cql-key", "FILE", "cluster: its key"},                                                             \
    {                                                                                                        \
        "cql-credentials-file", "FILE",                                                                      \
            "cluster: a line USER:PASSWORD (else $BOXOFFICE_CQL_USER and $BOXOFFICE_CQL_PASSWORD)"           \
    }

struct open_store {
    struct store *store;
    struct clock clock;
    struct rng rng;
};

/*
 * Open it. Unless @may_make, one that is not there is refused rather than made. Returns an exit code; what is
 * wrong is said.
 */
int open_store(struct cli *c, bool may_make, struct open_store *ret);
/*
 * How the cluster at @url is reached, by the options and variables; the rest is 0. Text is the arena's.
 * Returns an exit code; what is wrong is said.
 */
int cluster_options(struct cli *c, const char *url, struct store_cql_options *ret_options);
/* After it was opened. */
void close_store(struct open_store *s);

#endif
