/*
 * Readers beside a publisher at full speed. Run under ThreadSanitizer, too. What a reader finds wrong it
 * counts; the main thread, which publishes, asserts.
 */
#include "unit/view/stage.h"

#include <pthread.h>
#include <stdio.h>

enum { READERS = 3, EVENTS = 6, GROUPS = 2500 };

struct play {
    struct stage t; /* event 1 changes all the time */
    atomic_bool over;
    atomic_uint overtaken;            /* how often a reader was told that it is too old */
    struct inventory *others[EVENTS]; /* come and go, and sell out; every other one stays */
    struct event_id ids[EVENTS];
};

static bool stays(unsigned i)
{
    return i % 2 == 0;
}

/* ---- what a reader checks ---- */

/* Counts, counts per place and bitmap belong together. Returns how much is wrong. */
static unsigned wrong_in(const struct snapshot *s)
{
    uint32_t counts[SEAT_STATUSES] = {0};
    unsigned wrong = 0;
    for (uint32_t p = 0; p < s->layout->place_count; p++) {
        const struct layout_place *place = &s->layout->places[p];
        uint32_t n[SEAT_STATUSES] = {0};
        for (uint32_t seat = place->first_seat; seat < place->first_seat + place->seats; seat++)
            n[snapshot_status(s, seat)]++;
        for (unsigned status = 0; status < SEAT_STATUSES; status++) {
            wrong += n[status] != s->places[p].n[status];
            counts[status] += n[status];
        }
    }
    return wrong + (memcmp(counts, s->counts, sizeof(counts)) != 0);
}

/* True if @list is ascending; then it is replayed. */
static bool replayed(uint8_t *bitmap, const struct seat_delta *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (list[i - 1].seat >= list[i].seat)
            return false;
    }
    replay(bitmap, list, count);
    return true;
}

/* One reader; what it kept grows old. */
struct reader {
    struct play *play;
    struct snapshot *kept;
    struct arena arena;
    unsigned wrong;
};

/* What view_changes() or view_news() says, replayed on what is kept, gives what they return. False: too old.
 */
static bool check_deltas(struct reader *r, bool news)
{
    struct view_news n = {0};
    struct snapshot *s = NULL;
    const struct event_id *id = &r->play->t.id;
    uint64_t since = r->kept->seq;
    arena_reset(&r->arena);
    int ret = news ? view_news(r->play->t.view, id, since, &r->arena, &n, &s)
                   : view_changes(r->play->t.view, id, since, &r->arena, &n.after, &n.after_count, &s);
    uint8_t *bitmap = arena_copy(&r->arena, r->kept->bitmap, r->kept->bitmap_size);
    if (ret == 0) {
        r->wrong += !replayed(bitmap, n.before, n.before_count) || !replayed(bitmap, n.after, n.after_count);
        r->wrong += memcmp(bitmap, s->bitmap, s->bitmap_size) != 0;
        r->wrong +=
            news && (n.seq != s->seq || (n.event_seq && (n.event_seq <= since || n.event_seq > s->seq)));
    }
    r->wrong += (ret != 0 && ret != BOX_ERANGE) || s->seq < since;
    view_release(s);
    return ret == 0;
}

/* The newest of event 1 is whole and not older than the last one; now and then it is kept instead. */
static void check_newest(struct reader *r, uint64_t *seq, bool keep)
{
    struct snapshot *s = view_find(r->play->t.view, &r->play->t.id);
    r->wrong += wrong_in(s) + (s->seq < *seq);
    *seq = s->seq;
    if (keep) {
        view_release(r->kept);
        r->kept = s;
    } else {
        view_release(s);
    }
}

static bool in_list(struct snapshot *const *list, int count, const struct event_id *id)
{
    for (int i = 0; i < count; i++) {
        if (uuid_equal(&list[i]->event->event_id.u, &id->u))
            return true;
    }
    return false;
}

