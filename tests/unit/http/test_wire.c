/* What an odd or hostile client sees: split and pipelined bytes, attempts to smuggle, limits. */
#include "harness.h"

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

static void split_bytes(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    for (int round = 0; round < 2; round++) {
        const char *text = REQUEST("GET /item/1/2?x=%20") "X-Test: a\r\n\r\n";
        for (; *text; text++) {
            client_write(c, text, 1);
            if (round == 0)
                pause_ms(1);
        }
        assert_int_equal(client_answer(c, false), 200);
    }
    client_close(c);
}

static void pipelining(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    for (int round = 0; round < 10; round++) {
        client_send(
            c,
            GET("/hello") GET("/later")
                REQUEST("POST /v1/echo") "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n[1]" GET(
                    "/nowhere") REQUEST("HEAD /hello") "\r\n" GET("/after?ms=1") GET("/peer"));
        assert_int_equal(client_answer(c, false), 200);
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, "later");
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, "[1]");
        assert_int_equal(client_answer(c, false), 404);
        assert_int_equal(client_answer(c, true), 200);
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, "after");
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, "127.0.0.1");
    }
    client_close(c);
}

/* More requests in one go than the server has memory for a header. */
static void deep_pipeline(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct client *c = client_connect(&h);
    char *text = malloc(COUNT * 64);
    assert_non_null(text);
    text[0] = '\0';
    for (int i = 0; i < COUNT; i++)
        strcpy(text + (size_t)i * strlen(GET("/hello")), GET("/hello"));
    client_send(c, text);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(client_answer(c, false), 200);
    free(text);
    client_close(c);
}

/* Refused with 400, the connection closed, and what follows is not taken for a request. */
static void assert_refused(const char *text)
{
    struct client *c = client_connect(&h);
    int before = atomic_load(&handled);
    client_send(c, text);
    client_send(c, GET("/hello"));
    assert_int_equal(client_answer(c, false), 400);
    assert_string_equal(client_header(c, "Connection"), "close");
    assert_true(client_at_end(c));
    assert_int_equal(atomic_load(&handled), before);
    client_close(c);
}

#define POST "POST /v1/echo HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"

