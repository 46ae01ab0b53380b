/*
 * Task: a piece of work that one thread hands to another, embedded in the sender's object.
 * A loop's mailbox holds tasks; so does the queue of the workers.
 */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include "base/mailbox.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct task {
    struct mail mail;
    void (*run)(struct task *t); /* may free the object that holds @t */
};

/* Post @t to @m: its run() is called by the thread that takes @m's mail. Thread: any. */
void task_post(struct mailbox *m, struct task *t);
/* Take all mail of @m, which must be tasks, and run it. Returns how many ran. Thread: the taker. */
size_t task_run_all(struct mailbox *m);

/* Bounded queue that several worker threads empty. */
struct work_queue {
    pthread_mutex_t mtx;
    pthread_cond_t wake;
    struct mail *first, *last; /* under mtx */
    size_t count, limit;       /* count under mtx */
    bool stopping;             /* under mtx */
};

/* An empty queue that holds at most @limit tasks. */
void work_init(struct work_queue *q, size_t limit);
/* Must be empty, and no thread in work_loop(). */
void work_done(struct work_queue *q);
/* Queue @t; never blocks. Returns 0, BOX_EBUSY (full; @t stays the caller's) or BOX_ESHUTDOWN. Thread: any.
 */
int work_submit(struct work_queue *q, struct task *t);
/* Run tasks until work_stop() was called and the queue is empty. Thread: each worker. */
void work_loop(struct work_queue *q);
/* Refuse new tasks and let the workers end when the queue is empty. Thread: any. */
void work_stop(struct work_queue *q);
/* Run what is queued now, in this thread (for tests and simulations). */
void work_drain(struct work_queue *q);

#endif
