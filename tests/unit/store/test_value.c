/*
 * Values of CQL as bytes, bound and read. The result is made by hand: the functions of the driver that read
 * one are this program's own, so that no driver is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "store/cql/value.h"

/* ---- a result of one row ---- */

enum { COLUMNS = 16 };

struct cql_result {
    const char *names[COLUMNS];
    struct cql_cell cells[COLUMNS];
    size_t columns;
};

size_t cql_rows(const struct cql_result *r)
{
    return r->columns ? 1 : 0;
}

int cql_column_find(const struct cql_result *r, const char *name)
{
    for (size_t i = 0; i < r->columns; i++)
        if (strcmp(r->names[i], name) == 0)
            return (int)i;
    return -1;
}

struct cql_cell cql_value(const struct cql_result *r, size_t row, size_t column)
{
    must(row == 0 && column < r->columns);
    return r->cells[column];
}

static struct cql_row row_of(struct cql_result *r, const char *name, const void *data, int32_t size)
{
    *r = (struct cql_result){.names = {name}, .cells = {{data, size}}, .columns = 1};
    return cql_row_at(r, 0);
}

/* ---- tests ---- */

struct fixture {
    struct arena arena;
    struct cql_values v;
};

static int setup(void **state)
{
    static struct fixture f;
    arena_init(&f.arena, 0);
    cql_values_init(&f.v, &f.arena);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    return 0;
}

static void assert_cell(const struct cql_values *v, size_t index, const char *bytes, size_t size)
{
    assert_true(index < v->count);
    assert_int_equal(v->cells[index].size, size);
    assert_memory_equal(v->cells[index].data, bytes, size);
}

static void numbers_are_big_endian(void **state)
{
    struct fixture *f = *state;
    bind_int(&f->v, 0x01020304);
    bind_int(&f->v, -2);
    bind_bigint(&f->v, 0x0102030405060708);
    bind_timestamp(&f->v, 1);
    bind_tinyint(&f->v, -3);
    bind_boolean(&f->v, true);
    bind_boolean(&f->v, false);
    assert_cell(&f->v, 0, "\1\2\3\4", 4);
    assert_cell(&f->v, 1, "\xff\xff\xff\xfe", 4);
    assert_cell(&f->v, 2, "\1\2\3\4\5\6\7\10", 8);
    assert_cell(&f->v, 3, "\0\0\0\0\0\0\0\1", 8);
    assert_cell(&f->v, 4, "\xfd", 1);
    assert_cell(&f->v, 5, "\1", 1);
    assert_cell(&f->v, 6, "\0", 1);
    assert_int_equal(f->v.count, 7);
}

static void decimals_have_as_few_bytes_as_they_need(void **state)
{
    struct fixture *f = *state;
    const struct currency eur = {.code = "EUR", .exponent = 2};
    const struct {
        int64_t unscaled;
        const char *bytes;
        size_t size;
    } cases[] = {
        {0, "\0\0\0\2\0", 5},
        {127, "\0\0\0\2\x7f", 5},
        {128, "\0\0\0\2\0\x80", 6}, /* with its sign */
        {4500, "\0\0\0\2\x11\x94", 6},
        {-1, "\0\0\0\2\xff", 5},
        {-128, "\0\0\0\2\x80", 5},
        {-129, "\0\0\0\2\xff\x7f", 6},
        {INT64_MAX, "\0\0\0\2\x7f\xff\xff\xff\xff\xff\xff\xff", 12},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct cql_result result;
        bind_decimal(&f->v, (struct decimal){.unscaled = cases[i].unscaled, .scale = 2});
        assert_cell(&f->v, i, cases[i].bytes, cases[i].size);
        struct cql_row row = row_of(&result, "price", cases[i].bytes, (int32_t)cases[i].size);
        struct decimal back = row_decimal(&row, "price");
        assert_true(row_ok(&row));
        assert_int_equal(back.unscaled, cases[i].unscaled);
        assert_int_equal(back.scale, 2);
    }
    bind_money(&f->v, (struct money){4500}, &eur);
    assert_cell(&f->v, f->v.count - 1, "\0\0\0\2\x11\x94", 6);
}

