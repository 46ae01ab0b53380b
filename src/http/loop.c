/*
 * One loop: a thread, a listening socket, its connections, a mailbox, one epoll for all of them.
 *
 * A turn waits, notes what the sockets say, runs the mail (where most answers come from), runs timers, marks
 * connections whose deadline has come, and then drives all that have something to do.
 *
 * Deadlines. Each state has one constant time, and a connection that comes into a state goes to the end of
 * that state's queue. So each queue is sorted by itself, only its first has to be looked at, and setting a
 * deadline is putting a connection at the end of a list:
 *
 *     IDLE     idle_seconds      between requests
 *     HEAD     header_seconds    from the first look at a head that was not complete
 *     BODY     body_seconds      for the whole body; then 408
 *     RUNNING  none              a handler may take as long as it likes
 *     SENDING  idle_seconds      without any progress
 *     LINGER   a few seconds     see linger.c
 *
 * Stopping. The listening socket is closed, connections without a request are closed once what they had sent
 * before is served, every answer from now on says "Connection: close". After STOP_US the rest is ended by
 * force: requests that still run become orphans, and are freed when they are answered after all (http_close()
 * runs the mail once more); were one never answered, its loop is never freed.
 */
#include "base/error.h"
#include "base/must.h"
#include "http/internal.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utlist.h>

enum { EVENTS = 128, STOP_US = 10000000, LINGER_US = 3000000, LONGEST_WAIT_MS = 1000000 };

/* ---- what is to be done ---- */

void http_loop_ready(struct http_conn *c)
{
    struct http_loop *l = c->loop;
    if (c->ready)
        return;
    c->ready = true;
    c->ready_next = NULL;
    *l->ready_end = c;
    l->ready_end = &c->ready_next;
}

static struct http_conn *take_ready(struct http_loop *l)
{
    struct http_conn *first = l->ready;
    l->ready = NULL;
    l->ready_end = &l->ready;
    return first;
}

/* What becomes ready meanwhile is for the next turn. */
static void drive_ready(struct http_loop *l)
{
    for (struct http_conn *c = take_ready(l), *next; c; c = next) {
        next = c->ready_next;
        http_conn_drive(c);
    }
}

/* ---- time ---- */

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

/* When the first of a state is to be looked at; INT64_MAX: there is none, or no deadline. */
static int64_t deadline_of(const struct http_loop *l, enum http_state state)
{
    const struct http_conn *first = l->in_state[state];
    return first && l->timeout_us[state] < INT64_MAX ? first->since_us + l->timeout_us[state] : INT64_MAX;
}

/* One that has something to do may get on in time: it is looked at in the next turn, which follows at once.
 */
static void expire(struct http_loop *l)
{
    for (enum http_state state = 0; state < HTTP_STATES; state++) {
        if (deadline_of(l, state) > l->now_us)
            continue;
        int64_t since = l->now_us - l->timeout_us[state];
        for (struct http_conn *c = l->in_state[state]; c && c->since_us <= since; c = c->next) {
            if (c->ready)
                continue;
            c->expired = true;
            http_loop_ready(c);
        }
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long to wait at most, in ms; -1: until something happens. */
static int wait_ms(const struct http_loop *l)
{
    int64_t at = l->stopping ? l->stop_by : INT64_MAX;
    if (l->ready)
        return 0;
    for (enum http_state state = 0; state < HTTP_STATES; state++)
        at = earlier(at, deadline_of(l, state));
    const struct heap_item *timer = heap_first(&l->timers);
    if (timer)
        at = earlier(at, timer->key);
    if (l->accept_paused && l->conn_count < l->max_conns)
        at = earlier(at, l->accept_again);
    if (at == INT64_MAX)
        return -1;
    return at <= l->now_us ? 0 : (int)earlier((at - l->now_us + 999) / 1000, LONGEST_WAIT_MS);
}

/* ---- turns ---- */

static void turn(struct http_loop *l)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(l->epoll_fd, events, EVENTS, wait_ms(l));
    must(count >= 0 || errno == EINTR);
    l->now_us = clock_monotonic_us(l->server->options.clock);
    l->date_is_fresh = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &l->mailbox)
            task_run_all(&l->mailbox);
        else if (events[i].data.ptr == l)
            http_accept(l);
        else
            http_conn_event(events[i].data.ptr, events[i].events);
    }
    run_timers(l, l->now_us, SIZE_MAX);
    expire(l);
    drive_ready(l);
    http_accept_resume(l);
}

