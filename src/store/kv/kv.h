/*
 * An ordered key-value backend: tables of byte strings sorted by key, batches that are written whole or not
 * at all, and consistent reads. Everything that a store knows beyond this (rows, lists, cursors, fencing) is
 * written once on top, in kv_store.c and its neighbours; a backend is one kv_ops table.
 */
#ifndef STORE_KV_H
#define STORE_KV_H

#include "base/buf.h"
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tables; keys and values are written down in format.h. */
enum table {
    TABLE_META,
    TABLE_VENUES,
    TABLE_VENUE_SECTIONS,
    TABLE_EVENTS,
    TABLE_TICKETS,
    TABLE_ORDER_QUEUE,
    TABLE_ORDERS,
    TABLE_HOLDS,
    TABLE_CHANGES,
    TABLE_CHANGES_BY_EVENT,
    TABLE_PERSONAL,
    TABLE_ORDER_INDEX,
    TABLE_IDEMPOTENCY,
    TABLES
};

/* "order_queue" */
const char *table_name(enum table t);

struct slice {
    const uint8_t *data;
    size_t size;
};

struct kv_ops;
struct kv_batch;

struct kv {
    const struct kv_ops *ops;
};

/* An open read: between read_begin and read_end the backend stays open. One thread. */
struct kv_read {
    struct kv *kv;
    void *snapshot; /* the backend's; NULL: each get and iterator sees the newest */
};

/* Rows of one table that begin with a prefix, in key order. Backends embed it as their first member. */
struct kv_iter {
    const struct kv_ops *ops;
    bool valid; /* key and value are lent until the next move */
    int error;  /* 0, BOX_EIO or BOX_ECORRUPT; valid is then false */
    struct slice key, value;
};

enum kv_iter_kind {
    KV_ITER_SHORT, /* a page of a list */
    KV_ITER_LONG,  /* a whole event: read ahead, keep the cache for others */
};

enum kv_batch_kind { KV_BATCH_WORKER, KV_BATCH_WRITER };

struct kv_ops {
    void (*close)(struct kv *kv);
    /* After a failure: close and open again. Returns 0, BOX_EIO, BOX_ECORRUPT, BOX_ELOCKED. */
    int (*reopen)(struct kv *kv);
    bool (*writable)(const struct kv *kv);
    /* Fail it from above, as a failed write would. */
    void (*fail)(struct kv *kv, const char *why);
    /* Copy why the last failure happened. */
    void (*reason)(struct kv *kv, char *ret_text, size_t size);

    /*
     * An empty batch. One of KV_BATCH_WORKER puts off a reopen until it is freed; its owner must not begin a
     * read meanwhile. One of KV_BATCH_WRITER is for the thread that reopens, and is used only while the
     * backend is writable.
     */
    struct kv_batch *(*batch_new)(struct kv *kv, enum kv_batch_kind kind);
    void (*batch_free)(struct kv_batch *b);
    void (*batch_clear)(struct kv_batch *b);
    void (*put)(struct kv_batch *b, enum table t, const void *key, size_t key_size, const void *value,
                size_t size);
    void (*del)(struct kv_batch *b, enum table t, const void *key, size_t key_size);
    /* Delete every row whose key begins with @prefix (which is not all 0xff). */
    void (*del_prefix)(struct kv_batch *b, enum table t, const void *prefix, size_t size);
    /*
     * Write a batch: it is on disk at return. It can be cleared and used again. @answers: somebody waits for
     * just this; false for a part of something that goes on, or housekeeping (a test counts faults by it).
     * Returns 0; BOX_EUNKNOWN, after which the backend is failed until reopen; BOX_EUNAVAILABLE (it had
     * failed before).
     */
    int (*write)(struct kv *kv, struct kv_batch *b, bool answers);

    /* Begin to read; with @snapshot all reads see one state. Waits for a reopen under way. Returns 0 or
     * BOX_EIO (closed). */
    int (*read_begin)(struct kv *kv, bool snapshot, struct kv_read *ret_read);
    void (*read_end)(struct kv_read *r);
    /* Append the value to @ret_value. Returns 0, BOX_ENOTFOUND, BOX_EIO, BOX_ECORRUPT. */
    int (*get)(struct kv_read *r, enum table t, const void *key, size_t key_size, struct buf *ret_value);
    /* Not positioned yet. @prefix is copied. */
    struct kv_iter *(*iter_new)(struct kv_read *r, enum table t, const void *prefix, size_t size,
                                enum kv_iter_kind kind);
    void (*iter_free)(struct kv_iter *it);
    /* Go to the first row of the prefix whose key is >= @key (size 0: the first of all). */
    void (*iter_seek)(struct kv_iter *it, const void *key, size_t size);
    /* Go to the last row of the prefix. */
    void (*iter_last)(struct kv_iter *it);
    void (*iter_next)(struct kv_iter *it);
};

/* The first key after all that begin with @prefix, into @ret (@size bytes). Returns its size; 0 when there is
 * none. */
size_t kv_prefix_end(const void *prefix, size_t size, uint8_t *ret);

#endif
