/* Followers of an event: what they are told is what happened. Run under ThreadSanitizer, too. */
#include "stand.h"

static struct stand t;

enum { FEW_SEATS = 40, ENTRIES = 400000, FUTURE = 1000000 };

/* ---- one follower ---- */

static struct follower_client *follower_with(bool all, enum feed_from from, uint64_t seq, int room)
{
    struct follower_client *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->stand = &t;
    f->all = all;
    if (from == FEED_FROM_SEQ && seq > 0 && seq < FUTURE) {
        f->id = seq;
        memcpy(f->bitmap, shown_at(&t, seq), t.bitmap_size);
    }
    follow_from(f, from, seq, room);
    return f;
}

static struct follower_client *follower(bool all, enum feed_from from, uint64_t seq)
{
    return follower_with(all, from, seq, 0);
}

static void done(struct follower_client *f)
{
    unfollow(f, false);
    free(f);
}

static void expect(struct follower_client *f, const char *event, uint64_t id)
{
    struct sse m;
    assert_true(hear_next(f, &m));
    assert_string_equal(m.event, event);
    assert_int_equal(m.id, id);
}

static void expect_end(struct follower_client *f)
{
    assert_true(client_at_end(f->c));
    done(f);
}

static const struct command PAUSE = {.kind = COMMAND_EVENT_PAUSE}, RESUME = {.kind = COMMAND_EVENT_RESUME},
                            UNPUBLISH = {.kind = COMMAND_EVENT_UNPUBLISH},
                            PUBLISH = {.kind = COMMAND_EVENT_PUBLISH};

static void beginnings(void **state)
{
    (void)state;
    stand_init(&t, FEW_SEATS, ENTRIES);
    publish_blocked(&t, 3, 5, true);
    publish_command(&t, PAUSE);
    publish_blocked(&t, 5, 9, true);
    static const struct {
        enum feed_from from;
        uint64_t seq;
        const char *told[4];
        uint64_t ids[4];
    } table[] = {
        {FEED_FROM_NOW, 0, {""}, {4}},
        {FEED_FROM_RESET, 0, {"reset"}, {4}},
        {FEED_FROM_SEQ, 0, {"reset"}, {4}}, /* how it came to 1 is not known */
        {FEED_FROM_SEQ, 1, {"seats", "event", "seats"}, {2, 3, 4}},
        {FEED_FROM_SEQ, 2, {"event", "seats"}, {3, 4}},
        {FEED_FROM_SEQ, 3, {"seats"}, {4}},
        {FEED_FROM_SEQ, 4, {NULL}, {0}},
        {FEED_FROM_SEQ, FUTURE, {"reset"}, {4}},
    };
    enum { COUNT = sizeof table / sizeof table[0] };
    struct follower_client *f[COUNT];
    for (int i = 0; i < COUNT; i++) {
        f[i] = follower(i % 2, table[i].from, table[i].seq);
        for (int k = 0; table[i].told[k]; k++)
            expect(f[i], table[i].told[k], table[i].ids[k]);
    }
    publish_command(&t, RESUME);
    for (int i = 0; i < COUNT; i++) {
        expect(f[i], "event", 5);
        done(f[i]);
    }
    stand_free(&t);
}

static void unpublished(void **state)
{
    (void)state;
    stand_init(&t, FEW_SEATS, ENTRIES);
    struct follower_client *some = follower(false, FEED_FROM_NOW, 0), *all = follower(true, FEED_FROM_NOW, 0);
    expect(some, "", 1);
    expect(all, "", 1);
    publish_command(&t, UNPUBLISH);
    expect(some, "event", 2);
    expect_end(some);
    expect(all, "event", 2);
    some = follower(false, FEED_FROM_SEQ, 2); /* found while it was shown, came too late */
    assert_true(client_stream_begins(some->c) > 0);
    expect_end(some);
    publish_command(&t, PUBLISH);
    expect(all, "event", 3);
    some = follower(false, FEED_FROM_SEQ, 2);
    expect(some, "event", 3);
    publish_blocked(&t, 0, 1, true);
    expect(some, "seats", 4);
    expect(all, "seats", 4);
    done(some);
    done(all);
    stand_free(&t);
}

static void removed(void **state)
{
    (void)state;
    stand_init(&t, FEW_SEATS, ENTRIES);
    struct follower_client *some = follower(false, FEED_FROM_NOW, 0), *all = follower(true, FEED_FROM_NOW, 0);
    expect(some, "", 1);
    expect(all, "", 1);
    publish_removal(&t);
    expect_end(some);
    expect_end(all);
    all = follower(true, FEED_FROM_SEQ, 1); /* too late */
    assert_true(client_stream_begins(all->c) > 0);
    expect_end(all);
    stand_free(&t);
}

