/*
 * Writing outside of groups: venues, the tickets of an event in creation, secrets.
 */
#include "base/must.h"
#include "store/kv/kv_store.h"
#include <string.h>

enum { TICKETS_PER_BATCH = 10000 };

void kv_put_idem(const struct kv_ops *ops, struct kv_batch *b, const struct idem_record *record,
                 struct buf *scratch)
{
    idem_encode(record, scratch);
    ops->put(b, TABLE_IDEMPOTENCY, record->key.b, DIGEST_BYTES, scratch->data, scratch->size);
    buf_reset(scratch);
}

static void put_sections(const struct kv_ops *ops, struct kv_batch *b, const struct layout *l,
                         struct buf *scratch)
{
    struct key k;
    for (uint32_t i = 0; i < l->place_count; i++) {
        const struct layout_place *place = &l->places[i];
        key_begin(&k);
        key_id(&k, &l->venue_id.u);
        key_id(&k, &l->sections[place->section].section_id.u);
        key_raw(&k, place->type_id, strlen(place->type_id));
        venue_section_encode(place, scratch);
        ops->put(b, TABLE_VENUE_SECTIONS, k.b, k.size, scratch->data, scratch->size);
        buf_reset(scratch);
    }
}

int kv_put_venue(struct store *base, const struct layout *layout, const struct idem_record *idem)
{
    struct kv *kv = kv_store_of(base)->kv;
    const struct kv_ops *ops = kv->ops;
    struct buf scratch = {0};
    struct kv_batch *b = ops->batch_new(kv, KV_BATCH_WORKER);
    layout_encode(layout, &scratch);
    ops->put(b, TABLE_VENUES, layout->venue_id.u.b, ID_BYTES, scratch.data, scratch.size);
    buf_reset(&scratch);
    put_sections(ops, b, layout, &scratch);
    if (idem)
        kv_put_idem(ops, b, idem, &scratch);
    int ret = ops->write(kv, b, true);
    ops->batch_free(b);
    buf_done(&scratch);
    return ret;
}

/* ---- tickets of an event in creation ---- */

/* All rows of a new event are the same but for the seat in the key. The last batch's sync covers those before
 * it. */
int kv_create_tickets(struct store *base, const struct event *event, const struct layout *layout,
                      void (*progress)(void *ctx, uint32_t done), void *ctx)
{
    struct kv *kv = kv_store_of(base)->kv;
    const struct kv_ops *ops = kv->ops;
    struct ticket_row row = {.event_id = event->event_id, .status = SEAT_AVAILABLE};
    struct buf value = {0};
    struct key k;
    struct kv_batch *b = ops->batch_new(kv, KV_BATCH_WORKER);
    uint32_t done = 0;
    int ret = 0;
    ticket_row_encode(&row, &value);
    while (!ret && done < layout->seats_total) {
        uint32_t left = layout->seats_total - done;
        uint32_t end = done + (left < TICKETS_PER_BATCH ? left : TICKETS_PER_BATCH);
        ops->batch_clear(b);
        for (; done < end; done++) {
            key_ticket(&k, &event->event_id, done);
            ops->put(b, TABLE_TICKETS, k.b, k.size, value.data, value.size);
        }
        ret = ops->write(kv, b, done == layout->seats_total);
        if (!ret && progress)
            progress(ctx, done);
    }
    ops->batch_free(b);
    buf_done(&value);
    return ret;
}

/* Whether tickets may stand there: of an event that exists and was not deleted. */
static int event_exists(struct kv_read *r, const struct event_id *id, bool *ret_exists)
{
    struct event_state state;
    int ret = kv_event_state(r, id, &state);
    if (ret && ret != BOX_ENOTFOUND)
        return ret;
    *ret_exists = !ret && !state.deleted;
    return 0;
}

