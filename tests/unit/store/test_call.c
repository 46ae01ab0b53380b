/*
 * Requests: what is repeated, what an answer means, many at once, pages. The driver is this program's own: a
 * script says what it answers, on a thread of its own as the real one does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "store/cql/call.h"
#include <pthread.h>
#include <semaphore.h>
#include <sodium.h>

/* ---- a driver with a script ---- */

struct cql_result {
    uint32_t value; /* of the one column, in every row */
    size_t rows;
    uint8_t page; /* where the next page begins; 0: the last */
    const char *column;
};

struct cql_statement {
    int unused;
};

enum { SCRIPT = 2048 };

/* What the driver was asked and what it answers, in the order in which requests are sent. */
static struct {
    pthread_mutex_t mtx;
    enum cql_kind answers[SCRIPT]; /* CQL_OK beyond the end */
    size_t rows;                   /* of a result */
    const char *column;
    uint8_t pages;
    size_t asked, under_way, most;
    unsigned attempts[SCRIPT];
    int32_t first_values[SCRIPT];
    enum cql_consistency consistency;
    bool lwt;
    size_t results; /* not freed */
} script = {.mtx = PTHREAD_MUTEX_INITIALIZER};

struct asked {
    size_t index;
    uint8_t page;
    cql_done *done;
    void *ctx;
};

static void *answer(void *ctx)
{
    struct asked a = *(struct asked *)ctx;
    struct cql_error error = {.kind = script.answers[a.index], .message = "as the script says"};
    struct cql_result *result = NULL;
    free(ctx);
    if (error.kind == CQL_OK) {
        result = calloc(1, sizeof(*result));
        must(result);
        *result = (struct cql_result){.value = __builtin_bswap32((uint32_t)script.first_values[a.index]),
                                      .rows = script.rows,
                                      .column = script.column,
                                      .page = a.page + 1 < script.pages ? (uint8_t)(a.page + 1) : 0};
    }
    pthread_mutex_lock(&script.mtx);
    script.results += result != NULL;
    script.under_way--;
    pthread_mutex_unlock(&script.mtx);
    a.done(a.ctx, result, &error);
    return NULL;
}

void cql_execute(struct cql_session *s, const struct cql_statement *st, const struct cql_cell *values,
                 size_t count, const struct cql_request *request, cql_done *done, void *ctx)
{
    pthread_t thread;
    struct asked *a = malloc(sizeof(*a));
    (void)s;
    must(a && st);
    pthread_mutex_lock(&script.mtx);
    must(script.asked < SCRIPT);
    *a = (struct asked){.index = script.asked++, .done = done, .ctx = ctx};
    a->page = request->page.size ? request->page.data[0] : 0;
    script.attempts[a->index] = request->attempt;
    script.consistency = request->consistency;
    script.lwt = request->lwt;
    if (count && values[0].size == 4)
        script.first_values[a->index] = (int32_t)((uint32_t)values[0].data[2] << 8 | values[0].data[3]);
    script.under_way++;
    if (script.under_way > script.most)
        script.most = script.under_way;
    pthread_mutex_unlock(&script.mtx);
    must(pthread_create(&thread, NULL, answer, a) == 0);
    pthread_detach(thread);
}

void cql_batch(struct cql_session *s, bool logged, const struct cql_statement *const *statements,
               const size_t *value_counts, size_t count, const struct cql_cell *values,
               const struct cql_request *request, cql_done *done, void *ctx)
{
    (void)logged, (void)value_counts, (void)count;
    cql_execute(s, statements[0], values, 0, request, done, ctx);
}

size_t cql_rows(const struct cql_result *r)
{
    return r->rows;
}

int cql_column_find(const struct cql_result *r, const char *name)
{
    return strcmp(r->column, name) == 0 ? 0 : -1;
}

struct cql_cell cql_value(const struct cql_result *r, size_t row, size_t column)
{
    static const uint8_t yes = 1;
    must(row < r->rows && column == 0);
    if (strcmp(r->column, "[applied]") == 0)
        return (struct cql_cell){.data = &yes, .size = 1};
    return (struct cql_cell){.data = (const uint8_t *)&r->value, .size = 4};
}

struct cql_cell cql_page(const struct cql_result *r)
{
    return (struct cql_cell){.data = &r->page, .size = r->page ? 1 : 0};
}

