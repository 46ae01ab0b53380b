/* Which writes a group's second half consists of, in both dialects. */
#include "store/cql/second_half.h"
#include "unit/change/fixture.h"

static const uint8_t SECRET[32] = {1};
static const struct uuid BATCH = {{0xba}};

struct half {
    struct fixture f;
    struct layout *layout;
    struct event *event;
    struct event_group group;
    struct second_half_frame frame;
    struct cql_writes writes;
    int has_tickets;
};

static void half_init(struct half *h, enum change_kind kind, enum schema_dialect dialect)
{
    memset(h, 0, sizeof(*h));
    fixture_init(&h->f, kind, 3);
    h->layout = small_layout();
    h->event = small_event(h->layout);
    h->group = (struct event_group){
        .event_id = h->f.change.event_id, .follows_seq = 2, .changes = &h->f.change, .change_count = 1};
    h->frame = (struct second_half_frame){
        .dialect = dialect, .keyspace = "ks", .email_secret = SECRET, .now_ms = FIXTURE_STARTED_MS};
    h->has_tickets = HAS_TICKETS_AS_IT_IS;
    cql_writes_init(&h->writes);
}

/* Build; as many values as markers in each request. */
static void half_build(struct half *h)
{
    const struct second_half_input in = {
        .group = &h->group, .event = h->event, .batch_id = BATCH, .has_tickets = h->has_tickets};
    size_t count = 0;
    second_half_build(&h->frame, &in, &h->writes);
    for (const struct cql_write *w = h->writes.first; w; w = w->next, count++) {
        size_t markers = 0;
        for (size_t i = 0; i < w->count; i++) {
            const struct cql_statement_def *def = &CQL_STATEMENT_DEFS[w->statements[i]];
            markers += cql_markers(w->statements[i]);
            assert_int_equal(def->kind, CQL_STATEMENT_DEFS[w->statements[0]].kind);
            assert_true(schema_belongs(def->where, h->frame.dialect));
        }
        assert_int_equal(w->values.count, markers);
    }
    assert_int_equal(count, h->writes.count);
}

static void half_done(struct half *h)
{
    cql_writes_done(&h->writes);
    event_unref(h->event);
    layout_unref(h->layout);
    fixture_done(&h->f);
}

/* How often a statement is there, over all requests. */
static unsigned times(const struct half *h, enum cql_st st)
{
    unsigned n = 0;
    for (const struct cql_write *w = h->writes.first; w; w = w->next)
        for (size_t i = 0; i < w->count; i++)
            n += w->statements[i] == st;
    return n;
}

/* The first request with a statement in it. */
static const struct cql_write *with(const struct half *h, enum cql_st st)
{
    for (const struct cql_write *w = h->writes.first; w; w = w->next)
        for (size_t i = 0; i < w->count; i++)
            if (w->statements[i] == st)
                return w;
    return NULL;
}

static int64_t number(const struct cql_cell *c)
{
    int64_t v = 0;
    for (int32_t i = 0; i < c->size; i++)
        v = v << 8 | c->data[i];
    return v;
}

struct expected {
    enum change_kind kind;
    unsigned puts, extends, deletes, log, holds, orders, of_event, index;
};

static const struct expected KINDS[] = {
    {CHANGE_SEATS_BLOCKED, 0, 0, 0, 0, 0, 0, 0, 0},
    {CHANGE_HOLD_CREATED, 3, 0, 0, 3, 1, 0, 0, 0},
    {CHANGE_HOLD_EXTENDED, 0, 3, 0, 3, 1, 1, 0, 0},
    {CHANGE_HOLD_RELEASED, 0, 0, 3, 3, 1, 0, 0, 0},
    {CHANGE_HOLD_EXPIRED, 0, 0, 3, 3, 1, 1, 0, 0},
    {CHANGE_ORDER_CREATED, 0, 0, 0, 0, 1, 1, 1, 4}, /* the code and three tickets */
    {CHANGE_ORDER_PAID, 0, 0, 3, 3, 1, 1, 0, 0},
    {CHANGE_ORDER_CANCELLED, 0, 0, 3, 3, 1, 1, 0, 0},
    {CHANGE_ORDER_REFUNDED, 0, 0, 0, 0, 0, 1, 0, 0},
    {CHANGE_EVENT_PAUSED, 0, 0, 0, 0, 0, 0, 0, 0},
};

