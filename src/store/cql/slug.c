/*
 * Slugs: each belongs to one event, decided by an LWT. A claim (with a TTL) goes before the event's tickets
 * are created; the first commit makes it permanent. The slug of an event that was deleted is free for the
 * next.
 */
#include "base/must.h"
#include "base/params.h"
#include "store/cql/ops.h"

/* What an LWT on the slug found. */
static int read_owner(const struct cql_result *result, struct event_id *ret_owner)
{
    struct cql_row row = cql_row_at(result, 0);
    struct uuid owner = UUID_NIL;
    if (row_column(&row, "event_id")) /* absent where there is no row any more */
        owner = row_uuid(&row, "event_id");
    ret_owner->u = owner;
    return row_ok(&row) ? 0 : BOX_EUNKNOWN;
}

/* *ret_owner: the event itself where it was claimed. */
static int claim(struct cql_store *s, const char *slug, const struct event_id *event, struct arena *arena,
                 struct event_id *ret_owner)
{
    struct cql_values v;
    struct cql_result *result;
    bool applied;
    cql_values_init(&v, arena);
    bind_text(&v, slug);
    bind_uuid(&v, &event->u);
    bind_int(&v, LIMIT_SLUG_CLAIM_SECONDS);
    int ret = cql_call_lwt(s, CQL_ST_CLAIM_SLUG, &v, &applied, &result);
    if (ret)
        return ret;
    *ret_owner = *event;
    if (!applied)
        ret = read_owner(result, ret_owner);
    cql_result_free(result);
    return ret;
}

/* Take it from @owner. */
static int take(struct cql_store *s, const char *slug, const struct event_id *event,
                const struct event_id *owner, struct arena *arena, struct event_id *ret_owner)
{
    struct cql_values v;
    struct cql_result *result;
    bool applied;
    cql_values_init(&v, arena);
    bind_int(&v, LIMIT_SLUG_CLAIM_SECONDS);
    bind_uuid(&v, &event->u);
    bind_text(&v, slug);
    bind_uuid(&v, &owner->u);
    int ret = cql_call_lwt(s, CQL_ST_TAKE_SLUG, &v, &applied, &result);
    if (ret)
        return ret;
    *ret_owner = *event;
    if (!applied)
        ret = read_owner(result, ret_owner);
    cql_result_free(result);
    return ret;
}

/* Was this event deleted? One without a row may be in creation: it has the slug. */
static int was_deleted(struct cql_store *s, const struct event_id *event, struct arena *arena,
                       bool *ret_deleted)
{
    struct cql_values v;
    struct cql_result *result;
    cql_values_init(&v, arena);
    bind_uuid(&v, &event->u);
    int ret = cql_call(s, CQL_ST_GET_EVENT, &v, &result);
    if (ret)
        return BOX_EUNAVAILABLE;
    *ret_deleted = false;
    if (cql_rows(result)) {
        struct cql_row row = cql_row_at(result, 0);
        *ret_deleted = row_boolean(&row, "deleted");
    }
    cql_result_free(result);
    return 0;
}

int cql_claim_slug(struct store *base, const char *slug, const struct event_id *event)
{
    struct cql_store *s = cql_store_of(base);
    struct event_id owner;
    struct arena arena;
    bool deleted = false;
    arena_init(&arena, 0);
    int ret = claim(s, slug, event, &arena, &owner);
    if (!ret && !uuid_equal(&owner.u, &event->u)) {
        ret = was_deleted(s, &owner, &arena, &deleted);
        if (!ret && deleted)
            ret = take(s, slug, event, &owner, &arena, &owner);
    }
    arena_done(&arena);
    if (!ret && !uuid_equal(&owner.u, &event->u))
        ret = BOX_ESLUGTAKEN;
    return ret;
}
