/* How bytes come and go: in one piece, one by one, with an end behind them, into a socket that is full. */
#include "base/metrics.h"
#include "base/rng.h"
#include "harness.h"
#include "http/internal.h"

static struct harness h;

static int set_up(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = 1});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_stop(&h);
    return 0;
}

static void do_turn(void)
{
    send_errand(&h.server->loops[0].mailbox, do_nothing, NULL);
}

/* ---- the same bytes in pieces ---- */

#define JSON "Content-Type: application/json\r\n"

/* Of every kind that there is; the one before the last ends the connection. */
static const struct {
    const char *text;
    int status;
} conversation[] = {
    {GET("/hello"), 200},
    {GET("/later") "\r\n", 200},
    {REQUEST("POST /v1/echo") JSON "Content-Length: 7\r\n\r\n{\"a\":1}", 200},
    {REQUEST("HEAD /hello") "\r\n", 200},
    {GET("/nowhere?x=%20"), 404},
    {REQUEST("POST /v1/echo") JSON "Transfer-Encoding: chunked\r\n\r\n"
                                   "3;x=y\r\n[1,\r\nA\r\n2,3,4,5,6,\r\n2\r\n7]\r\n0\r\nTrailer: x\r\n\r\n",
     200},
    {REQUEST("POST /nowhere") "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 404},
    {REQUEST("DELETE /hello") "Content-Length: 3\r\n\r\nabc", 405},
    {GET("/after?ms=1"), 200},
    {GET("/query?a=1&b=x+y%2Bz"), 200},
    {GET("/item/a%20b/%C3%BC"), 200},
    {"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200},
    {REQUEST("GET /header") "X-Test: a\r\nx-test:b \r\nConnection: x, Close\r\n\r\n", 200},
    {GET("/hello"), 0},
};

enum { TURNS = sizeof conversation / sizeof conversation[0] };

static const char *all_requests(size_t *ret_size)
{
    static char text[4096];
    text[0] = '\0';
    for (size_t i = 0; i < TURNS; i++)
        strcat(text, conversation[i].text);
    *ret_size = strlen(text);
    return text;
}

/* All that comes back until the end, without the dates. */
static char *read_all(struct client *c)
{
    while (client_fill(c))
        continue;
    char *text = malloc(c->size + 1);
    assert_non_null(text);
    memcpy(text, c->in, c->size);
    text[c->size] = '\0';
    for (char *date = text; (date = strstr(date, "\r\nDate: ")); date++)
        memset(date + 8, '-', 29);
    return text;
}

static char *converse(size_t piece)
{
    size_t size;
    const char *requests = all_requests(&size);
    struct client *c = client_connect(&h);
    for (size_t at = 0; at < size; at += piece) {
        if (!client_write(c, requests + at, size - at < piece ? size - at : piece))
            break; /* the last request is behind the end */
        do_turn(); /* so that they do not come together after all */
        do_turn();
    }
    char *answers = read_all(c);
    client_close(c);
    return answers;
}

static void pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 7, 64, 1000};
    char *whole = converse(SIZE_MAX / 2);
    const char *at = whole;
    for (size_t i = 0; conversation[i].status; i++) {
        at = strstr(at, "HTTP/1.1 ");
        assert_non_null(at);
        assert_int_equal(atoi(at += 9), conversation[i].status);
    }
    assert_null(strstr(at, "HTTP/1.1 "));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *parts = converse(sizes[i]);
        assert_string_equal(parts, whole);
        free(parts);
    }
    free(whole);
}

/* Begun anywhere, with some bytes changed, in pieces of any size: every connection comes to its end. Run
 * under a sanitizer. */
