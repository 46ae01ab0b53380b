/* Whose event it is: two servers on one store, their writers, and who may decide. */
#include "unit/writer/shared.h"

#include "unit/writer/recount.h"

struct pair {
    struct town *town;
    struct server *a, *b; /* a is home of event 0, b follows it */
};

static struct pair pair_new(void)
{
    struct pair p = {.town = town_new()};
    p.a = &p.town->servers[0];
    p.b = &p.town->servers[1];
    asked(create_event(p.a->b, "concert"), BOX_OK);
    begin_to_follow(p.a, p.b, 0);
    p.a->read[1] = p.a->sent_count;
    return p;
}

static void check_pair(const struct pair *p)
{
    recount_budget(p->a->b);
    recount_budget(p->b->b);
    check_same(p->a, p->b, 0);
    for (uint32_t i = 0; i < SEATS; i++)
        assert_int_equal(stored_status(p->a->b, 0, i), inventory_seat_status(inventory_at(p->a->b, 0), i));
}

/* Everybody has what @from decided. */
static void follow(struct pair *p, struct server *from)
{
    follow_all(p->town, from, from == p->a ? p->b : p->a);
}

/* ---- following ---- */

static void test_follower_shows_what_home_decides(void **state)
{
    struct pair p = pair_new();
    (void)state;
    size_t from = p.b->b->note_count;
    struct ask *held = asked(hold(p.a->b, 0, 3, 1), BOX_OK);
    struct ask *ordered = asked(of_hold(p.a->b, 0, COMMAND_ORDER_CREATE, held), BOX_OK);
    asked(of_order(p.a->b, 0, COMMAND_ORDER_CONFIRM, ordered), BOX_OK);
    asked(hold(p.a->b, 0, 4, 2), BOX_OK);
    assert_int_equal(noted(p.a->b, NOTE_DECIDED, 0), 5); /* with the creation */
    follow(&p, p.a);
    assert_int_equal(noted(p.b->b, NOTE_CHANGED, from), 4);
    assert_int_equal(noted(p.b->b, NOTE_DECIDED, 0), 0);
    check_pair(&p);
    assert_int_equal(metrics_get(METRIC_LIVE_HOLDS), 1); /* the home's alone */

    asked(hold(p.b->b, 0, 5, 3), BOX_ENOTHOME);
    asked(with_key(hold(p.b->b, 0, 5, 3), "key", "body"), BOX_ENOTHOME);
    assert_int_equal(p.b->store.lookups_made, 0);
    struct buf bytes = {0};
    struct ask *image = about(p.b->b, WRITER_IMAGE, 0);
    image->req.image = &bytes;
    asked(image, BOX_ENOTHOME);
    assert_int_equal(bytes.size, 0);
    asked(about(p.b->b, WRITER_RESIGN, 0), BOX_ENOTHOME);
    town_free(p.town);
}

static void test_decided_comes_first(void **state)
{
    struct pair p = pair_new();
    (void)state;
    assert_int_equal(p.a->b->notes[0].kind, NOTE_DECIDED);
    assert_int_equal(p.a->b->notes[1].kind, NOTE_LOADED);
    size_t from = p.a->b->note_count;
    asked(hold(p.a->b, 0, 3, 1), BOX_OK);
    assert_int_equal(p.a->b->notes[from].kind, NOTE_DECIDED);
    assert_int_equal(p.a->b->notes[from + 1].kind, NOTE_CHANGED);
    assert_int_equal(p.a->b->notes[from + 2].kind, NOTE_DONE);
    town_free(p.town);
}

/* Old news are passed over; where one is missing, nothing is shown, and the rest may still come. */
static void test_gap(void **state)
{
    struct pair p = pair_new();
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        asked(hold(p.a->b, 0, i, 1), BOX_OK);
    size_t first = p.a->sent_count - 3, from = p.b->b->note_count;
    assert_int_equal(follow_one(p.a, p.b, first + 1), BOX_ERANGE);
    assert_int_equal(noted(p.b->b, NOTE_CHANGED, from), 0);
    assert_int_equal(follow_one(p.a, p.b, first), BOX_OK);
    assert_int_equal(follow_one(p.a, p.b, first), BOX_OK);
    assert_int_equal(noted(p.b->b, NOTE_CHANGED, from), 1);
    assert_int_equal(follow_one(p.a, p.b, first + 2), BOX_ERANGE);
    assert_int_equal(follow_one(p.a, p.b, first + 1), BOX_OK);
    assert_int_equal(follow_one(p.a, p.b, first + 2), BOX_OK);
    check_pair(&p);
    town_free(p.town);
}

