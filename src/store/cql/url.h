/*
 * The address of a cluster and a keyspace on it: cql://HOST[:PORT][,HOST[:PORT]]/KEYSPACE.
 */
#ifndef STORE_CQL_URL_H
#define STORE_CQL_URL_H

#include "store/cql/schema.h"

enum { CQL_HOSTS_MAX = 1024 };

struct cql_url {
    char hosts[CQL_HOSTS_MAX];            /* as cql_open() wants them */
    char keyspace[KEYSPACE_NAME_MAX + 1]; /* in lower case, as the server has it */
};

/* Take @text apart. *ret_reason says what is wrong with it (static). Returns 0 or BOX_EINVALID. */
int cql_url_parse(const char *text, struct cql_url *ret_url, const char **ret_reason);

#endif
