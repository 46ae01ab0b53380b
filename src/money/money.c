#include "money/money.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include <stdlib.h>
#include <string.h>

enum { SCALE_MAX = 4 };

static const int64_t powers[] = {1, 10, 100, 1000, 10000};
_Static_assert(sizeof(powers) / sizeof(powers[0]) == SCALE_MAX + 1, "a power for every scale");

static const struct currency currencies[] = {
#define CURRENCY(code, exponent, name) {#code, exponent},
#include "currencies.def"
#undef CURRENCY
};

static int compare_code(const void *code, const void *currency)
{
    return strcmp(code, ((const struct currency *)currency)->code);
}

int currency_find(const char *code, struct currency *ret_currency)
{
    const struct currency *found = bsearch(code, currencies, sizeof(currencies) / sizeof(currencies[0]),
                                           sizeof(currencies[0]), compare_code);
    if (!found)
        return BOX_EINVALID;
    *ret_currency = *found;
    return 0;
}

/*
 * Read digits and step over them. A number above @max stays there, whatever follows, so that it cannot
 * overflow and is still seen to be too big. Returns how many digits there were.
 */
static size_t take_digits(const char **text, int64_t max, int64_t *ret_value)
{
    size_t count = 0;
    int64_t value = 0;
    for (; **text >= '0' && **text <= '9'; ++*text, count++)
        if (value <= max)
            value = value * 10 + (**text - '0');
    *ret_value = value;
    return count;
}

/* The common grammar: digits, or digits, a point and 1..@scale_max digits; at most LIMIT_PRICE_MAX. */
static int parse(const char *text, unsigned scale_max, struct decimal *ret_decimal)
{
    int64_t whole, fraction = 0;
    size_t scale = 0;
    if (take_digits(&text, LIMIT_PRICE_MAX, &whole) == 0)
        return BOX_ESYNTAX;
    if (*text == '.') {
        text++;
        scale = take_digits(&text, powers[SCALE_MAX], &fraction);
        if (scale == 0)
            return BOX_ESYNTAX;
    }
    if (*text)
        return BOX_ESYNTAX;
    if (scale > scale_max || whole > LIMIT_PRICE_MAX || (whole == LIMIT_PRICE_MAX && fraction > 0))
        return BOX_ERANGE;
    *ret_decimal = (struct decimal){.unscaled = whole * powers[scale] + fraction, .scale = (uint8_t)scale};
    return 0;
}

static void format(int64_t unscaled, unsigned scale, char ret_text[MONEY_TEXT])
{
    must(unscaled >= 0);
    must(scale <= SCALE_MAX);
    char reversed[MONEY_TEXT];
    size_t size = 0;
    /* At least one digit stands before the point: 5 of scale 2 is 0.05. */
    for (unsigned digits = 0; unscaled > 0 || digits <= scale; digits++) {
        if (digits == scale && scale > 0)
            reversed[size++] = '.';
        reversed[size++] = (char)('0' + unscaled % 10);
        unscaled /= 10;
    }
    must(size < MONEY_TEXT);
    for (size_t i = 0; i < size; i++)
        ret_text[i] = reversed[size - 1 - i];
    ret_text[size] = '\0';
}

int money_parse(const char *text, const struct currency *currency, struct money *ret_money)
{
    struct decimal decimal;
    int ret = parse(text, currency->exponent, &decimal);
    return ret ? ret : decimal_to_money(decimal, currency, ret_money);
}

void money_format(struct money m, const struct currency *currency, char ret_text[MONEY_TEXT])
{
    format(m.minor, currency->exponent, ret_text);
}

int money_add(struct money a, struct money b, struct money *ret_sum)
{
    must(a.minor >= 0 && b.minor >= 0);
    int64_t sum;
    if (__builtin_add_overflow(a.minor, b.minor, &sum))
        return BOX_ERANGE;
    ret_sum->minor = sum;
    return 0;
}

void money_out(struct json_out *j, const char *name, struct money m, const struct currency *currency)
{
    char text[MONEY_TEXT];
    money_format(m, currency, text);
    json_out_member_text(j, name, text);
}

int decimal_parse(const char *text, struct decimal *ret_decimal)
{
    return parse(text, SCALE_MAX, ret_decimal);
}

void decimal_format(struct decimal d, char ret_text[MONEY_TEXT])
{
    format(d.unscaled, d.scale, ret_text);
}

int decimal_to_money(struct decimal d, const struct currency *currency, struct money *ret_money)
{
    must(currency->exponent <= SCALE_MAX);
    if (d.scale > SCALE_MAX || d.unscaled < 0 || d.unscaled > LIMIT_PRICE_MAX * powers[d.scale])
        return BOX_ERANGE; /* a damaged one from a store, too */
    int64_t minor;
    if (d.scale > currency->exponent) {
        int64_t unit = powers[d.scale - currency->exponent];
        if (d.unscaled % unit)
            return BOX_ERANGE;
        minor = d.unscaled / unit;
    } else {
        minor = d.unscaled * powers[currency->exponent - d.scale];
    }
    ret_money->minor = minor;
    return 0;
}

/* The text of a price, or NULL (recorded). */
static const char *price_text(struct json_node node)
{
    if (json_in_is_text(node))
        return json_in_text(node, 1, MONEY_TEXT);
    json_in_fault(node, "%smust be a decimal number as a text, such as \"45.00\"",
                  json_in_missing(node) ? "is missing; it " : "");
    return NULL;
}

static void fault_price(struct json_node node, int ret, unsigned decimals)
{
    if (ret == BOX_ESYNTAX)
        json_in_fault(node, "must be a decimal number such as \"45.00\", without sign or exponent");
    else
        json_in_fault(node, "must have at most %u decimals and be at most %d", decimals, LIMIT_PRICE_MAX);
}

struct money money_in(struct json_node node, const struct currency *currency)
{
    struct money money = {0};
    const char *text = price_text(node);
    int ret = text ? money_parse(text, currency, &money) : 0;
    if (ret)
        fault_price(node, ret, currency->exponent);
    return money;
}

struct decimal decimal_in(struct json_node node)
{
    struct decimal decimal = {0};
    const char *text = price_text(node);
    int ret = text ? decimal_parse(text, &decimal) : 0;
    if (ret)
        fault_price(node, ret, SCALE_MAX);
    return decimal;
}
