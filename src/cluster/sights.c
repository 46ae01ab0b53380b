#include "cluster/sights.h"
#include "base/must.h"
#include "base/params.h"
#include <stdlib.h>

static void clear(struct idmap *m)
{
    size_t at = 0;
    for (struct uuid *id; (id = idmap_next(m, &at));)
        free(id);
    idmap_done(m);
    idmap_init(m, 0);
}

void sights_init(struct sights *s)
{
    must(pthread_mutex_init(&s->mtx, NULL) == 0);
    idmap_init(&s->young, 0);
    idmap_init(&s->old, 0);
    s->begun_us = 0;
}

void sights_done(struct sights *s)
{
    clear(&s->young);
    clear(&s->old);
    pthread_mutex_destroy(&s->mtx);
}

static void turn(struct sights *s, int64_t now_us)
{
    if (s->young.count < LIMIT_SIGHTS && now_us - s->begun_us <= LIMIT_SIGHT_SECONDS * INT64_C(1000000))
        return;
    clear(&s->old);
    s->old = s->young;
    idmap_init(&s->young, 0);
    s->begun_us = now_us;
}

bool sights_first(struct sights *s, const struct uuid *id, int64_t now_us)
{
    pthread_mutex_lock(&s->mtx);
    bool first = !idmap_find(&s->young, id) && !idmap_find(&s->old, id);
    if (first) {
        turn(s, now_us);
        struct uuid *kept = malloc(sizeof *kept);
        must(kept); /* out of memory ends the program */
        *kept = *id;
        idmap_add(&s->young, kept);
    }
    pthread_mutex_unlock(&s->mtx);
    return first;
}
