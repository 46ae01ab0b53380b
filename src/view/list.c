/* Lists of events, in the order of their creation. */
#include "base/error.h"
#include "view/view_internal.h"

enum { LIST_CHUNK = 64 };

/* A walk along all events or the available ones. */
struct walk {
    struct view *v;
    bool available;
    bool started;
    struct timeline_key after; /* if started: where it is */
};

static struct shown *event_of(struct timeline_node *n, bool available)
{
    size_t offset = available ? offsetof(struct shown, available) : offsetof(struct shown, all);
    return (struct shown *)((char *)n - offset);
}

/* Begin after the event @after, which need not be an available one. Returns 0 or BOX_ENOTFOUND. */
static int walk_begin(struct walk *w, const struct event_id *after)
{
    if (!after)
        return 0;
    epoch_enter();
    const struct shown *event = shown_find(w->v, after);
    if (event) {
        w->started = true;
        w->after = event->all.key;
    }
    epoch_leave();
    return event ? 0 : BOX_ENOTFOUND;
}

/* The next snapshots; the walk moves on. Returns how many; 0 at the end. */
static size_t next_chunk(struct walk *w, struct snapshot *ret_chunk[LIST_CHUNK])
{
    const struct timeline *list = w->available ? &w->v->available : &w->v->events;
    size_t count = 0;
    epoch_enter();
    struct timeline_node *n = timeline_after(list, w->started ? &w->after : NULL);
    for (; n && count < LIST_CHUNK; n = timeline_next(n)) {
        ret_chunk[count++] = shown_newest(event_of(n, w->available));
        w->started = true;
        w->after = n->key;
    }
    epoch_leave();
    return count;
}

int view_list(struct view *v, const struct event_id *after, bool available, uint32_t limit,
              bool (*keep)(void *ctx, const struct snapshot *s), void *ctx, struct snapshot **ret_list,
              bool *ret_more)
{
    struct walk walk = {.v = v, .available = available};
    int ret = walk_begin(&walk, after);
    if (ret)
        return ret;
    must(limit <= INT32_MAX);
    uint32_t kept = 0;
    bool more = false;
    struct snapshot *chunk[LIST_CHUNK];
    size_t count;
    while (!more && (count = next_chunk(&walk, chunk)) > 0) {
        for (size_t i = 0; i < count; i++) {
            /* The last seat may have gone while the event is still in the list. */
            bool wanted = !more && (!available || chunk[i]->counts[SEAT_AVAILABLE] > 0) &&
                          (!keep || keep(ctx, chunk[i]));
            if (wanted && kept < limit) {
                ret_list[kept++] = chunk[i];
                continue;
            }
            more = more || wanted;
            view_release(chunk[i]);
        }
    }
    *ret_more = more;
    return (int)kept;
}
