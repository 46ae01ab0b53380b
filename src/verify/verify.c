#include "verify/verify.h"
#include "base/must.h"
#include "verify/verify_internal.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- one look ---- */

static void look_done(struct verify *v)
{
    size_t at = 0;
    for (struct checked_event *e; (e = idmap_next(&v->events, &at));) {
        free(e->cdc);
        free(e);
    }
    idmap_done(&v->events);
    for (size_t i = 0; i < v->layout_count; i++)
        layout_unref(v->layouts[i]);
    free(v->layouts);
}

static int collect(void *ctx, struct event_id id)
{
    buf_add(ctx, id.u.b, sizeof(id.u.b));
    return 0;
}

static bool among(const struct buf *ids, const struct event_id *id)
{
    for (size_t at = 0; at < ids->size; at += sizeof(id->u.b))
        if (!memcmp(ids->data + at, id->u.b, sizeof(id->u.b)))
            return true;
    return false;
}

/* The events to look at. */
static int list(struct verify *v, struct buf *ret_ids)
{
    const struct event_id *only = v->options->event;
    int ret = store_list_events(v->store, collect, ret_ids);
    if (ret || !only)
        return ret;
    if (!among(ret_ids, only))
        return BOX_ENOTFOUND;
    buf_reset(ret_ids);
    return collect(ret_ids, *only);
}

static int look(const struct verify_options *options, struct findings *findings,
                struct verify_totals *ret_totals)
{
    struct verify v = {.options = options, .store = options->store, .findings = findings};
    struct buf ids = {0};
    idmap_init(&v.events, offsetof(struct checked_event, id));
    int ret = list(&v, &ids);
    for (size_t at = 0; at < ids.size && !ret; at += sizeof(struct uuid)) {
        struct event_id id;
        memcpy(id.u.b, ids.data + at, sizeof(id.u.b));
        if (options->progress)
            options->progress(options->ctx, &v.totals);
        ret = verify_event(&v, &id);
    }
    if (!ret)
        ret = verify_cdc(&v);
    *ret_totals = v.totals;
    buf_done(&ids);
    look_done(&v);
    return ret;
}

/* ---- several looks ---- */

enum { LOOKS_AGAIN = 2, PAUSE_MS = 300 };

/* What was under way when the look ended has time to happen. */
static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    nanosleep(&pause, NULL);
}

int verify_run(const struct verify_options *options, struct findings *ret_findings,
               struct verify_totals *ret_totals)
{
    must(options->store);
    findings_init(ret_findings);
    int ret = look(options, ret_findings, ret_totals);
    bool moves = store_shared(options->store);
    for (int i = 0; i < LOOKS_AGAIN && !ret && moves && (ret_findings->count || ret_findings->left_out);
         i++) {
        struct findings again;
        findings_init(&again);
        pause_a_little();
        ret = look(options, &again, ret_totals);
        if (!ret)
            findings_keep_common(ret_findings, &again);
        findings_done(&again);
    }
    return ret;
}
