/*
 * Map from ids to the things that have them: open addressing, linear probing, the hash beside the pointer. A
 * thing keeps its id itself, at a place that all things of a map have in common. Growing moves slots and
 * looks at no thing; a removal closes the gap, so that nothing dead is ever probed. With 100,000 things a
 * look-up touches two cache lines.
 *
 * For ids that are made by this program (random bits in them). Thread: one at a time.
 */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include "base/uuid.h"
#include <stddef.h>

struct idmap_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

struct idmap {
    struct idmap_slot *slots;
    size_t count, cap; /* cap: 0 or a power of two */
    size_t id_offset;  /* of the struct uuid in each item */
};

/* An empty map, no allocation. */
void idmap_init(struct idmap *m, size_t id_offset);
/* Free the map's own memory; the items stay the caller's. */
void idmap_done(struct idmap *m);
/* The item with this id, or NULL. */
void *idmap_find(const struct idmap *m, const struct uuid *id);
/* Add an item; none with its id may be in the map. */
void idmap_add(struct idmap *m, void *item);
/* Take out an item that is in the map (must). */
void idmap_remove(struct idmap *m, const void *item);
/*
 * The item behind *at, which begins with 0 and moves on; NULL at the end. Any order. Nothing may be added or
 * removed meanwhile.
 */
void *idmap_next(const struct idmap *m, size_t *at);

#endif
