/*
 * A growing byte buffer on the heap. Thread: one at a time. Running out of memory aborts.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *data; /* size bytes used of cap; not NUL-terminated; NULL when nothing was ever added */
    size_t size, cap;
};

/* An empty buffer, no allocation; { 0 } does the same. */
void buf_init(struct buf *b);
/* Free the memory; @b is empty and may be used again. */
void buf_done(struct buf *b);
/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);
/* For buf_reserve(): give the buffer another block, with room for @more bytes after size. */
void buf_grow(struct buf *b, size_t more);
/* Append a text, without its NUL. */
void buf_adds(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Give the bytes away: returns data (the caller frees it with free()), *ret_size its size; @b is empty. */
char *buf_take(struct buf *b, size_t *ret_size);

/* Records and JSON are made of many small pieces: that there is room is looked at where the piece is written.
 */

/* Make room for @more bytes after size and return where they go; the caller then adds to size. */
static inline char *buf_reserve(struct buf *b, size_t more)
{
    if (more > b->cap - b->size || !b->data)
        buf_grow(b, more);
    return b->data + b->size;
}

/* Append @size bytes. */
static inline void buf_add(struct buf *b, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(buf_reserve(b, size), data, size);
    b->size += size;
}

/* Append one character. */
static inline void buf_addc(struct buf *b, char c)
{
    *buf_reserve(b, 1) = c;
    b->size++;
}

#endif
