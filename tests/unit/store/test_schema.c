/* The text of the tables: what each dialect has, that the published model is in it, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/cql/schema.h"

static const struct schema_table *table(const char *name)
{
    for (const struct schema_table *t = SCHEMA_TABLES; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

static void assert_text(struct buf *text, const char *want)
{
    buf_addc(text, '\0');
    assert_string_equal(text->data, want);
    buf_done(text);
}

static void statements_are_whole(void **state)
{
    (void)state;
    struct buf text = {0};
    schema_create_keyspace("shop", "{'class': 'X'}", &text);
    assert_text(&text,
                "CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'X'} AND durable_writes = "
                "true");
    schema_create_table(table("event_slugs"), "shop", SCHEMA_CASSANDRA, &text);
    assert_text(&text,
                "CREATE TABLE IF NOT EXISTS shop.event_slugs (\n    slug text,\n    event_id uuid,\n    "
                "PRIMARY KEY (slug)\n)");
    schema_create_table(table("orders_by_event"), "shop", SCHEMA_SCYLLA, &text);
    assert_text(&text,
                "CREATE TABLE IF NOT EXISTS shop.orders_by_event (\n    event_id uuid,\n    order_id "
                "uuid,\n    PRIMARY KEY (event_id, order_id)\n) WITH CLUSTERING ORDER BY (order_id ASC)");
    schema_add_column(table("orders"), &table("orders")->columns[6], "shop", &text);
    assert_text(&text, "ALTER TABLE shop.orders ADD hold_id uuid");
    schema_create_view(&SCHEMA_VIEWS[1], "shop", &text);
    assert_text(&text,
                "CREATE MATERIALIZED VIEW IF NOT EXISTS shop.available_events AS\n    SELECT has_tickets, "
                "event_id, date, event_type, name, slug, venue_id FROM shop.events\n    WHERE has_tickets "
                "IS NOT NULL AND event_id IS NOT NULL\n    PRIMARY KEY (has_tickets, event_id)");
}

/* On ScyllaDB the server makes the log, on Cassandra it is a table like any other. */
static void log_is_made_by_one_of_both(void **state)
{
    (void)state;
    struct buf scylla = {0}, cassandra = {0};
    assert_true(schema_belongs(table("order_queue_scylla_cdc_log")->where, SCHEMA_CASSANDRA));
    assert_false(schema_belongs(table("order_queue_scylla_cdc_log")->where, SCHEMA_SCYLLA));
    assert_true(schema_belongs(table("order_queue_expiries")->where, SCHEMA_SCYLLA));
    assert_false(schema_belongs(table("order_queue_expiries")->where, SCHEMA_CASSANDRA));
    schema_create_table(table("order_queue"), "k", SCHEMA_SCYLLA, &scylla);
    schema_create_table(table("order_queue"), "k", SCHEMA_CASSANDRA, &cassandra);
    buf_addc(&scylla, '\0');
    buf_addc(&cassandra, '\0');
    assert_non_null(strstr(scylla.data, " AND cdc = {'enabled': true, 'preimage': true, 'ttl': 0}"));
    assert_null(strstr(cassandra.data, "cdc ="));
    buf_done(&scylla);
    buf_done(&cassandra);
}

struct published {
    const char *table, *key;
    const char *columns[16][2];
};

