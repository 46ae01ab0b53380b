#include "base/error.h"
#include "base/params.h"
#include "money/money.h"
#include "unit/base/check.h"
#include <string.h>

static struct currency currency(const char *code)
{
    struct currency c;
    assert_int_equal(currency_find(code, &c), 0);
    return c;
}

static const struct {
    const char *code;
    int exponent;
} table[] = {
#define CURRENCY(code, exponent, name) {#code, exponent},
#include "currencies.def"
#undef CURRENCY
};
enum { TABLE_SIZE = sizeof(table) / sizeof(table[0]) };

static void test_table_is_sound(void **state)
{
    (void)state;
    assert_int_equal(TABLE_SIZE, 165);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        assert_int_equal(strspn(table[i].code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 3);
        assert_int_equal(strlen(table[i].code), 3);
        assert_true(table[i].exponent >= 0 && table[i].exponent <= 4);
        if (i > 0) /* it is searched by halves */
            assert_true(strcmp(table[i - 1].code, table[i].code) < 0);
        struct currency found = currency(table[i].code);
        assert_string_equal(found.code, table[i].code);
        assert_int_equal(found.exponent, table[i].exponent);
    }
}

static void test_known_currencies(void **state)
{
    (void)state;
    assert_int_equal(currency("EUR").exponent, 2);
    assert_int_equal(currency("USD").exponent, 2);
    assert_int_equal(currency("JPY").exponent, 0);
    assert_int_equal(currency("BHD").exponent, 3);
    assert_int_equal(currency("CLF").exponent, 4);
    assert_int_equal(currency("XCG").exponent, 2);
    static const char *const unknown[] = {"",    "EU",  "EURO", "eur", "XXX", "XAU",  "DEM",         "BGN",
                                          "HRK", "ANG", "ZWL",  "AAA", "ZZZ", "EUR ", "\xe2\x82\xac"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct currency c = {.code = "old"};
        assert_int_equal(currency_find(unknown[i], &c), BOX_EINVALID);
        assert_string_equal(c.code, "old");
    }
}

static void assert_price(const char *code, const char *text, int64_t minor, const char *formatted)
{
    struct currency c = currency(code);
    struct money money = {-1};
    char back[MONEY_TEXT];
    assert_int_equal(money_parse(text, &c, &money), 0);
    assert_int_equal(money.minor, minor);
    money_format(money, &c, back);
    assert_string_equal(back, formatted);
}

static void test_prices(void **state)
{
    (void)state;
    assert_price("EUR", "45", 4500, "45.00");
    assert_price("EUR", "45.0", 4500, "45.00");
    assert_price("EUR", "45.00", 4500, "45.00");
    assert_price("EUR", "0.05", 5, "0.05");
    assert_price("EUR", "0", 0, "0.00");
    assert_price("EUR", "000000000000000000000000000045.10", 4510, "45.10");
    assert_price("JPY", "4500", 4500, "4500");
    assert_price("JPY", "0", 0, "0");
    assert_price("BHD", "1.001", 1001, "1.001");
    assert_price("CLF", "0.0001", 1, "0.0001");
    assert_price("EUR", "1000000000", 100000000000, "1000000000.00");
    assert_price("CLF", "1000000000.0000", 10000000000000, "1000000000.0000");
}

static void assert_bad_price(const char *code, const char *text, int expected)
{
    struct currency c = currency(code);
    struct money money = {-7};
    if (money_parse(text, &c, &money) != expected || money.minor != -7)
        fail_msg("%s \"%s\"", code, text);
}

