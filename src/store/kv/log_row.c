#include "store/kv/log_row.h"
#include "base/error.h"
#include "base/must.h"
#include "store/kv/format.h"
#include <string.h>

enum { COUNT_BYTES = 4 };

/* ---- writing ---- */

void log_row_add(struct log_row *row, const struct change *c, struct buf *scratch)
{
    if (row->count == 0)
        put_u32(&row->value, 0); /* the count, which comes last */
    change_encode(c, scratch);
    put_bytes(&row->value, scratch->data, scratch->size);
    buf_reset(scratch);
    row->count++;
}

bool log_row_full(const struct log_row *row)
{
    return row->value.size >= LOG_ROW_BYTES;
}

void log_row_put(struct log_row *row, const struct change *last, const struct kv_ops *ops, struct kv_batch *b)
{
    struct key count, no, by_event;
    must(row->count > 0);
    key_begin(&count);
    key_u32(&count, row->count);
    memcpy(row->value.data, count.b, COUNT_BYTES);
    key_change(&no, last->commit_no);
    ops->put(b, TABLE_CHANGES, no.b, no.size, row->value.data, row->value.size);
    key_change_by_event(&by_event, &last->event_id, last->seq);
    ops->put(b, TABLE_CHANGES_BY_EVENT, by_event.b, by_event.size, no.b, no.size);
    buf_reset(&row->value);
    row->count = 0;
}

void log_row_done(struct log_row *row)
{
    buf_done(&row->value);
    row->count = 0;
}

/* ---- reading ---- */

int log_reader_init(struct log_reader *r, const struct slice *key, const struct slice *value)
{
    struct rd walk;
    size_t size;
    if (key->size != 8)
        return BOX_ECORRUPT;
    uint64_t last = load_u64(key->data);
    rd_init(&walk, value->data, value->size);
    uint32_t count = rd_u32(&walk);
    if (count == 0 || count > last)
        return BOX_ECORRUPT;
    *r = (struct log_reader){.first = last - count + 1, .last = last, .next = walk};
    r->next_no = r->first;
    for (; count > 0 && rd_ok(&walk); count--)
        rd_bytes(&walk, &size);
    return rd_end(&walk) ? 0 : BOX_ECORRUPT;
}

bool log_reader_next(struct log_reader *r, struct slice *ret_record, uint64_t *ret_commit_no)
{
    if (r->next_no > r->last)
        return false;
    ret_record->data = rd_bytes(&r->next, &ret_record->size);
    must(rd_ok(&r->next)); /* log_reader_init() walked through them */
    *ret_commit_no = r->next_no++;
    return true;
}
