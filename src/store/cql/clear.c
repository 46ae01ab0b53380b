#include "store/cql/clear.h"
#include "base/must.h"
#include "store/cql/commit.h"
#include "store/cql/events.h"
#include <stdlib.h>

enum { LOOK_MS = 500, CLEAR_MANY = 16 };

struct cql_clear {
    struct cql_store *s;
    struct task begin, end;
    /* owned by the store's thread */
    struct cql_timer timer;
    unsigned under_way;
    bool stopping;
    /* shared, under mtx */
    pthread_mutex_t mtx;
    pthread_cond_t cond;
    bool stopped;
};

struct clearing {
    struct cql_clear *clear;
    struct cql_idle_event event;
    struct arena arena;
    struct cql_values values;
    struct cql_op op;
};

static void stop_if_idle(struct cql_clear *c)
{
    if (!c->stopping || c->under_way)
        return;
    pthread_mutex_lock(&c->mtx);
    c->stopped = true;
    pthread_cond_signal(&c->cond); /* under the lock: whoever waits frees it right after */
    pthread_mutex_unlock(&c->mtx);
}

static void clear_some(struct cql_clear *c, int64_t before_us);

static void on_cleared(struct cql_op *op)
{
    struct clearing *x = op->ctx;
    struct cql_clear *c = x->clear;
    bool cleared = op->kind == CQL_OK; /* applied, or a group came first: the tail is gone either way */
    if (!cleared)
        cql_events_still_idle(c->s->events, &x->event);
    cql_result_free(op->result);
    arena_done(&x->arena);
    free(x);
    c->under_way--;
    if (c->stopping && cleared) /* a cluster that does not answer is not waited for again and again */
        clear_some(c, INT64_MAX);
    stop_if_idle(c);
}

static void clear(struct cql_clear *c, const struct cql_idle_event *event)
{
    struct clearing *x = calloc(1, sizeof(*x));
    must(x);
    x->clear = c;
    x->event = *event;
    arena_init(&x->arena, 0);
    cql_values_init(&x->values, &x->arena);
    bind_uuid(&x->values, &event->id.u);
    bind_bigint(&x->values, (int64_t)event->seq);
    bind_bigint(&x->values, event->epoch);
    x->op = (struct cql_op){
        .statement = CQL_ST_CLEAR_TAIL, .values = &x->values, .on_loop = true, .done = on_cleared, .ctx = x};
    c->under_way++;
    cql_op_start(c->s, &x->op);
}

/* As many as may be under way at once, of those without a group since @before_us. */
static void clear_some(struct cql_clear *c, int64_t before_us)
{
    struct cql_idle_event idle[CLEAR_MANY];
    uint32_t room = CLEAR_MANY - c->under_way;
    uint32_t count = cql_events_idle(c->s->events, before_us, idle, room);
    for (uint32_t i = 0; i < count; i++)
        clear(c, &idle[i]);
}

static void look(struct cql_timer *t)
{
    struct cql_clear *c = (struct cql_clear *)((char *)t - offsetof(struct cql_clear, timer));
    clear_some(c, clock_monotonic_us(c->s->clock) - COMMIT_IDLE_MS * 1000LL);
    cql_loop_after(&c->s->loop, t, LOOK_MS);
}

static void begin(struct task *t)
{
    struct cql_clear *c = (struct cql_clear *)((char *)t - offsetof(struct cql_clear, begin));
    c->timer.run = look;
    cql_loop_after(&c->s->loop, &c->timer, LOOK_MS);
}

static void end(struct task *t)
{
    struct cql_clear *c = (struct cql_clear *)((char *)t - offsetof(struct cql_clear, end));
    cql_loop_cancel(&c->s->loop, &c->timer);
    c->stopping = true;
    clear_some(c, INT64_MAX);
    stop_if_idle(c);
}

struct cql_clear *cql_clear_start(struct cql_store *s)
{
    struct cql_clear *c = calloc(1, sizeof(*c));
    must(c && pthread_mutex_init(&c->mtx, NULL) == 0 && pthread_cond_init(&c->cond, NULL) == 0);
    c->s = s;
    c->begin = (struct task){.run = begin};
    cql_loop_post(&s->loop, &c->begin);
    return c;
}

void cql_clear_stop(struct cql_clear *c)
{
    c->end = (struct task){.run = end};
    cql_loop_post(&c->s->loop, &c->end);
    pthread_mutex_lock(&c->mtx);
    while (!c->stopped)
        pthread_cond_wait(&c->cond, &c->mtx);
    pthread_mutex_unlock(&c->mtx);
    pthread_cond_destroy(&c->cond);
    pthread_mutex_destroy(&c->mtx);
    free(c);
}