static void smuggling(void **state)
{
    (void)state;
    assert_refused(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_refused(POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n");
    assert_refused(POST "Content-Length: 4\r\nContent-Length: 4\r\n\r\n[12]");
    assert_refused(POST "Content-Length: 0\r\nContent-Length: 4\r\n\r\n[12]");
    assert_refused(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_refused(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    assert_refused(POST "Transfer-Encoding: identity\r\n\r\n[12]");
    assert_refused(POST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n");
    assert_refused(POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n");
    assert_refused("POST /v1/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_refused(POST "Content-Length : 4\r\n\r\n[12]");
    assert_refused(POST "Content-Length: 4\r\n 0\r\n\r\n[12]");
    assert_refused(POST "X: y\r\n\tContent-Length: 4\r\n\r\n[12]");
    assert_refused(POST " X: y\r\nContent-Length: 4\r\n\r\n[12]");
    assert_refused(POST "X\x01: y\r\n\r\n");
    assert_refused(POST "X: y\x01\r\n\r\n");
    assert_refused(POST "X: y\rContent-Length: 4\r\n\r\n[12]");
    assert_refused(POST ": y\r\n\r\n");
    assert_refused(POST "Content-L\xc3\xa4nge: 4\r\n\r\n");
}

/* A NUL must not cut a value, a line, or the head. */
static void assert_nul_refused(const char *text, size_t size)
{
    struct client *c = client_connect(&h);
    client_write(c, text, size);
    assert_int_equal(client_answer(c, false), 400);
    assert_true(client_at_end(c));
    client_close(c);
}

#define ASSERT_NUL_REFUSED(text) assert_nul_refused(text, sizeof(text) - 1)

static void embedded_nuls(void **state)
{
    (void)state;
    ASSERT_NUL_REFUSED(POST "Content-Length: 4\0 0\r\n\r\n[12]");
    ASSERT_NUL_REFUSED(POST "X: y\0Content-Length: 4\r\n\r\n[12]");
    ASSERT_NUL_REFUSED(POST "X: y\r\n\0Content-Length: 4\r\n\r\n[12]");
    ASSERT_NUL_REFUSED(POST "X: y\0\0Content-Length: 4\r\n\r\n[12]");
    ASSERT_NUL_REFUSED("GET /hello HTTP/1.1\r\n\0Host: test\r\n\r\n");
}

static void odd_lengths(void **state)
{
    (void)state;
    static const char *const lengths[] = {"-1", "+4", "4, 4", "0x4", "4a", "99999999999999999999999", ""};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, POST "Content-Length: %s\r\n\r\n[12]", lengths[i]);
        struct client *c;
        int status = ask_once(&h, &c, text);
        assert_int_equal(status, 400);
        client_close(c);
    }
}

/* Raw requests, and what becomes of them. After a 400 the connection is closed. */
static void strictness(void **state)
{
    (void)state;
#define GET_LINE "GET /hello HTTP/1.1\r\n"
#define HOST     "Host: test\r\n"
    static const struct {
        const char *text;
        int status;
    } table[] = {
        {GET_LINE HOST "\r\n", 200},
        /* the request line */
        {"GET  /hello HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /hello  HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /hello HTTP/1.1 \r\n" HOST "\r\n", 400},
        {" GET /hello HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET\t/hello HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /hel lo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /hel\tlo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /hel\x7flo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /hello\r\n" HOST "\r\n", 400},
        {"GET /hello HTTP/1.2\r\n" HOST "\r\n", 400},
        {"GET /hello HTTP/1.11\r\n" HOST "\r\n", 400},
        {"GET /hello HTTP/2.0\r\n" HOST "\r\n", 400},
        {"GET /hello http/1.1\r\n" HOST "\r\n", 400},
        {"GET /hello HTTP/1\r\n" HOST "\r\n", 400},
        {"(GET) /hello HTTP/1.1\r\n" HOST "\r\n", 400},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        /* ends of lines */
        {"GET /hello HTTP/1.1\n" HOST "\r\n", 400},
        {GET_LINE "Host: test\n\r\n", 400},
        {GET_LINE HOST "\n", 400},
        {GET_LINE HOST "X: a\nY: b\r\n\r\n", 400},
        {"\n" GET_LINE HOST "\r\n", 400},
        {"\r\n\n" GET_LINE HOST "\r\n", 400},
        {"\r" GET_LINE HOST "\r\n", 400},
        {GET_LINE HOST "X: a\rb\r\n\r\n", 400},
        {GET_LINE HOST "X: a\r\r\n\r\n", 400},
        /* fields */
        {GET_LINE HOST "X:\r\n\r\n", 200},
        {GET_LINE HOST "X: \t a\xc3\xbc\tb \t\r\n\r\n", 200},
        {GET_LINE HOST "!#$%&'*+-.^_`|~09aZ: a\r\n\r\n", 200},
        {GET_LINE HOST "X : a\r\n\r\n", 400},
        {GET_LINE HOST "X\t: a\r\n\r\n", 400},
        {GET_LINE HOST "X Y: a\r\n\r\n", 400},
        {GET_LINE HOST "X\xc3\xbc: a\r\n\r\n", 400},
        {GET_LINE HOST "no colon\r\n\r\n", 400},
        {GET_LINE HOST ": a\r\n\r\n", 400},
        {GET_LINE HOST "X: a\r\n b\r\n\r\n", 400},
        {GET_LINE HOST "X: a\r\n\tb\r\n\r\n", 400},
        {GET_LINE HOST "X: a\r\n \r\n\r\n", 400},
        {GET_LINE " X: a\r\n" HOST "\r\n", 400},
        {GET_LINE HOST "X: a\x01\r\n\r\n", 400},
        {GET_LINE HOST "X: a\x7f\r\n\r\n", 400},
        /* Host */
        {GET_LINE "\r\n", 400},
        {GET_LINE HOST HOST "\r\n", 400},
        {GET_LINE HOST "hOST: other\r\n\r\n", 400},
        {"GET /hello HTTP/1.0\r\n\r\n", 200},
        {"GET /hello HTTP/1.0\r\n" HOST "\r\n", 200},
        {"GET /hello HTTP/1.0\r\n" HOST HOST "\r\n", 400},
        /* lengths */
        {GET_LINE HOST "Content-Length: 0\r\n\r\n", 200},
        {GET_LINE HOST "Content-Length: 0003\r\n\r\nabc", 200},
        {GET_LINE HOST "Content-Length: 0, 0\r\n\r\n", 400},
        {GET_LINE HOST "Content-Length: 1 0\r\n\r\n", 400},
        {GET_LINE HOST "Content-Length: +0\r\n\r\n", 400},
        {GET_LINE HOST "Content-Length: -0\r\n\r\n", 400},
        {GET_LINE HOST "Content-Length: 9223372036854775807\r\n\r\n", 413},
        {GET_LINE HOST "Content-Length: 9223372036854775808\r\n\r\n", 400},
        {GET_LINE HOST "Content-Length: 18446744073709551616\r\n\r\n", 400},
        {GET_LINE HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
        /* codings of the transfer */
        {GET_LINE HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200},
        {GET_LINE HOST "Transfer-Encoding: CHUNKED \r\n\r\n0\r\n\r\n", 200},
        {GET_LINE HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
        {GET_LINE HOST "Transfer-Encoding: chunked;x\r\n\r\n0\r\n\r\n", 400},
        {GET_LINE HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
        {GET_LINE HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400},
        {"GET /hello HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct client *c;
        int status = ask_once(&h, &c, table[i].text);
        if (status != table[i].status)
            print_error("%s\n%d, not %d\n", table[i].text, status, table[i].status);
        assert_int_equal(status, table[i].status);
        if (status == 400) {
            assert_string_equal(client_header(c, "Connection"), "close");
            assert_string_equal(client_header(c, "Content-Type"), "application/problem+json");
            assert_true(client_at_end(c));
        }
        client_close(c);
    }
}

/* Chunks and what follows them. */
static void chunks(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
    } table[] = {
        {"2\r\n[]\r\n0\r\n\r\n", 200},
        {"02\r\n[]\r\n00\r\n\r\n", 200},
        {"2 ;a=\"b\"\r\n[]\r\n0;c\r\n\r\n", 200},
        {"2\r\n[]\r\n0\r\nA: b\r\nC:d\r\n\r\n", 200},
        {"2\n[]\r\n0\r\n\r\n", 400},
        {"2;a\n[]\r\n0\r\n\r\n", 400},
        {"2\r\n[]\n0\r\n\r\n", 400},
        {"2\r\n[]0\r\n\r\n", 400},
        {"2\r\n[]\r\n0\n\r\n", 400},
        {"2\r\n[]\r\n0\r\n\n", 400},
        {"2\r\n[]\r\n0\r\nA: b\n\r\n", 400},
        {"2\r\n[]\r\n0\r\nA: b\r\n c\r\n\r\n", 400},
        {"2\r\n[]\r\n0\r\nA\r\n\r\n", 400},
        {"2\r\n[]\r\n0\r\nA : b\r\n\r\n", 400},
        {"2\r\n[]\r\n0\r\n\rA: b\r\n\r\n", 400},
        {" 2\r\n[]\r\n0\r\n\r\n", 400},
        {"\r\n2\r\n[]\r\n0\r\n\r\n", 400},
        {";2\r\n[]\r\n0\r\n\r\n", 400},
        {"2_\r\n[]\r\n0\r\n\r\n", 400},
        {"10000000000000002\r\n[]\r\n0\r\n\r\n", 400},
        {"fffffffffffffffe\r\n[]\r\n0\r\n\r\n", 0}, /* waits for more */
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct client *c = client_connect(&h);
        client_send(c, POST "Transfer-Encoding: chunked\r\n\r\n");
        client_send(c, table[i].body);
        shutdown(c->fd, SHUT_WR);
        int status = client_answer(c, false);
        if (status != table[i].status)
            print_error("%s\n%d, not %d\n", table[i].body, status, table[i].status);
        assert_int_equal(status, table[i].status);
        client_close(c);
    }
}

/* Trailers without an end, and chunks that are nothing but frame. */
static void endless_frames(void **state)
{
    (void)state;
    static const char *const repeated[][2] = {{"0\r\n", "A: bbbbbbbbbbbbbbbb\r\n"},
                                              {"", "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n"}};
    for (size_t i = 0; i < sizeof repeated / sizeof repeated[0]; i++) {
        struct client *c = client_connect(&h);
        client_send(c, POST "Transfer-Encoding: chunked\r\n\r\n");
        client_send(c, repeated[i][0]);
        for (int k = 0; k < 20000; k++)
            if (!client_write(c, repeated[i][1], strlen(repeated[i][1])))
                break;
        assert_int_equal(client_answer(c, false), 400);
        client_close(c);
    }
}

static void connections(void **state)
{
    (void)state;
    static const struct {
        const char *version, *field, *said;
        bool closed;
    } table[] = {
        {"1.1", "", "", false},
        {"1.1", "Connection: close\r\n", "close", true},
        {"1.1", "Connection: CLOSE\r\n", "close", true},
        {"1.1", "Connection: x,\tclose , y\r\n", "close", true},
        {"1.1", "Connection: x\r\nConnection: close\r\n", "close", true},
        {"1.1", "Connection: keep-alive, close\r\n", "close", true},
        {"1.1", "Connection: closed\r\n", "", false},
        {"1.1", "Connection: keep-alive\r\n", "", false},
        {"1.0", "", "close", true},
        {"1.0", "Connection: x\r\n", "close", true},
        {"1.0", "Connection: Keep-Alive\r\n", "keep-alive", false},
        {"1.0", "Connection: keep-alive, close\r\n", "close", true},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[200];
        struct client *c;
        snprintf(text, sizeof text, "GET /hello HTTP/%s\r\nHost: a\r\n%s\r\n", table[i].version,
                 table[i].field);
        assert_int_equal(ask_once(&h, &c, text), 200);
        assert_string_equal(client_header(c, "Connection"), table[i].said);
        if (table[i].closed)
            assert_true(client_at_end(c));
        else
            assert_int_equal(client_ask(c, GET("/hello")), 200);
        client_close(c);
    }
}

static void bad_chunks(void **state)
{
    (void)state;
    static const char *const bodies[] = {"x\r\n", "-1\r\n", "0x3\r\nabc\r\n0\r\n\r\n",
                                         "3\r\nabcd\r\n0\r\n\r\n", "ffffffffffffffffff\r\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, POST "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
        struct client *c;
        int status = ask_once(&h, &c, text);
        assert_int_equal(status, 400);
        client_close(c);
    }
}

static void hosts(void **state)
{
    (void)state;
    assert_refused("GET /hello HTTP/1.1\r\n\r\n");
    assert_refused("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
}

/* Some clients send an empty line after a body. */
static void empty_lines_before(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, "\r\n\r\n" GET("/hello")), 200);
    assert_int_equal(client_ask(c, "\r\n" GET("/hello") "\r\n"), 200);
    for (const char *at = "\r\n\r\n" REQUEST("GET /hello"); *at; at++)
        client_write(c, at, 1);
    assert_int_equal(client_ask(c, "\r\n"), 200);
    client_close(c);
}

static void not_http(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\x16\x03\x01\x02\r\n\r\n", "hello\r\n\r\n",          "GET /\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",   "GET / HTTP/0.9\r\n\r\n", "/ / /\r\n\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct client *c;
        assert_int_equal(ask_once(&h, &c, texts[i]), 400);
        client_close(c);
    }
}

/* Announced too large: answered at once, unread, and the answer arrives although the client goes on sending.
 */
static void announced_too_large(void **state)
{
    (void)state;
    static char waste[64 << 10];
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, POST "Content-Length: 1048577\r\n\r\n"), 413);
    assert_non_null(strstr(c->body, "/problems/too-large"));
    assert_string_equal(client_header(c, "Connection"), "close");
    client_close(c);

    c = client_connect(&h);
    client_send(c, POST "Content-Length: 8000000\r\n\r\n");
    for (size_t sent = 0; sent < 8000000; sent += sizeof waste)
        if (!client_write(c, waste, sizeof waste))
            break;
    assert_int_equal(client_answer(c, false), 413);
    client_close(c);
    assert_int_equal(ask_once(&h, &c, REQUEST("GET /hello") "Content-Length: 1048577\r\n\r\n"), 413);
    client_close(c);
    assert_int_equal(ask_once(&h, &c, REQUEST("POST /nowhere") "Content-Length: 1048577\r\n\r\n"), 404);
    client_close(c);
    assert_int_equal(ask_once(&h, &c, REQUEST("GET /hello") "Content-Length: 9223372036854775808\r\n\r\n"),
                     400);
    client_close(c);
}

/* Chunk after chunk, cut at the limit in the middle of the body. */
static void too_large_by_chunks(const char *head)
{
    static char chunk[10000 + 8];
    memcpy(chunk, "2710\r\n", 6);
    memset(chunk + 6, 'x', 10000);
    memcpy(chunk + 10006, "\r\n", 2);
    struct client *c = client_connect(&h);
    client_send(c, head);
    bool open = true;
    for (int i = 0; open && i < 200; i++)
        open = client_write(c, chunk, 10008);
    int status = client_answer(c, false);
    assert_true(status == 413 || status == 404);
    assert_string_equal(client_header(c, "Content-Type"), "application/problem+json");
    assert_string_equal(client_header(c, "Connection"), "close");
    assert_true(client_at_end(c));
    client_close(c);
}

static void chunked_too_large(void **state)
{
    (void)state;
    too_large_by_chunks(POST "Transfer-Encoding: chunked\r\n\r\n");
    too_large_by_chunks(REQUEST("POST /hello") "Transfer-Encoding: chunked\r\n\r\n");
    too_large_by_chunks(REQUEST("POST /nowhere") "Transfer-Encoding: chunked\r\n\r\n");
}

/* One body over 1 MiB at a time. */
static void too_many_big_bodies(void **state)
{
    (void)state;
    static char waste[1 << 20];
    struct client *first = client_connect(&h), *second;
    client_send(first, REQUEST("POST /upload") "Content-Length: 2097152\r\n\r\n");
    client_write(first, waste, sizeof waste);
    pause_ms(50);
    assert_int_equal(ask_once(&h, &second, REQUEST("POST /upload") "Content-Length: 2097152\r\n\r\n"), 503);
    assert_string_equal(client_header(second, "Retry-After"), "1");
    client_close(second);

    second = client_connect(&h); /* a chunked one is found out on the way */
    client_send(second, REQUEST("POST /upload") "Transfer-Encoding: chunked\r\n\r\n180000\r\n");
    client_write(second, waste, sizeof waste);
    client_write(second, waste, sizeof waste / 2);
    assert_int_equal(client_answer(second, false), 503);
    assert_string_equal(client_header(second, "Retry-After"), "1");
    client_close(second);

    /* one that vanishes makes room */
    client_close(first);
    pause_ms(50);
    first = client_connect(&h);
    client_send(first, REQUEST("POST /upload") "Content-Length: 2097152\r\n\r\n");
    client_write(first, waste, sizeof waste);
    client_write(first, waste, sizeof waste);
    assert_int_equal(client_answer(first, false), 200);
    client_close(first);
}

static void many_headers(void **state)
{
    (void)state;
    static const int counts[] = {0, LIMIT_HEADER_FIELDS - 1, LIMIT_HEADER_FIELDS, 500,
                                 5000}; /* beside Host */
    static char text[64 << 10];
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        strcpy(text, REQUEST("GET /hello"));
        for (int k = 0; k < counts[i]; k++)
            strcat(text, "a:b\r\n");
        strcat(text, "\r\n");
        struct client *c;
        assert_int_equal(ask_once(&h, &c, text), counts[i] < LIMIT_HEADER_FIELDS ? 200 : 400);
        client_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_bytes),         cmocka_unit_test(pipelining),
        cmocka_unit_test(deep_pipeline),       cmocka_unit_test(smuggling),
        cmocka_unit_test(embedded_nuls),       cmocka_unit_test(odd_lengths),
        cmocka_unit_test(strictness),          cmocka_unit_test(chunks),
        cmocka_unit_test(endless_frames),      cmocka_unit_test(connections),
        cmocka_unit_test(bad_chunks),          cmocka_unit_test(hosts),
        cmocka_unit_test(empty_lines_before),  cmocka_unit_test(not_http),
        cmocka_unit_test(announced_too_large), cmocka_unit_test(chunked_too_large),
        cmocka_unit_test(too_many_big_bodies), cmocka_unit_test(many_headers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
