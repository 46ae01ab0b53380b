/*
 * Seats: as they load, and as their ticket rows stand in the table.
 *
 * Nearly all seats of an event are as they were created, and loading has looked at their rows. So a row is
 * read by itself only where a change lists the seat, or where the seat did not load as it should - and every
 * row when the event did not load at all, which is what an impossible row does: then this says which.
 */
#include "verify/verify_internal.h"

static struct uuid owner_of(const struct ticket_row *row)
{
    return row->status == SEAT_HELD ? row->hold_id.u : row->status == SEAT_SOLD ? row->order_id.u : UUID_NIL;
}

static bool seat_same(const struct seat *seat, const struct ticket_row *row)
{
    struct uuid owner = owner_of(row);
    return seat->status == row->status && uuid_equal(&seat->owner, &owner) &&
           seat->last_started_ms == row->last_started_ms;
}

static bool ticket_same(const struct ticket_row *a, const struct ticket_row *b)
{
    return a->status == b->status && a->price_type == b->price_type && a->price.minor == b->price.minor &&
           uuid_equal(&a->hold_id.u, &b->hold_id.u) && uuid_equal(&a->session.u, &b->session.u) &&
           uuid_equal(&a->order_id.u, &b->order_id.u) && a->hold_until_ms == b->hold_until_ms &&
           a->last_started_ms == b->last_started_ms;
}

static const char *should_be(struct subject *s, const struct ledger_seat *seat)
{
    return say_by(&s->page, say_ticket(&s->page, &seat->ticket), seat->seq);
}

/* Returns 0 or an error of the store's; *ret_same: the row is as it should be. */
static int check_row(struct subject *s, uint32_t number, bool *ret_same)
{
    const struct ledger_seat *seat = &s->replay.ledger.seats[number];
    const char *where = say_where(&s->page, "tickets", &s->id, number);
    struct ticket_row row;
    int ret = store_get_ticket(s->v->store, &s->id, number, &row);
    *ret_same = !ret && ticket_same(&row, &seat->ticket);
    s->v->totals.tickets += !ret;
    if (ret == BOX_ENOTFOUND || ret == BOX_ECORRUPT || ret == BOX_ENEWER)
        subject_finding(s, where, ret == BOX_ENOTFOUND ? "no row" : "a row that makes no sense",
                        should_be(s, seat));
    else if (!ret && !*ret_same)
        subject_finding(s, where, say_ticket(&s->page, &row), should_be(s, seat));
    return ret == BOX_ENOTFOUND || ret == BOX_ECORRUPT || ret == BOX_ENEWER ? 0 : ret;
}

static int check_seat(struct subject *s, uint32_t number)
{
    const struct ledger_seat *expected = &s->replay.ledger.seats[number];
    const struct seat *seat = s->loaded ? &s->image.seats[number] : NULL;
    bool loaded_well = seat && seat_same(seat, &expected->ticket), row_same;
    if (expected->seq == 0 && loaded_well)
        return 0;
    int ret = check_row(s, number, &row_same);
    if (!ret && row_same && seat && !loaded_well)
        subject_finding(
            s, say_where(&s->page, "the loaded event", &s->id, number),
            say_seat(&s->page, (enum seat_status)seat->status, &seat->owner, seat->last_started_ms),
            should_be(s, expected));
    return ret;
}

int verify_seats(struct subject *s)
{
    int ret = 0;
    for (uint32_t i = 0; i < s->layout->seats_total && !ret; i++) {
        ret = check_seat(s, i);
        arena_reset(&s->page);
    }
    return ret;
}
