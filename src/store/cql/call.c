#include "store/cql/call.h"
#include "base/metrics.h"
#include "base/must.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what the driver's answers mean ---- */

int cql_read_error(enum cql_kind kind)
{
    switch (kind) {
    case CQL_OK:
        return 0;
    case CQL_UNAVAILABLE:
    case CQL_OVERLOADED:
    case CQL_NO_HOST:
    case CQL_UNKNOWN:
    case CQL_READ_FAILED:
        return BOX_EUNAVAILABLE; /* it may be read when there are enough nodes again */
    default:
        return BOX_EIO;
    }
}

int cql_write_error(enum cql_kind kind)
{
    switch (kind) {
    case CQL_OK:
        return 0;
    case CQL_UNAVAILABLE:
    case CQL_OVERLOADED:
    case CQL_NO_HOST:
    case CQL_AUTH:
    case CQL_SYNTAX:
    case CQL_INVALID:
    case CQL_NOT_FOUND:
    case CQL_EXISTS:
        return BOX_EUNAVAILABLE; /* refused before anything was done */
    case CQL_UNKNOWN:
    case CQL_READ_FAILED:
    case CQL_OTHER:
        break;
    }
    return BOX_EUNKNOWN;
}

bool cql_worth_retry(enum cql_kind kind)
{
    return kind == CQL_UNAVAILABLE || kind == CQL_OVERLOADED || kind == CQL_NO_HOST || kind == CQL_UNKNOWN ||
           kind == CQL_READ_FAILED;
}

int64_t cql_backoff_ms(struct cql_store *s, unsigned attempt)
{
    enum { FIRST_MS = 20, LONGEST_MS = 1000 };
    int64_t ms = attempt < 7 ? FIRST_MS << (attempt ? attempt - 1 : 0) : LONGEST_MS;
    ms = ms < LONGEST_MS ? ms : LONGEST_MS;
    return ms / 2 + rng_below(s->rng, (uint32_t)ms / 2 + 1);
}

void cql_failed(struct cql_store *s, const char *what, const struct cql_error *error)
{
    pthread_mutex_lock(&s->reason_mtx);
    snprintf(s->reason, sizeof(s->reason), "%s: %s", what, error->message);
    pthread_mutex_unlock(&s->reason_mtx);
}

/* ---- one request ---- */

static void count_answer(const struct cql_op *op, enum cql_statement_kind kind, int64_t took_us)
{
    static const enum metric times[] = {
        [CQL_KIND_READ] = METRIC_CQL_READ_TIME,
        [CQL_KIND_SERIAL] = METRIC_CQL_READ_TIME,
        [CQL_KIND_WRITE] = METRIC_CQL_WRITE_TIME,
        [CQL_KIND_LWT] = METRIC_CQL_LWT_TIME,
    };
    metrics_observe_us(times[kind], took_us);
    switch (op->kind) {
    case CQL_OK:
        return;
    case CQL_UNAVAILABLE:
        metrics_add(METRIC_CQL_UNAVAILABLE, 1);
        return;
    case CQL_UNKNOWN:
        metrics_add(METRIC_CQL_UNKNOWN, 1);
        return;
    case CQL_READ_FAILED:
        metrics_add(METRIC_CQL_READ_FAILURES, 1);
        return;
    case CQL_OVERLOADED:
        metrics_add(METRIC_CQL_OVERLOADED, 1);
        return;
    case CQL_NO_HOST:
        metrics_add(METRIC_CQL_NO_HOST, 1);
        return;
    default:
        metrics_add(METRIC_CQL_OTHER_ERRORS, 1);
    }
}

/* A batch is of the kind of its statements, which are all alike. */
static enum cql_statement_kind kind_of(const struct cql_op *op)
{
    return CQL_STATEMENT_DEFS[op->batch ? op->batch[0] : op->statement].kind;
}

