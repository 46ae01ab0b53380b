/*
 * What the files of this folder share. Nothing here is for others (but for the unit tests).
 *
 * The life of a connection (conn.c). It is in one state at a time, and each state but RUNNING has a deadline:
 *
 *     IDLE --> HEAD --> BODY --> RUNNING --> SENDING --> IDLE, or LINGER --> closed
 *
 *     IDLE     nothing of a request has come
 *     HEAD     a part of its head has
 *     BODY     its head is complete, its body is not
 *     RUNNING  a handler has it
 *     SENDING  it is answered, but the socket did not take the whole answer
 *     LINGER   the last answer is sent, and the client still talks
 *
 * A request that comes in one piece and is answered at once, as most reads are, never leaves IDLE.
 *
 * Who does what. Everything that happens to a connection (an event of its socket, an answer from a task or a
 * timer, a deadline, the stop) only leaves a mark on it and puts it into the loop's ready queue. At the end
 * of the turn the loop drives each connection in that queue: http_conn_drive() takes as many steps through
 * the states as it can. So nothing is closed, freed or begun anew under the feet of whoever answers, and no
 * handler is called from within another.
 *
 * The socket is in the loop's epoll once and for all, edge-triggered. A usual request is one epoll_wait()
 * shared with others, one recv() and one sendmsg(): a recv() that got less than it asked for has emptied the
 * socket, and one that filled up leaves the mark "readable", by which it is read again when there is room.
 * While a request is under way nothing more is read than the buffer has room for.
 *
 * The life of a request (request.c): from the first byte of its head to the moment when both its answer was
 * given and that was sent, or the client is gone. If the client goes while the handler has it, the connection
 * is closed, and the request becomes an orphan: the handler may keep its pointer until it has answered,
 * whatever the client does, and then request and connection are freed. Only a loop that ends with orphans
 * (http_close() has run the mail once more) is never freed.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/heap.h"
#include "base/mailbox.h"
#include "http/http.h"
#include <stdatomic.h>
#include <sys/types.h>

struct http_conn;
struct http_loop;
struct http_request;
struct http_server;

/* ---- encoding.c ---- */

/* How much time a compressor may take. */
enum http_effort { HTTP_QUICK, HTTP_THOROUGH };

/* Bodies smaller than this are not compressed: headers weigh more than what is saved. */
enum { HTTP_COMPRESS_MIN = 1024 };

/* What an Accept-Encoding header allows: a weight for each coding in thousandths, 0 is forbidden. */
struct http_accepted {
    uint16_t weight[HTTP_CODINGS];
};

/* The compressors' working memory of one thread and one effort; NULL members are made when needed. */
struct http_codecs {
    void *zstd, *gzip;
};

/* Read an Accept-Encoding header (NULL: there was none, only identity is sure to be understood). */
struct http_accepted http_accepted_parse(const char *header);
/* The coding to use: the heaviest, of equal ones zstd, br, gzip, identity in this order. */
enum http_coding http_coding_choose(const struct http_accepted *a);
/* "gzip", "br", "zstd"; identity gives NULL. */
const char *http_coding_name(enum http_coding coding);
/* True if bodies of this media type get smaller by compression. */
bool http_type_pays(const char *type);
/*
 * Compress @size bytes. Returns malloc'ed memory and its size, or NULL where that is not smaller than @size.
 * Thread: that of @codecs.
 */
char *http_compress(struct http_codecs *codecs, enum http_coding coding, enum http_effort effort,
                    const void *data, size_t size, size_t *ret_size);
/* Free the working memory. */
void http_codecs_done(struct http_codecs *codecs);

/* ---- conditional.c ---- */

/* The quoted tag of @etag in @coding: "etag" or "etag-zstd". */
const char *http_tag(struct arena *a, const char *etag, enum http_coding coding);
/* True if an If-None-Match header is "*": whatever copy the client has is good. */
bool http_tag_any(const char *if_none_match);
/* True if it is, or lists @tag (quoted), by weak comparison. */
bool http_tag_listed(const char *if_none_match, const char *tag);

