#include "load/histogram.h"
#include "base/must.h"
#include <stdlib.h>

enum { NS_PER_MS = 1000000 };

static unsigned bucket_of(uint64_t value)
{
    if (value < 128)
        return (unsigned)value;
    unsigned shift = 57 - (unsigned)__builtin_clzll(value); /* leaves 64 to 127 */
    return shift * 64 + (unsigned)(value >> shift);
}

static int64_t upper_edge(unsigned bucket)
{
    if (bucket < 128)
        return bucket;
    unsigned shift = bucket / 64 - 1;
    return (int64_t)((((uint64_t)(bucket - shift * 64) + 1) << shift) - 1);
}

void histogram_add(struct histogram *h, int64_t ns)
{
    must(ns >= 0);
    h->counts[bucket_of((uint64_t)ns)]++;
    h->total++;
    if (ns > h->max)
        h->max = ns;
}

double histogram_ms(const struct histogram *h, double fraction)
{
    double wanted = fraction * (double)h->total;
    uint64_t seen = 0;
    int64_t value = 0;
    for (unsigned i = 0; i < sizeof h->counts / sizeof h->counts[0]; i++) {
        seen += h->counts[i];
        if (seen > 0 && (double)seen >= wanted) {
            value = upper_edge(i);
            break;
        }
    }
    return (double)(value < h->max ? value : h->max) / NS_PER_MS;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}
