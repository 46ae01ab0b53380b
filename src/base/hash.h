/* Hashes: BLAKE2b-256 where it must resist an attacker (libsodium), XXH3 where it must be quick. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32 };

struct digest {
    uint8_t b[DIGEST_BYTES];
};

/* BLAKE2b-256 of two byte strings, one after the other (either may be empty; lengths are not mixed in). */
struct digest digest_of(const void *a, size_t a_size, const void *b, size_t b_size);
/* Keyed BLAKE2b-256 (a MAC) of @data under a 32-byte key. */
struct digest digest_keyed(const uint8_t key[32], const void *data, size_t size);
/* A key of which half the work for a short message is done already. */
struct mac_key {
    unsigned char state[384];
};
void mac_key_init(struct mac_key *k, const uint8_t key[32]);
/* digest_keyed() under it. */
struct digest mac_of(const struct mac_key *k, const void *data, size_t size);
/* Constant time. */
bool digest_equal(const struct digest *a, const struct digest *b);
/* XXH3, 64 bits; not for input that an attacker may choose to collide where that would hurt. */
uint64_t hash64(const void *data, size_t size);

#endif
