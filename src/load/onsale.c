/*
 * A sale opens and a crowd is there: crowd.h says when its attempts and reads come, visitor.c what those who
 * try do. Everything is an open loop: what is due is sent whatever became of what came before, and latencies
 * count from then.
 */
#include "base/clock.h"
#include "base/must.h"
#include "load/sale.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const KINDS[] = {"page",  "list",    "sections",  "map",   "availability", "poll",
                                    "early", "hold",    "snipe",     "again", "double",       "repeat",
                                    "order", "confirm", "give-back", NULL};
static const char *const FAMILIES[] = {"reads", "holds", "purchases", NULL};
enum { LATE_MS = 10, LEAD_MS = 300, EXPIRY_GRACE_MS = 250, SNIPE_WITHIN_S = 1 };

static const double BOTS_AT_START =
    0.5; /* of the bots' attempts; the others come when seats are to come back */

/* What those who look read; the shares add up to 1. */
static const struct {
    unsigned kind;
    double share;
} READ_MIX[] = {{K_PAGE, 0.45}, {K_LIST, 0.10}, {K_SECTIONS, 0.25}, {K_MAP, 0.05}, {K_AVAILABILITY, 0.15}};

struct read {
    struct request request;
    struct sale *sale;
    struct read *next;
};

/* Seats that may come back. */
struct snipe {
    struct timer timer;
    struct sale *sale;
    struct snipe *next; /* of all */
    uint32_t first;
    unsigned count;
};

int64_t sale_span(const struct sale *s, double seconds)
{
    return (int64_t)(seconds / s->crowd->compress * (double)NS_PER_S);
}

int64_t sale_ns(const struct sale *s, double t)
{
    return s->start_ns + sale_span(s, t);
}

void sale_note(struct sale *s, const struct request *r, unsigned family, const struct reply *reply, bool good)
{
    /* In slots of a second of ours, from when the first who gather come. */
    int64_t since = r->due_ns - sale_ns(s, -CROWD_BEFORE);
    if (since >= 0)
        timeline_add(&s->timeline, since / NS_PER_S, family, good,
                     reply->error == WIRE_OK ? r->latency_ns : -1);
}

/* ---- reads ---- */

static void read_answered(struct request *r, const struct reply *reply)
{
    struct read *read = (struct read *)r;
    struct sale *s = read->sale;
    if (r->kind == K_AVAILABILITY)
        picture_take(&s->picture, reply);
    sale_note(s, r, READS, reply, reply->error == WIRE_OK && reply->status == 200);
    read->next = s->reads_free;
    s->reads_free = read;
    s->run->alive--;
}

static struct read *new_read(struct sale *s)
{
    struct read *read = s->reads_free;
    if (read) {
        s->reads_free = read->next;
        return read;
    }
    read = calloc(1, sizeof *read);
    must(read);
    read->sale = s;
    read->request.done = read_answered;
    return read;
}

static void send_read(struct sale *s, unsigned kind, int64_t due_ns)
{
    static const char *const PATHS[] = {
        "", NULL, "/sections", "/seatmap", "/availability", "/availability?since="};
    struct read *read = new_read(s);
    struct run *run = s->run;
    char path[160];
    if (kind == K_LIST)
        snprintf(path, sizeof path, "/v1/events");
    else if (kind == K_POLL)
        snprintf(path, sizeof path, "/v1/events/%s%s%" PRIu64, run->house.events[0].id, PATHS[kind],
                 s->picture.seq);
    else
        snprintf(path, sizeof path, "/v1/events/%s%s", run->house.events[0].id, PATHS[kind]);
    wire_write(&read->request.text,
               &(struct wire_request){.method = "GET",
                                      .path = path,
                                      .host = run->client.host,
                                      .headers = kind == K_AVAILABILITY
                                                     ? "Accept: application/octet-stream\r\n"
                                                     : "Accept-Encoding: gzip\r\n"});
    read->request.kind = kind;
    read->request.due_ns = due_ns;
    read->request.keep = kind == K_AVAILABILITY ? s->picture.seats / 4 + 1 : 0;
    run->alive++;
    client_send(&run->client, &read->request);
}

