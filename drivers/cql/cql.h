/*
 * CQL client: a narrow C face of the Rust driver `scylla`, for ScyllaDB and Apache Cassandra (native protocol
 * version 4). It knows sessions, statements, batches, pages and errors, and no types: values cross the border
 * as the bytes that the protocol carries (CQL native protocol v4, section 6).
 *
 * Threads: a session runs its own. Callbacks run on them, exactly once per request, also when the session is
 * being closed; they must not block and must not call cql_close(). Everything else may be called from any
 * thread.
 *
 * What the driver never does by itself: repeat a request. A request that was not answered is CQL_UNKNOWN, and
 * what to do about it is the caller's decision.
 */
#ifndef DRIVERS_CQL_H
#define DRIVERS_CQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cql_session;
struct cql_statement; /* prepared; may be used by any number of requests at once */
struct cql_result;

enum cql_kind {
    CQL_OK = 0,
    CQL_UNAVAILABLE =
        1, /* too few replicas are alive: a write was not begun (of an LWT's retry this says
              nothing about earlier tries; an LWT whose commit is short of replicas is UNKNOWN) */
    /* A write that may or may not have happened: time-outs, failures, lost connections. Of an LWT also what
       is harmless elsewhere, because a round of it may have been decided: a read that failed, an overloaded
       coordinator. */
    CQL_UNKNOWN = 2,
    CQL_READ_FAILED = 3, /* a read that timed out or failed at the replicas: read again */
    CQL_OVERLOADED = 4,  /* not done: come again later */
    CQL_SYNTAX = 5,
    CQL_INVALID = 6,
    CQL_NOT_FOUND = 7, /* no such keyspace, table or column */
    CQL_AUTH = 8,      /* wrong user or password, or not allowed */
    CQL_NO_HOST = 9,   /* no node can be reached: nothing was sent */
    CQL_EXISTS = 10,   /* the keyspace or table exists */
    CQL_OTHER = 11,
};

struct cql_error {
    enum cql_kind kind;
    bool cas;        /* UNKNOWN: the server says that it was in Paxos (WriteType CAS) */
    int consistency; /* of UNAVAILABLE, UNKNOWN, READ_FAILED: enum cql_consistency or -1 */
    int received, required;
    char message[240]; /* one line, cut */
};

/* The protocol's numbers. */
enum cql_consistency {
    CQL_ONE = 0x01,
    CQL_QUORUM = 0x04,
    CQL_ALL = 0x05,
    CQL_LOCAL_QUORUM = 0x06,
    CQL_SERIAL = 0x08,
    CQL_LOCAL_SERIAL = 0x09,
    CQL_LOCAL_ONE = 0x0a,
};

enum { CQL_NULL = -1, CQL_UNSET = -2 };
/* A value: size bytes at data; or size CQL_NULL; or, bound to a marker only, CQL_UNSET (leaves the cell). */
struct cql_cell {
    const uint8_t *data;
    int32_t size;
};

struct cql_options {
    const char
        *hosts; /* "host[:port],host[:port]": where to begin; the other nodes are found by themselves */
    const char *local_dc; /* data centre whose nodes are used; NULL: that of the first host that answers */
    const char *user, *password; /* or NULL */
    /* PEM file: speak TLS and check the node's certificate, which has its address in it; NULL: no TLS */
    const char *tls_ca;
    const char *tls_cert, *tls_key; /* client certificate, or NULL */
    bool tls_any_name;              /* do not compare the certificate's address with the node's */
    unsigned threads;               /* 1 or more */
    uint32_t connect_timeout_ms;    /* 0: none */
};

/*
 * Connect. Blocks for at most about connect_timeout_ms. Returns CQL_OK, or the kind that *ret_error tells
 * (NO_HOST, AUTH, INVALID: an option, OTHER).
 */
enum cql_kind cql_open(const struct cql_options *options, struct cql_session **ret_session,
                       struct cql_error *ret_error);
/* Requests under way get their callback (UNKNOWN) first. Blocks. Not from a callback. */
void cql_close(struct cql_session *s);

/* What the session found out about its cluster. Text is the caller's buffer. */
struct cql_topology {
    bool scylla;      /* ScyllaDB, else Apache Cassandra */
    bool tablets;     /* ScyllaDB with tablets */
    char version[64]; /* release_version of the node asked */
    char local_dc[128];
    unsigned nodes;       /* known nodes of the local data centre */
    unsigned nodes_up;    /* of these, connected */
    unsigned other_nodes; /* of other data centres */
};
void cql_topology(struct cql_session *s, struct cql_topology *ret_topology);

/*
 * One statement without values, for DDL and for a look at system tables; waits for schema agreement after
 * DDL. Blocks. @ret_result may be NULL. Returns as cql_open().
 */
enum cql_kind cql_query(struct cql_session *s, const char *cql, uint32_t timeout_ms,
                        struct cql_result **ret_result, struct cql_error *ret_error);

/* Prepare. Blocks. */
enum cql_kind cql_prepare(struct cql_session *s, const char *cql, struct cql_statement **ret_statement,
                          struct cql_error *ret_error);
/* No request uses it. NULL is allowed. */
void cql_statement_free(struct cql_statement *st);

struct cql_request {
    enum cql_consistency consistency;
    /* An LWT (or a read at a serial consistency): serial consistency LOCAL_SERIAL, and sent to one live
       replica of the partition, which every process chooses alike (rendezvous hash of token and host id, in
       the local data centre only), because coordinators that compete for a partition cost Paxos rounds. */
    bool lwt;
    /* LWT: the how-manieth try this is; 0 the first choice, 1 the next replica, ... */
    unsigned attempt;
    uint32_t timeout_ms;  /* 0: none */
    int32_t page_size;    /* 0: everything in one answer */
    struct cql_cell page; /* cql_page() of the result before; size 0: from the start */
};

/* Runs once on a thread of the session; owns @result (NULL on error). @error is lent for the call. */
typedef void cql_done(void *ctx, struct cql_result *result, const struct cql_error *error);

/* Run a prepared statement with @count values. Values are copied before this returns. */
void cql_execute(struct cql_session *s, const struct cql_statement *st, const struct cql_cell *values,
                 size_t count, const struct cql_request *request, cql_done *done, void *ctx);

/*
 * A batch of @count prepared statements; @value_counts[i] of the values, one after another, are statement
 * i's. Conditional batches (request->lwt) must be about one partition of one table. @logged: the protocol's
 * LOGGED (atomic over partitions), else UNLOGGED.
 */
void cql_batch(struct cql_session *s, bool logged, const struct cql_statement *const *statements,
               const size_t *value_counts, size_t count, const struct cql_cell *values,
               const struct cql_request *request, cql_done *done, void *ctx);

/* ---- results: lent for as long as the result lives ---- */
size_t cql_rows(const struct cql_result *r);
size_t cql_columns(const struct cql_result *r);
const char *cql_column(const struct cql_result *r, size_t column); /* its name, NULL: none */
/* Index of a column by name, or -1. */
int cql_column_find(const struct cql_result *r, const char *name);
struct cql_cell cql_value(const struct cql_result *r, size_t row, size_t column);
/* Where the next page begins; size 0: this was the last. */
struct cql_cell cql_page(const struct cql_result *r);
const char *cql_warning(const struct cql_result *r, size_t index); /* NULL at the end */
const char *cql_coordinator(const struct cql_result *r);           /* host:port that answered */
void cql_result_free(struct cql_result *r);                        /* NULL is allowed */

#endif
