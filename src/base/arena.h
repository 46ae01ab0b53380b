/*
 * Memory arena: many small allocations, freed at once. One per request or group.
 * Thread: one at a time. Running out of memory aborts. Memory is aligned for any type.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *head; /* newest block */
    char *next, *end;         /* free bytes of head */
    size_t block_size;        /* size of an ordinary block */
    size_t total;             /* bytes in all blocks */
};

/* Prepare @a; nothing is allocated yet. @block_size 0 means 4096. */
void arena_init(struct arena *a, size_t block_size);

/* Free everything. @a may be used again. */
void arena_done(struct arena *a);

/* Forget all allocations, but keep one ordinary block for the next round. */
void arena_reset(struct arena *a);

/* @size bytes, zeroed. Size 0 gives a valid pointer. Ownership: lent until arena_reset or arena_done. */
void *arena_alloc(struct arena *a, size_t size);

/* @count elements of @size bytes, zeroed; aborts on overflow of the product. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy of @size bytes; arena_strndup adds a NUL. */
void *arena_copy(struct arena *a, const void *data, size_t size);
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t size);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
