/* The ordered map of the reference store, against a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "store/mem/map.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 300 };

/* Key i: one to three bytes, some of them prefixes of others. */
static size_t make_key(unsigned i, uint8_t ret[3])
{
    ret[0] = (uint8_t)(i % 7);
    ret[1] = (uint8_t)(i / 7 % 7);
    ret[2] = (uint8_t)(i / 49);
    return 1 + i % 3;
}

static int compare(const void *a, size_t a_size, const void *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static void in_order(const struct map *m, size_t want)
{
    size_t count = 0;
    const struct map_node *before = NULL;
    for (const struct map_node *n = map_seek(m, NULL, 0); n; n = n->next[0]) {
        if (before)
            assert_true(compare(before->key, before->key_size, n->key, n->key_size) < 0);
        assert_ptr_equal(map_before(m, n->key, n->key_size), before);
        assert_ptr_equal(map_seek(m, n->key, n->key_size), n);
        before = n;
        count++;
    }
    assert_ptr_equal(map_before(m, NULL, 0), before);
    assert_int_equal(count, want);
}

static void empty(void **state)
{
    (void)state;
    struct map m;
    map_init(&m);
    in_order(&m, 0);
    assert_null(map_seek(&m, "a", 1));
    map_del(&m, "a", 1);
    map_done(&m);
}

static void put_replaces(void **state)
{
    (void)state;
    struct map m;
    map_init(&m);
    map_put(&m, "k", 1, "one", 3);
    map_put(&m, "k", 1, "", 0);
    assert_int_equal(map_seek(&m, "k", 1)->value_size, 0);
    map_put(&m, "k", 1, "two!", 4);
    assert_memory_equal(map_seek(&m, "k", 1)->value, "two!", 4);
    in_order(&m, 1);
    map_done(&m);
}

static void as_a_set(void **state)
{
    (void)state;
    struct map m;
    struct rng rng;
    bool there[KEYS] = {false};
    uint8_t key[3], other[3];
    map_init(&m);
    rng_init_seeded(&rng, 3);
    for (int step = 0; step < 3000; step++) {
        unsigned i = rng_below(&rng, KEYS);
        size_t size = make_key(i, key);
        bool put = rng_below(&rng, 2);
        if (put)
            map_put(&m, key, size, &i, sizeof(i));
        else
            map_del(&m, key, size);
        for (unsigned k = 0; k < KEYS; k++) { /* several numbers may make the same key */
            size_t other_size = make_key(k, other);
            if (compare(key, size, other, other_size) == 0)
                there[k] = put;
        }
        for (unsigned k = 0; k < KEYS; k++) {
            size_t other_size = make_key(k, other);
            const struct map_node *n = map_seek(&m, other, other_size);
            bool found = n && compare(n->key, n->key_size, other, other_size) == 0;
            assert_int_equal(found, there[k]);
        }
    }
    map_done(&m);
}

static void many_in_any_order(void **state)
{
    (void)state;
    struct map m;
    struct rng rng;
    map_init(&m);
    rng_init_seeded(&rng, 4);
    for (int i = 0; i < 5000; i++) {
        uint64_t key = rng_u64(&rng);
        map_put(&m, &key, sizeof(key), &key, sizeof(key));
    }
    in_order(&m, 5000);
    map_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(put_replaces),
        cmocka_unit_test(as_a_set),
        cmocka_unit_test(many_in_any_order),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
