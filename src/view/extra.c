/*
 * What readers made of a version and left for the others. A place goes from empty to taken once and is not
 * given up before its snapshot (or the last version of the layout) is freed: whoever has the snapshot may use
 * what stands there without a reference of its own. Of two readers who made the same the quicker one wins.
 */
#include "view/view_internal.h"
#include <stdlib.h>

static struct view_extra *find(const _Atomic(struct view_extra *) *place)
{
    return atomic_load_explicit(place, memory_order_acquire);
}

static struct view_extra *keep(_Atomic(struct view_extra *) *place, struct view_extra *x)
{
    struct view_extra *there = NULL;
    if (atomic_compare_exchange_strong_explicit(place, &there, x, memory_order_acq_rel, memory_order_acquire))
        return x;
    x->free(x);
    return there;
}

struct view_extra *view_extra(const struct snapshot *s, unsigned slot)
{
    must(slot < SNAPSHOT_EXTRAS);
    return find(&s->extra[slot]);
}

struct view_extra *view_extra_keep(struct snapshot *s, unsigned slot, struct view_extra *x)
{
    must(slot < SNAPSHOT_EXTRAS && x);
    return keep(&s->extra[slot], x);
}

struct view_extra *view_lasting(const struct snapshot *s, unsigned slot)
{
    must(slot < LASTING_EXTRAS);
    return find(&s->lasting->extra[slot]);
}

struct view_extra *view_lasting_keep(struct snapshot *s, unsigned slot, struct view_extra *x)
{
    must(slot < LASTING_EXTRAS && x);
    return keep(&s->lasting->extra[slot], x);
}

/* ---- life; nobody else has it ---- */

void extras_free(_Atomic(struct view_extra *) *places, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct view_extra *x = find(&places[i]);
        if (x)
            x->free(x);
    }
}

struct snapshot_lasting *lasting_new(void)
{
    struct snapshot_lasting *l = calloc(1, sizeof(*l));
    must(l); /* out of memory ends the program */
    atomic_init(&l->refs, 1);
    return l;
}

struct snapshot_lasting *lasting_ref(struct snapshot_lasting *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void lasting_unref(struct snapshot_lasting *l)
{
    unsigned before = atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before > 1)
        return;
    extras_free(l->extra, LASTING_EXTRAS);
    free(l);
}
