/*
 * Lists in pages. A cursor is the key of the last row looked at (or the part of it that is not fixed); the
 * next page begins at the first key after it. One row more than asked for is looked at, to know whether the
 * end was reached.
 */
#include "base/must.h"
#include "store/kv/kv_store.h"
#include "store/kv/page.h"
#include <string.h>

/* ---- cursors ---- */

void page_cursor_set(struct cursor *cursor, const void *bytes, size_t size)
{
    must(size > 0 && size <= CURSOR_BYTES);
    cursor->size = (uint8_t)size;
    memcpy(cursor->bytes, bytes, size);
}

void page_seek(struct kv_iter *it, const struct key *prefix, const struct cursor *after)
{
    struct key k = *prefix;
    if (after->size == 0) {
        it->ops->iter_seek(it, NULL, 0);
        return;
    }
    key_raw(&k, after->bytes, after->size);
    it->ops->iter_seek(it, k.b, k.size);
    if (it->valid && it->key.size == k.size && memcmp(it->key.data, k.b, k.size) == 0)
        it->ops->iter_next(it);
}

int page_error(int ret)
{
    return ret == BOX_ENEWER ? BOX_ECORRUPT : ret;
}

/* ---- holds of an event ---- */

struct hold_page {
    const struct checkout_filter *f;
    uint32_t limit;
    struct arena *arena, *scratch;
    struct hold *holds;
    uint32_t count;
    struct cursor cursor;
};

/* Decoded into scratch memory first: most rows may not be wanted. */
static int take_hold(struct hold_page *p, const struct kv_iter *it)
{
    struct hold hold;
    if (it->key.size != ID_BYTES)
        return BOX_ECORRUPT;
    int ret = hold_decode(it->value.data, it->value.size, p->scratch, &hold);
    bool wanted = !ret && uuid_equal(&hold.event_id.u, &p->f->event.u) &&
                  (p->f->status < 0 || (int)hold.status == p->f->status);
    if (wanted)
        ret = hold_decode(it->value.data, it->value.size, p->arena, &p->holds[p->count++]);
    arena_reset(p->scratch);
    page_cursor_set(&p->cursor, it->key.data, ID_BYTES);
    return ret;
}

static int scan_holds(struct kv_read *r, struct hold_page *p, const struct cursor *after)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, TABLE_HOLDS, p->f->event.u.b, EVENT_TAG_BYTES, KV_ITER_SHORT);
    struct key none = {.size = 0};
    int ret = 0;
    page_seek(it, &none, after);
    for (uint32_t budget = SCAN_BUDGET; !ret && it->valid && budget && p->count < p->limit; budget--) {
        ret = take_hold(p, it);
        ops->iter_next(it);
    }
    if (!it->valid)
        p->cursor.size = 0;
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    return page_error(ret);
}

int kv_list_holds(struct store *base, const struct checkout_filter *f, const struct cursor *after,
                  uint32_t limit, struct arena *arena, struct hold **ret_holds, uint32_t *ret_count,
                  struct cursor *ret_cursor)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    struct arena scratch;
    if (after->size && (after->size != ID_BYTES || memcmp(after->bytes, f->event.u.b, EVENT_TAG_BYTES) != 0))
        return BOX_EINVALID;
    int ret = kv->ops->read_begin(kv, false, &r); /* one iterator sees one state */
    if (ret)
        return ret;
    arena_init(&scratch, 0);
    struct hold_page p = {.f = f, .limit = limit, .arena = arena, .scratch = &scratch};
    p.holds = arena_array(arena, limit, sizeof(*p.holds));
    ret = scan_holds(&r, &p, after);
    kv->ops->read_end(&r);
    arena_done(&scratch);
    if (ret)
        return ret;
    *ret_holds = p.holds;
    *ret_count = p.count;
    *ret_cursor = p.cursor;
    return 0;
}

/* ---- order_queue ---- */

enum { ORDER_QUEUE_KEY = ID_BYTES + 4 + 8 };

static void order_queue_prefix(const struct order_queue_filter *f, struct key *ret)
{
    key_begin(ret);
    if (f->event)
        key_id(ret, &f->event->u);
    if (f->has_seat)
        key_u32(ret, f->seat);
    if (f->has_seat && f->started_ms)
        key_u64(ret, (uint64_t)f->started_ms);
}

static int take_queue_row(const struct kv_iter *it, const struct order_queue_filter *f,
                          struct order_queue_row *rows, uint32_t *count)
{
    struct order_queue_row row;
    if (it->key.size != ORDER_QUEUE_KEY)
        return BOX_ECORRUPT;
    int ret = order_queue_row_decode(it->value.data, it->value.size, &row);
    if (ret)
        return ret;
    memcpy(row.event_id.u.b, it->key.data, ID_BYTES);
    row.seat = load_u32(it->key.data + ID_BYTES);
    row.started_ms = (int64_t)load_u64(it->key.data + ID_BYTES + 4);
    if (f->started_ms == 0 || f->started_ms == row.started_ms)
        rows[(*count)++] = row;
    return 0;
}

static int scan_queue(struct kv_read *r, const struct order_queue_filter *f, const struct cursor *after,
                      uint32_t limit, struct order_queue_row *rows, uint32_t *count,
                      struct cursor *ret_cursor)
{
    const struct kv_ops *ops = r->kv->ops;
    struct key prefix, none = {.size = 0};
    order_queue_prefix(f, &prefix);
    if (after->size && (after->size != ORDER_QUEUE_KEY || memcmp(after->bytes, prefix.b, prefix.size) != 0))
        return BOX_EINVALID;
    struct kv_iter *it = ops->iter_new(r, TABLE_ORDER_QUEUE, prefix.b, prefix.size, KV_ITER_SHORT);
    struct cursor cursor = {.size = 0};
    int ret = 0;
    page_seek(it, &none, after);
    for (uint32_t budget = SCAN_BUDGET; !ret && it->valid && budget && *count < limit; budget--) {
        ret = take_queue_row(it, f, rows, count);
        page_cursor_set(&cursor, it->key.data, it->key.size < CURSOR_BYTES ? it->key.size : CURSOR_BYTES);
        ops->iter_next(it);
    }
    if (!it->valid)
        cursor.size = 0;
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    *ret_cursor = cursor;
    return page_error(ret);
}

int kv_list_order_queue(struct store *base, const struct order_queue_filter *f, const struct cursor *after,
                        uint32_t limit, struct arena *arena, struct order_queue_row **ret_rows,
                        uint32_t *ret_count, struct cursor *ret_cursor)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    struct cursor cursor;
    uint32_t count = 0;
    if (f->started_ms < 0) { /* no row */
        *ret_count = 0;
        ret_cursor->size = 0;
        return 0;
    }
    int ret = kv->ops->read_begin(kv, false, &r);
    if (ret)
        return ret;
    struct order_queue_row *rows = arena_array(arena, limit, sizeof(*rows));
    ret = scan_queue(&r, f, after, limit, rows, &count, &cursor);
    kv->ops->read_end(&r);
    if (ret)
        return ret;
    *ret_rows = rows;
    *ret_count = count;
    *ret_cursor = cursor;
    return 0;
}
