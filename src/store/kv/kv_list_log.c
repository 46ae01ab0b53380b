/*
 * Lists that are read out of the change log: the CDC rows of all events, and the changes of one.
 *
 * CDC rows are not stored: each change says which it has (change/rows.h). A page goes through the log from
 * the cursor's change on and decodes those that have rows, until it is full; what has none is passed over by
 * a look at its kind. The cursor that is given back stands behind all that was looked at, so that nothing is
 * looked at twice, however long the stretch without rows.
 */
#include "base/must.h"
#include "store/kv/kv_store.h"
#include "store/kv/log_row.h"
#include "store/kv/page.h"
#include <endian.h>
#include <string.h>

/* ---- CDC rows ---- */

enum { LONG_PAGE = 100 }; /* rows, from which on to read ahead pays */

struct cdc_page {
    struct cdc_row *rows;
    uint32_t limit, count;
    /* Where the page has come to: behind this row of this change. */
    uint64_t commit_no;
    uint32_t batch_seq;
    bool more;
    struct arena scratch;
};

static void take_row(void *ctx, const struct cdc_row *row)
{
    struct cdc_page *p = ctx;
    if (row->commit_no == p->commit_no && row->batch_seq <= p->batch_seq)
        return; /* of an earlier page */
    if (p->count == p->limit) {
        p->more = true;
        return;
    }
    p->rows[p->count++] = *row;
    p->commit_no = row->commit_no;
    p->batch_seq = row->batch_seq;
}

static int take_change(struct cdc_page *p, const struct slice *record, uint64_t commit_no)
{
    const struct row_sink sink = {.ctx = p, .cdc = take_row};
    enum change_kind kind = change_kind_of(record->data, record->size);
    struct change *c;
    if (kind && !change_has_cdc(kind)) {
        p->commit_no = commit_no;
        p->batch_seq = UINT32_MAX;
        return 0;
    }
    if (p->count == p->limit) {
        p->more = true;
        return 0;
    }
    int ret = change_decode(record->data, record->size, &p->scratch, &c);
    if (!ret && c->commit_no != commit_no)
        ret = BOX_ECORRUPT;
    if (!ret)
        rows_of_change(c, &p->scratch, &sink);
    arena_reset(&p->scratch);
    return ret;
}

static int take_log_row(struct cdc_page *p, const struct kv_iter *it)
{
    struct log_reader reader;
    struct slice record;
    uint64_t commit_no, from = p->commit_no;
    int ret = log_reader_init(&reader, &it->key, &it->value);
    while (!ret && !p->more && log_reader_next(&reader, &record, &commit_no))
        if (commit_no >= from)
            ret = take_change(p, &record, commit_no);
    return ret;
}

static int scan_cdc(struct kv_read *r, struct cdc_page *p)
{
    const struct kv_ops *ops = r->kv->ops;
    enum kv_iter_kind kind = p->limit > LONG_PAGE ? KV_ITER_LONG : KV_ITER_SHORT;
    struct kv_iter *it = ops->iter_new(r, TABLE_CHANGES, NULL, 0, kind);
    struct key k;
    int ret = 0;
    key_change(&k, p->commit_no); /* again: it may have rows left */
    for (ops->iter_seek(it, k.b, k.size); !ret && !p->more && it->valid; ops->iter_next(it))
        ret = take_log_row(p, it);
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    return page_error(ret);
}

/* A cursor of the change log: commit number, cdc$batch_seq_no. */
enum { CDC_CURSOR_BYTES = 8 + 4 };

struct cursor kv_cdc_cursor(const struct cdc_row *row)
{
    struct cursor cursor = {.size = CDC_CURSOR_BYTES};
    uint64_t commit_no = htobe64(row->commit_no);
    uint32_t batch_seq = htobe32(row->batch_seq);
    memcpy(cursor.bytes, &commit_no, sizeof(commit_no));
    memcpy(cursor.bytes + sizeof(commit_no), &batch_seq, sizeof(batch_seq));
    return cursor;
}

bool kv_cdc_cursor_valid(const struct cursor *cursor)
{
    return cursor->size == CDC_CURSOR_BYTES;
}

