#include "load/sse.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END };

void sse_reset(struct sse *s)
{
    s->size = 0;
    s->in_body = s->chunked = false;
    s->phase = CHUNK_SIZE;
    s->chunk_left = 0;
}

void sse_done(struct sse *s)
{
    free(s->data);
    *s = (struct sse){0};
}

static void append(struct sse *s, const char *bytes, size_t size)
{
    if (s->size + size + 1 > s->room) {
        s->room = (s->size + size + 1) * 2;
        s->data = realloc(s->data, s->room);
        must(s->data);
    }
    memcpy(s->data + s->size, bytes, size);
    s->size += size;
    s->data[s->size] = 0;
}

/* "1a;extension\r\n" data "\r\n", over and over. */
static void append_chunked(struct sse *s, const char *bytes, size_t size)
{
    for (const char *at = bytes, *end = bytes + size; at < end;) {
        if (s->phase == CHUNK_DATA) {
            size_t n = (size_t)(end - at) < s->chunk_left ? (size_t)(end - at) : s->chunk_left;
            append(s, at, n);
            at += n;
            s->chunk_left -= n;
            if (s->chunk_left == 0)
                s->phase = CHUNK_END;
            continue;
        }
        char c = *at++;
        const char *digits = "0123456789abcdef", *digit = c ? strchr(digits, c | 0x20) : NULL;
        if (c == '\n') {
            s->phase = s->phase == CHUNK_END ? CHUNK_SIZE : s->chunk_left ? CHUNK_DATA : CHUNK_END;
        } else if (s->phase == CHUNK_SIZE && digit) {
            s->chunk_left = s->chunk_left * 16 + (size_t)(digit - digits);
        } else if (s->phase == CHUNK_SIZE) {
            s->phase = CHUNK_EXTENSION;
        }
    }
}

static void read_line(struct sse_message *m, char *line)
{
    static const struct {
        const char *name;
        size_t size;
    } FIELDS[] = {{"id:", 3}, {"event:", 6}, {"data:", 5}, {"retry:", 6}};
    for (unsigned i = 0; i < 4; i++) {
        if (strncmp(line, FIELDS[i].name, FIELDS[i].size) != 0)
            continue;
        const char *value = line + FIELDS[i].size;
        value += *value == ' ';
        switch (i) {
        case 0:
            m->id = strtoull(value, NULL, 10);
            break;
        case 1:
            strncpy(m->event, value, sizeof m->event - 1);
            break;
        case 2:
            m->data = value;
            break;
        case 3:
            m->retry_ms = strtoll(value, NULL, 10);
        }
        return;
    }
}

/* @text: the lines of one message. */
static void read_message(char *text, struct sse_message *ret)
{
    *ret = (struct sse_message){.data = "", .retry_ms = -1};
    for (char *line = text, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        line[strcspn(line, "\r")] = 0;
        read_line(ret, line);
    }
}

/* Returns false when the answer is not 200. */
static bool take_head(struct sse *s, const char *bytes, size_t size)
{
    append(s, bytes, size);
    char *end = strstr(s->data, "\r\n\r\n");
    if (!end)
        return true;
    if (strncmp(s->data, "HTTP/1.1 200 ", 13) != 0)
        return false;
    *end = 0;
    s->in_body = true;
    s->chunked = strcasestr(s->data, "\r\nTransfer-Encoding: chunked") != NULL;
    size_t rest = s->size - (size_t)(end + 4 - s->data);
    char *body = malloc(rest + 1);
    must(body);
    memcpy(body, end + 4, rest);
    s->size = 0;
    s->data[0] = 0;
    if (s->chunked)
        append_chunked(s, body, rest);
    else
        append(s, body, rest);
    free(body);
    return true;
}

bool sse_feed(struct sse *s, const char *bytes, size_t size,
              void (*message)(void *ctx, const struct sse_message *m), void *ctx)
{
    if (!s->in_body) {
        if (!take_head(s, bytes, size))
            return false;
    } else if (s->chunked) {
        append_chunked(s, bytes, size);
    } else {
        append(s, bytes, size);
    }
    if (!s->in_body || !s->size)
        return true;
    char *start = s->data;
    for (char *end; (end = strstr(start, "\n\n")) != NULL; start = end + 2) {
        struct sse_message m;
        *end = 0;
        read_message(start, &m);
        message(ctx, &m);
    }
    s->size -= (size_t)(start - s->data);
    memmove(s->data, start, s->size + 1);
    return true;
}