void cql_result_free(struct cql_result *r)
{
    pthread_mutex_lock(&script.mtx);
    script.results -= r != NULL;
    pthread_mutex_unlock(&script.mtx);
    free(r);
}

enum cql_kind cql_prepare(struct cql_session *s, const char *cql, struct cql_statement **ret_statement,
                          struct cql_error *ret_error)
{
    (void)s, (void)cql, (void)ret_statement, (void)ret_error;
    return CQL_OTHER;
}

void cql_statement_free(struct cql_statement *st)
{
    (void)st;
}

/* ---- a store over it ---- */

struct fixture {
    struct cql_store s;
    struct cql_statement prepared;
    struct clock clock;
    struct rng rng;
    struct arena arena;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    must(f && sodium_init() >= 0);
    clock_init_system(&f->clock);
    rng_init_system(&f->rng);
    arena_init(&f->arena, 0);
    f->s.clock = &f->clock;
    f->s.rng = &f->rng;
    pthread_mutex_init(&f->s.reason_mtx, NULL);
    for (size_t i = 0; i < CQL_STATEMENTS; i++)
        f->s.statements[i] = &f->prepared;
    assert_int_equal(cql_loop_start(&f->s.loop, &f->clock), 0);
    memset(script.answers, 0, sizeof(script.answers));
    memset(script.first_values, 0, sizeof(script.first_values));
    script.asked = script.most = script.results = 0;
    script.rows = 1;
    script.pages = 1;
    script.column = "x";
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cql_loop_stop(&f->s.loop);
    pthread_mutex_destroy(&f->s.reason_mtx);
    arena_done(&f->arena);
    free(f);
    assert_int_equal(script.results, 0); /* whoever got one freed it */
    return 0;
}

/* Values of a statement, all the int @value. */
static struct cql_values values_of(struct fixture *f, enum cql_st st, int32_t value)
{
    struct cql_values v;
    cql_values_init(&v, &f->arena);
    for (size_t i = 0; i < cql_markers(st); i++)
        bind_int(&v, value);
    return v;
}

static int call(struct fixture *f, enum cql_st st)
{
    const struct cql_values v = values_of(f, st, 1);
    return cql_call(&f->s, st, &v, NULL);
}

/* ---- one ---- */

static void kinds_say_how_it_is_sent(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(call(f, CQL_ST_GET_ORDER), 0);
    assert_true(script.consistency == CQL_QUORUM && !script.lwt);
    assert_int_equal(call(f, CQL_ST_GET_META), 0);
    assert_true(script.consistency == CQL_LOCAL_SERIAL && script.lwt);
    assert_int_equal(call(f, CQL_ST_SHOW_VENUE), 0);
    assert_true(script.consistency == CQL_QUORUM && !script.lwt);
    const struct cql_values v = values_of(f, CQL_ST_MAKE_META, 1);
    bool applied = false;
    script.column = "[applied]";
    assert_int_equal(cql_call_lwt(&f->s, CQL_ST_MAKE_META, &v, &applied, NULL), 0);
    assert_true(applied && script.consistency == CQL_QUORUM && script.lwt);
}

static void reads_are_read_again(void **state)
{
    struct fixture *f = *state;
    script.answers[0] = CQL_READ_FAILED;
    script.answers[1] = CQL_UNKNOWN;
    script.answers[2] = CQL_OVERLOADED;
    assert_int_equal(call(f, CQL_ST_GET_ORDER), 0);
    assert_int_equal(script.asked, 4);
    assert_string_equal(f->s.reason, "GET_ORDER: as the script says");
    script.answers[4] = CQL_INVALID;
    assert_int_equal(call(f, CQL_ST_GET_ORDER), BOX_EIO); /* would be the same again */
    assert_int_equal(script.asked, 5);
}

static void writes_say_whether_they_may_have_happened(void **state)
{
    struct fixture *f = *state;
    script.answers[0] = CQL_INVALID;
    assert_int_equal(call(f, CQL_ST_SHOW_VENUE), BOX_EUNAVAILABLE);
    script.answers[1] = CQL_UNKNOWN;
    script.answers[2] = CQL_INVALID;
    assert_int_equal(call(f, CQL_ST_SHOW_VENUE), BOX_EUNKNOWN); /* the first try stays open */
    script.answers[3] = CQL_UNAVAILABLE;
    assert_int_equal(call(f, CQL_ST_SHOW_VENUE), 0);
}

