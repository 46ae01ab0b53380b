/*
 * Where a consumer reads from: generations of streams, the rows of a window, and the place where its
 * checkpoint is kept. An interface, so that the consumer's state machine can be tried without a cluster;
 * cdc_source_cql.c is the one that asks a cluster.
 *
 * All block and return 0, a lasting fault (BOX_EINVALID, BOX_EUNAUTHORIZED, BOX_ECORRUPT), or one that may
 * pass (BOX_EUNAVAILABLE, BOX_EIO); reason() says more in one line. Arrays are the arena's.
 */
#ifndef STORE_CQL_CDC_SOURCE_H
#define STORE_CQL_CDC_SOURCE_H

#include "base/arena.h"
#include "store/cql/cdc_row.h"

/* How far a consumer has come: everything of the generations before, and in this one all before time_us. */
struct cdc_place {
    int64_t generation_us;
    int64_t time_us;
};

struct cdc_source;
struct cdc_source_ops {
    /* The times at which generations begin, in us, ascending. */
    int (*generations)(struct cdc_source *, struct arena *, int64_t **ret_times, size_t *ret_count);
    /* The streams of one of them. Called for each window, because ours gains streams (new events). */
    int (*streams)(struct cdc_source *, int64_t generation_us, struct arena *,
                   struct cdc_stream **ret_streams, size_t *ret_count);
    /* All rows of @streams with from_us <= time < to_us, in any order. BOX_ERANGE: more than @limit. */
    int (*read)(struct cdc_source *, const struct cdc_stream *streams, size_t stream_count, int64_t from_us,
                int64_t to_us, size_t limit, struct arena *, struct cdc_log_row **ret_rows,
                size_t *ret_count);
    /* The checkpoint of that name. BOX_ENOTFOUND: there is none. */
    int (*load)(struct cdc_source *, const char *name, struct cdc_place *ret_place);
    int (*save)(struct cdc_source *, const char *name, const struct cdc_place *place);
    const char *(*reason)(const struct cdc_source *);
    void (*close)(struct cdc_source *);
};
struct cdc_source {
    const struct cdc_source_ops *ops;
};

#endif
