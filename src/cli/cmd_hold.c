#include "cli/cli.h"
#include "cli/show.h"
#include "json/json_out.h"
#include <string.h>

static const char *hold_path(struct cli *c, const char *rest)
{
    return arena_printf(&c->arena, "/v1/holds/%s%s", cli_escape(c, c->words[0]), rest);
}

/* The session of --session, or a new one. NULL (said) when there is none to be had. */
static const char *find_session(struct cli *c)
{
    const char *given = cli_value(c, "session");
    if (given)
        return given;
    struct cli_reply reply;
    if (cli_call(c, "POST", "/v1/sessions", NULL, NULL, &reply))
        return NULL;
    const char *session = arena_strdup(&c->arena, cli_text(c, json_in_root(&reply.in), "session_id"));
    cli_reply_done(&reply);
    return session;
}

/* Which seats: --seat (indexes) or --best. Returns false (said) if it is neither or both. */
static bool write_seats(struct cli *c, struct json_out *j)
{
    const char *best = cli_value(c, "best"), *seat;
    long n;
    if (!best == !cli_value(c, "seat")) {
        cli_usage(c, "say which seats: --best COUNT, or --seat INDEX once or more");
        return false;
    }
    if (!best) {
        json_out_key(j, "seat_indexes");
        json_out_array(j);
        for (int i = 0; (seat = cli_value_at(c, "seat", i)); i++) {
            if (!cli_number(c, "seat", seat, &n))
                return false;
            json_out_int(j, n);
        }
        json_out_end_array(j);
        return true;
    }
    if (!cli_number(c, "best", best, &n))
        return false;
    json_out_key(j, "best_available");
    json_out_object(j);
    json_out_member_int(j, "count", n);
    if (cli_value(c, "section"))
        json_out_member_text(j, "section", cli_value(c, "section"));
    if (cli_value(c, "type"))
        json_out_member_text(j, "type_id", cli_value(c, "type"));
    json_out_end_object(j);
    return true;
}

static int hold_create(struct cli *c)
{
    struct buf body = {0};
    struct json_out j;
    int code = EXIT_REFUSED;
    const char *event = cli_event_id(c, c->words[0]), *session = event ? find_session(c) : NULL;
    if (!session)
        return EXIT_REFUSED;
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_member_text(&j, "session_id", session);
    if (!write_seats(c, &j)) {
        code = EXIT_USAGE;
    } else {
        json_out_end_object(&j);
        code = show_call(c, "POST", arena_printf(&c->arena, "/v1/events/%s/holds", event), &body);
    }
    buf_done(&body);
    return code;
}

static int hold_show(struct cli *c)
{
    return show_call(c, "GET", hold_path(c, ""), NULL);
}

static int hold_extend(struct cli *c)
{
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    if (cli_value(c, "until")) {
        json_out_object(&j);
        json_out_member_text(&j, "until", cli_value(c, "until"));
        json_out_end_object(&j);
    }
    int code = show_call(c, "POST", hold_path(c, "/extend"), body.size ? &body : NULL);
    buf_done(&body);
    return code;
}

static int hold_release(struct cli *c)
{
    return show_call(c, "DELETE", hold_path(c, ""), NULL);
}

static const struct cli_option create_options[] = {
    {"best", "COUNT", "the best seats that are free, together"},
    {"section", "SECTION_ID", "with --best: only in this section"},
    {"type", "TYPE_ID", "with --best: only of this ticket type"},
    {"seat", "INDEX", "a seat by its index; once for each"},
    {"session", "SESSION_ID", "whose checkout it is (default: a new session)"},
    {NULL, NULL, NULL},
};
static const struct cli_option extend_options[] = {
    {"until", "TIME", "with a pending order: until when, RFC 3339"}, {NULL, NULL, NULL}};

const struct cli_verb hold_verbs[] = {
    {"create", "EVENT", 1, 1, "Start a checkout: hold seats of an event (slug or id).", create_options,
     hold_create},
    {"show", "HOLD_ID", 1, 1, "Show a checkout.", NULL, hold_show},
    {"extend", "HOLD_ID", 1, 1, "Give a checkout more time.", extend_options, hold_extend},
    {"release", "HOLD_ID", 1, 1, "Give the seats back.", NULL, hold_release},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
