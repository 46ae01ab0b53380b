/*
 * Findings: what a check of a store found, one line each: where, what is there, what should be.
 * Thread: one at a time.
 */
#ifndef VERIFY_FINDINGS_H
#define VERIFY_FINDINGS_H

#include "base/arena.h"
#include "domain/ids.h"
#include <stdbool.h>
#include <stddef.h>

struct finding {
    struct event_id event_id; /* nil: of the store as a whole */
    const char *where;        /* "tickets, seat 17 (00000000-...)" */
    const char *is;           /* "sold to order ..." */
    const char *should_be;    /* "available (change 12)" */
};

/* So many are kept of one event, and of all, so that a table that was emptied does not become a million
 * lines. */
enum { FINDINGS_OF_EVENT = 100, FINDINGS_KEPT = 10000 };

struct findings {
    struct arena arena;
    struct finding *list;
    size_t count, cap;
    size_t of_event; /* one after another, of the newest finding's event, kept or not */
    size_t left_out;
};

/* None yet; free them. */
void findings_init(struct findings *f);
void findings_done(struct findings *f);
/* Text is copied. */
void finding_add(struct findings *f, const struct event_id *event, const char *where, const char *is,
                 const char *should_be);
/* Forget those that are not in @others, too, word for word. */
void findings_keep_common(struct findings *f, const struct findings *others);

#endif
