/*
 * What the files of this folder share. Nothing here is for others (but for the unit tests).
 *
 * A connection (struct http_conn) lives from accept to close. A request (struct http_request) lives from the
 * end of its header to the moment when both its answer was given AND libmicrohttpd (MHD) has let go of it:
 *
 *     reading --> running (the handler has it) --> answered --> sent, or the client is gone --> freed
 *                    \--> orphan (the connection ended first: only when the loop ends by force) --> answered
 * --> freed
 *
 * While a request runs and its handler has returned, its connection is suspended: MHD neither reads from it
 * nor notices that the client has gone, so MHD cannot end it. The answer is queued, the connection resumed;
 * if the client has gone meanwhile, MHD finds out then and ends the request like any other. Handlers may
 * therefore keep a pointer to their request until they have answered, whatever the client does.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/heap.h"
#include "base/mailbox.h"
#include "http/http.h"
#include <stdatomic.h>

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

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
/* True if an If-None-Match header lists @tag (quoted), by weak comparison, or is "*". */
bool http_tag_listed(const char *if_none_match, const char *tag);

/*
 * How long the bodies behind recent tags were: a 304 may tell the length of the body it stands for, or none,
 * and MHD always tells one. A fixed table; a newer entry replaces an older one of the same slot.
 */
enum { HTTP_LENGTHS = 1024 };

struct http_lengths {
    struct {
        uint64_t key; /* 0: empty */
        uint64_t length;
    } slot[HTTP_LENGTHS];
};

/* Remember the length of the body that @key (not 0) stands for. */
void http_lengths_put(struct http_lengths *t, uint64_t key, size_t length);
/* Returns false if unknown. */
bool http_lengths_get(const struct http_lengths *t, uint64_t key, size_t *ret_length);

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
/* Decode %XX of a query's name or value (+ is a space already). Returns NULL on a bad escape, NUL or bad
 * UTF-8. */
const char *http_query_decode(struct arena *a, const char *raw);

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

/* What the header fields say about the message itself. */
struct http_head {
    const char *fault;      /* not NULL: malformed, say why and close */
    int64_t content_length; /* -1: none */
    bool chunked;
    bool expect_continue;
};

/* Read and check all header fields of the request that @mhd has just got. */
void http_head_read(struct MHD_Connection *mhd, const char *method, const char *version,
                    struct http_head *ret_head);
/* True if @type is application/json, with or without parameters. */
bool http_type_is_json(const char *type);

/* ---- request.c ---- */

struct http_server;

struct http_conn {
    struct http_conn *prev, *next; /* the loop's list */
    struct http_loop *loop;
    struct http_request *req; /* under way, or the orphan that outlived the connection */
    int fd;
    bool linger;          /* unread input is to be drained after the close, so that the answer arrives */
    bool closed;          /* MHD has closed it; only an orphan keeps it */
    bool received_known;  /* received is of this wait for a request */
    uint64_t received;    /* bytes that had come by TCP when last looked */
    int64_t header_since; /* us; when a header was first seen coming in, 0: not yet */
    int64_t body_since;   /* us; when the header was complete, 0: no body is being read */
    char peer[48];
};

struct http_field {
    struct http_field *next;
    const char *name, *value;
};

struct http_request {
    struct http_req pub; /* first: handlers hold a pointer to it */
    struct http_loop *loop;
    struct http_conn *conn;
    struct MHD_Connection *mhd;       /* NULL: gone */
    struct http_request *prev, *next; /* of the suspended ones, or next of the free ones */
    struct arena arena;

    /* while reading */
    const struct http_route *route;
    struct http_head head;
    int refusal; /* BOX_Ex to answer without a handler, 0: none */
    const char *refusal_detail;
    unsigned allow;
    bool is_head;          /* HEAD */
    bool body_kept, big;   /* the body is wanted; counts against max_big_bodies */
    bool body_on_heap;     /* body was malloc'ed */
    size_t limit;          /* of the body, bytes */
    size_t received, room; /* bytes of the body that came; size of the memory at body */
    char *body;
    struct http_pair *query;
    size_t query_count;

