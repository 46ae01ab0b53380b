/*
 * Which events there are. An event's row is written after its first commit, so that a server which died in
 * between leaves an event without a row: its slug says that there may be one, the statics of its tickets
 * whether the commit happened. Rows without our seq are somebody else's.
 */
#include "base/must.h"
#include "store/cql/ops.h"
#include <stdlib.h>
#include <string.h>

/* Ids, one after another. */
static size_t id_count(const struct buf *ids)
{
    return ids->size / sizeof(struct uuid);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

static void sort_ids(struct buf *ids)
{
    if (ids->size)
        qsort(ids->data, id_count(ids), sizeof(struct uuid), compare_ids);
}

static bool has_id(const struct buf *sorted, const struct uuid *id)
{
    return sorted->size &&
           bsearch(id->b, sorted->data, id_count(sorted), sizeof(struct uuid), compare_ids) != NULL;
}

/* Our events by their rows, sorted: live ones, and all that have one. @ret_all may be NULL. */
static int read_rows(struct cql_store *s, struct buf *ret_live, struct buf *ret_all)
{
    struct cql_scan scan;
    struct cql_row row;
    int ret;
    cql_scan_init(&scan, s, CQL_ST_LIST_EVENTS, NULL, 0);
    while ((ret = cql_scan_next(&scan, &row)) == 0) {
        struct uuid id = row_uuid(&row, "event_id");
        bool deleted = row_boolean(&row, "deleted"), ours = row_has(&row, "seq");
        if (!row_ok(&row)) {
            ret = BOX_ECORRUPT;
            break;
        }
        if (ours && !deleted)
            buf_add(ret_live, id.b, sizeof(id.b));
        if (ours && ret_all)
            buf_add(ret_all, id.b, sizeof(id.b));
    }
    cql_scan_done(&scan);
    sort_ids(ret_live);
    if (ret_all)
        sort_ids(ret_all);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

/* Events that have a slug and no row. */
static int read_slugs(struct cql_store *s, const struct buf *known, struct buf *ret_ids)
{
    struct cql_scan scan;
    struct cql_row row;
    int ret;
    cql_scan_init(&scan, s, CQL_ST_LIST_SLUGS, NULL, 0);
    while ((ret = cql_scan_next(&scan, &row)) == 0) {
        struct uuid id = row_uuid(&row, "event_id");
        if (!row_ok(&row)) {
            ret = BOX_ECORRUPT;
            break;
        }
        if (!has_id(known, &id))
            buf_add(ret_ids, id.b, sizeof(id.b));
    }
    cql_scan_done(&scan);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

struct begun {
    const struct buf *ids;
    struct buf *live;
};

static int take_begun(void *ctx, size_t index, const struct cql_result *result)
{
    struct begun *b = ctx;
    if (cql_rows(result) == 0)
        return 0;
    struct cql_row row = cql_row_at(result, 0);
    bool committed = row_has(&row, "seq");
    if (!row_ok(&row))
        return BOX_ECORRUPT;
    if (committed)
        buf_add(b->live, b->ids->data + index * sizeof(struct uuid), sizeof(struct uuid));
    return 0;
}

/* Of events without a row: those whose first commit happened. */
static int add_begun(struct cql_store *s, const struct buf *ids, struct buf *live)
{
    struct begun b = {.ids = ids, .live = live};
    struct arena arena;
    size_t count = id_count(ids);
    arena_init(&arena, 0);
    struct cql_values *v = arena_array(&arena, count, sizeof(*v));
    for (size_t i = 0; i < count; i++) {
        struct uuid id;
        memcpy(id.b, ids->data + i * sizeof(id), sizeof(id));
        cql_values_init(&v[i], &arena);
        bind_uuid(&v[i], &id);
    }
    int ret = cql_call_many(s, CQL_ST_GET_EVENT_STATE, v, count, take_begun, &b);
    arena_done(&arena);
    return ret;
}

int cql_list_events(struct store *base, int (*each)(void *ctx, struct event_id id), void *ctx)
{
    struct cql_store *s = cql_store_of(base);
    struct buf live = {0}, all = {0}, slugs = {0};
    int ret = read_rows(s, &live, &all);
    if (!ret)
        ret = read_slugs(s, &all, &slugs);
    if (!ret)
        ret = add_begun(s, &slugs, &live);
    for (size_t at = 0; !ret && at < live.size; at += sizeof(struct uuid)) {
        struct event_id id;
        memcpy(id.u.b, live.data + at, sizeof(id.u.b));
        ret = each(ctx, id);
    }
    buf_done(&live);
    buf_done(&all);
    buf_done(&slugs);
    return ret;
}

int cql_sorted_events(struct cql_store *s, struct event_id **ret_ids, size_t *ret_count)
{
    struct buf live = {0};
    size_t size;
    int ret = read_rows(s, &live, NULL);
    if (ret) {
        buf_done(&live);
        return ret;
    }
    *ret_count = id_count(&live);
    *ret_ids = (struct event_id *)(void *)buf_take(&live, &size);
    return 0;
}
