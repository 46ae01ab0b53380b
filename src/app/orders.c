#include "app/outcome.h"
#include "app/stored.h"
#include "app/usecases.h"
#include "base/error.h"
#include "base/must.h"
#include <string.h>

void app_order_create(struct app_call *call, const struct hold_id *hold, const struct uuid *user,
                      const struct personal *buyer)
{
    struct command *c = app_hold_command(call, COMMAND_ORDER_CREATE, hold);
    if (!c)
        return;
    c->user_id = *user;
    call->personal = *buyer;
    call->req.personal = buyer;
    app_on_writer(call, app_hold_decided);
}

/* Prepare a command on an order. NULL: there is no such event, and the call has ended. */
static struct command *order_command(struct app_call *call, enum command_kind kind, const struct order_id *id)
{
    call->order_id = *id;
    if (app_find_event_of(call, &id->u)) {
        app_refuse(call, BOX_ENOTFOUND);
        return NULL;
    }
    struct command *c = app_command(call, kind);
    c->order_id = *id;
    return c;
}

/* Thread: a worker. What an answer shows of the buyer; the writer has no time to look. */
static void load_personal(struct app_call *call)
{
    call->code = store_get_personal(call->app->parts.store, &call->order_id, call->arena, &call->personal);
}

/* Thread: a worker. */
static void load_order(struct app_call *call)
{
    call->code = stored_order(call);
    if (call->code == 0)
        load_personal(call);
}

/* The order is not pending any more. Tell what it is. */
static void order_is_over(struct app_call *call)
{
    if (call->code == 0) {
        call->req.verdict.current = order_status_name(call->order->status);
        call->code = BOX_EORDERSTATE;
    }
    app_done(call, call->code);
}

/* ---- reading ---- */

static void get_order(struct app_call *call)
{
    load_order(call);
    if (call->code == 0)
        call->code = outcome_of_order(call, call->order);
}

static void got_order(struct app_call *call)
{
    app_done(call, call->code);
}

void app_order_get(struct app_call *call, const struct order_id *id)
{
    call->order_id = *id;
    if (app_find_event_of(call, &id->u))
        app_done(call, BOX_ENOTFOUND);
    else
        app_on_worker(call, get_order, got_order);
}

/* ---- confirm ---- */

/* The order is not pending: providers deliver twice, so the same payment is answered again. */
static void confirm_again(struct app_call *call)
{
    const char *reference = call->personal.payment_reference;
    if (call->code == 0 && call->order->status == ORDER_EXPIRED)
        app_done(call, BOX_EHOLDEXPIRED);
    else if (call->code == 0 && call->order->status == ORDER_PAID && reference &&
             strcmp(reference, call->payment_reference) == 0)
        app_answer(call);
    else
        order_is_over(call);
}

static void confirm_decided(struct app_call *call)
{
    if (call->code == BOX_ENOTLIVE)
        app_on_worker(call, get_order, confirm_again);
    else
        app_written(call);
}

static void confirm(struct app_call *call)
{
    if (call->code) {
        app_done(call, call->code);
        return;
    }
    struct personal *payment = arena_alloc(call->arena, sizeof(*payment));
    payment->payment_reference = call->payment_reference;
    call->req.personal = payment;
    call->personal.payment_reference = call->payment_reference;
    app_on_writer(call, confirm_decided);
}

void app_order_confirm(struct app_call *call, const struct order_id *id, const char *payment_reference)
{
    if (!order_command(call, COMMAND_ORDER_CONFIRM, id))
        return;
    call->payment_reference = payment_reference;
    app_on_worker(call, load_personal, confirm);
}

/* ---- cancel ---- */

static void cancel_decided(struct app_call *call)
{
    if (call->code == BOX_ENOTLIVE)
        app_on_worker(call, load_order, order_is_over);
    else
        app_written(call);
}

static void cancel(struct app_call *call)
{
    if (call->code)
        app_done(call, call->code);
    else
        app_on_writer(call, cancel_decided);
}

void app_order_cancel(struct app_call *call, const struct order_id *id)
{
    if (order_command(call, COMMAND_ORDER_CANCEL, id))
        app_on_worker(call, load_personal, cancel);
}

/* ---- refund ---- */

static void refund(struct app_call *call)
{
    if (call->code) {
        app_refuse(call, call->code);
        return;
    }
    if (call->order->status != ORDER_PAID) {
        app_refuse_state(call, BOX_EORDERSTATE, order_status_name(call->order->status));
        return;
    }
    call->req.command.stored_order = call->order;
    app_on_writer(call, app_written);
}

void app_order_refund(struct app_call *call, const struct order_id *id, bool release_seats)
{
    struct command *c = order_command(call, COMMAND_ORDER_REFUND, id);
    if (!c)
        return;
    c->block_seats = !release_seats;
    app_on_worker(call, load_order, refund);
}
