/*
 * Streams: answers without an end (text/event-stream), on a loop of their own.
 *
 * A connection begins in one of the HTTP loops like any other. http_stream_begin() takes the socket away from
 * there and hands it to the stream loop, which is one thread with one epoll. The HTTP loop forgets the
 * connection; what its client had sent behind the request is dropped. Why a loop of their own: streams are
 * many, and sending to all of them must not hold up answers; nor need they what a connection has (buffers,
 * states, deadlines).
 *
 * What is sent is shared: a chunk is made once and given to any number of streams. A stream has at most one
 * chunk under way; while its reader takes nothing, nothing more is kept for it. Whoever feeds it looks what
 * to send when the last chunk is gone (writable()), and by then that is the newest. A stream that takes
 * nothing for stall_ms is cut off. One that was sent nothing for heartbeat_ms gets a comment line, so that
 * proxies keep the connection and a vanished client is found out.
 *
 * Thread: unless said otherwise, functions are for the stream loop's thread only, which is the one that calls
 * the handlers.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "base/task.h"
#include "http/http.h"

struct http_streams;

/* Bytes that many streams send, counted by references. */
struct http_chunk;
/* Takes the bytes out of @bytes, at least one. One reference, the caller's. */
struct http_chunk *http_chunk_new(struct buf *bytes);
struct http_chunk *http_chunk_ref(struct http_chunk *c);
void http_chunk_unref(struct http_chunk *c);

/* One stream; embedded in an object of the feeder's. All members are stream.c's. */
struct http_stream {
    struct http_streams *owner;
    struct task adopt;
    struct http_stream *prev, *next; /* in the order of when they were last sent something */
    struct http_chunk *chunk;        /* under way, from here on: */
    size_t offset;
    int64_t touched_us; /* when it was last sent something, or looked at */
    int64_t stuck_us;   /* since when it takes nothing of the chunk */
    int fd;
    uint32_t unread; /* bytes that its client sent */
    bool ending;     /* to be closed when the chunk is gone */
    bool closed;     /* in the list of those to be closed */
};

/* What the feeder does. */
struct http_stream_handlers {
    void *ctx;
    /* @s is open, its header is sent. */
    void (*opened)(void *ctx, struct http_stream *s);
    /* The chunk that was under way is gone. */
    void (*writable)(void *ctx, struct http_stream *s);
    /* @s is over and belongs to the feeder again; the last call for it. */
    void (*closed)(void *ctx, struct http_stream *s);
    /*
     * Once in each turn of the loop, after everything else. Returns when it is to be called next at the
     * latest (us of the monotonic clock; now or earlier: as soon as possible; INT64_MAX: when something
     * happens).
     */
    int64_t (*turn)(void *ctx, int64_t now_us);
};

struct http_stream_options {
    const struct clock *clock;
    struct rng *rng; /* for the jitter of retry */
    unsigned max;    /* streams at once */
    unsigned heartbeat_ms, stall_ms;
    unsigned retry_min_ms, retry_max_ms; /* a client whose stream ended is told to come back after a time in
                                            this range, so that not all come at once */
};

/* Returns 0 or BOX_EIO (no file descriptor). Thread: any; no stream yet. */
int http_streams_open(const struct http_stream_options *options, struct http_streams **ret_streams);
/* Before http_streams_run(). @handlers is copied. */
void http_streams_feed(struct http_streams *ss, const struct http_stream_handlers *handlers);
/* Serve until http_streams_stop(); then every stream is closed. */
void http_streams_run(struct http_streams *ss);
/* Once. Thread: any. */
void http_streams_stop(struct http_streams *ss);
/* Free, after the loop and everybody who may post to its mailbox have ended. What is in the mailbox is run.
 */
void http_streams_close(struct http_streams *ss);
/* Tasks that are to run on the stream loop. Thread: any may post. */
struct mailbox *http_streams_mailbox(struct http_streams *ss);

/*
 * Answer a GET with a stream: status 200, text/event-stream. @s is lent until closed(); where 0 was returned
 * the request is answered. Thread: the request's loop. Returns 0 or BOX_EUNAVAILABLE, not answered: there are
 * as many streams as there may be, or the client is gone.
 */
int http_stream_begin(struct http_req *req, struct http_streams *ss, struct http_stream *s);
/* True for a HEAD request, which has been answered with the header that a stream would have. Thread: as
 * above. */
bool http_stream_head(struct http_req *req);

/* True while a chunk is under way, be it a heartbeat: http_stream_send() must wait for writable(). */
bool http_stream_busy(const struct http_stream *s);
/*
 * Send @c (the caller keeps its reference); the stream is not busy. One system call; what does not fit
 * follows by itself. A stream that is closed takes it and does nothing.
 */
void http_stream_send(struct http_stream *s, struct http_chunk *c);
/* The same for bytes that this stream alone gets; they are taken out of @bytes. */
void http_stream_send_own(struct http_stream *s, struct buf *bytes);
/* Close when all was sent; closed() follows. */
void http_stream_end(struct http_stream *s);

#endif