/* ---- url.c ---- */

enum { HTTP_SEGMENTS = 16 };

struct http_segment {
    const char *text; /* decoded, size bytes, not NUL-terminated */
    size_t size;
};

/* A path in pieces: "/v1/events" is {"v1", "events"}, "/" is none, "/a/" is {"a", ""}. */
struct http_path {
    const char *text; /* decoded */
    unsigned count;   /* HTTP_SEGMENTS + 1: there were more */
    struct http_segment segment[HTTP_SEGMENTS];
};

struct http_pair {
    const char *name, *value;
};

/*
 * Split and decode @raw, which must live as long as the path. Returns 0, or BOX_EBADREQUEST with a reason:
 * not starting with /, an escape that is none, an escaped slash or NUL, control characters, bytes that are
 * not UTF-8.
 */
int http_path_parse(struct arena *a, const char *raw, struct http_path *ret_path, const char **ret_reason);
/*
 * Split @raw, the part behind the question mark, into at most LIMIT_QUERY_PARAMS pairs and decode them.
 * Returns 0, or BOX_EBADREQUEST with a reason: too many, a bad escape, NUL, bytes that are not UTF-8.
 */
int http_query_parse(struct arena *a, const char *raw, struct http_pair **ret_pairs, size_t *ret_count,
                     const char **ret_reason);

/* ---- router.c ---- */

struct http_router;

struct http_match {
    const struct http_route *route; /* NULL: none */
    unsigned allow;                 /* bit of each method that the path has; 0: no such path */
    const struct http_segment *params[HTTP_PATH_PARAMS];
    unsigned param_count;
};

/* Methods beyond the routes' own: they are answered with 405 everywhere. */
enum { HTTP_OTHER_METHOD = HTTP_METHODS };

/* The table must outlive the router; a route that comes twice or has too many {names} is a mistake (must). */
struct http_router *http_router_new(const struct http_route *routes);
void http_router_free(struct http_router *r);
struct http_match http_router_find(const struct http_router *r, const struct http_path *path,
                                   unsigned method);
/* "GET, HEAD, POST". */
const char *http_allow_text(struct arena *a, unsigned allow);

/* ---- head.c ---- */

/* A header field as it came; both texts end with a NUL, which replaced what stood behind them. */
struct http_line {
    const char *name, *value;
    uint16_t name_size, value_size;
};

/* What a request line and its header fields say. All text lies in the connection's buffer. */
struct http_head {
    const char *fault; /* not NULL: malformed, say why and close */
    const char *method, *target;
    struct http_line *lines;
    unsigned line_count;
    int64_t content_length; /* -1: none */
    bool chunked, expect_continue;
    bool http_1_0, keep_alive;
};

/*
 * Read the head that begins at @data, of which the first @seen bytes were there at the last try. Returns its
 * size, or 0 if it is not complete. Where it has a fault, nothing else of @ret_head counts but the method,
 * which is "" if not even that is known.
 */
size_t http_head_parse(struct arena *a, char *data, size_t size, size_t seen, struct http_head *ret_head);
/* The same for the fields that may follow a chunked body. Nothing is kept of them; -1: malformed. */
ssize_t http_trailer_parse(const char *data, size_t size);
/* True if @type is application/json, with or without parameters. */
bool http_type_is_json(const char *type);

/* ---- bytes.c ---- */

/* Bytes to be sent many times. */
struct http_bytes {
    const char *data;
    size_t size;
    int fd; /* of a file that has them, too; -1: none */
};

/* Takes @data, which is malloc'ed (or NULL). */
void http_bytes_init(struct http_bytes *b, char *data, size_t size);
/* Free them. */
void http_bytes_done(struct http_bytes *b);

/* ---- conn.c ---- */

enum { HTTP_PEER = 48 }; /* an address as text */

