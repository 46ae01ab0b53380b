/*
 * Private to server/: the parts of a server, and those of them that only a server of a cluster has.
 */
#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include "api/api.h"
#include "app/app.h"
#include "cluster/cluster.h"
#include "feed/feed.h"
#include "http/http.h"
#include "http/stream.h"
#include "server/config.h"
#include <pthread.h>
#include <signal.h>

enum { MAX_THREADS = 64, REASON = 512 };

struct server {
    const struct config *config;
    struct clock clock;
    struct rng rng, writer_rng;
    struct store *store;
    struct view *view;
    struct cluster *cluster; /* NULL: the store is not shared */
    struct writer *writer;
    struct work_queue workers;
    struct auth *auth;
    struct app *app;
    struct http_streams *streams;
    struct feed *feed;
    struct api api;
    struct http_server *http;
    pthread_t writer_thread, stream_thread, worker_threads[MAX_THREADS], http_threads[MAX_THREADS];
    pthread_t cluster_thread, beat_thread;
    unsigned workers_running, loops_running;
    unsigned files; /* the limit of open files; what it leaves room for: */
    unsigned connections, max_streams;
    uint64_t tickets;
    int64_t load_us;
    bool made_key;
    const char *store_note; /* what was made at the start, or NULL */
    sigset_t signals;       /* that end the server; blocked */
    bool stopped;           /* by one of them, while it started */
    char reason[REASON];    /* why a part could not start */
};

/* Keep the reason why a part cannot start. Returns @code. */
int server_fail(struct server *s, int code, const char *reason);
/* The same for the store, which knows best: @what of it could not be read. */
int server_fail_store(struct server *s, int code, const char *what);

/* Parts of a server of a cluster (cluster_parts.c); of another server they are nothing. */
int cluster_store_start(struct server *s);
int cluster_start(struct server *s);
void cluster_stop_part(struct server *s);
int cluster_threads_start(struct server *s);
void cluster_threads_stop(struct server *s);
/* Wait until every event is shown. Ends with BOX_ESHUTDOWN when a signal comes. */
int cluster_join(struct server *s);
void cluster_resign(struct server *s);

#endif
