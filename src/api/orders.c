#include "api/cursor.h"
#include "api/encode.h"
#include "api/id_in.h"
#include "api/routes.h"
#include "base/error.h"
#include "base/params.h"
#include <string.h>

/* What this credential may see of the buyer's record: the payment is between the organiser and its back end.
 */
static struct personal visible(const struct api_req *c, const struct personal *stored)
{
    struct personal personal = *stored;
    if (c->call.who.kind != CREDENTIAL_KEY)
        personal.payment_reference = NULL;
    return personal;
}

static void out_order(struct api_req *c, struct json_out *j)
{
    struct line_names names = names_of_call(&c->call);
    struct personal personal = visible(c, &c->call.personal);
    encode_order(j, c->call.order, &personal, &names, c->call.now_ms);
}

static const char *order_path(struct api_req *c)
{
    return api_location(c, "/v1/orders/", &c->call.order->order_id.u);
}

/* ---- making ---- */

/* One @ with something on both sides, and no spaces. */
static bool email_valid(const char *email)
{
    const char *at = strchr(email, '@');
    return at && at > email && at[1] && !strchr(at + 1, '@') && !strchr(email, ' ') &&
           !strstr(email, "\u00a0");
}

static const char *email_in(struct json_node node)
{
    const char *email = json_in_absent(node) ? NULL : json_in_text(node, 3, LIMIT_EMAIL_CHARS);
    if (email && !email_valid(email))
        json_in_fault(node, "must be an e-mail address");
    return email;
}

static void buyer_in(struct json_node buyer, struct personal *ret_buyer)
{
    static const char *const known[] = {"name", "email", NULL};
    if (json_in_absent(buyer) || !json_in_object(buyer, known))
        return;
    struct json_node name = json_in_member(buyer, "name");
    ret_buyer->name = json_in_absent(name) ? NULL : json_in_text(name, 1, LIMIT_NAME_CHARS);
    ret_buyer->email = email_in(json_in_member(buyer, "email"));
}

void post_order(struct http_req *req, void *ctx)
{
    static const char *const known[] = {"hold_id", "user_id", "buyer", NULL};
    struct api_req *c = api_begin_post(req, ctx, RIGHT_BUYER);
    if (!c)
        return;
    struct personal *buyer = arena_alloc(req->arena, sizeof(*buyer));
    struct json_node body = api_body(c, known), user = json_in_member(body, "user_id");
    struct hold_id hold = {json_in_uuid(json_in_member(body, "hold_id"))};
    struct uuid user_id = json_in_absent(user) ? UUID_NIL : kept_id_in(user);
    buyer_in(json_in_member(body, "buyer"), buyer);
    if (api_fits(c))
        app_order_create(api_write(c, 201, out_order, order_path), &hold, &user_id, buyer);
}

/* ---- acting ---- */

void post_confirm(struct http_req *req, void *ctx)
{
    static const char *const known[] = {"payment_reference", NULL};
    struct api_req *c = api_begin_post(req, ctx, RIGHT_CONFIRM);
    struct order_id id;
    if (!c || !api_path_id(c, 0, &id.u))
        return;
    struct json_node reference = json_in_member(api_body(c, known), "payment_reference");
    const char *text = json_in_text(reference, 1, LIMIT_PAYMENT_REFERENCE_CHARS);
    if (api_fits(c))
        app_order_confirm(api_write(c, 200, out_order, NULL), &id, text);
}

void post_cancel_order(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin_post(req, ctx, RIGHT_BUYER);
    struct order_id id;
    if (c && api_path_id(c, 0, &id.u))
        app_order_cancel(api_write(c, 200, out_order, NULL), &id);
}

void post_refund(struct http_req *req, void *ctx)
{
    static const char *const known[] = {"release_seats", NULL};
    struct api_req *c = api_begin_post(req, ctx, RIGHT_KEY);
    struct order_id id;
    if (!c || !api_path_id(c, 0, &id.u))
        return;
    struct json_node release = json_in_member(api_body_or_none(c, known), "release_seats");
    bool release_seats = json_in_absent(release) || json_in_bool(release);
    if (api_fits(c))
        app_order_refund(api_write(c, 200, out_order, NULL), &id, release_seats);
}

/* ---- reading ---- */