static void lwts_go_to_the_next_replica(void **state)
{
    struct fixture *f = *state;
    const struct cql_values v = values_of(f, CQL_ST_MAKE_META, 1);
    struct cql_result *result = NULL;
    bool applied = false;
    script.column = "[applied]";
    script.answers[0] = CQL_UNKNOWN;
    script.answers[1] = CQL_UNAVAILABLE;
    assert_int_equal(cql_call_lwt(&f->s, CQL_ST_MAKE_META, &v, &applied, &result), 0);
    assert_true(applied);
    cql_result_free(result);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(script.attempts[i], i);
    script.column = "x"; /* no LWT's answer */
    assert_int_equal(cql_call_lwt(&f->s, CQL_ST_MAKE_META, &v, &applied, &result), BOX_EUNKNOWN);
}

static void posted(struct cql_op *op)
{
    cql_result_free(op->result);
    sem_post(op->ctx);
}

/* One try, whatever it answers. */
static void try_once(struct fixture *f)
{
    const struct cql_values v = values_of(f, CQL_ST_GET_ORDER, 1);
    sem_t done;
    struct cql_op op = {.statement = CQL_ST_GET_ORDER, .values = &v, .done = posted, .ctx = &done};
    sem_init(&done, 0, 0);
    cql_op_start(&f->s, &op);
    while (sem_wait(&done))
        ;
    sem_destroy(&done);
}

/* Any answer, if not a good one, says that there is a node. */
static void no_host_is_noticed(void **state)
{
    struct fixture *f = *state;
    script.answers[0] = script.answers[1] = CQL_NO_HOST;
    script.answers[2] = CQL_INVALID;
    try_once(f);
    assert_true(f->s.no_host);
    try_once(f);
    assert_true(f->s.no_host);
    try_once(f);
    assert_false(f->s.no_host);
}

/* ---- many ---- */

struct seen {
    size_t count;
    size_t stop_at; /* SIZE_MAX: never */
};

static int see(void *ctx, size_t index, const struct cql_result *result)
{
    struct seen *seen = ctx;
    struct cql_row row = cql_row_at(result, 0);
    assert_int_equal(index, seen->count++); /* in order */
    assert_int_equal(row_int(&row, "x"), index);
    return index == seen->stop_at ? BOX_ERANGE : 0;
}

static int many(struct fixture *f, size_t count, struct seen *seen)
{
    struct cql_values *v = arena_array(&f->arena, count, sizeof(*v));
    for (size_t i = 0; i < count; i++)
        v[i] = values_of(f, CQL_ST_GET_ORDER, (int32_t)i);
    return cql_call_many(&f->s, CQL_ST_GET_ORDER, v, count, see, seen);
}

static void many_come_in_order_and_not_all_at_once(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.stop_at = SIZE_MAX};
    assert_int_equal(many(f, 0, &seen), 0);
    assert_int_equal(many(f, 1000, &seen), 0);
    assert_int_equal(seen.count, 1000);
    assert_int_equal(script.asked, 1000);
    assert_in_range(script.most, 1, CQL_MANY);
}

static void one_of_many_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.stop_at = SIZE_MAX};
    script.answers[3] = CQL_READ_FAILED; /* its value is what the repeat is seen by */
    assert_int_equal(many(f, 10, &seen), 0);
    assert_int_equal(seen.count, 10);
    assert_int_equal(script.asked, 11);
    assert_int_equal(script.first_values[10], 3);
}

static void an_error_ends_many(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.stop_at = 5};
    assert_int_equal(many(f, 1000, &seen), BOX_ERANGE);
    assert_int_equal(seen.count, 6);
    assert_in_range(script.asked, 6, 6 + CQL_MANY);
    seen = (struct seen){.stop_at = SIZE_MAX};
    script.answers[script.asked + 2] = CQL_INVALID;
    assert_int_equal(many(f, 10, &seen), BOX_EIO);
    assert_int_equal(seen.count, 2);
}

/* ---- pages ---- */

