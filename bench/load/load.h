/*
 * boxoffice-load: what the benchmarks need beside `boxoffice bench`. It is built on the same parts
 * (src/load).
 *
 *   main.c     options
 *   writer.c   changes of seats at a fixed rate (open loop)
 *   reads.c    GETs at a fixed rate (open loop) or as fast as they are answered
 *   streams.c  thousands of subscribers, and how long a change takes to all of them
 *   raw.c      the streams' peer: the same bytes to as many sockets, with nothing around it
 *   redis.c    the orders' peer: scripts of a Redis server that follow each other
 *
 * It measures and does not serve: what is not as expected ends the program with one line (die).
 */
#ifndef LOAD_H
#define LOAD_H

#include "load/conn.h"
#include "load/histogram.h"
#include "load/loop.h"
#include "load/sse.h"
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
    const char *scripts[4]; /* SHAs, of redis */
    unsigned scripts_count;
    uint32_t seats, count, connections, rounds;
    uint32_t bytes, status, back;
    double rate, seconds;
    unsigned server_cpu, client_cpu;
};

/* ---- what is the program's own load generator (src/load) ---- */
extern struct loop loop;

/* Say why on standard error and exit with 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Memory of zeros, or die. */
void *allocate(size_t count, size_t size);
/* Raise the limit of open files to what the system allows, or die where @count sockets do not fit. */
void need_open_files(uint32_t count);
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

/* ---- the subcommands ---- */
int cmd_changes(const struct options *o);
int cmd_reads(const struct options *o);
int cmd_streams(const struct options *o);
int cmd_raw(const struct options *o);
int cmd_redis(const struct options *o);

#endif