/* See above. */
enum http_state { HTTP_IDLE, HTTP_HEAD, HTTP_BODY, HTTP_RUNNING, HTTP_SENDING, HTTP_LINGER, HTTP_STATES };

/* What is to be sent behind a head. */
struct http_piece {
    const char *data;
    size_t size;
    char *owned;              /* to be freed, or NULL */
    struct http_body *shared; /* of which data is a part: a reference is taken if it cannot be sent at once */
    const struct http_bytes *file; /* of which data is a part, or NULL */
};

/* The rest of an answer that the socket did not take; see out.c. */
struct http_out {
    char *memory; /* of the head */
    const char *head;
    size_t head_size;
    struct http_piece body;
};

/* The bytes that came: used up to start, filled up to end. No memory (data NULL) while nothing is there. */
struct http_in {
    char *data;
    unsigned room, start, end;
    unsigned seen; /* of a head that is not complete: what was there at the last look */
};

struct http_conn {
    struct http_loop *loop;
    struct http_conn *prev, *next; /* in the loop's queue of its state, by since_us */
    int64_t since_us;              /* when it came to this state, or got on in it */
    struct http_conn *ready_next;  /* in the loop's ready queue */
    struct http_request *req;      /* under way, NULL: none */
    int fd;                        /* -1: closed */
    enum http_state state;
    bool ready;    /* in the ready queue, or being driven */
    bool readable; /* there may be something to read */
    bool finished; /* the client has sent its last byte */
    bool gone;     /* to be closed: the client is gone, or there is nothing left to do */
    bool expired;  /* its deadline has come */
    bool linger;   /* input will be left unread when the last answer is sent */
    struct http_in in;
    struct http_out out;
    char peer[HTTP_PEER];
};

/* A connection for @fd, which it takes. Returns NULL (and closes @fd) if it cannot be watched. */
struct http_conn *http_conn_new(struct http_loop *l, int fd, const char *peer);
/* Note what epoll says of its socket, and that it is to be driven. */
void http_conn_event(struct http_conn *c, uint32_t events);
/* Take all steps that can be taken now; frees a connection that is over. For the loop's ready queue only. */
void http_conn_drive(struct http_conn *c);
/* The state @state begins, and with it its time; also for more time in the same. */
void http_conn_enter(struct http_conn *c, enum http_state state);
/* Give up the socket, which is the caller's from here on, and is not watched any more. */
int http_conn_release(struct http_conn *c);
/*
 * Every byte of a connection goes through these three: here is where TLS would sit. They do not wait.
 * http_conn_recv(): returns how many came, 0: none now, -1: none ever again.
 * http_conn_send(): returns how many of @iov went, fewer than all when the socket is full; -1: the connection
 *                   is broken. @more: others follow at once.
 * http_conn_send_file(): the same for a part of a file.
 */
struct iovec;
ssize_t http_conn_recv(struct http_conn *c, char *to, size_t size);
ssize_t http_conn_send(struct http_conn *c, struct iovec *iov, unsigned count, bool more);
ssize_t http_conn_send_file(struct http_conn *c, int fd, size_t offset, size_t size);

/* ---- in.c ---- */

struct http_spare_in;

/* Free the loop's spare buffers. */
void http_in_free_spare(struct http_loop *l);

/* Room behind a complete head for a chunked body to pass through: a head is never read into it. */
enum { HTTP_IN_WINDOW = 1024 };

/* How many bytes from start on may be taken for a head: all, but for what lies in the window. */
unsigned http_in_head_size(struct http_conn *c);
/* Read more of a head. Returns 1: some came; 0 or -1 as http_conn_recv(); -2: it has as many bytes as it may.
 */
int http_in_fill_head(struct http_conn *c);
/* Read more of what follows the head that ends at @floor, moving nothing before that. The same. */
int http_in_fill_body(struct http_conn *c, unsigned floor);
/* Give the memory back if it is empty. */
void http_in_rest(struct http_conn *c);
/* Give the memory back. */
void http_in_done(struct http_conn *c);

