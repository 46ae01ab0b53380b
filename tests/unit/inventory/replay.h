/*
 * A store as simple as can be: it knows of an event only what the changes say, and makes an image of it.
 */
#ifndef UNIT_INVENTORY_REPLAY_H
#define UNIT_INVENTORY_REPLAY_H

#include "change/change.h"
#include "inventory/image.h"
#include "unit/base/check.h"
#include <stdlib.h>
#include <string.h>

enum { REPLAY_SEATS = 32 };

struct replay {
    struct arena arena; /* lines */
    const struct layout *layout;
    const struct event *event;
    uint64_t seq;
    int64_t time_us;
    struct digest hash;
    struct seat seats[REPLAY_SEATS];
    struct hold *holds; /* every one that ever was, oldest first */
    size_t hold_count, hold_cap;
    struct order *orders;
    size_t order_count, order_cap;
};

static inline void replay_init(struct replay *p, const struct layout *layout)
{
    *p = (struct replay){.layout = layout_ref(layout)};
    arena_init(&p->arena, 0);
    assert_true(layout->seats_total <= REPLAY_SEATS);
}

static inline void replay_done(struct replay *p)
{
    arena_done(&p->arena);
    if (p->event)
        event_unref(p->event);
    layout_unref(p->layout);
    free(p->holds);
    free(p->orders);
}

static inline struct hold *replay_hold(const struct replay *p, const struct hold_id *id)
{
    for (size_t i = 0; i < p->hold_count; i++) {
        if (uuid_equal(&p->holds[i].hold_id.u, &id->u))
            return &p->holds[i];
    }
    return NULL;
}

static inline struct order *replay_order(const struct replay *p, const struct order_id *id)
{
    for (size_t i = 0; i < p->order_count; i++) {
        if (uuid_equal(&p->orders[i].order_id.u, &id->u))
            return &p->orders[i];
    }
    return NULL;
}

static inline const struct line *replay_lines(struct replay *p, const struct change *c)
{
    struct line *lines = arena_array(&p->arena, c->seat_count, sizeof(*lines));
    for (uint32_t i = 0; i < c->seat_count; i++)
        lines[i] = (struct line){c->seats[i].seat, c->seats[i].price_type, c->seats[i].price};
    return lines;
}

static inline void replay_put_hold(struct replay *p, const struct change *c)
{
    struct hold *hold = replay_hold(p, &c->hold->hold_id);
    assert_true(!hold == (c->kind == CHANGE_HOLD_CREATED)); /* ids are new when they should be */
    if (!hold) {
        if (p->hold_count == p->hold_cap) {
            p->hold_cap = p->hold_cap ? 2 * p->hold_cap : 64;
            p->holds = realloc(p->holds, p->hold_cap * sizeof(*p->holds));
        }
        hold = &p->holds[p->hold_count++];
    } else {
        assert_int_equal(hold->status, HOLD_ACTIVE); /* an ended hold stays as it is */
        assert_int_equal(hold->line_count, c->seat_count);
    }
    *hold = *c->hold;
    hold->lines = replay_lines(p, c);
    hold->line_count = c->seat_count;
}

static inline void replay_put_order(struct replay *p, const struct change *c)
{
    struct order *order = replay_order(p, &c->order->order_id);
    assert_true(!order == (c->kind == CHANGE_ORDER_CREATED));
    if (!order) {
        if (p->order_count == p->order_cap) {
            p->order_cap = p->order_cap ? 2 * p->order_cap : 64;
            p->orders = realloc(p->orders, p->order_cap * sizeof(*p->orders));
        }
        order = &p->orders[p->order_count++];
    } else {
        assert_true(order->status == ORDER_PENDING ||
                    (order->status == ORDER_PAID && c->order->status == ORDER_REFUNDED));
    }
    *order = *c->order;
    order->lines = replay_lines(p, c);
    order->line_count = c->seat_count;
}

