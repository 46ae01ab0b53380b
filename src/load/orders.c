/* Whole purchases: a seat that nobody has is held, ordered, and paid for (which the API key confirms). */
#include "base/params.h"
#include "load/run.h"
#include <inttypes.h>
#include <stdio.h>

enum { ORDERS_A_SECOND_MAX = 30000 }; /* so many seats are made ready for each second of a closed loop */
enum { HOLD, ORDER, CONFIRM };

static const char *const KINDS[] = {"hold", "order", "confirm", NULL};

struct purchase {
    struct journey journey;
    unsigned event;
    size_t promise;
    uint64_t number;
    int64_t due_ns;
    struct uuid hold, order;
};

struct state {
    uint64_t paid;
    struct histogram whole; /* from when the hold was due until the order is paid */
};

static void wish(const struct load_options *o, struct house_wish *ret)
{
    double wanted = (o->seconds + o->warmup) * (o->rate > 0 ? o->rate : ORDERS_A_SECOND_MAX);
    double events = wanted / o->seats + 1;
    ret->events = events < LIMIT_BENCH_EVENTS ? (unsigned)events : LIMIT_BENCH_EVENTS;
}

/* Note the answer of a step. Returns false, the journey ended, when it is not the @status that leads on. */
static bool goes_on(struct purchase *p, const struct reply *reply, unsigned status)
{
    struct ledger *ledger = &p->journey.run->ledger;
    ledger_answer(ledger, p->event, reply);
    if (reply->error == WIRE_OK && reply->status == status)
        return true;
    if (p->journey.request.kind != HOLD && (reply->error != WIRE_OK || reply->status >= 500))
        ledger_promise(ledger, p->event, p->promise)->open_end = true;
    journey_end(&p->journey);
    return false;
}

static void confirmed(struct request *r, const struct reply *reply)
{
    struct purchase *p = (struct purchase *)r;
    struct run *run = p->journey.run;
    struct state *state = run->state;
    if (!goes_on(p, reply, 200))
        return;
    ledger_promise(&run->ledger, p->event, p->promise)->state = PROMISE_PAID;
    if (p->due_ns >= run->client.from_ns) {
        state->paid++;
        histogram_add(&state->whole, now_ns() - p->due_ns);
    }
    journey_end(&p->journey);
}

static void ordered(struct request *r, const struct reply *reply)
{
    struct purchase *p = (struct purchase *)r;
    struct run *run = p->journey.run;
    char path[100], id[ID_TEXT], body[64];
    if (!goes_on(p, reply, 201))
        return;
    reply_uuid(reply, "order_id", &p->order);
    struct promise *promise = ledger_promise(&run->ledger, p->event, p->promise);
    promise->order = p->order;
    promise->state = PROMISE_ORDERED;
    uuid_format(&p->order, id);
    snprintf(path, sizeof path, "/v1/orders/%s/confirm", id);
    snprintf(body, sizeof body, "{\"payment_reference\":\"bench-%" PRIu64 "\"}", p->number);
    r->due_ns = now_ns();
    journey_send(&p->journey, CONFIRM,
                 (struct wire_request){.method = "POST", .path = path, .token = run->o->key, .body = body},
                 confirmed);
}

static void held(struct request *r, const struct reply *reply)
{
    struct purchase *p = (struct purchase *)r;
    struct run *run = p->journey.run;
    char id[ID_TEXT], body[100];
    if (!goes_on(p, reply, 201))
        return;
    reply_uuid(reply, "hold_id", &p->hold);
    p->promise = ledger_hold(&run->ledger, p->event, p->hold);
    uuid_format(&p->hold, id);
    snprintf(body, sizeof body, "{\"hold_id\":\"%s\"}", id);
    r->due_ns = now_ns();
    journey_send(
        &p->journey, ORDER,
        (struct wire_request){
            .method = "POST", .path = "/v1/orders", .token = run_token(run, p->number), .body = body},
        ordered);
}

static void begin(struct journey *j)
{
    struct purchase *p = (struct purchase *)j;
    struct run *run = j->run;
    char path[100], body[64];
    uint32_t seat;
    p->journey.request.kind = HOLD;
    if (!house_next_seat(&run->house, &p->event, &seat)) {
        run_end(run);
        journey_end(j);
        return;
    }
    p->number = run->begun;
    p->due_ns = j->request.due_ns;
    snprintf(path, sizeof path, "/v1/events/%s/holds", run->house.events[p->event].id);
    snprintf(body, sizeof body, "{\"seat_indexes\":[%" PRIu32 "]}", seat);
    journey_send(j, HOLD,
                 (struct wire_request){
                     .method = "POST", .path = path, .token = run_token(run, p->number), .body = body},
                 held);
}

static void finish(struct run *run)
{
    const struct state *state = run->state;
    double seconds = run->report->seconds;
    run_figure(run, "orders_per_s", "/s", seconds > 0 ? (double)state->paid / seconds : 0,
               "whole orders a second: held, ordered, paid");
    run_figure(run, "order_p50_ms", "ms", histogram_ms(&state->whole, 0.5),
               "a whole order, from when it was due: p50");
    run_figure(run, "order_p99_ms", "ms", histogram_ms(&state->whole, 0.99), "p99");
}

const struct load_scenario scenario_orders = {
    .name = "orders",
    .help = "whole purchases of one seat: hold, order, confirm, each durable",
    .kinds = KINDS,
    .warmup = 1,
    .wish = wish,
    .journey_size = sizeof(struct purchase),
    .state_size = sizeof(struct state),
    .begin = begin,
    .finish = finish,
};
