#include "store/cql/second_half.h"
#include "base/must.h"
#include "base/params.h"
#include "domain/checkout.h"
#include "store/kv/format.h"
#include <string.h>

/* Rows of one partition that go together. */
enum family { QUEUE, CHANGES, HOLDS, ORDERS_OF_EVENT, FAMILIES };
enum { BATCH_STATEMENTS = 1000, BATCH_BYTES = 512 * 1024, STREAM_OPENED = 2 };

struct building {
    const struct second_half_frame *frame;
    struct cql_writes *writes;
    struct cql_write *open[FAMILIES];
    size_t open_bytes[FAMILIES];
    const struct event *event;
    const struct change *change;
    struct uuid batch_id;
    struct buf scratch;
};

/* One more statement of a family's batch, about @bytes large. */
static struct cql_values *together(struct building *x, enum family family, enum cql_st statement,
                                   size_t bytes)
{
    struct cql_write *w = x->open[family];
    if (!w || w->count == BATCH_STATEMENTS || x->open_bytes[family] + bytes > BATCH_BYTES) {
        w = x->open[family] = cql_writes_add(x->writes, statement);
        x->open_bytes[family] = bytes;
        return &w->values;
    }
    cql_write_more(x->writes, w, statement);
    x->open_bytes[family] += bytes;
    return &w->values;
}

enum { ROW_BYTES = 100 }; /* of a row without a blob, about */

/* ---- order_queue and its log ---- */

/* A node counts whole seconds of the clock: what is written at 10.9 s for 5 s is gone at 15.0. So both ends
 * are taken to whole seconds, the end up and the beginning down. */
static int64_t whole_seconds(int64_t from_ms, int64_t until_ms)
{
    return (until_ms + 999) / 1000 - from_ms / 1000;
}

/* What is left by our clock, but never more than a hold has at all, were that clock slow. */
static int32_t ttl_left(const struct building *x, const struct order_queue_row *row)
{
    int64_t left = whole_seconds(x->frame->now_ms, row->expires_ms);
    int64_t most = whole_seconds(row->started_ms, row->expires_ms);
    left = left < most ? left : most;
    return left > 1 ? (int32_t)left : 1;
}

static void bind_queue_key(struct cql_values *v, const struct order_queue_row *row)
{
    struct ticket_id ticket = ticket_id_of(&row->event_id, row->seat);
    bind_uuid(v, &row->event_id.u);
    bind_uuid(v, &ticket.u);
    bind_timestamp(v, row->started_ms);
}

static void on_queue_put(void *ctx, const struct order_queue_row *row)
{
    struct building *x = ctx;
    bool extend = x->change->kind == CHANGE_HOLD_EXTENDED; /* the log of ScyllaDB tells INSERT from UPDATE */
    struct cql_values *v = together(x, QUEUE, extend ? CQL_ST_EXTEND_QUEUE : CQL_ST_PUT_QUEUE, ROW_BYTES);
    if (extend) {
        bind_int(v, ttl_left(x, row));
        bind_bigint(v, x->change->time_us);
    } else {
        bind_queue_key(v, row);
    }
    bind_uuid_text(v, &row->session_id.u);
    bind_uuid(v, &row->hold_id.u);
    bind_bigint(v, (int64_t)row->seq);
    if (extend) {
        bind_queue_key(v, row);
    } else {
        bind_int(v, ttl_left(x, row));
        bind_bigint(v, x->change->time_us);
    }
}

static void on_queue_delete(void *ctx, const struct order_queue_row *row)
{
    struct building *x = ctx;
    struct cql_values *v = together(x, QUEUE, CQL_ST_DELETE_QUEUE, ROW_BYTES);
    bind_bigint(v, x->change->time_us);
    bind_queue_key(v, row);
}

static void bind_text_or_unset(struct cql_values *v, const char *text)
{
    if (text)
        bind_text(v, text);
    else
        bind_unset(v);
}

