/*
 * A consumer's connection to a cluster: statements of its own, requests that block, many reads at once. A
 * store has its own way of asking (call.h); a consumer is no store, it makes nothing and needs no thread.
 *
 * Thread: one. Errors: BOX_EUNAUTHORIZED; BOX_EINVALID (the cluster does not know what was asked for);
 * BOX_EUNAVAILABLE (it did not answer in time, or had too few nodes for it), after a few tries.
 */
#ifndef STORE_CQL_CDC_LINK_H
#define STORE_CQL_CDC_LINK_H

#include "cql.h"
#include "store/cql/consumer.h"
#include "store/cql/value.h"

struct cdc_link {
    struct cql_session *session;
    struct cql_topology topology;
    char reason[CONSUMER_REASON]; /* of the newest failure */
};

/* Connect. Returns 0 or an error; also then cdc_link_close() is allowed. */
int cdc_link_open(struct cdc_link *l, const struct cql_options *options);
void cdc_link_close(struct cdc_link *l);
/* Prepare a statement, which the caller frees with cql_statement_free(). */
int cdc_link_prepare(struct cdc_link *l, const char *cql, struct cql_statement **ret_statement);

struct cdc_request {
    const struct cql_statement *statement;
    enum cql_consistency consistency;
    struct cql_values values;
};
/* Run it. Its writes may be repeated. All pages: @each gets one after another, lent; an error of it ends it.
 */
int cdc_link_run(struct cdc_link *l, const struct cdc_request *request,
                 int (*each)(void *ctx, size_t index, const struct cql_result *page), void *ctx);
/* The same for @count requests, some at once. @each gets the index of the request; pages of different ones
   come mixed. */
int cdc_link_run_many(struct cdc_link *l, const struct cdc_request *requests, size_t count,
                      int (*each)(void *ctx, size_t index, const struct cql_result *page), void *ctx);

#endif
