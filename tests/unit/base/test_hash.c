#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "unit/base/check.h"
#include <sodium.h>
#include <string.h>

static void assert_digest(struct digest digest, const char *hex)
{
    struct buf b = {0};
    text_hex(&b, digest.b, DIGEST_BYTES);
    assert_int_equal(b.size, 64);
    assert_memory_equal(b.data, hex, 64);
    buf_done(&b);
}

static void test_known_digests(void **state)
{
    (void)state;
    static const char abc[] = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
    assert_digest(digest_of(NULL, 0, NULL, 0),
                  "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    assert_digest(digest_of("abc", 3, NULL, 0), abc);
    assert_digest(digest_of(NULL, 0, "abc", 3), abc);
    assert_digest(digest_of("a", 1, "bc", 2), abc);
}

static void test_keyed(void **state)
{
    (void)state;
    uint8_t key[32];
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    struct digest mac = digest_keyed(key, "abc", 3);
    assert_digest(mac, "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
    struct mac_key ready;
    mac_key_init(&ready, key);
    struct digest same = mac_of(&ready, "abc", 3), again = mac_of(&ready, "abc", 3);
    assert_true(digest_equal(&mac, &same) && digest_equal(&mac, &again));
    key[0] ^= 1;
    struct digest other = digest_keyed(key, "abc", 3);
    assert_false(digest_equal(&mac, &other));
    assert_true(digest_equal(&mac, &mac));
}

static void test_hash64(void **state)
{
    (void)state;
    assert_true(hash64("", 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash64("ab", 2) != hash64("ba", 2));
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_keyed),
        cmocka_unit_test(test_hash64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
