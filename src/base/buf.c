#include "base/buf.h"
#include "base/must.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_done(struct buf *b)
{
    free(b->data);
    buf_init(b);
}

void buf_reset(struct buf *b)
{
    b->size = 0;
}

void buf_grow(struct buf *b, size_t more)
{
    must(b->size <= b->cap);
    must(more <= SIZE_MAX / 4 && b->size <= SIZE_MAX / 4);
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    while (cap - b->size < more)
        cap *= 2;
    b->data = realloc(b->data, cap);
    must(b->data); /* out of memory ends the program */
    b->cap = cap;
}

void buf_adds(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->cap - b->size;
    int size = vsnprintf(room ? b->data + b->size : NULL, room, format, args);
    va_end(args);
    must(size >= 0);
    if ((size_t)size >= room) {
        /* It did not fit with the NUL that vsnprintf adds: once more, with room. */
        char *to = buf_reserve(b, (size_t)size + 1);
        must(vsnprintf(to, (size_t)size + 1, format, again) == size);
    }
    va_end(again);
    b->size += (size_t)size;
}

char *buf_take(struct buf *b, size_t *ret_size)
{
    char *data = b->data;
    *ret_size = b->size;
    buf_init(b);
    return data;
}