static void garbled(void **state)
{
    (void)state;
    enum { ROUNDS = 400 };
    static const char odd[] = {0, '\r', '\n', ' ', ':', '%', '\x7f', '\xff', '0', ';'};
    struct rng rng;
    size_t size;
    const char *requests = all_requests(&size);
    rng_init_seeded(&rng, 1);
    for (int round = 0; round < ROUNDS; round++) {
        static char text[4096];
        size_t from = rng_below(&rng, (uint32_t)size), rest = size - from;
        memcpy(text, requests + from, rest);
        for (uint32_t left = rng_below(&rng, 5); left > 0; left--)
            text[rng_below(&rng, (uint32_t)rest)] = odd[rng_below(&rng, sizeof odd)];
        struct client *c = client_connect(&h);
        for (size_t at = 0, piece; at < rest; at += piece) {
            piece = 1 + rng_below(&rng, (uint32_t)(rest - at));
            if (!client_write(c, text + at, piece))
                break;
            do_turn();
        }
        shutdown(c->fd, SHUT_WR);
        free(read_all(c)); /* does not return before the end */
        client_close(c);
    }
    struct client *c;
    assert_int_equal(ask_once(&h, &c, GET("/hello")), 200);
    client_close(c);
    while (metrics_get(METRIC_CONNECTIONS) > 0)
        do_turn();
}

/* Bodies of all sizes around those of the buffers, in chunks and as a whole, one behind the other. */
static void bodies_of_all_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,    100,  1023, 1024, 2047,  2048,  2049,
                                   3071, 4096, 9215, 9216, 65536, 200000};
    static char text[2 * 200000 + 1000];
    struct client *c = client_connect(&h);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        char *at = text + sprintf(text, REQUEST("POST /v1/echo") JSON "Content-Length: %zu\r\n\r\n", size);
        for (size_t k = 0; k < size; k++)
            *at++ = (char)('a' + k % 23);
        at += sprintf(at, REQUEST("POST /v1/echo") JSON "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", size);
        for (size_t k = 0; k < size; k++)
            *at++ = (char)('a' + k % 23);
        at += sprintf(at, "\r\n0\r\n\r\n" GET("/hello"));
        assert_true(client_write(c, text, (size_t)(at - text)));
        for (int form = 0; form < 2; form++) {
            assert_int_equal(client_answer(c, false), 200);
            assert_int_equal(c->body_size, size);
            for (size_t k = 0; k < size; k++)
                assert_int_equal(c->body[k], 'a' + k % 23);
        }
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, "hello");
    }
    client_close(c);
}

/* A request behind a chunked body, at every place of the buffer, and with a chunked body of its own. */
static void heads_at_all_places(void **state)
{
    (void)state;
    enum { MOST = 9500, STEP = 37 };
    static const int pads[] = {1, 700, 7000}; /* the last needs the bigger buffer */
    static char text[MOST + 9000];
    struct client *c = client_connect(&h);
    for (int size = 1, i = 0; size < MOST; size += STEP, i++) {
        int first = sprintf(
            text, REQUEST("POST /v1/echo") JSON "Transfer-Encoding: chunked\r\n\r\n%x\r\n%0*d\r\n0\r\n\r\n",
            (unsigned)size, size, 7);
        int second = sprintf(text + first,
                             REQUEST("POST /v1/echo") JSON "X: %0*d\r\nTransfer-Encoding: chunked\r\n\r\n",
                             pads[i % 3], 7);
        client_write(c, text, (size_t)(first + second));
        assert_int_equal(client_answer(c, false), 200);
        assert_int_equal(c->body_size, size);
        client_send(c, "5\r\n[1,2]\r\n0\r\n\r\n");
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, "[1,2]");
    }
    client_close(c);
}

/* ---- the client's end ---- */

/* It says that it sends no more, and waits for its answers. */
static void half_closed(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/hello"), GET("/later"), GET("/after?ms=5"),
                                           GET("/hello") GET("/later") GET("/hello"),
                                           REQUEST("POST /v1/echo") JSON "Content-Length: 2\r\n\r\n{}"};
    static const int answers[] = {1, 1, 1, 3, 1};
    for (int late = 0; late < 2; late++) {
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
            struct client *c = client_connect(&h);
            client_send(c, requests[i]);
            if (late)
                do_turn();
            shutdown(c->fd, SHUT_WR);
            for (int k = 0; k < answers[i]; k++)
                assert_int_equal(client_answer(c, false), 200);
            assert_true(client_at_end(c));
            client_close(c);
        }
    }
    struct client *c = client_connect(&h);
    client_send(c, GET("/never"));
    shutdown(c->fd, SHUT_WR);
    while (!atomic_load(&held_request))
        do_turn();
    do_turn();
    assert_int_equal(metrics_get(METRIC_CONNECTIONS), 1);
    release_held();
    assert_int_equal(client_answer(c, false), 200);
    assert_string_equal(c->body, "released");
    assert_true(client_at_end(c));
    client_close(c);
}