/*
 * On Apache Cassandra the log is ours to write; on ScyllaDB the server writes it, but for expiries, which it
 * knows nothing of. cdc$stream_id is the event id: the same partition key as order_queue's.
 */
static void on_cdc(void *ctx, const struct cdc_row *row)
{
    struct building *x = ctx;
    bool scylla = x->frame->dialect == SCHEMA_SCYLLA, put = row->ttl > 0;
    if (scylla && row->operation != CDC_EXPIRED)
        return;
    struct cql_values *v = together(x, QUEUE, scylla ? CQL_ST_PUT_EXPIRY : CQL_ST_PUT_LOG, 2 * ROW_BYTES);
    struct ticket_id ticket = ticket_id_of(&row->event_id, row->seat);
    bind_blob(v, row->event_id.u.b, sizeof(row->event_id.u.b));
    bind_uuid(v, &row->time);
    bind_int(v, (int32_t)row->batch_seq);
    if (row->end_of_batch)
        bind_boolean(v, true);
    else
        bind_unset(v);
    bind_tinyint(v, (int8_t)row->operation);
    if (put)
        bind_bigint(v, row->ttl);
    else
        bind_unset(v);
    bind_uuid(v, &row->event_id.u);
    bind_uuid(v, &ticket.u);
    bind_timestamp(v, row->started_ms);
    if (put)
        bind_uuid_text(v, &row->session.u);
    else
        bind_unset(v);
    bind_uuid(v, &row->hold_id.u);
    bind_bigint(v, (int64_t)row->seq);
    bind_uuid_text(v, &row->session.u);
    bind_text_or_unset(v, hold_outcome_name(row->outcome));
    bind_bigint(v, x->change->time_us);
}

/* ---- records ---- */

static void on_hold(void *ctx, const struct hold *hold)
{
    struct building *x = ctx;
    buf_reset(&x->scratch);
    hold_encode(hold, &x->scratch);
    struct cql_values *v = together(x, HOLDS, CQL_ST_PUT_HOLD, x->scratch.size + ROW_BYTES);
    bind_bigint(v, (int64_t)id_tag(&hold->hold_id.u));
    bind_uuid(v, &hold->hold_id.u);
    bind_uuid(v, &hold->event_id.u);
    bind_blob(v, x->scratch.data, x->scratch.size);
    bind_bigint(v, x->change->time_us);
}

static void put_index(struct building *x, const char *kind, const void *value, size_t size,
                      const struct order_id *order, int64_t time_us)
{
    struct cql_values *v = &cql_writes_add(x->writes, CQL_ST_PUT_ORDER_INDEX)->values;
    bind_text(v, kind);
    bind_blob(v, value, size);
    bind_uuid(v, &order->u);
    bind_bigint(v, time_us);
}

static void bind_time_or_unset(struct cql_values *v, int64_t ms)
{
    if (ms)
        bind_timestamp(v, ms);
    else
        bind_unset(v);
}

static void on_order(void *ctx, const struct order *order)
{
    struct building *x = ctx;
    int64_t time_us = x->change->time_us;
    struct cql_values *v = &cql_writes_add(x->writes, CQL_ST_PUT_ORDER)->values;
    buf_reset(&x->scratch);
    order_encode(order, &x->scratch);
    bind_uuid(v, &order->order_id.u);
    bind_uuid(v, &order->event_id.u);
    bind_time_or_unset(v, order->purchased_ms);
    bind_text(v, order_status_name(order->status));
    bind_money(v, order->total, &x->event->currency);
    if (uuid_is_nil(&order->user_id))
        bind_unset(v);
    else
        bind_uuid(v, &order->user_id);
    bind_uuid(v, &order->hold_id.u);
    bind_uuid_text(v, &order->session_id.u);
    bind_text(v, order->code);
    bind_text(v, x->event->currency.code);
    bind_time_or_unset(v, order->created_ms);
    bind_time_or_unset(v, order->expires_ms);
    bind_time_or_unset(v, order->ended_ms);
    bind_blob(v, x->scratch.data, x->scratch.size);
    bind_bigint(v, time_us);
    if (x->change->kind != CHANGE_ORDER_CREATED)
        return; /* code and lines never change */
    v = together(x, ORDERS_OF_EVENT, CQL_ST_PUT_ORDER_OF_EVENT, ROW_BYTES);
    bind_uuid(v, &order->event_id.u);
    bind_uuid(v, &order->order_id.u);
    bind_bigint(v, time_us);
    put_index(x, "code", order->code, strlen(order->code), &order->order_id, time_us);
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct ticket_id ticket = ticket_id_of(&order->event_id, order->lines[i].seat);
        put_index(x, "ticket", ticket.u.b, sizeof(ticket.u.b), &order->order_id, time_us);
    }
}

