/*
 * A whole server but for its process: store handle, view, writer, workers, cluster, HTTP, each with its
 * threads; and a client. Several of them make a cluster.
 */
#ifndef UNIT_CLUSTER_SERVER_H
#define UNIT_CLUSTER_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <signal.h>
#include <sodium.h>

#include "api/api.h"
#include "base/params.h"
#include "unit/cluster/shared_store.h"
#include "json/json_in.h"

enum { LEASE_MS = 1000, SKEW_MS = 10, PATIENCE = 6000 };

struct server {
    struct shared *shared;
    struct handle *handle;
    struct clock clock;
    struct rng rng, writer_rng;
    struct view *view;
    struct work_queue workers;
    struct cluster *cluster;
    struct writer *writer;
    struct auth *auth;
    struct app *app;
    struct api api;
    struct http_server *http;
    struct proxies proxies;
    char url[64];
    pthread_t threads[5];
};

/* ---- the observer ---- */

static inline void on_loaded(void *ctx, const struct inventory *inv)
{
    view_load(((struct server *)ctx)->view, inv);
}

static inline void on_changed(void *ctx, const struct inventory *inv, const struct change *first)
{
    view_apply(((struct server *)ctx)->view, inv, first);
}

static inline void on_gone(void *ctx, const struct event_id *id)
{
    view_remove(((struct server *)ctx)->view, id);
}

static inline void on_decided(void *ctx, const struct inventory *inv, const struct change *first)
{
    cluster_decided(((struct server *)ctx)->cluster, inv, first);
}

static inline void on_lost(void *ctx, const struct event_id *id)
{
    cluster_lost(((struct server *)ctx)->cluster, id);
}

static inline struct layout *layout_of(void *ctx, const struct venue_id *venue)
{
    return view_venue(((struct server *)ctx)->view, venue);
}

static inline void wake_nobody(void *ctx)
{
    (void)ctx;
}

/* ---- threads ---- */

static inline void *run_writer(void *s)
{
    writer_run(((struct server *)s)->writer);
    return NULL;
}

static inline void *run_worker(void *s)
{
    work_loop(&((struct server *)s)->workers);
    return NULL;
}

static inline void *run_http(void *s)
{
    http_run(((struct server *)s)->http, 0);
    return NULL;
}

static inline void *run_cluster(void *s)
{
    cluster_run(((struct server *)s)->cluster);
    return NULL;
}

static inline void *run_beats(void *s)
{
    cluster_beat_run(((struct server *)s)->cluster);
    return NULL;
}

/* ---- start and stop ---- */

static inline void server_parts(struct server *s)
{
    static const uint8_t signing_key[32] = {7};
    const struct cluster_options cluster = {
        .store = &s->handle->store,
        .view = s->view,
        .workers = &s->workers,
        .clock = &s->clock,
        .rng = &s->rng,
        .writer_rng = &s->writer_rng,
        .secret = {42},
        .lease_ms = LEASE_MS,
        .max_clock_skew_ms = SKEW_MS,
        .wake = wake_nobody,
    };
    assert_int_equal(cluster_open(&cluster, &s->cluster), 0);
    const struct writer_options writer = {
        .store = &s->handle->store,
        .clock = &s->clock,
        .rng = &s->writer_rng,
        .observer = {.ctx = s,
                     .loaded = on_loaded,
                     .changed = on_changed,
                     .gone = on_gone,
                     .decided = on_decided,
                     .lost = on_lost},
        .layout_of = layout_of,
        .layout_ctx = s,
        .expiry_delay_us = SKEW_MS * 1000,
    };
    s->writer = writer_new(&writer);
    s->auth = auth_new(signing_key);
    assert_int_equal(auth_add_key(s->auth, "till", "key"), 0);
    const struct app_options app = {
        .store = &s->handle->store,
        .view = s->view,
        .writer = s->writer,
        .workers = &s->workers,
        .clock = &s->clock,
        .rng = &s->rng,
        .auth = s->auth,
        .cluster = s->cluster,
    };
    s->app = app_open(&app);
    s->api = (struct api){.app = s->app, .proxies = &s->proxies};
    const struct http_options http = {
        .address = "127.0.0.1",
        .loops = 1,
        .routes = api_routes,
        .ctx = &s->api,
        .clock = &s->clock,
        .max_connections = 200,
        .idle_seconds = 60,
        .header_seconds = 10,
        .body_seconds = 10,
        .big_body_bytes = LIMIT_BODY_BYTES,
        .max_big_bodies = 2,
    };
    const char *reason;
    assert_int_equal(http_open(&http, &s->http, &reason), 0);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", http_port(s->http));
    cluster_introduce(s->cluster, s->writer, s->url);
}