/* Lists are in order, have all events that stay, and only available ones if only these are wanted. */
static void check_list(struct reader *r, bool available)
{
    enum { MOST = EVENTS + 1 };
    struct snapshot *list[MOST];
    bool more;
    int count = view_list(r->play->t.view, NULL, available, MOST, NULL, NULL, list, &more);
    r->wrong += count < 0 || more;
    for (unsigned i = 0; i < EVENTS && !available; i++)
        r->wrong += stays(i) && !in_list(list, count, &r->play->ids[i]);
    for (int i = 0; i < count; i++) {
        r->wrong += i > 0 && list[i - 1]->event->created_ms >= list[i]->event->created_ms;
        r->wrong += available && list[i]->counts[SEAT_AVAILABLE] == 0;
        r->wrong += wrong_in(list[i]);
    }
    for (int i = 0; i < count; i++)
        view_release(list[i]);
}

/* By id and by slug, an event that comes and goes is itself or is not there. */
static void check_coming(struct reader *r, unsigned i)
{
    char slug[32];
    snprintf(slug, sizeof(slug), "event-%u", i);
    struct snapshot *s = view_find(r->play->t.view, &r->play->ids[i]);
    r->wrong += (!s && stays(i)) || (s && strcmp(s->event->slug, slug) != 0);
    view_release(s);
    s = view_find_slug(r->play->t.view, slug);
    r->wrong += (!s && stays(i)) || (s && !uuid_equal(&s->event->event_id.u, &r->play->ids[i].u));
    view_release(s);
}

/* ---- the threads ---- */

static void *read_all(void *arg)
{
    struct reader *r = arg;
    uint64_t seq = 0;
    for (unsigned i = 0; i == 0 || !atomic_load(&r->play->over); i++) {
        check_newest(r, &seq, i % 16 == 0);
        check_deltas(r, i % 2);
        check_coming(r, i % EVENTS);
        if (i % 8 == 0)
            check_list(r, i % 16 == 0);
    }
    return NULL;
}

/* Stays behind until it is told that it is too old: the deltas that it needs are the ones that go next. */
static void *stay_behind(void *arg)
{
    struct reader *r = arg;
    for (unsigned i = 0; i == 0 || !atomic_load(&r->play->over); i++) {
        if (check_deltas(r, i % 2))
            continue;
        view_release(r->kept);
        r->kept = view_find(r->play->t.view, &r->play->t.id);
        atomic_fetch_add(&r->play->overtaken, 1);
    }
    return NULL;
}

static struct layout *small_venue(uint8_t number)
{
    struct layout_builder *b = layout_builder_new();
    struct layout *l = NULL;
    layout_builder_section(b, section_numbered(20), "Floor");
    layout_builder_type(b, "standing", price_of(100));
    layout_builder_unnumbered(b, 1);
    layout_builder_finish(b, venue_numbered(number), "Hall", "Europe/Berlin", 1000 + number % 7, &l);
    layout_builder_free(b);
    return l;
}

/* Puts venues while they are read: what it put it finds, and the list is whole. Returns how much is wrong. */
static void *put_venues(void *arg)
{
    enum { VENUES = 100 };
    struct view *v = arg;
    struct layout *list[VENUES];
    uintptr_t wrong = 0;
    for (uint8_t i = 0; i < VENUES; i++) {
        bool more;
        struct layout *l = small_venue(i);
        uint64_t version = view_version(v);
        view_put_venue(v, l);
        wrong += view_version(v) <= version;
        struct layout *found = view_venue(v, &l->venue_id);
        wrong += found != l;
        layout_unref(found);
        layout_unref(l);
        int count = view_list_venues(v, NULL, VENUES, list, &more);
        wrong += count != i + 1 || more;
        for (int k = 0; k < count; k++) {
            wrong += k > 0 && list[k - 1]->created_ms > list[k]->created_ms;
            layout_unref(list[k]);
        }
    }
    return (void *)wrong;
}

/* ---- the publisher ---- */

static void play_init(struct play *p, uint32_t seats)
{
    stage_init(&p->t, seats, 1);
    atomic_init(&p->over, false);
    atomic_init(&p->overtaken, 0);
    for (unsigned i = 0; i < EVENTS; i++) {
        char slug[32];
        snprintf(slug, sizeof(slug), "event-%u", i);
        p->ids[i] = event_numbered(10 + i);
        p->others[i] = created(p->t.layout, p->ids[i], slug, 2000 + i, &p->t.rng);
        view_load(p->t.view, p->others[i]);
    }
}

