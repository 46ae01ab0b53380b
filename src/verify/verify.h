/*
 * Verify: does a store say of its events what their change logs say?
 *
 * The change log decides: it is numbered without gaps and chained by hashes, so that it cannot be altered
 * unnoticed, and everything else can be made from it (change/rows.h). For each event the log is applied from
 * nothing (replay.h), and what comes out is compared with what the store gives:
 *
 *   the event as a restart would load it   its version, number, hash, time; each seat's status, owner and
 *                                          started_at; live holds and pending orders
 *   tickets                                the row of every seat that a change lists or that did not load
 * well holds, orders                          every row, whole; none too many, none too few orders among
 * themselves                paid if and only if its tickets are sold to it; total = sum order_queue one row
 * for each held seat the CDC log                            the rows that the changes write, in their order,
 * each once
 *
 * So a row that somebody wrote by hand is found, whatever it says. Nothing is written, nothing mended.
 *
 * A shared store goes on meanwhile, and its reads are not of one moment. What is found there counts only when
 * it is found again, word for word, by two more looks from the start: what was under way has then happened.
 *
 * Blocks. Thread: one; the store is used as by a worker.
 */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include "store/store.h"
#include "verify/findings.h"

struct verify_totals {
    uint64_t events, changes, tickets, holds, orders, cdc_rows;
};

struct verify_options {
    struct store *store;
    const struct event_id *event; /* NULL: all */
    int64_t now_ms;               /* a row of order_queue may be gone once its time is over */
    /* Called before each event; may be NULL. */
    void (*progress)(void *ctx, const struct verify_totals *so_far);
    void *ctx;
};

/*
 * Look at everything. @ret_findings (findings_done() in any case) and @ret_totals say what was found and
 * seen. Returns 0 when all was looked at; BOX_ENOTFOUND (no such event), BOX_EBUSY (an event never stood
 * still long enough to be read), BOX_EIO, BOX_EUNAVAILABLE.
 */
int verify_run(const struct verify_options *options, struct findings *ret_findings,
               struct verify_totals *ret_totals);

#endif
