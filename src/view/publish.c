/*
 * Publishing: the writer's thread makes a new snapshot beside the newest and then exchanges the pointer. Only
 * this thread adds, changes or removes an event, so that it needs no lock to look at one; a lock that readers
 * never touch keeps it apart from the threads that put venues. What was replaced is retired (base/epoch.h),
 * and freed by this or a later publishing, when no reader can have it.
 */
#include "view/view_internal.h"
#include <stdlib.h>
#include <string.h>

static struct shown *shown_new(const struct event *event, struct snapshot *s)
{
    struct shown *shown = calloc(1, sizeof(*shown));
    must(shown); /* out of memory ends the program */
    size_t slug_size = strlen(event->slug);
    must(slug_size <= LIMIT_SLUG_CHARS);
    memcpy(shown->slug, event->slug, slug_size);
    shown->tag = id_tag(&event->event_id.u);
    shown->id = event->event_id;
    timeline_node_init(&shown->all, event->created_ms, &event->event_id.u);
    timeline_node_init(&shown->available, event->created_ms, &event->event_id.u);
    atomic_init(&shown->newest, s);
    deltas_reset(&shown->deltas, s->seq);
    s->deltas_end = shown->deltas.end;
    return shown;
}

static bool has_seats(const struct snapshot *s)
{
    return s->counts[SEAT_AVAILABLE] > 0;
}

/* Make @s (its one reference goes with it) the newest snapshot, and retire the last. Under the lock. */
static void exchange(struct view *v, struct shown *event, struct snapshot *s)
{
    s->deltas_end = event->deltas.end;
    struct snapshot *last = atomic_exchange(&event->newest, s);
    must(last->seq <= s->seq); /* time does not go back for readers */
    if (has_seats(s) && !has_seats(last))
        timeline_insert(&v->available, &event->available);
    else if (!has_seats(s) && has_seats(last))
        timeline_remove(&v->available, &event->available);
    snapshot_retire(last, &v->garbage);
}

void view_load(struct view *v, const struct inventory *inv)
{
    const struct event *event = inventory_event(inv);
    struct shown *known = shown_find(v, &event->event_id);
    const struct snapshot *last = known ? atomic_load(&known->newest) : NULL;
    struct snapshot *s = snapshot_load(inv, last);
    view_lock(v);
    if (known) {
        if (last->seq != s->seq)
            deltas_reset(&known->deltas, s->seq); /* how it came here is not known */
        exchange(v, known, s);
    } else {
        known = shown_new(event, s);
        shown_insert(v, known);
        if (has_seats(s))
            timeline_insert(&v->available, &known->available);
    }
    view_publish(v);
}

void view_apply(struct view *v, const struct inventory *inv, const struct change *first)
{
    must(first);
    struct shown *event = shown_find(v, &first->event_id);
    must(event); /* only this thread removes one */
    struct snapshot *s = snapshot_next(atomic_load(&event->newest), inv, first);
    view_lock(v);
    for (const struct change *c = first; c; c = c->next)
        deltas_add(&event->deltas, c, &v->garbage);
    exchange(v, event, s);
    view_publish(v);
}

static void free_retired(struct epoch_item *item)
{
    shown_free((struct shown *)item);
}

void view_remove(struct view *v, const struct event_id *id)
{
    struct shown *event = shown_find(v, id);
    if (!event)
        return;
    view_lock(v);
    if (has_seats(atomic_load(&event->newest)))
        timeline_remove(&v->available, &event->available);
    shown_take_out(v, event);
    epoch_retire(&v->garbage, &event->retired, free_retired);
    view_publish(v);
}
