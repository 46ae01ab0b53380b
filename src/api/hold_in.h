/* What a hold is wished to be: from JSON. */
#ifndef API_HOLD_IN_H
#define API_HOLD_IN_H

#include "api/request.h"

/* What the body may have. */
extern const char *const hold_members[];

/*
 * The body of POST holds, for the call's event and credential. Memory: the request's arena. Faults are
 * recorded.
 */
void hold_wish_in(struct api_req *c, struct json_node body, struct app_hold_wish *ret_wish);

#endif
