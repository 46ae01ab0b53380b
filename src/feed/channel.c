/*
 * A channel: an event that is followed, and its followers.
 *
 * A round serves all followers in turn; each gets what is the newest at its turn, so that the last of a long
 * round is not told yesterday's news. What a follower lacks depends only on the seq it knows and on the
 * newest: followers that know the same share one message, kept in a small table until the event moves on.
 *
 * A follower whose last message is still under way is passed over; it is served when it has taken that.
 */
#include "base/error.h"
#include "base/metrics.h"
#include "feed/feed_internal.h"
#include <inttypes.h>
#include <stdlib.h>

enum {
    SLICE = 128,      /* followers served before the loop looks at its sockets again: about 1 ms */
    MESSAGES = 32,    /* kept for followers that know the same */
    REST_DIVISOR = 4, /* after a round an event rests a quarter of the time that the round took */
};

/* What those are to be told who know everything up to @from. */
struct message {
    uint64_t from, to;        /* to 0: none */
    struct http_chunk *chunk; /* NULL: nothing of that is shown */
    bool reset;
};

struct event_follower {
    struct follower base; /* first */
    struct event_follower *prev, *next;
    struct channel *channel;
    struct event_id event_id;
    enum feed_from from;
    uint64_t seq; /* it knows everything up to here; UINT64_MAX: nothing of use */
    bool all;     /* may see the event when it is not published */
};

struct channel {
    UT_hash_handle hh;
    struct event_id event_id;
    struct feed *feed;
    struct event_follower *followers;
    /* the newest version that was seen */
    uint64_t seq;
    bool exists, published;
    struct message messages[MESSAGES]; /* by from; good if to == seq */
    /* the round */
    bool active;
    struct channel *prev_active, *next_active;
    struct event_follower *turn; /* is served next */
    uint64_t round_seq;          /* the newest seq when the last round began */
    int64_t round_us, rest_us;   /* when it began; when the next may begin */
};

/* ---- messages ---- */

static void out_seats(struct buf *b, uint64_t seq, const struct seat_delta *seats, uint32_t count)
{
    struct json_out j;
    if (count == 0)
        return;
    buf_printf(b, "event: seats\nid: %" PRIu64 "\ndata: ", seq);
    json_out_init(&j, b);
    json_out_object(&j);
    json_out_member_int(&j, "seq", (int64_t)seq);
    json_out_key(&j, "changes");
    json_out_array(&j);
    for (uint32_t i = 0; i < count; i++) {
        json_out_array(&j);
        json_out_int(&j, seats[i].seat);
        json_out_int(&j, seats[i].status);
        json_out_end_array(&j);
    }
    json_out_end_array(&j);
    json_out_end_object(&j);
    buf_adds(b, "\n\n");
}

static void out_seq(struct buf *b, const char *event, uint64_t seq)
{
    buf_printf(b, "event: %s\nid: %" PRIu64 "\ndata: {\"seq\":%" PRIu64 "}\n\n", event, seq, seq);
}

static void see(struct channel *c, const struct snapshot *s)
{
    c->exists = s != NULL;
    c->seq = s ? s->seq : c->seq;
    c->published = s && s->event->published;
}

/* Look at the newest version. */
static void look(struct channel *c)
{
    struct snapshot *s = view_find(c->feed->parts.view, &c->event_id);
    see(c, s);
    view_release(s);
}

/* Fill in @m for those who know everything up to m->from. */
static void make_message(struct channel *c, struct message *m)
{
    struct feed *f = c->feed;
    struct view_news news;
    struct snapshot *s = NULL;
    struct buf b = {0};
    int ret = view_news(f->parts.view, &c->event_id, m->from, &f->arena, &news, &s);
    see(c, s);
    m->to = c->seq;
    m->reset = ret == BOX_ERANGE;
    if (m->reset) {
        out_seq(&b, "reset", c->seq);
    } else if (ret == 0) {
        out_seats(&b, news.event_seq - 1, news.before, news.before_count);
        if (news.event_seq)
            out_seq(&b, "event", news.event_seq);
        out_seats(&b, news.seq, news.after, news.after_count);
    }
    m->chunk = b.size ? http_chunk_new(&b) : NULL;
    view_release(s);
    arena_reset(&f->arena);
}

static const struct message *message_after(struct channel *c, uint64_t from)
{
    struct message *m = &c->messages[from % MESSAGES];
    if (m->to == c->seq && m->from == from)
        return m;
    http_chunk_unref(m->chunk);
    *m = (struct message){.from = from};
    make_message(c, m);
    return m;
}

/* ---- serving ---- */

/* What it may see ended somewhere after what it knows: it is told no more than that. */
static void end_unpublished(struct event_follower *w)
{
    struct buf b = {0};
    if (w->seq != w->channel->seq) {
        out_seq(&b, "event", w->channel->seq);
        metrics_add(METRIC_STREAM_MESSAGES, 1);
        http_stream_send_own(&w->base.stream, &b);
    }
    http_stream_end(&w->base.stream);
}

