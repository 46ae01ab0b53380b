#include "http/stream.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/must.h"
#include "base/rng.h"
#include "http/internal.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

enum {
    OK = 200,
    EVENTS = 256,
    SEND_BUFFER = 16 << 10, /* of the kernel, which doubles it: bounds what a slow reader costs */
    UNREAD_MAX = 4096,      /* a client that sends more after its request is no reader of a stream */
};

struct http_chunk {
    unsigned refs;
    char *data;
    size_t size;
};

struct http_streams {
    /* immutable after start */
    struct http_stream_options options;
    struct http_stream_handlers handlers;
    int epoll_fd;
    /* any thread posts, the loop takes */
    struct mailbox mailbox;
    struct task stop_task;
    /* shared */
    atomic_uint count; /* those on their way to the loop are counted in */
    /* the loop's */
    struct http_stream *oldest; /* all, by touched_us */
    struct http_stream *closed; /* to be given back at the end of the turn; linked by next */
    struct http_chunk *heartbeat;
    int64_t now_us, feed_at;
    bool stopping;
};

/* ---- chunks ---- */

struct http_chunk *http_chunk_new(struct buf *bytes)
{
    struct http_chunk *c = malloc(sizeof(*c));
    must(c); /* out of memory ends the program */
    c->refs = 1;
    c->data = buf_take(bytes, &c->size);
    must(c->size > 0);
    return c;
}

struct http_chunk *http_chunk_ref(struct http_chunk *c)
{
    c->refs++;
    return c;
}

void http_chunk_unref(struct http_chunk *c)
{
    if (!c || --c->refs > 0)
        return;
    free(c->data);
    free(c);
}

/* ---- the order by age ---- */

static void touch(struct http_stream *s)
{
    struct http_streams *ss = s->owner;
    s->touched_us = ss->now_us;
    if (ss->oldest->prev == s)
        return; /* the newest already */
    DL_DELETE(ss->oldest, s);
    DL_APPEND(ss->oldest, s);
}

/* ---- closing ---- */

/* Not given back before the end of the turn: whoever called may be walking over its streams. */
static void close_stream(struct http_stream *s)
{
    struct http_streams *ss = s->owner;
    if (s->closed)
        return;
    s->closed = true;
    DL_DELETE(ss->oldest, s);
    LL_PREPEND(ss->closed, s);
}

static void give_back_closed(struct http_streams *ss)
{
    while (ss->closed) {
        struct http_stream *s = ss->closed;
        ss->closed = s->next;
        close(s->fd);
        http_chunk_unref(s->chunk);
        atomic_fetch_sub(&ss->count, 1);
        metrics_add(METRIC_STREAMS, -1);
        ss->handlers.closed(ss->handlers.ctx, s);
    }
}

static void cut_off(struct http_stream *s)
{
    metrics_add(METRIC_STREAMS_CUT_OFF, 1);
    close_stream(s);
}

/* ---- sending ---- */

/* Send of the chunk what the kernel takes. */
static void push(struct http_stream *s)
{
    struct http_chunk *c = s->chunk;
    ssize_t sent = send(s->fd, c->data + s->offset, c->size - s->offset, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR)
            close_stream(s);
        return;
    }
    s->stuck_us = s->owner->now_us;
    s->offset += (size_t)sent;
    if (s->offset < c->size)
        return;
    http_chunk_unref(c);
    s->chunk = NULL;
    if (s->ending)
        close_stream(s);
}

bool http_stream_busy(const struct http_stream *s)
{
    return s->chunk != NULL;
}

void http_stream_send(struct http_stream *s, struct http_chunk *c)
{
    must(!s->chunk);
    if (s->closed)
        return;
    s->chunk = http_chunk_ref(c);
    s->offset = 0;
    s->stuck_us = s->owner->now_us;
    touch(s);
    push(s);
}

void http_stream_send_own(struct http_stream *s, struct buf *bytes)
{
    struct http_chunk *c = http_chunk_new(bytes);
    http_stream_send(s, c);
    http_chunk_unref(c);
}

