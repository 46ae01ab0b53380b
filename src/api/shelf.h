/*
 * Shelf: pages of lists, kept for as long as nothing that is shown changes (view_version()). Readers take
 * from it without a lock (base/epoch.h). A key has one place; a newer page replaces whatever stands there.
 */
#ifndef API_SHELF_H
#define API_SHELF_H

#include "http/http.h"

/* Thread: any for all but new and free. */
struct shelf;
struct shelf *shelf_new(void);
void shelf_free(struct shelf *s);
/* The page of @key as it was made of @version: a reference, or NULL. */
struct http_page *shelf_find(struct shelf *s, const char *key, uint64_t version);
/* Keep a reference of @page. A very long key is not kept. */
void shelf_put(struct shelf *s, const char *key, uint64_t version, struct http_page *page);

#endif
