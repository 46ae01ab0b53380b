#include "base/arena.h"
#include "base/must.h"
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BLOCK = 4096, ALIGNMENT = alignof(max_align_t) };

struct arena_block {
    struct arena_block *older;
    size_t size; /* of data */
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *a, size_t block_size)
{
    *a = (struct arena){.block_size = block_size ? block_size : DEFAULT_BLOCK};
}

static void free_blocks(struct arena *a, const struct arena_block *keep)
{
    struct arena_block *block = a->head;
    while (block) {
        struct arena_block *older = block->older;
        if (block != keep)
            free(block);
        block = older;
    }
    a->head = NULL;
    a->next = a->end = NULL;
    a->total = 0;
}

void arena_done(struct arena *a)
{
    free_blocks(a, NULL);
}

/* Make @block, which is linked nowhere, the one that small allocations come from. */
static void push(struct arena *a, struct arena_block *block)
{
    block->older = a->head;
    a->head = block;
    a->next = block->data;
    a->end = block->data + block->size;
    a->total += block->size;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->head;
    while (keep && keep->size != a->block_size)
        keep = keep->older;
    free_blocks(a, keep);
    if (keep)
        push(a, keep);
}

static struct arena_block *new_block(size_t size, bool zeroed)
{
    size_t bytes = sizeof(struct arena_block) + size;
    struct arena_block *block = zeroed ? calloc(1, bytes) : malloc(bytes);
    must(block); /* out of memory ends the program */
    block->older = NULL;
    block->size = size;
    return block;
}

/* A block of its own for something big, put behind the head so that the head's free bytes stay in use. */
static void *alloc_big(struct arena *a, size_t size)
{
    struct arena_block *block = new_block(size, true);
    if (a->head) {
        block->older = a->head->older;
        a->head->older = block;
        a->total += size;
    } else {
        push(a, block);
        a->next = a->end;
    }
    return block->data;
}

void *arena_alloc(struct arena *a, size_t size)
{
    must(size <= SIZE_MAX / 2);
    must(a->block_size);
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded == 0)
        rounded = ALIGNMENT; /* no two allocations share an address */

    if (rounded > (size_t)(a->end - a->next)) {
        if (rounded > a->block_size / 2)
            return alloc_big(a, rounded);
        push(a, new_block(a->block_size, false));
    }
    char *data = a->next;
    a->next += rounded;
    return memset(data, 0, rounded);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    must(!__builtin_mul_overflow(count, size, &bytes));
    return arena_alloc(a, bytes);
}

void *arena_copy(struct arena *a, const void *data, size_t size)
{
    void *copy = arena_alloc(a, size);
    return size ? memcpy(copy, data, size) : copy;
}

char *arena_strndup(struct arena *a, const char *text, size_t size)
{
    must(size < SIZE_MAX / 2);
    char *copy = arena_alloc(a, size + 1);
    if (size)
        memcpy(copy, text, size);
    return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    must(size >= 0);
    char *text = arena_alloc(a, (size_t)size + 1);
    must(vsnprintf(text, (size_t)size + 1, format, again) == size);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}
