/*
 * A failed write is unknown, not undone. After any error of a write the backend is failed: no further write
 * is tried, and above all no sync is repeated (the kernel reports a failed write-back once and then calls the
 * pages clean). reopen() closes the database and opens it again, which reads the log from its start and
 * settles what is there.
 *
 * Every write is synced before the next one begins, also those that nobody waits for: so only the very last
 * record of the log can be incomplete after a power loss, which torn_tail.c relies on.
 *
 * Readers hold the lock shared from read_begin to read_end, workers while they have a batch; a reopen holds
 * it alone. The writer takes no lock for its batch, as it is the one who reopens. When a reopen fails, the
 * database stays closed: readers get BOX_EIO, writers BOX_EUNAVAILABLE, and reopen may be tried again. A
 * waiting reopen comes before new readers, so a thread never holds two reads.
 */
#include "store/rocksdb/kv_rocksdb.h"
#include "base/error.h"
#include "base/must.h"
#include "store/rocksdb/folder.h"
#include "store/rocksdb/options.h"
#include "store/rocksdb/torn_tail.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_AHEAD_BYTES = 1 << 21 };

struct kv_rocksdb {
    struct kv kv;
    /* immutable after open */
    char *path;
    struct rocksdb_setup setup;
    /* shared, under lock */
    pthread_rwlock_t lock;
    rocksdb_t *db; /* NULL: closed by a reopen that failed */
    rocksdb_column_family_handle_t *families[FAMILIES];
    /* shared */
    atomic_bool failed;
    /* shared, under reason_mtx */
    pthread_mutex_t reason_mtx;
    char reason[REASON_BYTES];
};

struct kv_batch {
    struct kv_rocksdb *owner;
    rocksdb_writebatch_t *b;
    bool worker; /* holds the lock shared while it lives */
    bool closed; /* began when the database was closed: nothing can be put in */
};

enum { PREFIX_MAX = 64 };

struct iter {
    struct kv_iter it;
    struct kv_rocksdb *owner;
    rocksdb_iterator_t *i;
    rocksdb_readoptions_t *options; /* refers to prefix and end */
    size_t prefix_size, end_size;
    uint8_t prefix[PREFIX_MAX], end[PREFIX_MAX];
};

static struct kv_rocksdb *db_of(const struct kv *kv)
{
    return (struct kv_rocksdb *)(uintptr_t)kv;
}

static void set_reason(struct kv_rocksdb *d, const char *text)
{
    pthread_mutex_lock(&d->reason_mtx);
    snprintf(d->reason, sizeof(d->reason), "%s", text);
    pthread_mutex_unlock(&d->reason_mtx);
}

/* Translate an error of a read; it does not fail the store. */
static int read_error(struct kv_rocksdb *d, char *error)
{
    char text[REASON_BYTES];
    int ret = rocksdb_error(ATTEMPT_READ, d->path, error, text);
    set_reason(d, text);
    return ret == BOX_ECORRUPT ? BOX_ECORRUPT : BOX_EIO;
}

/* ---- batches ---- */

static struct kv_batch *batch_new(struct kv *kv, enum kv_batch_kind kind)
{
    struct kv_rocksdb *d = db_of(kv);
    struct kv_batch *b = calloc(1, sizeof(*b));
    must(b);
    b->owner = d;
    b->worker = kind == KV_BATCH_WORKER;
    if (b->worker) {
        pthread_rwlock_rdlock(&d->lock);
        b->closed = !d->db;
    }
    b->b = rocksdb_writebatch_create();
    return b;
}

static void batch_free(struct kv_batch *b)
{
    rocksdb_writebatch_destroy(b->b);
    if (b->worker)
        pthread_rwlock_unlock(&b->owner->lock);
    free(b);
}

static void batch_clear(struct kv_batch *b)
{
    rocksdb_writebatch_clear(b->b);
}

static void put(struct kv_batch *b, enum table t, const void *key, size_t key_size, const void *value,
                size_t size)
{
    if (!b->closed)
        rocksdb_writebatch_put_cf(b->b, b->owner->families[t], key, key_size, value, size);
}

static void del(struct kv_batch *b, enum table t, const void *key, size_t key_size)
{
    if (!b->closed)
        rocksdb_writebatch_delete_cf(b->b, b->owner->families[t], key, key_size);
}

static void del_prefix(struct kv_batch *b, enum table t, const void *prefix, size_t size)
{
    uint8_t end[PREFIX_MAX];
    must(size <= sizeof(end));
    size_t end_size = kv_prefix_end(prefix, size, end);
    must(end_size > 0);
    if (!b->closed)
        rocksdb_writebatch_delete_range_cf(b->b, b->owner->families[t], prefix, size, (char *)end, end_size);
}

