/*
 * Two servers in one process, over one store in memory: who decides, what is shown where, what happens when
 * one comes, goes, or is thought dead. Run under ThreadSanitizer, too.
 */
#include "unit/cluster/server.h"

enum { EVENTS = 12, SEATS = 20 };

struct world {
    struct shared *shared;
    struct server *a, *b;
    char venue[64], events[EVENTS][64];
};

/* Ask again and again until @condition holds; it must in the end. */
#define EVENTUALLY(condition)                                                                                \
    do {                                                                                                     \
        int left_ = PATIENCE;                                                                                \
        while (!(condition) && left_-- > 0)                                                                  \
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);                                         \
        assert_true(condition);                                                                              \
    } while (0)

static struct event_id event_of(const char *text)
{
    struct event_id id;
    assert_int_equal(uuid_parse(text, &id.u), 0);
    return id;
}

static enum cluster_home home_at(struct server *s, const char *event)
{
    struct event_id id = event_of(event);
    return cluster_home(s->cluster, &id);
}

static bool shows(struct server *s, const char *event)
{
    struct event_id id = event_of(event);
    struct snapshot *found = view_find(s->view, &id);
    if (found)
        view_release(found);
    return found;
}

static uint64_t seq_at(struct server *s, const char *event)
{
    struct event_id id = event_of(event);
    struct snapshot *found = view_find(s->view, &id);
    uint64_t seq = found ? found->seq : 0;
    if (found)
        view_release(found);
    return seq;
}

static void make_venue(struct world *w, struct server *s)
{
    struct reply r =
        call(s, "POST", "/v1/venues",
             "{\"name\":\"Hall\",\"timezone\":\"Europe/Berlin\",\"sections\":[{\"name\":\"Stalls\","
             "\"types\":[{\"type_id\":\"regular\",\"price\":\"45.00\",\"rows\":[{\"row\":\"1\","
             "\"seats\":20}]}]}]}");
    assert_int_equal(r.status, 201);
    snprintf(w->venue, sizeof w->venue, "%s", member(&r, "venue_id"));
    buf_done(&r.body);
}

static struct reply post_event(struct world *w, struct server *s, int number, const char *const *fields)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"venue_id\":\"%s\",\"name\":\"Show\",\"slug\":\"show-%d\",\"date\":\"2030-01-01T20:00:00Z\","
             "\"currency\":\"EUR\",\"published\":true}",
             w->venue, number);
    return call_with(s, "POST", "/v1/events", body, fields);
}

static void make_event(struct world *w, struct server *s, int number)
{
    struct reply r = post_event(w, s, number, NULL);
    assert_int_equal(r.status, 201);
    snprintf(w->events[number % EVENTS], sizeof w->events[0], "%s", member(&r, "event_id"));
    buf_done(&r.body);
}

static struct reply post_hold(struct server *s, const char *event, int seat, const char *const *fields)
{
    char path[128], body[256];
    snprintf(path, sizeof path, "/v1/events/%s/holds", event);
    snprintf(body, sizeof body,
             "{\"session_id\":\"3f6f1f6e-5a2b-4a0e-8f8e-2b8b1a2c3d4e\",\"seat_indexes\":[%d]}", seat);
    return call_with(s, "POST", path, body, fields);
}

static long hold(struct server *s, const char *event, int seat)
{
    struct reply r = post_hold(s, event, seat, NULL);
    buf_done(&r.body);
    return r.status;
}

/* One server with all events, each of them with a seat on hold; then another one comes, if @two. */
static struct world *begin(bool two)
{
    struct world *w = calloc(1, sizeof *w);
    w->shared = shared_new();
    w->a = server_start(w->shared, true);
    make_venue(w, w->a);
    for (int i = 0; i < EVENTS; i++) {
        make_event(w, w->a, i);
        assert_int_equal(hold(w->a, w->events[i], 0), 201);
    }
    if (two)
        w->b = server_start(w->shared, true);
    return w;
}

static void end(struct world *w)
{
    if (w->b)
        server_stop(w->b, false);
    if (w->a)
        server_stop(w->a, false);
    shared_free(w->shared);
    free(w);
}

static unsigned count_homes(struct world *w, struct server *s)
{
    unsigned n = 0;
    for (int i = 0; i < EVENTS; i++)
        n += home_at(s, w->events[i]) == HOME_HERE;
    return n;
}

