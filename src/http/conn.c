/*
 * The life of a connection: its states, its socket, and the steps from one state to the next. The picture is
 * in internal.h.
 */
#include "base/metrics.h"
#include "base/must.h"
#include "http/internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utlist.h>

/* Of one connection in one turn: requests that came in one piece, and reads. Then it is others' turn. */
enum { STEPS = 32 };

/* ---- bytes ---- */

ssize_t http_conn_recv(struct http_conn *c, char *to, size_t size)
{
    if (!c->readable)
        return 0;
    ssize_t got;
    do
        got = recv(c->fd, to, size, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        return -1;
    if (got < 0)
        c->readable = false;
    else if ((size_t)got < size)
        c->readable = c->finished; /* it is empty but for the end, which comes without another event */
    return got < 0 ? 0 : got;
}

ssize_t http_conn_send(struct http_conn *c, struct iovec *iov, unsigned count, bool more)
{
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
    ssize_t sent;
    do
        sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    while (sent < 0 && errno == EINTR);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

ssize_t http_conn_send_file(struct http_conn *c, int fd, size_t offset, size_t size)
{
    off_t at = (off_t)offset;
    ssize_t sent;
    do
        sent = sendfile(c->fd, fd, &at, size);
    while (sent < 0 && errno == EINTR);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

/* ---- life ---- */

static void queue(struct http_conn *c, enum http_state state)
{
    c->state = state;
    c->since_us = c->loop->now_us;
    c->expired = false;
    DL_APPEND(c->loop->in_state[state], c);
}

void http_conn_enter(struct http_conn *c, enum http_state state)
{
    DL_DELETE(c->loop->in_state[c->state], c);
    queue(c, state);
}

struct http_conn *http_conn_new(struct http_loop *l, int fd, const char *peer)
{
    struct http_conn *c = malloc(sizeof *c);
    must(c); /* out of memory ends the program */
    *c = (struct http_conn){.loop = l, .fd = fd};
    strcpy(c->peer, peer);
    if (http_loop_watch(l, fd, EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET, c)) {
        close(fd);
        free(c);
        return NULL;
    }
    queue(c, HTTP_IDLE);
    l->conn_count++;
    metrics_add(METRIC_CONNECTIONS, 1);
    return c;
}

/* It is none of the loop's open ones any more. */
static void leave(struct http_conn *c)
{
    struct http_loop *l = c->loop;
    must(c->fd >= 0 && l->conn_count > 0);
    DL_DELETE(l->in_state[c->state], c);
    if (c->state == HTTP_LINGER)
        l->linger_count--;
    l->conn_count--;
    metrics_add(METRIC_CONNECTIONS, -1);
    http_out_done(&c->out);
    c->fd = -1;
}

int http_conn_release(struct http_conn *c)
{
    int fd = c->fd;
    leave(c);
    must(epoll_ctl(c->loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL) == 0);
    return fd;
}

static void close_conn(struct http_conn *c)
{
    int fd = c->fd;
    leave(c);
    close(fd); /* takes it out of epoll, too */
    if (c->req && c->req->running && !c->req->answered)
        c->loop->orphans++;
}

static void free_conn(struct http_conn *c)
{
    must(c->fd < 0);
    if (c->req)
        http_request_free(c->req);
    http_in_done(c);
    free(c);
}

/* ---- steps ---- */

void http_conn_event(struct http_conn *c, uint32_t events)
{
    c->gone |= (events & (EPOLLERR | EPOLLHUP)) != 0;
    c->finished |= (events & EPOLLRDHUP) != 0;
    c->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    http_loop_ready(c);
}

/* The answer is sent: the next request, or the end. */
static bool go_on(struct http_conn *c)
{
    bool last = c->req->last;
    /* What lies unread in the kernel would reset the connection, and the answer with it. */
    bool linger = c->linger || c->readable;
    http_request_free(c->req);
    c->req = NULL;
    if (!last)
        http_conn_enter(c, HTTP_IDLE);
    else if (!linger || !http_linger_begin(c))
        c->gone = true;
    return true;
}

static bool answered(struct http_conn *c)
{
    if (c->gone || http_out_is_empty(&c->out))
        return c->gone || go_on(c);
    http_conn_enter(c, HTTP_SENDING);
    return false; /* until there is an event */
}

static bool send_more(struct http_conn *c)
{
    if (http_out_flush(c))
        return go_on(c);
    return c->gone;
}

static bool expire(struct http_conn *c)
{
    c->expired = false;
    if (c->state == HTTP_BODY)
        http_request_too_slow(c->req);
    else
        c->gone = true;
    return true;
}

/* One step; true if another may be possible now. */
static bool step(struct http_conn *c)
{
    if (c->gone) {
        close_conn(c);
        return false;
    }
    if (c->req && c->req->answered && c->state != HTTP_SENDING)
        return answered(c);
    if (c->expired)
        return expire(c);
    switch (c->state) {
    case HTTP_IDLE:
    case HTTP_HEAD:
        return http_request_read_head(c);
    case HTTP_BODY:
        return http_request_read_body(c);
    case HTTP_SENDING:
        return send_more(c);
    case HTTP_LINGER:
        return http_linger_read(c);
    default:
        return false; /* the handler has it */
    }
}

void http_conn_drive(struct http_conn *c)
{
    unsigned left = STEPS;
    must(c->ready); /* also while it is driven, so that an answer from within does not queue it */
    while (c->fd >= 0 && left > 0 && step(c))
        left--;
    c->ready = false;
    if (c->fd < 0 && !(c->req && c->req->running && !c->req->answered))
        free_conn(c);
    else if (left == 0)
        http_loop_ready(c);
}
