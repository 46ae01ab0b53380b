/*
 * GETs of one path. With --rate an open loop: request n is due at n/rate, and its latency counts from then,
 * also when it found no idle connection and was sent late. Without, each connection sends when it was
 * answered.
 *
 * "{since}" in the path becomes the newest Change-Seq that any answer had, less --back: what a reader who
 * follows an event asks for. (A server that sends none gets 0, and the same work here.)
 */
#include "load.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct read_conn {
    struct conn conn;
    int64_t due;
    char request[2048]; /* of its own: it is lent until it is answered */
};

static const struct options *opts;
static struct read_conn *conns, **idle;
static unsigned idle_count;
static struct histogram latency;
static uint64_t sent, done, body_bytes, newest;
static int64_t began, ended;
static char request[2048];
static size_t request_bytes;

static void build_request(void)
{
    const char *mark = strstr(opts->path, "{since}");
    int size;
    if (mark)
        size = snprintf(request, sizeof request, "GET %.*s%" PRIu64 "%s", (int)(mark - opts->path),
                        opts->path, newest > opts->back ? newest - opts->back : 0, mark + 7);
    else
        size = snprintf(request, sizeof request, "GET %s", opts->path);
    size_t at = (size_t)size;
    at += (size_t)snprintf(request + at, sizeof request - at, " HTTP/1.1\r\nHost: %s\r\n", opts->host);
    for (unsigned i = 0; i < opts->headers_count; i++)
        at += (size_t)snprintf(request + at, sizeof request - at, "%s\r\n", opts->headers[i]);
    request_bytes = at + (size_t)snprintf(request + at, sizeof request - at, "\r\n");
    if (request_bytes >= sizeof request)
        die("the request is too long");
}

static void send_read(struct read_conn *c, int64_t due)
{
    c->due = due;
    sent++;
    memcpy(c->request, request, request_bytes);
    conn_send(&c->conn, c->request, request_bytes, 0);
}

static void answered(struct conn *conn, const struct reply *reply)
{
    struct read_conn *c = (struct read_conn *)conn;
    if (reply->error != WIRE_OK)
        die("a read was not answered: %s", wire_error_name(reply->error));
    if (reply->status != opts->status)
        die("a read was answered %u: %s", reply->status, reply->body);
    if (opts->bytes && reply->body_bytes != opts->bytes)
        die("a reply has %zu bytes instead of %" PRIu32, reply->body_bytes, opts->bytes);
    ended = now_ns();
    done++;
    body_bytes += reply->body_bytes;
    histogram_add(&latency, ended - c->due);
    if (reply->change_seq > newest) {
        newest = reply->change_seq;
        if (strstr(opts->path, "{since}"))
            build_request();
    }
    idle[idle_count++] = c;
}

static void run_open_loop(void)
{
    uint64_t wanted = (uint64_t)(opts->rate * opts->seconds);
    while (done < wanted) {
        int64_t next = NEVER;
        while (sent < wanted && idle_count > 0) {
            next = began + (int64_t)((double)sent * NS_PER_S / opts->rate);
            if (next > now_ns())
                break;
            send_read(idle[--idle_count], next);
            next = NEVER;
        }
        loop_turn(&loop, next);
    }
}

static void run_closed_loop(void)
{
    int64_t end = began + (int64_t)(opts->seconds * NS_PER_S);
    for (int64_t now; (now = now_ns()) < end;) {
        while (idle_count > 0)
            send_read(idle[--idle_count], now_ns());
        loop_turn(&loop, end);
    }
    while (done < sent)
        loop_turn(&loop, NEVER);
}

int cmd_reads(const struct options *o)
{
    opts = o;
    build_request();
    loop_open(&loop);
    conns = allocate(o->connections, sizeof *conns);
    idle = allocate(o->connections, sizeof(struct read_conn *));
    for (unsigned i = 0; i < o->connections; i++) {
        conn_init(&conns[i].conn, &loop, &o->address, answered);
        idle[idle_count++] = &conns[i];
    }
    began = now_ns();
    int64_t cpu = cpu_ns();
    if (o->rate > 0)
        run_open_loop();
    else
        run_closed_loop();
    printf("READS count=%" PRIu64
           " rate=%.1f p50_ms=%.3f p99_ms=%.3f p999_ms=%.3f max_ms=%.3f body_bytes=%.1f busy=%.2f\n",
           done, (double)done * NS_PER_S / (double)(ended - began), histogram_ms(&latency, 0.5),
           histogram_ms(&latency, 0.99), histogram_ms(&latency, 0.999), histogram_ms(&latency, 1),
           (double)body_bytes / (double)done, busy_share(began, cpu));
    return 0;
}
