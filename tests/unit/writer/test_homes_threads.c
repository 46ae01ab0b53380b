/*
 * Two writers' threads on one store that answers on a thread of its own, submitters that go from one to the
 * other, and a cluster that takes the events from the one for the other all the time, mostly without asking.
 * Nothing is lost or done twice: at the end those holds live that somebody was told of and did not give back.
 */
#include "unit/writer/shared.h"

#include "base/log.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SUBMITTERS = 3, ROUNDS = 250, EVENTS = 2, HOMES = 2 };

struct world {
    struct town *town;
    pthread_mutex_t mtx; /* of what is behind the stores */
    struct work_queue queue;
    atomic_int_least64_t promised[HOMES];
    atomic_int lost;
    atomic_bool over;
};

/* ---- the store's thread ---- */

struct job {
    struct task task; /* first */
    struct world *world;
    struct shared_store *store;
    struct commit *commit; /* or */
    struct idem_lookup *lookup;
};

static struct world *the_world;

static void run_job(struct task *t)
{
    struct job *job = (struct job *)t;
    must(pthread_mutex_lock(&job->world->mtx) == 0);
    if (job->commit)
        shared_do_commit(job->store, job->commit);
    else
        shared_do_lookup(job->store, job->lookup);
    must(pthread_mutex_unlock(&job->world->mtx) == 0);
    free(job);
}

static void submit_job(struct store *s, struct commit *c, struct idem_lookup *l)
{
    struct job *job = malloc(sizeof(*job));
    must(job);
    *job = (struct job){{.run = run_job}, the_world, shared_of(s), c, l};
    must(work_submit(&the_world->queue, &job->task) == 0);
}

static void commit_there(struct store *s, struct commit *c)
{
    submit_job(s, c, NULL);
}

static void look_up_there(struct store *s, struct idem_lookup *l)
{
    submit_job(s, NULL, l);
}

static void *run_store(void *arg)
{
    work_loop(arg);
    return NULL;
}

/* ---- submitters ---- */

struct submitter {
    struct world *world;
    struct mailbox replies;
    struct rng rng;
    uint8_t session;
    unsigned accepted, elsewhere;
    unsigned live[EVENTS]; /* seats that it was told it holds */
};

struct shot {
    struct writer_req req; /* first */
    struct arena arena;
    struct idem_key key;
    bool over;
};

static void shot_done(struct writer_req *req)
{
    ((struct shot *)req)->over = true;
}

static void shot_render(struct writer_req *req, struct idem_record *ret_answer)
{
    ret_answer->http_status = 201;
    ret_answer->change_seq = req->verdict.last->seq;
}

static int shoot(struct submitter *s, struct shot *shot, unsigned server)
{
    shot->over = false;
    must(writer_submit(s->world->town->servers[server].b->writer, &shot->req) == 0);
    while (!shot->over) {
        mailbox_wait(&s->replies, -1);
        task_run_all(&s->replies);
    }
    s->elsewhere += shot->req.code == BOX_ENOTHOME;
    return shot->req.code;
}

/* Until one of them is home. */
static int shoot_anywhere(struct submitter *s, struct shot *shot)
{
    int ret = BOX_ENOTHOME;
    for (unsigned i = rng_below(&s->rng, HOMES); ret == BOX_ENOTHOME; i++)
        ret = shoot(s, shot, i % HOMES);
    return ret;
}

static void one_round(struct submitter *s, struct shot *shot)
{
    unsigned event = rng_below(&s->rng, EVENTS);
    arena_reset(&shot->arena);
    uint32_t *seat = arena_array(&shot->arena, 1, sizeof(*seat));
    *seat = rng_below(&s->rng, SEATS);
    shot->req = (struct writer_req){
        .op = WRITER_COMMAND,
        .event_id = s->world->town->servers[0].b->events[event]->event_id,
        .command = {.kind = COMMAND_HOLD_CREATE,
                    .actor = actor_session(session_numbered(s->session)),
                    .session = session_numbered(s->session),
                    .seats = seat,
                    .seat_count = 1},
        .arena = &shot->arena,
        .render = shot_render,
        .reply_to = &s->replies,
        .done = shot_done,
    };
    rng_bytes(&s->rng, &shot->key.key, sizeof(shot->key.key));
    if (rng_below(&s->rng, 2))
        shot->req.idem = &shot->key;
    if (shoot_anywhere(s, shot) != BOX_OK)
        return; /* taken */
    must(!shot->req.replay);
    s->accepted++;
    s->live[event]++;
    if (shot->req.idem) { /* once more, wherever: the same */
        uint64_t seq = shot->req.verdict.last->seq;
        struct hold_id id = shot->req.verdict.last->hold->hold_id;
        must(shoot_anywhere(s, shot) == BOX_OK);
        must(shot->req.replay && shot->req.replay->change_seq == seq);
        shot->req.command.hold_id = id;
    } else {
        shot->req.command.hold_id = shot->req.verdict.last->hold->hold_id;
    }
    if (rng_below(&s->rng, 4) == 0)
        return;
    shot->req.idem = NULL;
    shot->req.command.kind = COMMAND_HOLD_RELEASE;
    int ret;
    do /* a former home that has not heard of it refuses by what it remembers: there is no such hold */
        ret = shoot_anywhere(s, shot);
    while (ret == BOX_ENOTLIVE);
    must(ret == BOX_OK);
    s->live[event]--;
}

