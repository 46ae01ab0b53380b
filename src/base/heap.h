/*
 * Binary min-heap of items embedded in the caller's objects, ordered by a 64-bit key: O(log n) insert, change
 * and removal of any item, O(1) look at the first. Thread: one at a time.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t key;
    size_t pos; /* 1 + place in the heap; 0 when in none */
};

/* The key stands here too, so that comparing touches no item. */
struct heap_slot {
    int64_t key;
    struct heap_item *item;
};

struct heap {
    struct heap_slot *slots;
    size_t count, cap;
};

/* An empty heap, no allocation. */
void heap_init(struct heap *h);
/* Frees the heap's own memory; the items stay the caller's. */
void heap_done(struct heap *h);
/* Insert @item (which is in no heap) with @key, or move one that is in this heap to its new key. */
void heap_set(struct heap *h, struct heap_item *item, int64_t key);
/* Remove; one that is in no heap is left alone. */
void heap_remove(struct heap *h, struct heap_item *item);
/* The item with the smallest key, NULL when empty. */
struct heap_item *heap_first(const struct heap *h);
bool heap_has(const struct heap_item *item);

#endif
