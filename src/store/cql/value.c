#include "store/cql/value.h"
#include "base/must.h"
#include <endian.h>
#include <string.h>

/* ---- binding ---- */

void cql_values_init(struct cql_values *v, struct arena *arena)
{
    *v = (struct cql_values){.arena = arena};
}

static void add_cell(struct cql_values *v, const uint8_t *data, int32_t size)
{
    if (v->count == v->cap) {
        size_t cap = v->cap ? 2 * v->cap : 16;
        struct cql_cell *cells = arena_array(v->arena, cap, sizeof(*cells));
        if (v->count)
            memcpy(cells, v->cells, v->count * sizeof(*cells));
        v->cells = cells;
        v->cap = cap;
    }
    v->cells[v->count++] = (struct cql_cell){.data = data, .size = size};
}

void bind_blob(struct cql_values *v, const void *data, size_t size)
{
    must(size <= INT32_MAX);
    add_cell(v, arena_copy(v->arena, data, size), (int32_t)size);
}

void bind_uuid(struct cql_values *v, const struct uuid *u)
{
    bind_blob(v, u->b, sizeof(u->b));
}

void bind_text(struct cql_values *v, const char *text)
{
    bind_blob(v, text, strlen(text));
}

void bind_boolean(struct cql_values *v, bool value)
{
    const uint8_t b = value;
    bind_blob(v, &b, 1);
}

void bind_tinyint(struct cql_values *v, int8_t value)
{
    bind_blob(v, &value, 1);
}

void bind_int(struct cql_values *v, int32_t value)
{
    const uint32_t b = htobe32((uint32_t)value);
    bind_blob(v, &b, sizeof(b));
}

void bind_bigint(struct cql_values *v, int64_t value)
{
    const uint64_t b = htobe64((uint64_t)value);
    bind_blob(v, &b, sizeof(b));
}

void bind_timestamp(struct cql_values *v, int64_t ms)
{
    bind_bigint(v, ms);
}

/* int scale | varint: two's complement, big-endian, in as few bytes as show its sign. */
void bind_decimal(struct cql_values *v, struct decimal d)
{
    uint8_t b[4 + 8] = {0, 0, 0, d.scale};
    const uint64_t unscaled = htobe64((uint64_t)d.unscaled);
    uint8_t bytes[8];
    size_t first = 0;
    memcpy(bytes, &unscaled, sizeof(bytes));
    const uint8_t sign = d.unscaled < 0 ? 0xff : 0;
    while (first < 7 && bytes[first] == sign && (bytes[first + 1] & 0x80) == (sign & 0x80))
        first++;
    memcpy(b + 4, bytes + first, 8 - first);
    bind_blob(v, b, 4 + 8 - first);
}

void bind_money(struct cql_values *v, struct money m, const struct currency *currency)
{
    bind_decimal(v, (struct decimal){.unscaled = m.minor, .scale = currency->exponent});
}

void bind_uuid_text(struct cql_values *v, const struct uuid *u)
{
    char text[UUID_TEXT + 1];
    uuid_format(u, text);
    bind_text(v, text);
}

void bind_null(struct cql_values *v)
{
    add_cell(v, NULL, CQL_NULL);
}

void bind_unset(struct cql_values *v)
{
    add_cell(v, NULL, CQL_UNSET);
}

void bind_uuid_or_null(struct cql_values *v, const struct uuid *u)
{
    if (uuid_is_nil(u))
        bind_null(v);
    else
        bind_uuid(v, u);
}

void bind_timestamp_or_null(struct cql_values *v, int64_t ms)
{
    if (ms == 0)
        bind_null(v);
    else
        bind_timestamp(v, ms);
}

/* ---- reading ---- */

struct cql_row cql_row_at(const struct cql_result *result, size_t row)
{
    must(row < cql_rows(result));
    return (struct cql_row){.result = result, .row = row};
}

bool row_ok(const struct cql_row *r)
{
    return !r->failed;
}

void row_fail(struct cql_row *r)
{
    r->failed = true;
}

bool row_column(const struct cql_row *r, const char *name)
{
    return cql_column_find(r->result, name) >= 0;
}

