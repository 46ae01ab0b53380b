/* An event to which everything happened that can happen, in a store in memory. */
#ifndef UNIT_VERIFY_BUSY_H
#define UNIT_VERIFY_BUSY_H

#include "contract/world.h"
#include "store/mem/store_mem.h"

struct busy {
    struct world w;
    struct show e;
    struct session_id ada, bob;
    struct hold_id live, released, expired, ordered; /* ordered: live, with a pending order */
    struct order_id pending, paid, cancelled, refunded, blocked;
};

enum {                /* seats */
       BUSY_LIVE = 0, /* two */
       BUSY_ORDERED = 2,
       BUSY_PAID = 4, /* three */
       BUSY_RELEASED = 8,
       BUSY_EXPIRED = 10,
       BUSY_CANCELLED = 12,
       BUSY_REFUNDED = 14,
       BUSY_REFUND_BLOCKED = 16,
       BUSY_BLOCKED = 18,
       BUSY_UNTOUCHED = 25,
};

static inline struct order_id busy_buy(struct busy *b, uint32_t seat, uint32_t count)
{
    struct order_id order = make_order(&b->e, take_seats(&b->e, b->bob, seat, count));
    on_order(&b->e, COMMAND_ORDER_CONFIRM, order);
    return order;
}

static inline void busy_init(struct busy *b, const char *slug)
{
    static const uint32_t blocked[] = {BUSY_BLOCKED, BUSY_BLOCKED + 1}, freed[] = {BUSY_BLOCKED + 1};
    world_init(&b->w, store_mem_new(), 11);
    assert_int_equal(store_put_venue(b->w.store, b->w.layout, NULL), 0);
    b->e = begin_show(&b->w, slug);
    b->ada = test_session(&b->w);
    b->bob = test_session(&b->w);
    on_seats(&b->e, COMMAND_BLOCK, blocked, 2);
    on_seats(&b->e, COMMAND_UNBLOCK, freed, 1);
    b->expired = take_seats(&b->e, b->bob, BUSY_EXPIRED, 2);
    b->released = take_seats(&b->e, b->ada, BUSY_RELEASED, 2);
    on_hold(&b->e, COMMAND_HOLD_EXTEND, b->released);
    on_hold(&b->e, COMMAND_HOLD_RELEASE, b->released);
    b->cancelled = make_order(&b->e, take_seats(&b->e, b->ada, BUSY_CANCELLED, 2));
    on_order(&b->e, COMMAND_ORDER_CANCEL, b->cancelled);
    b->paid = busy_buy(b, BUSY_PAID, 3);
    b->refunded = busy_buy(b, BUSY_REFUNDED, 2);
    refund(&b->e, b->refunded, false);
    b->blocked = busy_buy(b, BUSY_REFUND_BLOCKED, 2);
    refund(&b->e, b->blocked, true);
    b->w.now_us += 901 * INT64_C(1000000);
    on_hold(&b->e, COMMAND_HOLD_EXPIRE, b->expired);
    on_event(&b->e, COMMAND_EVENT_PAUSE);
    on_event(&b->e, COMMAND_EVENT_RESUME);
    b->live = take_seats(&b->e, b->ada, BUSY_LIVE, 2);
    b->ordered = take_seats(&b->e, b->bob, BUSY_ORDERED, 2);
    b->pending = make_order(&b->e, b->ordered);
    take_seats(&b->e, b->ada, BUSY_RELEASED, 1); /* a seat for the second time */
}

static inline void busy_done(struct busy *b)
{
    end_show(&b->e);
    store_close(b->w.store);
    world_done(&b->w);
}

#endif
