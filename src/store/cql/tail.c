#include "store/cql/tail.h"
#include "base/bytes.h"
#include "base/must.h"
#include "domain/codec.h"

enum { TAIL_VERSION = 1, SUM_BYTES = 8, ANSWER_BYTES_MIN = 84, PERSONAL_BYTES_MIN = 17 };
enum { HAS_NAME = 1, HAS_EMAIL = 2, HAS_PAYMENT = 4 };

/* ---- encode ---- */

static void put_answer(struct buf *b, const struct idem_record *r)
{
    buf_add(b, r->key.b, DIGEST_BYTES);
    buf_add(b, r->request.b, DIGEST_BYTES);
    put_i64(b, r->expires_ms);
    put_u16(b, r->http_status);
    put_u64(b, r->change_seq);
    put_u8(b, r->location ? 1 : 0);
    if (r->location)
        put_text(b, r->location);
    put_bytes(b, r->body, r->body_size);
}

static void put_personal(struct buf *b, const struct personal_record *r)
{
    const struct personal *p = &r->personal;
    put_uuid(b, &r->order_id.u);
    put_u8(b, (uint8_t)((p->name ? HAS_NAME : 0) | (p->email ? HAS_EMAIL : 0) |
                        (p->payment_reference ? HAS_PAYMENT : 0)));
    if (p->name)
        put_text(b, p->name);
    if (p->email)
        put_text(b, p->email);
    if (p->payment_reference)
        put_text(b, p->payment_reference);
}

void tail_encode(const struct event_group *g, struct buf *ret)
{
    size_t start = ret->size;
    struct buf one = {0};
    uint32_t count = 0;
    put_u8(ret, TAIL_VERSION);
    put_varint(ret, g->change_count);
    for (const struct change *c = g->changes; count < g->change_count; c = c->next, count++) {
        must(c && c->seq == g->follows_seq + 1 + count);
        buf_reset(&one);
        change_encode(c, &one);
        put_bytes(ret, one.data, one.size);
    }
    buf_done(&one);
    put_varint(ret, g->idem_count);
    for (size_t i = 0; i < g->idem_count; i++)
        put_answer(ret, g->idems[i]);
    put_varint(ret, g->personal_count);
    for (size_t i = 0; i < g->personal_count; i++)
        put_personal(ret, g->personals[i]);
    put_u64(ret, hash64(ret->data + start, ret->size - start));
}

/* ---- decode ---- */

/* The changes, by next. Each that was read is in the group, so that tail_done() finds its event. */
static int rd_changes(struct rd *r, struct arena *arena, struct event_group *g)
{
    uint32_t count = rd_count(r, 1);
    struct change **next = &g->changes;
    while (g->change_count < count && rd_ok(r)) {
        size_t size;
        const uint8_t *data = rd_bytes(r, &size);
        int ret = data ? change_decode(data, size, arena, next) : BOX_ECORRUPT;
        if (ret)
            return ret;
        struct change *c = *next;
        if (g->change_count++ == 0) {
            g->event_id = c->event_id;
            g->follows_seq = c->seq - 1;
        } else if (c->seq != g->follows_seq + g->change_count ||
                   !uuid_equal(&c->event_id.u, &g->event_id.u)) {
            return BOX_ECORRUPT;
        }
        next = &c->next;
    }
    return g->change_count > 0 && rd_ok(r) ? 0 : BOX_ECORRUPT;
}

static struct digest rd_digest(struct rd *r)
{
    struct digest d = {{0}};
    const uint8_t *b = rd_raw(r, DIGEST_BYTES);
    if (b)
        memcpy(d.b, b, DIGEST_BYTES);
    return d;
}

static struct idem_record *rd_answer(struct rd *r, struct arena *arena)
{
    struct idem_record *record = arena_alloc(arena, sizeof(*record));
    record->key = rd_digest(r);
    record->request = rd_digest(r);
    record->expires_ms = rd_i64(r);
    record->http_status = rd_u16(r);
    record->change_seq = rd_u64(r);
    if (rd_u8_max(r, 1))
        record->location = rd_text(r, arena);
    const uint8_t *body = rd_bytes(r, &record->body_size);
    record->body = arena_copy(arena, body, record->body_size);
    return record;
}

static struct personal_record *rd_personal(struct rd *r, struct arena *arena)
{
    struct personal_record *record = arena_alloc(arena, sizeof(*record));
    record->order_id.u = rd_uuid(r);
    uint8_t has = rd_flags(r, HAS_NAME | HAS_EMAIL | HAS_PAYMENT);
    if (has & HAS_NAME)
        record->personal.name = rd_text(r, arena);
    if (has & HAS_EMAIL)
        record->personal.email = rd_text(r, arena);
    if (has & HAS_PAYMENT)
        record->personal.payment_reference = rd_text(r, arena);
    return record;
}

static int rd_group(struct rd *r, struct arena *arena, struct event_group *g)
{
    int ret = rd_changes(r, arena, g);
    if (ret)
        return ret;
    g->idem_count = rd_count(r, ANSWER_BYTES_MIN);
    g->idems = arena_array(arena, g->idem_count, sizeof(const struct idem_record *));
    for (size_t i = 0; i < g->idem_count && rd_ok(r); i++)
        g->idems[i] = rd_answer(r, arena);
    g->personal_count = rd_count(r, PERSONAL_BYTES_MIN);
    g->personals = arena_array(arena, g->personal_count, sizeof(const struct personal_record *));
    for (size_t i = 0; i < g->personal_count && rd_ok(r); i++)
        g->personals[i] = rd_personal(r, arena);
    return rd_end(r) ? 0 : BOX_ECORRUPT;
}

int tail_decode(const void *data, size_t size, struct arena *arena, struct event_group *ret_group)
{
    if (size < SUM_BYTES + 1)
        return BOX_ECORRUPT;
    struct rd sum, r;
    struct event_group g = {0};
    rd_init(&sum, (const uint8_t *)data + size - SUM_BYTES, SUM_BYTES);
    if (rd_u64(&sum) != hash64(data, size - SUM_BYTES))
        return BOX_ECORRUPT;
    rd_init(&r, data, size - SUM_BYTES);
    int ret = rd_version(&r, TAIL_VERSION);
    if (!ret)
        ret = rd_group(&r, arena, &g);
    if (ret)
        tail_done(&g);
    else
        *ret_group = g;
    return ret;
}

void tail_done(struct event_group *g)
{
    uint32_t i = 0;
    for (const struct change *c = g->changes; i < g->change_count; c = c->next, i++)
        event_unref(c->event);
}