    /* while running and answering */
    bool running;   /* the handler was called */
    bool answered;  /* http_reply*() was called */
    bool suspended; /* in MHD, and in the loop's list */
    bool broken;    /* the answer could not be queued: close */
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

/* Free @r, which is answered or never ran, and which MHD does not know (any more). */
void http_request_free(struct http_request *r);
/* http_header(). The value is copied into the arena: MHD's memory ends with the connection. NULL for an
 * orphan. */
const char *http_request_header(struct http_request *r, const char *name);

/* ---- reply.c ---- */

/* Now, as a Date header has it. */
enum { HTTP_DATE = 32 };
void http_date(const struct clock *clock, char text[static HTTP_DATE]);
/*
 * Take the connection's socket out of MHD, which forgets the connection: @r counts as answered, and the
 * caller writes to the descriptor that is returned. Returns -1 when there is none to be had; @r is not
 * answered.
 */
int http_take_socket(struct http_request *r);
/* Answer @r with @m, which stays the caller's. Nothing of @r may be touched afterwards. */
void http_queue(struct http_request *r, unsigned status, struct MHD_Response *m);
/* Add a header field, and those that every answer has. */
void http_response_add(struct MHD_Response *m, const char *name, const char *value);
void http_response_add_security(struct MHD_Response *m);
/* An answer that tells of @size bytes (MHD_SIZE_UNKNOWN: of some) and has none: of a 304, of a HEAD. */
struct MHD_Response *http_response_bodiless(size_t size);
/*
 * Answer in the middle of a body, where MHD does not take an answer: write it to the socket ourselves. The
 * caller makes MHD close the connection.
 */
void http_reply_raw(struct http_request *r, int code);

/* ---- problem.c ---- */

/* Append the JSON of a problem; returns its status. */
unsigned http_problem_body(struct buf *b, int code, const char *detail,
                           void (*members)(struct json_out *j, void *ctx), void *ctx);

/* ---- loop.c, linger.c ---- */

struct http_linger;

struct http_loop {
    /* immutable after open */
    struct http_server *server;
    int epoll_fd;
    /* any thread posts, the loop takes */
    struct mailbox mailbox;
    struct task stop_task;
    /* the loop's thread only */
    struct MHD_Daemon *daemon;
    int64_t now_us; /* monotonic, of this turn */
    struct heap timers;
    struct http_conn *conns, *patrol; /* all; the next to look at */
    unsigned conn_count;
    bool conn_gone; /* one ended in this turn */
    int64_t patrol_at;
    struct http_request *suspended, *spare;
    unsigned spare_count, orphans;
    struct http_linger *lingers;
    unsigned linger_count;
    struct http_codecs codecs;
    struct http_lengths *lengths;
    bool stopping;
    int64_t stop_by;
};

struct http_server {
    /* immutable after open */
    struct http_options options;
    struct http_router *router;
    uint16_t port;
    unsigned loop_count;
    struct http_loop *loops;
    int64_t patrol_us; /* time between two looks at the same connection is 8 of these */
    /* shared */
    atomic_bool stopping;
    atomic_uint big_bodies;
};

/* Prepare loop @l with its daemon on @listen_fd, which it takes (also on error). Returns 0 or BOX_EIO. */
int http_loop_open(struct http_loop *l, struct http_server *s, int listen_fd);
/* Returns false when a request was never answered: then nothing of the loop may be freed. */
bool http_loop_close(struct http_loop *l);
/* Let the connection of @r rest until its answer comes; wake it again, its answer being queued. */
void http_loop_suspend(struct http_request *r);
void http_loop_resume(struct http_request *r);
/* The connection waits for its next request from here on. */
void http_loop_idle(struct http_conn *conn);

/* Keep reading what the client of @fd (not taken, but doubled) still sends, for a while, then close. */
void http_linger_start(struct http_loop *l, int fd);
/* @linger, whose socket is readable. */
void http_linger_read(struct http_linger *linger);
/* Close those whose time is over (all: every one). */
void http_linger_expire(struct http_loop *l, bool all);
/* When the next one is over, INT64_MAX: there is none. */
int64_t http_linger_next(const struct http_loop *l);

#endif
