/*
 * Everybody wants the same seat: one gets it, everybody else is told so. In slices of the run /healthz is
 * asked instead, over the same connections, so that the ratio of the two is of the same machine in the same
 * minute. With --beside others hold seats of another event meanwhile, at a fixed rate.
 */
#include "base/must.h"
#include "load/run.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOT, HEALTHZ, BESIDE };
enum { HOT_EVENT, BESIDE_EVENT };
#define SLICE_NS (NS_PER_S / 4)

static const char *const KINDS[] = {"hot-seat", "healthz", "beside", NULL};

struct wanting {
    struct journey journey;
    bool hot;
};

/* A hold of another seat. */
struct neighbour {
    struct request request;
    struct run *run;
    struct neighbour *next; /* of all */
};

struct state {
    struct timer slice, pacer;
    struct run *run;
    bool hot; /* of the slice that runs */
    int64_t slice_began_ns, hot_ns, healthz_ns;
    uint64_t hot_answers, healthz_answers;
    uint64_t winners, beside_begun;
    struct neighbour *neighbours;
};

static void wish(const struct load_options *o, struct house_wish *ret)
{
    ret->events = o->beside > 0 ? 2 : 1;
}

/* ---- the seat ---- */

static void answered(struct request *r, const struct reply *reply)
{
    struct wanting *w = (struct wanting *)r;
    struct run *run = w->journey.run;
    struct state *s = run->state;
    struct uuid hold;
    bool good = reply->error == WIRE_OK;
    if (w->hot)
        ledger_answer(&run->ledger, HOT_EVENT, reply);
    if (w->hot && good && reply->status == 201 && reply_uuid(reply, "hold_id", &hold)) {
        ledger_hold(&run->ledger, HOT_EVENT, hold);
        if (++s->winners > 1)
            rule_broken(&run->report->scenario_rule, "%" PRIu64 " buyers were given the same seat",
                        s->winners);
    }
    if (r->due_ns >= run->client.from_ns && good && w->hot == s->hot)
        *(w->hot ? &s->hot_answers : &s->healthz_answers) += 1;
    journey_end(&w->journey);
}

static void begin(struct journey *j)
{
    struct wanting *w = (struct wanting *)j;
    struct run *run = j->run;
    const struct state *s = run->state;
    char path[100];
    w->hot = s->hot;
    snprintf(path, sizeof path, "/v1/events/%s/holds", run->house.events[HOT_EVENT].id);
    if (w->hot)
        journey_send(j, HOT,
                     (struct wire_request){.method = "POST",
                                           .path = path,
                                           .token = run_token(run, run->begun),
                                           .body = "{\"seat_indexes\":[0]}"},
                     answered);
    else
        journey_send(j, HEALTHZ, (struct wire_request){.method = "GET", .path = "/healthz"}, answered);
}

/* Count the time of the slice that ends, as far as it is measured. */
static void end_slice(struct state *s)
{
    int64_t now = now_ns(), from = s->run->client.from_ns;
    int64_t began = s->slice_began_ns > from ? s->slice_began_ns : from,
            end = now < s->run->end_ns ? now : s->run->end_ns;
    if (end > began)
        *(s->hot ? &s->hot_ns : &s->healthz_ns) += end - began;
    s->slice_began_ns = now;
}

static void next_slice(struct timer *t)
{
    struct state *s = (struct state *)((char *)t - offsetof(struct state, slice));
    if (run_is_over(s->run))
        return;
    end_slice(s);
    s->hot = !s->hot;
    loop_set(&s->run->loop, t, now_ns() + SLICE_NS);
}

/* ---- the neighbours ---- */

static void neighbour_answered(struct request *r, const struct reply *reply)
{
    struct neighbour *n = (struct neighbour *)r;
    struct uuid hold;
    ledger_answer(&n->run->ledger, BESIDE_EVENT, reply);
    if (reply->error == WIRE_OK && reply->status == 201 && reply_uuid(reply, "hold_id", &hold))
        ledger_hold(&n->run->ledger, BESIDE_EVENT, hold);
}

