/*
 * The servers of a cluster, and its clock. The rows are one partition, written by LWTs and read at a serial
 * consistency: whoever wrote its row and then reads sees every row that was written before.
 */
#include "base/must.h"
#include "base/params.h"
#include "store/cql/ops.h"
#include <stdlib.h>
#include <string.h>

/* ---- beats ---- */

static void bind_server(struct cql_values *v, const struct server_row *me)
{
    bind_text(v, me->address);
    bind_text(v, me->version);
    bind_bigint(v, (int64_t)me->beat);
    bind_timestamp(v, me->started_ms);
    bind_boolean(v, me->fit);
}

/* Written twice it is the same, so that a refusal after a lost answer does no harm. */
static int write_row(struct cql_store *s, const struct server_row *me, struct arena *arena)
{
    struct cql_values v;
    bool applied;
    cql_values_init(&v, arena);
    bind_int(&v, LIMIT_SERVER_ROW_SECONDS);
    bind_server(&v, me);
    bind_uuid(&v, &me->server_id);
    int ret = cql_call_lwt(s, CQL_ST_BEAT_SERVER, &v, &applied, NULL);
    if (ret || applied)
        return ret;
    cql_values_init(&v, arena);
    bind_uuid(&v, &me->server_id);
    bind_server(&v, me);
    bind_int(&v, LIMIT_SERVER_ROW_SECONDS);
    return cql_call_lwt(s, CQL_ST_JOIN_SERVER, &v, &applied, NULL);
}

static bool copy_text(const char *text, char *ret, size_t size)
{
    if (!text || strlen(text) >= size)
        return false;
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

/* False: not one that a server of this version wrote. */
static bool read_server(struct cql_row *row, struct arena *arena, struct server_row *ret_row)
{
    struct server_row r = {.server_id = row_uuid(row, "server_id"),
                           .beat = (uint64_t)row_bigint(row, "beat"),
                           .started_ms = row_timestamp(row, "started_at"),
                           .fit = row_boolean(row, "fit")};
    const char *address = row_text(row, "address", arena), *version = row_text(row, "version", arena);
    if (!row_ok(row) || !copy_text(address, r.address, sizeof(r.address)) ||
        !copy_text(version, r.version, sizeof(r.version)))
        return false;
    *ret_row = r;
    return true;
}

static int read_rows(struct cql_store *s, struct arena *arena, struct server_row **ret_rows,
                     uint32_t *ret_count)
{
    struct cql_result *result;
    uint32_t count = 0;
    if (cql_call(s, CQL_ST_LIST_SERVERS, NULL, &result))
        return BOX_EUNAVAILABLE;
    struct server_row *rows = arena_array(arena, cql_rows(result), sizeof(*rows));
    for (size_t i = 0; i < cql_rows(result); i++) {
        struct cql_row row = cql_row_at(result, i);
        count += read_server(&row, arena, &rows[count]);
    }
    cql_result_free(result);
    *ret_rows = rows;
    *ret_count = count;
    return 0;
}

int cql_beat(struct store *base, const struct server_row *me, struct arena *arena,
             struct server_row **ret_rows, uint32_t *ret_count)
{
    struct cql_store *s = cql_store_of(base);
    int ret = write_row(s, me, arena);
    return ret ? ret : read_rows(s, arena, ret_rows, ret_count);
}

void cql_leave(struct store *base, const struct uuid *server_id)
{
    struct cql_values v;
    struct arena arena;
    bool applied;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_uuid(&v, server_id);
    cql_call_lwt(cql_store_of(base), CQL_ST_LEAVE_SERVER, &v, &applied,
                 NULL); /* else its beat stands still */
    arena_done(&arena);
}

/* ---- the clock ---- */

enum { CLOCK_ASKS = 9, CLOCK_GRAIN_US = 1000 }; /* a timestamp has whole ms */

/* What one node's clock says. */
struct sample {
    struct uuid node;
    int64_t ahead_us, error_us;
};

/* Somewhere between the question and the answer the node looked at its clock. */
static int ask(struct cql_store *s, const struct clock *clock, struct sample *ret)
{
    struct cql_result *result;
    int64_t before_us = clock_wall_us(clock), began_us = clock_monotonic_us(clock);
    if (cql_call(s, CQL_ST_CLOCK, NULL, &result))
        return BOX_EUNAVAILABLE;
    int64_t took_us = clock_monotonic_us(clock) - began_us;
    bool ok = cql_rows(result) == 1;
    if (ok) {
        struct cql_row row = cql_row_at(result, 0);
        int64_t node_us = row_timestamp(&row, "now") * 1000 + CLOCK_GRAIN_US / 2;
        *ret = (struct sample){.node = row_uuid(&row, "host_id"),
                               .ahead_us = before_us + took_us / 2 - node_us,
                               .error_us = took_us / 2 + CLOCK_GRAIN_US / 2};
        ok = row_ok(&row);
    }
    cql_result_free(result);
    return ok ? 0 : BOX_EUNAVAILABLE;
}

/* Of each node the answer that came quickest. */
static void keep_best(struct sample *samples, size_t *count, const struct sample *new)
{
    for (size_t i = 0; i < *count; i++) {
        if (!uuid_equal(&samples[i].node, &new->node))
            continue;
        if (new->error_us < samples[i].error_us)
            samples[i] = *new;
        return;
    }
    samples[(*count)++] = *new;
}

static int compare_samples(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->ahead_us > y->ahead_us) - (x->ahead_us < y->ahead_us);
}

int cql_clock(struct store *base, const struct clock *clock, int64_t *ret_ahead_us, int64_t *ret_error_us)
{
    struct sample samples[CLOCK_ASKS], one;
    size_t count = 0;
    for (int i = 0; i < CLOCK_ASKS; i++) { /* the driver asks the nodes in turn */
        int ret = ask(cql_store_of(base), clock, &one);
        if (ret)
            return ret;
        keep_best(samples, &count, &one);
    }
    qsort(samples, count, sizeof(*samples), compare_samples);
    *ret_ahead_us = samples[count / 2].ahead_us;
    *ret_error_us = samples[count / 2].error_us;
    return 0;
}
