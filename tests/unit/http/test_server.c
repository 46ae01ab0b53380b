/* What a well-behaved client sees: routing, bodies, forms, answers that come later. */
#include "harness.h"
#include "http/internal.h"

static struct harness h;

static int set_up(void **state)
{
    (void)state;
    harness_start(&h, (struct http_options){.loops = HARNESS_LOOPS});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_stop(&h);
    return 0;
}

static void keep_alive(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(client_ask(c, GET("/hello")), 200);
        assert_string_equal(c->body, "hello");
    }
    assert_string_equal(client_header(c, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(client_header(c, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(client_header(c, "Referrer-Policy"), "no-referrer");
    assert_string_equal(client_header(c, "Connection"), "");
    assert_int_equal(strlen(client_header(c, "Date")), 29);
    client_close(c);
}

static void old_clients(void **state)
{
    (void)state;
    struct client *c;
    assert_int_equal(ask_once(&h, &c, "GET /hello HTTP/1.0\r\n\r\n"), 200);
    assert_string_equal(client_header(c, "Connection"), "close");
    assert_true(client_at_end(c));
    client_close(c);
    assert_int_equal(ask_once(&h, &c, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), 200);
    assert_int_equal(client_ask(c, REQUEST("GET /hello") "Connection: close\r\n\r\n"), 200);
    assert_true(client_at_end(c));
    client_close(c);
}

static void head_is_get_without_body(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, REQUEST("HEAD /hello") "\r\n"), 200);
    assert_string_equal(client_header(c, "Content-Length"), "5");
    assert_int_equal(client_ask(c, REQUEST("HEAD /later") "\r\n"), 200);
    assert_string_equal(client_header(c, "Content-Length"), "5");
    assert_int_equal(client_ask(c, REQUEST("HEAD /nowhere") "\r\n"), 404);
    assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_close(c);
}

static void routing(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, GET("/nowhere")), 404);
    assert_string_equal(client_header(c, "Content-Type"), "application/problem+json");
    assert_non_null(
        strstr(c->body, "\"type\":\"/problems/not-found\",\"title\":\"Not found\",\"status\":404"));
    assert_int_equal(client_ask(c, REQUEST("DELETE /hello") "\r\n"), 405);
    assert_string_equal(client_header(c, "Allow"), "GET, HEAD, POST");
    assert_int_equal(client_ask(c, REQUEST("OPTIONS /v1/echo") "\r\n"), 405);
    assert_string_equal(client_header(c, "Allow"), "POST, PUT");
    assert_int_equal(client_ask(c, REQUEST("BREW /hello") "\r\n"), 405);
    assert_int_equal(client_ask(c, REQUEST("TRACE /hello") "\r\n"), 405);
    assert_int_equal(client_ask(c, REQUEST("get /hello") "\r\n"), 405);
    assert_int_equal(client_ask(c, GET("/hello/")), 404);
    assert_int_equal(client_ask(c, GET("/item//b")), 404);
    assert_int_equal(client_ask(c, GET("/item/a%20b/%C3%BC")), 200);
    assert_string_equal(c->body, "/item/a b/\xc3\xbc|/item/a%20b/%C3%BC|a b|\xc3\xbc");
    assert_int_equal(client_ask(c, GET("http://test/item/1/2")), 200);
    assert_string_equal(c->body, "/item/1/2|/item/1/2|1|2");
    assert_int_equal(client_ask(c, GET("HTTP://test")), 200);
    assert_int_equal(client_ask(c, GET("/nothing")), 204);
    assert_string_equal(client_header(c, "Content-Length"), "");
    client_close(c);
}

static void bad_targets(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, GET("/item/a%2Fb/c")), 400);
    assert_int_equal(client_ask(c, GET("/item/a%00b/c")), 400);
    assert_int_equal(client_ask(c, GET("/item/a%0/c")), 400);
    assert_int_equal(client_ask(c, GET("/item/%FF/c")), 400);
    assert_int_equal(client_ask(c, GET("hello")), 400);
    assert_int_equal(client_ask(c, REQUEST("OPTIONS *") "\r\n"), 400);
    assert_int_equal(client_ask(c, GET("/query?a=%zz")), 400);
    assert_int_equal(client_ask(c, GET("/query?a=%00")), 400);
    assert_non_null(strstr(c->body, "/problems/bad-request"));
    assert_int_equal(client_ask(c, GET("/hello")), 200); /* none of these closes */
    client_close(c);
}

