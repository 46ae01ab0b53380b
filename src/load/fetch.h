/*
 * Single requests that wait for their answer: what is made ready before the load, and what is read after it.
 * Thread: one at a time.
 */
#ifndef LOAD_FETCH_H
#define LOAD_FETCH_H

#include "base/arena.h"
#include "load/wire.h"
#include "json/json_in.h"
#include <netinet/in.h>

struct fetcher {
    struct sockaddr_in address;
    const char *host, *key;
    int fd; /* -1: not connected */
    struct buf request, received;
    char error[300]; /* of the last call that failed */
};

/* Prepare; @host and @key must live as long. */
void fetcher_open(struct fetcher *f, const struct sockaddr_in *address, const char *host, const char *key);
/* Close the connection and free the memory. */
void fetcher_close(struct fetcher *f);
/*
 * One request with the API key. @body is JSON or NULL. The reply's body is whole and lent until the next
 * call. Returns 0, or -1 (f->error says why) when there was no answer or one that is not 2xx.
 */
int fetch(struct fetcher *f, const char *method, const char *path, const char *body, struct reply *ret);
/* A GET with another Accept. */
int fetch_as(struct fetcher *f, const char *path, const char *accept, struct reply *ret);
/*
 * A GET whose answer is read as JSON. The caller ends it with json_in_done(), also after a failure. Returns
 * as fetch().
 */
int fetch_json(struct fetcher *f, const char *path, struct arena *arena, struct json_in *ret_in,
               struct reply *ret);

#endif
