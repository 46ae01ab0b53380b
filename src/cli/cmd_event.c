#include "cli/cli.h"
#include "cli/show.h"
#include "domain/checkout.h"
#include "json/json_out.h"
#include <stdio.h>
#include <string.h>

static int event_list(struct cli *c)
{
    static const struct show_column columns[] = {
        {"EVENT", "event_id"},      {"SLUG", "slug"},
        {"NAME", "name"},           {"DATE", "date"},
        {"STATUS", "event_status"}, {">AVAILABLE", "counts.available"},
        {">HELD", "counts.held"},   {">SOLD", "counts.sold"},
        {">TOTAL", "counts.total"}, {NULL, NULL},
    };
    const char *path = cli_value(c, "available") ? "/v1/events?available=true" : "/v1/events";
    return show_list(c, show_query(c, path, "type", "event_type"), "events", columns);
}

/* Path of the event in words[0] and what follows it; NULL (said) if there is no such event. */
static const char *event_path(struct cli *c, const char *rest)
{
    const char *id = cli_event_id(c, c->words[0]);
    return id ? arena_printf(&c->arena, "/v1/events/%s%s", cli_escape(c, id), rest) : NULL;
}

static int event_show(struct cli *c)
{
    const char *path = event_path(c, "");
    return path ? show_call(c, "GET", path, NULL) : EXIT_REFUSED;
}

static int event_sections(struct cli *c)
{
    static const struct show_column columns[] = {
        {"SECTION", "section"}, {"NAME", "name"},          {"TYPE", "type_id"},
        {">PRICE", "price"},    {">SEATS", "seats_count"}, {">AVAILABLE", "available"},
        {">HELD", "held"},      {">SOLD", "sold"},         {">BLOCKED", "blocked"},
        {NULL, NULL},
    };
    const char *path = event_path(c, "/sections");
    return path ? show_list(c, path, "sections", columns) : EXIT_REFUSED;
}

static int event_tickets(struct cli *c)
{
    static const struct show_column columns[] = {
        {"TICKET", "ticket_id"}, {">INDEX", "seat_index"}, {"SECTION", "section_name"},
        {"ROW", "row"},          {"SEAT", "seat"},         {"TYPE", "type_id"},
        {">PRICE", "price"},     {"STATUS", "status"},     {NULL, NULL},
    };
    const char *path = event_path(c, "/tickets?limit=1000");
    if (!path)
        return EXIT_REFUSED;
    path = show_query(c, show_query(c, path, "status", "status"), "section", "section");
    return show_list(c, show_query(c, path, "type", "type_id"), "tickets", columns);
}

static int event_checkouts(struct cli *c)
{
    static const struct show_column columns[] = {
        {"HOLD", "hold_id"},       {"STATUS", "status"},      {"STARTED", "started_at"},
        {"EXPIRES", "expires_at"}, {"ENDED", "ended_at"},     {"SESSION", "session_id"},
        {"ORDER", "order_id"},     {">TOTAL", "total_price"}, {NULL, NULL},
    };
    const char *path = event_path(c, "/checkouts");
    return path ? show_list(c, show_query(c, path, "status", "status"), "checkouts", columns) : EXIT_REFUSED;
}

/* Members of an event that are text as given, and those that are whole numbers. */
static const char *const TEXT_FIELDS[][2] = {
    {"venue", "venue_id"},
    {"name", "name"},
    {"slug", "slug"},
    {"type", "event_type"},
    {"date", "date"},
    {"currency", "currency"},
    {"on-sale-at", "on_sale_at"},
    {"off-sale-at", "off_sale_at"},
};
static const char *const NUMBER_FIELDS[][2] = {{"hold-seconds", "hold_seconds"},
                                               {"max-tickets", "max_tickets_per_session"}};

/* Write what was given as members. Returns false (said) for a number that is none. */
static bool write_fields(struct cli *c, struct json_out *j)
{
    for (size_t i = 0; i < sizeof TEXT_FIELDS / sizeof TEXT_FIELDS[0]; i++) {
        const char *value = cli_value(c, TEXT_FIELDS[i][0]);
        if (value && (*value || strstr(TEXT_FIELDS[i][0], "sale") == NULL))
            json_out_member_text(j, TEXT_FIELDS[i][1], value);
        else if (value)
            json_out_member_text(j, TEXT_FIELDS[i][1], NULL); /* --on-sale-at "" opens the window */
    }
    for (size_t i = 0; i < sizeof NUMBER_FIELDS / sizeof NUMBER_FIELDS[0]; i++) {
        const char *value = cli_value(c, NUMBER_FIELDS[i][0]);
        if (!value)
            continue;
        long number;
        if (!cli_number(c, NUMBER_FIELDS[i][0], value, &number))
            return false;
        json_out_member_int(j, NUMBER_FIELDS[i][1], number);
    }
    return true;
}

