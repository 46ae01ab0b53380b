#include "base/hash.h"
#include "base/must.h"
#include <sodium.h>
#include <string.h>
#include <xxhash.h>

struct digest digest_of(const void *a, size_t a_size, const void *b, size_t b_size)
{
    struct digest digest;
    crypto_generichash_state state;
    must(crypto_generichash_init(&state, NULL, 0, DIGEST_BYTES) == 0);
    if (a_size)
        crypto_generichash_update(&state, a, a_size);
    if (b_size)
        crypto_generichash_update(&state, b, b_size);
    must(crypto_generichash_final(&state, digest.b, DIGEST_BYTES) == 0);
    return digest;
}

struct digest digest_keyed(const uint8_t key[32], const void *data, size_t size)
{
    struct digest digest;
    must(crypto_generichash(digest.b, DIGEST_BYTES, data, size, key, 32) == 0);
    return digest;
}

_Static_assert(sizeof(crypto_generichash_state) == sizeof(((struct mac_key *)0)->state), "a state fits");

void mac_key_init(struct mac_key *k, const uint8_t key[32])
{
    crypto_generichash_state state;
    must(crypto_generichash_init(&state, key, 32, DIGEST_BYTES) == 0);
    memcpy(k->state, &state, sizeof(state));
    sodium_memzero(&state, sizeof(state));
}

struct digest mac_of(const struct mac_key *k, const void *data, size_t size)
{
    struct digest digest;
    crypto_generichash_state state;
    memcpy(&state, k->state, sizeof(state));
    crypto_generichash_update(&state, data, size);
    must(crypto_generichash_final(&state, digest.b, DIGEST_BYTES) == 0);
    return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return sodium_memcmp(a->b, b->b, DIGEST_BYTES) == 0;
}

uint64_t hash64(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}