static bool each_has_one_home(struct world *w)
{
    for (int i = 0; i < EVENTS; i++) {
        enum cluster_home a = home_at(w->a, w->events[i]), b = home_at(w->b, w->events[i]);
        if (!(a == HOME_HERE && b == HOME_THERE) && !(a == HOME_THERE && b == HOME_HERE))
            return false;
    }
    return true;
}

/* An event whose home is @s. */
static const char *event_of_server(struct world *w, struct server *s)
{
    for (int i = 0; i < EVENTS; i++)
        if (home_at(s, w->events[i]) == HOME_HERE)
            return w->events[i];
    fail_msg("no event");
    return NULL;
}

/* ---- tests ---- */

static void one_server_alone_is_home_of_everything(void **state)
{
    (void)state;
    struct world *w = begin(false);
    assert_int_equal(count_homes(w, w->a), EVENTS);
    assert_int_equal(hold(w->a, w->events[0], 0), 409);
    EVENTUALLY(atomic_load(&w->a->handle->until_us) > 0);
    end(w);
}

static void a_newcomer_shows_everything_and_gets_its_share(void **state)
{
    (void)state;
    struct world *w = begin(true);
    for (int i = 0; i < EVENTS; i++)
        assert_true(shows(w->b, w->events[i]));
    EVENTUALLY(each_has_one_home(w) && count_homes(w, w->a) < EVENTS && count_homes(w, w->b) < EVENTS);
    assert_int_equal(atomic_load(&w->a->handle->fenced), 0); /* it was given, not taken away */
    end(w);
}

static void a_request_is_sent_on_to_its_home_and_what_it_did_is_shown_where_it_was_made(void **state)
{
    (void)state;
    struct world *w = begin(true);
    EVENTUALLY(each_has_one_home(w));
    for (int i = 0; i < EVENTS; i++) {
        struct reply r = post_hold(w->b, w->events[i], 1, NULL);
        assert_int_equal(r.status, 201);
        assert_true(seq_at(w->b, w->events[i]) >= strtoull(r.seq, NULL, 10));
        buf_done(&r.body);
        assert_int_equal(hold(w->b, w->events[i], 1), 409);
        EVENTUALLY(seq_at(w->a, w->events[i]) == seq_at(w->b, w->events[i]));
        assert_int_equal(hold(w->a, w->events[i], 1), 409);
    }
    end(w);
}

static void a_key_gives_one_event_wherever_it_is_sent(void **state)
{
    (void)state;
    static const char *const key[] = {"Idempotency-Key: once", NULL};
    struct world *w = begin(true);
    struct reply first = post_event(w, w->a, 100, key), second = post_event(w, w->b, 100, key);
    assert_int_equal(first.status, 201);
    assert_int_equal(second.status, 201);
    assert_string_equal(second.replayed, "true");
    assert_string_equal(first.body.data, second.body.data);
    buf_done(&first.body);
    buf_done(&second.body);
    end(w);
}

static void new_events_and_venues_are_shown_everywhere(void **state)
{
    (void)state;
    struct world *w = begin(true);
    make_venue(w, w->b);
    for (int i = 0; i < 4; i++) {
        make_event(w, i % 2 ? w->a : w->b, EVENTS + i);
        assert_true(shows(i % 2 ? w->a : w->b, w->events[i]));
        EVENTUALLY(shows(i % 2 ? w->b : w->a, w->events[i]));
    }
    EVENTUALLY(each_has_one_home(w));
    end(w);
}

static void who_leaves_gives_everything_away(void **state)
{
    (void)state;
    struct world *w = begin(true);
    EVENTUALLY(each_has_one_home(w));
    server_stop(w->a, true);
    w->a = NULL;
    EVENTUALLY(count_homes(w, w->b) == EVENTS);
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(hold(w->b, w->events[i], 2), 201);
    end(w);
}

