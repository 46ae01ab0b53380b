#include "base/error.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "json/json_out.h"
#include <stdio.h>
#include <string.h>

static int venue_list(struct cli *c)
{
    static const struct show_column columns[] = {
        {"VENUE", "venue_id"},     {"NAME", "name"},          {"TIME ZONE", "timezone"},
        {">SECTIONS", "sections"}, {">SEATS", "seats_count"}, {NULL, NULL},
    };
    return show_list(c, "/v1/venues", "venues", columns);
}

static int venue_show(struct cli *c)
{
    return show_call(c, "GET", arena_printf(&c->arena, "/v1/venues/%s", cli_escape(c, c->words[0])), NULL);
}

static int venue_create(struct cli *c)
{
    struct buf body = {0};
    int code = cli_read_file(c->words[0], &body) ? show_call(c, "POST", "/v1/venues", &body) : EXIT_REFUSED;
    buf_done(&body);
    return code;
}

/* The "prices" object from --price CATEGORY=PRICE options. Returns false (said) when one is not of that form.
 */
static bool write_prices(struct cli *c, struct json_out *j)
{
    json_out_key(j, "prices");
    json_out_object(j);
    const char *given;
    for (int i = 0; (given = cli_value_at(c, "price", i)); i++) {
        const char *equals = strrchr(given, '=');
        if (!equals || equals == given) {
            cli_usage(c, "--price is '%s'; it must be CATEGORY=PRICE, for example 'Block A=45.00'", given);
            return false;
        }
        json_out_key_text(j, arena_strndup(&c->arena, given, (size_t)(equals - given)));
        json_out_text(j, equals + 1);
    }
    json_out_end_object(j);
    return true;
}

static int venue_import(struct cli *c)
{
    struct buf plan = {0}, body = {0};
    struct json_out j;
    const char *timezone = cli_value(c, "timezone");
    int code = EXIT_REFUSED;
    if (!cli_read_file(c->words[0], &plan))
        goto out;
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_member_text(&j, "format", "pretix-seating-plan");
    json_out_member_text(&j, "timezone", timezone ? timezone : "UTC");
    if (cli_value(c, "name"))
        json_out_member_text(&j, "name", cli_value(c, "name"));
    code = EXIT_USAGE;
    if (!write_prices(c, &j))
        goto out;
    json_out_key(&j, "plan");
    json_out_raw(&j, plan.size ? plan.data : "null", plan.size ? plan.size : 4);
    json_out_end_object(&j);
    code = show_call(c, "POST", "/v1/venues/import", &body);
out:
    buf_done(&plan);
    buf_done(&body);
    return code;
}

static const struct cli_option import_options[] = {
    {"timezone", "ZONE", "IANA time zone of the venue, e.g. Europe/Berlin (default UTC)"},
    {"price", "CATEGORY=PRICE", "price of a category of the plan; once for each"},
    {"name", "NAME", "name of the venue (default: the plan's)"},
    {NULL, NULL, NULL},
};

const struct cli_verb venue_verbs[] = {
    {"list", "", 0, 0, "List the venues.", NULL, venue_list},
    {"show", "VENUE_ID", 1, 1, "Show one venue.", NULL, venue_show},
    {"create", "FILE", 1, 1,
     "Create a venue from a JSON file (body of POST /v1/venues); - is standard input.", NULL, venue_create},
    {"import", "FILE", 1, 1, "Import a pretix seating plan; - is standard input.", import_options,
     venue_import},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
