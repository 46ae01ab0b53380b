/*
 * Accepting connections. The listening socket is watched level-triggered, so that what one turn leaves comes
 * back in the next. It is not watched while the loop has as many connections as it may (who comes waits in
 * the kernel's queue), and for a moment when the process has no file descriptor left.
 */
#include "base/must.h"
#include "http/internal.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCH = 64,        /* in one turn */
    PAUSE_US = 100000, /* without a file descriptor */
};

static void write_peer(char *to, size_t size, const struct sockaddr_storage *address)
{
    const void *bytes = address->ss_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    must(inet_ntop(address->ss_family, bytes, to, (socklen_t)size));
    if (strncmp(to, "::ffff:", 7) == 0 && strchr(to, '.'))
        memmove(to, to + 7, strlen(to + 7) + 1); /* IPv4 that came to an IPv6 socket */
}

static void set_watched(struct http_loop *l, bool watched)
{
    struct epoll_event event = {.events = watched ? EPOLLIN : 0, .data.ptr = l};
    must(epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, l->listen_fd, &event) == 0);
}

/* Not before @us. */
static void pause_accepting(struct http_loop *l, int64_t us)
{
    set_watched(l, false);
    l->accept_paused = true;
    l->accept_again = us;
}

void http_accept_resume(struct http_loop *l)
{
    if (!l->accept_paused || l->listen_fd < 0 || l->conn_count >= l->max_conns || l->now_us < l->accept_again)
        return;
    set_watched(l, true);
    l->accept_paused = false;
}

void http_accept_stop(struct http_loop *l)
{
    if (l->listen_fd >= 0)
        close(l->listen_fd);
    l->listen_fd = -1;
}

/* One; false if there is none that can be taken now. */
static bool accept_one(struct http_loop *l)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char peer[HTTP_PEER];
    int fd = accept4(l->listen_fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        write_peer(peer, sizeof peer, &address);
        http_conn_new(l, fd, peer);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_accepting(l, l->now_us + PAUSE_US);
    return errno == ECONNABORTED || errno == EINTR;
}

void http_accept(struct http_loop *l)
{
    for (int i = 0; i < BATCH && l->listen_fd >= 0; i++) {
        if (l->conn_count >= l->max_conns) {
            pause_accepting(l, l->now_us);
            return;
        }
        if (!accept_one(l))
            return;
    }
}
