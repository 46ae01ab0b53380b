/*
 * What was measured, second by second: for a few families of requests how many, how many of them good, and
 * their latencies. Thread: one at a time.
 */
#ifndef LOAD_TIMELINE_H
#define LOAD_TIMELINE_H

#include "base/buf.h"
#include "load/histogram.h"
#include <stdbool.h>

enum { TIMELINE_FAMILIES_MAX = 4 };

struct timeline_cell {
    uint64_t count, good;
    struct histogram *latency; /* made with the first */
};

struct timeline {
    const char *const *families; /* names, ended by NULL */
    unsigned family_count, slot_count, room;
    struct timeline_cell *cells; /* slot after slot */
};

/* @families must live as long. */
void timeline_open(struct timeline *t, const char *const *families);
void timeline_close(struct timeline *t);
/* Count one of @family in the second @slot, @latency_ns -1: it was not answered. Those before 0 and far
 * beyond an hour are left out. */
void timeline_add(struct timeline *t, int64_t slot, unsigned family, bool good, int64_t latency_ns);
/*
 * As a table with a bar for all requests, for people; slot 0 is second @first_s, and so on in steps of
 * @step_s. And as a JSON array: {"second", "reads": {"count", "good", "p50_ms", "p99_ms"}, ...}.
 */
void timeline_text(const struct timeline *t, double first_s, double step_s, struct buf *ret);
void timeline_json(const struct timeline *t, double first_s, double step_s, struct buf *ret);

#endif
