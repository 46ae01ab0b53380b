/*
 * Reading the body of a request: of a length that is known, or in chunks.
 *
 * One of known length is read right into its memory, which grows with what has come and not with what was
 * announced. Chunks pass through the connection's buffer, where picohttpparser takes their frames away. The
 * fields that may follow them (trailers) are checked as those of a head are, and thrown away.
 *
 * A body that no handler wants, because the request is refused or its route expects none, is read all the
 * same, so that the connection lives on; it costs no memory.
 */
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "http/internal.h"
#include <picohttpparser.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALL_BODY = 2048,      /* one of known length up to this lives in the arena */
    FIRST_ROOM = 64 * 1024, /* memory for a larger one at first, whatever its announced size */
};

struct http_chunks {
    struct phr_chunked_decoder decoder;
    bool in_trailers; /* the last chunk was read */
};

/* ---- what is expected ---- */

bool http_body_is_expected(const struct http_request *r)
{
    return r->head.chunked || r->head.content_length > 0;
}

/* Count a big body; false if there are too many. */
static bool enter_big(struct http_request *r)
{
    struct http_server *s = r->loop->server;
    if (r->in.big)
        return true;
    if (atomic_fetch_add(&s->big_bodies, 1) >= s->options.max_big_bodies) {
        atomic_fetch_sub(&s->big_bodies, 1);
        return false;
    }
    r->in.big = true;
    return true;
}

static void check_type(struct http_request *r)
{
    const char *type = http_request_header(r, "Content-Type");
    if (r->route->json_body && (!type || !http_type_is_json(type)))
        http_request_refuse(r, BOX_EMEDIATYPE, NULL);
}

int http_body_plan(struct http_request *r)
{
    struct http_incoming *in = &r->in;
    if (!http_body_is_expected(r))
        return 0;
    bool wanted = r->route && r->route->max_body;
    in->limit = wanted ? r->route->max_body : LIMIT_BODY_BYTES;
    int64_t length = r->head.content_length;
    if (length > 0 && (uint64_t)length > in->limit)
        return r->refusal ? r->refusal : BOX_ETOOLARGE;
    if (wanted && length > 0)
        check_type(r); /* of a chunked one it is not known yet whether there is any */
    if (r->refusal && (r->head.expect_continue || length > LIMIT_BODY_BYTES))
        return r->refusal;
    if (wanted && !r->refusal && length > 0 && (uint64_t)length > r->loop->server->options.big_body_bytes &&
        !enter_big(r))
        return BOX_EUNAVAILABLE;
    in->kept = wanted && !r->refusal;
    if (in->kept && length > 0 && length <= SMALL_BODY) {
        in->room = (size_t)length + 1;
        in->data = arena_alloc(&r->arena, in->room);
    }
    if (r->head.chunked) {
        in->chunks = arena_alloc(&r->arena, sizeof *in->chunks);
        in->chunks->decoder.consume_trailer = 0; /* they are looked at here */
    }
    return 0;
}

void http_body_drop(struct http_request *r)
{
    if (r->in.on_heap)
        free(r->in.data);
    if (r->in.big)
        atomic_fetch_sub(&r->loop->server->big_bodies, 1);
}

/* ---- memory ---- */

/* Make room for @more bytes and a NUL. */
static void make_room(struct http_request *r, size_t more)
{
    struct http_incoming *in = &r->in;
    size_t needed = in->received + more + 1;
    if (needed <= in->room)
        return;
    size_t most = (r->head.content_length > 0 ? (size_t)r->head.content_length : in->limit) + 1;
    size_t room = in->room ? 2 * in->room : FIRST_ROOM;
    if (room < needed)
        room = needed;
    if (room > most)
        room = most;
    must(room >= needed && (!in->data || in->on_heap));
    in->data = realloc(in->data, room);
    must(in->data); /* out of memory ends the program */
    in->on_heap = true;
    in->room = room;
}

