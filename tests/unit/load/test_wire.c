#include "load/wire.h"
#include "unit/base/check.h"
#include <string.h>

static void assert_written(const struct wire_request *r, const char *expected)
{
    struct buf b = {0};
    wire_write(&b, r);
    assert_int_equal(b.size, strlen(expected));
    assert_memory_equal(b.data, expected, b.size);
    buf_done(&b);
}

static void test_requests(void **state)
{
    (void)state;
    assert_written(&(struct wire_request){.method = "GET", .path = "/healthz", .host = "h"},
                   "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_written(&(struct wire_request){.method = "POST", .path = "/v1/sessions", .host = "h"},
                   "POST /v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    assert_written(
        &(struct wire_request){.method = "POST",
                               .path = "/p",
                               .host = "h",
                               .token = "t",
                               .idempotency_key = "k",
                               .headers = "Accept: a\r\n",
                               .body = "{}"},
        "POST /p HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\nIdempotency-Key: k\r\nAccept: a\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

static void test_head_of_a_reply(void **state)
{
    (void)state;
    struct reply r;
    assert_true(wire_read_head(
        "HTTP/1.1 201 Created\r\nchange-seq: 12\r\nContent-Length: 345\r\nIdempotent-Replayed: "
        "true\r\nConnection: close\r\n\r\n",
        &r));
    assert_int_equal(r.status, 201);
    assert_int_equal(r.change_seq, 12);
    assert_int_equal(r.body_bytes, 345);
    assert_true(r.replayed && r.closes);
    assert_int_equal(r.retry_after_s, 0);
    assert_true(
        wire_read_head("HTTP/1.1 503 Unavailable\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", &r));
    assert_int_equal(r.retry_after_s, 3);
    assert_false(r.replayed || r.closes);
}

/* 204 and 304 have no body, whatever they say. */
static void test_replies_without_a_body(void **state)
{
    (void)state;
    struct reply r;
    assert_true(wire_read_head("HTTP/1.1 204 No Content\r\n\r\n", &r));
    assert_int_equal(r.body_bytes, 0);
    assert_true(wire_read_head("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", &r));
    assert_int_equal(r.body_bytes, 0);
}

static void test_what_is_no_reply(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                                        "HTTP/1.1 999 x\r\nContent-Length: 1\r\n\r\n",
                                        "HTTP/1.1 100 Continue\r\n\r\n"};
    struct reply r;
    for (unsigned i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        assert_false(wire_read_head(WRONG[i], &r));
}

static void test_members(void **state)
{
    (void)state;
    const struct reply r = {.status = 201,
                            .body = "{\"hold_id\":\"11cb8e5f-342d-8000-8000-000829ba454d\",\"started_at\":"
                                    "\"1970-01-01T00:00:01.500Z\","
                                    "\"short\":\"1\"}"};
    struct uuid id;
    char text[UUID_TEXT + 1];
    assert_true(reply_uuid(&r, "hold_id", &id));
    uuid_format(&id, text);
    assert_string_equal(text, "11cb8e5f-342d-8000-8000-000829ba454d");
    assert_int_equal(reply_time(&r, "started_at"), 1500);
    assert_false(reply_uuid(&r, "order_id", &id));
    assert_false(reply_uuid(&r, "short", &id));
    assert_int_equal(reply_time(&r, "short"), 0);
}

static void test_problems(void **state)
{
    (void)state;
    const struct reply r = {.status = 409, .body = "{\"type\":\"/problems/seats-taken\",\"title\":\"x\"}"};
    const struct reply none = {.error = WIRE_TIMEOUT, .body = ""};
    assert_true(reply_is_problem(&r, "seats-taken"));
    assert_false(reply_is_problem(&r, "seats"));
    assert_false(reply_is_problem(&r, "seats-taken-too"));
    assert_false(reply_is_problem(&none, "seats-taken"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_head_of_a_reply),
        cmocka_unit_test(test_replies_without_a_body),
        cmocka_unit_test(test_what_is_no_reply),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
