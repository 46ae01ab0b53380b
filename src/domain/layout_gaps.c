/*
 * Aisles from positions. Seats of a physical row stand at nearly equal distances; where two neighbours are
 * much further apart than most, people cannot sit side by side. The median is used because aisles, being few,
 * do not move it.
 */
#include "base/must.h"
#include "domain/layout_impl.h"
#include <math.h>
#include <stdlib.h>

static const double AISLE = 1.5; /* times the median distance */

/* The distances of one physical row. */
struct distances {
    double *each; /* each[i]: from seat[i] to its right neighbour */
    uint32_t *seat;
    double *sorted;
    size_t count, cap;
};

static void add_distance(struct distances *d, uint32_t seat, double distance)
{
    if (d->count == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 64;
        d->each = realloc(d->each, d->cap * sizeof(*d->each));
        d->seat = realloc(d->seat, d->cap * sizeof(*d->seat));
        d->sorted = realloc(d->sorted, d->cap * sizeof(*d->sorted));
        must(d->each && d->seat && d->sorted); /* out of memory ends the program */
    }
    d->each[d->count] = distance;
    d->seat[d->count++] = seat;
}

static double distance_of(const struct layout_builder *b, uint32_t left, uint32_t right)
{
    double dx = (double)(int32_t)b->x.data[right] - (double)(int32_t)b->x.data[left];
    double dy = (double)(int32_t)b->y.data[right] - (double)(int32_t)b->y.data[left];
    return hypot(dx, dy);
}

/* Distances through all parts of the row, from the last seat of a part to the first of the next as well. */
static void measure(const struct layout_builder *b, uint32_t first_part, struct distances *d)
{
    uint32_t left = NO_SEAT;
    d->count = 0;
    for (uint32_t part = first_part; part != NO_ROW; part = b->rows[part].next_part) {
        const struct layout_row *row = &b->rows[part];
        for (uint32_t seat = row->first_seat; seat < row->first_seat + row->seats; seat++) {
            bool known = builder_has_position(b, seat);
            if (known && left != NO_SEAT)
                add_distance(d, left, distance_of(b, left, seat));
            left = known ? seat : NO_SEAT;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static double median(struct distances *d)
{
    must(d->count > 0);
    for (size_t i = 0; i < d->count; i++)
        d->sorted[i] = d->each[i];
    qsort(d->sorted, d->count, sizeof(*d->sorted), compare);
    size_t half = d->count / 2;
    return d->count % 2 ? d->sorted[half] : (d->sorted[half - 1] + d->sorted[half]) / 2;
}

void layout_builder_derive_gaps(struct layout_builder *b)
{
    struct distances d = {0};
    builder_close_row(b);
    for (uint32_t row = 0; row < b->row_count; row++) {
        if (b->rows[row].part_of_earlier || !b->rows[row].label)
            continue;
        measure(b, row, &d);
        double limit = d.count ? AISLE * median(&d) : 0;
        for (size_t i = 0; i < d.count; i++) {
            if (d.each[i] > limit)
                builder_set_gap(b, d.seat[i]);
        }
    }
    free(d.each);
    free(d.seat);
    free(d.sorted);
}
