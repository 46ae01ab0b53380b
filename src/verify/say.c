/* Rows in words, for findings. */
#include "verify/verify_internal.h"

const char *say_id(struct arena *a, const struct uuid *id)
{
    char text[UUID_TEXT + 1];
    uuid_format(id, text);
    return arena_strdup(a, text);
}

static const char *say_time(struct arena *a, int64_t ms)
{
    char text[TIME_TEXT + 1];
    if (ms < 0 || ms > INT64_C(253402300799999))
        return "no time";
    time_format(ms, text);
    return arena_strdup(a, text);
}

const char *say_where(struct arena *a, const char *table, const struct event_id *event, uint32_t seat)
{
    struct ticket_id ticket = ticket_id_of(event, seat);
    return arena_printf(a, "%s, seat %u (%s)", table, seat, say_id(a, &ticket.u));
}

const char *say_by(struct arena *a, const char *what, uint64_t seq)
{
    return seq ? arena_printf(a, "%s, by change %llu", what, (unsigned long long)seq)
               : arena_printf(a, "%s, as created", what);
}

/* " last held from ..." */
static const char *say_started(struct arena *a, int64_t ms)
{
    return ms ? arena_printf(a, ", last held from %s", say_time(a, ms)) : "";
}

const char *say_seat(struct arena *a, enum seat_status status, const struct uuid *owner, int64_t started_ms)
{
    const char *by = uuid_is_nil(owner)    ? ""
                     : status == SEAT_HELD ? arena_printf(a, " by hold %s", say_id(a, owner))
                     : status == SEAT_SOLD ? arena_printf(a, " to order %s", say_id(a, owner))
                                           : arena_printf(a, " but owned by %s", say_id(a, owner));
    return arena_printf(a, "%s%s%s", seat_status_name(status), by, say_started(a, started_ms));
}

/* ", name ID" */
static const char *say_member(struct arena *a, const char *name, const struct uuid *id)
{
    return uuid_is_nil(id) ? "" : arena_printf(a, ", %s %s", name, say_id(a, id));
}

const char *say_ticket(struct arena *a, const struct ticket_row *row)
{
    const char *until =
        row->hold_until_ms ? arena_printf(a, ", hold_until %s", say_time(a, row->hold_until_ms)) : "";
    const char *price =
        row->price.minor || row->price_type
            ? arena_printf(a, ", price type %u at %lld", row->price_type, (long long)row->price.minor)
            : "";
    return arena_printf(
        a, "%s%s%s%s%s%s%s", seat_status_name(row->status), say_member(a, "hold_id", &row->hold_id.u),
        say_member(a, "hold_session", &row->session.u), say_member(a, "order_id", &row->order_id.u), until,
        price, say_started(a, row->last_started_ms));
}

const char *say_queue_row(struct arena *a, const struct order_queue_row *row)
{
    return arena_printf(a, "hold_id %s, session_id %s, started_at %s, until %s, seq %llu",
                        say_id(a, &row->hold_id.u), say_id(a, &row->session_id.u),
                        say_time(a, row->started_ms), say_time(a, row->expires_ms),
                        (unsigned long long)row->seq);
}