/* The cell of a column; NULL after a fault. */
static struct cql_cell cell(struct cql_row *r, const char *name)
{
    const struct cql_cell none = {.data = NULL, .size = CQL_NULL};
    int column = r->failed ? -1 : cql_column_find(r->result, name);
    if (column < 0) {
        r->failed = true;
        return none;
    }
    return cql_value(r->result, r->row, (size_t)column);
}

bool row_has(struct cql_row *r, const char *name)
{
    return cell(r, name).size >= 0;
}

/* The bytes of a value that has @size of them; NULL where there is none. */
static const uint8_t *sized(struct cql_row *r, const char *name, int32_t size)
{
    struct cql_cell c = cell(r, name);
    if (c.size < 0)
        return NULL;
    if (c.size != size) {
        r->failed = true;
        return NULL;
    }
    return c.data;
}

struct uuid row_uuid(struct cql_row *r, const char *name)
{
    struct uuid u = UUID_NIL;
    const uint8_t *b = sized(r, name, sizeof(u.b));
    if (b)
        memcpy(u.b, b, sizeof(u.b));
    return u;
}

bool row_boolean(struct cql_row *r, const char *name)
{
    const uint8_t *b = sized(r, name, 1);
    return b && *b;
}

int8_t row_tinyint(struct cql_row *r, const char *name)
{
    const uint8_t *b = sized(r, name, 1);
    return b ? (int8_t)*b : 0;
}

int32_t row_int(struct cql_row *r, const char *name)
{
    uint32_t v = 0;
    const uint8_t *b = sized(r, name, sizeof(v));
    if (b)
        memcpy(&v, b, sizeof(v));
    return (int32_t)be32toh(v);
}

int64_t row_bigint(struct cql_row *r, const char *name)
{
    uint64_t v = 0;
    const uint8_t *b = sized(r, name, sizeof(v));
    if (b)
        memcpy(&v, b, sizeof(v));
    return (int64_t)be64toh(v);
}

int64_t row_timestamp(struct cql_row *r, const char *name)
{
    return row_bigint(r, name);
}

struct decimal row_decimal(struct cql_row *r, const char *name)
{
    enum { SCALE_MAX = 18 };
    struct cql_cell c = cell(r, name);
    if (c.size < 0)
        return (struct decimal){.unscaled = 0};
    if (c.size < 5 || c.size > 12 || c.data[0] || c.data[1] || c.data[2] || c.data[3] > SCALE_MAX) {
        r->failed = true;
        return (struct decimal){.unscaled = 0};
    }
    uint64_t unscaled = c.data[4] & 0x80 ? UINT64_MAX : 0;
    for (int32_t i = 4; i < c.size; i++)
        unscaled = unscaled << 8 | c.data[i];
    return (struct decimal){.unscaled = (int64_t)unscaled, .scale = c.data[3]};
}

struct uuid row_uuid_text(struct cql_row *r, const char *name)
{
    char text[UUID_TEXT + 1];
    struct uuid u = UUID_NIL;
    const uint8_t *b = sized(r, name, UUID_TEXT);
    if (!b)
        return u;
    memcpy(text, b, UUID_TEXT);
    text[UUID_TEXT] = '\0';
    if (uuid_parse(text, &u))
        r->failed = true;
    return u;
}

const char *row_text(struct cql_row *r, const char *name, struct arena *arena)
{
    struct cql_cell c = cell(r, name);
    if (c.size < 0)
        return NULL;
    if (memchr(c.data, '\0', (size_t)c.size)) {
        r->failed = true;
        return NULL;
    }
    return arena_strndup(arena, (const char *)c.data, (size_t)c.size);
}

const uint8_t *row_blob(struct cql_row *r, const char *name, size_t *ret_size)
{
    static const uint8_t empty;
    struct cql_cell c = cell(r, name);
    *ret_size = c.size > 0 ? (size_t)c.size : 0;
    if (c.size < 0)
        return NULL;
    return c.size ? c.data : &empty;
}

void row_bytes(struct cql_row *r, const char *name, void *ret, size_t size)
{
    must(size <= INT32_MAX);
    const uint8_t *b = sized(r, name, (int32_t)size);
    if (b)
        memcpy(ret, b, size);
    else
        r->failed = true;
}
