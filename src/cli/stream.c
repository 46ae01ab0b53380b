/*
 * Reading a stream of Server-Sent Events (WHATWG HTML 9.2) as a browser does: when it ends, connect again
 * after the time that the server gave, and go on after the last id.
 */
#include "base/error.h"
#include "cli/cli.h"
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RETRY_MS = 3000, /* until the server says otherwise */
    SILENCE_S = 40,  /* the server sends a heartbeat every 15 s */
    MESSAGE_MAX = 64 << 20,
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void)
{
    return interrupted;
}

struct reading {
    struct cli *c;
    CURL *curl;
    cli_on_message *on_message;
    void *ctx;
    /* of the stream */
    struct buf id;
    long retry_ms;
    /* of the message so far */
    struct buf line, event, data;
    struct buf refusal; /* body of an answer that is no stream */
    bool connected;
};

static const char *text_of(struct buf *b)
{
    buf_addc(b, '\0');
    b->size--;
    return b->data;
}

static void dispatch(struct reading *r)
{
    if (r->data.size)
        r->on_message(r->c, r->ctx, r->event.size ? text_of(&r->event) : "message", text_of(&r->id),
                      text_of(&r->data));
    buf_reset(&r->event);
    buf_reset(&r->data);
}

static void set(struct buf *b, const char *text)
{
    buf_reset(b);
    buf_adds(b, text);
}

static void take_line(struct reading *r, char *line)
{
    char *value = strchr(line, ':');
    if (*line == '\0') {
        dispatch(r);
        return;
    }
    if (value)
        *value++ = '\0';
    if (value && *value == ' ')
        value++;
    value = value ? value : line + strlen(line);
    if (strcmp(line, "data") == 0) {
        if (r->data.size)
            buf_addc(&r->data, '\n');
        buf_adds(&r->data, value);
    } else if (strcmp(line, "event") == 0) {
        set(&r->event, value);
    } else if (strcmp(line, "id") == 0) {
        set(&r->id, value);
    } else if (strcmp(line, "retry") == 0 && strspn(value, "0123456789") == strlen(value) &&
               strlen(value) < 8) {
        r->retry_ms = atol(value);
    }
}

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
    struct reading *r = ctx;
    long status = 0;
    size *= count;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        buf_add(&r->refusal, data, size);
        return size;
    }
    r->connected = true;
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            buf_addc(&r->line, data[i]);
            continue;
        }
        take_line(r, (char *)text_of(&r->line));
        buf_reset(&r->line);
    }
    return r->line.size + r->data.size <= MESSAGE_MAX ? size : 0;
}

static int check_interrupt(void *ctx, curl_off_t a, curl_off_t b, curl_off_t x, curl_off_t y)
{
    (void)ctx, (void)a, (void)b, (void)x, (void)y;
    return interrupted;
}

static CURLcode connect_once(struct reading *r, const char *path)
{
    struct cli *c = r->c;
    struct curl_slist *headers = cli_begin_request(c, r->curl, path, "text/event-stream");
    if (r->id.size)
        headers = curl_slist_append(headers, arena_printf(&c->arena, "Last-Event-ID: %s", text_of(&r->id)));
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(r->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(r->curl, CURLOPT_XFERINFOFUNCTION, check_interrupt);
    curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    buf_reset(&r->line);
    buf_reset(&r->event);
    buf_reset(&r->data);
    buf_reset(&r->refusal);
    CURLcode code = curl_easy_perform(r->curl);
    curl_slist_free_all(headers);
    return code;
}

/* An answer that is no stream: said. Returns false where another try may do better. */
static bool is_refused(struct reading *r)
{
    struct cli_reply reply = {0};
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &reply.status);
    if (reply.status == 0 || reply.status == 200 || (reply.status == 503 && r->id.size))
        return false;
    json_in_parse(&reply.in, &r->c->arena, r->refusal.data, r->refusal.size);
    cli_say_problem(&reply);
    json_in_done(&reply.in);
    return true;
}

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL); /* a signal ends it early */
}

static int follow(struct reading *r, const char *path)
{
    bool was_connected = false;
    while (!interrupted) {
        r->connected = false;
        CURLcode code = connect_once(r, path);
        arena_reset(&r->c->arena); /* may run for months */
        if (interrupted)
            break;
        if (code == CURLE_OK && is_refused(r))
            return EXIT_REFUSED;
        if (!r->connected && !was_connected)
            return cli_fail("no answer from %s: %s; is the server running there (--url)?", r->c->url,
                            curl_easy_strerror(code));
        if (r->connected) /* else it was said already */
            fprintf(stderr, "boxoffice: the stream ended; connecting again\n");
        was_connected = true;
        pause_ms(r->retry_ms);
    }
    return EXIT_DONE;
}

int cli_stream(struct cli *c, const char *path, const char *last_id, cli_on_message *on_message, void *ctx)
{
    struct reading r = {.c = c, .on_message = on_message, .ctx = ctx, .retry_ms = RETRY_MS};
    char *own_path = strdup(path); /* the arena is reset */
    int code = EXIT_REFUSED;
    if (cli_find_key(c) && own_path) {
        r.curl = curl_easy_init();
        buf_adds(&r.id, last_id);
        cli_catch_interrupt();
        code = follow(&r, own_path);
        curl_easy_cleanup(r.curl);
    }
    struct buf *all[] = {&r.id, &r.line, &r.event, &r.data, &r.refusal};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_done(all[i]);
    free(own_path);
    return code;
}