static void run_done(struct task *t)
{
    struct cql_op *op = (struct cql_op *)((char *)t - offsetof(struct cql_op, task));
    op->done(op);
}

static void answered(void *ctx, struct cql_result *result, const struct cql_error *error)
{
    struct cql_op *op = ctx;
    int64_t started_us = atomic_load_explicit(&op->started_us, memory_order_acquire);
    op->kind = error->kind;
    op->error = *error;
    op->result = result;
    must(!result == (op->kind != CQL_OK));
    count_answer(op, kind_of(op), clock_monotonic_us(op->store->clock) - started_us);
    atomic_store_explicit(&op->store->no_host, op->kind == CQL_NO_HOST, memory_order_relaxed);
    if (op->kind != CQL_OK)
        cql_failed(op->store, CQL_STATEMENT_DEFS[op->batch ? op->batch[0] : op->statement].name, error);
    if (!op->on_loop) {
        op->done(op);
        return;
    }
    op->task = (struct task){.run = run_done};
    cql_loop_post(&op->store->loop, &op->task);
}

static struct cql_request request_of(const struct cql_op *op)
{
    enum cql_statement_kind kind = kind_of(op);
    return (struct cql_request){
        .consistency = kind == CQL_KIND_SERIAL ? CQL_LOCAL_SERIAL : CQL_QUORUM,
        .lwt = kind == CQL_KIND_SERIAL || kind == CQL_KIND_LWT,
        .attempt = op->attempt,
        .timeout_ms = op->timeout_ms ? op->timeout_ms : CQL_TRY_MS,
        .page_size = op->page_size,
        .page = op->page,
    };
}

static void start_batch(struct cql_store *s, struct cql_op *op, const struct cql_request *request)
{
    size_t values = 0;
    struct arena arena;
    arena_init(&arena, 0);
    const struct cql_statement **statements = arena_array(&arena, op->batch_count, sizeof(*statements));
    size_t *counts = arena_array(&arena, op->batch_count, sizeof(*counts));
    for (size_t i = 0; i < op->batch_count; i++) {
        must(CQL_STATEMENT_DEFS[op->batch[i]].kind == kind_of(op));
        statements[i] = s->statements[op->batch[i]];
        must(statements[i]);
        counts[i] = cql_markers(op->batch[i]);
        values += counts[i];
    }
    must(values == op->values->count);
    cql_batch(s->session, false, statements, counts, op->batch_count, op->values->cells, request, answered,
              op);
    arena_done(&arena);
}

void cql_op_start(struct cql_store *s, struct cql_op *op)
{
    const struct cql_request request = request_of(op);
    op->store = s;
    op->result = NULL;
    atomic_store_explicit(&op->started_us, clock_monotonic_us(s->clock), memory_order_release);
    if (op->batch) {
        must(op->batch_count > 0);
        start_batch(s, op, &request);
        return;
    }
    must(s->statements[op->statement]);
    size_t count = op->values ? op->values->count : 0;
    must(count == cql_markers(op->statement));
    cql_execute(s->session, s->statements[op->statement], op->values ? op->values->cells : NULL, count,
                &request, answered, op);
}

/* ---- blocking ---- */

/* Waits for ops of one caller. */
struct waiter {
    pthread_mutex_t mtx;
    pthread_cond_t cond;
};

struct waiting_op {
    struct cql_op op;
    struct waiter *waiter;
    bool answered; /* under the waiter's mtx */
    unsigned attempt;
    int64_t deadline_us;
};

static void waiter_init(struct waiter *w)
{
    must(pthread_mutex_init(&w->mtx, NULL) == 0);
    must(pthread_cond_init(&w->cond, NULL) == 0);
}

static void waiter_done(struct waiter *w)
{
    pthread_mutex_destroy(&w->mtx);
    pthread_cond_destroy(&w->cond);
}