static unsigned draw_read(const struct sale *s, uint64_t n)
{
    struct dice dice = dice_of(s->run->o->seed, DICE_READS, ~n);
    double u = dice_share(&dice);
    unsigned i = 0;
    for (; i + 1 < sizeof READ_MIX / sizeof READ_MIX[0] && u >= READ_MIX[i].share; i++)
        u -= READ_MIX[i].share;
    return READ_MIX[i].kind;
}

/* Of each sort at once; then the answers have their turn. */
enum { ARRIVALS_A_TURN = 64 };

/* ---- arrivals: number n of so many comes when the share (n + chance) / many has come ---- */

static double strata(const struct sale *s, unsigned sort, uint64_t n, uint64_t many)
{
    struct dice dice = dice_of(s->run->o->seed, sort, n);
    return ((double)n + dice_share(&dice)) / (double)many;
}

static void reads_due(struct timer *t)
{
    struct sale *s = (struct sale *)((char *)t - offsetof(struct sale, reads_timer));
    int64_t due = t->item.key;
    for (unsigned i = 0; i < ARRIVALS_A_TURN && due <= now_ns() && !run_is_over(s->run); i++) {
        send_read(s, draw_read(s, s->reads_begun), due);
        if (++s->reads_begun == s->reads_wanted)
            return;
        due = sale_ns(s, curve_time(&s->reads, strata(s, DICE_READS, s->reads_begun, s->reads_wanted)));
    }
    if (!run_is_over(s->run))
        loop_set(&s->run->loop, t, due);
}

static void people_due(struct timer *t)
{
    struct sale *s = (struct sale *)((char *)t - offsetof(struct sale, people_timer));
    int64_t due = t->item.key;
    for (unsigned i = 0; i < ARRIVALS_A_TURN && due <= now_ns() && !run_is_over(s->run); i++) {
        visitor_begin(s, false, due, 0, 0);
        if (++s->people == s->people_wanted)
            return;
        due = sale_ns(s, curve_time(&s->attempts, strata(s, DICE_PEOPLE_COME, s->people, s->people_wanted)));
    }
    if (!run_is_over(s->run))
        loop_set(&s->run->loop, t, due);
}

static uint64_t bots_at_start(const struct sale *s)
{
    return (uint64_t)ceil((double)s->bots_wanted * BOTS_AT_START);
}

static void bots_due(struct timer *t)
{
    struct sale *s = (struct sale *)((char *)t - offsetof(struct sale, bots_timer));
    int64_t due = t->item.key;
    for (unsigned i = 0; i < ARRIVALS_A_TURN && due <= now_ns() && !run_is_over(s->run); i++) {
        visitor_begin(s, true, due, 0, 0);
        if (++s->bots >= bots_at_start(s))
            return;
        due = sale_ns(s, SNIPE_WITHIN_S * strata(s, DICE_BOTS_COME, s->bots, bots_at_start(s)));
    }
    if (!run_is_over(s->run))
        loop_set(&s->run->loop, t, due);
}

static void polls_due(struct timer *t)
{
    struct sale *s = (struct sale *)((char *)t - offsetof(struct sale, polls_timer));
    int64_t due = t->item.key, first = sale_ns(s, -CROWD_BEFORE);
    for (unsigned i = 0; i < ARRIVALS_A_TURN && due <= now_ns() && !run_is_over(s->run); i++) {
        send_read(s, K_POLL, due);
        if (++s->polls == s->polls_wanted)
            return;
        due = first + (int64_t)((double)s->polls / s->poll_rate * (double)NS_PER_S);
    }
    if (!run_is_over(s->run))
        loop_set(&s->run->loop, t, due);
}

static void snipe_due(struct timer *t)
{
    struct snipe *snipe = (struct snipe *)t;
    struct sale *s = snipe->sale;
    if (s->bots >= s->bots_wanted || run_is_over(s->run))
        return;
    visitor_begin(s, true, t->item.key, snipe->first, snipe->count);
    s->bots++;
}

static void expect_one(struct sale *s, int64_t at_ns, uint32_t first, unsigned count)
{
    struct snipe *snipe = calloc(1, sizeof *snipe);
    must(snipe);
    *snipe =
        (struct snipe){.timer.due = snipe_due, .sale = s, .next = s->snipes, .first = first, .count = count};
    s->snipes = snipe;
    loop_set(&s->run->loop, &snipe->timer, at_ns);
}