/* ---- stopping ---- */

/* Look once more at those without a request: what has come before is served. */
static void end_idle(struct http_loop *l, enum http_state state)
{
    for (struct http_conn *c = l->in_state[state]; c; c = c->next) {
        c->readable = true;
        http_loop_ready(c);
    }
}

static void begin_stop(struct task *task)
{
    struct http_loop *l = (struct http_loop *)((char *)task - offsetof(struct http_loop, stop_task));
    l->stopping = true;
    l->stop_by = clock_monotonic_us(l->server->options.clock) + STOP_US;
    http_accept_stop(l);
    end_idle(l, HTTP_IDLE);
    end_idle(l, HTTP_HEAD);
}

/* End what did not end by itself. */
static void end_by_force(struct http_loop *l)
{
    l->stopping = true;
    http_accept_stop(l);
    run_timers(l, INT64_MAX, l->timers.count); /* who waits for a time only can answer now */
    drive_ready(l);
    for (enum http_state state = 0; state < HTTP_STATES; state++)
        for (struct http_conn *c = l->in_state[state]; c; c = c->next) {
            c->gone = true;
            http_loop_ready(c);
        }
    drive_ready(l);
    must(l->conn_count == 0);
}

void http_run(struct http_server *s, unsigned index)
{
    must(index < s->loop_count);
    struct http_loop *l = &s->loops[index];
    l->now_us = clock_monotonic_us(s->options.clock);
    while (!l->stopping || (l->conn_count > l->linger_count && l->now_us < l->stop_by))
        turn(l);
    end_by_force(l);
}

/* ---- life ---- */

int http_loop_watch(struct http_loop *l, int fd, uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? BOX_EIO : 0;
}

static int64_t seconds(unsigned n)
{
    return n * INT64_C(1000000);
}

static void set_timeouts(struct http_loop *l, const struct http_options *o)
{
    l->timeout_us[HTTP_IDLE] = l->timeout_us[HTTP_SENDING] = seconds(o->idle_seconds);
    l->timeout_us[HTTP_HEAD] = seconds(o->header_seconds);
    l->timeout_us[HTTP_BODY] = seconds(o->body_seconds);
    l->timeout_us[HTTP_RUNNING] = INT64_MAX;
    l->timeout_us[HTTP_LINGER] = LINGER_US;
}

int http_loop_open(struct http_loop *l, struct http_server *s, int listen_fd)
{
    const struct http_options *o = &s->options;
    *l = (struct http_loop){.server = s, .listen_fd = listen_fd, .stop_task.run = begin_stop};
    l->max_conns = (o->max_connections + o->loops - 1) / o->loops;
    l->ready_end = &l->ready;
    l->date_second = -1;
    set_timeouts(l, o);
    heap_init(&l->timers);
    int ret = mailbox_init(&l->mailbox);
    if (ret)
        goto out_listen;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ret = l->epoll_fd < 0 ? BOX_EIO : http_loop_watch(l, l->mailbox.fd, EPOLLIN, &l->mailbox);
    if (!ret)
        ret = http_loop_watch(l, listen_fd, EPOLLIN, l);
    if (!ret)
        return 0;

    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    mailbox_done(&l->mailbox);
out_listen:
    http_accept_stop(l);
    return ret;
}

static void free_spare(struct http_loop *l)
{
    while (l->spare) {
        struct http_request *r = l->spare;
        l->spare = r->next;
        arena_done(&r->arena);
        free(r);
    }
    http_in_free_spare(l);
}

bool http_loop_close(struct http_loop *l)
{
    while (task_run_all(&l->mailbox) > 0)
        continue; /* answers that came too late, and what they post */
    end_by_force(l);
    if (l->orphans)
        return false;
    free_spare(l);
    http_codecs_done(&l->codecs);
    heap_done(&l->timers);
    buf_done(&l->head);
    close(l->epoll_fd);
    mailbox_done(&l->mailbox);
    return true;
}
