#include "transfer/event_file.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/must.h"
#include "domain/codec.h"
#include <string.h>

enum { HAS_NAME = 1, HAS_EMAIL = 2, HAS_REFERENCE = 4 };
enum { PERSONAL_BYTES_MIN = sizeof(struct uuid) + 1 };

/* ---- writing ---- */

void event_file_put_head(struct pack_writer *w, const struct event_head *head)
{
    struct buf *b = pack_block(w, PACK_HEAD);
    put_uuid(b, &head->event_id.u);
    put_uuid(b, &head->venue_id.u);
    put_u64(b, head->changes);
    buf_add(b, head->hash.b, DIGEST_BYTES);
    put_i64(b, head->exported_ms);
    put_text(b, head->slug);
    put_text(b, head->name);
    put_text(b, head->version);
    pack_block_end(w);
}

void event_file_put_layout(struct pack_writer *w, const struct layout *layout)
{
    layout_encode(layout, pack_block(w, PACK_LAYOUT));
    pack_block_end(w);
}

void event_file_put_changes(struct pack_writer *w, struct change *const *changes, uint32_t count)
{
    struct buf *b = pack_block(w, PACK_CHANGES), record = {0};
    must(count > 0 && count <= BLOCK_CHANGES);
    for (uint32_t i = 0; i < count; i++) {
        change_encode(changes[i], &record);
        put_bytes(b, record.data, record.size);
        buf_reset(&record);
    }
    buf_done(&record);
    pack_block_end(w);
}

static void put_if(struct buf *b, const char *text)
{
    if (text)
        put_text(b, text);
}

void event_file_put_personal(struct pack_writer *w, const struct personal_record *records, size_t count)
{
    struct buf *b = pack_block(w, PACK_PERSONAL);
    for (size_t i = 0; i < count; i++) {
        const struct personal *p = &records[i].personal;
        put_uuid(b, &records[i].order_id.u);
        put_u8(b, (uint8_t)((p->name ? HAS_NAME : 0) | (p->email ? HAS_EMAIL : 0) |
                            (p->payment_reference ? HAS_REFERENCE : 0)));
        put_if(b, p->name);
        put_if(b, p->email);
        put_if(b, p->payment_reference);
    }
    pack_block_end(w);
}

/* ---- reading ---- */

static int damaged(struct event_file *f, const char *reason)
{
    f->reason = reason;
    return BOX_ECORRUPT;
}

/* The next block, which must be of this kind (or, if @or_end, the end: *ret_kind tells). */
static int next_block(struct event_file *f, enum pack_kind wanted, bool or_end, enum pack_kind *ret_kind,
                      struct rd *ret_rd)
{
    const void *bytes;
    size_t size;
    int ret = pack_next(&f->pack, ret_kind, &bytes, &size);
    if (ret)
        return ret == BOX_ECORRUPT ? damaged(f, "its bytes are not those that were written, or the file was "
                                                "cut there")
                                   : ret;
    if (*ret_kind != wanted && !(or_end && *ret_kind == PACK_END))
        return damaged(f, "it is not the part that comes there");
    rd_init(ret_rd, bytes, size);
    return 0;
}

static int read_head(struct event_file *f)
{
    struct event_head *h = &f->head;
    enum pack_kind kind;
    struct rd rd;
    int ret = next_block(f, PACK_HEAD, false, &kind, &rd);
    if (ret)
        return ret;
    h->event_id.u = rd_uuid(&rd);
    h->venue_id.u = rd_uuid(&rd);
    h->changes = rd_u64(&rd);
    const uint8_t *hash = rd_raw(&rd, DIGEST_BYTES);
    h->exported_ms = rd_i64(&rd);
    h->slug = rd_text(&rd, &f->arena);
    h->name = rd_text(&rd, &f->arena);
    h->version = rd_text(&rd, &f->arena);
    if (!rd_end(&rd) || !id_is_ours(&h->event_id.u) || h->changes == 0)
        return damaged(f, "the head makes no sense");
    memcpy(h->hash.b, hash, DIGEST_BYTES);
    return 0;
}

static int read_layout(struct event_file *f)
{
    enum pack_kind kind;
    struct rd rd;
    int ret = next_block(f, PACK_LAYOUT, false, &kind, &rd);
    if (ret)
        return ret;
    ret = layout_decode(rd.next, rd_left(&rd), &f->layout);
    if (ret)
        return ret == BOX_ENEWER ? ret : damaged(f, "the venue's layout cannot be decoded");
    return uuid_equal(&f->layout->venue_id.u, &f->head.venue_id.u) ? 0 : damaged(f, "it is another venue");
}

