/*
 * Making an event: too big for a group of the writer, so its tickets are created beside it.
 *
 *  - A worker decodes and makes the first version.
 *  - On a cluster: if another server would be home of the event, it has to make it (BOX_ENOTHOME).
 *  - The writer claims the idempotency key and the slug (CLAIM).
 *  - A worker creates every ticket, durable but not yet visible.
 *  - The writer makes them visible with one small commit, which ends the claim (CREATE_EVENT).
 *
 * When one of the last two fails the tickets are dropped and the claim ends. Only when the last may have
 * happened (BOX_EUNKNOWN) they must stay: the store drops those without an event when it opens. They stay,
 * too, when another server was quicker with the same event (BOX_ENOTHOME): the tickets are its now.
 */
#include "app/claim.h"
#include "app/usecases.h"
#include "base/error.h"
#include "base/must.h"
#include <string.h>

static const struct event *new_event(const struct app_call *call)
{
    return ((const struct app_event_plan *)call->plan)->event;
}

static void build_event(struct app_call *call)
{
    struct app_event_plan *plan = call->plan;
    call->code = plan->build(plan, call);
    must(call->code || (plan->event && call->layout));
}

static void end_failed(struct app_call *call)
{
    app_done(call, call->failure);
}

static void drop_tickets(struct app_call *call)
{
    store_drop_tickets(call->app->parts.store, &new_event(call)->event_id);
}

/* The writer has ended the claim with its answer. */
static void event_created(struct app_call *call)
{
    call->failure = call->code;
    if (call->code == 0 || call->code == BOX_EUNKNOWN || call->code == BOX_ENOTHOME)
        app_written(call);
    else
        app_on_worker(call, drop_tickets, end_failed);
}

static void release(struct app_call *call)
{
    app_release_claim(call, new_event(call)->slug, NULL, end_failed);
}

static void tickets_created(struct app_call *call)
{
    if (call->code) {
        call->failure = call->code;
        if (call->code == BOX_ESLUGTAKEN)
            release(call); /* there are none yet */
        else
            app_on_worker(call, drop_tickets, release);
        return;
    }
    const struct event *event = new_event(call);
    call->req = (struct writer_req){
        .op = WRITER_CREATE_EVENT,
        .event_id = event->event_id,
        .command.actor = credential_actor(&call->who),
        .slug = event->slug,
        .new_event = event,
        .new_layout = call->layout,
    };
    app_on_writer(call, event_created);
}

static void create_tickets(struct app_call *call)
{
    struct store *store = call->app->parts.store;
    const struct event *event = new_event(call);
    call->code = store_claim_slug(store, event->slug, &event->event_id);
    if (call->code == 0)
        call->code = store_create_tickets(store, event, call->layout, NULL, NULL);
}

static void event_claimed(struct app_call *call)
{
    if (call->code || call->req.replay)
        app_written(call);
    else
        app_on_worker(call, create_tickets, tickets_created);
}

static void event_built(struct app_call *call)
{
    struct cluster *cluster = call->app->parts.cluster;
    if (call->code) {
        app_refuse(call, call->code);
    } else if (cluster && !cluster_would_be_home(cluster, &new_event(call)->event_id)) {
        call->req.event_id = new_event(call)->event_id;
        app_done(call, BOX_ENOTHOME);
    } else {
        app_claim(call, new_event(call)->slug, event_claimed);
    }
}

void app_event_create(struct app_call *call, struct app_event_plan *plan)
{
    call->plan = plan;
    app_on_worker(call, build_event, event_built);
}

/* ---- ids ---- */

enum { TRIES = 4096 }; /* of a server that is home of one event in some hundred */

struct rng *app_ids(const struct app_call *call, struct rng *seeded)
{
    if (!call->app->parts.cluster || !call->idem)
        return call->app->parts.rng;
    struct digest d = digest_of(call->idem->key.b, DIGEST_BYTES, call->idem->request.b, DIGEST_BYTES);
    uint64_t seed;
    memcpy(&seed, d.b, sizeof seed);
    rng_init_seeded(seeded, seed);
    return seeded;
}

static bool is_free(const struct app *app, const struct event_id *id)
{
    struct snapshot *other = view_find_tag(app->parts.view, &id->u);
    if (other)
        view_release(other);
    return !other;
}

struct event_id app_new_event_id(struct app_call *call)
{
    struct cluster *cluster = call->idem ? NULL : call->app->parts.cluster;
    struct rng seeded, *ids = app_ids(call, &seeded);
    for (unsigned tries = 0;;) {
        struct event_id id = event_id_new(ids);
        if (!is_free(call->app, &id))
            continue;
        if (!cluster || cluster_would_be_home(cluster, &id) || ++tries == TRIES)
            return id;
    }
}
