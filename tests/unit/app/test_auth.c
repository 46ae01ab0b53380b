/* Keys, key files and tokens: what is accepted, and all that must not be. */
#include "app/access.h"
#include "app/auth.h"
#include "base/error.h"
#include "base/params.h"
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

static const uint8_t SIGNING_KEY[32] = "a key that signs session tokens";
static const uint8_t OTHER_KEY[32] = "the signing key of another store";

enum { NOW_MS = 1000000, DAY_MS = 86400000 };

struct desk {
    struct auth *auth;
    struct arena arena;
    struct session_id session;
};

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof(*d));
    assert_int_equal(sodium_init() < 0, 0);
    arena_init(&d->arena, 0);
    d->auth = auth_new(SIGNING_KEY);
    for (unsigned i = 0; i < sizeof(d->session.u.b); i++)
        d->session.u.b[i] = (uint8_t)(i + 1);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    auth_free(d->auth);
    arena_done(&d->arena);
    free(d);
    return 0;
}

/* Ask with "Bearer @text" at @now_ms. */
static int ask_at(struct desk *d, const char *text, int64_t now_ms, struct credential *ret)
{
    return auth_check(d->auth, arena_printf(&d->arena, "Bearer %s", text), now_ms, ret);
}

static int ask(struct desk *d, const char *text)
{
    struct credential c;
    return ask_at(d, text, NOW_MS, &c);
}

static const char *token(struct desk *d)
{
    int64_t expires_ms;
    return auth_token(d->auth, &d->session, NOW_MS, &d->arena, &expires_ms);
}

/* ---- keys ---- */

static void test_key(void **state)
{
    struct desk *d = *state;
    struct credential c;
    assert_int_equal(auth_add_key(d->auth, "web-shop", "s3cret"), 0);
    assert_int_equal(auth_add_key(d->auth, "till", "other"), 0);
    assert_int_equal(ask_at(d, "s3cret", NOW_MS, &c), 0);
    assert_int_equal(c.kind, CREDENTIAL_KEY);
    assert_string_equal(c.key_name, "web-shop");
    assert_true(c.may_begin);
    assert_string_equal(credential_actor(&c).key_name, "web-shop");
    assert_int_equal(ask(d, "s3cre"), BOX_EUNAUTHORIZED);
    assert_int_equal(ask(d, "s3cret "), BOX_EUNAUTHORIZED);
    assert_int_equal(ask(d, "S3CRET"), BOX_EUNAUTHORIZED);
    assert_int_equal(ask(d, ""), BOX_EUNAUTHORIZED);
}

static void test_header(void **state)
{
    struct desk *d = *state;
    struct credential c;
    assert_int_equal(auth_add_key(d->auth, "k", "s3cret"), 0);
    assert_int_equal(auth_check(d->auth, NULL, NOW_MS, &c), 0);
    assert_int_equal(c.kind, CREDENTIAL_NONE);
    assert_int_equal(auth_check(d->auth, "bearer  s3cret", NOW_MS, &c), 0); /* the scheme is without case */
    assert_int_equal(auth_check(d->auth, "s3cret", NOW_MS, &c), BOX_EUNAUTHORIZED);
    assert_int_equal(auth_check(d->auth, "Basic s3cret", NOW_MS, &c), BOX_EUNAUTHORIZED);
    assert_int_equal(auth_check(d->auth, "", NOW_MS, &c), BOX_EUNAUTHORIZED);
}

static void test_bad_keys_and_names(void **state)
{
    struct desk *d = *state;
    char name[LIMIT_API_KEY_NAME_CHARS + 2], key[LIMIT_API_KEY_CHARS + 2];
    memset(name, 'n', sizeof(name));
    memset(key, 'k', sizeof(key));
    name[sizeof(name) - 1] = key[sizeof(key) - 1] = '\0';
    assert_int_equal(auth_add_key(d->auth, name, "x"), BOX_ESYNTAX);
    assert_int_equal(auth_add_key(d->auth, "x", key), BOX_ESYNTAX);
    assert_int_equal(auth_add_key(d->auth, name + 1, key + 1), 0);
    assert_int_equal(auth_add_key(d->auth, "", "x"), BOX_ESYNTAX);
    assert_int_equal(auth_add_key(d->auth, "a b", "x"), BOX_ESYNTAX);
    assert_int_equal(auth_add_key(d->auth, "a", ""), BOX_ESYNTAX);
    assert_int_equal(auth_add_key(d->auth, "a", "x y"), BOX_ESYNTAX);
    assert_int_equal(auth_add_key(d->auth, "a", "x\xc3\xa4"), BOX_ESYNTAX);
}

