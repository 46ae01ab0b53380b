/*
 * Opening the store on a cluster, and its table of operations.
 */
#include "base/must.h"
#include "store/cql/cdc_places.h"
#include "store/cql/clear.h"
#include "store/cql/events.h"
#include "store/cql/opening.h"
#include "store/cql/ops.h"
#include "store/cql/url.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 10000, DRIVER_THREADS = 2 };

bool store_cql_built(void)
{
    return true;
}

/* ---- saying what is wrong ---- */

int opening_refuse(struct opening *o, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(o->reason, OPENING_TEXT, format, args);
    va_end(args);
    return code;
}

int opening_error(struct opening *o, const char *what, const struct cql_error *error)
{
    switch (error->kind) {
    case CQL_AUTH:
        return opening_refuse(
            o, BOX_EUNAUTHORIZED,
            "the cluster does not accept the user or the password, or does not allow what is "
            "needed (%s: %s)",
            what, error->message);
    case CQL_NO_HOST:
        return opening_refuse(
            o, BOX_EUNAVAILABLE,
            "no node of the cluster can be reached at %.200s; start the nodes, or name others "
            "by --store (%s)",
            o->hosts, error->message);
    case CQL_SYNTAX:
    case CQL_INVALID:
    case CQL_NOT_FOUND:
        return opening_refuse(o, BOX_EINVALID, "the cluster refuses %s: %s", what, error->message);
    default:
        return opening_refuse(o, BOX_EUNAVAILABLE, "the cluster does not answer (%s: %s)", what,
                              error->message);
    }
}

void opening_note(struct opening *o, const char *format, ...)
{
    va_list args;
    size_t size = strlen(o->note);
    if (size) {
        snprintf(o->note + size, OPENING_TEXT - size, "; ");
        size = strlen(o->note);
    }
    va_start(args, format);
    vsnprintf(o->note + size, OPENING_TEXT - size, format, args);
    va_end(args);
}

/* ---- the steps ---- */

static int parse_url(struct opening *o)
{
    struct cql_url url;
    const char *reason;
    if (cql_url_parse(o->options->url, &url, &reason))
        return opening_refuse(o, BOX_EINVALID, "%s", reason);
    snprintf(o->hosts, sizeof(o->hosts), "%s", url.hosts);
    snprintf(o->s->keyspace, sizeof(o->s->keyspace), "%s", url.keyspace);
    return 0;
}

static int connect_cluster(struct opening *o)
{
    const struct store_cql_options *options = o->options;
    const struct cql_options driver = {
        .hosts = o->hosts,
        .local_dc = options->local_dc,
        .user = options->user,
        .password = options->password,
        .tls_ca = options->tls_ca,
        .tls_cert = options->tls_cert,
        .tls_key = options->tls_key,
        .threads = DRIVER_THREADS,
        .connect_timeout_ms = CONNECT_MS,
    };
    struct cql_error error;
    if (cql_open(&driver, &o->s->session, &error) != CQL_OK)
        return opening_error(o, "connecting", &error);
    cql_topology(o->s->session, &o->topology);
    o->s->dialect = o->topology.scylla ? SCHEMA_SCYLLA : SCHEMA_CASSANDRA;
    if (options->dialect && !schema_dialect_parse(options->dialect, &o->s->dialect))
        return opening_refuse(o, BOX_EINVALID, "the dialect is '%s'; it must be scylla or cassandra",
                              options->dialect);
    return 0;
}

static int prepare(struct opening *o)
{
    struct cql_error error;
    const char *which = "";
    if (cql_statements_prepare(o->s->session, o->s->dialect, o->s->keyspace, o->s->statements, &error,
                               &which) != CQL_OK)
        return opening_error(o, which, &error);
    return 0;
}

/* One data centre decides, the one that was the first. */
static int check_home_dc(struct opening *o)
{
    char home[sizeof(o->topology.local_dc)];
    bool made;
    int ret = opening_get_meta(o, "home_dc", home, sizeof(home));
    if (!ret && !*home)
        ret = opening_make_meta(o, "home_dc", o->topology.local_dc, &made);
    if (!ret && !*home)
        ret = opening_get_meta(o, "home_dc", home, sizeof(home));
    if (!ret && strcmp(home, o->topology.local_dc) != 0)
        return opening_refuse(
            o, BOX_ELOCKED,
            "the data centre %s decides about the events of %s, and this server uses the nodes "
            "of %s; start it with --local-dc %s",
            home, o->s->keyspace, o->topology.local_dc, home);
    return ret;
}

/* Addresses in order_index are hashed under a secret: who reads that table alone cannot try addresses. */
static int make_email_secret(struct opening *o)
{
    uint8_t fresh[sizeof(o->s->email_secret)];
    rng_bytes(o->s->rng, fresh, sizeof(fresh));
    if (cql_secret(&o->s->store, "email_index", fresh, o->s->email_secret))
        return opening_refuse(o, BOX_EUNAVAILABLE, "cannot read or make a secret: %s", o->s->reason);
    return 0;
}

