/*
 * Private to cluster/: what the cluster's thread keeps, and the steps that the files share.
 *
 * The thread never blocks. What it wants from others comes back as a task in its inbox: from the writer
 * (struct errand), from workers (struct job), from the beat, from the observer (struct note); what it wants
 * from other servers comes through the link.
 */
#ifndef CLUSTER_INTERNAL_H
#define CLUSTER_INTERNAL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/idmap.h"
#include "base/must.h"
#include "base/params.h"
#include "cluster/cluster.h"
#include "cluster/link.h"
#include "cluster/members.h"
#include "cluster/outbox.h"
#include "cluster/sights.h"
#include "cluster/watermark.h"
#include "cluster/wire.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    SECRET_TEXT = 43, /* 32 bytes, base64url */
    URL_BYTES = SERVER_ADDRESS_BYTES + 128,
    TICK_US = 10000, /* the thread looks round at least so often */
};

/* Something to do later. */
struct timer {
    struct heap_item item; /* first */
    void (*run)(struct timer *t);
};

/* An event, and who is its home as far as is known here. */
struct known {
    struct event_id id;    /* first: the map's */
    struct uuid home;      /* nil: nobody */
    uint64_t epoch;        /* of that home, or the last one: who has a higher one is right */
    bool resigned;         /* nobody, and nothing of it can be under way */
    bool stale;            /* what is shown of it may not be followed: ask for its image */
    bool busy;             /* being taken, resigned or asked for */
    bool dropped;          /* it is gone, and to be freed when it is not busy any more */
    bool giving;           /* resigned to a newcomer, which has not taken it yet */
    unsigned failures;     /* to take or load it, in a row */
    int64_t since_us;      /* nobody since; monotonic, as all here */
    int64_t lost_us;       /* this server's writer lost it then; 0: it has not */
    int64_t not_before_us; /* back-off */
};

/* Another server that lives, and is followed. */
struct peer {
    struct cluster *c;
    struct uuid id;
    char address[SERVER_ADDRESS_BYTES];
    uint64_t after;           /* its outbox is known up to here */
    bool heard;               /* its homes are known */
    bool gone;                /* to be freed when nothing is under way */
    _Atomic int64_t heard_us; /* any thread; when everything up to `after` was known to be all */
    int64_t stable_us;
    unsigned failures;
    size_t fetches; /* images under way */
    /* the poll */
    struct link_call poll;
    bool polling;
    struct timer retry;
    char url[URL_BYTES], secret_field[80];
    const char *fields[4];
    struct batch *batch; /* its answer, while it is being applied */
};

/* Work for a worker. */
struct job {
    struct task task;
    struct cluster *c;
    void (*work)(struct job *job); /* on a worker */
    void (*then)(struct job *job); /* back on the cluster's thread; frees it */
};

/* Something that the writer is asked to do. */
struct errand {
    struct writer_req req;
    struct arena arena;
    struct cluster *c;
    void (*then)(struct errand *e); /* back on the cluster's thread; frees it by errand_end() */
    struct timer retry;             /* the writer's queue was full */
    void *user;
    struct known *known;
};

struct cluster {
    /* immutable after cluster_introduce() */
    struct cluster_options options;
    struct writer *writer;
    char address[SERVER_ADDRESS_BYTES];
    char secret[SECRET_TEXT + 1];
    struct uuid server_id;
    int64_t started_ms;

    /* any thread */
    struct mailbox inbox;
    struct outbox *outbox;
    struct sights sights;
    atomic_bool joined, fit, leaving, resigned, left, stopping, beats_ended;
    _Atomic int64_t complete_us; /* the watermark */
    _Atomic int64_t trust_us;    /* monotonic: until then nobody else can be home of our events */
    atomic_size_t forwards;      /* asked for and not answered */
    pthread_mutex_t wait_mtx;
    pthread_cond_t wait; /* joined or left */

    /* written by the cluster's thread under the lock; others read under it, the thread without */
    pthread_rwlock_t lock;
    struct idmap events; /* struct known */
    struct peer *peers[LIMIT_CLUSTER_SERVERS];
    size_t peer_count;
    struct uuid roster[LIMIT_CLUSTER_SERVERS + 1]; /* who may be home of a new event */
    size_t roster_count;

