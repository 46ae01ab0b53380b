/*
 * Kept: answers about an event that are rendered once per version, by the first who asks, and hang on the
 * version (view_extra()) until the last reader has left it. The hot reads are answered from here.
 */
#ifndef API_KEPT_H
#define API_KEPT_H

#include "api/request.h"

/* The answers that a version keeps: slots of view_extra(). */
enum kept {
    KEPT_EVENT,
    KEPT_SECTIONS,
    KEPT_AVAILABILITY,
    KEPT_BYTES,
    KEPT_SEATMAP,
    KEPT_SEATMAP_REV,
    KEPT_DELTAS, /* and what follows: by since; the first that comes to a slot has it */
};
enum { KEPT_DELTA_SLOTS = SNAPSHOT_EXTRAS - KEPT_DELTAS };

struct kept_spec {
    enum kept slot;
    uint64_t key;              /* must be the same for an answer to be used; where a slot may have several */
    const char *etag;          /* of this version */
    const char *cache_control; /* NULL: to be revalidated */
    const char *vary;          /* beside Accept-Encoding, or NULL */
};

/* Answer with what the version c->call.event keeps. Returns false when it has it not; then nothing was done.
 */
bool kept_reply(struct api_req *c, enum kept slot, uint64_t key);
/* Answer with @body (its reference is taken), and keep it where the slot is free. */
void kept_reply_new(struct api_req *c, const struct kept_spec *spec, struct http_body *body);
/* Both, for a slot that has one answer: @encode makes its JSON where it is missing. @vary: as in the spec. */
void kept_reply_json(struct api_req *c, enum kept slot, const char *vary, api_encode *encode);

#endif