static void test_one_name_two_keys(void **state)
{
    struct desk *d = *state;
    assert_int_equal(auth_add_key(d->auth, "shop", "old"), 0);
    assert_int_equal(auth_add_key(d->auth, "shop", "new"), 0);
    assert_int_equal(auth_add_key(d->auth, "till", "new"), BOX_EEXISTS);
    assert_int_equal(ask(d, "old"), 0);
    assert_int_equal(ask(d, "new"), 0);
}

static void test_too_many_keys(void **state)
{
    struct desk *d = *state;
    for (int i = 0; i < LIMIT_API_KEYS; i++)
        assert_int_equal(auth_add_key(d->auth, "k", arena_printf(&d->arena, "key-%d", i)), 0);
    assert_int_equal(auth_add_key(d->auth, "k", "one more"), BOX_ESYNTAX);
    assert_int_equal(auth_add_key(d->auth, "k", "one-more"), BOX_ERANGE);
    assert_int_equal(auth_key_count(d->auth), LIMIT_API_KEYS);
}

/* ---- key files ---- */

static int read_file(struct desk *d, const char *text, const char **ret_reason)
{
    *ret_reason = "";
    return auth_add_key_file(d->auth, text, strlen(text), &d->arena, ret_reason);
}

static void test_key_file(void **state)
{
    struct desk *d = *state;
    const char *reason;
    struct credential c;
    assert_int_equal(read_file(d, "# ours\n\n  shop:a:b:c \r\n\ttill:zzz", &reason), 0);
    assert_int_equal(auth_key_count(d->auth), 2);
    assert_int_equal(ask_at(d, "a:b:c", NOW_MS, &c), 0);
    assert_string_equal(c.key_name, "shop");
    assert_int_equal(ask(d, "zzz"), 0);
}

static void test_key_file_faults(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *line;
    } cases[] = {
        {"a:x\nsecret-without-a-name\n", BOX_ESYNTAX, "line 2"},
        {"# c\n\n:secret\n", BOX_ESYNTAX, "line 3"},
        {"a:\n", BOX_ESYNTAX, "line 1"},
        {"a b:secret\n", BOX_ESYNTAX, "line 1"},
        {"a:sec ret\n", BOX_ESYNTAX, "line 1"},
        {"b:secret\nc:secret\n", BOX_EEXISTS, "line 2"},
        {"", BOX_ESYNTAX, "no key"},
        {"# nothing\n", BOX_ESYNTAX, "no key"},
    };
    struct desk *d = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reason;
        struct auth *fresh = auth_new(SIGNING_KEY);
        assert_int_equal(auth_add_key_file(fresh, cases[i].text, strlen(cases[i].text), &d->arena, &reason),
                         cases[i].code);
        assert_non_null(strstr(reason, cases[i].line));
        assert_null(strstr(reason, "secret"));
        auth_free(fresh);
    }
}

static void test_key_file_with_nul(void **state)
{
    struct desk *d = *state;
    const char *reason;
    assert_int_equal(auth_add_key_file(d->auth, "a:b\nc:d\0e\n", 10, &d->arena, &reason), BOX_ESYNTAX);
    assert_non_null(strstr(reason, "line 2"));
}

/* ---- tokens ---- */

static void test_token(void **state)
{
    struct desk *d = *state;
    struct credential c;
    int64_t expires_ms;
    const char *text = auth_token(d->auth, &d->session, NOW_MS, &d->arena, &expires_ms);
    assert_int_equal(strlen(text), 76);
    assert_int_equal(expires_ms, NOW_MS + DAY_MS);
    assert_int_equal(ask_at(d, text, NOW_MS, &c), 0);
    assert_int_equal(c.kind, CREDENTIAL_SESSION);
    assert_true(uuid_equal(&c.session.u, &d->session.u));
    assert_true(c.may_begin);
    assert_int_equal(credential_actor(&c).kind, ACTOR_SESSION);
}

static void test_token_grows_old(void **state)
{
    struct desk *d = *state;
    struct credential c;
    int64_t end = NOW_MS + DAY_MS, grace = INT64_C(2000) * LIMIT_HOLD_SECONDS_MAX;
    const char *text = token(d);
    assert_int_equal(ask_at(d, text, end - 1, &c), 0);
    assert_true(c.may_begin);
    assert_int_equal(ask_at(d, text, end, &c), 0);
    assert_false(c.may_begin);
    assert_int_equal(ask_at(d, text, end + grace - 1, &c), 0);
    assert_int_equal(ask_at(d, text, end + grace, &c), BOX_EUNAUTHORIZED);
}

