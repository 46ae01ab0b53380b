/*
 * App: the use cases. What a request wants is said in plain structs; who asks, what is allowed, and the way
 * through workers and the writer is decided here. Knows no HTTP and no JSON.
 *
 * Life: the server makes the parts (store, view, writer, work queue, credentials), opens the app on them,
 * gives it to http_open() as the routes' ctx (api/api.h: api_routes), and closes it after http_close(), when
 * no call is under way:
 *
 *  - store, view; app_load_venues();
 *  - writer_new() (observer: the view; layout_of: view_venue()), writer_load();
 *  - auth_new() and the keys, app_open(), http_open() (routes: api_routes, ctx: the app).
 *
 * One struct app_call (call.h) belongs to each request that is not answered at once.
 */
#ifndef APP_APP_H
#define APP_APP_H

#include "app/auth.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/task.h"
#include "cluster/cluster.h"
#include "store/store.h"
#include "view/view.h"
#include "writer/writer.h"
#include <stdbool.h>

/* The parts; all are borrowed and must outlive the app. */
struct app_options {
    struct store *store;
    struct view *view;
    struct writer *writer;
    struct work_queue *workers; /* blocking store calls and big bodies run there */
    const struct clock *clock;
    struct rng *rng; /* shared by threads: the system's */
    const struct auth *auth;
    struct cluster *cluster; /* of a shared store; else NULL */
    bool demo_payments;      /* a buyer's own session may confirm its order */
};

struct app {
    /* immutable after app_open() */
    struct app_options parts;
};

/* Open the app on its parts; sodium_init() has been called. Thread: any. The caller closes it. */
struct app *app_open(const struct app_options *options);
/* Every call must have been answered. The parts stay. */
void app_close(struct app *app);

/* Show every venue of the store. Thread: before writer_load(). Blocks. Returns 0 or the store's error. */
int app_load_venues(struct store *store, struct view *view);

/* A venue: a new reference, or NULL when there is none. On a cluster it may block: another server may have
 * made it just now. Thread: a worker. */
struct layout *app_venue(const struct app *app, const struct venue_id *id);

/* True while writes are accepted (GET /readyz). Thread: any. */
bool app_ready(const struct app *app);
int64_t app_now_ms(const struct app *app);

#endif
