/*
 * Random bytes. A real one draws from the operating system (libsodium), a seeded one repeats, for
 * simulations.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    bool seeded;
    uint8_t key[32];  /* seeded: the stream's key */
    uint64_t counter; /* seeded: how many draws were made */
};

/* The operating system's source. sodium_init() must have been called. Thread: any may share one. */
void rng_init_system(struct rng *r);
/* A repeatable stream. Thread: one at a time. */
void rng_init_seeded(struct rng *r, uint64_t seed);
/* Fill @size bytes. */
void rng_bytes(struct rng *r, void *data, size_t size);
uint64_t rng_u64(struct rng *r);
/* Uniform in 0..@bound-1; @bound > 0. */
uint32_t rng_below(struct rng *r, uint32_t bound);

#endif
