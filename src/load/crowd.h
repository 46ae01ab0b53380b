/*
 * The crowd that buys, as a model: when its attempts and reads come, which blocks it wants, how many go
 * together, and what becomes of them. Pure functions of a seed; scenario onsale.c acts it out.
 *
 * Times are those of a real sale, in seconds from its start; the scenario divides them by `compress`.
 */
#ifndef LOAD_CROWD_H
#define LOAD_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crowd_options {
    double compress;        /* all times are so many times shorter */
    double visitors_a_seat; /* only said in the report: the reads and attempts are theirs */
    double reads_an_order;  /* of each paid order: reads, attempts to hold, holds, orders */
    double attempts_an_order, won_an_order, orders_an_order;
    double given_back;       /* of the holds that are not paid for: given back, the rest expires */
    double bots;             /* shares: of requests that come from bots */
    double early;            /* attempts before the start */
    double doubles, repeats; /* holds submitted twice at once, and once more after a time-out */
    double payment_fails, payment_late;
    double follow; /* of those who watch: follow the stream; the others poll */
    unsigned streams;
};

/* The figures that the default crowd has. */
struct crowd_options crowd_defaults(void);

enum {
    CROWD_BEFORE = 120, /* seconds before the start in which the crowd gathers */
    CROWD_AFTER = 60,   /* and after the first holds expired */
    CROWD_POLL = 3,     /* seconds between two polls */
    CROWD_HOLD = 900,
};

/* A repeatable stream of random numbers (splitmix64). */
struct dice {
    uint64_t state;
};
/*
 * The dice of number @n of @sort (a small number) under @seed: what it rolls hangs on nothing that was rolled
 * before, so that the same seed gives the same crowd however quickly the server answers.
 */
struct dice dice_of(uint64_t seed, unsigned sort, uint64_t n);
uint64_t dice_roll(struct dice *d);
/* Uniform in 0 <= x < 1. */
double dice_share(struct dice *d);
/* Uniform between two numbers. */
double dice_between(struct dice *d, double least, double most);

/*
 * How something is distributed over the time of the sale: a density, and its sums in steps of a tenth of a
 * second.
 * @hold_s: when the first holds expire.
 */
struct curve {
    double begin, step;
    size_t steps;
    double *sums; /* steps + 1 of them, from 0 to 1 */
};
void curve_build(struct curve *c, double (*density)(double t, double hold_s, const struct crowd_options *o),
                 double hold_s, const struct crowd_options *o);
void curve_done(struct curve *c);
/* The time until which the share @u (0 to 1) has come. */
double curve_time(const struct curve *c, double u);
/* The share that has come until @t. */
double curve_share(const struct curve *c, double t);
/*
 * Attempts to hold: `early` of them before the start, a quarter of the others within 10 s, 60 % within a
 * minute, then half as many every 75 s; a wave of 8 % when the first holds expire.
 */
double density_attempts(double t, double hold_s, const struct crowd_options *o);
/*
 * Reads: they rise for two minutes, step to ten times that within a second of the start, stay there for a
 * minute, then halve every 75 s; a wave when the first holds expire.
 */
double density_reads(double t, double hold_s, const struct crowd_options *o);

/* Zipf's law: rank k of @count is wanted in proportion to 1/k. The rank (from 0) at share @u. */
unsigned zipf_rank(unsigned count, double u);

enum { PARTY_MAX = 8 };
/* How many go together: 1, 2, 3, 4 and 5 to 8 at 8, 55, 12, 22 and 3 %. */
unsigned party_size(double u);
double party_mean(void);

/* What becomes of a hold that was won. */
enum fate { FATE_PAID, FATE_ORDER_GIVEN_BACK, FATE_ORDER_EXPIRES, FATE_GIVEN_BACK, FATE_EXPIRES };

/* Who makes an attempt, drawn before it. */
struct plan {
    bool bot, doubles, repeats, payment_fails, payment_late;
    unsigned party;
    enum fate fate;
    double think_order, think_pay, think_again, think_leave; /* seconds; 0 for bots */
};
struct plan plan_draw(struct dice *d, bool bot, const struct crowd_options *o);

#endif
