/*
 * The only place that reads time, so that a simulation can turn it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*wall_us)(const struct clock *c);      /* us since 1970, may jump */
    int64_t (*monotonic_us)(const struct clock *c); /* never goes back, any origin */
    int64_t virtual_wall_us, virtual_monotonic_us;  /* of a virtual clock: set by its owner */
};

/* The machine's clocks. Thread: any may share one. */
void clock_init_system(struct clock *c);
/* A clock that stands until its owner changes virtual_*_us. */
void clock_init_virtual(struct clock *c, int64_t wall_us);
int64_t clock_wall_us(const struct clock *c);
int64_t clock_monotonic_us(const struct clock *c);

/* RFC 3339, UTC, milliseconds: "2026-11-22T10:00:00.000Z". */
enum { TIME_TEXT = 24 };
/* Format @ms since 1970 (years 0..9999; must). */
void time_format(int64_t ms, char ret_text[TIME_TEXT + 1]);
/*
 * Any RFC 3339 date-time with any offset and up to 9 decimals (cut to ms). Years 1970..9999 of UTC. A leap
 * second (23:59:60 UTC) is the first ms of the next day. Returns 0 or BOX_ESYNTAX.
 */
int time_parse(const char *text, int64_t *ret_ms);

#endif
