/* Cursors of lists as text: base64url of the bytes. */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include "store/store.h"
#include "json/json_out.h"

/* Read a cursor. Returns 0, or BOX_ESYNTAX: no text that cursor_out() ever wrote. */
int cursor_parse(const char *text, struct cursor *ret_cursor);
/* Write the member "next_cursor": null when the cursor is empty. */
void cursor_out(struct json_out *j, const struct cursor *cursor);

/* Cursors that are an id, and those that are a number. */
struct cursor cursor_of_id(const struct uuid *id);
struct cursor cursor_of_number(uint32_t number);
/* The reverse. Return false if it is a cursor of another kind. */
bool cursor_id(const struct cursor *cursor, struct uuid *ret_id);
bool cursor_number(const struct cursor *cursor, uint32_t *ret_number);

#endif
