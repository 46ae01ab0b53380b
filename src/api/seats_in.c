#include "api/seats_in.h"
#include "api/id_in.h"
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Record the items that repeat an earlier one. */
static void check_distinct(struct json_node list, const uint32_t *seats, uint32_t count)
{
    uint32_t *sorted = arena_copy(list.in->arena, seats, count * sizeof(*seats));
    bool repeated = false;
    qsort(sorted, count, sizeof(*sorted), compare);
    for (uint32_t i = 1; i < count; i++)
        repeated |= sorted[i] == sorted[i - 1];
    for (uint32_t i = 1; repeated && i < count; i++) {
        uint32_t k = 0;
        while (seats[k] != seats[i])
            k++;
        if (k < i)
            json_in_fault(json_in_item(list, i), "comes twice");
    }
}

static uint32_t ticket_in(struct json_node item, const struct event_id *event, const struct layout *layout)
{
    struct ticket_id id;
    uint32_t seat = 0;
    if (id_in(item, &id.u) && (!ticket_id_seat(&id, event, &seat) || seat >= layout->seats_total))
        json_in_fault(item, "is no ticket of this event");
    return seat;
}

static uint32_t index_in(struct json_node item, const struct layout *layout)
{
    return (uint32_t)json_in_int(item, 0, layout->seats_total - 1);
}

static const uint32_t *seats_in(struct json_node list, size_t max, const struct event_id *event,
                                const struct layout *layout, uint32_t *ret_count)
{
    size_t count;
    if (!json_in_array(list, 1, max, &count))
        return NULL;
    size_t faults = list.in->error_count;
    uint32_t *seats = arena_array(list.in->arena, count, sizeof(*seats));
    for (size_t i = 0; i < count; i++) {
        struct json_node item = json_in_item(list, i);
        seats[i] = event ? ticket_in(item, event, layout) : index_in(item, layout);
    }
    if (list.in->error_count == faults)
        check_distinct(list, seats, (uint32_t)count);
    *ret_count = (uint32_t)count;
    return seats;
}

const uint32_t *tickets_in(struct json_node list, size_t max, const struct event_id *event,
                           const struct layout *layout, uint32_t *ret_count)
{
    return seats_in(list, max, event, layout, ret_count);
}

const uint32_t *seat_indexes_in(struct json_node list, size_t max, const struct layout *layout,
                                uint32_t *ret_count)
{
    return seats_in(list, max, NULL, layout, ret_count);
}