static void play_free(struct play *p)
{
    for (unsigned i = 0; i < EVENTS; i++)
        inventory_free(p->others[i]);
    stage_free(&p->t);
}

/* Another event sells out, has seats again, is loaded again, goes or comes. */
static void stir(struct play *p, unsigned round)
{
    unsigned i = round % EVENTS;
    struct inventory *inv = p->others[i];
    struct snapshot *s = view_find(p->t.view, &p->ids[i]);
    uint32_t total = p->t.layout->seats_total;
    uint32_t *seats = malloc(total * sizeof(*seats));
    for (uint32_t seat = 0; seat < total; seat++)
        seats[seat] = seat;
    if (!s)
        view_load(p->t.view, inv);
    else if (!stays(i) && rng_below(&p->t.rng, 2))
        view_remove(p->t.view, &p->ids[i]);
    else
        set_blocked(p->t.view, inv, seats, total, s->counts[SEAT_AVAILABLE] > 0);
    free(seats);
    view_release(s);
}

static void readers_start(struct play *p, void *(*run)(void *), struct reader *readers, pthread_t *threads)
{
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.play = p, .kept = view_find(p->t.view, &p->t.id)};
        arena_init(&readers[i].arena, 0);
        assert_int_equal(pthread_create(&threads[i], NULL, run, &readers[i]), 0);
    }
}

static void readers_end(struct play *p, struct reader *readers, const pthread_t *threads)
{
    atomic_store(&p->over, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readers[i].wrong, 0);
        view_release(readers[i].kept);
        arena_done(&readers[i].arena);
    }
}

static void test_readers_beside_a_publisher(void **state)
{
    struct play p;
    struct reader readers[READERS];
    pthread_t reading[READERS], putting;
    void *wrong;
    (void)state;
    play_init(&p, 100);
    readers_start(&p, read_all, readers, reading);
    assert_int_equal(pthread_create(&putting, NULL, put_venues, p.t.view), 0);
    for (unsigned round = 0; round < GROUPS; round++) {
        random_group(&p.t);
        if (round % 4 == 0)
            stir(&p, round / 4);
    }
    pthread_join(putting, &wrong);
    assert_null(wrong);
    readers_end(&p, readers, reading);
    struct snapshot *s = view_find(p.t.view, &p.t.id);
    check_shown(s, p.t.inv);
    view_release(s);
    play_free(&p);
}

/*
 * The ring is written round and round until readers that stay behind have been overtaken many times. Each
 * seat changes less than once a round: what was lost is in no other delta.
 */
static void test_a_ring_that_overtakes_its_readers(void **state)
{
    enum { SEATS = 20000, GROUP = 200, OVERTAKEN = 60 };
    struct play p;
    struct reader readers[READERS];
    pthread_t reading[READERS];
    uint32_t seats[SEATS];
    (void)state;
    assert_true(SEATS > (int)LIMIT_DELTA_RING);
    play_init(&p, SEATS);
    for (uint32_t i = 0; i < SEATS; i++)
        seats[i] = i;
    struct snapshot *first = view_find(p.t.view, &p.t.id);
    readers_start(&p, stay_behind, readers, reading);
    for (unsigned round = 0; atomic_load(&p.overtaken) < OVERTAKEN; round++)
        set_blocked(p.t.view, p.t.inv, seats + round * GROUP % SEATS, GROUP, round * GROUP / SEATS % 2 == 0);
    readers_end(&p, readers, reading);

    struct seat_delta *list;
    uint32_t count;
    struct snapshot *s;
    assert_int_equal(view_changes(p.t.view, &p.t.id, first->seq, &p.t.arena, &list, &count, &s), BOX_ERANGE);
    check_shown(s, p.t.inv);
    view_release(s);
    view_release(first);
    play_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_beside_a_publisher),
        cmocka_unit_test(test_a_ring_that_overtakes_its_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
