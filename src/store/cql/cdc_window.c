#include "store/cql/cdc_window.h"
#include "base/must.h"

static const int64_t FIRST_US = 60LL * 1000000, LONGEST_US = 366LL * 86400 * 1000000;

void cdc_window_init(struct cdc_window *w)
{
    w->span_us = FIRST_US;
}

bool cdc_window_next(const struct cdc_window *w, int64_t at_us, int64_t now_us, int64_t safety_us,
                     int64_t end_us, int64_t *ret_to_us)
{
    int64_t to_us = now_us - safety_us;
    if (to_us > end_us)
        to_us = end_us;
    if (to_us <= at_us)
        return false;
    *ret_to_us = to_us - at_us > w->span_us ? at_us + w->span_us : to_us;
    return true;
}

void cdc_window_narrow(struct cdc_window *w, int64_t from_us, int64_t to_us)
{
    must(to_us - from_us > 1);
    w->span_us = (to_us - from_us) / 2;
}

void cdc_window_widen(struct cdc_window *w, size_t rows, size_t limit)
{
    if (rows <= limit / 4 && w->span_us < LONGEST_US)
        w->span_us *= 2;
}