static void send_neighbour(struct state *s, int64_t due_ns)
{
    struct run *run = s->run;
    struct neighbour *n = calloc(1, sizeof *n);
    char path[100], body[64];
    must(n);
    n->run = run;
    n->next = s->neighbours;
    s->neighbours = n;
    n->request =
        (struct request){.kind = BESIDE, .urgent = true, .due_ns = due_ns, .done = neighbour_answered};
    snprintf(path, sizeof path, "/v1/events/%s/holds", run->house.events[BESIDE_EVENT].id);
    snprintf(body, sizeof body, "{\"seat_indexes\":[%" PRIu64 "]}", s->beside_begun % run->house.seats);
    wire_write(&n->request.text, &(struct wire_request){.method = "POST",
                                                        .path = path,
                                                        .host = run->client.host,
                                                        .token = run_token(run, s->beside_begun),
                                                        .body = body});
    s->beside_begun++;
    client_send(&run->client, &n->request);
}

static int64_t neighbour_due(const struct state *s)
{
    return s->run->began_ns + (int64_t)((double)s->beside_begun * (double)NS_PER_S / s->run->o->beside);
}

/* Counts as alive until the last that is due before the end has been sent. */
static void pace_neighbours(struct timer *t)
{
    struct state *s = (struct state *)((char *)t - offsetof(struct state, pacer));
    int64_t now = now_ns(), end = s->run->end_ns;
    while (neighbour_due(s) <= now && neighbour_due(s) < end && s->beside_begun < s->run->house.seats)
        send_neighbour(s, neighbour_due(s));
    if (neighbour_due(s) < end && s->beside_begun < s->run->house.seats)
        loop_set(&s->run->loop, t, neighbour_due(s));
    else
        s->run->alive--;
}

/* ---- all ---- */

static void start(struct run *run)
{
    struct state *s = run->state;
    *s = (struct state){.run = run, .hot = true, .slice_began_ns = now_ns()};
    s->slice.due = next_slice;
    loop_set(&run->loop, &s->slice, now_ns() + SLICE_NS);
    s->pacer.due = pace_neighbours;
    if (run->o->beside > 0) {
        run->alive++;
        loop_set(&run->loop, &s->pacer, now_ns());
    }
}

static double rate(uint64_t answers, int64_t ns)
{
    return ns > 0 ? (double)answers * (double)NS_PER_S / (double)ns : 0;
}

static void finish(struct run *run)
{
    struct state *s = run->state;
    end_slice(s);
    double hot = rate(s->hot_answers, s->hot_ns), healthz = rate(s->healthz_answers, s->healthz_ns);
    run_figure(run, "hot_seat_per_s", "/s", hot, "answers to those who wanted the seat, in their slices");
    run_figure(run, "healthz_per_s", "/s", healthz, "answers of /healthz, in the slices between");
    run_figure(run, "ratio_to_healthz", "x", healthz > 0 ? hot / healthz : 0, "the first by the second");
    run_figure(run, "winners", "", (double)s->winners, "buyers who got the seat");
    if (s->winners == 0 && s->hot_answers > 0)
        rule_broken(&run->report->scenario_rule, "nobody was given the seat");
    for (struct neighbour *n = s->neighbours, *next; n; n = next) {
        next = n->next;
        buf_done(&n->request.text);
        free(n);
    }
}

const struct load_scenario scenario_hot_seat = {
    .name = "hot-seat",
    .help = "everybody wants the same seat; beside it /healthz, in alternating slices",
    .kinds = KINDS,
    .warmup = 1,
    .reserved = 25, /* for the neighbours */
    .rule_name = "one-winner",
    .wish = wish,
    .journey_size = sizeof(struct wanting),
    .state_size = sizeof(struct state),
    .begin = begin,
    .start = start,
    .finish = finish,
};