/* What does not fit shows nothing, and the state that cannot be trusted is not followed on from. */
static void test_a_change_that_does_not_fit(void **state)
{
    struct pair p = pair_new();
    (void)state;
    asked(hold(p.a->b, 0, 0, 1), BOX_OK);
    asked(hold(p.a->b, 0, 1, 1), BOX_OK);
    size_t last = p.a->sent_count - 1, from = p.b->b->note_count;
    struct buf *bytes = &p.a->sent[last].bytes;
    struct ask *both = about(p.b->b, WRITER_FOLLOW, 0);
    struct change *second;
    bytes->data[bytes->size - 1] ^= 1; /* of the hash */
    assert_int_equal(change_decode(p.a->sent[last - 1].bytes.data, p.a->sent[last - 1].bytes.size,
                                   &both->arena, &both->req.changes),
                     0);
    assert_int_equal(change_decode(bytes->data, bytes->size, &both->arena, &second), 0);
    both->req.changes->next = second;
    asked(both, BOX_ECORRUPT);
    assert_int_equal(noted(p.b->b, NOTE_CHANGED, from), 0);
    assert_int_equal(noted(p.b->b, NOTE_LOST, from), 0);
    bytes->data[bytes->size - 1] ^= 1;
    assert_int_equal(follow_one(p.a, p.b, last), BOX_ENOTFOUND);
    recount_budget(p.b->b);
    begin_to_follow(p.a, p.b, 0);
    check_pair(&p);
    town_free(p.town);
}

static void test_followed_deletion(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct ask *create = create_event(p.a->b, "hidden");
    struct event *hidden = event_with_state(create->req.new_event, false, EVENT_SCHEDULED, false);
    hidden->ever_published = false;
    create->req.new_event = hidden;
    asked(create, BOX_OK);
    begin_to_follow(p.a, p.b, 1);
    p.a->read[1] = p.a->sent_count;
    struct ask *claim = ask_new(p.b->b, WRITER_CLAIM);
    claim->req.slug = "hidden";
    asked(claim, BOX_ESLUGTAKEN); /* followed events have their slugs here, too */
    asked(command(p.a->b, 1, COMMAND_EVENT_DELETE), BOX_OK);
    size_t from = p.b->b->note_count;
    follow(&p, p.a);
    assert_int_equal(p.b->b->notes[from].kind, NOTE_CHANGED);
    assert_int_equal(p.b->b->notes[from + 1].kind, NOTE_GONE);
    assert_null(inventory_at(p.b->b, 1));
    claim = ask_new(p.b->b, WRITER_CLAIM);
    claim->req.slug = "hidden";
    asked(claim, BOX_OK);
    event_unref(hidden);
    town_free(p.town);
}

static void test_forget(void **state)
{
    struct pair p = pair_new();
    (void)state;
    asked(hold(p.a->b, 0, 0, 1), BOX_OK);
    follow(&p, p.a);
    asked(about(p.a->b, WRITER_FORGET, 0), BOX_EEXISTS);
    size_t from = p.b->b->note_count;
    asked(about(p.b->b, WRITER_FORGET, 0), BOX_OK);
    assert_int_equal(noted(p.b->b, NOTE_GONE, from), 1);
    asked(about(p.b->b, WRITER_FORGET, 0), BOX_OK);
    assert_int_equal(noted(p.b->b, NOTE_GONE, from), 1);
    asked(hold(p.b->b, 0, 1, 1), BOX_ENOTFOUND);
    recount_budget(p.b->b);
    town_free(p.town);
}

/* ---- two who think that they are home ---- */

