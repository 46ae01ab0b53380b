/*
 * What must hold of the table of statements, whoever adds one: the cells on which LWTs decide are written by
 * LWTs only, but for the creation of a ticket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cql/statements.h"
#include <ctype.h>
#include <string.h>

/* Tables whose every cell an LWT may write: a plain write to one of them has no place. (idempotency: a key is
 * either a venue's, by LWT, or an event's, by its second half.) */
static const char *const LWT_TABLES[] = {"@tickets", "@event_slugs", "@secrets", "@servers", "@meta"};

static bool about(const char *text, const char *table)
{
    size_t size = strlen(table);
    for (const char *at = strstr(text, table); at; at = strstr(at + 1, table))
        if (!isalnum((unsigned char)at[size]) && at[size] != '_')
            return true;
    return false;
}

static bool is_select(const struct cql_statement_def *def)
{
    return strncmp(def->text, "SELECT ", 7) == 0;
}

/* DROP_DELETED_ROWS stands only in one batch with DROP_DELETED, which has the conditions. */
static bool is_conditional(const struct cql_statement_def *def)
{
    return strstr(def->text, " IF ") != NULL || strcmp(def->name, "DROP_DELETED_ROWS") == 0;
}

static void kinds_fit_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < CQL_STATEMENTS; i++) {
        const struct cql_statement_def *def = &CQL_STATEMENT_DEFS[i];
        bool reads = def->kind == CQL_KIND_READ || def->kind == CQL_KIND_SERIAL;
        bool fits = reads == is_select(def) && (def->kind == CQL_KIND_LWT) == is_conditional(def);
        if (!fits)
            print_error("%s\n", def->name);
        assert_true(fits);
    }
}

/* The one plain write to tickets says when it was, and names none of the columns on which LWTs decide but the
 * status that a ticket begins with; the drop is of that same time. */
static bool may_be_plain(const struct cql_statement_def *def)
{
    static const char *const never[] = {"hold_",    "order_id", "seq",   "epoch",
                                        "batch_id", "tail",     "owner", "ts"};
    bool create = strcmp(def->name, "CREATE_TICKET") == 0;
    if (!create && strcmp(def->name, "DROP_TICKETS") != 0)
        return false;
    for (size_t i = 0; create && i < sizeof(never) / sizeof(never[0]); i++)
        for (const char *at = strstr(def->text, never[i]); at; at = strstr(at + 1, never[i]))
            if (!isalnum((unsigned char)at[-1]) && !isalnum((unsigned char)at[strlen(never[i])]) &&
                at[-1] != '@')
                return false;
    return strstr(def->text, "USING TIMESTAMP ?") != NULL;
}

static void lwt_columns_are_written_by_lwts(void **state)
{
    (void)state;
    unsigned plain = 0, conditional = 0;
    for (size_t i = 0; i < CQL_STATEMENTS; i++) {
        const struct cql_statement_def *def = &CQL_STATEMENT_DEFS[i];
        for (size_t t = 0; !is_select(def) && t < sizeof(LWT_TABLES) / sizeof(LWT_TABLES[0]); t++) {
            if (!about(def->text, LWT_TABLES[t]))
                continue;
            bool fits = is_conditional(def) || (t == 0 && may_be_plain(def));
            if (!fits)
                print_error("%s writes to %s without a condition\n", def->name, LWT_TABLES[t]);
            assert_true(fits);
            conditional += is_conditional(def);
            plain += !is_conditional(def);
        }
    }
    assert_int_equal(plain, 2);
    assert_true(conditional > 5);
}

/* An LWT takes its own timestamp: one that names another would undo what came after it. */
static void lwts_take_their_own_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < CQL_STATEMENTS; i++)
        if (CQL_STATEMENT_DEFS[i].kind == CQL_KIND_LWT)
            assert_null(strstr(CQL_STATEMENT_DEFS[i].text, "TIMESTAMP"));
}

/* What a second half writes may be written twice, and late. */
static void second_halves_say_when(void **state)
{
    (void)state;
    static const char *const tables[] = {"@order_queue",
                                         "@order_queue_scylla_cdc_log",
                                         "@order_queue_expiries",
                                         "@changes",
                                         "@holds",
                                         "@orders",
                                         "@orders_by_event",
                                         "@order_index",
                                         "@personal",
                                         "@events"};
    unsigned seen = 0;
    for (size_t i = 0; i < CQL_STATEMENTS; i++) {
        const struct cql_statement_def *def = &CQL_STATEMENT_DEFS[i];
        for (size_t t = 0; def->kind == CQL_KIND_WRITE && t < sizeof(tables) / sizeof(tables[0]); t++) {
            if (!about(def->text, tables[t]))
                continue;
            if (!strstr(def->text, "TIMESTAMP ?"))
                print_error("%s does not say when\n", def->name);
            assert_non_null(strstr(def->text, "TIMESTAMP ?"));
            seen++;
        }
    }
    assert_true(seen >= sizeof(tables) / sizeof(tables[0]));
}

/* ---- tables ---- */

/* Is there a table or view of this name in the dialect? */
static bool in_schema(const char *name, size_t size, enum schema_dialect dialect)
{
    for (const struct schema_table *t = SCHEMA_TABLES; t->name; t++)
        if (strlen(t->name) == size && strncmp(t->name, name, size) == 0)
            return schema_belongs(t->where, dialect);
    for (const struct schema_view *v = SCHEMA_VIEWS; v->name; v++)
        if (strlen(v->name) == size && strncmp(v->name, name, size) == 0)
            return true;
    return false;
}

/* ScyllaDB is not at hand: that nothing is prepared there which it has not is found here or nowhere. */
static void tables_are_where_their_statements_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < CQL_STATEMENTS; i++) {
        const struct cql_statement_def *def = &CQL_STATEMENT_DEFS[i];
        for (int d = SCHEMA_SCYLLA; d <= SCHEMA_CASSANDRA; d++) {
            const char *at =
                schema_belongs(def->where, (enum schema_dialect)d) ? strchr(def->text, '@') : NULL;
            for (; at; at = strchr(at + 1, '@'))
                if (!in_schema(at + 1, strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_"), (enum schema_dialect)d))
                    fail_msg("%s: no such table in dialect %d", def->name, d);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_where_their_statements_are),
        cmocka_unit_test(kinds_fit_their_text),
        cmocka_unit_test(lwt_columns_are_written_by_lwts),
        cmocka_unit_test(lwts_take_their_own_time),
        cmocka_unit_test(second_halves_say_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
