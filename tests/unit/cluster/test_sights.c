#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/params.h"
#include "cluster/sights.h"

enum { SECOND = 1000000 };

static struct uuid numbered(uint32_t n)
{
    struct uuid id = {{7}};
    id.b[12] = (uint8_t)(n >> 24);
    id.b[13] = (uint8_t)(n >> 16);
    id.b[14] = (uint8_t)(n >> 8);
    id.b[15] = (uint8_t)n;
    return id;
}

static void an_id_is_new_once(void **state)
{
    (void)state;
    struct sights s;
    sights_init(&s);
    struct uuid a = numbered(1), b = numbered(2);
    assert_true(sights_first(&s, &a, 0));
    assert_true(sights_first(&s, &b, 0));
    assert_false(sights_first(&s, &a, 0));
    assert_false(sights_first(&s, &a, (int64_t)LIMIT_SIGHT_SECONDS * SECOND));
    sights_done(&s);
}

static void it_is_remembered_for_its_time_whenever_it_came(void **state)
{
    (void)state;
    struct sights s;
    sights_init(&s);
    struct uuid a = numbered(1), b = numbered(2);
    int64_t came_us = (int64_t)LIMIT_SIGHT_SECONDS * SECOND - 1; /* just before the generations turn */
    assert_true(sights_first(&s, &a, came_us));
    assert_true(sights_first(&s, &b, came_us + 2));
    assert_false(sights_first(&s, &a, came_us + (int64_t)LIMIT_SIGHT_SECONDS * SECOND));
    sights_done(&s);
}

static void memory_is_bounded_and_the_newest_stay(void **state)
{
    (void)state;
    struct sights s;
    sights_init(&s);
    struct uuid id;
    for (uint32_t i = 0; i < 3 * LIMIT_SIGHTS; i++) {
        id = numbered(i);
        assert_true(sights_first(&s, &id, 0));
    }
    assert_true(s.young.count + s.old.count <= 2 * LIMIT_SIGHTS);
    id = numbered(2 * LIMIT_SIGHTS);
    assert_false(sights_first(&s, &id, 0));
    sights_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_new_once),
        cmocka_unit_test(it_is_remembered_for_its_time_whenever_it_came),
        cmocka_unit_test(memory_is_bounded_and_the_newest_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
