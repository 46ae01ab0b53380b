/*
 * Cluster: which server decides about which event, and how the others come to know what it decided.
 *
 *   members   Every server writes a row with every beat and reads all (store_beat()). One whose row has not
 *             changed for lease_ms of *our* monotonic clock is dead: no two clocks are ever compared. One
 * whose clock differs from the cluster's nodes by more than max_clock_skew_ms is alive but not fit. homes An
 * event belongs to the live and fit server that wins a rendezvous hash (homes.h). A server that finds itself
 * winning takes the event (store_take_event(), then WRITER_ADOPT) when its home is dead or has resigned,
 * never from one that lives; a home that finds another one winning resigns. All this is for speed and order
 * only: safety is the store's fence, so that any number of servers may be wrong about it for any time, and
 * one of them gets BOX_EFENCED. outbox    What this writer decided, in memory, by position: who follows asks
 * for what is after a position (outbox.h). link      To each other server one connection for its outbox and
 * some for forwarded requests (link.h; libcurl, a thread of its own). follow    Applies what other servers
 * decided to the writer's inventories of their events: the view, the live streams and everything else then is
 * as if it had been decided here (follow.h). watermark The time up to which every change of every event is
 * known here (store_cdc_until()).
 *
 * Words: a *server* is a boxoffice process, a *node* is one of ScyllaDB or Cassandra.
 *
 * Threads: one of its own (cluster_run()): beats, homes, watermark; one for the link. Everything else is
 * called from the HTTP loops and the writer.
 */
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include "base/task.h"
#include "store/store.h"
#include "view/view.h"
#include "writer/writer.h"

struct cluster;

struct cluster_options {
    struct store *store; /* store_shared() */
    struct writer *writer;
    struct view *view;
    struct work_queue *workers;
    const struct clock *clock;
    struct rng *rng;       /* the system's */
    const char *advertise; /* http[s]://HOST:PORT of this server */
    const char *ca_file;   /* PEM by which other servers' certificates are checked, or NULL */
    uint8_t secret[32];    /* what the servers of this cluster know of each other (store_secret()) */
    uint32_t lease_ms;
    uint32_t max_clock_skew_ms;
    void (*wake)(void *ctx); /* what is shown has changed: of the live streams (feed_wake()) */
    void *wake_ctx;
};

/* Make it; nothing runs yet, no other server knows of it. Returns 0 or BOX_EIO (*ret_reason says why). */
int cluster_open(const struct cluster_options *options, struct cluster **ret_cluster,
                 const char **ret_reason);
/* After cluster_run() has returned and all requests were answered. */
void cluster_close(struct cluster *c);
/*
 * Live until cluster_stop(): join, take or follow every event, beat, take over, give away; at the end resign
 * everything and leave. Thread: one.
 */
void cluster_run(struct cluster *c);
/* Blocks until every event is shown (as home or as follower), or cluster_run() has given up joining.
 * @progress now and then. Returns 0, or why not (BOX_EUNAVAILABLE, BOX_ECORRUPT ...; *ret_reason). */
int cluster_wait_joined(struct cluster *c, void (*progress)(void *ctx, size_t events, uint64_t tickets),
                        void *ctx, const char **ret_reason);
/* Give the homes away and end cluster_run(). Blocks until that is done. */
void cluster_stop(struct cluster *c);

/* ---- for the writer's observer; thread: the writer's ---- */
void cluster_decided(struct cluster *c, const struct inventory *inv, const struct change *first);
void cluster_lost(struct cluster *c, const struct event_id *id);
/* A venue was made here: the others are told. Thread: any. */
void cluster_venue(struct cluster *c, const struct venue_id *id);

/* ---- who decides; thread: any, no waiting ---- */
enum cluster_home { HOME_HERE, HOME_THERE, HOME_NOBODY };
/* The event's home as far as is known. NOBODY: just now none; ask again in some 100 ms. */
enum cluster_home cluster_home(struct cluster *c, const struct event_id *id);
/* Would this server be the home of a new event with this id? */
bool cluster_would_be_home(struct cluster *c, const struct event_id *id);
/* May a refusal rest on what is shown of the event here? True at its home, and where its home was heard of
 * within LIMIT_FOLLOW_FRESH_MS. */
bool cluster_fresh(struct cluster *c, const struct event_id *id);

/* ---- forwarding ---- */
struct cluster_field {
    const char *name, *value;
};
/* A request for the home of @event_id. Everything is lent until done(). */
struct cluster_forward {
    struct event_id event_id;
    const char *method, *target; /* "POST", "/v1/events/...": path and query as sent */
    const struct cluster_field *fields;
    size_t field_count;
    const void *body;
    size_t body_size;
    struct mailbox *reply_to; /* done() runs as a task there */
    void (*done)(struct cluster_forward *f);
    void *ctx;
    /* the result */
    int code; /* 0: the other server answered. BOX_EUNAVAILABLE: certainly not done. BOX_EUNKNOWN: it may
                 have been. */
    unsigned status;                    /* 0 */
    struct cluster_field *reply_fields; /* the cluster's until cluster_forward_end() */
    size_t reply_field_count;
    struct buf reply;
    /* the cluster's */
    struct task task;
    void *own;
};
/* Send it; an answer "not home" (certainly not done) is followed to where the home is now, for at most
 * LIMIT_FORWARD_MS. Thread: any. */
void cluster_forward(struct cluster *c, struct cluster_forward *f);
void cluster_forward_end(struct cluster_forward *f);

/* ---- what other servers ask for (api/internal.c) ---- */

/* Is this the secret of the cluster, as it stands in the header Boxoffice-Cluster? In constant time. */
bool cluster_knows(const struct cluster *c, const char *header);
/*
 * The outbox after @after, as bytes of the internal protocol (outbox.h). @from: server_id that @after belongs
 * to; another's, or one too old: the answer says so and lists this server's events. Appends to @ret; returns
 * false when there is nothing yet: ask again when woken (cluster_outbox_wait()).
 */
bool cluster_outbox_read(struct cluster *c, const struct uuid *from, uint64_t after, struct buf *ret);
/* Have @t posted to @m at the next news, once. cluster_outbox_unwait() takes it back (false: it was posted).
 */
void cluster_outbox_wait(struct cluster *c, struct mailbox *m, struct task *t);
bool cluster_outbox_unwait(struct cluster *c, struct task *t);
/* First sight of a forwarded write with this id? False: it has come before (a transport repeated it). */
bool cluster_first_sight(struct cluster *c, const struct uuid *request_id);
/* This process's id. */
const struct uuid *cluster_server_id(const struct cluster *c);

/* For GET /readyz and metrics: one line about the state of the cluster; true if this server takes part. */
bool cluster_state(struct cluster *c, char *ret_text, size_t size);

#endif
