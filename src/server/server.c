/*
 * Start and stop. The parts stand in one table in the order in which they start; when one fails, those before
 * it are stopped in reverse, which is also how a running server ends.
 */
#include "server/server.h"
#include "api/encode.h"
#include "api/shelf.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/must.h"
#include "base/params.h"
#include "server/internal.h"
#include "server/keys.h"
#include "store/rocksdb/store_rocksdb.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct part {
    const char *name;
    int (*start)(struct server *s);
    void (*stop)(struct server *s);
};

int server_fail(struct server *s, int code, const char *reason)
{
    snprintf(s->reason, sizeof s->reason, "%s", reason);
    return code;
}

/* The store knows best why it cannot be read or written; where it has no words, what it read made no sense.
 */
int server_fail_store(struct server *s, int code, const char *what)
{
    const char *where = store_shared(s->store) ? s->config->store : s->config->data_dir;
    store_reason(s->store, s->reason, sizeof s->reason);
    if (!*s->reason && (code == BOX_ECORRUPT || !store_shared(s->store)))
        snprintf(s->reason, sizeof s->reason, "%.200s is damaged: %s cannot be read; restore a backup", where,
                 what);
    else if (!*s->reason)
        snprintf(s->reason, sizeof s->reason, "%.200s: %s cannot be read (%s)", where, what,
                 error_info(code)->title);
    return code;
}

/* ---- open files ---- */

enum {
    STORE_FILES = 40,       /* that a new store has open, and some for tables */
    STORE_TABLE_FILES = 16, /* that it may yet want, where the limit is low */
    LOOP_FILES = 4,         /* of each HTTP thread and of the stream thread, without connections */
    LEAST_CONNECTIONS = 8,
    LEAST_STREAMS = 1,
    PLENTY_OF_FILES = 1024,
};

/* How many files are open; the limit if none can be opened. */
static unsigned count_files(unsigned limit)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return errno == EMFILE ? limit : 0;
    close(fd);
    return (unsigned)fd;
}

/* As many open files as the system lets us have: the limit, and whether that is enough. */
static int files_start(struct server *s)
{
    struct rlimit limit = {.rlim_cur = PLENTY_OF_FILES, .rlim_max = PLENTY_OF_FILES};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    s->files = limit.rlim_cur > 1u << 20 ? 1u << 20 : (unsigned)limit.rlim_cur;
    unsigned least = count_files(s->files) + STORE_FILES + LOOP_FILES * (s->config->http_loops + 1) +
                     LEAST_CONNECTIONS + LEAST_STREAMS;
    if (s->files >= least)
        return 0;
    snprintf(s->reason, sizeof s->reason,
             "the open-file limit of %u is too low; raise it to %u or more (ulimit -n)", s->files, least);
    return BOX_EIO;
}

static void files_stop(struct server *s)
{
    (void)s;
}

static unsigned at_most(unsigned n, unsigned most)
{
    return n < most ? n : most;
}

/*
 * How many connections and streams the limit leaves room for beside the store's files. Where it is too low
 * for all, streams get the greater part: each is somebody who looks on, a connection serves many.
 */
static void share_files(struct server *s)
{
    unsigned kept = s->files > PLENTY_OF_FILES ? PLENTY_OF_FILES / 2 : s->files / 2;
    unsigned needed = count_files(s->files) + LOOP_FILES * (s->config->http_loops + 1) + STORE_TABLE_FILES;
    if (kept < needed)
        kept = needed;
    unsigned least = LEAST_CONNECTIONS + LEAST_STREAMS;
    unsigned left = s->files > kept + least ? s->files - kept : least;
    unsigned streams = left >= LIMIT_CONNECTIONS + LIMIT_STREAMS ? LIMIT_STREAMS : left / 8 * 5;
    s->max_streams = at_most(at_most(streams, left - LEAST_CONNECTIONS), LIMIT_STREAMS);
    s->connections = at_most(left - s->max_streams, LIMIT_CONNECTIONS);
}

/* ---- store and view ---- */

static int store_start(struct server *s)
{
    if (s->config->shared)
        return cluster_store_start(s);
    const struct store_rocksdb_options options = {.path = s->config->data_dir};
    const char *reason = "the store cannot be opened";
    int ret = store_rocksdb_open(&options, &s->store, &reason);
    return ret ? server_fail(s, ret, reason) : 0;
}

static void store_stop(struct server *s)
{
    store_close(s->store);
}

