/*
 * `boxoffice demo`: two venues - a real hall of 1,252 seats and a stadium of 50,000 - each with an event on
 * sale. Events that exist are left alone: running it twice does no harm.
 */
#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/stadium.h"
#include "json/json_out.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const unsigned char embedded_demo_hall[];
extern const size_t embedded_demo_hall_size;

static void say(const char *format, const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, format, what);
}

static const struct {
    const char *category, *price;
} HALL_PRICES[] = {
    {"Kategorie I", "45.00"}, {"Kategorie II", "35.00"}, {"Kategorie III", "25.00"},
    {"Fanblock", "15.00"},    {"C unten", "30.00"},      {"VIP", "95.00"},
};

static void write_hall(struct buf *ret)
{
    struct json_out j;
    json_out_init(&j, ret);
    json_out_object(&j);
    json_out_member_text(&j, "format", "pretix-seating-plan");
    json_out_member_text(&j, "timezone", "Europe/Berlin");
    json_out_key(&j, "prices");
    json_out_object(&j);
    for (size_t i = 0; i < sizeof HALL_PRICES / sizeof HALL_PRICES[0]; i++) {
        json_out_key_text(&j, HALL_PRICES[i].category);
        json_out_text(&j, HALL_PRICES[i].price);
    }
    json_out_end_object(&j);
    json_out_key(&j, "plan");
    json_out_raw(&j, embedded_demo_hall, embedded_demo_hall_size);
    json_out_end_object(&j);
}

struct demo {
    const char *slug, *event, *type, *venue_path;
    void (*write_venue)(struct buf *ret);
    int days; /* from now */
};

static const struct demo DEMOS[] = {
    {"demo-hall", "Handball Night", "sports", "/v1/venues/import", write_hall, 30},
    {"demo-stadium", "Summer Final", "sports", "/v1/venues", stadium_write, 60},
};

/* True if an event has this slug. *ret_code is EXIT_REFUSED (said) when the server does not answer. */
static bool exists(struct cli *c, const char *slug, int *ret_code)
{
    struct cli_reply reply;
    *ret_code = cli_call(c, "GET", arena_printf(&c->arena, "/v1/events?slug=%s", slug), NULL, NULL, &reply);
    if (*ret_code)
        return false;
    size_t count;
    json_in_array(json_in_member(json_in_root(&reply.in), "events"), 0, SIZE_MAX, &count);
    cli_reply_done(&reply);
    return count > 0;
}

/* Create the venue; its id is the arena's, NULL (said) when it could not be. */
static const char *create_venue(struct cli *c, const struct demo *demo)
{
    struct buf body = {0};
    struct cli_reply reply;
    const char *id = NULL;
    say("demo: laying out the venue of '%s'\n", demo->event);
    demo->write_venue(&body);
    if (!cli_call(c, "POST", demo->venue_path, &body, NULL, &reply)) {
        id = arena_strdup(&c->arena, cli_text(c, json_in_root(&reply.in), "venue_id"));
        cli_reply_done(&reply);
    }
    buf_done(&body);
    return id;
}

/* 19:30 UTC, so many days from now. */
static int64_t evening(int days)
{
    const int64_t day_ms = 86400000;
    struct clock clock;
    clock_init_system(&clock);
    int64_t now_ms = clock_wall_us(&clock) / 1000;
    return (now_ms / day_ms + days) * day_ms + (19 * 60 + 30) * 60000;
}

static void write_event(struct buf *ret, const struct demo *demo, const char *venue)
{
    struct json_out j;
    json_out_init(&j, ret);
    json_out_object(&j);
    json_out_member_text(&j, "venue_id", venue);
    json_out_member_text(&j, "name", demo->event);
    json_out_member_text(&j, "slug", demo->slug);
    json_out_member_text(&j, "event_type", demo->type);
    json_out_member_time(&j, "date", evening(demo->days));
    json_out_member_text(&j, "currency", "EUR");
    json_out_member_bool(&j, "published", true);
    json_out_end_object(&j);
}

static int create_event(struct cli *c, const struct demo *demo, const char *venue)
{
    struct buf body = {0};
    struct cli_reply reply;
    write_event(&body, demo, venue);
    say("demo: creating the tickets of '%s'\n", demo->event);
    int code = cli_call(c, "POST", "/v1/events", &body, NULL, &reply);
    buf_done(&body);
    if (code)
        return code;
    struct json_node root = json_in_root(&reply.in);
    if (c->json)
        cli_print_json(&reply);
    else
        printf("%s: event %s, %lld tickets on sale\n", demo->slug, cli_text(c, root, "event_id"),
               (long long)cli_int(root, "tickets_created"));
    cli_reply_done(&reply);
    return EXIT_DONE;
}

static int demo(struct cli *c)
{
    for (size_t i = 0; i < sizeof DEMOS / sizeof DEMOS[0]; i++) {
        int code;
        if (exists(c, DEMOS[i].slug, &code)) {
            if (!c->json)
                printf("%s: is there already\n", DEMOS[i].slug);
            continue;
        }
        const char *venue = code ? NULL : create_venue(c, &DEMOS[i]);
        if (!venue)
            return EXIT_REFUSED;
        code = create_event(c, &DEMOS[i], venue);
        if (code)
            return code;
    }
    return EXIT_DONE;
}

const struct cli_verb demo_verbs[] = {
    {"", "", 0, 0,
     "Load two venues, each with an event on sale: a real hall (1,252 seats) and a stadium (50,000).", NULL,
     demo},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
