#include "view/lookup.h"
#include "base/must.h"
#include <stdlib.h>

enum { LEAST_SLOTS = 16 };

struct lookup_slot {
    uint64_t hash; /* written once, before the item */
    _Atomic(void *) item;
};

struct lookup_array {
    struct epoch_item item; /* first: an item is its array */
    size_t mask;            /* slots - 1; a power of two of them */
    struct lookup_slot slots[];
};

static char removed; /* its address stands where an item was */

/* ---- arrays ---- */

static struct lookup_array *array_new(size_t slots)
{
    struct lookup_array *a = calloc(1, sizeof(*a) + slots * sizeof(a->slots[0]));
    must(a); /* out of memory ends the program */
    a->mask = slots - 1;
    return a;
}

static void array_free(struct epoch_item *item)
{
    free(item);
}

static void array_put(struct lookup_array *a, uint64_t hash, void *item)
{
    size_t i = hash & a->mask;
    while (atomic_load(&a->slots[i].item))
        i = (i + 1) & a->mask;
    a->slots[i].hash = hash;
    atomic_store(&a->slots[i].item, item);
}

/* ---- life ---- */

void lookup_init(struct lookup *t, struct epoch_list *garbage)
{
    *t = (struct lookup){.garbage = garbage};
    atomic_init(&t->array, array_new(LEAST_SLOTS));
}

void lookup_done(struct lookup *t)
{
    free(atomic_load(&t->array));
}

/* ---- reading ---- */

void *lookup_find(const struct lookup *t, uint64_t hash, bool (*is)(const void *item, const void *key),
                  const void *key)
{
    struct lookup_array *a = atomic_load(&t->array);
    for (size_t i = hash & a->mask;; i = (i + 1) & a->mask) {
        void *item = atomic_load(&a->slots[i].item);
        if (!item)
            return NULL;
        if (item != &removed && a->slots[i].hash == hash && is(item, key))
            return item;
    }
}

/* ---- publishing ---- */

/* A new array with room for as many again, without what was removed. */
static void rebuild(struct lookup *t)
{
    struct lookup_array *old = atomic_load(&t->array);
    size_t slots = LEAST_SLOTS;
    while (slots < 4 * (t->count + 1))
        slots *= 2;
    struct lookup_array *a = array_new(slots);
    for (size_t i = 0; i <= old->mask; i++) {
        void *item = atomic_load(&old->slots[i].item);
        if (item && item != &removed)
            array_put(a, old->slots[i].hash, item);
    }
    t->used = t->count;
    atomic_store(&t->array, a);
    epoch_retire(t->garbage, &old->item, array_free);
}

void lookup_insert(struct lookup *t, uint64_t hash, void *item)
{
    must(item);
    if (2 * (t->used + 1) > atomic_load(&t->array)->mask + 1)
        rebuild(t);
    array_put(atomic_load(&t->array), hash, item);
    t->used++;
    t->count++;
}

void lookup_remove(struct lookup *t, uint64_t hash, const void *item)
{
    struct lookup_array *a = atomic_load(&t->array);
    size_t i = hash & a->mask;
    for (void *there; (there = atomic_load(&a->slots[i].item)) != item; i = (i + 1) & a->mask)
        must(there);
    atomic_store(&a->slots[i].item, &removed);
    t->count--;
}
