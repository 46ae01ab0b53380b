/*
 * Thousands of random commands against a naive model. The model knows the rules and looks everything up in
 * the rows that the changes have written (replay.h): for each command it says beforehand what the answer must
 * be and which status every seat must have afterwards. The clock runs, stands, jumps past deadlines and goes
 * back; groups end and the event is loaded again at random points. What rig.h checks for every command is
 * checked for each of these.
 */
#include "unit/inventory/rig.h"
#include <stdio.h>

enum { SEEDS = 60, STEPS = 1500, SESSIONS = 4 };

struct model {
    struct rig *r;
    struct rng rng; /* what is done; the inventory has its own */
    uint8_t expected[HALL_SEATS];
};

static uint32_t below(struct model *m, uint32_t bound)
{
    return rng_below(&m->rng, bound);
}

/* ---- the rules, once more ---- */

static bool visible(const struct model *m, const struct command *c)
{
    return c->actor.kind != ACTOR_SESSION || m->r->store.event->published;
}

static bool may(const struct command *c, const struct session_id *owner)
{
    return c->actor.kind != ACTOR_SESSION || uuid_equal(&c->actor.session.u, &owner->u);
}

static bool any_dirty(const struct model *m, const struct line *lines, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (m->r->dirty[lines[i].seat])
            return true;
    }
    return false;
}

static void expect_lines(struct model *m, const struct line *lines, uint32_t count, enum seat_status status)
{
    for (uint32_t i = 0; i < count; i++)
        m->expected[lines[i].seat] = (uint8_t)status;
}

static uint32_t count_status(const struct model *m, enum seat_status status)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < HALL_SEATS; i++)
        count += m->r->store.seats[i].status == status;
    return count;
}

static int expect_seats(struct model *m, const struct command *c, enum seat_status from, enum seat_status to)
{
    bool dirty = false;
    for (uint32_t i = 0; i < c->seat_count; i++) {
        if (m->r->store.seats[c->seats[i]].status != from)
            return BOX_ESEATSTAKEN;
        dirty = dirty || m->r->dirty[c->seats[i]];
        m->expected[c->seats[i]] = (uint8_t)to;
    }
    return dirty ? BOX_EDEFER : BOX_OK;
}

static bool wrong_price_type(const struct command *c)
{
    for (uint32_t i = 0; c->price_types && c->seat_count && i < c->seat_count; i++) {
        if (strcmp(c->price_types[i], "child") == 0 && c->seats[i] >= 10)
            return true;
    }
    return false;
}

static int expect_hold_create(struct model *m, const struct command *c)
{
    const struct replay *p = &m->r->store;
    uint32_t count = c->seat_count ? c->seat_count : c->best.count;
    bool within = replay_held(p, &c->session) + replay_sold(p, &c->session) + count <=
                  p->event->max_tickets_per_session;
    if (!visible(m, c))
        return BOX_ENOTFOUND;
    if (!p->event->published || p->event->status != EVENT_SCHEDULED)
        return BOX_ENOTONSALE;
    if (c->seat_count == 0)
        return count > count_status(m, SEAT_AVAILABLE) ? BOX_ENOTENOUGH : within ? BOX_OK : BOX_ESESSIONLIMIT;
    if (wrong_price_type(c))
        return BOX_EINVALID;
    int ret = expect_seats(m, c, SEAT_AVAILABLE, SEAT_HELD);
    return ret == BOX_ESEATSTAKEN || within ? ret : BOX_ESESSIONLIMIT;
}

static int expect_extend(const struct model *m, const struct command *c, const struct hold *h)
{
    int64_t now_ms = m->r->now_ms;
    if (c->until_ms == 0)
        return h->expires_ms >= h->started_ms + 2 * HOLD_MS ? BOX_EHOLDSTATE : BOX_OK;
    bool good = c->actor.kind == ACTOR_KEY && !uuid_is_nil(&h->order_id.u) && c->until_ms > now_ms &&
                c->until_ms <= h->started_ms + INT64_C(86400000);
    return good ? BOX_OK : BOX_EINVALID;
}

