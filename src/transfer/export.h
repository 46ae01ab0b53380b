/*
 * Export: one event of any store into a file (pack.h): the venue's layout, every change, and the personal
 * data of its orders. Nothing else is needed to have the same event in another store: every row is a function
 * of the changes.
 *
 * The file shows the event at the change at which it loaded. A shared store may go on meanwhile; what comes
 * after that change is not in the file.
 */
#ifndef TRANSFER_EXPORT_H
#define TRANSFER_EXPORT_H

#include "store/store.h"
#include <stdio.h>

struct export_options {
    struct store *store;
    struct event_id event_id;
    FILE *file; /* the caller's; is flushed */
    int64_t now_ms;
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* changes; may be NULL */
    void *ctx;
};

struct export_totals {
    uint64_t changes, orders;
    uint32_t seats;
};

/*
 * Write the file. Blocks. When it fails, what was written so far is of no use. *ret_reason says in a line why
 * (static text). Returns 0; BOX_ENOTFOUND; BOX_ECORRUPT (the store's log does not lead to what the store
 * shows), BOX_EBUSY (it never stood still), BOX_EIO, BOX_EUNAVAILABLE.
 */
int export_event(const struct export_options *options, struct export_totals *ret_totals,
                 const char **ret_reason);

#endif
