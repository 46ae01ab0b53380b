/*
 * Publishing: the writer's thread makes a new snapshot beside the newest and then exchanges the pointer. Only
 * this thread adds, changes or removes an event, so that it may look at the newest one without its lock.
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
    shown->created_ms = event->created_ms;
    shown->newest = s;
    shown->deltas.since = s->seq;
    must(pthread_mutex_init(&shown->mtx, NULL) == 0);
    return shown;
}

/* Make @s the newest snapshot; the last is returned. References go with them. The event is locked. */
static struct snapshot *exchange(struct shown *event, struct snapshot *s)
{
    struct snapshot *last = event->newest;
    must(last->seq <= s->seq); /* time does not go back for readers */
    event->newest = s;
    return last;
}

void view_load(struct view *v, const struct inventory *inv)
{
    const struct event *event = inventory_event(inv);
    view_read_lock(v);
    struct shown *known = shown_find(v, &event->event_id);
    view_unlock(v);
    struct snapshot *s = snapshot_load(inv, known ? known->newest : NULL);
    if (!known) {
        known = shown_new(event, s);
        view_write_lock(v);
        shown_insert(v, known);
        view_unlock(v);
        view_changed(v);
        return;
    }
    shown_lock(known);
    if (known->newest->seq != s->seq)
        deltas_reset(&known->deltas, s->seq); /* how it came here is not known */
    struct snapshot *last = exchange(known, s);
    shown_unlock(known);
    view_changed(v);
    view_release(last);
}

void view_apply(struct view *v, const struct inventory *inv, const struct change *first)
{
    must(first);
    view_read_lock(v);
    struct shown *event = shown_find(v, &first->event_id);
    view_unlock(v);
    must(event); /* only this thread removes one */

    struct snapshot *s = snapshot_next(event->newest, inv, first, event->spare);
    event->spare = NULL;
    shown_lock(event);
    for (const struct change *c = first; c; c = c->next)
        deltas_add(&event->deltas, c);
    struct snapshot *last = exchange(event, s);
    shown_unlock(event);
    view_changed(v);
    event->spare = snapshot_retire(last);
}

void view_remove(struct view *v, const struct event_id *id)
{
    view_write_lock(v);
    struct shown *event = shown_find(v, id);
    if (event)
        shown_take_out(v, event);
    view_unlock(v);
    if (!event)
        return;
    shown_lock(event); /* whoever found it before is done with it after this */
    shown_unlock(event);
    view_changed(v);
    shown_free(event);
}
