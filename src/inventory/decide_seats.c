/* Seats that the box office takes out of sale and puts back. */
#include "base/error.h"
#include "inventory/inventory_internal.h"

static int change_seats(struct decision *d, enum change_kind kind, enum seat_status before,
                        enum seat_status after)
{
    const uint32_t *seats = d->command->seats;
    uint32_t count = d->command->seat_count;
    must(count > 0);
    int ret = check_seats(d, seats, count, before);
    if (!ret)
        ret = check_clean(d, seats, count);
    if (ret)
        return ret;

    struct line *lines = arena_array(d->arena, count, sizeof(*lines));
    for (uint32_t i = 0; i < count; i++)
        lines[i].seat = seats[i];
    struct change *c = emit_begin(d, kind);
    emit_lines(d, c, lines, count, before, after, &UUID_NIL);
    emit_finish(d, c);
    return BOX_OK;
}

int decide_block(struct decision *d)
{
    return change_seats(d, CHANGE_SEATS_BLOCKED, SEAT_AVAILABLE, SEAT_BLOCKED);
}

int decide_unblock(struct decision *d)
{
    return change_seats(d, CHANGE_SEATS_UNBLOCKED, SEAT_BLOCKED, SEAT_AVAILABLE);
}