/* ---- out.c ---- */

/*
 * Begin the head of an answer to @r: status line, Date and Connection. The buffer is the loop's; fields and
 * an empty line are to be added before http_answer_send(), which follows at once.
 */
struct buf *http_answer_begin(struct http_request *r, unsigned status);
void http_answer_field(struct buf *head, const char *name, const char *value);
void http_answer_length(struct buf *head, size_t size);
/* The fields that every answer has. */
void http_answer_security(struct buf *head);
/* Send @head and @body, whose bytes it takes. A HEAD request gets the head alone. @r is answered. */
void http_answer_send(struct http_request *r, unsigned status, const struct buf *head,
                      struct http_piece body);
/* @r is answered: counted, and its connection is to go on. Part of http_answer_send(). */
void http_answer_given(struct http_request *r, unsigned status);
/* Send more of what is left. Returns false if some still is; a broken connection is marked as gone. */
bool http_out_flush(struct http_conn *c);
bool http_out_is_empty(const struct http_out *out);
/* Forget what is left. */
void http_out_done(struct http_out *out);
/* "HTTP/1.1 100 Continue". */
void http_out_continue(struct http_conn *c);
/* Now, as a Date header has it. */
enum { HTTP_DATE = 32 };
void http_date(const struct clock *clock, char text[static HTTP_DATE]);

/* ---- body.c ---- */

struct http_chunks;

/* The body of a request while it is read. */
struct http_incoming {
    bool kept;             /* a handler wants it; else it is read and thrown away */
    bool big;              /* counts against max_big_bodies */
    bool on_heap;          /* data was malloc'ed, else it is the arena's */
    unsigned floor;        /* where the head ends in the connection's buffer */
    size_t limit;          /* bytes that it may have */
    size_t received, room; /* bytes that came; size of the memory at data */
    char *data;
    struct http_chunks *chunks; /* NULL: its length is known */
};

enum http_body_state {
    HTTP_BODY_WAIT,     /* nothing more has come yet */
    HTTP_BODY_MORE,     /* some was read, go on */
    HTTP_BODY_COMPLETE, /* the handler's turn */
    HTTP_BODY_GONE,     /* the client is */
    HTTP_BODY_REFUSED   /* in the middle, see the request's refusal */
};

/* True if the head announces a body. */
bool http_body_is_expected(const struct http_request *r);
/* Decide about the body from what the head says. Returns BOX_Ex when it must not even be read. */
int http_body_plan(struct http_request *r);
/* Read some more of it: at most one system call. */
enum http_body_state http_body_read(struct http_request *r);
/* Give it back. */
void http_body_drop(struct http_request *r);

/* ---- request.c ---- */

/* A field of an answer. */
struct http_field {
    struct http_field *next;
    const char *name, *value;
};

struct http_request {
    struct http_req pub; /* first: handlers hold a pointer to it */
    struct http_loop *loop;
    struct http_conn *conn;    /* lives at least as long */
    struct http_request *next; /* of the free ones */
    struct arena arena;

    /* while reading */
    struct http_head head;
    const struct http_route *route; /* NULL: none */
    int refusal;                    /* BOX_Ex to answer without a handler, 0: none */
    const char *refusal_detail;
    unsigned allow;
    struct http_pair *query;
    size_t query_count;
    bool is_head;            /* HEAD */
    struct http_incoming in; /* its body */

    /* while running and answering */
    bool running;  /* the handler was called */
    bool answered; /* http_reply*() was called */
    bool last;     /* the connection ends with this answer */
    struct http_field *fields;
    const char *etag, *cache_control;
    struct heap_item timer;
    void (*timer_fn)(struct http_req *req);
    void (*finish)(struct http_req *req);
};

/* The internal side of a handler's request. */
static inline struct http_request *http_request_of(struct http_req *req)
{
    return (struct http_request *)req;
}

