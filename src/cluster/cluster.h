/*
 * Cluster: which server decides about which event, and how the others come to know what it decided.
 *
 *   members    Every server writes a row with every beat and reads all (store_beat()). One whose row has not
 *              changed for a lease of our own monotonic clock is dead (members.h). One whose clock differs
 *              from the nodes' by more than max_clock_skew_ms lives, but is not fit to be a home.
 *   homes      An event belongs to the live and fit server that wins a rendezvous hash (homes.h). A server
 *              that wins an event takes it (store_take_event(), then WRITER_ADOPT) when its home is dead or
 *              has resigned, never from one that lives; a home that finds another one winning resigns. All
 *              this is for speed and order only: safety is the store's fence, so that any number of servers
 *              may be wrong about it for any time, and all of them but one get BOX_EFENCED (reconcile.c).
 *   outbox     What this writer decided, in memory, by position: who follows asks for what is after a
 *              position (outbox.h, wire.h).
 *   follow     Applies what other servers decided to the writer's inventories of their events: the view, the
 *              live streams and everything else then is as if it had been decided here (follow.c).
 *   forward    A request that another server has to decide goes there as it is, and its answer comes back
 *              (forward.c).
 *   watermark  The time up to which every change of every event is known to the store (watermark.h).
 *
 * Words: a *server* is a boxoffice process, a *node* is one of ScyllaDB or Cassandra.
 *
 * Threads: two. cluster_run() never blocks and owns all that is not said to be shared; what blocks is done by
 * workers, and the beat, which must not wait for anybody, by cluster_beat_run(). The rest is called from the
 * HTTP loops and the writer.
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
    struct view *view;
    struct work_queue *workers;
    const struct clock *clock;
    struct rng *rng;        /* shared by threads: the system's */
    struct rng *writer_rng; /* of the writer's inventories, which are made here; not drawn from here */
    const char *ca_file;    /* PEM by which other servers' certificates are checked, or NULL */
    uint8_t secret[32];     /* what the servers of this cluster know of each other (store_secret()) */
    uint32_t lease_ms;
    uint32_t max_clock_skew_ms;
    void (*wake)(void *ctx); /* more of the log may be read: of the live streams. Thread: the cluster's */
    void *wake_ctx;
};

/* Make it; nothing runs yet, no other server knows of it. Returns 0 or BOX_EIO. */
int cluster_open(const struct cluster_options *options, struct cluster **ret_cluster);
/* After both threads have ended and all requests were answered. */
void cluster_close(struct cluster *c);
/* The writer, and http[s]://HOST:PORT where other servers reach this one. Thread: before cluster_run(). */
void cluster_introduce(struct cluster *c, struct writer *writer, const char *address);

/* Live until cluster_stop(): join, take or follow every event, take over, give away. Thread: one. */
void cluster_run(struct cluster *c);
/* Beat until cluster_stop(). Thread: another one. */
void cluster_beat_run(struct cluster *c);
/* Nobody will call cluster_beat_run(). */
void cluster_never_beats(struct cluster *c);
/*
 * Wait at most @timeout_ms until every event is shown, as home or as follower. Requests of other servers must
 * be answered meanwhile. Returns 0 or BOX_EBUSY. Thread: any.
 */
int cluster_wait_joined(struct cluster *c, unsigned timeout_ms);
bool cluster_joined(const struct cluster *c);
/* Give all homes away, tell the others, and leave. Blocks until that is done, for some seconds at most. What
 * comes later is forwarded. Requests of other servers must be answered meanwhile. Thread: any, once. */
void cluster_leave(struct cluster *c);
/* End both threads, when all that workers and the writer do for them is done. Thread: any. */
void cluster_stop(struct cluster *c);

/* ---- for the writer's observer; thread: the writer's ---- */

/* Became durable here. */
void cluster_decided(struct cluster *c, const struct inventory *inv, const struct change *first);
/* This writer is no longer home of the event. */
void cluster_lost(struct cluster *c, const struct event_id *id);

/* ---- for everybody; thread: any, no waiting ---- */

