/* Decoding of paths and queries. What is not well formed is refused rather than repaired. */
#include "base/error.h"
#include "base/params.h"
#include "base/text.h"
#include "http/internal.h"
#include <string.h>

/* The byte that %XX at @at stands for, -1 if it is no escape or NUL (which would cut the text short). */
static int escaped_byte(const char *at)
{
    int high = text_hex_digit(at[1]);
    int low = high >= 0 ? text_hex_digit(at[2]) : -1;
    int byte = low >= 0 ? high * 16 + low : -1;
    return byte == 0 ? -1 : byte;
}

/* Cut the decoded text into segments. */
static void split(struct http_path *path)
{
    path->count = 0;
    const char *at = path->text;
    if (at[1] == '\0')
        return; /* "/" */
    while (*at == '/') {
        const char *end = strchrnul(++at, '/');
        if (path->count == HTTP_SEGMENTS) {
            path->count++;
            return;
        }
        path->segment[path->count++] = (struct http_segment){at, (size_t)(end - at)};
        at = end;
    }
}

/* A path as it mostly comes: visible ASCII and no escape is its own decoded form. */
static bool is_plain(const char *raw)
{
    unsigned char c;
    while ((c = (unsigned char)*raw) && c > ' ' && c < 0x7f && c != '%')
        raw++;
    return c == '\0';
}

/* Decode @raw into @to. Returns NULL, or what is wrong. */
static const char *decode_path(const char *raw, char *to)
{
    const char *start = to;
    for (const char *at = raw; *at; at++) {
        int c = (unsigned char)*at;
        if (c <= ' ' || c == 0x7f)
            return "The path has a character that must be escaped.";
        if (c == '%') {
            c = escaped_byte(at);
            if (c < 0 || c == '/')
                return "The path has a bad escape, or an escaped slash or NUL.";
            at += 2;
        }
        *to++ = (char)c;
    }
    return text_is_utf8(start, (size_t)(to - start)) ? NULL : "The path is not UTF-8.";
}

int http_path_parse(struct arena *a, const char *raw, struct http_path *ret_path, const char **ret_reason)
{
    if (raw[0] != '/') {
        *ret_reason = "The path must start with a slash.";
        return BOX_EBADREQUEST;
    }
    ret_path->text = raw;
    if (!is_plain(raw)) {
        char *text = arena_alloc(a, strlen(raw) + 1);
        const char *reason = decode_path(raw, text);
        if (reason) {
            *ret_reason = reason;
            return BOX_EBADREQUEST;
        }
        ret_path->text = text;
    }
    split(ret_path);
    return 0;
}

/* Decode a name or a value. NULL: it is not well formed. */
static const char *decode_query(struct arena *a, const char *raw, size_t size)
{
    char *text = arena_alloc(a, size + 1), *to = text;
    for (const char *at = raw; at < raw + size; at++) {
        int c = (unsigned char)*at;
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            c = escaped_byte(at); /* never looks behind the end: there is &, = or NUL, and no digit */
            if (c < 0)
                return NULL;
            at += 2;
        }
        *to++ = (char)c;
    }
    return text_is_utf8(text, (size_t)(to - text)) ? text : NULL;
}

int http_query_parse(struct arena *a, const char *raw, struct http_pair **ret_pairs, size_t *ret_count,
                     const char **ret_reason)
{
    struct http_pair *pairs = arena_array(a, LIMIT_QUERY_PARAMS, sizeof(*pairs));
    size_t count = 0;
    for (const char *at = raw, *end; *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, '&');
        if (end == at)
            continue; /* the nothing between two & */
        if (count == LIMIT_QUERY_PARAMS) {
            *ret_reason = "The query has too many parameters.";
            return BOX_EBADREQUEST;
        }
        const char *equals = memchr(at, '=', (size_t)(end - at)), *name_end = equals ? equals : end;
        const char *value = equals ? equals + 1 : end;
        pairs[count].name = decode_query(a, at, (size_t)(name_end - at));
        pairs[count].value = decode_query(a, value, (size_t)(end - value));
        if (!pairs[count].name || !pairs[count].value) {
            *ret_reason = "The query has a bad escape or is not UTF-8.";
            return BOX_EBADREQUEST;
        }
        count++;
    }
    *ret_pairs = pairs;
    *ret_count = count;
    return 0;
}