static void rows_of_each_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        struct half h;
        const struct expected *e = &KINDS[i];
        half_init(&h, e->kind, SCHEMA_CASSANDRA);
        half_build(&h);
        assert_int_equal(times(&h, CQL_ST_PUT_CHANGE), 1);
        assert_int_equal(times(&h, CQL_ST_PUT_QUEUE), e->puts);
        assert_int_equal(times(&h, CQL_ST_EXTEND_QUEUE), e->extends);
        assert_int_equal(times(&h, CQL_ST_DELETE_QUEUE), e->deletes);
        assert_int_equal(times(&h, CQL_ST_PUT_LOG), e->log);
        assert_int_equal(times(&h, CQL_ST_PUT_EXPIRY), 0);
        assert_int_equal(times(&h, CQL_ST_PUT_HOLD), e->holds);
        assert_int_equal(times(&h, CQL_ST_PUT_ORDER), e->orders);
        assert_int_equal(times(&h, CQL_ST_PUT_ORDER_OF_EVENT), e->of_event);
        assert_int_equal(times(&h, CQL_ST_PUT_ORDER_INDEX), e->index);
        assert_int_equal(times(&h, CQL_ST_PUT_EVENT), e->kind == CHANGE_EVENT_PAUSED);
        assert_int_equal(times(&h, CQL_ST_PUT_HAS_TICKETS), 0);
        if (e->log) /* of one partition key: one mutation */
            assert_int_equal(with(&h, CQL_ST_PUT_LOG)->count, e->puts + e->extends + e->deletes + e->log);
        half_done(&h);
    }
}

/* ScyllaDB writes its log by itself, but knows of no expiry. */
static void on_scylla_only_expiries_are_logged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        struct half h;
        half_init(&h, KINDS[i].kind, SCHEMA_SCYLLA);
        half_build(&h);
        assert_int_equal(times(&h, CQL_ST_PUT_LOG), 0);
        assert_int_equal(times(&h, CQL_ST_PUT_EXPIRY),
                         KINDS[i].kind == CHANGE_HOLD_EXPIRED ? FIXTURE_SEATS : 0);
        assert_int_equal(times(&h, CQL_ST_DELETE_QUEUE), KINDS[i].deletes);
        half_done(&h);
    }
}

static void an_event_begins_and_ends(void **state)
{
    (void)state;
    struct half h;
    half_init(&h, CHANGE_EVENT_CREATED, SCHEMA_CASSANDRA);
    h.has_tickets = 1;
    half_build(&h);
    assert_int_equal(times(&h, CQL_ST_PUT_EVENT), 1);
    assert_int_equal(times(&h, CQL_ST_PUT_CDC_STREAM), 1);
    assert_int_equal(times(&h, CQL_ST_PUT_CDC_GENERATION), 1);
    assert_int_equal(times(&h, CQL_ST_PUT_HAS_TICKETS), 1);
    const struct cql_write *slug = with(&h, CQL_ST_TAKE_SLUG);
    assert_non_null(slug);
    assert_int_equal(number(&slug->values.cells[0]), 0); /* for ever */
    assert_non_null(slug->otherwise);
    assert_int_equal(slug->otherwise->statements[0], CQL_ST_CLAIM_SLUG);
    assert_int_equal(slug->otherwise->values.count, cql_markers(CQL_ST_CLAIM_SLUG));
    assert_int_equal(number(&slug->otherwise->values.cells[2]), 0);
    half_done(&h);
    half_init(&h, CHANGE_EVENT_DELETED, SCHEMA_SCYLLA);
    half_build(&h);
    assert_int_equal(times(&h, CQL_ST_FREE_SLUG), 1);
    assert_int_equal(times(&h, CQL_ST_PUT_CDC_STREAM), 0);
    half_done(&h);
}

/* The last value of these statements is the time of their change, whenever they are written. */
static void every_row_bears_its_change_s_time(void **state)
{
    (void)state;
    static const enum cql_st last[] = {CQL_ST_PUT_LOG,   CQL_ST_PUT_CHANGE,         CQL_ST_PUT_HOLD,
                                       CQL_ST_PUT_ORDER, CQL_ST_PUT_ORDER_OF_EVENT, CQL_ST_PUT_ORDER_INDEX,
                                       CQL_ST_PUT_QUEUE, CQL_ST_PUT_PERSONAL,       CQL_ST_PUT_IDEM,
                                       CQL_ST_PUT_EVENT};
    for (size_t k = 0; k < sizeof(KINDS) / sizeof(KINDS[0]); k++) {
        struct half h;
        half_init(&h, KINDS[k].kind, SCHEMA_CASSANDRA);
        h.frame.now_ms += 3600000;
        half_build(&h);
        for (const struct cql_write *w = h.writes.first; w; w = w->next) {
            size_t at = 0;
            for (size_t i = 0; i < w->count; i++) {
                at += cql_markers(w->statements[i]);
                for (size_t n = 0; n < sizeof(last) / sizeof(last[0]); n++)
                    if (w->statements[i] == last[n])
                        assert_true(number(&w->values.cells[at - 1]) == h.f.change.time_us);
            }
        }
        half_done(&h);
    }
}

/* The TTL is what is left when it is written, in whole seconds of the clock (the hold begins and ends at
 * 0.123 s of one), at least 1 s, at most what the hold has. */