static void test_bad_prices(void **state)
{
    (void)state;
    static const char *const garbage[] = {"",    ".",        "45.",  ".45",  "4.5.6", "-1",    "+1",
                                          "1e3", " 1",       "1 ",   "1,00", "0x10",  "1_000", "EUR 1",
                                          "NaN", "\xd9\xa1", "1.-5", "1. 5", "--",    "1\n",   "1.00EUR"};
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
        assert_bad_price("EUR", garbage[i], BOX_ESYNTAX);
    assert_bad_price("EUR", "1.001", BOX_ERANGE);
    assert_bad_price("EUR", "1.000", BOX_ERANGE); /* also when the rest is 0 */
    assert_bad_price("JPY", "1.0", BOX_ERANGE);
    assert_bad_price("CLF", "1.00000", BOX_ERANGE);
    assert_bad_price("EUR", "1000000000.01", BOX_ERANGE);
    assert_bad_price("EUR", "1000000001", BOX_ERANGE);
    assert_bad_price("EUR", "9223372036854775808", BOX_ERANGE);
    assert_bad_price("EUR", "18446744073709551617", BOX_ERANGE); /* 1 if it wrapped round */
    assert_bad_price("EUR", "99999999999999999999999999999999999999999999", BOX_ERANGE);
    assert_bad_price("EUR", "1.99999999999999999999999999999999999999999999", BOX_ERANGE);
    assert_bad_price("EUR", "99999999999999999999999999999999999999999999x", BOX_ESYNTAX);
}

static void test_sums(void **state)
{
    (void)state;
    struct money sum = {-1};
    assert_int_equal(money_add((struct money){4500}, (struct money){1}, &sum), 0);
    assert_int_equal(sum.minor, 4501);
    assert_int_equal(money_add((struct money){INT64_MAX - 1}, (struct money){1}, &sum), 0);
    assert_int_equal(sum.minor, INT64_MAX);
    assert_int_equal(money_add((struct money){INT64_MAX}, (struct money){1}, &sum), BOX_ERANGE);
    assert_int_equal(sum.minor, INT64_MAX); /* untouched */

    struct currency clf = currency("CLF");
    char text[MONEY_TEXT];
    money_format(sum, &clf, text);
    assert_string_equal(text, "922337203685477.5807");
}

static void assert_decimal(const char *text, int64_t unscaled, int scale)
{
    struct decimal d;
    char back[MONEY_TEXT];
    assert_int_equal(decimal_parse(text, &d), 0);
    assert_int_equal(d.unscaled, unscaled);
    assert_int_equal(d.scale, scale);
    decimal_format(d, back);
    assert_string_equal(back, text);
}

static void test_decimals(void **state)
{
    (void)state;
    assert_decimal("45", 45, 0);
    assert_decimal("45.0", 450, 1);
    assert_decimal("45.00", 4500, 2);
    assert_decimal("0.0000", 0, 4);
    assert_decimal("0.0010", 10, 4);
    assert_decimal("1000000000.0000", 10000000000000, 4);
    struct decimal d = {.unscaled = -7};
    assert_int_equal(decimal_parse("1.00000", &d), BOX_ERANGE);
    assert_int_equal(decimal_parse("1000000000.0001", &d), BOX_ERANGE);
    assert_int_equal(decimal_parse("1.", &d), BOX_ESYNTAX);
    assert_int_equal(d.unscaled, -7);
}

static void test_decimal_to_money(void **state)
{
    (void)state;
    struct currency eur = currency("EUR"), jpy = currency("JPY"), clf = currency("CLF");
    struct money m = {-1};
    assert_int_equal(decimal_to_money((struct decimal){45, 0}, &eur, &m), 0);
    assert_int_equal(m.minor, 4500);
    assert_int_equal(decimal_to_money((struct decimal){450000, 4}, &eur, &m), 0);
    assert_int_equal(m.minor, 4500);
    assert_int_equal(decimal_to_money((struct decimal){4500, 2}, &jpy, &m), 0);
    assert_int_equal(m.minor, 45);
    assert_int_equal(decimal_to_money((struct decimal){LIMIT_PRICE_MAX, 0}, &clf, &m), 0);
    assert_int_equal(m.minor, INT64_C(10000000000000));

    struct money old = m;
    assert_int_equal(decimal_to_money((struct decimal){4550, 2}, &jpy, &m), BOX_ERANGE);
    assert_int_equal(decimal_to_money((struct decimal){450001, 4}, &eur, &m), BOX_ERANGE);
    /* What cannot come from decimal_parse, but from damaged bytes. */
    assert_int_equal(decimal_to_money((struct decimal){1, 5}, &eur, &m), BOX_ERANGE);
    assert_int_equal(decimal_to_money((struct decimal){1, 255}, &eur, &m), BOX_ERANGE);
    assert_int_equal(decimal_to_money((struct decimal){-1, 0}, &eur, &m), BOX_ERANGE);
    assert_int_equal(decimal_to_money((struct decimal){INT64_MAX, 0}, &eur, &m), BOX_ERANGE);
    assert_int_equal(m.minor, old.minor);
}

