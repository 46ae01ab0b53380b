/*
 * Feed: live streams of what changes. Two kinds follow (Server-Sent Events, WHATWG HTML 9.2):
 *
 *   an event   seats whose status changed, and that the event itself changed; from the view's deltas
 *   the log    rows of order_queue's change log, from the store
 *
 * A follower is a stream and the place up to which it knows everything: a seq, or a cursor of the log.
 * Nothing is queued for it. When its turn comes, what it lacks is read from there on: the newest, whatever
 * happened between. So memory per follower does not depend on how slow it is, and whoever fell behind gets
 * one message about all that it missed.
 *
 *     writer publishes -> feed_wake() -> a tick -> each event with news: a round over its followers -> send()
 *
 * Ticks. The first change after a pause is sent at once; what comes within TICK_US of it goes together in the
 * next tick. A round over very many followers takes longer than that; then the event rests a part of the time
 * that its round took, so that the loop never spends everything on one event, and other events' followers
 * are served between slices of the long round. Followers that know the same are sent the very same bytes,
 * rendered once.
 *
 * Thread: everything runs on the stream loop (http/stream.h) but for the functions that say otherwise.
 */
#ifndef FEED_FEED_H
#define FEED_FEED_H

#include "app/app.h"
#include "change/rows.h"
#include "http/stream.h"
#include "json/json_out.h"

struct feed;

struct feed_options {
    struct view *view;
    struct app *app;
    struct http_streams *streams;
    const struct clock *clock;
    /* Writes the object of a row of the log. */
    void (*encode_row)(struct json_out *j, const struct cdc_row *row);
};

/* The parts are borrowed; @options->streams gets its handlers. Thread: before the loop runs. */
struct feed *feed_open(const struct feed_options *options);
/* After http_streams_close(). */
void feed_close(struct feed *f);

/* Something was published. Costs an exchange, and a wake-up at most once a tick. Thread: any. */
void feed_wake(struct feed *f);

/* Where a follower of an event begins. */
enum feed_from {
    FEED_FROM_NOW,   /* the next change; it is told the seq */
    FEED_FROM_SEQ,   /* after a seq */
    FEED_FROM_RESET, /* what it knows is of no use: it is told to read again */
};

/*
 * Answer @req with the changes of an event. @all: it goes on when the event is unpublished.
 * Thread: the request's loop. Returns 0 or BOX_EUNAVAILABLE (not answered): there are too many streams.
 */
int feed_follow_event(struct feed *f, struct http_req *req, const struct event_id *event, enum feed_from from,
                      uint64_t seq, bool all);
/* Answer @req with the log's rows after @after (size 0: from its start). As above. */
int feed_follow_log(struct feed *f, struct http_req *req, const struct cursor *after);

#endif