static void queries(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, GET("/query")), 200);
    assert_string_equal(c->body, "");
    assert_int_equal(client_ask(c, GET("/query?a=1&b=x+y%2Bz&&flag&a=%C3%BC&=v&e=")), 200);
    assert_string_equal(c->body, "a=1;b=x y+z;flag=;a=\xc3\xbc;=v;e=;");

    char line[8192] = "GET /query?";
    for (int i = 0; i < LIMIT_QUERY_PARAMS; i++)
        sprintf(line + strlen(line), "p%d=1&", i);
    size_t size = strlen(line);
    strcpy(line + size, " HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_int_equal(client_ask(c, line), 200);
    strcpy(line + size, "more HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_int_equal(client_ask(c, line), 400);
    client_close(c);
}

static void long_targets(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    char line[LIMIT_URL_BYTES + 256];
    int room = LIMIT_URL_BYTES - (int)strlen("/item/1/");
    sprintf(line, "GET /item/1/%0*d HTTP/1.1\r\nHost: test\r\n\r\n", room, 7);
    assert_int_equal(client_ask(c, line), 200);
    sprintf(line, "GET /item/1/%0*d HTTP/1.1\r\nHost: test\r\n\r\n", room + 1, 7);
    assert_int_equal(client_ask(c, line), 400);
    assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_close(c);
}

static void headers(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, GET("/header")), 200);
    assert_string_equal(c->body, "(none)");
    assert_int_equal(client_ask(c, REQUEST("GET /header") "X-TEST:  a \t\r\nOther: b\r\nx-test: c\r\n\r\n"),
                     200);
    assert_string_equal(c->body, "a, c");
    assert_int_equal(client_ask(c, GET("/peer")), 200);
    assert_string_equal(c->body, "127.0.0.1");
    client_close(c);
}

static void long_headers(void **state)
{
    (void)state;
    static char text[LIMIT_HEADER_BYTES + 32768];
    struct client *c = client_connect(&h);
    const char *start = REQUEST("GET /hello") "X-Long: ";
    int room = LIMIT_HEADER_BYTES - (int)strlen(start) - 4;
    sprintf(text, "%s%0*d\r\n\r\n", start, room, 1);
    assert_int_equal(client_ask(c, text), 200);
    client_close(c);
    static const int more[] = {1, 2, HTTP_IN_WINDOW, 20000};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        sprintf(text, "%s%0*d\r\n\r\n", start, room + more[i], 1);
        assert_int_equal(ask_once(&h, &c, text), 431);
        assert_string_equal(client_header(c, "Content-Type"), "application/problem+json");
        assert_non_null(strstr(c->body, "\"status\":431"));
        assert_true(client_at_end(c));
        client_close(c);
    }
}

static void bodies(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    const char *start =
        REQUEST("POST /v1/echo") "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n";
    client_send(c, start);
    assert_int_equal(client_ask(c, "{\"a\":1}"), 200);
    assert_string_equal(c->body, "{\"a\":1}");
    assert_string_equal(client_header(c, "Cache-Control"), "no-store");
    assert_int_equal(client_ask(c,
                                REQUEST("PUT /v1/echo") "Content-Type: Application/JSON ; charset=utf-8\r\n"
                                                        "Content-Length: 2\r\n\r\n[]"),
                     200);
    assert_string_equal(c->body, "[]");
    /* none: the handler decides */
    assert_int_equal(client_ask(c, REQUEST("POST /v1/echo") "\r\n"), 200);
    assert_int_equal(client_ask(c, REQUEST("POST /v1/echo") "Content-Length: 0\r\n\r\n"), 200);
    /* not wanted: read and ignored */
    assert_int_equal(client_ask(c, REQUEST("POST /hello") "Content-Length: 3\r\n\r\nabc"), 200);
    assert_int_equal(client_ask(c, REQUEST("GET /hello") "Content-Length: 3\r\n\r\nabc"), 200);
    assert_int_equal(client_ask(c, REQUEST("POST /nowhere") "Content-Length: 3\r\n\r\nabc"), 404);
    assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_close(c);
}

