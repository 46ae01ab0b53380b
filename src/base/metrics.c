#include "base/metrics.h"
#include "base/clock.h"
#include "base/must.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

static const struct {
    enum kind kind;
    const char *name, *help;
} table[METRIC_COUNT] = {
#define COUNTER(name, text, help)   [METRIC_##name] = {KIND_COUNTER, "boxoffice_" text, help},
#define GAUGE(name, text, help)     [METRIC_##name] = {KIND_GAUGE, "boxoffice_" text, help},
#define HISTOGRAM(name, text, help) [METRIC_##name] = {KIND_HISTOGRAM, "boxoffice_" text, help},
#include "metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
};

static const int64_t bounds_us[] = {50,    100,    250,    500,    1000,    2500,    5000,    10000,   25000,
                                    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
enum { BOUNDS = sizeof(bounds_us) / sizeof(bounds_us[0]) };

/* A cache line each, so that threads that count different things do not slow each other down. */
static struct {
    alignas(64) _Atomic int64_t value; /* of a histogram: the sum, us */
} cells[METRIC_COUNT];

/* Observations per bucket, not cumulative; the last is +Inf. Unused for counters and gauges. */
static _Atomic int64_t buckets[METRIC_COUNT][BOUNDS + 1];

void metrics_add(enum metric m, int64_t n)
{
    must(m < METRIC_COUNT && table[m].kind != KIND_HISTOGRAM);
    atomic_fetch_add_explicit(&cells[m].value, n, memory_order_relaxed);
}

void metrics_set(enum metric m, int64_t value)
{
    must(m < METRIC_COUNT && table[m].kind == KIND_GAUGE);
    atomic_store_explicit(&cells[m].value, value, memory_order_relaxed);
}

void metrics_observe_us(enum metric m, int64_t us)
{
    must(m < METRIC_COUNT && table[m].kind == KIND_HISTOGRAM);
    if (us < 0)
        us = 0; /* a wall clock that was put back */
    unsigned bucket = 0;
    while (bucket < BOUNDS && us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&buckets[m][bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&cells[m].value, us, memory_order_relaxed);
}

int64_t metrics_get(enum metric m)
{
    must(m < METRIC_COUNT && table[m].kind != KIND_HISTOGRAM);
    return atomic_load_explicit(&cells[m].value, memory_order_relaxed);
}

static void render_head(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Microseconds as seconds, without an exponent and without needless zeros: 0.00005, 2.5, 10. */
static void render_seconds(struct buf *b, int64_t us)
{
    buf_printf(b, "%" PRId64 ".%06d", us / 1000000, (int)(us % 1000000));
    while (b->data[b->size - 1] == '0')
        b->size--;
    if (b->data[b->size - 1] == '.')
        b->size--;
}

static void render_histogram(struct buf *b, enum metric m)
{
    const char *name = table[m].name;
    int64_t count = 0;
    for (unsigned i = 0; i <= BOUNDS; i++) {
        count += atomic_load_explicit(&buckets[m][i], memory_order_relaxed);
        buf_printf(b, "%s_bucket{le=\"", name);
        if (i < BOUNDS)
            render_seconds(b, bounds_us[i]);
        else
            buf_adds(b, "+Inf");
        buf_printf(b, "\"} %" PRId64 "\n", count);
    }
    buf_printf(b, "%s_sum ", name);
    render_seconds(b, atomic_load_explicit(&cells[m].value, memory_order_relaxed));
    buf_printf(b, "\n%s_count %" PRId64 "\n", name, count); /* the +Inf bucket, as the format demands */
}

/* Read the start of a small file of /proc as text. */
static bool read_proc(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t got = fread(text, 1, size - 1, file);
    fclose(file);
    text[got] = '\0';
    return got > 0;
}

static void render_gauge(struct buf *b, const char *name, const char *help, int64_t value)
{
    render_head(b, name, "gauge", help);
    buf_printf(b, "%s %" PRId64 "\n", name, value);
}

static void render_memory(struct buf *b)
{
    char text[256];
    long long resident;
    if (read_proc("/proc/self/statm", text, sizeof(text)) && sscanf(text, "%*d %lld", &resident) == 1)
        render_gauge(b, "process_resident_memory_bytes", "Resident memory size in bytes.",
                     resident * sysconf(_SC_PAGESIZE));
}

static void render_open_files(struct buf *b)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    int64_t count = -1; /* the folder's own descriptor */
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    render_gauge(b, "process_open_fds", "Number of open file descriptors.", count);
}

/* The start stands in /proc/self/stat, in ticks since the machine's; /proc/uptime says how long ago that was.
 */
static int64_t read_start_time(void)
{
    char text[1024];
    if (!read_proc("/proc/self/stat", text, sizeof(text)))
        return -1;
    const char *at = strrchr(text, ')'); /* the name before it may hold anything */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -1;
    int64_t ticks = atoll(at + 1);

    if (!read_proc("/proc/uptime", text, sizeof(text)))
        return -1;
    int64_t age_us = (int64_t)(strtod(text, NULL) * 1e6) - ticks * 1000000 / sysconf(_SC_CLK_TCK);
    struct clock clock;
    clock_init_system(&clock);
    return (clock_wall_us(&clock) - age_us) / 1000000;
}

static void render_start_time(struct buf *b)
{
    static _Atomic int64_t cached;
    int64_t start = atomic_load_explicit(&cached, memory_order_relaxed);
    if (start == 0) {
        start = read_start_time();
        atomic_store_explicit(&cached, start, memory_order_relaxed);
    }
    if (start > 0)
        render_gauge(b, "process_start_time_seconds",
                     "Start time of the process since unix epoch in seconds.", start);
}

void metrics_render(struct buf *b)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (enum metric m = 0; m < METRIC_COUNT; m++) {
        render_head(b, table[m].name, types[table[m].kind], table[m].help);
        if (table[m].kind == KIND_HISTOGRAM)
            render_histogram(b, m);
        else
            buf_printf(b, "%s %" PRId64 "\n", table[m].name, metrics_get(m));
    }
    render_memory(b);
    render_open_files(b);
    render_start_time(b);
}
