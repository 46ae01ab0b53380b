#include "base/text.h"
#include "base/error.h"
#include "base/must.h"
#include <string.h>

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Encode without padding; @to has room for 4 characters for each 3 bytes begun. Returns the end. */
static char *encode(char *to, const uint8_t *from, size_t size, const char *alphabet)
{
    for (; size >= 3; from += 3, size -= 3) {
        uint32_t bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        *to++ = alphabet[bits >> 18];
        *to++ = alphabet[bits >> 12 & 63];
        *to++ = alphabet[bits >> 6 & 63];
        *to++ = alphabet[bits & 63];
    }
    if (size) {
        uint32_t bits = (uint32_t)from[0] << 16 | (size == 2 ? (uint32_t)from[1] << 8 : 0);
        *to++ = alphabet[bits >> 18];
        *to++ = alphabet[bits >> 12 & 63];
        if (size == 2)
            *to++ = alphabet[bits >> 6 & 63];
    }
    return to;
}

void text_base64(struct buf *b, const void *data, size_t size)
{
    must(size <= SIZE_MAX / 4);
    char *start = buf_reserve(b, (size + 2) / 3 * 4);
    char *to = encode(start, data, size, BASE64);
    while ((to - start) % 4)
        *to++ = '=';
    b->size += (size_t)(to - start);
}

char *text_base64url(struct arena *a, const void *data, size_t size)
{
    must(size <= SIZE_MAX / 4);
    char *text = arena_alloc(a, (size + 2) / 3 * 4 + 1);
    *encode(text, data, size, BASE64URL) = '\0';
    return text;
}

/* What each character counts, + 1; 0: it is none of the alphabet. */
static const uint8_t BASE64URL_VALUES[256] = {
    ['A'] = 1, 2,  3,  4,  5,          6,  7,  8,  9,  10, 11,         12, 13, 14, 15,         16,
    17,        18, 19, 20, 21,         22, 23, 24, 25, 26, ['a'] = 27, 28, 29, 30, 31,         32,
    33,        34, 35, 36, 37,         38, 39, 40, 41, 42, 43,         44, 45, 46, 47,         48,
    49,        50, 51, 52, ['0'] = 53, 54, 55, 56, 57, 58, 59,         60, 61, 62, ['-'] = 63, ['_'] = 64,
};

int text_from_base64url(const char *text, void *ret_data, size_t cap, size_t *ret_size)
{
    uint8_t *data = ret_data;
    size_t size = 0;
    uint32_t bits = 0;
    unsigned count = 0; /* bits that wait for a whole byte */
    for (; *text; text++) {
        uint32_t value = BASE64URL_VALUES[(unsigned char)*text];
        if (!value)
            return BOX_ESYNTAX;
        bits = bits << 6 | (value - 1);
        count += 6;
        if (count < 8)
            continue;
        if (size == cap)
            return BOX_ESYNTAX;
        count -= 8;
        data[size++] = (uint8_t)(bits >> count);
        bits &= (1u << count) - 1;
    }
    if (bits || count == 6)
        return BOX_ESYNTAX; /* a second text for the same bytes, or one character too many */
    *ret_size = size;
    return 0;
}

void text_hex(struct buf *b, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    must(size <= SIZE_MAX / 4);
    const uint8_t *from = data;
    char *to = buf_reserve(b, 2 * size);
    for (size_t i = 0; i < size; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    b->size += 2 * size;
}

size_t text_chars(const char *utf8)
{
    size_t count = 0;
    for (; *utf8; utf8++)
        count += ((unsigned char)*utf8 & 0xc0) != 0x80;
    return count;
}

size_t text_next(const char *data, size_t size, uint32_t *ret_char)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* no overlong forms */
    if (size == 0)
        return 0;
    const uint8_t *p = (const uint8_t *)data;
    size_t length = p[0] < 0x80             ? 1
                    : (p[0] & 0xe0) == 0xc0 ? 2
                    : (p[0] & 0xf0) == 0xe0 ? 3
                    : (p[0] & 0xf8) == 0xf0 ? 4
                                            : 0;
    if (length == 0 || length > size)
        return 0;
    uint32_t c = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret_char = c;
    return length;
}

/* By a table: each request's path is read with it. A digit's place has its value + 1. */
int text_hex_digit(char c)
{
    static const uint8_t digits[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return digits[(uint8_t)c] - 1;
}

bool text_is_utf8(const char *data, size_t size)
{
    while (size) {
        uint32_t c;
        size_t length = text_next(data, size, &c);
        if (length == 0)
            return false;
        data += length;
        size -= length;
    }
    return true;
}

bool text_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

bool text_has_control(const char *utf8)
{
    size_t size = strlen(utf8);
    while (size) {
        uint32_t c;
        size_t length = text_next(utf8, size, &c);
        if (length == 0 || text_is_control(c))
            return true; /* what is not UTF-8 is not text either */
        utf8 += length;
        size -= length;
    }
    return false;
}
