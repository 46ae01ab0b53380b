/*
 * Commit: groups of changes become one batch, written once, synced once.
 *
 * Each group is staged first: its rows go into the batch and the event's new state into a place beside the
 * old one. Only when the write is known to have succeeded does the new state become the event's. So a failed
 * write needs no undoing: nothing here changed, and what is on disk is found out by a reopen, which reads the
 * states anew.
 *
 * Fencing: the newest seq of every event is kept in memory. There is one writer and the folder is locked, so
 * that a group which does not follow it is a fault of the caller or of the loading; refusing it keeps the log
 * in order. Refused groups put nothing into the batch and use no commit numbers.
 */
#include "base/bytes.h"
#include "base/must.h"
#include "store/kv/kv_store.h"
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct event_entry {
    struct event_id id;
    struct event_state state;
    UT_hash_handle hh;
};

struct staged_group {
    struct event_entry *entry; /* NULL: the event's first */
    struct event_state state;  /* after the group */
};

/* ---- rows of a change ---- */

struct row_ctx {
    struct kv_store *s;
    const struct kv_ops *ops;
    const struct change *change;
};

static void put_value(struct row_ctx *x, enum table t, const struct key *k)
{
    x->ops->put(x->s->batch, t, k->b, k->size, x->s->value.data, x->s->value.size);
    buf_reset(&x->s->value);
}

static void on_ticket(void *ctx, const struct ticket_row *row)
{
    struct row_ctx *x = ctx;
    struct key k;
    key_ticket(&k, &row->event_id, row->seat);
    ticket_row_encode(row, &x->s->value);
    put_value(x, TABLE_TICKETS, &k);
}

static void on_order_queue_put(void *ctx, const struct order_queue_row *row)
{
    struct row_ctx *x = ctx;
    struct key k;
    key_order_queue(&k, &row->event_id, row->seat, row->started_ms);
    order_queue_row_encode(row, &x->s->value);
    put_value(x, TABLE_ORDER_QUEUE, &k);
}

static void on_order_queue_delete(void *ctx, const struct order_queue_row *row)
{
    struct row_ctx *x = ctx;
    struct key k;
    key_order_queue(&k, &row->event_id, row->seat, row->started_ms);
    x->ops->del(x->s->batch, TABLE_ORDER_QUEUE, k.b, k.size);
}

static void on_hold(void *ctx, const struct hold *hold)
{
    struct row_ctx *x = ctx;
    struct key k;
    key_begin(&k);
    key_id(&k, &hold->hold_id.u);
    hold_encode(hold, &x->s->value);
    put_value(x, TABLE_HOLDS, &k);
}

static void put_index(struct row_ctx *x, struct key *k, const struct order_id *id)
{
    key_id(k, &id->u);
    x->ops->put(x->s->batch, TABLE_ORDER_INDEX, k->b, k->size, "", 0);
}

static void on_order(void *ctx, const struct order *order)
{
    struct row_ctx *x = ctx;
    struct key k;
    key_begin(&k);
    key_id(&k, &order->order_id.u);
    order_encode(order, &x->s->value);
    put_value(x, TABLE_ORDERS, &k);
    if (x->change->kind != CHANGE_ORDER_CREATED)
        return; /* code and lines never change */
    key_index_code(&k, order->code);
    put_index(x, &k, &order->order_id);
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct ticket_id ticket = ticket_id_of(&order->event_id, order->lines[i].seat);
        key_index_ticket(&k, &ticket);
        put_index(x, &k, &order->order_id);
    }
}

static void put_event(struct row_ctx *x, const struct event *event)
{
    struct key k;
    key_event(&k, &event->event_id, EVENT_PART_VERSION);
    event_encode(event, &x->s->value);
    put_value(x, TABLE_EVENTS, &k);
}

