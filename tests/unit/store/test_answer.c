/* What the answer to a conditional batch says, in the shapes of Apache Cassandra and of ScyllaDB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cql/answer.h"
#include <string.h>

enum { MAKES = 8 }; /* the batch follows 5 and has three changes */

static const struct uuid MINE = {{1}}, OTHER = {{2}};

/* A row as a server would send it. unreadable: a column is missing or has a wrong size. */
struct sent {
    struct answer_row row;
    bool unreadable;
};

static bool read_sent(const void *ctx, size_t index, struct answer_row *ret_row)
{
    const struct sent *rows = ctx;
    *ret_row = rows[index].row;
    return !rows[index].unreadable;
}

static enum batch_answer answer(const struct sent *rows, size_t count)
{
    const struct answer_rows r = {.count = count, .row = read_sent, .ctx = rows};
    return answer_of(&r, &MINE, MAKES);
}

static struct sent refused(int64_t seq, const struct uuid *batch_id)
{
    return (struct sent){.row = {.has_seq = true, .seq = seq, .has_batch = true, .batch_id = *batch_id}};
}

static const struct sent APPLIED = {.row = {.applied = true}};
static const struct sent EMPTY = {.row = {.applied = false}}; /* ScyllaDB: no such row */

static void applied(void **state)
{
    (void)state;
    assert_int_equal(answer(&APPLIED, 1), ANSWER_APPLIED); /* Cassandra: one row, [applied] alone */
    const struct sent scylla[] = {APPLIED, APPLIED,
                                  APPLIED}; /* one a statement, with what was there before */
    assert_int_equal(answer(scylla, 3), ANSWER_APPLIED);
    struct sent before = APPLIED;
    before.row.has_seq = true;
    before.row.seq = 5;
    before.row.has_batch = true;
    before.row.batch_id = OTHER;
    assert_int_equal(answer(&before, 1), ANSWER_APPLIED);
}

static void an_earlier_try_was_it(void **state)
{
    (void)state;
    const struct sent one = refused(MAKES, &MINE);
    assert_int_equal(answer(&one, 1), ANSWER_MINE);
    /* whatever row has it: the first of ScyllaDB's is that of the first statement, Cassandra's the first
     * seat's */
    const struct sent last[] = {EMPTY, EMPTY, refused(MAKES, &MINE)};
    assert_int_equal(answer(last, 3), ANSWER_MINE);
    const struct sent first[] = {refused(MAKES, &MINE), EMPTY};
    assert_int_equal(answer(first, 2), ANSWER_MINE);
}

static void somebody_else(void **state)
{
    (void)state;
    const struct sent same_seq = refused(5, &OTHER); /* the epoch or a seat was another */
    assert_int_equal(answer(&same_seq, 1), ANSWER_REFUSED);
    const struct sent below = refused(4, &OTHER);
    assert_int_equal(answer(&below, 1), ANSWER_REFUSED);
    const struct sent as_far = refused(MAKES, &OTHER);
    assert_int_equal(answer(&as_far, 1), ANSWER_REFUSED);
    const struct sent nothing[] = {EMPTY, EMPTY}; /* an event that is not there at all */
    assert_int_equal(answer(nothing, 2), ANSWER_REFUSED);
}

static void the_event_is_further_on(void **state)
{
    (void)state;
    const struct sent beyond[] = {EMPTY, refused(MAKES + 1, &OTHER)};
    assert_int_equal(answer(beyond, 2), ANSWER_MOVED_ON);
    struct sent no_batch = refused(MAKES + 1, &OTHER);
    no_batch.row.has_batch = false;
    assert_int_equal(answer(&no_batch, 1), ANSWER_MOVED_ON);
}

/* A nil id in a row that has none is not this batch's, even if the batch's were nil. */
static void null_is_nobody(void **state)
{
    (void)state;
    struct sent row = refused(5, &MINE);
    row.row.has_batch = false;
    assert_int_equal(answer(&row, 1), ANSWER_REFUSED);
    row = refused(MAKES + 1, &OTHER);
    row.row.has_seq = false;
    assert_int_equal(answer(&row, 1), ANSWER_REFUSED);
}

static void strange_answers(void **state)
{
    (void)state;
    assert_int_equal(answer(NULL, 0), ANSWER_STRANGE);
    struct sent row = refused(5, &OTHER);
    row.unreadable = true;
    assert_int_equal(answer(&row, 1), ANSWER_STRANGE);
    const struct sent second[] = {refused(5, &OTHER), row};
    assert_int_equal(answer(second, 2), ANSWER_STRANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applied),        cmocka_unit_test(an_earlier_try_was_it),
        cmocka_unit_test(somebody_else),  cmocka_unit_test(the_event_is_further_on),
        cmocka_unit_test(null_is_nobody), cmocka_unit_test(strange_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