static int event_create(struct cli *c)
{
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    json_out_object(&j);
    int code = EXIT_USAGE;
    if (write_fields(c, &j)) {
        if (cli_value(c, "publish"))
            json_out_member_bool(&j, "published", true);
        json_out_end_object(&j);
        code = show_call(c, "POST", "/v1/events", &body);
    }
    buf_done(&body);
    return code;
}

static int event_edit(struct cli *c)
{
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    json_out_object(&j);
    int code = EXIT_USAGE;
    if (write_fields(c, &j)) {
        json_out_end_object(&j);
        const char *path = event_path(c, "");
        code = path ? show_call(c, "PATCH", path, &body) : EXIT_REFUSED;
    }
    buf_done(&body);
    return code;
}

static int act(struct cli *c, const char *verb)
{
    const char *path = event_path(c, arena_printf(&c->arena, "/%s", verb));
    return path ? show_call(c, "POST", path, NULL) : EXIT_REFUSED;
}

static int event_publish(struct cli *c)
{
    return act(c, "publish");
}

static int event_unpublish(struct cli *c)
{
    return act(c, "unpublish");
}

static int event_pause(struct cli *c)
{
    return act(c, "pause");
}

static int event_resume(struct cli *c)
{
    return act(c, "resume");
}

static int event_cancel(struct cli *c)
{
    if (!show_confirmed(c,
                        arena_printf(&c->arena, "cancel the event '%s' for good and end all of its checkouts",
                                     c->words[0])))
        return EXIT_REFUSED;
    return act(c, "cancel");
}

static int event_delete(struct cli *c)
{
    if (!show_confirmed(c,
                        arena_printf(&c->arena, "delete the event '%s', which must never have been published",
                                     c->words[0])))
        return EXIT_REFUSED;
    const char *path = event_path(c, "");
    return path ? show_call(c, "DELETE", path, NULL) : EXIT_REFUSED;
}

/* SECTION_ID TYPE_ID PRICE [PRICE_TYPE] */
static int event_price(struct cli *c)
{
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key(&j, "prices");
    json_out_array(&j);
    json_out_object(&j);
    json_out_member_text(&j, "section", c->words[1]);
    json_out_member_text(&j, "type_id", c->words[2]);
    json_out_member_text(&j, "price", c->words[3]);
    if (cli_value(c, "price-type"))
        json_out_member_text(&j, "price_type", cli_value(c, "price-type"));
    json_out_end_object(&j);
    json_out_end_array(&j);
    json_out_end_object(&j);
    const char *path = event_path(c, "/prices");
    int code = path ? show_call(c, "PUT", path, &body) : EXIT_REFUSED;
    buf_done(&body);
    return code;
}

static int block(struct cli *c, const char *verb)
{
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key(&j, "ticket_ids");
    json_out_array(&j);
    for (int i = 1; i < c->word_count; i++)
        json_out_text(&j, c->words[i]);
    json_out_end_array(&j);
    json_out_end_object(&j);
    const char *path = event_path(c, arena_printf(&c->arena, "/%s", verb));
    int code = path ? show_call(c, "POST", path, &body) : EXIT_REFUSED;
    buf_done(&body);
    return code;
}

static int event_block(struct cli *c)
{
    return block(c, "block");
}

static int event_unblock(struct cli *c)
{
    return block(c, "unblock");
}

/* ---- watching ---- */

enum { SEATS_SHOWN = 12 };

/* The seats of one message that got @status now: "held: 17 18 19". */
static void print_seats(struct json_node changes, size_t count, enum seat_status status)
{
    struct buf seats = {0};
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        struct json_node change = json_in_item(changes, i);
        if (json_in_int(json_in_item(change, 1), 0, SEAT_STATUSES - 1) == (int64_t)status &&
            found++ < SEATS_SHOWN)
            buf_printf(&seats, " %lld", (long long)json_in_int(json_in_item(change, 0), 0, UINT32_MAX));
    }
    buf_addc(&seats, '\0');
    if (found)
        printf("  %zu %s:%s%s", found, seat_status_name(status), seats.data,
               found > SEATS_SHOWN ? " ..." : "");
    buf_done(&seats);
}

static void on_change(struct cli *c, void *ctx, const char *event, const char *id, const char *data)
{
    struct json_in in;
    size_t count = 0;
    (void)ctx;
    if (c->json) {
        printf("{\"event\":\"%s\",\"data\":%s}\n", event, data);
    } else if (strcmp(event, "event") == 0) {
        printf("%8s  the event itself changed: 'boxoffice event show'\n", id);
    } else if (strcmp(event, "reset") == 0) {
        printf("%8s  what happened before is not known any more\n", id);
    } else if (json_in_parse(&in, &c->arena, data, strlen(data)) == 0) {
        struct json_node changes = json_in_member(json_in_root(&in), "changes");
        json_in_array(changes, 0, SIZE_MAX, &count);
        printf("%8s", id);
        for (int status = 0; status < SEAT_STATUSES; status++)
            print_seats(changes, count, (enum seat_status)status);
        printf("\n");
        json_in_done(&in);
    }
    fflush(stdout);
}