int event_file_open(struct event_file *f, FILE *file)
{
    *f = (struct event_file){.reason = ""};
    arena_init(&f->arena, 0);
    int ret = pack_read_begin(&f->pack, file);
    if (!ret)
        ret = read_head(f);
    return ret ? ret : read_layout(f);
}

void event_file_close(struct event_file *f)
{
    pack_read_done(&f->pack);
    layout_unref(f->layout);
    arena_done(&f->arena);
}

static int read_change(struct event_file *f, struct rd *rd, struct arena *arena, struct event_part *part)
{
    size_t size;
    struct change *c;
    const uint8_t *bytes = rd_bytes(rd, &size);
    int ret = rd_ok(rd) ? change_decode(bytes, size, arena, &c) : BOX_ECORRUPT;
    if (ret)
        return ret == BOX_ENEWER ? ret : damaged(f, "a change cannot be decoded");
    part->changes[part->count++] = c;
    if (!uuid_equal(&c->event_id.u, &f->head.event_id.u) || c->seq != f->seq + 1)
        return damaged(f, "a change is another event's, or out of its order");
    f->seq = c->seq;
    return 0;
}

static int read_changes(struct event_file *f, struct rd *rd, struct arena *arena, struct event_part *part)
{
    int ret = 0;
    part->changes = arena_array(arena, BLOCK_CHANGES, sizeof(struct change *));
    while (!ret && rd_left(rd) > 0) {
        if (part->count == BLOCK_CHANGES)
            return damaged(f, "there are too many changes in one part");
        ret = read_change(f, rd, arena, part);
    }
    return ret || part->count ? ret : damaged(f, "it is empty");
}

/* Text that was there, or NULL. */
static const char *read_if(struct rd *rd, struct arena *arena, bool there)
{
    return there ? rd_text(rd, arena) : NULL;
}

/* Records come in the order in which the orders were created. *at: the first change not looked at yet. */
static bool is_created_here(const struct event_part *part, const struct order_id *id, uint32_t *at)
{
    while (*at < part->count) {
        const struct change *c = part->changes[(*at)++];
        if (c->kind == CHANGE_ORDER_CREATED && uuid_equal(&c->order->order_id.u, &id->u))
            return true;
    }
    return false;
}

static int read_personal(struct event_file *f, struct arena *arena, struct event_part *part)
{
    enum pack_kind kind;
    struct rd rd;
    uint32_t at = 0;
    int ret = next_block(f, PACK_PERSONAL, false, &kind, &rd);
    if (ret)
        return ret;
    part->personals = arena_array(arena, part->count, sizeof(*part->personals));
    while (rd_left(&rd) >= PERSONAL_BYTES_MIN) {
        struct personal_record r = {.order_id = {rd_uuid(&rd)}};
        uint8_t has = rd_flags(&rd, HAS_NAME | HAS_EMAIL | HAS_REFERENCE);
        r.personal.name = read_if(&rd, arena, has & HAS_NAME);
        r.personal.email = read_if(&rd, arena, has & HAS_EMAIL);
        r.personal.payment_reference = read_if(&rd, arena, has & HAS_REFERENCE);
        if (!rd_ok(&rd) || !is_created_here(part, &r.order_id, &at))
            return damaged(f, "personal data belong to no order that begins there");
        part->personals[part->personal_count++] = r;
    }
    return rd_end(&rd) ? 0 : damaged(f, "personal data cannot be decoded");
}

int event_file_next(struct event_file *f, struct arena *arena, struct event_part *ret_part)
{
    enum pack_kind kind;
    struct rd rd;
    *ret_part = (struct event_part){0};
    int ret = next_block(f, PACK_CHANGES, true, &kind, &rd);
    if (ret)
        return ret;
    if (kind == PACK_END)
        return f->seq == f->head.changes ? 0 : damaged(f, "changes are missing");
    ret = read_changes(f, &rd, arena, ret_part);
    if (!ret)
        ret = read_personal(f, arena, ret_part);
    if (ret)
        event_part_done(ret_part);
    return ret;
}

void event_part_done(struct event_part *part)
{
    for (uint32_t i = 0; i < part->count; i++)
        event_unref(part->changes[i]->event);
    *part = (struct event_part){0};
}
