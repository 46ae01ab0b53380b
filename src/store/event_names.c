#include "store/event_names.h"
#include <string.h>

static int collect(void *ctx, struct event_id id)
{
    buf_add(ctx, id.u.b, sizeof(id.u.b));
    return 0;
}

static int call_with_first(struct store *s, const struct event_id *id, struct arena *arena,
                           int (*each)(void *ctx, const struct event *first), void *ctx)
{
    struct change **changes;
    uint32_t count = 0;
    int ret = store_list_changes(s, id, 0, 1, arena, &changes, &count);
    if (ret == BOX_ECORRUPT || ret == BOX_ENEWER)
        return 0;
    if (ret || count == 0)
        return ret;
    const struct event *first = changes[0]->event;
    if (first)
        ret = each(ctx, first);
    event_unref(first);
    return ret;
}

int event_names_each(struct store *s, int (*each)(void *ctx, const struct event *first), void *ctx)
{
    struct buf ids = {0};
    struct arena arena;
    arena_init(&arena, 0);
    int ret = store_list_events(s, collect, &ids);
    for (size_t at = 0; at < ids.size && !ret; at += sizeof(struct uuid)) {
        struct event_id id;
        memcpy(id.u.b, ids.data + at, sizeof(id.u.b));
        ret = call_with_first(s, &id, &arena, each, ctx);
        arena_reset(&arena);
    }
    arena_done(&arena);
    buf_done(&ids);
    return ret;
}

struct wanted {
    const char *slug;
    struct event_id id;
};

/* BOX_EEXISTS: found, look no further. */
static int has_slug(void *ctx, const struct event *first)
{
    struct wanted *w = ctx;
    if (strcmp(w->slug, first->slug) != 0)
        return 0;
    w->id = first->event_id;
    return BOX_EEXISTS;
}

static int is_listed(void *ctx, struct event_id id)
{
    return uuid_equal(&id.u, &((const struct wanted *)ctx)->id.u) ? BOX_EEXISTS : 0;
}

int event_names_find(struct store *s, const char *slug_or_id, struct event_id *ret_id)
{
    struct wanted w = {.slug = slug_or_id};
    bool is_id = uuid_parse(slug_or_id, &w.id.u) == 0;
    /* An id needs no name: by it an event is found whose log is damaged. */
    int ret = is_id ? store_list_events(s, is_listed, &w) : event_names_each(s, has_slug, &w);
    if (ret == 0)
        return BOX_ENOTFOUND;
    if (ret != BOX_EEXISTS)
        return ret;
    *ret_id = w.id;
    return 0;
}
