/*
 * What the scenarios share: the connections, the house, the ledger, and how a load begins, goes on and ends.
 *
 * Most scenarios are journeys: one request or several that follow each other. In a closed loop each
 * connection begins a journey when its last has ended; in an open loop journey n is due at n/rate whatever
 * became of those before.
 */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "load/client.h"
#include "load/house.h"
#include "load/ledger.h"
#include "load/load.h"

struct run;

/* The first member of a scenario's journey. */
struct journey {
    struct request request;
    struct run *run;
    struct journey *next; /* in the list of those that are not on their way */
};

struct load_scenario {
    const char *name, *help;
    const char *const *kinds; /* names of kinds of requests, ended by NULL */
    bool paced;               /* paces itself: neither --rate nor --seconds */
    const char *rule_name;    /* of its own rule, or NULL */
    double warmup;            /* usual seconds */
    unsigned reserved;        /* connections for urgent requests, in percent of the others */
    /* What it needs of the house. */
    void (*wish)(const struct load_options *o, struct house_wish *ret);
    /* A journey: how big, how it begins (at request.due_ns; it ends with journey_end()). NULL when it has
     * none. */
    size_t journey_size, state_size; /* state: zeroed, run->state */
    void (*begin)(struct journey *j);
    /* Called when the load begins and, when it is over, before the report; either may be NULL. */
    void (*start)(struct run *run);
    void (*finish)(struct run *run);
};

struct run {
    const struct load_options *o;
    const struct load_scenario *scenario;
    struct load_report *report;
    struct fetcher fetcher;
    struct loop loop;
    struct client client;
    struct house house;
    struct ledger ledger;
    void *state;           /* the scenario's, state_size */
    int64_t began_ns;      /* when the load began, the warm-up included */
    int64_t end_ns;        /* when no more journeys begin; a scenario may set it earlier or later */
    uint64_t begun, alive; /* journeys */
    struct journey *free;
    struct timer pacer;
};

/* ---- for scenarios ---- */

/* The journey has ended: in a closed loop the next begins. */
void journey_end(struct journey *j);
/*
 * Send the journey's request: @kind, @r (its host is filled in), and whom to tell. Its due time is set by the
 * caller, or for the first request by whoever began the journey.
 */
void journey_send(struct journey *j, unsigned kind, struct wire_request r,
                  void (*done)(struct request *r, const struct reply *reply));
/* No more journeys begin. */
void run_end(struct run *run);
bool run_is_over(const struct run *run);
/* Add a figure to the report. */
void run_figure(struct run *run, const char *name, const char *unit, double value, const char *meaning);
/* A session's token, in turn. */
const char *run_token(struct run *run, uint64_t turn);

extern const struct load_scenario scenario_holds, scenario_orders, scenario_hot_seat, scenario_best_available,
    scenario_on_sale;

#endif
