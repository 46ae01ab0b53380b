/* Run under ThreadSanitizer, too. */
#include "base/error.h"
#include "cluster/outbox.h"
#include "cluster/wire.h"
#include "unit/change/fixture.h"

enum { PLENTY = 1 << 20 };

static const struct uuid ME = {{1}}, READER = {{2}}, OTHER = {{3}};
static const struct event_id E1 = {{{4}}}, E2 = {{{5}}};
static const struct digest BEFORE = {{1}};
static const struct venue_id V = {{{6}}};

/* The answer to a reader, taken apart. */
struct answer {
    bool news;
    struct wire_news head;
    struct wire_record records[8];
    size_t count;
    struct buf bytes;
};

static struct answer ask(struct outbox *o, const struct uuid *from, uint64_t after)
{
    struct answer a = {0};
    struct rd r;
    a.news = outbox_read(o, &READER, from, after, 77, &a.bytes);
    if (!a.news) {
        assert_int_equal(a.bytes.size, 0);
        return a;
    }
    assert_int_equal(wire_read_news(&r, a.bytes.data, a.bytes.size, &a.head), 0);
    int ret;
    while (a.count < 8 && (ret = wire_next(&r, &a.records[a.count])) == 0)
        a.count++;
    assert_true(a.count == 8 || ret == BOX_ENOTFOUND);
    return a;
}

static void done(struct answer *a)
{
    buf_done(&a->bytes);
}

static struct fixture *change_of(struct fixture *f, uint64_t seq)
{
    fixture_init(f, CHANGE_HOLD_CREATED, seq);
    change_seal(&f->change, &BEFORE);
    return f;
}

static void a_reader_gets_what_is_after_its_position_in_order(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, PLENTY);
    outbox_home(o, &E1, 3, 10);
    outbox_venue(o, &V);
    outbox_resigned(o, &E1, 3);
    struct answer a = ask(o, &ME, 1);
    assert_true(a.news);
    assert_false(a.head.anew);
    assert_true(uuid_equal(&a.head.server_id, &ME));
    assert_int_equal(a.head.position, 3);
    assert_int_equal(a.head.stable_us, 77);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.records[0].kind, WIRE_VENUE);
    assert_true(uuid_equal(&a.records[0].id, &V.u));
    assert_int_equal(a.records[1].kind, WIRE_RESIGNED);
    assert_int_equal(a.records[1].epoch, 3);
    done(&a);
    a = ask(o, &ME, 3);
    assert_false(a.news);
    outbox_free(o);
}

static void a_reader_of_another_process_begins_anew_with_the_list_of_homes(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, PLENTY);
    outbox_home(o, &E1, 3, 10);
    outbox_home(o, &E2, 4, 20);
    outbox_resigned(o, &E1, 3);
    struct answer a = ask(o, &OTHER, 2);
    assert_true(a.head.anew);
    assert_int_equal(a.head.position, 3);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.records[0].kind, WIRE_HOME);
    assert_true(uuid_equal(&a.records[0].id, &E2.u));
    assert_int_equal(a.records[0].epoch, 4);
    assert_int_equal(a.records[0].seq, 20);
    done(&a);
    /* The future of this process is no place to read from, either. */
    a = ask(o, &ME, 4);
    assert_true(a.head.anew);
    done(&a);
    outbox_free(o);
}

static void the_list_of_homes_has_the_newest_seq(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, PLENTY);
    struct fixture f;
    change_of(&f, 11);
    outbox_home(o, &f.change.event_id, 1, 10);
    outbox_changes(o, &f.change);
    struct answer a = ask(o, &OTHER, 0);
    assert_int_equal(a.records[0].seq, 11);
    done(&a);
    fixture_done(&f);
    outbox_free(o);
}

static void changes_that_come_before_their_home_are_not_forgotten(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, PLENTY);
    struct fixture f;
    change_of(&f, 11);
    outbox_changes(o, &f.change);
    struct answer a = ask(o, &OTHER, 0);
    assert_int_equal(a.count, 0); /* it is not said yet */
    done(&a);
    outbox_home(o, &f.change.event_id, 1, 10);
    a = ask(o, &OTHER, 0);
    assert_int_equal(a.records[0].seq, 11);
    done(&a);
    fixture_done(&f);
    outbox_free(o);
}

static void changes_come_as_they_were(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, PLENTY);
    struct fixture f, g;
    struct arena arena;
    arena_init(&arena, 0);
    change_of(&f, 7);
    change_of(&g, 8);
    f.change.next = &g.change;
    outbox_changes(o, &f.change);
    struct answer a = ask(o, &ME, 0);
    struct change *c;
    assert_int_equal(a.count, 1);
    assert_int_equal(a.records[0].count, 2);
    for (uint64_t seq = 7; seq <= 8; seq++) {
        assert_int_equal(wire_next_change(&a.records[0], &arena, &c), 0);
        assert_int_equal(c->seq, seq);
        assert_int_equal(c->seat_count, FIXTURE_SEATS);
    }
    assert_int_equal(wire_next_change(&a.records[0], &arena, &c), BOX_ENOTFOUND);
    done(&a);
    arena_done(&arena);
    fixture_done(&f);
    fixture_done(&g);
    outbox_free(o);
}

