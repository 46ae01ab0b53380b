/* Lifetimes: clients that vanish, deadlines, stopping, metrics. Each test has a server of its own. */
#include "base/metrics.h"
#include "harness.h"
#include <errno.h>
#include <fcntl.h>

static struct harness h;

/* Until *counter is @wanted, or 5 s. */
static void wait_for(const atomic_int *counter, int wanted)
{
    for (int i = 0; i < 5000 && atomic_load(counter) != wanted; i++)
        pause_ms(1);
    assert_int_equal(atomic_load(counter), wanted);
}

static void wait_for_connections(int64_t wanted)
{
    for (int i = 0; i < 5000 && metrics_get(METRIC_CONNECTIONS) != wanted; i++)
        pause_ms(1);
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), wanted);
}

static int64_t now_ms(void)
{
    return clock_monotonic_us(&h.clock) / 1000;
}

/* The client is gone before its answer comes: the request lives until then, and no longer. */
static void vanish_while_pending(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1});
    for (int i = 0; i < 20; i++) {
        struct client *c = client_connect(&h);
        client_send(c, GET("/never"));
        wait_for(&handled, i + 1);
        if (i % 2) {
            client_reset(c);
            wait_for_connections(
                0); /* noticed; an end in order may also mean that it waits and says no more */
        } else {
            client_close(c);
        }
        assert_int_equal(atomic_load(&finished), i);
        release_held();
        wait_for(&finished, i + 1);
        wait_for_connections(0);
    }
    harness_stop(&h);
}

static void vanish_in_crowds(void **state)
{
    (void)state;
    enum { ROUNDS = 30, CLIENTS = 20 };
    harness_start(&h, (struct http_options){.loops = HARNESS_LOOPS});
    for (int round = 0; round < ROUNDS; round++) {
        struct client *c[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            c[i] = client_connect(&h);
            client_send(c[i], i % 4 == 3 ? GET("/after?ms=3") : GET("/later"));
            if (i % 4 == 2)
                client_send(c[i], GET("/later") GET("/hello")); /* pipelined behind it */
        }
        for (int i = 0; i < CLIENTS; i++) {
            if (i % 3 == 0)
                assert_int_equal(client_answer(c[i], false), 200);
            if (i % 3 == 1)
                client_reset(c[i]);
            else
                client_close(c[i]);
        }
    }
    wait_for_connections(0);
    harness_stop(&h);
}

static void vanish_while_sending(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1});
    static const char *const starts[] = {"", "GET /hel", REQUEST("GET /hello"),
                                         REQUEST("POST /upload") "Content-Length: 10\r\n\r\n12345",
                                         REQUEST("POST /upload") "Transfer-Encoding: chunked\r\n\r\n5\r\n12"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct client *c = client_connect(&h);
        client_send(c, starts[i]);
        pause_ms(10);
        if (i % 2)
            client_reset(c);
        else
            client_close(c);
        wait_for_connections(0);
    }
    harness_stop(&h);
}

/* A client that reads nothing of a large answer, and goes. */
static void vanish_while_reading(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1});
    struct client *c = client_connect(&h);
    client_send(c, GET("/cached?size=50000000"));
    pause_ms(300);
    client_close(c);
    wait_for_connections(0);
    harness_stop(&h);
}

/* ---- limits ---- */

static void connection_limit(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1, .max_connections = 3});
    struct client *c[3], *more;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_once(&h, &c[i], GET("/hello")), 200);
    more = client_connect(&h); /* waits in the kernel's queue */
    client_send(more, GET("/hello"));
    pause_ms(50);
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), 3);
    client_close(c[1]);
    assert_int_equal(client_answer(more, false), 200);
    client_close(more);
    client_close(c[0]);
    client_close(c[2]);
    harness_stop(&h);
}

static void counting(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1});
    int64_t requests = metrics_get(METRIC_HTTP_REQUESTS), errors = metrics_get(METRIC_HTTP_SERVER_ERRORS);
    struct client *c;
    assert_int_equal(ask_once(&h, &c, GET("/hello")), 200);
    assert_int_equal(client_ask(c, GET("/nowhere")), 404);
    assert_int_equal(client_ask(c, GET("/later")), 200);
    assert_int_equal(client_ask(c, GET("/v1/problem?code=20")), 500);
    assert_int_equal(metrics_get(METRIC_HTTP_REQUESTS), requests + 4);
    assert_int_equal(metrics_get(METRIC_HTTP_SERVER_ERRORS), errors + 1);
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), 1);
    client_close(c);
    wait_for_connections(0);
    harness_stop(&h);
}

/* ---- stopping ---- */

static void stop_closes_idle(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = HARNESS_LOOPS});
    struct client *used, *fresh = client_connect(&h), *half = client_connect(&h);
    assert_int_equal(ask_once(&h, &used, GET("/hello")), 200);
    client_send(half, "GET /hel");
    wait_for_connections(3);
    pause_ms(20);
    int64_t start = now_ms();
    harness_join(&h);
    assert_true(now_ms() - start < 2000);
    assert_true(client_at_end(used) && client_at_end(fresh) && client_at_end(half));
    client_close(used);
    client_close(fresh);
    client_close(half);
    harness_close(&h);
}