static void ttl_is_what_is_left(void **state)
{
    (void)state;
    static const struct {
        int64_t later_ms;
        int64_t ttl;
    } cases[] = {{0, 901},    {1, 901},    {877, 900},   {1001, 900},
                 {899999, 1}, {900000, 1}, {5000000, 1}, {-3600000, 901}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct half h;
        half_init(&h, CHANGE_HOLD_CREATED, SCHEMA_CASSANDRA);
        h.frame.now_ms += cases[i].later_ms;
        half_build(&h);
        const struct cql_write *w = with(&h, CQL_ST_PUT_QUEUE);
        assert_int_equal(w->statements[0], CQL_ST_PUT_QUEUE);
        assert_int_equal(number(&w->values.cells[6]), cases[i].ttl);
        half_done(&h);
    }
}

/* A node that counts whole seconds from a moment in the middle of one keeps the row until the hold ends. */
static void ttl_reaches_to_the_end(void **state)
{
    (void)state;
    for (int64_t ms = 0; ms < 1000; ms += 37) {
        struct half h;
        half_init(&h, CHANGE_HOLD_CREATED, SCHEMA_CASSANDRA);
        const int64_t expires_ms = FIXTURE_STARTED_MS + 900 * 1000;
        h.frame.now_ms = expires_ms - 60000 - ms;
        half_build(&h);
        int64_t ttl = number(&with(&h, CQL_ST_PUT_QUEUE)->values.cells[6]);
        int64_t gone_ms = (h.frame.now_ms / 1000 + ttl) * 1000;
        assert_true(gone_ms >= expires_ms && gone_ms < expires_ms + 1000);
        half_done(&h);
    }
}

static void buyers_and_answers(void **state)
{
    (void)state;
    struct half h;
    struct personal_record with_mail = {.order_id = {uuid_numbered(4)}, .personal = {.email = "A@b.org"}};
    struct personal_record paid = {.order_id = {uuid_numbered(4)}, .personal = {.payment_reference = "x"}};
    const struct personal_record *personals[] = {&with_mail, &paid};
    struct idem_record answer = {.key = {{1}}, .http_status = 204, .expires_ms = FIXTURE_STARTED_MS + 1500};
    struct idem_record late = {.key = {{2}}, .http_status = 204, .expires_ms = FIXTURE_STARTED_MS - 1};
    const struct idem_record *idems[] = {&answer, &late};
    half_init(&h, CHANGE_ORDER_PAID, SCHEMA_CASSANDRA);
    h.group.personals = personals;
    h.group.personal_count = 2;
    h.group.idems = idems;
    h.group.idem_count = 2;
    half_build(&h);
    assert_int_equal(times(&h, CQL_ST_PUT_PERSONAL), 2);
    assert_int_equal(times(&h, CQL_ST_PUT_ORDER_INDEX), 1); /* the address; not the paid one's */
    assert_int_equal(times(&h, CQL_ST_PUT_IDEM), 2);
    /* what a record does not say is left as it is */
    const struct cql_write *w = with(&h, CQL_ST_PUT_PERSONAL);
    assert_int_equal(w->values.cells[1].size, CQL_UNSET);
    assert_int_equal(w->values.cells[2].size, 7);
    assert_int_equal(w->values.cells[3].size, CQL_UNSET);
    w = with(&h, CQL_ST_PUT_IDEM);
    assert_int_equal(w->values.cells[5].size, CQL_UNSET); /* no location */
    assert_int_equal(w->values.cells[6].size, 0);         /* an empty body is a body */
    assert_int_equal(number(&w->values.cells[7]), 2);     /* rounded up */
    assert_int_equal(number(&w->next->values.cells[7]), 1);
    half_done(&h);
}

/* What is too much for one batch goes in several. */
static void large_groups_are_cut(void **state)
{
    (void)state;
    enum { CHANGES = 700 };
    struct half h;
    static struct change changes[CHANGES];
    half_init(&h, CHANGE_HOLD_CREATED, SCHEMA_CASSANDRA);
    for (int i = 0; i < CHANGES; i++) {
        changes[i] = h.f.change;
        changes[i].seq = 3 + (uint64_t)i;
        changes[i].next = i + 1 < CHANGES ? &changes[i + 1] : NULL;
    }
    h.group.changes = changes;
    h.group.change_count = CHANGES;
    half_build(&h);
    assert_int_equal(times(&h, CQL_ST_PUT_QUEUE), CHANGES * FIXTURE_SEATS);
    assert_int_equal(times(&h, CQL_ST_PUT_LOG), CHANGES * FIXTURE_SEATS);
    assert_int_equal(times(&h, CQL_ST_PUT_CHANGE), CHANGES);
    for (const struct cql_write *w = h.writes.first; w; w = w->next)
        assert_true(w->count <= 1000);
    half_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_each_kind),        cmocka_unit_test(on_scylla_only_expiries_are_logged),
        cmocka_unit_test(an_event_begins_and_ends), cmocka_unit_test(every_row_bears_its_change_s_time),
        cmocka_unit_test(ttl_is_what_is_left),      cmocka_unit_test(ttl_reaches_to_the_end),
        cmocka_unit_test(buyers_and_answers),       cmocka_unit_test(large_groups_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
