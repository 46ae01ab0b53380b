/*
 * Link: requests to other servers over HTTP, many at once, on connections that are kept (libcurl).
 *
 * A plain thing for one thread, which drives it with link_step(); nothing here blocks. At most
 * LIMIT_FORWARD_CONNECTIONS connections go to one server, what does not fit waits. Redirects are not
 * followed, proxies of the environment not asked, nothing but http and https is spoken.
 *
 * What a failure means is told apart, because it decides whether a write may be tried again: either nothing
 * at all was sent, or the request may have been carried out. libcurl itself sends a request again when a
 * connection that was used before turns out to be dead, also a POST: so the id of a forwarded write goes with
 * it, and the other server tells the second one (sights.h).
 */
#ifndef CLUSTER_LINK_H
#define CLUSTER_LINK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/mailbox.h"
#include <stdbool.h>

struct link;

struct link_call {
    /* set by the caller, lent until done() */
    const char *method, *url;
    const char *const *fields; /* "Name: value", ended by NULL */
    const void *body;
    size_t body_size;
    int64_t timeout_ms;
    void (*done)(struct link_call *call); /* from link_step(); the call is the caller's again */
    /* the result */
    int code; /* 0; BOX_EUNAVAILABLE: nothing was sent; BOX_EUNKNOWN: it may have been carried out */
    unsigned status;
    struct buf reply; /* the caller frees it */
    /* the link's */
    void *easy, *sent_fields;
    struct link_call *prev, *next;
};

/* @ca_file: PEM, or NULL: the system's. Returns 0 or BOX_EIO (no memory or files). */
int link_open(const char *ca_file, struct link **ret_link);
/* What is under way is done() with an error. */
void link_close(struct link *l);
/* Begin. */
void link_send(struct link *l, struct link_call *call);
/* Give it up: done() is called from here, as if it had failed now. */
void link_abort(struct link *l, struct link_call *call);
/* In done(): a field of the answer, or NULL. Lent until done() returns. */
const char *link_reply_field(const struct link_call *call, const char *name);
/* Wait until something comes for a call, or for @mailbox, at most @wait_us; then do what can be done. */
void link_step(struct link *l, const struct mailbox *mailbox, int64_t wait_us);

#endif
