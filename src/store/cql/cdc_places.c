#include "store/cql/cdc_places.h"
#include "base/idmap.h"
#include "base/must.h"
#include <pthread.h>
#include <stdlib.h>

struct entry {
    struct uuid event;
    struct cdc_log_place place;
};

struct cdc_places {
    pthread_mutex_t mtx;
    /* under mtx; as many entries as there are events with changes */
    struct idmap entries;
};

struct cdc_places *cdc_places_new(void)
{
    struct cdc_places *p = calloc(1, sizeof(*p));
    must(p && pthread_mutex_init(&p->mtx, NULL) == 0);
    idmap_init(&p->entries, offsetof(struct entry, event));
    return p;
}

void cdc_places_free(struct cdc_places *p)
{
    size_t at = 0;
    void *entry;
    while ((entry = idmap_next(&p->entries, &at)))
        free(entry);
    idmap_done(&p->entries);
    pthread_mutex_destroy(&p->mtx);
    free(p);
}

bool cdc_places_get(struct cdc_places *p, const struct event_id *event, struct cdc_log_place *ret_place)
{
    pthread_mutex_lock(&p->mtx);
    const struct entry *entry = idmap_find(&p->entries, &event->u);
    if (entry)
        *ret_place = entry->place;
    pthread_mutex_unlock(&p->mtx);
    return entry;
}

void cdc_places_put(struct cdc_places *p, const struct event_id *event, const struct cdc_log_place *place)
{
    pthread_mutex_lock(&p->mtx);
    struct entry *entry = idmap_find(&p->entries, &event->u);
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        must(entry);
        entry->event = event->u;
        idmap_add(&p->entries, entry);
    }
    entry->place = *place;
    pthread_mutex_unlock(&p->mtx);
}
