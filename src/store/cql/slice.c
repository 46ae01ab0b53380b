#include "store/cql/slice.h"
#include "base/must.h"

void slicer_init(struct slicer *s, const struct event_group *group)
{
    must(group->change_count > 0);
    *s = (struct slicer){.group = group, .next = group->changes};
}

/* How many changes go together, from the next on. */
static uint32_t count_changes(const struct slicer *s)
{
    uint32_t count = 0, seats = 0, left = s->group->change_count - s->done;
    bool has_event = false;
    for (const struct change *c = s->next; count < left; c = c->next, count++) {
        if (count > 0 && (seats + c->seat_count > SLICE_SEATS || (has_event && c->event)))
            break;
        seats += c->seat_count;
        has_event |= c->event != NULL;
    }
    return count;
}

static bool has_order(const struct event_group *g, const struct order_id *id)
{
    const struct change *c = g->changes;
    for (uint32_t i = 0; i < g->change_count; i++, c = c->next)
        if (c->order && uuid_equal(&c->order->order_id.u, &id->u))
            return true;
    return false;
}

static bool names_a_change(const struct event_group *g, uint64_t seq)
{
    return seq > g->follows_seq && seq <= g->follows_seq + g->change_count;
}

/* With every slice that has a change of the order: written twice it is written once. */
static bool belongs_here(const struct event_group *whole, const struct event_group *slice,
                         const struct order_id *id, bool last)
{
    return has_order(slice, id) || (last && !has_order(whole, id));
}

static void add_records(const struct event_group *g, bool last, struct arena *arena,
                        struct event_group *slice)
{
    slice->idems = arena_array(arena, g->idem_count, sizeof(const struct idem_record *));
    for (size_t i = 0; i < g->idem_count; i++) {
        uint64_t seq = g->idems[i]->change_seq;
        if (names_a_change(slice, seq) || (last && !names_a_change(g, seq)))
            slice->idems[slice->idem_count++] = g->idems[i];
    }
    slice->personals = arena_array(arena, g->personal_count, sizeof(const struct personal_record *));
    for (size_t i = 0; i < g->personal_count; i++)
        if (belongs_here(g, slice, &g->personals[i]->order_id, last))
            slice->personals[slice->personal_count++] = g->personals[i];
}

bool slicer_next(struct slicer *s, struct arena *arena, struct event_group *ret_slice)
{
    const struct event_group *g = s->group;
    if (s->done == g->change_count)
        return false;
    struct event_group slice = {
        .event_id = g->event_id,
        .follows_seq = g->follows_seq + s->done,
        .changes = s->next,
        .change_count = count_changes(s),
    };
    s->done += slice.change_count;
    add_records(g, s->done == g->change_count, arena, &slice);
    for (uint32_t i = 0; i < slice.change_count; i++)
        s->next = s->next->next;
    *ret_slice = slice;
    return true;
}
