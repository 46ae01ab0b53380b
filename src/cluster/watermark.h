/*
 * Watermark: the time up to which the change log of all events is complete, as this server may know it.
 *
 * Every server says with its news how late everything is that it may yet decide ("stable", writer.h). That
 * holds for every event that it is home of or will ever take, because a home's time is its own clock or
 * later. So the least of what all servers say is a time before which nothing can come any more, as long as
 * all are in it who can decide anything:
 *
 *   - a live server counts from the moment when its row was seen; before it was heard of, nothing moves. A
 *     newcomer takes nothing until everybody must have seen its row, and until the clocks, which differ by
 *     less than the allowed skew, can tell the difference no more (reconcile.c);
 *   - a dead server may have changes under way, or thaw and go on, until its events are fenced: nothing moves
 *     from its death on until the store was asked for all events and each of them has a live home again;
 *   - an event that its home resigned has nothing under way, and holds nothing up.
 */
#ifndef CLUSTER_WATERMARK_H
#define CLUSTER_WATERMARK_H

#include <stdbool.h>
#include <stdint.h>

struct watermark {
    int64_t until_us; /* never goes back */
    int64_t least_us; /* of the round */
};

/* Begin a round with what this server itself says. */
void watermark_begin(struct watermark *w, int64_t stable_us);
/* A live server says so; 0: it was not heard yet. */
void watermark_server(struct watermark *w, int64_t stable_us);
/* End the round; @settled: no event is without a home that did not resign. Returns true if it has risen. */
bool watermark_end(struct watermark *w, bool settled);

#endif
