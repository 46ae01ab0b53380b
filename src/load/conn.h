/*
 * A keep-alive HTTP connection with one request under way. It connects when it is first needed and again
 * after it was lost; whatever goes wrong is an answer too (reply.error), so that it is counted and not
 * hidden.
 *
 * Thread: the loop's.
 */
#ifndef LOAD_CONN_H
#define LOAD_CONN_H

#include "load/loop.h"
#include "load/wire.h"
#include <netinet/in.h>

enum { CONN_HEAD_MAX = 4096, CONN_BODY_BEGINNING = 1024 };

struct conn {
    struct source source;
    struct loop *loop;
    const struct sockaddr_in *address;
    /* Called once for each conn_send(), never from inside it; may send the next. The reply is lent. */
    void (*answered)(struct conn *c, const struct reply *reply);
    enum { CONN_SHUT, CONN_CONNECTING, CONN_IDLE, CONN_BUSY } state;
    int64_t sent_ns; /* of the request under way */
    /* of the request under way; from here on private */
    const char *out;
    size_t out_left, keep;
    char head[CONN_HEAD_MAX];
    size_t head_bytes, left;
    bool in_body;
    struct reply reply;
    struct buf body;
    struct timer refused; /* tells of a failure from outside of conn_send() */
    enum wire_error failure;
};

/* Prepare; nothing is connected yet. @address must live as long. */
void conn_init(struct conn *c, struct loop *loop, const struct sockaddr_in *address,
               void (*answered)(struct conn *, const struct reply *));
/* Close what is open; answered() is not called any more. */
void conn_done(struct conn *c);
/*
 * Send a request; none is under way. The text is lent until answered(). Of the reply's body @keep bytes are
 * kept (at least its beginning, CONN_BODY_BEGINNING).
 */
void conn_send(struct conn *c, const char *text, size_t size, size_t keep);
/* Give up the request under way: it is answered with @error, the connection is closed. */
void conn_abandon(struct conn *c, enum wire_error error);
/* A socket that is connected to @address, which this waits for; -1 when it is refused. */
int connect_and_wait(const struct sockaddr_in *address);

#endif
