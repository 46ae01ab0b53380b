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

static void add(struct delta_ring *r, struct delta d)
{
    if (r->count == r->cap && r->cap < LIMIT_DELTA_RING)
        grow(r);
    if (r->count == r->cap) {
        r->since = r->items[r->first].seq; /* of this change not everything is known any more */
        r->first = (r->first + 1) % r->cap;
        r->count--;
    }
    r->items[(r->first + r->count) % r->cap] = d;
    r->count++;
}

void deltas_add(struct delta_ring *r, const struct change *c)
{
    if (c->event)
        add(r, (struct delta){.seq = c->seq, .seat = NO_SEAT});
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct seat_change *seat = &c->seats[i];
        if (seat->before != seat->after)
            add(r, (struct delta){.seq = c->seq, .seat = seat->seat, .status = seat->after});
    }
}

void deltas_reset(struct delta_ring *r, uint64_t seq)
{
    r->first = r->count = 0;
    r->since = seq;
}

void deltas_done(struct delta_ring *r)
{
    free(r->items);
    *r = (struct delta_ring){0};
}

/* ---- the answer ---- */

/*
 * Seats with their last status. A bit per seat sorts them: it costs a few hundred bytes to clear where
 * sorting ten thousand numbers would take a millisecond. Changes come newest first, so that a seat's first is
 * its last.
 */
struct seen {
    uint64_t *marks;   /* a bit per seat; NULL until the first */
    uint8_t *statuses; /* of marked seats, as in a snapshot's bitmap */
    uint32_t count;
};

static size_t mark_words(const struct layout *l)
{
    return (l->seats_total + (size_t)63) / 64;
}

static void see(struct seen *seen, const struct layout *l, const struct delta *d, struct arena *arena)
{
    if (!seen->marks) {
        seen->marks = arena_array(arena, mark_words(l), sizeof(*seen->marks));
        seen->statuses = arena_alloc(arena, (l->seats_total + (size_t)3) / 4);
    }
    uint64_t bit = UINT64_C(1) << (d->seat % 64);
    if (seen->marks[d->seat / 64] & bit)
        return;
    seen->marks[d->seat / 64] |= bit;
    uint8_t *byte = &seen->statuses[d->seat / 4];
    *byte = (uint8_t)(*byte | (unsigned)d->status << (2 * (d->seat % 4)));
    seen->count++;
}

/* As a list, ascending. */
static struct seat_delta *list_seen(const struct seen *seen, const struct layout *l, struct arena *arena)
{
    struct seat_delta *list = arena_array(arena, seen->count, sizeof(*list));
    uint32_t listed = 0;
    for (size_t word = 0; seen->marks && word < mark_words(l); word++) {
        for (uint64_t left = seen->marks[word]; left; left &= left - 1) {
            uint32_t seat = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(left);
            unsigned status = (unsigned)seen->statuses[seat / 4] >> (2 * (seat % 4)) & 3u;
            list[listed++] = (struct seat_delta){.seat = seat, .status = (uint8_t)status};
        }
    }
    must(listed == seen->count);
    return list;
}

/* What happened after @since, newest first: to the seats, before and after the event's own newest change. */
struct gathered {
    struct seen before, after;
    uint64_t event_seq;
};

static void gather(const struct delta_ring *r, uint64_t since, const struct layout *l, bool split,
                   struct arena *arena, struct gathered *g)
{
    for (uint32_t i = r->count; i > 0; i--) {
        const struct delta *d = &r->items[(r->first + i - 1) % r->cap];
        if (d->seq <= since)
            return;
        if (d->seat != NO_SEAT)
            see(g->event_seq ? &g->before : &g->after, l, d, arena);
        else if (split && !g->event_seq)
            g->event_seq = d->seq;
    }
}

/* Returns as view_changes(). */
static int gather_since(struct view *v, const struct event_id *id, uint64_t since, bool split,
                        struct arena *arena, struct gathered *g, struct snapshot **ret_snapshot)
{
    struct shown *event = shown_find_locked(v, id);
    if (!event)
        return BOX_ENOTFOUND;
    struct snapshot *s = snapshot_ref(event->newest);
    int ret = since < event->deltas.since || since > s->seq ? BOX_ERANGE : 0;
    if (ret == 0)
        gather(&event->deltas, since, s->layout, split, arena, g);
    shown_unlock(event);
    *ret_snapshot = s;
    return ret;
}

int view_changes(struct view *v, const struct event_id *id, uint64_t since, struct arena *arena,
                 struct seat_delta **ret_changes, uint32_t *ret_count, struct snapshot **ret_snapshot)
{
    struct gathered g = {0};
    int ret = gather_since(v, id, since, false, arena, &g, ret_snapshot);
    if (ret)
        return ret;
    *ret_changes = list_seen(&g.after, (*ret_snapshot)->layout, arena);
    *ret_count = g.after.count;
    return 0;
}

int view_news(struct view *v, const struct event_id *id, uint64_t since, struct arena *arena,
              struct view_news *ret_news, struct snapshot **ret_snapshot)
{
    struct gathered g = {0};
    int ret = gather_since(v, id, since, true, arena, &g, ret_snapshot);
    if (ret)
        return ret;
    const struct snapshot *s = *ret_snapshot;
    *ret_news = (struct view_news){
        .before = list_seen(&g.before, s->layout, arena),
        .before_count = g.before.count,
        .event_seq = g.event_seq,
        .after = list_seen(&g.after, s->layout, arena),
        .after_count = g.after.count,
        .seq = s->seq,
    };
    return 0;
}
