#include "cli/cli.h"
#include "cli/show.h"
#include "json/json_out.h"

static const char *order_path(struct cli *c, const char *rest)
{
    return arena_printf(&c->arena, "/v1/orders/%s%s", cli_escape(c, c->words[0]), rest);
}

static int order_create(struct cli *c)
{
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_member_text(&j, "hold_id", c->words[0]);
    if (cli_value(c, "name") || cli_value(c, "email")) {
        json_out_key(&j, "buyer");
        json_out_object(&j);
        if (cli_value(c, "name"))
            json_out_member_text(&j, "name", cli_value(c, "name"));
        if (cli_value(c, "email"))
            json_out_member_text(&j, "email", cli_value(c, "email"));
        json_out_end_object(&j);
    }
    json_out_end_object(&j);
    int code = show_call(c, "POST", "/v1/orders", &body);
    buf_done(&body);
    return code;
}

static int order_show(struct cli *c)
{
    return show_call(c, "GET", order_path(c, ""), NULL);
}

static int order_list(struct cli *c)
{
    static const struct show_column columns[] = {
        {"ORDER", "order_id"},         {"CODE", "code"},
        {"STATUS", "status"},          {">TOTAL", "total_price"},
        {"CURRENCY", "currency"},      {"CREATED", "created_at"},
        {"PURCHASED", "purchased_at"}, {NULL, NULL},
    };
    const char *path = "/v1/orders", *event = cli_value(c, "event");
    if (event) {
        event = cli_event_id(c, event);
        if (!event)
            return EXIT_REFUSED;
        path = arena_printf(&c->arena, "/v1/orders?event_id=%s", cli_escape(c, event));
    }
    path = show_query(c, show_query(c, path, "status", "status"), "code", "code");
    path = show_query(c, show_query(c, path, "email", "email"), "ticket", "ticket_id");
    return show_list(c, path, "orders", columns);
}

static int order_confirm(struct cli *c)
{
    const char *reference = cli_value(c, "payment-reference");
    if (!reference)
        return cli_usage(c, "--payment-reference is missing: what the payment provider calls this payment");
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_member_text(&j, "payment_reference", reference);
    json_out_end_object(&j);
    int code = show_call(c, "POST", order_path(c, "/confirm"), &body);
    buf_done(&body);
    return code;
}

static int order_cancel(struct cli *c)
{
    return show_call(c, "POST", order_path(c, "/cancel"), NULL);
}

static int order_refund(struct cli *c)
{
    bool block = cli_value(c, "block-seats") != NULL;
    if (!show_confirmed(c, arena_printf(&c->arena, "refund the order %s and %s its seats", c->words[0],
                                        block ? "block" : "free")))
        return EXIT_REFUSED;
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_member_bool(&j, "release_seats", !block);
    json_out_end_object(&j);
    int code = show_call(c, "POST", order_path(c, "/refund"), &body);
    buf_done(&body);
    return code;
}

static const struct cli_option create_options[] = {
    {"name", "NAME", "the buyer's name"}, {"email", "ADDRESS", "the buyer's e-mail"}, {NULL, NULL, NULL}};
static const struct cli_option list_options[] = {
    {"event", "EVENT", "only orders of this event (slug or id)"},
    {"status", "STATUS", "pending, paid, cancelled, expired or refunded"},
    {"code", "CODE", "the order with this code"},
    {"email", "ADDRESS", "orders of this buyer"},
    {"ticket", "TICKET_ID", "orders with this ticket"},
    {NULL, NULL, NULL},
};
static const struct cli_option confirm_options[] = {
    {"payment-reference", "TEXT", "what the payment provider calls this payment"}, {NULL, NULL, NULL}};
static const struct cli_option refund_options[] = {
    {"block-seats", NULL, "block the seats instead of putting them on sale"},
    {"yes", NULL, "really do it"},
    {NULL, NULL, NULL}};

const struct cli_verb order_verbs[] = {
    {"create", "HOLD_ID", 1, 1, "Make an order of a checkout.", create_options, order_create},
    {"show", "ORDER_ID", 1, 1, "Show an order.", NULL, order_show},
    {"list", "", 0, 0, "Find orders.", list_options, order_list},
    {"confirm", "ORDER_ID", 1, 1, "The order was paid: sell its tickets.", confirm_options, order_confirm},
    {"cancel", "ORDER_ID", 1, 1, "Cancel a pending order and give its seats back.", NULL, order_cancel},
    {"refund", "ORDER_ID", 1, 1, "Refund a paid order.", refund_options, order_refund},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
