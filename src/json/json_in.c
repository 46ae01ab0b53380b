#include "json/json_in.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "base/text.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <yyjson.h>

_Static_assert((int)JSON_NODE_LEVELS > (int)LIMIT_JSON_DEPTH,
               "every level that a body may have is remembered");

int json_in_status(const struct json_in *in)
{
    return in->code;
}

struct json_node json_in_root(struct json_in *in)
{
    return (struct json_node){.in = in, .value = yyjson_doc_get_root(in->doc)};
}

/* The arena's copy of @node, for nodes below it. The same node is asked for again and again: once per member.
 */
static const struct json_node *keep(struct json_node node)
{
    struct json_in *in = node.in;
    struct json_level *level = node.level < JSON_NODE_LEVELS ? &in->levels[node.level] : NULL;
    const struct json_node *last = level ? level->up : NULL;
    if (last && last->value == node.value && last->up == node.up && last->key == node.key &&
        last->index == node.index)
        return last;
    const struct json_node *copy = arena_copy(in->arena, &node, sizeof(node));
    if (level)
        *level = (struct json_level){.up = copy};
    return copy;
}

/* Append @node's token to its pointer. Returns false, nothing appended, where the whole would be too long. */
static bool add_token(struct buf *b, const struct json_node *node)
{
    size_t start = b->size;
    buf_addc(b, '/');
    if (!node->key)
        buf_printf(b, "%zu", node->index);
    for (const char *c = node->key; c && *c && b->size <= JSON_POINTER_BYTES; c++) {
        if (*c == '~' || *c == '/')
            buf_adds(b, *c == '~' ? "~0" : "~1");
        else
            buf_addc(b, *c);
    }
    if (b->size <= JSON_POINTER_BYTES)
        return true;
    b->size = start;
    return false;
}

static bool add_pointer(struct buf *b, const struct json_node *node)
{
    return !node->up || (add_pointer(b, node->up) && add_token(b, node));
}

static const char *pointer_of(struct json_node node)
{
    struct buf b = {0};
    add_pointer(&b, &node);
    const char *pointer = arena_strndup(node.in->arena, b.data, b.size);
    buf_done(&b);
    return pointer;
}

/* Count a fault. Returns where its words go, or NULL when enough have been recorded. */
static struct json_error *add_error(struct json_in *in)
{
    if (in->code == BOX_OK)
        in->code = BOX_EINVALID;
    if (++in->error_count > LIMIT_JSON_ERRORS)
        return NULL;
    struct json_error *error = arena_alloc(in->arena, sizeof(*error));
    if (in->last_error)
        in->last_error->next = error;
    else
        in->errors = error;
    in->last_error = error;
    return error;
}

void json_in_fault(struct json_node node, const char *format, ...)
{
    struct json_error *error = add_error(node.in);
    if (!error)
        return;
    va_list args;
    va_start(args, format);
    error->pointer = pointer_of(node);
    error->detail = arena_vprintf(node.in->arena, format, args);
    va_end(args);
}

void json_in_fault_at(struct json_in *in, const char *pointer, const char *format, ...)
{
    struct json_error *error = add_error(in);
    if (!error)
        return;
    va_list args;
    va_start(args, format);
    error->pointer = arena_strdup(in->arena, pointer);
    error->detail = arena_vprintf(in->arena, format, args);
    va_end(args);
}

/* Record that @node, which is missing or of another type, should be @what. */
static void fault_type(struct json_node node, const char *what)
{
    if (node.value)
        json_in_fault(node, "must be %s", what);
    else
        json_in_fault(node, "is missing; it must be %s", what);
}

static void fault_unknown(struct json_node object, const char *name)
{
    enum { SHOWN = 64 };
    struct json_in *in = object.in;
    if (in->code == BOX_EBADREQUEST)
        return; /* one is enough: none of the rest is looked at */
    size_t size = strlen(name);
    for (size_t cut = SHOWN; size > SHOWN && cut > SHOWN - 4; cut--)
        if (text_is_utf8(name, cut))
            size = cut;
    const char *pointer = pointer_of(object);
    in->code = BOX_EBADREQUEST;
    in->detail = arena_printf(in->arena, "JSON: unknown member \"%.*s\" in %s", (int)size, name,
                              pointer[0] ? pointer : "the body");
}

