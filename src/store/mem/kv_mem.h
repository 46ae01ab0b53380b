/* The key-value backend in memory, with the faults that tests ask for. */
#ifndef STORE_KV_MEM_H
#define STORE_KV_MEM_H

#include "store/kv/kv.h"
#include "store/mem/store_mem.h"

/* An empty one; its close operation frees it. */
struct kv *kv_mem_new(void);
/* See store_mem_fail(). STORE_MEM_FENCE is not for writes: ask kv_mem_take_fence() at each commit. */
void kv_mem_fail(struct kv *kv, unsigned n, enum store_mem_fault fault);
/* True when the coming write is to be refused as fenced; it then counts as done. */
bool kv_mem_take_fence(struct kv *kv);
void kv_mem_set_reopen_failures(struct kv *kv, unsigned n);

#endif
