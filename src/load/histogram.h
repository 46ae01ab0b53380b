/*
 * Latencies in nanoseconds, counted in buckets that are as wide as 1/64 of their value: a quantile is at most
 * 1.6 % too high. Thread: one at a time.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

struct histogram {
    uint64_t counts[58 * 64 + 64]; /* of 64 equal steps between one power of two and the next */
    uint64_t total;
    int64_t max;
};

/* Count one latency (must not be below zero). */
void histogram_add(struct histogram *h, int64_t ns);
/* The smallest value that is not exceeded by @fraction of all, in ms; 0 when there is none. */
double histogram_ms(const struct histogram *h, double fraction);
/* The median of @count values, which are sorted by it; 0 of none. */
double median(double *values, size_t count);

#endif
