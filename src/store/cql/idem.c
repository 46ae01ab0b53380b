/*
 * Answers kept for Idempotency-Keys. Those of an event's commands are written with the event's group; those
 * of requests outside of events (POST /v1/venues) are claimed by an LWT, because no home puts them in order.
 * expires_at decides whether a record counts; its TTL only clears it away.
 */
#include "base/must.h"
#include "base/params.h"
#include "store/cql/ops.h"
#include <stdlib.h>
#include <string.h>

static int read_record(const struct cql_result *result, const struct digest *key, int64_t now_ms,
                       struct arena *arena, struct idem_record *ret_record)
{
    if (cql_rows(result) == 0)
        return BOX_ENOTFOUND;
    struct cql_row row = cql_row_at(result, 0);
    struct idem_record r = {.key = *key, .expires_ms = row_timestamp(&row, "expires_at")};
    row_bytes(&row, "request", r.request.b, DIGEST_BYTES);
    int32_t status = row_int(&row, "http_status");
    r.http_status = (uint16_t)status;
    r.change_seq = (uint64_t)row_bigint(&row, "change_seq");
    r.location = row_text(&row, "location", arena);
    const uint8_t *body = row_blob(&row, "body", &r.body_size);
    if (!row_ok(&row) || status < 0 || status > UINT16_MAX)
        return BOX_EIO;
    if (r.expires_ms <= now_ms)
        return BOX_ENOTFOUND;
    r.body = arena_copy(arena, body ? body : (const uint8_t *)"", r.body_size);
    *ret_record = r;
    return 0;
}

static void bind_key(struct cql_values *v, const struct digest *key, struct arena *arena)
{
    cql_values_init(v, arena);
    bind_blob(v, key->b, DIGEST_BYTES);
}

int cql_idem_find(struct store *base, const struct digest *key, int64_t now_ms, struct arena *arena,
                  struct idem_record *ret_record)
{
    struct cql_values v;
    struct cql_result *result;
    bind_key(&v, key, arena);
    int ret = cql_call(cql_store_of(base), CQL_ST_GET_IDEM, &v, &result);
    if (ret)
        return ret;
    ret = read_record(result, key, now_ms, arena, ret_record);
    cql_result_free(result);
    return ret;
}

/* ---- the same for the writer, which must not wait ---- */

struct lookup {
    struct cql_op op;
    struct cql_store *s;
    struct idem_lookup *asked;
    struct arena arena; /* of the values */
    struct cql_values values;
    struct cql_timer timer;
    unsigned attempt;
};

static void answer(struct lookup *x, int result)
{
    struct idem_lookup *l = x->asked;
    l->result = result;
    arena_done(&x->arena);
    free(x);
    l->done(l);
}

static void try_again(struct cql_timer *t)
{
    struct lookup *x = (struct lookup *)((char *)t - offsetof(struct lookup, timer));
    cql_op_start(x->s, &x->op);
}

/* On the store's thread. */
static void looked_up(struct cql_op *op)
{
    enum { TRIES = 4 };
    struct lookup *x = op->ctx;
    if (op->kind != CQL_OK && cql_worth_retry(op->kind) && ++x->attempt < TRIES) {
        cql_loop_after(&x->s->loop, &x->timer, cql_backoff_ms(x->s, x->attempt));
        return;
    }
    if (op->kind != CQL_OK) {
        answer(x, BOX_EUNAVAILABLE);
        return;
    }
    struct idem_lookup *l = x->asked;
    l->record = arena_alloc(l->arena, sizeof(*l->record));
    int ret = read_record(op->result, &l->key, l->now_ms, l->arena, l->record);
    cql_result_free(op->result);
    answer(x, ret);
}

void cql_idem_lookup(struct store *base, struct idem_lookup *l)
{
    struct lookup *x = calloc(1, sizeof(*x));
    must(x);
    x->s = cql_store_of(base);
    x->asked = l;
    x->timer.run = try_again;
    arena_init(&x->arena, 256);
    bind_key(&x->values, &l->key, &x->arena);
    x->op = (struct cql_op){
        .statement = CQL_ST_GET_IDEM, .values = &x->values, .on_loop = true, .done = looked_up, .ctx = x};
    cql_op_start(x->s, &x->op);
}

/* ---- requests that make a venue ---- */

static void bind_record(struct cql_values *v, const struct idem_record *r, const struct venue_id *venue)
{
    bind_blob(v, r->key.b, DIGEST_BYTES);
    bind_blob(v, r->request.b, DIGEST_BYTES);
    bind_timestamp(v, r->expires_ms);
    bind_int(v, r->http_status);
    bind_bigint(v, (int64_t)r->change_seq);
    if (r->location)
        bind_text(v, r->location);
    else
        bind_unset(v);
    bind_blob(v, r->body, r->body_size);
    bind_uuid(v, &venue->u);
    bind_int(v, LIMIT_IDEMPOTENCY_SECONDS);
}

int cql_idem_claim(struct cql_store *s, const struct idem_record *idem, const struct venue_id *venue)
{
    struct arena arena;
    struct cql_values v;
    struct cql_result *result;
    bool applied;
    arena_init(&arena, 0);
    cql_values_init(&v, &arena);
    bind_record(&v, idem, venue);
    int ret = cql_call_lwt(s, CQL_ST_CLAIM_IDEM, &v, &applied, &result);
    arena_done(&arena);
    if (ret)
        return ret;
    if (!applied) {
        struct cql_row row = cql_row_at(result, 0);
        struct uuid other = row_uuid(&row, "venue_id");
        ret = row_ok(&row) && uuid_equal(&other, &venue->u) ? 0 : BOX_EEXISTS;
    }
    cql_result_free(result);
    return ret;
}

int cql_idem_venue(struct cql_store *s, const struct digest *key, struct venue_id *ret_venue)
{
    struct arena arena;
    struct cql_values v;
    struct cql_result *result;
    arena_init(&arena, 0);
    bind_key(&v, key, &arena);
    int ret = cql_call(s, CQL_ST_GET_IDEM_SERIAL, &v, &result);
    arena_done(&arena);
    if (ret)
        return ret;
    if (cql_rows(result) == 0) {
        ret = BOX_ENOTFOUND;
    } else {
        struct cql_row row = cql_row_at(result, 0);
        struct uuid venue = row_uuid(&row, "venue_id");
        ret = !row_ok(&row) ? BOX_EIO : uuid_is_nil(&venue) ? BOX_ENOTFOUND : 0;
        if (!ret)
            ret_venue->u = venue;
    }
    cql_result_free(result);
    return ret;
}
