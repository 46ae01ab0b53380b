/* Private to feed/: followers, channels, the log. */
#ifndef FEED_INTERNAL_H
#define FEED_INTERNAL_H

#include "app/usecases.h"
#include "base/must.h"
#include "feed/feed.h"

#define uthash_fatal(msg) must(!(msg)) /* out of memory ends the program */
#include <uthash.h>
#include <utlist.h>

/* ---- followers of either kind ---- */

struct follower;

struct follower_kind {
    void (*opened)(struct follower *w);
    void (*writable)(struct follower *w);
    void (*closed)(struct follower *w); /* frees it */
};

struct follower {
    struct http_stream stream; /* first */
    struct feed *feed;
    const struct follower_kind *kind;
};

struct channel;
struct log_follower;

struct feed {
    /* immutable after open */
    struct feed_options parts;
    /* shared */
    atomic_bool awake; /* a wake-up was posted and no tick has answered it */
    struct task wake;
    /* the stream loop's */
    bool woken;           /* the wake-up has come and no tick has answered it */
    bool changed;         /* something may be new since the last tick */
    int64_t next_tick_us; /* not before */
    struct arena arena;   /* of one message */
    struct channel *channels;
    struct channel *active; /* their rounds are under way; the first has its turn */
    struct log_follower *logs;
};

enum { TICK_US = 20000 };

/* ---- channel.c: followers of events ---- */

/*
 * Begin the rounds of all channels that have news and may begin at @now_us. Returns true if one has news but
 * must rest a while.
 */
bool channels_tick(struct feed *f, int64_t now_us);
/* Go on with one slice of the rounds under way. Returns true if there is more to do. */
bool channels_slice(struct feed *f);

/* ---- log.c: followers of the change log ---- */

/*
 * Everybody who waits for rows looks for new ones, where something was @published, or tries once more. Sets
 * changed where that has to be tried again.
 */
void log_tick(struct feed *f, bool published);

#endif
