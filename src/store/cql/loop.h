/*
 * The store's own thread: what comes back from the driver's threads is done here, one after another, so that
 * the state of a commit has one owner and needs no lock. Tasks from any thread, timers of its own.
 */
#ifndef STORE_CQL_LOOP_H
#define STORE_CQL_LOOP_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/task.h"
#include <pthread.h>

struct cql_timer {
    struct heap_item item;
    void (*run)(struct cql_timer *t); /* once; may set it again */
};

struct cql_loop {
    /* immutable after start */
    const struct clock *clock;
    pthread_t thread;
    /* shared */
    struct mailbox mailbox;
    /* owned by the thread */
    struct heap timers;
    struct task stop;
    bool stopping;
};

/* Start the thread. Returns 0 or BOX_EIO. */
int cql_loop_start(struct cql_loop *l, const struct clock *clock);
/* Run what was posted, then end; timers that are not due are dropped. Nobody posts any more. Blocks. */
void cql_loop_stop(struct cql_loop *l);
/* Have @t->run() called by the thread. Thread: any. */
void cql_loop_post(struct cql_loop *l, struct task *t);
/* Have @t->run() called in @delay_ms; one that is set already is moved. Thread: the loop's. */
void cql_loop_after(struct cql_loop *l, struct cql_timer *t, int64_t delay_ms);
/* Take it back; one that is not set is left alone. Thread: the loop's. */
void cql_loop_cancel(struct cql_loop *l, struct cql_timer *t);

#endif