/* The rows of one change, but for its place in the log. */
static void put_change(struct kv_store *s, const struct change *c)
{
    struct row_ctx x = {.s = s, .ops = s->kv->ops, .change = c};
    const struct row_sink sink = {
        .ctx = &x,
        .ticket = on_ticket,
        .order_queue_put = on_order_queue_put,
        .order_queue_delete = on_order_queue_delete,
        .hold = on_hold,
        .order = on_order,
    };
    rows_of_change(c, &s->arena, &sink);
    arena_reset(&s->arena);
    if (c->event)
        put_event(&x, c->event);
}

/* ---- what a group brings beside its changes ---- */

static void put_personal(struct kv_store *s, const struct order_id *id, char part, const char *text)
{
    if (!text)
        return;
    struct key k;
    key_personal(&k, id, part);
    s->kv->ops->put(s->batch, TABLE_PERSONAL, k.b, k.size, text, strlen(text));
}

static void put_personal_record(struct kv_store *s, const struct personal_record *record)
{
    const struct personal *p = &record->personal;
    put_personal(s, &record->order_id, 'n', p->name);
    put_personal(s, &record->order_id, 'e', p->email);
    put_personal(s, &record->order_id, 'p', p->payment_reference);
    if (!p->email)
        return;
    struct key k;
    key_index_email(&k, s->email_secret, p->email);
    key_id(&k, &record->order_id.u);
    s->kv->ops->put(s->batch, TABLE_ORDER_INDEX, k.b, k.size, "", 0);
}

/* ---- an event's state ---- */

static struct event_entry *find_entry(struct kv_store *s, const struct event_id *id)
{
    struct event_entry *e;
    HASH_FIND(hh, s->events, id, sizeof(*id), e);
    return e;
}

static struct event_entry *add_entry(struct kv_store *s, const struct event_id *id)
{
    struct event_entry *e = calloc(1, sizeof(*e));
    must(e);
    e->id = *id;
    HASH_ADD(hh, s->events, id, sizeof(e->id), e);
    return e;
}

static uint32_t *count_of(struct event_state *state, uint8_t status)
{
    switch (status) {
    case SEAT_HELD:
        return &state->held;
    case SEAT_SOLD:
        return &state->sold;
    case SEAT_BLOCKED:
        return &state->blocked;
    default:
        must(status == SEAT_AVAILABLE);
        return NULL;
    }
}

static void count_change(struct event_state *state, const struct change *c)
{
    for (uint32_t i = 0; i < c->seat_count; i++) {
        uint32_t *before = count_of(state, c->seats[i].before), *after = count_of(state, c->seats[i].after);
        if (after)
            ++*after;
        if (before) {
            must(*before > 0);
            --*before;
        }
    }
}

/* ---- groups ---- */

/* Put a group into the batch. Returns 0 or BOX_EFENCED. */
static int stage_group(struct kv_store *s, struct event_group *g, struct staged_group *staged,
                       uint64_t *commit_no)
{
    staged->entry = find_entry(s, &g->event_id);
    staged->state = staged->entry ? staged->entry->state : (struct event_state){0};
    if (staged->state.seq != g->follows_seq)
        return BOX_EFENCED;
    uint32_t count = 0;
    for (struct change *c = g->changes; count < g->change_count; c = c->next, count++) {
        must(c && c->seq == g->follows_seq + 1 + count);
        must(uuid_equal(&c->event_id.u, &g->event_id.u));
        c->commit_no = ++*commit_no;
        put_change(s, c);
        log_row_add(&s->log, c, &s->value);
        if (log_row_full(&s->log) || count + 1 == g->change_count)
            log_row_put(&s->log, c, s->kv->ops, s->batch);
        count_change(&staged->state, c);
        staged->state.seq = c->seq;
        staged->state.time_us = c->time_us;
        staged->state.hash = c->hash;
        staged->state.deleted = c->kind == CHANGE_EVENT_DELETED;
    }
    must(count > 0);
    for (size_t i = 0; i < g->idem_count; i++)
        kv_put_idem(s->kv->ops, s->batch, g->idems[i], &s->value);
    for (size_t i = 0; i < g->personal_count; i++)
        put_personal_record(s, g->personals[i]);
    struct key k;
    key_event(&k, &g->event_id, EVENT_PART_STATE);
    event_state_encode(&staged->state, &s->value);
    s->kv->ops->put(s->batch, TABLE_EVENTS, k.b, k.size, s->value.data, s->value.size);
    buf_reset(&s->value);
    return 0;
}

