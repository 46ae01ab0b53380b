/*
 * Lookup: pointers found by a 64-bit hash. Readers take no lock: they look inside an epoch (base/epoch.h);
 * one publisher at a time changes it.
 *
 * How: open addressing, at most half full. A slot goes from empty to an item to removed, and is never used
 * for another: a search that stops at an empty slot has missed nothing that was there when it began. Room,
 * and a clean array, come from a new array that is swapped in; the old one is retired, and whoever reads it
 * still finds all that was in the table at that time.
 */
#ifndef VIEW_LOOKUP_H
#define VIEW_LOOKUP_H

#include "base/epoch.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lookup_array;

struct lookup {
    _Atomic(struct lookup_array *) array;
    /* the publisher's */
    size_t count; /* items */
    size_t used;  /* slots that are not empty any more */
    struct epoch_list *garbage;
};

/* Empty. Old arrays are retired to @garbage, which the publisher must collect. */
void lookup_init(struct lookup *t, struct epoch_list *garbage);
/* Nobody else has it. The items are the caller's. */
void lookup_done(struct lookup *t);

/*
 * The item with @hash that @is says is the one, or NULL. Thread: any, inside an epoch (or the publisher).
 * Ownership: lent until the end of the epoch; then it may be retired.
 */
void *lookup_find(const struct lookup *t, uint64_t hash, bool (*is)(const void *item, const void *key),
                  const void *key);

/* Thread: the publisher. Several items may have the same hash. */
void lookup_insert(struct lookup *t, uint64_t hash, void *item);
/* @item must be there. Readers may have it until it was retired and collected. Thread: the publisher. */
void lookup_remove(struct lookup *t, uint64_t hash, const void *item);

#endif
