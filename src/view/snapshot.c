/*
 * A snapshot is one block of memory: the struct, the counts per place, the bitmap. The next one is a copy of
 * the last with the changes applied; the writer's thread makes it while readers go on with the last, which is
 * freed with its last reader. Nobody writes to what a snapshot shows while a reader can have it.
 */
#include "base/must.h"
#include "view/view_internal.h"
#include <endian.h>
#include <stdlib.h>
#include <string.h>

static size_t places_offset(void)
{
    size_t align = _Alignof(struct place_counts);
    return (sizeof(struct snapshot) + align - 1) / align * align;
}

/* Memory for a snapshot of @layout, not cleared. The bitmap may be read in whole words: some bytes follow it.
 */
static struct snapshot *snapshot_alloc(const struct layout *layout)
{
    size_t places_size = layout->place_count * sizeof(struct place_counts);
    size_t bitmap_size = (layout->seats_total + (size_t)3) / 4;
    char *memory = malloc(places_offset() + places_size + bitmap_size + sizeof(uint64_t));
    must(memory); /* out of memory ends the program */
    memset(memory + places_offset() + places_size + bitmap_size, 0, sizeof(uint64_t));
    struct snapshot *s = (struct snapshot *)memory;
    s->places = (struct place_counts *)(memory + places_offset());
    s->bitmap = (uint8_t *)memory + places_offset() + places_size;
    s->bitmap_size = bitmap_size;
    return s;
}

/* Say whose it is and what version, after @old (or NULL); counts and bitmap are right already. */
static void complete(struct snapshot *s, const struct inventory *inv, const struct snapshot *old)
{
    uint32_t counts[SEAT_STATUSES];
    inventory_counts(inv, counts);
    must(memcmp(counts, s->counts, sizeof(counts)) == 0);
    atomic_init(&s->refs, 1);
    for (unsigned i = 0; i < SNAPSHOT_EXTRAS; i++)
        atomic_init(&s->extra[i], NULL);
    s->event = event_ref(inventory_event(inv));
    s->layout = layout_ref(inventory_layout(inv));
    s->lasting = old && old->layout == s->layout ? lasting_ref(old->lasting) : lasting_new();
    s->seq = inventory_seq(inv);
}

struct snapshot *snapshot_load(const struct inventory *inv, const struct snapshot *old)
{
    const struct layout *layout = inventory_layout(inv);
    struct snapshot *s = snapshot_alloc(layout);
    memset(s->counts, 0, sizeof(s->counts));
    memset(s->places, 0, layout->place_count * sizeof(*s->places));
    memset(s->bitmap, 0, s->bitmap_size);
    for (uint32_t place = 0; place < layout->place_count; place++) {
        const struct layout_place *p = &layout->places[place];
        for (uint32_t seat = p->first_seat; seat < p->first_seat + p->seats; seat++) {
            enum seat_status status = inventory_seat_status(inv, seat);
            s->bitmap[seat / 4] = (uint8_t)(s->bitmap[seat / 4] | status << (2 * (seat % 4)));
            s->places[place].n[status]++;
            s->counts[status]++;
        }
    }
    complete(s, inv, old);
    return s;
}

static void apply_seat(struct snapshot *s, const struct layout *layout, const struct seat_change *c)
{
    must(snapshot_status(s, c->seat) == c->before && c->after < SEAT_STATUSES);
    if (c->before == c->after)
        return;
    unsigned shift = 2 * (c->seat % 4);
    unsigned byte = s->bitmap[c->seat / 4];
    s->bitmap[c->seat / 4] = (uint8_t)((byte & ~(3u << shift)) | (unsigned)c->after << shift);
    struct place_counts *place = &s->places[layout_place_of(layout, c->seat)];
    must(place->n[c->before] > 0);
    place->n[c->before]--;
    place->n[c->after]++;
    s->counts[c->before]--;
    s->counts[c->after]++;
}

struct snapshot *snapshot_next(const struct snapshot *old, const struct inventory *inv,
                               const struct change *first)
{
    const struct layout *layout = old->layout;
    struct snapshot *s = snapshot_alloc(layout);
    memcpy(s->counts, old->counts, sizeof(s->counts));
    memcpy(s->places, old->places, layout->place_count * sizeof(*s->places));
    memcpy(s->bitmap, old->bitmap, s->bitmap_size);
    uint64_t seq = old->seq;
    for (const struct change *c = first; c; c = c->next) {
        must(c->seq == ++seq);
        for (uint32_t i = 0; i < c->seat_count; i++)
            apply_seat(s, layout, &c->seats[i]);
    }
    must(seq == inventory_seq(inv));
    complete(s, inv, old);
    return s;
}

/* ---- searching ---- */

/* Both bits of each of 32 seats are compared at once: what is left of a seat is its lower bit. */
static uint64_t seats_equal(uint64_t word, enum seat_status status)
{
    const uint64_t lower = UINT64_C(0x5555555555555555);
    uint64_t differs = word ^ lower * status;
    return ~(differs | differs >> 1) & lower;
}

uint32_t snapshot_next_seat(const struct snapshot *s, uint32_t from, uint32_t end, enum seat_status status)
{
    must(end <= s->layout->seats_total && status < SEAT_STATUSES);
    uint64_t wanted = UINT64_MAX << (2 * (from % 32)); /* in the first word not the seats before it */
    for (uint32_t base = from - from % 32; base < end; base += 32) {
        uint64_t word;
        memcpy(&word, s->bitmap + base / 4, sizeof(word));
        uint64_t found = seats_equal(le64toh(word), status) & wanted;
        if (found) {
            uint32_t seat = base + (uint32_t)__builtin_ctzll(found) / 2;
            return seat < end ? seat : NO_SEAT;
        }
        wanted = UINT64_MAX;
    }
    return NO_SEAT;
}

/* ---- references ---- */

struct snapshot *snapshot_ref(struct snapshot *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void view_release(struct snapshot *s)
{
    if (!s)
        return;
    unsigned before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before > 1)
        return;
    extras_free(s->extra, SNAPSHOT_EXTRAS);
    lasting_unref(s->lasting);
    event_unref(s->event);
    layout_unref(s->layout);
    free(s);
}

static void release_retired(struct epoch_item *item)
{
    view_release((struct snapshot *)item);
}

void snapshot_retire(struct snapshot *s, struct epoch_list *garbage)
{
    epoch_retire(garbage, &s->retired, release_retired);
}
