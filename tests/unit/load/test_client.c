/*
 * The client against a server that the test plays itself, in the same loop: what it measures, and what it
 * says when answers do not come.
 */
#include "load/client.h"
#include "unit/base/check.h"
#include <arpa/inet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define GUARD (30 * NS_PER_S) /* against a test that hangs */

static const char *const KINDS[] = {"a", "b", NULL};
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

struct stage {
    struct loop loop;
    struct source listener, peer;
    struct client client;
    struct request requests[4];
    const char *answer; /* what the server says to each request; NULL: nothing; "": closes */
    size_t piece;       /* it sends so many bytes at a time */
    unsigned accepted, answered;
    struct reply last;
    char body[64];
};

static struct stage *stage; /* of the test that runs */

static void peer_ready(struct source *s, uint32_t events)
{
    char bytes[4096];
    (void)events;
    ssize_t got = recv(s->fd, bytes, sizeof bytes, 0);
    const char *answer = stage->answer;
    if (got > 0 && !answer)
        return;
    if (got <= 0 || !*answer) {
        loop_remove(&stage->loop, s);
        close(s->fd);
        s->fd = -1;
        return;
    }
    for (size_t at = 0; at < strlen(answer); at += stage->piece) {
        size_t left = strlen(answer) - at;
        send(s->fd, answer + at, left < stage->piece ? left : stage->piece, MSG_NOSIGNAL);
        if (stage->piece < strlen(answer)) /* let the client see this piece alone */
            loop_turn(&stage->loop, now_ns());
    }
}

static void listener_ready(struct source *s, uint32_t events)
{
    (void)events;
    stage->peer = (struct source){.ready = peer_ready, .fd = accept(s->fd, NULL, NULL)};
    stage->accepted++;
    loop_add(&stage->loop, &stage->peer, EPOLLIN);
}

static void done(struct request *r, const struct reply *reply)
{
    (void)r;
    stage->answered++;
    stage->last = *reply;
    strncpy(stage->body, reply->body, sizeof stage->body - 1);
}

static int setup(void **state)
{
    stage = calloc(1, sizeof *stage);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    loop_open(&stage->loop);
    stage->listener = (struct source){.ready = listener_ready, .fd = fd};
    stage->peer.fd = -1;
    stage->answer = ANSWER;
    stage->piece = 4096;
    loop_add(&stage->loop, &stage->listener, EPOLLIN);
    client_open(&stage->client, &stage->loop, &address, "h", 1, 0, 10 * NS_PER_S, KINDS);
    stage->client.until_ns = INT64_MAX;
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client_close(&stage->client);
    if (stage->listener.fd >= 0)
        close(stage->listener.fd);
    if (stage->peer.fd >= 0)
        close(stage->peer.fd);
    loop_close(&stage->loop);
    for (unsigned i = 0; i < 4; i++)
        buf_done(&stage->requests[i].text);
    free(stage);
    return 0;
}

static void send_one(unsigned index, int64_t due_ns)
{
    struct request *r = &stage->requests[index];
    wire_write(&r->text, &(struct wire_request){.method = "GET", .path = "/", .host = "h"});
    r->due_ns = due_ns;
    r->done = done;
    client_send(&stage->client, r);
}

static void wait_for(unsigned answers)
{
    int64_t end = now_ns() + GUARD;
    while (stage->answered < answers && now_ns() < end)
        loop_turn(&stage->loop, now_ns() + NS_PER_S / 10);
    assert_int_equal(stage->answered, answers);
}

/* A request that waited a minute for its turn took a minute, however quick the answer was. */
static void test_latency_counts_from_when_it_was_due(void **state)
{
    (void)state;
    send_one(0, now_ns() - 60 * NS_PER_S);
    wait_for(1);
    assert_int_equal(stage->last.status, 200);
    assert_string_equal(stage->body, "hello");
    assert_true(stage->requests[0].latency_ns >= 60 * NS_PER_S);
    assert_true(histogram_ms(&stage->client.kinds[0].latency, 0.5) >= 60000);
    assert_int_equal(stage->client.kinds[0].statuses[200], 1);
}

/* Those in line are sent one after the other over the same connection. */
static void test_requests_wait_in_line(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        send_one(i, now_ns());
    assert_int_equal(stage->client.waiting, 3);
    wait_for(4);
    assert_int_equal(stage->accepted, 1);
    assert_true(client_is_quiet(&stage->client));
    assert_int_equal(kind_answered(&stage->client.kinds[0]), 4);
}

static void test_only_the_window_is_measured(void **state)
{
    (void)state;
    int64_t now = now_ns();
    stage->client.from_ns = now - NS_PER_S;
    stage->client.until_ns = now;
    send_one(0, now - 2 * NS_PER_S);
    send_one(1, now - NS_PER_S);
    send_one(2, now);
    wait_for(3);
    assert_int_equal(kind_answered(&stage->client.kinds[0]), 1);
    assert_int_equal(stage->client.finished, 3);
}

