/*
 * Random bytes: from the operating system (libsodium) for each draw, or from a stream that is keyed by it, or
 * from a stream that repeats, for simulations.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    bool stream;      /* has a key */
    uint8_t key[32];  /* the stream's */
    uint64_t counter; /* how many draws were made from it */
};

/* The operating system's source. sodium_init() must have been called. Thread: any may share one. */
void rng_init_system(struct rng *r);
/* A repeatable stream. Thread: one at a time. */
void rng_init_seeded(struct rng *r, uint64_t seed);
/*
 * A stream of one's own under a key from the operating system: as unforeseeable, without a system call for
 * each draw. sodium_init() must have been called. Thread: one at a time.
 */
void rng_init_keyed(struct rng *r);
/* Fill @size bytes. */
void rng_bytes(struct rng *r, void *data, size_t size);
uint64_t rng_u64(struct rng *r);
/* Uniform in 0..@bound-1; @bound > 0. */
uint32_t rng_below(struct rng *r, uint32_t bound);

#endif
