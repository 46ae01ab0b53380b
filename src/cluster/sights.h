/*
 * Sights: has a request with this id come before? A transport may repeat a request by itself when a
 * connection that was used before dies under it. Ids are remembered for at least LIMIT_SIGHT_SECONDS, unless
 * more than LIMIT_SIGHTS come in that time.
 *
 * Two generations: a new id goes into the young one; when that is full or old enough it becomes the old one,
 * and the old one is forgotten. Thread: any.
 */
#ifndef CLUSTER_SIGHTS_H
#define CLUSTER_SIGHTS_H

#include "base/idmap.h"
#include <pthread.h>
#include <stdbool.h>

struct sights {
    pthread_mutex_t mtx;
    struct idmap young, old; /* under mtx */
    int64_t begun_us;        /* the young one */
};

/* Nothing has been seen. */
void sights_init(struct sights *s);
void sights_done(struct sights *s);
/* True the first time; @now_us is monotonic. */
bool sights_first(struct sights *s, const struct uuid *id, int64_t now_us);

#endif
