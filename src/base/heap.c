#include "base/heap.h"
#include "base/must.h"
#include <stdlib.h>

enum { FIRST_CAP = 4 };

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_done(struct heap *h)
{
    free(h->slots);
    heap_init(h);
}

static void place(struct heap *h, size_t index, struct heap_item *item)
{
    h->slots[index] = (struct heap_slot){item->key, item};
    item->pos = index + 1;
}

static void move(struct heap *h, size_t index, size_t from)
{
    h->slots[index] = h->slots[from];
    h->slots[index].item->pos = index + 1;
}

/* Put @item where it belongs at or above the free place @index. */
static void sift_up(struct heap *h, size_t index, struct heap_item *item)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (h->slots[parent].key <= item->key)
            break;
        move(h, index, parent);
        index = parent;
    }
    place(h, index, item);
}

/* Put @item where it belongs at or below the free place @index. */
static void sift_down(struct heap *h, size_t index, struct heap_item *item)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->slots[child + 1].key < h->slots[child].key)
            child++;
        if (item->key <= h->slots[child].key)
            break;
        move(h, index, child);
        index = child;
    }
    place(h, index, item);
}

/* Put @item at the free place @index or where its key takes it from there. */
static void settle(struct heap *h, size_t index, struct heap_item *item)
{
    if (index > 0 && item->key < h->slots[(index - 1) / 2].key)
        sift_up(h, index, item);
    else
        sift_down(h, index, item);
}

static void grow(struct heap *h)
{
    h->cap = h->cap ? 2 * h->cap : FIRST_CAP;
    must(h->cap <= SIZE_MAX / sizeof(h->slots[0]));
    h->slots = realloc(h->slots, h->cap * sizeof(h->slots[0]));
    must(h->slots); /* out of memory ends the program */
}

void heap_set(struct heap *h, struct heap_item *item, int64_t key)
{
    item->key = key;
    if (item->pos) {
        must(item->pos <= h->count && h->slots[item->pos - 1].item == item);
        settle(h, item->pos - 1, item);
        return;
    }
    if (h->count == h->cap)
        grow(h);
    sift_up(h, h->count++, item);
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    if (!item->pos)
        return;
    size_t index = item->pos - 1;
    must(index < h->count && h->slots[index].item == item);
    item->pos = 0;
    struct heap_item *last = h->slots[--h->count].item;
    if (last != item)
        settle(h, index, last);
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->count ? h->slots[0].item : NULL;
}

bool heap_has(const struct heap_item *item)
{
    return item->pos != 0;
}
