/*
 * Up to when everything is told: what writer_stable_us() promises, so that a reader of the changes of all
 * events and servers knows where it may go on to.
 *
 * A change that is decided gets a time, and is told of when it is durable. So the promise must stay before
 *   - the changes that are decided and not told: of the groups under way, and of the groups in doubt (their
 *     event was lost before the store said what became of them, until it is adopted anew);
 *   - the changes that will be decided. While the writer sleeps, they are those after now: whoever asks may
 *     have the promise up to the present, and the writer, when it wakes, gives its changes a later time,
 *     whatever its clock says then.
 * Deadlines are judged by the clock alone: only the times that are written are pushed.
 */
#include "writer/writer_internal.h"

void stable_init(struct stable *s)
{
    must(pthread_mutex_init(&s->mtx, NULL) == 0);
    s->told_us = 0;
    s->oldest_us = INT64_MAX;
}

void stable_done(struct stable *s)
{
    must(pthread_mutex_destroy(&s->mtx) == 0);
}

int64_t stable_begin(struct stable *s, int64_t now_us)
{
    must(pthread_mutex_lock(&s->mtx) == 0);
    int64_t from_us = now_us > s->told_us ? now_us : s->told_us + 1;
    if (from_us < s->oldest_us)
        s->oldest_us = from_us;
    must(pthread_mutex_unlock(&s->mtx) == 0);
    return from_us;
}

void stable_end(struct stable *s, int64_t oldest_us)
{
    must(pthread_mutex_lock(&s->mtx) == 0);
    must(oldest_us > s->told_us); /* else the promise was broken */
    s->oldest_us = oldest_us;
    must(pthread_mutex_unlock(&s->mtx) == 0);
}

int64_t stable_promise(struct stable *s, int64_t now_us)
{
    must(pthread_mutex_lock(&s->mtx) == 0);
    int64_t until_us = now_us < s->oldest_us ? now_us : s->oldest_us - 1;
    if (until_us > s->told_us)
        s->told_us = until_us;
    until_us = s->told_us;
    must(pthread_mutex_unlock(&s->mtx) == 0);
    return until_us;
}
