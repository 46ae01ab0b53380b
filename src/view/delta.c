/*
 * What changed since a seq: the newest changes of each event, and the answers made from them.
 *
 * The changes stand in an array that doubles up to LIMIT_DELTA_RING and is then written round and round: the
 * n-th change ever is at n modulo its size. A snapshot says how many led to it, so a reader goes from there
 * backwards until it meets a change that it does not want; what was added meanwhile is not its business.
 *
 * Readers take no lock. Before the publisher writes over a change, it says in @since that this one is lost.
 * A reader that came upon what was written over it (acquire) therefore sees a @since that is at least the
 * lost change's seq (stored before, release): it looks at @since when it is done, and if that has passed its
 * own, something that it needed may be lost: BOX_ERANGE, as if it had come later. If it was not needed, its
 * place only ends the walk: what stands there is newer than the snapshot.
 */
#include "base/error.h"
#include "view/view_internal.h"
#include <stdlib.h>

enum { FIRST_SIZE = 64 };
_Static_assert((int)LIMIT_DELTA_RING >= FIRST_SIZE && (LIMIT_DELTA_RING & (LIMIT_DELTA_RING - 1)) == 0,
               "positions are cut by a mask");

/* A seat got another status with the change @seq; or, at NO_SEAT, the event itself changed. */
struct delta {
    uint64_t seq;
    uint32_t seat;
    uint8_t status;
};

/* A delta as it stands in memory. All 0: none yet, older than any. */
struct delta_slot {
    _Atomic uint64_t seq;
    _Atomic uint64_t what; /* status << 32 | seat */
};

struct delta_array {
    struct epoch_item item; /* first: an item is its array */
    uint64_t mask;          /* slots - 1 */
    struct delta_slot slots[];
};

/* ---- publishing ---- */

static void free_array(struct epoch_item *item)
{
    free(item);
}

/* Copy all into an array of @size, which is more than there are. */
static struct delta_array *grow(struct deltas *d, uint64_t size, struct epoch_list *garbage)
{
    struct delta_array *old = atomic_load(&d->array);
    struct delta_array *a = calloc(1, sizeof(*a) + size * sizeof(a->slots[0]));
    must(a); /* out of memory ends the program */
    a->mask = size - 1;
    for (uint64_t i = 0; i < d->end; i++) {
        atomic_init(&a->slots[i].seq, atomic_load_explicit(&old->slots[i].seq, memory_order_relaxed));
        atomic_init(&a->slots[i].what, atomic_load_explicit(&old->slots[i].what, memory_order_relaxed));
    }
    atomic_store(&d->array, a);
    if (old)
        epoch_retire(garbage, &old->item, free_array);
    return a;
}

/* The array with room for one more. */
static struct delta_array *make_room(struct deltas *d, struct epoch_list *garbage)
{
    struct delta_array *a = atomic_load(&d->array);
    if (!a)
        return grow(d, FIRST_SIZE, garbage);
    if (d->end > a->mask && a->mask + 1 < LIMIT_DELTA_RING)
        return grow(d, 2 * (a->mask + 1), garbage);
    return a;
}

static void lose(struct deltas *d, uint64_t seq)
{
    if (seq > atomic_load_explicit(&d->since, memory_order_relaxed))
        atomic_store(&d->since, seq);
}

static void add(struct deltas *d, struct delta delta, struct epoch_list *garbage)
{
    struct delta_array *a = make_room(d, garbage);
    struct delta_slot *slot = &a->slots[d->end & a->mask];
    lose(d, atomic_load_explicit(&slot->seq, memory_order_relaxed));
    atomic_store_explicit(&slot->seq, delta.seq, memory_order_release);
    atomic_store_explicit(&slot->what, (uint64_t)delta.status << 32 | delta.seat, memory_order_release);
    d->end++;
}

/* The event's own change first: the seats of the same change, if there are any, come after it. */
void deltas_add(struct deltas *d, const struct change *c, struct epoch_list *garbage)
{
    if (c->event)
        add(d, (struct delta){.seq = c->seq, .seat = NO_SEAT}, garbage);
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct seat_change *seat = &c->seats[i];
        if (seat->before != seat->after)
            add(d, (struct delta){.seq = c->seq, .seat = seat->seat, .status = seat->after}, garbage);
    }
}

void deltas_reset(struct deltas *d, uint64_t seq)
{
    lose(d, seq);
}

void deltas_done(struct deltas *d)
{
    free(atomic_load(&d->array));
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

static struct delta read_slot(const struct delta_slot *slot)
{
    uint64_t seq = atomic_load_explicit(&slot->seq, memory_order_acquire);
    uint64_t what = atomic_load_explicit(&slot->what, memory_order_acquire);
    return (struct delta){.seq = seq, .seat = (uint32_t)what, .status = (uint8_t)(what >> 32)};
}

/* Whatever is read may be wrong, but names a seat of the event; whether it is right is seen afterwards. */
static void gather(const struct delta_array *a, const struct snapshot *s, uint64_t since, bool split,
                   struct arena *arena, struct gathered *g)
{
    for (uint64_t at = s->deltas_end; at > 0 && s->deltas_end - at <= a->mask; at--) {
        const struct delta d = read_slot(&a->slots[(at - 1) & a->mask]);
        if (d.seq <= since || d.seq > s->seq)
            return;
        if (d.seat != NO_SEAT)
            see(g->event_seq ? &g->before : &g->after, s->layout, &d, arena);
        else if (split && !g->event_seq)
            g->event_seq = d.seq;
    }
}

/* True if every change after @seq is still there. */
static bool knows(const struct deltas *d, uint64_t seq)
{
    return seq >= atomic_load(&d->since);
}

/* Returns as view_changes(). */
static int gather_since(struct view *v, const struct event_id *id, uint64_t since, bool split,
                        struct arena *arena, struct gathered *g, struct snapshot **ret_snapshot)
{
    int ret = BOX_ENOTFOUND;
    epoch_enter();
    struct shown *event = shown_find(v, id);
    if (event) {
        struct snapshot *s = *ret_snapshot = shown_newest(event);
        bool known = since <= s->seq && knows(&event->deltas, since);
        if (known)
            gather(atomic_load(&event->deltas.array), s, since, split, arena, g);
        ret = known && knows(&event->deltas, since) ? 0 : BOX_ERANGE;
    }
    epoch_leave();
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
