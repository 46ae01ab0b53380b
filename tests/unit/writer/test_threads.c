/*
 * Four submitters and two readers against the writer's thread. The readers check each snapshot by itself
 * (counts and bitmap belong together), that an event's seq never goes back, and that deltas lead from one
 * bitmap to the next; the submitters that what they were told is visible.
 */
#include "unit/writer/fixture.h"
#include "unit/writer/wrapped.h"

#include "base/must.h"
#include "view/view.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SUBMITTERS = 4, READERS = 2, ROUNDS = 300, IN_FLIGHT = 8, EVENTS = 3 };

struct world {
    struct bench *bench;
    struct view *view;
    atomic_bool over;
};

struct submitter {
    struct world *world;
    struct mailbox replies;
    struct rng rng;
    uint8_t session;
    unsigned accepted, refused, trouble;
};

/* ---- the view ---- */

static void show_loaded(void *ctx, const struct inventory *inv)
{
    view_load(ctx, inv);
}

static void show_changed(void *ctx, const struct inventory *inv, const struct change *first)
{
    view_apply(ctx, inv, first);
}

static void show_gone(void *ctx, const struct event_id *id)
{
    view_remove(ctx, id);
}

static void check_snapshot(const struct snapshot *s)
{
    uint32_t counts[SEAT_STATUSES] = {0};
    for (uint32_t i = 0; i < s->layout->seats_total; i++)
        counts[snapshot_status(s, i)]++;
    must(memcmp(counts, s->counts, sizeof(counts)) == 0);
    must(memcmp(counts, s->places[0].n, sizeof(counts)) == 0);
}

static void *read_all(void *arg)
{
    struct world *w = arg;
    struct snapshot *last[EVENTS] = {0};
    struct arena arena;
    arena_init(&arena, 0);
    while (!atomic_load(&w->over)) {
        for (unsigned e = 0; e < EVENTS; e++) {
            const struct event_id *id = &w->bench->events[e]->event_id;
            struct snapshot *s;
            struct seat_delta *changes;
            uint32_t count;
            uint64_t since = last[e] ? last[e]->seq : 0;
            int ret = view_changes(w->view, id, since, &arena, &changes, &count, &s);
            must(ret == 0 || (ret == BOX_ERANGE));
            must(s->seq >= since);
            check_snapshot(s);
            if (ret == 0 && last[e]) {
                uint8_t bitmap[(SEATS + 3) / 4];
                memcpy(bitmap, last[e]->bitmap, sizeof(bitmap));
                for (uint32_t i = 0; i < count; i++) {
                    unsigned shift = 2 * (changes[i].seat % 4);
                    unsigned byte = bitmap[changes[i].seat / 4] & ~(3u << shift);
                    bitmap[changes[i].seat / 4] = (uint8_t)(byte | (unsigned)changes[i].status << shift);
                }
                must(memcmp(bitmap, s->bitmap, sizeof(bitmap)) == 0);
            }
            view_release(last[e]);
            last[e] = s;
            arena_reset(&arena);
        }
    }
    for (unsigned e = 0; e < EVENTS; e++)
        view_release(last[e]);
    arena_done(&arena);
    return NULL;
}

/* ---- submitters ---- */

/* A request of its own memory; unlike the fixture's it notes nothing, since many threads make them. */
struct shot {
    struct writer_req req; /* first */
    struct submitter *submitter;
    struct arena arena;
    struct idem_key key;
    struct hold_id held;
    unsigned step; /* of its little story: hold, then release or leave */
    bool over;
};

static void shot_done(struct writer_req *req);

static void shot_render(struct writer_req *req, struct idem_record *ret_answer)
{
    ret_answer->http_status = 201;
    ret_answer->change_seq = req->verdict.last->seq;
}

