/*
 * `boxoffice cdc tail`: the change log of order_queue, as cqlsh shows rows. With --follow it asks again every
 * half second and goes on where it stood; the cursor printed at the end is where another run can go on.
 */
#include "cli/cli.h"
#include "cli/show.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 500, TAIL_LIMIT = 1000 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

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

static void print_head(void)
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

static void print_rows(struct cli *c, struct json_node rows)
{
    size_t count;
    json_in_array(rows, 0, SIZE_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        struct json_node row = json_in_item(rows, i);
        for (int k = 0; k < COLUMN_COUNT; k++) {
            const char *text = cli_text(c, row, COLUMNS[k].member);
            printf("%s %*s ", k ? "|" : "", COLUMNS[k].width, *text ? text : "null");
        }
        printf("\n");
    }
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
        print_head();
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

static int cdc_tail(struct cli *c)
{
    char cursor[256] = "";
    bool follow = cli_value(c, "follow") != NULL, more = true;
    if (cli_value(c, "after"))
        snprintf(cursor, sizeof cursor, "%s", cli_value(c, "after"));
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int code = EXIT_DONE;
    bool first = true;
    while (!code && !interrupted && (more || follow)) {
        code = tail_page(c, cursor, sizeof cursor, first, &more);
        first = false;
        if (!code && !more && follow && !interrupted) {
            const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
            nanosleep(&pause, NULL);
        }
    }
    if (*cursor)
        fprintf(stderr, "next cursor: %s\n", cursor);
    return code;
}

static const struct cli_option tail_options[] = {
    {"follow", NULL, "go on with what is written from now on, until Ctrl-C"},
    {"after", "CURSOR", "begin after this cursor (default: the start of the log)"},
    {NULL, NULL, NULL},
};

const struct cli_verb cdc_verbs[] = {
    {"tail", "", 0, 0, "Print the change log of order_queue: 2 insert, 1 update, 3 row delete, -3 expired.",
     tail_options, cdc_tail},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
