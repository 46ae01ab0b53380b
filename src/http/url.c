/* Decoding of paths and queries. What is not well formed is refused rather than repaired. */
#include "base/error.h"
#include "base/must.h"
#include "base/text.h"
#include "http/internal.h"
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that %XX at @at stands for, -1 if it is no escape or NUL (which would cut the text short). */
static int escaped_byte(const char *at)
{
    int high = hex_digit(at[1]);
    int low = high >= 0 ? hex_digit(at[2]) : -1;
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

int http_path_parse(struct arena *a, const char *raw, struct http_path *ret_path, const char **ret_reason)
{
    if (raw[0] != '/') {
        *ret_reason = "The path must start with a slash.";
        return BOX_EBADREQUEST;
    }
    size_t size = strlen(raw);
    char *text = arena_alloc(a, size + 1), *to = text;
    bool ascii = true;
    for (const char *at = raw; *at; at++) {
        int c = (unsigned char)*at;
        if (c <= ' ' || c == 0x7f) {
            *ret_reason = "The path has a character that must be escaped.";
            return BOX_EBADREQUEST;
        }
        if (c == '%') {
            c = escaped_byte(at);
            if (c < 0 || c == '/') {
                *ret_reason = "The path has a bad escape, or an escaped slash or NUL.";
                return BOX_EBADREQUEST;
            }
            at += 2;
        }
        ascii = ascii && c < 0x80;
        *to++ = (char)c;
    }
    if (!ascii && !text_is_utf8(text, (size_t)(to - text))) {
        *ret_reason = "The path is not UTF-8.";
        return BOX_EBADREQUEST;
    }
    ret_path->text = text;
    split(ret_path);
    return 0;
}

const char *http_query_decode(struct arena *a, const char *raw)
{
    size_t size = strlen(raw);
    char *text = arena_alloc(a, size + 1), *to = text;
    for (const char *at = raw; *at; at++) {
        int c = (unsigned char)*at;
        if (c == '%') {
            c = escaped_byte(at);
            if (c < 0)
                return NULL;
            at += 2;
        }
        *to++ = (char)c;
    }
    return text_is_utf8(text, (size_t)(to - text)) ? text : NULL;
}