static void format_negative(void)
{
    struct currency c;
    char text[MONEY_TEXT];
    if (currency_find("EUR", &c) == 0)
        money_format((struct money){-1}, &c, text);
}

static void add_negative(void)
{
    struct money sum;
    (void)money_add((struct money){-1}, (struct money){1}, &sum);
}

static void test_negative_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(format_negative);
    CHECK_ABORTS(add_negative);
}

static void assert_fault(const struct json_error *error, const char *pointer, const char *detail)
{
    assert_non_null(error);
    assert_string_equal(error->pointer, pointer);
    assert_string_equal(error->detail, detail);
}

static void test_json(void **state)
{
    (void)state;
    static const char body[] =
        "{\"ok\": \"45.5\", \"many\": \"45.555\", \"big\": \"1000000001\", \"bad\": \"4,5\","
        "\"number\": 45.5, \"empty\": \"\", \"five\": \"1.23456\"}";
    struct arena arena;
    struct json_in in;
    arena_init(&arena, 0);
    assert_int_equal(json_in_parse(&in, &arena, body, sizeof(body) - 1), 0);
    struct json_node root = json_in_root(&in);
    struct currency eur = currency("EUR");
    assert_int_equal(money_in(json_in_member(root, "ok"), &eur).minor, 4550);
    assert_int_equal(decimal_in(json_in_member(root, "ok")).unscaled, 455);
    assert_int_equal(json_in_status(&in), 0);

    static const char *const wrong[] = {"many", "big", "bad", "number", "empty", "absent"};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(money_in(json_in_member(root, wrong[i]), &eur).minor, 0);
    assert_int_equal(decimal_in(json_in_member(root, "five")).unscaled, 0);
    assert_int_equal(json_in_status(&in), BOX_EINVALID);
    assert_int_equal(in.error_count, 7);

    const struct json_error *e = in.errors;
    assert_fault(e, "/many", "must have at most 2 decimals and be at most 1000000000");
    assert_fault(e = e->next, "/big", "must have at most 2 decimals and be at most 1000000000");
    assert_fault(e = e->next, "/bad", "must be a decimal number such as \"45.00\", without sign or exponent");
    assert_fault(e = e->next, "/number", "must be a decimal number as a text, such as \"45.00\"");
    assert_fault(e = e->next, "/empty", "must have 1 to 32 characters");
    assert_fault(e = e->next, "/absent",
                 "is missing; it must be a decimal number as a text, such as \"45.00\"");
    assert_fault(e->next, "/five", "must have at most 4 decimals and be at most 1000000000");
    json_in_done(&in);
    arena_done(&arena);
}

static void test_json_out(void **state)
{
    (void)state;
    struct currency bhd = currency("BHD");
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_object(&j);
    money_out(&j, "price", (struct money){45}, &bhd);
    json_out_end_object(&j);
    assert_int_equal(b.size, 17);
    assert_memory_equal(b.data, "{\"price\":\"0.045\"}", 17);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_known_currencies),
        cmocka_unit_test(test_prices),
        cmocka_unit_test(test_bad_prices),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_decimal_to_money),
        cmocka_unit_test(test_negative_aborts),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
