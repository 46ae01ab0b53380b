/* The venues by id and in the order of their creation. */
#include "base/error.h"
#include "view/view_internal.h"
#include <stdlib.h>
#include <string.h>

static int compare_venues(const struct layout *a, const struct layout *b)
{
    return view_compare_place(a->created_ms, &a->venue_id.u, b->created_ms, &b->venue_id.u);
}

static struct known_venue *find_venue(const struct view *v, const struct venue_id *id)
{
    struct known_venue *venue;
    HASH_FIND(hh, v->venues, id, sizeof(*id), venue);
    return venue;
}

/* Index of the first venue after @layout in the order of creation. */
static size_t first_venue_after(const struct view *v, const struct layout *layout)
{
    size_t low = 0, high = v->venue_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_venues(v->venue_list[middle]->layout, layout) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void insert_venue(struct view *v, struct layout *layout)
{
    struct known_venue *venue = calloc(1, sizeof(*venue));
    must(venue); /* out of memory ends the program */
    venue->id = layout->venue_id;
    venue->layout = layout_ref(layout);
    HASH_ADD(hh, v->venues, id, sizeof(venue->id), venue);
    v->venue_list = view_grow_list(v->venue_list, v->venue_count, &v->venue_cap);
    size_t place = first_venue_after(v, layout);
    memmove(&v->venue_list[place + 1], &v->venue_list[place], (v->venue_count - place) * sizeof(venue));
    v->venue_list[place] = venue;
    v->venue_count++;
}

void view_put_venue(struct view *v, struct layout *layout)
{
    view_write_lock(v);
    if (!find_venue(v, &layout->venue_id)) /* a venue never changes */
        insert_venue(v, layout);
    view_unlock(v);
    view_changed(v);
}

struct layout *view_venue(struct view *v, const struct venue_id *id)
{
    view_read_lock(v);
    const struct known_venue *venue = find_venue(v, id);
    struct layout *layout = venue ? layout_ref(venue->layout) : NULL;
    view_unlock(v);
    return layout;
}

int view_list_venues(struct view *v, const struct venue_id *after, uint32_t limit, struct layout **ret_list,
                     bool *ret_more)
{
    must(limit <= INT32_MAX);
    int ret = BOX_ENOTFOUND;
    view_read_lock(v);
    const struct known_venue *known = after ? find_venue(v, after) : NULL;
    if (!after || known) {
        size_t from = known ? first_venue_after(v, known->layout) : 0;
        uint32_t count = 0;
        for (; count < limit && from + count < v->venue_count; count++)
            ret_list[count] = layout_ref(v->venue_list[from + count]->layout);
        *ret_more = from + count < v->venue_count;
        ret = (int)count;
    }
    view_unlock(v);
    return ret;
}