/* B took the event and A does not know yet. What A decides never happens, and A says so. */
static void test_two_homes(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct ask *before = asked(hold(p.a->b, 0, 0, 1), BOX_OK);
    become_home(p.b, 0);
    asked(hold(p.b->b, 0, 1, 2), BOX_OK);
    uint64_t shown = inventory_seq(inventory_at(p.a->b, 0));

    size_t from = p.a->b->note_count;
    struct ask *late = submitted(with_key(hold(p.a->b, 0, 1, 3), "key", "body"));
    struct ask *twin = submitted(with_key(hold(p.a->b, 0, 1, 3), "key", "body"));
    struct ask *loser = submitted(hold(p.a->b, 0, 1, 4)); /* taken, by a hold that never was */
    struct ask *deferred = submitted(of_hold(p.a->b, 0, COMMAND_HOLD_RELEASE, before));
    settle(p.a->b);
    assert_int_equal(late->req.code, BOX_ENOTHOME);
    assert_null(late->req.verdict.changes);
    assert_int_equal(twin->req.code, BOX_ENOTHOME);
    assert_int_equal(loser->req.code, BOX_ENOTHOME);
    assert_int_equal(deferred->req.code, BOX_ENOTHOME);
    assert_int_equal(p.a->b->notes[from].kind, NOTE_LOST); /* before anybody is answered */
    assert_int_equal(noted(p.a->b, NOTE_LOST, from), 1);
    assert_int_equal(noted(p.a->b, NOTE_CHANGED, from) + noted(p.a->b, NOTE_LOADED, from), 0);
    assert_true(writer_ready(p.a->b->writer));

    /* what A has in memory is void: it neither decides on it nor follows from it */
    asked(hold(p.a->b, 0, 5, 1), BOX_ENOTHOME);
    assert_int_equal(follow_one(p.b, p.a, 0), BOX_ENOTFOUND);
    asked(about(p.a->b, WRITER_RESIGN, 0), BOX_ENOTHOME);
    begin_to_follow(p.b, p.a, 0);
    assert_true(inventory_seq(inventory_at(p.a->b, 0)) > shown);
    check_pair(&p);
    struct ask *again = asked(with_key(hold(p.b->b, 0, 2, 3), "key", "body"), BOX_OK);
    assert_null(again->req.replay); /* the key was not used */
    p.b->read[0] = 1;               /* the hold before is in the image */
    follow(&p, p.b);
    check_pair(&p);
    town_free(p.town);
}

/* ---- the store cannot say ---- */

static void check_unknown(enum fate fate)
{
    struct pair p = pair_new();
    bool happened = fate == FATE_UNKNOWN_DONE;
    asked(create_event(p.a->b, "other"), BOX_OK);
    p.a->store.fate = fate;
    size_t from = p.a->b->note_count;
    struct ask *first = submitted(with_key(hold(p.a->b, 0, 3, 1), "key", "body"));
    struct ask *loser = submitted(hold(p.a->b, 0, 3, 2));
    settle(p.a->b);
    assert_int_equal(first->req.code, fate == FATE_UNAVAILABLE ? BOX_EUNAVAILABLE : BOX_EUNKNOWN);
    assert_int_equal(loser->req.code, BOX_EUNAVAILABLE);
    assert_int_equal(noted(p.a->b, NOTE_LOST, from), 1);
    asked(with_key(hold(p.a->b, 0, 3, 1), "key", "body"), BOX_ENOTHOME);
    asked(hold(p.a->b, 1, 3, 1), BOX_OK); /* the other event goes on */
    assert_true(writer_ready(p.a->b->writer));

    become_home(p.a, 0);
    struct ask *again = asked(with_key(hold(p.a->b, 0, 3, 1), "key", "body"), BOX_OK);
    assert_int_equal(again->req.replay != NULL, happened);
    assert_int_equal(inventory_live_holds(inventory_at(p.a->b, 0)), 1);
    adopt(p.b, 0, carried(p.a, p.b, 0), false, BOX_OK);
    recount_budget(p.a->b);
    check_same(p.a, p.b, 0);
    assert_int_equal(stored_status(p.a->b, 0, 3), SEAT_HELD);
    town_free(p.town);
}

static void test_unknown(void **state)
{
    (void)state;
    check_unknown(FATE_UNKNOWN_DONE);
    check_unknown(FATE_UNKNOWN_UNDONE);
    check_unknown(FATE_UNAVAILABLE);
}

