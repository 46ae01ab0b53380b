/*
 * An event's changes. The rows of a group are written side by side after its commit, so that one may stand
 * there before those it follows: what comes after a gap is not there yet.
 */
#include "base/must.h"
#include "store/cql/ops.h"

struct change_page {
    const struct event_id *event;
    uint64_t next_seq; /* wanted next */
    uint32_t count;
    struct arena *arena;
    struct change **changes;
};

/* *ret_gap: another change should come first. */
static int take_change(struct change_page *p, struct cql_row *row, bool *ret_gap)
{
    size_t size;
    uint64_t seq = (uint64_t)row_bigint(row, "seq");
    const uint8_t *data = row_blob(row, "data", &size);
    struct change *c;
    if (!row_ok(row) || !data)
        return BOX_ECORRUPT;
    *ret_gap = seq != p->next_seq;
    if (*ret_gap)
        return 0;
    int ret = change_decode(data, size, p->arena, &c);
    if (ret)
        return ret == BOX_ENEWER ? BOX_ECORRUPT : ret;
    p->changes[p->count++] = c;
    p->next_seq++;
    return c->seq == seq && uuid_equal(&c->event_id.u, &p->event->u) ? 0 : BOX_ECORRUPT;
}

static int scan_changes(struct cql_store *s, struct change_page *p, uint64_t after_seq, uint32_t limit)
{
    struct cql_values v;
    struct cql_scan scan;
    struct cql_row row;
    bool gap = false;
    int ret = 0;
    cql_values_init(&v, p->arena);
    bind_uuid(&v, &p->event->u);
    bind_bigint(&v, (int64_t)after_seq);
    bind_int(&v, (int32_t)(limit < INT32_MAX ? limit : INT32_MAX));
    cql_scan_init(&scan, s, CQL_ST_LIST_CHANGES, &v, 1000);
    while (!ret && !gap && p->count < limit && (ret = cql_scan_next(&scan, &row)) == 0)
        ret = take_change(p, &row, &gap);
    cql_scan_done(&scan);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

int cql_list_changes(struct store *base, const struct event_id *event, uint64_t after_seq, uint32_t limit,
                     struct arena *arena, struct change ***ret_changes, uint32_t *ret_count)
{
    struct change_page p = {.event = event, .next_seq = after_seq + 1, .arena = arena};
    *ret_count = 0;
    if (after_seq >= INT64_MAX)
        return 0;
    p.changes = arena_array(arena, limit, sizeof(struct change *));
    int ret = scan_changes(cql_store_of(base), &p, after_seq, limit);
    for (uint32_t i = 0; ret && i < p.count; i++)
        if (p.changes[i]->event)
            event_unref(p.changes[i]->event);
    if (ret)
        return ret;
    *ret_changes = p.changes;
    *ret_count = p.count;
    return 0;
}
