/* A venue as it is given: from JSON to a layout. */
#ifndef API_VENUE_IN_H
#define API_VENUE_IN_H

#include "base/rng.h"
#include "domain/layout.h"
#include "json/json_in.h"

/* What both ways to make a venue need. */
struct venue_in {
    struct json_in *in;
    struct arena *arena;
    struct rng *rng;
    struct layout_builder *builder;
    int64_t now_ms;
};

/*
 * The body of POST /v1/venues. Returns 0 and a layout with one reference of the caller's, or BOX_EBADREQUEST
 * or BOX_EINVALID (recorded in the decoder). Thread: a worker.
 */
int venue_from_json(struct venue_in *v, struct json_node body, struct layout **ret_layout);

/* The body of POST /v1/venues/import; see import.c. */
int venue_from_import(struct venue_in *v, struct json_node body, struct layout **ret_layout);

/* True while nothing is wrong: then the builder may be given more. */
bool venue_in_ok(const struct venue_in *v);
/* Record the builder's reason at @where if @ret says that it refused. */
void venue_in_built(struct venue_in *v, struct json_node where, int ret);
/* Read a time zone. */
const char *venue_in_timezone(struct json_node node);
/* Finish the layout, if nothing is wrong. Frees the builder. */
int venue_in_finish(struct venue_in *v, struct json_node body, const char *name, const char *timezone,
                    struct layout **ret_layout);

#endif