static void start_shot(struct shot *shot)
{
    struct submitter *s = shot->submitter;
    arena_reset(&shot->arena);
    shot->req = (struct writer_req){
        .op = WRITER_COMMAND,
        .event_id = s->world->bench->events[rng_below(&s->rng, EVENTS)]->event_id,
        .arena = &shot->arena,
        .render = shot_render,
        .reply_to = &s->replies,
        .done = shot_done,
    };
    uint32_t *seats = arena_array(&shot->arena, 2, sizeof(*seats));
    seats[0] = rng_below(&s->rng, SEATS);
    seats[1] = (seats[0] + 1 + rng_below(&s->rng, SEATS - 1)) % SEATS;
    shot->req.command = (struct command){
        .kind = COMMAND_HOLD_CREATE,
        .actor = actor_session(session_numbered(s->session)),
        .session = session_numbered(s->session),
        .seats = seats,
        .seat_count = 1 + rng_below(&s->rng, 2),
    };
    rng_bytes(&s->rng, &shot->key.key, sizeof(shot->key.key));
    if (rng_below(&s->rng, 2))
        shot->req.idem = &shot->key;
    shot->step = 0;
    must(writer_submit(s->world->bench->writer, &shot->req) == 0);
}

static void start_release(struct shot *shot)
{
    struct submitter *s = shot->submitter;
    shot->held = shot->req.verdict.last->hold->hold_id;
    shot->req.command.kind = COMMAND_HOLD_RELEASE;
    shot->req.command.hold_id = shot->held;
    shot->req.idem = NULL;
    shot->step = 1;
    must(writer_submit(s->world->bench->writer, &shot->req) == 0);
}

static void check_visible(struct submitter *s, const struct shot *shot)
{
    struct snapshot *seen = view_find(s->world->view, &shot->req.event_id);
    must(seen->seq >= shot->req.verdict.last->seq); /* a buyer reads his own writes */
    view_release(seen);
}

static void shot_done(struct writer_req *req)
{
    struct shot *shot = (struct shot *)req;
    struct submitter *s = shot->submitter;
    if (req->code == BOX_OK) {
        check_visible(s, shot);
        s->accepted++;
        if (shot->step == 0) {
            start_release(shot);
            return;
        }
    } else if (req->code == BOX_ESEATSTAKEN) {
        s->refused++;
    } else {
        s->trouble++;
        must(req->code == BOX_EUNKNOWN || req->code == BOX_EUNAVAILABLE || req->code == BOX_ENOTLIVE ||
             req->code == BOX_EHOLDSTATE || req->code == BOX_ESESSIONLIMIT);
    }
    shot->over = true;
}

static void *submit_all(void *arg)
{
    struct submitter *s = arg;
    struct shot *shots = calloc(IN_FLIGHT, sizeof(*shots));
    unsigned left = ROUNDS, running = 0;
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        shots[i].submitter = s;
        shots[i].over = true;
        arena_init(&shots[i].arena, 0);
    }
    while (left || running) {
        running = 0;
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            if (shots[i].over && left) {
                left--;
                shots[i].over = false;
                start_shot(&shots[i]);
            }
            running += !shots[i].over;
        }
        if (running) {
            mailbox_wait(&s->replies, -1);
            task_run_all(&s->replies);
        }
    }
    for (unsigned i = 0; i < IN_FLIGHT; i++)
        arena_done(&shots[i].arena);
    free(shots);
    return NULL;
}

/* ---- the test ---- */

static void *run_writer(void *arg)
{
    writer_run(arg);
    return NULL;
}

static void run_world(struct world *w)
{
    pthread_t writer, readers[READERS], threads[SUBMITTERS];
    struct submitter submitters[SUBMITTERS] = {0};
    assert_int_equal(pthread_create(&writer, NULL, run_writer, w->bench->writer), 0);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all, w), 0);
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        submitters[i].world = w;
        submitters[i].session = (uint8_t)(i + 1);
        rng_init_seeded(&submitters[i].rng, i);
        assert_int_equal(mailbox_init(&submitters[i].replies), 0);
        assert_int_equal(pthread_create(&threads[i], NULL, submit_all, &submitters[i]), 0);
    }
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(submitters[i].accepted > 0 && submitters[i].refused + submitters[i].trouble < 2 * ROUNDS);
    }
    writer_stop(w->bench->writer);
    assert_int_equal(pthread_join(writer, NULL), 0);
    for (unsigned i = 0; i < SUBMITTERS; i++)
        mailbox_done(&submitters[i].replies); /* not earlier: the last post must have returned */
    atomic_store(&w->over, true);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
}

