/*
 * Somebody who tries to buy: holds seats, thinks, orders, thinks, pays, or does not. What becomes of a hold
 * was drawn before (plan). A visitor lives until nothing of it is under way and no timer is set.
 */
#include "base/must.h"
#include "load/sale.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRIES_PEOPLE = 3, TRIES_BOT = 1 }; /* more, after 429 or 503 or no answer */
enum { TIME_OUT_S = 10 };                 /* after which people send the same again; of the sale's time */
enum { BEST_ROWS = 5 };                   /* of a block, which bots want */

struct visitor {
    struct timer timer;                 /* the next step */
    struct timer repeat;                /* the same hold once more */
    struct request request, twin, step; /* the hold; the same at once or later; what follows */
    struct sale *sale;
    struct visitor *next, *next_free;
    struct plan plan;
    uint32_t first;          /* seat */
    unsigned tries, pending; /* pending: requests under way and timers that are set */
    uint64_t number;         /* names its key and its session */
    bool held;
    struct uuid hold, order;
    size_t promise;
    int64_t expires_ns;
};

static struct visitor *visitor_of(struct timer *t)
{
    return (struct visitor *)t;
}

static struct tally *tally_of(struct visitor *v)
{
    return &v->sale->tally[v->plan.bot];
}

static struct promise *promise_of(struct visitor *v)
{
    return ledger_promise(&v->sale->run->ledger, 0, v->promise);
}

/* Something that was pending is over. */
static void let_go(struct visitor *v)
{
    struct sale *s = v->sale;
    must(v->pending > 0);
    if (--v->pending > 0)
        return;
    v->next_free = s->visitors_free;
    s->visitors_free = v;
    s->run->alive--;
}

static void set_timer(struct visitor *v, struct timer *t, int64_t at_ns, void (*due)(struct timer *t))
{
    if (!heap_has(&t->item)) /* else the new step takes the place of the old one */
        v->pending++;
    t->due = due;
    loop_set(&v->sale->run->loop, t, at_ns);
}

static void ask(struct visitor *v, struct request *r, unsigned kind, struct wire_request wire,
                void (*done)(struct request *r, const struct reply *reply))
{
    wire.host = v->sale->run->client.host;
    wire_write(&r->text, &wire);
    r->kind = kind;
    r->urgent = true;
    r->done = done;
    v->pending++;
    client_send(&v->sale->run->client, r);
}

/* An answer to a step after the hold: noted. Returns true when it is the one that leads on. */
static bool is_done(struct visitor *v, struct request *r, const struct reply *reply, unsigned status)
{
    bool good = reply->error == WIRE_OK && reply->status == status;
    ledger_answer(&v->sale->run->ledger, 0, reply);
    sale_note(v->sale, r, PURCHASES, reply, good);
    if (reply->error != WIRE_OK || reply->status >= 500)
        promise_of(v)->open_end = true;
    return good;
}

/* ---- the end of a checkout ---- */

static void given_back(struct request *r, const struct reply *reply)
{
    struct visitor *v = (struct visitor *)((char *)r - offsetof(struct visitor, step));
    if (is_done(v, r, reply, uuid_is_nil(&v->order) ? 204 : 200)) {
        promise_of(v)->state = PROMISE_RELEASED;
        tally_of(v)->given_back++;
    }
    let_go(v);
}

static void give_back(struct timer *t)
{
    struct visitor *v = visitor_of(t);
    char path[100], id[ID_TEXT];
    bool ordered = !uuid_is_nil(&v->order);
    uuid_format(ordered ? &v->order : &v->hold, id);
    snprintf(path, sizeof path, ordered ? "/v1/orders/%s/cancel" : "/v1/holds/%s", id);
    v->step.due_ns = now_ns();
    ask(v, &v->step, K_GIVE_BACK,
        (struct wire_request){
            .method = ordered ? "POST" : "DELETE", .path = path, .token = run_token(v->sale->run, v->number)},
        given_back);
    let_go(v);
}

static void confirmed(struct request *r, const struct reply *reply)
{
    struct visitor *v = (struct visitor *)((char *)r - offsetof(struct visitor, step));
    if (is_done(v, r, reply, 200)) {
        promise_of(v)->state = PROMISE_PAID;
        tally_of(v)->paid++;
        tally_of(v)->seats_paid += v->plan.party;
    } else if (reply_is_problem(reply, "hold-expired")) {
        tally_of(v)->too_late++;
    }
    let_go(v);
}

static void pay(struct timer *t)
{
    struct visitor *v = visitor_of(t);
    char path[100], id[ID_TEXT], body[64];
    uuid_format(&v->order, id);
    snprintf(path, sizeof path, "/v1/orders/%s/confirm", id);
    snprintf(body, sizeof body, "{\"payment_reference\":\"bench-%" PRIu64 "\"}", v->number);
    v->step.due_ns = now_ns();
    ask(v, &v->step, K_CONFIRM,
        (struct wire_request){.method = "POST", .path = path, .token = v->sale->run->o->key, .body = body},
        confirmed);
    let_go(v);
}

