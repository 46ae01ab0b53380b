/* What is shown: snapshots, look-ups, lists. */
#include "unit/view/fixture.h"

#include <stdio.h>

struct stage {
    struct layout *layout;
    struct rng rng;
    struct view *view;
};

static struct stage stage_new(void)
{
    struct stage s = {.layout = hall_of(11), .view = view_new()};
    rng_init_seeded(&s.rng, 5);
    return s;
}

static void stage_free(struct stage *s)
{
    view_free(s->view);
    layout_unref(s->layout);
}

static void test_load_and_find(void **state)
{
    struct stage t = stage_new();
    (void)state;
    struct event_id id = event_numbered(1), other = event_numbered(2);
    struct inventory *inv = created(t.layout, id, "concert", 1000, &t.rng);
    assert_null(view_find(t.view, &id));
    view_load(t.view, inv);
    assert_int_equal(view_event_count(t.view), 1);

    struct snapshot *s = view_find(t.view, &id);
    check_shown(s, inv);
    view_release(s);
    s = view_find_slug(t.view, "concert");
    check_shown(s, inv);
    view_release(s);
    struct hold_id hold = hold_id_new(&id, 9, &t.rng);
    s = view_find_tag(t.view, &hold.u);
    check_shown(s, inv);
    view_release(s);

    assert_null(view_find(t.view, &other));
    assert_null(view_find_slug(t.view, "conc"));
    hold = hold_id_new(&other, 9, &t.rng);
    assert_null(view_find_tag(t.view, &hold.u));
    struct uuid random = uuid_random(&t.rng);
    assert_null(view_find_tag(t.view, &random));
    struct event_id same_tag = id;
    same_tag.u.b[9] ^= 1;
    assert_null(view_find(t.view, &same_tag));
    inventory_free(inv);
    stage_free(&t);
}

/* A reader keeps what it has, while newer ones are shown. */
static void test_apply_leaves_older_snapshots(void **state)
{
    struct stage t = stage_new();
    (void)state;
    struct event_id id = event_numbered(1);
    struct inventory *inv = created(t.layout, id, "concert", 1000, &t.rng);
    view_load(t.view, inv);
    struct snapshot *before = view_find(t.view, &id);
    const uint32_t seats[] = {0, 3, 6, 7, 23};
    set_blocked(t.view, inv, seats, 5, true);
    struct snapshot *after = view_find(t.view, &id);
    check_shown(after, inv);
    assert_int_equal(after->counts[SEAT_BLOCKED], 5);
    assert_int_equal(after->places[0].n[SEAT_BLOCKED], 3);
    assert_int_equal(before->counts[SEAT_BLOCKED], 0);
    assert_int_equal(before->seq + 1, after->seq);
    for (uint32_t i = 0; i < t.layout->seats_total; i++)
        assert_int_equal(snapshot_status(before, i), SEAT_AVAILABLE);
    set_blocked(t.view, inv, seats, 5, false); /* memory of nobody's snapshot is used again */
    set_blocked(t.view, inv, seats, 2, true);
    set_blocked(t.view, inv, seats, 2, false);
    assert_int_equal(after->counts[SEAT_BLOCKED], 5);
    struct snapshot *last = view_find(t.view, &id);
    check_shown(last, inv);
    view_release(before);
    view_release(after);
    view_release(last);
    view_release(NULL);
    inventory_free(inv);
    stage_free(&t);
}

static void test_a_new_version_of_the_event(void **state)
{
    struct stage t = stage_new();
    (void)state;
    struct event_id id = event_numbered(1);
    struct inventory *inv = created(t.layout, id, "concert", 1000, &t.rng);
    view_load(t.view, inv);
    struct snapshot *before = view_find(t.view, &id);
    struct arena arena;
    struct verdict verdict;
    struct command pause = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_system()};
    arena_init(&arena, 0);
    assert_int_equal(inventory_decide(inv, &pause, 2000000, &arena, &verdict), 0);
    view_apply(t.view, inv, verdict.changes);
    inventory_group_done(inv);
    struct snapshot *after = view_find(t.view, &id);
    assert_int_equal(before->event->status, EVENT_SCHEDULED);
    assert_int_equal(after->event->status, EVENT_PAUSED);
    view_release(before);
    view_release(after);
    arena_done(&arena);
    inventory_free(inv);
    stage_free(&t);
}

static void test_remove(void **state)
{
    struct stage t = stage_new();
    (void)state;
    struct event_id id = event_numbered(1);
    struct inventory *inv = created(t.layout, id, "concert", 1000, &t.rng);
    view_load(t.view, inv);
    struct snapshot *s = view_find(t.view, &id);
    view_remove(t.view, &id);
    view_remove(t.view, &id);
    assert_null(view_find(t.view, &id));
    assert_null(view_find_slug(t.view, "concert"));
    assert_int_equal(view_event_count(t.view), 0);
    assert_string_equal(s->event->slug, "concert"); /* still the reader's */
    view_release(s);

    struct inventory *next = created(t.layout, event_numbered(2), "concert", 1000, &t.rng);
    view_load(t.view, next);
    s = view_find_slug(t.view, "concert");
    check_shown(s, next);
    view_release(s);
    inventory_free(inv);
    inventory_free(next);
    stage_free(&t);
}

