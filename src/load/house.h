/*
 * What a load needs on the server: a venue, events of it with all their seats free, sessions of buyers. Made
 * before the load, over HTTP.
 *
 * Thread: one at a time.
 */
#ifndef LOAD_HOUSE_H
#define LOAD_HOUSE_H

#include "load/fetch.h"
#include <stdint.h>

enum {
    ID_TEXT = UUID_TEXT + 1,
    TOKEN_TEXT = 128,
    BLOCK_ROWS = 25,
    ROW_SEATS = 20,
    BLOCK_SEATS = BLOCK_ROWS * ROW_SEATS
};

struct house_event {
    char id[ID_TEXT];
    uint64_t created_seq;
};

struct house {
    char venue[ID_TEXT];
    unsigned seats; /* of each event */
    struct house_event *events;
    unsigned event_count;
    char (*tokens)[TOKEN_TEXT];
    unsigned token_count;
    int64_t on_sale_ms;   /* since 1970, by this machine's clock; of the last event */
    uint64_t taken;       /* seats given out by house_next_seat() */
    char log_cursor[256]; /* where the change log ended before the load; empty: at its beginning */
};

/* What differs between events. */
struct house_wish {
    unsigned events, sessions, seats;
    unsigned hold_seconds, tickets_a_session;
    int64_t on_sale_in_ms; /* after the event was made; 0: on sale at once */
};

/*
 * Make everything and note where the change log ends. The venue has blocks of 25 rows of 20 seats, the
 * dearest first, in four prices. Returns 0, or -1 (f->error says why). house_close() frees the memory in any
 * case; what was made stays on the server.
 */
int house_open(struct house *h, struct fetcher *f, const struct house_wish *wish);
void house_close(struct house *h);
/* Give out the next seat that nobody got. Returns false when there is none. */
bool house_next_seat(struct house *h, unsigned *ret_event, uint32_t *ret_seat);
/* The venue as the body of POST /v1/venues. */
void house_venue(struct buf *ret, unsigned seats);

#endif