void sale_expects_seats(struct sale *s, int64_t at_ns, uint32_t first, unsigned count)
{
    /* So many bots for each expiry that their attempts are used up by the end. */
    struct dice dice = dice_of(s->run->o->seed, DICE_SNIPES, first);
    double expiries =
        (s->crowd->won_an_order - 1) * (1 - s->crowd->given_back) * s->run->house.seats / party_mean();
    double bots = expiries > 0 ? (double)s->bots_wanted * (1 - BOTS_AT_START) / expiries : 0;
    for (; bots > 0 && dice_share(&dice) < bots; bots--)
        expect_one(s, at_ns + sale_span(s, dice_between(&dice, 0, SNIPE_WITHIN_S)), first, count);
}

/* ---- the whole ---- */

static unsigned hold_seconds(const struct load_options *o)
{
    return (unsigned)ceil(CROWD_HOLD / o->crowd.compress);
}

static void wish(const struct load_options *o, struct house_wish *ret)
{
    ret->hold_seconds = hold_seconds(o);
    ret->on_sale_in_ms = (int64_t)(CROWD_BEFORE / o->crowd.compress * 1000) + LEAD_MS;
}

/* The last holds expire now, or somebody began one meanwhile. */
static void rested(struct timer *t)
{
    struct sale *s = (struct sale *)((char *)t - offsetof(struct sale, rest_timer));
    int64_t until = s->last_expiry_ns + EXPIRY_GRACE_MS * NS_PER_MS;
    if (until > now_ns())
        loop_set(&s->run->loop, t, until);
    else
        s->run->alive--;
}

static void closed(struct timer *t)
{
    struct sale *s = (struct sale *)((char *)t - offsetof(struct sale, end_timer));
    if (s->people < s->people_wanted || s->reads_begun < s->reads_wanted || s->polls < s->polls_wanted) {
        loop_set(&s->run->loop, t,
                 now_ns() + LATE_MS * NS_PER_MS); /* the loop is late: some have yet to come */
        return;
    }
    run_end(s->run);
    if (!s->run->o->verify)
        return;
    s->run->alive++;
    s->rest_timer.due = rested;
    loop_set(&s->run->loop, &s->rest_timer, now_ns());
}

static void begin_arrivals(struct sale *s, struct timer *t, void (*due)(struct timer *t), uint64_t wanted,
                           double first)
{
    t->due = due;
    if (wanted > 0)
        loop_set(&s->run->loop, t, sale_ns(s, first));
}

static void count_wanted(struct sale *s)
{
    const struct crowd_options *c = s->crowd;
    double orders = s->run->house.seats / party_mean(), attempts = c->attempts_an_order * orders;
    double pollers = c->follow > 0 ? c->streams * (1 - c->follow) / c->follow : 0;
    double polls = pollers * (CROWD_BEFORE + s->hold_s + CROWD_AFTER) / CROWD_POLL,
           reads = c->reads_an_order * orders;
    s->poll_rate = pollers / CROWD_POLL * c->compress;
    s->polls_wanted = (uint64_t)(polls < reads ? polls : reads);
    s->reads_wanted = (uint64_t)(polls < reads ? reads - polls : 0);
    s->bots_wanted = (uint64_t)(attempts * c->bots);
    s->people_wanted = (uint64_t)attempts - s->bots_wanted;
}

