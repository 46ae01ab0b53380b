#include "app/early.h"
#include "base/error.h"
#include "base/metrics.h"

/* What is shown was the newest a moment ago. Another server's event may have moved on unheard. */
static bool is_fresh(const struct app_call *call)
{
    struct cluster *cluster = call->app->parts.cluster;
    return !cluster || cluster_fresh(cluster, &call->event->event->event_id);
}

/* True if the answer rests on the event's version alone. */
static bool is_simple(const struct app_call *call, const struct app_hold_wish *wish)
{
    return !call->idem && !wish->price_types && app_owns(&call->who, &wish->session) && is_fresh(call);
}

static int check_seats(const struct snapshot *s, const struct app_hold_wish *wish, struct arena *arena,
                       struct verdict *ret_verdict)
{
    uint32_t *taken = NULL, count = 0;
    for (uint32_t i = 0; i < wish->seat_count; i++) {
        if (snapshot_status(s, wish->seats[i]) == SEAT_AVAILABLE)
            continue;
        if (!taken)
            taken = arena_array(arena, wish->seat_count - i, sizeof(*taken));
        taken[count++] = wish->seats[i];
    }
    if (!taken)
        return BOX_OK;
    ret_verdict->taken = taken;
    ret_verdict->taken_count = count;
    return BOX_ESEATSTAKEN;
}

static int refusal(struct app_call *call, const struct app_hold_wish *wish)
{
    const struct snapshot *s = call->event;
    if (!event_on_sale(s->event, call->now_ms))
        return BOX_ENOTONSALE;
    if (wish->seat_count == 0)
        return wish->best.count > s->counts[SEAT_AVAILABLE] ? BOX_ENOTENOUGH : BOX_OK;
    return check_seats(s, wish, call->arena, &call->req.verdict);
}

int early_refusal(struct app_call *call, const struct app_hold_wish *wish)
{
    call->req.verdict = (struct verdict){0};
    int code = is_simple(call, wish) ? refusal(call, wish) : BOX_OK;
    if (code)
        metrics_add(METRIC_COMMANDS_REFUSED, 1);
    return code;
}
