/*
 * The CQL client of drivers/cql against a real node. BOXOFFICE_TEST_CQL says where one is: HOST[:PORT] or
 * cql://HOST[:PORT]/...; without it the test says so and ends with 77 (skipped). One node is enough; which
 * node an LWT goes to is only worth asking when there are three.
 */
#include "cql.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char hosts[256];
static char keyspace[48];
static struct cql_session *session;

/* ---- one request at a time ---- */

struct answer {
    pthread_mutex_t mtx;
    pthread_cond_t come;
    unsigned calls; /* how often the callback ran: 1 in the end */
    struct cql_result *result;
    struct cql_error error;
};

static void answer_init(struct answer *a)
{
    memset(a, 0, sizeof *a);
    pthread_mutex_init(&a->mtx, NULL);
    pthread_cond_init(&a->come, NULL);
}

static void on_answer(void *ctx, struct cql_result *result, const struct cql_error *error)
{
    struct answer *a = ctx;
    pthread_mutex_lock(&a->mtx);
    a->calls++;
    a->result = result;
    a->error = *error;
    pthread_cond_signal(&a->come);
    pthread_mutex_unlock(&a->mtx);
}

static enum cql_kind answer_wait(struct answer *a)
{
    pthread_mutex_lock(&a->mtx);
    while (!a->calls)
        pthread_cond_wait(&a->come, &a->mtx);
    pthread_mutex_unlock(&a->mtx);
    assert_int_equal(a->calls, 1);
    assert_true((a->error.kind == CQL_OK) == (a->result != NULL));
    return a->error.kind;
}

static void answer_done(struct answer *a)
{
    cql_result_free(a->result);
    pthread_mutex_destroy(&a->mtx);
    pthread_cond_destroy(&a->come);
}

static const struct cql_request QUORUM = {.consistency = CQL_QUORUM, .timeout_ms = 30000};
static const struct cql_request LWT = {.consistency = CQL_QUORUM, .lwt = true, .timeout_ms = 30000};

/* The answer is the caller's: answer_done(). */
static enum cql_kind run(struct cql_session *s, const struct cql_statement *st, const struct cql_cell *values,
                         size_t count, const struct cql_request *request, struct answer *ret_answer)
{
    answer_init(ret_answer);
    cql_execute(s, st, values, count, request, on_answer, ret_answer);
    return answer_wait(ret_answer);
}

static enum cql_kind run_batch(bool logged, const struct cql_statement *const *statements,
                               const size_t *counts, size_t count, const struct cql_cell *values,
                               const struct cql_request *request, struct answer *ret_answer)
{
    answer_init(ret_answer);
    cql_batch(session, logged, statements, counts, count, values, request, on_answer, ret_answer);
    return answer_wait(ret_answer);
}

/* ---- values and statements ---- */

static struct cql_cell text(const char *s)
{
    return (struct cql_cell){(const uint8_t *)s, (int32_t)strlen(s)};
}

/* An int's four bytes; the memory is a ring of them, each good for the next 63. */
static struct cql_cell number(int32_t n)
{
    static uint32_t ring[64];
    static unsigned at;
    uint32_t *place = &ring[at++ % 64];
    *place = htonl((uint32_t)n);
    return (struct cql_cell){(const uint8_t *)place, 4};
}

static const struct cql_cell NOTHING = {NULL, CQL_NULL}, UNSET = {NULL, CQL_UNSET};

static int32_t as_number(struct cql_cell c)
{
    uint32_t n;
    assert_int_equal(c.size, 4);
    memcpy(&n, c.data, 4);
    return (int32_t)ntohl(n);
}

static bool as_bool(struct cql_cell c)
{
    assert_int_equal(c.size, 1);
    return c.data[0] != 0;
}

static void assert_text(struct cql_cell c, const char *want)
{
    assert_int_equal(c.size, strlen(want));
    assert_memory_equal(c.data, want, strlen(want));
}

