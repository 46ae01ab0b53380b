/*
 * Orders in pages: through the narrowest of e-mail, code, ticket, event or all, then filtered by the rest.
 *
 * Every one of these ranges is sorted by order_id, which stands last in the keys; the cursor is the last
 * order_id that was looked at, so a page also ends when the scan budget is used up.
 */
#include "base/must.h"
#include "store/kv/kv_store.h"
#include "store/kv/page.h"
#include <string.h>
#include <strings.h>

struct order_page {
    const struct order_filter *f;
    uint32_t seat; /* of f->ticket */
    enum table table;
    struct key prefix; /* of the range */
    uint32_t limit;
    struct arena *arena, scratch;
    struct buf value; /* of an order reached through the index */
    struct order *orders;
    uint32_t count;
    struct cursor cursor;
};

/* Choose the range. Returns false when nothing can match. */
static bool choose_range(const struct kv_store *s, struct order_page *p)
{
    const struct order_filter *f = p->f;
    p->table = TABLE_ORDER_INDEX;
    if (f->ticket && !ticket_id_seat(f->ticket, f->event, &p->seat))
        return false;
    if (f->code && strlen(f->code) != ORDER_CODE_CHARS)
        return false;
    if (f->email) {
        key_index_email(&p->prefix, s->email_secret, f->email);
    } else if (f->code) {
        key_index_code(&p->prefix, f->code);
    } else if (f->ticket) {
        key_index_ticket(&p->prefix, f->ticket);
    } else {
        p->table = TABLE_ORDERS;
        key_begin(&p->prefix);
        if (f->event)
            key_raw(&p->prefix, f->event->u.b, EVENT_TAG_BYTES);
    }
    return true;
}

static bool has_seat(const struct order *o, uint32_t seat)
{
    for (uint32_t i = 0; i < o->line_count; i++)
        if (o->lines[i].seat == seat)
            return true;
    return false;
}

static bool matches(const struct order_page *p, const struct order *o)
{
    const struct order_filter *f = p->f;
    return (!f->event || uuid_equal(&o->event_id.u, &f->event->u)) && (!f->ticket || has_seat(o, p->seat)) &&
           (!f->code || strcmp(o->code, f->code) == 0) && (f->status < 0 || (int)o->status == f->status);
}

/* The index may have an address that was changed since. Without case as in the index: ASCII letters. */
static int check_email(struct kv_read *r, struct order_page *p, const struct order_id *id, bool *ret_same)
{
    const char *email;
    int ret = kv_read_personal(r, id, 'e', &p->scratch, &email);
    if (!ret)
        *ret_same = email && strcasecmp(email, p->f->email) == 0;
    return ret;
}

/* The bytes of the order that a row leads to. */
static int order_bytes(struct kv_read *r, struct order_page *p, const struct kv_iter *it,
                       struct order_id *ret_id, struct slice *ret_bytes)
{
    size_t id_at = p->table == TABLE_ORDERS ? 0 : p->prefix.size;
    if (it->key.size != id_at + ID_BYTES)
        return BOX_ECORRUPT;
    memcpy(ret_id->u.b, it->key.data + id_at, ID_BYTES);
    *ret_bytes = it->value;
    if (p->table == TABLE_ORDERS)
        return 0;
    buf_reset(&p->value);
    int ret = r->kv->ops->get(r, TABLE_ORDERS, ret_id->u.b, ID_BYTES, &p->value);
    *ret_bytes = (struct slice){.data = (const uint8_t *)p->value.data, .size = p->value.size};
    return ret;
}

static int take_order(struct kv_read *r, struct order_page *p, const struct kv_iter *it)
{
    struct order_id id;
    struct slice bytes;
    struct order order;
    int ret = order_bytes(r, p, it, &id, &bytes);
    if (ret)
        return ret == BOX_ENOTFOUND ? BOX_ECORRUPT : ret;
    page_cursor_set(&p->cursor, id.u.b, ID_BYTES);
    ret = order_decode(bytes.data, bytes.size, &p->scratch, &order);
    bool wanted = !ret && matches(p, &order);
    if (wanted && p->f->email)
        ret = check_email(r, p, &id, &wanted);
    if (!ret && wanted)
        ret = order_decode(bytes.data, bytes.size, p->arena, &p->orders[p->count++]);
    arena_reset(&p->scratch);
    return ret;
}

static int scan_orders(struct kv_read *r, struct order_page *p, const struct cursor *after)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, p->table, p->prefix.b, p->prefix.size, KV_ITER_SHORT);
    struct key none = {.size = 0};
    int ret = 0;
    page_seek(it, p->table == TABLE_ORDERS ? &none : &p->prefix, after);
    for (uint32_t budget = SCAN_BUDGET; !ret && it->valid && budget && p->count < p->limit; budget--) {
        ret = take_order(r, p, it);
        ops->iter_next(it);
    }
    if (!it->valid)
        p->cursor.size = 0;
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    return page_error(ret);
}

static bool cursor_fits(const struct order_page *p, const struct cursor *after)
{
    if (after->size == 0)
        return true;
    return after->size == ID_BYTES &&
           (p->table != TABLE_ORDERS || memcmp(after->bytes, p->prefix.b, p->prefix.size) == 0);
}

static int list(struct kv_store *s, struct order_page *p, const struct cursor *after)
{
    struct kv_read r;
    int ret = s->kv->ops->read_begin(s->kv, true, &r); /* index and records of one moment */
    if (ret)
        return ret;
    arena_init(&p->scratch, 0);
    ret = scan_orders(&r, p, after);
    s->kv->ops->read_end(&r);
    arena_done(&p->scratch);
    buf_done(&p->value);
    return ret;
}

int kv_list_orders(struct store *base, const struct order_filter *f, const struct cursor *after,
                   uint32_t limit, struct arena *arena, struct order **ret_orders, uint32_t *ret_count,
                   struct cursor *ret_cursor)
{
    struct kv_store *s = kv_store_of(base);
    struct order_page p = {.f = f, .limit = limit, .arena = arena};
    bool possible = choose_range(s, &p);
    if (possible && !cursor_fits(&p, after))
        return BOX_EINVALID;
    p.orders = arena_array(arena, limit, sizeof(*p.orders));
    int ret = possible ? list(s, &p, after) : 0;
    if (ret)
        return ret;
    *ret_orders = p.orders;
    *ret_count = p.count;
    *ret_cursor = p.cursor;
    return 0;
}