static void reserve_staged(struct kv_store *s, size_t count)
{
    if (count <= s->staged_cap)
        return;
    s->staged = realloc(s->staged, count * sizeof(*s->staged));
    must(s->staged);
    s->staged_cap = count;
}

static void apply(struct kv_store *s, struct commit *c, uint64_t commit_no)
{
    for (size_t i = 0; i < c->group_count; i++) {
        if (c->groups[i].result)
            continue;
        struct event_entry *e = s->staged[i].entry;
        if (!e)
            e = add_entry(s, &c->groups[i].event_id);
        e->state = s->staged[i].state;
    }
    atomic_store_explicit(&s->commit_no, commit_no, memory_order_release);
}

void kv_commit_refuse(struct commit *c, int result)
{
    must(result != 0);
    for (size_t i = 0; i < c->group_count; i++)
        c->groups[i].result = result;
    c->done(c);
}

void kv_store_commit(struct store *base, struct commit *c)
{
    struct kv_store *s = kv_store_of(base);
    if (!s->kv->ops->writable(s->kv)) {
        kv_commit_refuse(c, BOX_EUNAVAILABLE);
        return;
    }
    uint64_t commit_no = s->commit_no;
    size_t staged = 0;
    reserve_staged(s, c->group_count);
    s->kv->ops->batch_clear(s->batch);
    for (size_t i = 0; i < c->group_count; i++) {
        c->groups[i].result = stage_group(s, &c->groups[i], &s->staged[i], &commit_no);
        staged += c->groups[i].result == 0;
    }
    int ret = staged ? s->kv->ops->write(s->kv, s->batch, true) : 0;
    if (!ret)
        apply(s, c, commit_no);
    for (size_t i = 0; ret && i < c->group_count; i++)
        if (!c->groups[i].result)
            c->groups[i].result = ret;
    c->done(c);
}

/* ---- start and stop ---- */

static int read_states(struct kv_store *s, struct kv_read *r)
{
    const struct kv_ops *ops = r->kv->ops;
    struct kv_iter *it = ops->iter_new(r, TABLE_EVENTS, NULL, 0, KV_ITER_LONG);
    int ret = 0;
    for (ops->iter_seek(it, NULL, 0); it->valid && !ret; ops->iter_next(it)) {
        if (it->key.size != ID_BYTES + 1) {
            ret = BOX_ECORRUPT;
        } else if (it->key.data[ID_BYTES] == EVENT_PART_STATE) {
            struct event_state state;
            struct event_id id;
            memcpy(id.u.b, it->key.data, ID_BYTES);
            ret = event_state_decode(it->value.data, it->value.size, &state);
            if (!ret)
                add_entry(s, &id)->state = state;
        }
    }
    if (!ret)
        ret = it->error;
    ops->iter_free(it);
    return ret;
}

static int read_newest(struct kv_read *r, uint64_t *ret_commit_no)
{
    struct kv_iter *it = r->kv->ops->iter_new(r, TABLE_CHANGES, NULL, 0, KV_ITER_SHORT);
    r->kv->ops->iter_last(it);
    int ret = it->error;
    if (it->valid && it->key.size != 8)
        ret = BOX_ECORRUPT;
    else if (!ret)
        *ret_commit_no = it->valid ? load_u64(it->key.data) : 0;
    r->kv->ops->iter_free(it);
    return ret;
}

int kv_commit_start(struct kv_store *s, struct kv_read *r)
{
    kv_commit_stop(s);
    uint64_t newest = 0;
    int ret = read_states(s, r);
    if (!ret)
        ret = read_newest(r, &newest);
    if (!ret)
        atomic_store_explicit(&s->commit_no, newest, memory_order_release);
    return ret;
}

void kv_commit_stop(struct kv_store *s)
{
    struct event_entry *e, *next;
    HASH_ITER (hh, s->events, e, next) {
        HASH_DEL(s->events, e);
        free(e);
    }
}
