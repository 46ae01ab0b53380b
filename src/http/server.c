/* A server's life: its sockets, its loops. */
#include "base/error.h"
#include "base/must.h"
#include "http/internal.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* Where http_open() puts what went wrong; it is called once, by the thread that starts everything. */
static char reason_text[256];

static int fail(const char **ret_reason, const struct http_options *o, const char *why)
{
    snprintf(reason_text, sizeof reason_text, "cannot listen on %s, port %u: %s", o->address, o->port, why);
    *ret_reason = reason_text;
    return BOX_EIO;
}

static int resolve(const struct http_options *o, struct addrinfo **ret_info, const char **ret_reason)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    char port[8];
    snprintf(port, sizeof port, "%u", o->port);
    int error = getaddrinfo(o->address, port, &hints, ret_info);
    return error ? fail(ret_reason, o, gai_strerror(error)) : 0;
}

static void set_port(struct sockaddr *address, uint16_t port)
{
    if (address->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)(void *)address)->sin_port = htons(port);
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    must(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* A bound socket, not yet listening. Returns -1 with errno set. */
static int bind_socket(const struct addrinfo *info, bool shared)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/*
 * SO_REUSEPORT lets any process of the same user join in, so that a second server on a taken port would not
 * be told. A socket without it is: try that first.
 */
static bool is_taken(const struct addrinfo *info)
{
    int fd = bind_socket(info, false);
    if (fd >= 0 && listen(fd, 1) == 0) {
        close(fd);
        return false;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return true;
}

static int open_loops(struct http_server *s, struct addrinfo *info, const char **ret_reason)
{
    const struct http_options *o = &s->options;
    if (o->port && is_taken(info))
        return fail(ret_reason, o,
                    errno == EADDRINUSE ? "the port is in use; choose another" : strerror(errno));
    s->port = o->port;
    for (unsigned i = 0; i < o->loops; i++) {
        set_port(info->ai_addr, s->port);
        int fd = bind_socket(info, o->loops > 1), on = 1;
        /* Connections inherit it: an answer is one piece and need not wait for another. */
        if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) || listen(fd, BACKLOG)) {
            int error = errno;
            if (fd >= 0)
                close(fd);
            return fail(ret_reason, o, strerror(error));
        }
        s->port = bound_port(fd);
        if (http_loop_open(&s->loops[i], s, fd))
            return fail(ret_reason, o, "too many open files; raise the limit");
        s->loop_count = i + 1;
    }
    return 0;
}

static struct http_server *new_server(const struct http_options *options)
{
    struct http_server *s = calloc(1, sizeof *s);
    must(s);
    s->options = *options;
    s->router = http_router_new(options->routes);
    s->problems = http_problems_new();
    s->loops = calloc(options->loops, sizeof *s->loops);
    must(s->loops);
    return s;
}

int http_open(const struct http_options *options, struct http_server **ret_server, const char **ret_reason)
{
    must(options->loops > 0 && options->clock && options->max_connections > 0);
    struct addrinfo *info;
    int ret = resolve(options, &info, ret_reason);
    if (ret)
        return ret;
    struct http_server *s = new_server(options);
    ret = open_loops(s, info, ret_reason);
    freeaddrinfo(info);
    if (ret)
        http_close(s);
    else
        *ret_server = s;
    return ret;
}

uint16_t http_port(const struct http_server *s)
{
    return s->port;
}

unsigned http_loop_count(const struct http_server *s)
{
    return s->loop_count;
}

void http_stop(struct http_server *s)
{
    if (atomic_exchange(&s->stopping, true))
        return;
    for (unsigned i = 0; i < s->loop_count; i++)
        task_post(&s->loops[i].mailbox, &s->loops[i].stop_task);
}

void http_close(struct http_server *s)
{
    bool all = true;
    for (unsigned i = 0; i < s->loop_count; i++)
        all = http_loop_close(&s->loops[i]) && all;
    if (!all)
        return; /* somebody still holds a request and may yet answer it */
    http_router_free(s->router);
    http_problems_free(s->problems);
    free(s->loops);
    free(s);
}
