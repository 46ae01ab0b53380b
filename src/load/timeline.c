#include "load/timeline.h"
#include "base/must.h"
#include "json/json_out.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 4000, BAR = 30 };

void timeline_open(struct timeline *t, const char *const *families)
{
    *t = (struct timeline){.families = families};
    while (families[t->family_count])
        t->family_count++;
    must(t->family_count <= TIMELINE_FAMILIES_MAX);
}

void timeline_close(struct timeline *t)
{
    for (size_t i = 0; i < (size_t)t->slot_count * t->family_count; i++)
        free(t->cells[i].latency);
    free(t->cells);
}

static struct timeline_cell *cell(const struct timeline *t, unsigned slot, unsigned family)
{
    return &t->cells[(size_t)slot * t->family_count + family];
}

void timeline_add(struct timeline *t, int64_t slot, unsigned family, bool good, int64_t latency_ns)
{
    must(family < t->family_count);
    if (slot < 0 || slot >= SLOTS_MAX)
        return;
    if (slot >= t->slot_count) {
        size_t count = (size_t)(slot + 1) * t->family_count, before = (size_t)t->slot_count * t->family_count;
        t->cells = realloc(t->cells, count * sizeof *t->cells);
        must(t->cells);
        memset(t->cells + before, 0, (count - before) * sizeof *t->cells);
        t->slot_count = (unsigned)slot + 1;
    }
    struct timeline_cell *c = cell(t, (unsigned)slot, family);
    c->count++;
    c->good += good;
    if (latency_ns < 0)
        return;
    if (!c->latency) {
        c->latency = calloc(1, sizeof *c->latency);
        must(c->latency);
    }
    histogram_add(c->latency, latency_ns);
}

static double quantile(const struct timeline_cell *c, double fraction)
{
    return c->latency ? histogram_ms(c->latency, fraction) : 0;
}

static uint64_t sum_of(const struct timeline *t, unsigned slot)
{
    uint64_t sum = 0;
    for (unsigned f = 0; f < t->family_count; f++)
        sum += cell(t, slot, f)->count;
    return sum;
}

void timeline_text(const struct timeline *t, double first_s, double step_s, struct buf *ret)
{
    uint64_t most = 1;
    for (unsigned slot = 0; slot < t->slot_count; slot++)
        most = sum_of(t, slot) > most ? sum_of(t, slot) : most;
    buf_printf(ret, "%8s", "second");
    for (unsigned f = 0; f < t->family_count; f++)
        buf_printf(ret, "  %10s %8s %8s %8s", t->families[f], "good", "p50 ms", "p99 ms");
    buf_adds(ret, "\n");
    for (unsigned slot = 0; slot < t->slot_count; slot++) {
        buf_printf(ret, "%8.0f", first_s + slot * step_s);
        for (unsigned f = 0; f < t->family_count; f++) {
            const struct timeline_cell *c = cell(t, slot, f);
            buf_printf(ret, "  %10" PRIu64 " %8" PRIu64 " %8.1f %8.1f", c->count, c->good, quantile(c, 0.5),
                       quantile(c, 0.99));
        }
        buf_adds(ret, "  ");
        for (uint64_t i = 0; i < sum_of(t, slot) * BAR / most; i++)
            buf_addc(ret, '#');
        buf_adds(ret, "\n");
    }
}

static void member_ms(struct json_out *j, const char *name, double ms)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%.3f", ms);
    json_out_key(j, name);
    json_out_raw(j, text, (size_t)size);
}

void timeline_json(const struct timeline *t, double first_s, double step_s, struct buf *ret)
{
    struct json_out j;
    json_out_init(&j, ret);
    json_out_array(&j);
    for (unsigned slot = 0; slot < t->slot_count; slot++) {
        json_out_object(&j);
        member_ms(&j, "second", first_s + slot * step_s);
        for (unsigned f = 0; f < t->family_count; f++) {
            const struct timeline_cell *c = cell(t, slot, f);
            json_out_key(&j, t->families[f]);
            json_out_object(&j);
            json_out_member_int(&j, "count", (int64_t)c->count);
            json_out_member_int(&j, "good", (int64_t)c->good);
            member_ms(&j, "p50_ms", quantile(c, 0.5));
            member_ms(&j, "p99_ms", quantile(c, 0.99));
            json_out_end_object(&j);
        }
        json_out_end_object(&j);
    }
    json_out_end_array(&j);
}