/* The value of a column by name. */
static struct cql_cell column(const struct answer *a, size_t row, const char *name)
{
    int at = cql_column_find(a->result, name);
    assert_true(at >= 0);
    return cql_value(a->result, row, (size_t)at);
}

static bool applied(const struct answer *a)
{
    return as_bool(column(a, 0, "[applied]"));
}

/* @format with the keyspace's name in it. */
static char *cql(const char *format)
{
    static char text_[1024];
    snprintf(text_, sizeof text_, format, keyspace);
    return text_;
}

static enum cql_kind query(const char *format)
{
    struct cql_error error;
    return cql_query(session, cql(format), 60000, NULL, &error);
}

static struct cql_statement *prepare_on(struct cql_session *s, const char *format)
{
    struct cql_statement *st = NULL;
    struct cql_error error;
    if (cql_prepare(s, cql(format), &st, &error) != CQL_OK)
        fail_msg("%s: %s", format, error.message);
    return st;
}

static struct cql_statement *prepare(const char *format)
{
    return prepare_on(session, format);
}

static struct cql_session *open_more(void)
{
    struct cql_session *s = NULL;
    struct cql_error error;
    struct cql_options options = {.hosts = hosts, .threads = 1, .connect_timeout_ms = 20000};
    if (cql_open(&options, &s, &error) != CQL_OK)
        fail_msg("%s", error.message);
    return s;
}

/* ---- tests ---- */

static void the_cluster_says_what_it_is(void **state)
{
    (void)state;
    struct cql_topology t;
    cql_topology(session, &t);
    assert_true(strlen(t.version) > 0);
    assert_true(strlen(t.local_dc) > 0);
    assert_true(t.nodes >= 1);
    assert_int_equal(t.nodes_up, t.nodes);
    assert_int_equal(t.other_nodes, 0);
}

static void null_empties_a_cell_and_unset_leaves_it(void **state)
{
    (void)state;
    struct cql_statement *insert = prepare("INSERT INTO %s.t (k, c, a, b) VALUES (?, ?, ?, ?)");
    struct cql_statement *select = prepare("SELECT k, c, a, b FROM %s.t WHERE k = ? AND c = ?");
    struct answer a;
    struct cql_cell key[] = {number(1), number(2)};

    assert_int_equal(
        run(session, insert, (struct cql_cell[]){key[0], key[1], text("one"), number(7)}, 4, &QUORUM, &a),
        CQL_OK);
    assert_int_equal(cql_rows(a.result), 0);
    assert_int_equal(cql_columns(a.result), 0);
    assert_true(strchr(cql_coordinator(a.result), ':') != NULL);
    answer_done(&a);
    assert_int_equal(
        run(session, insert, (struct cql_cell[]){key[0], key[1], UNSET, NOTHING}, 4, &QUORUM, &a), CQL_OK);
    answer_done(&a);

    assert_int_equal(run(session, select, key, 2, &QUORUM, &a), CQL_OK);
    assert_int_equal(cql_rows(a.result), 1);
    assert_int_equal(cql_columns(a.result), 4);
    assert_string_equal(cql_column(a.result, 2), "a");
    assert_null(cql_column(a.result, 4));
    assert_int_equal(as_number(column(&a, 0, "k")), 1);
    assert_text(column(&a, 0, "a"), "one");
    assert_int_equal(column(&a, 0, "b").size, CQL_NULL);
    assert_int_equal(cql_column_find(a.result, "z"), -1);
    assert_int_equal(cql_value(a.result, 1, 0).size, CQL_NULL);
    assert_int_equal(cql_value(a.result, 0, 4).size, CQL_NULL);
    assert_int_equal(cql_page(a.result).size, 0);
    answer_done(&a);

    /* A text of no characters is not NULL. */
    assert_int_equal(
        run(session, insert, (struct cql_cell[]){key[0], key[1], text(""), UNSET}, 4, &QUORUM, &a), CQL_OK);
    answer_done(&a);
    assert_int_equal(run(session, select, key, 2, &QUORUM, &a), CQL_OK);
    assert_int_equal(column(&a, 0, "a").size, 0);
    answer_done(&a);
    cql_statement_free(insert);
    cql_statement_free(select);
}

