/* Holds: the right to seats for a time. */
#include "base/error.h"
#include "base/params.h"
#include "inventory/inventory_internal.h"

/* ---- create ---- */

/* A hold on its way: which seats, of which price types. */
struct draft {
    uint32_t count;
    const uint32_t *seats;
    uint8_t *types;
    struct line *lines;
    struct money total;
};

static int refuse_price_type(struct decision *d, uint32_t i, const char *detail)
{
    return refuse_invalid(d, arena_printf(d->arena, "/price_types/%u", i), detail);
}

static int find_price_types(struct decision *d, struct draft *draft)
{
    draft->types = arena_array(d->arena, draft->count, sizeof(*draft->types)); /* PRICE_STANDARD */
    if (!d->command->price_types)
        return BOX_OK;
    for (uint32_t i = 0; i < draft->count; i++) {
        uint32_t type;
        if (!event_find_price_type(d->inv->event, d->command->price_types[i], &type))
            return refuse_price_type(d, i, "the event has no such price type");
        draft->types[i] = (uint8_t)type;
    }
    return BOX_OK;
}

static int choose_seats(struct decision *d, struct draft *draft)
{
    uint32_t *seats = arena_array(d->arena, draft->count, sizeof(*seats));
    draft->seats = seats;
    return best_available(d->inv->layout, d->inv->runs, &d->command->best, d->arena, seats);
}

static int price_lines(struct decision *d, struct draft *draft)
{
    draft->lines = arena_array(d->arena, draft->count, sizeof(*draft->lines));
    for (uint32_t i = 0; i < draft->count; i++) {
        uint32_t seat = draft->seats[i];
        must(seat < d->inv->layout->seats_total);
        int64_t price = event_price(d->inv->event, d->inv->seats[seat].place, draft->types[i]);
        if (price == PRICE_NONE)
            return refuse_price_type(d, i, "there is no such price for this seat");
        draft->lines[i] = (struct line){.seat = seat, .price_type = draft->types[i], .price.minor = price};
        must(money_add(draft->total, draft->lines[i].price, &draft->total) == 0); /* limits leave room */
    }
    return BOX_OK;
}

static int check_limit(struct decision *d, uint32_t count)
{
    const struct buyer *buyer = buyer_find(d->inv, &d->command->session);
    uint32_t has = buyer ? buyer->held + buyer->sold : 0;
    uint32_t limit = d->inv->event->max_tickets_per_session;
    if (has + count <= limit)
        return BOX_OK;
    d->verdict->limit = limit;
    d->verdict->held = has;
    return BOX_ESESSIONLIMIT;
}

/* Every check of HOLD_CREATE, in the order that the header gives. */
static int draft_hold(struct decision *d, struct draft *draft)
{
    const struct command *command = d->command;
    bool best = command->seat_count == 0;
    draft->count = best ? command->best.count : command->seat_count;
    draft->seats = command->seats;
    must(draft->count > 0 && draft->count <= LIMIT_HOLD_SEATS);
    if (!event_on_sale(d->inv->event, d->now_ms))
        return BOX_ENOTONSALE;
    int ret = find_price_types(d, draft);
    if (!ret && best)
        ret = choose_seats(d, draft);
    if (!ret)
        ret = price_lines(d, draft);
    if (!ret)
        ret = check_seats(d, draft->seats, draft->count, SEAT_AVAILABLE);
    if (!ret)
        ret = check_limit(d, draft->count);
    if (!ret && command->over_budget)
        ret = BOX_EHOLDBUDGET;
    if (!ret)
        ret = check_clean(d, draft->seats, draft->count);
    return ret;
}

/* A seat's holds begin at different times, whatever the clock does: started_at is part of their key. */
static int64_t start_time(const struct decision *d, const struct draft *draft)
{
    int64_t started_ms = d->now_ms;
    for (uint32_t i = 0; i < draft->count; i++) {
        int64_t last = d->inv->seats[draft->seats[i]].last_started_ms;
        if (started_ms <= last)
            started_ms = last + 1;
    }
    return started_ms;
}