static int view_start(struct server *s)
{
    s->view = view_new();
    int ret = app_load_venues(s->store, s->view);
    if (!ret)
        return 0;
    view_free(s->view);
    return server_fail_store(s, ret, "a venue");
}

static void view_stop(struct server *s)
{
    view_free(s->view);
}

/* ---- writer ---- */

/* While the first events are loaded there is no feed yet. */
static void wake_feed(struct server *s)
{
    if (s->feed)
        feed_wake(s->feed);
}

static void on_loaded(void *ctx, const struct inventory *inv)
{
    struct server *s = ctx;
    view_load(s->view, inv);
    wake_feed(s);
}

static void on_changed(void *ctx, const struct inventory *inv, const struct change *first)
{
    struct server *s = ctx;
    view_apply(s->view, inv, first);
    wake_feed(s);
}

static void on_gone(void *ctx, const struct event_id *id)
{
    struct server *s = ctx;
    view_remove(s->view, id);
    wake_feed(s);
}

/* Of a shared store only. */
static void on_decided(void *ctx, const struct inventory *inv, const struct change *first)
{
    struct server *s = ctx;
    cluster_decided(s->cluster, inv, first);
}

static void on_lost(void *ctx, const struct event_id *id)
{
    struct server *s = ctx;
    cluster_lost(s->cluster, id);
}

/* A venue whose write was not known to have happened may be there after all. */
static int on_reopened(void *ctx)
{
    struct server *s = ctx;
    return app_load_venues(s->store, s->view);
}

static struct layout *layout_of(void *ctx, const struct venue_id *venue)
{
    return view_venue(ctx, venue);
}

static void load_progress(void *ctx, size_t events, uint64_t tickets)
{
    struct server *s = ctx;
    s->tickets = tickets;
    log_debug("server", "loaded %zu events with %llu tickets", events, (unsigned long long)tickets);
}

static int writer_start(struct server *s)
{
    struct writer_options options = {
        .store = s->store,
        .clock = &s->clock,
        .rng = &s->writer_rng,
        .observer =
            {.ctx = s, .loaded = on_loaded, .changed = on_changed, .gone = on_gone, .reopened = on_reopened},
        .layout_of = layout_of,
        .layout_ctx = s->view,
        .limits = s->config->limits,
    };
    int64_t began_us = clock_monotonic_us(&s->clock);
    if (s->cluster) { /* which brings the events */
        options.observer.decided = on_decided;
        options.observer.lost = on_lost;
        options.expiry_delay_us = s->config->max_clock_skew * INT64_C(1000);
        s->writer = writer_new(&options);
        return 0;
    }
    s->writer = writer_new(&options);
    int ret = writer_load(s->writer, load_progress, s);
    if (ret) {
        writer_free(s->writer);
        return server_fail_store(s, ret, "an event");
    }
    s->load_us = clock_monotonic_us(&s->clock) - began_us;
    return 0;
}

static void writer_stop_part(struct server *s)
{
    writer_free(s->writer);
}

static void *writer_main(void *arg)
{
    writer_run(arg);
    return NULL;
}

static int writer_thread_start(struct server *s)
{
    if (pthread_create(&s->writer_thread, NULL, writer_main, s->writer))
        return server_fail(s, BOX_EIO, "cannot start a thread: the system's limit is reached");
    return 0;
}

static void writer_thread_stop(struct server *s)
{
    writer_stop(s->writer);
    pthread_join(s->writer_thread, NULL);
}

/* ---- workers ---- */

static int queue_start(struct server *s)
{
    work_init(&s->workers, LIMIT_WORKER_QUEUE);
    return 0;
}

static void queue_stop(struct server *s)
{
    work_done(&s->workers);
}

static void *worker_main(void *arg)
{
    work_loop(arg);
    return NULL;
}

static void workers_stop(struct server *s)
{
    work_stop(&s->workers);
    for (unsigned i = 0; i < s->workers_running; i++)
        pthread_join(s->worker_threads[i], NULL);
}

static int workers_start(struct server *s)
{
    for (unsigned i = 0; i < s->config->workers; i++) {
        if (pthread_create(&s->worker_threads[i], NULL, worker_main, &s->workers)) {
            workers_stop(s);
            return server_fail(s, BOX_EIO, "cannot start a thread: the system's limit is reached");
        }
        s->workers_running++;
    }
    return 0;
}

/* ---- credentials and use cases ---- */

