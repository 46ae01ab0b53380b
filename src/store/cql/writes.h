/*
 * Writes that must all be done: a list of requests, some under way at once, each again until the cluster has
 * acknowledged it. For writes that may be repeated: plain ones that say the same again, and LWTs about a row
 * that nobody but its owner changes.
 */
#ifndef CQL_WRITES_H
#define CQL_WRITES_H

#include "store/cql/call.h"

/* One request: a statement, or a batch about one partition. */
struct cql_write {
    enum cql_st *statements;
    size_t count, cap;
    struct cql_values values; /* of all its statements, one after another */
    struct cql_write *next;
    /* An LWT whose conditions did not hold: this instead (NULL: then it has been done, or must not be). */
    struct cql_write *otherwise;
};

/* A list of them. */
struct cql_writes {
    struct arena arena;
    struct cql_write *first, **end;
    size_t count;
};

/* An empty list. */
void cql_writes_init(struct cql_writes *w);
void cql_writes_done(struct cql_writes *w);
/* Append a request; the caller binds its values. */
struct cql_write *cql_writes_add(struct cql_writes *w, enum cql_st statement);
/* One more statement in the batch that @write is then; all of a kind. */
void cql_write_more(struct cql_writes *w, struct cql_write *write, enum cql_st statement);
/* What is to be done when the conditions of @write, an LWT, do not hold. */
struct cql_write *cql_write_otherwise(struct cql_writes *w, struct cql_write *write, enum cql_st statement);

/*
 * Do them all, at most @many at once, in any order, until each is acknowledged, one is refused for good, or
 * @deadline_us (monotonic) has passed. @w must live until done(). Thread: any.
 * Completion: done(ctx, 0 or BOX_EUNKNOWN) on the loop's thread, never from inside this call.
 */
void cql_writes_start(struct cql_store *s, const struct cql_writes *w, size_t many, int64_t deadline_us,
                      void (*done)(void *ctx, int result), void *ctx);
/* The same, blocking, with CQL_DEADLINE_MS. Thread: a worker's. Returns 0 or BOX_EUNKNOWN. */
int cql_writes_run(struct cql_store *s, const struct cql_writes *w, size_t many);

#endif