/* An event that may have been created is nowhere shown, until it is known. */
static void check_creation(enum fate fate)
{
    struct pair p = pair_new();
    struct ask *create = with_key(create_event(p.a->b, "other"), "key", "body");
    const struct event *e = create->req.new_event;
    size_t from = p.a->b->note_count;
    p.a->store.fate = fate;
    asked(create, BOX_EUNKNOWN);
    assert_int_equal(noted(p.a->b, NOTE_LOST, from), 1);
    assert_int_equal(noted(p.a->b, NOTE_LOADED, from), 0);
    asked(hold(p.a->b, 1, 3, 1), BOX_ENOTHOME);
    if (fate == FATE_UNKNOWN_DONE) {
        become_home(p.a, 1);
        assert_int_equal(noted(p.a->b, NOTE_LOADED, from), 1);
        asked(hold(p.a->b, 1, 3, 1), BOX_OK);
    } else {
        asked(about(p.a->b, WRITER_FORGET, 1), BOX_OK);
        assert_int_equal(noted(p.a->b, NOTE_GONE, from), 0); /* it never was shown */
    }
    struct ask *again = ask_new(p.a->b, WRITER_CREATE_EVENT);
    again->req.command.actor = actor_key("test");
    again->req.new_event = e;
    again->req.slug = e->slug;
    again->req.new_layout = p.a->b->layout;
    *epoch_of(&p.town->epochs, &e->event_id) = fate == FATE_UNKNOWN_DONE;
    asked(with_key(again, "key", "body"), BOX_OK);
    assert_int_equal(again->req.replay != NULL, fate == FATE_UNKNOWN_DONE);
    town_free(p.town);
}

static void test_unknown_creation(void **state)
{
    (void)state;
    check_creation(FATE_UNKNOWN_DONE);
    check_creation(FATE_UNKNOWN_UNDONE);
}

/* While it is in doubt, the same creation is not tried once more. */
static void test_creation_while_in_doubt(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct ask *create = create_event(p.a->b, "other");
    p.a->store.fate = FATE_UNKNOWN_UNDONE;
    asked(create, BOX_EUNKNOWN);
    struct ask *again = ask_new(p.a->b, WRITER_CREATE_EVENT);
    again->req.command.actor = actor_key("test");
    again->req.new_event = create->req.new_event;
    again->req.slug = create->req.slug;
    again->req.new_layout = p.a->b->layout;
    asked(again, BOX_ENOTHOME);
    town_free(p.town);
}

/* ---- adopt, resign ---- */

static void test_adopt_is_refused(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct inventory *old = carried(p.a, p.b, 0);
    asked(hold(p.a->b, 0, 3, 1), BOX_OK);
    follow(&p, p.a);
    size_t from = p.b->b->note_count;
    assert_null(adopt(p.b, 0, old, false, BOX_ERANGE)->req.inventory);
    assert_int_equal(noted(p.b->b, NOTE_LOADED, from), 0);
    adopt(p.a, 0, carried(p.a, p.a, 0), true, BOX_EEXISTS);
    adopt(p.b, 0, carried(p.a, p.b, 0), false, BOX_OK); /* as new as what is shown */
    check_pair(&p);
    town_free(p.town);
}

/* Also not as home, and not while it is lost: what was shown stays seen. */
static void test_adopt_older_when_lost(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct inventory *old = carried(p.a, p.a, 0);
    asked(hold(p.a->b, 0, 3, 1), BOX_OK);
    p.a->store.fate = FATE_UNKNOWN_UNDONE;
    asked(hold(p.a->b, 0, 4, 1), BOX_EUNKNOWN);
    adopt(p.a, 0, old, true, BOX_ERANGE);
    asked(hold(p.a->b, 0, 4, 1), BOX_ENOTHOME);
    become_home(p.a, 0); /* it is older than the void state, not than what is shown */
    asked(hold(p.a->b, 0, 4, 1), BOX_OK);
    town_free(p.town);
}

/* The commit under way is finished first; who comes later is sent away; FOLLOW goes on from there. */
static void test_resign_while_a_commit_is_under_way(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_commits = true;
    struct ask *under_way = submitted(hold(p.a->b, 0, 3, 1));
    settle(p.a->b);
    struct ask *resign = submitted(about(p.a->b, WRITER_RESIGN, 0));
    struct ask *late = submitted(hold(p.a->b, 0, 4, 1));
    settle(p.a->b);
    assert_false(under_way->answered || resign->answered || late->answered);
    assert_true(shared_step(&p.a->store));
    settle(p.a->b);
    assert_int_equal(under_way->req.code, BOX_OK);
    assert_int_equal(resign->req.code, BOX_OK);
    assert_int_equal(late->req.code, BOX_ENOTHOME);
    assert_int_equal(noted(p.a->b, NOTE_LOST, 0), 0);
    assert_int_equal(p.a->store.commit_count, 0);
    follow(&p, p.a);
    become_home(p.b, 0);
    asked(hold(p.b->b, 0, 4, 1), BOX_OK);
    follow(&p, p.b);
    check_pair(&p);
    town_free(p.town);
}

