/*
 * Which stretch of time a consumer reads next. It ends the safety interval before now, so that rows which are
 * written with a time that has passed are there before anybody has read past them, and never crosses the end
 * of a generation of streams. It is as long as is good: a stretch with too many rows for one go is halved and
 * read again, a quiet one is doubled, so that a log of years is read in few steps and a rush in small ones.
 */
#ifndef STORE_CQL_CDC_WINDOW_H
#define STORE_CQL_CDC_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdc_window {
    int64_t span_us; /* how long the next one is at most */
};

/* The first is short. */
void cdc_window_init(struct cdc_window *w);
/*
 * The window that begins at @at_us: rows with @at_us <= time < *ret_to_us. @now_us, @safety_us: see above;
 * @end_us: of the generation, or INT64_MAX. Returns false when there is nothing to read yet.
 */
bool cdc_window_next(const struct cdc_window *w, int64_t at_us, int64_t now_us, int64_t safety_us,
                     int64_t end_us, int64_t *ret_to_us);
/* There were more rows in [@from_us, @to_us), more than 1 us, than fit: make it shorter. */
void cdc_window_narrow(struct cdc_window *w, int64_t from_us, int64_t to_us);
/* There were @rows rows, of @limit that would have fitted. */
void cdc_window_widen(struct cdc_window *w, size_t rows, size_t limit);

#endif