    /* the cluster's thread */
    struct link *link;
    struct heap timers;
    struct members *members;
    struct watermark watermark;
    uint64_t seen_version; /* of the view */
    int64_t news_us;       /* wall clock: no change that is shown has a later time */
    size_t under_way;      /* jobs and errands */
    size_t taking;         /* of these, events that are taken or loaded */
    size_t giving;         /* events resigned and not yet taken by a newcomer */
    size_t stale;          /* events of others whose image is wanted, as counted by the last look */
    size_t here, nobody;   /* events, as counted by the last look */
    size_t orphans;        /* of nobody, those that were not resigned */
    bool dirty;            /* something has changed that may make an event move */
    bool listing, listed;  /* the store is asked for all events; has been since the last death */
    size_t resigning;      /* events that the writer is told to resign */
    bool said_leaving;
    int64_t look_took_us;
    int64_t looked_us;                  /* the last look at all events */
    int64_t first_beat_us, own_beat_us; /* our first and newest successful beat began */
    int64_t asleep_us; /* our lease was over, which was found out then: others may have taken our events, and
                          all have to be heard before we are sure of any; 0: that is not so */
    int64_t read_us;   /* the rows of all were read */
    bool beat_failed;
    bool clock_fits;
    int64_t clock_ahead_us;
    int64_t list_not_before_us;
    int64_t left_told_us; /* leaving: until when the others are waited for */
    struct forwarding *forwardings;
    bool draining; /* nothing is tried again */

    /* the beat's thread */
    struct mailbox beat_box;
    struct task beat_now; /* posted once at a time */
    atomic_bool beat_posted;
};

static inline int64_t now_us(const struct cluster *c)
{
    return clock_monotonic_us(c->options.clock);
}

/* ---- cluster.c ---- */

/* Have @t->run() called after @us. */
void timer_set(struct cluster *c, struct timer *t, int64_t us);
/* Give a worker the job. Returns 0, or BOX_EBUSY or BOX_ESHUTDOWN: nothing has begun. */
int job_start(struct cluster *c, struct job *job);
/* An errand with nothing in it. */
struct errand *errand_new(struct cluster *c, enum writer_op op, const struct event_id *id);
/* Give it to the writer; when its queue is full, again and again. */
void errand_send(struct errand *e, void (*then)(struct errand *e));
/* Free it. */
void errand_end(struct errand *e);
/* Beat now, not only when it is time. */
void beat_soon(struct cluster *c);

/* ---- reconcile.c: whose each event is ---- */

/* The event, or NULL. */
struct known *known_find(const struct cluster *c, const struct event_id *id);
/* The event; if it was not known, with nobody as home. */
struct known *known_of(struct cluster *c, const struct event_id *id);
/* It is gone for good. */
void known_drop(struct cluster *c, struct known *k);
/* @home (nil: nobody) is its home now. */
void known_set_home(struct cluster *c, struct known *k, const struct uuid *home, uint64_t epoch,
                    bool resigned);
/* What is shown of it may not be followed any more, or may be again. */
void known_set_stale(struct cluster *c, struct known *k, bool stale);
/* Taking it has failed: not again for a while. */
void known_failed(struct cluster *c, struct known *k);
/* It is not busy any more; frees it if it was dropped meanwhile. */
void known_free(struct cluster *c, struct known *k);
bool known_is_here(const struct cluster *c, const struct known *k);
/* Another server says that it is home; is that newer than what is known? Then it is so. */
bool known_claimed(struct cluster *c, struct known *k, const struct uuid *server, uint64_t epoch);
/* The writer is home no more: it was refused, or told that it is unknown what happened. */
void known_lost(struct cluster *c, const struct event_id *id);
/* Look at all events, if there is reason to: take, give away, ask for images; and whether all have joined. */
void reconcile(struct cluster *c);
/* The same for the list of servers: peers come and go. */
void reconcile_members(struct cluster *c);

/* ---- take.c: becoming home ---- */

/* Take the event (or only load it to show it), on a worker. */
void take_start(struct cluster *c, struct known *k, bool home);
/* Stop being home. */
void resign_start(struct cluster *c, struct known *k);

/* ---- follow.c ---- */

/* Begin to follow. */
struct peer *peer_new(struct cluster *c, const struct server_row *row);
/* No longer; freed when nothing is under way. */
void peer_end(struct peer *p);
struct peer *peer_find(const struct cluster *c, const struct uuid *id);
/* Ask for the image of an event that is stale, apart from any news. */
void image_refresh(struct peer *p, struct known *k);

/* ---- forward.c ---- */

/* Thread: the cluster's. Those that wait for this server will hear nothing more of it. */
void forward_server_died(struct cluster *c, const struct uuid *server);
/* Answer all. */
void forward_end_all(struct cluster *c);

#endif
