/*
 * inventory_decide(): who may ask at all, the rule of each command, and what the rules share.
 *
 * A rule first refuses, then defers, then changes. So a refusal leaves the inventory as it was, and a
 * deferred command is one that would have been accepted but for the open group. When a rule refuses because
 * of what the open group did, the answer is sound once that group is durable; the caller waits for it.
 */
#include "base/error.h"
#include "inventory/inventory_internal.h"

/* ---- refusals ---- */

int refuse_state(struct decision *d, int code, const char *current)
{
    d->verdict->current = current;
    return code;
}

int refuse_invalid(struct decision *d, const char *pointer, const char *detail)
{
    d->verdict->pointer = pointer;
    d->verdict->detail = detail;
    return BOX_EINVALID;
}

/* ---- checks ---- */

int check_owner(const struct decision *d, const struct session_id *owner)
{
    const struct actor *actor = &d->command->actor;
    if (actor->kind == ACTOR_SESSION && !uuid_equal(&actor->session.u, &owner->u))
        return BOX_ENOTFOUND;
    return BOX_OK;
}

int find_live(const struct decision *d, struct live *found, struct live **ret_live)
{
    if (!found)
        return BOX_ENOTLIVE;
    int ret = check_owner(d, &found->hold.session_id);
    if (ret)
        return ret;
    *ret_live = found;
    return BOX_OK;
}

bool past_deadline(const struct decision *d, const struct live *live)
{
    return d->now_ms >= live->hold.expires_ms;
}

int check_seats(struct decision *d, const uint32_t *seats, uint32_t count, enum seat_status wanted)
{
    uint32_t *taken = NULL, taken_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        must(seats[i] < d->inv->layout->seats_total);
        if (d->inv->seats[seats[i]].status == wanted)
            continue;
        if (!taken)
            taken = arena_array(d->arena, count - i, sizeof(*taken));
        taken[taken_count++] = seats[i];
    }
    if (!taken)
        return BOX_OK;
    d->verdict->taken = taken;
    d->verdict->taken_count = taken_count;
    return BOX_ESEATSTAKEN;
}

int check_clean(const struct decision *d, const uint32_t *seats, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (d->inv->seats[seats[i]].dirty)
            return BOX_EDEFER;
    }
    return BOX_OK;
}

/* ---- changing ---- */

struct change *emit_begin(struct decision *d, enum change_kind kind)
{
    struct inventory *inv = d->inv;
    struct change *c = arena_alloc(d->arena, sizeof(*c));
    c->kind = kind;
    c->event_id = inv->event->event_id;
    c->seq = inv->seq + 1;
    c->time_us = d->now_us > inv->time_us ? d->now_us : inv->time_us + 1;
    if (c->time_us < d->command->not_before_us)
        c->time_us = d->command->not_before_us;
    c->actor = d->command->actor;
    return c;
}

/* The names of the price types that the change's seats have, by index; the others stay NULL. */
static void name_price_types(struct decision *d, struct change *c)
{
    const struct event *event = d->inv->event;
    const char **names = arena_array(d->arena, event->price_type_count, sizeof(*names));
    for (uint32_t i = 0; i < c->seat_count; i++) {
        uint32_t type = c->seats[i].price_type;
        must(type < event->price_type_count); /* names are only ever added */
        if (!names[type])
            names[type] = arena_strdup(d->arena, event->price_types[type]);
        if (type >= c->price_type_count)
            c->price_type_count = type + 1;
    }
    c->price_type_names = names;
}

void emit_lines(struct decision *d, struct change *c, const struct line *lines, uint32_t count,
                enum seat_status before, enum seat_status after, const struct uuid *owner)
{
    struct seat_change *seats = arena_array(d->arena, count, sizeof(*seats));
    for (uint32_t i = 0; i < count; i++) {
        seat_set(d->inv, lines[i].seat, before, after, owner);
        seats[i] = (struct seat_change){
            .seat = lines[i].seat,
            .before = (uint8_t)before,
            .after = (uint8_t)after,
            .price_type = lines[i].price_type,
            .price = lines[i].price,
            .last_started_ms = d->inv->seats[lines[i].seat].last_started_ms,
        };
    }
    c->seats = seats;
    c->seat_count = count;
}

void emit_records(struct decision *d, struct change *c, const struct hold *hold, const struct order *order)
{
    name_price_types(d, c);
    if (hold) {
        struct hold *copy = arena_copy(d->arena, hold, sizeof(*hold));
        copy->lines = NULL;
        copy->line_count = 0;
        c->hold = copy;
    }
    if (order) {
        struct order *copy = arena_copy(d->arena, order, sizeof(*order));
        copy->lines = NULL;
        copy->line_count = 0;
        c->order = copy;
    }
}

void emit_finish(struct decision *d, struct change *c)
{
    struct inventory *inv = d->inv;
    struct verdict *v = d->verdict;
    must(c->seq == inv->seq + 1 && c->time_us > inv->time_us);
    change_seal(c, inv->seq == 0 ? NULL : &inv->hash);
    inv->seq = c->seq;
    inv->time_us = c->time_us;
    inv->hash = c->hash;
    inv->group_open = true;
    if (v->last)
        v->last->next = c;
    else
        v->changes = c;
    v->last = c;
}

int64_t stamp_ms(const struct decision *d, const struct live *live)
{
    int64_t ms = d->now_ms > live->hold.started_ms ? d->now_ms : live->hold.started_ms;
    return live->has_order && live->order.created_ms > ms ? live->order.created_ms : ms;
}

