/*
 * Checking the header of a request beyond what libmicrohttpd 0.9.75 does, so that no two parties can disagree
 * about where a request ends (request smuggling), and so that no odd byte gets any further.
 *
 * MHD parses in place: lines end where it wrote a NUL over CR, LF and colon, and names and values are
 * pointers into the bytes as they came. It takes folded lines for a longer *name*, cuts values at a NUL that
 * the client sent, and lets a space stand before the colon. None of this shows in the parsed fields, but it
 * does in where they lie: each field must start where the one before ended, and the header must end after the
 * last. What does not is refused.
 *
 * What MHD refuses before we are asked gets its own HTML body and ends the connection: what is not HTTP/1, a
 * header beyond its memory (431), a Content-Length that is not a number (whose header it sends twice), broken
 * chunks.
 */
#include "base/must.h"
#include "base/params.h"
#include "http/internal.h"
#include <microhttpd.h>
#include <string.h>
#include <strings.h>

struct reading {
    struct http_head *head;
    const char *next; /* where the next field must start */
    const char *content_length, *transfer_encoding;
    unsigned hosts;
};

/* A browser's header is 600 bytes and more, and each of them is looked at: by a table, or eight at a time. */

#define TOKEN_8(c)                                                                                           \
    [c] = 1, [c + 1] = 1, [c + 2] = 1, [c + 3] = 1, [c + 4] = 1, [c + 5] = 1, [c + 6] = 1, [c + 7] = 1

/* tchar of RFC 9110, 5.6.2. */
static const bool token_chars[256] = {
    TOKEN_8('0'), ['8'] = 1,    ['9'] = 1,    TOKEN_8('A'), TOKEN_8('I'), TOKEN_8('Q'), ['Y'] = 1,
    ['Z'] = 1,    TOKEN_8('a'), TOKEN_8('i'), TOKEN_8('q'), ['y'] = 1,    ['z'] = 1,    ['!'] = 1,
    ['#'] = 1,    ['$'] = 1,    ['%'] = 1,    ['&'] = 1,    ['\''] = 1,   ['*'] = 1,    ['+'] = 1,
    ['-'] = 1,    ['.'] = 1,    ['^'] = 1,    ['_'] = 1,    ['`'] = 1,    ['|'] = 1,    ['~'] = 1,
};

static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!token_chars[(unsigned char)text[i]])
            return false;
    return size > 0;
}

static bool is_value_char(unsigned char c)
{
    return (c >= ' ' || c == '\t') && c != 0x7f;
}

/* No byte of eight is below 0x20 or 0x7f. (What is above 0x7f counts as neither: its top bit is masked out.)
 */
static bool are_plain(const char *text)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t w;
    memcpy(&w, text, sizeof(w));
    uint64_t low = (w - ones * 0x20) & ~w & tops;
    uint64_t del = w ^ ones * 0x7f;
    return !(low | ((del - ones) & ~del & tops));
}

static bool is_field_value(const char *text, size_t size)
{
    size_t i = 0;
    while (size - i >= 8 && are_plain(text + i))
        i += 8;
    for (; i < size; i++)
        if (!is_value_char((unsigned char)text[i]))
            return false;
    return true;
}

/* Behind the NUL or the two (LF or CR LF) that stand at @end of a line. */
static const char *line_after(const char *end)
{
    return end[1] == '\0' ? end + 2 : end + 1;
}

static bool is_name(const char *name, size_t size, const char *wanted, size_t wanted_size)
{
    return size == wanted_size && strncasecmp(name, wanted, size) == 0;
}

#define IS_NAME(name, size, wanted) is_name(name, size, wanted, sizeof(wanted) - 1)

static void note_field(struct reading *r, const char *name, size_t size, const char *value)
{
    if (IS_NAME(name, size, "content-length")) {
        if (r->content_length)
            r->head->fault = "There are two Content-Length fields.";
        r->content_length = value;
    } else if (IS_NAME(name, size, "transfer-encoding")) {
        if (r->transfer_encoding)
            r->head->fault = "There are two Transfer-Encoding fields.";
        r->transfer_encoding = value;
    } else if (IS_NAME(name, size, "host")) {
        r->hosts++;
    } else if (IS_NAME(name, size, "expect")) {
        r->head->expect_continue = strcasecmp(value, "100-continue") == 0;
    }
}

static enum MHD_Result read_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                  const char *value, size_t value_size)
{
    struct reading *r = cls;
    must(kind == MHD_HEADER_KIND && name && value);
    if (name != r->next)
        r->head->fault = "The header has a folded line or a NUL.";
    else if (!is_token(name, name_size) || !is_field_value(value, value_size))
        r->head->fault = "The header has a character that must not be there.";
    else
        note_field(r, name, name_size, value);
    r->next = line_after(value + value_size);
    return r->head->fault ? MHD_NO : MHD_YES;
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

static void check_framing(const struct reading *r, bool http_1_0)
{
    struct http_head *head = r->head;
    if (r->transfer_encoding) {
        if (r->content_length)
            head->fault = "There are both a Content-Length and a Transfer-Encoding.";
        else if (http_1_0 || strcasecmp(r->transfer_encoding, "chunked") != 0)
            head->fault = "The only Transfer-Encoding is chunked, with HTTP/1.1.";
        head->chunked = true;
    } else if (r->content_length && !parse_length(r->content_length, &head->content_length)) {
        head->fault = "The Content-Length is not a number.";
    }
    if (r->hosts > 1 || (r->hosts == 0 && !http_1_0))
        head->fault = "There must be one Host field.";
}

/* After the last field only the empty line may follow. */
static bool ends_well(const char *next, const char *end)
{
    if (next > end || end - next > 2)
        return false;
    for (; next < end; next++)
        if (*next)
            return false;
    return true;
}

void http_head_read(struct MHD_Connection *mhd, const char *method, const char *version,
                    struct http_head *ret_head)
{
    *ret_head = (struct http_head){.content_length = -1};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    must(info);
    size_t size = info->header_size;
    struct reading r = {.head = ret_head, .next = line_after(version + strlen(version))};

    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, read_field, &r);
    if (!ret_head->fault && !ends_well(r.next, method + size))
        ret_head->fault = "The header has a folded line or a NUL.";
    if (!ret_head->fault && size > LIMIT_HEADER_BYTES)
        ret_head->fault = "The header is too long.";
    if (!ret_head->fault && !is_token(method, strlen(method)))
        ret_head->fault = "The method is not well formed.";
    if (!ret_head->fault)
        check_framing(&r, strcmp(version, "HTTP/1.0") == 0);
}

bool http_type_is_json(const char *type)
{
    size_t size = strcspn(type, "; \t");
    return IS_NAME(type, size, "application/json");
}
