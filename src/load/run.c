#include "load/run.h"
#include "base/must.h"
#include "base/params.h"
#include "load/facts.h"
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct load_scenario *const SCENARIOS[] = {&scenario_holds, &scenario_orders, &scenario_hot_seat,
                                                        &scenario_best_available, &scenario_on_sale};
enum {
    SCENARIO_COUNT = sizeof SCENARIOS / sizeof SCENARIOS[0],
    PROGRESS_MS = 200,
    RESERVED_FILES = 100,
    JOURNEYS_A_TURN = 256
};

const struct load_scenario *load_scenario_at(unsigned index)
{
    return index < SCENARIO_COUNT ? SCENARIOS[index] : NULL;
}

const struct load_scenario *load_scenario_find(const char *name)
{
    for (unsigned i = 0; i < SCENARIO_COUNT; i++) {
        if (strcmp(SCENARIOS[i]->name, name) == 0)
            return SCENARIOS[i];
    }
    return NULL;
}

const char *load_scenario_name(const struct load_scenario *s)
{
    return s->name;
}

const char *load_scenario_help(const struct load_scenario *s)
{
    return s->help;
}

bool load_scenario_is_paced(const struct load_scenario *s)
{
    return s->paced;
}

void load_scenario_defaults(const struct load_scenario *s, struct load_options *ret)
{
    *ret = (struct load_options){.connections = s->paced ? 1000 : 64,
                                 .seconds = 10,
                                 .warmup = s->warmup,
                                 .timeout = 10,
                                 .seed = 1,
                                 .seats = 50000,
                                 .sessions = s->paced ? 20000 : 1000,
                                 .hold_seconds = CROWD_HOLD,
                                 .count = 4,
                                 .verify = true,
                                 .crowd = crowd_defaults()};
}

/* ---- journeys ---- */

static void begin_journey(struct run *run, int64_t due_ns)
{
    struct journey *j = run->free;
    if (j) {
        run->free = j->next;
    } else {
        j = calloc(1, run->scenario->journey_size);
        must(j);
        j->run = run;
    }
    j->request.due_ns = due_ns;
    run->begun++;
    run->alive++;
    run->scenario->begin(j);
}

void journey_end(struct journey *j)
{
    struct run *run = j->run;
    j->next = run->free;
    run->free = j;
    run->alive--;
    if (run->o->rate <= 0 && !run_is_over(run))
        begin_journey(run, now_ns());
}

void journey_send(struct journey *j, unsigned kind, struct wire_request r,
                  void (*done)(struct request *r, const struct reply *reply))
{
    r.host = j->run->client.host;
    wire_write(&j->request.text, &r);
    j->request.kind = kind;
    j->request.done = done;
    client_send(&j->run->client, &j->request);
}

static int64_t journey_due(const struct run *run, uint64_t n)
{
    return run->began_ns + (int64_t)((double)n * (double)NS_PER_S / run->o->rate);
}

/* Open loop: begin what is due. */
static void pace(struct timer *t)
{
    struct run *run = (struct run *)((char *)t - offsetof(struct run, pacer));
    int64_t now = now_ns(), due;
    unsigned count = 0;
    while ((due = journey_due(run, run->begun)) <= now && due < run->end_ns && count++ < JOURNEYS_A_TURN)
        begin_journey(run, due);
    if (due < run->end_ns)
        loop_set(&run->loop, t, due);
}

void run_end(struct run *run)
{
    int64_t now = now_ns();
    if (run->end_ns > now)
        run->end_ns = now;
    loop_unset(&run->loop, &run->pacer);
}

bool run_is_over(const struct run *run)
{
    return now_ns() >= run->end_ns;
}

void run_figure(struct run *run, const char *name, const char *unit, double value, const char *meaning)
{
    struct load_report *r = run->report;
    must(r->figure_count < LOAD_FIGURES);
    r->figures[r->figure_count++] =
        (struct load_figure){.name = name, .unit = unit, .value = value, .meaning = meaning};
}