void http_stream_end(struct http_stream *s)
{
    s->ending = true;
    if (!s->chunk)
        close_stream(s);
}

/* ---- what happens on a socket ---- */

/* A client has nothing to say any more: what it sends is thrown away, its end is the stream's. */
static void read_away(struct http_stream *s)
{
    char scratch[1024];
    ssize_t got;
    while ((got = recv(s->fd, scratch, sizeof scratch, MSG_DONTWAIT)) > 0) {
        s->unread += (uint32_t)got;
        if (s->unread > UNREAD_MAX) {
            close_stream(s);
            return;
        }
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_stream(s);
}

static void on_event(struct http_streams *ss, struct http_stream *s, uint32_t events)
{
    if (s->closed)
        return;
    if (events & (EPOLLERR | EPOLLHUP)) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == ETIMEDOUT) /* the kernel was quicker to give up (TCP_USER_TIMEOUT) */
            cut_off(s);
        else
            close_stream(s);
        return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP))
        read_away(s);
    if (!s->closed && (events & EPOLLOUT) && s->chunk) {
        push(s);
        if (!s->chunk && !s->closed)
            ss->handlers.writable(ss->handlers.ctx, s);
    }
}

/* When the oldest is to be looked at; INT64_MAX: there is none. */
static int64_t patrol_at(const struct http_streams *ss)
{
    return ss->oldest ? ss->oldest->touched_us + (int64_t)ss->options.heartbeat_ms * 1000 : INT64_MAX;
}

/* Those that were sent nothing for long: a heartbeat, or the end. */
static void patrol(struct http_streams *ss)
{
    while (patrol_at(ss) <= ss->now_us) {
        struct http_stream *s = ss->oldest;
        if (!s->chunk)
            http_stream_send(s, ss->heartbeat);
        else if (s->stuck_us + (int64_t)ss->options.stall_ms * 1000 <= ss->now_us)
            cut_off(s);
        else
            touch(s);
    }
}

/* ---- beginning ---- */

/*
 * The answer runs until the connection ends: no length, no chunks. X-Accel-Buffering keeps nginx from holding
 * it back.
 */
#define FIELDS                                                                                               \
    "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"                \
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\r\n"

static const char HEADER[] = "HTTP/1.1 200 OK\r\nDate: %s\r\nConnection: close\r\n" FIELDS "retry: %u\n\n";

static void send_header(struct http_stream *s)
{
    const struct http_stream_options *o = &s->owner->options;
    char date[HTTP_DATE];
    struct buf bytes = {0};
    http_date(o->clock, date);
    unsigned retry_ms = o->retry_min_ms + rng_below(o->rng, o->retry_max_ms - o->retry_min_ms + 1);
    buf_printf(&bytes, HEADER, date, retry_ms);
    http_stream_send_own(s, &bytes);
    if (s->chunk)
        close_stream(s); /* not even room for the header: no use to go on */
}

static void set_up_socket(int fd, unsigned stall_ms)
{
    int on = 1, size = SEND_BUFFER;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof stall_ms);
}

/* On the stream loop. Its events are reported once each: nothing has to be switched on and off. */
static void adopt(struct task *task)
{
    struct http_stream *s = (struct http_stream *)((char *)task - offsetof(struct http_stream, adopt));
    struct http_streams *ss = s->owner;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET, .data.ptr = s};
    s->touched_us = ss->now_us;
    DL_APPEND(ss->oldest, s);
    metrics_add(METRIC_STREAMS, 1);
    set_up_socket(s->fd, ss->options.stall_ms);
    if (ss->stopping || epoll_ctl(ss->epoll_fd, EPOLL_CTL_ADD, s->fd, &event))
        close_stream(s);
    else
        send_header(s);
    if (!s->closed)
        ss->handlers.opened(ss->handlers.ctx, s);
}

