/*
 * Life of a store on a key-value backend: start, reopen, stop.
 *
 * What a start finds out:
 *   - the format, before anything is believed or written;
 *   - the newest commit number and the state of each event, from which fencing and counting go on;
 *   - whether the log is whole: commit numbers are 1, 2, 3, ... so a gap means that the backend lost writes
 *     in the middle (a log file cut short while a later one survived) and the store must not be used. Looked
 *     at from where the last start found it whole, but at most CHECK_MAX numbers back, which is more than
 *     the backend keeps in files that are not tables yet;
 *   - at open, but not at reopen, when an event may be in creation: tickets of events that never came to be.
 */
#include "store/kv/kv_store.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

enum { CHECK_MAX = 1000000 };

static const char KEY_FORMAT[] = "format", KEY_CHECKED[] = "checked";

/* ---- small meta records ---- */

static int read_meta_u64(struct kv_read *r, const char *key, size_t value_size, uint64_t *ret)
{
    struct buf value = {0};
    int code = r->kv->ops->get(r, TABLE_META, key, strlen(key), &value);
    if (!code && value.size != value_size)
        code = BOX_ECORRUPT;
    if (!code)
        *ret = value_size == 4 ? load_u32((uint8_t *)value.data) : load_u64((uint8_t *)value.data);
    buf_done(&value);
    return code;
}

static bool table_empty(struct kv_read *r, enum table t)
{
    struct kv_iter *it = r->kv->ops->iter_new(r, t, NULL, 0, KV_ITER_SHORT);
    r->kv->ops->iter_seek(it, NULL, 0);
    bool empty = !it->valid && !it->error;
    r->kv->ops->iter_free(it);
    return empty;
}

/* Returns 0, BOX_ENOTFOUND for a store that has nothing yet, BOX_ENEWER, BOX_EOLDER, BOX_ECORRUPT, BOX_EIO.
 */
static int check_format(struct kv_read *r, const char **ret_reason)
{
    uint64_t version = 0;
    int ret = read_meta_u64(r, KEY_FORMAT, 4, &version);
    if (ret == BOX_ENOTFOUND) {
        if (table_empty(r, TABLE_META) && table_empty(r, TABLE_EVENTS) && table_empty(r, TABLE_VENUES))
            return BOX_ENOTFOUND;
        *ret_reason = "the store has data but no format number; restore a backup";
        return BOX_ECORRUPT;
    }
    if (ret) {
        *ret_reason = "the store's format number cannot be read";
        return ret;
    }
    return format_check(version, ret_reason);
}

static int make_format(struct kv_store *s, struct rng *rng)
{
    const struct kv_ops *ops = s->kv->ops;
    struct key version;
    key_begin(&version);
    key_u32(&version, FORMAT_VERSION);
    struct kv_batch *b = ops->batch_new(s->kv, KV_BATCH_WORKER);
    uint8_t secret[32];
    rng_bytes(rng, secret, sizeof(secret));
    ops->put(b, TABLE_META, KEY_FORMAT, strlen(KEY_FORMAT), version.b, version.size);
    ops->put(b, TABLE_META, "secret/email_index", strlen("secret/email_index"), secret, sizeof(secret));
    int ret = ops->write(s->kv, b, true);
    ops->batch_free(b);
    return ret ? BOX_EIO : 0;
}

static int read_email_secret(struct kv_store *s, struct kv_read *r)
{
    struct buf value = {0};
    int ret = r->kv->ops->get(r, TABLE_META, "secret/email_index", strlen("secret/email_index"), &value);
    if (ret == BOX_ENOTFOUND || (!ret && value.size != sizeof(s->email_secret)))
        ret = BOX_ECORRUPT;
    if (!ret)
        memcpy(s->email_secret, value.data, value.size);
    buf_done(&value);
    return ret;
}

/* ---- the log must be whole ---- */

/* Take a row of the log, which must go on where the one before ended; the first may have begun earlier. */
static int check_follows(const struct kv_iter *it, bool first, uint64_t *expect)
{
    struct log_reader row;
    int ret = log_reader_init(&row, &it->key, &it->value);
    if (ret)
        return ret;
    if (first ? row.first > *expect : row.first != *expect)
        return BOX_ECORRUPT;
    *expect = row.last + 1;
    return 0;
}

/* Returns 0, or BOX_ECORRUPT when a number between @from (exclusive) and the newest is missing. */
static int check_no_gap(struct kv_read *r, uint64_t from, uint64_t newest)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, TABLE_CHANGES, NULL, 0, KV_ITER_LONG);
    struct key key;
    uint64_t expect = from + 1;
    int ret = 0;
    key_change(&key, expect);
    for (ops->iter_seek(it, key.b, key.size); !ret && it->valid; ops->iter_next(it))
        ret = check_follows(it, expect == from + 1, &expect);
    if (!ret)
        ret = it->error;
    if (!ret && expect != newest + 1)
        ret = BOX_ECORRUPT;
    ops->iter_free(it);
    return ret;
}

static int check_log(struct kv_store *s, struct kv_read *r)
{
    uint64_t newest = s->commit_no, checked = 0;
    int ret = read_meta_u64(r, KEY_CHECKED, 8, &checked);
    if (ret && ret != BOX_ENOTFOUND)
        return ret;
    if (checked > newest)
        return BOX_ECORRUPT; /* what was there is gone */
    uint64_t from = newest - checked > CHECK_MAX ? newest - CHECK_MAX : checked;
    return check_no_gap(r, from, newest);
}

