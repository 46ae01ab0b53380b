/* Inventories to show, without a store: what was decided is applied at once. */
#ifndef UNIT_VIEW_FIXTURE_H
#define UNIT_VIEW_FIXTURE_H

#include "unit/domain/fixture.h"

#include "base/params.h"
#include "view/view.h"

static inline struct event *event_at(const struct layout *l, struct event_id id, const char *slug,
                                     int64_t created_ms)
{
    const struct event_draft draft = {
        .event_id = id,
        .slug = slug,
        .currency = {"EUR", 2},
        .fields = {.set = EVENT_NAME | EVENT_DATE | EVENT_HOLD_SECONDS | EVENT_MAX_TICKETS,
                   .name = "Concert",
                   .event_type = "",
                   .date_ms = 1800000000000,
                   .hold_seconds = 900,
                   .max_tickets_per_session = 10000},
        .published = true,
        .created_ms = created_ms,
    };
    uint32_t place;
    struct event *e;
    assert_int_equal(event_new(&draft, l, &place, &e), 0);
    return e;
}

/* An inventory that was created, and nothing else. */
static inline struct inventory *created(const struct layout *l, struct event_id id, const char *slug,
                                        int64_t created_ms, struct rng *rng)
{
    struct arena arena;
    struct actor actor = actor_system();
    arena_init(&arena, 0);
    struct event *e = event_at(l, id, slug, created_ms);
    struct inventory *inv = inventory_new_event(e, l, rng);
    inventory_create(inv, &actor, created_ms * 1000, &arena);
    inventory_group_done(inv);
    event_unref(e);
    arena_done(&arena);
    return inv;
}

/* Places of several types, in two sections; @seats standing at the end. */
static inline struct layout *hall_of(uint32_t seats)
{
    struct layout_builder *b = layout_builder_new();
    assert_int_equal(layout_builder_section(b, section_numbered(20), "Stalls"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price_of(4500)), 0);
    assert_int_equal(layout_builder_row(b, "1", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 7), 0);
    assert_int_equal(layout_builder_type(b, "cheap", price_of(2500)), 0);
    assert_int_equal(layout_builder_row(b, "2", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 6), 0);
    assert_int_equal(layout_builder_section(b, section_numbered(10), "Floor"), 0);
    assert_int_equal(layout_builder_type(b, "standing", price_of(6000)), 0);
    assert_int_equal(layout_builder_unnumbered(b, seats), 0);
    return built(b);
}

/* A snapshot says the same as its inventory, in each of its parts. */
static inline void check_shown(const struct snapshot *s, const struct inventory *inv)
{
    uint32_t counts[SEAT_STATUSES];
    inventory_counts(inv, counts);
    assert_memory_equal(s->counts, counts, sizeof(counts));
    assert_int_equal(s->seq, inventory_seq(inv));
    assert_ptr_equal(s->event, inventory_event(inv));
    assert_ptr_equal(s->layout, inventory_layout(inv));
    assert_int_equal(s->bitmap_size, (s->layout->seats_total + 3) / 4);
    for (uint32_t p = 0; p < s->layout->place_count; p++) {
        const struct layout_place *place = &s->layout->places[p];
        uint32_t n[SEAT_STATUSES] = {0};
        for (uint32_t i = place->first_seat; i < place->first_seat + place->seats; i++) {
            assert_int_equal(snapshot_status(s, i), inventory_seat_status(inv, i));
            n[snapshot_status(s, i)]++;
        }
        assert_memory_equal(s->places[p].n, n, sizeof(n));
    }
}

/* Block or unblock seats, and show it. */
static inline void set_blocked(struct view *v, struct inventory *inv, const uint32_t *seats, uint32_t count,
                               bool blocked)
{
    struct arena arena;
    struct verdict verdict;
    struct command command = {
        .kind = blocked ? COMMAND_BLOCK : COMMAND_UNBLOCK,
        .actor = actor_key("test"),
        .seats = seats,
        .seat_count = count,
    };
    arena_init(&arena, 0);
    assert_int_equal(inventory_decide(inv, &command, 1700000001000000, &arena, &verdict), 0);
    view_apply(v, inv, verdict.changes);
    inventory_group_done(inv);
    arena_done(&arena);
}

#endif
