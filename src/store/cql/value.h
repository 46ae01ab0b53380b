/*
 * Values of CQL: binding them to the markers of a statement, and reading them from a result by the column's
 * name. The driver carries bytes (native protocol version 4, section 6); what they mean is written here,
 * once.
 *
 * Reading is as in base/bytes.h: after the first fault (no such column, a size that the type cannot have)
 * every read gives 0 and row_ok() is false, so that a reader of a row checks once at its end. A NULL is no
 * fault: it is read as nil, 0, false or NULL; row_has() tells it apart.
 */
#ifndef STORE_CQL_VALUE_H
#define STORE_CQL_VALUE_H

#include "base/arena.h"
#include "base/uuid.h"
#include "cql.h"
#include "money/money.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- binding ---- */

/* Values in the order of the statement's markers; of a batch: those of all its statements, one after another.
 */
struct cql_values {
    struct arena *arena; /* where cells and copies live */
    struct cql_cell *cells;
    size_t count, cap;
};

/* An empty list in @arena. */
void cql_values_init(struct cql_values *v, struct arena *arena);

/* Append a value, copied. */
void bind_uuid(struct cql_values *v, const struct uuid *u); /* uuid, timeuuid */
void bind_text(struct cql_values *v, const char *text);
void bind_blob(struct cql_values *v, const void *data, size_t size);
void bind_boolean(struct cql_values *v, bool value);
void bind_tinyint(struct cql_values *v, int8_t value);
void bind_int(struct cql_values *v, int32_t value);
void bind_bigint(struct cql_values *v, int64_t value);
/* ms since 1970 */
void bind_timestamp(struct cql_values *v, int64_t ms);
void bind_decimal(struct cql_values *v, struct decimal d);
/* A decimal with exactly the currency's decimals. */
void bind_money(struct cql_values *v, struct money m, const struct currency *currency);
/* An id as the 36 characters that people see: hold_session, session_id. */
void bind_uuid_text(struct cql_values *v, const struct uuid *u);
/* No value: the cell is deleted. Leave it out with bind_unset() where there was none: NULLs are tombstones.
 */
void bind_null(struct cql_values *v);
/* Leave the cell as it is. */
void bind_unset(struct cql_values *v);
/* The value, or NULL for a nil id, an empty text, a time of 0. */
void bind_uuid_or_null(struct cql_values *v, const struct uuid *u);
void bind_timestamp_or_null(struct cql_values *v, int64_t ms);

/* ---- reading ---- */

/* One row of a result, which must outlive it. */
struct cql_row {
    const struct cql_result *result;
    size_t row;
    bool failed;
};

/* Row @row of @result (row < cql_rows()). */
struct cql_row cql_row_at(const struct cql_result *result, size_t row);
/* True while no read failed. */
bool row_ok(const struct cql_row *r);
/* Record a fault: what was read does not fit. */
void row_fail(struct cql_row *r);
/* True if the result has this column. No fault if not. */
bool row_column(const struct cql_row *r, const char *name);
/* True if it has and the value is not NULL; a missing column is a fault. */
bool row_has(struct cql_row *r, const char *name);

/* Values; NULL reads as nil, false, 0. */
struct uuid row_uuid(struct cql_row *r, const char *name);
bool row_boolean(struct cql_row *r, const char *name);
int8_t row_tinyint(struct cql_row *r, const char *name);
int32_t row_int(struct cql_row *r, const char *name);
int64_t row_bigint(struct cql_row *r, const char *name);
/* ms since 1970 */
int64_t row_timestamp(struct cql_row *r, const char *name);
/* A decimal of an amount: of up to 18 digits, with a scale of 0 to 18. */
struct decimal row_decimal(struct cql_row *r, const char *name);
/* An id that is kept as text. */
struct uuid row_uuid_text(struct cql_row *r, const char *name);
/* UTF-8 without a NUL inside, copied into @arena; NULL for NULL. */
const char *row_text(struct cql_row *r, const char *name, struct arena *arena);
/* Bytes, lent for as long as the result lives; NULL and size 0 for NULL, never NULL for an empty value. */
const uint8_t *row_blob(struct cql_row *r, const char *name, size_t *ret_size);
/* Exactly @size bytes into @ret; NULL is a fault. */
void row_bytes(struct cql_row *r, const char *name, void *ret, size_t size);

#endif
