#include "base/idmap.h"
#include "base/hash.h"
#include "base/must.h"
#include <stdlib.h>

enum { FIRST_CAP = 16 };

void idmap_init(struct idmap *m, size_t id_offset)
{
    *m = (struct idmap){.id_offset = id_offset};
}

void idmap_done(struct idmap *m)
{
    free(m->slots);
    idmap_init(m, m->id_offset);
}

static const struct uuid *id_of(const struct idmap *m, const void *item)
{
    return (const struct uuid *)((const char *)item + m->id_offset);
}

/* The slot that a hash would like best. */
static size_t home(const struct idmap *m, uint64_t hash)
{
    return (size_t)hash & (m->cap - 1);
}

static size_t after(const struct idmap *m, size_t slot)
{
    return (slot + 1) & (m->cap - 1);
}

static void place(struct idmap *m, uint64_t hash, void *item)
{
    size_t slot = home(m, hash);
    while (m->slots[slot].item)
        slot = after(m, slot);
    m->slots[slot] = (struct idmap_slot){hash, item};
}

/* At most half of the slots are taken, so that a run of taken ones stays short. */
static void grow(struct idmap *m)
{
    struct idmap_slot *old = m->slots;
    size_t old_cap = m->cap;
    m->cap = old_cap ? 2 * old_cap : FIRST_CAP;
    m->slots = calloc(m->cap, sizeof(*m->slots));
    must(m->slots); /* out of memory ends the program */
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].item)
            place(m, old[i].hash, old[i].item);
    free(old);
}

void *idmap_find(const struct idmap *m, const struct uuid *id)
{
    if (m->count == 0)
        return NULL;
    uint64_t hash = hash64(id->b, sizeof(id->b));
    for (size_t slot = home(m, hash); m->slots[slot].item; slot = after(m, slot))
        if (m->slots[slot].hash == hash && uuid_equal(id_of(m, m->slots[slot].item), id))
            return m->slots[slot].item;
    return NULL;
}

void idmap_add(struct idmap *m, void *item)
{
    if (2 * (m->count + 1) > m->cap)
        grow(m);
    const struct uuid *id = id_of(m, item);
    place(m, hash64(id->b, sizeof(id->b)), item);
    m->count++;
}

void idmap_remove(struct idmap *m, const void *item)
{
    must(m->count > 0);
    const struct uuid *id = id_of(m, item);
    size_t gap = home(m, hash64(id->b, sizeof(id->b)));
    while (m->slots[gap].item != item) {
        must(m->slots[gap].item);
        gap = after(m, gap);
    }
    /* Move up whoever could not be found behind a gap: all whose home is not between the gap and where they
     * are. */
    for (size_t slot = after(m, gap); m->slots[slot].item; slot = after(m, slot)) {
        size_t from_home = (slot - home(m, m->slots[slot].hash)) & (m->cap - 1);
        size_t from_gap = (slot - gap) & (m->cap - 1);
        if (from_home < from_gap)
            continue;
        m->slots[gap] = m->slots[slot];
        gap = slot;
    }
    m->slots[gap] = (struct idmap_slot){0};
    m->count--;
}

void *idmap_next(const struct idmap *m, size_t *at)
{
    while (*at < m->cap) {
        void *item = m->slots[(*at)++].item;
        if (item)
            return item;
    }
    return NULL;
}
