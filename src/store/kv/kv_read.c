/*
 * Point reads, and the two lists that a start reads whole. Callbacks run when the read is over, so that they
 * may use the store themselves.
 */
#include "base/must.h"
#include "store/kv/kv_store.h"
#include <stdlib.h>
#include <string.h>

/* One value on its own. */
static int get_value(struct store *base, enum table t, const void *key, size_t size, struct buf *ret_value)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    int ret = kv->ops->read_begin(kv, false, &r);
    if (ret)
        return ret;
    ret = kv->ops->get(&r, t, key, size, ret_value);
    kv->ops->read_end(&r);
    return ret;
}

/* A record of a newer version in a store of ours is damage as far as a reader is concerned. */
static int decoded(int ret)
{
    return ret == BOX_ENEWER ? BOX_ECORRUPT : ret;
}

int kv_get_hold(struct store *base, const struct hold_id *id, struct arena *arena, struct hold *ret_hold)
{
    struct buf value = {0};
    int ret = get_value(base, TABLE_HOLDS, id->u.b, ID_BYTES, &value);
    if (!ret)
        ret = decoded(hold_decode(value.data, value.size, arena, ret_hold));
    buf_done(&value);
    return ret;
}

int kv_get_order(struct store *base, const struct order_id *id, struct arena *arena, struct order *ret_order)
{
    struct buf value = {0};
    int ret = get_value(base, TABLE_ORDERS, id->u.b, ID_BYTES, &value);
    if (!ret)
        ret = decoded(order_decode(value.data, value.size, arena, ret_order));
    buf_done(&value);
    return ret;
}

int kv_read_personal(struct kv_read *r, const struct order_id *id, char part, struct arena *arena,
                     const char **ret_text)
{
    struct key k;
    struct buf value = {0};
    key_personal(&k, id, part);
    int ret = r->kv->ops->get(r, TABLE_PERSONAL, k.b, k.size, &value);
    if (!ret)
        *ret_text = value.size ? arena_strndup(arena, value.data, value.size) : "";
    else if (ret == BOX_ENOTFOUND)
        *ret_text = NULL;
    buf_done(&value);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

int kv_get_personal(struct store *base, const struct order_id *id, struct arena *arena,
                    struct personal *ret_personal)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    struct personal p = {0};
    int ret = kv->ops->read_begin(kv, true, &r);
    if (ret)
        return ret;
    ret = kv_read_personal(&r, id, 'n', arena, &p.name);
    if (!ret)
        ret = kv_read_personal(&r, id, 'e', arena, &p.email);
    if (!ret)
        ret = kv_read_personal(&r, id, 'p', arena, &p.payment_reference);
    kv->ops->read_end(&r);
    if (!ret)
        *ret_personal = p;
    return ret;
}

int kv_get_ticket(struct store *base, const struct event_id *event, uint32_t seat, struct ticket_row *ret_row)
{
    struct key k;
    struct buf value = {0};
    struct ticket_row row;
    key_ticket(&k, event, seat);
    int ret = get_value(base, TABLE_TICKETS, k.b, k.size, &value);
    if (!ret)
        ret = decoded(ticket_row_decode(value.data, value.size, &row));
    buf_done(&value);
    if (ret)
        return ret;
    row.event_id = *event;
    row.seat = seat;
    *ret_row = row;
    return 0;
}

int kv_idem_find(struct store *base, const struct digest *key, int64_t now_ms, struct arena *arena,
                 struct idem_record *ret_record)
{
    struct buf value = {0};
    int64_t expires_ms = 0;
    int ret = get_value(base, TABLE_IDEMPOTENCY, key->b, DIGEST_BYTES, &value);
    if (!ret && !idem_expires_ms(value.data, value.size, &expires_ms))
        ret = BOX_EIO;
    else if (!ret && expires_ms <= now_ms)
        ret = BOX_ENOTFOUND;
    if (!ret)
        ret = idem_decode(value.data, value.size, arena, ret_record) ? BOX_EIO : 0;
    buf_done(&value);
    if (!ret)
        ret_record->key = *key;
    return ret == BOX_ECORRUPT ? BOX_EIO : ret;
}

int kv_get_venue(struct store *base, const struct venue_id *id, struct layout **ret_layout)
{
    struct buf value = {0};
    int ret = get_value(base, TABLE_VENUES, id->u.b, ID_BYTES, &value);
    if (!ret)
        ret = decoded(layout_decode(value.data, value.size, ret_layout));
    buf_done(&value);
    return ret;
}

/* ---- whole lists ---- */

static int collect_events(struct kv_read *r, struct buf *ret_ids)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, TABLE_EVENTS, NULL, 0, KV_ITER_LONG);
    int ret = 0;
    for (ops->iter_seek(it, NULL, 0); !ret && it->valid; ops->iter_next(it)) {
        struct event_state state;
        if (it->key.size != ID_BYTES + 1)
            ret = BOX_ECORRUPT;
        else if (it->key.data[ID_BYTES] != EVENT_PART_STATE)
            continue;
        else if (!(ret = decoded(event_state_decode(it->value.data, it->value.size, &state))) &&
                 !state.deleted)
            buf_add(ret_ids, it->key.data, ID_BYTES);
    }
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    return ret;
}

int kv_list_events(struct store *base, int (*each)(void *ctx, struct event_id id), void *ctx)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    struct buf ids = {0};
    int ret = kv->ops->read_begin(kv, true, &r);
    if (ret)
        return ret;
    ret = collect_events(&r, &ids);
    kv->ops->read_end(&r);
    for (size_t at = 0; !ret && at < ids.size; at += ID_BYTES) {
        struct event_id id;
        memcpy(id.u.b, ids.data + at, ID_BYTES);
        ret = each(ctx, id);
    }
    buf_done(&ids);
    return ret;
}

struct layouts {
    struct layout **items;
    size_t count, cap;
};

static void add_layout(struct layouts *l, struct layout *layout)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->items = realloc(l->items, l->cap * sizeof(*l->items));
        must(l->items);
    }
    l->items[l->count++] = layout;
}

static int collect_venues(struct kv_read *r, struct layouts *ret_layouts)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, TABLE_VENUES, NULL, 0, KV_ITER_LONG);
    int ret = 0;
    for (ops->iter_seek(it, NULL, 0); !ret && it->valid; ops->iter_next(it)) {
        struct layout *layout;
        ret = decoded(layout_decode(it->value.data, it->value.size, &layout));
        if (!ret)
            add_layout(ret_layouts, layout);
    }
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    return ret;
}

int kv_list_venues(struct store *base, int (*each)(void *ctx, struct layout *layout), void *ctx)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    struct layouts layouts = {0};
    int ret = kv->ops->read_begin(kv, true, &r);
    if (ret)
        return ret;
    ret = collect_venues(&r, &layouts);
    kv->ops->read_end(&r);
    for (size_t i = 0; i < layouts.count; i++) {
        if (!ret)
            ret = each(ctx, layouts.items[i]); /* with its reference */
        else
            layout_unref(layouts.items[i]);
    }
    free(layouts.items);
    return ret;
}
