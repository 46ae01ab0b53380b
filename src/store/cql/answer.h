/*
 * What the answer to a conditional batch says: was it done, was it this very batch that was done by an
 * earlier try, or was it refused.
 *
 * A refused batch is answered with rows whose number and order differ: Apache Cassandra gives one for every
 * statement whose row exists, in clustering order, with the columns that were asked about; ScyllaDB gives one
 * for every statement, in the order of the batch, with NULLs where no row is. The statics may stand in each
 * of them or be NULL in some. So values are compared, never positions: whatever row has a value tells it for
 * all.
 */
#ifndef CQL_ANSWER_H
#define CQL_ANSWER_H

#include "base/uuid.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum batch_answer {
    ANSWER_APPLIED,
    ANSWER_MINE,     /* an earlier try of the same batch was applied, and is the newest group */
    ANSWER_MOVED_ON, /* the event is further on than this group would be: an earlier try may be below */
    ANSWER_REFUSED,  /* not applied, and never will be */
    ANSWER_STRANGE,  /* not the answer to such a batch */
};

/* One row of the answer, as much as matters. */
struct answer_row {
    bool applied;
    bool has_seq, has_batch; /* not NULL */
    int64_t seq;
    struct uuid batch_id;
};

/* The rows, however they are kept. row() returns false for one that cannot be read. */
struct answer_rows {
    size_t count;
    bool (*row)(const void *ctx, size_t index, struct answer_row *ret_row);
    const void *ctx;
};

/* Of the batch @batch_id, which makes the event's seq @makes_seq. */
enum batch_answer answer_of(const struct answer_rows *rows, const struct uuid *batch_id, uint64_t makes_seq);

#endif
