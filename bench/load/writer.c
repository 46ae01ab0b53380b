/*
 * Changes of single seats at a fixed rate: available seats are blocked, blocked ones given back. Open loop:
 * change n is due at n/rate whatever became of those before; one that finds no idle connection is sent late,
 * and its latency counts from when it was due.
 *
 * Seats come in an order that looks random and visits each seat once before any comes again, so two changes
 * of one seat are never under way, and a reader can tell from the seat which change it sees.
 */
#include "load.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct write_conn {
    struct conn conn;
    struct writer *writer;
    int64_t due;
    uint32_t seat;
    char request[640];
};

static int64_t due_at(const struct writer *w, uint64_t n)
{
    return w->began + (int64_t)((double)n * NS_PER_S / w->rate);
}

static void answered(struct conn *conn, const struct reply *reply)
{
    struct write_conn *c = (struct write_conn *)conn;
    struct writer *w = c->writer;
    if (reply->error != WIRE_OK)
        die("a change was not answered: %s", wire_error_name(reply->error));
    if (reply->status != 200 || reply->change_seq == 0)
        die("a change was answered %u: %s", reply->status, reply->body);
    w->ended = now_ns();
    w->answered++;
    if (reply->change_seq > w->last_seq)
        w->last_seq = reply->change_seq;
    histogram_add(&w->latency, w->ended - c->due);
    w->idle[w->idle_count++] = c;
    if (w->on_answered)
        w->on_answered(c->seat, reply->change_seq, w->ended);
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    return b == 0 ? a : greatest_common_divisor(b, a % b);
}

void writer_open(struct writer *w, const struct options *o)
{
    size_t bytes = (o->seats + 3) / 4;
    char path[128];
    if (!o->key || !o->event || !o->prefix || strlen(o->prefix) != 24 || o->seats == 0)
        die("--key, --event, --prefix (24 hex digits) and --seats are needed");
    w->o = o;
    w->status = allocate(bytes * 4, 1);
    uint8_t *packed = allocate(bytes, 1);
    snprintf(path, sizeof path, "/v1/events/%s/availability", o->event);
    w->first_seq = w->last_seq = get_and_wait(o, path, "application/octet-stream", packed, bytes);
    for (size_t i = 0; i < o->seats; i++)
        w->status[i] = packed[i / 4] >> (i % 4 * 2) & 3;
    w->stride = (uint64_t)(o->seats * 0.618) | 1; /* jumps of the golden ratio */
    while (greatest_common_divisor(w->stride, o->seats) != 1)
        w->stride += 2;
    w->position = (uint64_t)now_ns() % o->seats;
    w->conns = allocate(o->connections, sizeof *w->conns);
    w->idle = allocate(o->connections, sizeof(struct write_conn *));
    for (unsigned i = 0; i < o->connections; i++) {
        conn_init(&w->conns[i].conn, &loop, &o->address, answered);
        w->conns[i].writer = w;
        w->idle[w->idle_count++] = &w->conns[i];
    }
}

static void send_change(struct writer *w, struct write_conn *c)
{
    char body[80];
    do
        w->position = (w->position + w->stride) % w->o->seats;
    while (w->status[w->position] != SEAT_AVAILABLE && w->status[w->position] != SEAT_BLOCKED);
    c->seat = (uint32_t)w->position;
    c->due = due_at(w, w->sent);
    unsigned status = w->status[c->seat] == SEAT_AVAILABLE ? SEAT_BLOCKED : SEAT_AVAILABLE;
    const char *p = w->o->prefix;
    int length = snprintf(body, sizeof body, "{\"ticket_ids\":[\"%.8s-%.4s-%.4s-%.4s-%.4s%08" PRIx32 "\"]}",
                          p, p + 8, p + 12, p + 16, p + 20, c->seat);
    int size = snprintf(c->request, sizeof c->request,
                        "POST /v1/events/%s/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                        w->o->event, status == SEAT_BLOCKED ? "block" : "unblock", w->o->host, w->o->key,
                        length, body);
    if (size >= (int)sizeof c->request)
        die("the key is too long");
    w->status[c->seat] = (uint8_t)status;
    w->sent++;
    if (w->on_sent)
        w->on_sent(c->seat, status, now_ns());
    conn_send(&c->conn, c->request, (size_t)size, 0);
}

void writer_begin(struct writer *w, double rate, uint64_t count)
{
    w->rate = rate;
    w->wanted = count;
    w->sent = w->answered = 0;
    w->latency = (struct histogram){0};
    w->began = w->ended = now_ns();
}

int64_t writer_turn(struct writer *w)
{
    while (w->sent < w->wanted) {
        if (w->idle_count == 0)
            return NEVER;
        if (due_at(w, w->sent) > now_ns())
            return due_at(w, w->sent);
        send_change(w, w->idle[--w->idle_count]);
    }
    return NEVER;
}

bool writer_done(const struct writer *w)
{
    return w->answered == w->wanted;
}

double writer_reached(const struct writer *w)
{
    /* The last one is due one interval before the end. */
    return (double)w->answered / ((double)(w->ended - w->began) / NS_PER_S + 1 / w->rate);
}

int cmd_changes(const struct options *o)
{
    static struct writer w;
    loop_open(&loop);
    writer_open(&w, o);
    writer_begin(&w, o->rate, (uint64_t)(o->rate * o->seconds));
    int64_t cpu = cpu_ns();
    while (!writer_done(&w))
        loop_turn(&loop, writer_turn(&w));
    printf("CHANGES count=%" PRIu64 " rate=%.1f p50_ms=%.3f p99_ms=%.3f max_ms=%.3f busy=%.2f\n", w.answered,
           writer_reached(&w), histogram_ms(&w.latency, 0.5), histogram_ms(&w.latency, 0.99),
           histogram_ms(&w.latency, 1), busy_share(w.began, cpu));
    return 0;
}