static void pages_give_each_row_once(void **state)
{
    (void)state;
    struct cql_statement *insert = prepare("INSERT INTO %s.t (k, c) VALUES (?, ?)");
    struct cql_statement *select = prepare("SELECT c FROM %s.t WHERE k = ?");
    struct answer a;
    struct cql_cell key = number(10);
    int pages = 0, next = 0;

    for (int c = 0; c < 25; c++) {
        assert_int_equal(run(session, insert, (struct cql_cell[]){number(10), number(c)}, 2, &QUORUM, &a),
                         CQL_OK);
        answer_done(&a);
    }
    struct cql_request request = QUORUM;
    request.page_size = 10;
    uint8_t page[4096];
    do {
        assert_int_equal(run(session, select, &key, 1, &request, &a), CQL_OK);
        for (size_t row = 0; row < cql_rows(a.result); row++)
            assert_int_equal(as_number(cql_value(a.result, row, 0)), next++);
        request.page = cql_page(a.result);
        assert_true((size_t)request.page.size <= sizeof page);
        if (request.page.size)
            memcpy(page, request.page.data, (size_t)request.page.size);
        request.page.data = page;
        answer_done(&a);
        pages++;
    } while (request.page.size);
    assert_int_equal(next, 25);
    assert_int_equal(pages, 3);

    /* Without a size of page: all at once. */
    assert_int_equal(run(session, select, &key, 1, &QUORUM, &a), CQL_OK);
    assert_int_equal(cql_rows(a.result), 25);
    answer_done(&a);
    cql_statement_free(insert);
    cql_statement_free(select);
}

static void an_lwt_is_applied_once_and_then_refused_with_what_is_there(void **state)
{
    (void)state;
    struct cql_statement *insert = prepare("INSERT INTO %s.t (k, c, a) VALUES (?, ?, ?) IF NOT EXISTS");
    struct cql_statement *update = prepare("UPDATE %s.t SET b = ? WHERE k = ? AND c = ? IF a = ?");
    struct cql_statement *select = prepare("SELECT a FROM %s.t WHERE k = ? AND c = ?");
    struct answer a;
    struct cql_request serial = {.consistency = CQL_LOCAL_SERIAL, .lwt = true, .timeout_ms = 30000};

    assert_int_equal(
        run(session, insert, (struct cql_cell[]){number(20), number(1), text("first")}, 3, &LWT, &a), CQL_OK);
    assert_true(applied(&a));
    answer_done(&a);
    assert_int_equal(
        run(session, insert, (struct cql_cell[]){number(20), number(1), text("second")}, 3, &LWT, &a),
        CQL_OK);
    assert_false(applied(&a));
    assert_text(column(&a, 0, "a"), "first");
    answer_done(&a);
    /* A statement's answers have different columns from time to time: nothing may be kept of the last. */
    assert_int_equal(run(session, update,
                         (struct cql_cell[]){number(5), number(20), number(1), text("second")}, 4, &LWT, &a),
                     CQL_OK);
    assert_false(applied(&a));
    assert_text(column(&a, 0, "a"), "first");
    answer_done(&a);
    assert_int_equal(run(session, update,
                         (struct cql_cell[]){number(5), number(20), number(1), text("first")}, 4, &LWT, &a),
                     CQL_OK);
    assert_true(applied(&a));
    assert_int_equal(cql_columns(a.result), 1);
    answer_done(&a);

    assert_int_equal(run(session, select, (struct cql_cell[]){number(20), number(1)}, 2, &serial, &a),
                     CQL_OK);
    assert_text(column(&a, 0, "a"), "first");
    answer_done(&a);
    cql_statement_free(insert);
    cql_statement_free(update);
    cql_statement_free(select);
}

