#include "load/sse.h"
#include "unit/base/check.h"
#include <stdio.h>
#include <string.h>

struct seen {
    unsigned count;
    uint64_t last_id;
    char all[400];
};

static void note(void *ctx, const struct sse_message *m)
{
    struct seen *s = ctx;
    size_t at = strlen(s->all);
    s->count++;
    s->last_id = m->id ? m->id : s->last_id;
    snprintf(s->all + at, sizeof s->all - at, "[%s|%s|%d]", m->event, m->data, (int)m->retry_ms);
}

static const char PLAIN[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                            "retry: 700\nid: 3\n\nid: 4\nevent: seats\ndata: {\"seq\":4}\n\n: still here\n\n";
static const char CHUNKED[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "12\r\nretry: 700\nid: 3\n\n\r\n"
                              "10;x=y\r\nid: 4\nevent: sea\r\n"
                              "23\r\nts\ndata: {\"seq\":4}\n\n: still here\n\n\r\n";
static const char EXPECTED[] = "[||700][seats|{\"seq\":4}|-1][||-1]";

/* However the bytes are cut, the messages are the same. */
static void assert_messages(const char *bytes, size_t piece)
{
    struct sse s = {0};
    struct seen seen = {0};
    sse_reset(&s);
    for (size_t at = 0, size = strlen(bytes); at < size; at += piece)
        assert_true(sse_feed(&s, bytes + at, size - at < piece ? size - at : piece, note, &seen));
    assert_string_equal(seen.all, EXPECTED);
    assert_int_equal(seen.last_id, 4);
    sse_done(&s);
}

static void test_messages(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof CHUNKED; piece++) {
        assert_messages(PLAIN, piece);
        assert_messages(CHUNKED, piece);
    }
}

static void test_a_refusal(void **state)
{
    (void)state;
    static const char REFUSED[] = "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n";
    struct sse s = {0};
    struct seen seen = {0};
    assert_false(sse_feed(&s, REFUSED, strlen(REFUSED), note, &seen));
    assert_int_equal(seen.count, 0);
    assert_memory_equal(s.data, "HTTP/1.1 503", 12);
    sse_done(&s);
}

static void test_another_connection(void **state)
{
    (void)state;
    struct sse s = {0};
    struct seen seen = {0};
    assert_true(sse_feed(&s, PLAIN, sizeof PLAIN - 10, note, &seen)); /* cut off in the middle of a message */
    sse_reset(&s);
    seen = (struct seen){0};
    assert_true(sse_feed(&s, PLAIN, sizeof PLAIN - 1, note, &seen));
    assert_string_equal(seen.all, EXPECTED);
    sse_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_a_refusal),
        cmocka_unit_test(test_another_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
