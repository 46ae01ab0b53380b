#include "base/error.h"
#include "unit/base/check.h"
#include <string.h>

static void test_table_is_sound(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct error_info *e; (e = error_at(count)); count++) {
        assert_true(e->code < 0);
        assert_true(e->http >= 400 && e->http < 600);
        assert_true(e->title[0] && e->explanation[0]);
        assert_int_equal(strspn(e->slug, "abcdefghijklmnopqrstuvwxyz-"), strlen(e->slug));
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(error_at(i)->code, e->code);
            assert_string_not_equal(error_at(i)->name, e->name);
        }
    }
    assert_true(count > 20);
    assert_null(error_at(count));
    assert_null(error_at(SIZE_MAX));
}

static void test_same_slug_same_status(void **state)
{
    (void)state;
    const struct error_info *e;
    for (size_t i = 0; (e = error_at(i)); i++)
        if (e->slug[0])
            assert_int_equal(error_by_slug(e->slug)->http, e->http);
}

static void test_look_up(void **state)
{
    (void)state;
    assert_string_equal(error_info(BOX_ESEATSTAKEN)->slug, "seats-taken");
    assert_int_equal(error_info(BOX_ESEATSTAKEN)->http, 409);
    assert_int_equal(error_info(-12345)->code, BOX_EINTERNAL);
    assert_int_equal(error_info(BOX_OK)->code, BOX_EINTERNAL);
    assert_int_equal(error_by_slug("unavailable")->code, BOX_EUNAVAILABLE);
    assert_null(error_by_slug(""));
    assert_null(error_by_slug("Seats-Taken"));
    assert_null(error_by_slug("seats-taken/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_same_slug_same_status),
        cmocka_unit_test(test_look_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