void get_order(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin(req, ctx, RIGHT_BUYER, NULL);
    struct order_id id;
    if (c && api_path_id(c, 0, &id.u))
        app_order_get(api_read(c, out_order), &id);
}

/* The filters. Returns false if they cannot fit anything: a ticket of another event, or of none. */
static bool query_filter(struct api_req *c, struct app_list *list)
{
    struct arena *a = c->req->arena;
    struct order_filter *f = &list->orders;
    struct event_id *event = arena_alloc(a, sizeof(*event));
    struct ticket_id *ticket = arena_alloc(a, sizeof(*ticket));
    enum order_status status = ORDER_PENDING;
    const char *wanted = http_query(c->req, "status");
    bool by_event = api_query_uuid(c, "event_id", &event->u);
    bool by_ticket = api_query_uuid(c, "ticket_id", &ticket->u);
    if (wanted && !order_status_parse(wanted, &status))
        json_in_fault_at(&c->in, "/status", "must be pending, paid, cancelled, expired or refunded");
    f->status = wanted ? (int)status : -1;
    f->code = api_query_text(c, "code", ORDER_CODE_CHARS);
    f->email = api_query_text(c, "email", LIMIT_EMAIL_CHARS);
    if (f->code && strlen(f->code) != ORDER_CODE_CHARS)
        json_in_fault_at(&c->in, "/code", "must have %d characters", ORDER_CODE_CHARS);
    if (f->email && !email_valid(f->email))
        json_in_fault_at(&c->in, "/email", "must be an e-mail address");
    f->event = by_event || by_ticket ? event : NULL;
    f->ticket = by_ticket ? ticket : NULL;
    return !by_ticket || api_ticket_event(c, &ticket->u, by_event, event);
}

static void out_stored(struct api_req *c, struct json_out *j, const struct order *o,
                       const struct personal *stored, const struct snapshot *s)
{
    struct personal personal = visible(c, stored);
    struct line_names names = names_of_snapshot(s);
    encode_order(j, o, &personal, &names, app_now_ms(c->call.app));
}

/* The orders of a page, and the events that they are of. */
struct order_page {
    struct app_list list;
    struct snapshot *events[LIMIT_PAGE_MAX];
};

static void out_orders(struct api_req *c, struct json_out *j)
{
    const struct order_page *page = c->user;
    const struct app_list *list = &page->list;
    json_out_object(j);
    json_out_key(j, "orders");
    json_out_array(j);
    for (uint32_t i = 0; i < list->count; i++)
        out_stored(c, j, &list->order[i], &list->personal[i], page->events[i]);
    json_out_end_array(j);
    cursor_out(j, &list->next);
    json_out_end_object(j);
}

static void release_page(struct api_req *c)
{
    struct order_page *page = c->user;
    for (uint32_t i = 0; i < page->list.count; i++)
        if (page->events[i])
            view_release(page->events[i]);
}

/* Find the event of each order. Returns 0, or BOX_EUNAVAILABLE while the view does not show what the store
 * has. */
static int find_events(struct api_req *c, struct order_page *page)
{
    for (uint32_t i = 0; i < page->list.count; i++) {
        const struct order *o = &page->list.order[i];
        page->events[i] = view_find(c->call.app->parts.view, &o->event_id);
        if (!page->events[i])
            return BOX_EUNAVAILABLE;
        struct line_names names = names_of_snapshot(page->events[i]);
        if (!names_cover(&names, o->lines, o->line_count))
            return BOX_EUNAVAILABLE;
    }
    return 0;
}

static void listed(struct app_call *call)
{
    struct api_req *c = api_of(call);
    struct order_page *page = c->user;
    if (call->code == 0)
        call->code = find_events(c, page);
    api_answer_read(call);
}

void get_orders(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"event_id",  "status", "code",   "email",
                                        "ticket_id", "limit",  "cursor", NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_KEY, query);
    if (!c)
        return;
    struct order_page *page = arena_alloc(req->arena, sizeof(*page));
    bool possible = query_filter(c, &page->list);
    api_query_page(c, &page->list.after, &page->list.limit);
    if (!api_fits(c))
        return;
    c->user = page;
    c->release = release_page;
    api_read(c, out_orders)->done = listed;
    if (possible)
        app_list_orders(&c->call, &page->list);
    else
        api_answer_read(&c->call);
}
