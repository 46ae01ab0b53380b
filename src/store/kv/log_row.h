/*
 * A row of the change log: changes of one event that one commit made, one after another.
 *
 * A row for each change would cost a hold two more insertions into tables; together, a group of a hundred
 * holds costs two for all. A row has the number of its last change as key, so that to seek a number (the
 * first key that is not smaller) finds the row which has it; likewise in changes_by_event, by seq. Since both
 * count up without gaps, the number of its first follows from how many it has. A group that is large (an
 * event that ends thousands of holds) becomes several rows, each closed when it has reached LOG_ROW_BYTES:
 * who wants one change reads no more than that, or than that change. Records in a row have their length
 * before them, so to pass over one is a step, without decoding.
 */
#ifndef STORE_LOG_ROW_H
#define STORE_LOG_ROW_H

#include "base/bytes.h"
#include "change/change.h"
#include "store/kv/kv.h"

enum { LOG_ROW_BYTES = 32 << 10 }; /* about 180 holds of one seat */

/* ---- writing ---- */

/* A row being filled; all zero: none. Its memory stays for the next. */
struct log_row {
    struct buf value;
    uint32_t count;
};

/* Add a change, which has its numbers and follows the one added before. @scratch is the caller's, and empty.
 */
void log_row_add(struct log_row *row, const struct change *c, struct buf *scratch);
/* True if the next change belongs into a new row. */
bool log_row_full(const struct log_row *row);
/* Put the row, whose last change is @last, and its place in the index into @b, and begin a new one. */
void log_row_put(struct log_row *row, const struct change *last, const struct kv_ops *ops,
                 struct kv_batch *b);
void log_row_done(struct log_row *row);

/* ---- reading ---- */

/* A row's records, one by one. The row's bytes are lent by the caller. */
struct log_reader {
    uint64_t first, last; /* commit numbers */
    struct rd next;
    uint64_t next_no;
};

/* Begin to read a row, which must be whole (the records are not looked into). Returns 0 or BOX_ECORRUPT. */
int log_reader_init(struct log_reader *r, const struct slice *key, const struct slice *value);
/* The next encoded change and its commit number. Returns false behind the last. */
bool log_reader_next(struct log_reader *r, struct slice *ret_record, uint64_t *ret_commit_no);

#endif
