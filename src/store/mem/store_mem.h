/*
 * The reference store, in memory: for tests and simulations. Keeps the same bytes as the others keep (records
 * are encoded and decoded), so that what it gives back is what was durable. Latency, faults, fencing and
 * crashes on demand.
 */
#ifndef STORE_MEM_H
#define STORE_MEM_H

#include "store/store.h"

/* An empty store; store_close() frees it. */
struct store *store_mem_new(void);

/* Do not complete commits inside store_commit(): keep them until store_mem_step() completes the oldest. */
void store_mem_set_async(struct store *s, bool async);
/* Complete the oldest waiting commit. Returns false when none waits. */
bool store_mem_step(struct store *s);

enum store_mem_fault {
    STORE_MEM_UNKNOWN_DONE,   /* the write happens, the answer is BOX_EUNKNOWN */
    STORE_MEM_UNKNOWN_UNDONE, /* it does not happen, the answer is BOX_EUNKNOWN */
    STORE_MEM_FENCE,          /* another server takes the event over: BOX_EFENCED */
};
/* The @n-th write from now (1: the next commit, put or create) fails once in this way. */
void store_mem_fail(struct store *s, unsigned n, enum store_mem_fault fault);
/* How often store_reopen() fails before it succeeds. */
void store_mem_set_reopen_failures(struct store *s, unsigned n);
/* Power loss: waiting commits are lost (or, when @keep, done) without their done() being called. The store
   goes on as after a restart: what is durable is there. */
void store_mem_crash(struct store *s, bool keep);

#endif
