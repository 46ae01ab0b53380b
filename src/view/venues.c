/* The venues by id and in the order of their creation. A venue never changes and is never removed. */
#include "base/error.h"
#include "base/hash.h"
#include "view/view_internal.h"
#include <stdlib.h>

static bool is_venue(const void *item, const void *key)
{
    const struct venue_id *id = key;
    return uuid_equal(&((const struct known_venue *)item)->node.key.id, &id->u);
}

static const struct known_venue *find_venue(const struct view *v, const struct venue_id *id)
{
    return lookup_find(&v->venues_by_id, hash64(id, sizeof(*id)), is_venue, id);
}

static void insert_venue(struct view *v, struct layout *layout)
{
    struct known_venue *venue = calloc(1, sizeof(*venue));
    must(venue); /* out of memory ends the program */
    timeline_node_init(&venue->node, layout->created_ms, &layout->venue_id.u);
    venue->layout = layout_ref(layout);
    lookup_insert(&v->venues_by_id, hash64(&layout->venue_id, sizeof(layout->venue_id)), venue);
    timeline_insert(&v->venues, &venue->node);
}

void view_put_venue(struct view *v, struct layout *layout)
{
    view_lock(v);
    if (!find_venue(v, &layout->venue_id))
        insert_venue(v, layout);
    view_publish(v);
}

struct layout *view_venue(struct view *v, const struct venue_id *id)
{
    epoch_enter();
    const struct known_venue *venue = find_venue(v, id);
    struct layout *layout = venue ? layout_ref(venue->layout) : NULL;
    epoch_leave();
    return layout;
}

int view_list_venues(struct view *v, const struct venue_id *after, uint32_t limit, struct layout **ret_list,
                     bool *ret_more)
{
    must(limit <= INT32_MAX);
    int ret = BOX_ENOTFOUND;
    epoch_enter();
    const struct known_venue *known = after ? find_venue(v, after) : NULL;
    if (!after || known) {
        const struct timeline_node *n = timeline_after(&v->venues, known ? &known->node.key : NULL);
        uint32_t count = 0;
        for (; n && count < limit; n = timeline_next(n))
            ret_list[count++] = layout_ref(((const struct known_venue *)n)->layout);
        *ret_more = n != NULL;
        ret = (int)count;
    }
    epoch_leave();
    return ret;
}

void venues_free(struct view *v)
{
    struct timeline_node *next;
    for (struct timeline_node *n = timeline_after(&v->venues, NULL); n; n = next) {
        struct known_venue *venue = (struct known_venue *)n;
        next = timeline_next(n);
        layout_unref(venue->layout);
        free(venue);
    }
    lookup_done(&v->venues_by_id);
}
