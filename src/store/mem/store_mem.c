/*
 * The reference store: the same tables as the embedded one, on maps in memory; and commits that wait until a
 * test lets them happen.
 *
 * A waiting commit is done by store_mem_step() as if it had been submitted then; one that waited while the
 * store failed is answered BOX_EUNAVAILABLE even when the store was reopened since, as a real one would have
 * dropped it.
 */
#include "store/mem/store_mem.h"
#include "base/must.h"
#include "store/kv/kv_store.h"
#include "store/mem/kv_mem.h"
#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 4096 };

struct waiting {
    struct commit *commit;
    bool doomed; /* the store failed while it waited */
};

/* The controls. The store itself is kv_store's; this is found through its operations, which are its own copy.
 */
struct mem_store {
    struct store_ops ops; /* first: the store points here */
    struct kv_store *s;
    /* owned by the writer */
    bool async;
    struct waiting waiting[WAITING_MAX]; /* a ring */
    size_t first, count;
};

static struct mem_store *mem_of(struct store *s)
{
    return (struct mem_store *)(uintptr_t)s->ops;
}

/* ---- commits ---- */

static void doom_waiting(struct mem_store *m)
{
    for (size_t i = 0; i < m->count; i++)
        m->waiting[(m->first + i) % WAITING_MAX].doomed = true;
}

static void do_commit(struct mem_store *m, struct commit *c)
{
    if (kv_mem_take_fence(m->s->kv)) {
        kv_commit_refuse(c, BOX_EFENCED);
        return;
    }
    kv_store_commit(&m->s->store, c);
}

static void mem_commit(struct store *s, struct commit *c)
{
    struct mem_store *m = mem_of(s);
    if (!m->async) {
        do_commit(m, c);
        return;
    }
    must(m->count < WAITING_MAX);
    m->waiting[(m->first + m->count++) % WAITING_MAX] = (struct waiting){.commit = c};
}

static struct waiting take_waiting(struct mem_store *m)
{
    must(m->count > 0);
    struct waiting w = m->waiting[m->first];
    m->first = (m->first + 1) % WAITING_MAX;
    m->count--;
    return w;
}

bool store_mem_step(struct store *s)
{
    struct mem_store *m = mem_of(s);
    if (m->count == 0)
        return false;
    struct waiting w = take_waiting(m);
    if (!store_writable(s))
        doom_waiting(m);
    if (w.doomed)
        kv_commit_refuse(w.commit, BOX_EUNAVAILABLE);
    else
        do_commit(m, w.commit);
    return true;
}

static int mem_reopen(struct store *s)
{
    struct mem_store *m = mem_of(s);
    if (!store_writable(s))
        doom_waiting(m);
    return kv_store_ops.reopen(s);
}

static void mem_close(struct store *s)
{
    struct mem_store *m = mem_of(s);
    must(m->count == 0);
    kv_store_ops.close(s);
    free(m);
}

/* ---- controls ---- */

struct store *store_mem_new(void)
{
    struct rng rng;
    const char *reason;
    struct mem_store *m = calloc(1, sizeof(*m));
    must(m);
    rng_init_seeded(&rng, 1); /* the same in every run */
    must(kv_store_open(kv_mem_new(), &rng, &m->s, &reason) == 0);
    m->ops = kv_store_ops;
    m->ops.commit = mem_commit;
    m->ops.reopen = mem_reopen;
    m->ops.close = mem_close;
    m->s->store.ops = &m->ops;
    return &m->s->store;
}

void store_mem_set_async(struct store *s, bool async)
{
    mem_of(s)->async = async;
}

void store_mem_fail(struct store *s, unsigned n, enum store_mem_fault fault)
{
    must(n > 0);
    kv_mem_fail(mem_of(s)->s->kv, n, fault);
}

void store_mem_set_reopen_failures(struct store *s, unsigned n)
{
    kv_mem_set_reopen_failures(mem_of(s)->s->kv, n);
}

static void nobody_waits(struct commit *c)
{
    (void)c;
}

/* Do it without telling: the one who would be told died with the power. */
static void commit_unseen(struct mem_store *m, struct commit *c)
{
    struct commit unseen = *c;
    unseen.done = nobody_waits;
    kv_store_commit(&m->s->store, &unseen);
}

void store_mem_crash(struct store *s, bool keep)
{
    struct mem_store *m = mem_of(s);
    while (m->count > 0) {
        struct waiting w = take_waiting(m);
        if (keep && !w.doomed)
            commit_unseen(m, w.commit);
    }
    kv_mem_set_reopen_failures(m->s->kv, 0);
    must(kv_store_ops.reopen(s) == 0);
    must(kv_drop_orphans(m->s) == 0); /* as an open would */
}