/* A venue was made here: the others are told. */
void cluster_venue(struct cluster *c, const struct venue_id *id);
/* A venue as it is shown, or else from the store, and then it is shown: a new reference, or NULL when there
 * is none (or it cannot be read now). Blocks in the latter case. */
struct layout *cluster_venue_of(struct cluster *c, const struct venue_id *id);

enum cluster_home { HOME_HERE, HOME_THERE, HOME_NOBODY };
/* The event's home as far as is known. NOBODY: just now none; ask again in some 100 ms. */
enum cluster_home cluster_home(struct cluster *c, const struct event_id *id);
/* Would this server be the home of a new event with this id? */
bool cluster_would_be_home(struct cluster *c, const struct event_id *id);
/* Up to when (wall clock, us) the change log of all events is complete, as this server knows; 0: not yet. */
int64_t cluster_complete_us(const struct cluster *c);
/* May a refusal rest on what is shown of the event here? True at its home, and where its home was heard of
 * within LIMIT_FOLLOW_FRESH_MS. */
bool cluster_fresh(struct cluster *c, const struct event_id *id);

/* ---- forwarding ---- */

struct cluster_field {
    const char *name, *value;
};
enum { FORWARD_FIELDS = 12 };
/* A request for the home of @event_id. Everything is lent until done(). */
struct cluster_forward {
    struct event_id event_id;
    const char *method, *target; /* "POST", "/v1/events/...": path and query as sent */
    struct cluster_field fields[FORWARD_FIELDS];
    size_t field_count;
    const void *body;
    size_t body_size;
    struct mailbox *reply_to; /* done() runs as a task there */
    void (*done)(struct cluster_forward *f);
    void *ctx;
    /* the result */
    int code; /* 0: the other server answered. BOX_EUNAVAILABLE: certainly not done. BOX_EUNKNOWN: it may
                 have been. */
    unsigned status;
    struct cluster_field reply_fields[FORWARD_FIELDS]; /* those that are passed on; the cluster's */
    size_t reply_field_count;
    struct buf reply;
    /* the cluster's */
    struct task task;
    void *own;
};
/*
 * Send it to the home of the event, or, if there is no such event yet, to the server that would be its home.
 * An answer "not home" (certainly not done) is followed to where the home is then, for at most
 * LIMIT_FORWARD_MS. Should the home be here by then, it goes the same way. Thread: any.
 */
void cluster_forward(struct cluster *c, struct cluster_forward *f);
/* Free the result. After done(). */
void cluster_forward_end(struct cluster_forward *f);

/* ---- what other servers ask for (api/internal.c); thread: any ---- */

/* The header fields between servers. */
#define CLUSTER_SECRET     "Boxoffice-Cluster"    /* the secret: only with it do the others count */
#define CLUSTER_REQUEST_ID "Boxoffice-Request-Id" /* of one attempt to forward a request */
#define CLUSTER_SERVER     "Boxoffice-Server"     /* the process that it is meant for */
#define CLUSTER_CLIENT     "Boxoffice-Client"     /* the address of the client that it is from */
#define CLUSTER_NOT_HOME   "Boxoffice-Not-Home"   /* of an answer: certainly not done, ask the home */

/* Is this the secret of the cluster, as it stands in the header? In constant time. */
bool cluster_knows(const struct cluster *c, const char *header);
/* This process's id. */
const struct uuid *cluster_server_id(const struct cluster *c);
/*
 * The news of this server for @reader, see outbox_read(). If there are none, @t is posted to @m when there
 * are, and false returned; cluster_news_unwait() takes that back (false: it was posted already).
 */
bool cluster_news(struct cluster *c, const struct uuid *reader, const struct uuid *from, uint64_t after,
                  struct buf *ret, struct mailbox *m, struct task *t);
bool cluster_news_unwait(struct cluster *c, struct task *t);
/* There were none. */
void cluster_news_idle(struct cluster *c, const struct uuid *from, uint64_t after, struct buf *ret);
/* First sight of a forwarded write with this id? False: it has come before (a transport repeated it). */
bool cluster_first_sight(struct cluster *c, const struct uuid *request_id);

/* One line about the state of the cluster, for GET /readyz. */
void cluster_state(struct cluster *c, char *ret_text, size_t size);

#endif