/* A step in the states IDLE and HEAD, or BODY: true if there may be more to do now. */
bool http_request_read_head(struct http_conn *c);
bool http_request_read_body(struct http_conn *c);
/* The time for the body is over: 408. */
void http_request_too_slow(struct http_request *r);
/* Free @r, which is answered or never ran. */
void http_request_free(struct http_request *r);
/* http_header(). */
const char *http_request_header(struct http_request *r, const char *name);
/* Answer @code without a handler; the first refusal of a request counts. */
void http_request_refuse(struct http_request *r, int code, const char *detail);

/* ---- reply.c ---- */

/*
 * Take the socket from under @r, which counts as answered: the caller writes to the descriptor that is
 * returned. Returns -1 when the client is gone; @r is not answered.
 */
int http_take_socket(struct http_request *r);

/* ---- problem.c ---- */

/* What the problems of all errors begin with, made once. */
struct http_problems;
struct http_problems *http_problems_new(void);
void http_problems_free(struct http_problems *p);
/* Answer with a problem that has no name of its own (RFC 9457, 4.2.1): of HTTP itself, not of this API. */
void http_problem_plain(struct http_req *req, unsigned status, const char *title, const char *detail);

/* ---- linger.c ---- */

/* Begin to linger. Returns false if there is no use or no room: close. */
bool http_linger_begin(struct http_conn *c);
/* A step: throw away what has come; true if there may be more now. */
bool http_linger_read(struct http_conn *c);

/* ---- accept.c ---- */

/* Take waiting connections, some of them. */
void http_accept(struct http_loop *l);
/* Watch the listening socket again if that had to stop and there is room now. */
void http_accept_resume(struct http_loop *l);
/* Close the listening socket. */
void http_accept_stop(struct http_loop *l);

/* ---- loop.c ---- */

struct http_loop {
    /* immutable after open */
    struct http_server *server;
    int epoll_fd;
    unsigned max_conns;
    int64_t timeout_us[HTTP_STATES]; /* INT64_MAX: none */
    /* any thread posts, the loop takes */
    struct mailbox mailbox;
    struct task stop_task;
    /* the loop's thread only */
    int listen_fd;                           /* -1: closed */
    bool accept_paused;                      /* it is not watched; */
    int64_t accept_again;                    /* it will be from then on, if there is room */
    int64_t now_us;                          /* monotonic, of this turn */
    struct heap timers;                      /* of http_after() */
    struct http_conn *in_state[HTTP_STATES]; /* all open ones; who has been there longest is first */
    unsigned conn_count, linger_count;
    struct http_conn *ready, **ready_end; /* to be driven in this turn */
    struct http_request *spare;
    unsigned spare_count, orphans;
    struct http_spare_in *spare_in; /* buffers, see in.c */
    unsigned spare_in_count;
    struct http_codecs codecs;
    struct buf head; /* where heads of answers are put together */
    int64_t date_second;
    bool date_is_fresh; /* looked at in this turn */
    char date[HTTP_DATE];
    bool stopping;
    int64_t stop_by;
};

struct http_server {
    /* immutable after open */
    struct http_options options;
    struct http_router *router;
    struct http_problems *problems;
    uint16_t port;
    unsigned loop_count;
    struct http_loop *loops;
    /* shared */
    atomic_bool stopping;
    atomic_uint big_bodies;
};

/* Prepare loop @l for @listen_fd, which it takes (also on error). Returns 0 or BOX_EIO. */
int http_loop_open(struct http_loop *l, struct http_server *s, int listen_fd);
/* Returns false when a request was never answered: then nothing of the loop may be freed. */
bool http_loop_close(struct http_loop *l);
/* @c is to be driven at the end of this turn (while the queue is being emptied: of the next one). */
void http_loop_ready(struct http_conn *c);
/* Watch @fd: events come to what @what points to. Returns 0 or BOX_EIO. */
int http_loop_watch(struct http_loop *l, int fd, uint32_t events, void *what);

#endif