const char *run_token(struct run *run, uint64_t turn)
{
    return run->house.tokens[turn % run->house.token_count];
}

/* ---- the load ---- */

static void tell_progress(struct run *run, int64_t now, int64_t *last_ns, uint64_t *last_finished)
{
    const struct client *c = &run->client;
    struct load_progress p = {.seconds = (double)(now - run->began_ns) / (double)NS_PER_S,
                              .per_second = (double)(c->finished - *last_finished) * (double)NS_PER_S /
                                            (double)(now - *last_ns),
                              .answers = c->finished,
                              .failed = c->failed,
                              .p99_ms = histogram_ms(&c->all, 0.99)};
    run->o->progress(&p);
    *last_ns = now;
    *last_finished = c->finished;
}

static bool is_asked_to_stop(const struct run *run)
{
    return run->o->interrupted && run->o->interrupted();
}

static bool is_interrupted(struct run *run)
{
    if (!run->report->interrupted && is_asked_to_stop(run)) {
        run->report->interrupted = true;
        run_end(run);
        client_drop_line(&run->client);
    }
    return run->report->interrupted;
}

/* Turn until the load is over and what is under way has been answered; what is still in line when the
 * time-out is over is not sent any more. */
static void turn_until_quiet(struct run *run)
{
    int64_t told_ns = run->began_ns;
    uint64_t told_finished = 0;
    bool dropped = false;
    /* A journey that was due before the end begins, however late the loop is. */
    while (!run_is_over(run) || heap_has(&run->pacer.item) || !client_is_quiet(&run->client) ||
           (run->alive > 0 && !is_interrupted(run))) {
        int64_t now = now_ns(), next = told_ns + PROGRESS_MS * NS_PER_MS;
        is_interrupted(run);
        if (now >= next && run->o->progress)
            tell_progress(run, now, &told_ns, &told_finished);
        else if (now >= next)
            told_ns = now;
        if (!dropped && now > run->end_ns && now - run->end_ns > run->client.timeout_ns) {
            client_drop_line(&run->client);
            dropped = true;
        }
        loop_turn(&run->loop, !run_is_over(run) && run->end_ns < next ? run->end_ns : next);
    }
}

static void carry_out(struct run *run)
{
    const struct load_options *o = run->o;
    const struct load_scenario *s = run->scenario;
    struct client *c = &run->client;
    run->began_ns = now_ns();
    run->end_ns = s->paced ? NEVER : run->began_ns + (int64_t)((o->warmup + o->seconds) * (double)NS_PER_S);
    c->from_ns = run->began_ns + (s->paced ? 0 : (int64_t)(o->warmup * (double)NS_PER_S));
    c->until_ns = NEVER;
    int64_t cpu = cpu_ns();
    run->pacer.due = pace;
    if (s->start)
        s->start(run);
    if (s->begin && o->rate > 0)
        pace(&run->pacer);
    for (unsigned i = 0; s->begin && o->rate <= 0 && i < o->connections && !run_is_over(run); i++)
        begin_journey(run, now_ns());
    turn_until_quiet(run);
    loop_unset_all(&run->loop); /* what they belong to is freed now */
    run->report->client_busy = busy_share(run->began_ns, cpu);
    run->report->seconds = (double)(run->end_ns - c->from_ns) / (double)NS_PER_S;
    if (run->report->seconds < 0)
        run->report->seconds = 0; /* ended while it warmed up */
    if (s->finish)
        s->finish(run);
}

/* ---- before and after ---- */

static int fail(struct run *run, const char *why)
{
    snprintf(run->report->error, sizeof run->report->error, "%s", why);
    return -1;
}

static unsigned reserved_connections(const struct run *run)
{
    return (unsigned)(((uint64_t)run->o->connections * run->scenario->reserved + 99) / 100);
}

