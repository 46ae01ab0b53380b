/*
 * Counters, gauges and histograms of defs/metrics.def: process-wide atomics, updated from any thread without
 * locks.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"
#include <stdint.h>

enum metric {
#define COUNTER(name, text, help)   METRIC_##name,
#define GAUGE(name, text, help)     METRIC_##name,
#define HISTOGRAM(name, text, help) METRIC_##name,
#include "metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
    METRIC_COUNT
};

/* Add to a counter (or move a gauge by @n). */
void metrics_add(enum metric m, int64_t n);
/* Set a gauge. */
void metrics_set(enum metric m, int64_t value);
/* Record one duration in a histogram. */
void metrics_observe_us(enum metric m, int64_t us);
/* Current value of a counter or gauge. */
int64_t metrics_get(enum metric m);
/* Append all in Prometheus' text format 0.0.4, plus process_* (resident memory, open files, start time). */
void metrics_render(struct buf *b);

#endif