static int expect_on_hold(struct model *m, const struct command *c)
{
    const struct hold *h = replay_hold(&m->r->store, &c->hold_id);
    bool expires = c->kind == COMMAND_HOLD_EXPIRE;
    if (!h || h->status != HOLD_ACTIVE)
        return BOX_ENOTLIVE;
    if (!may(c, &h->session_id))
        return BOX_ENOTFOUND;
    bool late = m->r->now_ms >= h->expires_ms;
    if (late && !expires)
        return c->kind == COMMAND_ORDER_CREATE ? BOX_EHOLDEXPIRED : BOX_EHOLDSTATE;
    if (c->kind == COMMAND_ORDER_CREATE && !uuid_is_nil(&h->order_id.u))
        return BOX_EORDEREXISTS;
    int ret = c->kind == COMMAND_HOLD_EXTEND ? expect_extend(m, c, h) : BOX_OK;
    if (ret)
        return ret;
    if (any_dirty(m, h->lines, h->line_count) || (expires && !late))
        return BOX_EDEFER;
    if (expires || c->kind == COMMAND_HOLD_RELEASE)
        expect_lines(m, h->lines, h->line_count, SEAT_AVAILABLE);
    return BOX_OK;
}

static int expect_refund(struct model *m, const struct command *c, const struct order *o)
{
    if (o->status != ORDER_PAID)
        return BOX_EORDERSTATE;
    if (any_dirty(m, o->lines, o->line_count))
        return BOX_EDEFER;
    expect_lines(m, o->lines, o->line_count, c->block_seats ? SEAT_BLOCKED : SEAT_AVAILABLE);
    return BOX_OK;
}

static int expect_on_order(struct model *m, const struct command *c)
{
    const struct order *o = replay_order(&m->r->store, &c->order_id);
    bool refunds = c->kind == COMMAND_ORDER_REFUND;
    if (!o || (o->status != ORDER_PENDING && !refunds))
        return BOX_ENOTLIVE;
    if (!may(c, &o->session_id))
        return BOX_ENOTFOUND;
    if (refunds)
        return expect_refund(m, c, o);
    if (m->r->now_ms >= o->expires_ms)
        return c->kind == COMMAND_ORDER_CONFIRM ? BOX_EHOLDEXPIRED : BOX_EORDERSTATE;
    if (any_dirty(m, o->lines, o->line_count))
        return BOX_EDEFER;
    expect_lines(m, o->lines, o->line_count, c->kind == COMMAND_ORDER_CONFIRM ? SEAT_SOLD : SEAT_AVAILABLE);
    return BOX_OK;
}

static int expect_on_event(struct model *m, const struct command *c)
{
    const struct event *e = m->r->store.event;
    if (c->actor.kind == ACTOR_SESSION)
        return BOX_ENOTFOUND;
    if (e->status == EVENT_CANCELLED)
        return BOX_EEVENTSTATE;
    switch (c->kind) {
    case COMMAND_EVENT_PUBLISH:
        return e->published ? BOX_EEVENTSTATE : BOX_OK;
    case COMMAND_EVENT_UNPUBLISH:
        return e->published ? BOX_OK : BOX_EEVENTSTATE;
    case COMMAND_EVENT_PAUSE:
        return e->status == EVENT_PAUSED ? BOX_EEVENTSTATE : BOX_OK;
    case COMMAND_EVENT_RESUME:
        return e->status == EVENT_PAUSED ? BOX_OK : BOX_EEVENTSTATE;
    case COMMAND_EVENT_EDIT:
    case COMMAND_EVENT_PRICE:
        return BOX_OK;
    default:
        break;
    }
    assert_int_equal(c->kind, COMMAND_EVENT_CANCEL);
    for (uint32_t i = 0; i < HALL_SEATS; i++) {
        if (m->r->store.seats[i].status != SEAT_HELD)
            continue;
        if (m->r->dirty[i])
            return BOX_EDEFER;
        m->expected[i] = SEAT_AVAILABLE;
    }
    return BOX_OK;
}

