#include "base/idmap.h"
#include "unit/base/check.h"
#include <stdlib.h>
#include <string.h>

enum { THINGS = 500, STEPS = 200000 };

struct thing {
    int number;
    struct uuid id;
    bool in;
};

/* Ids that differ in few bits, as ids of one event do. */
static struct uuid id_numbered(uint32_t n)
{
    struct uuid id = {{0x77}};
    memcpy(id.b + 10, &n, sizeof(n));
    return id;
}

static void check(const struct idmap *m, struct thing *things, size_t expected)
{
    size_t at = 0, seen = 0;
    assert_int_equal(m->count, expected);
    for (struct thing *t; (t = idmap_next(m, &at)); seen++)
        assert_true(t->in);
    assert_int_equal(seen, expected);
    for (int i = 0; i < THINGS; i++)
        assert_ptr_equal(idmap_find(m, &things[i].id), things[i].in ? &things[i] : NULL);
}

/* In and out at random, beside a plain list. */
static void test_random(void **state)
{
    (void)state;
    struct thing *things = calloc(THINGS, sizeof(*things));
    struct rng rng;
    rng_init_seeded(&rng, 4);
    for (int i = 0; i < THINGS; i++) {
        things[i].number = i;
        things[i].id = i % 2 ? id_numbered((uint32_t)i) : uuid_random(&rng);
    }
    struct idmap m;
    idmap_init(&m, offsetof(struct thing, id));
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        struct thing *t = &things[rng_below(&rng, THINGS)];
        /* The number of things in the map goes up and down. */
        bool want = rng_below(&rng, 100) < (step / 5000 % 2 ? 80u : 20u);
        if (want && !t->in)
            idmap_add(&m, t);
        else if (!want && t->in)
            idmap_remove(&m, t);
        count += want;
        count -= t->in;
        t->in = want;
        assert_ptr_equal(idmap_find(&m, &t->id), want ? t : NULL);
        if (step % 1000 == 0)
            check(&m, things, count);
    }
    check(&m, things, count);
    idmap_done(&m);
    assert_null(idmap_find(&m, &things[0].id));
    free(things);
}

static void test_empty(void **state)
{
    (void)state;
    struct idmap m;
    size_t at = 0;
    idmap_init(&m, 0);
    assert_null(idmap_find(&m, &UUID_NIL));
    assert_null(idmap_next(&m, &at));
    struct uuid id = UUID_NIL; /* an id is all there is of it */
    idmap_add(&m, &id);
    assert_ptr_equal(idmap_find(&m, &UUID_NIL), &id);
    idmap_remove(&m, &id);
    assert_null(idmap_find(&m, &UUID_NIL));
    idmap_done(&m);
}

static void remove_what_is_not_there(void)
{
    struct idmap m;
    struct uuid a = id_numbered(1), b = id_numbered(2);
    idmap_init(&m, 0);
    idmap_add(&m, &a);
    idmap_remove(&m, &b);
}

static void test_removing_a_stranger(void **state)
{
    (void)state;
    CHECK_ABORTS(remove_what_is_not_there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_removing_a_stranger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
