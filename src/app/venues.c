/*
 * Making a venue: a worker decodes and builds it (a plan may have 64 MiB), the idempotency key is claimed, a
 * worker stores it together with the answer, and the claim is ended.
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
    if (call->code == 0)
        view_put_venue(parts->view, call->layout);
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
