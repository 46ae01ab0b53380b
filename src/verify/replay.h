/*
 * Replay: an event's change log applied from nothing. It says whether the log is sound - numbered without
 * gaps, chained by its hashes, each change possible after the one before (inventory_follow()) - and what the
 * tables should have after it (ledger.h). A check of a store and an import both believe nothing else.
 *
 * Thread: one at a time.
 */
#ifndef VERIFY_REPLAY_H
#define VERIFY_REPLAY_H

#include "inventory/inventory.h"
#include "verify/ledger.h"

struct replay {
    struct event_id event_id;
    const struct layout *layout; /* one reference, the replay's */
    struct inventory *inv;       /* NULL before the first change */
    struct ledger ledger;
    uint64_t seq;       /* newest change; 0: none */
    struct digest hash; /* of it */
    int64_t time_us;    /* of it */
    struct rng rng;     /* not drawn from */
    struct arena scratch;
};

/* Nothing has happened to the event yet. */
void replay_begin(struct replay *r, const struct event_id *event, const struct layout *layout);
/*
 * The next change. Returns 0; BOX_ERANGE (its number is not the next: nothing has happened), BOX_ECORRUPT
 * (its hash does not follow, or what it says cannot be; the replay can only be ended).
 */
int replay_add(struct replay *r, const struct change *c);
/* Free it. */
void replay_done(struct replay *r);

/* What is wrong with a change that replay_add() has just refused, in words. */
const char *replay_reason(const struct replay *r, const struct change *c, int code);

#endif