static void test_a_reply_in_pieces(void **state)
{
    (void)state;
    stage->piece = 1;
    send_one(0, now_ns());
    wait_for(1);
    assert_int_equal(stage->last.error, WIRE_OK);
    assert_string_equal(stage->body, "hello");
}

/* It is counted as what it is, and the next request connects again. */
static void test_a_connection_that_is_closed(void **state)
{
    (void)state;
    stage->answer = "";
    send_one(0, now_ns());
    wait_for(1);
    assert_int_equal(stage->last.error, WIRE_CLOSED);
    assert_int_equal(stage->client.kinds[0].errors[WIRE_CLOSED], 1);
    assert_int_equal(stage->client.failed, 1);
    stage->answer = ANSWER;
    send_one(1, now_ns());
    wait_for(2);
    assert_int_equal(stage->last.error, WIRE_OK);
    assert_int_equal(stage->accepted, 2);
}

static void test_a_server_that_is_not_there(void **state)
{
    (void)state;
    loop_remove(&stage->loop, &stage->listener);
    close(stage->listener.fd);
    stage->listener.fd = -1;
    send_one(0, now_ns());
    wait_for(1);
    assert_int_equal(stage->last.error, WIRE_CONNECT);
}

static void test_no_answer_in_time(void **state)
{
    (void)state;
    stage->answer = NULL;
    stage->client.timeout_ns = NS_PER_MS;
    send_one(0, now_ns());
    wait_for(1);
    assert_int_equal(stage->last.error, WIRE_TIMEOUT);
    assert_int_equal(kind_answered(&stage->client.kinds[0]), 0);
    assert_int_equal(kind_errors(&stage->client.kinds[0]), 1);
}

static void test_what_is_no_http(void **state)
{
    (void)state;
    stage->answer = "SSH-2.0-x\r\n\r\n";
    send_one(0, now_ns());
    wait_for(1);
    assert_int_equal(stage->last.error, WIRE_PROTOCOL);
}

static void test_a_line_that_is_dropped(void **state)
{
    (void)state;
    stage->answer = NULL;
    send_one(0, now_ns());
    send_one(1, now_ns());
    client_drop_line(&stage->client);
    assert_int_equal(stage->answered, 1);
    assert_int_equal(stage->last.error, WIRE_UNSENT);
    assert_int_equal(stage->client.under_way, 1);
}

/* One that waited in line for too long is given up before it is sent. */
static void test_a_place_in_line_is_given_up(void **state)
{
    (void)state;
    stage->answer = NULL;
    send_one(0, now_ns());
    send_one(1, now_ns() - 11 * NS_PER_S);
    wait_for(1);
    assert_int_equal(stage->last.error, WIRE_TIMEOUT);
    assert_int_equal(stage->client.waiting, 0);
    assert_int_equal(stage->client.under_way, 1);
}

/* With one connection of two kept for urgent requests, ordinary ones wait while it is idle. */
static void test_urgent_requests_do_not_wait_behind_others(void **state)
{
    (void)state;
    const struct sockaddr_in address = stage->client.address;
    client_close(&stage->client);
    client_open(&stage->client, &stage->loop, &address, "h", 1, 1, 10 * NS_PER_S, KINDS);
    stage->answer = NULL;
    send_one(0, now_ns());
    send_one(1, now_ns());
    assert_int_equal(stage->client.under_way, 1);
    assert_int_equal(stage->client.waiting, 1);
    stage->requests[2].urgent = stage->requests[3].urgent = true;
    send_one(2, now_ns());
    assert_int_equal(stage->client.under_way, 2);
    send_one(3, now_ns());
    assert_int_equal(stage->client.waiting, 2);
    assert_ptr_equal(stage->client.lines[true].first, &stage->requests[3]);
    assert_ptr_equal(stage->client.lines[false].first, &stage->requests[1]);
}

struct busy {
    struct timer timer;
    unsigned calls;
};

static void always_due(struct timer *t)
{
    ((struct busy *)t)->calls++;
    loop_set(&stage->loop, t, now_ns() - NS_PER_S);
}

/* Timers that are always due leave the sockets their turn. */
static void test_sockets_have_their_turn(void **state)
{
    (void)state;
    struct busy busy = {.timer.due = always_due};
    loop_set(&stage->loop, &busy.timer, now_ns());
    send_one(0, now_ns());
    wait_for(1);
    assert_true(busy.calls > 0);
    loop_unset(&stage->loop, &busy.timer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_latency_counts_from_when_it_was_due),
        TEST(test_requests_wait_in_line),
        TEST(test_only_the_window_is_measured),
        TEST(test_a_reply_in_pieces),
        TEST(test_a_connection_that_is_closed),
        TEST(test_a_server_that_is_not_there),
        TEST(test_no_answer_in_time),
        TEST(test_what_is_no_http),
        TEST(test_a_line_that_is_dropped),
        TEST(test_sockets_have_their_turn),
        TEST(test_a_place_in_line_is_given_up),
        TEST(test_urgent_requests_do_not_wait_behind_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
