/*
 * Making a venue: a worker decodes and builds it (a plan may have 64 MiB), the idempotency key is claimed, a
 * worker stores it together with the answer, and the claim is ended. On a cluster every server may make
 * venues: the store tells the second of two that have the same key.
 */
#include "app/claim.h"
#include "app/usecases.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"

static void build_venue(struct app_call *call)
{
    struct app_venue_plan *plan = call->plan;
    call->code = plan->build(plan, call);
    must(call->code || call->layout);
}

/* Another server has answered a request with this key meanwhile: its answer is the answer. */
static void find_others_answer(struct app_call *call)
{
    struct idem_record *found = arena_alloc(call->arena, sizeof *found);
    int64_t now_ms = app_now_ms(call->app);
    call->code = store_idem_find(call->app->parts.store, &call->idem->key, now_ms, call->arena, found);
    if (call->code == BOX_ENOTFOUND)
        call->code = BOX_EUNAVAILABLE; /* it has just run out: as if it had never been, once asked again */
    if (call->code == 0 && !digest_equal(&found->request, &call->idem->request))
        call->code = BOX_EIDEMREUSED;
    if (call->code == 0) {
        call->kept = *found;
        call->replayed = true;
    }
}

/* Thread: a worker. Durable before visible, visible before answered. */
static void put_venue(struct app_call *call)
{
    const struct app_options *parts = &call->app->parts;
    call->now_ms = app_now_ms(call->app);
    call->kept = (struct idem_record){.expires_ms = call->now_ms + INT64_C(1000) * LIMIT_IDEMPOTENCY_SECONDS};
    if (call->idem) {
        call->kept.key = call->idem->key;
        call->kept.request = call->idem->request;
    }
    call->render(call, &call->kept);
    call->code = store_put_venue(parts->store, call->layout, call->idem ? &call->kept : NULL);
    if (call->code == BOX_EEXISTS && call->idem) {
        find_others_answer(call);
    } else if (call->code == 0) {
        view_put_venue(parts->view, call->layout);
        if (parts->cluster)
            cluster_venue(parts->cluster, &call->layout->venue_id);
    }
}

static void finish_venue(struct app_call *call)
{
    if (call->failure == 0)
        call->answer = &call->kept;
    app_done(call, call->failure);
}

static void venue_put(struct app_call *call)
{
    call->failure = call->code;
    if (call->idem)
        app_release_claim(call, NULL, call->failure ? NULL : &call->kept, finish_venue);
    else
        finish_venue(call);
}

static void venue_claimed(struct app_call *call)
{
    if (call->code || call->req.replay)
        app_written(call);
    else
        app_on_worker(call, put_venue, venue_put);
}

static void venue_built(struct app_call *call)
{
    if (call->code)
        app_refuse(call, call->code);
    else if (call->idem)
        app_claim(call, NULL, venue_claimed);
    else
        app_on_worker(call, put_venue, venue_put);
}

void app_venue_create(struct app_call *call, struct app_venue_plan *plan)
{
    call->plan = plan;
    app_on_worker(call, build_venue, venue_built);
}
