/* Durable holds of one seat: each request wants a seat that nobody wanted before. */
#include "base/params.h"
#include "load/run.h"
#include <inttypes.h>
#include <stdio.h>

enum { HOLDS_A_SECOND_MAX = 80000 }; /* so many seats are made ready for each second of a closed loop */

static const char *const KINDS[] = {"hold", NULL};

struct holding {
    struct journey journey;
    unsigned event;
};

static void wish(const struct load_options *o, struct house_wish *ret)
{
    double wanted = (o->seconds + o->warmup) * (o->rate > 0 ? o->rate : HOLDS_A_SECOND_MAX);
    double events = wanted / o->seats + 1;
    ret->events = events < LIMIT_BENCH_EVENTS ? (unsigned)events : LIMIT_BENCH_EVENTS;
}

static void answered(struct request *r, const struct reply *reply)
{
    struct holding *h = (struct holding *)r;
    struct uuid hold;
    ledger_answer(&h->journey.run->ledger, h->event, reply);
    if (reply->error == WIRE_OK && reply->status == 201 && reply_uuid(reply, "hold_id", &hold))
        ledger_hold(&h->journey.run->ledger, h->event, hold);
    journey_end(&h->journey);
}

static void begin(struct journey *j)
{
    struct holding *h = (struct holding *)j;
    struct run *run = j->run;
    char path[100], body[64];
    uint32_t seat;
    if (!house_next_seat(&run->house, &h->event, &seat)) {
        run_end(run); /* every seat was asked for: what follows would not be holds */
        journey_end(j);
        return;
    }
    snprintf(path, sizeof path, "/v1/events/%s/holds", run->house.events[h->event].id);
    snprintf(body, sizeof body, "{\"seat_indexes\":[%" PRIu32 "]}", seat);
    journey_send(j, 0,
                 (struct wire_request){
                     .method = "POST", .path = path, .token = run_token(run, run->begun), .body = body},
                 answered);
}

static void finish(struct run *run)
{
    run_figure(run, "seats_asked_for", "", (double)run->house.taken, "seats that were asked for, each once");
}

const struct load_scenario scenario_holds = {
    .name = "holds",
    .help = "durable holds of one seat each, every one of a seat that nobody has",
    .kinds = KINDS,
    .warmup = 1,
    .wish = wish,
    .journey_size = sizeof(struct holding),
    .begin = begin,
    .finish = finish,
};
