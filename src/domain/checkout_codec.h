/*
 * The parts of a hold's and an order's binary form that stand alike in their own records and in a change: all
 * but the event id and the lines, which a change has already. The forms are written down in checkout_codec.c.
 */
#ifndef DOMAIN_CHECKOUT_CODEC_H
#define DOMAIN_CHECKOUT_CODEC_H

#include "base/bytes.h"
#include "domain/checkout.h"

/* Append. */
void put_hold_part(struct buf *b, const struct hold *h);
/* event_id is nil, there are no lines; faults are the reader's. */
struct hold rd_hold_part(struct rd *r);
void put_order_part(struct buf *b, const struct order *o);
struct order rd_order_part(struct rd *r);

#endif
