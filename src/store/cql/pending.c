/*
 * Places of parts that are still being written. Each goes when its part comes.
 */
#include "base/must.h"
#include "store/cql/ops.h"

int cql_list_cdc(struct store *base, const struct cursor *after, uint32_t limit, struct arena *arena,
                 struct cdc_row **ret_rows, uint32_t *ret_count, struct cursor *ret_cursor, bool *ret_more)
{
    (void)base, (void)after, (void)limit, (void)arena, (void)ret_rows, (void)ret_count, (void)ret_cursor,
        (void)ret_more;
    return BOX_EIO;
}

struct cursor cql_cdc_cursor(const struct cdc_row *row)
{
    (void)row;
    return (struct cursor){.size = 0};
}

bool cql_cdc_cursor_valid(const struct cursor *cursor)
{
    (void)cursor;
    return false;
}