/* A home that was asleep for longer than it may be trusted says nothing from memory, not even a refusal. */
static void test_a_home_that_was_asleep(void **state)
{
    struct pair p = pair_new();
    (void)state;
    asked(hold(p.a->b, 0, 3, 1), BOX_OK);
    writer_trust(p.a->b->writer, p.a->b->clock.virtual_monotonic_us + 1000);
    asked(hold(p.a->b, 0, 3, 1), BOX_ESEATSTAKEN);
    p.a->b->clock.virtual_monotonic_us += 1000;
    asked(hold(p.a->b, 0, 3, 1), BOX_ENOTHOME);
    asked(hold(p.a->b, 0, 4, 1), BOX_ENOTHOME);
    writer_trust(p.a->b->writer, INT64_MAX);
    asked(hold(p.a->b, 0, 3, 1), BOX_ESEATSTAKEN);
    asked(hold(p.a->b, 0, 4, 1), BOX_OK);
    town_free(p.town);
}

static void test_resign_from_what_is_void(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_commits = true;
    struct ask *under_way = submitted(hold(p.a->b, 0, 3, 1));
    settle(p.a->b);
    struct ask *resign = submitted(about(p.a->b, WRITER_RESIGN, 0));
    p.a->store.fate = FATE_UNKNOWN_DONE;
    assert_true(shared_step(&p.a->store));
    settle(p.a->b);
    assert_int_equal(under_way->req.code, BOX_EUNKNOWN);
    assert_int_equal(resign->req.code, BOX_ENOTHOME);
    asked(about(p.a->b, WRITER_RESIGN, 0), BOX_ENOTHOME);
    town_free(p.town);
}

/* The image is that of what is durable: it waits for what is decided. */
static void test_image_waits(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_commits = true;
    submitted(hold(p.a->b, 0, 3, 1));
    struct buf bytes = {0};
    struct ask *image = about(p.a->b, WRITER_IMAGE, 0);
    image->req.image = &bytes;
    submit(image);
    settle(p.a->b);
    assert_false(image->answered);
    assert_true(shared_step(&p.a->store));
    settle(p.a->b);
    assert_int_equal(image->req.code, BOX_OK);
    struct buf now = {0};
    image_encode(inventory_at(p.a->b, 0), &now);
    assert_int_equal(now.size, bytes.size);
    assert_memory_equal(now.data, bytes.data, now.size);
    buf_done(&now);
    buf_done(&bytes);
    town_free(p.town);
}

/* ---- deadlines ---- */

static void test_deadlines_are_the_homes(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.b->b->expiry_delay_us = 500000;
    writer_free(p.b->b->writer);
    start_server(p.b);
    begin_to_follow(p.a, p.b, 0);
    asked(hold(p.a->b, 0, 3, 1), BOX_OK);
    follow(&p, p.a);
    int64_t expires_us = p.a->b->clock.virtual_wall_us + HOLD_SECONDS * INT64_C(1000000);
    forward(p.b->b, HOLD_SECONDS * INT64_C(2000000));
    settle(p.b->b);
    assert_int_equal(inventory_seat_status(inventory_at(p.b->b, 0), 3), SEAT_HELD);
    assert_true(writer_next_wake_us(p.b->b->writer) == INT64_MAX);

    /* as home it ends what is overdue, but not before the other clock may have reached it */
    forward(p.b->b, expires_us + 499999 - p.b->b->clock.virtual_wall_us);
    become_home(p.b, 0);
    assert_true(writer_next_wake_us(p.b->b->writer) == expires_us + 500000);
    assert_int_equal(stored_status(p.b->b, 0, 3), SEAT_HELD);
    asked(hold(p.b->b, 0, 3, 2), BOX_ESEATSTAKEN);
    forward(p.b->b, 1);
    settle(p.b->b);
    assert_int_equal(stored_status(p.b->b, 0, 3), SEAT_AVAILABLE);
    town_free(p.town);
}

