/* The table against a naive model; and readers while it grows. */
#include "unit/base/check.h"

#include "base/rng.h"
#include "view/lookup.h"
#include <pthread.h>

enum { KEYS = 400 };

struct thing {
    uint64_t key;
};

static bool is_thing(const void *item, const void *key)
{
    return ((const struct thing *)item)->key == *(const uint64_t *)key;
}

static void *find(const struct lookup *t, uint64_t hash, uint64_t key)
{
    epoch_enter();
    void *item = lookup_find(t, hash, is_thing, &key);
    epoch_leave();
    return item;
}

static uint64_t spread(uint64_t key)
{
    return key * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

/* Few different hashes: long runs, and items of the same hash. */
static void check_random(uint64_t seed, uint64_t hashes)
{
    struct rng rng;
    struct epoch_list garbage = {0};
    struct lookup t;
    struct thing things[KEYS];
    bool in[KEYS] = {false};
    rng_init_seeded(&rng, seed);
    lookup_init(&t, &garbage);
    for (uint64_t i = 0; i < KEYS; i++)
        things[i].key = i;
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t key = rng_below(&rng, round % 2000 < 1000 ? KEYS : KEYS / 10);
        uint64_t hash = spread(key % hashes);
        assert_ptr_equal(find(&t, hash, key), in[key] ? &things[key] : NULL);
        assert_null(find(&t, hash + 1, key));
        if (rng_below(&rng, 4) == 0)
            continue;
        if (in[key])
            lookup_remove(&t, hash, &things[key]);
        else
            lookup_insert(&t, hash, &things[key]);
        in[key] = !in[key];
        epoch_collect(&garbage);
    }
    lookup_done(&t);
    epoch_drain(&garbage);
}

static void test_random_operations(void **state)
{
    (void)state;
    check_random(1, UINT64_MAX);
    check_random(2, 40);
    check_random(3, 1);
}

static struct lookup the_lookup;

static void remove_what_is_not_there(void)
{
    struct thing thing = {1};
    lookup_remove(&the_lookup, 1, &thing);
}

static void test_misuse_aborts(void **state)
{
    struct epoch_list garbage = {0};
    (void)state;
    lookup_init(&the_lookup, &garbage);
    CHECK_ABORTS(remove_what_is_not_there);
    lookup_done(&the_lookup);
}

/* ---- readers beside the publisher ---- */

enum { READERS = 3, STAYING = 50, PASSING = 500, ROUNDS = 40 };

struct stage {
    struct lookup lookup;
    struct thing staying[STAYING];
    atomic_bool over;
};

/* What stays is found, however the table is rebuilt around it. */
static void *look(void *arg)
{
    struct stage *stage = arg;
    uintptr_t missed = 0;
    do {
        for (uint64_t i = 0; i < STAYING; i++)
            missed += find(&stage->lookup, spread(i), i) != &stage->staying[i];
    } while (!atomic_load(&stage->over));
    return (void *)missed;
}

static void test_readers_find_what_stays(void **state)
{
    static struct thing passing[PASSING];
    struct epoch_list garbage = {0};
    struct stage stage = {.over = false};
    pthread_t readers[READERS];
    (void)state;
    lookup_init(&stage.lookup, &garbage);
    for (uint64_t i = 0; i < STAYING; i++) {
        stage.staying[i].key = i;
        lookup_insert(&stage.lookup, spread(i), &stage.staying[i]);
    }
    for (uint64_t i = 0; i < PASSING; i++)
        passing[i].key = STAYING + i;
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, look, &stage), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < PASSING; i++)
            lookup_insert(&stage.lookup, spread(passing[i].key), &passing[i]);
        for (uint64_t i = 0; i < PASSING; i++)
            lookup_remove(&stage.lookup, spread(passing[i].key), &passing[i]);
        epoch_collect(&garbage);
    }
    atomic_store(&stage.over, true);
    for (unsigned i = 0; i < READERS; i++) {
        void *missed;
        pthread_join(readers[i], &missed);
        assert_null(missed);
    }
    lookup_done(&stage.lookup);
    epoch_drain(&garbage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_misuse_aborts),
        cmocka_unit_test(test_readers_find_what_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
