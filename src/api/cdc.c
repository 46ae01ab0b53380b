#include "api/changes.h"
#include "api/cursor.h"
#include "api/encode.h"
#include "api/routes.h"
#include "base/params.h"
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

/* ---- a page that is read to the log's end ---- */

/*
 * On a cluster the log ends at a time that follows the clock by some ms, because other servers have to be
 * heard. Whoever reads to the end is to find what was answered before he asked, so he waits for that time,
 * and the page is read once more.
 */
enum { LOOK_MS = 3 };

struct page {
    struct app_list list; /* first */
    int64_t asked_us;     /* wall clock */
    bool again;           /* the second reading */
};

static void out_rows(struct api_req *c, struct json_out *j)
{
    const struct app_list *list = &((const struct page *)c->user)->list;
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

static bool is_complete(const struct api_req *c, const struct page *page)
{
    return cluster_complete_us(c->call.app->parts.cluster) >= page->asked_us;
}

static void read_again(struct http_req *req)
{
    struct api_req *c = req->user;
    struct page *page = c->user;
    bool late = clock_monotonic_us(c->call.app->parts.clock) >= c->wait_until_us;
    if (!late && !is_complete(c, page)) {
        http_after(req, LOOK_MS, read_again);
        return;
    }
    page->again = true;
    app_list_cdc(&c->call, &page->list);
}

static void answer_page(struct app_call *call)
{
    struct api_req *c = api_of(call);
    const struct page *page = c->user;
    if (call->app->parts.cluster && call->code == 0 && !page->list.more && !page->again)
        read_again(c->req); /* even if it is complete by now: it may not have been while it was read */
    else
        api_answer_read(call);
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
    const struct clock *clock = c->call.app->parts.clock;
    struct page *page = arena_alloc(req->arena, sizeof(*page));
    page->asked_us = clock_wall_us(clock);
    c->wait_until_us = clock_monotonic_us(clock) + INT64_C(1000) * LIMIT_CHANGE_SEQ_WAIT_MS;
    api_query_page(c, &page->list.after, &page->list.limit);
    if (!api_fits(c))
        return;
    c->user = page;
    api_read(c, out_rows)->done = answer_page;
    app_list_cdc(&c->call, &page->list);
}
