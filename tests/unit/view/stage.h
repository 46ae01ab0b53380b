/* One event that is shown, and random groups of changes for it. */
#ifndef UNIT_VIEW_STAGE_H
#define UNIT_VIEW_STAGE_H

#include "unit/view/fixture.h"

/* One line of what happened: a seat's new status, or at NO_SEAT a change of the event itself. */
struct happening {
    uint64_t seq;
    uint32_t seat;
    uint8_t status;
};

struct stage {
    struct layout *layout;
    struct rng rng;
    struct view *view;
    struct inventory *inv;
    struct event_id id;
    struct arena arena; /* of one answer */
    /* what random groups did */
    struct happening *log;
    size_t log_count, log_cap;
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
    free(t->log);
}

static inline void note(struct stage *t, struct happening h)
{
    if (t->log_count == t->log_cap) {
        t->log_cap = t->log_cap ? 2 * t->log_cap : 64;
        t->log = realloc(t->log, t->log_cap * sizeof(t->log[0]));
        assert_non_null(t->log);
    }
    t->log[t->log_count++] = h;
}

static inline void note_change(struct stage *t, const struct change *c)
{
    if (c->event)
        note(t, (struct happening){.seq = c->seq, .seat = NO_SEAT});
    for (uint32_t i = 0; i < c->seat_count; i++)
        note(t, (struct happening){.seq = c->seq, .seat = c->seats[i].seat, .status = c->seats[i].after});
}

/* Pause or resume the event, or block or unblock some seats. */
static inline int random_command(struct stage *t, struct arena *arena, struct verdict *verdict)
{
    struct command command = {.actor = actor_key("test")};
    uint32_t from = rng_below(&t->rng, t->layout->seats_total);
    uint32_t left = t->layout->seats_total - from;
    uint32_t count = 1 + rng_below(&t->rng, left < 20 ? left : 20);
    uint32_t *seats = arena_array(arena, count, sizeof(*seats));
    enum seat_status status = inventory_seat_status(t->inv, from);
    if (rng_below(&t->rng, 8) == 0) {
        bool paused = inventory_event(t->inv)->status == EVENT_PAUSED;
        command.kind = paused ? COMMAND_EVENT_RESUME : COMMAND_EVENT_PAUSE;
        return inventory_decide(t->inv, &command, 1700000001000000, arena, verdict);
    }
    for (uint32_t seat = from; seat < from + count; seat++) {
        if (inventory_seat_status(t->inv, seat) == status)
            seats[command.seat_count++] = seat;
    }
    command.kind = status == SEAT_AVAILABLE ? COMMAND_BLOCK : COMMAND_UNBLOCK;
    command.seats = seats;
    return inventory_decide(t->inv, &command, 1700000001000000, arena, verdict);
}

/* Decide several changes, which are then the open group; they are in @arena, in order, by next. */
static inline struct change *decide_group(struct stage *t, struct arena *arena)
{
    struct change *first = NULL, *last = NULL;
    for (unsigned commands = 1 + rng_below(&t->rng, 4); commands > 0; commands--) {
        struct verdict verdict;
        int code = random_command(t, arena, &verdict);
        if (code == BOX_EDEFER)
            continue;
        assert_int_equal(code, 0);
        note_change(t, verdict.changes);
        if (last)
            last->next = verdict.changes;
        else
            first = verdict.changes;
        last = verdict.last;
    }
    return first;
}

/* One group of several changes. */
static inline void random_group(struct stage *t)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct change *first = decide_group(t, &arena);
    if (first)
        view_apply(t->view, t->inv, first);
    inventory_group_done(t->inv);
    arena_done(&arena);
}

/* Replay a list (ascending, each seat once) on a bitmap. */
static inline void replay(uint8_t *bitmap, const struct seat_delta *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(i == 0 || list[i - 1].seat < list[i].seat);
        unsigned shift = 2 * (list[i].seat % 4);
        unsigned byte = bitmap[list[i].seat / 4] & ~(3u << shift);
        bitmap[list[i].seat / 4] = (uint8_t)(byte | (unsigned)list[i].status << shift);
    }
}

#endif
