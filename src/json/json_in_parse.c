/*
 * From bytes to jansson's tree. Three things are done around jansson:
 *
 * - A byte of 0 is refused first: jansson passes over one that stands behind a number.
 * - Nesting is measured before parsing, because jansson's own limit is 2048 and fixed.
 * - A number that fits neither a 64-bit integer nor a double is well-formed JSON, so it is the value that is
 * wrong (BOX_EINVALID with a pointer), not the text. jansson gives up on it. Then, and only then, a copy is
 * parsed in which such numbers are replaced by one that no reader accepts.
 */
#include "base/buf.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "json/json_in.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct json_in *in, const char *detail)
{
    in->code = BOX_EBADREQUEST;
    in->detail = detail;
    return in->code;
}

/* Step over a string's content; @at is behind its first quote. Returns behind the last one, or @end. */
static const char *skip_string(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    return at < end ? at + 1 : end;
}

static bool is_too_deep(const char *at, const char *end)
{
    int depth = 0;
    while (at < end) {
        switch (*at++) {
        case '"':
            at = skip_string(at, end);
            break;
        case '{':
        case '[':
            if (++depth > LIMIT_JSON_DEPTH)
                return true;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
    }
    return false;
}

static size_t count_digits(const char *at)
{
    return strspn(at, "0123456789");
}

/* True if @text is a number of RFC 8259 and nothing else. */
static bool is_number(const char *text)
{
    text += *text == '-';
    size_t digits = count_digits(text);
    if (digits == 0 || (digits > 1 && *text == '0'))
        return false;
    text += digits;
    if (*text == '.') {
        digits = count_digits(++text);
        if (digits == 0)
            return false;
        text += digits;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '+' || *text == '-';
        digits = count_digits(text);
        return digits > 0 && text[digits] == '\0';
    }
    return *text == '\0';
}

/* True if the @size bytes at @token are a number and more than jansson can hold. The byte behind is writable.
 */
static bool is_overflow(char *token, size_t size)
{
    char behind = token[size];
    token[size] = '\0';
    bool overflow = false;
    if (is_number(token)) {
        errno = 0;
        if (strpbrk(token, ".eE")) {
            overflow = isinf(strtod(token, NULL));
        } else {
            strtoll(token, NULL, 10);
            overflow = errno == ERANGE;
        }
    }
    token[size] = behind;
    return overflow;
}

/* Overwrite each overflowing number by 1e308, which is no integer that anyone reads and no coordinate. */
static void tame_numbers(char *at, const char *end)
{
    static const char stand_in[] = "1e308";
    const size_t stand_in_size = sizeof(stand_in) - 1;
    while (at < end) {
        if (*at == '"') {
            at += skip_string(at + 1, end) - at;
            continue;
        }
        size_t size = 0;
        while (at + size < end && memchr("+-.0123456789eE", at[size], 15))
            size++;
        if (size >= stand_in_size && is_overflow(at, size)) { /* no shorter number overflows */
            memset(at, ' ', size);
            memcpy(at, stand_in, stand_in_size);
        }
        at += size ? size : 1;
    }
}

static json_t *load(const char *data, size_t size, json_error_t *ret_error)
{
    return json_loadb(data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, ret_error);
}

static json_t *load_tamed(const char *data, size_t size, json_error_t *ret_error)
{
    struct buf copy = {0};
    buf_add(&copy, data, size);
    buf_addc(&copy, '\0');
    tame_numbers(copy.data, copy.data + size);
    json_t *root = load(copy.data, size, ret_error);
    buf_done(&copy);
    return root;
}

/* jansson's own words quote the body; these do not. */
static const char *explain(enum json_error_code code)
{
    switch (code) {
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "there is text after the value";
    case json_error_invalid_utf8:
        return "the text is not UTF-8";
    case json_error_duplicate_key:
        return "an object has the same member twice";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "U+0000 is not accepted";
    default:
        return "the text is not well-formed";
    }
}

int json_in_parse(struct json_in *in, struct arena *arena, const char *data, size_t size)
{
    *in = (struct json_in){.arena = arena};
    if (size == 0)
        return 0;
    if (memchr(data, '\0', size))
        return refuse(in, "JSON: U+0000 is not accepted");
    if (is_too_deep(data, data + size))
        return refuse(in, arena_printf(arena, "JSON: nested deeper than %d levels", LIMIT_JSON_DEPTH));

    json_error_t error;
    in->root = load(data, size, &error);
    if (!in->root && json_error_code(&error) == json_error_numeric_overflow)
        in->root = load_tamed(data, size, &error);
    if (in->root)
        return 0;
    must(json_error_code(&error) != json_error_out_of_memory);
    return refuse(in, arena_printf(arena, "JSON: %s (line %d, column %d)", explain(json_error_code(&error)),
                                   error.line, error.column));
}

void json_in_done(struct json_in *in)
{
    json_decref(in->root);
    in->root = NULL;
}
