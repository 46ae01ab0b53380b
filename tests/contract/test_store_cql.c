/*
 * The store on a cluster: the common suite, and what only a cluster has: a schema that several make at once,
 * rows of other programs, names and keys that are claimed. Needs a real one: cql_keyspace.h.
 */
#include "contract/cql_keyspace.h"
#include "contract/suite.c"

/* ---- the suite's store ---- */

static struct store *open_cleared(void)
{
    struct store *s = cql_open_store();
    cql_clear();
    return s;
}

static struct store *close_and_open(struct store *s)
{
    store_close(s);
    return cql_open_store();
}

static uint64_t seed(void)
{
    uint64_t random;
    rng_bytes(&cql_rng, &random, sizeof(random));
    return random;
}

const struct suite_backend suite_backend = {
    .open = open_cleared, .restart = close_and_open, .close = store_close, .seed = seed};

/* ---- opening ---- */

static void assert_refused(const char *url, const struct store_cql_options *options, int code,
                           const char *says)
{
    struct store *s;
    const char *reason = "", *note;
    assert_int_equal(cql_try_open(url, options, &s, &reason, &note), code);
    if (!strstr(reason, says))
        print_error("reason: %s\n", reason);
    assert_non_null(strstr(reason, says));
    assert_null(strchr(reason, '\n'));
}

static const char *url_of(const char *keyspace)
{
    static char url[600];
    snprintf(url, sizeof(url), "cql://%s/%s", cql_hosts, keyspace);
    return url;
}

/* Another keyspace of this process. */
static const char *other_keyspace(const char *what)
{
    static char name[64];
    snprintf(name, sizeof(name), "%.36s_%s", cql_keyspace, what);
    return name;
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    const struct store_cql_options replication = {.replication = "{'class': 'x'}; DROP"},
                                   dialect = {.dialect = "mysql"}, dc = {.local_dc = "nowhere"};
    assert_refused("redis://127.0.0.1/x", NULL, BOX_EINVALID, "cql://HOST");
    assert_refused("cql:///x", NULL, BOX_EINVALID, "cql://HOST");
    assert_refused("cql://127.0.0.1", NULL, BOX_EINVALID, "cql://HOST");
    assert_refused("cql://u:p@127.0.0.1/x", NULL, BOX_EINVALID, "cql://HOST");
    assert_refused("cql://127.0.0.1/1x", NULL, BOX_EINVALID, "keyspace");
    assert_refused("cql://127.0.0.1/a-b", NULL, BOX_EINVALID, "keyspace");
    assert_refused("cql://127.0.0.1:1/x", NULL, BOX_EUNAVAILABLE, "127.0.0.1:1");
    assert_refused(cql_url, &replication, BOX_EINVALID, "CQL map");
    assert_refused(cql_url, &dialect, BOX_EINVALID, "'mysql'");
    struct store *s;
    const char *reason = "", *note;
    assert_int_not_equal(cql_try_open(cql_url, &dc, &s, &reason, &note), 0);
}

static void set_meta(const char *keyspace, const char *key, const char *value)
{
    cql_run("UPDATE %s.meta SET value = '%s' WHERE key = '%s' IF EXISTS", keyspace, value, key);
}

static void newer_schema_is_refused(void **state)
{
    (void)state;
    set_meta(cql_keyspace, "schema_version", "99");
    assert_refused(cql_url, NULL, BOX_ENEWER, "newer version of boxoffice");
    set_meta(cql_keyspace, "schema_version", "1");
    store_close(cql_open_store());
}

static void other_data_centre_is_refused(void **state)
{
    (void)state;
    struct cql_topology t;
    cql_topology(cql_raw, &t);
    set_meta(cql_keyspace, "home_dc", "elsewhere");
    assert_refused(cql_url, NULL, BOX_ELOCKED, "--local-dc elsewhere");
    set_meta(cql_keyspace, "home_dc", t.local_dc);
    store_close(cql_open_store());
}

