/*
 * Money. An amount is a checked number of minor units (cents) of a currency; nobody outside this folder does
 * arithmetic on the number inside. A decimal is an amount without a currency yet (a venue's price list).
 */
#ifndef MONEY_MONEY_H
#define MONEY_MONEY_H

#include "base/arena.h"
#include "json/json_in.h"
#include "json/json_out.h"
#include <stdbool.h>
#include <stdint.h>

struct money {
    int64_t minor; /* >= 0, <= LIMIT_PRICE_MAX * 10^exponent for a price; sums are checked */
};

struct currency {
    char code[4];     /* ISO 4217, "EUR" */
    uint8_t exponent; /* decimals of the minor unit: EUR 2, JPY 0, BHD 3 */
};

struct decimal {
    int64_t unscaled; /* 4500 */
    uint8_t scale;    /* 2 -> 45.00; 0..4 */
};

enum { MONEY_TEXT = 32 }; /* room for any formatted amount and its NUL */

/* Find a currency of ISO 4217 by its code (upper case). Returns 0 or BOX_EINVALID. */
int currency_find(const char *code, struct currency *ret_currency);

/*
 * Parse "45", "45.0", "45.00": digits, at most one point with digits on both sides, no sign, no exponent, no
 * more decimals than the currency has. Returns 0, BOX_ESYNTAX, or BOX_ERANGE (too many decimals, or above
 * LIMIT_PRICE_MAX).
 */
int money_parse(const char *text, const struct currency *currency, struct money *ret_money);
/* "45.00", with exactly the currency's decimals. */
void money_format(struct money m, const struct currency *currency, char ret_text[MONEY_TEXT]);
/* a + b. Returns 0 or BOX_ERANGE. */
int money_add(struct money a, struct money b, struct money *ret_sum);
/* Write "45.00" as a JSON text. */
void money_out(struct json_out *j, const char *name, struct money m, const struct currency *currency);

/* Parse a decimal of at most 4 decimals and LIMIT_PRICE_MAX. Returns 0, BOX_ESYNTAX or BOX_ERANGE. */
int decimal_parse(const char *text, struct decimal *ret_decimal);
/* With exactly its scale. */
void decimal_format(struct decimal d, char ret_text[MONEY_TEXT]);
/* Into minor units. Returns 0, or BOX_ERANGE when it has more (non-zero) decimals than the currency. */
int decimal_to_money(struct decimal d, const struct currency *currency, struct money *ret_money);

/* Read a price from JSON (a text); faults are recorded at the node. 0 after a fault. */
struct money money_in(struct json_node node, const struct currency *currency);
struct decimal decimal_in(struct json_node node);

#endif
