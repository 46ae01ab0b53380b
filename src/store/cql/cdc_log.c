/*
 * The CDC log as it stands in its table, for a look whether it is as the changes say (verify/). Only on
 * Apache Cassandra, where the table is ours: on ScyllaDB the server writes it, into streams of its own. Lists
 * of CDC rows are not read here (cdc_list.c).
 */
#include "store/cql/ops.h"
#include <string.h>

static enum hold_outcome parse_outcome(struct cql_row *row, struct arena *arena)
{
    const char *name = row_text(row, "outcome", arena);
    if (!name)
        return OUTCOME_NONE;
    for (enum hold_outcome o = OUTCOME_PURCHASED; o <= OUTCOME_EXPIRED; o++)
        if (strcmp(name, hold_outcome_name(o)) == 0)
            return o;
    row_fail(row);
    return OUTCOME_NONE;
}

static int read_row(struct cql_row *row, const struct event_id *event, struct arena *arena,
                    struct cdc_row *ret)
{
    struct ticket_id ticket = {row_uuid(row, "ticket_id")};
    struct uuid event_id = row_uuid(row, "event_id");
    *ret = (struct cdc_row){
        .seq = (uint64_t)row_bigint(row, "seq"),
        .time = row_uuid(row, "cdc$time"),
        .batch_seq = (uint32_t)row_int(row, "cdc$batch_seq_no"),
        .end_of_batch = row_boolean(row, "cdc$end_of_batch"),
        .operation = (enum cdc_operation)row_tinyint(row, "cdc$operation"),
        .ttl = row_bigint(row, "cdc$ttl"),
        .event_id = *event,
        .started_ms = row_timestamp(row, "started_at"),
        .session = {row_uuid_text(row, "hold_session")},
        .hold_id = {row_uuid(row, "hold_id")},
        .outcome = parse_outcome(row, arena),
    };
    bool ours = uuid_equal(&event_id, &event->u) && ticket_id_seat(&ticket, event, &ret->seat);
    return row_ok(row) && ours ? 0 : BOX_ECORRUPT;
}

int cql_cdc_log(struct store *base, const struct event_id *event,
                int (*each)(void *ctx, const struct cdc_row *row), void *ctx)
{
    struct cql_store *s = cql_store_of(base);
    struct arena arena;
    struct cql_values v;
    struct cql_scan scan;
    struct cql_row row;
    struct cdc_row read;
    int ret;
    if (s->dialect == SCHEMA_SCYLLA)
        return BOX_ENOSYS;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_blob(&v, event->u.b, sizeof(event->u.b));
    cql_scan_init(&scan, s, CQL_ST_LIST_LOG, &v, 0);
    while ((ret = cql_scan_next(&scan, &row)) == 0) {
        ret = read_row(&row, event, &arena, &read);
        if (!ret)
            ret = each(ctx, &read);
        if (ret)
            break;
    }
    cql_scan_done(&scan);
    arena_done(&arena);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}
