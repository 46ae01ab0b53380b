#include "api/changes.h"
#include "api/cursor.h"
#include "api/encode.h"
#include "api/routes.h"
#include "base/text.h"
#include <stdio.h>

static void out_stream_id(struct json_out *j, const struct event_id *event)
{
    char text[2 + 2 * sizeof(event->u.b) + 1] = "0x";
    for (size_t i = 0; i < sizeof(event->u.b); i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", event->u.b[i]);
    json_out_member_text(j, "cdc$stream_id", text);
}

/* The columns of ScyllaDB's log. */
static void out_log_columns(struct json_out *j, const struct cdc_row *row)
{
    out_stream_id(j, &row->event_id);
    json_out_member_uuid(j, "cdc$time", &row->time);
    json_out_member_int(j, "cdc$batch_seq_no", row->batch_seq);
    json_out_member_int(j, "cdc$operation", row->operation);
    json_out_key(j, "cdc$ttl");
    if (row->ttl)
        json_out_int(j, row->ttl);
    else
        json_out_null(j);
    json_out_member_bool(j, "cdc$end_of_batch", row->end_of_batch);
    json_out_key(j, "cdc$deleted_session_id"); /* true only where a column alone is deleted: never here */
    json_out_null(j);
}

void encode_cdc_row(struct json_out *j, const struct cdc_row *row)
{
    struct ticket_id ticket = ticket_id_of(&row->event_id, row->seat);
    bool written = row->operation == CDC_INSERT || row->operation == CDC_UPDATE;
    json_out_object(j);
    json_out_member_int(j, "seq", (int64_t)row->seq);
    out_log_columns(j, row);
    json_out_member_uuid(j, "event_id", &row->event_id.u);
    json_out_member_uuid(j, "ticket_id", &ticket.u);
    json_out_member_time(j, "started_at", row->started_ms);
    json_out_member_uuid_or_null(j, "session_id", written ? &row->session.u : &UUID_NIL);
    json_out_member_uuid(j, "hold_id", &row->hold_id.u);
    json_out_member_uuid(j, "hold_session", &row->session.u);
    json_out_member_text(j, "outcome", hold_outcome_name(row->outcome));
    json_out_end_object(j);
}

static void out_rows(struct api_req *c, struct json_out *j)
{
    const struct app_list *list = c->user;
    json_out_object(j);
    json_out_key(j, "rows");
    json_out_array(j);
    for (uint32_t i = 0; i < list->count; i++)
        encode_cdc_row(j, &list->cdc_row[i]);
    json_out_end_array(j);
    cursor_out(j, &list->next);
    json_out_member_bool(j, "more", list->more);
    json_out_end_object(j);
}

void get_cdc(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"after", "limit", NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_KEY, query);
    if (!c)
        return;
    if (changes_wanted(c)) {
        changes_of_log(c);
        return;
    }
    struct app_list *list = arena_alloc(req->arena, sizeof(*list));
    api_query_page(c, &list->after, &list->limit);
    if (!api_fits(c))
        return;
    c->user = list;
    app_list_cdc(api_read(c, out_rows), list);
}
