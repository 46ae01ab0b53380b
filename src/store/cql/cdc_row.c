#include "store/cql/cdc_row.h"
#include <string.h>

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int cdc_log_row_compare(const void *a, const void *b)
{
    const struct cdc_log_row *x = a, *y = b;
    int order = compare_i64(x->time_us, y->time_us);
    if (!order)
        order = uuid_compare(&x->event_id.u, &y->event_id.u);
    if (!order)
        order = (int)y->stream.expiries - (int)x->stream.expiries;
    if (!order) /* two writes of one moment: each stays together */
        order = uuid_compare(&x->time, &y->time);
    return order ? order : compare_i64(x->batch_seq, y->batch_seq);
}

struct uuid cdc_time_from(int64_t time_us)
{
    static const uint8_t node[6] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
    return uuid_v1(time_us, 0, 0x80, node);
}
