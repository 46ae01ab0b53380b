/*
 * The on-sale scenario's parts: the sale as a whole (onsale.c), who tries to buy (visitor.c), who watches the
 * stream (follower.c), what everybody sees of the house (picture.c).
 */
#ifndef LOAD_SALE_H
#define LOAD_SALE_H

#include "load/crowd.h"
#include "load/run.h"
#include "load/sse.h"
#include "load/timeline.h"

/* Kinds of requests. */
enum {
    K_PAGE,
    K_LIST,
    K_SECTIONS,
    K_MAP,
    K_AVAILABILITY,
    K_POLL,   /* reads */
    K_EARLY,  /* holds before the start */
    K_HOLD,   /* of people */
    K_SNIPE,  /* of bots */
    K_AGAIN,  /* after 429 or 503, or without an answer */
    K_DOUBLE, /* the second of two at once under one key */
    K_REPEAT, /* the same once more, after a time-out */
    K_ORDER,
    K_CONFIRM,
    K_GIVE_BACK
};
enum { READS, HOLDS, PURCHASES }; /* families of the timeline */
/* Sorts of dice: people and bots (0 and 1, as bool), when each of them comes, reads, who waits for seats. */
enum { DICE_PEOPLE, DICE_BOTS, DICE_PEOPLE_COME, DICE_BOTS_COME, DICE_READS, DICE_SNIPES };

/*
 * What everybody sees of the house: the newest availability that anybody read, and what the stream told
 * since. Two bits a seat.
 */
struct picture {
    uint8_t *bits;
    uint32_t seats;
    uint64_t seq; /* of the newest change in it */
};
/* All seats are free. */
void picture_open(struct picture *p, uint32_t seats);
void picture_close(struct picture *p);
/* Take over an answer of /availability as octet-stream; one that is older or of another size is left alone.
 */
void picture_take(struct picture *p, const struct reply *reply);
/* Take over changes up to @seq: text with "changes":[[SEAT,STATUS],...]. Older ones are left alone. */
void picture_change(struct picture *p, uint64_t seq, const char *text);
bool picture_is_free(const struct picture *p, uint32_t seat);
/*
 * @count free seats side by side in a row of @block or, where it has none, of the next blocks. The search
 * begins at row
 * @row of each block and in each row at seat @seat (both from 0), and goes round. Returns false when no row
 * has room.
 */
bool picture_find(const struct picture *p, unsigned block, unsigned row, unsigned seat, unsigned count,
                  uint32_t *ret_first);

struct follower;
struct visitor;

/* What became of people (0) and bots (1). */
struct tally {
    uint64_t attempts, won, lost, seats, early_refused, paid, seats_paid, too_late, given_back, left;
    uint64_t first_minute_won;
};

struct sale {
    struct run *run;
    const struct crowd_options *crowd;
    double hold_s;    /* in the sale's time, as the server has it */
    int64_t start_ns; /* of the sale */
    int64_t on_sale_ms;
    struct curve attempts, reads;
    /* how many there are to be, and were so far */
    uint64_t people_wanted, people, reads_wanted, reads_begun, bots_wanted, bots;
    struct timer people_timer, reads_timer, bots_timer, polls_timer, end_timer, rest_timer;
    uint64_t polls_wanted, polls;
    double poll_rate; /* a second of real time */
    struct picture picture;
    struct visitor *visitors, *visitors_free; /* all, and those not in use */
    struct read *reads_free;
    struct snipe *snipes;
    struct follower *followers;
    unsigned follower_count, streams_open, streams_lost;
    uint64_t stream_messages;
    struct tally tally[2];
    uint64_t named;       /* visitors, each with a number of its own */
    uint64_t turned_away; /* saw no seats and did not try */
    uint64_t doubles, repeats, repeats_replayed;
    int64_t earliest_ms; /* started_at of the first hold, less on_sale_at; INT64_MAX: none */
    int64_t last_expiry_ns, sold_out_ns;
    struct timeline timeline;
};

/* The moment @t of the sale's time. */
int64_t sale_ns(const struct sale *s, double t);
/* So many seconds of the sale's time, as nanoseconds of ours. */
int64_t sale_span(const struct sale *s, double seconds);
/* Count an answer in the timeline. */
void sale_note(struct sale *s, const struct request *r, unsigned family, const struct reply *reply,
               bool good);

/*
 * Somebody tries to buy. @first and @count: these seats; @count 0: a party of its own choice.
 */
void visitor_begin(struct sale *s, bool bot, int64_t due_ns, uint32_t first, unsigned count);
/* Free them all; nothing of theirs is called any more. */
void visitors_done(struct sale *s);
/* Seats of a hold come back at @at_ns, unless it is paid for: bots want them then. */
void sale_expects_seats(struct sale *s, int64_t at_ns, uint32_t first, unsigned count);

/* Connect the followers one after the other while the crowd gathers; count what they get. */
void followers_begin(struct sale *s);
void followers_done(struct sale *s);

#endif