/* @size bytes of the body, which lie in the connection's buffer. False: refused. */
static bool take(struct http_request *r, const char *data, size_t size)
{
    struct http_incoming *in = &r->in;
    if (size > in->limit - in->received) {
        http_request_refuse(r, BOX_ETOOLARGE, NULL);
        return false;
    }
    if (in->kept) {
        if (in->received + size > r->loop->server->options.big_body_bytes && !enter_big(r)) {
            http_request_refuse(r, BOX_EUNAVAILABLE, NULL);
            return false;
        }
        make_room(r, size);
        memcpy(in->data + in->received, data, size);
    }
    in->received += size;
    return true;
}

static enum http_body_state complete(struct http_request *r)
{
    const struct http_incoming *in = &r->in;
    if (!in->kept || !in->received)
        return HTTP_BODY_COMPLETE;
    in->data[in->received] = '\0';
    r->pub.body = in->data;
    r->pub.body_size = in->received;
    if (in->chunks)
        check_type(r);
    return HTTP_BODY_COMPLETE;
}

/* ---- a known length ---- */

/* What a read of @got bytes (or -1) means for the body. */
static enum http_body_state after_read(ssize_t got)
{
    return got < 0 ? HTTP_BODY_GONE : got > 0 ? HTTP_BODY_MORE : HTTP_BODY_WAIT;
}

static enum http_body_state read_more_of_known(struct http_request *r, size_t left)
{
    struct http_incoming *in = &r->in;
    if (!in->kept)
        return after_read(http_in_fill_body(r->conn, in->floor));
    make_room(r, left < FIRST_ROOM ? left : FIRST_ROOM);
    size_t room = in->room - 1 - in->received;
    ssize_t got = http_conn_recv(r->conn, in->data + in->received, left < room ? left : room);
    if (got > 0)
        in->received += (size_t)got;
    return after_read(got);
}

static enum http_body_state read_known(struct http_request *r)
{
    struct http_in *buffer = &r->conn->in;
    size_t left = (size_t)r->head.content_length - r->in.received, here = buffer->end - buffer->start;
    if (here > left)
        here = left;
    must(take(r, buffer->data + buffer->start, here)); /* the length was looked at before */
    buffer->start += (unsigned)here;
    left -= here;
    return left == 0 ? complete(r) : read_more_of_known(r, left);
}

/* ---- chunks ---- */

static enum http_body_state refuse_malformed(struct http_request *r)
{
    http_request_refuse(r, BOX_EBADREQUEST, "The chunks of the body are not well formed.");
    return HTTP_BODY_REFUSED;
}

static enum http_body_state read_trailers(struct http_request *r)
{
    struct http_in *buffer = &r->conn->in;
    ssize_t used = http_trailer_parse(buffer->data + buffer->start, buffer->end - buffer->start);
    if (used < 0)
        return refuse_malformed(r);
    if (used > 0) {
        buffer->start += (unsigned)used;
        return complete(r);
    }
    int filled = http_in_fill_body(r->conn, r->in.floor);
    if (filled == -2)
        return refuse_malformed(r); /* no end of them */
    return after_read(filled);
}

static enum http_body_state read_chunks(struct http_request *r)
{
    struct http_in *buffer = &r->conn->in;
    if (buffer->start == buffer->end)
        return after_read(http_in_fill_body(r->conn, r->in.floor));
    size_t size = buffer->end - buffer->start;
    ssize_t left = phr_decode_chunked(&r->in.chunks->decoder, buffer->data + buffer->start, &size);
    if (left == -1)
        return refuse_malformed(r);
    if (!take(r, buffer->data + buffer->start, size))
        return HTTP_BODY_REFUSED;
    buffer->start += (unsigned)size;
    r->in.chunks->in_trailers = left >= 0;
    buffer->end = buffer->start + (left >= 0 ? (unsigned)left : 0);
    return HTTP_BODY_MORE;
}

enum http_body_state http_body_read(struct http_request *r)
{
    if (!r->in.chunks)
        return read_known(r);
    return r->in.chunks->in_trailers ? read_trailers(r) : read_chunks(r);
}
