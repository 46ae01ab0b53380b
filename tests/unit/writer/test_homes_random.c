/*
 * Random days of three servers on one store. Events are taken from each other at any time, also from one that
 * does not know it; commits and look-ups are late, their outcome is sometimes unknown; what is taken is
 * adopted late; changes are carried to the others late or not at all; clocks jump. Whatever happens:
 *   - what a server shows is durable, and never goes back;
 *   - what was answered with success is durable, under the seq that was answered;
 *   - a key has one effect, on whichever servers it was tried;
 *   - no change is decided at a time that was promised before;
 *   - what the budget counts is what is held.
 */
#include "unit/writer/shared.h"

#include "unit/writer/recount.h"

#include "base/log.h"

enum { SEEDS = 120, STEPS = 400, KEYS = 30, DAY_EVENTS = 3 };

struct day {
    struct town *town;
    struct rng rng;
    uint64_t shown[SERVERS][DAY_EVENTS];
    int64_t promised[SERVERS];
    uint64_t key_seq[KEYS][DAY_EVENTS];          /* what was answered for a key: 0 nothing yet */
    struct inventory *late[SERVERS][DAY_EVENTS]; /* taken, and not adopted yet */
    const struct ask *recent[16];                /* answered holds and orders to go on from */
    size_t noted[SERVERS];
    unsigned accepted, elsewhere, unknown, lost, followed;
};

/* What an observer is given: the day, and whose it is. */
struct watch {
    struct day *day;
    unsigned server;
};

static uint32_t roll(struct day *d, uint32_t bound)
{
    return rng_below(&d->rng, bound);
}

static struct server *any_server(struct day *d)
{
    return &d->town->servers[roll(d, SERVERS)];
}

static unsigned number_of(const struct day *d, const struct event_id *id)
{
    const struct bench *b = d->town->servers[0].b;
    for (unsigned e = 0; e < DAY_EVENTS; e++) {
        if (uuid_equal(&b->events[e]->event_id.u, &id->u))
            return e;
    }
    fail_msg("no such event");
    return 0;
}

/* ---- what is shown ---- */

/* The store's change of this number has this hash. */
static void check_durable(const struct day *d, const struct event_id *id, uint64_t seq,
                          const struct digest *hash)
{
    struct change **list;
    uint32_t count;
    struct arena arena;
    arena_init(&arena, 0);
    assert_int_equal(store_list_changes(d->town->mem, id, seq - 1, 1, &arena, &list, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(list[0]->seq, seq);
    assert_true(digest_equal(&list[0]->hash, hash));
    event_unref(list[0]->event);
    arena_done(&arena);
}

static void check_shown(const struct watch *o, const struct inventory *inv)
{
    const struct event_id *id = &inventory_event(inv)->event_id;
    uint64_t *shown = &o->day->shown[o->server][number_of(o->day, id)];
    assert_true(inventory_seq(inv) >= *shown);
    *shown = inventory_seq(inv);
    check_durable(o->day, id, *shown, inventory_hash(inv));
}

static void on_day_loaded(void *ctx, const struct inventory *inv)
{
    check_shown(ctx, inv);
}

static void on_day_changed(void *ctx, const struct inventory *inv, const struct change *first)
{
    (void)first;
    check_shown(ctx, inv);
}

static void on_day_decided(void *ctx, const struct inventory *inv, const struct change *first)
{
    const struct watch *o = ctx;
    for (const struct change *c = first; c; c = c->next)
        assert_true(c->time_us > o->day->promised[o->server]);
    send_decided(&o->day->town->servers[o->server], inv, first);
}

static void on_day_lost(void *ctx, const struct event_id *id)
{
    const struct watch *o = ctx;
    (void)id;
    o->day->lost++;
}

/* ---- requests ---- */

/* The same key always carries the same body, whoever gets it. */
static struct ask *random_hold(struct day *d)
{
    unsigned event = roll(d, DAY_EVENTS), key = roll(d, KEYS);
    bool keyed = roll(d, 2);
    uint32_t seat = keyed ? (key * 7 + event) % SEATS : roll(d, SEATS);
    struct ask *a = hold(any_server(d)->b, event, seat, (uint8_t)(1 + roll(d, 5)));
    char name[32];
    snprintf(name, sizeof(name), "%u of %u", key, event);
    if (keyed)
        with_key(a, name, name);
    a->answer.http_status = (uint16_t)key; /* for the test to find */
    return a;
}

static struct ask *random_next(struct day *d)
{
    const struct ask *before = d->recent[roll(d, 16)];
    if (!before)
        return NULL;
    unsigned event = number_of(d, &before->req.event_id);
    const struct change *c = before->req.verdict.last;
    struct bench *b = any_server(d)->b;
    struct ask *a = command(b, event, roll(d, 2) ? COMMAND_HOLD_RELEASE : COMMAND_ORDER_CREATE);
    a->req.command.hold_id = c->hold->hold_id;
    if (c->order) {
        a->req.command.kind = roll(d, 3) ? COMMAND_ORDER_CONFIRM : COMMAND_ORDER_CANCEL;
        a->req.command.order_id = c->order->order_id;
    }
    return a;
}

static void take_answer(struct day *d, const struct ask *a)
{
    d->unknown += a->req.code == BOX_EUNKNOWN;
    d->elsewhere += a->req.code == BOX_ENOTHOME;
    if (a->req.op != WRITER_COMMAND || a->req.code != BOX_OK)
        return;
    uint64_t seq = a->req.replay ? a->req.replay->change_seq : a->req.verdict.last->seq;
    if (a->req.idem) {
        uint64_t *known = &d->key_seq[a->answer.http_status][number_of(d, &a->req.event_id)];
        assert_true(*known == 0 || *known == seq); /* one effect */
        *known = seq;
    }
    if (a->req.replay)
        return;
    d->accepted++;
    check_durable(d, &a->req.event_id, seq, &a->req.verdict.last->hash);
    if (a->req.verdict.last->hold)
        d->recent[roll(d, 16)] = a;
}

static void take_answers(struct day *d)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        const struct bench *b = d->town->servers[i].b;
        for (; d->noted[i] < b->note_count; d->noted[i]++) {
            if (b->notes[d->noted[i]].kind == NOTE_DONE)
                take_answer(d, b->notes[d->noted[i]].ask);
        }
    }
}