/* The server sees nothing of a payment that failed, only that the confirmation comes later. */
static int64_t payment_time(const struct visitor *v)
{
    double seconds = v->plan.think_pay + (v->plan.payment_fails ? v->plan.think_again : 0);
    if (v->plan.payment_late)
        return v->expires_ns + sale_span(v->sale, 1);
    return now_ns() + sale_span(v->sale, seconds);
}

static void ordered(struct request *r, const struct reply *reply)
{
    struct visitor *v = (struct visitor *)((char *)r - offsetof(struct visitor, step));
    if (is_done(v, r, reply, 201) && reply_uuid(reply, "order_id", &v->order)) {
        promise_of(v)->order = v->order;
        promise_of(v)->state = PROMISE_ORDERED;
        if (v->plan.fate == FATE_PAID)
            set_timer(v, &v->timer, payment_time(v), pay);
        else if (v->plan.fate == FATE_ORDER_GIVEN_BACK)
            set_timer(v, &v->timer, now_ns() + sale_span(v->sale, v->plan.think_leave), give_back);
        else
            tally_of(v)->left++;
    }
    let_go(v);
}

static void place_order(struct timer *t)
{
    struct visitor *v = visitor_of(t);
    char body[100], id[ID_TEXT];
    uuid_format(&v->hold, id);
    snprintf(body, sizeof body, "{\"hold_id\":\"%s\"}", id);
    v->step.due_ns = now_ns();
    ask(v, &v->step, K_ORDER,
        (struct wire_request){.method = "POST",
                              .path = "/v1/orders",
                              .token = run_token(v->sale->run, v->number),
                              .body = body},
        ordered);
    let_go(v);
}

/* ---- the hold ---- */

static void held_again(struct request *r, const struct reply *reply);

static void send_hold(struct visitor *v, struct request *r, unsigned kind,
                      void (*done)(struct request *r, const struct reply *reply))
{
    struct run *run = v->sale->run;
    char path[100], key[48], body[160];
    int at = snprintf(body, sizeof body, "{\"seat_indexes\":[%" PRIu32, v->first);
    for (unsigned i = 1; i < v->plan.party; i++)
        at += snprintf(body + at, sizeof body - (size_t)at, ",%" PRIu32, v->first + i);
    snprintf(body + at, sizeof body - (size_t)at, "]}");
    snprintf(path, sizeof path, "/v1/events/%s/holds", run->house.events[0].id);
    snprintf(key, sizeof key, "bench-%" PRIu64, v->number);
    ask(v, r, kind,
        (struct wire_request){.method = "POST",
                              .path = path,
                              .token = run_token(run, v->number),
                              .idempotency_key = key,
                              .body = body},
        done);
}

static void repeat_hold(struct timer *t)
{
    struct visitor *v = (struct visitor *)((char *)t - offsetof(struct visitor, repeat));
    v->twin.due_ns = now_ns();
    send_hold(v, &v->twin, K_REPEAT, held_again);
    let_go(v);
}

/* The first good answer: what becomes of the hold. */
static void go_on(struct visitor *v, const struct reply *reply)
{
    struct sale *s = v->sale;
    struct tally *tally = tally_of(v);
    int64_t started = reply_time(reply, "started_at"),
            left = reply_time(reply, "expires_at") - reply_time(reply, "now");
    v->held = true;
    v->promise = ledger_hold(&s->run->ledger, 0, v->hold);
    v->expires_ns = now_ns() + left * NS_PER_MS;
    if (v->expires_ns > s->last_expiry_ns)
        s->last_expiry_ns = v->expires_ns;
    if (started - s->on_sale_ms < s->earliest_ms)
        s->earliest_ms = started - s->on_sale_ms;
    if (started < s->on_sale_ms)
        rule_broken(&s->run->report->scenario_rule, "a hold began %" PRId64 " ms before the sale",
                    s->on_sale_ms - started);
    tally->won++;
    tally->seats += v->plan.party;
    tally->first_minute_won += now_ns() < sale_ns(s, 60);
    if (v->plan.repeats && !v->plan.doubles)
        set_timer(v, &v->repeat, now_ns() + sale_span(s, TIME_OUT_S), repeat_hold);
    if (v->plan.fate == FATE_GIVEN_BACK)
        set_timer(v, &v->timer, now_ns() + sale_span(s, v->plan.think_leave), give_back);
    else if (v->plan.fate != FATE_EXPIRES)
        set_timer(v, &v->timer, now_ns() + sale_span(s, v->plan.think_order), place_order);
    else
        tally->left++;
    if (v->plan.fate == FATE_EXPIRES || v->plan.fate == FATE_ORDER_EXPIRES || v->plan.payment_late)
        sale_expects_seats(s, v->expires_ns, v->first, v->plan.party);
}

