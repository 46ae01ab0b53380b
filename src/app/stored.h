/*
 * Holds and orders that the store knows: commands on those that may have ended. The writer decides about live
 * ones only and says BOX_ENOTLIVE of all others; since what has ended never comes back to life, it is looked
 * up afterwards.
 */
#ifndef APP_STORED_H
#define APP_STORED_H

#include "app/call.h"

/* Load call->hold_id into call->hold, or call->order_id into call->order. Thread: a worker. Returns 0,
   BOX_ENOTFOUND (none, or somebody else's) or the store's error. */
int stored_hold(struct app_call *call);
int stored_order(struct app_call *call);

/* Prepare a command on a hold. NULL: there is no such event, and the call has ended. */
struct command *app_hold_command(struct app_call *call, enum command_kind kind, const struct hold_id *id);
/* The step after it: an ended hold is BOX_EHOLDSTATE with the status that it has (an order for one that
   expired: BOX_EHOLDEXPIRED). */
void app_hold_decided(struct app_call *call);

#endif