static void *release_soon(void *arg)
{
    (void)arg;
    pause_ms(300);
    release_held();
    return NULL;
}

/* What is pending gets its answer, with "Connection: close"; what comes behind it is not served. */
static void stop_while_pending(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1});
    struct client *c = client_connect(&h), *later = client_connect(&h);
    client_send(c, GET("/never"));
    client_send(later, GET("/later?ms=400"));
    wait_for(&handled, 2);
    pthread_t thread;
    must(pthread_create(&thread, NULL, release_soon, NULL) == 0);
    int64_t start = now_ms();
    harness_join(&h);
    assert_in_range(now_ms() - start, 200, 5000);
    must(pthread_join(thread, NULL) == 0);
    assert_int_equal(client_answer(c, false), 200);
    assert_string_equal(c->body, "released");
    assert_string_equal(client_header(c, "Connection"), "close");
    assert_true(client_at_end(c));
    assert_int_equal(client_answer(later, false), 200);
    assert_int_equal(atomic_load(&finished), 2);
    client_close(c);
    client_close(later);
    harness_close(&h);
}

static bool can_connect(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_port(h.server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool connected = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return connected;
}

static void stop_refuses_new(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1});
    struct client *c = client_connect(&h);
    client_send(c, GET("/never"));
    wait_for(&handled, 1);
    assert_true(can_connect());
    http_stop(h.server);
    http_stop(h.server); /* twice is once */
    for (int i = 0; i < 1000 && can_connect(); i++)
        pause_ms(1);
    assert_false(can_connect());
    release_held();
    assert_int_equal(client_answer(c, false), 200);
    client_close(c);
    harness_stop(&h);
}

static void stop_under_load(void **state)
{
    (void)state;
    enum { CLIENTS = 30 };
    for (int round = 0; round < 10; round++) {
        harness_start(&h, (struct http_options){.loops = HARNESS_LOOPS});
        struct client *c[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            c[i] = client_connect(&h);
            client_send(c[i], i % 2 ? GET("/later") GET("/hello") : GET("/hello") GET("/after?ms=5"));
        }
        pause_ms(round);
        harness_stop(&h);
        for (int i = 0; i < CLIENTS; i++) {
            while (client_answer(c[i], false))
                assert_int_equal(c[i]->status, 200);
            client_close(c[i]);
        }
    }
}

/* ---- opening ---- */

static const struct http_options plain = {
    .address = "127.0.0.1",
    .loops = 2,
    .routes = harness_routes,
    .clock = &h.clock,
    .max_connections = 10,
    .idle_seconds = 5,
    .header_seconds = 5,
    .body_seconds = 5,
};

static void opening(void **state)
{
    (void)state;
    clock_init_system(&h.clock);
    struct http_server *first, *second;
    const char *reason = NULL;
    assert_int_equal(http_open(&plain, &first, &reason), 0);
    assert_int_not_equal(http_port(first), 0);
    assert_int_equal(http_loop_count(first), 2);

    struct http_options taken = plain;
    taken.port = http_port(first);
    assert_int_equal(http_open(&taken, &second, &reason), BOX_EIO);
    assert_non_null(strstr(reason, "in use"));
    taken.loops = 1;
    assert_int_equal(http_open(&taken, &second, &reason), BOX_EIO);
    http_close(first); /* never ran */

    assert_int_equal(http_open(&taken, &second, &reason), 0); /* free again */
    assert_int_equal(http_port(second), taken.port);
    http_stop(second);
    http_close(second);

    struct http_options wrong = plain;
    wrong.address = "192.0.2.1";
    assert_int_equal(http_open(&wrong, &second, &reason), BOX_EIO);
    assert_non_null(strstr(reason, "192.0.2.1"));
    wrong.address = "not an address";
    assert_int_equal(http_open(&wrong, &second, &reason), BOX_EIO);
}

static void six(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 2, .address = "::1"});
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(http_port(h.server))};
    to.sin6_addr = in6addr_loopback;
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0) {
        assert_int_equal(client_ask(c, GET("/peer")), 200);
        assert_string_equal(c->body, "::1");
    }
    client_close(c);
    harness_stop(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vanish_while_pending),
        cmocka_unit_test(vanish_in_crowds),
        cmocka_unit_test(vanish_while_sending),
        cmocka_unit_test(vanish_while_reading),
        cmocka_unit_test(connection_limit),
        cmocka_unit_test(counting),
        cmocka_unit_test(stop_closes_idle),
        cmocka_unit_test(stop_while_pending),
        cmocka_unit_test(stop_refuses_new),
        cmocka_unit_test(stop_under_load),
        cmocka_unit_test(opening),
        cmocka_unit_test(six),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