int kv_list_cdc(struct store *base, const struct cursor *after, uint32_t limit, struct arena *arena,
                struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    struct cdc_page p = {.limit = limit};
    if (after->size != 0 && !kv_cdc_cursor_valid(after))
        return BOX_EINVALID;
    if (after->size) { /* else before the first */
        p.commit_no = load_u64(after->bytes);
        p.batch_seq = load_u32(after->bytes + 8);
    }
    int ret = kv->ops->read_begin(kv, false, &r); /* one iterator sees one state */
    if (ret)
        return ret;
    arena_init(&p.scratch, 0);
    p.rows = arena_array(arena, limit, sizeof(*p.rows));
    ret = scan_cdc(&r, &p);
    kv->ops->read_end(&r);
    arena_done(&p.scratch);
    if (ret)
        return ret;
    *ret_rows = p.rows;
    *ret_count = p.count;
    *ret_cursor = kv_cdc_cursor(&(struct cdc_row){.commit_no = p.commit_no, .batch_seq = p.batch_seq});
    *ret_more = p.more;
    return 0;
}

/* ---- changes of an event ---- */

struct change_page {
    const struct event_id *event;
    uint64_t next_seq; /* wanted next */
    uint32_t limit, count;
    struct arena *arena;
    struct change **changes;
};

static int take_changes(struct change_page *p, struct log_reader *reader, uint64_t last_seq)
{
    struct slice record;
    uint64_t commit_no;
    int ret = 0;
    while (!ret && p->count < p->limit && log_reader_next(reader, &record, &commit_no)) {
        if (last_seq - (reader->last - commit_no) < p->next_seq)
            continue;
        struct change *c;
        ret = change_decode(record.data, record.size, p->arena, &c);
        if (ret)
            break;
        p->changes[p->count++] = c;
        if (c->seq != p->next_seq++ || c->commit_no != commit_no || !uuid_equal(&c->event_id.u, &p->event->u))
            ret = BOX_ECORRUPT;
    }
    return ret;
}

/* The row of the log that an entry of the index leads to. */
static int follow_index(struct kv_read *r, struct change_page *p, const struct kv_iter *it, struct buf *value)
{
    struct log_reader reader;
    if (it->key.size != ID_BYTES + 8)
        return BOX_ECORRUPT;
    uint64_t last_seq = load_u64(it->key.data + ID_BYTES);
    buf_reset(value);
    int ret = r->kv->ops->get(r, TABLE_CHANGES, it->value.data, it->value.size, value);
    if (ret)
        return ret == BOX_ENOTFOUND ? BOX_ECORRUPT : ret;
    const struct slice row = {.data = (const uint8_t *)value->data, .size = value->size};
    ret = log_reader_init(&reader, &it->value, &row);
    if (!ret && reader.last - reader.first >= last_seq)
        ret = BOX_ECORRUPT;
    return ret ? ret : take_changes(p, &reader, last_seq);
}

static int scan_changes(struct kv_read *r, struct change_page *p)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, TABLE_CHANGES_BY_EVENT, p->event->u.b, ID_BYTES, KV_ITER_SHORT);
    struct key k;
    struct buf value = {0};
    int ret = 0;
    key_change_by_event(&k, p->event, p->next_seq);
    for (ops->iter_seek(it, k.b, k.size); !ret && it->valid && p->count < p->limit; ops->iter_next(it))
        ret = follow_index(r, p, it, &value);
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    buf_done(&value);
    return page_error(ret);
}

int kv_list_changes(struct store *base, const struct event_id *event, uint64_t after_seq, uint32_t limit,
                    struct arena *arena, struct change ***ret_changes, uint32_t *ret_count)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    struct change_page p = {.event = event, .next_seq = after_seq + 1, .limit = limit, .arena = arena};
    *ret_count = 0;
    if (after_seq == UINT64_MAX)
        return 0;
    int ret = kv->ops->read_begin(kv, true, &r); /* index and log of one moment */
    if (ret)
        return ret;
    p.changes = arena_array(arena, limit, sizeof(struct change *));
    ret = scan_changes(&r, &p);
    kv->ops->read_end(&r);
    for (uint32_t i = 0; ret && i < p.count; i++)
        if (p.changes[i]->event)
            event_unref(p.changes[i]->event);
    if (ret)
        return ret;
    *ret_changes = p.changes;
    *ret_count = p.count;
    return 0;
}