static int auth_start(struct server *s)
{
    uint8_t fresh[32], signing_key[32];
    rng_bytes(&s->rng, fresh, sizeof fresh);
    int ret = store_secret(s->store, "session-signing-key", fresh, signing_key);
    if (ret)
        return server_fail_store(s, ret, "the key that signs session tokens");
    s->auth = auth_new(signing_key);
    sodium_memzero(signing_key, sizeof signing_key);
    ret = keys_load(s->config, s->store, s->auth, &s->rng, &s->made_key, s->reason);
    if (ret)
        auth_free(s->auth);
    return ret;
}

static void auth_stop(struct server *s)
{
    auth_free(s->auth);
}

static int app_start(struct server *s)
{
    const struct app_options options = {
        .store = s->store,
        .view = s->view,
        .writer = s->writer,
        .workers = &s->workers,
        .clock = &s->clock,
        .rng = &s->rng,
        .auth = s->auth,
        .cluster = s->cluster,
        .demo_payments = s->config->demo,
    };
    s->app = app_open(&options);
    return 0;
}

static void app_stop(struct server *s)
{
    app_close(s->app);
}

/* ---- streams and what feeds them ---- */

static int streams_start(struct server *s)
{
    share_files(s);
    const struct http_stream_options options = {
        .clock = &s->clock,
        .rng = &s->rng,
        .max = s->max_streams,
        .heartbeat_ms = LIMIT_STREAM_HEARTBEAT_MS,
        .stall_ms = LIMIT_STREAM_STALL_SECONDS * 1000,
        .retry_min_ms = LIMIT_STREAM_RETRY_MIN_MS,
        .retry_max_ms = LIMIT_STREAM_RETRY_MAX_MS,
    };
    int ret = http_streams_open(&options, &s->streams);
    if (ret)
        return server_fail(s, ret, "the open-file limit is too low; raise it (ulimit -n)");
    const struct feed_options feed = {
        .view = s->view,
        .app = s->app,
        .streams = s->streams,
        .clock = &s->clock,
        .encode_row = encode_cdc_row,
    };
    s->feed = feed_open(&feed);
    return 0;
}

static void streams_stop(struct server *s)
{
    http_streams_close(s->streams);
    feed_close(s->feed);
    s->feed = NULL;
}

static void *stream_main(void *arg)
{
    http_streams_run(arg);
    return NULL;
}

static int stream_thread_start(struct server *s)
{
    if (pthread_create(&s->stream_thread, NULL, stream_main, s->streams))
        return server_fail(s, BOX_EIO, "cannot start a thread: the system's limit is reached");
    return 0;
}

static void stream_thread_stop(struct server *s)
{
    http_streams_stop(s->streams);
    pthread_join(s->stream_thread, NULL);
}

/* ---- http ---- */

static int http_start(struct server *s)
{
    const struct config *c = s->config;
    s->api = (struct api){
        .app = s->app,
        .feed = s->feed,
        .lists = shelf_new(),
        .proxies = c->limits.seats[BUDGET_ADDRESS] ? &c->proxies : NULL,
    };
    const struct http_options options = {
        .address = s->config->address,
        .port = s->config->port,
        .loops = s->config->http_loops,
        .routes = api_routes,
        .ctx = &s->api,
        .clock = &s->clock,
        .max_connections = s->connections,
        .idle_seconds = LIMIT_CONNECTION_IDLE_SECONDS,
        .header_seconds = LIMIT_HEADER_SECONDS,
        .body_seconds = LIMIT_BODY_SECONDS,
        .big_body_bytes = LIMIT_BODY_BYTES,
        .max_big_bodies = LIMIT_BIG_BODIES,
    };
    const char *reason = "cannot listen";
    int ret = http_open(&options, &s->http, &reason);
    if (ret) {
        snprintf(s->reason, sizeof s->reason, "%s (--listen)", reason);
        shelf_free(s->api.lists);
    }
    return ret;
}

static void http_stop_part(struct server *s)
{
    http_close(s->http);
    shelf_free(s->api.lists);
}

struct loop_start {
    struct http_server *http;
    unsigned index;
};

static void *http_main(void *arg)
{
    struct loop_start start = *(struct loop_start *)arg;
    free(arg);
    http_run(start.http, start.index);
    return NULL;
}

static void loops_stop(struct server *s)
{
    http_stop(s->http);
    for (unsigned i = 0; i < s->loops_running; i++)
        pthread_join(s->http_threads[i], NULL);
}

