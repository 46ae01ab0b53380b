/* News for followers, against a log of all that happened. */
#include "unit/view/stage.h"

/* ---- the same, slowly ---- */

/* Each seat that changed in (@since, @until] with its last status; returns how many. */
static uint32_t seats_between(const struct stage *t, uint64_t since, uint64_t until,
                              struct seat_delta *ret_list)
{
    uint32_t count = 0;
    for (uint32_t seat = 0; seat < t->layout->seats_total; seat++) {
        const struct happening *last = NULL;
        for (size_t i = 0; i < t->log_count; i++) {
            const struct happening *h = &t->log[i];
            if (h->seat == seat && h->seq > since && h->seq <= until)
                last = h;
        }
        if (last)
            ret_list[count++] = (struct seat_delta){.seat = seat, .status = last->status};
    }
    return count;
}

static uint64_t newest_event_change(const struct stage *t, uint64_t since)
{
    uint64_t seq = 0;
    for (size_t i = 0; i < t->log_count; i++) {
        if (t->log[i].seat == NO_SEAT && t->log[i].seq > since)
            seq = t->log[i].seq;
    }
    return seq;
}

static void check_list(const struct seat_delta *list, uint32_t count, const struct seat_delta *wanted,
                       uint32_t wanted_count)
{
    assert_int_equal(count, wanted_count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(list[i].seat, wanted[i].seat);
        assert_int_equal(list[i].status, wanted[i].status);
    }
}

/* ---- tests ---- */

static int news_since(struct stage *t, uint64_t since, struct view_news *ret_news,
                      struct snapshot **ret_snapshot)
{
    arena_reset(&t->arena);
    return view_news(t->view, &t->id, since, &t->arena, ret_news, ret_snapshot);
}

/* @old: what was shown at @since, or NULL. */
static void check_news(struct stage *t, uint64_t since, const struct snapshot *old)
{
    struct view_news news;
    struct snapshot *s;
    assert_int_equal(news_since(t, since, &news, &s), 0);
    assert_int_equal(news.seq, s->seq);
    assert_int_equal(news.event_seq, newest_event_change(t, since));
    struct seat_delta *wanted = arena_array(&t->arena, t->layout->seats_total, sizeof(*wanted));
    uint32_t count = news.event_seq ? seats_between(t, since, news.event_seq - 1, wanted) : 0;
    check_list(news.before, news.before_count, wanted, count);
    count = seats_between(t, news.event_seq ? news.event_seq : since, s->seq, wanted);
    check_list(news.after, news.after_count, wanted, count);
    if (old) {
        uint8_t *bitmap = arena_copy(&t->arena, old->bitmap, old->bitmap_size);
        replay(bitmap, news.before, news.before_count);
        replay(bitmap, news.after, news.after_count);
        assert_memory_equal(bitmap, s->bitmap, s->bitmap_size);
    }
    view_release(s);
}

static void test_news_of_random_groups(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct stage t;
        stage_init(&t, 1 + (uint32_t)seed * 17, seed);
        struct snapshot *kept = view_find(t.view, &t.id);
        for (unsigned round = 0; round < 60; round++) {
            random_group(&t);
            uint64_t seq = inventory_seq(t.inv);
            check_news(&t, seq - rng_below(&t.rng, (uint32_t)seq),
                       NULL); /* perhaps in the middle of a group */
            check_news(&t, kept->seq, kept);
            if (rng_below(&t.rng, 10) == 0) {
                view_release(kept);
                kept = view_find(t.view, &t.id);
            }
        }
        view_release(kept);
        stage_free(&t);
    }
}

static void test_borders(void **state)
{
    struct stage t;
    struct view_news news = {.seq = 77};
    struct snapshot *s = NULL;
    struct event_id unknown = event_numbered(2);
    (void)state;
    stage_init(&t, 11, 1);
    assert_int_equal(view_news(t.view, &unknown, 0, &t.arena, &news, &s), BOX_ENOTFOUND);
    assert_null(s);
    assert_int_equal(news_since(&t, 0, &news, &s), BOX_ERANGE); /* what was loaded came from nowhere */
    check_shown(s, t.inv);
    view_release(s);
    assert_int_equal(news_since(&t, 2, &news, &s), BOX_ERANGE);
    view_release(s);
    assert_int_equal(news.seq, 77); /* untouched */
    assert_int_equal(news_since(&t, 1, &news, &s), 0);
    assert_int_equal(news.seq, 1);
    assert_int_equal(news.event_seq, 0);
    assert_int_equal(news.before_count + news.after_count, 0);
    view_release(s);
    stage_free(&t);
}

/* A seat that came back is told of; what came before the event's change is told as it was then. */
static void test_what_came_back_is_told(void **state)
{
    struct stage t;
    struct view_news news;
    struct snapshot *s;
    struct verdict verdict;
    struct command pause = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_system()};
    const uint32_t seat = 9;
    (void)state;
    stage_init(&t, 11, 1);
    set_blocked(t.view, t.inv, &seat, 1, true);
    assert_int_equal(inventory_decide(t.inv, &pause, 1700000001000000, &t.arena, &verdict), 0);
    view_apply(t.view, t.inv, verdict.changes);
    inventory_group_done(t.inv);
    set_blocked(t.view, t.inv, &seat, 1, false);

    assert_int_equal(news_since(&t, 1, &news, &s), 0);
    assert_int_equal(news.event_seq, 3);
    check_list(news.before, news.before_count, &(struct seat_delta){9, SEAT_BLOCKED}, 1);
    check_list(news.after, news.after_count, &(struct seat_delta){9, SEAT_AVAILABLE}, 1);
    assert_int_equal(s->event->status, EVENT_PAUSED);
    view_release(s);
    assert_int_equal(news_since(&t, 3, &news, &s), 0);
    assert_int_equal(news.event_seq, 0);
    assert_int_equal(news.before_count, 0);
    assert_int_equal(news.after_count, 1);
    view_release(s);
    stage_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_news_of_random_groups),
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_what_came_back_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