/* ---- the cluster ---- */

static void submit_adopt(struct server *s, unsigned event, struct inventory *inv, bool home)
{
    struct ask *a = about(s->b, WRITER_ADOPT, event);
    a->req.inventory = inv;
    a->req.home = home;
    submit(a);
}

static void adopt_late(struct day *d, unsigned server, unsigned event)
{
    struct inventory **late = &d->late[server][event];
    if (*late)
        submit_adopt(&d->town->servers[server], event, *late, true);
    *late = NULL;
}

static void random_take(struct day *d)
{
    unsigned server = roll(d, SERVERS), event = roll(d, DAY_EVENTS);
    struct server *s = &d->town->servers[server];
    adopt_late(d, server, event);
    if (s->store.commit_count == 0) /* a server does not take what it has under way */
        d->late[server][event] = taken(s, event);
    if (roll(d, 2))
        adopt_late(d, server, event);
}

/* From whoever says that he is home; that may be wrong, but what he shows is durable. */
static void ask_for_image(struct day *d, struct server *to, unsigned event)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *from = &d->town->servers[i];
        struct buf bytes = {0};
        struct image image;
        struct ask *a = about(from->b, WRITER_IMAGE, event);
        a->req.image = &bytes;
        submit(a);
        while (!a->answered) {
            settle(from->b);
            if (!a->answered)
                assert_true(shared_step(&from->store));
        }
        if (from != to && a->req.code == BOX_OK) {
            assert_int_equal(image_decode(bytes.data, bytes.size, lend_layout, to->b, &image), 0);
            submit_adopt(to, event, inventory_new(&image, &to->b->rng), false);
            image_done(&image);
        }
        buf_done(&bytes);
    }
}

static void random_follow(struct day *d)
{
    struct server *from = any_server(d), *to = any_server(d);
    size_t *at = &from->read[to - d->town->servers];
    if (from == to || *at == from->sent_count)
        return;
    size_t n =
        roll(d, 20) ? *at : roll(d, (uint32_t)from->sent_count); /* now and then an old or a later one */
    int ret = follow_one(from, to, n);
    assert_int_not_equal(ret, BOX_ECORRUPT); /* what was durable always fits what was durable */
    *at += n == *at;
    d->followed += ret == BOX_OK;
    if (ret == BOX_ERANGE || ret == BOX_ENOTFOUND)
        ask_for_image(d, to, number_of(d, &from->sent[n].event));
}

static void random_trouble(struct day *d)
{
    struct server *s = any_server(d);
    switch (roll(d, 8)) {
    case 0:
        s->store.keep_commits = roll(d, 2);
        break;
    case 1:
        s->store.keep_lookups = roll(d, 2);
        break;
    case 2:
        s->store.fate = (enum fate)roll(d, 4);
        break;
    case 3:
        forward(s->b, roll(d, 2) ? roll(d, 2000000) : HOLD_SECONDS * INT64_C(300000));
        break;
    case 4:
        forward(s->b, -(int64_t)roll(d, 5000000));
        break;
    case 5:
        submit(about(s->b, WRITER_RESIGN, roll(d, DAY_EVENTS)));
        break;
    default:
        random_take(d);
        break;
    }
}