static void who_is_too_far_behind_begins_anew(void **state)
{
    (void)state;
    enum { VENUE_RECORD = 17 };
    struct outbox *o = outbox_new(&ME, 10 * VENUE_RECORD);
    for (int i = 0; i < 11; i++)
        outbox_venue(o, &V);
    struct answer a = ask(o, &ME, 0); /* the first is not kept any more */
    assert_true(a.head.anew);
    assert_int_equal(a.head.position, 11);
    done(&a);
    a = ask(o, &ME, 1);
    assert_false(a.head.anew);
    done(&a);
    outbox_free(o);
}

static void one_answer_is_bounded_and_says_nothing_of_the_time_unless_it_is_the_last(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, 16 * PLENTY);
    uint64_t records = LIMIT_OUTBOX_ANSWER_BYTES / 17 + 5, after = 0;
    for (uint64_t i = 0; i < records; i++)
        outbox_venue(o, &V);
    struct buf b = {0};
    struct wire_news head;
    struct rd r;
    assert_true(outbox_read(o, &READER, &ME, after, 77, &b));
    assert_true(b.size <= LIMIT_OUTBOX_ANSWER_BYTES + 64);
    assert_int_equal(wire_read_news(&r, b.data, b.size, &head), 0);
    assert_true(head.position < records);
    assert_int_equal(head.stable_us, 0);
    buf_reset(&b);
    assert_true(outbox_read(o, &READER, &ME, head.position, 77, &b));
    assert_int_equal(wire_read_news(&r, b.data, b.size, &head), 0);
    assert_int_equal(head.position, records);
    assert_int_equal(head.stable_us, 77);
    buf_done(&b);
    outbox_free(o);
}

static void run_nothing(struct task *t)
{
    (void)t;
}

static void who_waits_is_woken_once_by_the_next_record(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, PLENTY);
    struct mailbox m;
    struct task t = {.run = run_nothing};
    assert_int_equal(mailbox_init(&m), 0);
    assert_true(outbox_wait(o, 0, &m, &t));
    assert_int_equal(task_run_all(&m), 0);
    outbox_venue(o, &V);
    outbox_venue(o, &V);
    assert_int_equal(task_run_all(&m), 1);
    assert_false(outbox_unwait(o, &t));      /* it was posted */
    assert_false(outbox_wait(o, 0, &m, &t)); /* there is news: nobody would come to wake */
    assert_true(outbox_wait(o, 2, &m, &t));
    assert_true(outbox_unwait(o, &t));
    outbox_venue(o, &V);
    assert_int_equal(task_run_all(&m), 0);
    mailbox_done(&m);
    outbox_free(o);
}

static void it_is_known_who_knows_everything(void **state)
{
    (void)state;
    struct outbox *o = outbox_new(&ME, PLENTY);
    outbox_venue(o, &V);
    assert_false(outbox_told(o, &READER));
    struct answer a = ask(o, &ME, 0);
    done(&a);
    assert_false(outbox_told(o, &READER)); /* sent is not heard */
    a = ask(o, &ME, 1);
    assert_true(outbox_told(o, &READER));
    assert_false(outbox_told(o, &OTHER));
    outbox_free(o);
}

static void what_is_cut_off_is_damaged(void **state)
{
    (void)state;
    struct buf b = {0};
    const struct wire_news news = {.server_id = ME, .position = 5, .stable_us = 6};
    wire_put_news(&b, &news);
    size_t head_size = b.size;
    wire_put_home(&b, &E1, 300, 400);
    struct wire_news head;
    struct wire_record record;
    struct rd r;
    for (size_t size = 1; size < b.size; size++) {
        int ret = wire_read_news(&r, b.data, size, &head);
        assert_int_equal(ret, size < head_size ? BOX_ECORRUPT : 0);
        if (ret == 0)
            assert_int_equal(wire_next(&r, &record), size == head_size ? BOX_ENOTFOUND : BOX_ECORRUPT);
    }
    b.data[0] = 2;
    assert_int_equal(wire_read_news(&r, b.data, b.size, &head), BOX_ENEWER);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_gets_what_is_after_its_position_in_order),
        cmocka_unit_test(a_reader_of_another_process_begins_anew_with_the_list_of_homes),
        cmocka_unit_test(the_list_of_homes_has_the_newest_seq),
        cmocka_unit_test(changes_that_come_before_their_home_are_not_forgotten),
        cmocka_unit_test(changes_come_as_they_were),
        cmocka_unit_test(who_is_too_far_behind_begins_anew),
        cmocka_unit_test(one_answer_is_bounded_and_says_nothing_of_the_time_unless_it_is_the_last),
        cmocka_unit_test(who_waits_is_woken_once_by_the_next_record),
        cmocka_unit_test(it_is_known_who_knows_everything),
        cmocka_unit_test(what_is_cut_off_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
