/*
 * The load generator: scenarios of buyers and readers against a server, over HTTP only. It knows neither the
 * server nor its store; it makes events of its own, measures, and at the end reads everything back and checks
 * the rules of selling (rules.h).
 *
 *   histogram  latencies            loop, conn, client   sockets, timers, requests and what became of them
 *   wire       HTTP as text         fetch                single requests before and after the load
 *   house      events, sessions     ledger               what the server acknowledged
 *   facts      what it says later   rules                whether the two agree
 *   run        what scenarios share; one file for each scenario; crowd: the model of the crowd that buys
 *
 * Thread: one; load_run() returns when everything is over.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/buf.h"
#include "load/client.h"
#include "load/crowd.h"
#include "load/rules.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct load_progress {
    double seconds;           /* since the load began; below 0: the sale's start is to come */
    double per_second;        /* answers, lately */
    uint64_t answers, failed; /* failed: no answer, or 5xx */
    double p99_ms;            /* of everything so far */
};

struct load_options {
    struct sockaddr_in address;
    const char *host; /* for the Host header */
    const char *key;
    unsigned connections;
    double rate; /* requests or journeys a second in an open loop; 0: a closed loop */
    double seconds, warmup, timeout;
    uint64_t seed;
    unsigned seats; /* of an event */
    unsigned sessions;
    unsigned hold_seconds; /* of the events that are made; on-sale has its own */
    unsigned count;        /* seats of a party (best-available) */
    double beside;         /* holds a second of other seats (hot-seat) */
    bool verify;
    struct crowd_options crowd; /* on-sale */
    /* May be NULL. progress() is called a few times a second; interrupted() is asked as often. */
    void (*progress)(const struct load_progress *p);
    bool (*interrupted)(void);
};

/* A figure beside the table of requests. */
struct load_figure {
    const char *name, *unit; /* "ratio_to_healthz", "x" */
    const char *meaning;
    double value;
};

enum { LOAD_FIGURES = 64 };

struct load_report {
    struct kind *kinds; /* of requests */
    unsigned kind_count;
    double seconds; /* that were measured */
    struct load_figure figures[LOAD_FIGURES];
    unsigned figure_count;
    struct buf timeline;      /* text for people, or empty */
    struct buf timeline_json; /* an array, or empty */
    bool interrupted, verified;
    struct rule_result rules[RULES],
        scenario_rule; /* the latter: the scenario's own, see scenario_rule_name */
    const char *scenario_rule_name;
    double client_busy; /* share of a core; near 1 the load generator was the limit */
    char error[400];
};

struct load_scenario;

/* Entry @index of the list of scenarios, NULL at its end; by name: NULL when there is none. */
const struct load_scenario *load_scenario_at(unsigned index);
const struct load_scenario *load_scenario_find(const char *name);
const char *load_scenario_name(const struct load_scenario *s);
const char *load_scenario_help(const struct load_scenario *s);
/* True when the scenario paces itself and knows neither --rate nor --seconds. */
bool load_scenario_is_paced(const struct load_scenario *s);

/* Fill in what is usual for the scenario; the caller adds where the server is. */
void load_scenario_defaults(const struct load_scenario *s, struct load_options *ret);

/*
 * Run. Returns 0, or -1 when it could not be carried out (@ret_report->error says why). Broken rules are no
 * failure of the run: see load_is_broken(). The report is ended by load_report_done() in any case.
 */
int load_run(const struct load_scenario *s, const struct load_options *o, struct load_report *ret_report);
/* True when a rule was broken. */
bool load_is_broken(const struct load_report *r);
/* Append the report as a JSON object. */
void load_report_json(const struct load_report *r, const struct load_scenario *s,
                      const struct load_options *o, struct buf *ret);
/* Free what the report owns. */
void load_report_done(struct load_report *r);

#endif
