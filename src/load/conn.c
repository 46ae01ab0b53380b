#include "load/conn.h"
#include "base/must.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REFUSED_PAUSE_MS = 10 };

static void conn_ready(struct source *s, uint32_t events);

static void shut(struct conn *c)
{
    if (c->state == CONN_SHUT)
        return;
    loop_remove(c->loop, &c->source);
    close(c->source.fd);
    c->state = CONN_SHUT;
}

static void answer_failure(struct conn *c, enum wire_error error)
{
    shut(c);
    c->reply = (struct reply){.error = error, .body = ""};
    c->answered(c, &c->reply);
}

static void tell_failure(struct timer *t)
{
    struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, refused));
    answer_failure(c, c->failure);
}

/* Fail on a later turn of the loop. A server that is not there is not asked again as fast as the core can. */
static void fail_later(struct conn *c, enum wire_error error)
{
    shut(c);
    c->failure = error;
    loop_set(c->loop, &c->refused, now_ns() + (error == WIRE_CONNECT ? REFUSED_PAUSE_MS * NS_PER_MS : 0));
}

void conn_init(struct conn *c, struct loop *loop, const struct sockaddr_in *address,
               void (*answered)(struct conn *, const struct reply *))
{
    *c = (struct conn){
        .loop = loop, .address = address, .answered = answered, .refused = {.due = tell_failure}};
}

void conn_done(struct conn *c)
{
    loop_unset(c->loop, &c->refused);
    shut(c);
    buf_done(&c->body);
}

static bool reply_is_complete(const struct conn *c)
{
    return c->in_body && c->left == 0;
}

/* Take bytes of the head out of @bytes. Returns how many, SIZE_MAX when they are none of a reply. */
static size_t take_head(struct conn *c, const char *bytes, size_t size)
{
    size_t before = c->head_bytes, room = sizeof c->head - 1 - before;
    size_t copied = size < room ? size : room;
    memcpy(c->head + before, bytes, copied);
    c->head[before + copied] = 0;
    const char *end = strstr(c->head, "\r\n\r\n");
    c->head_bytes += copied;
    if (!end)
        return copied == room ? SIZE_MAX : copied;
    size_t head = (size_t)(end + 4 - c->head);
    c->head[head] = 0;
    if (!wire_read_head(c->head, &c->reply))
        return SIZE_MAX;
    c->left = c->reply.body_bytes;
    c->in_body = true;
    buf_reset(&c->body);
    return head - before;
}

static bool take_body(struct conn *c, const char *bytes, size_t size)
{
    if (size > c->left)
        return false;
    size_t room = c->keep > c->body.size ? c->keep - c->body.size : 0;
    buf_add(&c->body, bytes, size < room ? size : room);
    c->left -= size;
    return true;
}

static void finish(struct conn *c)
{
    buf_addc(&c->body, 0);
    c->reply.body = c->body.data;
    c->reply.kept = --c->body.size;
    c->state = CONN_IDLE;
    if (c->reply.closes)
        shut(c);
    c->answered(c, &c->reply);
}

/* Send what is left of the request. Returns false when the connection is lost. */
static bool send_rest(struct conn *c)
{
    ssize_t n = send(c->source.fd, c->out, c->out_left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN)
        return false;
    if (n > 0) {
        c->out += n;
        c->out_left -= (size_t)n;
    }
    return true;
}

/* The socket takes bytes: it is connected, or has room again. */
static void go_on_sending(struct conn *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    bool connecting = c->state == CONN_CONNECTING;
    if (connecting && (getsockopt(c->source.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)) {
        fail_later(c, WIRE_CONNECT);
        return;
    }
    c->state = CONN_BUSY;
    if (!send_rest(c)) {
        answer_failure(c, WIRE_CLOSED);
        return;
    }
    if (connecting || c->out_left == 0)
        loop_change(c->loop, &c->source, c->out_left ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void receive(struct conn *c)
{
    char *received = c->loop->received;
    ssize_t got = recv(c->source.fd, received, LOOP_RECEIVED, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (c->state == CONN_IDLE) { /* closed while nothing was asked: connected again when it is needed */
        shut(c);
        return;
    }
    if (got <= 0) {
        answer_failure(c, WIRE_CLOSED);
        return;
    }
    size_t taken = c->in_body ? 0 : take_head(c, received, (size_t)got);
    if (taken == SIZE_MAX || (c->in_body && !take_body(c, received + taken, (size_t)got - taken))) {
        answer_failure(c, WIRE_PROTOCOL);
        return;
    }
    if (reply_is_complete(c))
        finish(c);
}

static void conn_ready(struct source *s, uint32_t events)
{
    struct conn *c = (struct conn *)s;
    if (c->state == CONN_SHUT)
        return; /* closed in this very turn */
    if (c->state == CONN_CONNECTING || (events & EPOLLOUT))
        go_on_sending(c);
    else
        receive(c);
}

static int new_socket(int flags)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static bool begin_connect(struct conn *c)
{
    int fd = new_socket(SOCK_NONBLOCK);
    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)c->address, sizeof *c->address) != 0 && errno != EINPROGRESS) {
        close(fd);
        return false;
    }
    c->source = (struct source){.ready = conn_ready, .fd = fd};
    c->state = CONN_CONNECTING;
    loop_add(c->loop, &c->source, EPOLLIN | EPOLLOUT);
    return true;
}

void conn_send(struct conn *c, const char *text, size_t size, size_t keep)
{
    must(c->state == CONN_SHUT || c->state == CONN_IDLE);
    c->out = text;
    c->out_left = size;
    c->keep = keep > CONN_BODY_BEGINNING ? keep : CONN_BODY_BEGINNING;
    c->head_bytes = 0;
    c->in_body = false;
    c->sent_ns = now_ns();
    if (c->state == CONN_SHUT) {
        if (!begin_connect(c))
            fail_later(c, WIRE_CONNECT);
        return;
    }
    c->state = CONN_BUSY;
    if (!send_rest(c))
        fail_later(c, WIRE_CLOSED);
    else if (c->out_left)
        loop_change(c->loop, &c->source, EPOLLIN | EPOLLOUT);
}

void conn_abandon(struct conn *c, enum wire_error error)
{
    loop_unset(c->loop, &c->refused);
    answer_failure(c, error);
}

int connect_and_wait(const struct sockaddr_in *address)
{
    int fd = new_socket(0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}
