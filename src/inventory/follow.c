/*
 * inventory_follow(): the other way to change an inventory. A change says what somebody else has decided;
 * here it is only looked whether it can follow from this state, and then done.
 *
 * Each function below looks at everything first and changes last, as the decisions do; it returns false
 * before it has changed anything. The mark that says "dirty" in an open group is free here (no group is open)
 * and finds a change that lists a seat twice.
 */
#include "base/error.h"
#include "inventory/inventory_internal.h"
#include <string.h>

/* ---- seats ---- */

/* Every seat listed is there, once, has @before and @owner, and is said to go from it to @after. */
static bool seats_fit(struct inventory *inv, const struct change *c, enum seat_status before,
                      enum seat_status after, const struct uuid *owner)
{
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct seat_change *change = &c->seats[i];
        if (change->seat >= inv->layout->seats_total || change->before != before || change->after != after)
            return false;
        const struct seat *s = &inv->seats[change->seat];
        if (s->dirty || s->status != before || !uuid_equal(&s->owner, owner))
            return false;
        seat_mark(inv, change->seat);
    }
    return c->seat_count > 0;
}

/* No hold of these seats begins with the change. */
static bool started_fits(const struct inventory *inv, const struct change *c)
{
    for (uint32_t i = 0; i < c->seat_count; i++) {
        if (c->seats[i].last_started_ms != inv->seats[c->seats[i].seat].last_started_ms)
            return false;
    }
    return true;
}

static void set_seats(struct inventory *inv, const struct change *c, const struct uuid *owner)
{
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct seat_change *s = &c->seats[i];
        seat_set(inv, s->seat, (enum seat_status)s->before, (enum seat_status)s->after, owner);
        inv->seats[s->seat].last_started_ms = s->last_started_ms;
    }
}

static bool follow_blocked(struct inventory *inv, const struct change *c, enum seat_status before,
                           enum seat_status after)
{
    if (!seats_fit(inv, c, before, after, &UUID_NIL) || !started_fits(inv, c))
        return false;
    set_seats(inv, c, &UUID_NIL);
    return true;
}

/* ---- the event ---- */

static bool names_kept(const struct event *before, const struct event *after)
{
    if (before->price_type_count > after->price_type_count)
        return false;
    for (uint32_t i = 0; i < before->price_type_count; i++) {
        if (strcmp(before->price_types[i], after->price_types[i]) != 0)
            return false;
    }
    return true;
}

/* What no change of an event changes. */
static bool same_event(const struct event *before, const struct event *after)
{
    return uuid_equal(&before->event_id.u, &after->event_id.u) &&
           uuid_equal(&before->venue_id.u, &after->venue_id.u) && strcmp(before->slug, after->slug) == 0 &&
           before->place_count == after->place_count && names_kept(before, after);
}

/* The change does to the state of the event what its kind says. */
static bool event_state_fits(const struct inventory *inv, const struct change *c)
{
    const struct event *before = inv->event, *after = c->event;
    bool same_status = before->status == after->status;
    bool same_published = before->published == after->published;
    if (c->kind == CHANGE_EVENT_CREATED)
        return inv->seq == 0;
    if (before->status == EVENT_CANCELLED || after->deleted != (c->kind == CHANGE_EVENT_DELETED))
        return false;
    switch (c->kind) {
    case CHANGE_EVENT_PUBLISHED:
        return !before->published && after->published && same_status;
    case CHANGE_EVENT_UNPUBLISHED:
        return before->published && !after->published && same_status;
    case CHANGE_EVENT_PAUSED:
        return before->status == EVENT_SCHEDULED && after->status == EVENT_PAUSED && same_published;
    case CHANGE_EVENT_RESUMED:
        return before->status == EVENT_PAUSED && after->status == EVENT_SCHEDULED && same_published;
    case CHANGE_EVENT_CANCELLED:
        return after->status == EVENT_CANCELLED && same_published;
    case CHANGE_EVENT_DELETED:
        return !before->ever_published && !inv->lives && inv->counts[SEAT_SOLD] == 0;
    default:
        must(c->kind == CHANGE_EVENT_EDITED || c->kind == CHANGE_EVENT_PRICED);
        return same_status && same_published;
    }
}

static bool follow_event(struct inventory *inv, const struct change *c)
{
    if (!c->event || !same_event(inv->event, c->event) || !event_state_fits(inv, c))
        return false;
    const struct event *before = inv->event;
    inv->event = event_ref(c->event);
    event_unref(before);
    return true;
}

/* ---- a hold begins ---- */

