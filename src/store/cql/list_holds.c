/*
 * Holds of an event, oldest first: their ids sort by age.
 */
#include "base/must.h"
#include "store/cql/ops.h"
#include "store/cql/page.h"

struct hold_page {
    const struct checkout_filter *f;
    struct arena *arena, scratch;
    struct hold *holds;
    uint32_t count, limit;
    struct cursor cursor;
};

/* Decoded into scratch memory first: most rows may not be wanted. */
static int take_hold(struct hold_page *p, struct cql_row *row)
{
    struct hold hold;
    struct uuid id = row_uuid(row, "hold_id");
    int ret = cql_read_hold(row, &p->scratch, &hold);
    bool wanted = !ret && uuid_equal(&hold.event_id.u, &p->f->event.u) &&
                  (p->f->status < 0 || (int)hold.status == p->f->status);
    if (wanted)
        ret = cql_read_hold(row, p->arena, &p->holds[p->count++]);
    arena_reset(&p->scratch);
    page_cursor_set(&p->cursor, id.b, ID_BYTES);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

static int scan_holds(struct cql_store *s, struct hold_page *p, const struct cursor *after)
{
    struct arena arena;
    struct cql_values v;
    struct cql_scan scan;
    struct cql_row row;
    const struct uuid from = page_cursor_id(after);
    uint32_t budget = SCAN_BUDGET;
    int ret = 0;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_bigint(&v, (int64_t)id_tag(&p->f->event.u));
    bind_uuid(&v, &from);
    cql_scan_init(&scan, s, CQL_ST_LIST_HOLDS, &v, (int32_t)(p->limit < 1000 ? p->limit + 1 : 1000));
    /* One more than asked for is looked at, to know whether the end was reached. */
    while (!ret && (ret = cql_scan_next(&scan, &row)) == 0) {
        if (p->count == p->limit || budget-- == 0)
            break;
        ret = take_hold(p, &row);
    }
    if (ret == BOX_ENOTFOUND) {
        p->cursor.size = 0;
        ret = 0;
    }
    cql_scan_done(&scan);
    arena_done(&arena);
    return ret;
}

int cql_list_holds(struct store *base, const struct checkout_filter *f, const struct cursor *after,
                   uint32_t limit, struct arena *arena, struct hold **ret_holds, uint32_t *ret_count,
                   struct cursor *ret_cursor)
{
    struct hold_page p = {.f = f, .limit = limit, .arena = arena};
    if (after->size && (after->size != ID_BYTES || memcmp(after->bytes, f->event.u.b, EVENT_TAG_BYTES) != 0))
        return BOX_EINVALID;
    arena_init(&p.scratch, 0);
    p.holds = arena_array(arena, limit, sizeof(*p.holds));
    int ret = scan_holds(cql_store_of(base), &p, after);
    arena_done(&p.scratch);
    if (ret)
        return ret;
    *ret_holds = p.holds;
    *ret_count = p.count;
    *ret_cursor = p.cursor;
    return 0;
}
