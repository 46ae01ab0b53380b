/* Lists of events, in the order of their creation. */
#include "base/error.h"
#include "view/view_internal.h"
#include <stdlib.h>

enum { LIST_CHUNK = 64 };

/* A place in the order of creation: after this event. */
struct place {
    bool start; /* before all */
    int64_t created_ms;
    struct uuid id;
};

/* Lock for reading, with the events in order. */
static void read_lock_sorted(struct view *v)
{
    view_read_lock(v);
    while (!v->sorted) {
        view_unlock(v);
        view_write_lock(v);
        shown_sort(v);
        view_unlock(v);
        view_read_lock(v);
    }
}

static int find_place(struct view *v, const struct event_id *after, struct place *ret_place)
{
    *ret_place = (struct place){.start = true};
    if (!after)
        return 0;
    view_read_lock(v);
    const struct shown *s = shown_find(v, after);
    if (s)
        *ret_place = (struct place){.created_ms = s->created_ms, .id = s->id.u};
    view_unlock(v);
    return s ? 0 : BOX_ENOTFOUND;
}

/* The next snapshots after @place, which moves on. Returns how many; 0 at the end. */
static size_t next_chunk(struct view *v, struct place *place, struct snapshot *ret_chunk[LIST_CHUNK])
{
    read_lock_sorted(v);
    size_t from = place->start ? 0 : shown_first_after(v, place->created_ms, &place->id);
    size_t count = 0;
    for (; count < LIST_CHUNK && from + count < v->event_count; count++) {
        struct shown *s = v->events[from + count];
        shown_lock(s);
        ret_chunk[count] = snapshot_ref(s->newest);
        shown_unlock(s);
        *place = (struct place){.created_ms = s->created_ms, .id = s->id.u};
    }
    view_unlock(v);
    return count;
}

int view_list(struct view *v, const struct event_id *after, bool available, uint32_t limit,
              bool (*keep)(void *ctx, const struct snapshot *s), void *ctx, struct snapshot **ret_list,
              bool *ret_more)
{
    struct place place;
    int ret = find_place(v, after, &place);
    if (ret)
        return ret;
    must(limit <= INT32_MAX);
    uint32_t kept = 0;
    bool more = false;
    struct snapshot *chunk[LIST_CHUNK];
    size_t count;
    while (!more && (count = next_chunk(v, &place, chunk)) > 0) {
        for (size_t i = 0; i < count; i++) {
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