static int expect(struct model *m, const struct command *c)
{
    for (uint32_t i = 0; i < HALL_SEATS; i++)
        m->expected[i] = m->r->store.seats[i].status;
    switch (c->kind) {
    case COMMAND_HOLD_CREATE:
        return expect_hold_create(m, c);
    case COMMAND_HOLD_EXTEND:
    case COMMAND_HOLD_RELEASE:
    case COMMAND_HOLD_EXPIRE:
    case COMMAND_ORDER_CREATE:
        return expect_on_hold(m, c);
    case COMMAND_ORDER_CONFIRM:
    case COMMAND_ORDER_CANCEL:
    case COMMAND_ORDER_REFUND:
        return expect_on_order(m, c);
    case COMMAND_BLOCK:
        return expect_seats(m, c, SEAT_AVAILABLE, SEAT_BLOCKED);
    case COMMAND_UNBLOCK:
        return expect_seats(m, c, SEAT_BLOCKED, SEAT_AVAILABLE);
    default:
        return expect_on_event(m, c);
    }
}

/* ---- random commands ---- */

/* Different seats, most often near each other. */
static void random_seats(struct model *m, struct command *c)
{
    uint32_t *seats = arena_array(&m->r->arena, HALL_SEATS, sizeof(*seats));
    uint32_t first = below(m, HALL_SEATS), step = below(m, 4) ? 1 : 3;
    c->seat_count = 1 + below(m, below(m, 8) ? 3 : 9);
    for (uint32_t i = 0; i < c->seat_count; i++)
        seats[i] = (first + i * step) % HALL_SEATS;
    c->seats = seats;
}

static void random_hold_create(struct model *m, struct command *c)
{
    static const char *const children[] = {"standard", "child",    "standard", "child", "standard",
                                           "standard", "standard", "standard", "child"};
    c->session = c->actor.kind == ACTOR_SESSION ? c->actor.session : session(1 + below(m, SESSIONS));
    if (below(m, 4) == 0) {
        c->best = (struct best_wish){.count = 1 + below(m, 5), .section = UINT32_MAX};
        return;
    }
    random_seats(m, c);
    if (below(m, 3) == 0)
        c->price_types = children;
}

/* One of the newest few. */
static size_t recent(struct model *m, size_t count)
{
    return count - 1 - below(m, count < 30 ? (uint32_t)count : 30);
}

/* Most often one that is alive. */
static const struct hold *random_hold_of(struct model *m)
{
    const struct replay *p = &m->r->store;
    const struct hold *h = NULL;
    for (int tries = 0; tries < 8 && p->hold_count && (!h || h->status != HOLD_ACTIVE); tries++)
        h = &p->holds[recent(m, p->hold_count)];
    return h;
}

static void random_hold(struct model *m, struct command *c)
{
    const struct hold *h = random_hold_of(m);
    if (!h)
        return;
    c->hold_id = h->hold_id;
    if (c->actor.kind == ACTOR_SESSION && below(m, 8))
        c->actor.session = h->session_id;
    if (c->kind == COMMAND_HOLD_EXTEND && below(m, 3) == 0)
        c->until_ms = m->r->now_ms + (int64_t)below(m, 100000000) - 5000000;
}

static const struct order *random_order_of(struct model *m, enum order_status wanted)
{
    const struct replay *p = &m->r->store;
    const struct order *o = NULL;
    for (int tries = 0; tries < 8 && p->order_count && (!o || o->status != wanted); tries++)
        o = &p->orders[recent(m, p->order_count)];
    return o;
}

static void random_order(struct model *m, struct command *c)
{
    bool refunds = c->kind == COMMAND_ORDER_REFUND;
    const struct order *o = random_order_of(m, refunds ? ORDER_PAID : ORDER_PENDING);
    if (!o)
        return;
    c->order_id = o->order_id;
    c->block_seats = below(m, 4) == 0;
    c->stored_order = refunds ? o : NULL;
    if (c->actor.kind == ACTOR_SESSION && below(m, 8))
        c->actor.session = o->session_id;
}