/* No single bit of a token may be changed. */
static void test_forged_token(void **state)
{
    struct desk *d = *state;
    uint8_t bytes[57];
    size_t size;
    assert_int_equal(text_from_base64url(token(d), bytes, sizeof(bytes), &size), 0);
    assert_int_equal(size, sizeof(bytes));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(ask(d, text_base64url(&d->arena, bytes, size)), BOX_EUNAUTHORIZED);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(ask(d, text_base64url(&d->arena, bytes, size)), 0);
}

static void test_truncated_token(void **state)
{
    struct desk *d = *state;
    const char *text = token(d);
    for (size_t size = 0; size < strlen(text); size++)
        assert_int_equal(ask(d, arena_strndup(&d->arena, text, size)), BOX_EUNAUTHORIZED);
    assert_int_equal(ask(d, arena_printf(&d->arena, "%sA", text)), BOX_EUNAUTHORIZED);
    assert_int_equal(ask(d, arena_printf(&d->arena, "%s=", text)), BOX_EUNAUTHORIZED);
}

static void test_token_of_another_store(void **state)
{
    struct desk *d = *state;
    struct auth *other = auth_new(OTHER_KEY);
    int64_t expires_ms;
    const char *text = auth_token(other, &d->session, NOW_MS, &d->arena, &expires_ms);
    assert_int_equal(ask(d, text), BOX_EUNAUTHORIZED);
    auth_free(other);
}

/* ---- who may do what ---- */

static void test_rights(void **state)
{
    struct app app = {0}, demo = {.parts.demo_payments = true};
    struct credential nobody = {0}, key = {.kind = CREDENTIAL_KEY, .may_begin = true};
    struct credential session = {.kind = CREDENTIAL_SESSION, .may_begin = true};
    struct credential old = {.kind = CREDENTIAL_SESSION};
    (void)state;
    assert_int_equal(app_allow(&app, &nobody, RIGHT_PUBLIC), 0);
    assert_int_equal(app_allow(&app, &session, RIGHT_PUBLIC), 0);
    for (enum app_right right = RIGHT_BUYER; right <= RIGHT_CONFIRM; right++) {
        assert_int_equal(app_allow(&app, &nobody, right), BOX_EUNAUTHORIZED);
        assert_int_equal(app_allow(&app, &key, right), 0);
    }
    assert_int_equal(app_allow(&app, &session, RIGHT_BUYER), 0);
    assert_int_equal(app_allow(&app, &session, RIGHT_BEGIN), 0);
    assert_int_equal(app_allow(&app, &session, RIGHT_KEY), BOX_EFORBIDDEN);
    assert_int_equal(app_allow(&app, &session, RIGHT_CONFIRM), BOX_EFORBIDDEN);
    assert_int_equal(app_allow(&demo, &session, RIGHT_CONFIRM), 0);
    assert_int_equal(app_allow(&app, &old, RIGHT_BUYER), 0);
    assert_int_equal(app_allow(&app, &old, RIGHT_BEGIN), BOX_EUNAUTHORIZED);
}

static void test_visibility(void **state)
{
    struct event open = {.published = true}, hidden = {0}, gone = {.published = true, .deleted = true};
    struct credential nobody = {0}, key = {.kind = CREDENTIAL_KEY}, session = {.kind = CREDENTIAL_SESSION};
    struct session_id mine = {0}, other = {{{1}}};
    (void)state;
    assert_true(app_sees_event(&nobody, &open));
    assert_false(app_sees_event(&nobody, &hidden));
    assert_false(app_sees_event(&session, &hidden));
    assert_true(app_sees_event(&key, &hidden));
    assert_false(app_sees_event(&key, &gone));
    assert_true(app_owns(&session, &mine));
    assert_false(app_owns(&session, &other));
    assert_true(app_owns(&key, &other));
    assert_false(app_owns(&nobody, &mine));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_key),
        TEST(test_header),
        TEST(test_bad_keys_and_names),
        TEST(test_one_name_two_keys),
        TEST(test_too_many_keys),
        TEST(test_key_file),
        TEST(test_key_file_faults),
        TEST(test_key_file_with_nul),
        TEST(test_token),
        TEST(test_token_grows_old),
        TEST(test_forged_token),
        TEST(test_truncated_token),
        TEST(test_token_of_another_store),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_visibility),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
