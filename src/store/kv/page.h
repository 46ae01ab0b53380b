/* What lists in pages have in common. */
#ifndef STORE_PAGE_H
#define STORE_PAGE_H

#include "store/kv/format.h"
#include "store/kv/kv.h"
#include "store/store.h"

/* A cursor of @size bytes, 1 to CURSOR_BYTES. */
void page_cursor_set(struct cursor *cursor, const void *bytes, size_t size);
/* Go to the first row after @prefix followed by the cursor; an empty cursor means the iterator's first row.
 */
void page_seek(struct kv_iter *it, const struct key *prefix, const struct cursor *after);
/* What a list returns for an error inside: a record of a newer version is damage in a store of ours. */
int page_error(int ret);

#endif
