/*
 * The orders' peer: scripts of a Redis server that follow each other, as a purchase's steps do.
 * redis-benchmark knows only calls that are independent. Number n calls the first script with key n, and when
 * that is answered the next; no pipelining, each connection has one call under way, as fast as they are
 * answered. A script must answer 1.
 */
#include "load.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct redis_conn {
    struct source source;
    uint64_t number;
    unsigned step;
    int64_t began;
};

static const struct options *opts;
static uint64_t numbers, done;
static int64_t end;
static unsigned busy;
static struct histogram latency; /* of all steps together */

static void call(struct redis_conn *c)
{
    char key[24], text[320];
    int key_size = snprintf(key, sizeof key, "%" PRIu64, c->number);
    const char *sha = opts->scripts[c->step];
    int size =
        snprintf(text, sizeof text,
                 "*6\r\n$7\r\nEVALSHA\r\n$%zu\r\n%s\r\n$1\r\n1\r\n$%d\r\n%s\r\n$16\r\nb7a5c1de-session\r\n"
                 "$10\r\n1795000000\r\n",
                 strlen(sha), sha, key_size, key);
    if (size >= (int)sizeof text || send(c->source.fd, text, (size_t)size, MSG_NOSIGNAL) != size)
        die("send: %s", strerror(errno));
}

static void begin(struct redis_conn *c)
{
    c->began = now_ns();
    if (c->began >= end) {
        busy--;
        return;
    }
    c->number = numbers++;
    c->step = 0;
    call(c);
}

static void ready(struct source *s, uint32_t events)
{
    struct redis_conn *c = (struct redis_conn *)s;
    char answer[200] = "";
    (void)events;
    ssize_t got = recv(s->fd, answer, sizeof answer - 1, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || strcmp(answer, ":1\r\n") != 0)
        die("script %u of number %" PRIu64 " was answered: %s", c->step, c->number, answer);
    if (++c->step < opts->scripts_count) {
        call(c);
        return;
    }
    done++;
    histogram_add(&latency, now_ns() - c->began);
    begin(c);
}

int cmd_redis(const struct options *o)
{
    if (o->scripts_count == 0)
        die("--script is needed");
    opts = o;
    loop_open(&loop);
    need_open_files(o->connections);
    struct redis_conn *conns = allocate(o->connections, sizeof *conns);
    int64_t began = now_ns();
    end = began + (int64_t)(o->seconds * NS_PER_S);
    numbers = (uint64_t)began; /* keys that no run before had */
    busy = o->connections;
    for (unsigned i = 0; i < o->connections; i++) {
        conns[i].source = (struct source){.ready = ready, .fd = connect_and_wait(&o->address)};
        if (conns[i].source.fd < 0)
            die("connect: %s", strerror(errno));
        loop_add(&loop, &conns[i].source, EPOLLIN);
        begin(&conns[i]);
    }
    while (busy > 0)
        loop_turn(&loop, NEVER);
    printf("REDIS count=%" PRIu64 " rate=%.1f p50_ms=%.3f p99_ms=%.3f\n", done,
           (double)done * NS_PER_S / (double)(now_ns() - began), histogram_ms(&latency, 0.5),
           histogram_ms(&latency, 0.99));
    return 0;
}