static void *submit_all(void *arg)
{
    struct submitter *s = arg;
    struct shot *shot = calloc(1, sizeof(*shot));
    must(shot);
    arena_init(&shot->arena, 0);
    for (unsigned i = 0; i < ROUNDS; i++)
        one_round(s, shot);
    arena_done(&shot->arena);
    free(shot);
    return NULL;
}

/* ---- the cluster ---- */

struct mover {
    struct world *world;
    struct mailbox replies;
    struct rng rng;
    unsigned moves;
};

static int ask_server(struct mover *m, unsigned server, struct shot *shot)
{
    shot->req.arena = &shot->arena;
    shot->req.reply_to = &m->replies;
    shot->req.done = shot_done;
    shot->over = false;
    must(writer_submit(m->world->town->servers[server].b->writer, &shot->req) == 0);
    while (!shot->over) {
        mailbox_wait(&m->replies, -1);
        task_run_all(&m->replies);
    }
    return shot->req.code;
}

static void take_for(struct mover *m, unsigned server, unsigned event)
{
    struct server *s = &m->world->town->servers[server];
    struct shot shot = {0};
    arena_init(&shot.arena, 0);
    must(pthread_mutex_lock(&m->world->mtx) == 0);
    struct image image;
    must(store_take_event(s->b->store, &s->b->events[event]->event_id, lend_layout, s->b, &image) == 0);
    must(pthread_mutex_unlock(&m->world->mtx) == 0);
    shot.req = (struct writer_req){.op = WRITER_ADOPT, .event_id = s->b->events[event]->event_id};
    shot.req.inventory = inventory_new(&image, &s->b->rng);
    shot.req.home = true;
    image_done(&image);
    int ret = ask_server(m, server, &shot);
    must(ret == BOX_OK || ret == BOX_EEXISTS);
    m->moves += ret == BOX_OK;
    arena_done(&shot.arena);
}

static void resign_from(struct mover *m, unsigned server, unsigned event)
{
    struct shot shot = {0};
    arena_init(&shot.arena, 0);
    shot.req = (struct writer_req){.op = WRITER_RESIGN,
                                   .event_id = m->world->town->servers[server].b->events[event]->event_id};
    ask_server(m, server, &shot);
    arena_done(&shot.arena);
}

static void *move_all(void *arg)
{
    struct mover *m = arg;
    while (!atomic_load(&m->world->over)) {
        unsigned event = rng_below(&m->rng, EVENTS), to = rng_below(&m->rng, HOMES);
        /* Who takes an event is not home of it, as far as it knows. */
        resign_from(m, to, event);
        if (rng_below(&m->rng, 2))
            resign_from(m, 1 - to, event);
        take_for(m, to, event);
        for (unsigned s = 0; s < HOMES; s++) {
            int64_t promise = writer_stable_us(m->world->town->servers[s].b->writer);
            must(promise >= atomic_load(&m->world->promised[s]));
            atomic_store(&m->world->promised[s], promise);
        }
    }
    return NULL;
}

/* ---- observers: the writers' threads ---- */

struct watch {
    struct world *world;
    unsigned server;
};

static void check_decided(void *ctx, const struct inventory *inv, const struct change *first)
{
    const struct watch *w = ctx;
    (void)inv;
    for (const struct change *c = first; c; c = c->next)
        must(c->time_us > atomic_load(&w->world->promised[w->server]));
}

static void count_lost(void *ctx, const struct event_id *id)
{
    const struct watch *w = ctx;
    (void)id;
    atomic_fetch_add(&w->world->lost, 1);
}

/* ---- the test ---- */

