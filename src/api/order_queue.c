#include "api/cursor.h"
#include "api/routes.h"
#include "base/params.h"

/* The filters. Returns false if they cannot fit anything. */
static bool query_filter(struct api_req *c, struct app_list *list)
{
    struct order_queue_filter *f = &list->queue;
    struct event_id *event = arena_alloc(c->req->arena, sizeof(*event));
    struct ticket_id ticket;
    const char *started = http_query(c->req, "started_at");
    bool by_event = api_query_uuid(c, "event_id", &event->u);
    bool by_ticket = api_query_uuid(c, "ticket_id", &ticket.u);
    if (started && time_parse(started, &f->started_ms) != 0)
        json_in_fault_at(&c->in, "/started_at", "must be an RFC 3339 time such as 2026-11-22T10:00:00Z");
    f->event = by_event || by_ticket ? event : NULL;
    f->has_seat = by_ticket;
    if (by_ticket && !api_ticket_event(c, &ticket.u, by_event, event))
        return false;
    if (by_ticket)
        ticket_id_seat(&ticket, event, &f->seat);
    return !started || f->started_ms > 0; /* nothing began in 1970, and 0 stands for any */
}

static void out_row(struct json_out *j, const struct order_queue_row *row, int64_t now_ms)
{
    struct ticket_id ticket = ticket_id_of(&row->event_id, row->seat);
    json_out_object(j);
    json_out_member_uuid(j, "event_id", &row->event_id.u);
    json_out_member_uuid(j, "ticket_id", &ticket.u);
    json_out_member_time(j, "started_at", row->started_ms);
    json_out_member_uuid(j, "session_id", &row->session_id.u);
    json_out_member_int(j, "ttl", hold_ttl_seconds(row->expires_ms, now_ms));
    json_out_member_uuid(j, "hold_id", &row->hold_id.u);
    json_out_member_int(j, "seq", (int64_t)row->seq);
    json_out_end_object(j);
}

static void out_rows(struct api_req *c, struct json_out *j)
{
    const struct app_list *list = c->user;
    int64_t now_ms = app_now_ms(c->call.app);
    json_out_object(j);
    json_out_key(j, "rows");
    json_out_array(j);
    for (uint32_t i = 0; i < list->count; i++)
        out_row(j, &list->queue_row[i], now_ms);
    json_out_end_array(j);
    cursor_out(j, &list->next);
    json_out_end_object(j);
}

void get_order_queue(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"event_id", "ticket_id", "started_at", "limit", "cursor", NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_KEY, query);
    if (!c)
        return;
    struct app_list *list = arena_alloc(req->arena, sizeof(*list));
    bool possible = query_filter(c, list);
    api_query_page(c, &list->after, &list->limit);
    if (!api_fits(c))
        return;
    c->user = list;
    if (possible)
        app_list_order_queue(api_read(c, out_rows), list);
    else
        api_reply_private(c, 200, out_rows);
}