/* So that the next start need not look at them again. */
static int write_checked(struct kv_store *s)
{
    struct key value;
    key_begin(&value);
    key_u64(&value, s->commit_no);
    struct kv_batch *b = s->kv->ops->batch_new(s->kv, KV_BATCH_WORKER);
    s->kv->ops->put(b, TABLE_META, KEY_CHECKED, strlen(KEY_CHECKED), value.b, value.size);
    int ret = s->kv->ops->write(s->kv, b, false);
    s->kv->ops->batch_free(b);
    return ret ? BOX_EIO : 0;
}

/* ---- start, reopen, stop ---- */

/* What open and reopen have in common. */
static int start(struct kv_store *s, const char **ret_reason)
{
    struct kv_read r;
    int ret = s->kv->ops->read_begin(s->kv, true, &r);
    if (ret)
        return ret;
    *ret_reason = "the store cannot be read";
    if (!(ret = check_format(&r, ret_reason))) {
        *ret_reason = "the store is damaged: its tables do not fit together; restore a backup";
        if (!(ret = read_email_secret(s, &r)) && !(ret = kv_commit_start(s, &r))) {
            *ret_reason =
                "the store is damaged: changes are missing in the middle of its log; restore a backup";
            ret = check_log(s, &r);
        }
    }
    s->kv->ops->read_end(&r);
    if (!ret) {
        *ret_reason = "the store cannot be written";
        ret = write_checked(s);
    }
    return ret;
}

static void free_store(struct kv_store *s)
{
    const struct kv_ops *ops = s->kv->ops;
    kv_commit_stop(s);
    ops->batch_free(s->batch);
    ops->close(s->kv);
    pthread_mutex_destroy(&s->secret_mtx);
    buf_done(&s->value);
    log_row_done(&s->log);
    arena_done(&s->arena);
    free(s->staged);
    free(s);
}

int kv_store_open(struct kv *kv, struct rng *rng, struct kv_store **ret_store, const char **ret_reason)
{
    struct kv_store *s = calloc(1, sizeof(*s));
    must(s);
    s->store.ops = &kv_store_ops;
    s->kv = kv;
    s->batch = kv->ops->batch_new(kv, KV_BATCH_WRITER);
    arena_init(&s->arena, 0);
    must(pthread_mutex_init(&s->secret_mtx, NULL) == 0);
    int ret = start(s, ret_reason);
    if (ret == BOX_ENOTFOUND) {
        *ret_reason = "the store cannot be written";
        if (!(ret = make_format(s, rng)))
            ret = start(s, ret_reason);
    }
    if (!ret && (ret = kv_drop_orphans(s)))
        *ret_reason = "tickets of an unfinished event cannot be removed";
    if (ret) {
        must(ret != BOX_ENOTFOUND);
        free_store(s);
        return ret;
    }
    *ret_store = s;
    return 0;
}

static void kv_close(struct store *base)
{
    free_store(kv_store_of(base));
}

static int kv_reopen(struct store *base)
{
    struct kv_store *s = kv_store_of(base);
    int ret = s->kv->ops->reopen(s->kv);
    if (ret)
        return ret;
    const char *why = "";
    ret = start(s, &why);
    if (ret)
        s->kv->ops->fail(s->kv, why);
    return ret == BOX_ENOTFOUND || ret == BOX_ENEWER || ret == BOX_EOLDER ? BOX_ECORRUPT : ret;
}

static bool kv_writable(const struct store *base)
{
    const struct kv *kv = ((const struct kv_store *)base)->kv;
    return kv->ops->writable(kv);
}

static void kv_reason(struct store *base, char *ret_text, size_t size)
{
    struct kv *kv = kv_store_of(base)->kv;
    kv->ops->reason(kv, ret_text, size);
}

static uint64_t kv_commit_no(struct store *base)
{
    return atomic_load_explicit(&kv_store_of(base)->commit_no, memory_order_acquire);
}

const struct store_ops kv_store_ops = {
    .commit = kv_store_commit,
    .close = kv_close,
    .reopen = kv_reopen,
    .writable = kv_writable,
    .reason = kv_reason,
    .commit_no = kv_commit_no,
    .idem_find = kv_idem_find,
    .put_venue = kv_put_venue,
    .create_tickets = kv_create_tickets,
    .drop_tickets = kv_drop_tickets,
    .list_events = kv_list_events,
    .list_venues = kv_list_venues,
    .load_event = kv_load_event,
    .get_hold = kv_get_hold,
    .get_order = kv_get_order,
    .get_personal = kv_get_personal,
    .get_ticket = kv_get_ticket,
    .list_orders = kv_list_orders,
    .list_holds = kv_list_holds,
    .list_order_queue = kv_list_order_queue,
    .list_cdc = kv_list_cdc,
    .list_changes = kv_list_changes,
    .secret = kv_secret,
    .get_venue = kv_get_venue,
    .cdc_cursor = kv_cdc_cursor,
    .cdc_cursor_valid = kv_cdc_cursor_valid,
};