static void a_conditional_batch_is_all_or_nothing(void **state)
{
    (void)state;
    struct cql_statement *start = prepare("INSERT INTO %s.t (k, seq) VALUES (?, 0) IF NOT EXISTS");
    struct cql_statement *step = prepare("UPDATE %s.t SET seq = ? WHERE k = ? IF seq = ?");
    struct cql_statement *take = prepare("UPDATE %s.t SET a = ? WHERE k = ? AND c = ? IF a = null");
    struct cql_statement *select = prepare("SELECT c, a, seq FROM %s.t WHERE k = ?");
    const struct cql_statement *batch[] = {step, take, take};
    const size_t counts[] = {3, 3, 3};
    struct answer a;
    struct cql_cell key = number(30);

    assert_int_equal(run(session, start, &key, 1, &LWT, &a), CQL_OK);
    assert_true(applied(&a));
    answer_done(&a);
    struct cql_cell first[] = {number(1), number(30), number(0),  text("me"), number(30),
                               number(1), text("me"), number(30), number(2)};
    assert_int_equal(run_batch(false, batch, counts, 3, first, &LWT, &a), CQL_OK);
    assert_true(applied(&a));
    answer_done(&a);
    /* The second row is taken, the third is not, the seq fits: nothing of it happens. */
    struct cql_cell second[] = {number(2), number(30),  number(1),  text("you"), number(30),
                                number(2), text("you"), number(30), number(3)};
    assert_int_equal(run_batch(false, batch, counts, 3, second, &LWT, &a), CQL_OK);
    assert_false(applied(&a));
    bool seen = false;
    for (size_t row = 0; row < cql_rows(a.result); row++) {
        struct cql_cell owner = column(&a, row, "a");
        seen |= owner.size == 2 && !memcmp(owner.data, "me", 2);
    }
    assert_true(seen);
    answer_done(&a);

    assert_int_equal(run(session, select, &key, 1, &QUORUM, &a), CQL_OK);
    assert_int_equal(cql_rows(a.result), 2);
    for (size_t row = 0; row < 2; row++) {
        assert_text(column(&a, row, "a"), "me");
        assert_int_equal(as_number(column(&a, row, "seq")), 1);
    }
    answer_done(&a);
    cql_statement_free(start);
    cql_statement_free(step);
    cql_statement_free(take);
    cql_statement_free(select);
}

static void a_batch_writes_to_several_tables(void **state)
{
    (void)state;
    struct cql_statement *one = prepare("INSERT INTO %s.t (k, c, a) VALUES (?, ?, ?)");
    struct cql_statement *other = prepare("INSERT INTO %s.u (k, v) VALUES (?, ?)");
    struct cql_statement *select = prepare("SELECT v FROM %s.u WHERE k = ?");
    const struct cql_statement *batch[] = {one, other};
    const size_t counts[] = {3, 2};
    struct answer a;
    for (int logged = 0; logged < 2; logged++) {
        struct cql_cell values[] = {number(40), number(logged), text("x"), number(40 + logged), text("y")};
        assert_int_equal(run_batch(logged, batch, counts, 2, values, &QUORUM, &a), CQL_OK);
        answer_done(&a);
        assert_int_equal(run(session, select, (struct cql_cell[]){number(40 + logged)}, 1, &QUORUM, &a),
                         CQL_OK);
        assert_int_equal(cql_rows(a.result), 1);
        assert_text(column(&a, 0, "v"), "y");
        answer_done(&a);
    }
    cql_statement_free(one);
    cql_statement_free(other);
    cql_statement_free(select);
}

