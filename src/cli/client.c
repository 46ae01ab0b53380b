/*
 * The HTTP client of the commands, on libcurl.
 */
#include "base/error.h"
#include "cli/cli.h"
#include "domain/ids.h"
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLY_TEXT = 1 << 20 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cut blanks at both ends, as the server does with its key file. */
static char *trim(char *line)
{
    while (is_blank(*line))
        line++;
    size_t size = strlen(line);
    while (size && is_blank(line[size - 1]))
        line[--size] = 0;
    return line;
}

/* The key of the first NAME:KEY line. malloc'd, or NULL (said). */
static char *key_from_file(const char *path)
{
    struct buf content = {0};
    char *key = NULL;
    if (cli_read_file(path, &content)) {
        buf_addc(&content, 0);
        char *save = NULL;
        for (char *line = strtok_r(content.data, "\n", &save); line && !key;
             line = strtok_r(NULL, "\n", &save)) {
            line = trim(line);
            char *colon = *line == '#' ? NULL : strchr(line, ':');
            if (colon)
                key = strdup(colon + 1);
        }
        if (!key)
            cli_fail("%s has no NAME:KEY line", path);
    }
    buf_done(&content);
    return key;
}

/* The key is read once. Without any, requests go without. */
bool cli_find_key(struct cli *c)
{
    const char *file = cli_value(c, "api-key-file"), *from_env = getenv("BOXOFFICE_API_KEY");
    if (c->key)
        return true;
    if (!file && !from_env)
        file = getenv("BOXOFFICE_API_KEY_FILE");
    c->key = file ? key_from_file(file) : strdup(from_env ? from_env : "");
    return c->key != NULL;
}

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
    buf_add(ctx, data, size * count);
    return size * count;
}

void *cli_begin_request(struct cli *c, void *curl, const char *path, const char *accept)
{
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, arena_printf(&c->arena, "%s%s", c->url, path));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    struct curl_slist *headers = curl_slist_append(NULL, arena_printf(&c->arena, "Accept: %s", accept));
    if (*c->key)
        headers = curl_slist_append(headers, arena_printf(&c->arena, "Authorization: Bearer %s", c->key));
    return headers;
}

static struct curl_slist *add_headers(struct cli *c, struct curl_slist *headers, const struct buf *body,
                                      const char *idempotency_key)
{
    if (body)
        headers = curl_slist_append(headers, "Content-Type: application/json");
    if (idempotency_key)
        headers = curl_slist_append(headers, arena_printf(&c->arena, "Idempotency-Key: %s", idempotency_key));
    return headers;
}

int cli_call_quiet(struct cli *c, const char *method, const char *path, const struct buf *body,
                   const char *idempotency_key, struct cli_reply *ret_reply)
{
    *ret_reply = (struct cli_reply){0};
    if (!cli_find_key(c))
        return EXIT_REFUSED;
    if (!c->curl)
        c->curl = curl_easy_init();
    CURL *curl = c->curl;
    struct curl_slist *headers =
        cli_begin_request(c, curl, path, "application/json, application/problem+json");
    headers = add_headers(c, headers, body, idempotency_key);
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &ret_reply->body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data ? body->data : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
    } else if (!strcmp(method, "POST")) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        buf_done(&ret_reply->body);
        return cli_fail("no answer from %s: %s; is the server running there (--url)?", c->url,
                        *error ? error : curl_easy_strerror(code));
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret_reply->status);
    json_in_parse(&ret_reply->in, &c->arena, ret_reply->body.data, ret_reply->body.size);
    return EXIT_DONE;
}

int cli_call(struct cli *c, const char *method, const char *path, const struct buf *body,
             const char *idempotency_key, struct cli_reply *ret_reply)
{
    int code = cli_call_quiet(c, method, path, body, idempotency_key, ret_reply);
    if (code)
        return code;
    if (ret_reply->status / 100 == 2)
        return EXIT_DONE;
    cli_say_problem(ret_reply);
    cli_reply_done(ret_reply);
    return EXIT_REFUSED;
}

static const char *member_text(struct json_node object, const char *name)
{
    struct json_node member = json_in_member(object, name);
    return json_in_is_text(member) ? json_in_text(member, 0, REPLY_TEXT) : NULL;
}

void cli_say_problem(const struct cli_reply *reply)
{
    struct cli_reply *r =
        (struct cli_reply *)(uintptr_t)reply; /* reading records faults in the decoder only */
    struct json_node root = json_in_root(&r->in);
    if (!json_in_is_object(root)) {
        cli_fail("the server answered %ld", reply->status);
        return;
    }
    const char *title = member_text(root, "title"), *detail = member_text(root, "detail");
    fprintf(stderr, "boxoffice: %ld %s%s%s\n", reply->status, title ? title : "", detail ? ": " : "",
            detail ? detail : "");
    struct json_node errors = json_in_member(root, "errors");
    size_t count = 0;
    if (json_in_is_array(errors))
        json_in_array(errors, 0, SIZE_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        struct json_node e = json_in_item(errors, i);
        const char *pointer = member_text(e, "pointer"), *why = member_text(e, "detail");
        fprintf(stderr, "  %s: %s\n", pointer && *pointer ? pointer : "body", why ? why : "");
    }
}

void cli_reply_done(struct cli_reply *reply)
{
    json_in_done(&reply->in);
    buf_done(&reply->body);
}

const char *cli_escape(struct cli *c, const char *text)
{
    struct buf out = {0};
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (isalnum(*p) || strchr("-._~", *p))
            buf_addc(&out, (char)*p);
        else
            buf_printf(&out, "%%%02X", *p);
    }
    const char *copy = arena_strndup(&c->arena, out.data ? out.data : "", out.size);
    buf_done(&out);
    return copy;
}

int64_t cli_int(struct json_node object, const char *name)
{
    struct json_node member = json_in_member(object, name);
    return json_in_is_int(member) ? json_in_int(member, INT64_MIN, INT64_MAX) : 0;
}

const char *cli_text(struct cli *c, struct json_node object, const char *name)
{
    struct json_node member = json_in_member(object, name);
    if (json_in_is_int(member))
        return arena_printf(&c->arena, "%lld", (long long)cli_int(object, name));
    const char *text = member_text(object, name);
    return text ? text : "";
}

void cli_print_json(const struct cli_reply *reply)
{
    if (!reply->body.size)
        return;
    fwrite(reply->body.data, 1, reply->body.size, stdout);
    if (reply->body.data[reply->body.size - 1] != '\n')
        putchar('\n');
}

const char *cli_event_id(struct cli *c, const char *slug_or_id)
{
    struct uuid id;
    if (uuid_parse(slug_or_id, &id) == 0)
        return slug_or_id;
    struct cli_reply reply;
    const char *found = NULL;
    if (cli_call(c, "GET", arena_printf(&c->arena, "/v1/events?slug=%s", cli_escape(c, slug_or_id)), NULL,
                 NULL, &reply))
        return NULL;
    size_t count = 0;
    struct json_node events = json_in_member(json_in_root(&reply.in), "events");
    json_in_array(events, 0, SIZE_MAX, &count);
    if (count)
        found = arena_strdup(&c->arena, cli_text(c, json_in_item(events, 0), "event_id"));
    else
        cli_fail("there is no event '%s'; 'boxoffice event list' shows all", slug_or_id);
    cli_reply_done(&reply);
    return found;
}