static void check_view_is_store(struct world *w)
{
    for (unsigned e = 0; e < EVENTS; e++) {
        struct snapshot *s = view_find(w->view, &w->bench->events[e]->event_id);
        inventory_check(inventory_at(w->bench, e));
        assert_int_equal(s->seq, inventory_seq(inventory_at(w->bench, e)));
        for (uint32_t i = 0; i < SEATS; i++)
            assert_int_equal(snapshot_status(s, i), stored_status(w->bench, e, i));
        view_release(s);
    }
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    w->bench = bench_new();
    w->view = view_new();
    w->bench->next_observer = (struct writer_observer){
        .ctx = w->view, .loaded = show_loaded, .changed = show_changed, .gone = show_gone};
    asked(create_event(w->bench, "a"), BOX_OK);
    asked(create_event(w->bench, "b"), BOX_OK);
    asked(create_event(w->bench, "c"), BOX_OK);
    asked(hold(w->bench, 0, 0, 9), BOX_OK);
    clock_init_system(&w->bench->clock); /* years later */
    return w;
}

static void world_free(struct world *w)
{
    check_view_is_store(w);
    bench_free(w->bench);
    view_free(w->view);
    free(w);
}

static void test_submitters_and_readers(void **state)
{
    (void)state;
    struct world *w = world_new();
    run_world(w);
    world_free(w);
}

/* The same while the store fails now and then. */
static void test_with_failures(void **state)
{
    (void)state;
    struct world *w = world_new();
    store_mem_fail(w->bench->store, 20, STORE_MEM_UNKNOWN_DONE);
    run_world(w);
    world_free(w);
}

/* ---- a store that completes on a thread of its own ---- */

struct late_store {
    struct wrapped wrapped; /* first */
    struct work_queue queue;
    pthread_t thread;
};

struct late_commit {
    struct task task; /* first */
    struct late_store *store;
    struct commit *commit;
};

static void run_late(struct task *t)
{
    struct late_commit *late = (struct late_commit *)t;
    struct store *inner = late->store->wrapped.inner;
    struct commit *c = late->commit;
    free(late);
    store_commit(inner, c);
}

static void commit_late(struct wrapped *w, struct commit *c)
{
    struct late_commit *late = malloc(sizeof(*late));
    must(late);
    *late = (struct late_commit){{.run = run_late}, (struct late_store *)w, c};
    must(work_submit(&late->store->queue, &late->task) == 0);
}

static void *run_late_commits(void *arg)
{
    work_loop(arg);
    return NULL;
}

/* With a hold that is overdue: its expiry at the load waits for that thread as well. */
static void check_late_commits(unsigned fail_at)
{
    struct world *w = world_new();
    struct late_store late = {.wrapped = wrap(w->bench->store)};
    late.wrapped.commit = commit_late;
    work_init(&late.queue, 64);
    assert_int_equal(pthread_create(&late.thread, NULL, run_late_commits, &late.queue), 0);
    w->bench->store = &late.wrapped.store;
    restart(w->bench);
    assert_int_equal(inventory_live_holds(inventory_at(w->bench, 0)), 0);
    if (fail_at)
        store_mem_fail(late.wrapped.inner, fail_at, STORE_MEM_UNKNOWN_UNDONE);
    run_world(w);
    work_stop(&late.queue);
    assert_int_equal(pthread_join(late.thread, NULL), 0);
    work_done(&late.queue);
    w->bench->store = late.wrapped.inner;
    world_free(w);
}

static void test_commits_completed_elsewhere(void **state)
{
    (void)state;
    check_late_commits(0);
    check_late_commits(30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submitters_and_readers),
        cmocka_unit_test(test_with_failures),
        cmocka_unit_test(test_commits_completed_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
