#include "store/mem/map.h"
#include "base/hash.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

static int compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common ? memcmp(a, b, common) : 0;
    if (order)
        return order;
    return a_size < b_size ? -1 : a_size > b_size;
}

static void *copy(const void *data, size_t size)
{
    void *to = malloc(size ? size : 1);
    must(to);
    if (size)
        memcpy(to, data, size);
    return to;
}

/* A quarter of the nodes of each level reach the next. */
static unsigned height_of(const void *key, size_t key_size)
{
    uint64_t h = hash64(key, key_size);
    unsigned height = 1;
    while (height < MAP_HEIGHT && (h & 3) == 0) {
        height++;
        h >>= 2;
    }
    return height;
}

static struct map_node *new_node(const void *key, size_t key_size)
{
    unsigned height = height_of(key, key_size);
    struct map_node *n = malloc(sizeof(*n) + height * sizeof(n->next[0]) + key_size);
    must(n);
    *n = (struct map_node){.key_size = key_size, .height = height};
    n->key = (uint8_t *)&n->next[height];
    memcpy(n->key, key, key_size);
    return n;
}

static void free_node(struct map_node *n)
{
    free(n->value);
    free(n);
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_done(struct map *m)
{
    struct map_node *next;
    for (struct map_node *n = m->head[0]; n; n = next) {
        next = n->next[0];
        free_node(n);
    }
    map_init(m);
}

/*
 * Find @key: fill @ret_links with the link of each level that leads to the first node >= @key, and
 * *ret_before with the node before it (NULL: none).
 */
static void find(const struct map *m, const void *key, size_t key_size,
                 struct map_node **ret_links[MAP_HEIGHT], const struct map_node **ret_before)
{
    struct map_node *at = NULL; /* NULL: the head */
    for (unsigned level = MAP_HEIGHT; level-- > 0;) {
        struct map_node **link = at ? &at->next[level] : (struct map_node **)&m->head[level];
        while (*link && compare((*link)->key, (*link)->key_size, key, key_size) < 0) {
            at = *link;
            link = &at->next[level];
        }
        ret_links[level] = link;
    }
    *ret_before = at;
}

static bool is_key(const struct map_node *n, const void *key, size_t key_size)
{
    return n && compare(n->key, n->key_size, key, key_size) == 0;
}

void map_put(struct map *m, const void *key, size_t key_size, const void *value, size_t size)
{
    struct map_node **links[MAP_HEIGHT];
    const struct map_node *before;
    must(key_size > 0);
    find(m, key, key_size, links, &before);
    struct map_node *n = *links[0];
    if (is_key(n, key, key_size)) {
        free(n->value);
    } else {
        n = new_node(key, key_size);
        for (unsigned level = 0; level < n->height; level++) {
            n->next[level] = *links[level];
            *links[level] = n;
        }
    }
    n->value = copy(value, size);
    n->value_size = size;
}

void map_del(struct map *m, const void *key, size_t key_size)
{
    struct map_node **links[MAP_HEIGHT];
    const struct map_node *before;
    find(m, key, key_size, links, &before);
    struct map_node *n = *links[0];
    if (!is_key(n, key, key_size))
        return;
    for (unsigned level = 0; level < n->height; level++)
        *links[level] = n->next[level];
    free_node(n);
}

const struct map_node *map_seek(const struct map *m, const void *key, size_t key_size)
{
    struct map_node **links[MAP_HEIGHT];
    const struct map_node *before;
    if (key_size == 0)
        return m->head[0];
    find(m, key, key_size, links, &before);
    return *links[0];
}

const struct map_node *map_before(const struct map *m, const void *key, size_t key_size)
{
    struct map_node **links[MAP_HEIGHT];
    const struct map_node *before = NULL;
    if (key_size > 0) {
        find(m, key, key_size, links, &before);
        return before;
    }
    for (const struct map_node *n = m->head[MAP_HEIGHT - 1]; n; n = n->next[n->height - 1])
        before = n;
    for (unsigned level = MAP_HEIGHT; level-- > 0;) {
        const struct map_node *n =
            before ? (level < before->height ? before->next[level] : NULL) : m->head[level];
        for (; n; n = n->next[level])
            before = n;
    }
    return before;
}
