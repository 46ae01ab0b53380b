/*
 * `boxoffice cdc tail --store cql://...`: a consumer of the cluster's CDC log (store/cql/consumer.h) whose
 * rows go to standard output. A checkpoint is kept only when the rows before it have been written out.
 */
#include "base/error.h"
#include "base/params.h"
#include "cli/cdc_tail.h"
#include "cli/open_store.h"
#include "store/cql/consumer.h"
#include "json/json_out.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    SAFETY_MS = 30000,
    MEMORY_S = 900,      /* how long a row may come again: longer than any server takes to give up */
    WINDOW_ROWS = 50000, /* some 10 MB */
    SAVE_EVERY_MS = 1000,
    SAY_EVERY_MS = 5000,
    LOOK_EVERY_MS = 100, /* for Ctrl-C */
};

struct tail {
    struct cli *c;
    struct clock clock;
    struct consumer *consumer;
    uint64_t rows;
    int64_t saved_us, said_us; /* monotonic */
    bool in_trouble;
};

const char *cdc_store_option(const struct cli *c)
{
    static const struct cli_option options[] = {CDC_STORE_OPTIONS, {NULL, NULL, NULL}};
    const struct cli_option *o = options;
    while (o->name && !cli_value(c, o->name))
        o++;
    return o->name;
}

/* ---- rows ---- */

