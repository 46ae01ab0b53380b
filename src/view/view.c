/*
 * The index of what is shown: events by tag, by slug and in the order of their creation; venues likewise.
 *
 * Two locks, both short. The index's read-write lock is held for look-ups; it is taken for writing only when
 * an event or venue comes or goes. An event's mutex covers the exchange of its newest snapshot together with
 * its deltas, so that a delta list and the seq it leads to belong together. A reader takes the mutex before
 * it lets go of the index, so an event that was found cannot vanish; whoever removes one takes it out of the
 * index first and then waits for the mutex: after that nobody can have it.
 */
#include "view/view_internal.h"
#include <stdlib.h>
#include <string.h>

void view_read_lock(struct view *v)
{
    must(pthread_rwlock_rdlock(&v->lock) == 0);
}

void view_write_lock(struct view *v)
{
    must(pthread_rwlock_wrlock(&v->lock) == 0);
}

void view_unlock(struct view *v)
{
    must(pthread_rwlock_unlock(&v->lock) == 0);
}

void shown_lock(struct shown *s)
{
    must(pthread_mutex_lock(&s->mtx) == 0);
}

void shown_unlock(struct shown *s)
{
    must(pthread_mutex_unlock(&s->mtx) == 0);
}

void *view_grow_list(void *list, size_t count, size_t *cap)
{
    if (count < *cap)
        return list;
    *cap = *cap ? 2 * *cap : 16;
    void *more = realloc(list, *cap * sizeof(void *));
    must(more); /* out of memory ends the program */
    return more;
}

int view_compare_place(int64_t a_ms, const struct uuid *a, int64_t b_ms, const struct uuid *b)
{
    if (a_ms != b_ms)
        return a_ms < b_ms ? -1 : 1;
    return uuid_compare(a, b);
}

/* ---- life ---- */

/* A publisher must not starve behind readers that come one after another. Nobody locks it twice. */
static void init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attr;
    must(pthread_rwlockattr_init(&attr) == 0);
    must(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    must(pthread_rwlock_init(lock, &attr) == 0);
    must(pthread_rwlockattr_destroy(&attr) == 0);
}

struct view *view_new(void)
{
    struct view *v = calloc(1, sizeof(*v));
    must(v); /* out of memory ends the program */
    init_lock(&v->lock);
    v->sorted = true;
    return v;
}

void shown_free(struct shown *s)
{
    view_release(s->newest);
    free(s->spare);
    deltas_done(&s->deltas);
    must(pthread_mutex_destroy(&s->mtx) == 0);
    free(s);
}

void view_free(struct view *v)
{
    if (!v)
        return;
    HASH_CLEAR(by_tag, v->by_tag);
    HASH_CLEAR(by_slug, v->by_slug);
    for (size_t i = 0; i < v->event_count; i++)
        shown_free(v->events[i]);
    free(v->events);
    HASH_CLEAR(hh, v->venues);
    for (size_t i = 0; i < v->venue_count; i++) {
        layout_unref(v->venue_list[i]->layout);
        free(v->venue_list[i]);
    }
    free(v->venue_list);
    must(pthread_rwlock_destroy(&v->lock) == 0);
    free(v);
}

/* ---- the index of events; the view is locked ---- */

static struct shown *find_tag(const struct view *v, uint64_t tag)
{
    struct shown *s;
    HASH_FIND(by_tag, v->by_tag, &tag, sizeof(tag), s);
    return s;
}

struct shown *shown_find(const struct view *v, const struct event_id *id)
{
    struct shown *s = find_tag(v, id_tag(&id->u));
    return s && uuid_equal(&s->id.u, &id->u) ? s : NULL;
}

static int compare_shown(const void *a, const void *b)
{
    const struct shown *x = *(struct shown *const *)a, *y = *(struct shown *const *)b;
    return view_compare_place(x->created_ms, &x->id.u, y->created_ms, &y->id.u);
}

size_t shown_first_after(const struct view *v, int64_t created_ms, const struct uuid *id)
{
    size_t low = 0, high = v->event_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct shown *s = v->events[middle];
        if (view_compare_place(s->created_ms, &s->id.u, created_ms, id) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void shown_sort(struct view *v)
{
    if (!v->sorted)
        qsort(v->events, v->event_count, sizeof(struct shown *), compare_shown);
    v->sorted = true;
}

void shown_insert(struct view *v, struct shown *s)
{
    must(!find_tag(v, s->tag));
    HASH_ADD(by_tag, v->by_tag, tag, sizeof(s->tag), s);
    HASH_ADD(by_slug, v->by_slug, slug, strlen(s->slug), s);
    v->events = view_grow_list(v->events, v->event_count, &v->event_cap);
    v->events[v->event_count++] = s;
    if (v->event_count > 1 && compare_shown(&v->events[v->event_count - 2], &s) > 0)
        v->sorted = false;
}

void shown_take_out(struct view *v, struct shown *s)
{
    shown_sort(v);
    HASH_DELETE(by_tag, v->by_tag, s);
    HASH_DELETE(by_slug, v->by_slug, s);
    size_t place = shown_first_after(v, s->created_ms, &s->id.u) - 1;
    must(v->events[place] == s);
    v->event_count--;
    memmove(&v->events[place], &v->events[place + 1], (v->event_count - place) * sizeof(struct shown *));
}

/* ---- reading one event ---- */

/* From the index to the event: @event (or NULL) was found in the locked view, which is unlocked. */
static struct shown *step_down(struct view *v, struct shown *event)
{
    if (event)
        shown_lock(event);
    view_unlock(v);
    return event;
}

struct shown *shown_find_locked(struct view *v, const struct event_id *id)
{
    view_read_lock(v);
    return step_down(v, shown_find(v, id));
}

static struct snapshot *newest_of(struct shown *event)
{
    if (!event)
        return NULL;
    struct snapshot *s = snapshot_ref(event->newest);
    shown_unlock(event);
    return s;
}

struct snapshot *view_find(struct view *v, const struct event_id *id)
{
    return newest_of(shown_find_locked(v, id));
}

struct snapshot *view_find_slug(struct view *v, const char *slug)
{
    view_read_lock(v);
    struct shown *event;
    HASH_FIND(by_slug, v->by_slug, slug, strlen(slug), event);
    return newest_of(step_down(v, event));
}

struct snapshot *view_find_tag(struct view *v, const struct uuid *id)
{
    if (!id_is_ours(id))
        return NULL;
    view_read_lock(v);
    return newest_of(step_down(v, find_tag(v, id_tag(id))));
}

uint64_t view_version(const struct view *v)
{
    return atomic_load_explicit(&v->version, memory_order_acquire);
}

void view_changed(struct view *v)
{
    atomic_fetch_add_explicit(&v->version, 1, memory_order_acq_rel);
}

size_t view_event_count(struct view *v)
{
    view_read_lock(v);
    size_t count = v->event_count;
    view_unlock(v);
    return count;
}
