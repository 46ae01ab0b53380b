/*
 * Map: byte strings sorted by memcmp (a prefix sorts before what it begins), with a value each. A skip list;
 * a node's height comes from a hash of its key, so that equal contents make equal maps, run after run.
 * Thread: one writer, or many readers. Out of memory aborts.
 */
#ifndef STORE_MEM_MAP_H
#define STORE_MEM_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAP_HEIGHT = 16 };

struct map_node {
    uint8_t *value;
    size_t value_size;
    size_t key_size;
    uint8_t *key; /* of the same allocation */
    unsigned height;
    struct map_node *next[]; /* height of them; [0] is the next in order */
};

struct map {
    struct map_node *head[MAP_HEIGHT];
};

/* An empty map, no allocation. */
void map_init(struct map *m);
/* Free everything; @m is empty and may be used again. */
void map_done(struct map *m);
/* Insert, or replace the value. */
void map_put(struct map *m, const void *key, size_t key_size, const void *value, size_t size);
/* Remove; nothing happens when it is not there. */
void map_del(struct map *m, const void *key, size_t key_size);
/* The first node whose key is >= @key, or NULL. */
const struct map_node *map_seek(const struct map *m, const void *key, size_t key_size);
/* The last node whose key is < @key, or NULL; @key_size 0: the last of all. */
const struct map_node *map_before(const struct map *m, const void *key, size_t key_size);

#endif
