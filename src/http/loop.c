/*
 * One loop: a thread, a listening socket, an MHD daemon without threads of its own, a mailbox.
 *
 * The daemon's epoll descriptor and the mailbox's eventfd are watched by an epoll of ours. A turn of the loop
 * waits, runs the mail (where answers come from), runs timers, then lets MHD do what it can without waiting.
 *
 * Deadlines. MHD closes a connection on which nothing moves for idle_seconds, also in the middle of a request
 * or an answer; but a client that sends a byte now and then would live for ever. So each connection is looked
 * at from time to time (the patrol: an eighth of all connections each patrol_us, which spreads the work):
 *  - reading a body for longer than body_seconds: 408, and the connection is ended;
 *  - waiting for a request: MHD does not say whether the header has begun, but the kernel says how many bytes
 * came. From when their number is first seen to change, header_seconds are left. As a look comes every
 * quarter of that, a header gets at most 1.5 times header_seconds. One that stops coming at all falls to
 * idle_seconds. What stays: a client that reads its answer slowly is bound by idle_seconds of no progress
 * only.
 *
 * Stopping. The listening socket is closed, idle connections are ended, every answer from now on says
 * "Connection: close". After STOP_US the rest is ended by force: requests that still run become orphans, and
 * are freed when they are answered after all (http_close() runs the mail once more); were one never answered,
 * its loop is never freed.
 */
#include "base/error.h"
#include "base/metrics.h"
#include "base/must.h"
#include "base/params.h"
#include "http/callbacks.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS = 64,
    STOP_US = 10000000,
    PATROL_SLICES = 8,
    POOL_EXTRA =
        8192, /* of a connection's memory, beyond a header of the largest size: for the answer's header */
};

/* ---- connections ---- */

static void write_peer(char *to, size_t size, const struct sockaddr *address)
{
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    must(inet_ntop(address->sa_family, bytes, to, (socklen_t)size));
    if (strncmp(to, "::ffff:", 7) == 0 && strchr(to, '.'))
        memmove(to, to + 7, strlen(to + 7) + 1); /* IPv4 that came to an IPv6 socket */
}

static void add_connection(struct http_loop *l, struct MHD_Connection *mhd, void **socket_context)
{
    struct http_conn *conn = malloc(sizeof *conn);
    must(conn);
    *conn = (struct http_conn){.loop = l, .next = l->conns, .received_known = true};
    conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    write_peer(conn->peer, sizeof conn->peer,
               MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    if (l->conns)
        l->conns->prev = conn;
    l->conns = conn;
    if (l->conn_count++ == 0)
        l->patrol_at = l->now_us + l->server->patrol_us;
    *socket_context = conn;
    metrics_add(METRIC_CONNECTIONS, 1);
}

static void remove_connection(struct http_conn *conn)
{
    struct http_loop *l = conn->loop;
    if (conn->linger)
        http_linger_start(l, conn->fd);
    if (l->patrol == conn)
        l->patrol = conn->next;
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        l->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    must(l->conn_count > 0);
    l->conn_count--;
    l->conn_gone = true;
    metrics_add(METRIC_CONNECTIONS, -1);
    conn->closed = true;
    if (!conn->req)
        free(conn);
}

void http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        add_connection(cls, mhd, socket_context);
    else
        remove_connection(*socket_context);
}

/* MHD sees the end of the input and closes, but still serves what had come before. */
static void end_idle(struct http_conn *conn)
{
    shutdown(conn->fd, SHUT_RD);
}

void http_loop_idle(struct http_conn *conn)
{
    conn->received_known = false;
    conn->header_since = conn->body_since = 0;
    if (conn->loop->stopping)
        end_idle(conn);
}

void http_loop_suspend(struct http_request *r)
{
    struct http_loop *l = r->loop;
    must(!r->suspended && !r->answered);
    r->suspended = true;
    r->prev = NULL;
    r->next = l->suspended;
    if (r->next)
        r->next->prev = r;
    l->suspended = r;
    MHD_suspend_connection(r->mhd);
}

