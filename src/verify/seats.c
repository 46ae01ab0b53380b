/*
 * Seats: as they load, and as their ticket rows stand in the table.
 *
 * Nearly all seats of an event are as they were created, and loading has looked at their rows. So a row is
 * read by itself only where a change lists the seat, or where the seat did not load as it should - and every
 * row when the event did not load at all, which is what an impossible row does: then this says which. (Or it
 * is being sold too quickly to be loaded.)
 */
#include "base/must.h"
#include "verify/verify_internal.h"
#include <stdlib.h>

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

static bool is_bad_row(int ret)
{
    return ret == BOX_ENOTFOUND || ret == BOX_ECORRUPT || ret == BOX_ENEWER;
}

/* Read a row and compare it; once more after what was committed meanwhile. */
static int read_row(struct subject *s, uint32_t number, struct ticket_row *ret_row, bool *ret_same)
{
    const struct ledger_seat *seat = &s->replay.ledger.seats[number];
    int ret = 0;
    for (int tries = store_shared(s->v->store) ? 2 : 1; tries > 0 && !ret; tries--) {
        ret = store_get_ticket(s->v->store, &s->id, number, ret_row);
        *ret_same = !ret && ticket_same(ret_row, &seat->ticket);
        if (ret || *ret_same)
            break;
        if (tries > 1)
            ret = subject_catch_up(s);
    }
    return ret;
}

/* Returns 0 or an error of the store's; *ret_same: the row is as it should be. */
static int check_row(struct subject *s, uint32_t number, bool *ret_same)
{
    struct ticket_row row;
    int ret = read_row(s, number, &row, ret_same);
    s->v->totals.tickets += !ret;
    if (*ret_same || (ret && !is_bad_row(ret)))
        return ret;
    const char *is = ret == BOX_ENOTFOUND ? "no row"
                     : ret                ? "a row that makes no sense"
                                          : say_ticket(&s->page, &row);
    subject_finding(s, say_where(&s->page, "tickets", &s->id, number), is,
                    should_be(s, &s->replay.ledger.seats[number]));
    return 0;
}

static int check_seat(struct subject *s, uint32_t number, bool loaded_well)
{
    const struct ledger_seat *expected = &s->replay.ledger.seats[number];
    bool row_same;
    if (expected->seq == 0 && loaded_well)
        return 0;
    int ret = check_row(s, number, &row_same);
    if (ret || !row_same || loaded_well || !s->loaded || s->replay.seq != s->image.seq)
        return ret;
    const struct seat *seat = &s->image.seats[number];
    subject_finding(s, say_where(&s->page, "the loaded event", &s->id, number),
                    say_seat(&s->page, (enum seat_status)seat->status, &seat->owner, seat->last_started_ms),
                    should_be(s, expected));
    return 0;
}

int verify_seats(struct subject *s)
{
    uint32_t total = s->layout->seats_total;
    bool *loaded_well = calloc(total, sizeof(*loaded_well));
    must(loaded_well); /* out of memory ends the program */
    for (uint32_t i = 0; i < total && s->loaded; i++)
        loaded_well[i] = seat_same(&s->image.seats[i], &s->replay.ledger.seats[i].ticket);
    int ret = subject_catch_up(s);
    for (uint32_t i = 0; i < total && !ret; i++) {
        ret = check_seat(s, i, loaded_well[i]);
        arena_reset(&s->page);
    }
    free(loaded_well);
    return ret;
}
