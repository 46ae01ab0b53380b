#include "domain/actor.h"
#include "unit/domain/fixture.h"

static void test_actors(void **state)
{
    (void)state;
    struct actor system = actor_system(), key = actor_key("box-office"),
                 session = actor_session(session_numbered(3));
    assert_int_equal(system.kind, ACTOR_SYSTEM);
    assert_string_equal(system.key_name, "");
    assert_true(uuid_is_nil(&system.session.u));
    assert_int_equal(key.kind, ACTOR_KEY);
    assert_string_equal(key.key_name, "box-office");
    assert_true(uuid_is_nil(&key.session.u));
    assert_int_equal(session.kind, ACTOR_SESSION);
    assert_string_equal(session.key_name, "");
    struct session_id three = session_numbered(3);
    assert_true(uuid_equal(&session.session.u, &three.u));
}

static void test_longest_name(void **state)
{
    (void)state;
    char name[LIMIT_API_KEY_NAME_CHARS + 1];
    memset(name, 'k', sizeof(name));
    name[LIMIT_API_KEY_NAME_CHARS] = '\0';
    assert_string_equal(actor_key(name).key_name, name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actors),
        cmocka_unit_test(test_longest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