/* ---- lists ---- */

enum { LISTED = 200 };

static bool even(void *ctx, const struct snapshot *s)
{
    unsigned *calls = ctx;
    ++*calls;
    return s->event->created_ms % 2 == 0;
}

/* Walk all pages; returns how many events came, which must be in order and different. */
static size_t walk(struct view *v, uint32_t limit, bool (*keep)(void *, const struct snapshot *), void *ctx)
{
    struct snapshot *list[LISTED];
    struct event_id after;
    int64_t last_ms = -1;
    struct uuid last_id = UUID_NIL;
    size_t total = 0;
    bool more = true;
    while (more) {
        int count = view_list(v, total ? &after : NULL, false, limit, keep, ctx, list, &more);
        assert_true(count >= 0 && (uint32_t)count <= limit);
        assert_true(!more || (uint32_t)count == limit);
        for (int i = 0; i < count; i++, total++) {
            const struct event *e = list[i]->event;
            assert_true(e->created_ms > last_ms ||
                        (e->created_ms == last_ms && uuid_compare(&e->event_id.u, &last_id) > 0));
            last_ms = e->created_ms;
            last_id = e->event_id.u;
            after = e->event_id;
            view_release(list[i]);
        }
    }
    return total;
}

static void load_many(struct stage *t, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        char slug[32];
        snprintf(slug, sizeof(slug), "event-%u", (unsigned)i);
        struct inventory *inv =
            created(t->layout, event_numbered(i), slug, 1000 + (int64_t)(i * 37 % 64), &t->rng);
        view_load(t->view, inv);
        inventory_free(inv);
    }
}

static void test_list(void **state)
{
    struct stage t = stage_new();
    (void)state;
    assert_int_equal(walk(t.view, 10, NULL, NULL), 0);
    load_many(&t, 0, LISTED);
    static const uint32_t limits[] = {1, 7, 63, 64, 65, LISTED - 1, LISTED, LISTED};
    for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        unsigned calls = 0;
        assert_int_equal(walk(t.view, limits[i], NULL, NULL), LISTED);
        assert_int_equal(walk(t.view, limits[i], even, &calls), LISTED / 2);
    }
    struct event_id unknown = event_numbered(LISTED);
    bool more;
    struct snapshot *list[1];
    assert_int_equal(view_list(t.view, &unknown, false, 1, NULL, NULL, list, &more), BOX_ENOTFOUND);
    assert_int_equal(view_list(t.view, NULL, false, 0, NULL, NULL, list, &more), 0);
    assert_true(more);

    load_many(&t, LISTED, LISTED + 10);
    for (uint64_t i = 0; i < LISTED; i += 2) {
        struct event_id id = event_numbered(i);
        view_remove(t.view, &id);
    }
    load_many(&t, LISTED + 10, LISTED + 20);
    assert_int_equal(walk(t.view, 9, NULL, NULL), LISTED / 2 + 20);
    assert_int_equal(view_event_count(t.view), LISTED / 2 + 20);
    stage_free(&t);
}

/* ---- events with a seat to be had ---- */

static void block_all(struct stage *t, struct inventory *inv, bool blocked)
{
    uint32_t seats[64];
    assert_true(t->layout->seats_total <= 64);
    for (uint32_t i = 0; i < t->layout->seats_total; i++)
        seats[i] = i;
    set_blocked(t->view, inv, seats, t->layout->seats_total, blocked);
}

/* The available events are exactly those of @numbers, in this order, also after each of all @count events. */
static void check_available(struct view *v, const unsigned *numbers, int expected, unsigned count)
{
    struct snapshot *list[8];
    bool more;
    for (unsigned after = 0; after <= count; after++) {
        struct event_id id = event_numbered(after);
        int skipped = 0;
        while (skipped < expected && numbers[skipped] <= after)
            skipped++;
        int got = view_list(v, after ? &id : NULL, true, 8, NULL, NULL, list, &more);
        assert_int_equal(got, expected - skipped);
        assert_false(more);
        for (int i = 0; i < got; i++) {
            struct event_id wanted = event_numbered(numbers[skipped + i]);
            assert_true(uuid_equal(&list[i]->event->event_id.u, &wanted.u));
            view_release(list[i]);
        }
    }
}

