/* Deadlines and the end by force, by a clock that the test turns. */
#include "base/metrics.h"
#include "harness.h"
#include "http/internal.h"
#include <sys/resource.h>

enum { IDLE_S = 60, HEAD_S = 10, BODY_S = 120, STOP_S = 10 };

static struct harness h;
static struct clock turned;

static void start_with(struct http_options o)
{
    clock_init_virtual(&turned, INT64_C(1700000000000000));
    o.clock = &turned;
    o.loops = 1;
    o.idle_seconds = IDLE_S;
    o.header_seconds = HEAD_S;
    o.body_seconds = BODY_S;
    harness_start(&h, o);
}

static void start(void)
{
    start_with((struct http_options){.loops = 1});
}

static struct http_loop *the_loop(void)
{
    return &h.server->loops[0];
}

static void on_loop(void (*fn)(void *ctx), void *ctx)
{
    send_errand(&the_loop()->mailbox, fn, ctx);
}

/* Let @ms pass; what is due then has been done. */
static void pass(int64_t ms)
{
    struct turning t = {&turned, ms * 1000};
    on_loop(turn_now, &t);
    on_loop(do_nothing, NULL); /* the turn after that in which the clock was turned */
    on_loop(do_nothing, NULL);
}

static void count_state(void *ctx)
{
    unsigned *state = ctx, count = 0;
    for (const struct http_conn *c = the_loop()->in_state[*state]; c; c = c->next)
        count++;
    *state = count;
}

/* How many connections are in @state. */
static unsigned in_state(enum http_state state)
{
    unsigned count = state;
    on_loop(count_state, &count);
    return count;
}

static void wait_for_state(enum http_state state, unsigned wanted)
{
    while (in_state(state) != wanted)
        continue;
}

/* It is open 1 ms before @seconds have passed, and closed then. */
static void expect_end_after(int64_t seconds)
{
    pass(seconds * 1000 - 1);
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), 1);
    pass(1);
}

/* ---- reading ---- */

static void idle(void **state)
{
    (void)state;
    start();
    struct client *c = client_connect(&h);
    wait_for_state(HTTP_IDLE, 1);
    expect_end_after(IDLE_S);
    assert_true(client_at_end(c));
    client_close(c);

    c = client_connect(&h);
    for (int i = 0; i < 3; i++) { /* each request begins the time anew */
        assert_int_equal(client_ask(c, GET("/hello")), 200);
        pass(IDLE_S * 1000 - 1);
    }
    assert_int_equal(client_ask(c, GET("/hello") "\r\n"), 200); /* an empty line is no request */
    wait_for_state(HTTP_IDLE, 1);
    expect_end_after(IDLE_S);
    assert_true(client_at_end(c));
    client_close(c);
    harness_stop(&h);
}

/* However often another byte comes. */
static void slow_head(void **state)
{
    (void)state;
    start();
    for (int round = 0; round < 2; round++) {
        struct client *c = client_connect(&h);
        if (round == 1) /* the same on a connection that has had a request */
            assert_int_equal(client_ask(c, GET("/hello")), 200);
        const char *drip = REQUEST("GET /hello");
        client_write(c, drip++, 1);
        wait_for_state(HTTP_HEAD, 1);
        for (int second = 1; second < HEAD_S; second++) {
            pass(1000);
            client_write(c, drip++, 1);
        }
        pass(999);
        assert_int_equal(metrics_get(METRIC_CONNECTIONS), 1);
        pass(1);
        assert_true(client_at_end(c));
        client_close(c);
    }
    harness_stop(&h);
}

static void slow_body(void **state)
{
    (void)state;
    static const char *const heads[] = {REQUEST("POST /upload") "Content-Length: 100000\r\n\r\n",
                                        REQUEST("POST /upload") "Transfer-Encoding: chunked\r\n\r\n186a0\r\n",
                                        REQUEST("POST /nowhere") "Content-Length: 100000\r\n\r\n"};
    start();
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct client *c = client_connect(&h);
        client_send(c, heads[i]);
        wait_for_state(HTTP_BODY, 1);
        for (int second = 10; second < BODY_S; second += 10) {
            pass(10000);
            client_write(c, "x", 1);
        }
        pass(9999);
        assert_int_equal(in_state(HTTP_BODY), 1);
        pass(1);
        assert_int_equal(client_answer(c, false), 408);
        assert_string_equal(client_header(c, "Connection"), "close");
        assert_string_equal(client_header(c, "Content-Type"), "application/problem+json");
        assert_true(client_at_end(c));
        client_close(c);
        wait_for_state(HTTP_LINGER, 0);
    }
    harness_stop(&h);
}

/* A handler may take longer than any deadline. */
static void slow_handler(void **state)
{
    (void)state;
    start();
    struct client *c = client_connect(&h);
    client_send(c, GET("/never"));
    wait_for_state(HTTP_RUNNING, 1);
    pass(1000000);
    release_held();
    assert_int_equal(client_answer(c, false), 200);
    client_close(c);
    harness_stop(&h);
}

