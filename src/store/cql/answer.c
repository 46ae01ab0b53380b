#include "store/cql/answer.h"

enum batch_answer answer_of(const struct answer_rows *rows, const struct uuid *batch_id, uint64_t makes_seq)
{
    bool mine = false, beyond = false;
    for (size_t i = 0; i < rows->count; i++) {
        struct answer_row row;
        if (!rows->row(rows->ctx, i, &row))
            return ANSWER_STRANGE;
        if (row.applied)
            return ANSWER_APPLIED;
        mine |= row.has_batch && uuid_equal(&row.batch_id, batch_id);
        beyond |= row.has_seq && row.seq > (int64_t)makes_seq;
    }
    if (rows->count == 0)
        return ANSWER_STRANGE;
    if (mine)
        return ANSWER_MINE;
    return beyond ? ANSWER_MOVED_ON : ANSWER_REFUSED;
}