static void wake(struct cql_op *op)
{
    struct waiting_op *x = op->ctx;
    struct waiter *w = x->waiter;
    pthread_mutex_lock(&w->mtx);
    x->answered = true;
    pthread_cond_signal(&w->cond); /* under the lock: whoever waits may free both right after it */
    pthread_mutex_unlock(&w->mtx);
}

static void start(struct cql_store *s, struct waiting_op *x, struct waiter *w)
{
    x->waiter = w;
    x->answered = false;
    x->op.done = wake;
    x->op.ctx = x;
    cql_op_start(s, &x->op);
}

static void wait_for(struct waiting_op *x)
{
    struct waiter *w = x->waiter;
    pthread_mutex_lock(&w->mtx);
    while (!x->answered)
        pthread_cond_wait(&w->cond, &w->mtx);
    pthread_mutex_unlock(&w->mtx);
}

/* A pause before a try: the cluster gets time, there is no event to wait for. */
static void pause_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

/* Wait for the answer; try again while there is sense in it and time. */
static void settle(struct cql_store *s, struct waiting_op *x, bool *ret_doubt)
{
    for (;;) {
        wait_for(x);
        *ret_doubt |= cql_write_error(x->op.kind) == BOX_EUNKNOWN;
        if (!cql_worth_retry(x->op.kind) || clock_monotonic_us(s->clock) >= x->deadline_us)
            return;
        pause_ms(cql_backoff_ms(s, ++x->attempt));
        x->op.attempt = x->attempt;
        start(s, x, x->waiter);
    }
}

static int64_t deadline(const struct cql_store *s)
{
    return clock_monotonic_us(s->clock) + CQL_DEADLINE_MS * 1000LL;
}

/* Run one op to its end. Returns as cql_call(). */
static int run(struct cql_store *s, struct waiting_op *x)
{
    struct waiter w;
    bool doubt = false;
    enum cql_statement_kind kind = CQL_STATEMENT_DEFS[x->op.statement].kind;
    waiter_init(&w);
    x->deadline_us = deadline(s);
    start(s, x, &w);
    settle(s, x, &doubt);
    waiter_done(&w);
    if (x->op.kind == CQL_OK)
        return 0;
    if (kind == CQL_KIND_READ || kind == CQL_KIND_SERIAL)
        return cql_read_error(x->op.kind);
    return doubt ? BOX_EUNKNOWN : BOX_EUNAVAILABLE;
}

static void give(struct cql_result *result, struct cql_result **ret_result)
{
    if (ret_result)
        *ret_result = result;
    else
        cql_result_free(result);
}

int cql_call(struct cql_store *s, enum cql_st st, const struct cql_values *values,
             struct cql_result **ret_result)
{
    struct waiting_op x = {.op = {.statement = st, .values = values}};
    must(CQL_STATEMENT_DEFS[st].kind != CQL_KIND_LWT);
    int ret = run(s, &x);
    if (!ret)
        give(x.op.result, ret_result);
    return ret;
}

int cql_applied(const struct cql_result *result, bool *ret_applied)
{
    if (cql_rows(result) == 0)
        return BOX_ECORRUPT;
    struct cql_row row = cql_row_at(result, 0);
    bool applied = row_boolean(&row, "[applied]");
    if (!row_ok(&row))
        return BOX_ECORRUPT;
    *ret_applied = applied;
    return 0;
}

int cql_call_lwt(struct cql_store *s, enum cql_st st, const struct cql_values *values, bool *ret_applied,
                 struct cql_result **ret_result)
{
    struct waiting_op x = {.op = {.statement = st, .values = values}};
    must(CQL_STATEMENT_DEFS[st].kind == CQL_KIND_LWT);
    int ret = run(s, &x);
    if (ret)
        return ret;
    if (cql_applied(x.op.result, ret_applied)) {
        cql_result_free(x.op.result);
        return BOX_EUNKNOWN;
    }
    give(x.op.result, ret_result);
    return 0;
}

