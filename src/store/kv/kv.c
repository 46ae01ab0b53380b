#include "store/kv/kv.h"
#include "base/must.h"
#include <string.h>

const char *table_name(enum table t)
{
    static const char *const names[TABLES] = {
        [TABLE_META] = "meta",
        [TABLE_VENUES] = "venues",
        [TABLE_VENUE_SECTIONS] = "venue_sections",
        [TABLE_EVENTS] = "events",
        [TABLE_TICKETS] = "tickets",
        [TABLE_ORDER_QUEUE] = "order_queue",
        [TABLE_ORDERS] = "orders",
        [TABLE_HOLDS] = "holds",
        [TABLE_CHANGES] = "changes",
        [TABLE_CHANGES_BY_EVENT] = "changes_by_event",
        [TABLE_PERSONAL] = "personal",
        [TABLE_ORDER_INDEX] = "order_index",
        [TABLE_IDEMPOTENCY] = "idempotency",
    };
    must((unsigned)t < TABLES);
    return names[t];
}

size_t kv_prefix_end(const void *prefix, size_t size, uint8_t *ret)
{
    if (size > 0)
        memcpy(ret, prefix, size);
    while (size > 0 && ret[size - 1] == 0xff)
        size--;
    if (size > 0)
        ret[size - 1]++;
    return size;
}
