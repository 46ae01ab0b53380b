#include "api/shelf.h"
#include "base/epoch.h"
#include "base/hash.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

enum { PLACES = 64, KEY_BYTES = 200 };

struct entry {
    struct epoch_item item; /* first */
    uint64_t version;
    struct http_page *page;
    char key[KEY_BYTES];
};

struct shelf {
    _Atomic(struct entry *) places[PLACES];
    struct epoch_list retired;
    atomic_flag collecting;
};

static void free_entry(struct epoch_item *item)
{
    struct entry *e = (struct entry *)item;
    http_page_unref(e->page);
    free(e);
}

struct shelf *shelf_new(void)
{
    struct shelf *s = calloc(1, sizeof(*s));
    must(s); /* out of memory ends the program */
    return s;
}

void shelf_free(struct shelf *s)
{
    for (int i = 0; i < PLACES; i++) {
        struct entry *e = atomic_load(&s->places[i]);
        if (e)
            free_entry(&e->item);
    }
    epoch_drain(&s->retired);
    free(s);
}

static _Atomic(struct entry *) *place_of(struct shelf *s, const char *key)
{
    return &s->places[hash64(key, strlen(key)) % PLACES];
}

struct http_page *shelf_find(struct shelf *s, const char *key, uint64_t version)
{
    epoch_enter();
    struct entry *e = atomic_load(place_of(s, key));
    struct http_page *page =
        e && e->version == version && strcmp(e->key, key) == 0 ? http_page_ref(e->page) : NULL;
    epoch_leave();
    return page;
}

void shelf_put(struct shelf *s, const char *key, uint64_t version, struct http_page *page)
{
    size_t size = strlen(key);
    if (size >= KEY_BYTES)
        return;
    struct entry *e = malloc(sizeof(*e));
    must(e); /* out of memory ends the program */
    *e = (struct entry){.version = version, .page = http_page_ref(page)};
    memcpy(e->key, key, size + 1);
    struct entry *old = atomic_exchange(place_of(s, key), e);
    if (old)
        epoch_retire(&s->retired, &old->item, free_entry);
    if (!atomic_flag_test_and_set(&s->collecting)) { /* one at a time; whoever comes meanwhile need not */
        epoch_collect(&s->retired);
        atomic_flag_clear(&s->collecting);
    }
}
