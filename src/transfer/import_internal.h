/* Private to transfer/: an import under way. */
#ifndef TRANSFER_IMPORT_INTERNAL_H
#define TRANSFER_IMPORT_INTERNAL_H

#include "transfer/event_file.h"
#include "transfer/import.h"

struct import {
    const struct import_options *options;
    struct import_result *result;
    struct event_file file;      /* open at its start */
    struct digest had_hash;      /* of change result->had, if there is one */
    const struct event *created; /* its first version; one reference */
    struct arena page;
};

/* Say why; returns @code. */
int import_fail(struct import *m, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Say that the file is damaged where its reader stands; returns @code. */
int import_fail_file(struct import *m, int code);
/* Say that the store refused or failed in @what; returns @code. */
int import_fail_store(struct import *m, int code, const char *what);
/* Tell how far a phase is. */
void import_progress(struct import *m, enum import_phase phase, uint64_t done, uint64_t total);

/* What the store has of the event: result->had, had_hash (import_check.c). */
int import_look(struct import *m);
/* The whole file, against itself and against what the store has. */
int import_check_file(struct import *m);
/* No other event, slug or venue stands in its way; sets result->venue_there. */
int import_check_store(struct import *m);
/* No server lives on a shared store. Writes a row of its own, which it removes. */
int import_check_servers(struct import *m);

/* Venue, slug, tickets, changes (import_write.c). */
int import_write(struct import *m);

#endif