/* It runs, and has joined if @join. */
static inline struct server *server_start(struct shared *sh, bool join)
{
    struct server *s = calloc(1, sizeof *s);
    must(s && sodium_init() >= 0);
    signal(SIGPIPE, SIG_IGN);
    s->shared = sh;
    s->handle = handle_new(sh);
    clock_init_system(&s->clock);
    rng_init_system(&s->rng);
    rng_init_keyed(&s->writer_rng);
    s->view = view_new();
    work_init(&s->workers, LIMIT_WORKER_QUEUE);
    assert_int_equal(app_load_venues(&s->handle->store, s->view), 0);
    server_parts(s);
    void *(*const mains[])(void *) = {run_writer, run_worker, run_http, run_cluster, run_beats};
    for (int i = 0; i < 5; i++)
        assert_int_equal(pthread_create(&s->threads[i], NULL, mains[i], s), 0);
    while (join && cluster_wait_joined(s->cluster, 1000))
        ;
    return s;
}

static inline void server_stop(struct server *s, bool resign)
{
    if (resign)
        cluster_leave(s->cluster);
    http_stop(s->http);
    pthread_join(s->threads[2], NULL);
    cluster_stop(s->cluster);
    pthread_join(s->threads[4], NULL);
    pthread_join(s->threads[3], NULL);
    work_stop(&s->workers);
    pthread_join(s->threads[1], NULL);
    writer_stop(s->writer);
    pthread_join(s->threads[0], NULL);
    http_close(s->http);
    app_close(s->app);
    auth_free(s->auth);
    writer_free(s->writer);
    cluster_close(s->cluster);
    work_done(&s->workers);
    view_free(s->view);
    free(s->handle);
    free(s);
}

/* ---- a client ---- */

struct reply {
    long status;
    struct buf body;
    char seq[32], not_home[8], replayed[8];
};

static inline size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    buf_add(ctx, data, size * count);
    return size * count;
}

static inline void take_field(CURL *curl, const char *name, char *ret, size_t size)
{
    struct curl_header *h;
    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
        snprintf(ret, size, "%s", h->value);
}

/* With more header fields, ended by NULL. */
static inline struct reply call_with(const struct server *s, const char *method, const char *path,
                                     const char *body, const char *const *fields)
{
    struct reply r = {0};
    char url[512];
    CURL *curl = curl_easy_init();
    struct curl_slist *list = curl_slist_append(NULL, "Authorization: Bearer key");
    if (body)
        list = curl_slist_append(list, "Content-Type: application/json");
    for (; fields && *fields; fields++)
        list = curl_slist_append(list, *fields);
    snprintf(url, sizeof url, "%s%s", s->url, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r.body);
    if (body || strcmp(method, "POST") == 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r.status);
    take_field(curl, "Change-Seq", r.seq, sizeof r.seq);
    take_field(curl, CLUSTER_NOT_HOME, r.not_home, sizeof r.not_home);
    take_field(curl, "Idempotent-Replayed", r.replayed, sizeof r.replayed);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    buf_addc(&r.body, 0);
    return r;
}

static inline struct reply call(const struct server *s, const char *method, const char *path,
                                const char *body)
{
    return call_with(s, method, path, body, NULL);
}

/* The text of a member of the answer's object, "" if it has none. */
static inline const char *member(struct reply *r, const char *name)
{
    static char text[128];
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"%s\":\"", name);
    const char *at = strstr(r->body.data, wanted);
    text[0] = 0;
    if (at) {
        at += strlen(wanted);
        snprintf(text, sizeof text, "%.*s", (int)strcspn(at, "\""), at);
    }
    return text;
}

static inline long status_of(const struct server *s, const char *method, const char *path, const char *body)
{
    struct reply r = call(s, method, path, body);
    buf_done(&r.body);
    return r.status;
}

#endif
