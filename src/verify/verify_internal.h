/* Private to verify/: one look at a store, and at one of its events. */
#ifndef VERIFY_INTERNAL_H
#define VERIFY_INTERNAL_H

#include "verify/replay.h"
#include "verify/verify.h"

enum { VERIFY_PAGE = 256 }; /* records of a list that are read at once */

/* What the look at the CDC log must know of an event that was looked at. */
struct checked_event {
    struct uuid id;
    bool known;             /* false: nothing but CDC rows was found of it */
    uint64_t seq;           /* newest change; later rows are not judged */
    struct ledger_cdc *cdc; /* of its changes; malloc'd */
    size_t cdc_count, at;   /* at: the first whose rows have not come */
    struct ledger_cdc now;  /* rows of a change that are just coming; seq 0: none */
};

/* One look at everything. */
struct verify {
    const struct verify_options *options;
    struct store *store;
    struct findings *findings;
    struct verify_totals totals;
    struct layout **layouts; /* of the venues that were met; a reference each */
    size_t layout_count, layout_cap;
    struct idmap events; /* struct checked_event */
    int64_t newest_us;   /* of all changes that were seen */
};

/* One event while it is being looked at. */
struct subject {
    struct verify *v;
    struct event_id id;
    struct layout *layout; /* the verify's */
    struct image image;
    bool loaded; /* image is there */
    struct replay replay;
    bool stuck;        /* the log cannot be replayed any further */
    struct arena page; /* what is read or said just now */
};

/* Add a finding. */
void subject_finding(struct subject *s, const char *where, const char *is, const char *should_be);

/*
 * A shared store goes on: replay what was committed since, so that what is read next is compared with what
 * should be there now. Returns as verify_event(). Resets s->page.
 */
int subject_catch_up(struct subject *s);

/*
 * Look at one event (event.c). Returns 0 (what is wrong was found), or why the store cannot be read: BOX_EIO,
 * BOX_EUNAVAILABLE.
 */
int verify_event(struct verify *v, const struct event_id *id);
/* Its parts; each returns as verify_event(). */
int verify_seats(struct subject *s);   /* seats.c: the loaded seats, and ticket rows */
int verify_records(struct subject *s); /* records.c: holds and orders */
int verify_queue(struct subject *s);   /* queue.c: order_queue */
/* Then the CDC log of all events that were looked at (cdc.c). */
int verify_cdc(struct verify *v);

/* What a store says, in words (the arena's). */
const char *say_ticket(struct arena *a, const struct ticket_row *row);
const char *say_seat(struct arena *a, enum seat_status status, const struct uuid *owner, int64_t started_ms);
const char *say_queue_row(struct arena *a, const struct order_queue_row *row);
const char *say_id(struct arena *a, const struct uuid *id);
/* "tickets, seat 17 (its id)" */
const char *say_where(struct arena *a, const char *table, const struct event_id *event, uint32_t seat);
/* "available, by change 12" */
const char *say_by(struct arena *a, const char *what, uint64_t seq);

#endif