static int prepare(struct run *run)
{
    struct house_wish wish = {.events = 1,
                              .sessions = run->o->sessions,
                              .seats = run->o->seats,
                              .hold_seconds = run->o->hold_seconds,
                              .tickets_a_session = LIMIT_SESSION_TICKETS_MAX};
    unsigned streams = run->scenario->paced ? run->o->crowd.streams : 0;
    uint64_t files = raise_open_files(),
             needed = (uint64_t)run->o->connections + reserved_connections(run) + streams + RESERVED_FILES;
    if (files < needed) {
        snprintf(run->report->error, sizeof run->report->error,
                 "%" PRIu64 " files may be open, %u connections and %u streams need %" PRIu64 " (ulimit -n)",
                 files, run->o->connections, streams, needed);
        return -1;
    }
    if (run->scenario->wish)
        run->scenario->wish(run->o, &wish);
    if (house_open(&run->house, &run->fetcher, &wish))
        return fail(run, run->fetcher.error);
    ledger_open(&run->ledger, run->house.event_count);
    return 0;
}

/* Something was held or tried there, or may have been. */
static bool is_touched(const struct run *run, unsigned event)
{
    const struct ledger_event *e = &run->ledger.events[event];
    return e->promise_count > 0 || e->seq_count > 0 || e->unanswered > 0;
}

static int verify(struct run *run)
{
    struct facts_log log;
    int ret = 0;
    facts_log_open(&log, &run->house);
    for (unsigned i = 0; i < run->house.event_count && ret == 0; i++) {
        struct facts facts;
        if (!is_touched(run, i))
            continue;
        if (is_asked_to_stop(run)) {
            run->report->interrupted = true;
            break;
        }
        ret =
            facts_read(&facts, &run->fetcher, &run->house, i, &log, &run->ledger, LIMIT_BENCH_QUIET_SECONDS);
        if (ret)
            fail(run, run->fetcher.error);
        else
            rules_check(&facts, run->report->rules);
        facts_done(&facts);
    }
    facts_log_close(&log);
    run->report->verified = ret == 0 && !run->report->interrupted;
    return ret;
}

static void keep_kinds(struct run *run)
{
    run->report->kinds = run->client.kinds;
    run->report->kind_count = run->client.kind_count;
    run->client.kinds = NULL;
}

static void free_journeys(struct run *run)
{
    for (struct journey *j = run->free, *next; j; j = next) {
        next = j->next;
        buf_done(&j->request.text);
        free(j);
    }
}

int load_run(const struct load_scenario *s, const struct load_options *o, struct load_report *ret_report)
{
    *ret_report = (struct load_report){.scenario_rule_name = s->rule_name};
    struct run *run = calloc(1, sizeof *run);
    must(run && sodium_init() >= 0);
    *run = (struct run){.o = o, .scenario = s, .report = ret_report};
    fetcher_open(&run->fetcher, &o->address, o->host, o->key);
    int ret = prepare(run);
    if (!ret) {
        loop_open(&run->loop);
        client_open(&run->client, &run->loop, &o->address, o->host, o->connections, reserved_connections(run),
                    (int64_t)(o->timeout * (double)NS_PER_S), s->kinds);
        run->state = calloc(1, s->state_size + 1);
        must(run->state);
        carry_out(run);
        free(run->state);
        keep_kinds(run);
        client_close(&run->client);
        free_journeys(run);
        loop_close(&run->loop);
        if (o->verify && !ret_report->interrupted)
            ret = verify(run);
        ledger_close(&run->ledger);
    }
    house_close(&run->house);
    fetcher_close(&run->fetcher);
    free(run);
    return ret;
}

bool load_is_broken(const struct load_report *r)
{
    uint64_t breaches = r->scenario_rule.breaches;
    for (unsigned i = 0; i < RULES; i++)
        breaches += r->rules[i].breaches;
    return breaches > 0;
}

void load_report_done(struct load_report *r)
{
    free(r->kinds);
    buf_done(&r->timeline);
    buf_done(&r->timeline_json);
    *r = (struct load_report){0};
}
