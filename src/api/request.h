/*
 * Request: one HTTP request on its way through this folder, and what every handler needs: who asks, query,
 * cursors, ids, the body, and the ways to answer.
 *
 * A handler begins with api_begin() (NULL: answered already), reads what it needs, and either answers or
 * starts a use case whose done() answers. What the request holds on to is released when it is over, which may
 * be while it is answered: nothing of it is touched after an answer.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/api.h"
#include "app/usecases.h"
#include "json/json_in.h"
#include "json/json_out.h"

struct api_req;
typedef void api_show(struct api_req *c);
typedef void api_encode(struct api_req *c, struct json_out *j);

struct api_req {
    struct app_call call; /* first */
    struct http_req *req;
    const struct api *api;
    struct json_in in; /* the body's faults, and those of the query */
    struct idem_key idem;
    /* of an answer that is made later */
    unsigned status;
    api_encode *encode; /* the body; NULL: none */
    const char *(*location)(struct api_req *c);
    api_show *show;                  /* of a read of an event */
    uint64_t wanted_seq;             /* Change-Seq of the request, or 0 */
    int64_t wait_until_us;           /* how long it is waited for */
    void *user;                      /* the handler's */
    struct buf body;                 /* of a big answer, made on a worker */
    api_show *release;               /* of what user holds on to; called when the request is over */
    bool forwarded;                  /* another server of the cluster has sent it on to this one */
    struct cluster_forward *forward; /* it is sent on to another one */
};

/* ---- beginning ---- */

/*
 * Begin: credential (401, 403) and query parameters (those in @query, NULL-terminated; NULL: none; 400 for
 * others and for repeated ones); on a cluster, that this server has joined it (503). @ctx is the struct api.
 * Returns NULL when it was answered. Thread: the request's loop.
 */
struct api_req *api_begin(struct http_req *req, void *ctx, enum app_right right, const char *const *query);
/* The same for a POST that is answered once only: the Idempotency-Key is read (422). */
struct api_req *api_begin_post(struct http_req *req, void *ctx, enum app_right right);
/* The call's api_req. */
struct api_req *api_of(struct app_call *call);

/* ---- reading ---- */

/* Id @index of the path. Returns false when it is none: answered with 404. */
bool api_path_id(struct api_req *c, unsigned index, struct uuid *ret_id);
/* Find the event of path id 0. Returns false when there is none that may be seen: answered with 404. */
bool api_path_event(struct api_req *c);
/* Parse the body, an object with no other members than @known. Faults are recorded; see api_fits(). */
struct json_node api_body(struct api_req *c, const char *const *known);
/* The same; no body at all is an object without members (json_in_member() gives absent nodes). */
struct json_node api_body_or_none(struct api_req *c, const char *const *known);
/* True if nothing was recorded in c->in; else it was answered with 400 or 422. */
bool api_fits(struct api_req *c);

/* Query parameters; faults are recorded. A list's `limit` and `cursor`. */
void api_query_page(struct api_req *c, struct cursor *ret_after, uint32_t *ret_limit);
/* The same for a list whose cursor is an id. Returns false when it is read from its start. */
bool api_query_page_of(struct api_req *c, struct uuid *ret_after, uint32_t *ret_limit);
/* A UUID, or false if absent (or a fault). */
bool api_query_uuid(struct api_req *c, const char *name, struct uuid *ret_id);
/* @text is a decimal number 0..@max. */
bool api_parse_number(const char *text, uint64_t max, uint64_t *ret_number);
/* A number 0..@max, or false. */
bool api_query_number(struct api_req *c, const char *name, uint64_t max, uint64_t *ret_number);
/*
 * The event of a ticket that is asked for into @event, which the request names already if @named. Returns
 * false if there is no such ticket (in that event).
 */
bool api_ticket_event(struct api_req *c, const struct uuid *ticket, bool named, struct event_id *event);
/* A text of 1..@max characters; NULL if absent (or a fault). */
const char *api_query_text(struct api_req *c, const char *name, size_t max);
/* Record that the cursor (of the parameter @name) is none of this list's. */
void api_fault_cursor(struct api_req *c, const char *name);

/*
 * The network of the client, for the budget; NULL if it is not to be counted. What comes from this machine is
 * its operator's, or came through a proxy that nobody has named: then one budget for all buyers would end
 * the sale. The arena's.
 */
const struct address *api_client(const struct api_req *c);

/* Read an event: wait for its Change-Seq if the request has one, then @show, which answers. */
void api_event_read(struct http_req *req, void *ctx, const char *const *query, api_show *show);

/* ---- answering ---- */

extern const char JSON_TYPE[];
/* Documents about more seats are made on a worker: a loop has others to serve. */
enum { API_LOOP_SEATS = 10000 };
/* Append the JSON that @encode makes. */
void api_encode_into(struct api_req *c, api_encode *encode, struct buf *b);
/* The Cache-Control of what is to be revalidated; private where a key alone may see it. */
const char *api_revalidated(const struct api_req *c);

/* A problem with the members that its code has (from the call's verdict and c->in). @detail NULL: the
 * table's. */
void api_problem(struct api_req *c, int code, const char *detail);
/* A problem about one value: 422 with one error. */
void api_invalid(struct api_req *c, const char *pointer, const char *detail);
/* The header Change-Seq, unless @seq is 0. */
void api_header_seq(struct api_req *c, uint64_t seq);
/*
 * ETag, Cache-Control and Change-Seq of a reply. True if the client's copy is good: answered with 304.
 * @cache_control NULL: to be revalidated, and private where a key alone may see it.
 */
bool api_unchanged(struct api_req *c, const char *etag, const char *cache_control);
/* An ETag made of the bytes of a body. */
const char *api_hash_etag(struct arena *arena, const void *data, size_t size);
/* 200 with the JSON that @encode makes, to be revalidated. Change-Seq is that of the call, if any. */
void api_reply_cached(struct api_req *c, const char *etag, api_encode *encode);
/* The same, with a hash of the body as ETag. */
void api_reply_hashed(struct api_req *c, api_encode *encode);
/* The same for a document about @seats seats; a big one is made on a worker. @cache_control: as above. */
void api_reply_document(struct api_req *c, const char *etag, const char *cache_control, api_encode *encode,
                        uint32_t seats);
/* A reply that is about one buyer, or about now: not to be kept. */
void api_reply_private(struct api_req *c, unsigned status, api_encode *encode);
/* An ETag of the event's newest change: good for everything that depends on it. */
const char *api_event_etag(struct api_req *c, const char *suffix);

/* "/v1/holds/" and an id: where what a write has made is found. The arena's. */
const char *api_location(struct api_req *c, const char *base, const struct uuid *id);
/* Prepare a write: what its answer is when it was accepted. The call is done() by answering. */
struct app_call *api_write(struct api_req *c, unsigned status, api_encode *encode,
                           const char *(*location)(struct api_req *c));
/* The same for a write on the event of path id 0. Returns false when there is none: answered with 404. */
bool api_write_event(struct api_req *c, unsigned status, api_encode *encode);
/* Answer a write: done() of api_write(). */
void api_answer(struct app_call *call);
/* Answer a read: done() of api_read(). */
void api_answer_read(struct app_call *call);
/* Prepare a read on a worker: 200 with @encode. */
struct app_call *api_read(struct api_req *c, api_encode *encode);

#endif
