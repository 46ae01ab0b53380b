/*
 * What the server acknowledged, by event: holds and what became of them, the numbers of changes. At the end
 * it is held against what the server says then (rules.h).
 */
#ifndef LOAD_LEDGER_H
#define LOAD_LEDGER_H

#include "load/rules.h"
#include "load/wire.h"

struct ledger_event {
    struct promise *promises;
    uint64_t *seqs;
    size_t promise_count, promise_room, seq_count, seq_room;
    uint64_t unanswered;
};

struct ledger {
    struct ledger_event *events;
    unsigned event_count;
};

/* A place for each of @events. */
void ledger_open(struct ledger *l, unsigned events);
void ledger_close(struct ledger *l);
/* Note the change number of an answer to a write, or that there was no answer. */
void ledger_answer(struct ledger *l, unsigned event, const struct reply *reply);
/* Note a hold that was acknowledged. Returns where its promise stands. */
size_t ledger_hold(struct ledger *l, unsigned event, struct uuid hold);
/* The promise of a hold; lent until the next ledger_hold(). */
struct promise *ledger_promise(struct ledger *l, unsigned event, size_t index);

#endif