static void put_personal(struct building *x, const struct personal_record *record, int64_t time_us)
{
    const struct personal *p = &record->personal;
    struct cql_values *v = &cql_writes_add(x->writes, CQL_ST_PUT_PERSONAL)->values;
    bind_uuid(v, &record->order_id.u);
    bind_text_or_unset(v, p->name);
    bind_text_or_unset(v, p->email);
    bind_text_or_unset(v, p->payment_reference);
    bind_bigint(v, time_us);
    if (!p->email)
        return;
    struct key k;
    key_index_email(&k, x->frame->email_secret, p->email);
    put_index(x, "email", k.b + 1, DIGEST_BYTES, &record->order_id, time_us);
}

static void put_answer(struct building *x, const struct idem_record *r, int64_t time_us)
{
    int64_t left_ms = r->expires_ms - x->frame->now_ms;
    int64_t ttl = left_ms > 0 ? (left_ms + 999) / 1000 : 1;
    struct cql_values *v = &cql_writes_add(x->writes, CQL_ST_PUT_IDEM)->values;
    bind_blob(v, r->key.b, DIGEST_BYTES);
    bind_blob(v, r->request.b, DIGEST_BYTES);
    bind_timestamp(v, r->expires_ms);
    bind_int(v, r->http_status);
    bind_bigint(v, (int64_t)r->change_seq);
    bind_text_or_unset(v, r->location);
    bind_blob(v, r->body, r->body_size);
    bind_int(v, (int32_t)(ttl < LIMIT_IDEMPOTENCY_SECONDS ? ttl : LIMIT_IDEMPOTENCY_SECONDS));
    bind_bigint(v, time_us);
}

/* ---- the event ---- */

static void put_event(struct building *x, const struct change *c)
{
    const struct event *e = c->event;
    struct cql_values *v = &cql_writes_add(x->writes, CQL_ST_PUT_EVENT)->values;
    buf_reset(&x->scratch);
    event_encode(e, &x->scratch);
    bind_uuid(v, &e->event_id.u);
    bind_timestamp(v, e->date_ms);
    bind_text(v, e->event_type);
    bind_text(v, e->name);
    bind_text(v, e->slug);
    bind_uuid(v, &e->venue_id.u);
    bind_text(v, e->currency.code);
    bind_int(v, (int32_t)e->hold_seconds);
    bind_int(v, (int32_t)e->max_tickets_per_session);
    bind_timestamp_or_null(v, e->on_sale_ms);
    bind_timestamp_or_null(v, e->off_sale_ms);
    bind_boolean(v, e->published);
    bind_text(v, event_status_name(e->status));
    bind_timestamp(v, e->created_ms);
    bind_boolean(v, e->deleted);
    bind_bigint(v, (int64_t)c->seq);
    bind_blob(v, x->scratch.data, x->scratch.size);
    bind_bigint(v, c->time_us);
}

static void bind_slug(struct cql_write *w, const struct event *e)
{
    bind_text(&w->values, e->slug);
    bind_uuid(&w->values, &e->event_id.u);
}

enum { FOR_EVER = 0 /* as a TTL */ };

