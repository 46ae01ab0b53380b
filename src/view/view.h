/*
 * View: what everybody may read - events, venues, counts and the status of every seat - as immutable
 * versions.
 *
 * The publisher (the writer's thread) makes a new snapshot of an event after each group; readers take a
 * reference to the newest one and read it for as long as they like: counts, bitmap and seq of a reply belong
 * to one version. No reader takes a lock or waits, neither for the publisher nor for another reader; what
 * they may have is not freed before they are done with it (base/epoch.h).
 * available_events and available_tickets are read from here: has_tickets is counts[SEAT_AVAILABLE] > 0,
 * tickets by status are the bitmap.
 */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include "base/arena.h"
#include "base/epoch.h"
#include "change/change.h"
#include "domain/event.h"
#include "domain/layout.h"
#include "inventory/inventory.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct view;

struct place_counts {
    uint32_t n[SEAT_STATUSES];
};

/* Something that a reader made of a version and left for the others. */
struct view_extra {
    /* Called once, when nobody can have it any more. Must not use the view. Thread: any. */
    void (*free)(struct view_extra *x);
};

enum { SNAPSHOT_EXTRAS = 16, LASTING_EXTRAS = 4 };

struct snapshot_lasting; /* what the versions of an event with the same layout share */

struct snapshot {
    /* the view's own business */
    struct epoch_item retired; /* first: an item is its snapshot */
    atomic_uint refs;
    uint64_t deltas_end; /* how many deltas led here */
    _Atomic(struct view_extra *) extra[SNAPSHOT_EXTRAS];
    struct snapshot_lasting *lasting;
    /* what everybody may read */
    const struct event *event;
    const struct layout *layout;
    uint64_t seq;
    uint32_t counts[SEAT_STATUSES];
    struct place_counts *places; /* one per place of the layout */
    size_t bitmap_size;          /* (seats + 3) / 4 */
    uint8_t *bitmap;             /* seat i: bits 2*(i%4), 2*(i%4)+1 of byte i/4: enum seat_status */
};

/* Empty: no venues, no events. */
struct view *view_new(void);
/* No other thread may use it. Snapshots and layouts that were taken stay valid until they are released. */
void view_free(struct view *v);

/* ---- publishing ---- */
/* A venue (takes its own reference). Thread: any. */
void view_put_venue(struct view *v, struct layout *layout);
/* Show an event as it is in @inv, new or again. Thread: the writer's. */
void view_load(struct view *v, const struct inventory *inv);
/* Show changes (by next) of one event; @inv is the state after them. Thread: the writer's. */
void view_apply(struct view *v, const struct inventory *inv, const struct change *first);
/* Show it no more. Thread: the writer's. */
void view_remove(struct view *v, const struct event_id *id);

/* ---- reading: any thread ---- */
/* The newest snapshot of an event, published or not; NULL if there is none. The caller must release it. */
struct snapshot *view_find(struct view *v, const struct event_id *id);
struct snapshot *view_find_slug(struct view *v, const char *slug);
/* The event that an id (of a hold, order, ticket, event) belongs to. */
struct snapshot *view_find_tag(struct view *v, const struct uuid *id);
void view_release(struct snapshot *s);
/*
 * Events in the order of their creation, after the event @after (NULL: from the start): at most @limit into
 * @ret_list, each to be released. @available: only those with a seat to be had, found without a look at the
 * others. @keep says which count (it may use the view). *ret_more: others
 * follow. Returns how many, or BOX_ENOTFOUND when @after is not known.
 */
int view_list(struct view *v, const struct event_id *after, bool available, uint32_t limit,
              bool (*keep)(void *ctx, const struct snapshot *s), void *ctx, struct snapshot **ret_list,
              bool *ret_more);

struct seat_delta {
    uint32_t seat;
    uint8_t status;
};
/*
 * The last status of each seat that changed after @since, up to the snapshot *ret_snapshot (to be released;
 * set in every case but BOX_ENOTFOUND). Each seat once, ascending. Returns 0, BOX_ENOTFOUND, or BOX_ERANGE:
 * @since is too old or ahead.
 */
int view_changes(struct view *v, const struct event_id *id, uint64_t since, struct arena *arena,
                 struct seat_delta **ret_changes, uint32_t *ret_count, struct snapshot **ret_snapshot);

/* What a follower who knows everything up to @since has to be told, in this order. */
struct view_news {
    struct seat_delta *before; /* last status, as of event_seq - 1, of each seat that changed after since */
    uint32_t before_count;     /* 0 when event_seq is 0 */
    uint64_t event_seq;        /* the newest change of the event itself in (since, seq], or 0 */
    struct seat_delta *after;  /* the same for (event_seq or since, seq], as of seq */
    uint32_t after_count;
    uint64_t seq; /* of the snapshot */
};
/*
 * As view_changes(), with the place where the event itself changed: @before and then @after, replayed on the
 * bitmap of @since, give the snapshot's. Each list has each seat once, ascending, also one whose last status
 * is the one it had at @since.
 */
int view_news(struct view *v, const struct event_id *id, uint64_t since, struct arena *arena,
              struct view_news *ret_news, struct snapshot **ret_snapshot);

static inline enum seat_status snapshot_status(const struct snapshot *s, uint32_t seat)
{
    return (enum seat_status)(((uint32_t)s->bitmap[seat / 4] >> (2 * (seat % 4))) & 3u);
}

/* The first seat in [@from, @end) with @status, or NO_SEAT. Looks at 32 seats at a time. @end <= seats_total.
 */
uint32_t snapshot_next_seat(const struct snapshot *s, uint32_t from, uint32_t end, enum seat_status status);

/*
 * Extras: what layers above have rendered of a version stays with it. The first pair belongs to one version,
 * the second to all versions of an event with the same layout. view_extra() returns what stands in a slot, or
 * NULL; view_extra_keep() takes @x and returns what stands there now: another may have been quicker, then @x
 * is freed. Ownership: lent for as long as the caller has the snapshot. Never waits.
 */
struct view_extra *view_extra(const struct snapshot *s, unsigned slot);
struct view_extra *view_extra_keep(struct snapshot *s, unsigned slot, struct view_extra *x);
struct view_extra *view_lasting(const struct snapshot *s, unsigned slot);
struct view_extra *view_lasting_keep(struct snapshot *s, unsigned slot, struct view_extra *x);

/* A venue: a reference that the caller must drop, or NULL. */
struct layout *view_venue(struct view *v, const struct venue_id *id);
/* Venues in the order of creation, after @after (NULL: from the start); references. As view_list(). */
int view_list_venues(struct view *v, const struct venue_id *after, uint32_t limit, struct layout **ret_list,
                     bool *ret_more);
size_t view_event_count(struct view *v);
/*
 * A number that grows with everything that is shown, before the publishing call returns. Who reads it and
 * then makes something of what is shown (a list) may keep that for as long as the number is the same.
 */
uint64_t view_version(const struct view *v);

#endif