static int open_steps(struct opening *o)
{
    int ret = parse_url(o);
    if (!ret)
        ret = connect_cluster(o);
    if (!ret)
        ret = opening_keyspace(o);
    if (!ret)
        ret = opening_schema(o);
    if (!ret)
        ret = check_home_dc(o);
    if (!ret)
        ret = prepare(o);
    return ret ? ret : make_email_secret(o);
}

/* ---- the store ---- */

static struct cql_store *new_store(const struct store_cql_options *options)
{
    struct cql_store *s = calloc(1, sizeof(*s));
    must(s);
    s->clock = options->clock;
    s->rng = options->rng;
    must(pthread_mutex_init(&s->reason_mtx, NULL) == 0);
    return s;
}

static void free_store(struct cql_store *s)
{
    cql_statements_free(s->statements);
    if (s->session)
        cql_close(s->session);
    pthread_mutex_destroy(&s->reason_mtx);
    free(s);
}

static void close_store(struct store *base)
{
    struct cql_store *s = cql_store_of(base);
    cql_clear_stop(s->clear);
    cql_loop_stop(&s->loop);
    cql_events_free(s->events);
    cdc_places_free(s->cdc_places);
    free_store(s);
}

static bool writable(const struct store *base)
{
    return !atomic_load_explicit(&cql_store_of(base)->no_host, memory_order_relaxed);
}

/* The driver connects again by itself; whether it has, a read tells. */
static int reopen(struct store *base)
{
    return cql_call(cql_store_of(base), CQL_ST_CLOCK, NULL, NULL);
}

static void reason(struct store *base, char *ret_text, size_t size)
{
    struct cql_store *s = cql_store_of(base);
    pthread_mutex_lock(&s->reason_mtx);
    snprintf(ret_text, size, "%s", s->reason);
    pthread_mutex_unlock(&s->reason_mtx);
}

/* A cluster has no log of all events in one order. */
static uint64_t commit_no(struct store *base)
{
    (void)base;
    return 0;
}

static void cdc_until(struct store *base, int64_t until_us)
{
    _Atomic int64_t *until = &cql_store_of(base)->cdc_until_us;
    int64_t before = atomic_load(until);
    while (until_us > before && !atomic_compare_exchange_weak(until, &before, until_us))
        ;
}

static const struct store_shared_ops shared_ops = {
    .take_event = cql_take_event,
    .idem_lookup = cql_idem_lookup,
    .claim_slug = cql_claim_slug,
    .cdc_until = cdc_until,
    .cdc_log = cql_cdc_log,
    .group_seats = cql_group_seats,
    .beat = cql_beat,
    .leave = cql_leave,
    .clock = cql_clock,
};

static const struct store_ops ops = {
    .commit = cql_commit,
    .close = close_store,
    .reopen = reopen,
    .writable = writable,
    .reason = reason,
    .commit_no = commit_no,
    .idem_find = cql_idem_find,
    .put_venue = cql_put_venue,
    .create_tickets = cql_create_tickets,
    .drop_tickets = cql_drop_tickets,
    .list_events = cql_list_events,
    .list_venues = cql_list_venues,
    .load_event = cql_load_event,
    .get_hold = cql_get_hold,
    .get_order = cql_get_order,
    .get_personal = cql_get_personal,
    .get_ticket = cql_get_ticket,
    .list_orders = cql_list_orders,
    .list_holds = cql_list_holds,
    .list_order_queue = cql_list_order_queue,
    .list_cdc = cql_list_cdc,
    .list_changes = cql_list_changes,
    .secret = cql_secret,
    .get_venue = cql_get_venue,
    .cdc_cursor = cql_cdc_cursor,
    .cdc_cursor_valid = cql_cdc_cursor_valid,
    .shared = &shared_ops,
};

int store_cql_open(const struct store_cql_options *options, struct store **ret_store, const char **ret_reason,
                   const char **ret_note)
{
    static _Thread_local char reason_text[OPENING_TEXT], note_text[OPENING_TEXT];
    must(options && options->url && options->clock && options->rng && ret_store && ret_reason && ret_note);
    struct opening o = {
        .options = options, .s = new_store(options), .reason = reason_text, .note = note_text};
    reason_text[0] = note_text[0] = '\0';
    o.s->store.ops = &ops;
    *ret_reason = reason_text;
    int ret = open_steps(&o);
    if (!ret && cql_loop_start(&o.s->loop, options->clock))
        ret = opening_refuse(&o, BOX_EUNAVAILABLE, "no thread or file descriptor is left");
    if (ret) {
        free_store(o.s);
        return ret;
    }
    o.s->events = cql_events_new();
    o.s->clear = cql_clear_start(o.s);
    o.s->cdc_places = cdc_places_new();
    *ret_note = note_text[0] ? note_text : NULL;
    *ret_store = &o.s->store;
    return 0;
}
