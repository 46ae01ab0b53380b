#include "app/outcome.h"
#include "base/error.h"
#include "base/must.h"
#include <string.h>

static const struct line *lines_of(const struct change *c, struct arena *arena)
{
    struct line *lines = arena_array(arena, c->seat_count, sizeof(*lines));
    for (uint32_t i = 0; i < c->seat_count; i++) {
        lines[i].seat = c->seats[i].seat;
        lines[i].price_type = c->seats[i].price_type;
        lines[i].price = c->seats[i].price;
    }
    return lines;
}

static void take_hold(struct app_call *call, const struct change *c)
{
    struct hold *hold = arena_copy(call->arena, c->hold, sizeof(*hold));
    hold->lines = lines_of(c, call->arena);
    hold->line_count = c->seat_count;
    call->hold = hold;
}

static void take_order(struct app_call *call, const struct change *c)
{
    struct order *order = arena_copy(call->arena, c->order, sizeof(*order));
    order->lines = lines_of(c, call->arena);
    order->line_count = c->seat_count;
    call->order = order;
}

/* What a change did to the counts. */
static void count_change(uint32_t counts[SEAT_STATUSES], const struct change *c)
{
    for (uint32_t i = 0; i < c->seat_count; i++) {
        must(counts[c->seats[i].before] > 0 || c->seats[i].before == c->seats[i].after);
        counts[c->seats[i].before]--;
        counts[c->seats[i].after]++;
    }
}

/*
 * The event and its counts after the command. Before the commit the newest snapshot does not show it yet, so
 * its own changes are counted in; those of others in the same group are not, nor can anybody have seen them.
 * Of an event that was deleted since there is no newest snapshot: the one that the call began with will do,
 * as it is.
 */
static void take_event(struct app_call *call, const struct change *first)
{
    struct snapshot *found = view_find(call->app->parts.view, &first->event_id);
    const struct snapshot *s = found ? found : call->event;
    uint64_t shown = found ? found->seq : s ? UINT64_MAX : 0;
    must(s || (call->req.new_event && call->layout)); /* just made: nobody shows it yet */
    if (s)
        memcpy(call->counts, s->counts, sizeof(call->counts));
    else
        call->counts[SEAT_AVAILABLE] = call->layout->seats_total;
    event_unref(call->event_now); /* of an earlier decision, which was fenced */
    call->event_now = event_ref(s ? s->event : call->req.new_event);
    for (const struct change *c = first; c; c = c->next) {
        if (c->seq <= shown)
            continue;
        count_change(call->counts, c);
        if (!c->event)
            continue;
        event_unref(call->event_now);
        call->event_now = event_ref(c->event);
    }
    if (found)
        view_release(found);
}

void outcome_of_verdict(struct app_call *call)
{
    const struct verdict *v = &call->req.verdict;
    const struct change *first = v->changes;
    must(first && v->last);
    call->seq = v->last->seq;
    call->now_ms = app_now_ms(call->app); /* the change's time may be ahead: it never goes back */
    call->price_types = first->price_type_names;
    call->price_type_count = first->price_type_count;
    if (first->hold)
        take_hold(call, first);
    if (first->order)
        take_order(call, first);
    if (!first->hold && !first->order)
        take_event(call, first);
}

/* The newest version of the event, so that it has the names that the stored lines use. */
static int take_names(struct app_call *call, const struct line *lines, uint32_t count)
{
    struct snapshot *s = view_find(call->app->parts.view, &call->event->event->event_id);
    if (!s)
        return BOX_ENOTFOUND;
    view_release(call->event);
    call->event = s;
    call->seq = s->seq;
    call->now_ms = app_now_ms(call->app);
    call->price_types = (const char *const *)s->event->price_types;
    call->price_type_count = s->event->price_type_count;
    for (uint32_t i = 0; i < count; i++)
        if (lines[i].price_type >= call->price_type_count)
            return BOX_EUNAVAILABLE;
    return 0;
}

int outcome_of_hold(struct app_call *call, const struct hold *hold)
{
    call->hold = hold;
    return take_names(call, hold->lines, hold->line_count);
}

int outcome_of_order(struct app_call *call, const struct order *order)
{
    call->order = order;
    return take_names(call, order->lines, order->line_count);
}
