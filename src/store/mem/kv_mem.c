/*
 * Tables are maps; a batch is the list of its operations as bytes, applied under a lock. A read holds the
 * lock shared, which makes it a snapshot.
 */
#include "store/mem/kv_mem.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/must.h"
#include "store/mem/map.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kv_mem {
    struct kv kv;
    pthread_rwlock_t lock;
    /* shared, under lock */
    struct map tables[TABLES];
    unsigned fail_in; /* writes until the fault; 0: none is set */
    enum store_mem_fault fault;
    unsigned reopen_failures;
    bool closed; /* by a reopen that failed */
    /* shared */
    atomic_bool failed;
};

enum op { OP_PUT, OP_DEL, OP_DEL_PREFIX };

struct kv_batch {
    struct buf ops;
};

struct iter {
    struct kv_iter it;
    const struct map *map;
    const struct map_node *node;
    size_t prefix_size;
    uint8_t prefix[];
};

static struct kv_mem *mem_of(const struct kv *kv)
{
    return (struct kv_mem *)kv;
}

/* ---- batches ---- */

/* Nothing is lost by a reopen here, so nothing needs to be put off. */
static struct kv_batch *batch_new(struct kv *kv, enum kv_batch_kind kind)
{
    (void)kv, (void)kind;
    struct kv_batch *b = calloc(1, sizeof(*b));
    must(b);
    return b;
}

static void batch_free(struct kv_batch *b)
{
    buf_done(&b->ops);
    free(b);
}

static void batch_clear(struct kv_batch *b)
{
    buf_reset(&b->ops);
}

static void add_op(struct kv_batch *b, enum op op, enum table t, const void *key, size_t key_size)
{
    must((unsigned)t < TABLES && key_size > 0);
    put_u8(&b->ops, (uint8_t)op);
    put_u8(&b->ops, (uint8_t)t);
    put_bytes(&b->ops, key, key_size);
}

static void put(struct kv_batch *b, enum table t, const void *key, size_t key_size, const void *value,
                size_t size)
{
    add_op(b, OP_PUT, t, key, key_size);
    put_bytes(&b->ops, value, size);
}

static void del(struct kv_batch *b, enum table t, const void *key, size_t key_size)
{
    add_op(b, OP_DEL, t, key, key_size);
}

static void del_prefix(struct kv_batch *b, enum table t, const void *prefix, size_t size)
{
    add_op(b, OP_DEL_PREFIX, t, prefix, size);
}

static bool begins_with(const struct map_node *n, const void *prefix, size_t size)
{
    return n && n->key_size >= size && (size == 0 || memcmp(n->key, prefix, size) == 0);
}

static void delete_prefix(struct map *m, const void *prefix, size_t size)
{
    const struct map_node *n;
    while ((n = map_seek(m, prefix, size)) && begins_with(n, prefix, size)) {
        struct buf key = {0}; /* the node goes, and its key with it */
        buf_add(&key, n->key, n->key_size);
        map_del(m, key.data, key.size);
        buf_done(&key);
    }
}

static void apply(struct kv_mem *m, const struct kv_batch *b)
{
    struct rd r;
    rd_init(&r, b->ops.data, b->ops.size);
    while (rd_left(&r)) {
        uint8_t op = rd_u8(&r);
        struct map *map = &m->tables[rd_u8(&r)];
        size_t key_size, size;
        const uint8_t *key = rd_bytes(&r, &key_size);
        if (op == OP_PUT) {
            const uint8_t *value = rd_bytes(&r, &size);
            map_put(map, key, key_size, value, size);
        } else if (op == OP_DEL) {
            map_del(map, key, key_size);
        } else {
            delete_prefix(map, key, key_size);
        }
    }
    must(rd_end(&r));
}

/*
 * Count one write: only those that somebody waits for, so that a creation of many batches is one write, which
 * fails at its end. A fence that is due waits for a commit.
 */
static bool fault_due(struct kv_mem *m, bool answers)
{
    if (!answers || m->fail_in == 0 || (m->fail_in == 1 && m->fault == STORE_MEM_FENCE))
        return false;
    return --m->fail_in == 0;
}

static int write_batch(struct kv *kv, struct kv_batch *b, bool answers)
{
    struct kv_mem *m = mem_of(kv);
    int ret = 0;
    pthread_rwlock_wrlock(&m->lock);
    if (m->failed) {
        ret = BOX_EUNAVAILABLE;
    } else if (fault_due(m, answers)) {
        m->failed = true;
        ret = BOX_EUNKNOWN;
        if (m->fault == STORE_MEM_UNKNOWN_DONE)
            apply(m, b);
    } else {
        apply(m, b);
    }
    pthread_rwlock_unlock(&m->lock);
    return ret;
}

/* ---- reads ---- */

static int read_begin(struct kv *kv, bool snapshot, struct kv_read *ret_read)
{
    struct kv_mem *m = mem_of(kv);
    (void)snapshot;
    pthread_rwlock_rdlock(&m->lock);
    if (m->closed) {
        pthread_rwlock_unlock(&m->lock);
        return BOX_EIO;
    }
    *ret_read = (struct kv_read){.kv = kv};
    return 0;
}

static void read_end(struct kv_read *r)
{
    pthread_rwlock_unlock(&mem_of(r->kv)->lock);
}

