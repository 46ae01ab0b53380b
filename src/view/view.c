/*
 * The index of what is shown: events by tag, by slug and in the order of their creation, and those with
 * available seats in that order once more; venues by id and in order.
 *
 * No reader takes a lock. It enters an epoch, goes from the index to the event and from there to the newest
 * snapshot, takes a reference and leaves: a few loads and one atomic addition. All of these may be replaced
 * meanwhile, but not freed: the publisher retires what it took out, and its own reference to a snapshot that
 * is not the newest any more. So a reader that was quick enough to find the last version may still take a
 * reference to it, and nobody ever takes one to what has none left.
 */
#include "base/hash.h"
#include "view/view_internal.h"
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

struct view *view_new(void)
{
    struct view *v = calloc(1, sizeof(*v));
    must(v); /* out of memory ends the program */
    lookup_init(&v->by_tag, &v->garbage);
    lookup_init(&v->by_slug, &v->garbage);
    lookup_init(&v->venues_by_id, &v->garbage);
    timeline_init(&v->events);
    timeline_init(&v->available);
    timeline_init(&v->venues);
    must(pthread_mutex_init(&v->publishing, NULL) == 0);
    return v;
}

void shown_free(struct shown *event)
{
    view_release(atomic_load(&event->newest));
    deltas_done(&event->deltas);
    free(event);
}

void view_free(struct view *v)
{
    if (!v)
        return;
    struct timeline_node *next;
    for (struct timeline_node *n = timeline_after(&v->events, NULL); n; n = next) {
        next = timeline_next(n);
        shown_free((struct shown *)((char *)n - offsetof(struct shown, all)));
    }
    venues_free(v);
    lookup_done(&v->by_tag);
    lookup_done(&v->by_slug);
    epoch_drain(&v->garbage);
    must(pthread_mutex_destroy(&v->publishing) == 0);
    free(v);
}

/* ---- the index of events ---- */

static uint64_t hash_tag(uint64_t tag)
{
    return hash64(&tag, sizeof(tag));
}

static bool has_tag(const void *item, const void *key)
{
    return ((const struct shown *)item)->tag == *(const uint64_t *)key;
}

static bool has_slug(const void *item, const void *key)
{
    return strcmp(((const struct shown *)item)->slug, key) == 0;
}

static struct shown *find_tag(const struct view *v, uint64_t tag)
{
    return lookup_find(&v->by_tag, hash_tag(tag), has_tag, &tag);
}

struct shown *shown_find(const struct view *v, const struct event_id *id)
{
    struct shown *event = find_tag(v, id_tag(&id->u));
    return event && uuid_equal(&event->id.u, &id->u) ? event : NULL;
}

void shown_insert(struct view *v, struct shown *event)
{
    must(!find_tag(v, event->tag));
    lookup_insert(&v->by_tag, hash_tag(event->tag), event);
    lookup_insert(&v->by_slug, hash64(event->slug, strlen(event->slug)), event);
    timeline_insert(&v->events, &event->all);
    atomic_fetch_add_explicit(&v->event_count, 1, memory_order_relaxed);
}

void shown_take_out(struct view *v, struct shown *event)
{
    lookup_remove(&v->by_tag, hash_tag(event->tag), event);
    lookup_remove(&v->by_slug, hash64(event->slug, strlen(event->slug)), event);
    timeline_remove(&v->events, &event->all);
    atomic_fetch_sub_explicit(&v->event_count, 1, memory_order_relaxed);
}

/* ---- publishing ---- */

void view_lock(struct view *v)
{
    must(pthread_mutex_lock(&v->publishing) == 0);
}

void view_publish(struct view *v)
{
    atomic_fetch_add_explicit(&v->version, 1, memory_order_acq_rel);
    epoch_collect(&v->garbage);
    must(pthread_mutex_unlock(&v->publishing) == 0);
}

/* ---- reading ---- */

struct snapshot *shown_newest(struct shown *event)
{
    return snapshot_ref(atomic_load(&event->newest));
}

struct snapshot *view_find(struct view *v, const struct event_id *id)
{
    epoch_enter();
    struct shown *event = shown_find(v, id);
    struct snapshot *s = event ? shown_newest(event) : NULL;
    epoch_leave();
    return s;
}

struct snapshot *view_find_slug(struct view *v, const char *slug)
{
    epoch_enter();
    struct shown *event = lookup_find(&v->by_slug, hash64(slug, strlen(slug)), has_slug, slug);
    struct snapshot *s = event ? shown_newest(event) : NULL;
    epoch_leave();
    return s;
}

struct snapshot *view_find_tag(struct view *v, const struct uuid *id)
{
    if (!id_is_ours(id))
        return NULL;
    epoch_enter();
    struct shown *event = find_tag(v, id_tag(id));
    struct snapshot *s = event ? shown_newest(event) : NULL;
    epoch_leave();
    return s;
}

uint64_t view_version(const struct view *v)
{
    return atomic_load_explicit(&v->version, memory_order_acquire);
}

size_t view_event_count(struct view *v)
{
    return atomic_load_explicit(&v->event_count, memory_order_relaxed);
}