/* Times of its own handlers are kept, too. */
static void timer(void **state)
{
    (void)state;
    start();
    struct client *c = client_connect(&h);
    client_send(c, GET("/after?ms=5000"));
    wait_for_state(HTTP_RUNNING, 1);
    pass(5000);
    assert_int_equal(in_state(HTTP_RUNNING), 1); /* not early */
    pass(1);
    assert_int_equal(client_answer(c, false), 200);
    client_close(c);
    harness_stop(&h);
}

/* ---- sending ---- */

enum { MUCH = 20 << 20, PIECE = MUCH / 8, LITTLE_ROOM = 4096 };

/* A client that reads nothing yet; between it and the server is little room. */
static struct client *ask_for_much(void)
{
    int room = LITTLE_ROOM;
    must(setsockopt(the_loop()->listen_fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    struct client *c = client_connect_with(&h, LITTLE_ROOM);
    client_send(c, GET("/cached?size=20971520"));
    wait_for_state(HTTP_SENDING, 1);
    return c;
}

static void note_left(void *ctx)
{
    const struct http_conn *c = the_loop()->in_state[HTTP_SENDING];
    *(size_t *)ctx = c ? c->out.body.size : 0;
}

static size_t left_to_send(void)
{
    size_t left;
    on_loop(note_left, &left);
    return left;
}

/* A reader that takes nothing is cut off; one that takes a little now and then is not. */
static void slow_reader(void **state)
{
    (void)state;
    start();
    struct client *c = ask_for_much();
    expect_end_after(IDLE_S);
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), 0);
    client_close(c);

    c = ask_for_much();
    assert_int_equal(client_answer_head(c), 200);
    for (size_t done = 0; done < MUCH; done += PIECE) {
        size_t before = left_to_send();
        pass(IDLE_S * 1000 - 1);
        for (size_t more = PIECE, used; more > 0; more -= used) {
            assert_true(c->size > 0 || client_fill(c));
            used = c->size < more ? c->size : more;
            client_use(c, used);
        }
        while (before > 0 && left_to_send() == before)
            continue;
    }
    assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_close(c);
    harness_stop(&h);
}

/* The rest of a body that was refused is read for some seconds only. */
static void lingering(void **state)
{
    (void)state;
    start();
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, REQUEST("POST /v1/echo") "Content-Length: 8000000\r\n\r\n"), 413);
    assert_true(client_at_end(c));
    wait_for_state(HTTP_LINGER, 1);
    expect_end_after(3);
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), 0);
    client_close(c);
    harness_stop(&h);
}

/* ---- accepting ---- */

static void is_paused(void *ctx)
{
    *(bool *)ctx = the_loop()->accept_paused;
}

/* No file descriptor is left: who comes waits, and is served when there is one again. */
static void no_descriptor_left(void **state)
{
    (void)state;
    start();
    struct rlimit before, none;
    bool paused = false;
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(getrlimit(RLIMIT_NOFILE, &before) == 0);
    int next = dup(c->fd);
    close(next);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    must(setrlimit(RLIMIT_NOFILE, &none) == 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_port(h.server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0);
    while (!paused)
        on_loop(is_paused, &paused);
    must(setrlimit(RLIMIT_NOFILE, &before) == 0);
    pass(100);
    assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_close(c);
    harness_stop(&h);
}

/* ---- stopping ---- */

/* An answer that takes longer than the ten seconds: the loop ends without it, its request lives on until it
 * comes. */
static void stop_by_force(void **state)
{
    (void)state;
    start();
    struct client *c = client_connect(&h), *timed = client_connect(&h), *half = client_connect(&h);
    client_send(c, GET("/never"));
    client_send(timed, GET("/after?ms=60000"));
    client_send(half, REQUEST("POST /upload") "Content-Length: 10\r\n\r\n12345");
    wait_for_state(HTTP_RUNNING, 2);
    wait_for_state(HTTP_BODY, 1);
    http_stop(h.server);
    pass(STOP_S * 1000 - 1);
    assert_int_equal(in_state(HTTP_RUNNING), 2);
    struct turning last = {&turned, 1000};
    on_loop(turn_now, &last);
    harness_join(&h);
    assert_int_equal(atomic_load(&finished), 1); /* that with the timer, which was called early */
    assert_int_equal(client_answer(timed, false), 200);
    assert_true(client_at_end(c) && client_at_end(half));
    release_held(); /* into the mailbox of a loop that is over */
    assert_int_equal(atomic_load(&finished), 1);
    client_close(c);
    client_close(timed);
    client_close(half);
    harness_close(&h);
    assert_int_equal(atomic_load(&finished), 2);
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle),          cmocka_unit_test(slow_head),
        cmocka_unit_test(slow_body),     cmocka_unit_test(slow_handler),
        cmocka_unit_test(timer),         cmocka_unit_test(slow_reader),
        cmocka_unit_test(lingering),     cmocka_unit_test(no_descriptor_left),
        cmocka_unit_test(stop_by_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
