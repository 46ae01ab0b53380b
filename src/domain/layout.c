#include "domain/layout.h"
#include "base/must.h"
#include "base/params.h"
#include "domain/layout_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct layout_box *box_of(const struct layout *l)
{
    return (struct layout_box *)(uintptr_t)l; /* only the count is ever changed */
}

struct layout *layout_ref(const struct layout *l)
{
    struct layout_box *box = box_of(l);
    unsigned before = atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    must(before > 0);
    return &box->layout;
}

void layout_box_free(struct layout_box *box)
{
    arena_done(&box->arena);
    free(box);
}

void layout_unref(const struct layout *l)
{
    if (!l)
        return;
    struct layout_box *box = box_of(l);
    unsigned before = atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before == 1)
        layout_box_free(box);
}

/*
 * Places and rows part the seats into runs, one after another: the run of a seat is the last one that begins
 * at or before it.
 */
uint32_t layout_place_of(const struct layout *l, uint32_t seat)
{
    must(seat < l->seats_total);
    uint32_t low = 0, high = l->place_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (l->places[middle].first_seat <= seat)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t layout_row_of(const struct layout *l, uint32_t seat)
{
    must(seat < l->seats_total);
    uint32_t low = 0, high = l->row_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (l->rows[middle].first_seat <= seat)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool layout_seat_label(const struct layout *l, uint32_t seat, char *ret)
{
    enum { SIZE = LIMIT_LABEL_CHARS * 4 + 1 };
    const struct layout_row *row = &l->rows[layout_row_of(l, seat)];
    if (!row->label)
        return false;
    uint32_t position = seat - row->first_seat;
    int size = row->labels ? snprintf(ret, SIZE, "%s", row->labels[position])
                           : snprintf(ret, SIZE, "%u", position + 1);
    must(size > 0 && size < SIZE);
    return true;
}

const char *layout_row_label(const struct layout *l, uint32_t seat)
{
    return l->rows[layout_row_of(l, seat)].label;
}

bool layout_find_section(const struct layout *l, const struct section_id *id, uint32_t *ret_section)
{
    const uint32_t *by_id = box_of(l)->by_id;
    uint32_t low = 0, high = l->section_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = uuid_compare(&l->sections[by_id[middle]].section_id.u, &id->u);
        if (order == 0) {
            *ret_section = by_id[middle];
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool layout_find_place(const struct layout *l, uint32_t section, const char *type_id, uint32_t *ret_place)
{
    must(section < l->section_count);
    const struct layout_section *s = &l->sections[section];
    for (uint32_t place = s->first_place; place < s->first_place + s->places; place++) {
        if (strcmp(l->places[place].type_id, type_id) == 0) {
            *ret_place = place;
            return true;
        }
    }
    return false;
}

bool layout_find_attribute(const struct layout *l, const char *name, uint32_t *ret_attribute)
{
    for (uint32_t i = 0; i < l->attribute_count; i++) {
        if (strcmp(l->attributes[i], name) == 0) {
            *ret_attribute = i;
            return true;
        }
    }
    return false;
}

bool layout_gap_after(const struct layout *l, uint32_t seat)
{
    must(seat < l->seats_total);
    return l->gap_after && (l->gap_after[seat / 8] >> seat % 8 & 1);
}
