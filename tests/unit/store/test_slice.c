/* What of a group goes in one batch. */
#include "store/cql/slice.h"
#include "unit/change/fixture.h"

enum { MOST = 32 };

struct many {
    struct fixture f;
    struct change changes[MOST];
    struct order orders[MOST];
    struct idem_record answers[MOST];
    struct personal_record personals[MOST];
    const struct idem_record *idems[MOST];
    const struct personal_record *people[MOST];
    struct event_group group;
    struct event *event;
    struct layout *layout;
    struct arena arena;
};

/* @count changes after seq 10, of @seats[i] seats each. */
static void many_init(struct many *m, uint32_t count, const uint32_t *seats)
{
    memset(m, 0, sizeof(*m));
    fixture_init(&m->f, CHANGE_ORDER_CREATED, 11);
    m->layout = small_layout();
    m->event = small_event(m->layout);
    arena_init(&m->arena, 0);
    for (uint32_t i = 0; i < count; i++) {
        m->changes[i] = m->f.change;
        m->changes[i].seq = 11 + i;
        m->changes[i].seat_count = seats[i];
        m->changes[i].next = i + 1 < count ? &m->changes[i + 1] : NULL;
        m->orders[i] = m->f.order;
        m->orders[i].order_id.u = uuid_numbered((uint8_t)(100 + i));
        m->changes[i].order = &m->orders[i];
        m->idems[i] = &m->answers[i];
        m->people[i] = &m->personals[i];
        m->answers[i].change_seq = 11 + i;
        m->personals[i].order_id = m->orders[i].order_id;
    }
    m->group = (struct event_group){
        .event_id = m->f.change.event_id,
        .follows_seq = 10,
        .changes = m->changes,
        .change_count = count,
        .idems = m->idems,
        .idem_count = count,
        .personals = m->people,
        .personal_count = count,
    };
}

static void many_done(struct many *m)
{
    arena_done(&m->arena);
    event_unref(m->event);
    layout_unref(m->layout);
    fixture_done(&m->f);
}

/* The slices have these numbers of changes, follow each other, and have the records of just their changes. */
static void expect_slices(struct many *m, const uint32_t *counts, size_t slices)
{
    struct slicer s;
    struct event_group slice;
    uint32_t at = 0;
    slicer_init(&s, &m->group);
    for (size_t i = 0; i < slices; i++) {
        assert_true(slicer_next(&s, &m->arena, &slice));
        assert_int_equal(slice.change_count, counts[i]);
        assert_int_equal(slice.follows_seq, 10 + at);
        assert_ptr_equal(slice.changes, &m->changes[at]);
        assert_true(uuid_equal(&slice.event_id.u, &m->group.event_id.u));
        assert_int_equal(slice.idem_count, counts[i]);
        assert_int_equal(slice.personal_count, counts[i]);
        for (uint32_t k = 0; k < counts[i]; k++) {
            assert_ptr_equal(slice.idems[k], &m->answers[at + k]);
            assert_ptr_equal(slice.personals[k], &m->personals[at + k]);
        }
        at += counts[i];
    }
    assert_false(slicer_next(&s, &m->arena, &slice));
}

static void usually_all_of_it(void **state)
{
    (void)state;
    struct many m;
    many_init(&m, 4, (uint32_t[]){3, 400, 97, 500});
    expect_slices(&m, (uint32_t[]){4}, 1);
    many_done(&m);
    many_init(&m, 1, (uint32_t[]){1000});
    expect_slices(&m, (uint32_t[]){1}, 1);
    many_done(&m);
}

static void too_many_seats(void **state)
{
    (void)state;
    struct many m;
    many_init(&m, 6, (uint32_t[]){1000, 1, 999, 1, 600, 600});
    expect_slices(&m, (uint32_t[]){1, 2, 2, 1}, 4);
    many_done(&m);
    many_init(&m, 2, (uint32_t[]){5000, 1}); /* one change is never cut */
    expect_slices(&m, (uint32_t[]){1, 1}, 2);
    many_done(&m);
}

static void two_versions_of_the_event(void **state)
{
    (void)state;
    struct many m;
    many_init(&m, 5, (uint32_t[]){1, 1, 1, 1, 1});
    m.changes[1].event = m.event;
    m.changes[3].event = m.event;
    m.changes[4].event = m.event;
    expect_slices(&m, (uint32_t[]){3, 1, 1}, 3);
    many_done(&m);
}

/* An answer without a change and the data of an order that is not among the changes go with the last. */
static void what_belongs_to_no_change(void **state)
{
    (void)state;
    struct many m;
    struct slicer s;
    struct event_group slice;
    many_init(&m, 2, (uint32_t[]){600, 600});
    m.answers[0].change_seq = 0;
    m.answers[1].change_seq = 10;
    m.personals[0].order_id.u = uuid_numbered(99);
    m.personals[1].order_id = m.orders[0].order_id;
    slicer_init(&s, &m.group);
    assert_true(slicer_next(&s, &m.arena, &slice));
    assert_int_equal(slice.idem_count, 0);
    assert_int_equal(slice.personal_count, 1);
    assert_ptr_equal(slice.personals[0], &m.personals[1]);
    assert_true(slicer_next(&s, &m.arena, &slice));
    assert_int_equal(slice.idem_count, 2);
    assert_int_equal(slice.personal_count, 1);
    assert_ptr_equal(slice.personals[0], &m.personals[0]);
    many_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usually_all_of_it),
        cmocka_unit_test(too_many_seats),
        cmocka_unit_test(two_versions_of_the_event),
        cmocka_unit_test(what_belongs_to_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