static void errors_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *statement;
        enum cql_kind kind;
    } CASES[] = {
        {"SELEKT %s", CQL_SYNTAX},
        {"SELECT * FROM %s.t WHERE", CQL_SYNTAX},
        {"SELECT * FROM %s.missing", CQL_NOT_FOUND},
        {"SELECT missing FROM %s.t", CQL_NOT_FOUND},
        {"SELECT * FROM %s_missing.t", CQL_NOT_FOUND},
        {"UPDATE %s.t SET a = 'x' WHERE c = 1", CQL_INVALID},
        {"CREATE TABLE %s.t (k int PRIMARY KEY)", CQL_EXISTS},
        {"ALTER TABLE %s.t ADD a text", CQL_EXISTS},
        {"CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
         CQL_EXISTS},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct cql_error error;
        enum cql_kind kind = cql_query(session, cql(CASES[i].statement), 30000, NULL, &error);
        if (kind != CASES[i].kind || error.kind != kind)
            fail_msg("%s: %d: %s", CASES[i].statement, kind, error.message);
        assert_true(strlen(error.message) > 0);
    }
    /* Preparing says the same. */
    struct cql_statement *st = NULL;
    struct cql_error error;
    assert_int_equal(cql_prepare(session, cql("SELECT * FROM %s.missing"), &st, &error), CQL_NOT_FOUND);
    assert_int_equal(cql_prepare(session, "SELEKT", &st, &error), CQL_SYNTAX);
    assert_null(st);
}

static void what_makes_no_sense_is_refused_by_callback(void **state)
{
    (void)state;
    struct cql_statement *insert = prepare("INSERT INTO %s.t (k, c, a) VALUES (?, ?, ?)");
    struct cql_cell values[] = {number(50), number(1), text("x")};
    struct answer a;
    /* Three bytes are no int. */
    struct cql_cell broken[] = {number(50), {(const uint8_t *)"abc", 3}, text("x")};
    assert_int_equal(run(session, insert, broken, 3, &QUORUM, &a), CQL_INVALID);
    answer_done(&a);
    struct cql_cell no_size[] = {number(50), {NULL, -7}, text("x")};
    assert_int_equal(run(session, insert, no_size, 3, &QUORUM, &a), CQL_INVALID);
    answer_done(&a);
    struct cql_request no_level = QUORUM;
    no_level.consistency = (enum cql_consistency)99;
    assert_int_equal(run(session, insert, values, 3, &no_level, &a), CQL_INVALID);
    answer_done(&a);
    assert_int_equal(run_batch(true, NULL, NULL, 0, NULL, &QUORUM, &a), CQL_INVALID);
    answer_done(&a);
    cql_statement_free(insert);
}

static void unavailable_says_how_many_are_missing(void **state)
{
    (void)state;
    /* Five copies on fewer nodes. */
    struct cql_statement *insert = prepare("INSERT INTO %s_five.t (k) VALUES (?)");
    struct cql_statement *lwt = prepare("INSERT INTO %s_five.t (k) VALUES (?) IF NOT EXISTS");
    struct answer a;
    struct cql_cell key = number(1);
    struct cql_topology t;
    cql_topology(session, &t);
    assert_true(t.nodes < 5);
    struct cql_request all = QUORUM;
    all.consistency = CQL_ALL;
    assert_int_equal(run(session, insert, &key, 1, &all, &a), CQL_UNAVAILABLE);
    assert_int_equal(a.error.consistency, CQL_ALL);
    assert_int_equal(a.error.required, 5);
    assert_int_equal(a.error.received, t.nodes);
    answer_done(&a);
    if (t.nodes < 3) {
        /* Paxos counts the nodes that there are, so that it decides; its commit counts the copies that there
           should be. Decided and short of replicas is in doubt, and must not look like "not begun". */
        assert_int_equal(run(session, lwt, &key, 1, &LWT, &a), CQL_UNKNOWN);
        answer_done(&a);
    }
    cql_statement_free(insert);
    cql_statement_free(lwt);
}