static void what_is_bound_is_read(void **state)
{
    struct fixture *f = *state;
    struct cql_result r = {
        .names = {"id", "text", "empty", "blob", "flag", "small", "int", "big", "time", "session"},
        .columns = 10};
    struct uuid id;
    size_t size;
    assert_int_equal(uuid_parse("01234567-89ab-4cde-8f01-23456789abcd", &id), 0);
    bind_uuid(&f->v, &id);
    bind_text(&f->v, "caf\xc3\xa9");
    bind_text(&f->v, "");
    bind_blob(&f->v, "\0\1", 2);
    bind_boolean(&f->v, true);
    bind_tinyint(&f->v, -3);
    bind_int(&f->v, INT32_MIN);
    bind_bigint(&f->v, INT64_MIN);
    bind_timestamp(&f->v, 1900000000000);
    bind_uuid_text(&f->v, &id);
    memcpy(r.cells, f->v.cells, r.columns * sizeof(*r.cells));
    struct cql_row row = cql_row_at(&r, 0);
    struct uuid got = row_uuid(&row, "id"), session = row_uuid_text(&row, "session");
    assert_true(uuid_equal(&got, &id) && uuid_equal(&session, &id));
    assert_string_equal(row_text(&row, "text", &f->arena), "caf\xc3\xa9");
    assert_string_equal(row_text(&row, "empty", &f->arena), "");
    assert_memory_equal(row_blob(&row, "blob", &size), "\0\1", 2);
    assert_int_equal(size, 2);
    assert_non_null(row_blob(&row, "empty", &size)); /* there, with no bytes */
    assert_int_equal(size, 0);
    assert_true(row_boolean(&row, "flag"));
    assert_int_equal(row_tinyint(&row, "small"), -3);
    assert_int_equal(row_int(&row, "int"), INT32_MIN);
    assert_true(row_bigint(&row, "big") == INT64_MIN);
    assert_int_equal(row_timestamp(&row, "time"), 1900000000000);
    assert_true(row_ok(&row) && row_has(&row, "id") && row_column(&row, "id") && !row_column(&row, "x"));
}

static void null_is_no_fault(void **state)
{
    struct fixture *f = *state;
    struct cql_result r;
    size_t size = 1;
    struct cql_row row = row_of(&r, "x", NULL, CQL_NULL);
    struct uuid id = row_uuid(&row, "x");
    assert_true(uuid_is_nil(&id));
    assert_null(row_text(&row, "x", &f->arena));
    assert_null(row_blob(&row, "x", &size));
    assert_int_equal(size, 0);
    assert_false(row_boolean(&row, "x"));
    assert_int_equal(row_bigint(&row, "x"), 0);
    assert_int_equal(row_decimal(&row, "x").unscaled, 0);
    assert_false(row_has(&row, "x"));
    assert_true(row_ok(&row));
    uint8_t bytes[4];
    row_bytes(&row, "x", bytes, sizeof(bytes)); /* only this one needs a value */
    assert_false(row_ok(&row));
}

static void faults_stay(void **state)
{
    (void)state;
    struct cql_result r;
    struct cql_row row = row_of(&r, "x", "\1\2\3\4", 4);
    assert_int_equal(row_int(&row, "y"), 0); /* no such column */
    assert_false(row_ok(&row));
    assert_int_equal(row_int(&row, "x"), 0); /* nothing is read any more */
    row = row_of(&r, "x", "\1\2\3\4", 4);
    assert_true(row_bigint(&row, "x") == 0 && !row_ok(&row));
    row = row_of(&r, "x", "\1\2\3\4", 4);
    assert_true(!row_boolean(&row, "x") && !row_ok(&row));
    row = row_of(&r, "x", "\1\2\3\4", 4);
    row_fail(&row);
    assert_false(row_ok(&row));
}

static void bad_values_are_faults(void **state)
{
    struct fixture *f = *state;
    struct cql_result r;
    struct cql_row row = row_of(&r, "x", "a\0b", 3);
    assert_null(row_text(&row, "x", &f->arena));
    assert_false(row_ok(&row));
    row = row_of(&r, "x", "01234567-89ab-4cde-8f01-23456789abcg", 36);
    row_uuid_text(&row, "x");
    assert_false(row_ok(&row));
    static const struct {
        const char *bytes;
        int32_t size;
    } decimals[] = {
        {"\0\0\0\2", 4}, {"\0\0\0\23\1", 5}, {"\xff\xff\xff\xff\1", 5}, {"\0\0\0\2\0\1\2\3\4\5\6\7\10", 13}};
    for (size_t i = 0; i < sizeof(decimals) / sizeof(*decimals); i++) {
        row = row_of(&r, "x", decimals[i].bytes, decimals[i].size);
        row_decimal(&row, "x");
        assert_false(row_ok(&row));
    }
}

static void nothing_and_left_out_differ(void **state)
{
    struct fixture *f = *state;
    bind_null(&f->v);
    bind_unset(&f->v);
    bind_uuid_or_null(&f->v, &UUID_NIL);
    bind_timestamp_or_null(&f->v, 0);
    bind_timestamp_or_null(&f->v, 1);
    assert_int_equal(f->v.cells[0].size, CQL_NULL);
    assert_int_equal(f->v.cells[1].size, CQL_UNSET);
    assert_int_equal(f->v.cells[2].size, CQL_NULL);
    assert_int_equal(f->v.cells[3].size, CQL_NULL);
    assert_int_equal(f->v.cells[4].size, 8);
}

/* More than fit at first: what was bound stays where it is. */
static void lists_grow(void **state)
{
    struct fixture *f = *state;
    for (int32_t i = 0; i < 1000; i++)
        bind_int(&f->v, i);
    assert_int_equal(f->v.count, 1000);
    assert_cell(&f->v, 0, "\0\0\0\0", 4);
    assert_cell(&f->v, 999, "\0\0\3\xe7", 4);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(numbers_are_big_endian),
        TEST(decimals_have_as_few_bytes_as_they_need),
        TEST(what_is_bound_is_read),
        TEST(null_is_no_fault),
        TEST(faults_stay),
        TEST(bad_values_are_faults),
        TEST(nothing_and_left_out_differ),
        TEST(lists_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
