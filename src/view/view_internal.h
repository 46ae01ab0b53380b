/* Private to view/: the index, one event's place in it, and the making of snapshots. */
#ifndef VIEW_INTERNAL_H
#define VIEW_INTERNAL_H

#include "base/must.h"
#include "base/params.h"
#include "view/view.h"
#include <pthread.h>

#define uthash_fatal(msg) must(!(msg)) /* out of memory ends the program */
#include <uthash.h>

/* A seat got another status with the change @seq; or, at NO_SEAT, the event itself changed. */
struct delta {
    uint64_t seq;
    uint32_t seat;
    uint8_t status;
};

/* The newest changes of an event, by seq; the oldest are dropped when it is full. All after @since are here.
 */
struct delta_ring {
    struct delta *items; /* cap of them; NULL until the first */
    uint32_t first, count, cap;
    uint64_t since;
};

/* One event in the index. */
struct shown {
    UT_hash_handle by_tag, by_slug;
    /* immutable */
    uint64_t tag;
    struct event_id id;
    int64_t created_ms;
    char slug[LIMIT_SLUG_CHARS + 1];

    /* the publisher's */
    struct snapshot *spare; /* memory for the next snapshot, or NULL */

    pthread_mutex_t mtx;
    struct snapshot *newest; /* under mtx, as are the deltas; only the publisher changes them */
    struct delta_ring deltas;
};

/* One venue in the index. */
struct known_venue {
    UT_hash_handle hh;
    struct venue_id id;
    struct layout *layout;
};

struct view {
    _Atomic uint64_t version;
    pthread_rwlock_t lock; /* held for look-ups only; everything below is under it */
    struct shown *by_tag, *by_slug;
    struct shown **events; /* in the order of creation, if sorted */
    size_t event_count, event_cap;
    bool sorted;
    struct known_venue *venues;
    struct known_venue **venue_list; /* in the order of creation */
    size_t venue_count, venue_cap;
};

/* ---- the index (view.c) ---- */
void view_read_lock(struct view *v);
void view_write_lock(struct view *v);
void view_unlock(struct view *v);
void shown_lock(struct shown *s);
void shown_unlock(struct shown *s);
/* Find an event and lock it (nobody can remove it meanwhile): NULL or the caller must unlock it. */
struct shown *shown_find_locked(struct view *v, const struct event_id *id);

/* The view is locked: */
struct shown *shown_find(const struct view *v, const struct event_id *id);
/* Index of the first event after this place in the order of creation. The list is sorted. */
size_t shown_first_after(const struct view *v, int64_t created_ms, const struct uuid *id);
/* The view is locked for writing: */
void shown_insert(struct view *v, struct shown *s);
void shown_take_out(struct view *v, struct shown *s);
/*
 * Bring the events into order. They come from the store in any: so they are sorted once, when the first list
 * is wanted.
 */
void shown_sort(struct view *v);

/* Something is shown that was not before. */
void view_changed(struct view *v);
/* Nobody else has it. */
void shown_free(struct shown *s);
/* Room for one more pointer. */
void *view_grow_list(void *list, size_t count, size_t *cap);
/* Order of creation. */
int view_compare_place(int64_t a_ms, const struct uuid *a, int64_t b_ms, const struct uuid *b);

/* ---- extras (extra.c) ---- */

struct snapshot_lasting {
    atomic_uint refs;
    _Atomic(struct view_extra *) extra[LASTING_EXTRAS];
};

/* One reference. */
struct snapshot_lasting *lasting_new(void);
struct snapshot_lasting *lasting_ref(struct snapshot_lasting *l);
void lasting_unref(struct snapshot_lasting *l);
void extras_free(_Atomic(struct view_extra *) *places, unsigned count);

/* ---- snapshots (snapshot.c) ---- */

/* The state of @inv as a snapshot with one reference; @old is the event's last one, or NULL. */
struct snapshot *snapshot_load(const struct inventory *inv, const struct snapshot *old);
/*
 * The snapshot that follows @old by the changes @first... @spare (or NULL) is memory of an earlier one of the
 * same event, which is taken.
 */
struct snapshot *snapshot_next(const struct snapshot *old, const struct inventory *inv,
                               const struct change *first, struct snapshot *spare);
/* Drop a reference; the memory of a snapshot that nobody has any more is returned, else NULL. */
struct snapshot *snapshot_retire(struct snapshot *s);
struct snapshot *snapshot_ref(struct snapshot *s);

/* ---- deltas (delta.c); the event is locked ---- */
void deltas_add(struct delta_ring *r, const struct change *c);
/* Know nothing before @seq. */
void deltas_reset(struct delta_ring *r, uint64_t seq);
void deltas_done(struct delta_ring *r);

#endif
