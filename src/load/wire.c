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

/* If the line @line is the field @name its value, else NULL. */
static const char *value_of(const char *line, const char *name)
{
    size_t size = strlen(name);
    if ((line[0] | 0x20) != (name[0] | 0x20) || strncasecmp(line, name, size) != 0 || line[size] != ':')
        return NULL;
    return line + size + 1 + strspn(line + size + 1, " ");
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

bool wire_read_head(const char *head, struct reply *ret)
{
    bool has_length = false;
    if (strncmp(head, "HTTP/1.1 ", 9) != 0)
        return false;
    *ret = (struct reply){.status = (unsigned)number(head + 9)};
    for (const char *line = head, *value; (line = strchr(line, '\n')) != NULL && *++line;) {
        if ((value = value_of(line, "Content-Length")) != NULL) {
            ret->body_bytes = number(value);
            has_length = true;
        } else if ((value = value_of(line, "Change-Seq")) != NULL) {
            ret->change_seq = number(value);
        } else if ((value = value_of(line, "Retry-After")) != NULL) {
            ret->retry_after_s = (uint32_t)number(value);
        } else if ((value = value_of(line, "Idempotent-Replayed")) != NULL) {
            ret->replayed = strncmp(value, "true", 4) == 0;
        } else if ((value = value_of(line, "Connection")) != NULL) {
            ret->closes = strncasecmp(value, "close", 5) == 0;
        }
    }
    bool empty = ret->status == 304 || ret->status == 204;
    if (empty)
        ret->body_bytes = 0;
    return ret->status >= 200 && ret->status <= 599 && (empty || has_length);
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

/* At most @size characters of @text, terminated. */
static void copy_beginning(char *ret, const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    memcpy(ret, text, length);
    ret[length] = 0;
}

bool reply_uuid(const struct reply *r, const char *name, struct uuid *ret)
{
    const char *text = member(r, name);
    char copy[UUID_TEXT + 1];
    if (!text)
        return false;
    copy_beginning(copy, text, UUID_TEXT);
    return uuid_parse(copy, ret) == 0;
}

int64_t reply_time(const struct reply *r, const char *name)
{
    const char *text = member(r, name);
    char copy[TIME_TEXT + 1];
    int64_t ms = 0;
    if (!text)
        return 0;
    copy_beginning(copy, text, TIME_TEXT);
    return time_parse(copy, &ms) == 0 ? ms : 0;
}

bool reply_is_problem(const struct reply *r, const char *slug)
{
    const char *type = member(r, "type");
    size_t size = strlen(slug);
    return r->error == WIRE_OK && type && strncmp(type, "/problems/", 10) == 0 &&
           strncmp(type + 10, slug, size) == 0 && type[10 + size] == '"';
}