/* The last two who know enough, and the first who does not. */
static void too_old(void **state)
{
    (void)state;
    enum { SEATS_EACH = 1024, ROUNDS = LIMIT_DELTA_RING / SEATS_EACH };
    stand_init(&t, SEATS_EACH, ENTRIES);
    for (int i = 0; i < ROUNDS; i++)
        publish_blocked(&t, 0, SEATS_EACH, i % 2 == 0);
    struct follower_client *f = follower(false, FEED_FROM_SEQ, 1);
    expect(f, "seats", 1 + ROUNDS);
    done(f);
    publish_blocked(&t, SEATS_EACH, SEATS_EACH + 1, true);
    f = follower(false, FEED_FROM_SEQ, 1);
    expect(f, "reset", 2 + ROUNDS);
    done(f);
    f = follower(false, FEED_FROM_SEQ, 2);
    expect(f, "seats", 2 + ROUNDS);
    done(f);
    stand_free(&t);
}

/* One that takes nothing is told at once of all that it missed, or that it was too much; the other hears of
 * each change. */
static void slow(void **state)
{
    (void)state;
    enum { MANY = 8000, LITTLE_ROOM = 4096 };
    static const struct {
        unsigned changes, messages, resets; /* the messages: where it began, the first change, all others */
    } table[] = {
        {2, 1 + 1 + 3, 0}, /* seats, event, seats */
        {4, 1 + 1 + 1, 1},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        stand_init(&t, MANY, ENTRIES);
        struct follower_client *quick = follower(false, FEED_FROM_NOW, 0);
        struct follower_client *f = follower_with(false, FEED_FROM_NOW, 0, LITTLE_ROOM);
        expect(quick, "", 1);
        expect(f, "", 1);
        for (unsigned k = 0; k < table[i].changes; k++) {
            publish_blocked(&t, 0, MANY, k % 2 == 0);
            expect(quick, "seats", 2 + k);
        }
        publish_command(&t, PAUSE);
        publish_blocked(&t, MANY, MANY + 1, true);
        while (quick->id < inventory_seq(t.stage.inv))
            assert_true(hear_next(quick, NULL));
        while (f->id < inventory_seq(t.stage.inv))
            assert_true(hear_next(f, NULL));
        assert_int_equal(f->messages, table[i].messages);
        assert_int_equal(f->resets, table[i].resets);
        done(quick);
        done(f);
        stand_free(&t);
    }
}

/* More followers than a slice of a round: all of them get the newest, also while some leave in the middle. */
static void long_rounds(void **state)
{
    (void)state;
    enum { FOLLOWERS = 300, PUBLISHED = 200 };
    static struct follower_client *f[FOLLOWERS];
    stand_init(&t, FEW_SEATS, ENTRIES);
    for (int i = 0; i < FOLLOWERS; i++)
        f[i] = follower(true, FEED_FROM_SEQ, 1);
    for (int i = 0; i < PUBLISHED; i++) {
        publish_group(&t);
        if (i % 2) {
            done(f[i]);
            f[i] = NULL;
        } else {
            assert_true(hear_next(f[i], NULL)); /* a round has come to it */
        }
    }
    for (int i = 0; i < FOLLOWERS; i++)
        while (f[i] && f[i]->id < inventory_seq(t.stage.inv))
            assert_true(hear_next(f[i], NULL));
    publish_removal(&t);
    for (int i = 0; i < FOLLOWERS; i++)
        if (f[i])
            expect_end(f[i]);
    stand_free(&t);
}

/* ---- waking ---- */

static struct task waker, follows;
static bool followed;

static void wake_once_more(struct task *task)
{
    (void)task;
    feed_wake(t.feed);
}

static void note_followed(struct task *task)
{
    (void)task;
    followed = true;
}

/* A tick was due anyway, and comes after the wake-up was posted and before it is read. */
static void wake_before_a_tick(void *ctx)
{
    struct mailbox *mailbox = http_streams_mailbox(t.streams.ss);
    (void)ctx;
    t.feed->changed = true;
    t.feed->next_tick_us = 0;
    task_post(mailbox, &waker);
    feed_wake(t.feed);
    task_post(mailbox, &follows);
}

/* The wake-up is one piece of mail: it must not be posted again while it is on its way. */
static void a_wakeup_is_posted_once(void **state)
{
    (void)state;
    waker.run = wake_once_more;
    follows.run = note_followed;
    followed = false;
    stand_init(&t, FEW_SEATS, ENTRIES);
    on_streams(&t.streams, wake_before_a_tick, NULL);
    on_streams(&t.streams, do_nothing, NULL);
    on_streams(&t.streams, do_nothing, NULL);
    assert_true(followed); /* else its mail was lost */
    stand_free(&t);
}

