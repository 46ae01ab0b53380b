/*
 * HTTP/1.1 as the load generator speaks it: requests are text that is made once; replies have a
 * Content-Length, or no body. Pure functions on bytes, so that tests need no server.
 */
#ifndef LOAD_WIRE_H
#define LOAD_WIRE_H

#include "base/buf.h"
#include "base/uuid.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why there is no reply. */
enum wire_error {
    WIRE_OK,
    WIRE_CONNECT,  /* no connection */
    WIRE_CLOSED,   /* the server closed it before it answered */
    WIRE_TIMEOUT,  /* nothing came in time */
    WIRE_PROTOCOL, /* what came is not a reply of this kind */
    WIRE_UNSENT,   /* too many requests waited for a connection */
    WIRE_ERRORS
};

/* "connect", "closed", ... */
const char *wire_error_name(enum wire_error error);

struct reply {
    enum wire_error error; /* WIRE_OK: all else is meaningful */
    unsigned status;
    uint64_t change_seq;    /* 0: the header is missing */
    uint32_t retry_after_s; /* 0: the header is missing */
    bool replayed;          /* Idempotent-Replayed: true */
    bool closes;            /* Connection: close */
    size_t body_bytes;      /* of the whole body */
    const char *body;       /* terminated by 0; its beginning where it was not asked for in full */
    size_t kept;            /* bytes of it */
};

struct wire_request {
    const char *method, *path, *host;
    const char *token;           /* or NULL */
    const char *idempotency_key; /* or NULL */
    const char *headers;         /* more lines, each ended by CR LF; or NULL */
    const char *body;            /* JSON, or NULL */
};

/* Put the text of a request into @ret, which is emptied before. */
void wire_write(struct buf *ret, const struct wire_request *r);

/*
 * Read the head of a reply: @head with its empty line, terminated by 0. Fills everything of *ret but the body
 * itself. Returns false where it is no HTTP/1.1 reply or its length is not known.
 */
bool wire_read_head(const char *head, struct reply *ret);

/* The first member @name of a JSON body as a UUID. Returns false when it is missing or none. */
bool reply_uuid(const struct reply *r, const char *name, struct uuid *ret);
/* The first member @name as a time, in ms since 1970; 0 when it is missing or none. */
int64_t reply_time(const struct reply *r, const char *name);
/* True for a problem reply of this slug ("seats-taken"). */
bool reply_is_problem(const struct reply *r, const char *slug);

#endif
