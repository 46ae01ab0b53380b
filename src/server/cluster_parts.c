/*
 * What a server has that shares its store with others: the cluster store, and its place among the servers.
 */
#include "base/error.h"
#include "base/log.h"
#include "server/internal.h"
#include "store/cql/store_cql.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { JOIN_LOOK_MS = 200, JOIN_SAY_LOOKS = 50, CREDENTIALS_BYTES = 1024 };

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

int cluster_store_start(struct server *s)
{
    const struct config *c = s->config;
    const struct store_cql_options options = {
        .url = c->store,
        .local_dc = or_null(c->local_dc),
        .replication = or_null(c->replication),
        .user = c->cql_user,
        .password = c->cql_password,
        .tls_ca = or_null(c->cql_ca),
        .tls_cert = or_null(c->cql_cert),
        .tls_key = or_null(c->cql_key),
        .clock = &s->clock,
        .rng = &s->rng,
    };
    const char *reason = "the cluster cannot be reached";
    int ret = store_cql_open(&options, &s->store, &reason, &s->store_note);
    return ret ? server_fail(s, ret, reason) : 0;
}

static void wake_log(void *ctx)
{
    struct server *s = ctx;
    if (s->feed)
        feed_wake(s->feed);
}

int cluster_start(struct server *s)
{
    if (!store_shared(s->store))
        return 0;
    struct cluster_options options = {
        .store = s->store,
        .view = s->view,
        .workers = &s->workers,
        .clock = &s->clock,
        .rng = &s->rng,
        .writer_rng = &s->writer_rng,
        .ca_file = or_null(s->config->cluster_ca),
        .lease_ms = s->config->lease,
        .max_clock_skew_ms = s->config->max_clock_skew,
        .wake = wake_log,
        .wake_ctx = s,
    };
    uint8_t fresh[32];
    rng_bytes(&s->rng, fresh, sizeof fresh);
    int ret = store_secret(s->store, "cluster-secret", fresh, options.secret);
    if (ret)
        return server_fail_store(s, ret, "the secret of the servers");
    ret = cluster_open(&options, &s->cluster);
    sodium_memzero(options.secret, sizeof options.secret);
    return ret ? server_fail(s, ret, "the open-file limit is too low; raise it (ulimit -n)") : 0;
}

void cluster_stop_part(struct server *s)
{
    if (s->cluster)
        cluster_close(s->cluster);
}

/* ---- threads ---- */

static void *cluster_main(void *arg)
{
    cluster_run(arg);
    return NULL;
}

static void *beat_main(void *arg)
{
    cluster_beat_run(arg);
    return NULL;
}

/* Where others find this server: as was said, or else where it listens. */
static void address_of(const struct server *s, char ret_address[SERVER_ADDRESS_BYTES])
{
    const struct config *c = s->config;
    bool v6 = strchr(c->address, ':') != NULL;
    if (*c->advertise)
        snprintf(ret_address, SERVER_ADDRESS_BYTES, "%s", c->advertise);
    else
        snprintf(ret_address, SERVER_ADDRESS_BYTES, "http://%s%s%s:%u", v6 ? "[" : "", c->address,
                 v6 ? "]" : "", http_port(s->http));
    size_t size = strlen(ret_address);
    if (ret_address[size - 1] == '/')
        ret_address[size - 1] = 0;
}

int cluster_threads_start(struct server *s)
{
    char address[SERVER_ADDRESS_BYTES];
    if (!s->cluster)
        return 0;
    address_of(s, address);
    cluster_introduce(s->cluster, s->writer, address);
    if (pthread_create(&s->cluster_thread, NULL, cluster_main, s->cluster))
        return server_fail(s, BOX_EIO, "cannot start a thread: the system's limit is reached");
    if (pthread_create(&s->beat_thread, NULL, beat_main, s->cluster) == 0)
        return 0;
    cluster_never_beats(s->cluster);
    cluster_stop(s->cluster);
    pthread_join(s->cluster_thread, NULL);
    return server_fail(s, BOX_EIO, "cannot start a thread: the system's limit is reached");
}

void cluster_threads_stop(struct server *s)
{
    if (!s->cluster)
        return;
    cluster_stop(s->cluster);
    pthread_join(s->beat_thread, NULL);
    pthread_join(s->cluster_thread, NULL);
}

/* ---- joining and leaving ---- */

int cluster_join(struct server *s)
{
    const struct timespec now = {0};
    for (unsigned looks = 1; s->cluster && cluster_wait_joined(s->cluster, JOIN_LOOK_MS); looks++) {
        if (sigtimedwait(&s->signals, NULL, &now) > 0) {
            s->stopped = true;
            cluster_resign(s); /* it may be home of some already */
            return server_fail(s, BOX_ESHUTDOWN, "stopped by a signal before it had joined the cluster");
        }
        if (looks % JOIN_SAY_LOOKS == 0) {
            char state[REASON];
            cluster_state(s->cluster, state, sizeof state);
            log_info("server", "%s", state);
        }
    }
    return 0;
}

void cluster_resign(struct server *s)
{
    if (s->cluster)
        cluster_leave(s->cluster);
}