static void start(struct run *run)
{
    struct sale *s = run->state;
    struct clock clock;
    clock_init_system(&clock);
    s->run = run;
    s->crowd = &run->o->crowd;
    s->hold_s = hold_seconds(run->o) * s->crowd->compress;
    s->on_sale_ms = run->house.on_sale_ms;
    s->start_ns = now_ns() + s->on_sale_ms * NS_PER_MS - clock_wall_us(&clock) * 1000;
    s->earliest_ms = INT64_MAX;
    curve_build(&s->attempts, density_attempts, s->hold_s, s->crowd);
    curve_build(&s->reads, density_reads, s->hold_s, s->crowd);
    picture_open(&s->picture, run->house.seats);
    timeline_open(&s->timeline, FAMILIES);
    count_wanted(s);
    begin_arrivals(s, &s->reads_timer, reads_due, s->reads_wanted, curve_time(&s->reads, 0));
    begin_arrivals(s, &s->people_timer, people_due, s->people_wanted, curve_time(&s->attempts, 0));
    begin_arrivals(s, &s->bots_timer, bots_due, s->bots_wanted, 0);
    begin_arrivals(s, &s->polls_timer, polls_due, s->polls_wanted, -CROWD_BEFORE);
    begin_arrivals(s, &s->end_timer, closed, 1, s->hold_s + CROWD_AFTER);
    followers_begin(s);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void add_figures(struct sale *s)
{
    struct run *run = s->run;
    const struct tally *people = &s->tally[0], *bots = &s->tally[1];
    uint64_t attempts = people->attempts + bots->attempts, won = people->won + bots->won;
    run_figure(run, "attempts", "", (double)attempts, "attempts to hold seats");
    run_figure(run, "won", "", (double)won, "holds");
    run_figure(run, "lost", "", (double)(people->lost + bots->lost), "attempts that got nothing");
    run_figure(run, "turned_away", "", (double)s->turned_away, "visitors who saw no seats and did not try");
    run_figure(run, "paid", "", (double)(people->paid + bots->paid), "orders paid");
    run_figure(run, "seats_paid", "", (double)(people->seats_paid + bots->seats_paid), "their seats");
    run_figure(run, "given_back", "", (double)(people->given_back + bots->given_back), "holds given back");
    run_figure(run, "left", "", (double)(people->left + bots->left), "holds left to expire");
    run_figure(run, "paid_too_late", "", (double)(people->too_late + bots->too_late),
               "payments after the hold expired, refused");
    run_figure(run, "early_refused", "", (double)(people->early_refused + bots->early_refused),
               "attempts refused before the start");
    if (s->earliest_ms != INT64_MAX)
        run_figure(run, "first_hold_ms", "ms", (double)s->earliest_ms,
                   "the first hold, after the sale's start, by the server's clock");
    run_figure(run, "people_won_percent", "%", share(people->won, people->attempts),
               "attempts of people that won");
    run_figure(run, "bots_won_percent", "%", share(bots->won, bots->attempts), "attempts of bots that won");
    run_figure(run, "bots_first_minute_percent", "%",
               share(bots->first_minute_won, bots->first_minute_won + people->first_minute_won),
               "holds of the first minute that bots got");
    run_figure(run, "doubles", "", (double)s->doubles, "holds submitted twice at once under one key");
    run_figure(run, "repeats", "", (double)s->repeats, "holds sent again after a time-out");
    run_figure(run, "repeats_replayed", "", (double)s->repeats_replayed,
               "of them answered as the first time");
    run_figure(run, "streams_open", "", s->streams_open, "live streams open at the end");
    run_figure(run, "streams_lost", "", s->streams_lost, "live streams refused or lost meanwhile");
    run_figure(run, "stream_messages", "", (double)s->stream_messages, "messages with seats that they got");
}

static void finish(struct run *run)
{
    struct sale *s = run->state;
    add_figures(s);
    timeline_text(&s->timeline, -CROWD_BEFORE, s->crowd->compress, &run->report->timeline);
    timeline_json(&s->timeline, -CROWD_BEFORE, s->crowd->compress, &run->report->timeline_json);
    followers_done(s);
    timeline_close(&s->timeline);
    picture_close(&s->picture);
    curve_done(&s->attempts);
    curve_done(&s->reads);
    visitors_done(s);
    for (struct read *r = s->reads_free, *next; r; r = next) {
        next = r->next;
        buf_done(&r->request.text);
        free(r);
    }
    for (struct snipe *n = s->snipes, *next; n; n = next) {
        next = n->next;
        free(n);
    }
}

const struct load_scenario scenario_on_sale = {
    .name = "on-sale",
    .help = "a sale opens and a crowd of people and bots is there",
    .kinds = KINDS,
    .paced = true,
    .reserved = 50, /* for those who buy */
    .rule_name = "sale-start",
    .wish = wish,
    .state_size = sizeof(struct sale),
    .start = start,
    .finish = finish,
};