/* The claim becomes permanent; where it has run out meanwhile, it is made again, unless somebody has it. */
static void keep_slug(struct building *x, const struct event *e)
{
    struct cql_write *w = cql_writes_add(x->writes, CQL_ST_TAKE_SLUG);
    bind_int(&w->values, FOR_EVER);
    bind_uuid(&w->values, &e->event_id.u);
    bind_slug(w, e);
    w = cql_write_otherwise(x->writes, w, CQL_ST_CLAIM_SLUG);
    bind_slug(w, e);
    bind_int(&w->values, FOR_EVER);
}

/*
 * A new event is a stream that is opened (in the shape that ScyllaDB has with tablets): of the log that we
 * write, and of the expiries that we write beside ScyllaDB's.
 */
static void open_stream(struct building *x, const struct change *c)
{
    struct cql_values *v = &cql_writes_add(x->writes, CQL_ST_PUT_CDC_STREAM)->values;
    bind_text(v, x->frame->keyspace);
    bind_timestamp(v, c->time_us / 1000);
    bind_tinyint(v, STREAM_OPENED);
    bind_blob(v, c->event_id.u.b, sizeof(c->event_id.u.b));
    bind_bigint(v, c->time_us);
    if (x->frame->dialect == SCHEMA_SCYLLA)
        return;
    v = &cql_writes_add(x->writes, CQL_ST_PUT_CDC_GENERATION)->values;
    bind_text(v, x->frame->keyspace);
    bind_timestamp(v, c->time_us / 1000);
    bind_bigint(v, c->time_us);
}

/* ---- a change ---- */

static void put_change(struct building *x, const struct change *c)
{
    const struct row_sink sink = {
        .ctx = x,
        .order_queue_put = on_queue_put,
        .order_queue_delete = on_queue_delete,
        .cdc = on_cdc,
        .hold = on_hold,
        .order = on_order,
    };
    x->change = c;
    rows_of_change(c, &x->writes->arena, &sink);
    buf_reset(&x->scratch);
    change_encode(c, &x->scratch);
    struct cql_values *v = together(x, CHANGES, CQL_ST_PUT_CHANGE, x->scratch.size + ROW_BYTES);
    bind_uuid(v, &c->event_id.u);
    bind_bigint(v, (int64_t)c->seq);
    bind_uuid(v, &x->batch_id);
    bind_blob(v, x->scratch.data, x->scratch.size);
    bind_bigint(v, c->time_us);
    if (c->event)
        put_event(x, c);
    if (c->kind == CHANGE_EVENT_CREATED) {
        keep_slug(x, c->event);
        open_stream(x, c);
    } else if (c->kind == CHANGE_EVENT_DELETED) {
        bind_slug(cql_writes_add(x->writes, CQL_ST_FREE_SLUG), c->event);
    }
}

struct second_half_frame second_half_frame_of(const struct cql_store *s)
{
    return (struct second_half_frame){
        .dialect = s->dialect,
        .keyspace = s->keyspace,
        .email_secret = s->email_secret,
        .now_ms = clock_wall_us(s->clock) / 1000,
    };
}

void second_half_build(const struct second_half_frame *frame, const struct second_half_input *in,
                       struct cql_writes *ret_writes)
{
    const struct event_group *g = in->group;
    struct building x = {.frame = frame, .writes = ret_writes, .event = in->event, .batch_id = in->batch_id};
    int64_t time_us = 0;
    const struct change *c = g->changes;
    for (uint32_t i = 0; i < g->change_count; i++, c = c->next) {
        put_change(&x, c);
        time_us = c->time_us;
    }
    for (size_t i = 0; i < g->personal_count; i++)
        put_personal(&x, g->personals[i], time_us);
    for (size_t i = 0; i < g->idem_count; i++)
        put_answer(&x, g->idems[i], time_us);
    if (in->has_tickets != HAS_TICKETS_AS_IT_IS) {
        struct cql_values *v = &cql_writes_add(x.writes, CQL_ST_PUT_HAS_TICKETS)->values;
        bind_bigint(v, time_us);
        bind_boolean(v, in->has_tickets);
        bind_uuid(v, &g->event_id.u);
    }
    buf_done(&x.scratch);
}
