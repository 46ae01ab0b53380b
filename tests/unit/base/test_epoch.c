/* Run under ThreadSanitizer, too. */
#include "base/epoch.h"
#include "base/must.h"
#include "unit/base/check.h"
#include <pthread.h>

enum { ALIVE = 0x5ca1ab1e };

struct box {
    struct epoch_item item; /* first: an item is its box */
    unsigned alive;
    uint64_t number;
};

static atomic_uint boxes_freed;

static void free_box(struct epoch_item *item)
{
    struct box *box = (struct box *)item;
    must(box->alive == ALIVE); /* any thread: cmocka's assertions are for the main one */
    box->alive = 0;
    free(box);
    atomic_fetch_add(&boxes_freed, 1);
}

static struct box *box_new(uint64_t number)
{
    struct box *box = malloc(sizeof(*box));
    *box = (struct box){.alive = ALIVE, .number = number};
    return box;
}

/* ---- one thread ---- */

static void test_nobody_looks(void **state)
{
    struct epoch_list list = {0};
    (void)state;
    atomic_store(&boxes_freed, 0);
    epoch_collect(&list);
    for (uint64_t i = 0; i < 3; i++)
        epoch_retire(&list, &box_new(i)->item, free_box);
    assert_int_equal(boxes_freed, 0);
    epoch_collect(&list);
    assert_int_equal(boxes_freed, 3);
}

static void test_a_reader_keeps_what_it_may_have(void **state)
{
    struct epoch_list list = {0};
    (void)state;
    atomic_store(&boxes_freed, 0);
    epoch_retire(&list, &box_new(0)->item, free_box);
    epoch_enter(); /* cannot have the first, but the second and third */
    epoch_retire(&list, &box_new(1)->item, free_box);
    epoch_collect(&list);
    assert_int_equal(boxes_freed, 1);
    epoch_retire(&list, &box_new(2)->item, free_box);
    epoch_collect(&list);
    epoch_collect(&list);
    assert_int_equal(boxes_freed, 1);
    epoch_leave();
    epoch_enter(); /* anew: it cannot have any */
    epoch_collect(&list);
    assert_int_equal(boxes_freed, 3);
    epoch_leave();
}

/* An item that retires another when it is freed, as a list of them would. */
struct chain {
    struct epoch_item item; /* first: an item is its chain */
    struct epoch_list *list;
    unsigned left;
};

static void free_chain(struct epoch_item *item)
{
    struct chain *chain = (struct chain *)item;
    if (chain->left-- > 0)
        epoch_retire(chain->list, item, free_chain);
}

static void test_drain(void **state)
{
    struct epoch_list list = {0};
    struct chain chain = {.list = &list, .left = 5};
    (void)state;
    atomic_store(&boxes_freed, 0);
    epoch_enter();
    epoch_retire(&list, &box_new(0)->item, free_box);
    epoch_collect(&list);
    epoch_leave();
    epoch_retire(&list, &box_new(1)->item, free_box);
    epoch_retire(&list, &chain.item, free_chain);
    epoch_drain(&list);
    assert_int_equal(boxes_freed, 2);
    assert_int_equal(chain.left, UINT32_MAX);
    assert_null(list.waiting);
}

static void enter_twice(void)
{
    epoch_enter();
    epoch_enter();
}

static void leave_without_entering(void)
{
    epoch_enter();
    epoch_leave();
    epoch_leave();
}

static void test_misuse_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(enter_twice);
    CHECK_ABORTS(epoch_leave);
    CHECK_ABORTS(leave_without_entering);
}

/* ---- many threads ---- */

enum { READERS = 3, PUBLISHERS = 2, GENERATIONS = 20, LOOKS = 3000 };

struct stage {
    _Atomic(struct box *) shown[PUBLISHERS]; /* one for each publisher */
    struct epoch_list list;                  /* one for all of them */
    atomic_bool over;
    atomic_uint made;
};

struct publisher {
    struct stage *stage;
    unsigned number;
};

/* What is shown may be read until one leaves; the boxes of a publisher never get older. */
static void *look(void *arg)
{
    struct stage *stage = arg;
    uint64_t last[PUBLISHERS] = {0};
    uintptr_t wrong = 0;
    for (unsigned i = 0; i < LOOKS; i++) {
        epoch_enter();
        for (unsigned p = 0; p < PUBLISHERS; p++) {
            const struct box *box = atomic_load(&stage->shown[p]);
            wrong += box->alive != ALIVE || box->number < last[p];
            last[p] = box->number;
        }
        epoch_leave();
    }
    return (void *)wrong;
}

/* The first one collects, too. */
static void *publish(void *arg)
{
    const struct publisher *publisher = arg;
    struct stage *stage = publisher->stage;
    uint64_t number = 0;
    do {
        struct box *last = atomic_exchange(&stage->shown[publisher->number], box_new(++number));
        atomic_fetch_add(&stage->made, 1);
        epoch_retire(&stage->list, &last->item, free_box);
        if (publisher->number == 0)
            epoch_collect(&stage->list);
    } while (!atomic_load(&stage->over));
    return NULL;
}

/* Reader threads come and go, so that slots are given back and claimed again. */
static void test_threads(void **state)
{
    struct stage stage = {.over = false};
    struct publisher publishers[PUBLISHERS];
    pthread_t publishing[PUBLISHERS], looking[READERS];
    (void)state;
    atomic_store(&boxes_freed, 0);
    for (unsigned p = 0; p < PUBLISHERS; p++) {
        atomic_store(&stage.shown[p], box_new(0));
        atomic_fetch_add(&stage.made, 1);
    }
    for (unsigned p = 0; p < PUBLISHERS; p++) {
        publishers[p] = (struct publisher){&stage, p};
        assert_int_equal(pthread_create(&publishing[p], NULL, publish, &publishers[p]), 0);
    }
    for (unsigned generation = 0; generation < GENERATIONS; generation++) {
        for (unsigned i = 0; i < READERS; i++)
            assert_int_equal(pthread_create(&looking[i], NULL, look, &stage), 0);
        for (unsigned i = 0; i < READERS; i++) {
            void *wrong;
            pthread_join(looking[i], &wrong);
            assert_null(wrong);
        }
    }
    atomic_store(&stage.over, true);
    for (unsigned p = 0; p < PUBLISHERS; p++) {
        pthread_join(publishing[p], NULL);
        epoch_retire(&stage.list, &atomic_load(&stage.shown[p])->item, free_box);
    }
    assert_true(atomic_load(&stage.made) > PUBLISHERS);
    epoch_collect(&stage.list); /* nobody looks: all go */
    assert_int_equal(boxes_freed, atomic_load(&stage.made));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_looks), cmocka_unit_test(test_a_reader_keeps_what_it_may_have),
        cmocka_unit_test(test_drain),        cmocka_unit_test(test_misuse_aborts),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
