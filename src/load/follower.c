/*
 * Those who watch the seats change: live streams that stay open for the whole sale. One that is lost is
 * counted and connects again.
 */
#include "base/must.h"
#include "load/sale.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS NS_PER_S

struct follower {
    struct source source; /* fd -1: not connected */
    struct timer timer;
    struct sale *sale;
    struct sse sse;
    bool asked, is_open;
};

static void leave(struct follower *f, bool lost)
{
    struct sale *s = f->sale;
    loop_remove(&s->run->loop, &f->source);
    close(f->source.fd);
    f->source.fd = -1;
    s->streams_open -= f->is_open;
    f->is_open = false;
    if (!lost)
        return;
    s->streams_lost++;
    loop_set(&s->run->loop, &f->timer, now_ns() + RETRY_NS);
}

static void take_message(void *ctx, const struct sse_message *m)
{
    struct follower *f = ctx;
    if (strcmp(m->event, "seats") != 0)
        return;
    f->sale->stream_messages++;
    picture_change(&f->sale->picture, m->id, m->data);
}

static bool ask(struct follower *f)
{
    struct buf text = {0};
    char path[120];
    const struct run *run = f->sale->run;
    snprintf(path, sizeof path, "/v1/events/%s/changes", run->house.events[0].id);
    wire_write(&text, &(struct wire_request){.method = "GET",
                                             .path = path,
                                             .host = run->client.host,
                                             .headers = "Accept: text/event-stream\r\n"});
    bool sent = send(f->source.fd, text.data, text.size, MSG_NOSIGNAL) == (ssize_t)text.size;
    buf_done(&text);
    return sent;
}

static void ready(struct source *source, uint32_t events)
{
    struct follower *f = (struct follower *)source;
    struct sale *s = f->sale;
    char *received = s->run->loop.received;
    if (f->source.fd < 0)
        return; /* left in this very turn */
    if (!f->asked && (events & EPOLLOUT)) {
        f->asked = true;
        loop_change(&s->run->loop, source, EPOLLIN);
        if (!ask(f))
            leave(f, true);
        return;
    }
    ssize_t got = recv(source->fd, received, LOOP_RECEIVED, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || !sse_feed(&f->sse, received, (size_t)got, take_message, f)) {
        leave(f, true);
        return;
    }
    if (!f->is_open && f->sse.in_body) {
        f->is_open = true;
        s->streams_open++;
    }
}

static void connect_now(struct timer *t)
{
    struct follower *f = (struct follower *)((char *)t - offsetof(struct follower, timer));
    struct sale *s = f->sale;
    if (run_is_over(s->run))
        return;
    sse_reset(&f->sse);
    f->asked = false;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const struct sockaddr_in *address = &s->run->client.address;
    bool begun = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                             errno == EINPROGRESS);
    if (!begun) {
        if (fd >= 0)
            close(fd);
        s->streams_lost++;
        loop_set(&s->run->loop, t, now_ns() + RETRY_NS);
        return;
    }
    f->source = (struct source){.ready = ready, .fd = fd};
    loop_add(&s->run->loop, &f->source, EPOLLOUT);
}

void followers_begin(struct sale *s)
{
    s->follower_count = s->crowd->streams;
    s->followers = calloc(s->follower_count + 1, sizeof *s->followers);
    must(s->followers);
    for (unsigned i = 0; i < s->follower_count; i++) {
        struct follower *f = &s->followers[i];
        f->sale = s;
        f->source.fd = -1;
        f->timer.due = connect_now;
        double t = -CROWD_BEFORE + (CROWD_BEFORE - 10.0) * i / s->follower_count;
        loop_set(&s->run->loop, &f->timer, sale_ns(s, t));
    }
}

void followers_done(struct sale *s)
{
    for (unsigned i = 0; i < s->follower_count; i++) {
        struct follower *f = &s->followers[i];
        if (f->source.fd >= 0)
            leave(f, false);
        sse_done(&f->sse);
    }
    free(s->followers);
}