void http_loop_resume(struct http_request *r)
{
    struct http_loop *l = r->loop;
    must(r->suspended);
    r->suspended = false;
    if (r->prev)
        r->prev->next = r->next;
    else
        l->suspended = r->next;
    if (r->next)
        r->next->prev = r->prev;
    MHD_resume_connection(r->mhd);
}

/* ---- patrol ---- */

static uint64_t bytes_received(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) ? 0 : info.tcpi_bytes_received;
}

static void end_slow_body(struct http_conn *conn)
{
    static const char answer[] =
        "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    conn->body_since = 0;
    conn->req->answered = true; /* whatever of it still comes */
    metrics_add(METRIC_HTTP_REQUESTS, 1);
    (void)!send(conn->fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(conn->fd, SHUT_RD);
}

static void look_at(struct http_conn *conn, int64_t now_us, const struct http_options *o)
{
    if (conn->req) {
        if (conn->body_since && now_us - conn->body_since > o->body_seconds * INT64_C(1000000))
            end_slow_body(conn);
        return;
    }
    uint64_t received = bytes_received(conn->fd);
    if (!conn->received_known)
        conn->received_known = true;
    else if (!conn->header_since && received != conn->received)
        conn->header_since = now_us;
    else if (conn->header_since && now_us - conn->header_since > o->header_seconds * INT64_C(1000000))
        shutdown(conn->fd, SHUT_RDWR);
    conn->received = received;
}

static void patrol(struct http_loop *l)
{
    if (l->conn_count == 0 || l->now_us < l->patrol_at)
        return;
    l->patrol_at = l->now_us + l->server->patrol_us;
    for (unsigned left = l->conn_count / PATROL_SLICES + 1; left > 0; left--) {
        struct http_conn *conn = l->patrol ? l->patrol : l->conns;
        l->patrol = conn->next;
        look_at(conn, l->now_us, &l->server->options);
    }
}

/* ---- turns ---- */

/* Run what is due at @until_us, but no more than @most: a timer may set the next. */
static void run_timers(struct http_loop *l, int64_t until_us, size_t most)
{
    for (struct heap_item *item; most > 0 && (item = heap_first(&l->timers)) && item->key <= until_us;
         most--) {
        struct http_request *r = (struct http_request *)((char *)item - offsetof(struct http_request, timer));
        heap_remove(&l->timers, item);
        r->timer_fn(&r->pub);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*
 * How long to wait at most, in ms; -1: until something happens. When a connection has ended, not at all: at
 * its limit MHD does not watch the listening socket, and it only does so again when it runs the next time.
 */
static int wait_ms(const struct http_loop *l)
{
    unsigned long long daemon_ms;
    int64_t at = http_linger_next(l);
    if (l->conn_gone)
        return 0;
    if (MHD_get_timeout(l->daemon, &daemon_ms) == MHD_YES) {
        if (daemon_ms == 0)
            return 0;
        at = earlier(at, l->now_us + (int64_t)earlier((int64_t)daemon_ms, 1000000) * 1000);
    }
    const struct heap_item *timer = heap_first(&l->timers);
    if (timer)
        at = earlier(at, timer->key);
    if (l->conn_count)
        at = earlier(at, l->patrol_at);
    if (l->stopping)
        at = earlier(at, l->stop_by);
    if (at == INT64_MAX)
        return -1;
    return at <= l->now_us ? 0 : (int)earlier((at - l->now_us + 999) / 1000, 1000000);
}

static void turn(struct http_loop *l)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(l->epoll_fd, events, EVENTS, wait_ms(l));
    must(count >= 0 || errno == EINTR);
    l->now_us = clock_monotonic_us(l->server->options.clock);
    l->conn_gone = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &l->mailbox)
            task_run_all(&l->mailbox);
        else if (events[i].data.ptr != l)
            http_linger_read(events[i].data.ptr);
    }
    run_timers(l, l->now_us, SIZE_MAX);
    must(MHD_run(l->daemon) == MHD_YES);
    patrol(l);
    http_linger_expire(l, false);
}