static void media_types(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(
        client_ask(c, REQUEST("POST /v1/echo") "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
        415);
    assert_non_null(strstr(c->body, "/problems/unsupported-media-type"));
    assert_int_equal(client_ask(c, REQUEST("POST /v1/echo") "Content-Length: 2\r\n\r\n{}"), 415);
    assert_int_equal(client_ask(c,
                                REQUEST("POST /v1/echo") "Content-Type: application/jsonp\r\nContent-Length: "
                                                         "2\r\n\r\n{}"),
                     415);
    assert_int_equal(client_ask(c, REQUEST("POST /v1/echo") "Content-Type: text/plain\r\nTransfer-Encoding: "
                                                            "chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
                     415);
    assert_int_equal(client_ask(c, REQUEST("POST /v1/echo") "Content-Type: text/plain\r\nTransfer-Encoding: "
                                                            "chunked\r\n\r\n0\r\n\r\n"),
                     200);
    assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_close(c);
}

static void chunked_bodies(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    const char *start =
        REQUEST("POST /v1/echo") "Content-Type: application/json\r\nTransfer-Encoding: Chunked\r\n\r\n";
    client_send(c, start);
    assert_int_equal(client_ask(c, "3\r\n[1,\r\nA;x=y\r\n2,3,4,5,6,\r\n2\r\n7]\r\n0\r\nTrailer: x\r\n\r\n"),
                     200);
    assert_string_equal(c->body, "[1,2,3,4,5,6,7]");
    for (int round = 0; round < 2; round++) { /* byte by byte */
        const char *body = "1\r\n[\r\n2\r\n1]\r\n0\r\n\r\n";
        client_send(c, start);
        for (; *body; body++) {
            client_write(c, body, 1);
            pause_ms(1);
        }
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, "[1]");
    }
    client_close(c);
}

static void large_bodies(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    size_t size = 3 << 20;
    char *body = malloc(size), head[256], expected[64];
    assert_non_null(body);
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        body[i] = (char)(i * 7 + i / 1000);
        sum = sum * 31 + (unsigned char)body[i];
    }
    sprintf(expected, "%zu %u", size, sum);
    for (int round = 0; round < 3; round++) { /* each big one makes room for the next */
        sprintf(head, REQUEST("POST /upload") "Content-Length: %zu\r\n\r\n", size);
        client_send(c, head);
        client_write(c, body, size);
        assert_int_equal(client_answer(c, false), 200);
        assert_string_equal(c->body, expected);
    }
    client_send(c, REQUEST("POST /upload") "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done < 100000 ? size - done : 100000;
        sprintf(head, "%zx\r\n", part);
        client_send(c, head);
        client_write(c, body + done, part);
        client_send(c, "\r\n");
    }
    assert_int_equal(client_ask(c, "0\r\n\r\n"), 200);
    assert_string_equal(c->body, expected);
    free(body);
    client_close(c);
}

static void expectations(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    const char *wants = "Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    client_send(c, REQUEST("POST /v1/echo"));
    assert_int_equal(client_ask(c, wants), 100);
    assert_int_equal(client_ask(c, "{}"), 200);
    /* refused before the body is sent */
    client_send(c, REQUEST("POST /nowhere"));
    assert_int_equal(client_ask(c, wants), 404);
    assert_true(client_at_end(c));
    client_close(c);
}

static void later(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(client_ask(c, GET("/later")), 200);
        assert_string_equal(c->body, "later");
        assert_int_equal(client_ask(c, GET("/after?ms=2")), 200);
        assert_string_equal(c->body, "after");
        assert_int_equal(client_ask(c, GET("/hello")), 200);
    }
    assert_int_equal(client_ask(c, GET("/after?ms=0")), 200);
    client_close(c);
}

static void many_pending(void **state)
{
    (void)state;
    enum { CLIENTS = 40 };
    struct client *c[CLIENTS];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            if (round == 0)
                c[i] = client_connect(&h);
            client_send(c[i], i % 3 ? GET("/later") : GET("/after?ms=20"));
        }
        for (int i = 0; i < CLIENTS; i++)
            assert_int_equal(client_answer(c[i], false), 200);
    }
    for (int i = 0; i < CLIENTS; i++)
        client_close(c[i]);
}

static void pages(void **state)
{
    (void)state;
    struct client *c;
    assert_int_equal(ask_once(&h, &c, GET("/")), 200);
    assert_string_equal(c->body, "<p>page");
    assert_non_null(strstr(client_header(c, "Content-Security-Policy"), "default-src 'none'"));
    client_close(c);
}

static void problems(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(client_ask(c, GET("/v1/problem?code=2")), 401);
    assert_string_equal(client_header(c, "WWW-Authenticate"), "Bearer realm=\"boxoffice\"");
    assert_string_equal(client_header(c, "Cache-Control"), "no-store");
    assert_non_null(strstr(c->body,
                           "\"detail\":\"This needs `Authorization: Bearer` with an API key or a session "
                           "token.\"}"));
    assert_int_equal(client_ask(c, GET("/v1/problem?code=40&detail=why")), 503);
    assert_string_equal(client_header(c, "Retry-After"), "1");
    assert_string_equal(c->body,
                        "{\"type\":\"/problems/unavailable\",\"title\":\"Unavailable\",\"status\":503,"
                        "\"detail\":\"why\"}");
    assert_int_equal(client_ask(c, GET("/v1/problem?code=46")), 500);
    assert_non_null(strstr(c->body, "\"type\":\"/problems/internal\",\"title\":\"Internal error\""));
    client_close(c);
}

