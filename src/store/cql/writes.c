#include "store/cql/writes.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 8 };

/* ---- the list ---- */

void cql_writes_init(struct cql_writes *w)
{
    *w = (struct cql_writes){.first = NULL};
    arena_init(&w->arena, 16384);
    w->end = &w->first;
}

void cql_writes_done(struct cql_writes *w)
{
    arena_done(&w->arena);
}

static struct cql_write *write_new(struct cql_writes *w, enum cql_st statement)
{
    struct cql_write *write = arena_alloc(&w->arena, sizeof(*write));
    cql_values_init(&write->values, &w->arena);
    cql_write_more(w, write, statement);
    return write;
}

struct cql_write *cql_writes_add(struct cql_writes *w, enum cql_st statement)
{
    struct cql_write *write = write_new(w, statement);
    *w->end = write;
    w->end = &write->next;
    w->count++;
    return write;
}

void cql_write_more(struct cql_writes *w, struct cql_write *write, enum cql_st statement)
{
    if (write->count == write->cap) {
        size_t cap = write->cap ? 4 * write->cap : 1;
        enum cql_st *more = arena_array(&w->arena, cap, sizeof(*more));
        if (write->count)
            memcpy(more, write->statements, write->count * sizeof(*more));
        write->statements = more;
        write->cap = cap;
    }
    write->statements[write->count++] = statement;
}

struct cql_write *cql_write_otherwise(struct cql_writes *w, struct cql_write *write, enum cql_st statement)
{
    write->otherwise = write_new(w, statement);
    return write->otherwise;
}

/* ---- doing them, on the loop's thread ---- */

/* One place through which requests go, one after another. */
struct lane {
    struct cql_op op;
    struct cql_timer timer; /* until the next try */
    struct writing *writing;
    const struct cql_write *write;
    unsigned tries;
};

struct writing {
    struct cql_store *s;
    const struct cql_write *next; /* not begun yet */
    size_t lane_count, busy;
    int64_t deadline_us;
    int result;
    void (*done)(void *ctx, int result);
    void *ctx;
    struct task task;
    struct lane lanes[];
};

static void on_answer(struct cql_op *op);

static void start(struct lane *l)
{
    const struct cql_write *w = l->write;
    l->op = (struct cql_op){
        .statement = w->statements[0],
        .batch = w->count > 1 ? w->statements : NULL,
        .batch_count = w->count > 1 ? w->count : 0,
        .values = &w->values,
        .attempt = l->tries,
        .on_loop = true,
        .done = on_answer,
        .ctx = l,
    };
    cql_op_start(l->writing->s, &l->op);
}

static void try_again(struct cql_timer *t)
{
    start((struct lane *)((char *)t - offsetof(struct lane, timer)));
}

static void end(struct writing *x)
{
    void (*done)(void *, int) = x->done;
    void *ctx = x->ctx;
    int result = x->result;
    free(x);
    done(ctx, result);
}

/* The lane is free: give it the next request, or be done with the last. */
static void go_on(struct lane *l)
{
    struct writing *x = l->writing;
    l->write = x->result ? NULL : x->next;
    if (l->write) {
        x->next = l->write->next;
        l->tries = 0;
        start(l);
    } else if (--x->busy == 0) {
        end(x);
    }
}

/* An LWT says whether it was done. One of ours that is refused because an earlier try was applied needs
 * nothing more: its `otherwise` is refused as well. */
static const struct cql_write *what_else(const struct lane *l)
{
    bool applied = true;
    if (CQL_STATEMENT_DEFS[l->write->statements[0]].kind == CQL_KIND_LWT &&
        cql_applied(l->op.result, &applied))
        return NULL;
    return applied ? NULL : l->write->otherwise;
}

static void on_answer(struct cql_op *op)
{
    struct lane *l = op->ctx;
    struct writing *x = l->writing;
    if (op->kind == CQL_OK) {
        const struct cql_write *otherwise = what_else(l);
        cql_result_free(op->result);
        if (otherwise) {
            l->write = otherwise;
            l->tries = 0;
            start(l);
        } else {
            go_on(l);
        }
        return;
    }
    if (!cql_worth_retry(op->kind) || clock_monotonic_us(x->s->clock) >= x->deadline_us) {
        x->result = BOX_EUNKNOWN;
        go_on(l);
        return;
    }
    l->timer.run = try_again;
    cql_loop_after(&x->s->loop, &l->timer, cql_backoff_ms(x->s, ++l->tries));
}

/* Answers come as tasks of their own: none of the lanes can end in here, as each gets a request. */
static void begin(struct task *t)
{
    struct writing *x = (struct writing *)((char *)t - offsetof(struct writing, task));
    x->busy = x->lane_count;
    for (size_t i = 0; i < x->lane_count; i++) {
        x->lanes[i].writing = x;
        go_on(&x->lanes[i]);
    }
    if (x->lane_count == 0)
        end(x);
}

void cql_writes_start(struct cql_store *s, const struct cql_writes *w, size_t many, int64_t deadline_us,
                      void (*done)(void *ctx, int result), void *ctx)
{
    size_t lanes = w->count < many ? w->count : many;
    struct writing *x = calloc(1, sizeof(*x) + lanes * sizeof(x->lanes[0]));
    must(x);
    x->s = s;
    x->next = w->first;
    x->lane_count = lanes;
    x->deadline_us = deadline_us;
    x->done = done;
    x->ctx = ctx;
    x->task = (struct task){.run = begin};
    cql_loop_post(&s->loop, &x->task);
}

/* ---- for workers ---- */

struct waiter {
    pthread_mutex_t mtx;
    pthread_cond_t cond;
    bool done; /* under mtx */
    int result;
};

static void wake(void *ctx, int result)
{
    struct waiter *w = ctx;
    pthread_mutex_lock(&w->mtx);
    w->done = true;
    w->result = result;
    pthread_cond_signal(&w->cond); /* under the lock: whoever waits frees it right after */
    pthread_mutex_unlock(&w->mtx);
}

int cql_writes_run(struct cql_store *s, const struct cql_writes *w, size_t many)
{
    struct waiter waiter = {.done = false};
    must(pthread_mutex_init(&waiter.mtx, NULL) == 0 && pthread_cond_init(&waiter.cond, NULL) == 0);
    cql_writes_start(s, w, many, clock_monotonic_us(s->clock) + CQL_DEADLINE_MS * 1000LL, wake, &waiter);
    pthread_mutex_lock(&waiter.mtx);
    while (!waiter.done)
        pthread_cond_wait(&waiter.cond, &waiter.mtx);
    pthread_mutex_unlock(&waiter.mtx);
    pthread_cond_destroy(&waiter.cond);
    pthread_mutex_destroy(&waiter.mtx);
    return waiter.result;
}
