/*
 * Forward: on a cluster, a request that another server has to decide is sent on to it as it came, and its
 * answer is passed through.
 *
 * Everything before that is done here: credential, validation, early refusals. What comes back after a change
 * is held until it is shown here too (at most LIMIT_FORWARD_REPLY_WAIT_MS), so that a client that reads from
 * the server it wrote to sees what it wrote. A request that was sent on already is never sent on again: the
 * sender is told that the home is not here, and looks for it anew.
 */
#ifndef API_FORWARD_H
#define API_FORWARD_H

#include "api/request.h"

/* Look whether another server has sent the request, and whether it may be answered here. False: answered. */
bool forward_begin(struct api_req *c);
/* A write has ended with @code: if that says that its home is elsewhere, send it on, or tell the sender.
 * Returns true if that is so: it is or will be answered. */
bool forward_answer(struct api_req *c, int code);
/* The request is over. */
void forward_finish(struct api_req *c);

#endif