static bool new_hold_fits(const struct inventory *inv, const struct change *c)
{
    const struct hold *h = c->hold;
    bool on_sale = inv->event->published && inv->event->status == EVENT_SCHEDULED;
    if (!on_sale || live_by_hold(inv, &h->hold_id) || h->status != HOLD_ACTIVE || h->outcome != OUTCOME_NONE)
        return false;
    if (uuid_is_nil(&h->hold_id.u) || !uuid_is_nil(&h->order_id.u) || h->ended_ms != 0 ||
        h->expires_ms <= h->started_ms)
        return false;
    int64_t total = 0;
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct seat_change *s = &c->seats[i];
        if (s->last_started_ms != h->started_ms || s->price_type >= inv->event->price_type_count ||
            inv->seats[s->seat].last_started_ms >= h->started_ms ||
            __builtin_add_overflow(total, s->price.minor, &total))
            return false;
    }
    return total == h->total.minor;
}

static bool follow_hold_created(struct inventory *inv, const struct change *c, struct arena *scratch)
{
    if (!c->hold || !seats_fit(inv, c, SEAT_AVAILABLE, SEAT_HELD, &UUID_NIL) || !new_hold_fits(inv, c))
        return false;
    struct line *lines = arena_array(scratch, c->seat_count, sizeof(*lines));
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct seat_change *s = &c->seats[i];
        lines[i] = (struct line){.seat = s->seat, .price_type = s->price_type, .price = s->price};
    }
    struct hold hold = *c->hold;
    hold.lines = lines;
    hold.line_count = c->seat_count;
    set_seats(inv, c, &hold.hold_id.u);
    live_add(inv, &hold);
    buyer_add(inv, &hold.session_id, hold.line_count, 0);
    return true;
}

/* ---- what happens to a live hold ---- */

static bool same_lines(const struct live *live, const struct change *c)
{
    if (live->hold.line_count != c->seat_count)
        return false;
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct line *l = &live->lines[i];
        const struct seat_change *s = &c->seats[i];
        if (l->seat != s->seat || l->price_type != s->price_type || l->price.minor != s->price.minor)
            return false;
    }
    return true;
}

/* The records of the change are those of the live hold and, but where the change makes it, of its order. */
static bool same_records(const struct live *live, const struct change *c)
{
    const struct hold *is = &live->hold, *said = c->hold;
    if (!uuid_equal(&is->session_id.u, &said->session_id.u) || is->started_ms != said->started_ms ||
        is->total.minor != said->total.minor)
        return false;
    if (!c->order)
        return !live->has_order && uuid_is_nil(&said->order_id.u);
    const struct order *o = c->order;
    if (!uuid_equal(&o->order_id.u, &said->order_id.u) || !uuid_equal(&o->hold_id.u, &said->hold_id.u) ||
        !uuid_equal(&o->session_id.u, &said->session_id.u) || !uuid_equal(&o->user_id, &said->user_id) ||
        o->expires_ms != said->expires_ms || o->total.minor != said->total.minor)
        return false;
    if (c->kind == CHANGE_ORDER_CREATED)
        return !live->has_order && !uuid_is_nil(&o->order_id.u);
    return live->has_order && uuid_equal(&o->order_id.u, &live->order.order_id.u);
}

/* The live hold that the change is about, if all of its seats go from held to @after; or NULL. */
static struct live *live_of(struct inventory *inv, const struct change *c, enum seat_status after)
{
    struct live *live = c->hold ? live_by_hold(inv, &c->hold->hold_id) : NULL;
    if (!live || !seats_fit(inv, c, SEAT_HELD, after, &live->hold.hold_id.u) || !started_fits(inv, c) ||
        !same_lines(live, c) || !same_records(live, c))
        return NULL;
    return live;
}

/* It goes on: the records say so. */
static bool goes_on(const struct change *c)
{
    return c->hold->status == HOLD_ACTIVE && c->hold->outcome == OUTCOME_NONE &&
           (!c->order || c->order->status == ORDER_PENDING);
}

static bool follow_extended(struct inventory *inv, const struct change *c)
{
    struct live *live = live_of(inv, c, SEAT_HELD);
    if (!live || !goes_on(c) || c->hold->expires_ms < live->hold.expires_ms)
        return false;
    live_set_deadline(inv, live, c->hold->expires_ms);
    return true;
}

static bool follow_order_created(struct inventory *inv, const struct change *c)
{
    struct live *live = live_of(inv, c, SEAT_HELD);
    if (!live || !c->order || !goes_on(c) || c->hold->expires_ms != live->hold.expires_ms ||
        live_by_order(inv, &c->order->order_id))
        return false;
    live_set_order(inv, live, c->order);
    return true;
}