static void a_request_that_was_not_answered_in_time_is_unknown(void **state)
{
    (void)state;
    struct cql_statement *big = NULL;
    struct cql_error error;
    struct answer a;
    assert_int_equal(cql_prepare(session, "SELECT * FROM system_schema.columns", &big, &error), CQL_OK);
    struct cql_request hurried = QUORUM;
    hurried.timeout_ms = 1; /* hundreds of rows take longer */
    hurried.consistency = CQL_ONE;
    assert_int_equal(run(session, big, NULL, 0, &hurried, &a), CQL_UNKNOWN);
    assert_false(a.error.cas);
    assert_int_equal(a.error.consistency, -1);
    answer_done(&a);
    cql_statement_free(big);

    /* What became of it, asking again tells: it was applied once, now or then, and by me. */
    struct cql_statement *insert = prepare("INSERT INTO %s.t (k, c, a) VALUES (?, ?, ?) IF NOT EXISTS");
    hurried = LWT;
    hurried.timeout_ms = 1;
    for (int c = 0; c < 20; c++) {
        struct cql_cell values[] = {number(60), number(c), text("mine")};
        enum cql_kind kind = run(session, insert, values, 3, &hurried, &a);
        assert_true(kind == CQL_OK || kind == CQL_UNKNOWN);
        answer_done(&a);
        struct cql_request again = LWT;
        again.attempt = 1;
        do {
            kind = run(session, insert, values, 3, &again, &a);
            if (kind == CQL_OK && !applied(&a))
                assert_text(column(&a, 0, "a"), "mine");
            answer_done(&a);
            again.attempt++;
        } while (kind == CQL_UNKNOWN);
        assert_int_equal(kind, CQL_OK);
    }
    cql_statement_free(insert);
}

/* ---- many at once ---- */

struct crowd {
    pthread_mutex_t mtx;
    pthread_cond_t end;
    size_t left;
    unsigned applied, refused, unknown, wrong;
};

struct one {
    struct crowd *crowd;
    atomic_uint calls;
};

static void on_one(void *ctx, struct cql_result *result, const struct cql_error *error)
{
    struct one *o = ctx;
    struct crowd *c = o->crowd;
    atomic_fetch_add(&o->calls, 1);
    pthread_mutex_lock(&c->mtx);
    if (error->kind == CQL_UNKNOWN)
        c->unknown++;
    else if (error->kind != CQL_OK)
        c->wrong++;
    else if (cql_rows(result) && !cql_value(result, 0, 0).data[0])
        c->refused++;
    else
        c->applied++;
    if (--c->left == 0)
        pthread_cond_signal(&c->end);
    pthread_mutex_unlock(&c->mtx);
    cql_result_free(result);
}

static void crowd_init(struct crowd *c, struct one *ones, size_t count)
{
    memset(c, 0, sizeof *c);
    pthread_mutex_init(&c->mtx, NULL);
    pthread_cond_init(&c->end, NULL);
    c->left = count;
    for (size_t i = 0; i < count; i++) {
        ones[i].crowd = c;
        atomic_init(&ones[i].calls, 0);
    }
}

static void crowd_wait(struct crowd *c)
{
    pthread_mutex_lock(&c->mtx);
    while (c->left)
        pthread_cond_wait(&c->end, &c->mtx);
    pthread_mutex_unlock(&c->mtx);
}

