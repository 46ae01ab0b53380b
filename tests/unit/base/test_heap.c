#include "base/heap.h"
#include "base/rng.h"
#include "unit/base/check.h"
#include <sodium.h>

enum { ITEMS = 300 };

/* The naive model: look at all. Returns the smallest key of those in the heap, and how many there are. */
static size_t naive_first(const struct heap_item *items, int64_t *ret_key)
{
    size_t count = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        if (!heap_has(&items[i]))
            continue;
        if (count++ == 0 || items[i].key < *ret_key)
            *ret_key = items[i].key;
    }
    return count;
}

static void assert_heap_order(const struct heap *h)
{
    for (size_t i = 0; i < h->count; i++) {
        assert_int_equal(h->slots[i].item->pos, i + 1);
        assert_true(h->slots[i].key == h->slots[i].item->key);
        if (i > 0)
            assert_true(h->slots[(i - 1) / 2].item->key <= h->slots[i].item->key);
    }
}

static void test_against_naive_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng rng;
        rng_init_seeded(&rng, seed);
        struct heap h;
        heap_init(&h);
        struct heap_item items[ITEMS] = {{0}};
        for (int step = 0; step < 2000; step++) {
            struct heap_item *item = &items[rng_below(&rng, ITEMS)];
            if (rng_below(&rng, 3) == 0) {
                heap_remove(&h, item);
                assert_false(heap_has(item));
            } else {
                heap_set(&h, item, (int64_t)rng_below(&rng, 200) - 100); /* many keys are equal */
                assert_true(heap_has(item));
            }
            int64_t key = 0;
            assert_int_equal(h.count, naive_first(items, &key));
            if (h.count)
                assert_int_equal(heap_first(&h)->key, key);
        }
        assert_heap_order(&h);
        heap_done(&h);
    }
}

static void test_sorts(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seeded(&rng, 42);
    struct heap h = {0};
    struct heap_item items[ITEMS] = {{0}};
    for (size_t i = 0; i < ITEMS; i++)
        heap_set(&h, &items[i], (int64_t)rng_u64(&rng)); /* the whole range, negative ones too */
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < ITEMS; i++) {
        struct heap_item *first = heap_first(&h);
        assert_true(first->key >= last);
        last = first->key;
        heap_remove(&h, first);
    }
    assert_null(heap_first(&h));
    heap_done(&h);
}

static void test_few_and_extremes(void **state)
{
    (void)state;
    struct heap h = {0};
    struct heap_item a = {0}, b = {0};
    assert_null(heap_first(&h));
    heap_remove(&h, &a); /* in none: left alone */
    heap_set(&h, &a, INT64_MAX);
    heap_set(&h, &b, INT64_MIN);
    assert_ptr_equal(heap_first(&h), &b);
    heap_set(&h, &b, INT64_MAX);
    heap_set(&h, &a, INT64_MIN);
    assert_ptr_equal(heap_first(&h), &a);
    heap_set(&h, &a, INT64_MIN);
    assert_int_equal(h.count, 2);
    heap_remove(&h, &a);
    heap_remove(&h, &a);
    assert_ptr_equal(heap_first(&h), &b);
    heap_remove(&h, &b);
    heap_set(&h, &a, 1); /* may come back */
    assert_ptr_equal(heap_first(&h), &a);
    heap_done(&h);
}

static void set_in_another_heap(void)
{
    struct heap one = {0}, other = {0};
    struct heap_item a = {0};
    heap_set(&one, &a, 1);
    heap_set(&other, &a, 1);
}

static void test_item_of_another_heap(void **state)
{
    (void)state;
    CHECK_ABORTS(set_in_another_heap);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_naive_model),
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_few_and_extremes),
        cmocka_unit_test(test_item_of_another_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
