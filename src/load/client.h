/*
 * Requests over a fixed number of connections, and what became of them by kind. A request that finds no idle
 * connection waits in line; its latency counts from when it was due, so that a slow server cannot hide
 * behind requests that were never sent (no coordinated omission). One that waited in line for as long as the
 * time-out is given up, as one is that was sent and not answered.
 *
 * Some connections may be kept for urgent requests, which have a line of their own: what few do must not wait
 * in this client behind what many do. In the server it may.
 *
 * Thread: the loop's.
 */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "load/conn.h"
#include "load/histogram.h"

enum { STATUS_END = 600 };

/* What became of all requests of one kind. */
struct kind {
    const char *name;
    struct histogram latency; /* of those that were answered */
    uint64_t statuses[STATUS_END], errors[WIRE_ERRORS];
};

/* Embedded in what it belongs to, which lives until done(). */
struct request {
    struct request *next;
    void (*done)(struct request *r, const struct reply *reply); /* the reply is lent; may send again */
    unsigned kind;
    int64_t due_ns, latency_ns; /* latency: set before done() */
    size_t keep;                /* bytes of the body that done() wants */
    bool urgent;
    struct buf text; /* the owner frees it */
};

struct client_conn;

struct line {
    struct request *first, *last;
};

struct client {
    struct loop *loop;
    struct sockaddr_in address;
    char host[64];
    struct client_conn *conns, **idle;
    unsigned count, idle_count, reserved; /* reserved: of all, for urgent requests only */
    struct line lines[2];                 /* ordinary and urgent requests */
    size_t waiting, under_way;            /* under way: sent and not answered */
    struct timer patrol;
    int64_t timeout_ns;
    struct kind *kinds;
    unsigned kind_count;
    /* requests that are due in this time are measured */
    int64_t from_ns, until_ns;
    struct histogram all;      /* latencies of all that are measured */
    uint64_t finished, failed; /* of all, measured or not; failed: no answer, or 5xx */
};

/*
 * @reserved connections are for urgent requests only, beside @connections. @kind_names: ended by NULL, they
 * must live as long. Nothing is connected and nothing is measured yet (set from_ns and until_ns).
 */
void client_open(struct client *c, struct loop *loop, const struct sockaddr_in *address, const char *host,
                 unsigned connections, unsigned reserved, int64_t timeout_ns, const char *const *kind_names);
/* Close all connections; what is in line or under way is forgotten. */
void client_close(struct client *c);
/* Send @r, whose text, kind and due time are set, when a connection is idle. done() is called later. */
void client_send(struct client *c, struct request *r);
/* Answer all that are in line with WIRE_UNSENT. */
void client_drop_line(struct client *c);
/* True when nothing is in line or under way. */
bool client_is_quiet(const struct client *c);
/* Count an answer of a kind. */
void kind_add(struct kind *k, const struct reply *reply, int64_t latency_ns);
/* How many were answered, and how many were not. */
uint64_t kind_answered(const struct kind *k);
uint64_t kind_errors(const struct kind *k);

#endif
