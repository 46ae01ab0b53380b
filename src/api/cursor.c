#include "api/cursor.h"
#include "base/error.h"
#include "base/text.h"
#include <string.h>

int cursor_parse(const char *text, struct cursor *ret_cursor)
{
    size_t size;
    if (text_from_base64url(text, ret_cursor->bytes, CURSOR_BYTES, &size) || size == 0)
        return BOX_ESYNTAX;
    ret_cursor->size = (uint8_t)size;
    return 0;
}

void cursor_out(struct json_out *j, const struct cursor *cursor)
{
    struct arena scratch;
    arena_init(&scratch, 256);
    const char *text = cursor->size ? text_base64url(&scratch, cursor->bytes, cursor->size) : NULL;
    json_out_member_text(j, "next_cursor", text);
    arena_done(&scratch);
}

struct cursor cursor_of_id(const struct uuid *id)
{
    struct cursor cursor = {.size = sizeof(id->b)};
    memcpy(cursor.bytes, id->b, sizeof(id->b));
    return cursor;
}

struct cursor cursor_of_number(uint32_t number)
{
    struct cursor cursor = {.size = sizeof(number)};
    for (unsigned i = 0; i < sizeof(number); i++)
        cursor.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    return cursor;
}

bool cursor_id(const struct cursor *cursor, struct uuid *ret_id)
{
    if (cursor->size != sizeof(ret_id->b))
        return false;
    memcpy(ret_id->b, cursor->bytes, sizeof(ret_id->b));
    return true;
}

bool cursor_number(const struct cursor *cursor, uint32_t *ret_number)
{
    uint32_t number = 0;
    if (cursor->size != sizeof(number))
        return false;
    for (unsigned i = 0; i < sizeof(number); i++)
        number = number << 8 | cursor->bytes[i];
    *ret_number = number;
    return true;
}
