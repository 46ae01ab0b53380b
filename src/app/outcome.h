/*
 * Outcome: what a call's answer is made from, out of the writer's verdict. The change lists the seats; the
 * hold and the order of the answer get them back as their lines.
 */
#ifndef APP_OUTCOME_H
#define APP_OUTCOME_H

#include "app/call.h"

/* Fill the call's result from call->req.verdict, which was accepted. Thread: the writer's (before the commit;
   again when that was fenced) or the loop (after it). */
void outcome_of_verdict(struct app_call *call);

/* The result is this stored hold or order. Returns 0, or BOX_EUNAVAILABLE when it uses a price type that the
   view does not show yet (a moment later it does). Thread: any. */
int outcome_of_hold(struct app_call *call, const struct hold *hold);
int outcome_of_order(struct app_call *call, const struct order *order);

#endif
