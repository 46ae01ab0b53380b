/* The event itself: publication, pause, cancellation, edits, prices. */
#include "base/error.h"
#include "base/params.h"
#include "inventory/inventory_internal.h"
#include <stdlib.h>

/* ---- a new version ---- */

/* The replaced version lives on until the open group is done: earlier changes of the group show it. */
static void retire(struct inventory *inv, const struct event *event)
{
    if (inv->retired_count == inv->retired_cap) {
        inv->retired_cap = inv->retired_cap ? 2 * inv->retired_cap : 4;
        inv->retired = realloc(inv->retired, inv->retired_cap * sizeof(inv->retired[0]));
        must(inv->retired); /* out of memory ends the program */
    }
    inv->retired[inv->retired_count++] = event;
}

/* Make @event (its one reference becomes the inventory's) the current version, with a change that says so. */
static void change_event(struct decision *d, enum change_kind kind, const struct event *event)
{
    must(event != d->inv->event && uuid_equal(&event->event_id.u, &d->inv->event->event_id.u));
    retire(d->inv, d->inv->event);
    d->inv->event = event;
    struct change *c = emit_begin(d, kind);
    c->event = event;
    emit_finish(d, c);
}

static const char *publication(const struct event *event)
{
    return event->published ? "published" : "unpublished";
}

/* What ends all commands about an event: cancellation. */
static int check_not_cancelled(struct decision *d)
{
    if (d->inv->event->status != EVENT_CANCELLED)
        return BOX_OK;
    return refuse_state(d, BOX_EEVENTSTATE, event_status_name(EVENT_CANCELLED));
}

/* ---- state ---- */

static bool holds_dirty(const struct inventory *inv)
{
    for (const struct live *live = inv->lives; live; live = live->next) {
        if (live_is_dirty(inv, live))
            return true;
    }
    return false;
}

/* One change for the event, then one for every live hold. */
static int cancel_event(struct decision *d, const struct event *e)
{
    if (holds_dirty(d->inv))
        return BOX_EDEFER;
    change_event(d, CHANGE_EVENT_CANCELLED, event_with_state(e, e->published, EVENT_CANCELLED, false));
    while (d->inv->lives)
        end_hold(d, d->inv->lives, CHANGE_HOLD_RELEASED, OUTCOME_CANCELLED);
    must(inventory_live_holds(d->inv) == 0 && d->inv->counts[SEAT_HELD] == 0);
    return BOX_OK;
}

static int publish_event(struct decision *d, const struct event *e, bool published)
{
    if (e->published == published)
        return refuse_state(d, BOX_EEVENTSTATE, publication(e));
    change_event(d, published ? CHANGE_EVENT_PUBLISHED : CHANGE_EVENT_UNPUBLISHED,
                 event_with_state(e, published, e->status, false));
    return BOX_OK;
}

static int pause_event(struct decision *d, const struct event *e, enum event_status status)
{
    if (e->status == status)
        return refuse_state(d, BOX_EEVENTSTATE, event_status_name(status));
    change_event(d, status == EVENT_PAUSED ? CHANGE_EVENT_PAUSED : CHANGE_EVENT_RESUMED,
                 event_with_state(e, e->published, status, false));
    return BOX_OK;
}

static int delete_event(struct decision *d, const struct event *e)
{
    if (e->ever_published)
        return refuse_state(d, BOX_EEVENTSTATE, publication(e));
    must(inventory_live_holds(d->inv) == 0 && d->inv->counts[SEAT_SOLD] == 0); /* it was never on sale */
    change_event(d, CHANGE_EVENT_DELETED, event_with_state(e, false, e->status, true));
    return BOX_OK;
}

int decide_event_state(struct decision *d)
{
    const struct event *e = d->inv->event;
    int ret = check_not_cancelled(d);
    if (ret)
        return ret;
    switch (d->command->kind) {
    case COMMAND_EVENT_PUBLISH:
        return publish_event(d, e, true);
    case COMMAND_EVENT_UNPUBLISH:
        return publish_event(d, e, false);
    case COMMAND_EVENT_PAUSE:
        return pause_event(d, e, EVENT_PAUSED);
    case COMMAND_EVENT_RESUME:
        return pause_event(d, e, EVENT_SCHEDULED);
    case COMMAND_EVENT_CANCEL:
        return cancel_event(d, e);
    default:
        must(d->command->kind == COMMAND_EVENT_DELETE);
        return delete_event(d, e);
    }
}

/* ---- edits ---- */

/* The sale window as it would be after the edit must not be empty. */
static int check_window(struct decision *d, const struct event_edit *edit)
{
    const struct event *e = d->inv->event;
    int64_t on = edit->set & EVENT_ON_SALE ? edit->on_sale_ms : e->on_sale_ms;
    int64_t off = edit->set & EVENT_OFF_SALE ? edit->off_sale_ms : e->off_sale_ms;
    if (on == 0 || off == 0 || on < off)
        return BOX_OK;
    if (edit->set & EVENT_OFF_SALE)
        return refuse_invalid(d, "/off_sale_at", "must be later than on_sale_at");
    return refuse_invalid(d, "/on_sale_at", "must be earlier than off_sale_at");
}

int decide_event_edit(struct decision *d)
{
    must(d->command->edit);
    int ret = check_not_cancelled(d);
    if (!ret)
        ret = check_window(d, d->command->edit);
    if (ret)
        return ret;
    change_event(d, CHANGE_EVENT_EDITED, event_edited(d->inv->event, d->command->edit));
    return BOX_OK;
}

int decide_event_price(struct decision *d)
{
    int ret = check_not_cancelled(d);
    if (ret)
        return ret;
    struct event *event;
    ret = event_repriced(d->inv->event, d->command->prices, d->command->price_count, &event);
    if (ret) {
        must(ret == BOX_EINVALID);
        return refuse_invalid(
            d, "/prices", arena_printf(d->arena, "an event has at most %d price types", LIMIT_PRICE_TYPES));
    }
    change_event(d, CHANGE_EVENT_PRICED, event);
    return BOX_OK;
}
