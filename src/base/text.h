/* Text: base64, base64url, hex, UTF-8. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Append base64 with padding (RFC 4648 section 4). */
void text_base64(struct buf *b, const void *data, size_t size);
/* base64url without padding (section 5) into the arena. */
char *text_base64url(struct arena *a, const void *data, size_t size);
/*
 * Decode base64url without padding into at most @cap bytes; bits that do not matter must be 0. Returns 0 or
 * BOX_ESYNTAX (also where it is longer); @ret_data may then have been written to.
 */
int text_from_base64url(const char *text, void *ret_data, size_t cap, size_t *ret_size);
/* What the hex digit @c counts, in either case; -1 if it is none. */
int text_hex_digit(char c);
/* Append lower-case hex. */
void text_hex(struct buf *b, const void *data, size_t size);
/* Number of code points of valid UTF-8 (NUL-terminated). */
size_t text_chars(const char *utf8);
/*
 * Decode the first code point of @size bytes. Returns its length 1..4, or 0 if it is not well-formed (or size
 * is 0).
 */
size_t text_next(const char *data, size_t size, uint32_t *ret_char);
/* True if @size bytes are well-formed UTF-8 (RFC 3629). */
bool text_is_utf8(const char *data, size_t size);
/* True for a control character (U+0000..001F, U+007F..009F) and for the line and paragraph separators. */
bool text_is_control(uint32_t c);
/* True if there is one of these in the text (or bytes that are not UTF-8). */
bool text_has_control(const char *utf8);

#endif