/* ---- many ---- */

enum { READERS = 12, ROUNDS = 60, GROUPS = 40 };

static struct {
    _Atomic uint64_t last;       /* the seq at which a reader has arrived; 0: not known yet */
    sem_t heard, arrived, ended; /* one for each time */
} crowd;

/* Begin anew: mostly where it ended, now and then without sense. */
static void begin(struct follower_client *f, struct rng *rng)
{
    uint32_t dice = rng_below(rng, 16);
    if (dice == 0 || f->id == 0)
        follow_from(f, FEED_FROM_NOW, 0, 0);
    else if (dice == 1)
        follow_from(f, FEED_FROM_RESET, 0, 0);
    else if (dice == 2)
        follow_from(f, FEED_FROM_SEQ, 0, 0);
    else if (dice == 3)
        follow_from(f, FEED_FROM_SEQ, FUTURE + f->id, 0);
    else
        follow_from(f, FEED_FROM_SEQ, f->id, 0);
}

/* Come and go until everything was heard; the last connection is left open. */
static void come_and_go(struct follower_client *f, struct rng *rng)
{
    for (;;) {
        begin(f, rng);
        for (uint32_t left = rng_below(rng, 10); left > 0; left--) {
            must(hear_next(f, NULL));
            sem_post(&crowd.heard);
            if (f->id == atomic_load(&crowd.last))
                return;
        }
        unfollow(f, rng_below(rng, 2));
    }
}

static void *read_all(void *arg)
{
    struct rng rng;
    static atomic_uint readers;
    struct follower_client *f = calloc(1, sizeof *f);
    must(f);
    uint64_t number = atomic_fetch_add(&readers, 1);
    rng_init_seeded(&rng, number);
    f->stand = arg;
    f->all = number % 2;
    come_and_go(f, &rng);
    sem_post(&crowd.arrived);
    while (hear_next(f, NULL)) {
        if (f->id == atomic_load(&crowd.last))
            sem_post(&crowd.arrived);
    }
    sem_post(&crowd.ended);
    uint64_t id = f->id;
    bool resets = f->resets > 0, all = f->all;
    must(memcmp(f->bitmap, shown_at(f->stand, id), f->stand->bitmap_size) == 0 && !f->owed);
    must(f->messages > ROUNDS / 4 && resets);
    unfollow(f, false);
    free(f);
    return (void *)(uintptr_t)(2 * id + all);
}

static void publish_last(void)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct change *first = decide_group(&t.stage, &arena);
    atomic_store(&crowd.last, inventory_seq(t.stage.inv)); /* before anybody can hear of it */
    publish(&t, first);
    arena_done(&arena);
}

static void await_all(sem_t *sem, int n)
{
    for (int i = 0; i < n; i++)
        await(sem);
}

static void readers_come_and_go(void **state)
{
    (void)state;
    pthread_t readers[READERS];
    stand_init(&t, FEW_SEATS, ENTRIES);
    atomic_store(&crowd.last, 0);
    must(sem_init(&crowd.heard, 0, 0) == 0 && sem_init(&crowd.arrived, 0, 0) == 0 &&
         sem_init(&crowd.ended, 0, 0) == 0);
    for (int i = 0; i < READERS; i++)
        must(pthread_create(&readers[i], NULL, read_all, &t) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        while (sem_trywait(&crowd.heard) == 0)
            continue;
        for (int i = 0; i < GROUPS; i++)
            publish_group(&t);
        await_all(&crowd.heard, READERS);
    }
    publish_last();
    await_all(&crowd.arrived, READERS);
    publish_command(&t, UNPUBLISH);
    uint64_t unpublished_at = inventory_seq(t.stage.inv);
    await_all(&crowd.ended, READERS / 2);
    publish_last();
    await_all(&crowd.arrived, READERS / 2);
    publish_removal(&t);
    for (int i = 0; i < READERS; i++) {
        void *end;
        assert_int_equal(pthread_join(readers[i], &end), 0);
        uint64_t id = (uintptr_t)end / 2;
        assert_int_equal(id, (uintptr_t)end % 2 ? atomic_load(&crowd.last) : unpublished_at);
    }
    stand_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beginnings),
        cmocka_unit_test(unpublished),
        cmocka_unit_test(removed),
        cmocka_unit_test(too_old),
        cmocka_unit_test(slow),
        cmocka_unit_test(long_rounds),
        cmocka_unit_test(a_wakeup_is_posted_once),
        cmocka_unit_test(readers_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
