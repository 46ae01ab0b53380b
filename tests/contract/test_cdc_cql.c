/*
 * The consumer of CDC logs on a real cluster: on tables made by hand in the forms that ScyllaDB has with
 * vnodes and with tablets, and on our own. What ScyllaDB's server would write is written here by its
 * documentation.
 */
#include "contract/cql_keyspace.h"
#include "store/cql/cdc_tables.h"
#include "store/cql/consumer.h"
#include "unit/store/cdc_log.h"

enum { GOT_MAX = 4096, SAFETY_S = 30 };

static const int64_t S = 1000000;

/* ---- a keyspace with logs ---- */

static void make_table_of(const char *name, const char *as)
{
    const struct schema_table *t = SCHEMA_TABLES;
    struct buf text = {0};
    while (strcmp(t->name, as) != 0)
        t++;
    struct schema_table named = *t;
    named.name = name;
    schema_create_table(&named, cql_keyspace, SCHEMA_CASSANDRA, &text);
    buf_addc(&text, '\0');
    cql_run("%s", text.data);
    buf_done(&text);
}

static int make_keyspace(void **state)
{
    (void)state;
    cql_run("CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
            cql_keyspace);
    make_table_of("order_queue_scylla_cdc_log", "order_queue_scylla_cdc_log");
    make_table_of("order_queue_expiries", "order_queue_scylla_cdc_log");
    make_table_of("cdc_generations", "cdc_generations");
    make_table_of("cdc_streams", "cdc_streams");
    make_table_of("cdc_checkpoints", "cdc_checkpoints");
    make_table_of("tablet_times", "cdc_generations");
    make_table_of("tablet_streams", "cdc_streams");
    cql_run(
        "CREATE TABLE %s.vnode_times (key text, time timestamp, expired timestamp, PRIMARY KEY (key, time)) "
        "WITH CLUSTERING ORDER BY (time DESC)",
        cql_keyspace);
    cql_run("CREATE TABLE %s.vnode_streams (time timestamp, range_end bigint, streams frozen<set<blob>>, "
            "PRIMARY KEY (time, range_end))",
            cql_keyspace);
    return 0;
}

static int empty_tables(void **state)
{
    static const char *const tables[] = {"order_queue_scylla_cdc_log",
                                         "order_queue_expiries",
                                         "cdc_streams",
                                         "cdc_checkpoints",
                                         "tablet_times",
                                         "tablet_streams",
                                         "vnode_times",
                                         "vnode_streams"};
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        cql_run("TRUNCATE %s.%s", cql_keyspace, tables[i]);
    return 0;
}

