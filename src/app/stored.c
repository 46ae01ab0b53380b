#include "app/stored.h"
#include "base/error.h"
#include "base/must.h"

int stored_hold(struct app_call *call)
{
    struct hold *hold = arena_alloc(call->arena, sizeof(*hold));
    int ret = store_get_hold(call->app->parts.store, &call->hold_id, call->arena, hold);
    if (ret)
        return ret;
    call->hold = hold;
    return app_owns(&call->who, &hold->session_id) ? 0 : BOX_ENOTFOUND;
}

int stored_order(struct app_call *call)
{
    struct order *order = arena_alloc(call->arena, sizeof(*order));
    int ret = store_get_order(call->app->parts.store, &call->order_id, call->arena, order);
    if (ret)
        return ret;
    call->order = order;
    return app_owns(&call->who, &order->session_id) ? 0 : BOX_ENOTFOUND;
}

struct command *app_hold_command(struct app_call *call, enum command_kind kind, const struct hold_id *id)
{
    call->hold_id = *id;
    if (app_find_event_of(call, &id->u)) {
        app_refuse(call, BOX_ENOTFOUND);
        return NULL;
    }
    struct command *c = app_command(call, kind);
    c->hold_id = *id;
    return c;
}

static void load_hold(struct app_call *call)
{
    call->code = stored_hold(call);
}

static void hold_is_over(struct app_call *call)
{
    if (call->code) {
        app_done(call, call->code);
    } else if (call->hold->status == HOLD_ACTIVE) {
        app_done(call, BOX_EUNAVAILABLE); /* another server's: not for this one to decide */
    } else if (call->req.command.kind == COMMAND_ORDER_CREATE && call->hold->status == HOLD_EXPIRED) {
        app_done(call, BOX_EHOLDEXPIRED); /* as the inventory says while the expiry is not decided yet */
    } else {
        call->req.verdict.current = hold_status_name(call->hold->status);
        app_done(call, BOX_EHOLDSTATE);
    }
}

void app_hold_decided(struct app_call *call)
{
    if (call->code == BOX_ENOTLIVE)
        app_on_worker(call, load_hold, hold_is_over);
    else
        app_written(call);
}
