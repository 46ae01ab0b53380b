#include "verify/replay.h"
#include "base/error.h"

void replay_begin(struct replay *r, const struct event_id *event, const struct layout *layout)
{
    *r = (struct replay){.event_id = *event, .layout = layout_ref(layout)};
    ledger_init(&r->ledger, event, layout->seats_total);
    arena_init(&r->scratch, 0);
    rng_init_seeded(&r->rng, 0);
}

/* The event as it was created; inventory_follow() then looks at the change itself. */
static bool begin_event(struct replay *r, const struct change *c)
{
    if (c->kind != CHANGE_EVENT_CREATED || !c->event)
        return false;
    if (!uuid_equal(&c->event->event_id.u, &r->event_id.u) ||
        !uuid_equal(&c->event->venue_id.u, &r->layout->venue_id.u) ||
        c->event->place_count != r->layout->place_count)
        return false;
    r->inv = inventory_new_event(c->event, r->layout, &r->rng);
    return true;
}

int replay_add(struct replay *r, const struct change *c)
{
    if (c->seq != r->seq + 1)
        return BOX_ERANGE;
    if (!r->inv && !begin_event(r, c))
        return BOX_ECORRUPT;
    int ret = inventory_follow(r->inv, c, &r->scratch);
    arena_reset(&r->scratch);
    if (ret)
        return ret;
    ledger_add(&r->ledger, c);
    r->seq = c->seq;
    r->hash = c->hash;
    r->time_us = c->time_us;
    return 0;
}

void replay_done(struct replay *r)
{
    ledger_done(&r->ledger);
    inventory_free(r->inv);
    layout_unref(r->layout);
    arena_done(&r->scratch);
}

const char *replay_reason(const struct replay *r, const struct change *c, int code)
{
    if (code == BOX_ERANGE)
        return "not the next number";
    if (!uuid_equal(&c->event_id.u, &r->event_id.u))
        return "another event's";
    if (!change_check(c, r->seq ? &r->hash : NULL))
        return "its hash does not follow from the change before";
    return "what it says cannot follow from the changes before";
}
