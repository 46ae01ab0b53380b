/*
 * HTTP/1.1: from the listening socket to a handler's request, and from its reply back to the socket.
 *
 * Each loop is a thread of its own (made by server/) with its own listening socket (SO_REUSEPORT), epoll and
 * mailbox. A request is read whole, routed, and given to its handler on the loop's thread. The handler
 * answers at once, or returns and answers later, from a task posted to the loop's mailbox (http_mailbox()).
 * A connection whose answer is pending costs nothing but its memory. How it works: internal.h.
 *
 * What is done here for everybody: routing, 404, 405 with Allow, HEAD, 413, 415, limits and deadlines for
 * header and body, Content-Length/Transfer-Encoding sanity, compression (zstd, br, gzip by Accept-Encoding
 * with q values, where the body is over 1 KiB and the type pays), ETag per coding, If-None-Match -> 304,
 * Vary, security headers, counting.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/task.h"
#include "json/json_out.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHODS };

enum { HTTP_PATH_PARAMS = 4 };

struct http_loop;

struct http_req {
    enum http_method method; /* HEAD arrives as GET; the body is left out when it is sent */
    const char *path;        /* decoded, without the query */
    const char *raw_path;    /* as sent, without the query */
    struct arena *arena;     /* lives as long as the request */
    const char *body;        /* size bytes; "" when there was none */
    size_t body_size;
    const char *params[HTTP_PATH_PARAMS]; /* values of the {names} of the route, in order */
    const char *peer;                     /* address of the client, text */
    void *user;                           /* the handler's */
};

typedef void http_handler(struct http_req *req, void *ctx);

/* A table of these, ended by an entry without a path. */
struct http_route {
    enum http_method method;
    const char *path; /* "/v1/events/{event_id}/holds": a {name} is one segment */
    http_handler *handler;
    size_t max_body; /* bytes; 0: no body is expected (one that comes is read up to LIMIT_BODY_BYTES and
                        ignored) */
    bool json_body;  /* a body must be application/json, else 415 */
};

struct http_options {
    const char *address; /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;       /* 0: any free one */
    unsigned loops;
    const struct http_route *routes;
    void *ctx; /* for the handlers */
    const struct clock *clock;
    unsigned max_connections; /* of all loops */
    unsigned idle_seconds, header_seconds, body_seconds;
    size_t big_body_bytes; /* a body above this counts against max_big_bodies, 503 when exceeded */
    unsigned max_big_bodies;
};

struct http_server;

/* Bind and listen; no thread yet. *ret_reason: one line that says what to do. Returns 0 or BOX_EIO (port in
 * use, no such address). */
int http_open(const struct http_options *options, struct http_server **ret_server, const char **ret_reason);
/* The port that is listened on. */
uint16_t http_port(const struct http_server *s);
unsigned http_loop_count(const struct http_server *s);
/* Serve loop @index until http_stop() and every answer was sent (at most 10 s). The process must ignore
 * SIGPIPE. Thread: one per loop. */
void http_run(struct http_server *s, unsigned index);
/* Stop accepting, close idle connections, finish what is under way. Thread: any; async-signal-safe is not
 * needed. */
void http_stop(struct http_server *s);
/*
 * Free everything, after the loops have ended. Answers that came too late are taken from the mailboxes and
 * dropped. Nobody may be inside task_post() to one of them, so stop first whoever posts; where a request is
 * still unanswered, everything is kept for it and leaks.
 */
void http_close(struct http_server *s);

/* ---- for handlers, on the loop's thread ---- */
/* Header by name without case; NULL if absent. A header that came twice: the values joined with ", ". Lent
 * for as long as the request lives. */
const char *http_header(struct http_req *req, const char *name);
/* Query parameter, decoded; NULL if absent. */
const char *http_query(struct http_req *req, const char *name);
/* The @index-th query parameter: name (and value), NULL at the end; for refusing unknown and repeated ones.
 */