static void out_stream(struct json_out *j, const struct cdc_stream *stream)
{
    char text[2 + 2 * CDC_STREAM_BYTES + 1] = "0x";
    for (size_t i = 0; i < CDC_STREAM_BYTES; i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", stream->id[i]);
    json_out_member_text(j, "cdc$stream_id", text);
}

static void out_int_or_null(struct json_out *j, const char *name, int64_t value)
{
    json_out_key(j, name);
    if (value)
        json_out_int(j, value);
    else
        json_out_null(j);
}

/* As GET /v1/cdc/order_queue has it; null where the log does not know. */
static void encode_row(struct json_out *j, const struct consumer_row *r)
{
    const struct cdc_row *row = &r->row;
    const struct ticket_id ticket = ticket_id_of(&row->event_id, row->seat);
    bool written = row->operation == CDC_INSERT || row->operation == CDC_UPDATE;
    json_out_object(j);
    out_int_or_null(j, "seq", (int64_t)row->seq);
    out_stream(j, &r->stream);
    json_out_member_uuid(j, "cdc$time", &row->time);
    json_out_member_int(j, "cdc$batch_seq_no", row->batch_seq);
    json_out_member_int(j, "cdc$operation", row->operation);
    out_int_or_null(j, "cdc$ttl", row->ttl);
    json_out_member_bool(j, "cdc$end_of_batch", row->end_of_batch);
    json_out_key(j, "cdc$deleted_session_id"); /* true only where a column alone is deleted: never here */
    json_out_null(j);
    json_out_member_uuid(j, "event_id", &row->event_id.u);
    json_out_member_uuid(j, "ticket_id", &ticket.u);
    json_out_member_time_or_null(j, "started_at", row->started_ms);
    json_out_member_uuid_or_null(j, "session_id", written ? &row->session.u : &UUID_NIL);
    json_out_member_uuid_or_null(j, "hold_id", &row->hold_id.u);
    json_out_member_uuid_or_null(j, "hold_session", &row->session.u);
    json_out_member_text(j, "outcome", hold_outcome_name(row->outcome));
    json_out_end_object(j);
}

static void print_row(struct cli *c, struct buf *text, const struct consumer_row *row)
{
    struct json_out j;
    struct json_in in;
    buf_reset(text);
    json_out_init(&j, text);
    encode_row(&j, row);
    if (c->json) {
        printf("%.*s\n", (int)text->size, text->data);
    } else if (json_in_parse(&in, &c->arena, text->data, text->size) == 0) {
        cdc_print_row(c, json_in_root(&in));
        json_in_done(&in);
    }
    arena_reset(&c->arena);
}

/* Returns false (said) when they cannot be written. */
static bool print_rows(struct tail *t, const struct consumer_batch *batch)
{
    struct buf text = {0};
    for (size_t i = 0; i < batch->count; i++)
        print_row(t->c, &text, &batch->rows[i]);
    buf_done(&text);
    t->rows += batch->count;
    if (!fflush(stdout) && !ferror(stdout))
        return true;
    cli_fail("the rows cannot be written: %s", strerror(errno));
    return false;
}

/* ---- what people are told ---- */

static void say_place(struct tail *t, const char *what)
{
    char time[TIME_TEXT + 1];
    time_format(consumer_place_us(t->consumer) / 1000, time);
    fprintf(stderr, "boxoffice: %llu rows, %s %s\n", (unsigned long long)t->rows, what, time);
}

static void say_progress(struct tail *t, const struct consumer_batch *batch)
{
    int64_t now_us = clock_monotonic_us(&t->clock);
    const char *trouble = consumer_trouble(t->consumer);
    if (trouble && !t->in_trouble)
        fprintf(stderr, "boxoffice: the cluster does not answer, trying again: %s\n", trouble);
    if (!trouble && t->in_trouble)
        fprintf(stderr, "boxoffice: the cluster answers again\n");
    t->in_trouble = trouble != NULL;
    if (batch->wait_ms || now_us - t->said_us < SAY_EVERY_MS * 1000LL)
        return;
    say_place(t, "read up to");
    t->said_us = now_us;
}

static void say_end(struct tail *t)
{
    uint64_t repeated, strange;
    consumer_left_out(t->consumer, &repeated, &strange);
    say_place(t, "everything before");
    if (repeated)
        fprintf(stderr, "boxoffice: %llu rows had come before and were left out\n",
                (unsigned long long)repeated);
    if (strange)
        fprintf(stderr, "boxoffice: %llu rows are not boxoffice's and were left out\n",
                (unsigned long long)strange);
}

/* ---- reading ---- */

static int save(struct tail *t)
{
    t->saved_us = clock_monotonic_us(&t->clock);
    return consumer_save(t->consumer);
}

/* A part of a second at a time: a signal may come just before it would wake us. */
static void wait_ms(int64_t ms)
{
    for (; ms > 0 && !cli_interrupted(); ms -= LOOK_EVERY_MS)
        poll(NULL, 0, ms < LOOK_EVERY_MS ? (int)ms : LOOK_EVERY_MS);
}

static int read_on(struct tail *t)
{
    bool until_now = cli_value(t->c, "until-now") != NULL;
    struct consumer_batch batch = {.count = 0};
    while (!cli_interrupted()) {
        if (consumer_step(t->consumer, &batch))
            return cli_fail("%s", consumer_trouble(t->consumer));
        if (!print_rows(t, &batch))
            return EXIT_REFUSED;
        say_progress(t, &batch);
        if (!t->in_trouble && clock_monotonic_us(&t->clock) - t->saved_us >= SAVE_EVERY_MS * 1000LL)
            save(t); /* one that fails is made up for by the next */
        if (until_now && batch.wait_ms && !t->in_trouble)
            break;
        wait_ms(batch.wait_ms);
    }
    return EXIT_DONE;
}

static int run(struct tail *t, const struct consumer_cluster *cluster, const struct consumer_options *options)
{
    struct cdc_source *source;
    char reason[CONSUMER_REASON];
    if (consumer_source_open(cluster, &source, reason))
        return cli_fail("%s", reason);
    t->consumer = consumer_new(source, options, &t->clock);
    t->saved_us = t->said_us = clock_monotonic_us(&t->clock);
    if (!t->c->json)
        cdc_print_head();
    cli_catch_interrupt();
    int code = read_on(t);
    if (code == EXIT_DONE && save(t))
        code = cli_fail("the checkpoint could not be kept: what came after the one before comes again");
    if (code == EXIT_DONE)
        say_end(t);
    consumer_free(t->consumer);
    return code;
}

/* Returns an exit code; what is wrong with the options is said. */
static int read_options(struct cli *c, struct consumer_options *ret_options)
{
    const char *safety = cli_value(c, "safety-ms"), *checkpoint = cli_value(c, "checkpoint");
    long safety_ms = SAFETY_MS;
    if (safety && !cli_number(c, "safety-ms", safety, &safety_ms))
        return EXIT_USAGE;
    if (safety_ms < 0 || safety_ms > LIMIT_CDC_SAFETY_MS)
        return cli_usage(c, "--safety-ms must be a number from 0 to %d", LIMIT_CDC_SAFETY_MS);
    if (checkpoint && (!*checkpoint || strlen(checkpoint) > LIMIT_CDC_CHECKPOINT_CHARS))
        return cli_usage(c, "--checkpoint must be a name of at most %d characters",
                         LIMIT_CDC_CHECKPOINT_CHARS);
    if (cli_value(c, "after"))
        return cli_usage(c, "--after is a server's cursor; with --store there is --checkpoint");
    *ret_options = (struct consumer_options){
        .checkpoint = checkpoint,
        .from_start = cli_value(c, "from-start") != NULL,
        .safety_us = safety_ms * 1000,
        .memory_us = MEMORY_S * 1000000LL + safety_ms * 1000,
        .limit = WINDOW_ROWS,
    };
    return EXIT_DONE;
}

int cdc_tail_store(struct cli *c)
{
    struct tail t = {.c = c};
    struct consumer_options options;
    struct store_cql_options reach;
    int code = read_options(c, &options);
    if (!code)
        code = cluster_options(c, cli_value(c, "store"), &reach);
    if (code)
        return code;
    clock_init_system(&t.clock);
    const struct consumer_cluster cluster = {
        .url = reach.url,
        .local_dc = reach.local_dc,
        .user = reach.user,
        .password = reach.password,
        .tls_ca = reach.tls_ca,
        .tls_cert = reach.tls_cert,
        .tls_key = reach.tls_key,
        .tables = {.log = cli_value(c, "log-table"),
                   .generations = cli_value(c, "generations-table"),
                   .streams = cli_value(c, "streams-table"),
                   .expiries = cli_value(c, "expiries-table")},
    };
    return run(&t, &cluster, &options);
}
