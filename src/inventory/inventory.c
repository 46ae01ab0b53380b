/* Life, look-ups, groups. */
#include "inventory/inventory_internal.h"
#include <stddef.h>
#include <stdlib.h>

/* ---- life ---- */

static struct inventory *inventory_alloc(const struct event *event, const struct layout *layout,
                                         struct seat *seats, struct rng *rng)
{
    must(event->place_count == layout->place_count && layout->seats_total > 0);
    must(layout->place_count <= UINT16_MAX);
    struct inventory *inv = calloc(1, sizeof(*inv));
    must(inv && seats); /* out of memory ends the program */
    inv->event = event;
    inv->layout = layout;
    inv->seats = seats;
    inv->rng = rng;
    heap_init(&inv->deadlines);
    idmap_init(&inv->by_hold, offsetof(struct live, hold.hold_id));
    idmap_init(&inv->by_order, offsetof(struct live, order.order_id));
    idmap_init(&inv->buyers, offsetof(struct buyer, session));
    return inv;
}

/* What is not stored with a seat: its place; how many seats have each status; the runs of available ones. */
static void count_seats(struct inventory *inv)
{
    for (uint32_t place = 0; place < inv->layout->place_count; place++) {
        const struct layout_place *p = &inv->layout->places[place];
        for (uint32_t seat = p->first_seat; seat < p->first_seat + p->seats; seat++) {
            struct seat *s = &inv->seats[seat];
            must(s->status < SEAT_STATUSES);
            s->place = (uint16_t)place;
            s->dirty = 0;
            inv->counts[s->status]++;
        }
    }
    inv->runs = runs_new(inv->layout, seat_is_available, inv);
}

static void load_holds(struct inventory *inv, const struct image *image)
{
    uint64_t seats = 0;
    for (size_t i = 0; i < image->hold_count; i++) {
        const struct hold *hold = &image->holds[i];
        live_add(inv, hold);
        buyer_add(inv, &hold->session_id, hold->line_count, 0);
        for (uint32_t j = 0; j < hold->line_count; j++) {
            const struct seat *s = &inv->seats[hold->lines[j].seat];
            must(s->status == SEAT_HELD && uuid_equal(&s->owner, &hold->hold_id.u));
        }
        seats += hold->line_count;
    }
    must(seats == inv->counts[SEAT_HELD]); /* every held seat belongs to exactly one live hold */
    for (size_t i = 0; i < image->order_count; i++) {
        struct live *live = live_by_hold(inv, &image->orders[i].hold_id);
        must(live);
        live_set_order(inv, live, &image->orders[i]);
    }
}

struct inventory *inventory_new(struct image *image, struct rng *rng)
{
    struct inventory *inv = inventory_alloc(image->event, image->layout, image->seats, rng);
    image->event = NULL;
    image->layout = NULL;
    image->seats = NULL;
    inv->seq = image->seq;
    inv->time_us = image->time_us;
    inv->hash = image->hash;
    count_seats(inv);
    load_holds(inv, image);
    for (size_t i = 0; i < image->buyer_count; i++)
        buyer_add(inv, &image->buyers[i].session, 0, image->buyers[i].sold);
    return inv;
}

struct inventory *inventory_new_event(const struct event *event, const struct layout *layout, struct rng *rng)
{
    struct seat *seats = calloc(layout->seats_total, sizeof(*seats));
    struct inventory *inv = inventory_alloc(event_ref(event), layout_ref(layout), seats, rng);
    count_seats(inv);
    must(inv->counts[SEAT_AVAILABLE] == layout->seats_total);
    return inv;
}

static void drop_retired(struct inventory *inv)
{
    for (size_t i = 0; i < inv->retired_count; i++)
        event_unref(inv->retired[i]);
    inv->retired_count = 0;
}

void inventory_free(struct inventory *inv)
{
    if (!inv)
        return;
    while (inv->lives)
        live_remove(inv, inv->lives);
    size_t at = 0;
    for (struct buyer *buyer; (buyer = idmap_next(&inv->buyers, &at));)
        free(buyer);
    must(inv->by_order.count == 0 && heap_first(&inv->deadlines) == NULL);
    idmap_done(&inv->by_hold);
    idmap_done(&inv->by_order);
    idmap_done(&inv->buyers);
    heap_done(&inv->deadlines);
    drop_retired(inv);
    free(inv->retired);
    free(inv->dirty);
    runs_free(inv->runs);
    free(inv->seats);
    event_unref(inv->event);
    layout_unref(inv->layout);
    free(inv);
}

/* ---- groups ---- */

bool inventory_group_open(const struct inventory *inv)
{
    return inv->group_open;
}

void inventory_group_done(struct inventory *inv)
{
    must(inv->group_open || (inv->dirty_count == 0 && inv->retired_count == 0));
    seats_unmark(inv);
    drop_retired(inv);
    inv->group_open = false;
}

/* ---- look-ups ---- */

bool inventory_next_deadline(const struct inventory *inv, int64_t *ret_expires_ms, struct hold_id *ret_hold)
{
    struct heap_item *first = heap_first(&inv->deadlines);
    if (!first)
        return false;
    const struct live *live = (const struct live *)((const char *)first - offsetof(struct live, deadline));
    must(live->hold.expires_ms == first->key);
    *ret_expires_ms = live->hold.expires_ms;
    *ret_hold = live->hold.hold_id;
    return true;
}

const struct event *inventory_event(const struct inventory *inv)
{
    return inv->event;
}

const struct layout *inventory_layout(const struct inventory *inv)
{
    return inv->layout;
}

uint64_t inventory_seq(const struct inventory *inv)
{
    return inv->seq;
}

const struct digest *inventory_hash(const struct inventory *inv)
{
    return &inv->hash;
}

enum seat_status inventory_seat_status(const struct inventory *inv, uint32_t seat)
{
    must(seat < inv->layout->seats_total);
    return (enum seat_status)inv->seats[seat].status;
}

void inventory_counts(const struct inventory *inv, uint32_t ret_counts[SEAT_STATUSES])
{
    for (unsigned i = 0; i < SEAT_STATUSES; i++)
        ret_counts[i] = inv->counts[i];
}

uint32_t inventory_live_holds(const struct inventory *inv)
{
    return (uint32_t)inv->by_hold.count;
}

const struct hold *inventory_next_hold(const struct inventory *inv, const struct hold *hold)
{
    const struct live *live = inv->lives;
    if (hold)
        live = ((const struct live *)((const char *)hold - offsetof(struct live, hold)))->next;
    return live ? &live->hold : NULL;
}

const struct hold *inventory_find_hold(const struct inventory *inv, const struct hold_id *id)
{
    const struct live *live = live_by_hold(inv, id);
    return live ? &live->hold : NULL;
}

struct heap_item *inventory_heap_item(struct inventory *inv)
{
    return &inv->item;
}

struct inventory *inventory_of_heap_item(struct heap_item *item)
{
    return (struct inventory *)((char *)item - offsetof(struct inventory, item));
}
