/* Who the client is, whatever proxies and liars write into X-Forwarded-For. */
#include "api/client_address.h"
#include "base/error.h"
#include "unit/base/check.h"
#include <stdio.h>
#include <string.h>

static struct address address_of(const char *text)
{
    struct address a;
    if (!address_parse(text, strlen(text), &a))
        fail_msg("'%s' was not parsed", text);
    return a;
}

static void expect(const char *trusted, const char *peer, const char *forwarded, const char *client)
{
    struct proxies proxies;
    const char *wrong;
    size_t size;
    assert_int_equal(proxies_parse(trusted, &proxies, &wrong, &size), 0);
    struct address from = address_of(peer), wanted = address_of(client);
    struct address found = client_address(&proxies, &from, forwarded);
    if (memcmp(found.b, wanted.b, sizeof(found.b)) != 0)
        fail_msg("trusted '%s', peer %s, '%s': not %s", trusted, peer, forwarded ? forwarded : "-", client);
}

static const char LAN[] = "10.0.0.0/8,fd00::/8";

static void test_nobody_is_trusted(void **state)
{
    (void)state;
    expect("", "192.0.2.1", NULL, "192.0.2.1");
    expect("", "192.0.2.1", "198.51.100.7", "192.0.2.1");
    expect("", "127.0.0.1", "198.51.100.7", "127.0.0.1");
    expect(LAN, "11.0.0.1", "198.51.100.7", "11.0.0.1");
}

static void test_a_trusted_proxy(void **state)
{
    (void)state;
    expect(LAN, "10.0.0.1", NULL, "10.0.0.1");
    expect(LAN, "10.0.0.1", "198.51.100.7", "198.51.100.7");
    expect(LAN, "fd00::1", "2001:db8::7", "2001:db8::7");
    expect(LAN, "::ffff:10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7");
    expect(LAN, "10.0.0.1", " \t198.51.100.7\t ", "198.51.100.7");
}

/* What stands left of the first address that is not trusted was written by the client itself. */
static void test_the_client_lies(void **state)
{
    (void)state;
    expect(LAN, "10.0.0.1", "203.0.113.5, 198.51.100.7", "198.51.100.7");
    expect(LAN, "10.0.0.1", "10.0.0.9, 198.51.100.7", "198.51.100.7");
    expect(LAN, "10.0.0.1", "nonsense,198.51.100.7", "198.51.100.7");
}

static void test_several_proxies(void **state)
{
    (void)state;
    expect(LAN, "10.0.0.1", "198.51.100.7, 10.0.0.3,10.0.0.2", "198.51.100.7");
    expect(LAN, "10.0.0.1", "203.0.113.5, 198.51.100.7, 10.0.0.3 ,fd00::2", "198.51.100.7");
    expect(LAN, "10.0.0.1", "10.0.0.4, 10.0.0.3", "10.0.0.4"); /* all are trusted: the furthest */
}

static void test_an_entry_that_is_no_address_ends_the_walk(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ",",
        "unknown",
        "198.51.100",
        "198.51.100.7x",
        "198.51.100.7:",
        "[::1",
        "::1]",
        "[198.51.100.7]",
        "198.51.100.7:http",
        "[::1]80",
        "[::1]:",
        "[]",
        "[]:80",
        ":80",
        "198.51.100.7:123456",
        "_hidden",
        "\"198.51.100.7\"",
        "[::1]:8x",
        "[[::1]]",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[128];
        expect(LAN, "10.0.0.1", wrong[i], "10.0.0.1");
        snprintf(text, sizeof(text), "203.0.113.5,%s,10.0.0.2", wrong[i]);
        expect(LAN, "10.0.0.1", text, "10.0.0.2");
    }
}

static void test_ports_and_brackets(void **state)
{
    (void)state;
    expect(LAN, "10.0.0.1", "198.51.100.7:4711", "198.51.100.7");
    expect(LAN, "10.0.0.1", "[2001:db8::7]", "2001:db8::7");
    expect(LAN, "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7");
    expect(LAN, "10.0.0.1", "198.51.100.7, [fd00::2]:443", "198.51.100.7");
}

/* However long the list is, no more than a few entries are looked at. */
static void test_the_walk_is_bounded(void **state)
{
    (void)state;
    char text[16 * (LIMIT_PROXY_HOPS + 4)] = "198.51.100.7";
    for (unsigned i = 1; i < LIMIT_PROXY_HOPS; i++)
        strcat(text, ",10.0.0.2");
    expect(LAN, "10.0.0.1", text, "198.51.100.7");
    strcat(text, ",10.0.0.2");
    expect(LAN, "10.0.0.1", text, "10.0.0.2");
}

static void test_lists(void **state)
{
    (void)state;
    struct proxies p;
    const char *wrong = NULL;
    size_t size = 0;
    assert_int_equal(proxies_parse("", &p, &wrong, &size), 0);
    assert_int_equal(p.count, 0);
    assert_int_equal(proxies_parse(" 192.0.2.1 , 10.0.0.0/8,\t::1", &p, &wrong, &size), 0);
    assert_int_equal(p.count, 3);
    struct address a = address_of("::1"), b = address_of("192.0.2.2");
    assert_true(proxies_have(&p, &a));
    assert_false(proxies_have(&p, &b));

    static const char *const bad[] = {"192.0.2.1,,::1", " ",        ",", "192.0.2.1,10.0.0.1/8",
                                      "192.0.2.1 ::1",  "localhost"};
    static const char *const entry[] = {"", "", "", "10.0.0.1/8", "192.0.2.1 ::1", "localhost"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(proxies_parse(bad[i], &p, &wrong, &size), BOX_ESYNTAX);
        assert_int_equal(size, strlen(entry[i]));
        assert_memory_equal(wrong, entry[i], size);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct proxies p;
    const char *wrong;
    size_t size;
    char text[8 * (LIMIT_TRUSTED_PROXIES + 1)] = "::1";
    for (unsigned i = 1; i < LIMIT_TRUSTED_PROXIES; i++)
        strcat(text, ",::1");
    assert_int_equal(proxies_parse(text, &p, &wrong, &size), 0);
    assert_int_equal(p.count, LIMIT_TRUSTED_PROXIES);
    strcat(text, ",::1");
    assert_int_equal(proxies_parse(text, &p, &wrong, &size), BOX_ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_trusted),
        cmocka_unit_test(test_a_trusted_proxy),
        cmocka_unit_test(test_the_client_lies),
        cmocka_unit_test(test_several_proxies),
        cmocka_unit_test(test_an_entry_that_is_no_address_ends_the_walk),
        cmocka_unit_test(test_ports_and_brackets),
        cmocka_unit_test(test_the_walk_is_bounded),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
