/*
 * `boxoffice cdc tail`: the change log of order_queue, as cqlsh shows rows. From a server, where --follow
 * goes on with a live stream and the cursor printed at the end is where another run can go on; or with
 * --store straight from a cluster (cdc_store.c).
 */
#include "cli/cdc_tail.h"
#include "cli/open_store.h"
#include "cli/show.h"
#include <stdio.h>
#include <string.h>

enum { TAIL_LIMIT = 1000, CURSOR_TEXT = 256 };

static const struct {
    const char *head, *member;
    int width;
} COLUMNS[] = {
    {"cdc$time", "cdc$time", 36},
    {"cdc$batch_seq_no", "cdc$batch_seq_no", 16},
    {"cdc$operation", "cdc$operation", 13},
    {"cdc$ttl", "cdc$ttl", 7},
    {"event_id", "event_id", 36},
    {"ticket_id", "ticket_id", 36},
    {"started_at", "started_at", 24},
    {"session_id", "session_id", 36},
    {"hold_id", "hold_id", 36},
    {"outcome", "outcome", 9},
};
enum { COLUMN_COUNT = sizeof COLUMNS / sizeof COLUMNS[0] };

void cdc_print_head(void)
{
    for (int i = 0; i < COLUMN_COUNT; i++)
        printf("%s %*s ", i ? "|" : "", COLUMNS[i].width, COLUMNS[i].head);
    printf("\n");
    for (int i = 0; i < COLUMN_COUNT; i++) {
        fputs(i ? "+" : "", stdout);
        for (int k = 0; k < COLUMNS[i].width + 2; k++)
            putchar('-');
    }
    printf("\n");
}

void cdc_print_row(struct cli *c, struct json_node row)
{
    for (int k = 0; k < COLUMN_COUNT; k++) {
        const char *text = cli_text(c, row, COLUMNS[k].member);
        printf("%s %*s ", k ? "|" : "", COLUMNS[k].width, *text ? text : "null");
    }
    printf("\n");
}

static void print_rows(struct cli *c, struct json_node rows)
{
    size_t count;
    json_in_array(rows, 0, SIZE_MAX, &count);
    for (size_t i = 0; i < count; i++)
        cdc_print_row(c, json_in_item(rows, i));
}

/* Read one page after *cursor and print it, the first with the heads. Returns an exit code; *ret_more: there
 * is more now. */
static int tail_page(struct cli *c, char *cursor, size_t cursor_size, bool first, bool *ret_more)
{
    struct cli_reply reply;
    const char *path = arena_printf(&c->arena, "/v1/cdc/order_queue?limit=%d%s%s", TAIL_LIMIT,
                                    *cursor ? "&after=" : "", *cursor ? cli_escape(c, cursor) : "");
    int code = cli_call(c, "GET", path, NULL, NULL, &reply);
    if (code)
        return code;
    struct json_node root = json_in_root(&reply.in), rows = json_in_member(root, "rows");
    size_t count;
    json_in_array(rows, 0, SIZE_MAX, &count);
    if (first && !c->json)
        cdc_print_head();
    if (c->json && count)
        cli_print_json(&reply);
    else if (!c->json)
        print_rows(c, rows);
    fflush(stdout);
    snprintf(cursor, cursor_size, "%s", cli_text(c, root, "next_cursor"));
    *ret_more = json_in_bool(json_in_member(root, "more"));
    cli_reply_done(&reply);
    arena_reset(&c->arena); /* a tail may run for months */
    return EXIT_DONE;
}

/* A row that came live. @ctx: the cursor. */
static void on_row(struct cli *c, void *ctx, const char *event, const char *id, const char *data)
{
    struct json_in in;
    (void)event;
    if (c->json) {
        printf("%s\n", data);
    } else if (json_in_parse(&in, &c->arena, data, strlen(data)) == 0) {
        cdc_print_row(c, json_in_root(&in));
        json_in_done(&in);
    }
    fflush(stdout);
    snprintf(ctx, CURSOR_TEXT, "%s", id);
}

static int cdc_tail(struct cli *c)
{
    char cursor[CURSOR_TEXT] = "";
    bool follow = cli_value(c, "follow") != NULL, more = true;
    const char *only_store = cdc_store_option(c);
    if (cli_value(c, "store"))
        return cdc_tail_store(c);
    if (only_store)
        return cli_usage(c, "--%s goes with --store", only_store);
    if (cli_value(c, "after"))
        snprintf(cursor, sizeof cursor, "%s", cli_value(c, "after"));
    cli_catch_interrupt();
    int code = EXIT_DONE;
    for (bool first = true; !code && more && !cli_interrupted(); first = false)
        code = tail_page(c, cursor, sizeof cursor, first, &more);
    if (!code && follow && !cli_interrupted()) {
        char from[CURSOR_TEXT];
        snprintf(from, sizeof from, "%s", cursor);
        code = cli_stream(c, "/v1/cdc/order_queue", from, on_row, cursor);
    }
    if (*cursor)
        fprintf(stderr, "next cursor: %s\n", cursor);
    return code;
}

static const struct cli_option tail_options[] = {
    {"follow", NULL, "server: go on with what is written from now on, until Ctrl-C"},
    {"after", "CURSOR", "server: begin after this cursor (default: the start of the log)"},
    {"store", "STORE", "cql://HOST[,HOST]/KEYSPACE: read straight from the cluster, until Ctrl-C"},
    CDC_STORE_OPTIONS,
    CLUSTER_OPTIONS,
    {NULL, NULL, NULL},
};

const struct cli_verb cdc_verbs[] = {
    {"tail", "", 0, 0,
     "Print the change log of order_queue: 2 insert, 1 update, 3 row delete, -3 expired.\n\nWith --store it "
     "reads the log's tables on a cluster, without a server of boxoffice's: what comes from now on, or from\n"
     "where the checkpoint is, or all of it; each row once, in order, and with --json one object a line. "
     "Ctrl-C "
     "keeps the\ncheckpoint and ends. docs/cdc.md says more.",
     tail_options, cdc_tail},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