static void the_events_of_one_that_is_silent_are_taken_over_and_it_finds_out(void **state)
{
    (void)state;
    struct world *w = begin(true);
    EVENTUALLY(each_has_one_home(w));
    const char *event = event_of_server(w, w->a);
    atomic_store(&w->a->handle->silent, true);
    EVENTUALLY(count_homes(w, w->b) == EVENTS);
    EVENTUALLY(home_at(w->a, event) == HOME_THERE);
    /* Whoever is asked, the new home decides. */
    assert_int_equal(hold(w->a, event, 3), 201);
    assert_int_equal(hold(w->b, event, 3), 409);
    atomic_store(&w->a->handle->silent, false);
    EVENTUALLY(each_has_one_home(w) && count_homes(w, w->a) > 0);
    assert_int_equal(hold(w->a, event, 4), 201);
    assert_int_equal(hold(w->b, event, 5), 201);
    end(w);
}

static void the_watermark_rises_on_both(void **state)
{
    (void)state;
    struct world *w = begin(true);
    EVENTUALLY(atomic_load(&w->a->handle->until_us) > 0 && atomic_load(&w->b->handle->until_us) > 0);
    int64_t then_us = clock_wall_us(&w->a->clock);
    EVENTUALLY(atomic_load(&w->a->handle->until_us) > then_us);
    EVENTUALLY(atomic_load(&w->b->handle->until_us) > then_us);
    end(w);
}

static void what_servers_ask_of_each_other_is_nobody_elses(void **state)
{
    (void)state;
    struct world *w = begin(false);
    char image[128];
    static const char *const wrong[] = {CLUSTER_SECRET ": AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL};
    snprintf(image, sizeof image, "/internal/v1/events/%s/image", w->events[0]);
    assert_int_equal(status_of(w->a, "GET", image, NULL), 404);
    assert_int_equal(status_of(w->a, "GET", "/internal/v1/outbox", NULL), 404);
    struct reply r = call_with(w->a, "GET", image, NULL, wrong);
    assert_int_equal(r.status, 404);
    buf_done(&r.body);
    end(w);
}

/* The secret of the rig: 42 and zeros. */
static const char SECRET_FIELD[] = CLUSTER_SECRET ": KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static void a_forwarded_request_is_checked_and_never_forwarded_again(void **state)
{
    (void)state;
    struct world *w = begin(true);
    EVENTUALLY(each_has_one_home(w));
    const char *event = event_of_server(w, w->a);
    char id[UUID_TEXT + 1], for_a[96], for_b[96];
    uuid_format(cluster_server_id(w->a->cluster), id);
    snprintf(for_a, sizeof for_a, CLUSTER_SERVER ": %s", id);
    uuid_format(cluster_server_id(w->b->cluster), id);
    snprintf(for_b, sizeof for_b, CLUSTER_SERVER ": %s", id);
    const char *request = CLUSTER_REQUEST_ID ": 11111111-2222-4333-8444-555555555555";
    const char *const misdirected[] = {SECRET_FIELD, for_b, NULL}, *const good[] = {SECRET_FIELD, for_a,
                                                                                    request, NULL};
    struct reply r = post_hold(w->a, event, 6, misdirected); /* it is meant for another process */
    assert_int_equal(r.status, 503);
    assert_string_equal(r.not_home, "1");
    buf_done(&r.body);
    r = post_hold(w->b, event, 6, misdirected); /* the home is not here */
    assert_int_equal(r.status, 503);
    assert_string_equal(r.not_home, "1");
    buf_done(&r.body);
    r = post_hold(w->a, event, 6, good);
    assert_int_equal(r.status, 201);
    buf_done(&r.body);
    r = post_hold(w->a, event, 7, good); /* repeated by a transport */
    assert_int_equal(r.status, 503);
    assert_string_equal(r.not_home, "");
    buf_done(&r.body);
    assert_int_equal(hold(w->a, event, 7), 201); /* nothing had been done */
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_alone_is_home_of_everything),
        cmocka_unit_test(a_newcomer_shows_everything_and_gets_its_share),
        cmocka_unit_test(a_request_is_sent_on_to_its_home_and_what_it_did_is_shown_where_it_was_made),
        cmocka_unit_test(a_key_gives_one_event_wherever_it_is_sent),
        cmocka_unit_test(new_events_and_venues_are_shown_everywhere),
        cmocka_unit_test(who_leaves_gives_everything_away),
        cmocka_unit_test(the_events_of_one_that_is_silent_are_taken_over_and_it_finds_out),
        cmocka_unit_test(the_watermark_rises_on_both),
        cmocka_unit_test(what_servers_ask_of_each_other_is_nobody_elses),
        cmocka_unit_test(a_forwarded_request_is_checked_and_never_forwarded_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