int http_stream_begin(struct http_req *req, struct http_streams *ss, struct http_stream *s)
{
    struct http_request *r = http_request_of(req);
    must(!r->answered && !r->is_head);
    if (atomic_fetch_add(&ss->count, 1) >= ss->options.max) {
        atomic_fetch_sub(&ss->count, 1);
        return BOX_EUNAVAILABLE;
    }
    int fd = http_take_socket(r);
    if (fd < 0) {
        atomic_fetch_sub(&ss->count, 1);
        return BOX_EUNAVAILABLE;
    }
    *s = (struct http_stream){.owner = ss, .adopt.run = adopt, .fd = fd};
    task_post(&ss->mailbox, &s->adopt);
    return 0;
}

bool http_stream_head(struct http_req *req)
{
    struct http_request *r = http_request_of(req);
    if (!r->is_head)
        return false;
    r->last = true;
    struct buf *header = http_answer_begin(r, OK);
    buf_adds(header, FIELDS);
    http_answer_send(r, OK, header, (struct http_piece){.size = 0});
    return true;
}

/* ---- the loop ---- */

static int wait_ms(const struct http_streams *ss)
{
    int64_t at = patrol_at(ss);
    if (ss->feed_at < at)
        at = ss->feed_at;
    if (at == INT64_MAX)
        return -1;
    if (at <= ss->now_us)
        return 0;
    int64_t ms = (at - ss->now_us + 999) / 1000;
    return ms > 1000000 ? 1000000 : (int)ms;
}

static void turn(struct http_streams *ss)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(ss->epoll_fd, events, EVENTS, wait_ms(ss));
    must(count >= 0 || errno == EINTR);
    ss->now_us = clock_monotonic_us(ss->options.clock);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == ss)
            task_run_all(&ss->mailbox);
        else
            on_event(ss, events[i].data.ptr, events[i].events);
    }
    patrol(ss);
    ss->feed_at = ss->handlers.turn(ss->handlers.ctx, ss->now_us);
    give_back_closed(ss);
}

static void close_all(struct http_streams *ss)
{
    ss->stopping = true;
    while (ss->oldest)
        close_stream(ss->oldest);
    give_back_closed(ss);
}

void http_streams_run(struct http_streams *ss)
{
    ss->now_us = clock_monotonic_us(ss->options.clock);
    ss->feed_at = ss->now_us;
    while (!ss->stopping)
        turn(ss);
    close_all(ss);
}

static void begin_stop(struct task *task)
{
    ((struct http_streams *)((char *)task - offsetof(struct http_streams, stop_task)))->stopping = true;
}

void http_streams_stop(struct http_streams *ss)
{
    task_post(&ss->mailbox, &ss->stop_task);
}

int http_streams_open(const struct http_stream_options *options, struct http_streams **ret_streams)
{
    struct http_streams *ss = calloc(1, sizeof(*ss));
    must(ss); /* out of memory ends the program */
    must(options->retry_min_ms <= options->retry_max_ms);
    ss->options = *options;
    ss->stop_task.run = begin_stop;
    int ret = mailbox_init(&ss->mailbox);
    if (ret)
        goto out_free;
    ss->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = ss};
    if (ss->epoll_fd < 0 || epoll_ctl(ss->epoll_fd, EPOLL_CTL_ADD, ss->mailbox.fd, &event)) {
        ret = BOX_EIO;
        goto out_mailbox;
    }
    struct buf comment = {0};
    buf_adds(&comment, ":\n\n");
    ss->heartbeat = http_chunk_new(&comment);
    *ret_streams = ss;
    return 0;

out_mailbox:
    if (ss->epoll_fd >= 0)
        close(ss->epoll_fd);
    mailbox_done(&ss->mailbox);
out_free:
    free(ss);
    return ret;
}

void http_streams_feed(struct http_streams *ss, const struct http_stream_handlers *handlers)
{
    ss->handlers = *handlers;
}

struct mailbox *http_streams_mailbox(struct http_streams *ss)
{
    return &ss->mailbox;
}

void http_streams_close(struct http_streams *ss)
{
    ss->stopping = true; /* also where the loop has never run */
    while (task_run_all(&ss->mailbox) > 0)
        give_back_closed(ss);
    must(!ss->oldest && atomic_load(&ss->count) == 0);
    http_chunk_unref(ss->heartbeat);
    close(ss->epoll_fd);
    mailbox_done(&ss->mailbox);
    free(ss);
}
