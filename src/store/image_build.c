#include "store/image_build.h"
#include "base/error.h"
#include "base/must.h"
#include <stdlib.h>
#include <uthash.h>

struct buyer_entry {
    struct session_id session;
    uint32_t sold;
    UT_hash_handle hh;
};

struct hold_entry {
    struct hold_id id;
    uint32_t seats; /* of those scanned, held by it */
    UT_hash_handle hh;
};

void image_build_init(struct image_build *b, struct image *image)
{
    *b = (struct image_build){.image = image};
    image->seats = calloc(image->layout->seats_total, sizeof(*image->seats));
    must(image->seats);
}

/* ---- seats ---- */

static void found_sold(struct image_build *b, const struct session_id *session)
{
    struct buyer_entry *e;
    HASH_FIND(hh, b->buyers, session, sizeof(*session), e);
    if (!e) {
        e = calloc(1, sizeof(*e));
        must(e);
        e->session = *session;
        HASH_ADD(hh, b->buyers, session, sizeof(e->session), e);
    }
    e->sold++;
}

static struct hold_entry *find_hold(struct image_build *b, const struct hold_id *id)
{
    struct hold_entry *e;
    HASH_FIND(hh, b->holds, id, sizeof(*id), e);
    return e;
}

static void found_held(struct image_build *b, const struct hold_id *id)
{
    struct hold_entry *e = find_hold(b, id);
    if (!e) {
        e = calloc(1, sizeof(*e));
        must(e);
        e->id = *id;
        HASH_ADD(hh, b->holds, id, sizeof(e->id), e);
    }
    e->seats++;
}

void image_build_untouched(struct image_build *b)
{
    b->counts[SEAT_AVAILABLE]++; /* the rest of the seat is zero */
}

int image_build_seat(struct image_build *b, const struct ticket_row *row)
{
    must(row->seat < b->image->layout->seats_total);
    if (row->status >= SEAT_STATUSES)
        return BOX_ECORRUPT;
    struct seat *seat = &b->image->seats[row->seat];
    seat->status = (uint8_t)row->status;
    seat->last_started_ms = row->last_started_ms;
    b->counts[row->status]++;
    if (row->status == SEAT_HELD) {
        seat->owner = row->hold_id.u;
        found_held(b, &row->hold_id);
    } else if (row->status == SEAT_SOLD) {
        seat->owner = row->order_id.u;
        found_sold(b, &row->session);
    }
    return 0;
}

/* ---- holds and their orders ---- */

uint32_t image_build_holds(struct image_build *b, struct hold_id **ret_ids)
{
    struct image *image = b->image;
    uint32_t count = HASH_COUNT(b->holds), i = 0;
    struct hold_id *ids = arena_array(&image->arena, count, sizeof(*ids));
    for (const struct hold_entry *e = b->holds; e; e = e->hh.next)
        ids[i++] = e->id;
    image->holds = arena_array(&image->arena, count, sizeof(*image->holds));
    image->orders = arena_array(&image->arena, count, sizeof(*image->orders));
    *ret_ids = ids;
    return count;
}

/* Its lines are just the seats that name it: there are as many, and each is one of them. */
static bool fits_seats(const struct image *image, const struct hold *hold, uint32_t seats)
{
    for (uint32_t i = 0; i < hold->line_count; i++) {
        uint32_t seat = hold->lines[i].seat;
        if (seat >= image->layout->seats_total || image->seats[seat].status != SEAT_HELD ||
            !uuid_equal(&image->seats[seat].owner, &hold->hold_id.u))
            return false;
    }
    return hold->line_count == seats;
}

int image_build_hold(struct image_build *b, const struct hold *hold, bool *ret_has_order)
{
    struct image *image = b->image;
    const struct hold_entry *e = find_hold(b, &hold->hold_id);
    if (!e || hold->status != HOLD_ACTIVE || !fits_seats(image, hold, e->seats) ||
        image->hold_count == HASH_COUNT(b->holds))
        return BOX_ECORRUPT;
    image->holds[image->hold_count++] = *hold;
    *ret_has_order = !uuid_is_nil(&hold->order_id.u);
    return 0;
}

int image_build_order(struct image_build *b, const struct order *order)
{
    struct image *image = b->image;
    if (order->status != ORDER_PENDING || image->order_count == image->hold_count)
        return BOX_ECORRUPT;
    image->orders[image->order_count++] = *order;
    return 0;
}

/* ---- end ---- */

int image_build_finish(struct image_build *b)
{
    struct image *image = b->image;
    uint32_t seats = 0;
    for (unsigned status = 0; status < SEAT_STATUSES; status++)
        seats += b->counts[status];
    if (seats != image->layout->seats_total || image->hold_count != HASH_COUNT(b->holds))
        return BOX_ECORRUPT;
    image->buyers = arena_array(&image->arena, HASH_COUNT(b->buyers), sizeof(*image->buyers));
    for (const struct buyer_entry *e = b->buyers; e; e = e->hh.next)
        image->buyers[image->buyer_count++] = (struct image_buyer){.session = e->session, .sold = e->sold};
    return 0;
}

void image_build_done(struct image_build *b)
{
    struct buyer_entry *buyer, *next_buyer;
    HASH_ITER (hh, b->buyers, buyer, next_buyer) {
        HASH_DEL(b->buyers, buyer);
        free(buyer);
    }
    struct hold_entry *hold, *next_hold;
    HASH_ITER (hh, b->holds, hold, next_hold) {
        HASH_DEL(b->holds, hold);
        free(hold);
    }
}
