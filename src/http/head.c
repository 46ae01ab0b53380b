/*
 * Reading the head of a request. picohttpparser cuts it into pieces; here stands everything that it lets
 * through and we do not, so that no two parties can disagree about where a request ends (request smuggling),
 * and so that no odd byte gets any further:
 *
 *  - lines end with CR LF, one space stands between the parts of the request line;
 *  - the version is 1.0 or 1.1;
 *  - no folded lines (the parser itself refuses a space before the colon, NUL and other control characters);
 *  - one Host with 1.1, at most one with 1.0;
 *  - one Content-Length of digits only, or one Transfer-Encoding that is "chunked" and with 1.1, not both.
 *
 * Names and values stay where they are, in the connection's buffer. Whatever stood behind one (a space, a
 * colon, CR) has been read by then and becomes its NUL.
 */
#include "base/must.h"
#include "base/params.h"
#include "http/internal.h"
#include <picohttpparser.h>
#include <string.h>
#include <strings.h>

static const char MALFORMED[] = "The request line or a header field is not well formed.";

/* What is found while the fields are read. */
struct findings {
    const char *content_length, *transfer_encoding;
    unsigned hosts;
    bool close, keep_alive; /* Connection lists these */
};

/* ---- lines ---- */

/* The parser also takes LF alone for the end of a line, and a line that begins with a space for more of the
 * one before. */
static bool is_strict(const struct phr_header *line)
{
    if (!line->name)
        return false;
    const char *end = line->value + line->value_len;
    while (*end == ' ' || *end == '\t')
        end++;
    return *end == '\r';
}

static bool are_strict(const struct phr_header *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_strict(&lines[i]))
            return false;
    return true;
}

/* "GET /path HTTP/1.1\r": nothing before, one space each, the version's digit right before the CR. */
static bool is_request_line(const char *data, const char *method, size_t method_size, const char *target,
                            size_t target_size)
{
    const char *version = target + target_size + 1;
    return method == data && target == method + method_size + 1 && memcmp(version, "HTTP/1.", 7) == 0 &&
           version[8] == '\r';
}

/* ---- fields ---- */

static bool is_name(const char *name, size_t size, const char *wanted, size_t wanted_size)
{
    return size == wanted_size && strncasecmp(name, wanted, size) == 0;
}

#define IS_NAME(name, size, wanted) is_name(name, size, wanted, sizeof(wanted) - 1)

/* "close, keep-alive": a list. */
static void read_connection(struct findings *f, const char *value)
{
    while (*value) {
        value += strspn(value, " \t,");
        size_t size = strcspn(value, " \t,");
        f->close |= IS_NAME(value, size, "close");
        f->keep_alive |= IS_NAME(value, size, "keep-alive");
        value += size;
    }
}

static void note_line(struct http_head *head, struct findings *f, const struct http_line *line)
{
    if (IS_NAME(line->name, line->name_size, "host")) {
        f->hosts++;
    } else if (IS_NAME(line->name, line->name_size, "content-length")) {
        if (f->content_length)
            head->fault = "There are two Content-Length fields.";
        f->content_length = line->value;
    } else if (IS_NAME(line->name, line->name_size, "transfer-encoding")) {
        if (f->transfer_encoding)
            head->fault = "There are two Transfer-Encoding fields.";
        f->transfer_encoding = line->value;
    } else if (IS_NAME(line->name, line->name_size, "connection")) {
        read_connection(f, line->value);
    } else if (IS_NAME(line->name, line->name_size, "expect")) {
        head->expect_continue = strcasecmp(line->value, "100-continue") == 0;
    }
}

/* Digits only: no sign, no list of equal values, nothing that another party could read differently. */
static bool parse_length(const char *text, int64_t *ret_length)
{
    int64_t length = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(length, 10, &length) || __builtin_add_overflow(length, *at - '0', &length))
            return false;
    if (at == text || *at)
        return false;
    *ret_length = length;
    return true;
}

static void check_framing(struct http_head *head, const struct findings *f)
{
    if (f->transfer_encoding) {
        if (f->content_length)
            head->fault = "There are both a Content-Length and a Transfer-Encoding.";
        else if (head->http_1_0 || strcasecmp(f->transfer_encoding, "chunked") != 0)
            head->fault = "The only Transfer-Encoding is chunked, with HTTP/1.1.";
        head->chunked = true;
    } else if (f->content_length && !parse_length(f->content_length, &head->content_length)) {
        head->fault = "The Content-Length is not a number.";
    }
    if (f->hosts > 1 || (f->hosts == 0 && !head->http_1_0))
        head->fault = "There must be one Host field.";
}

/* ---- the head ---- */

/* @text of the buffer, with a NUL behind it. */
static const char *terminate(char *data, const char *text, size_t size)
{
    data[text - data + (ptrdiff_t)size] = '\0';
    return text;
}

static void take_lines(struct arena *a, char *data, const struct phr_header *raw, size_t count,
                       struct http_head *head)
{
    struct findings f = {.hosts = 0};
    head->lines = arena_array(a, count, sizeof *head->lines);
    head->line_count = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        struct http_line *line = &head->lines[i];
        line->name = terminate(data, raw[i].name, raw[i].name_len);
        line->name_size = (uint16_t)raw[i].name_len;
        line->value = terminate(data, raw[i].value, raw[i].value_len);
        line->value_size = (uint16_t)raw[i].value_len;
        note_line(head, &f, line);
    }
    check_framing(head, &f);
    head->keep_alive = !f.close && (!head->http_1_0 || f.keep_alive);
}

size_t http_head_parse(struct arena *a, char *data, size_t size, size_t seen, struct http_head *ret_head)
{
    struct phr_header raw[LIMIT_HEADER_FIELDS];
    size_t count = LIMIT_HEADER_FIELDS, method_size, target_size;
    const char *method, *target;
    int minor;
    must(size <= LIMIT_HEADER_BYTES && seen <= size);
    int used = phr_parse_request(data, size, &method, &method_size, &target, &target_size, &minor, raw,
                                 &count, seen);
    if (used == -2)
        return 0;
    *ret_head = (struct http_head){.method = "", .content_length = -1};
    if (used < 0 || !is_request_line(data, method, method_size, target, target_size) || minor > 1 ||
        !are_strict(raw, count) || data[used - 2] != '\r') {
        ret_head->fault = MALFORMED;
        return used < 0 ? size : (size_t)used;
    }
    ret_head->method = terminate(data, method, method_size);
    ret_head->target = terminate(data, target, target_size);
    ret_head->http_1_0 = minor == 0;
    take_lines(a, data, raw, count, ret_head);
    return (size_t)used;
}

ssize_t http_trailer_parse(const char *data, size_t size)
{
    struct phr_header raw[LIMIT_HEADER_FIELDS];
    size_t count = LIMIT_HEADER_FIELDS;
    int used = phr_parse_headers(data, size, raw, &count, 0);
    if (used == -2)
        return 0;
    return used < 0 || !are_strict(raw, count) || data[used - 2] != '\r' ? -1 : used;
}

bool http_type_is_json(const char *type)
{
    size_t size = strcspn(type, "; \t");
    return IS_NAME(type, size, "application/json");
}
