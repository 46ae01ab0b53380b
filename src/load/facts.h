/*
 * Reading what the server says of an event, for rules.h. Thread: one at a time.
 */
#ifndef LOAD_FACTS_H
#define LOAD_FACTS_H

#include "load/house.h"
#include "load/ledger.h"
#include "load/rules.h"

/* The change log since the load began: the rows of each event of the house. */
struct facts_log {
    struct {
        struct fact_log *rows;
        size_t count, room;
    } * events;
    unsigned event_count;
    char cursor[256]; /* where to go on */
};

/* Begin where the log ended when the house was made. */
void facts_log_open(struct facts_log *l, const struct house *h);
void facts_log_close(struct facts_log *l);

/*
 * Read everything about event @index, at one change: begins again while the event changes, for at most
 * @patience_s, and takes new rows of the log into @log. The promises and numbers of @ledger become part of
 * the facts. Returns 0, or -1 (f->error says why). facts_done() frees the memory in any case.
 */
int facts_read(struct facts *ret, struct fetcher *f, const struct house *h, unsigned index,
               struct facts_log *log, const struct ledger *ledger, double patience_s);
void facts_done(struct facts *f);

#endif