static int delete_tickets(struct kv *kv, const struct event_id *id)
{
    struct kv_batch *b = kv->ops->batch_new(kv, KV_BATCH_WORKER);
    kv->ops->del_prefix(b, TABLE_TICKETS, id->u.b, ID_BYTES);
    int ret = kv->ops->write(kv, b, false); /* a lost deletion is found again at the next open */
    kv->ops->batch_free(b);
    return ret;
}

void kv_drop_tickets(struct store *base, const struct event_id *event)
{
    struct kv *kv = kv_store_of(base)->kv;
    struct kv_read r;
    bool exists = true;
    if (kv->ops->read_begin(kv, false, &r))
        return;
    int ret = event_exists(&r, event, &exists);
    kv->ops->read_end(&r);
    if (!ret && !exists)
        delete_tickets(kv, event);
}

/* Step from event to event, by seeking behind the last possible ticket of each. */
static int collect_orphans(struct kv_read *r, struct buf *ret_ids)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, TABLE_TICKETS, NULL, 0, KV_ITER_SHORT);
    int ret = 0;
    ops->iter_seek(it, NULL, 0);
    while (!ret && it->valid) {
        struct event_id id;
        bool exists;
        uint8_t behind[ID_BYTES];
        if (it->key.size < ID_BYTES) {
            ret = BOX_ECORRUPT;
            break;
        }
        memcpy(id.u.b, it->key.data, ID_BYTES);
        ret = event_exists(r, &id, &exists);
        if (!ret && !exists)
            buf_add(ret_ids, id.u.b, ID_BYTES);
        size_t size = kv_prefix_end(id.u.b, ID_BYTES, behind);
        if (size == 0)
            break;
        ops->iter_seek(it, behind, size);
    }
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    return ret;
}

int kv_drop_orphans(struct kv_store *s)
{
    struct kv_read r;
    struct buf ids = {0};
    int ret = s->kv->ops->read_begin(s->kv, false, &r);
    if (ret)
        return ret;
    ret = collect_orphans(&r, &ids);
    s->kv->ops->read_end(&r);
    for (size_t at = 0; !ret && at < ids.size; at += ID_BYTES) {
        struct event_id id;
        memcpy(id.u.b, ids.data + at, ID_BYTES);
        ret = delete_tickets(s->kv, &id) ? BOX_EIO : 0;
    }
    buf_done(&ids);
    return ret;
}

/* ---- secrets ---- */

static int read_secret(struct kv *kv, const struct key *k, uint8_t ret_secret[32])
{
    struct kv_read r;
    struct buf value = {0};
    int ret = kv->ops->read_begin(kv, false, &r);
    if (ret)
        return ret;
    ret = kv->ops->get(&r, TABLE_META, k->b, k->size, &value);
    kv->ops->read_end(&r);
    if (!ret && value.size == 32)
        memcpy(ret_secret, value.data, 32);
    else if (!ret)
        ret = BOX_EIO;
    buf_done(&value);
    return ret;
}

static int write_secret(struct kv *kv, const struct key *k, const uint8_t secret[32])
{
    struct kv_batch *b = kv->ops->batch_new(kv, KV_BATCH_WORKER);
    kv->ops->put(b, TABLE_META, k->b, k->size, secret, 32);
    int ret = kv->ops->write(kv, b, true);
    kv->ops->batch_free(b);
    return ret;
}

int kv_secret(struct store *base, const char *name, const uint8_t fresh[32], uint8_t ret_secret[32])
{
    struct kv_store *s = kv_store_of(base);
    struct key k;
    key_begin(&k);
    key_raw(&k, "secret/", strlen("secret/"));
    key_raw(&k, name, strlen(name));
    pthread_mutex_lock(&s->secret_mtx);
    int ret = read_secret(s->kv, &k, ret_secret);
    if (ret == BOX_ENOTFOUND) {
        ret = write_secret(s->kv, &k, fresh);
        if (!ret)
            memcpy(ret_secret, fresh, 32);
    }
    pthread_mutex_unlock(&s->secret_mtx);
    return ret == 0 || ret == BOX_EUNKNOWN ? ret : BOX_EIO;
}
