/*
 * Import: an event from a file of export.h into a store that has not got it, or has the beginning of it.
 *
 * Before anything is written the whole file is read: every block's digest, every record, and the changes
 * applied from nothing. Then it is looked whether the store has room for the event: no other event with its
 * slug, no other changes under its id, no other venue under its venue's id.
 *
 * Then the venue is put if it is not there, the tickets are created, and the changes are committed again, in
 * their order, in groups in which a ticket changes at most once (grouping.h), each with the personal data of
 * the orders that it begins. Ids, numbers, times and hashes stay what they are. What ends early - a crash, a
 * store that went away - goes on where it stood when it is begun again: the store knows how far it came.
 *
 * At the end the event is looked at as verify.h does.
 *
 * No server may use the store meanwhile: it would take an event whose history is not yet complete and end its
 * holds. The embedded store is locked anyway; of a shared one it is looked whether servers live.
 */
#ifndef TRANSFER_IMPORT_H
#define TRANSFER_IMPORT_H

#include "base/params.h"
#include "store/store.h"
#include "verify/findings.h"
#include <stdio.h>

enum { IMPORT_REASON = 512 };

enum import_phase { IMPORT_CHECK, IMPORT_TICKETS, IMPORT_CHANGES, IMPORT_VERIFY };

struct import_options {
    struct store *store;
    FILE *file; /* can be read twice */
    bool dry_run;
    const struct clock *clock;
    struct rng *rng;
    void (*progress)(void *ctx, enum import_phase phase, uint64_t done, uint64_t total); /* may be NULL */
    void *ctx;
};

struct import_result {
    struct event_id event_id;
    char slug[LIMIT_SLUG_CHARS + 1];
    char name[LIMIT_NAME_CHARS * 4 + 1];
    uint64_t changes, orders; /* in the file */
    uint32_t seats;
    bool venue_there;           /* before */
    uint64_t had;               /* changes that the store had before */
    uint64_t groups;            /* that were committed */
    struct findings findings;   /* of the look at the end; findings_done() */
    char reason[IMPORT_REASON]; /* why not, in a line */
};

/*
 * Import, or with @dry_run say what would happen. Blocks. Returns 0 (done, unless there are findings);
 * BOX_ESYNTAX, BOX_ENEWER, BOX_ECORRUPT (the file; or the store, the reason says which), BOX_EEXISTS,
 * BOX_ESLUGTAKEN, BOX_EBUSY (servers live), BOX_EFENCED (somebody else wrote to the event), BOX_EUNKNOWN (go
 * on by doing it again), BOX_EUNAVAILABLE, BOX_EIO. findings_done() in any case.
 */
int import_event(const struct import_options *options, struct import_result *ret_result);

#endif
