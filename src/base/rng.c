/*
 * A stream: draw number n is ChaCha20 under its key with nonce n. A seeded one's key is made from the seed
 * (BLAKE2b): it is the same on every machine, and a draw's size does not shift the draws after it.
 */
#include "base/rng.h"
#include "base/must.h"
#include <sodium.h>
#include <string.h>

_Static_assert(crypto_stream_chacha20_KEYBYTES == sizeof(((struct rng *)0)->key), "a key fits");
_Static_assert(crypto_stream_chacha20_NONCEBYTES == 8, "a counter is a nonce");

static void store_le64(uint8_t to[8], uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

void rng_init_system(struct rng *r)
{
    *r = (struct rng){.stream = false};
}

void rng_init_seeded(struct rng *r, uint64_t seed)
{
    *r = (struct rng){.stream = true};
    uint8_t bytes[8];
    store_le64(bytes, seed);
    must(crypto_generichash(r->key, sizeof(r->key), bytes, sizeof(bytes), NULL, 0) == 0);
}

void rng_init_keyed(struct rng *r)
{
    *r = (struct rng){.stream = true};
    randombytes_buf(r->key, sizeof(r->key));
}

void rng_bytes(struct rng *r, void *data, size_t size)
{
    if (!r->stream) {
        randombytes_buf(data, size);
        return;
    }
    uint8_t nonce[8];
    store_le64(nonce, r->counter++);
    must(crypto_stream_chacha20(data, size, nonce, r->key) == 0);
}

uint64_t rng_u64(struct rng *r)
{
    uint8_t bytes[8];
    rng_bytes(r, bytes, sizeof(bytes));
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)bytes[i] << (8 * i);
    return v;
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
    must(bound > 0);
    /* The lowest 2^32 mod bound values would make small results likelier; draw again when one of them comes.
     */
    uint32_t skip = (uint32_t)-bound % bound;
    uint32_t v;
    do
        v = (uint32_t)rng_u64(r);
    while (v < skip);
    return v % bound;
}