const char *http_query_at(struct http_req *req, size_t index, const char **ret_value);
/* Where tasks must be posted that answer this request. */
struct mailbox *http_mailbox(struct http_req *req);
/* Call @fn(req) on the loop's thread after @ms milliseconds, unless the request is answered before. One at a
 * time. */
void http_after(struct http_req *req, unsigned ms, void (*fn)(struct http_req *req));

/* ---- answering: exactly once per request ---- */
/* Add a header to the answer (before http_reply*). Text is copied; it must not have control characters
 * (must). */
void http_reply_header(struct http_req *req, const char *name, const char *value);
/* An ETag (without quotes and without the coding, which is added here) and Cache-Control for the answer. */
void http_reply_cache(struct http_req *req, const char *etag, const char *cache_control);
/*
 * After http_reply_cache(): if the client's copy is known to be current, answer 304 and return true; the body
 * need not even be made. False says nothing: http_reply() still turns into a 304 where it can.
 */
bool http_reply_unchanged(struct http_req *req);
/* Send. Takes the bytes out of @body (which is then empty). @type NULL: no body. */
void http_reply(struct http_req *req, unsigned status, const char *type, struct buf *body);
/* Send bytes that live for ever. */
void http_reply_static(struct http_req *req, unsigned status, const char *type, const void *data,
                       size_t size);
/*
 * An error as application/problem+json (RFC 9457): type, title, status of @code (BOX_Ex), @detail (or the
 * explanation's first sentence when NULL), and more members by @members (may be NULL). 401 gets
 * WWW-Authenticate, 503 Retry-After: 1.
 */
void http_problem(struct http_req *req, int code, const char *detail,
                  void (*members)(struct json_out *j, void *ctx), void *ctx);

/* ---- pages: answers that are made once and sent many times, see page.c ---- */

enum http_coding { HTTP_IDENTITY, HTTP_GZIP, HTTP_BR, HTTP_ZSTD, HTTP_CODINGS };

/* Bytes and their compressed forms. Counted by references; thread: any, for all of these. */
struct http_body;
/* Takes the bytes out of @bytes, at least one; @type must live for ever. One reference, the caller's. */
struct http_body *http_body_new(const char *type, struct buf *bytes);
struct http_body *http_body_ref(struct http_body *b);
void http_body_unref(struct http_body *b);
/* The bytes as they are; lent. */
const void *http_body_bytes(const struct http_body *b, size_t *ret_size);
/* True if the form in @coding is there, or there is no use for one. */
bool http_body_has(const struct http_body *b, enum http_coding coding);
/* The coding in which @req is to get @b. Thread: the request's loop. */
enum http_coding http_body_coding(struct http_req *req, const struct http_body *b);
/* Make the form in @coding, with the effort that something big deserves: tens of ms a MB; for a worker. */
void http_body_prepare(struct http_body *b, enum http_coding coding);

/* A body with the header fields of one version. Counted by references; thread: any. */
struct http_page;
struct http_page_head {
    const char *etag, *cache_control;     /* as http_reply_cache(); copied */
    const char *vary;                     /* beside Accept-Encoding, or NULL; must live for ever */
    const char *field_name, *field_value; /* one more header field, or NULL; the name must live for ever */
};
/* Takes the reference of @body. One reference, the caller's. */
struct http_page *http_page_new(struct http_body *body, const struct http_page_head *head);
struct http_page *http_page_ref(struct http_page *p);
void http_page_unref(struct http_page *p);
/*
 * Answer a GET with the page: 200, or 304 where the client's copy is good. A form that is missing is made
 * here and now, with little effort. The caller keeps its reference. Fields that were added to the request's
 * answer (http_reply_header(), http_reply_cache()) are not sent: a page has its own.
 */
void http_reply_page(struct http_req *req, struct http_page *p);

/*
 * For handlers: call @fn(req) once when the request is over, that is when its answer has been sent or its
 * client is gone, to give back what was tied to it. Until then all that @req lends stays, whatever the client
 * does.
 */
void http_on_finish(struct http_req *req, void (*fn)(struct http_req *req));

#endif
