#include "feed/feed_internal.h"
#include <stdlib.h>

/* ---- what the stream loop calls ---- */

static struct follower *follower_of(struct http_stream *s)
{
    return (struct follower *)s;
}

static void on_opened(void *ctx, struct http_stream *s)
{
    (void)ctx;
    follower_of(s)->kind->opened(follower_of(s));
}

static void on_writable(void *ctx, struct http_stream *s)
{
    (void)ctx;
    follower_of(s)->kind->writable(follower_of(s));
}

static void on_closed(void *ctx, struct http_stream *s)
{
    (void)ctx;
    follower_of(s)->kind->closed(follower_of(s));
}

/*
 * May be woken again from here on, and that comes before the look: what is published after the look wakes.
 * Not while the wake-up is still in the mailbox, where it cannot be a second time: another tick follows it.
 */
static void tick(struct feed *f, int64_t now_us)
{
    bool published = f->woken;
    f->woken = false;
    if (published) /* an exchange: it takes over what those had published who found it set */
        atomic_exchange(&f->awake, false);
    f->next_tick_us = now_us + TICK_US;
    f->changed = false;
    log_tick(f, published);
    f->changed |= channels_tick(f, now_us);
}

static int64_t on_turn(void *ctx, int64_t now_us)
{
    struct feed *f = ctx;
    if (f->changed && now_us >= f->next_tick_us)
        tick(f, now_us);
    if (channels_slice(f))
        return now_us;
    return f->changed ? f->next_tick_us : INT64_MAX;
}

/* ---- waking ---- */

static void on_wake(struct task *task)
{
    struct feed *f = (struct feed *)((char *)task - offsetof(struct feed, wake));
    f->changed = f->woken = true;
}

void feed_wake(struct feed *f)
{
    if (!atomic_exchange(&f->awake, true))
        task_post(http_streams_mailbox(f->parts.streams), &f->wake);
}

/* ---- life ---- */

struct feed *feed_open(const struct feed_options *options)
{
    struct feed *f = calloc(1, sizeof(*f));
    must(f); /* out of memory ends the program */
    f->parts = *options;
    f->wake.run = on_wake;
    arena_init(&f->arena, 0);
    const struct http_stream_handlers handlers = {
        .ctx = f, .opened = on_opened, .writable = on_writable, .closed = on_closed, .turn = on_turn};
    http_streams_feed(options->streams, &handlers);
    return f;
}

void feed_close(struct feed *f)
{
    must(!f->channels && !f->logs);
    arena_done(&f->arena);
    free(f);
}