static void test_available_events(void **state)
{
    enum { EVENTS = 5 };
    struct stage t = stage_new();
    struct inventory *inv[EVENTS + 1];
    (void)state;
    for (unsigned i = 1; i <= EVENTS; i++) {
        char slug[32];
        snprintf(slug, sizeof(slug), "event-%u", i);
        inv[i] = created(t.layout, event_numbered(i), slug, 1000 + i, &t.rng);
        view_load(t.view, inv[i]);
    }
    check_available(t.view, (unsigned[]){1, 2, 3, 4, 5}, 5, EVENTS);
    block_all(&t, inv[2], true);
    block_all(&t, inv[5], true);
    check_available(t.view, (unsigned[]){1, 3, 4}, 3, EVENTS); /* also after 2, which is not in the list */
    const uint32_t seat = 7;
    set_blocked(t.view, inv[5], &seat, 1, false);
    block_all(&t, inv[1], true);
    view_load(t.view, inv[1]);
    check_available(t.view, (unsigned[]){3, 4, 5}, 3, EVENTS);
    block_all(&t, inv[1], false);
    block_all(&t, inv[2], false);
    check_available(t.view, (unsigned[]){1, 2, 3, 4, 5}, 5, EVENTS);

    struct event_id id = event_numbered(3);
    view_remove(t.view, &id);
    block_all(&t, inv[4], true);
    id = event_numbered(4);
    view_remove(t.view, &id);
    struct snapshot *list[8];
    bool more;
    assert_int_equal(view_list(t.view, &id, true, 8, NULL, NULL, list, &more), BOX_ENOTFOUND);
    assert_int_equal(view_list(t.view, NULL, true, 2, NULL, NULL, list, &more), 2);
    assert_true(more);
    view_release(list[0]);
    view_release(list[1]);
    for (unsigned i = 1; i <= EVENTS; i++)
        inventory_free(inv[i]);
    stage_free(&t);
}

/* ---- venues ---- */

static struct layout *venue_of(uint8_t number, int64_t created_ms)
{
    struct layout_builder *b = layout_builder_new();
    struct layout *l;
    assert_int_equal(layout_builder_section(b, section_numbered(20), "Floor"), 0);
    assert_int_equal(layout_builder_type(b, "standing", price_of(100)), 0);
    assert_int_equal(layout_builder_unnumbered(b, 1), 0);
    assert_int_equal(
        layout_builder_finish(b, venue_numbered(number), "Hall", "Europe/Berlin", created_ms, &l), 0);
    layout_builder_free(b);
    return l;
}

static void test_venues(void **state)
{
    struct view *v = view_new();
    (void)state;
    for (uint8_t i = 0; i < 50; i++) {
        struct layout *l = venue_of(i, 1000 + i * 7 % 10);
        view_put_venue(v, l);
        view_put_venue(v, l);
        layout_unref(l);
    }
    struct venue_id id = venue_numbered(3), unknown = venue_numbered(50);
    struct layout *found = view_venue(v, &id);
    assert_true(uuid_equal(&found->venue_id.u, &id.u));
    layout_unref(found);
    assert_null(view_venue(v, &unknown));

    struct layout *list[7];
    size_t total = 0;
    int64_t last_ms = 0;
    bool more = true;
    while (more) {
        int count = view_list_venues(v, total ? &id : NULL, 7, list, &more);
        assert_true(count > 0);
        for (int i = 0; i < count; i++, total++) {
            assert_true(list[i]->created_ms >= last_ms);
            last_ms = list[i]->created_ms;
            id = list[i]->venue_id;
            layout_unref(list[i]);
        }
    }
    assert_int_equal(total, 50);
    assert_int_equal(view_list_venues(v, &unknown, 7, list, &more), BOX_ENOTFOUND);
    view_free(v);
}

/* ---- the version of all ---- */

static void test_version_grows_with_everything(void **state)
{
    struct stage t = stage_new();
    (void)state;
    struct event_id id = event_numbered(1);
    struct inventory *inv = created(t.layout, id, "concert", 1000, &t.rng);
    const uint32_t seat = 3;
    uint64_t version = view_version(t.view);
    view_put_venue(t.view, t.layout);
    assert_true(view_version(t.view) > version);
    version = view_version(t.view);
    view_load(t.view, inv);
    assert_true(view_version(t.view) > version);
    version = view_version(t.view);
    set_blocked(t.view, inv, &seat, 1, true);
    assert_true(view_version(t.view) > version);
    version = view_version(t.view);
    view_load(t.view, inv);
    assert_true(view_version(t.view) > version);
    version = view_version(t.view);
    view_release(view_find(t.view, &id));
    assert_int_equal(view_version(t.view), version);
    view_remove(t.view, &id);
    assert_true(view_version(t.view) > version);
    inventory_free(inv);
    stage_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_and_find),
        cmocka_unit_test(test_apply_leaves_older_snapshots),
        cmocka_unit_test(test_a_new_version_of_the_event),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_available_events),
        cmocka_unit_test(test_venues),
        cmocka_unit_test(test_version_grows_with_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
