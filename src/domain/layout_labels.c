#include "domain/layout_labels.h"
#include "base/hash.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64, POOL_CHUNK = 4096 };

const char *text_pool_add(struct text_pool *pool, struct arena *arena, const char *text, size_t size)
{
    if (size + 1 > pool->left) {
        pool->left = size + 1 > POOL_CHUNK ? size + 1 : POOL_CHUNK;
        pool->next = arena_alloc(arena, pool->left);
    }
    char *copy = pool->next;
    memcpy(copy, text, size);
    copy[size] = '\0';
    pool->next += size + 1;
    pool->left -= size + 1;
    return copy;
}

static void *zeroed(size_t count, size_t size)
{
    void *slots = calloc(count, size);
    must(slots); /* out of memory ends the program */
    return slots;
}

/* ---- labels ---- */

static uint32_t label_hash(const char *text)
{
    return (uint32_t)hash64(text, strlen(text));
}

/* The slot of @text, or the free one where it would go. */
static struct label *label_slot(const struct label_table *t, const char *text, uint32_t hash)
{
    must((t->cap & (t->cap - 1)) == 0 && t->count < t->cap);
    size_t i = hash & (t->cap - 1);
    while (t->slots[i].text && (t->slots[i].hash != hash || strcmp(t->slots[i].text, text) != 0))
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static void label_grow(struct label_table *t)
{
    struct label_table bigger = {.cap = t->cap ? t->cap * 2 : FIRST_CAP, .count = t->count};
    bigger.slots = zeroed(bigger.cap, sizeof(*bigger.slots));
    for (size_t i = 0; i < t->cap; i++) {
        if (t->slots[i].text)
            *label_slot(&bigger, t->slots[i].text, t->slots[i].hash) = t->slots[i];
    }
    free(t->slots);
    *t = bigger;
}

struct label *label_find(struct label_table *t, const char *text)
{
    if (!t->slots)
        return NULL;
    struct label *slot = label_slot(t, text, label_hash(text));
    return slot->text ? slot : NULL;
}

uint32_t label_number(const char *text)
{
    enum { DIGITS_MAX = 7 };
    uint32_t n = 0;
    unsigned i = 0;
    if (text[0] == '0')
        return 0;
    for (; text[i] >= '0' && text[i] <= '9' && i < DIGITS_MAX; i++)
        n = n * 10 + (uint32_t)(text[i] - '0');
    return text[i] ? 0 : n;
}

struct label *label_add(struct label_table *t, struct text_pool *pool, struct arena *arena, const char *text)
{
    if (t->count >= t->cap / 2)
        label_grow(t);
    uint32_t hash = label_hash(text);
    struct label *slot = label_slot(t, text, hash);
    must(!slot->text);
    *slot = (struct label){
        .text = text_pool_add(pool, arena, text, strlen(text)),
        .hash = hash,
        .id = t->count++,
        .number = label_number(text),
        .seat_row = NO_LABEL_ROW,
        .section = UINT32_MAX,
        .first_row = NO_LABEL_ROW,
        .newest_row = NO_LABEL_ROW,
    };
    return slot;
}

void label_table_done(struct label_table *t)
{
    free(t->slots);
    *t = (struct label_table){0};
}

/* ---- lists ---- */

static struct label_list *list_slot(const struct list_table *t, const struct label_list *list)
{
    must((t->cap & (t->cap - 1)) == 0 && t->count < t->cap);
    size_t i = list->hash & (t->cap - 1);
    for (; t->slots[i].labels; i = (i + 1) & (t->cap - 1)) {
        const struct label_list *there = &t->slots[i];
        if (there->hash == list->hash && there->count == list->count &&
            memcmp(there->labels, list->labels, list->count * sizeof(*list->labels)) == 0)
            break;
    }
    return &t->slots[i];
}

static void list_grow(struct list_table *t)
{
    struct list_table bigger = {.cap = t->cap ? t->cap * 2 : FIRST_CAP, .count = t->count};
    bigger.slots = zeroed(bigger.cap, sizeof(*bigger.slots));
    for (size_t i = 0; i < t->cap; i++) {
        if (t->slots[i].labels)
            *list_slot(&bigger, &t->slots[i]) = t->slots[i];
    }
    free(t->slots);
    *t = bigger;
}

const struct label_list *list_keep(struct list_table *t, struct arena *arena, const char *const *labels,
                                   uint32_t count)
{
    must(count > 0);
    if (t->count >= t->cap / 2)
        list_grow(t);
    size_t size = count * sizeof(*labels);
    struct label_list list = {.labels = labels, .count = count, .hash = hash64(labels, size)};
    struct label_list *slot = list_slot(t, &list);
    if (!slot->labels) {
        list.labels = arena_copy(arena, labels, size);
        list.id = t->count++;
        *slot = list;
    }
    return slot;
}

void list_table_done(struct list_table *t)
{
    free(t->slots);
    *t = (struct list_table){0};
}

/* ---- pairs ---- */

static uint64_t *pair_slot(const struct pair_set *s, uint64_t value)
{
    must((s->cap & (s->cap - 1)) == 0 && s->count < s->cap);
    size_t i = hash64(&value, sizeof(value)) & (s->cap - 1);
    while (s->slots[i] && s->slots[i] != value)
        i = (i + 1) & (s->cap - 1);
    return &s->slots[i];
}

static void pair_grow(struct pair_set *s)
{
    struct pair_set bigger = {.cap = s->cap ? s->cap * 2 : FIRST_CAP, .count = s->count};
    bigger.slots = zeroed(bigger.cap, sizeof(*bigger.slots));
    for (size_t i = 0; i < s->cap; i++) {
        if (s->slots[i])
            *pair_slot(&bigger, s->slots[i]) = s->slots[i];
    }
    free(s->slots);
    *s = bigger;
}

bool pair_add(struct pair_set *s, uint32_t a, uint32_t b)
{
    uint64_t value = ((uint64_t)a << 32 | b) + 1;
    must(value != 0);
    if (s->count >= s->cap / 2)
        pair_grow(s);
    uint64_t *slot = pair_slot(s, value);
    if (*slot)
        return false;
    *slot = value;
    s->count++;
    return true;
}

void pair_set_done(struct pair_set *s)
{
    free(s->slots);
    *s = (struct pair_set){0};
}