/* ---- life ---- */

static void begin_stop(struct task *task)
{
    struct http_loop *l = (struct http_loop *)((char *)task - offsetof(struct http_loop, stop_task));
    l->stopping = true;
    l->stop_by = clock_monotonic_us(l->server->options.clock) + STOP_US;
    if (!l->daemon)
        return; /* has never run or is over already */
    int listening = MHD_quiesce_daemon(l->daemon);
    if (listening >= 0)
        close(listening);
    for (struct http_conn *conn = l->conns; conn; conn = conn->next)
        if (!conn->req)
            end_idle(conn);
}

/* End what did not end by itself. */
static void end_by_force(struct http_loop *l)
{
    l->stopping = true;
    run_timers(l, INT64_MAX, l->timers.count); /* who waits for a time only can answer now */
    if (l->conn_count)
        MHD_run(l->daemon);
    while (l->suspended)
        http_loop_resume(l->suspended); /* MHD must not be stopped with suspended ones */
    MHD_stop_daemon(l->daemon);
    l->daemon = NULL;
    must(l->conn_count == 0);
    http_linger_expire(l, true);
}

void http_run(struct http_server *s, unsigned index)
{
    must(index < s->loop_count);
    struct http_loop *l = &s->loops[index];
    must(l->daemon);
    l->now_us = clock_monotonic_us(s->options.clock);
    while (!l->stopping || (l->conn_count > 0 && l->now_us < l->stop_by))
        turn(l);
    end_by_force(l);
}

static struct MHD_Daemon *start_daemon(struct http_loop *l, int listen_fd)
{
    const struct http_options *o = &l->server->options;
    unsigned connections = (o->max_connections + o->loops - 1) / o->loops;
    /* TURBO: a connection is closed without shutting it down first, so that a stream can go on with its
     * socket. */
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                            http_on_access, l, MHD_OPTION_LISTEN_SOCKET, listen_fd,
                            MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT,
                            o->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)(LIMIT_HEADER_BYTES + POOL_EXTRA), MHD_OPTION_NOTIFY_COMPLETED,
                            http_on_completed, l, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, l,
                            MHD_OPTION_UNESCAPE_CALLBACK, http_on_unescape, NULL, MHD_OPTION_END);
}

static int watch(struct http_loop *l, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? BOX_EIO : 0;
}

int http_loop_open(struct http_loop *l, struct http_server *s, int listen_fd)
{
    *l = (struct http_loop){.server = s, .epoll_fd = -1, .stop_task.run = begin_stop};
    heap_init(&l->timers);
    l->lengths = calloc(1, sizeof *l->lengths);
    must(l->lengths);
    int ret = mailbox_init(&l->mailbox);
    if (ret) {
        close(listen_fd);
        goto out_lengths;
    }
    l->daemon = start_daemon(l, listen_fd);
    if (!l->daemon) {
        close(listen_fd);
        ret = BOX_EIO;
        goto out_mailbox;
    }
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ret = l->epoll_fd < 0 ? BOX_EIO : watch(l, l->mailbox.fd, &l->mailbox);
    if (!ret)
        ret = watch(l, MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, l);
    if (!ret)
        return 0;

    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    MHD_stop_daemon(l->daemon);
out_mailbox:
    mailbox_done(&l->mailbox);
out_lengths:
    free(l->lengths);
    return ret;
}

bool http_loop_close(struct http_loop *l)
{
    while (task_run_all(&l->mailbox) > 0)
        continue; /* answers that came too late, and what they post */
    if (l->orphans)
        return false;
    if (l->daemon)
        end_by_force(l);
    while (l->spare) {
        struct http_request *r = l->spare;
        l->spare = r->next;
        arena_done(&r->arena);
        free(r);
    }
    http_codecs_done(&l->codecs);
    heap_done(&l->timers);
    close(l->epoll_fd);
    mailbox_done(&l->mailbox);
    free(l->lengths);
    return true;
}
