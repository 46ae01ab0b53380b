/* What lists in pages have in common. */
#ifndef STORE_CQL_PAGE_H
#define STORE_CQL_PAGE_H

#include "store/store.h"
#include <string.h>

enum {
    ID_BYTES = sizeof(struct uuid),
    EVENT_TAG_BYTES = 6, /* of hold and order ids */
    SCAN_BUDGET = 20000, /* rows that one page looks at, at most */
};

/* A cursor of @size bytes. */
static inline void page_cursor_set(struct cursor *cursor, const void *bytes, size_t size)
{
    cursor->size = (uint8_t)size;
    memcpy(cursor->bytes, bytes, size);
}

/* The id that a cursor is, nil at the start. */
static inline struct uuid page_cursor_id(const struct cursor *cursor)
{
    struct uuid id = UUID_NIL;
    if (cursor->size)
        memcpy(id.b, cursor->bytes, sizeof(id.b));
    return id;
}

#endif