static const char *hex(const struct cdc_stream *s)
{
    static char texts[4][40];
    static unsigned next;
    char *text = texts[next++ % 4];
    strcpy(text, "0x");
    for (size_t i = 0; i < CDC_STREAM_BYTES; i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", s->id[i]);
    return text;
}

/* A stream's id as ScyllaDB makes it: of no event. */
static struct cdc_stream native_stream(uint8_t n)
{
    struct cdc_stream s = {.expiries = false};
    memset(s.id, 0x80 + n, sizeof(s.id));
    return s;
}

static void add_vnodes(int64_t at_s, uint8_t a, uint8_t b, uint8_t c)
{
    const struct cdc_stream streams[] = {native_stream(a), native_stream(b), native_stream(c)};
    long long ms = (T0 + at_s * S) / 1000;
    cql_run("INSERT INTO %s.vnode_streams (time, range_end, streams) VALUES (%lld, 1, {%s, %s})",
            cql_keyspace, ms, hex(&streams[0]), hex(&streams[1]));
    cql_run("INSERT INTO %s.vnode_streams (time, range_end, streams) VALUES (%lld, 2, {%s})", cql_keyspace,
            ms, hex(&streams[2]));
    cql_run("INSERT INTO %s.vnode_times (key, time) VALUES ('timestamps', %lld)", cql_keyspace, ms);
}

static void add_tablet_stream(const char *table, int64_t at_s, int state, const struct cdc_stream *stream)
{
    cql_run("INSERT INTO %s.%s (keyspace_name, table_name, timestamp, stream_state, stream_id) "
            "VALUES ('%s', 'order_queue', %lld, %d, %s)",
            cql_keyspace, table, cql_keyspace, (long long)(T0 + at_s * S) / 1000, state, hex(stream));
}

static void add_tablets(int64_t at_s)
{
    cql_run("INSERT INTO %s.tablet_times (keyspace_name, table_name, timestamp) "
            "VALUES ('%s', 'order_queue', %lld)",
            cql_keyspace, cql_keyspace, (long long)(T0 + at_s * S) / 1000);
}

/* Write a row where a server would: with NULLs where the value is nil or 0. */
static void write_row(const char *table, const struct cdc_stream *stream, struct cdc_log_row row)
{
    char time[37], event[37], ticket[37], hold[37], session[37], ttl[24] = "null", seq[24] = "null";
    char started[24] = "null";
    uuid_format(&row.time, time);
    uuid_format(&row.event_id.u, event);
    uuid_format(&row.ticket_id.u, ticket);
    uuid_format(&row.hold_id.u, hold);
    uuid_format(&row.session.u, session);
    if (row.ttl)
        snprintf(ttl, sizeof(ttl), "%lld", (long long)row.ttl);
    if (row.seq)
        snprintf(seq, sizeof(seq), "%llu", (unsigned long long)row.seq);
    if (row.started_ms)
        snprintf(started, sizeof(started), "%lld", (long long)row.started_ms);
    bool known = !uuid_is_nil(&row.hold_id.u);
    cql_run(
        "INSERT INTO %s.%s (\"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\", \"cdc$end_of_batch\", "
        "\"cdc$operation\", \"cdc$ttl\", event_id, ticket_id, started_at, session_id, hold_id, seq) VALUES "
        "(%s, %s, %d, %s, %d, %s, %s, %s, %s, %s%s%s, %s, %s)",
        cql_keyspace, table, hex(stream), time, row.batch_seq, row.end_of_batch ? "true" : "null",
        row.operation, ttl, event, uuid_is_nil(&row.ticket_id.u) ? "null" : ticket, started, known ? "'" : "",
        known ? session : "null", known ? "'" : "", known ? hold : "null", seq);
}

static void write_log(const struct cdc_stream *stream, struct cdc_log_row row)
{
    write_row("order_queue_scylla_cdc_log", stream, row);
}

static void write_insert(const struct cdc_stream *stream, int64_t at_us, uint32_t seat)
{
    write_log(stream, log_row(CDC_CODE_INSERT, at_us, seat, 0, 7, seat + 1));
}

/* ---- reading ---- */

struct reader {
    struct clock clock;
    struct consumer *consumer;
    struct consumer_row rows[GOT_MAX];
    size_t count;
};

static const struct consumer_options OPTIONS = {.checkpoint = "mine",
                                                .from_start = true,
                                                .safety_us = SAFETY_S * 1000000LL,
                                                .memory_us = 60000000,
                                                .limit = 1000};
static const struct consumer_tables VNODES = {.generations = "vnode_times", .streams = "vnode_streams"},
                                    TABLETS = {.generations = "tablet_times", .streams = "tablet_streams"},
                                    OURS = {.log = NULL};

static int try_source(const char *url, const struct consumer_tables *tables, struct cdc_source **ret_source,
                      char ret_reason[CONSUMER_REASON])
{
    const struct consumer_cluster cluster = {.url = url, .tables = *tables};
    return consumer_source_open(&cluster, ret_source, ret_reason);
}

static struct reader *reader_at(int64_t now_s, const struct consumer_tables *tables)
{
    struct reader *r = calloc(1, sizeof(*r));
    struct cdc_source *source;
    char reason[CONSUMER_REASON];
    assert_non_null(r);
    clock_init_virtual(&r->clock, T0 + now_s * S);
    if (try_source(cql_url, tables, &source, reason))
        fail_msg("%s", reason);
    r->consumer = consumer_new(source, &OPTIONS, &r->clock);
    return r;
}

static void reader_free(struct reader *r)
{
    consumer_free(r->consumer);
    free(r);
}

/* All that there is now, behind what was read before. Returns how much it was. */
static size_t read_all(struct reader *r)
{
    struct consumer_batch batch;
    size_t before = r->count;
    do {
        assert_int_equal(consumer_step(r->consumer, &batch), 0);
        if (consumer_trouble(r->consumer))
            fail_msg("%s", consumer_trouble(r->consumer));
        for (size_t i = 0; i < batch.count; i++) {
            assert_true(r->count < GOT_MAX);
            r->rows[r->count++] = batch.rows[i];
        }
    } while (!batch.wait_ms);
    return r->count - before;
}

static size_t read_until(struct reader *r, int64_t now_s)
{
    r->clock.virtual_wall_us = T0 + now_s * S;
    return read_all(r);
}

static void assert_seats(const struct reader *r, uint32_t first, size_t from, size_t count)
{
    assert_true(r->count >= from + count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(r->rows[from + i].row.seat, first + i);
}

/* ---- tests ---- */

static void vnodes_with_a_switch(void **state)
{
    const struct cdc_stream a = native_stream(1), b = native_stream(2), c = native_stream(3),
                            d = native_stream(4), e = native_stream(5), f = native_stream(6);
    (void)state;
    add_vnodes(0, 1, 2, 3);
    write_insert(&a, 1 * S, 0);
    write_insert(&c, 2 * S, 1);
    write_insert(&b, 3 * S, 2);
    struct reader *r = reader_at(60, &VNODES);
    assert_int_equal(read_all(r), 3);
    assert_memory_equal(r->rows[1].stream.id, c.id, CDC_STREAM_BYTES);
    add_vnodes(100, 4, 5, 6);
    write_insert(&e, 101 * S, 5);
    write_insert(&d, 100 * S, 4);
    write_insert(&f, 102 * S, 6);
    write_insert(&a, 100 * S - 1, 3);
    assert_int_equal(read_until(r, 200), 4);
    assert_seats(r, 0, 0, 7);
    assert_int_equal(r->rows[0].row.seq, 1);
    assert_int_equal(r->rows[0].row.ttl, 900);
    assert_int_equal(read_until(r, 210), 0);
    reader_free(r);
}

static void tablets_with_a_switch(void **state)
{
    const struct cdc_stream a = native_stream(1), b = native_stream(2), c = native_stream(3);
    (void)state;
    add_tablets(0);
    add_tablet_stream("tablet_streams", 0, 0, &a);
    add_tablet_stream("tablet_streams", 0, 0, &b);
    add_tablets(100);
    add_tablet_stream("tablet_streams", 100, 0, &b);
    add_tablet_stream("tablet_streams", 100, 0, &c);
    add_tablet_stream("tablet_streams", 100, 1, &a);
    add_tablet_stream("tablet_streams", 100, 2, &c);
    write_insert(&a, 1 * S, 0);
    write_insert(&b, 99 * S, 1);
    write_insert(&c, 100 * S, 2);
    write_insert(&b, 101 * S, 3);
    write_insert(&a, 102 * S, 99); /* closed: nobody writes there any more */
    struct reader *r = reader_at(200, &TABLETS);
    assert_int_equal(read_all(r), 4);
    assert_seats(r, 0, 0, 4);
    reader_free(r);
}

static void our_streams_of_events(void **state)
{
    const struct cdc_stream first = log_stream(1), second = log_stream(2);
    (void)state;
    add_tablet_stream("cdc_streams", 0, 2, &first);
    write_insert(&first, 1 * S, 0);
    struct reader *r = reader_at(60, &OURS);
    assert_int_equal(read_all(r), 1);
    add_tablet_stream("cdc_streams", 70, 2, &second);
    struct cdc_log_row row = log_row(CDC_CODE_INSERT, 71 * S, 1, 0, 8, 2);
    row.event_id = log_event(2);
    row.ticket_id = ticket_id_of(&row.event_id, 1);
    write_log(&second, row);
    write_insert(&first, 72 * S, 2);
    assert_int_equal(read_until(r, 120), 2);
    assert_seats(r, 0, 0, 3);
    assert_true(uuid_equal(&r->rows[1].row.event_id.u, &row.event_id.u));
    reader_free(r);
}

static struct cdc_log_row at_batch(struct cdc_log_row row, int32_t batch_seq)
{
    row.batch_seq = batch_seq;
    return row;
}

/* What ScyllaDB writes by itself: preimages before deletes, none where the TTL was quicker; a delete of a
   range as two rows. And beside it our expiries, whose delete the server has logged, too. */
static void log_of_the_server_and_our_expiries(void **state)
{
    const struct consumer_tables tables = {
        .generations = "vnode_times", .streams = "vnode_streams", .expiries = "order_queue_expiries"};
    const struct cdc_stream a = native_stream(1), event = log_stream(1);
    const struct uuid holds[] = {uuid_numbered(7), uuid_numbered(8), uuid_numbered(9)};
    (void)state;
    add_vnodes(0, 1, 2, 3);
    add_tablet_stream("cdc_streams", 0, 2, &event);
    for (uint8_t i = 0; i < 3; i++)
        write_log(&a, at_batch(log_row(CDC_CODE_INSERT, 1 * S, i, 0, 7 + i, 3), i));
    write_log(&a, at_batch(log_row(CDC_CODE_PREIMAGE, 2 * S, 0, 0, 7, 3), 0)); /* extended */
    write_log(&a, at_batch(log_row(CDC_CODE_UPDATE, 2 * S, 0, 0, 7, 4), 1));
    write_log(&a, at_batch(log_row(CDC_CODE_PREIMAGE, 3 * S, 0, 0, 7, 4), 0)); /* bought */
    write_log(&a, at_batch(log_row(CDC_CODE_ROW_DELETE, 3 * S, 0, 0, 0, 0), 1));
    write_log(&a, log_row(CDC_CODE_ROW_DELETE, 4 * S, 1, 0, 0, 0)); /* expired: its TTL was quicker */
    write_row("order_queue_expiries", &event, log_row(CDC_CODE_EXPIRED, 4 * S, 1, 0, 8, 6));
    struct cdc_log_row from = log_row(CDC_CODE_FROM_INCLUSIVE, 5 * S, 2, 0, 0, 0), to = from;
    from.started_ms = to.started_ms = 0; /* DELETE ... WHERE event_id = ? AND ticket_id = ? */
    to.operation = CDC_CODE_TO_INCLUSIVE;
    write_log(&a, from);
    write_log(&a, at_batch(to, 1));

    struct reader *r = reader_at(60, &tables);
    assert_int_equal(read_all(r), 7);
    const enum cdc_operation want[] = {2, 2, 2, 1, 3, -3, 3};
    const uint32_t seats[] = {0, 1, 2, 0, 0, 1, 2};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(r->rows[i].row.operation, want[i]);
        assert_int_equal(r->rows[i].row.seat, seats[i]);
        assert_true(uuid_equal(&r->rows[i].row.hold_id.u, &holds[seats[i]]));
    }
    assert_int_equal(r->rows[5].row.outcome, OUTCOME_EXPIRED);
    assert_int_equal(r->rows[6].row.started_ms, T0 / 1000);
    reader_free(r);
}

/* A row late inside the safety interval, a row twice, and a new consumer that goes on from the checkpoint. */
static void each_row_once_over_a_restart(void **state)
{
    const struct cdc_stream a = native_stream(1), b = native_stream(2);
    (void)state;
    add_vnodes(0, 1, 2, 3);
    write_insert(&a, 10 * S, 0);
    write_insert(&a, 25 * S, 2);
    struct reader *r = reader_at(50, &VNODES);
    assert_int_equal(read_all(r), 1); /* the other is newer than 20 s */
    write_insert(&b, 21 * S, 1);      /* 29 s late */
    write_insert(&b, 22 * S, 0);      /* again, in another stream */
    assert_int_equal(read_until(r, 60), 2);
    assert_seats(r, 0, 0, 3);
    assert_int_equal(consumer_save(r->consumer), 0);
    assert_int_equal(consumer_place_us(r->consumer), T0 + 30 * S);
    reader_free(r);

    write_insert(&b, 30 * S, 3);
    write_insert(&a, 31 * S, 2); /* again, of before the checkpoint */
    write_log(&a, log_row(CDC_CODE_ROW_DELETE, 32 * S, 1, 0, 0, 0));
    r = reader_at(80, &VNODES);
    assert_int_equal(read_all(r), 2);
    assert_int_equal(r->rows[0].row.seat, 3);
    assert_int_equal(r->rows[1].row.operation, CDC_ROW_DELETE);
    const struct uuid hold = uuid_numbered(7);
    assert_true(uuid_equal(&r->rows[1].row.hold_id.u, &hold)); /* its insert was read again, not handed out */
    uint64_t repeated, strange;
    consumer_left_out(r->consumer, &repeated, &strange);
    assert_int_equal(repeated, 2);
    assert_int_equal(strange, 0);
    reader_free(r);
}

/* More than a page of the protocol and than a window. */
static void many_rows(void **state)
{
    enum { ROWS = 2500 };
    const struct cdc_stream first = log_stream(1);
    (void)state;
    add_tablet_stream("cdc_streams", 0, 2, &first);
    for (uint32_t seat = 0; seat < ROWS; seat++)
        write_insert(&first, 1 * S + seat, seat);
    struct reader *r = reader_at(60, &OURS);
    assert_int_equal(read_all(r), ROWS);
    assert_seats(r, 0, 0, ROWS);
    reader_free(r);
}

static void rows_of_another_form_are_said(void **state)
{
    const struct cdc_stream first = log_stream(1);
    struct consumer_batch batch;
    (void)state;
    cql_run("INSERT INTO %s.cdc_streams (keyspace_name, table_name, timestamp, stream_state, stream_id) "
            "VALUES ('%s', 'order_queue', 0, 2, 0x1234)",
            cql_keyspace, cql_keyspace);
    write_insert(&first, 1 * S, 0);
    struct reader *r = reader_at(60, &OURS);
    int ret = 0;
    for (int i = 0; i < 3 && !ret; i++)
        ret = consumer_step(r->consumer, &batch);
    assert_int_equal(ret, BOX_ECORRUPT);
    assert_non_null(strstr(consumer_trouble(r->consumer), "cdc_streams"));
    reader_free(r);
}

static void assert_refused(const char *url, const struct consumer_tables *tables, int code, const char *says)
{
    struct cdc_source *source;
    char reason[CONSUMER_REASON] = "";
    assert_int_equal(try_source(url, tables, &source, reason), code);
    if (!strstr(reason, says))
        fail_msg("'%s' does not say '%s'", reason, says);
}

static void what_is_not_there_is_said(void **state)
{
    char nowhere[600];
    (void)state;
    snprintf(nowhere, sizeof(nowhere), "cql://%s/%.30s_not", cql_hosts, cql_keyspace);
    assert_refused("http://127.0.0.1/k", &OURS, BOX_EINVALID, "cql://HOST");
    assert_refused("cql://127.0.0.1/1k", &OURS, BOX_EINVALID, "keyspace");
    assert_refused("cql://127.0.0.1:1/k", &OURS, BOX_EUNAVAILABLE, "cannot connect");
    assert_refused(nowhere, &OURS, BOX_EINVALID, "there is no table");
    assert_refused(cql_url, &(struct consumer_tables){.log = "events"}, BOX_EINVALID, "_scylla_cdc_log");
    assert_refused(cql_url, &(struct consumer_tables){.log = "x;y_scylla_cdc_log"}, BOX_EINVALID, "no name");
    assert_refused(cql_url, &(struct consumer_tables){.log = "no_scylla_cdc_log"}, BOX_EINVALID, "no_scylla");
    assert_refused(cql_url, &(struct consumer_tables){.streams = "vnode_times"}, BOX_EINVALID,
                   "stream_state");
    assert_refused(cql_url, &(struct consumer_tables){.streams = "not_there"}, BOX_EINVALID, "not_there");
    assert_refused(cql_url, &(struct consumer_tables){.generations = "a.b.c"}, BOX_EINVALID,
                   "name of a table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(vnodes_with_a_switch, empty_tables),
        cmocka_unit_test_setup(tablets_with_a_switch, empty_tables),
        cmocka_unit_test_setup(our_streams_of_events, empty_tables),
        cmocka_unit_test_setup(log_of_the_server_and_our_expiries, empty_tables),
        cmocka_unit_test_setup(each_row_once_over_a_restart, empty_tables),
        cmocka_unit_test_setup(many_rows, empty_tables),
        cmocka_unit_test_setup(rows_of_another_form_are_said, empty_tables),
        cmocka_unit_test(what_is_not_there_is_said),
    };
    int code;
    if (!cql_test_begin("cdc", &code))
        return code;
    code = cmocka_run_group_tests(tests, make_keyspace, NULL);
    cql_test_end();
    return code;
}