static inline void replay_put_seat(struct replay *p, const struct change *c, const struct seat_change *s)
{
    struct seat *seat = &p->seats[s->seat];
    assert_int_equal(s->before, seat->status); /* a seat is never taken from somebody who has it */
    if (s->before == SEAT_HELD)
        assert_memory_equal(&seat->owner, &c->hold->hold_id, sizeof(seat->owner));
    if (s->before == SEAT_SOLD)
        assert_memory_equal(&seat->owner, &c->order->order_id, sizeof(seat->owner));
    if (c->kind == CHANGE_HOLD_CREATED) {
        assert_true(s->last_started_ms > seat->last_started_ms); /* strictly later than the hold before */
        assert_true(s->last_started_ms == c->hold->started_ms);
    } else {
        assert_true(s->last_started_ms == seat->last_started_ms);
    }
    seat->status = s->after;
    seat->last_started_ms = s->last_started_ms;
    seat->owner = s->after == SEAT_HELD   ? c->hold->hold_id.u
                  : s->after == SEAT_SOLD ? c->order->order_id.u
                                          : UUID_NIL;
}

/* Apply one change, after checking that it follows from the one before. */
static inline void replay_apply(struct replay *p, const struct change *c)
{
    assert_int_equal(c->seq, p->seq + 1);
    assert_true(c->time_us > p->time_us);
    assert_true(change_check(c, p->seq ? &p->hash : NULL));
    assert_int_equal(c->commit_no, 0);
    for (uint32_t i = 0; i < c->seat_count; i++)
        replay_put_seat(p, c, &c->seats[i]);
    if (c->hold)
        replay_put_hold(p, c);
    if (c->order)
        replay_put_order(p, c);
    if (c->event) {
        if (p->event)
            event_unref(p->event);
        p->event = event_ref(c->event);
    }
    p->seq = c->seq;
    p->time_us = c->time_us;
    p->hash = c->hash;
}

/* Tickets sold to a session. */
static inline uint32_t replay_sold(const struct replay *p, const struct session_id *session)
{
    uint32_t sold = 0;
    for (size_t i = 0; i < p->order_count; i++) {
        if (p->orders[i].status == ORDER_PAID && uuid_equal(&p->orders[i].session_id.u, &session->u))
            sold += p->orders[i].line_count;
    }
    return sold;
}

static inline uint32_t replay_held(const struct replay *p, const struct session_id *session)
{
    uint32_t held = 0;
    for (size_t i = 0; i < p->hold_count; i++) {
        if (p->holds[i].status == HOLD_ACTIVE && uuid_equal(&p->holds[i].session_id.u, &session->u))
            held += p->holds[i].line_count;
    }
    return held;
}

static inline void replay_image_buyers(const struct replay *p, struct image *image)
{
    image->buyers = arena_array(&image->arena, p->order_count, sizeof(*image->buyers));
    for (size_t i = 0; i < p->order_count; i++) {
        const struct session_id *session = &p->orders[i].session_id;
        bool known = p->orders[i].status != ORDER_PAID;
        for (size_t j = 0; j < image->buyer_count && !known; j++)
            known = uuid_equal(&image->buyers[j].session.u, &session->u);
        if (!known)
            image->buyers[image->buyer_count++] = (struct image_buyer){*session, replay_sold(p, session)};
    }
}

/* As a store would load the event now. */
static inline void replay_image(const struct replay *p, struct image *image)
{
    uint32_t seats = p->layout->seats_total;
    *image = (struct image){.seq = p->seq, .time_us = p->time_us, .hash = p->hash};
    arena_init(&image->arena, 0);
    image->event = event_ref(p->event);
    image->layout = layout_ref(p->layout);
    image->seats = malloc(seats * sizeof(*image->seats));
    memcpy(image->seats, p->seats, seats * sizeof(*image->seats));
    image->holds = arena_array(&image->arena, p->hold_count, sizeof(*image->holds));
    for (size_t i = 0; i < p->hold_count; i++) {
        if (p->holds[i].status == HOLD_ACTIVE)
            image->holds[image->hold_count++] = p->holds[i];
    }
    image->orders = arena_array(&image->arena, p->order_count, sizeof(*image->orders));
    for (size_t i = 0; i < p->order_count; i++) {
        if (p->orders[i].status == ORDER_PENDING)
            image->orders[image->order_count++] = p->orders[i];
    }
    replay_image_buyers(p, image);
}

#endif
