/*
 * Early refusals: a hold that cannot be, by what everybody may see, is refused on the loop, without the
 * writer. At ten o'clock a thousand people want the same seat; one of them needs the writer and the disk, and
 * all others only a look at the bitmap. So they cost about what a read costs and stand in nobody's way.
 *
 * Sound, because what the view shows is durable and was the newest at some time while the request was under
 * way: the refusal is the answer that the writer would have given then. It is only ever a refusal; nobody is
 * promised a seat here. Left to the writer: a request with an Idempotency-Key (an earlier one with the key
 * may be about to be accepted, and both must get one answer) and whatever rests on more than the event's
 * version.
 *
 * The rules are those of HOLD_CREATE in inventory/inventory.h, in their order.
 */
#ifndef APP_EARLY_H
#define APP_EARLY_H

#include "app/usecases.h"

/*
 * Can @wish in call->event be refused now? Thread: the call's loop.
 * Returns BOX_OK (ask the writer), or BOX_ENOTONSALE, BOX_ESEATSTAKEN, BOX_ENOTENOUGH, with what there is to
 * tell in call->req.verdict.
 */
int early_refusal(struct app_call *call, const struct app_hold_wish *wish);

#endif
