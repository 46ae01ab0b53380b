/*
 * The tail: one group of changes as bytes, with all that its second half needs. It is written into the
 * event's partition by the same conditional batch that changes the seats, so that whoever takes the event
 * over can write the second half again.
 *
 * Encoded form, version 1: u8 version | varint count | count x bytes change_encode | varint count | count x
 * answer | varint count | count x personal | u64 XXH3 of all before. Damage anywhere is found by that sum.
 *   answer:   key 32 | request 32 | i64 expires ms | u16 http status | u64 change seq | u8 1 if there is a
 *             location | text location | bytes body
 *   personal: order id 16 | u8 bits of what is there: 1 name, 2 e-mail, 4 payment reference | each as text
 *
 * It may hold personal data: commit.c clears it when an event stands idle (clear.c).
 */
#ifndef CQL_TAIL_H
#define CQL_TAIL_H

#include "base/buf.h"
#include "store/store.h"

/* Append the encoded form of @g, whose changes are sealed. */
void tail_encode(const struct event_group *g, struct buf *ret);
/*
 * The reverse. All parts are the arena's, but for the references to events that changes have: tail_done()
 * drops them. Returns 0, BOX_ECORRUPT (also for changes that do not follow each other) or BOX_ENEWER.
 */
int tail_decode(const void *data, size_t size, struct arena *arena, struct event_group *ret_group);
/* Drop the references of a decoded group. */
void tail_done(struct event_group *g);

#endif
