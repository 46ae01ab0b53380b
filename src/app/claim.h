/*
 * Claims: what reserves an idempotency key and a slug with the writer while a worker does what is too big for
 * a group.
 */
#ifndef APP_CLAIM_H
#define APP_CLAIM_H

#include "app/call.h"

/* Reserve call->idem and @slug (either may be NULL), then go on. A replay ends it by app_written(). */
void app_claim(struct app_call *call, const char *slug, app_step *then);
/*
 * End the claim (the writer takes this even when its queue is full: a claim that stayed would make the slug
 * and the key unusable), then go on. @answer: what those get who wait for it, or NULL.
 */
void app_release_claim(struct app_call *call, const char *slug, const struct idem_record *answer,
                       app_step *then);

#endif
