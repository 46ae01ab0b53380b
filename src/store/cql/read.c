/*
 * Point reads, at QUORUM: what was acknowledged has its second half written out (commit.h), so that a quorum
 * has it.
 */
#include "base/must.h"
#include "store/cql/ops.h"
#include <string.h>

/* A record of a newer version in a store of ours is damage as far as a reader is concerned. */
static int decoded(int ret)
{
    return ret == BOX_ENEWER ? BOX_ECORRUPT : ret;
}

int cql_read_hold(struct cql_row *row, struct arena *arena, struct hold *ret_hold)
{
    size_t size;
    const uint8_t *data = row_blob(row, "data", &size);
    if (!row_ok(row))
        return BOX_ECORRUPT;
    return data ? decoded(hold_decode(data, size, arena, ret_hold)) : BOX_ENOTFOUND;
}

int cql_read_order(struct cql_row *row, struct arena *arena, struct order *ret_order)
{
    size_t size;
    const uint8_t *data = row_blob(row, "data", &size);
    if (!row_ok(row))
        return BOX_ECORRUPT;
    return data ? decoded(order_decode(data, size, arena, ret_order)) : BOX_ENOTFOUND;
}

/* The one row of a statement's answer. Returns 0 (the result is the caller's), BOX_ENOTFOUND, BOX_EIO. */
static int one_row(struct cql_store *s, enum cql_st st, const struct cql_values *values,
                   struct cql_result **ret_result, struct cql_row *ret_row)
{
    struct cql_result *result;
    int ret = cql_call(s, st, values, &result);
    if (ret)
        return ret;
    if (cql_rows(result) == 0) {
        cql_result_free(result);
        return BOX_ENOTFOUND;
    }
    *ret_row = cql_row_at(result, 0);
    *ret_result = result;
    return 0;
}

int cql_get_hold(struct store *base, const struct hold_id *id, struct arena *arena, struct hold *ret_hold)
{
    struct cql_values v;
    struct cql_result *result = NULL;
    struct cql_row row;
    cql_values_init(&v, arena);
    bind_bigint(&v, (int64_t)id_tag(&id->u));
    bind_uuid(&v, &id->u);
    int ret = one_row(cql_store_of(base), CQL_ST_GET_HOLD, &v, &result, &row);
    if (!ret)
        ret = cql_read_hold(&row, arena, ret_hold);
    cql_result_free(result);
    return ret;
}

int cql_get_order(struct store *base, const struct order_id *id, struct arena *arena, struct order *ret_order)
{
    struct cql_values v;
    struct cql_result *result = NULL;
    struct cql_row row;
    cql_values_init(&v, arena);
    bind_uuid(&v, &id->u);
    int ret = one_row(cql_store_of(base), CQL_ST_GET_ORDER, &v, &result, &row);
    if (!ret)
        ret = cql_read_order(&row, arena, ret_order);
    cql_result_free(result);
    return ret;
}

int cql_get_personal(struct store *base, const struct order_id *id, struct arena *arena,
                     struct personal *ret_personal)
{
    struct cql_values v;
    struct cql_result *result = NULL;
    struct cql_row row;
    struct personal p = {0};
    cql_values_init(&v, arena);
    bind_uuid(&v, &id->u);
    int ret = one_row(cql_store_of(base), CQL_ST_GET_PERSONAL, &v, &result, &row);
    if (!ret) {
        p.name = row_text(&row, "name", arena);
        p.email = row_text(&row, "email", arena);
        p.payment_reference = row_text(&row, "payment_reference", arena);
        ret = row_ok(&row) ? 0 : BOX_ECORRUPT;
    }
    cql_result_free(result);
    if (ret && ret != BOX_ENOTFOUND)
        return ret;
    *ret_personal = p;
    return 0;
}

/* ---- tickets ---- */

static enum seat_status read_status(struct cql_row *row)
{
    size_t size;
    const uint8_t *text = row_blob(row, "status", &size);
    for (int status = 0; text && status < SEAT_STATUSES; status++) {
        const char *name = seat_status_name((enum seat_status)status);
        if (strlen(name) == size && memcmp(text, name, size) == 0)
            return (enum seat_status)status;
    }
    row_fail(row);
    return SEAT_AVAILABLE;
}

/* The parts of a ticket that nobody has are what a hold left behind: they are not the row's. */
int cql_read_ticket(struct cql_row *row, const struct event_id *event, struct ticket_row *ret_row)
{
    struct ticket_row t = {.event_id = *event, .status = read_status(row)};
    struct ticket_id id = {row_uuid(row, "ticket_id")};
    t.last_started_ms = row_timestamp(row, "started_at");
    if (!row_ok(row) || !ticket_id_seat(&id, event, &t.seat))
        return BOX_ECORRUPT;
    if (t.status == SEAT_HELD || t.status == SEAT_SOLD) {
        int32_t price_type = row_int(row, "price_type");
        t.price_type = (uint8_t)price_type;
        t.price.minor = row_decimal(row, "price_taken").unscaled;
        t.hold_id.u = row_uuid(row, "hold_id");
        t.session.u = row_uuid_text(row, "hold_session");
        t.order_id.u = row_uuid(row, "order_id");
        if (price_type < 0 || price_type > UINT8_MAX || t.price.minor < 0 || uuid_is_nil(&t.hold_id.u) ||
            uuid_is_nil(&t.session.u))
            return BOX_ECORRUPT;
    }
    if (t.status == SEAT_HELD)
        t.hold_until_ms = row_timestamp(row, "hold_until");
    if (!row_ok(row))
        return BOX_ECORRUPT;
    *ret_row = t;
    return 0;
}

int cql_get_ticket(struct store *base, const struct event_id *event, uint32_t seat,
                   struct ticket_row *ret_row)
{
    struct arena arena;
    struct cql_values v;
    struct cql_result *result = NULL;
    struct cql_row row;
    const struct ticket_id id = ticket_id_of(event, seat);
    arena_init(&arena, 0);
    cql_values_init(&v, &arena);
    bind_uuid(&v, &event->u);
    bind_uuid(&v, &id.u);
    int ret = one_row(cql_store_of(base), CQL_ST_GET_TICKET, &v, &result, &row);
    if (!ret)
        ret = cql_read_ticket(&row, event, ret_row);
    cql_result_free(result);
    arena_done(&arena);
    return ret;
}
