/* A hash map from (scope, text) to a number, for finding what comes twice. Thread: one at a time. */
#ifndef API_TEXT_MAP_H
#define API_TEXT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_map_slot {
    const char *text; /* NULL: free */
    uint32_t scope, value;
};

struct text_map {
    struct text_map_slot *slots; /* cap is 0 or a power of two; less than three quarters are used */
    size_t cap, used;
};

/* An empty map is { 0 }. */
void text_map_done(struct text_map *m);
/*
 * The entry of (@scope, @text): a pointer to its value, good until the next call; *ret_new says if it was
 * made now, with the value 0. @text must live as long as the map.
 */
uint32_t *text_map_put(struct text_map *m, uint32_t scope, const char *text, bool *ret_new);
/* The same without making one: NULL if there is none. */
uint32_t *text_map_find(const struct text_map *m, uint32_t scope, const char *text);

#endif