static int write_batch(struct kv *kv, struct kv_batch *b, bool answers)
{
    (void)answers;
    struct kv_rocksdb *d = db_of(kv);
    char *error = NULL;
    if (b->closed || atomic_load(&d->failed))
        return BOX_EUNAVAILABLE;
    must(d->db);
    rocksdb_set_perf_level(
        rocksdb_disable); /* of this thread: counting comparisons costs more than comparing */
    rocksdb_write(d->db, d->setup.synced, b->b, &error);
    if (!error)
        return 0;
    char text[REASON_BYTES];
    rocksdb_error(ATTEMPT_WRITE, d->path, error, text);
    set_reason(d, text);
    atomic_store(&d->failed, true);
    return BOX_EUNKNOWN;
}

/* ---- reads ---- */

static int read_begin(struct kv *kv, bool snapshot, struct kv_read *ret_read)
{
    struct kv_rocksdb *d = db_of(kv);
    pthread_rwlock_rdlock(&d->lock);
    if (!d->db) {
        pthread_rwlock_unlock(&d->lock);
        return BOX_EIO;
    }
    *ret_read = (struct kv_read){.kv = kv};
    if (snapshot)
        ret_read->snapshot = (void *)(uintptr_t)rocksdb_create_snapshot(d->db);
    return 0;
}

static void read_end(struct kv_read *r)
{
    struct kv_rocksdb *d = db_of(r->kv);
    if (r->snapshot)
        rocksdb_release_snapshot(d->db, r->snapshot);
    pthread_rwlock_unlock(&d->lock);
}

static rocksdb_readoptions_t *snapshot_options(const struct kv_read *r)
{
    rocksdb_readoptions_t *o = rocksdb_readoptions_create();
    if (r->snapshot)
        rocksdb_readoptions_set_snapshot(o, r->snapshot);
    return o;
}

static int get(struct kv_read *r, enum table t, const void *key, size_t key_size, struct buf *ret_value)
{
    struct kv_rocksdb *d = db_of(r->kv);
    rocksdb_readoptions_t *own = r->snapshot ? snapshot_options(r) : NULL;
    char *error = NULL;
    rocksdb_pinnableslice_t *value =
        rocksdb_get_pinned_cf(d->db, own ? own : d->setup.newest, d->families[t], key, key_size, &error);
    if (own)
        rocksdb_readoptions_destroy(own);
    if (error)
        return read_error(d, error);
    if (!value)
        return BOX_ENOTFOUND;
    size_t size = 0;
    const char *bytes = rocksdb_pinnableslice_value(value, &size);
    buf_add(ret_value, bytes, size);
    rocksdb_pinnableslice_destroy(value);
    return 0;
}

/* ---- iterators ---- */

static const struct kv_ops kv_rocksdb_ops;

static void set_bounds(struct iter *i, const void *prefix, size_t size)
{
    must(size <= PREFIX_MAX);
    if (size == 0)
        return;
    memcpy(i->prefix, prefix, size);
    i->prefix_size = size;
    i->end_size = kv_prefix_end(prefix, size, i->end);
    rocksdb_readoptions_set_iterate_lower_bound(i->options, (char *)i->prefix, size);
    if (i->end_size > 0)
        rocksdb_readoptions_set_iterate_upper_bound(i->options, (char *)i->end, i->end_size);
}

static struct kv_iter *iter_new(struct kv_read *r, enum table t, const void *prefix, size_t size,
                                enum kv_iter_kind kind)
{
    struct kv_rocksdb *d = db_of(r->kv);
    struct iter *i = calloc(1, sizeof(*i));
    must(i);
    rocksdb_set_perf_level(rocksdb_disable);
    i->it.ops = &kv_rocksdb_ops;
    i->owner = d;
    i->options = snapshot_options(r);
    set_bounds(i, prefix, size);
    if (kind == KV_ITER_LONG) {
        rocksdb_readoptions_set_readahead_size(i->options, READ_AHEAD_BYTES);
        rocksdb_readoptions_set_fill_cache(i->options, 0);
    }
    i->i = rocksdb_create_iterator_cf(d->db, i->options, d->families[t]);
    return &i->it;
}

static void iter_free(struct kv_iter *it)
{
    struct iter *i = (struct iter *)it;
    rocksdb_iter_destroy(i->i);
    rocksdb_readoptions_destroy(i->options);
    free(i);
}

/* Take over where RocksDB's iterator stands. */
static void moved(struct iter *i)
{
    char *error = NULL;
    i->it.valid = rocksdb_iter_valid(i->i);
    if (i->it.valid) {
        i->it.key.data = (const uint8_t *)rocksdb_iter_key(i->i, &i->it.key.size);
        i->it.value.data = (const uint8_t *)rocksdb_iter_value(i->i, &i->it.value.size);
        return;
    }
    rocksdb_iter_get_error(i->i, &error);
    if (error)
        i->it.error = read_error(i->owner, error);
}

