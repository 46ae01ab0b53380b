/* Lists that are read from the store, on a worker. */
#include "app/usecases.h"

static void listed(struct app_call *call)
{
    app_done(call, call->code);
}

/* What belongs to the buyers of the orders of a page. */
static int load_personals(struct app_call *call, struct app_list *l)
{
    l->personal = arena_array(call->arena, l->count, sizeof(*l->personal));
    int ret = 0;
    for (uint32_t i = 0; i < l->count && ret == 0; i++)
        ret = store_get_personal(call->app->parts.store, &l->order[i].order_id, call->arena, &l->personal[i]);
    return ret;
}

static void list_orders(struct app_call *call)
{
    struct app_list *l = call->plan;
    call->code = store_list_orders(call->app->parts.store, &l->orders, &l->after, l->limit, call->arena,
                                   &l->order, &l->count, &l->next);
    if (call->code == 0)
        call->code = load_personals(call, l);
}

void app_list_orders(struct app_call *call, struct app_list *list)
{
    call->plan = list;
    app_on_worker(call, list_orders, listed);
}

static void list_checkouts(struct app_call *call)
{
    struct app_list *l = call->plan;
    call->code = store_list_holds(call->app->parts.store, &l->checkouts, &l->after, l->limit, call->arena,
                                  &l->hold, &l->count, &l->next);
}

void app_list_checkouts(struct app_call *call, struct app_list *list)
{
    call->plan = list;
    app_on_worker(call, list_checkouts, listed);
}

static void list_order_queue(struct app_call *call)
{
    struct app_list *l = call->plan;
    call->code = store_list_order_queue(call->app->parts.store, &l->queue, &l->after, l->limit, call->arena,
                                        &l->queue_row, &l->count, &l->next);
}

void app_list_order_queue(struct app_call *call, struct app_list *list)
{
    call->plan = list;
    app_on_worker(call, list_order_queue, listed);
}

static void list_cdc(struct app_call *call)
{
    struct app_list *l = call->plan;
    call->code = store_list_cdc(call->app->parts.store, &l->after, l->limit, call->arena, &l->cdc_row,
                                &l->count, &l->next, &l->more);
}

void app_list_cdc(struct app_call *call, struct app_list *list)
{
    call->plan = list;
    app_on_worker(call, list_cdc, listed);
}