static void pages_follow_each_other(void **state)
{
    struct fixture *f = *state;
    const struct cql_values v = values_of(f, CQL_ST_GET_VENUE, 1);
    struct cql_scan scan;
    struct cql_row row;
    size_t rows = 0;
    int ret;
    script.pages = 3;
    script.rows = 2;
    script.answers[1] = CQL_READ_FAILED; /* the second page, once */
    cql_scan_init(&scan, &f->s, CQL_ST_GET_VENUE, &v, 2);
    while ((ret = cql_scan_next(&scan, &row)) == 0)
        rows++;
    assert_int_equal(ret, BOX_ENOTFOUND);
    assert_int_equal(cql_scan_next(&scan, &row), BOX_ENOTFOUND); /* and stays so */
    assert_int_equal(rows, 6);
    assert_int_equal(script.asked, 4);
    cql_scan_done(&scan);
    script.rows = 0; /* empty pages are passed over */
    cql_scan_init(&scan, &f->s, CQL_ST_GET_VENUE, &v, 2);
    assert_int_equal(cql_scan_next(&scan, &row), BOX_ENOTFOUND);
    assert_int_equal(script.asked, 7);
    cql_scan_done(&scan);
    script.answers[7] = CQL_INVALID;
    cql_scan_init(&scan, &f->s, CQL_ST_GET_VENUE, &v, 2);
    assert_int_equal(cql_scan_next(&scan, &row), BOX_EIO);
    cql_scan_done(&scan);
}

/* ---- the store's thread ---- */

struct on_loop {
    struct cql_op op;
    struct cql_loop *loop;
    struct cql_timer late, never;
    pthread_t thread;
    pthread_mutex_t mtx;
    pthread_cond_t cond;
    int order[4], count; /* under mtx */
};

static void note(struct on_loop *x, int what)
{
    pthread_mutex_lock(&x->mtx);
    x->order[x->count++] = what;
    pthread_cond_signal(&x->cond);
    pthread_mutex_unlock(&x->mtx);
}

static void late(struct cql_timer *t)
{
    struct on_loop *x = (struct on_loop *)((char *)t - offsetof(struct on_loop, late));
    assert_true(pthread_equal(pthread_self(), x->loop->thread));
    note(x, 2);
}

static void never(struct cql_timer *t)
{
    struct on_loop *x = (struct on_loop *)((char *)t - offsetof(struct on_loop, never));
    note(x, 3);
}

static void back(struct cql_op *op)
{
    struct on_loop *x = op->ctx;
    x->thread = pthread_self();
    cql_result_free(op->result);
    cql_loop_after(x->loop, &x->never, 0);
    cql_loop_after(x->loop, &x->late, 1);
    cql_loop_cancel(x->loop, &x->never);
    note(x, 1);
}

static void answers_come_to_the_stores_thread(void **state)
{
    struct fixture *f = *state;
    const struct cql_values v = values_of(f, CQL_ST_GET_ORDER, 1);
    struct on_loop x = {.loop = &f->s.loop,
                        .late.run = late,
                        .never.run = never,
                        .mtx = PTHREAD_MUTEX_INITIALIZER,
                        .cond = PTHREAD_COND_INITIALIZER};
    x.op = (struct cql_op){
        .statement = CQL_ST_GET_ORDER, .values = &v, .on_loop = true, .done = back, .ctx = &x};
    cql_op_start(&f->s, &x.op);
    pthread_mutex_lock(&x.mtx);
    while (x.count < 2)
        pthread_cond_wait(&x.cond, &x.mtx);
    pthread_mutex_unlock(&x.mtx);
    assert_true(pthread_equal(x.thread, f->s.loop.thread));
    assert_true(x.order[0] == 1 && x.order[1] == 2 && x.count == 2);
}

/* ---- what answers mean ---- */

static void pauses_grow_and_have_an_end(void **state)
{
    struct fixture *f = *state;
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        int64_t ms = cql_backoff_ms(&f->s, attempt);
        assert_in_range(ms, 10, 1000);
        assert_true(attempt < 8 || ms >= 500);
        assert_true(attempt > 1 || ms <= 20);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(kinds_say_how_it_is_sent),
        TEST(reads_are_read_again),
        TEST(writes_say_whether_they_may_have_happened),
        TEST(lwts_go_to_the_next_replica),
        TEST(no_host_is_noticed),
        TEST(many_come_in_order_and_not_all_at_once),
        TEST(one_of_many_is_asked_again),
        TEST(an_error_ends_many),
        TEST(pages_follow_each_other),
        TEST(answers_come_to_the_stores_thread),
        TEST(pauses_grow_and_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
