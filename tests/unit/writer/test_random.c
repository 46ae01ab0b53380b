/*
 * Random days: several events, buyers who repeat themselves, a store that waits, fails, is fenced and loses
 * power, and a clock that jumps. Whatever happens:
 *   - each request is answered at most once, and exactly once when nothing crashed;
 *   - what was answered with success is in the store afterwards, under the seq that was answered;
 *   - a key has one effect, however often it came;
 *   - what the view shows is what is durable;
 *   - what the budget counts is what is held.
 */
#include "unit/writer/fixture.h"

#include "unit/writer/recount.h"

#include "base/log.h"
#include "view/view.h"

enum { SEEDS = 150, STEPS = 250, KEYS = 40, DAY_EVENTS = 3 };

struct day {
    struct bench *bench;
    struct rng rng;
    struct view *view;
    uint64_t key_seq[KEYS][DAY_EVENTS]; /* what was answered for a key: 0 nothing yet */
    unsigned crashes;
    struct ask *recent[16]; /* answered holds and orders to go on from */
};

static uint32_t roll(struct day *d, uint32_t bound)
{
    return rng_below(&d->rng, bound);
}

/* ---- the view follows the observer ---- */

static void show_loaded(void *ctx, const struct inventory *inv)
{
    struct day *d = ctx;
    view_load(d->view, inv);
}

static void show_changed(void *ctx, const struct inventory *inv, const struct change *first)
{
    struct day *d = ctx;
    view_apply(d->view, inv, first);
}

static void show_gone(void *ctx, const struct event_id *id)
{
    (void)ctx, (void)id;
    fail_msg("nothing is deleted here");
}

/* ---- requests ---- */

static unsigned event_of(const struct day *d, const struct ask *a)
{
    for (unsigned e = 0; e < DAY_EVENTS; e++) {
        if (uuid_equal(&d->bench->events[e]->event_id.u, &a->req.event_id.u))
            return e;
    }
    fail_msg("no such event");
    return 0;
}

/* The key is part of the request: the same key always carries the same body. */
static struct ask *random_hold(struct day *d)
{
    static const struct address addresses[] = {{{1}}, {{2}}};
    unsigned event = roll(d, DAY_EVENTS);
    struct ask *a = hold(d->bench, event, roll(d, SEATS), (uint8_t)(1 + roll(d, 5)));
    a->req.client = &addresses[roll(d, 2)];
    if (roll(d, 2)) {
        unsigned key = roll(d, KEYS);
        char name[32];
        snprintf(name, sizeof(name), "%u of %u", key, event);
        with_key(a, name, name);
        a->answer.http_status = (uint16_t)key; /* for the test to find */
    }
    return a;
}

static struct ask *random_follower(struct day *d)
{
    const struct ask *before = d->recent[roll(d, 16)];
    if (!before)
        return NULL;
    unsigned event = event_of(d, before);
    struct ask *a;
    if (before->req.verdict.last->order && roll(d, 3)) {
        a = command(d->bench, event, roll(d, 2) ? COMMAND_ORDER_CONFIRM : COMMAND_ORDER_CANCEL);
        a->req.command.order_id = before->req.verdict.last->order->order_id;
        return a;
    }
    static const enum command_kind kinds[] = {COMMAND_HOLD_EXTEND, COMMAND_HOLD_RELEASE, COMMAND_ORDER_CREATE,
                                              COMMAND_ORDER_CREATE};
    a = command(d->bench, event, kinds[roll(d, 4)]);
    a->req.command.hold_id = before->req.verdict.last->hold->hold_id;
    return a;
}

static void random_request(struct day *d)
{
    struct ask *a = roll(d, 3) ? random_hold(d) : random_follower(d);
    if (a)
        submit(a);
}

/* ---- what was answered ---- */