int decide_hold_create(struct decision *d)
{
    struct inventory *inv = d->inv;
    struct draft draft = {0};
    int ret = draft_hold(d, &draft);
    if (ret)
        return ret;

    struct change *c = emit_begin(d, CHANGE_HOLD_CREATED);
    struct hold hold = {
        .hold_id = hold_id_new(&inv->event->event_id, c->seq, inv->rng),
        .event_id = inv->event->event_id,
        .session_id = d->command->session,
        .status = HOLD_ACTIVE,
        .outcome = OUTCOME_NONE,
        .started_ms = start_time(d, &draft),
        .total = draft.total,
        .lines = draft.lines,
        .line_count = draft.count,
    };
    hold.expires_ms = hold.started_ms + (int64_t)inv->event->hold_seconds * 1000;
    for (uint32_t i = 0; i < draft.count; i++)
        inv->seats[draft.seats[i]].last_started_ms = hold.started_ms;
    emit_lines(d, c, draft.lines, draft.count, SEAT_AVAILABLE, SEAT_HELD, &hold.hold_id.u);
    emit_records(d, c, &hold, NULL);
    live_add(inv, &hold);
    buyer_add(inv, &hold.session_id, draft.count, 0);
    emit_finish(d, c);
    return BOX_OK;
}

/* ---- extend ---- */

/* The new deadline by the ordinary rule. */
static int extend_by_rule(struct decision *d, const struct live *live, int64_t *ret_expires_ms)
{
    const struct hold *hold = &live->hold;
    int64_t hold_ms = (int64_t)d->inv->event->hold_seconds * 1000;
    int64_t cap = hold->started_ms + 2 * hold_ms;
    if (hold->expires_ms >= cap)
        return refuse_state(d, BOX_EHOLDSTATE, hold_status_name(HOLD_ACTIVE));
    int64_t expires = d->now_ms + hold_ms < cap ? d->now_ms + hold_ms : cap;
    *ret_expires_ms = expires > hold->expires_ms ? expires : hold->expires_ms;
    return BOX_OK;
}

/* The payment has begun and takes longer: a key names the deadline itself. */
static int extend_until(struct decision *d, const struct live *live, int64_t *ret_expires_ms)
{
    const struct hold *hold = &live->hold;
    int64_t until = d->command->until_ms;
    if (d->command->actor.kind == ACTOR_SESSION)
        return refuse_invalid(d, "/until", "only an API key can name the end of a hold");
    if (!live->has_order)
        return refuse_invalid(d, "/until", "the hold has no pending order");
    if (until <= d->now_ms)
        return refuse_invalid(d, "/until", "must be later than now");
    if (until > hold->started_ms + LIMIT_HOLD_EXTEND_MAX_SECONDS * INT64_C(1000))
        return refuse_invalid(d, "/until", "must be at most 24 hours after the hold began");
    *ret_expires_ms = until > hold->expires_ms ? until : hold->expires_ms;
    return BOX_OK;
}

int decide_hold_extend(struct decision *d)
{
    struct live *live = NULL;
    int ret = find_live(d, live_by_hold(d->inv, &d->command->hold_id), &live);
    if (ret)
        return ret;
    if (past_deadline(d, live))
        return refuse_state(d, BOX_EHOLDSTATE, hold_status_name(HOLD_EXPIRED));
    int64_t expires_ms = 0;
    ret = d->command->until_ms ? extend_until(d, live, &expires_ms) : extend_by_rule(d, live, &expires_ms);
    if (ret)
        return ret;
    if (live_is_dirty(d->inv, live))
        return BOX_EDEFER;

    live_set_deadline(d->inv, live, expires_ms);
    struct change *c = emit_begin(d, CHANGE_HOLD_EXTENDED);
    emit_lines(d, c, live->lines, live->hold.line_count, SEAT_HELD, SEAT_HELD, &live->hold.hold_id.u);
    emit_records(d, c, &live->hold, live->has_order ? &live->order : NULL);
    emit_finish(d, c);
    return BOX_OK;
}

/* ---- end ---- */

int decide_hold_release(struct decision *d)
{
    struct live *live = NULL;
    int ret = find_live(d, live_by_hold(d->inv, &d->command->hold_id), &live);
    if (ret)
        return ret;
    if (past_deadline(d, live))
        return refuse_state(d, BOX_EHOLDSTATE, hold_status_name(HOLD_EXPIRED));
    if (live_is_dirty(d->inv, live))
        return BOX_EDEFER;
    end_hold(d, live, CHANGE_HOLD_RELEASED, OUTCOME_RELEASED);
    return BOX_OK;
}

int decide_hold_expire(struct decision *d)
{
    struct live *live = live_by_hold(d->inv, &d->command->hold_id);
    if (!live)
        return BOX_ENOTLIVE;
    if (!past_deadline(d, live) || live_is_dirty(d->inv, live)) /* a stale timer, or the next group */
        return BOX_EDEFER;
    end_hold(d, live, CHANGE_HOLD_EXPIRED, OUTCOME_EXPIRED);
    return BOX_OK;
}