static void serve(struct event_follower *w)
{
    struct channel *c = w->channel;
    if (!c->exists) {
        http_stream_end(&w->base.stream);
        return;
    }
    /* First, because it may be a newer version that the message is made of. */
    const struct message *m = w->seq == c->seq ? NULL : message_after(c, w->seq);
    if (!c->published && !w->all) {
        end_unpublished(w);
        return;
    }
    if (!m)
        return;
    if (m->chunk) {
        http_stream_send(&w->base.stream, m->chunk);
        metrics_add(METRIC_STREAM_MESSAGES, 1);
        metrics_add(METRIC_STREAM_RESETS, m->reset);
    }
    w->seq = m->to;
}

/* ---- rounds ---- */

static void begin_round(struct channel *c, int64_t now_us)
{
    c->active = true;
    c->turn = c->followers;
    c->round_seq = c->seq;
    c->round_us = now_us;
    DL_APPEND2(c->feed->active, c, prev_active, next_active);
}

bool channels_tick(struct feed *f, int64_t now_us)
{
    bool resting = false;
    for (struct channel *c = f->channels; c; c = c->hh.next) {
        if (!c->active)
            look(c);
        if (c->exists && c->seq == c->round_seq)
            continue;
        if (c->active || now_us < c->rest_us)
            resting = true;
        else
            begin_round(c, now_us);
    }
    return resting;
}

static void end_round(struct channel *c)
{
    int64_t now_us = clock_monotonic_us(c->feed->parts.clock);
    c->active = false;
    DL_DELETE2(c->feed->active, c, prev_active, next_active);
    c->rest_us = now_us + (now_us - c->round_us) / REST_DIVISOR;
    metrics_observe_us(METRIC_STREAM_ROUND, now_us - c->round_us);
    if (c->exists)
        c->feed->changed |= c->seq != c->round_seq;
}

bool channels_slice(struct feed *f)
{
    struct channel *c = f->active;
    if (!c)
        return false;
    look(c);
    unsigned left = SLICE;
    for (; c->turn && left > 0; left--) {
        struct event_follower *w = c->turn;
        c->turn = w->next;
        if (!http_stream_busy(&w->base.stream))
            serve(w);
    }
    if (!c->turn) {
        end_round(c);
    } else if (c->next_active) { /* the others' turn */
        DL_DELETE2(f->active, c, prev_active, next_active);
        DL_APPEND2(f->active, c, prev_active, next_active);
    }
    return f->active != NULL;
}

/* ---- followers ---- */

static struct channel *channel_of(struct feed *f, const struct event_id *id)
{
    struct channel *c;
    HASH_FIND(hh, f->channels, id, sizeof(*id), c);
    if (c)
        return c;
    c = calloc(1, sizeof(*c));
    must(c); /* out of memory ends the program */
    c->event_id = *id;
    c->feed = f;
    HASH_ADD(hh, f->channels, event_id, sizeof(c->event_id), c);
    look(c);
    c->round_seq = c->seq;
    return c;
}

static void free_channel(struct channel *c)
{
    if (c->active)
        DL_DELETE2(c->feed->active, c, prev_active, next_active);
    HASH_DEL(c->feed->channels, c);
    for (int i = 0; i < MESSAGES; i++)
        http_chunk_unref(c->messages[i].chunk);
    free(c);
}

static void opened(struct follower *base)
{
    struct event_follower *w = (struct event_follower *)base;
    struct channel *c = channel_of(base->feed, &w->event_id);
    w->channel = c;
    DL_APPEND(c->followers, w);
    look(c);
    if (w->from == FEED_FROM_NOW) {
        struct buf b = {0};
        buf_printf(&b, "id: %" PRIu64 "\n\n", c->seq);
        w->seq = c->seq;
        http_stream_send_own(&w->base.stream, &b);
    }
    if (!http_stream_busy(&base->stream))
        serve(w);
}

static void writable(struct follower *base)
{
    struct event_follower *w = (struct event_follower *)base;
    look(w->channel);
    serve(w);
}

static void closed(struct follower *base)
{
    struct event_follower *w = (struct event_follower *)base;
    struct channel *c = w->channel;
    if (c) {
        if (c->turn == w)
            c->turn = w->next;
        DL_DELETE(c->followers, w);
        if (!c->followers)
            free_channel(c);
    }
    free(w);
}

static const struct follower_kind event_kind = {opened, writable, closed};

int feed_follow_event(struct feed *f, struct http_req *req, const struct event_id *event, enum feed_from from,
                      uint64_t seq, bool all)
{
    struct event_follower *w = calloc(1, sizeof(*w));
    must(w); /* out of memory ends the program */
    w->base.feed = f;
    w->base.kind = &event_kind;
    w->event_id = *event;
    w->from = from;
    w->seq = from == FEED_FROM_SEQ ? seq : UINT64_MAX;
    w->all = all;
    int ret = http_stream_begin(req, f->parts.streams, &w->base.stream);
    if (ret)
        free(w);
    return ret;
}