/* ---- many ---- */

/* The slots are a ring: request i has slot i % CQL_MANY. */
struct many {
    struct cql_store *s;
    enum cql_st st;
    const struct cql_values *values;
    size_t count, begun;
    struct waiter waiter;
    struct waiting_op slots[CQL_MANY];
};

static void begin_next(struct many *m)
{
    struct waiting_op *x = &m->slots[m->begun % CQL_MANY];
    *x = (struct waiting_op){.op = {.statement = m->st, .values = &m->values[m->begun]}};
    x->deadline_us = deadline(m->s);
    m->begun++;
    start(m->s, x, &m->waiter);
}

static int end_one(struct many *m, size_t index, int error,
                   int (*each)(void *ctx, size_t index, const struct cql_result *result), void *ctx)
{
    struct waiting_op *x = &m->slots[index % CQL_MANY];
    bool doubt = false, read = CQL_STATEMENT_DEFS[m->st].kind != CQL_KIND_WRITE;
    if (error)
        wait_for(x); /* not again: what it would answer is not wanted any more */
    else
        settle(m->s, x, &doubt);
    int ret = error;
    if (!ret && x->op.kind != CQL_OK)
        ret = read ? cql_read_error(x->op.kind) : doubt ? BOX_EUNKNOWN : BOX_EUNAVAILABLE;
    if (!ret && each)
        ret = each(ctx, index, x->op.result);
    cql_result_free(x->op.result);
    return ret;
}

int cql_call_many(struct cql_store *s, enum cql_st st, const struct cql_values *values, size_t count,
                  int (*each)(void *ctx, size_t index, const struct cql_result *result), void *ctx)
{
    struct many *m = calloc(1, sizeof(*m));
    int ret = 0;
    must(m && CQL_STATEMENT_DEFS[st].kind != CQL_KIND_LWT);
    *m = (struct many){.s = s, .st = st, .values = values, .count = count};
    waiter_init(&m->waiter);
    for (size_t i = 0; i < count; i++) {
        while (!ret && m->begun < count && m->begun < i + CQL_MANY)
            begin_next(m);
        if (i == m->begun)
            break; /* an error: nothing new was begun, all that was has ended */
        ret = end_one(m, i, ret, each, ctx);
    }
    waiter_done(&m->waiter);
    free(m);
    return ret;
}

/* ---- paging ---- */

void cql_scan_init(struct cql_scan *scan, struct cql_store *s, enum cql_st st,
                   const struct cql_values *values, int32_t page_size)
{
    must(CQL_STATEMENT_DEFS[st].kind == CQL_KIND_READ);
    *scan = (struct cql_scan){.s = s, .statement = st, .page_size = page_size ? page_size : CQL_PAGE_ROWS};
    if (values)
        scan->values = *values;
}

static int read_page(struct cql_scan *scan)
{
    struct waiting_op x = {
        .op = {.statement = scan->statement, .values = &scan->values, .page_size = scan->page_size}};
    if (scan->result)
        x.op.page = cql_page(scan->result);
    int ret = run(scan->s, &x);
    cql_result_free(scan->result); /* its bytes said where the page begins */
    scan->result = ret ? NULL : x.op.result;
    scan->next = 0;
    scan->begun = true;
    return ret;
}

int cql_scan_next(struct cql_scan *scan, struct cql_row *ret_row)
{
    int ret = 0;
    while (!ret && (!scan->begun || (scan->result && scan->next == cql_rows(scan->result)))) {
        if (scan->begun && cql_page(scan->result).size <= 0)
            return BOX_ENOTFOUND;
        ret = read_page(scan);
    }
    if (ret)
        return ret;
    must(scan->result);
    *ret_row = cql_row_at(scan->result, scan->next++);
    return 0;
}

void cql_scan_done(struct cql_scan *scan)
{
    cql_result_free(scan->result);
    scan->result = NULL;
}
