/*
 * Closing after an answer that the client did not wait for. Where input is left unread, closing a socket
 * resets the connection, and the reset may overtake the answer: a client that is still sending its 5 MiB
 * would see "connection reset" rather than 413. So the socket is doubled before MHD closes its side, and what
 * comes is read and thrown away until the client has closed too, or for some seconds.
 */
#include "base/must.h"
#include "http/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINGERS = 64,        /* at once in a loop; more are closed the hard way */
    LINGER_US = 3000000, /* how long */
    LINGER_READS = 16,   /* of LINGER_CHUNK bytes in one turn of the loop */
    LINGER_CHUNK = 64 << 10
};

struct http_linger {
    struct http_linger *prev, *next;
    struct http_loop *loop;
    int fd;
    int64_t until;
};

void http_linger_start(struct http_loop *l, int fd)
{
    if (l->linger_count == LINGERS || l->stopping)
        return;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return;
    shutdown(own, SHUT_WR); /* the answer has its end */
    struct http_linger *linger = malloc(sizeof *linger);
    must(linger);
    *linger = (struct http_linger){.next = l->lingers, .loop = l, .fd = own, .until = l->now_us + LINGER_US};
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = linger};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, own, &event)) {
        close(own);
        free(linger);
        return;
    }
    if (l->lingers)
        l->lingers->prev = linger;
    l->lingers = linger;
    l->linger_count++;
}

static void end(struct http_linger *linger)
{
    struct http_loop *l = linger->loop;
    if (linger->prev)
        linger->prev->next = linger->next;
    else
        l->lingers = linger->next;
    if (linger->next)
        linger->next->prev = linger->prev;
    l->linger_count--;
    /* Said, because closing takes a socket out of an epoll set only when nobody else holds it. */
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, linger->fd, NULL);
    close(linger->fd);
    free(linger);
}

void http_linger_read(struct http_linger *linger)
{
    char waste[LINGER_CHUNK];
    for (int i = 0; i < LINGER_READS; i++) {
        ssize_t got = recv(linger->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (got > 0)
            continue;
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            end(linger);
        return;
    }
}

void http_linger_expire(struct http_loop *l, bool all)
{
    struct http_linger *next;
    for (struct http_linger *linger = l->lingers; linger; linger = next) {
        next = linger->next;
        if (all || linger->until <= l->now_us)
            end(linger);
    }
}

int64_t http_linger_next(const struct http_loop *l)
{
    int64_t first = INT64_MAX;
    for (const struct http_linger *linger = l->lingers; linger; linger = linger->next)
        if (linger->until < first)
            first = linger->until;
    return first;
}
