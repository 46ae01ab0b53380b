/* The order of creation against a naive model; readers beside the publisher; how long 100,000 take. */
#include "unit/base/check.h"

#include "base/clock.h"
#include "base/epoch.h"
#include "base/rng.h"
#include "view/timeline.h"
#include <pthread.h>
#include <stdio.h>

/* Times repeat, so that the ids decide. */
static void node_random(struct timeline_node *n, unsigned times, struct rng *rng)
{
    struct uuid id = uuid_random(rng);
    timeline_node_init(n, 1000 + (int64_t)rng_below(rng, times), &id);
}

static int compare(const struct timeline_key *a, const struct timeline_key *b)
{
    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    return uuid_compare(&a->id, &b->id);
}

static int compare_nodes(const void *a, const void *b)
{
    return compare(&(*(struct timeline_node *const *)a)->key, &(*(struct timeline_node *const *)b)->key);
}

/* ---- the model: all nodes, sorted, and which are in ---- */

enum { NODES = 300 };

struct model {
    struct timeline timeline;
    struct timeline_node nodes[NODES];
    struct timeline_node *sorted[NODES];
    bool in[NODES];
};

static struct timeline_node *next_in(struct model *m, unsigned from)
{
    while (from < NODES && !m->in[from])
        from++;
    return from < NODES ? m->sorted[from] : NULL;
}

static void check_all(struct model *m)
{
    struct timeline_node *n = timeline_after(&m->timeline, NULL);
    for (unsigned i = 0; i < NODES; i++) {
        if (!m->in[i])
            continue;
        assert_ptr_equal(n, m->sorted[i]);
        n = timeline_next(n);
    }
    assert_null(n);
}

static void model_init(struct model *m, struct rng *rng)
{
    timeline_init(&m->timeline);
    for (unsigned i = 0; i < NODES; i++) {
        node_random(&m->nodes[i], NODES / 5, rng);
        m->sorted[i] = &m->nodes[i];
        m->in[i] = false;
    }
    qsort(m->sorted, NODES, sizeof(m->sorted[0]), compare_nodes);
}

static void test_random_operations(void **state)
{
    static struct model m;
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 1);
    for (unsigned times = 0; times < 5; times++) {
        model_init(&m, &rng);
        for (unsigned round = 0; round < 3000; round++) {
            unsigned i = rng_below(&rng, NODES);
            if (m.in[i])
                timeline_remove(&m.timeline, m.sorted[i]);
            else
                timeline_insert(&m.timeline, m.sorted[i]);
            m.in[i] = !m.in[i];
            unsigned k = rng_below(&rng, NODES);
            assert_ptr_equal(timeline_after(&m.timeline, &m.sorted[k]->key), next_in(&m, k + 1));
            if (round % 100 == 0)
                check_all(&m);
        }
        check_all(&m);
    }
}

static struct timeline the_timeline;
static struct timeline_node the_node;

static void insert_twice(void)
{
    timeline_insert(&the_timeline, &the_node);
    timeline_insert(&the_timeline, &the_node);
}

static void remove_what_is_not_there(void)
{
    timeline_remove(&the_timeline, &the_node);
}

static void test_misuse_aborts(void **state)
{
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 1);
    timeline_init(&the_timeline);
    node_random(&the_node, 1, &rng);
    CHECK_ABORTS(insert_twice);
    CHECK_ABORTS(remove_what_is_not_there);
}

/* ---- readers beside the publisher ---- */

enum { READERS = 3, ROUNDS = 40000 };

struct stage {
    struct model m;
    atomic_bool over;
};

/* Every third node of the sorted ones stays; the others come and go. */
static bool stays(unsigned i)
{
    return i % 3 == 0;
}

/* From the start, or from after one of the nodes: always upwards, and nothing that stays is left out. */
static uintptr_t walk(struct stage *stage, unsigned from)
{
    uintptr_t wrong = 0;
    unsigned wanted = from;
    epoch_enter();
    const struct timeline_node *n =
        timeline_after(&stage->m.timeline, from ? &stage->m.sorted[from - 1]->key : NULL);
    const struct timeline_node *last = NULL;
    for (; n; n = timeline_next(n)) {
        wrong += last && compare(&last->key, &n->key) >= 0;
        while (wanted < NODES && !stays(wanted))
            wanted++;
        if (wanted < NODES && n == stage->m.sorted[wanted])
            wanted++;
        else
            wrong += wanted < NODES && compare(&n->key, &stage->m.sorted[wanted]->key) > 0;
        last = n;
    }
    while (wanted < NODES && !stays(wanted))
        wanted++;
    epoch_leave();
    return wrong + (wanted < NODES);
}

static void *look(void *arg)
{
    struct stage *stage = arg;
    uintptr_t wrong = 0;
    unsigned from = 0;
    do {
        wrong += walk(stage, from);
        from = (from + 7) % NODES;
    } while (!atomic_load(&stage->over));
    return (void *)wrong;
}

static void test_readers_meet_what_stays(void **state)
{
    static struct stage stage;
    struct rng rng;
    pthread_t readers[READERS];
    (void)state;
    rng_init_seeded(&rng, 1);
    model_init(&stage.m, &rng);
    for (unsigned i = 0; i < NODES; i += 3)
        timeline_insert(&stage.m.timeline, stage.m.sorted[i]);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, look, &stage), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = rng_below(&rng, NODES);
        if (stays(i))
            continue;
        if (stage.m.in[i])
            timeline_remove(&stage.m.timeline, stage.m.sorted[i]);
        else
            timeline_insert(&stage.m.timeline, stage.m.sorted[i]);
        stage.m.in[i] = !stage.m.in[i];
    }
    atomic_store(&stage.over, true);
    for (unsigned i = 0; i < READERS; i++) {
        void *wrong;
        pthread_join(readers[i], &wrong);
        assert_null(wrong);
    }
}

/* ---- scale ---- */

static void test_a_hundred_thousand_in_any_order(void **state)
{
    enum { MANY = 100000 };
    struct timeline timeline;
    struct timeline_node *nodes = malloc(MANY * sizeof(*nodes));
    struct rng rng;
    struct clock clock;
    (void)state;
    assert_non_null(nodes);
    clock_init_system(&clock);
    rng_init_seeded(&rng, 1);
    timeline_init(&timeline);
    for (unsigned i = 0; i < MANY; i++)
        node_random(&nodes[i], MANY, &rng);
    int64_t start = clock_monotonic_us(&clock);
    for (unsigned i = 0; i < MANY; i++)
        timeline_insert(&timeline, &nodes[i]);
    print_message("%d nodes inserted in random order: %lld us\n", MANY,
                  (long long)(clock_monotonic_us(&clock) - start));
    unsigned count = 0;
    for (const struct timeline_node *n = timeline_after(&timeline, NULL), *next; n; n = next, count++) {
        next = timeline_next(n);
        assert_true(!next || compare(&n->key, &next->key) < 0);
    }
    assert_int_equal(count, MANY);
    free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_misuse_aborts),
        cmocka_unit_test(test_readers_meet_what_stays),
        cmocka_unit_test(test_a_hundred_thousand_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