/* Names and prices that the rules of the model do not depend on. */
static void random_edit(struct model *m, struct command *c)
{
    static const struct event_edit names[] = {{.set = EVENT_NAME, .name = "One"},
                                              {.set = EVENT_NAME, .name = "Two"}};
    c->kind = COMMAND_EVENT_EDIT;
    c->edit = &names[below(m, 2)];
}

static void random_price(struct model *m, struct command *c)
{
    static const char *const types[] = {"standard", "child", "senior", "student"};
    struct price_entry *entry = arena_alloc(&m->r->arena, sizeof(*entry));
    *entry = (struct price_entry){.place = 0, .price_type = types[below(m, 4)]};
    entry->price.minor = 1 + below(m, 10000);
    c->kind = COMMAND_EVENT_PRICE;
    c->prices = entry;
    c->price_count = 1;
}

static void random_command(struct model *m, struct command *c)
{
    static const enum command_kind kinds[] = {
        COMMAND_HOLD_CREATE,   COMMAND_HOLD_CREATE,   COMMAND_HOLD_CREATE,  COMMAND_HOLD_CREATE,
        COMMAND_HOLD_EXTEND,   COMMAND_HOLD_RELEASE,  COMMAND_HOLD_EXPIRE,  COMMAND_HOLD_EXPIRE,
        COMMAND_ORDER_CREATE,  COMMAND_ORDER_CREATE,  COMMAND_ORDER_CREATE, COMMAND_ORDER_CONFIRM,
        COMMAND_ORDER_CONFIRM, COMMAND_ORDER_CONFIRM, COMMAND_ORDER_CANCEL, COMMAND_ORDER_REFUND,
        COMMAND_ORDER_REFUND,  COMMAND_BLOCK,         COMMAND_UNBLOCK,      COMMAND_UNBLOCK,
        COMMAND_EVENT_PUBLISH, COMMAND_EVENT_PUBLISH, COMMAND_EVENT_RESUME, COMMAND_EVENT_RESUME,
    };
    *c = (struct command){.kind = kinds[below(m, sizeof(kinds) / sizeof(kinds[0]))]};
    if (below(m, 60) == 0)
        c->kind = below(m, 2) ? COMMAND_EVENT_PAUSE : COMMAND_EVENT_UNPUBLISH;
    if (below(m, 2 * STEPS) == 0)
        c->kind = COMMAND_EVENT_CANCEL;
    if (below(m, 60) == 0)
        random_edit(m, c);
    if (below(m, 60) == 0)
        random_price(m, c);
    c->actor = who_is(below(m, SESSIONS + 1));
    if (c->kind == COMMAND_HOLD_CREATE)
        random_hold_create(m, c);
    else if (c->kind == COMMAND_BLOCK || c->kind == COMMAND_UNBLOCK)
        random_seats(m, c);
    else if (c->kind == COMMAND_ORDER_CREATE ||
             (c->kind >= COMMAND_HOLD_EXTEND && c->kind <= COMMAND_HOLD_EXPIRE))
        random_hold(m, c);
    else if (c->kind >= COMMAND_ORDER_CONFIRM)
        random_order(m, c);
    if (c->kind <= COMMAND_UNBLOCK)
        c->actor = who_is(0);
    if (c->kind == COMMAND_HOLD_EXPIRE)
        c->actor = actor_system();
}

/* The next deadline is often just reached, or just not. */
static void random_time(struct model *m)
{
    struct hold_id id;
    int64_t expires_ms;
    switch (below(m, 12)) {
    case 0:
        m->r->now_ms -= below(m, 5000); /* set back */
        break;
    case 1:
        if (inventory_next_deadline(m->r->inv, &expires_ms, &id) && expires_ms > m->r->now_ms)
            m->r->now_ms = expires_ms - below(m, 2);
        break;
    case 2:
    case 3:
    case 4:
        break; /* it stands */
    default:
        m->r->now_ms += below(m, 20000);
    }
}

/* ---- checking ---- */