static void *run_writer(void *arg)
{
    writer_run(arg);
    return NULL;
}

static void world_init(struct world *w, struct watch *watches, struct store_ops *ops,
                       struct store_shared_ops *shared)
{
    the_world = w;
    w->town = town_new();
    struct bench *first = w->town->servers[0].b;
    asked(create_event(first, "a"), BOX_OK);
    asked(create_event(first, "b"), BOX_OK);
    assert_int_equal(pthread_mutex_init(&w->mtx, NULL), 0);
    work_init(&w->queue, 1024);
    *ops = *first->store->ops;
    *shared = *ops->shared;
    ops->commit = commit_there;
    ops->shared = shared;
    shared->idem_lookup = look_up_there;
    for (unsigned i = 0; i < HOMES; i++) {
        struct server *s = &w->town->servers[i];
        hear_of(s->b, first);
        watches[i] = (struct watch){w, i};
        s->store.store.ops = ops;
        s->b->next_observer = (struct writer_observer){0};
        writer_free(s->b->writer);
        struct writer_options options = {
            .store = s->b->store,
            .clock = &s->b->clock,
            .rng = &s->b->rng,
            .observer = {.ctx = &watches[i], .decided = check_decided, .lost = count_lost},
            .layout_of = lend_hall,
            .layout_ctx = s->b,
        };
        clock_init_system(&s->b->clock);
        s->b->writer = writer_new(&options);
        assert_int_equal(writer_load(s->b->writer, NULL, NULL), 0);
    }
}

static void run_world(struct world *w, struct submitter *submitters, struct mover *mover)
{
    pthread_t store, writers[HOMES], threads[SUBMITTERS], moving;
    assert_int_equal(pthread_create(&store, NULL, run_store, &w->queue), 0);
    for (unsigned i = 0; i < HOMES; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, run_writer, w->town->servers[i].b->writer), 0);
    for (unsigned e = 0; e < EVENTS * HOMES; e++) /* both know the events, the last one is home */
        take_for(mover, e % HOMES, e / HOMES);
    for (unsigned i = 0; i < SUBMITTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit_all, &submitters[i]), 0);
    assert_int_equal(pthread_create(&moving, NULL, move_all, mover), 0);
    for (unsigned i = 0; i < SUBMITTERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    atomic_store(&w->over, true);
    assert_int_equal(pthread_join(moving, NULL), 0);
    for (unsigned i = 0; i < HOMES; i++) {
        writer_stop(w->town->servers[i].b->writer);
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    }
    work_stop(&w->queue);
    assert_int_equal(pthread_join(store, NULL), 0);
}

static void check_holds(const struct world *w, const struct submitter *submitters)
{
    for (unsigned e = 0; e < EVENTS; e++) {
        uint32_t live = 0, told = 0;
        for (uint32_t seat = 0; seat < SEATS; seat++) {
            struct ticket_row row;
            const struct event_id *id = &w->town->servers[0].b->events[e]->event_id;
            assert_int_equal(store_get_ticket(w->town->mem, id, seat, &row), 0);
            live += row.status == SEAT_HELD;
        }
        for (unsigned i = 0; i < SUBMITTERS; i++)
            told += submitters[i].live[e];
        assert_int_equal(live, told);
    }
}

static void test_events_move(void **state)
{
    (void)state;
    struct world w = {0};
    struct watch watches[HOMES];
    struct store_ops ops;
    struct store_shared_ops shared;
    log_set_level(LOG_ERROR);
    struct submitter submitters[SUBMITTERS] = {0};
    struct mover mover = {.world = &w};
    world_init(&w, watches, &ops, &shared);
    rng_init_seeded(&mover.rng, 99);
    assert_int_equal(mailbox_init(&mover.replies), 0);
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        submitters[i].world = &w;
        submitters[i].session = (uint8_t)(i + 1);
        rng_init_seeded(&submitters[i].rng, i);
        assert_int_equal(mailbox_init(&submitters[i].replies), 0);
    }
    run_world(&w, submitters, &mover);
    check_holds(&w, submitters);
    assert_true(mover.moves > 0);
    print_message("%u moves, %d lost\n", mover.moves, atomic_load(&w.lost));
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        assert_true(submitters[i].accepted > 0);
        mailbox_done(&submitters[i].replies); /* not earlier: the last post must have returned */
    }
    mailbox_done(&mover.replies);
    work_done(&w.queue);
    assert_int_equal(pthread_mutex_destroy(&w.mtx), 0);
    town_free(w.town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events_move)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