/* The keyspace and the published tables may be of somebody's own making: ours are added. */
static void published_tables_may_be_there(void **state)
{
    (void)state;
    const char *name = other_keyspace("own");
    struct store *s;
    const char *reason = "", *note = "x";
    cql_run("CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}",
            name);
    cql_run(
        "CREATE TABLE %s.orders (order_id uuid PRIMARY KEY, event_id uuid, purchased_at timestamp, status "
        "text, total_price decimal, user_id uuid)",
        name);
    assert_int_equal(cql_try_open(url_of(name), NULL, &s, &reason, &note), 0);
    assert_null(note); /* one node: nothing is wrong with one copy */
    cql_run("SELECT code, data FROM %s.orders", name);
    store_close(s);
    cql_drop(name);
}

static void made_keyspace_is_said(void **state)
{
    (void)state;
    const char *name = other_keyspace("new");
    struct store *s;
    const char *reason = "", *note = NULL;
    assert_int_equal(cql_try_open(url_of(name), NULL, &s, &reason, &note), 0);
    store_close(s);
    cql_drop(name);
    assert_non_null(note);
    assert_non_null(strstr(note, "made the keyspace"));
    assert_non_null(strstr(note, "NetworkTopologyStrategy"));
}

/* Who died while it made the tables is waited for, and not for ever: its lock goes by itself. */
static void schema_is_finished_for_one_who_died(void **state)
{
    (void)state;
    cql_run("DELETE FROM %s.meta WHERE key = 'schema_version' IF EXISTS", cql_keyspace);
    cql_run("ALTER TABLE %s.orders DROP code", cql_keyspace);
    cql_run("INSERT INTO %s.meta (key, value) VALUES ('schema_lock', 'somebody') IF NOT EXISTS USING TTL 1",
            cql_keyspace);
    store_close(cql_open_store());
    cql_run("SELECT code FROM %s.orders", cql_keyspace);
    struct cql_result *version =
        cql_do("SELECT value FROM %s.meta WHERE key = 'schema_version'", cql_keyspace);
    assert_int_equal(cql_rows(version), 1);
    cql_result_free(version);
}

/* ---- many at once ---- */

enum { OPENERS = 4 };

struct opener {
    const char *url;
    int ret;
    char reason[512];
    struct store *store;
};

static void *open_one(void *ctx)
{
    struct opener *o = ctx;
    const char *reason = "", *note;
    o->ret = cql_try_open(o->url, NULL, &o->store, &reason, &note);
    snprintf(o->reason, sizeof(o->reason), "%s", reason);
    return NULL;
}

static void several_make_the_schema_at_once(void **state)
{
    (void)state;
    struct opener openers[OPENERS];
    pthread_t threads[OPENERS];
    const char *name = other_keyspace("many");
    for (int i = 0; i < OPENERS; i++) {
        openers[i] = (struct opener){.url = url_of(name)};
        assert_int_equal(pthread_create(&threads[i], NULL, open_one, &openers[i]), 0);
    }
    for (int i = 0; i < OPENERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < OPENERS; i++) {
        if (openers[i].ret)
            print_error("%s\n", openers[i].reason);
        assert_int_equal(openers[i].ret, 0);
        store_close(openers[i].store);
    }
    struct cql_result *lock = cql_do("SELECT value FROM %s.meta WHERE key = 'schema_lock'", name);
    assert_int_equal(cql_rows(lock), 0);
    cql_result_free(lock);
    cql_drop(name);
}

/* ---- venues and their keys ---- */

static bool has_venue(struct world *w, const struct layout *l)
{
    struct layout *got = NULL;
    int ret = store_get_venue(w->store, &l->venue_id, &got);
    assert_true(ret == 0 || ret == BOX_ENOTFOUND);
    layout_unref(got);
    return ret == 0;
}

static size_t section_rows(const struct layout *l)
{
    char id[UUID_TEXT + 1];
    uuid_format(&l->venue_id.u, id);
    struct cql_result *rows =
        cql_do("SELECT type_id FROM %s.venue_sections WHERE venue_id = %s", cql_keyspace, id);
    size_t count = cql_rows(rows);
    cql_result_free(rows);
    return count;
}