/* ---- a day ---- */

static void step_all(struct day *d)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *s = &d->town->servers[i];
        if (roll(d, 2))
            shared_step(&s->store);
        if (roll(d, 2))
            shared_answer(&s->store);
        step(s->b);
        recount_budget(s->b);
        int64_t promise = writer_stable_us(s->b->writer);
        assert_true(promise >= d->promised[i]);
        d->promised[i] = promise;
    }
}

/* Nothing is late any more. */
static void rest(struct day *d)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *s = &d->town->servers[i];
        s->store.keep_commits = s->store.keep_lookups = false;
        s->store.fate = FATE_DONE;
        for (unsigned e = 0; e < DAY_EVENTS; e++)
            adopt_late(d, i, e);
        do
            settle(s->b);
        while (shared_step(&s->store) || shared_answer(&s->store));
    }
    take_answers(d);
}

static void resign(struct server *s, unsigned event)
{
    struct ask *a = submitted(about(s->b, WRITER_RESIGN, event));
    settle(s->b);
    assert_true(a->answered); /* with what is the same here: it is not home any more */
    assert_true(a->req.code == BOX_OK || a->req.code == BOX_ENOTHOME || a->req.code == BOX_ENOTFOUND);
}

/* One takes every event; then all show the same, and it is what the store has. */
static void check_end(struct day *d)
{
    struct server *last = any_server(d);
    for (unsigned e = 0; e < DAY_EVENTS; e++) {
        for (unsigned i = 0; i < SERVERS; i++)
            resign(&d->town->servers[i], e);
        become_home(last, e);
        for (unsigned i = 0; i < SERVERS; i++) {
            struct server *s = &d->town->servers[i];
            if (s != last)
                begin_to_follow(last, s, e);
            check_same(s, last, e);
            recount_budget(s->b);
            assert_int_equal(d->shown[i][e], inventory_seq(inventory_at(s->b, e)));
        }
        for (uint32_t seat = 0; seat < SEATS; seat++)
            assert_int_equal(inventory_seat_status(inventory_at(last->b, e), seat),
                             stored_status(last->b, e, seat));
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        for (const struct ask *a = d->town->servers[i].b->asks; a; a = a->next)
            assert_true(a->answered);
    }
}

enum total { ACCEPTED, ELSEWHERE, UNKNOWN, LOST, FOLLOWED, TOTALS };

static void live_a_day(uint64_t seed, unsigned *totals)
{
    struct day *d = calloc(1, sizeof(*d));
    struct watch watches[SERVERS];
    d->town = town_new();
    rng_init_seeded(&d->rng, seed);
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *s = &d->town->servers[i];
        asked(create_event(s->b, (const char *[]){"a", "b", "c"}[i]), BOX_OK);
        for (unsigned j = 0; j < SERVERS; j++)
            hear_of(d->town->servers[j].b, s->b);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *s = &d->town->servers[i];
        watches[i] = (struct watch){d, i};
        s->b->next_observer = (struct writer_observer){
            .ctx = &watches[i],
            .loaded = on_day_loaded,
            .changed = on_day_changed,
            .decided = on_day_decided,
            .lost = on_day_lost,
        };
        d->noted[i] = s->b->note_count;
    }
    for (unsigned i = 0; i < STEPS; i++) {
        for (uint32_t n = roll(d, 5); n > 0; n--) {
            struct ask *a = roll(d, 3) ? random_hold(d) : random_next(d);
            if (a)
                submit(a);
        }
        if (roll(d, 4) == 0)
            random_trouble(d);
        random_follow(d);
        step_all(d);
        take_answers(d);
    }
    rest(d);
    check_end(d);
    totals[ACCEPTED] += d->accepted;
    totals[ELSEWHERE] += d->elsewhere;
    totals[UNKNOWN] += d->unknown;
    totals[LOST] += d->lost;
    totals[FOLLOWED] += d->followed;
    town_free(d->town);
    free(d);
}

static void test_random_days(void **state)
{
    (void)state;
    unsigned totals[TOTALS] = {0};
    log_set_level(LOG_ERROR);
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        live_a_day(seed, totals);
    print_message("%u accepted, %u elsewhere, %u unknown, %u lost, %u followed\n", totals[ACCEPTED],
                  totals[ELSEWHERE], totals[UNKNOWN], totals[LOST], totals[FOLLOWED]);
    for (unsigned i = 0; i < TOTALS; i++)
        assert_true(totals[i] > SEEDS); /* the days are eventful */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_days)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