/* The change @seq of the event is in the store, and is the one that @a was told of. */
static void check_durable(struct day *d, struct ask *a)
{
    const struct change *told = a->req.verdict.last;
    struct change **list;
    uint32_t count;
    struct arena arena;
    arena_init(&arena, 0);
    assert_int_equal(
        store_list_changes(d->bench->store, &a->req.event_id, told->seq - 1, 1, &arena, &list, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(list[0]->seq, told->seq);
    assert_int_equal(list[0]->kind, told->kind);
    assert_true(digest_equal(&list[0]->hash, &told->hash));
    event_unref(list[0]->event);
    arena_done(&arena);
}

static void take_answer(struct day *d, struct ask *a)
{
    if (a->req.code != BOX_OK)
        return;
    uint64_t seq = a->req.replay ? a->req.replay->change_seq : a->req.verdict.last->seq;
    if (a->req.idem) {
        uint64_t *known = &d->key_seq[a->answer.http_status][event_of(d, a)];
        assert_true(*known == 0 || *known == seq); /* one effect */
        *known = seq;
    }
    struct snapshot *s = view_find(d->view, &a->req.event_id);
    assert_true(s->seq >= seq);
    view_release(s);
    if (!a->req.replay && a->req.verdict.last->hold)
        d->recent[roll(d, 16)] = a;
}

/* ---- trouble ---- */

static void start_day_writer(struct day *d)
{
    d->view = view_new();
    d->bench->next_observer =
        (struct writer_observer){.ctx = d, .loaded = show_loaded, .changed = show_changed, .gone = show_gone};
    store_mem_set_async(d->bench->store, false);
    start_writer(d->bench);
    assert_int_equal(writer_load(d->bench->writer, NULL, NULL), 0);
}

/* Power is lost: what waited for the disk is perhaps there, and nobody is told. */
static void crash(struct day *d)
{
    store_mem_crash(d->bench->store, roll(d, 2));
    writer_free(d->bench->writer);
    mailbox_take(&d->bench->replies);
    view_free(d->view);
    d->crashes++;
    start_day_writer(d);
}

static void random_trouble(struct day *d)
{
    static const enum store_mem_fault faults[] = {STORE_MEM_UNKNOWN_DONE, STORE_MEM_UNKNOWN_UNDONE,
                                                  STORE_MEM_FENCE};
    struct store *store = d->bench->store;
    switch (roll(d, 8)) {
    case 0:
    case 1:
        store_mem_set_async(store, roll(d, 2));
        break;
    case 2:
        if (store_writable(store))
            store_mem_fail(store, 1 + roll(d, 5), faults[roll(d, 3)]);
        break;
    case 3:
        store_mem_set_reopen_failures(store, roll(d, 3));
        break;
    case 4:
        forward(d->bench, roll(d, 2) ? roll(d, 2000000) : HOLD_SECONDS * INT64_C(500000));
        break;
    case 5:
        forward(d->bench, -(int64_t)roll(d, 5000000));
        break;
    case 6:
        if (roll(d, 10) == 0)
            crash(d);
        break;
    default:
        forward(d->bench, 1000 + roll(d, 100000));
        break;
    }
}

/* ---- a day ---- */

static void take_answers(struct day *d, size_t *from)
{
    for (; *from < d->bench->note_count; ++*from) {
        const struct note *n = &d->bench->notes[*from];
        if (n->kind == NOTE_DONE)
            take_answer(d, (struct ask *)(uintptr_t)n->ask);
    }
}

/* Let everything come to rest: the store is well again, commits are done, the writer recovers. */
static void rest(struct day *d, size_t *from)
{
    store_mem_set_async(d->bench->store, false);
    store_mem_set_reopen_failures(d->bench->store, 0);
    for (int i = 0; i < 20; i++) {
        settle(d->bench);
        while (store_mem_step(d->bench->store))
            settle(d->bench);
        forward(d->bench, 1000000);
    }
    take_answers(d, from);
    assert_true(writer_ready(d->bench->writer));
}

static void check_view(struct day *d)
{
    for (unsigned e = 0; e < DAY_EVENTS; e++) {
        struct snapshot *s = view_find(d->view, &d->bench->events[e]->event_id);
        assert_int_equal(s->seq, inventory_seq(inventory_at(d->bench, e)));
        for (uint32_t i = 0; i < SEATS; i++)
            assert_int_equal(snapshot_status(s, i), stored_status(d->bench, e, i));
        view_release(s);
    }
}

static void live_a_day(uint64_t seed)
{
    struct day *d = calloc(1, sizeof(*d));
    d->bench = bench_new();
    d->bench->limits = (struct budget_limits){{[BUDGET_SESSION] = 12, [BUDGET_ADDRESS] = 20}};
    writer_free(d->bench->writer);
    rng_init_seeded(&d->rng, seed);
    start_day_writer(d);
    asked(create_event(d->bench, "a"), BOX_OK);
    asked(create_event(d->bench, "b"), BOX_OK);
    asked(create_event(d->bench, "c"), BOX_OK);

    size_t from = d->bench->note_count;
    for (unsigned i = 0; i < STEPS; i++) {
        for (uint32_t n = roll(d, 4); n > 0; n--)
            random_request(d);
        if (roll(d, 3) == 0)
            random_trouble(d);
        if (roll(d, 2))
            store_mem_step(d->bench->store);
        step(d->bench);
        recount_budget(d->bench);
        take_answers(d, &from);
    }
    rest(d, &from);
    for (struct ask *a = d->bench->asks; a; a = a->next) {
        assert_true(a->answered || d->crashes);
        if (a->answered && a->req.op == WRITER_COMMAND && a->req.code == BOX_OK && !a->req.replay)
            check_durable(d, a);
    }
    check_view(d);
    bench_free(d->bench);
    view_free(d->view);
    free(d);
}

static void test_random_days(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        live_a_day(seed);
    assert_true(metrics_get(METRIC_SESSION_BUDGET_REFUSALS) > 0);
    assert_true(metrics_get(METRIC_ADDRESS_BUDGET_REFUSALS) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_days)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
