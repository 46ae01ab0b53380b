/* Changes of every kind, as an inventory makes them: one event, one hold of three seats, one order. */
#ifndef UNIT_CHANGE_FIXTURE_H
#define UNIT_CHANGE_FIXTURE_H

#include "unit/domain/fixture.h"

#include "base/params.h"
#include "change/change.h"

enum { FIXTURE_SEATS = 3 };
static const int64_t FIXTURE_TIME_US = 1700000000123456;
static const int64_t FIXTURE_STARTED_MS = 1700000000123;

/* A change and all that it points to. */
struct fixture {
    struct change change;
    struct hold hold;
    struct order order;
    struct seat_change seats[FIXTURE_SEATS];
    const char *names[LIMIT_PRICE_TYPES];
    struct layout *layout;
    struct event *event;
};

static inline void fixture_done(struct fixture *f)
{
    event_unref(f->event);
    layout_unref(f->layout);
}

static inline void fixture_seats(struct fixture *f, enum seat_status before, enum seat_status after,
                                 bool priced)
{
    static const uint32_t seats[FIXTURE_SEATS] = {9, 4, 5};
    for (unsigned i = 0; i < FIXTURE_SEATS; i++)
        f->seats[i] = (struct seat_change){
            .seat = seats[i],
            .before = (uint8_t)before,
            .after = (uint8_t)after,
            .price_type = priced && i == 1,
            .price = {priced ? 4500 - 2500 * (i == 1) : 0},
            .last_started_ms = priced ? FIXTURE_STARTED_MS : i * 1000,
        };
    f->change.seats = f->seats;
    f->change.seat_count = FIXTURE_SEATS;
    f->names[0] = "standard";
    f->names[1] = priced ? "child" : NULL;
    f->change.price_type_names = f->names;
    f->change.price_type_count = priced ? 2 : 1;
}

static inline void fixture_hold(struct fixture *f, enum hold_status status, enum hold_outcome outcome)
{
    f->hold = (struct hold){
        .hold_id = {uuid_numbered(2)},
        .event_id = f->change.event_id,
        .session_id = session_numbered(3),
        .status = status,
        .outcome = outcome,
        .started_ms = FIXTURE_STARTED_MS,
        .expires_ms = FIXTURE_STARTED_MS + 900000,
        .ended_ms = outcome ? FIXTURE_STARTED_MS + 60000 : 0,
        .total = {11000},
    };
    f->change.hold = &f->hold;
}

static inline void fixture_order(struct fixture *f, enum order_status status)
{
    f->order = (struct order){
        .order_id = {uuid_numbered(4)},
        .code = "ABCD2345",
        .event_id = f->change.event_id,
        .hold_id = {uuid_numbered(2)},
        .session_id = session_numbered(3),
        .user_id = uuid_numbered(5),
        .status = status,
        .created_ms = FIXTURE_STARTED_MS + 10,
        .expires_ms = FIXTURE_STARTED_MS + 900000,
        .total = {11000},
    };
    f->hold.order_id = f->order.order_id;
    f->hold.user_id = f->order.user_id;
    f->change.order = &f->order;
}

static inline void fixture_parts(struct fixture *f, enum change_kind kind)
{
    switch (kind) {
    case CHANGE_SEATS_BLOCKED:
        fixture_seats(f, SEAT_AVAILABLE, SEAT_BLOCKED, false);
        break;
    case CHANGE_SEATS_UNBLOCKED:
        fixture_seats(f, SEAT_BLOCKED, SEAT_AVAILABLE, false);
        break;
    case CHANGE_HOLD_CREATED:
        fixture_seats(f, SEAT_AVAILABLE, SEAT_HELD, true);
        fixture_hold(f, HOLD_ACTIVE, OUTCOME_NONE);
        break;
    case CHANGE_HOLD_EXTENDED:
        fixture_seats(f, SEAT_HELD, SEAT_HELD, true);
        fixture_hold(f, HOLD_ACTIVE, OUTCOME_NONE);
        fixture_order(f, ORDER_PENDING);
        break;
    case CHANGE_HOLD_RELEASED:
        fixture_seats(f, SEAT_HELD, SEAT_AVAILABLE, true);
        fixture_hold(f, HOLD_RELEASED, OUTCOME_RELEASED);
        break;
    case CHANGE_HOLD_EXPIRED:
        fixture_seats(f, SEAT_HELD, SEAT_AVAILABLE, true);
        fixture_hold(f, HOLD_EXPIRED, OUTCOME_EXPIRED);
        fixture_order(f, ORDER_EXPIRED);
        break;
    case CHANGE_ORDER_CREATED:
        fixture_seats(f, SEAT_HELD, SEAT_HELD, true);
        fixture_hold(f, HOLD_ACTIVE, OUTCOME_NONE);
        fixture_order(f, ORDER_PENDING);
        break;
    case CHANGE_ORDER_PAID:
        fixture_seats(f, SEAT_HELD, SEAT_SOLD, true);
        fixture_hold(f, HOLD_PURCHASED, OUTCOME_PURCHASED);
        fixture_order(f, ORDER_PAID);
        break;
    case CHANGE_ORDER_CANCELLED:
        fixture_seats(f, SEAT_HELD, SEAT_AVAILABLE, true);
        fixture_hold(f, HOLD_RELEASED, OUTCOME_CANCELLED);
        fixture_order(f, ORDER_CANCELLED);
        break;
    case CHANGE_ORDER_REFUNDED:
        fixture_seats(f, SEAT_SOLD, SEAT_AVAILABLE, true);
        fixture_order(f, ORDER_REFUNDED);
        break;
    default:
        f->layout = small_layout();
        f->event = small_event(f->layout);
        f->change.event = f->event;
    }
}

/* A change of a kind, numbered @seq, by an actor that depends on the kind. Not sealed. */
static inline void fixture_init(struct fixture *f, enum change_kind kind, uint64_t seq)
{
    memset(f, 0, sizeof(*f));
    f->change.kind = kind;
    f->change.event_id = event_numbered(7);
    f->change.seq = seq;
    f->change.commit_no = 1000 + seq;
    f->change.time_us = FIXTURE_TIME_US + (int64_t)seq - 1;
    f->change.actor = kind % 3 == 0   ? actor_system()
                      : kind % 3 == 1 ? actor_key("box-office")
                                      : actor_session(session_numbered(3));
    fixture_parts(f, kind);
}

#endif
