#include "json/json_out.h"
#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include <string.h>

enum { DEPTH_MAX = 64, INT_TEXT = 20 };

void json_out_init(struct json_out *j, struct buf *buf)
{
    *j = (struct json_out){.buf = buf};
}

void json_out_resume(struct json_out *j, struct buf *buf)
{
    *j = (struct json_out){.buf = buf, .comma = true, .depth = 1, .objects = 1};
}

static bool in_object(const struct json_out *j)
{
    return j->depth > 0 && (j->objects >> (j->depth - 1) & 1);
}

/* What comes before a value: the comma, unless it is a member's value. */
static void before_value(struct json_out *j)
{
    must(j->keyed || !in_object(j));
    if (j->comma)
        buf_addc(j->buf, ',');
    j->comma = true;
    j->keyed = false;
}

static void open_level(struct json_out *j, char bracket, bool object)
{
    before_value(j);
    must(j->depth < DEPTH_MAX);
    uint64_t bit = UINT64_C(1) << j->depth++;
    j->objects = object ? j->objects | bit : j->objects & ~bit;
    buf_addc(j->buf, bracket);
    j->comma = false;
}

static void close_level(struct json_out *j, char bracket, bool object)
{
    must(j->depth > 0 && in_object(j) == object && !j->keyed);
    j->depth--;
    buf_addc(j->buf, bracket);
    j->comma = true;
}

void json_out_object(struct json_out *j)
{
    open_level(j, '{', true);
}

void json_out_end_object(struct json_out *j)
{
    close_level(j, '}', true);
}

void json_out_array(struct json_out *j)
{
    open_level(j, '[', false);
}

void json_out_end_array(struct json_out *j)
{
    close_level(j, ']', false);
}

void json_out_key(struct json_out *j, const char *name)
{
    must(!j->keyed && (j->depth == 0 || in_object(j)));
    size_t size = strlen(name);
    char *to = buf_reserve(j->buf, size + 4);
    size_t at = 0;
    if (j->comma)
        to[at++] = ',';
    to[at++] = '"';
    memcpy(to + at, name, size);
    at += size;
    to[at++] = '"';
    to[at++] = ':';
    j->buf->size += at;
    j->comma = false;
    j->keyed = true;
}

/* Bytes of @text up to the next one that is written otherwise, or that may begin U+2028 or U+2029. */
static size_t plain_run(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c >= 0x20 && *c != '"' && *c != '\\' && *c != 0xe2)
        c++;
    return (size_t)(c - (const unsigned char *)text);
}

/* Write the one character at @text, which ended a plain run. Returns how many bytes it has. */
static size_t escape(struct buf *b, const char *text)
{
    static const char names[] = "btnvfr"; /* U+0008..000D; JSON has no \v */
    unsigned char c = (unsigned char)*text;
    if (c == 0xe2) {
        bool separator = (unsigned char)text[1] == 0x80 && ((unsigned char)text[2] & 0xfe) == 0xa8;
        if (separator)
            buf_adds(b, (unsigned char)text[2] == 0xa8 ? "\\u2028" : "\\u2029");
        else
            buf_addc(b, *text);
        return separator ? 3 : 1;
    }
    if (c == '"' || c == '\\') {
        buf_addc(b, '\\');
        buf_addc(b, *text);
    } else if (c >= 8 && c <= 13 && c != 11) {
        buf_addc(b, '\\');
        buf_addc(b, names[c - 8]);
    } else {
        buf_printf(b, "\\u%04x", c);
    }
    return 1;
}

static void put_quoted(struct buf *b, const char *text)
{
    buf_addc(b, '"');
    for (;;) {
        size_t run = plain_run(text);
        buf_add(b, text, run);
        text += run;
        if (!*text)
            break;
        text += escape(b, text);
    }
    buf_addc(b, '"');
}

void json_out_text(struct json_out *j, const char *text)
{
    if (!text) {
        json_out_null(j);
        return;
    }
    before_value(j);
    put_quoted(j->buf, text);
}

void json_out_key_text(struct json_out *j, const char *name)
{
    must(!j->keyed && in_object(j));
    j->keyed = true; /* the name is written as a value would be; its comma is its own */
    json_out_text(j, name);
    buf_addc(j->buf, ':');
    j->comma = false;
    j->keyed = true;
}

void json_out_int(struct json_out *j, int64_t value)
{
    before_value(j);
    char digits[INT_TEXT];
    char *at = digits + INT_TEXT;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        *--at = '-';
    buf_add(j->buf, at, (size_t)(digits + INT_TEXT - at));
}

void json_out_bool(struct json_out *j, bool value)
{
    before_value(j);
    buf_adds(j->buf, value ? "true" : "false");
}

void json_out_null(struct json_out *j)
{
    before_value(j);
    buf_add(j->buf, "null", 4);
}

void json_out_uuid(struct json_out *j, const struct uuid *u)
{
    before_value(j);
    char *to = buf_reserve(j->buf, UUID_TEXT + 2);
    to[0] = '"';
    uuid_format(u, to + 1);
    to[UUID_TEXT + 1] = '"';
    j->buf->size += UUID_TEXT + 2;
}

void json_out_uuid_or_null(struct json_out *j, const struct uuid *u)
{
    if (uuid_is_nil(u))
        json_out_null(j);
    else
        json_out_uuid(j, u);
}

void json_out_time(struct json_out *j, int64_t ms)
{
    before_value(j);
    char *to = buf_reserve(j->buf, TIME_TEXT + 2);
    to[0] = '"';
    time_format(ms, to + 1);
    to[TIME_TEXT + 1] = '"';
    j->buf->size += TIME_TEXT + 2;
}

void json_out_time_or_null(struct json_out *j, int64_t ms)
{
    if (ms == 0)
        json_out_null(j);
    else
        json_out_time(j, ms);
}

void json_out_raw(struct json_out *j, const void *json, size_t size)
{
    must(size > 0);
    before_value(j);
    buf_add(j->buf, json, size);
}

void json_out_base64(struct json_out *j, const void *data, size_t size)
{
    before_value(j);
    buf_addc(j->buf, '"');
    text_base64(j->buf, data, size);
    buf_addc(j->buf, '"');
}

void json_out_member_text(struct json_out *j, const char *name, const char *text)
{
    json_out_key(j, name);
    json_out_text(j, text);
}

void json_out_member_int(struct json_out *j, const char *name, int64_t value)
{
    json_out_key(j, name);
    json_out_int(j, value);
}

void json_out_member_bool(struct json_out *j, const char *name, bool value)
{
    json_out_key(j, name);
    json_out_bool(j, value);
}

void json_out_member_uuid(struct json_out *j, const char *name, const struct uuid *u)
{
    json_out_key(j, name);
    json_out_uuid(j, u);
}

void json_out_member_uuid_or_null(struct json_out *j, const char *name, const struct uuid *u)
{
    json_out_key(j, name);
    json_out_uuid_or_null(j, u);
}

void json_out_member_time(struct json_out *j, const char *name, int64_t ms)
{
    json_out_key(j, name);
    json_out_time(j, ms);
}

void json_out_member_time_or_null(struct json_out *j, const char *name, int64_t ms)
{
    json_out_key(j, name);
    json_out_time_or_null(j, ms);
}