/* An answer to any of the requests for this hold. */
static void take_hold(struct visitor *v, struct request *r, const struct reply *reply)
{
    struct sale *s = v->sale;
    struct uuid hold;
    bool good = reply->error == WIRE_OK && reply->status == 201 && reply_uuid(reply, "hold_id", &hold);
    ledger_answer(&s->run->ledger, 0, reply);
    sale_note(s, r, HOLDS, reply, good);
    if (!good)
        return;
    if (!v->held) {
        v->hold = hold;
        go_on(v, reply);
    } else if (!uuid_equal(&v->hold, &hold)) {
        ledger_hold(&s->run->ledger, 0, hold);
        rule_broken(&s->run->report->scenario_rule, "one Idempotency-Key was given two holds");
    }
}

static void held_again(struct request *r, const struct reply *reply)
{
    struct visitor *v = (struct visitor *)((char *)r - offsetof(struct visitor, twin));
    bool repeat = r->kind == K_REPEAT;
    take_hold(v, r, reply);
    v->sale->doubles += !repeat;
    v->sale->repeats += repeat;
    v->sale->repeats_replayed += repeat && reply->replayed;
    let_go(v);
}

static void held(struct request *r, const struct reply *reply);

static void try_again(struct timer *t)
{
    struct visitor *v = visitor_of(t);
    v->request.due_ns = now_ns();
    send_hold(v, &v->request, K_AGAIN, held);
    let_go(v);
}

/* Turned down for now, or not answered: people wait as they are told to, bots do not. */
static bool wants_again(const struct visitor *v, const struct reply *reply)
{
    bool turned_down = reply->error != WIRE_OK || reply->status == 429 || reply->status == 503;
    return !v->held && turned_down && v->tries < (v->plan.bot ? TRIES_BOT : TRIES_PEOPLE) &&
           !run_is_over(v->sale->run);
}

static void held(struct request *r, const struct reply *reply)
{
    struct visitor *v = (struct visitor *)((char *)r - offsetof(struct visitor, request));
    struct tally *tally = tally_of(v);
    take_hold(v, r, reply);
    if (wants_again(v, reply)) {
        v->tries++;
        int64_t wait = v->plan.bot ? 0 : (int64_t)reply->retry_after_s * NS_PER_S;
        set_timer(v, &v->timer, now_ns() + wait, try_again);
    } else if (!v->held) {
        tally->early_refused += reply_is_problem(reply, "not-on-sale");
        tally->lost++;
    }
    let_go(v);
}

static struct visitor *new_visitor(struct sale *s)
{
    struct visitor *v = s->visitors_free;
    if (!v) {
        v = calloc(1, sizeof *v);
        must(v);
        v->sale = s;
        v->next = s->visitors;
        s->visitors = v;
        return v;
    }
    s->visitors_free = v->next_free;
    *v = (struct visitor){.sale = s,
                          .next = v->next,
                          .request.text = v->request.text,
                          .twin.text = v->twin.text,
                          .step.text = v->step.text};
    return v;
}

void visitor_begin(struct sale *s, bool bot, int64_t due_ns, uint32_t first, unsigned count)
{
    struct dice dice = dice_of(s->run->o->seed, bot ? DICE_BOTS : DICE_PEOPLE, bot ? s->bots : s->people);
    struct plan plan = plan_draw(&dice, bot, s->crowd);
    unsigned blocks = (s->picture.seats + BLOCK_SEATS - 1) / BLOCK_SEATS,
             block = zipf_rank(blocks, dice_share(&dice));
    /* Bots take the first seats of the best rows, people look around. */
    unsigned row = (unsigned)(dice_roll(&dice) % (bot ? BEST_ROWS : BLOCK_ROWS));
    unsigned seat = bot ? 0 : (unsigned)(dice_roll(&dice) % ROW_SEATS);
    if (count) {
        plan.party = count;
    } else if (!picture_find(&s->picture, block, row, seat, plan.party, &first)) {
        s->turned_away++;
        return;
    }
    struct visitor *v = new_visitor(s);
    v->plan = plan;
    v->first = first;
    v->number = s->named++;
    v->request.due_ns = v->twin.due_ns = due_ns;
    s->run->alive++;
    s->tally[bot].attempts++;
    unsigned kind = due_ns < s->start_ns ? K_EARLY : bot ? K_SNIPE : K_HOLD;
    v->pending++; /* until both are sent */
    send_hold(v, &v->request, kind, held);
    if (plan.doubles)
        send_hold(v, &v->twin, K_DOUBLE, held_again);
    let_go(v);
}

void visitors_done(struct sale *s)
{
    for (struct visitor *v = s->visitors, *next; v; v = next) {
        next = v->next;
        buf_done(&v->request.text);
        buf_done(&v->twin.text);
        buf_done(&v->step.text);
        free(v);
    }
}