static int event_watch(struct cli *c)
{
    const char *since = cli_value(c, "since");
    long seq;
    if (since && !cli_number(c, "since", since, &seq))
        return EXIT_USAGE;
    const char *path = event_path(c, "/changes");
    if (!path)
        return EXIT_REFUSED;
    if (!c->json)
        fprintf(stderr, "     seq  seats by what they are now; Ctrl-C ends\n");
    return cli_stream(c, path, since ? since : "", on_change, NULL);
}

#define WINDOW_OPTIONS                                                                                       \
    {"name", "NAME", "what the event is called"}, {"type", "TYPE", "kind of event, e.g. concert"},           \
        {"date", "TIME", "when it takes place, RFC 3339, e.g. 2027-05-01T19:30:00+02:00"},                   \
        {"on-sale-at", "TIME", "when the sale begins; empty: open"},                                         \
        {"off-sale-at", "TIME", "when the sale ends; empty: open"},                                          \
        {"hold-seconds", "N", "seconds a checkout has, 1 to 86400"},                                         \
    {                                                                                                        \
        "max-tickets", "N", "tickets one session may hold and buy"                                           \
    }

static const struct cli_option list_options[] = {{"available", NULL, "only events that still have tickets"},
                                                 {"type", "TYPE", "only events of this kind"},
                                                 {NULL, NULL, NULL}};
static const struct cli_option ticket_options[] = {{"status", "STATUS", "available, held, sold or blocked"},
                                                   {"section", "SECTION_ID", "only this section"},
                                                   {"type", "TYPE_ID", "only this ticket type"},
                                                   {NULL, NULL, NULL}};
static const struct cli_option checkout_options[] = {
    {"status", "STATUS", "active, purchased, released or expired"}, {NULL, NULL, NULL}};
static const struct cli_option create_options[] = {
    {"venue", "VENUE_ID", "where it takes place"},
    {"slug", "SLUG", "its name in addresses: [a-z0-9][a-z0-9-]*"},
    {"currency", "CODE", "ISO 4217, e.g. EUR"},
    {"publish", NULL, "show it to the public at once"},
    WINDOW_OPTIONS,
    {NULL, NULL, NULL}};
static const struct cli_option edit_options[] = {WINDOW_OPTIONS, {NULL, NULL, NULL}};
static const struct cli_option price_options[] = {
    {"price-type", "NAME", "price type, e.g. child (default standard)"}, {NULL, NULL, NULL}};
static const struct cli_option watch_options[] = {
    {"since", "SEQ", "begin with what changed after this seq (default: now)"}, {NULL, NULL, NULL}};
static const struct cli_option yes_options[] = {{"yes", NULL, "really do it"}, {NULL, NULL, NULL}};

const struct cli_verb event_verbs[] = {
    {"list", "", 0, 0, "List the events.", list_options, event_list},
    {"show", "EVENT", 1, 1, "Show one event; EVENT is a slug or an id.", NULL, event_show},
    {"sections", "EVENT", 1, 1, "Prices and counts by section and type.", NULL, event_sections},
    {"tickets", "EVENT", 1, 1, "List the tickets.", ticket_options, event_tickets},
    {"checkouts", "EVENT", 1, 1, "List the checkouts; 'expired' are the abandoned ones.", checkout_options,
     event_checkouts},
    {"watch", "EVENT", 1, 1, "Show what changes, as it happens: seat indexes by their new status.",
     watch_options, event_watch},
    {"create", "", 0, 0, "Create an event with all of its tickets.", create_options, event_create},
    {"edit", "EVENT", 1, 1, "Change an event.", edit_options, event_edit},
    {"price", "EVENT SECTION_ID TYPE_ID PRICE", 4, 4, "Set a price, for holds that begin afterwards.",
     price_options, event_price},
    {"publish", "EVENT", 1, 1, "Show it to the public.", NULL, event_publish},
    {"unpublish", "EVENT", 1, 1, "Hide it from the public.", NULL, event_unpublish},
    {"pause", "EVENT", 1, 1, "Let no checkout begin; those under way may be finished.", NULL, event_pause},
    {"resume", "EVENT", 1, 1, "Sell again.", NULL, event_resume},
    {"cancel", "EVENT", 1, 1,
     "Cancel it for good; ends all checkouts. What is sold stays sold until refunded.", yes_options,
     event_cancel},
    {"delete", "EVENT", 1, 1, "Delete an event that was never published.", yes_options, event_delete},
    {"block", "EVENT TICKET...", 2, CLI_WORDS, "Take seats off sale.", NULL, event_block},
    {"unblock", "EVENT TICKET...", 2, CLI_WORDS, "Put blocked seats on sale.", NULL, event_unblock},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
