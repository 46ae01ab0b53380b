#include "base/address.h"
#include "unit/base/check.h"
#include <string.h>

static struct address parsed(const char *text)
{
    struct address a;
    if (!address_parse(text, strlen(text), &a))
        fail_msg("'%s' was not parsed", text);
    return a;
}

static void assert_same(struct address a, struct address b)
{
    assert_memory_equal(a.b, b.b, sizeof(a.b));
}

static void test_addresses(void **state)
{
    (void)state;
    static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 255};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0xa};
    assert_memory_equal(parsed("192.0.2.255").b, v4, 16);
    assert_memory_equal(parsed("2001:db8::a").b, v6, 16);
    assert_same(parsed("::ffff:192.0.2.255"), parsed("192.0.2.255"));
    assert_same(parsed("::FFFF:c000:2ff"), parsed("192.0.2.255"));
    struct address a;
    assert_true(address_parse("::1, more", 3, &a));
    assert_same(a, parsed("::1"));
}

static void test_no_addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           " ",
        "1.2.3",      "1.2.3.4.5",
        "256.1.1.1",  "1.2.3.4 ",
        "1.2.3.4:80", "[::1]",
        "fe80::1%",   "::1::2",
        "localhost",  "01.2.3.4",
        "1.2.3.4/8",  "fe80::1%eth0",
        "0x1.2.3.4",  "16909060",
        "-1.2.3.4",   "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct address a = {.b = {7}};
        if (address_parse(wrong[i], strlen(wrong[i]), &a))
            fail_msg("'%s' was parsed", wrong[i]);
        assert_int_equal(a.b[0], 7);
    }
    struct address a;
    assert_false(address_parse("1.2.3.4\0", 8, &a));
}

static bool in(const char *range, const char *address)
{
    struct address_range r;
    struct address a = parsed(address);
    if (!address_range_parse(range, strlen(range), &r))
        fail_msg("'%s' was not parsed", range);
    return address_in(&r, &a);
}

static void test_ranges(void **state)
{
    (void)state;
    assert_true(in("10.0.0.0/8", "10.255.255.255"));
    assert_false(in("10.0.0.0/8", "11.0.0.0"));
    assert_false(in("10.0.0.0/8", "9.255.255.255"));
    assert_true(in("10.1.2.128/25", "10.1.2.128"));
    assert_false(in("10.1.2.128/25", "10.1.2.127"));
    assert_true(in("10.1.2.3", "10.1.2.3"));
    assert_true(in("10.1.2.3/32", "::ffff:10.1.2.3"));
    assert_false(in("10.1.2.3", "10.1.2.2"));
    assert_true(in("2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(in("2001:db8::/32", "2001:db9::1"));
    assert_true(in("fe80::/10", "febf::1"));
    assert_false(in("fe80::/10", "fec0::1"));
    assert_true(in("::1", "::1"));
    assert_false(in("::1/128", "::2"));
    assert_true(in("::ffff:10.0.0.0/104", "10.9.9.9"));
    assert_false(in("::ffff:10.0.0.0/104", "11.9.9.9"));
}

/* Who trusts every IPv6 address has not said a word about IPv4, and the other way round. */
static void test_the_kinds_are_apart(void **state)
{
    (void)state;
    assert_true(in("::/0", "2001:db8::1"));
    assert_false(in("::/0", "192.0.2.1"));
    assert_false(in("::/64", "192.0.2.1"));
    assert_true(in("0.0.0.0/0", "192.0.2.1"));
    assert_false(in("0.0.0.0/0", "2001:db8::1"));
    assert_false(in("0.0.0.0/0", "::1"));
}

static void test_no_ranges(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/08",
        "10.0.0.0/8 ",
        "10.0.0/8",
        "::/129",
        "10.0.0.0/8/8",
        "10.0.0.1/8",
        "fd00::1/8",
        "10.0.0.0/+8",
        "10.0.0.0/1e1",
        "host/8",
        "10.0.0.0/9999999999",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct address_range r = {.bits = 7};
        if (address_range_parse(wrong[i], strlen(wrong[i]), &r))
            fail_msg("'%s' was parsed", wrong[i]);
        assert_int_equal(r.bits, 7);
    }
}

static bool is_loopback(const char *text)
{
    struct address a = parsed(text);
    return address_is_loopback(&a);
}

static void test_loopback(void **state)
{
    (void)state;
    assert_true(is_loopback("127.0.0.1"));
    assert_true(is_loopback("127.255.0.9"));
    assert_true(is_loopback("::1"));
    assert_true(is_loopback("::ffff:127.0.0.1"));
    assert_false(is_loopback("126.255.255.255"));
    assert_false(is_loopback("128.0.0.1"));
    assert_false(is_loopback("::"));
    assert_false(is_loopback("::2"));
    assert_false(is_loopback("7f00::1"));
}

static void test_networks(void **state)
{
    (void)state;
    struct address a = parsed("192.0.2.7"), b = parsed("2001:db8:1:2:3:4:5:6"), c = parsed("2001:db8:1:2::");
    struct address d = parsed("2001:db8:1:3::");
    assert_same(address_network(&a), a);
    assert_same(address_network(&b), c);
    assert_same(address_network(&c), c);
    assert_same(address_network(&d), d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_no_addresses),
        cmocka_unit_test(test_ranges),    cmocka_unit_test(test_the_kinds_are_apart),
        cmocka_unit_test(test_no_ranges), cmocka_unit_test(test_networks),
        cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
