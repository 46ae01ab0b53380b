#include "api/cursor.h"
#include "api/routes.h"
#include "base/error.h"

static void out_checkout(struct json_out *j, const struct hold *h, const struct currency *currency)
{
    json_out_object(j);
    json_out_member_uuid(j, "hold_id", &h->hold_id.u);
    json_out_member_uuid(j, "event_id", &h->event_id.u);
    json_out_member_uuid(j, "session_id", &h->session_id.u);
    json_out_member_uuid_or_null(j, "user_id", &h->user_id);
    json_out_member_uuid_or_null(j, "order_id", &h->order_id.u);
    json_out_key(j, "ticket_ids");
    json_out_array(j);
    for (uint32_t i = 0; i < h->line_count; i++) {
        struct ticket_id ticket = ticket_id_of(&h->event_id, h->lines[i].seat);
        json_out_uuid(j, &ticket.u);
    }
    json_out_end_array(j);
    money_out(j, "total_price", h->total, currency);
    json_out_member_text(j, "currency", currency->code);
    json_out_member_time(j, "started_at", h->started_ms);
    json_out_member_time(j, "expires_at", h->expires_ms);
    json_out_member_time_or_null(j, "ended_at", h->ended_ms);
    json_out_member_text(j, "status", hold_status_name(h->status));
    json_out_member_text(j, "outcome", hold_outcome_name(h->outcome));
    json_out_end_object(j);
}

static void out_checkouts(struct api_req *c, struct json_out *j)
{
    const struct app_list *list = c->user;
    json_out_object(j);
    json_out_key(j, "checkouts");
    json_out_array(j);
    for (uint32_t i = 0; i < list->count; i++)
        out_checkout(j, &list->hold[i], &c->call.event->event->currency);
    json_out_end_array(j);
    cursor_out(j, &list->next);
    json_out_end_object(j);
}

void get_checkouts(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"status", "limit", "cursor", NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_KEY, query);
    enum hold_status status = HOLD_ACTIVE;
    if (!c || !api_path_event(c))
        return;
    struct app_list *list = arena_alloc(req->arena, sizeof(*list));
    const char *wanted = http_query(req, "status");
    if (wanted && !hold_status_parse(wanted, &status))
        json_in_fault_at(&c->in, "/status", "must be active, purchased, released or expired");
    api_query_page(c, &list->after, &list->limit);
    if (!api_fits(c))
        return;
    list->checkouts.event = c->call.event->event->event_id;
    list->checkouts.status = wanted ? (int)status : -1;
    c->call.seq = c->call.event->seq;
    c->user = list;
    app_list_checkouts(api_read(c, out_checkouts), list);
}