static void iter_seek(struct kv_iter *it, const void *key, size_t size)
{
    struct iter *i = (struct iter *)it;
    if (size > 0)
        rocksdb_iter_seek(i->i, key, size); /* before the lower bound: goes to the bound */
    else
        rocksdb_iter_seek_to_first(i->i);
    moved(i);
}

static void iter_last(struct kv_iter *it)
{
    struct iter *i = (struct iter *)it;
    rocksdb_iter_seek_to_last(i->i);
    moved(i);
}

static void iter_next(struct kv_iter *it)
{
    struct iter *i = (struct iter *)it;
    must(it->valid);
    rocksdb_iter_next(i->i);
    moved(i);
}

/* ---- life ---- */

static int try_open(struct kv_rocksdb *d, char ret_reason[REASON_BYTES])
{
    char *error = NULL;
    rocksdb_t *db = rocksdb_open_column_families(d->setup.db, d->path, FAMILIES, d->setup.names,
                                                 (const rocksdb_options_t *const *)d->setup.families,
                                                 d->families, &error);
    if (error)
        return rocksdb_error(ATTEMPT_OPEN, d->path, error, ret_reason);
    d->db = db;
    return 0;
}

static int open_db(struct kv_rocksdb *d, char ret_reason[REASON_BYTES])
{
    int ret = rocksdb_folder_probe(d->path, ret_reason);
    if (!ret)
        ret = try_open(d, ret_reason);
    if (ret != BOX_ECORRUPT || !rocksdb_tail_is_torn(d->path))
        return ret;
    rocksdb_setup_cut_tail(&d->setup, true);
    ret = try_open(d, ret_reason);
    rocksdb_setup_cut_tail(&d->setup, false);
    return ret;
}

static void close_db(struct kv_rocksdb *d)
{
    if (!d->db)
        return;
    for (unsigned i = 0; i < FAMILIES; i++)
        rocksdb_column_family_handle_destroy(d->families[i]);
    rocksdb_close(d->db);
    d->db = NULL;
}

static void kv_rocksdb_close(struct kv *kv)
{
    struct kv_rocksdb *d = db_of(kv);
    close_db(d);
    rocksdb_setup_done(&d->setup);
    pthread_rwlock_destroy(&d->lock);
    pthread_mutex_destroy(&d->reason_mtx);
    free(d->path);
    free(d);
}

static int reopen(struct kv *kv)
{
    struct kv_rocksdb *d = db_of(kv);
    char text[REASON_BYTES];
    atomic_store(&d->failed, true); /* until it is open again nobody writes */
    pthread_rwlock_wrlock(&d->lock);
    close_db(d);
    int ret = open_db(d, text);
    if (ret)
        set_reason(d, text);
    else
        atomic_store(&d->failed, false);
    pthread_rwlock_unlock(&d->lock);
    return ret;
}

static bool writable(const struct kv *kv)
{
    return !atomic_load(&db_of(kv)->failed);
}

static void fail(struct kv *kv, const char *why)
{
    set_reason(db_of(kv), why);
    atomic_store(&db_of(kv)->failed, true);
}

static void reason(struct kv *kv, char *ret_text, size_t size)
{
    struct kv_rocksdb *d = db_of(kv);
    pthread_mutex_lock(&d->reason_mtx);
    snprintf(ret_text, size, "%s", d->reason);
    pthread_mutex_unlock(&d->reason_mtx);
}

static const struct kv_ops kv_rocksdb_ops = {
    .close = kv_rocksdb_close,
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

static void init_locks(struct kv_rocksdb *d)
{
    pthread_rwlockattr_t attr;
    must(pthread_rwlockattr_init(&attr) == 0);
    /* Or a stream of readers would put off a reopen for ever. */
    must(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    must(pthread_rwlock_init(&d->lock, &attr) == 0);
    pthread_rwlockattr_destroy(&attr);
    must(pthread_mutex_init(&d->reason_mtx, NULL) == 0);
}

int kv_rocksdb_open(const struct store_rocksdb_options *options, struct kv **ret_kv,
                    char ret_reason[REASON_BYTES])
{
    must(options->path && *options->path);
    struct kv_rocksdb *d = calloc(1, sizeof(*d));
    must(d);
    d->kv.ops = &kv_rocksdb_ops;
    d->path = strdup(options->path);
    must(d->path);
    init_locks(d);
    rocksdb_setup_init(&d->setup, options);
    int ret = rocksdb_folder_prepare(&d->setup, d->path, ret_reason);
    if (!ret)
        ret = open_db(d, ret_reason);
    if (ret)
        kv_rocksdb_close(&d->kv);
    else
        *ret_kv = &d->kv;
    return ret;
}
