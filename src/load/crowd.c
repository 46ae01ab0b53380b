#include "load/crowd.h"
#include "base/must.h"
#include <math.h>
#include <stdlib.h>

/* Of attempts: shares of those after the start. */
static const double FIRST_TEN = 0.25, FIRST_MINUTE = 0.60, WAVE = 0.08;
static const double HALF_LIFE = 75, WAVE_MEAN = 10; /* seconds */
/* Of reads, as multiples of what it was just before the start. */
static const double STEP = 10, READ_WAVE = 3, READ_WAVE_MEAN = 30;
static const double CURVE_STEP = 0.1;

struct crowd_options crowd_defaults(void)
{
    return (struct crowd_options){.compress = 15,
                                  .visitors_a_seat = 10,
                                  .reads_an_order = 500,
                                  .attempts_an_order = 4,
                                  .won_an_order = 1.7,
                                  .orders_an_order = 1.3,
                                  .given_back = 0.2 / 0.7,
                                  .bots = 0.40,
                                  .early = 0.05,
                                  .doubles = 0.05,
                                  .repeats = 0.03,
                                  .payment_fails = 0.12,
                                  .payment_late = 0.01,
                                  .follow = 0.70,
                                  .streams = 2000};
}

uint64_t dice_roll(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct dice dice_of(uint64_t seed, unsigned sort, uint64_t n)
{
    struct dice d = {.state = seed};
    d.state = dice_roll(&d) + sort;
    d.state = dice_roll(&d) + n;
    return d;
}

double dice_share(struct dice *d)
{
    return (double)(dice_roll(d) >> 11) * 0x1p-53;
}

double dice_between(struct dice *d, double least, double most)
{
    return least + dice_share(d) * (most - least);
}

/* ---- curves ---- */

/* The density at @x >= 0 of something that halves every @half_life and ends at @end; its integral is 1. */
static double halving(double x, double half_life, double end)
{
    double rate = log(2) / half_life;
    return x > end ? 0 : rate * exp(-rate * x) / (1 - exp(-rate * end));
}

double density_attempts(double t, double hold_s, const struct crowd_options *o)
{
    double after = 1 - o->early, tail = 1 - FIRST_MINUTE - WAVE;
    if (t < -CROWD_BEFORE)
        return 0;
    if (t < 0)
        return o->early * 2 * (t + CROWD_BEFORE) / (CROWD_BEFORE * CROWD_BEFORE);
    if (t < 10)
        return after * FIRST_TEN / 10;
    if (t < 60)
        return after * (FIRST_MINUTE - FIRST_TEN) / 50;
    if (t < hold_s)
        return after * tail * halving(t - 60, HALF_LIFE, hold_s - 60);
    return after * WAVE * halving(t - hold_s, WAVE_MEAN * log(2), CROWD_AFTER);
}

double density_reads(double t, double hold_s, const struct crowd_options *o)
{
    (void)o;
    if (t < -CROWD_BEFORE)
        return 0;
    if (t < 0)
        return (t + CROWD_BEFORE) / CROWD_BEFORE;
    if (t < 1)
        return 1 + (STEP - 1) * t;
    if (t < 60)
        return STEP;
    if (t < hold_s)
        return STEP * exp2(-(t - 60) / HALF_LIFE);
    return READ_WAVE * exp(-(t - hold_s) / READ_WAVE_MEAN);
}

void curve_build(struct curve *c, double (*density)(double t, double hold_s, const struct crowd_options *o),
                 double hold_s, const struct crowd_options *o)
{
    *c = (struct curve){.begin = -CROWD_BEFORE, .step = CURVE_STEP};
    c->steps = (size_t)ceil((CROWD_BEFORE + hold_s + CROWD_AFTER) / CURVE_STEP);
    c->sums = calloc(c->steps + 1, sizeof *c->sums);
    must(c->sums);
    for (size_t i = 0; i < c->steps; i++)
        c->sums[i + 1] = c->sums[i] + density(c->begin + ((double)i + 0.5) * c->step, hold_s, o);
    double whole = c->sums[c->steps];
    must(whole > 0);
    for (size_t i = 0; i <= c->steps; i++)
        c->sums[i] /= whole;
}

void curve_done(struct curve *c)
{
    free(c->sums);
}

double curve_time(const struct curve *c, double u)
{
    size_t low = 0, high = c->steps; /* sums[low] <= u <= sums[high] */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (c->sums[middle] <= u)
            low = middle;
        else
            high = middle;
    }
    double width = c->sums[high] - c->sums[low], part = width > 0 ? (u - c->sums[low]) / width : 0;
    return c->begin + ((double)low + part) * c->step;
}

double curve_share(const struct curve *c, double t)
{
    double at = (t - c->begin) / c->step;
    if (at <= 0)
        return 0;
    if (at >= (double)c->steps)
        return 1;
    size_t i = (size_t)at;
    return c->sums[i] + (at - (double)i) * (c->sums[i + 1] - c->sums[i]);
}

/* ---- who wants what ---- */

unsigned zipf_rank(unsigned count, double u)
{
    must(count > 0);
    double whole = 0, sum = 0;
    for (unsigned k = 1; k <= count; k++)
        whole += 1.0 / k;
    for (unsigned k = 1; k <= count; k++) {
        sum += 1.0 / k;
        if (sum > u * whole)
            return k - 1;
    }
    return count - 1;
}

static const double PARTIES[] = {0.08, 0.55, 0.12, 0.22}; /* of 1 to 4; the rest is 5 to PARTY_MAX */

unsigned party_size(double u)
{
    for (unsigned i = 0; i < 4; i++) {
        if (u < PARTIES[i])
            return i + 1;
        u -= PARTIES[i];
    }
    double rest = 1 - PARTIES[0] - PARTIES[1] - PARTIES[2] - PARTIES[3];
    unsigned more = (unsigned)(u / rest * (PARTY_MAX - 4));
    return more < PARTY_MAX - 4 ? 5 + more : PARTY_MAX;
}

double party_mean(void)
{
    double mean = 0, rest = 1;
    for (unsigned i = 0; i < 4; i++) {
        mean += PARTIES[i] * (i + 1);
        rest -= PARTIES[i];
    }
    return mean + rest * (5 + PARTY_MAX) / 2;
}

static enum fate fate_draw(struct dice *d, const struct crowd_options *o)
{
    double u = dice_share(d) * o->won_an_order;
    bool given_back = dice_share(d) < o->given_back;
    if (u < 1)
        return FATE_PAID;
    if (u < o->orders_an_order)
        return given_back ? FATE_ORDER_GIVEN_BACK : FATE_ORDER_EXPIRES;
    return given_back ? FATE_GIVEN_BACK : FATE_EXPIRES;
}

struct plan plan_draw(struct dice *d, bool bot, const struct crowd_options *o)
{
    struct plan p = {.bot = bot,
                     .doubles = dice_share(d) < o->doubles,
                     .repeats = dice_share(d) < o->repeats,
                     .payment_fails = dice_share(d) < o->payment_fails,
                     .payment_late = dice_share(d) < o->payment_late,
                     .party = party_size(dice_share(d)),
                     .fate = fate_draw(d, o),
                     .think_order = dice_between(d, 30, 180),
                     .think_pay = dice_between(d, 20, 120),
                     .think_again = dice_between(d, 30, 90),
                     .think_leave = dice_between(d, 30, 300)};
    if (bot)
        p.think_order = p.think_pay = p.think_again = p.think_leave = 0;
    return p;
}
