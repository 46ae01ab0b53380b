/*
 * Parties want the best seats together, until the house is sold out or the time is over. Nobody gives
 * anything back, so a refusal is wrong when all requests that were sent before its answer, each of them
 * served, leave enough seats.
 */
#include "base/must.h"
#include "load/run.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const KINDS[] = {"best-available", NULL};

struct state {
    uint64_t asked, served, refused; /* parties */
};

static struct state *state_of(struct run *run)
{
    return run->state;
}

static unsigned seats_in(const struct reply *reply)
{
    unsigned count = 0;
    for (const char *at = reply->body; (at = strstr(at, "\"seat_index\":")) != NULL; at++)
        count++;
    return count;
}

static void answered(struct request *r, const struct reply *reply)
{
    struct journey *j = (struct journey *)r;
    struct run *run = j->run;
    struct state *s = state_of(run);
    struct uuid hold;
    ledger_answer(&run->ledger, 0, reply);
    if (reply->error == WIRE_OK && reply->status == 201 && reply_uuid(reply, "hold_id", &hold)) {
        ledger_hold(&run->ledger, 0, hold);
        s->served++;
        if (seats_in(reply) != run->o->count)
            rule_broken(&run->report->scenario_rule, "a party of %u was given %u seats", run->o->count,
                        seats_in(reply));
    } else if (reply_is_problem(reply, "not-enough-seats")) {
        uint64_t taken = s->asked * run->o->count;
        s->refused++;
        if (taken + run->o->count <= run->house.seats)
            rule_broken(&run->report->scenario_rule,
                        "a party of %u was refused when at least %" PRIu64 " of %u seats were free",
                        run->o->count, run->house.seats - taken, run->house.seats);
        run_end(run); /* sold out */
    }
    journey_end(j);
}

static void begin(struct journey *j)
{
    struct run *run = j->run;
    char path[100], body[64];
    state_of(run)->asked++;
    j->request.keep = 400u * run->o->count + 1000;
    snprintf(path, sizeof path, "/v1/events/%s/holds", run->house.events[0].id);
    snprintf(body, sizeof body, "{\"best_available\":{\"count\":%u}}", run->o->count);
    journey_send(j, 0,
                 (struct wire_request){
                     .method = "POST", .path = path, .token = run_token(run, run->begun), .body = body},
                 answered);
}

static void finish(struct run *run)
{
    const struct state *s = state_of(run);
    run_figure(run, "parties_served", "", (double)s->served, "parties who got their seats");
    run_figure(run, "parties_refused", "", (double)s->refused,
               "parties who were told that there are not enough");
    run_figure(run, "seats_left", "", (double)run->house.seats - (double)s->served * run->o->count,
               "seats that nobody got");
}

const struct load_scenario scenario_best_available = {
    .name = "best-available",
    .help = "parties want the best seats together, until the house is sold out",
    .kinds = KINDS,
    .rule_name = "no-wrong-refusal",
    .journey_size = sizeof(struct journey),
    .state_size = sizeof(struct state),
    .begin = begin,
    .finish = finish,
};