/* ---- groups ---- */

static unsigned seats_waiting(const struct shared_store *s)
{
    unsigned seats = 0;
    assert_int_equal(s->commit_count, 1);
    const struct event_group *g = &s->commits[0]->groups[0];
    for (const struct change *c = g->changes; c; c = c->next)
        seats += c->seat_count;
    return seats;
}

static void test_groups_are_small(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.group_seats = 3;
    writer_free(p.a->b->writer);
    start_server(p.a);
    become_home(p.a, 0);
    p.a->store.keep_commits = true;
    struct ask *singles[5];
    for (uint32_t i = 0; i < 5; i++)
        singles[i] = submitted(hold(p.a->b, 0, i, 1));
    struct ask *big = hold(p.a->b, 0, 10, 1);
    big->req.command.seats = arena_copy(&big->arena, (const uint32_t[]){10, 11, 12, 13, 14}, 20);
    big->req.command.seat_count = 5;
    submit(big);
    struct ask *last = submitted(hold(p.a->b, 0, 20, 1));
    static const unsigned expected[] = {3, 7, 1};
    for (unsigned i = 0; i < 3; i++) {
        settle(p.a->b);
        assert_int_equal(seats_waiting(&p.a->store), expected[i]);
        assert_true(shared_step(&p.a->store));
    }
    settle(p.a->b);
    assert_int_equal(p.a->store.commit_count, 0);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(singles[i]->req.code, BOX_OK);
    assert_int_equal(big->req.code, BOX_OK);
    assert_int_equal(last->req.code, BOX_OK);

    /* a wave of expiries likewise */
    forward(p.a->b, HOLD_SECONDS * INT64_C(1000000));
    unsigned seats = 0;
    for (unsigned i = 0; seats < 11; i++) {
        settle(p.a->b);
        unsigned more = seats_waiting(&p.a->store);
        assert_true(more <= 7 && i < 4);
        seats += more;
        assert_true(shared_step(&p.a->store));
    }
    settle(p.a->b);
    assert_int_equal(p.a->store.commit_count, 0);
    assert_int_equal(inventory_live_holds(inventory_at(p.a->b, 0)), 0);
    town_free(p.town);
}

/* ---- budget ---- */

/* What a session holds where others decide counts for it here. */
static void test_budget_is_for_all_servers(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.b->b->limits = (struct budget_limits){{[BUDGET_SESSION] = 2}};
    writer_free(p.b->b->writer);
    start_server(p.b);
    begin_to_follow(p.a, p.b, 0);
    struct ask *create = create_event(p.b->b, "other");
    asked(create, BOX_OK);
    struct ask *first = asked(hold(p.a->b, 0, 0, 1), BOX_OK);
    asked(hold(p.a->b, 0, 1, 1), BOX_OK);
    follow(&p, p.a);
    recount_budget(p.b->b);
    asked(hold(p.b->b, 1, 0, 1), BOX_EHOLDBUDGET);
    asked(hold(p.b->b, 1, 0, 2), BOX_OK);
    asked(of_hold(p.a->b, 0, COMMAND_HOLD_RELEASE, first), BOX_OK);
    follow(&p, p.a);
    asked(hold(p.b->b, 1, 1, 1), BOX_OK);
    recount_budget(p.b->b);
    town_free(p.town);
}

/* ---- keys ---- */

/* While the store looks, the request is nowhere else; duplicates wait for it; then it is decided. */
static void test_look_up_takes_time(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_lookups = true;
    struct ask *first = submitted(with_key(hold(p.a->b, 0, 3, 1), "key", "body"));
    struct ask *twin = submitted(with_key(hold(p.a->b, 0, 3, 1), "key", "body"));
    struct ask *other = submitted(hold(p.a->b, 0, 4, 1));
    settle(p.a->b);
    assert_int_equal(other->req.code, BOX_OK);
    assert_true(other->answered && !first->answered && !twin->answered);
    assert_int_equal(p.a->store.lookups_made, 1);
    assert_true(shared_answer(&p.a->store));
    settle(p.a->b);
    assert_int_equal(first->req.code, BOX_OK);
    assert_null(first->req.replay);
    assert_non_null(twin->req.replay);
    assert_int_equal(p.a->store.lookups_made, 1);

    struct ask *again = submitted(with_key(hold(p.a->b, 0, 3, 1), "key", "body"));
    struct ask *wrong = submitted(with_key(hold(p.a->b, 0, 3, 1), "key", "other body"));
    settle(p.a->b);
    while (shared_answer(&p.a->store))
        settle(p.a->b);
    assert_int_equal(again->req.code, BOX_OK);
    assert_non_null(again->req.replay);
    assert_int_equal(wrong->req.code, BOX_EIDEMREUSED);
    town_free(p.town);
}

