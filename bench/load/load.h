/*
 * boxoffice-load: what the benchmarks need and wrk, redis-benchmark and pgbench do not have. One thread, one
 * epoll.
 *
 *   main.c       options
 *   loop.c       time, epoll, the end of the program
 *   histogram.c  latencies
 *   conn.c       keep-alive HTTP connections with one request under way each
 *   writer.c     changes of seats at a fixed rate (open loop)
 *   reads.c      GETs at a fixed rate (open loop) or as fast as they are answered
 *   streams.c    thousands of subscribers, and how long a change takes to all of them;  sse.c reads what they
 * get raw.c        the streams' peer: the same bytes to as many sockets, with nothing around it
 *
 * It measures and does not serve: what is not as expected ends the program with one line (die).
 */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    struct sockaddr_in address; /* of --url */
    const char *path;           /* of --url */
    char host[64];
    const char *key, *event, *prefix;
    const char *headers[8];
    unsigned headers_count;
    uint32_t seats, count, connections, rounds;
    uint32_t bytes, status, back;
    double rate, seconds;
    unsigned server_cpu, client_cpu;
};

/* ---- loop.c ---- */
#define NS_PER_S  1000000000LL
#define NS_PER_MS 1000000LL
#define NEVER     INT64_MAX

/* Say why on standard error and exit with 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Memory of zeros, or die. */
void *allocate(size_t count, size_t size);
/* The monotonic clock. */
int64_t now_ns(void);
/* The share of one core that this process has used since @since_ns, when its own time was @cpu_ns. */
double busy_share(int64_t since_ns, int64_t cpu_ns);
int64_t cpu_ns(void);

/* Raise the limit of open files to what the system allows, or die where @count sockets do not fit. */
void raise_open_files(uint32_t count);

/* A descriptor in the loop: embedded as the first member in what it belongs to. */
struct source {
    void (*ready)(struct source *s, uint32_t events);
    int fd;
};
/* To be called once, before the others. */
void loop_open(void);
void loop_add(struct source *s, uint32_t events);
void loop_change(struct source *s, uint32_t events);
/* Call what is ready; wait for it until @until_ns at most. */
void loop_turn(int64_t until_ns);

/* ---- histogram.c ---- */
struct histogram {
    uint64_t counts[58 * 64 + 64]; /* of 64 equal steps between one power of two and the next: 1.6 % */
    uint64_t total;
    int64_t max;
};
void histogram_add(struct histogram *h, int64_t ns);
/* The smallest value that is not exceeded by @fraction of all, in ms; 0 when there is none. */
double histogram_ms(const struct histogram *h, double fraction);
/* Median of @count values, which are sorted. */
double median(double *values, size_t count);

/* ---- conn.c ---- */
struct reply {
    unsigned status;
    uint64_t change_seq; /* 0: the header is missing */
    size_t body_bytes;
    char body[200]; /* its beginning */
};
struct conn {
    struct source source;
    void (*answered)(struct conn *c, const struct reply *reply);
    struct reply reply; /* from here on: of the one under way */
    char head[4096];
    size_t head_bytes, left;
    bool in_body;
};
/* Connect (waits for it). */
void conn_open(struct conn *c, const struct options *o,
               void (*answered)(struct conn *, const struct reply *));
/* Send a request; nothing is under way. */
void conn_send(struct conn *c, const char *request, size_t size);
/* A GET of @path that waits; the body of exactly @bytes goes to @ret_body. Returns Change-Seq. */
uint64_t get_and_wait(const struct options *o, const char *path, const char *accept, void *ret_body,
                      size_t bytes);

/* ---- writer.c ---- */
enum { SEAT_AVAILABLE = 0, SEAT_BLOCKED = 3 };

struct writer {
    const struct options *o;
    /* Called when a change of @seat to @status is sent, and when it is answered; may be NULL. */
    void (*on_sent)(uint32_t seat, unsigned status, int64_t now);
    void (*on_answered)(uint32_t seat, uint64_t seq, int64_t now);
    struct write_conn *conns, **idle;
    unsigned idle_count;
    uint8_t *status; /* of each seat */
    uint64_t first_seq, last_seq;
    uint64_t position, stride;
    /* of this run */
    double rate;
    uint64_t wanted, sent, answered;
    int64_t began, ended;
    struct histogram latency; /* from when each was due: without coordinated omission */
};
/* Read the state of the event and connect. */
void writer_open(struct writer *w, const struct options *o);
/* Begin to apply @count changes at @rate a second. */
void writer_begin(struct writer *w, double rate, uint64_t count);
/* Send what is due. Returns when the next is, NEVER after the last or while all connections are busy. */
int64_t writer_turn(struct writer *w);
bool writer_done(const struct writer *w);
double writer_reached(const struct writer *w); /* changes a second */

/* ---- sse.c ---- */
/* The bytes of one answer with a stream of events, as they come. */
struct sse {
    char *data; /* decoded bytes of a message that is not complete, terminated by 0 */
    size_t size, room;
    bool in_body, chunked;
    int phase; /* of the chunk */
    size_t chunk_left;
};
struct sse_message {
    uint64_t id;
    char event[16];   /* empty where it has none: a comment, or the id alone */
    const char *data; /* terminated by 0, lent until the call ends */
    int64_t retry_ms; /* -1: not given */
};
/* Forget everything (another connection begins). */
void sse_reset(struct sse *s);
/* Take @size bytes; message() is called for each message that is complete. */
void sse_feed(struct sse *s, const char *bytes, size_t size,
              void (*message)(void *ctx, const struct sse_message *m), void *ctx);

/* ---- the subcommands ---- */
int cmd_changes(const struct options *o);
int cmd_reads(const struct options *o);
int cmd_streams(const struct options *o);
int cmd_raw(const struct options *o);

#endif