static bool is_known(const char *const *known, const char *name)
{
    for (; *known; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

/* The key that follows @key in @object, the first after NULL; NULL at the end and where @object is none. */
static yyjson_val *next_key(yyjson_val *object, yyjson_val *key)
{
    if (!yyjson_is_obj(object))
        return NULL;
    key = key ? unsafe_yyjson_get_next(key + 1) : object + 1;
    return key < unsafe_yyjson_get_next(object) ? key : NULL;
}

bool json_in_object(struct json_node node, const char *const *known)
{
    if (!yyjson_is_obj(node.value)) {
        fault_type(node, "an object");
        return false;
    }
    if (!known)
        return true;
    for (yyjson_val *key = next_key(node.value, NULL); key; key = next_key(node.value, key)) {
        if (!is_known(known, yyjson_get_str(key))) {
            fault_unknown(node, yyjson_get_str(key));
            break;
        }
    }
    return true;
}

struct json_node json_in_no_member(struct json_node object, const char *name)
{
    return (struct json_node){
        .in = object.in,
        .up = keep(object),
        .key = name,
        .level = object.level + 1,
    };
}

struct json_node json_in_member(struct json_node object, const char *name)
{
    struct json_node member = json_in_no_member(object, name);
    member.value = yyjson_obj_get(object.value, name); /* NULL where object is none */
    return member;
}

bool json_in_absent(struct json_node node)
{
    return !node.value || yyjson_is_null(node.value);
}

bool json_in_missing(struct json_node node)
{
    return !node.value;
}

bool json_in_is_object(struct json_node node)
{
    return yyjson_is_obj(node.value);
}

bool json_in_is_array(struct json_node node)
{
    return yyjson_is_arr(node.value);
}

bool json_in_is_text(struct json_node node)
{
    return yyjson_is_str(node.value);
}

bool json_in_is_int(struct json_node node)
{
    /* Those that are not negative are kept unsigned, also above INT64_MAX. */
    return yyjson_is_sint(node.value) ||
           (yyjson_is_uint(node.value) && yyjson_get_uint(node.value) <= INT64_MAX);
}

bool json_in_array(struct json_node node, size_t min, size_t max, size_t *ret_count)
{
    *ret_count = 0;
    if (!yyjson_is_arr(node.value)) {
        fault_type(node, "an array");
        return false;
    }
    size_t count = yyjson_arr_size(node.value);
    if (count < min || count > max) {
        json_in_fault(node, "must have %zu to %zu items", min, max);
        return false;
    }
    *ret_count = count;
    return true;
}

/*
 * Item @index of @array, which was kept last on its level; NULL past the end and where @array is none.
 * yyjson's arrays are lists as soon as they hold lists, so the search goes on from the item that was read
 * last.
 */
static yyjson_val *find_item(struct json_node array, size_t index)
{
    if (index >= yyjson_arr_size(array.value))
        return NULL;
    must(array.level < JSON_NODE_LEVELS); /* no body is deeper */
    struct json_level *level = &array.in->levels[array.level];
    if (!level->item || level->index > index) {
        level->item = yyjson_arr_get_first(array.value);
        level->index = 0;
    }
    for (; level->index < index; level->index++)
        level->item = unsafe_yyjson_get_next(level->item);
    return level->item;
}

struct json_node json_in_item(struct json_node array, size_t index)
{
    const struct json_node *up = keep(array);
    return (struct json_node){
        .in = array.in,
        .value = find_item(array, index),
        .up = up,
        .index = index,
        .level = array.level + 1,
    };
}

/* The text of @node, or NULL (recorded) when it is none. */
static const char *text_of(struct json_node node, const char *what)
{
    const char *text = yyjson_get_str(node.value);
    if (!text)
        fault_type(node, what);
    return text;
}

const char *json_in_text(struct json_node node, size_t min, size_t max)
{
    const char *text = text_of(node, "a text");
    if (!text)
        return NULL;
    size_t chars = text_chars(text);
    if (chars < min || chars > max) {
        json_in_fault(node, "must have %zu to %zu characters", min, max);
        return NULL;
    }
    if (text_has_control(text)) {
        json_in_fault(node, "must not contain control characters");
        return NULL;
    }
    return text;
}

int64_t json_in_int(struct json_node node, int64_t min, int64_t max)
{
    must(min <= max);
    int64_t value = yyjson_get_sint(node.value); /* 0 where it is none */
    if (json_in_is_int(node) && value >= min && value <= max)
        return value;
    json_in_fault(node, "%smust be an integer from %" PRId64 " to %" PRId64,
                  node.value ? "" : "is missing; it ", min, max);
    return min;
}

bool json_in_bool(struct json_node node)
{
    if (!yyjson_is_bool(node.value))
        fault_type(node, "true or false");
    return yyjson_is_true(node.value);
}

struct uuid json_in_uuid(struct json_node node)
{
    struct uuid uuid = UUID_NIL;
    const char *text = text_of(node, "a UUID");
    if (text && uuid_parse(text, &uuid) != 0)
        json_in_fault(node, "must be a UUID");
    return uuid;
}

int64_t json_in_time(struct json_node node)
{
    int64_t ms = 0;
    const char *text = text_of(node, "an RFC 3339 time");
    if (text && time_parse(text, &ms) != 0)
        json_in_fault(node, "must be an RFC 3339 time such as 2026-11-22T10:00:00Z");
    return ms;
}

int32_t json_in_coordinate(struct json_node node)
{
    if (!yyjson_is_num(node.value) && !yyjson_is_raw(node.value)) {
        fault_type(node, "a number");
        return 0;
    }
    /* Raw is a number that is too big for a double. */
    double value = yyjson_is_raw(node.value) ? HUGE_VAL : round(yyjson_get_num(node.value));
    if (!(fabs(value) <= LIMIT_COORDINATE)) {
        json_in_fault(node, "must be a number from %d to %d", -LIMIT_COORDINATE, LIMIT_COORDINATE);
        return 0;
    }
    return (int32_t)value;
}

bool json_in_next_member(struct json_node object, void **iter, const char **ret_name,
                         struct json_node *ret_value)
{
    yyjson_val *key = next_key(object.value, *iter);
    *iter = key;
    if (!key)
        return false;
    *ret_name = yyjson_get_str(key);
    *ret_value = (struct json_node){
        .in = object.in,
        .value = key + 1,
        .up = keep(object),
        .key = *ret_name,
        .level = object.level + 1,
    };
    return true;
}