/* Where the store cannot tell whether the key was used, nothing is done; the event goes on. */
static void test_cannot_be_looked_up(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_lookups = true;
    struct ask *a = submitted(with_key(hold(p.a->b, 0, 3, 1), "key", "body"));
    settle(p.a->b);
    assert_int_equal(p.a->store.lookup_count, 1);
    p.a->store.lookup_count = 0;
    p.a->store.lookups[0]->result = BOX_EUNAVAILABLE;
    p.a->store.lookups[0]->done(p.a->store.lookups[0]);
    settle(p.a->b);
    assert_true(a->answered);
    assert_int_equal(a->req.code, BOX_EUNAVAILABLE);
    asked(hold(p.a->b, 0, 3, 1), BOX_OK);
    town_free(p.town);
}

/* The event was lost while the store looked: not decided. */
static void test_lost_while_looking(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_lookups = true;
    struct ask *first = submitted(with_key(hold(p.a->b, 0, 3, 1), "key", "body"));
    settle(p.a->b);
    become_home(p.b, 0);
    asked(hold(p.a->b, 0, 4, 1), BOX_ENOTHOME);
    assert_false(first->answered);
    assert_true(shared_answer(&p.a->store));
    settle(p.a->b);
    assert_int_equal(first->req.code, BOX_ENOTHOME);
    assert_int_equal(first->rendered, 0);
    town_free(p.town);
}

/* Asked before the event was lost, answered after it was adopted anew: meanwhile another server has used the
 * key, and what the store said is worth nothing. */
static void test_home_again_while_looking(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_lookups = true;
    struct ask *second = submitted(with_key(hold(p.a->b, 0, 6, 1), "second", "body"));
    settle(p.a->b);
    assert_int_equal(p.a->store.lookup_count, 1);
    struct idem_lookup *l = p.a->store.lookups[0];
    p.a->store.lookup_count = 0;
    l->record = NULL;
    l->result = BOX_ENOTFOUND;
    become_home(p.b, 0);
    asked(with_key(hold(p.b->b, 0, 7, 1), "second", "body"), BOX_OK);
    asked(hold(p.a->b, 0, 8, 1), BOX_ENOTHOME);
    become_home(p.a, 0);
    l->done(l);
    settle(p.a->b);
    assert_false(second->answered);
    assert_true(shared_answer(&p.a->store)); /* it asked again */
    settle(p.a->b);
    assert_int_equal(second->req.code, BOX_OK);
    assert_non_null(second->req.replay);
    assert_int_equal(inventory_seat_status(inventory_at(p.a->b, 0), 6), SEAT_AVAILABLE);
    town_free(p.town);
}

static void test_claim_looks_up(void **state)
{
    struct pair p = pair_new();
    (void)state;
    p.a->store.keep_lookups = true;
    struct ask *claim = with_key(ask_new(p.a->b, WRITER_CLAIM), "key", "body");
    claim->req.slug = "other";
    submit(claim);
    settle(p.a->b);
    assert_false(claim->answered);
    assert_true(shared_answer(&p.a->store));
    settle(p.a->b);
    assert_true(claim->answered);
    assert_int_equal(claim->req.code, BOX_OK);
    struct ask *create = with_key(create_event(p.a->b, "other"), "key", "body");
    submit(create);
    settle(p.a->b);
    assert_false(create->answered); /* the worker took its time: asked once more */
    assert_true(shared_answer(&p.a->store));
    settle(p.a->b);
    assert_int_equal(create->req.code, BOX_OK);
    p.a->store.keep_lookups = false;
    struct ask *again = asked(with_key(ask_new(p.a->b, WRITER_CLAIM), "key", "body"), BOX_OK);
    assert_non_null(again->req.replay);
    town_free(p.town);
}

/* ---- up to when all is told ---- */