static int get(struct kv_read *r, enum table t, const void *key, size_t key_size, struct buf *ret_value)
{
    const struct map_node *n = map_seek(&mem_of(r->kv)->tables[t], key, key_size);
    if (!begins_with(n, key, key_size) || n->key_size != key_size)
        return BOX_ENOTFOUND;
    buf_add(ret_value, n->value, n->value_size);
    return 0;
}

static const struct kv_ops kv_mem_ops;

static struct kv_iter *iter_new(struct kv_read *r, enum table t, const void *prefix, size_t size,
                                enum kv_iter_kind kind)
{
    (void)kind;
    struct iter *i = calloc(1, sizeof(*i) + size);
    must(i);
    i->it.ops = &kv_mem_ops;
    i->map = &mem_of(r->kv)->tables[t];
    i->prefix_size = size;
    if (size)
        memcpy(i->prefix, prefix, size);
    return &i->it;
}

static void iter_free(struct kv_iter *it)
{
    free((struct iter *)it);
}

static void move(struct iter *i, const struct map_node *n)
{
    i->it.valid = begins_with(n, i->prefix, i->prefix_size);
    i->node = n;
    if (i->it.valid) {
        i->it.key = (struct slice){.data = n->key, .size = n->key_size};
        i->it.value = (struct slice){.data = n->value, .size = n->value_size};
    }
}

static void iter_seek(struct kv_iter *it, const void *key, size_t size)
{
    struct iter *i = (struct iter *)it;
    size_t common = size < i->prefix_size ? size : i->prefix_size;
    int order = common ? memcmp(key, i->prefix, common) : 0;
    if (order < 0 || (order == 0 && size <= i->prefix_size))
        move(i, map_seek(i->map, i->prefix, i->prefix_size));
    else
        move(i, map_seek(i->map, key, size));
}

static void iter_last(struct kv_iter *it)
{
    struct iter *i = (struct iter *)it;
    uint8_t end[64];
    must(i->prefix_size <= sizeof(end));
    size_t size = kv_prefix_end(i->prefix, i->prefix_size, end);
    move(i, map_before(i->map, end, size));
}

static void iter_next(struct kv_iter *it)
{
    struct iter *i = (struct iter *)it;
    must(it->valid);
    move(i, i->node->next[0]);
}

/* ---- life ---- */

static void kv_mem_close(struct kv *kv)
{
    struct kv_mem *m = mem_of(kv);
    for (unsigned t = 0; t < TABLES; t++)
        map_done(&m->tables[t]);
    pthread_rwlock_destroy(&m->lock);
    free(m);
}

static int reopen(struct kv *kv)
{
    struct kv_mem *m = mem_of(kv);
    int ret = 0;
    pthread_rwlock_wrlock(&m->lock);
    if (m->reopen_failures > 0) {
        m->reopen_failures--;
        m->closed = true;
        m->failed = true;
        ret = BOX_EIO;
    } else {
        m->closed = false;
        m->failed = false;
    }
    pthread_rwlock_unlock(&m->lock);
    return ret;
}

static bool writable(const struct kv *kv)
{
    return !atomic_load(&mem_of(kv)->failed);
}

static void fail(struct kv *kv, const char *why)
{
    (void)why;
    atomic_store(&mem_of(kv)->failed, true);
}

static void reason(struct kv *kv, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%s", writable(kv) ? "" : "a fault that a test asked for");
}

static const struct kv_ops kv_mem_ops = {
    .close = kv_mem_close,
    .reopen = reopen,
    .writable = writable,
    .fail = fail,
    .reason = reason,
    .batch_new = batch_new,
    .batch_free = batch_free,
    .batch_clear = batch_clear,
    .put = put,
    .del = del,
    .del_prefix = del_prefix,
    .write = write_batch,
    .read_begin = read_begin,
    .read_end = read_end,
    .get = get,
    .iter_new = iter_new,
    .iter_free = iter_free,
    .iter_seek = iter_seek,
    .iter_last = iter_last,
    .iter_next = iter_next,
};

struct kv *kv_mem_new(void)
{
    struct kv_mem *m = calloc(1, sizeof(*m));
    must(m);
    m->kv.ops = &kv_mem_ops;
    must(pthread_rwlock_init(&m->lock, NULL) == 0);
    for (unsigned t = 0; t < TABLES; t++)
        map_init(&m->tables[t]);
    return &m->kv;
}

/* ---- controls ---- */

void kv_mem_fail(struct kv *kv, unsigned n, enum store_mem_fault fault)
{
    struct kv_mem *m = mem_of(kv);
    pthread_rwlock_wrlock(&m->lock);
    m->fail_in = n;
    m->fault = fault;
    pthread_rwlock_unlock(&m->lock);
}

bool kv_mem_take_fence(struct kv *kv)
{
    struct kv_mem *m = mem_of(kv);
    pthread_rwlock_wrlock(&m->lock);
    bool due = m->fail_in == 1 && m->fault == STORE_MEM_FENCE && !m->failed;
    if (due)
        m->fail_in = 0;
    pthread_rwlock_unlock(&m->lock);
    return due;
}

void kv_mem_set_reopen_failures(struct kv *kv, unsigned n)
{
    struct kv_mem *m = mem_of(kv);
    pthread_rwlock_wrlock(&m->lock);
    m->reopen_failures = n;
    pthread_rwlock_unlock(&m->lock);
}
