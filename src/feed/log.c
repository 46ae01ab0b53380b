/*
 * Followers of order_queue's change log. The log is complete in the store, so a follower only needs its
 * cursor: a page of rows is read on a worker, encoded and sent; when the reader has taken it, the next is
 * read. At the end of the log a follower waits for the next tick.
 */
#include "base/metrics.h"
#include "base/text.h"
#include "feed/feed_internal.h"
#include <stdlib.h>

enum { PAGE = 200 }; /* rows of one message */

struct log_follower {
    struct follower base; /* first */
    struct log_follower *prev, *next;
    struct cursor after;
    bool open;            /* in the feed's list */
    bool reading;         /* a page, on a worker */
    bool again;           /* there may be more */
    bool gone;            /* closed while reading */
    struct app_call call; /* of the page, with its list and memory */
    struct app_list list;
    struct arena arena;
};

static void free_follower(struct log_follower *w)
{
    arena_done(&w->arena);
    free(w);
}

/* ---- reading ---- */

static void out_rows(struct log_follower *w, struct buf *b)
{
    for (uint32_t i = 0; i < w->list.count; i++) {
        const struct cdc_row *row = &w->list.cdc_row[i];
        struct cursor at = store_cdc_cursor(w->base.feed->parts.app->parts.store, row);
        struct json_out j;
        buf_printf(b, "event: row\nid: %s\ndata: ", text_base64url(&w->arena, at.bytes, at.size));
        json_out_init(&j, b);
        w->base.feed->parts.encode_row(&j, row);
        buf_adds(b, "\n\n");
    }
}

static void read_page(struct log_follower *w);

static void page_read(struct app_call *call)
{
    struct log_follower *w = (struct log_follower *)((char *)call - offsetof(struct log_follower, call));
    bool failed = call->code != 0;
    w->reading = false;
    app_call_end(call);
    if (w->gone) {
        free_follower(w);
        return;
    }
    if (failed) { /* no worker, or no store just now: the next tick tries again */
        w->again = w->base.feed->changed = true;
        return;
    }
    if (http_stream_busy(&w->base.stream)) { /* with a heartbeat: when that is gone, the page is read again */
        w->again = true;
        return;
    }
    struct buf b = {0};
    out_rows(w, &b);
    w->after = w->list.next;
    w->again |= w->list.more;
    metrics_add(METRIC_STREAM_MESSAGES, w->list.count);
    if (b.size)
        http_stream_send_own(&w->base.stream, &b);
    read_page(w);
}

/* If there may be more, the last page was taken, and none is being read. */
static void read_page(struct log_follower *w)
{
    const struct feed *f = w->base.feed;
    if (!w->again || w->reading || http_stream_busy(&w->base.stream))
        return;
    w->again = false;
    w->reading = true;
    arena_reset(&w->arena);
    w->call = (struct app_call){0};
    app_call_init(&w->call, f->parts.app, &w->arena, http_streams_mailbox(f->parts.streams));
    w->call.done = page_read;
    w->list = (struct app_list){.after = w->after, .limit = PAGE};
    app_list_cdc(&w->call, &w->list);
}

void log_tick(struct feed *f, bool published)
{
    for (struct log_follower *w = f->logs; w; w = w->next) {
        w->again |= published;
        read_page(w);
    }
}

/* ---- followers ---- */

static void opened(struct follower *base)
{
    struct log_follower *w = (struct log_follower *)base;
    struct feed *f = base->feed;
    w->open = true;
    DL_APPEND(f->logs, w);
    w->again = true;
    read_page(w);
}

static void writable(struct follower *base)
{
    read_page((struct log_follower *)base);
}

static void closed(struct follower *base)
{
    struct log_follower *w = (struct log_follower *)base;
    if (w->open)
        DL_DELETE(base->feed->logs, w);
    if (w->reading)
        w->gone = true; /* freed when the page comes */
    else
        free_follower(w);
}

static const struct follower_kind log_kind = {opened, writable, closed};

int feed_follow_log(struct feed *f, struct http_req *req, const struct cursor *after)
{
    struct log_follower *w = calloc(1, sizeof(*w));
    must(w); /* out of memory ends the program */
    w->base.feed = f;
    w->base.kind = &log_kind;
    w->after = *after;
    arena_init(&w->arena, 0);
    int ret = http_stream_begin(req, f->parts.streams, &w->base.stream);
    if (ret)
        free_follower(w);
    return ret;
}