static int64_t stable(struct server *s)
{
    return writer_stable_us(s->b->writer);
}

static int64_t time_of(const struct ask *a)
{
    return a->req.verdict.last->time_us;
}

static void test_stable(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct bench *b = p.a->b;
    forward(b, 1000);
    assert_true(stable(p.a) == b->clock.virtual_wall_us); /* nothing is under way */
    struct ask *next = asked(hold(b, 0, 0, 1), BOX_OK);
    assert_true(time_of(next) == b->clock.virtual_wall_us + 1); /* later than was promised */

    p.a->store.keep_commits = true;
    forward(b, 1000);
    struct ask *waits = submitted(hold(b, 0, 1, 1));
    settle(b);
    int64_t before = stable(p.a);
    forward(b, 5000000);
    settle(b);
    assert_true(stable(p.a) == before);
    assert_true(shared_step(&p.a->store));
    settle(b);
    assert_true(time_of(waits) > before);
    assert_true(stable(p.a) == b->clock.virtual_wall_us);
    town_free(p.town);
}

/* The clock goes back: the promise does not, and what is decided comes after it. Deadlines go by the clock.
 */
static void test_stable_when_the_clock_is_set_back(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct bench *b = p.a->b;
    forward(b, 60000000);
    int64_t promised = stable(p.a);
    asked(create_event(b, "other"), BOX_OK);
    forward(b, -30000000);
    assert_true(stable(p.a) == promised);
    struct ask *late = asked(hold(b, 0, 0, 1), BOX_OK);
    assert_true(time_of(late) > promised);
    assert_true(late->req.verdict.last->hold->started_ms == b->clock.virtual_wall_us / 1000);
    assert_true(stable(p.a) >= promised);
    town_free(p.town);
}

/* What may be durable and was told to nobody holds it back, until it is settled. */
static void test_stable_in_doubt(void **state)
{
    struct pair p = pair_new();
    (void)state;
    struct bench *b = p.a->b;
    forward(b, 1000);
    p.a->store.fate = FATE_UNKNOWN_DONE;
    asked(hold(b, 0, 0, 1), BOX_EUNKNOWN);
    int64_t before = stable(p.a);
    forward(b, 5000000);
    settle(b);
    assert_true(stable(p.a) == before);
    struct inventory *inv = taken(p.a, 0);
    struct image image;
    assert_int_equal(store_load_event(p.town->mem, &b->events[0]->event_id, lend_layout, b, &image), 0);
    assert_true(image.time_us > before);
    image_done(&image);
    adopt(p.a, 0, inv, true, BOX_OK);
    assert_true(stable(p.a) == b->clock.virtual_wall_us);

    p.a->store.fate = FATE_UNKNOWN_DONE;
    asked(hold(b, 0, 1, 1), BOX_EUNKNOWN);
    forward(b, 1000);
    assert_true(stable(p.a) < b->clock.virtual_wall_us);
    asked(about(b, WRITER_FORGET, 0), BOX_OK);
    assert_true(stable(p.a) == b->clock.virtual_wall_us);
    town_free(p.town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follower_shows_what_home_decides),
        cmocka_unit_test(test_decided_comes_first),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_a_change_that_does_not_fit),
        cmocka_unit_test(test_followed_deletion),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_two_homes),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_unknown_creation),
        cmocka_unit_test(test_creation_while_in_doubt),
        cmocka_unit_test(test_adopt_is_refused),
        cmocka_unit_test(test_adopt_older_when_lost),
        cmocka_unit_test(test_resign_while_a_commit_is_under_way),
        cmocka_unit_test(test_resign_from_what_is_void),
        cmocka_unit_test(test_a_home_that_was_asleep),
        cmocka_unit_test(test_image_waits),
        cmocka_unit_test(test_deadlines_are_the_homes),
        cmocka_unit_test(test_groups_are_small),
        cmocka_unit_test(test_budget_is_for_all_servers),
        cmocka_unit_test(test_look_up_takes_time),
        cmocka_unit_test(test_cannot_be_looked_up),
        cmocka_unit_test(test_lost_while_looking),
        cmocka_unit_test(test_home_again_while_looking),
        cmocka_unit_test(test_claim_looks_up),
        cmocka_unit_test(test_stable),
        cmocka_unit_test(test_stable_when_the_clock_is_set_back),
        cmocka_unit_test(test_stable_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
