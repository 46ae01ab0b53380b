#include "app/early.h"
#include "app/outcome.h"
#include "app/stored.h"
#include "app/usecases.h"
#include "base/error.h"
#include "base/must.h"

void app_session_create(struct app_call *call)
{
    const struct app_options *parts = &call->app->parts;
    call->session = (struct session_id){uuid_random(parts->rng)};
    call->token = auth_token(parts->auth, &call->session, call->now_ms, call->arena, &call->expires_ms);
    app_done(call, BOX_OK);
}

bool app_hold_is_hopeless(const struct app_call *call)
{
    return writer_full(call->app->parts.writer, &call->event->event->event_id);
}

void app_hold_create(struct app_call *call, const struct app_hold_wish *wish)
{
    int refused = early_refusal(call, wish);
    if (refused) {
        app_done(call, refused);
        return;
    }
    struct command *c = app_command(call, COMMAND_HOLD_CREATE);
    c->session = wish->session;
    c->seats = wish->seats;
    c->seat_count = wish->seat_count;
    c->best = wish->best;
    c->price_types = wish->price_types;
    call->req.client = call->who.kind == CREDENTIAL_SESSION ? wish->client : NULL;
    app_on_writer(call, app_written);
}

static void get_hold(struct app_call *call)
{
    call->code = stored_hold(call);
    if (call->code == 0)
        call->code = outcome_of_hold(call, call->hold);
}

static void got_hold(struct app_call *call)
{
    app_done(call, call->code);
}

void app_hold_get(struct app_call *call, const struct hold_id *id)
{
    call->hold_id = *id;
    if (app_find_event_of(call, &id->u))
        app_done(call, BOX_ENOTFOUND);
    else
        app_on_worker(call, get_hold, got_hold);
}

void app_hold_extend(struct app_call *call, const struct hold_id *id, int64_t until_ms)
{
    struct command *c = app_hold_command(call, COMMAND_HOLD_EXTEND, id);
    if (!c)
        return;
    c->until_ms = until_ms;
    app_on_writer(call, app_hold_decided);
}

void app_hold_release(struct app_call *call, const struct hold_id *id)
{
    if (app_hold_command(call, COMMAND_HOLD_RELEASE, id))
        app_on_writer(call, app_hold_decided);
}