/* The outcome that a change of this kind gives to a hold. */
static bool outcome_fits(const struct change *c)
{
    enum hold_outcome outcome = c->hold->outcome;
    switch (c->kind) {
    case CHANGE_ORDER_PAID:
        return outcome == OUTCOME_PURCHASED;
    case CHANGE_HOLD_EXPIRED:
        return outcome == OUTCOME_EXPIRED && c->time_us / 1000 >= c->hold->expires_ms;
    case CHANGE_ORDER_CANCELLED:
        return outcome == OUTCOME_CANCELLED;
    default:
        must(c->kind == CHANGE_HOLD_RELEASED);
        return outcome == OUTCOME_RELEASED || outcome == OUTCOME_CANCELLED;
    }
}

static bool follow_ended(struct inventory *inv, const struct change *c)
{
    bool sold = c->kind == CHANGE_ORDER_PAID;
    struct live *live = live_of(inv, c, sold ? SEAT_SOLD : SEAT_AVAILABLE);
    if (!live || !outcome_fits(c) || c->hold->status != hold_status_after(c->hold->outcome) ||
        c->hold->expires_ms != live->hold.expires_ms)
        return false;
    if (c->order ? c->order->status != order_status_after(c->hold->outcome) : sold)
        return false;
    set_seats(inv, c, sold ? &c->order->order_id.u : &UUID_NIL);
    buyer_add(inv, &live->hold.session_id, -(int64_t)c->seat_count, sold ? c->seat_count : 0);
    live_remove(inv, live);
    return true;
}

/* ---- the way back from a purchase ---- */

static bool follow_refunded(struct inventory *inv, const struct change *c)
{
    const struct order *o = c->order;
    if (!o || o->status != ORDER_REFUNDED || c->seat_count == 0)
        return false;
    enum seat_status after = c->seats[0].after == SEAT_BLOCKED ? SEAT_BLOCKED : SEAT_AVAILABLE;
    const struct buyer *buyer = buyer_find(inv, &o->session_id);
    if (!seats_fit(inv, c, SEAT_SOLD, after, &o->order_id.u) || !started_fits(inv, c) || !buyer ||
        buyer->sold < c->seat_count)
        return false;
    set_seats(inv, c, &UUID_NIL);
    buyer_add(inv, &o->session_id, 0, -(int64_t)c->seat_count);
    return true;
}

/* ---- any change ---- */

static bool follow(struct inventory *inv, const struct change *c, struct arena *scratch)
{
    switch (c->kind) {
    case CHANGE_EVENT_CREATED:
    case CHANGE_EVENT_PUBLISHED:
    case CHANGE_EVENT_UNPUBLISHED:
    case CHANGE_EVENT_EDITED:
    case CHANGE_EVENT_PRICED:
    case CHANGE_EVENT_PAUSED:
    case CHANGE_EVENT_RESUMED:
    case CHANGE_EVENT_CANCELLED:
    case CHANGE_EVENT_DELETED:
        return follow_event(inv, c);
    case CHANGE_SEATS_BLOCKED:
        return follow_blocked(inv, c, SEAT_AVAILABLE, SEAT_BLOCKED);
    case CHANGE_SEATS_UNBLOCKED:
        return follow_blocked(inv, c, SEAT_BLOCKED, SEAT_AVAILABLE);
    case CHANGE_HOLD_CREATED:
        return follow_hold_created(inv, c, scratch);
    case CHANGE_HOLD_EXTENDED:
        return follow_extended(inv, c);
    case CHANGE_ORDER_CREATED:
        return follow_order_created(inv, c);
    case CHANGE_HOLD_RELEASED:
    case CHANGE_HOLD_EXPIRED:
    case CHANGE_ORDER_PAID:
    case CHANGE_ORDER_CANCELLED:
        return follow_ended(inv, c);
    case CHANGE_ORDER_REFUNDED:
        return follow_refunded(inv, c);
    }
    return false;
}

/* It is this event's next change, untouched since it was decided. */
static bool is_next(const struct inventory *inv, const struct change *c)
{
    bool first = inv->seq == 0;
    return uuid_equal(&c->event_id.u, &inv->event->event_id.u) && !inv->event->deleted &&
           first == (c->kind == CHANGE_EVENT_CREATED) && c->time_us > inv->time_us &&
           change_check(c, first ? NULL : &inv->hash);
}

int inventory_follow(struct inventory *inv, const struct change *c, struct arena *scratch)
{
    must(!inv->group_open && inv->dirty_count == 0);
    if (c->seq != inv->seq + 1)
        return BOX_ERANGE;
    bool fits = is_next(inv, c) && follow(inv, c, scratch);
    seats_unmark(inv);
    if (!fits)
        return BOX_ECORRUPT;
    inv->seq = c->seq;
    inv->time_us = c->time_us;
    inv->hash = c->hash;
    return BOX_OK;
}
