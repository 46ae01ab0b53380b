/* Keep-alive HTTP/1.1 connections with one request under way each. Replies have a Content-Length or no body.
 */
#include "load.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char received[256 * 1024]; /* what the last recv() gave */

static const char *header(const char *head, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        if ((line[2] | 0x20) == (name[0] | 0x20) && strncasecmp(line + 2, name, size) == 0 &&
            line[2 + size] == ':')
            return line + 3 + size + strspn(line + 3 + size, " ");
    }
    return NULL;
}

static void read_head(struct conn *c)
{
    if (strncmp(c->head, "HTTP/1.1 ", 9) != 0)
        die("not an HTTP reply: %.60s", c->head);
    c->reply = (struct reply){.status = (unsigned)strtoul(c->head + 9, NULL, 10)};
    const char *length = header(c->head, "Content-Length"), *seq = header(c->head, "Change-Seq");
    bool empty = c->reply.status == 304 || c->reply.status == 204;
    if (!length && !empty)
        die("a reply without Content-Length");
    c->left = c->reply.body_bytes = empty ? 0 : strtoull(length, NULL, 10);
    c->reply.change_seq = seq ? strtoull(seq, NULL, 10) : 0;
    c->in_body = true;
}

/* Take bytes of the head out of @bytes. Returns how many. */
static size_t take_head(struct conn *c, const char *bytes, size_t size)
{
    size_t before = c->head_bytes, room = sizeof c->head - 1 - before;
    size_t copied = size < room ? size : room;
    memcpy(c->head + before, bytes, copied);
    c->head[before + copied] = 0;
    const char *end = strstr(c->head, "\r\n\r\n");
    if (!end && copied == room)
        die("the head of a reply is too long");
    c->head_bytes += copied;
    if (!end)
        return copied;
    size_t head = (size_t)(end + 4 - c->head);
    c->head[head] = 0;
    read_head(c);
    return head - before;
}

static void take_body(struct conn *c, const char *bytes, size_t size)
{
    if (size > c->left)
        die("bytes after a reply");
    size_t at = c->reply.body_bytes - c->left;
    if (at < sizeof c->reply.body - 1) {
        size_t room = sizeof c->reply.body - 1 - at;
        memcpy(c->reply.body + at, bytes, size < room ? size : room);
    }
    c->left -= size;
}

static void conn_ready(struct source *s, uint32_t events)
{
    struct conn *c = (struct conn *)s;
    (void)events;
    ssize_t got = recv(s->fd, received, sizeof received, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        die("a connection was closed by the server");
    size_t taken = c->in_body ? 0 : take_head(c, received, (size_t)got);
    if (!c->in_body)
        return;
    take_body(c, received + taken, (size_t)got - taken);
    if (c->left > 0)
        return;
    c->in_body = false;
    c->head_bytes = 0;
    c->answered(c, &c->reply);
}

static int connect_and_wait(const struct options *o)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&o->address, sizeof o->address) != 0)
        die("connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

void conn_open(struct conn *c, const struct options *o, void (*answered)(struct conn *, const struct reply *))
{
    c->source = (struct source){.ready = conn_ready, .fd = connect_and_wait(o)};
    c->answered = answered;
    loop_add(&c->source, EPOLLIN);
}

void conn_send(struct conn *c, const char *request, size_t size)
{
    if (send(c->source.fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("send: %s", strerror(errno));
}

uint64_t get_and_wait(const struct options *o, const char *path, const char *accept, void *ret_body,
                      size_t bytes)
{
    char request[1024];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\nConnection: close\r\n\r\n", path,
                        o->host, accept);
    int fd = connect_and_wait(o);
    if (size >= (int)sizeof request || send(fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        die("GET %s could not be sent", path);
    size_t got = 0;
    for (ssize_t n; got < sizeof received - 1; got += (size_t)n) {
        n = recv(fd, received + got, sizeof received - 1 - got, 0);
        if (n <= 0)
            break;
    }
    close(fd);
    received[got] = 0;
    const char *body = strstr(received, "\r\n\r\n");
    if (strncmp(received, "HTTP/1.1 200 ", 13) != 0 || !body || got - (size_t)(body + 4 - received) != bytes)
        die("GET %s: not 200 with %zu bytes: %.60s", path, bytes, received);
    memcpy(ret_body, body + 4, bytes);
    const char *seq = header(received, "Change-Seq");
    return seq ? strtoull(seq, NULL, 10) : 0;
}
