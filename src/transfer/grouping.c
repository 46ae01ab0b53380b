#include "transfer/grouping.h"
#include "base/must.h"
#include <stdlib.h>

void grouping_init(struct grouping *g, uint32_t seats_total, uint32_t seats_max, uint32_t changes_max)
{
    must(seats_total > 0 && seats_max > 0 && changes_max > 0);
    *g = (struct grouping){
        .taken_by = calloc(seats_total, sizeof(uint32_t)),
        .seats_total = seats_total,
        .group = 1,
        .seats_max = seats_max,
        .changes_max = changes_max,
    };
    must(g->taken_by); /* out of memory ends the program */
}

void grouping_done(struct grouping *g)
{
    free(g->taken_by);
}

static bool fits(const struct grouping *g, const struct change *c)
{
    if (g->changes == 0)
        return true;
    if (g->changes == g->changes_max || c->seat_count > g->seats_max ||
        g->seats > g->seats_max - c->seat_count)
        return false;
    for (uint32_t i = 0; i < c->seat_count; i++)
        if (g->taken_by[c->seats[i].seat] == g->group)
            return false;
    return true;
}

bool grouping_take(struct grouping *g, const struct change *c)
{
    if (!fits(g, c))
        return false;
    for (uint32_t i = 0; i < c->seat_count; i++) {
        must(c->seats[i].seat < g->seats_total);
        g->taken_by[c->seats[i].seat] = g->group;
    }
    g->seats += c->seat_count;
    g->changes++;
    return true;
}

void grouping_next(struct grouping *g)
{
    g->group++;
    g->seats = g->changes = 0;
}
