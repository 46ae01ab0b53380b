/* What changed since a seq: a ring of the newest status changes per event, and the answer made from it. */
#include "base/error.h"
#include "view/view_internal.h"
#include <stdlib.h>

enum { FIRST_CAP = 64 };

/* ---- the ring ---- */

/* Twice the room, the oldest first; the size stays a power of two times FIRST_CAP up to the limit. */
static void grow(struct delta_ring *r)
{
    uint32_t cap = r->cap ? 2 * r->cap : FIRST_CAP;
    if (cap > LIMIT_DELTA_RING)
        cap = LIMIT_DELTA_RING;
    struct delta *items = malloc(cap * sizeof(*items));
    must(items); /* out of memory ends the program */
    for (uint32_t i = 0; i < r->count; i++)
        items[i] = r->items[(r->first + i) % r->cap];
    free(r->items);
    r->items = items;
    r->first = 0;
    r->cap = cap;
}

void deltas_add(struct delta_ring *r, uint64_t seq, uint32_t seat)
{
    if (r->count == r->cap && r->cap < LIMIT_DELTA_RING)
        grow(r);
    if (r->count == r->cap) {
        r->since = r->items[r->first].seq; /* of this change not everything is known any more */
        r->first = (r->first + 1) % r->cap;
        r->count--;
    }
    r->items[(r->first + r->count) % r->cap] = (struct delta){.seq = seq, .seat = seat};
    r->count++;
}

void deltas_reset(struct delta_ring *r, uint64_t seq)
{
    r->first = r->count = 0;
    r->since = seq;
}

uint32_t deltas_after(const struct delta_ring *r, uint64_t since, struct arena *arena,
                      struct delta **ret_items)
{
    must(since >= r->since);
    uint32_t low = 0, high = r->count; /* the first that came after lies in [low, high] */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (r->items[(r->first + middle) % r->cap].seq > since)
            high = middle;
        else
            low = middle + 1;
    }
    uint32_t count = r->count - low;
    struct delta *items = arena_array(arena, count, sizeof(*items));
    for (uint32_t i = 0; i < count; i++)
        items[i] = r->items[(r->first + low + i) % r->cap];
    *ret_items = items;
    return count;
}

void deltas_done(struct delta_ring *r)
{
    free(r->items);
    *r = (struct delta_ring){0};
}

/* ---- the answer ---- */

/*
 * The seats of @items, each once and ascending, with their status in @s. A bit per seat sorts them: it costs
 * a few hundred bytes to clear where sorting ten thousand numbers would take a millisecond.
 */
static uint32_t make_list(const struct snapshot *s, const struct delta *items, uint32_t count,
                          struct arena *arena, struct seat_delta **ret_list)
{
    size_t words = (s->layout->seats_total + (size_t)63) / 64;
    uint64_t *marks = arena_array(arena, words, sizeof(*marks));
    struct seat_delta *list = arena_array(arena, count, sizeof(*list));
    uint32_t listed = 0;
    for (uint32_t i = 0; i < count; i++)
        marks[items[i].seat / 64] |= UINT64_C(1) << (items[i].seat % 64);
    for (size_t word = 0; word < words; word++) {
        for (uint64_t left = marks[word]; left; left &= left - 1) {
            uint32_t seat = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(left);
            must(listed < count);
            list[listed++] = (struct seat_delta){.seat = seat, .status = (uint8_t)snapshot_status(s, seat)};
        }
    }
    *ret_list = list;
    return listed;
}

int view_changes(struct view *v, const struct event_id *id, uint64_t since, struct arena *arena,
                 struct seat_delta **ret_changes, uint32_t *ret_count, struct snapshot **ret_snapshot)
{
    struct shown *event = shown_find_locked(v, id);
    if (!event)
        return BOX_ENOTFOUND;
    struct snapshot *s = snapshot_ref(event->newest);
    struct delta *items = NULL;
    uint32_t count = 0;
    int ret = since < event->deltas.since || since > s->seq ? BOX_ERANGE : 0;
    if (ret == 0)
        count = deltas_after(&event->deltas, since, arena, &items);
    shown_unlock(event);

    *ret_snapshot = s;
    if (ret)
        return ret;
    if (count == 0)
        *ret_changes = arena_alloc(arena, 0);
    else
        count = make_list(s, items, count, arena, ret_changes);
    *ret_count = count;
    return 0;
}