static void one_of_two_venues_with_a_key_counts(void **state)
{
    struct world *w = *state;
    struct layout *second = make_layout(w, "Second Hall");
    struct idem_record idem = make_idem(w, "/v1/venues/1", "{}");
    assert_int_equal(store_put_venue(w->store, w->layout, &idem), 0);
    assert_int_equal(store_put_venue(w->store, w->layout, &idem), 0); /* the same request again */
    assert_int_equal(store_put_venue(w->store, second, &idem), BOX_EEXISTS);
    assert_true(has_venue(w, w->layout));
    assert_false(has_venue(w, second));
    assert_int_equal(section_rows(w->layout), w->layout->place_count);
    assert_int_equal(section_rows(second), 0);
    layout_unref(second);
}

/* Who dies after the answer was kept and before the venue was shown leaves work to the next reader. */
static void half_made_venue_is_finished(void **state)
{
    struct world *w = *state;
    struct idem_record idem = make_idem(w, "/v1/venues/1", "{}");
    char id[UUID_TEXT + 1];
    struct seen_venues seen = {.count = 0};
    uuid_format(&w->layout->venue_id.u, id);
    assert_int_equal(store_put_venue(w->store, w->layout, &idem), 0);
    cql_run("DELETE visible FROM %s.venues WHERE venue_id = %s", cql_keyspace, id);
    cql_run("DELETE FROM %s.venue_sections WHERE venue_id = %s", cql_keyspace, id);
    assert_int_equal(store_list_venues(w->store, see_venue, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_same_layout(seen.layouts[0], w->layout);
    assert_int_equal(section_rows(w->layout), w->layout->place_count);
    layout_unref(seen.layouts[0]);
    /* And one that died before the answer was kept made nothing. */
    struct layout *second = make_layout(w, "Second Hall");
    assert_int_equal(store_put_venue(w->store, second, NULL), 0);
    uuid_format(&second->venue_id.u, id);
    cql_run("DELETE visible FROM %s.venues WHERE venue_id = %s", cql_keyspace, id);
    assert_false(has_venue(w, second));
    layout_unref(second);
}

/* A layout of several chunks. */
static void large_venue_comes_back(void **state)
{
    struct world *w = *state;
    struct layout_builder *b = layout_builder_new();
    struct layout *large = NULL, *got = NULL;
    const struct decimal price = {.unscaled = 1, .scale = 0};
    assert_int_equal(layout_builder_section(b, (struct section_id){test_uuid(w)}, "A"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price), 0);
    for (int32_t row = 0; row < 400; row++) {
        char label[16];
        snprintf(label, sizeof(label), "%d", row);
        assert_int_equal(layout_builder_row(b, label, NULL, NULL), 0);
        for (int32_t seat = 0; seat < 400; seat++) {
            const int32_t x = (int32_t)rng_below(&w->rng, 1000000), y = row * 1000;
            snprintf(label, sizeof(label), "%d", seat);
            assert_int_equal(layout_builder_seat(b, label, &x, &y, NULL), 0);
        }
    }
    struct venue_id id = {test_uuid(w)};
    assert_int_equal(layout_builder_finish(b, id, "Large", "Europe/Berlin", 1, &large), 0);
    layout_builder_free(b);
    assert_int_equal(store_put_venue(w->store, large, NULL), 0);
    assert_int_equal(store_get_venue(w->store, &id, &got), 0);
    assert_same_layout(got, large);
    layout_unref(got);
    layout_unref(large);
}

/* ---- names ---- */

static void a_slug_has_one_event(void **state)
{
    struct world *w = *state;
    struct event_id a = event_id_new(&w->rng), b = event_id_new(&w->rng);
    char id[UUID_TEXT + 1];
    uuid_format(&a.u, id);
    assert_int_equal(store_claim_slug(w->store, "night", &a), 0);
    assert_int_equal(store_claim_slug(w->store, "night", &a), 0);
    assert_int_equal(store_claim_slug(w->store, "night", &b), BOX_ESLUGTAKEN);
    assert_int_equal(store_claim_slug(w->store, "day", &b), 0);
    struct cql_result *rows =
        cql_do("SELECT TTL(event_id) FROM %s.event_slugs WHERE slug = 'night'", cql_keyspace);
    assert_int_equal(cql_rows(rows), 1);
    assert_int_equal(cql_value(rows, 0, 0).size, 4); /* goes by itself */
    cql_result_free(rows);
    cql_run("INSERT INTO %s.events (event_id, deleted, seq) VALUES (%s, true, 2)", cql_keyspace, id);
    assert_int_equal(store_claim_slug(w->store, "night", &b), 0); /* of a deleted event: free */
    assert_int_equal(store_claim_slug(w->store, "night", &a), BOX_ESLUGTAKEN);
}

/* ---- keys, without waiting ---- */

struct lookup_test {
    struct idem_lookup l;
    sem_t done;
};

static void lookup_done(struct idem_lookup *l)
{
    sem_post(&((struct lookup_test *)l->ctx)->done);
}

static int look_up(struct world *w, const struct digest *key, int64_t now_ms, struct idem_record **ret)
{
    struct lookup_test t;
    sem_init(&t.done, 0, 0);
    t.l = (struct idem_lookup){
        .key = *key, .now_ms = now_ms, .arena = &w->arena, .done = lookup_done, .ctx = &t};
    store_idem_lookup(w->store, &t.l);
    while (sem_wait(&t.done))
        ;
    sem_destroy(&t.done);
    *ret = t.l.record;
    return t.l.result;
}

static void keys_are_found_without_waiting(void **state)
{
    struct world *w = *state;
    struct idem_record idem = make_idem(w, "/v1/venues/1", "{\"a\":1}"), *got;
    assert_int_equal(look_up(w, &idem.key, 0, &got), BOX_ENOTFOUND);
    assert_int_equal(store_put_venue(w->store, w->layout, &idem), 0);
    assert_int_equal(look_up(w, &idem.key, idem.expires_ms - 1, &got), 0);
    assert_int_equal(got->http_status, 201);
    assert_string_equal(got->location, "/v1/venues/1");
    assert_int_equal(got->body_size, 7);
    assert_memory_equal(got->body, "{\"a\":1}", 7);
    assert_true(digest_equal(&got->key, &idem.key) && digest_equal(&got->request, &idem.request));
    assert_int_equal(look_up(w, &idem.key, idem.expires_ms, &got), BOX_ENOTFOUND);
}

/* ---- servers ---- */

static void servers_see_each_other(void **state)
{
    struct world *w = *state;
    struct server_row a = {.server_id = test_uuid(w),
                           .address = "http://127.0.0.1:1",
                           .version = "1",
                           .beat = 1,
                           .started_ms = 7,
                           .fit = true},
                      b = a, *rows;
    uint32_t count;
    b.server_id = test_uuid(w);
    b.fit = false;
    snprintf(b.address, sizeof(b.address), "http://127.0.0.1:2");
    assert_int_equal(store_beat(w->store, &a, &w->arena, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_true(uuid_equal(&rows[0].server_id, &a.server_id));
    assert_string_equal(rows[0].address, a.address);
    assert_string_equal(rows[0].version, "1");
    assert_true(rows[0].beat == 1 && rows[0].started_ms == 7 && rows[0].fit);
    assert_int_equal(store_beat(w->store, &b, &w->arena, &rows, &count), 0);
    assert_int_equal(count, 2);
    a.beat = 2;
    assert_int_equal(store_beat(w->store, &a, &w->arena, &rows, &count), 0);
    assert_int_equal(count, 2);
    const struct server_row *now = &rows[uuid_equal(&rows[0].server_id, &a.server_id) ? 0 : 1];
    assert_int_equal(now->beat, 2);
    store_leave(w->store, &a.server_id);
    assert_int_equal(store_beat(w->store, &b, &w->arena, &rows, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].address, "http://127.0.0.1:2");
    assert_false(rows[0].fit);
    store_leave(w->store, &b.server_id);
}

static void the_clusters_clock_is_known(void **state)
{
    struct world *w = *state;
    int64_t ahead_us = INT64_MAX, error_us = -1;
    assert_int_equal(store_clock(w->store, &cql_clock, &ahead_us, &error_us), 0);
    assert_true(error_us > 0);
    assert_true(llabs(ahead_us) <= error_us); /* the node is on this machine: the same clock */
    struct clock ahead;
    clock_init_virtual(&ahead, clock_wall_us(&cql_clock) + 3600 * 1000000LL);
    assert_int_equal(store_clock(w->store, &ahead, &ahead_us, &error_us), 0);
    assert_true(ahead_us > 3500 * 1000000LL && ahead_us < 3700 * 1000000LL);
}

/* ---- rows of other programs ---- */

static void rows_of_others_are_left_alone(void **state)
{
    struct world *w = *state;
    const char *id = "12345678-1234-4234-8234-123456789abc";
    const struct order_filter all = {.status = -1};
    struct order order;
    struct order_id order_id;
    struct order all_orders[4];
    struct order_queue_row rows[4];
    assert_int_equal(uuid_parse(id, &order_id.u), 0);
    cql_run("INSERT INTO %s.tickets (event_id, ticket_id, price, section, status, type_id) VALUES (%s, %s, "
            "45.00, "
            "%s, 'available', 'regular')",
            cql_keyspace, id, id, id);
    cql_run("INSERT INTO %s.order_queue (event_id, ticket_id, started_at, session_id) VALUES (%s, %s, "
            "toTimestamp(now()), 'x')",
            cql_keyspace, id, id);
    cql_run(
        "INSERT INTO %s.venue_sections (venue_id, section_id, type_id, price, seats_count) VALUES (%s, %s, "
        "'regular', 45.00, 1)",
        cql_keyspace, id, id);
    cql_run(
        "INSERT INTO %s.orders (order_id, event_id, purchased_at, status, total_price, user_id) VALUES (%s, "
        "%s, toTimestamp(now()), 'paid', 45.00, %s)",
        cql_keyspace, id, id, id);
    cql_run(
        "INSERT INTO %s.events (event_id, date, event_type, has_tickets, name, slug, venue_id) VALUES (%s, "
        "toTimestamp(now()), 'x', true, 'x', 'x', %s)",
        cql_keyspace, id, id);
    assert_int_equal(count_events(w), 0);
    assert_int_equal(store_get_order(w->store, &order_id, &w->arena, &order), BOX_ENOTFOUND);
    assert_int_equal(count_orders(w, &all, 2, all_orders), 0);
    assert_int_equal(count_queue(w, (struct order_queue_filter){.event = NULL}, 2, rows), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(bad_options_are_refused),
        SUITE_TEST(newer_schema_is_refused),
        SUITE_TEST(other_data_centre_is_refused),
        SUITE_TEST(published_tables_may_be_there),
        SUITE_TEST(made_keyspace_is_said),
        SUITE_TEST(schema_is_finished_for_one_who_died),
        SUITE_TEST(several_make_the_schema_at_once),
        SUITE_TEST(one_of_two_venues_with_a_key_counts),
        SUITE_TEST(half_made_venue_is_finished),
        SUITE_TEST(large_venue_comes_back),
        SUITE_TEST(a_slug_has_one_event),
        SUITE_TEST(keys_are_found_without_waiting),
        SUITE_TEST(servers_see_each_other),
        SUITE_TEST(the_clusters_clock_is_known),
        SUITE_TEST(rows_of_others_are_left_alone),
        SUITE_TESTS,
    };
    int code;
    assert_true(sodium_init() >= 0);
    if (!cql_test_begin("store", &code))
        return code;
    code = cmocka_run_group_tests(tests, NULL, NULL);
    cql_test_end();
    return code;
}