/* A seat that was chosen was available, and as many were chosen as wanted. */
static void check_best(const struct model *m, const uint8_t *before, uint32_t count)
{
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < HALL_SEATS; i++) {
        if (m->r->store.seats[i].status == before[i])
            continue;
        assert_int_equal(before[i], SEAT_AVAILABLE);
        assert_int_equal(m->r->store.seats[i].status, SEAT_HELD);
        chosen++;
    }
    assert_int_equal(chosen, count);
}

static bool chosen_by_best(const struct command *c)
{
    return c->kind == COMMAND_HOLD_CREATE && c->seat_count == 0;
}

/* Returns what was decided. */
static int step(struct model *m)
{
    struct command c;
    uint8_t before[HALL_SEATS];
    random_time(m);
    random_command(m, &c);
    int expected = expect(m, &c);
    bool dirty = false;
    for (uint32_t i = 0; i < HALL_SEATS; i++) {
        before[i] = m->r->store.seats[i].status;
        dirty = dirty || m->r->dirty[i];
    }
    int ret = rig_decide(m->r, &c);
    if (chosen_by_best(&c) && expected == BOX_OK) {
        assert_true(ret == BOX_OK || (ret == BOX_EDEFER && dirty)); /* which seats is for best to say */
        check_best(m, before, ret ? 0 : c.best.count);
        return ret;
    }
    if (ret != expected)
        fail_msg("command %d: %d instead of %d", c.kind, ret, expected);
    for (uint32_t i = 0; i < HALL_SEATS; i++)
        assert_int_equal(m->r->store.seats[i].status, ret ? before[i] : m->expected[i]);
    return ret;
}

/* What must hold of all records: an order is paid if and only if its tickets are sold to it, and so on. */
static void check_records(const struct replay *p)
{
    uint32_t sold = 0, held_seats = 0;
    for (size_t i = 0; i < p->order_count; i++) {
        const struct order *o = &p->orders[i];
        int64_t total = 0;
        for (uint32_t j = 0; j < o->line_count; j++) {
            total += o->lines[j].price.minor;
            bool owned = uuid_equal(&p->seats[o->lines[j].seat].owner, &o->order_id.u);
            assert_true(owned == (o->status == ORDER_PAID));
        }
        assert_int_equal(total, o->total.minor);
        assert_true(o->purchased_ms < o->expires_ms);
        sold += o->status == ORDER_PAID ? o->line_count : 0;
    }
    for (size_t i = 0; i < p->hold_count; i++) {
        const struct hold *h = &p->holds[i];
        assert_true(h->outcome != OUTCOME_EXPIRED || h->ended_ms >= h->expires_ms); /* never early */
        held_seats += h->status == HOLD_ACTIVE ? h->line_count : 0;
    }
    for (uint32_t i = 0; i < HALL_SEATS; i++) {
        sold -= p->seats[i].status == SEAT_SOLD;
        held_seats -= p->seats[i].status == SEAT_HELD;
    }
    assert_int_equal(sold, 0);
    assert_int_equal(held_seats, 0);
}

static void run(uint64_t seed, uint32_t *accepted, uint32_t *deferred)
{
    struct rig r;
    rig_init(&r, seed % 4 != 0);
    r.keep_group_open = true;
    struct model m = {.r = &r};
    rng_init_seeded(&m.rng, seed);
    for (int i = 0; i < STEPS; i++) {
        int ret = step(&m);
        *accepted += ret == BOX_OK;
        *deferred += ret == BOX_EDEFER;
        if (below(&m, 6))
            continue;
        rig_group_done(&r);
        arena_reset(&r.arena);
        check_records(&r.store);
        if (below(&m, 10) == 0)
            rig_reload(&r);
    }
    rig_done(&r);
}

static void test_random_commands(void **state)
{
    (void)state;
    uint32_t accepted = 0, deferred = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed, &accepted, &deferred);
    assert_true(accepted > SEEDS * STEPS / 10); /* the test does something */
    assert_true(deferred > SEEDS * STEPS / 100);
    print_message("%d commands, %u accepted, %u deferred\n", SEEDS * STEPS, accepted, deferred);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