static int ask_cached(struct client *c, const char *query, const char *fields)
{
    char text[1024];
    snprintf(text, sizeof text, "GET /cached%s HTTP/1.1\r\nHost: test\r\n%s\r\n", query, fields);
    return client_ask(c, text);
}

static void codings(void **state)
{
    (void)state;
    static const char *const names[] = {"gzip", "br", "zstd"};
    struct client *c = client_connect(&h);
    assert_int_equal(ask_cached(c, "", ""), 200);
    assert_int_equal(c->body_size, 4096);
    assert_string_equal(client_header(c, "ETag"), "\"v1\"");
    assert_string_equal(client_header(c, "Vary"), "Accept, Accept-Encoding");
    assert_string_equal(client_header(c, "Cache-Control"), "no-cache");
    for (int i = 0; i < 3; i++) {
        char fields[128], tag[32];
        snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n", names[i]);
        snprintf(tag, sizeof tag, "\"v1-%s\"", names[i]);
        assert_int_equal(ask_cached(c, "", fields), 200);
        assert_string_equal(client_header(c, "Content-Encoding"), names[i]);
        assert_string_equal(client_header(c, "ETag"), tag);
        assert_true(c->body_size < 200);

        snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\nIf-None-Match: W/\"x\", %s\r\n", names[i],
                 tag);
        assert_int_equal(ask_cached(c, "", fields), 304);
        assert_string_equal(client_header(c, "ETag"), tag);
        assert_string_equal(client_header(c, "Vary"), "Accept, Accept-Encoding");
        assert_string_equal(client_header(c, "Cache-Control"), "no-cache");
        assert_string_equal(client_header(c, "Content-Type"), "");
        assert_string_equal(client_header(c, "Content-Encoding"), "");
        assert_string_equal(client_header(c, "Content-Length"), "");
        assert_int_equal(ask_cached(c, "?early=1", fields), 304);
    }
    assert_int_equal(ask_cached(c, "?size=500", "Accept-Encoding: gzip\r\n"), 200);
    assert_string_equal(client_header(c, "Content-Encoding"), "");
    assert_string_equal(client_header(c, "Vary"), "Accept, Accept-Encoding");
    assert_int_equal(c->body_size, 500);
    client_close(c);
}

static void revalidation(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    assert_int_equal(ask_cached(c, "", "If-None-Match: \"v1\"\r\n"), 304);
    assert_string_equal(client_header(c, "Content-Length"), "");
    assert_int_equal(ask_cached(c, "", "If-None-Match: \"v1\"\r\nAccept-Encoding: br\r\n"), 304);
    assert_string_equal(client_header(c, "ETag"), "\"v1\"");
    assert_int_equal(ask_cached(c, "", "If-None-Match: *\r\n"), 304);
    assert_int_equal(ask_cached(c, "", "If-None-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n"), 304);
    assert_int_equal(ask_cached(c, "", "If-None-Match: \"v0\"\r\n"), 200);
    assert_int_equal(ask_cached(c, "", "If-None-Match: \"v1-zstd\"\r\nAccept-Encoding: gzip\r\n"), 200);
    assert_string_equal(client_header(c, "ETag"), "\"v1-gzip\"");
    assert_int_equal(client_ask(c, REQUEST("HEAD /cached") "If-None-Match: \"v1\"\r\n\r\n"), 304);
    /* before the body is made */
    assert_int_equal(ask_cached(c, "?early=1", "If-None-Match: \"v1\"\r\n"), 304);
    assert_int_equal(ask_cached(c, "?early=1", "If-None-Match: \"v0\"\r\n"), 200);
    assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keep_alive),
        cmocka_unit_test(old_clients),
        cmocka_unit_test(head_is_get_without_body),
        cmocka_unit_test(routing),
        cmocka_unit_test(bad_targets),
        cmocka_unit_test(queries),
        cmocka_unit_test(long_targets),
        cmocka_unit_test(headers),
        cmocka_unit_test(long_headers),
        cmocka_unit_test(bodies),
        cmocka_unit_test(media_types),
        cmocka_unit_test(chunked_bodies),
        cmocka_unit_test(large_bodies),
        cmocka_unit_test(expectations),
        cmocka_unit_test(later),
        cmocka_unit_test(many_pending),
        cmocka_unit_test(pages),
        cmocka_unit_test(problems),
        cmocka_unit_test(codings),
        cmocka_unit_test(revalidation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
