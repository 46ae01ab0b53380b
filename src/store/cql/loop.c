#include "store/cql/loop.h"
#include "base/error.h"
#include "base/must.h"

/* How long until the first timer is due, in us; -1: there is none. */
static int64_t wait_us(struct cql_loop *l)
{
    const struct heap_item *first = heap_first(&l->timers);
    if (!first)
        return -1;
    int64_t left = first->key - clock_monotonic_us(l->clock);
    return left > 0 ? left : 0;
}

static void run_due(struct cql_loop *l)
{
    int64_t now = clock_monotonic_us(l->clock);
    struct heap_item *first;
    while ((first = heap_first(&l->timers)) && first->key <= now) {
        heap_remove(&l->timers, first);
        struct cql_timer *t = (struct cql_timer *)first;
        t->run(t);
    }
}

static void *run(void *ctx)
{
    struct cql_loop *l = ctx;
    while (!l->stopping) {
        mailbox_wait(&l->mailbox, wait_us(l));
        task_run_all(&l->mailbox);
        run_due(l);
    }
    return NULL;
}

int cql_loop_start(struct cql_loop *l, const struct clock *clock)
{
    l->clock = clock;
    l->stopping = false;
    heap_init(&l->timers);
    int ret = mailbox_init(&l->mailbox);
    if (ret)
        return ret;
    if (pthread_create(&l->thread, NULL, run, l)) {
        mailbox_done(&l->mailbox);
        return BOX_EIO;
    }
    return 0;
}

/* As a task: so the thread has done whatever was posted before. */
static void stop(struct task *t)
{
    struct cql_loop *l = (struct cql_loop *)((char *)t - offsetof(struct cql_loop, stop));
    l->stopping = true;
}

void cql_loop_stop(struct cql_loop *l)
{
    l->stop = (struct task){.run = stop};
    cql_loop_post(l, &l->stop);
    must(pthread_join(l->thread, NULL) == 0);
    heap_done(&l->timers);
    mailbox_done(&l->mailbox);
}

void cql_loop_post(struct cql_loop *l, struct task *t)
{
    task_post(&l->mailbox, t);
}

void cql_loop_after(struct cql_loop *l, struct cql_timer *t, int64_t delay_ms)
{
    heap_set(&l->timers, &t->item, clock_monotonic_us(l->clock) + delay_ms * 1000);
}

void cql_loop_cancel(struct cql_loop *l, struct cql_timer *t)
{
    heap_remove(&l->timers, &t->item);
}
