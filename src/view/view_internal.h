/* Private to view/: the index, one event's place in it, and the making of snapshots. */
#ifndef VIEW_INTERNAL_H
#define VIEW_INTERNAL_H

#include "base/must.h"
#include "base/params.h"
#include "view/lookup.h"
#include "view/timeline.h"
#include "view/view.h"
#include <pthread.h>

struct delta_array;

/* The newest changes of an event (delta.c). */
struct deltas {
    _Atomic(struct delta_array *) array; /* NULL until the first */
    _Atomic uint64_t since;              /* every change after it is here */
    uint64_t end;                        /* the publisher's: how many there ever were */
};

/* One event in the index. */
struct shown {
    struct epoch_item retired; /* first: an item is its event */
    /* immutable */
    uint64_t tag;
    struct event_id id;
    char slug[LIMIT_SLUG_CHARS + 1];
    /* changed by the publisher, read by anybody */
    struct timeline_node all, available; /* the second one is in while newest has available seats */
    _Atomic(struct snapshot *) newest;
    struct deltas deltas;
};

/* One venue in the index. */
struct known_venue {
    struct timeline_node node; /* first: a node is its venue */
    struct layout *layout;
};

struct view {
    /* changed by one publisher at a time, read by anybody */
    struct lookup by_tag, by_slug, venues_by_id;
    struct timeline events, available, venues;
    _Atomic size_t event_count;
    _Atomic uint64_t version;
    /* the publishers' */
    pthread_mutex_t publishing;
    struct epoch_list garbage; /* collected under it */
};

/* ---- the index (view.c) ---- */

/* The one that has this id, or NULL. Inside an epoch, or in the writer's thread. */
struct shown *shown_find(const struct view *v, const struct event_id *id);
/* A reference to its newest snapshot. Inside an epoch. */
struct snapshot *shown_newest(struct shown *event);
/* Publishing has these around its changes; the end frees what readers are done with. */
void view_lock(struct view *v);
void view_publish(struct view *v);
/* Under the lock: */
void shown_insert(struct view *v, struct shown *event);
void shown_take_out(struct view *v, struct shown *event);
/* Nobody else has it. */
void shown_free(struct shown *event);
/* No reader is left. */
void venues_free(struct view *v);

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
/* The snapshot that follows @old by the changes @first... */
struct snapshot *snapshot_next(const struct snapshot *old, const struct inventory *inv,
                               const struct change *first);
struct snapshot *snapshot_ref(struct snapshot *s);
/* Drop the reference of what showed it, as soon as no reader can be about to take one. */
void snapshot_retire(struct snapshot *s, struct epoch_list *garbage);

/* ---- deltas (delta.c); the publisher's ---- */

/* Know nothing before @seq. */
void deltas_reset(struct deltas *d, uint64_t seq);
void deltas_add(struct deltas *d, const struct change *c, struct epoch_list *garbage);
/* Nobody else has them. */
void deltas_done(struct deltas *d);

#endif