static void each_of_many_is_called_back_once(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static struct one ones[COUNT];
    struct crowd c;
    crowd_init(&c, ones, COUNT);
    struct cql_statement *insert = prepare("INSERT INTO %s.t (k, c, a) VALUES (?, ?, ?)");
    for (int i = 0; i < COUNT; i++)
        cql_execute(session, insert, (struct cql_cell[]){number(70 + i % 8), number(i), text("x")}, 3,
                    &QUORUM, on_one, &ones[i]);
    crowd_wait(&c);
    /* A node that is short of time may leave some unanswered; none is lost, and none has another end. */
    assert_true(c.applied > 0);
    assert_int_equal(c.applied + c.unknown, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(atomic_load(&ones[i].calls), 1);
    cql_statement_free(insert);
}

static void of_those_who_want_the_same_one_gets_it(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    static struct one ones[COUNT];
    struct crowd c;
    crowd_init(&c, ones, COUNT);
    struct cql_session *other = open_more();
    struct cql_statement *mine = prepare("INSERT INTO %s.u (k, v) VALUES (?, 'x') IF NOT EXISTS");
    struct cql_statement *theirs = prepare_on(other, "INSERT INTO %s.u (k, v) VALUES (?, 'y') IF NOT EXISTS");
    for (int i = 0; i < COUNT; i++)
        cql_execute(i % 2 ? other : session, i % 2 ? theirs : mine, (struct cql_cell[]){number(900)}, 1, &LWT,
                    on_one, &ones[i]);
    crowd_wait(&c);
    assert_int_equal(c.wrong, 0);
    assert_true(c.applied <= 1);
    assert_true(c.applied == 1 || c.unknown > 0);
    cql_statement_free(mine);
    cql_statement_free(theirs);
    cql_close(other);
}

static void closing_answers_what_is_under_way(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    static struct one ones[COUNT];
    struct crowd c;
    crowd_init(&c, ones, COUNT);
    struct cql_session *other = open_more();
    struct cql_statement *insert =
        prepare_on(other, "INSERT INTO %s.t (k, c, a) VALUES (?, ?, ?) IF NOT EXISTS");
    for (int i = 0; i < COUNT; i++)
        cql_execute(other, insert, (struct cql_cell[]){number(80), number(i), text("x")}, 3, &LWT, on_one,
                    &ones[i]);
    cql_close(other); /* 400 rounds of Paxos on one partition take longer than to come here */
    assert_int_equal(c.left, 0);
    assert_int_equal(c.applied + c.unknown, COUNT);
    assert_true(c.unknown > 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(atomic_load(&ones[i].calls), 1);
    cql_statement_free(insert);
}

/* ---- where LWTs go ---- */

static void coordinator_of(struct cql_session *s, const struct cql_statement *st, int key, unsigned attempt,
                           char *ret_name)
{
    struct answer a;
    struct cql_request request = LWT;
    request.attempt = attempt;
    assert_int_equal(run(s, st, (struct cql_cell[]){number(key)}, 1, &request, &a), CQL_OK);
    snprintf(ret_name, 64, "%s", cql_coordinator(a.result));
    answer_done(&a);
}

static void an_lwt_goes_where_everybody_sends_it(void **state)
{
    (void)state;
    struct cql_topology t;
    cql_topology(session, &t);
    struct cql_session *other = open_more();
    struct cql_statement *mine = prepare("INSERT INTO %s.u (k, v) VALUES (?, 'x') IF NOT EXISTS");
    struct cql_statement *theirs = prepare_on(other, "INSERT INTO %s.u (k, v) VALUES (?, 'x') IF NOT EXISTS");
    bool different = false;
    char before[64] = "";
    for (int key = 1000; key < 1020; key++) {
        char first[64], again[64], elsewhere[64], next[64];
        coordinator_of(session, mine, key, 0, first);
        coordinator_of(session, mine, key, 0, again);
        coordinator_of(other, theirs, key, 0, elsewhere);
        coordinator_of(session, mine, key, 1, next);
        assert_string_equal(first, again);
        assert_string_equal(first, elsewhere);
        assert_true((strcmp(first, next) != 0) == (t.nodes > 1));
        different |= *before && strcmp(before, first) != 0;
        memcpy(before, first, sizeof before);
    }
    assert_int_equal(different, t.nodes > 1); /* keys are spread over the nodes */
    cql_statement_free(mine);
    cql_statement_free(theirs);
    cql_close(other);
}

/* ---- connecting ---- */

static enum cql_kind try_open(const struct cql_options *options, struct cql_error *ret_error)
{
    struct cql_session *s = NULL;
    enum cql_kind kind = cql_open(options, &s, ret_error);
    assert_int_equal(kind, ret_error->kind);
    if (kind == CQL_OK)
        cql_close(s);
    return kind;
}

static void connecting_says_what_is_wrong(void **state)
{
    (void)state;
    struct cql_error error;
    struct cql_options options = {.hosts = "127.0.0.1:1", .threads = 1, .connect_timeout_ms = 3000};
    assert_int_equal(try_open(&options, &error), CQL_NO_HOST);
    options.hosts = "no-such-host.invalid";
    assert_int_equal(try_open(&options, &error), CQL_NO_HOST);
    options.hosts = "a,,b";
    assert_int_equal(try_open(&options, &error), CQL_INVALID);
    options.hosts = NULL;
    assert_int_equal(try_open(&options, &error), CQL_INVALID);
    options.hosts = hosts;
    options.connect_timeout_ms = 20000;
    options.local_dc = "nowhere";
    assert_int_equal(try_open(&options, &error), CQL_INVALID);
    struct cql_topology t;
    cql_topology(session, &t);
    assert_non_null(strstr(error.message, t.local_dc)); /* what there is */
    options.local_dc = t.local_dc;
    assert_int_equal(try_open(&options, &error), CQL_OK);
    options.tls_ca = "/nonexistent/ca.pem";
    assert_int_equal(try_open(&options, &error), CQL_INVALID);
    assert_non_null(strstr(error.message, "/nonexistent/ca.pem"));
    options.tls_ca = NULL;
    options.tls_cert = "/nonexistent/client.pem";
    assert_int_equal(try_open(&options, &error), CQL_INVALID);
}

/* ---- around them all ---- */

static int begin(void **state)
{
    (void)state;
    session = open_more();
    snprintf(keyspace, sizeof keyspace, "driver_test_%ld", (long)getpid());
    char statement[512];
    struct cql_topology t;
    struct cql_error error;
    cql_topology(session, &t);
    for (int five = 0; five < 2; five++) {
        snprintf(statement, sizeof statement,
                 "CREATE KEYSPACE %s%s WITH replication = {'class': 'NetworkTopologyStrategy', '%s': %u}",
                 keyspace, five ? "_five" : "", t.local_dc,
                 five          ? 5
                 : t.nodes < 3 ? 1
                               : 3);
        if (cql_query(session, statement, 60000, NULL, &error) != CQL_OK) {
            fprintf(stderr, "%s: %s\n", statement, error.message);
            return -1;
        }
    }
    if (query("CREATE TABLE %s.t (k int, c int, seq int static, a text, b int, PRIMARY KEY (k, c))") ||
        query("CREATE TABLE %s.u (k int PRIMARY KEY, v text)") ||
        query("CREATE TABLE %s_five.t (k int PRIMARY KEY)"))
        return -1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    /* Only tidying up: a busy node may not answer in time. */
    if (query("DROP KEYSPACE %s") || query("DROP KEYSPACE %s_five"))
        fprintf(stderr, "the keyspaces %s and %s_five may be left\n", keyspace, keyspace);
    cql_close(session);
    return 0;
}

int main(void)
{
    const char *where = getenv("BOXOFFICE_TEST_CQL");
    if (!where || !*where) {
        fprintf(stderr, "SKIPPED: the CQL client's tests need a node; BOXOFFICE_TEST_CQL names none\n");
        return 77;
    }
    if (!strncmp(where, "cql://", 6))
        where += 6;
    snprintf(hosts, sizeof hosts, "%.*s", (int)strcspn(where, "/"), where);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cluster_says_what_it_is),
        cmocka_unit_test(null_empties_a_cell_and_unset_leaves_it),
        cmocka_unit_test(pages_give_each_row_once),
        cmocka_unit_test(an_lwt_is_applied_once_and_then_refused_with_what_is_there),
        cmocka_unit_test(a_conditional_batch_is_all_or_nothing),
        cmocka_unit_test(a_batch_writes_to_several_tables),
        cmocka_unit_test(errors_are_told_apart),
        cmocka_unit_test(what_makes_no_sense_is_refused_by_callback),
        cmocka_unit_test(unavailable_says_how_many_are_missing),
        cmocka_unit_test(a_request_that_was_not_answered_in_time_is_unknown),
        cmocka_unit_test(each_of_many_is_called_back_once),
        cmocka_unit_test(of_those_who_want_the_same_one_gets_it),
        cmocka_unit_test(closing_answers_what_is_under_way),
        cmocka_unit_test(an_lwt_goes_where_everybody_sends_it),
        cmocka_unit_test(connecting_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