static int loops_start(struct server *s)
{
    must(http_loop_count(s->http) <= MAX_THREADS);
    for (unsigned i = 0; i < http_loop_count(s->http); i++) {
        struct loop_start *start = malloc(sizeof *start);
        must(start);
        *start = (struct loop_start){.http = s->http, .index = i};
        if (pthread_create(&s->http_threads[i], NULL, http_main, start)) {
            free(start);
            loops_stop(s);
            return server_fail(s, BOX_EIO, "cannot start a thread: the system's limit is reached");
        }
        s->loops_running++;
    }
    return 0;
}

/*
 * Started from the top, stopped from the bottom: requests end before workers, workers before the writer, and
 * the loops' mailboxes last, because until then an answer may come. What an answer leads to may ask for a
 * worker or the writer: both are there, and refuse. On a cluster the first step is to give the events to
 * others: while that lasts, and until the last request has its answer, requests are sent on to them.
 */
static const struct part PARTS[] = {
    {"files", files_start, files_stop},
    {"store", store_start, store_stop},
    {"view", view_start, view_stop},
    {"cluster", cluster_start, cluster_stop_part},
    {"writer", writer_start, writer_stop_part},
    {"credentials", auth_start, auth_stop},
    {"work queue", queue_start, queue_stop},
    {"app", app_start, app_stop},
    {"streams", streams_start, streams_stop},
    {"http", http_start, http_stop_part},
    {"writer thread", writer_thread_start, writer_thread_stop},
    {"worker threads", workers_start, workers_stop},
    {"stream thread", stream_thread_start, stream_thread_stop},
    {"cluster threads", cluster_threads_start, cluster_threads_stop},
    {"http threads", loops_start, loops_stop},
    {"place in the cluster", cluster_join, cluster_resign},
};

enum { PART_COUNT = sizeof PARTS / sizeof PARTS[0] };

static void stop_parts(struct server *s, size_t started)
{
    while (started-- > 0) {
        log_debug("server", "stopping %s", PARTS[started].name);
        PARTS[started].stop(s);
    }
}

/* Start all parts. Returns 0, or the failing part's error after the others were stopped. */
static int start_parts(struct server *s)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        int ret = PARTS[i].start(s);
        if (ret) {
            stop_parts(s, i);
            return ret;
        }
    }
    return 0;
}

/* Said only now: a start that fails says nothing but why. */
static void log_started(const struct server *s)
{
    const struct config *c = s->config;
    if (!s->cluster)
        log_info("server", "loaded %zu events with %llu tickets in %lld ms", view_event_count(s->view),
                 (unsigned long long)s->tickets, (long long)(s->load_us / 1000));
    if (s->store_note) /* a keyspace was made, once and for all, or keeps its copies in a way to think about
                        */
        log_warn("server", "%s", s->store_note);
    if (s->cluster && !c->api_key && !*c->api_key_file)
        log_info("server",
                 "the API key is the value of the secret 'api-key' in the keyspace of %s, its hex digits",
                 c->store);
    else if (s->made_key)
        log_info("server", "made an API key in %s/api-key", c->data_dir);
    else if (!c->api_key && !*c->api_key_file)
        log_info("server", "the API key is in %s/api-key", c->data_dir);
    if (s->connections < LIMIT_CONNECTIONS || s->max_streams < LIMIT_STREAMS)
        log_warn(
            "server",
            "the open-file limit of %u allows %u connections instead of %u and %u live streams instead of "
            "%u; raise it (LimitNOFILE= of systemd, ulimit -Hn)",
            s->files, s->connections, (unsigned)LIMIT_CONNECTIONS, s->max_streams, (unsigned)LIMIT_STREAMS);
}

int server_run(const struct config *config)
{
    struct server s = {.config = config};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    s.signals = signals;
    signal(SIGPIPE, SIG_IGN);
    log_set_level(config->level);
    clock_init_system(&s.clock);
    if (sodium_init() < 0) {
        config_say("the system gives no random numbers");
        return 1;
    }
    rng_init_system(&s.rng);
    rng_init_keyed(&s.writer_rng);
    if (start_parts(&s)) {
        config_say(s.reason);
        return s.stopped ? 0 : 1;
    }
    log_started(&s);
    bool v6 = strchr(config->address, ':') != NULL;
    printf("boxoffice: listening on http://%s%s%s:%u\n", v6 ? "[" : "", config->address, v6 ? "]" : "",
           http_port(s.http));
    fflush(stdout);
    int signal_number;
    sigwait(&signals, &signal_number);
    log_info("server", "%s: finishing what is under way", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL); /* a second signal ends the process at once */
    stop_parts(&s, PART_COUNT);
    return 0;
}
