/* One event that is shown, and random groups of changes for it. */
#ifndef UNIT_VIEW_STAGE_H
#define UNIT_VIEW_STAGE_H

#include "unit/view/fixture.h"

struct stage {
    struct layout *layout;
    struct rng rng;
    struct view *view;
    struct inventory *inv;
    struct event_id id;
    struct arena arena;
};

static inline void stage_init(struct stage *t, uint32_t seats, uint64_t seed)
{
    *t = (struct stage){.layout = hall_of(seats), .view = view_new(), .id = event_numbered(1)};
    rng_init_seeded(&t->rng, seed);
    arena_init(&t->arena, 0);
    t->inv = created(t->layout, t->id, "concert", 1000, &t->rng);
    view_load(t->view, t->inv);
}

static inline void stage_free(struct stage *t)
{
    inventory_free(t->inv);
    view_free(t->view);
    layout_unref(t->layout);
    arena_done(&t->arena);
}

/* Block or unblock some random seats in one group of several changes. */
static inline void random_group(struct stage *t)
{
    struct arena arena;
    struct change *first = NULL, *last = NULL;
    arena_init(&arena, 0);
    unsigned commands = 1 + rng_below(&t->rng, 4);
    for (unsigned i = 0; i < commands; i++) {
        struct verdict verdict;
        uint32_t from = rng_below(&t->rng, t->layout->seats_total);
        uint32_t left = t->layout->seats_total - from;
        uint32_t count = 1 + rng_below(&t->rng, left < 20 ? left : 20);
        uint32_t *seats = arena_array(&arena, count, sizeof(*seats));
        uint32_t n = 0;
        enum seat_status status = inventory_seat_status(t->inv, from);
        for (uint32_t seat = from; seat < from + count; seat++) {
            if (inventory_seat_status(t->inv, seat) == status)
                seats[n++] = seat;
        }
        struct command command = {
            .kind = status == SEAT_AVAILABLE ? COMMAND_BLOCK : COMMAND_UNBLOCK,
            .actor = actor_key("test"),
            .seats = seats,
            .seat_count = n,
        };
        int code = inventory_decide(t->inv, &command, 1700000001000000, &arena, &verdict);
        if (code == BOX_EDEFER)
            continue;
        assert_int_equal(code, 0);
        if (last)
            last->next = verdict.changes;
        else
            first = verdict.changes;
        last = verdict.last;
    }
    if (first)
        view_apply(t->view, t->inv, first);
    inventory_group_done(t->inv);
    arena_done(&arena);
}

#endif
