#include "load/wire.h"
#include "base/clock.h"
#include "base/must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *wire_error_name(enum wire_error error)
{
    static const char *const NAMES[WIRE_ERRORS] = {"none",    "connect",  "closed",
                                                   "timeout", "protocol", "unsent"};
    must(error < WIRE_ERRORS);
    return NAMES[error];
}

void wire_write(struct buf *ret, const struct wire_request *r)
{
    buf_reset(ret);
    buf_printf(ret, "%s %s HTTP/1.1\r\nHost: %s\r\n", r->method, r->path, r->host);
    if (r->token)
        buf_printf(ret, "Authorization: Bearer %s\r\n", r->token);
    if (r->idempotency_key)
        buf_printf(ret, "Idempotency-Key: %s\r\n", r->idempotency_key);
    if (r->headers)
        buf_adds(ret, r->headers);
    if (r->body)
        buf_printf(ret, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", strlen(r->body));
    else if (strcmp(r->method, "POST") == 0)
        buf_adds(ret, "Content-Length: 0\r\n\r\n");
    else
        buf_adds(ret, "\r\n");
    if (r->body)
        buf_adds(ret, r->body);
}

/* The value of a header field, or NULL. */
static const char *field(const char *head, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        if ((line[2] | 0x20) == (name[0] | 0x20) && strncasecmp(line + 2, name, size) == 0 &&
            line[2 + size] == ':')
            return line + 3 + size + strspn(line + 3 + size, " ");
    }
    return NULL;
}

static uint64_t number(const char *head, const char *name)
{
    const char *value = field(head, name);
    return value ? strtoull(value, NULL, 10) : 0;
}

bool wire_read_head(const char *head, struct reply *ret)
{
    if (strncmp(head, "HTTP/1.1 ", 9) != 0)
        return false;
    *ret = (struct reply){.status = (unsigned)strtoul(head + 9, NULL, 10)};
    bool empty = ret->status == 304 || ret->status == 204;
    if (ret->status < 200 || ret->status > 599 || (!empty && !field(head, "Content-Length")))
        return false;
    const char *replayed = field(head, "Idempotent-Replayed"), *connection = field(head, "Connection");
    ret->body_bytes = empty ? 0 : number(head, "Content-Length");
    ret->change_seq = number(head, "Change-Seq");
    ret->retry_after_s = (uint32_t)number(head, "Retry-After");
    ret->replayed = replayed && strncmp(replayed, "true", 4) == 0;
    ret->closes = connection && strncasecmp(connection, "close", 5) == 0;
    return true;
}

/* The text of the first member @name, without its opening quotation mark; or NULL. */
static const char *member(const struct reply *r, const char *name)
{
    char key[64];
    int size = snprintf(key, sizeof key, "\"%s\":\"", name);
    must(size < (int)sizeof key);
    const char *found = r->body ? strstr(r->body, key) : NULL;
    return found ? found + size : NULL;
}

bool reply_uuid(const struct reply *r, const char *name, struct uuid *ret)
{
    const char *text = member(r, name);
    char copy[UUID_TEXT + 1];
    if (!text)
        return false;
    snprintf(copy, sizeof copy, "%s", text);
    return uuid_parse(copy, ret) == 0;
}

int64_t reply_time(const struct reply *r, const char *name)
{
    const char *text = member(r, name);
    char copy[TIME_TEXT + 1];
    int64_t ms = 0;
    if (!text)
        return 0;
    snprintf(copy, sizeof copy, "%s", text);
    return time_parse(copy, &ms) == 0 ? ms : 0;
}

bool reply_is_problem(const struct reply *r, const char *slug)
{
    const char *type = member(r, "type");
    size_t size = strlen(slug);
    return r->error == WIRE_OK && type && strncmp(type, "/problems/", 10) == 0 &&
           strncmp(type + 10, slug, size) == 0 && type[10 + size] == '"';
}
