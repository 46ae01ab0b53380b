/*
 * Requests to the cluster, and what the parts of this store have in common.
 *
 * Every request is a struct cql_op, sent by cql_op_start(), so that there is one place that counts them,
 * chooses their consistency (by the statement's kind) and notices that no node can be reached. Two ways on
 * top of it:
 *   - workers call cql_call(), cql_call_lwt(), cql_call_many() and cql_scan_*(), which block;
 *   - the store's own thread (loop.h) starts ops whose done() comes back to it as a task.
 *
 * What may be repeated: reads always; plain writes, because every one of this store writes the same cells
 * with the same values again; LWTs only when the caller can tell its own earlier try from somebody else's.
 */
#ifndef STORE_CQL_CALL_H
#define STORE_CQL_CALL_H

#include "base/clock.h"
#include "base/rng.h"
#include "base/task.h"
#include "store/cql/loop.h"
#include "store/cql/schema.h"
#include "store/cql/statements.h"
#include "store/cql/value.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>

struct cdc_places; /* cdc_places.h */
struct cql_events; /* events.h: the events that this store has taken */
struct cql_clear;  /* clear.h: clears their tails */

enum {
    CQL_TRY_MS = 4000,       /* one try of a request */
    CQL_DEADLINE_MS = 10000, /* all tries of it */
    CQL_SCHEMA_MS = 60000,   /* one statement that changes the schema */
    CQL_MANY = 64,           /* requests of one cql_call_many() under way at once */
    CQL_PAGE_ROWS = 5000,    /* more than that fails on a table with many deleted cells */
};

/* What a test lets go wrong; called on the store's own thread. */
struct cql_faults {
    bool (*die_between_halves)(void *ctx); /* a commit ends there, as if the server had died */
    bool (*lose_answer)(void *ctx);        /* that of a commit's batch does not come */
    void *ctx;
};

struct cql_store {
    struct store store; /* what callers hold */
    /* immutable after open */
    struct cql_session *session;
    struct cql_statement *statements[CQL_STATEMENTS];
    enum schema_dialect dialect;
    char keyspace[KEYSPACE_NAME_MAX + 1];
    const struct clock *clock;
    struct rng *rng; /* the system's: shared by threads */
    uint8_t email_secret[32];
    struct cql_loop loop;
    struct cql_events *events;     /* its own lock */
    struct cdc_places *cdc_places; /* its own lock */
    struct cql_clear *clear;
    /* shared */
    _Atomic bool no_host;         /* the newest request found no node */
    _Atomic int64_t cdc_until_us; /* store_cdc_until() */
    pthread_mutex_t reason_mtx;
    char reason[256];                /* under reason_mtx */
    const struct cql_faults *faults; /* tests only, else NULL */
};

static inline struct cql_store *cql_store_of(const struct store *s)
{
    return (struct cql_store *)(uintptr_t)s;
}

/* ---- one request ---- */

/*
 * Set the first part, the rest 0. Lent until done(). done() takes the result (cql_result_free()) and runs on
 * a thread of the driver's, where it must not block; with @on_loop as a task of the store's own thread.
 */
struct cql_op {
    enum cql_st statement;    /* alone; or the first of a batch */
    const enum cql_st *batch; /* a batch of these, unlogged: one partition; or NULL */
    size_t batch_count;
    const struct cql_values *values; /* may be freed once cql_op_start() has returned */
    unsigned attempt;                /* of an LWT: 0, 1, ... */
    uint32_t timeout_ms;             /* 0: CQL_TRY_MS */
    int32_t page_size;               /* 0: all in one answer */
    struct cql_cell page;            /* where the page begins; size 0: at the start */
    bool on_loop;
    void (*done)(struct cql_op *op);
    void *ctx;
    /* the answer */
    enum cql_kind kind;
    struct cql_error error;
    struct cql_result *result; /* NULL unless kind is CQL_OK */
    /* its own */
    struct cql_store *store;
    _Atomic int64_t started_us; /* stored last before it is sent, loaded first when it comes back: so whatever
                                   watches the order of memory sees its way through the driver, too */
    struct task task;
};

/* Send it. Thread: any. Completion: done(), exactly once, perhaps before this returns (not @on_loop). */
void cql_op_start(struct cql_store *s, struct cql_op *op);

/* What a kind of answer means for a read (BOX_EIO, BOX_EUNAVAILABLE ...) and for a write. 0 for CQL_OK. */
int cql_read_error(enum cql_kind kind);
int cql_write_error(enum cql_kind kind);
/* Is there sense in another try? (Of a write that may be repeated.) */
bool cql_worth_retry(enum cql_kind kind);
/* How long to wait before try @attempt (1, 2, ...), with a random part: 20 ms, doubling up to 1 s. */
int64_t cql_backoff_ms(struct cql_store *s, unsigned attempt);
/* Keep why something failed, for store_reason(). Thread: any. */
void cql_failed(struct cql_store *s, const char *what, const struct cql_error *error);

/* ---- blocking (workers) ---- */

/*
 * Run a READ, SERIAL or WRITE statement until it is answered or CQL_DEADLINE_MS are over. @ret_result may be
 * NULL; else the caller frees it. Returns 0; BOX_EUNAVAILABLE (of writes: no try can have happened); of reads
 * BOX_EIO (refused); of writes BOX_EUNKNOWN.
 */
int cql_call(struct cql_store *s, enum cql_st st, const struct cql_values *values,
             struct cql_result **ret_result);
/*
 * Run an LWT until its outcome is known: on an unknown one it is issued again, by the next replica. The
 * caller must be able to see in a refusal's row whether it was its own earlier try that made it fail.
 * *ret_applied: the conditions held. Returns 0 (the result is the caller's), BOX_EUNAVAILABLE or
 * BOX_EUNKNOWN.
 */
int cql_call_lwt(struct cql_store *s, enum cql_st st, const struct cql_values *values, bool *ret_applied,
                 struct cql_result **ret_result);
/* Did the conditions of an LWT hold? BOX_ECORRUPT when the answer is not an LWT's. */
int cql_applied(const struct cql_result *result, bool *ret_applied);
/*
 * Run a statement @count times with values[0..count-1], at most CQL_MANY at once, each like cql_call(). @each
 * (NULL: none) is called in order, on this thread; a result is freed after its call. Stops at the first error
 * (of a request or of @each), which it returns when nothing is under way any more.
 */
int cql_call_many(struct cql_store *s, enum cql_st st, const struct cql_values *values, size_t count,
                  int (*each)(void *ctx, size_t index, const struct cql_result *result), void *ctx);

/* ---- paging ---- */

/* The rows of a READ statement, page by page. */
struct cql_scan {
    struct cql_store *s;
    enum cql_st statement;
    struct cql_values values;
    int32_t page_size;
    bool begun;
    struct cql_result *result; /* the current page */
    size_t next;               /* row of it */
};

/* Nothing is read yet. @values' arena must outlive the scan. @page_size 0: CQL_PAGE_ROWS. */
void cql_scan_init(struct cql_scan *scan, struct cql_store *s, enum cql_st st,
                   const struct cql_values *values, int32_t page_size);
/* The next row, lent until the next call. Returns 0, BOX_ENOTFOUND (the end), BOX_EUNAVAILABLE, BOX_EIO. */
int cql_scan_next(struct cql_scan *scan, struct cql_row *ret_row);
/* Free the current page; also after an error. */
void cql_scan_done(struct cql_scan *scan);

#endif