/* In the middle of a request there is no answer to wait for. */
static void ends_in_the_middle(void **state)
{
    (void)state;
    static const char *const parts[] = {"",
                                        "\r\n",
                                        "GET /hel",
                                        REQUEST("GET /hello"),
                                        REQUEST("POST /upload") "Content-Length: 10\r\n\r\n12345",
                                        REQUEST("POST /upload") "Transfer-Encoding: chunked\r\n\r\n5\r\n12"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct client *c = client_connect(&h);
        client_send(c, parts[i]);
        shutdown(c->fd, SHUT_WR);
        assert_true(client_at_end(c));
        client_close(c);
    }
}

static atomic_int seen_gone;

static void is_gone(void *ctx)
{
    (void)ctx;
    atomic_store(&seen_gone, h.server->loops[0].orphans == 1 && h.server->loops[0].conn_count == 0);
}

/* Noticed at once, and the request is still whole for its handler, which answers into the void. */
static void vanished_while_pending(void **state)
{
    (void)state;
    struct client *c = client_connect(&h), *other;
    client_send(c, GET("/never"));
    while (!atomic_load(&held_request))
        do_turn();
    client_reset(c);
    while (!atomic_load(&seen_gone))
        send_errand(&h.server->loops[0].mailbox, is_gone, NULL);
    struct http_req *req = atomic_load(&held_request)->req;
    assert_string_equal(http_header(req, "Host"), "test");
    assert_string_equal(req->path, "/never");
    assert_string_equal(req->peer, "127.0.0.1");
    int before = atomic_load(&finished);
    release_held();
    assert_int_equal(ask_once(&h, &other, GET("/hello")), 200);
    assert_true(atomic_load(&finished) > before);
    client_close(other);
    do_turn();
}

/* ---- a socket that is full ---- */

enum { LITTLE_ROOM = 4096 };

static struct client *connect_with_little_room(void)
{
    int room = LITTLE_ROOM;
    must(setsockopt(h.server->loops[0].listen_fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    return client_connect_with(&h, LITTLE_ROOM);
}

/* Answers that go out piece by piece, and others behind them. */
static void short_writes(void **state)
{
    (void)state;
    enum { ANSWERS = 40 };
    struct client *c = connect_with_little_room();
    for (int i = 0; i < ANSWERS; i++)
        client_send(c, i % 2 ? GET("/cached?size=100000") : GET("/hello"));
    for (int i = 0; i < ANSWERS; i++) {
        assert_int_equal(client_answer(c, false), 200);
        assert_int_equal(c->body_size, i % 2 ? 100000 : 5);
        for (size_t k = 0; i % 2 && k < c->body_size; k++)
            assert_int_equal(c->body[k], 'a' + k % 7);
    }
    client_close(c);
}

/* Pipelined requests whose answers nobody reads: the server stops reading, and goes on when it can. */
static void unread_pipeline(void **state)
{
    (void)state;
    enum { MOST = 200000 };
    struct client *c = connect_with_little_room();
    int before = atomic_load(&handled), sent = 0;
    size_t size = strlen(GET("/hello"));
    while (sent < MOST && send(c->fd, GET("/hello"), size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size)
        sent++;
    assert_in_range(sent, 10, MOST - 1); /* it did push back */
    for (int i = 0; i < sent; i++)
        assert_int_equal(client_answer(c, false), 200);
    assert_int_equal(atomic_load(&handled), before + sent);
    client_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces),
        cmocka_unit_test(garbled),
        cmocka_unit_test(bodies_of_all_sizes),
        cmocka_unit_test(heads_at_all_places),
        cmocka_unit_test(half_closed),
        cmocka_unit_test(ends_in_the_middle),
        cmocka_unit_test(vanished_while_pending),
        cmocka_unit_test(short_writes),
        cmocka_unit_test(unread_pipeline),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
