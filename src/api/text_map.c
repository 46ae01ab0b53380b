#include "api/text_map.h"
#include "base/hash.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void text_map_done(struct text_map *m)
{
    free(m->slots);
    *m = (struct text_map){0};
}

/* The slot of (@scope, @text), or the free one where it belongs. */
static struct text_map_slot *slot_of(const struct text_map *m, uint32_t scope, const char *text)
{
    uint64_t hash = hash64(text, strlen(text)) ^ (scope * UINT64_C(0x9e3779b97f4a7c15));
    hash ^= hash >> 32;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct text_map_slot *slot = &m->slots[i];
        if (!slot->text || (slot->scope == scope && strcmp(slot->text, text) == 0))
            return slot;
    }
}

static void grow(struct text_map *m)
{
    struct text_map bigger = {.cap = m->cap ? 2 * m->cap : FIRST_CAP, .used = m->used};
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    must(bigger.slots);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].text)
            *slot_of(&bigger, m->slots[i].scope, m->slots[i].text) = m->slots[i];
    free(m->slots);
    *m = bigger;
}

uint32_t *text_map_find(const struct text_map *m, uint32_t scope, const char *text)
{
    if (m->cap == 0)
        return NULL;
    struct text_map_slot *slot = slot_of(m, scope, text);
    return slot->text ? &slot->value : NULL;
}

uint32_t *text_map_put(struct text_map *m, uint32_t scope, const char *text, bool *ret_new)
{
    if (4 * (m->used + 1) >= 3 * m->cap)
        grow(m);
    struct text_map_slot *slot = slot_of(m, scope, text);
    *ret_new = !slot->text;
    if (*ret_new) {
        *slot = (struct text_map_slot){.text = text, .scope = scope};
        m->used++;
    }
    return &slot->value;
}
