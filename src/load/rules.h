/*
 * The rules of selling, checked on what the server says of one event after the load: pure functions of facts,
 * so that tests can show that each fails on doctored ones. facts.h reads the facts over HTTP.
 */
#ifndef LOAD_RULES_H
#define LOAD_RULES_H

#include "base/uuid.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEAT_AVAILABLE, SEAT_HELD, SEAT_SOLD, SEAT_BLOCKED, SEAT_STATUSES };
enum hold_status { HOLD_ACTIVE, HOLD_RELEASED, HOLD_EXPIRED, HOLD_PURCHASED, HOLD_UNKNOWN };
enum order_status { ORDER_PENDING, ORDER_PAID, ORDER_CANCELLED, ORDER_EXPIRED, ORDER_UNKNOWN };
enum { LOG_UPDATE = 1, LOG_INSERT = 2, LOG_DELETE = 3, LOG_EXPIRED = -3 };

/* A checkout of the event, or a paid or finished order. Its seats are seats[first .. first + count - 1] of
 * facts. */
struct fact_hold {
    struct uuid hold;
    enum hold_status status;
    size_t first, count;
};
struct fact_order {
    struct uuid order, hold;
    enum order_status status;
    size_t first, count;
};
struct fact_queue {
    struct uuid hold;
    uint32_t seat;
};
struct fact_log {
    uint64_t seq;
    struct uuid hold;
    uint32_t seat;
    int operation;
    enum hold_status outcome; /* HOLD_ACTIVE: null */
};

/* What the server acknowledged last of a hold. */
enum promise_state { PROMISE_HELD, PROMISE_ORDERED, PROMISE_PAID, PROMISE_RELEASED };
struct promise {
    struct uuid hold, order; /* order: nil before there is one */
    enum promise_state state;
    bool open_end; /* something more was asked for and not answered */
};

struct facts {
    uint32_t seats_total;
    uint64_t seq; /* of the newest change */
    /* The counts, as the event and the availability say them. */
    uint32_t event_counts[SEAT_STATUSES], availability_counts[SEAT_STATUSES];
    uint8_t *availability, *tickets; /* the status of each seat in both */
    uint32_t *seats;                 /* of holds and orders */
    struct fact_hold *holds;
    struct fact_order *orders;
    struct fact_queue *queue;
    struct fact_log *log;
    struct promise *promises;
    uint64_t *answered_seqs; /* numbers of changes that the load was told of */
    size_t seats_count, hold_count, order_count, queue_count, log_count, promise_count, seq_count;
    uint64_t unanswered; /* changes that were asked for and not answered: they may have happened */
};

enum rule { RULE_ONE_OWNER, RULE_COUNTS, RULE_PROMISES, RULE_LOG_PAIRS, RULE_QUEUE, RULE_SEQ, RULES };

struct rule_result {
    uint64_t breaches;
    char first[200]; /* the first breach in words */
};

/* What a rule is called ("one-owner"), and what it says. */
const char *rule_name(enum rule rule);
const char *rule_meaning(enum rule rule);
/*
 * Check all rules and add what is broken to @results (of RULES). Sorts the arrays of @f, otherwise leaves
 * them as they are.
 */
void rules_check(struct facts *f, struct rule_result *results);
/* Note one breach; the first one's words are kept. */
void rule_broken(struct rule_result *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
