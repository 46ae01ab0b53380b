/*
 * From bytes to yyjson's tree. yyjson sees to the grammar, to UTF-8 and to the depth. Its values lie one
 * behind the other in the order of the text, so what it lets pass and we do not is found in one walk over
 * them: members that come twice, objects with too many members, and U+0000 that is written as \u0000.
 *
 * A number that neither a 64-bit integer nor a double can hold is well-formed JSON, so it is the value that
 * is wrong (BOX_EINVALID with a pointer), not the text. yyjson keeps such a number as its text, which no
 * reader takes for a number.
 */
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "base/text.h"
#include "json/json_in.h"
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

_Static_assert(YYJSON_READER_DEPTH_LIMIT == LIMIT_JSON_DEPTH, "CMakeLists.txt tells yyjson the same depth");

/* ---- memory ---- */

/* A body of this size has its tree in the arena; a larger one in memory that need not be zeroed first. */
enum { SMALL_BODY = 1024 };

static void *arena_take(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void *arena_grow(void *arena, void *old, size_t old_size, size_t size)
{
    return memcpy(arena_alloc(arena, size), old, old_size);
}

static void arena_keep(void *arena, void *memory)
{
    (void)arena;
    (void)memory; /* until the arena goes */
}

static yyjson_doc *load(struct arena *arena, const char *data, size_t size, yyjson_read_err *ret_error)
{
    const yyjson_alc in_arena = {arena_take, arena_grow, arena_keep, arena};
    /* Without YYJSON_READ_INSITU the text is only read, whatever the parameter's type says. */
    return yyjson_read_opts((char *)(uintptr_t)data, size, YYJSON_READ_BIGNUM_AS_RAW,
                            size <= SMALL_BODY ? &in_arena : NULL, ret_error);
}

/* ---- refusing ---- */

static int refuse(struct json_in *in, const char *data, size_t size, size_t at, const char *why)
{
    size_t line, column;
    must(yyjson_locate_pos(data, size, at, &line, &column, NULL));
    json_in_done(in);
    in->code = BOX_EBADREQUEST;
    in->detail = arena_printf(in->arena, "JSON: %s (line %zu, column %zu)", why, line, column);
    return in->code;
}

/* Our own words for what yyjson found. */
static const char *explain(struct arena *arena, const char *data, size_t size, const yyjson_read_err *error)
{
    uint32_t c;
    must(error->code != YYJSON_READ_ERROR_MEMORY_ALLOCATION); /* out of memory ends the program */
    if (error->code == YYJSON_READ_ERROR_UNEXPECTED_END || error->code == YYJSON_READ_ERROR_EMPTY_CONTENT)
        return "the text ends too early";
    if (error->code == YYJSON_READ_ERROR_DEPTH)
        return arena_printf(arena, "nested deeper than %d levels", LIMIT_JSON_DEPTH);
    if (text_next(data + error->pos, size - error->pos, &c) == 0)
        return "the text is not UTF-8";
    if (error->code == YYJSON_READ_ERROR_UNEXPECTED_CONTENT)
        return "there is text after the value";
    return "the text is not well-formed";
}

/* ---- what yyjson lets pass ---- */

static bool has_nul(const yyjson_val *text)
{
    return memchr(yyjson_get_str(text), '\0', yyjson_get_len(text));
}

/* Same names beside each other, and those in the order of the text. */
static int compare_keys(const void *a, const void *b)
{
    const yyjson_val *left = *(const yyjson_val *const *)a, *right = *(const yyjson_val *const *)b;
    size_t size = yyjson_get_len(left), right_size = yyjson_get_len(right);
    if (size != right_size)
        return size < right_size ? -1 : 1;
    int order = memcmp(yyjson_get_str(left), yyjson_get_str(right), size);
    return order ? order : (left > right) - (left < right);
}

static bool same_key(const yyjson_val *a, const yyjson_val *b)
{
    size_t size = yyjson_get_len(a);
    return size == yyjson_get_len(b) && memcmp(yyjson_get_str(a), yyjson_get_str(b), size) == 0;
}

static const yyjson_val *find_among_few(const yyjson_val *const *keys, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (same_key(keys[k], keys[i]))
                return keys[i];
    return NULL;
}

static const yyjson_val *find_among_many(const yyjson_val **keys, size_t count)
{
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < count; i++)
        if (same_key(keys[i - 1], keys[i]))
            return keys[i];
    return NULL;
}

/* The key of a member whose name an earlier one has; NULL if there is none. */
static const yyjson_val *find_twin(yyjson_val *object)
{
    enum { FEW = 16 };
    const yyjson_val *few[FEW];
    size_t count = yyjson_obj_size(object);
    const yyjson_val **keys = count <= FEW ? few : malloc(count * sizeof(*keys));
    must(keys);

    size_t i, end;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, i, end, key, value) keys[i] = key;
    const yyjson_val *twin = count <= FEW ? find_among_few(keys, count) : find_among_many(keys, count);
    if (keys != few)
        free(keys);
    return twin;
}

/* Why @value is refused, and the text that shows where (*ret_where); NULL if it is not. */
static const char *judge(struct arena *arena, yyjson_val *value, const yyjson_val **ret_where)
{
    if (yyjson_is_str(value)) {
        *ret_where = value;
        return has_nul(value) ? "U+0000 is not accepted" : NULL;
    }
    if (!yyjson_is_obj(value))
        return NULL;
    if (yyjson_obj_size(value) > LIMIT_JSON_MEMBERS) {
        *ret_where = value + 1;
        return arena_printf(arena, "an object has more than %d members", LIMIT_JSON_MEMBERS);
    }
    *ret_where = find_twin(value);
    return *ret_where ? "an object has the same member twice" : NULL;
}

int json_in_parse(struct json_in *in, struct arena *arena, const char *data, size_t size)
{
    *in = (struct json_in){.arena = arena};
    if (size == 0)
        return 0;
    const char *nul = memchr(data, '\0', size);
    if (nul)
        return refuse(in, data, size, (size_t)(nul - data), "U+0000 is not accepted");

    yyjson_read_err error;
    yyjson_doc *doc = in->doc = load(arena, data, size, &error);
    if (!doc)
        return refuse(in, data, size, error.pos, explain(arena, data, size, &error));
    for (size_t i = 0; i < yyjson_doc_get_val_count(doc); i++) {
        const yyjson_val *where = NULL;
        const char *why = judge(arena, doc->root + i, &where);
        if (why) /* strings stand where they stood in the text, behind their quotes */
            return refuse(in, data, size, (size_t)(yyjson_get_str(where) - doc->str_pool) - 1, why);
    }
    return 0;
}

void json_in_done(struct json_in *in)
{
    yyjson_doc_free(in->doc);
    in->doc = NULL;
}