/* Names, types and keys that other programs rely on. */
static const struct published PUBLISHED[] = {
    {"tickets",
     "event_id, ticket_id",
     {{"event_id", "uuid"},
      {"ticket_id", "uuid"},
      {"price", "decimal"},
      {"section", "uuid"},
      {"status", "text"},
      {"type_id", "text"}}},
    {"order_queue",
     "event_id, ticket_id, started_at",
     {{"event_id", "uuid"}, {"ticket_id", "uuid"}, {"started_at", "timestamp"}, {"session_id", "text"}}},
    {"venue_sections",
     "venue_id, section_id, type_id",
     {{"venue_id", "uuid"},
      {"section_id", "uuid"},
      {"type_id", "text"},
      {"price", "decimal"},
      {"seats_count", "int"}}},
    {"orders",
     "order_id",
     {{"order_id", "uuid"},
      {"event_id", "uuid"},
      {"purchased_at", "timestamp"},
      {"status", "text"},
      {"total_price", "decimal"},
      {"user_id", "uuid"}}},
    {"order_queue_scylla_cdc_log",
     "\"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\"",
     {{"\"cdc$stream_id\"", "blob"},
      {"\"cdc$time\"", "timeuuid"},
      {"\"cdc$batch_seq_no\"", "int"},
      {"\"cdc$deleted_session_id\"", "boolean"},
      {"\"cdc$end_of_batch\"", "boolean"},
      {"\"cdc$operation\"", "tinyint"},
      {"\"cdc$ttl\"", "bigint"},
      {"event_id", "uuid"},
      {"session_id", "text"},
      {"started_at", "timestamp"},
      {"ticket_id", "uuid"}}},
    {"events",
     "event_id",
     {{"event_id", "uuid"},
      {"date", "timestamp"},
      {"event_type", "text"},
      {"has_tickets", "boolean"},
      {"name", "text"},
      {"slug", "text"},
      {"venue_id", "uuid"}}},
};

static void published_model_is_in_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(PUBLISHED) / sizeof(*PUBLISHED); i++) {
        const struct schema_table *t = table(PUBLISHED[i].table);
        assert_non_null(t);
        assert_string_equal(t->key, PUBLISHED[i].key);
        for (size_t c = 0; PUBLISHED[i].columns[c][0]; c++) {
            assert_string_equal(t->columns[c].name, PUBLISHED[i].columns[c][0]);
            assert_string_equal(t->columns[c].type, PUBLISHED[i].columns[c][1]);
        }
    }
    assert_string_equal(SCHEMA_VIEWS[0].name, "available_tickets");
    assert_string_equal(SCHEMA_VIEWS[0].columns, "event_id, status, ticket_id, price, section, type_id");
}

static void every_key_has_its_columns(void **state)
{
    (void)state;
    for (const struct schema_table *t = SCHEMA_TABLES; t->name; t++) {
        char key[256];
        snprintf(key, sizeof(key), "%s", t->key);
        for (char *part = strtok(key, "(), "); part; part = strtok(NULL, "(), ")) {
            const struct schema_column *c = t->columns;
            while (c->name && strcmp(c->name, part) != 0)
                c++;
            if (!c->name)
                fail_msg("%s has no column %s", t->name, part);
        }
    }
    assert_string_equal(SCHEMA_TABLES[0].name, "meta"); /* made first: the lock is in it */
}

static void what_is_given_is_checked(void **state)
{
    (void)state;
    enum schema_dialect dialect;
    char longest[KEYSPACE_NAME_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_false(schema_keyspace_valid(longest + 0));
    assert_true(schema_keyspace_valid(longest + 1));
    assert_false(schema_keyspace_valid(""));
    assert_false(schema_keyspace_valid("1a"));
    assert_false(schema_keyspace_valid("_a"));
    assert_false(schema_keyspace_valid("a b"));
    assert_false(schema_keyspace_valid("a;DROP"));
    assert_true(schema_keyspace_valid("Box_Office1"));
    assert_true(schema_replication_valid("{'class': 'SimpleStrategy'}"));
    assert_false(schema_replication_valid("{"));
    assert_false(schema_replication_valid("{'a': 'b'} AND x = {}; DROP}"));
    assert_false(schema_replication_valid("SimpleStrategy"));
    assert_true(schema_dialect_parse("cassandra", &dialect) && dialect == SCHEMA_CASSANDRA);
    assert_true(schema_dialect_parse("scylla", &dialect) && dialect == SCHEMA_SCYLLA);
    assert_false(schema_dialect_parse("mysql", &dialect));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_whole),     cmocka_unit_test(log_is_made_by_one_of_both),
        cmocka_unit_test(published_model_is_in_it), cmocka_unit_test(every_key_has_its_columns),
        cmocka_unit_test(what_is_given_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
