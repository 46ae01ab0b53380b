/* A stream loop in a thread of its own, errands for it, and what its clients read. */
#ifndef UNIT_HTTP_STREAMS_H
#define UNIT_HTTP_STREAMS_H

#include "harness.h"

#include "base/rng.h"
#include "http/stream.h"

struct streams {
    struct http_streams *ss;
    struct clock clock; /* the loop's: a virtual one is turned there only */
    struct rng rng;
    pthread_t thread;
};

enum { RETRY_MIN_MS = 500, RETRY_MAX_MS = 3500 };

static inline int how_many(sem_t *sem)
{
    int n;
    must(sem_getvalue(sem, &n) == 0);
    return n;
}

/* Open the loop with a clock that is @turned by the test or the machine's; 0 in @o: so long that it does not
 * matter. */
static inline void streams_open(struct streams *s, struct http_stream_options o, bool turned)
{
    *s = (struct streams){.ss = NULL};
    if (turned)
        clock_init_virtual(&s->clock, INT64_C(1700000000000000));
    else
        clock_init_system(&s->clock);
    rng_init_seeded(&s->rng, 1);
    o.clock = &s->clock;
    o.rng = &s->rng;
    o.max = o.max ? o.max : 1000;
    o.heartbeat_ms = o.heartbeat_ms ? o.heartbeat_ms : 600000;
    o.stall_ms = o.stall_ms ? o.stall_ms : 600000;
    o.retry_min_ms = RETRY_MIN_MS;
    o.retry_max_ms = RETRY_MAX_MS;
    must(http_streams_open(&o, &s->ss) == 0);
}

static inline void *streams_main(void *arg)
{
    http_streams_run(arg);
    return NULL;
}

static inline void streams_start(struct streams *s)
{
    must(pthread_create(&s->thread, NULL, streams_main, s->ss) == 0);
}

static inline void streams_join(struct streams *s)
{
    http_streams_stop(s->ss);
    must(pthread_join(s->thread, NULL) == 0);
}

/* ---- errands ---- */

/* Have @fn(ctx) called on the stream loop, and wait until it has returned. */
static inline void on_streams(struct streams *s, void (*fn)(void *ctx), void *ctx)
{
    send_errand(http_streams_mailbox(s->ss), fn, ctx);
}

/* Let @ms pass; the loop has then begun a turn that knows. */
static inline void streams_pass(struct streams *s, int64_t ms)
{
    struct turning t = {&s->clock, ms * 1000};
    on_streams(s, turn_now, &t);
    on_streams(s, do_nothing, NULL);
}

/* ---- clients ---- */

/* Read the header of a stream and its first line; returns what it says of retry. */
static inline long client_stream_begins(struct client *c)
{
    const char *end;
    if (client_answer_head(c) != 200)
        return -1;
    while (!(end = memmem(c->in, c->size, "\n\n", 2)))
        if (!client_fill(c))
            return -1;
    long retry = strncmp(c->in, "retry: ", 7) == 0 ? strtol(c->in + 7, NULL, 10) : -1;
    client_use(c, (size_t)(end - c->in) + 2);
    return retry;
}

/* True if the next @size bytes are those of @data. */
static inline bool client_reads(struct client *c, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        if (c->size == 0 && !client_fill(c))
            return false;
        size_t more = c->size < size - done ? c->size : size - done;
        if (memcmp(c->in, (const char *)data + done, more) != 0)
            return false;
        client_use(c, more);
        done += more;
    }
    return true;
}

static inline bool client_reads_text(struct client *c, const char *text)
{
    return client_reads(c, text, strlen(text));
}

#endif