enum hold_status hold_status_after(enum hold_outcome outcome)
{
    must(outcome != OUTCOME_NONE);
    if (outcome == OUTCOME_PURCHASED)
        return HOLD_PURCHASED;
    return outcome == OUTCOME_EXPIRED ? HOLD_EXPIRED : HOLD_RELEASED;
}

enum order_status order_status_after(enum hold_outcome outcome)
{
    must(outcome != OUTCOME_NONE);
    if (outcome == OUTCOME_PURCHASED)
        return ORDER_PAID;
    return outcome == OUTCOME_EXPIRED ? ORDER_EXPIRED : ORDER_CANCELLED;
}

static void end_order(struct order *order, enum hold_outcome outcome, int64_t now_ms)
{
    order->status = order_status_after(outcome);
    *(order->status == ORDER_PAID ? &order->purchased_ms : &order->ended_ms) = now_ms;
}

void end_hold(struct decision *d, struct live *live, enum change_kind kind, enum hold_outcome outcome)
{
    bool sold = outcome == OUTCOME_PURCHASED;
    must(!sold || live->has_order);
    int64_t now_ms = stamp_ms(d, live);
    struct hold hold = live->hold;
    struct order order = live->order;
    hold.status = hold_status_after(outcome);
    hold.outcome = outcome;
    hold.ended_ms = now_ms;
    if (live->has_order)
        end_order(&order, outcome, now_ms);

    struct change *c = emit_begin(d, kind);
    emit_lines(d, c, live->lines, hold.line_count, SEAT_HELD, sold ? SEAT_SOLD : SEAT_AVAILABLE,
               sold ? &order.order_id.u : &UUID_NIL);
    emit_records(d, c, &hold, live->has_order ? &order : NULL);
    emit_finish(d, c);
    buyer_add(d->inv, &hold.session_id, -(int64_t)hold.line_count, sold ? hold.line_count : 0);
    live_remove(d->inv, live);
}

/* ---- the way in ---- */

/* What a session may ask for: what is published, and its own live holds and orders. */
static int check_actor(const struct decision *d)
{
    if (d->command->actor.kind != ACTOR_SESSION)
        return BOX_OK;
    switch (d->command->kind) {
    case COMMAND_HOLD_CREATE:
        return d->inv->event->published ? check_owner(d, &d->command->session) : BOX_ENOTFOUND;
    case COMMAND_HOLD_EXTEND:
    case COMMAND_HOLD_RELEASE:
    case COMMAND_ORDER_CREATE:
    case COMMAND_ORDER_CONFIRM:
    case COMMAND_ORDER_CANCEL:
    case COMMAND_ORDER_REFUND:
        return BOX_OK; /* each looks at the owner of what it finds */
    default:
        return BOX_ENOTFOUND;
    }
}

static int decide(struct decision *d)
{
    static int (*const rules[])(struct decision *) = {
        [COMMAND_EVENT_PUBLISH] = decide_event_state,
        [COMMAND_EVENT_UNPUBLISH] = decide_event_state,
        [COMMAND_EVENT_EDIT] = decide_event_edit,
        [COMMAND_EVENT_PRICE] = decide_event_price,
        [COMMAND_EVENT_PAUSE] = decide_event_state,
        [COMMAND_EVENT_RESUME] = decide_event_state,
        [COMMAND_EVENT_CANCEL] = decide_event_state,
        [COMMAND_EVENT_DELETE] = decide_event_state,
        [COMMAND_BLOCK] = decide_block,
        [COMMAND_UNBLOCK] = decide_unblock,
        [COMMAND_HOLD_CREATE] = decide_hold_create,
        [COMMAND_HOLD_EXTEND] = decide_hold_extend,
        [COMMAND_HOLD_RELEASE] = decide_hold_release,
        [COMMAND_HOLD_EXPIRE] = decide_hold_expire,
        [COMMAND_ORDER_CREATE] = decide_order_create,
        [COMMAND_ORDER_CONFIRM] = decide_order_confirm,
        [COMMAND_ORDER_CANCEL] = decide_order_cancel,
        [COMMAND_ORDER_REFUND] = decide_order_refund,
    };
    must((size_t)d->command->kind < sizeof(rules) / sizeof(rules[0]));
    if (d->inv->event->deleted)
        return BOX_ENOTFOUND;
    int ret = check_actor(d);
    return ret ? ret : rules[d->command->kind](d);
}

int inventory_decide(struct inventory *inv, const struct command *command, int64_t now_us,
                     struct arena *arena, struct verdict *ret_verdict)
{
    must(inv->seq > 0 && now_us >= 0); /* the event was created */
    uint64_t seq = inv->seq;
    struct decision d = {
        .inv = inv,
        .command = command,
        .now_us = now_us,
        .now_ms = now_us / 1000,
        .arena = arena,
        .verdict = ret_verdict,
    };
    *ret_verdict = (struct verdict){0};
    ret_verdict->code = decide(&d);
    must((ret_verdict->code == BOX_OK) == (inv->seq > seq)); /* accepted: changed; refused: not */
    return ret_verdict->code;
}

struct change *inventory_create(struct inventory *inv, const struct actor *actor, int64_t now_us,
                                struct arena *arena)
{
    must(inv->seq == 0 && !inv->group_open);
    struct verdict verdict = {0};
    struct command command = {.actor = *actor};
    struct decision d = {
        .inv = inv,
        .command = &command,
        .now_us = now_us,
        .now_ms = now_us / 1000,
        .arena = arena,
        .verdict = &verdict,
    };
    struct change *c = emit_begin(&d, CHANGE_EVENT_CREATED);
    c->event = inv->event;
    emit_finish(&d, c);
    return c;
}
