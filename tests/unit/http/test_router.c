/* Which route a path and method mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/internal.h"
#include <string.h>

static void handler(struct http_req *req, void *ctx)
{
    (void)req;
    (void)ctx;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/", handler, 0, false},
    {HTTP_GET, "/v1/venues", handler, 0, false},
    {HTTP_POST, "/v1/venues", handler, 1, true},
    {HTTP_POST, "/v1/venues/import", handler, 1, true},
    {HTTP_GET, "/v1/venues/{venue_id}", handler, 0, false},
    {HTTP_GET, "/v1/venues/{venue_id}/sections/{section_id}/types/{type_id}", handler, 0, false},
    {HTTP_PUT, "/v1/events/{event_id}/prices", handler, 1, true},
    {HTTP_PATCH, "/v1/events/{event_id}", handler, 1, true},
    {HTTP_DELETE, "/v1/events/{event_id}", handler, 0, false},
    {HTTP_GET, "/v1/events/{event_id}", handler, 0, false},
    {HTTP_GET, "/v1/events/import/log", handler, 0, false},
    {HTTP_GET, "/problems/{slug}", handler, 0, false},
    {.path = NULL},
};

static struct http_router *router;
static struct arena arena;

static struct http_match find(const char *raw, unsigned method)
{
    struct http_path *path = arena_alloc(&arena, sizeof *path); /* matches point into it */
    const char *reason;
    assert_int_equal(http_path_parse(&arena, raw, path, &reason), 0);
    return http_router_find(router, path, method);
}

static void assert_param(const struct http_match *m, unsigned i, const char *text)
{
    assert_true(i < m->param_count);
    assert_int_equal(m->params[i]->size, strlen(text));
    assert_memory_equal(m->params[i]->text, text, strlen(text));
}

static void fixed(void **state)
{
    (void)state;
    assert_ptr_equal(find("/", HTTP_GET).route, &routes[0]);
    assert_ptr_equal(find("/v1/venues", HTTP_GET).route, &routes[1]);
    assert_ptr_equal(find("/v1/venues", HTTP_POST).route, &routes[2]);
    assert_ptr_equal(find("/v1/%76enues", HTTP_POST).route, &routes[2]);
    assert_int_equal(find("/v1/venues", HTTP_GET).param_count, 0);
}

static void names(void **state)
{
    (void)state;
    struct http_match m = find("/v1/venues/abc", HTTP_GET);
    assert_ptr_equal(m.route, &routes[4]);
    assert_param(&m, 0, "abc");
    m = find("/v1/venues/a%20b/sections/c/types/d", HTTP_GET);
    assert_ptr_equal(m.route, &routes[5]);
    assert_int_equal(m.param_count, 3);
    assert_param(&m, 0, "a b");
    assert_param(&m, 1, "c");
    assert_param(&m, 2, "d");
}

static void fixed_before_names(void **state)
{
    (void)state;
    struct http_match m = find("/v1/venues/import", HTTP_POST);
    assert_ptr_equal(m.route, &routes[3]);
    assert_int_equal(m.param_count, 0);
    m = find("/v1/venues/import", HTTP_GET);
    assert_null(m.route);
    assert_int_equal(m.allow, 1u << HTTP_POST);
    /* where the fixed text leads nowhere, the name is tried */
    m = find("/v1/events/import/prices", HTTP_PUT);
    assert_ptr_equal(m.route, &routes[6]);
    assert_param(&m, 0, "import");
    m = find("/v1/events/import", HTTP_GET);
    assert_ptr_equal(m.route, &routes[9]);
    assert_int_equal(m.param_count, 1);
    assert_int_equal(find("/v1/events/import/nothing", HTTP_GET).allow, 0);
}

static void nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {"/v1",
                                        "/v1/",
                                        "/v1/venues/",
                                        "/v1//venues",
                                        "//",
                                        "/V1/venues",
                                        "/v1/venue",
                                        "/v1/venuesx",
                                        "/v1/venues//sections/c/types/d",
                                        "/problems",
                                        "/problems/",
                                        "/problems/a/b",
                                        "/v1/venues/a/sections",
                                        "/1/2/3/4/5/6/7/8/9/10/11/12",
                                        "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct http_match m = find(paths[i], HTTP_GET);
        assert_null(m.route);
        assert_int_equal(m.allow, 0);
    }
}

static void methods(void **state)
{
    (void)state;
    struct http_match m = find("/v1/events/e", HTTP_OTHER_METHOD);
    assert_null(m.route);
    assert_string_equal(http_allow_text(&arena, m.allow), "GET, HEAD, PATCH, DELETE");
    m = find("/v1/events/e/prices", HTTP_GET);
    assert_string_equal(http_allow_text(&arena, m.allow), "PUT");
    assert_string_equal(http_allow_text(&arena, (1u << HTTP_METHODS) - 1),
                        "GET, HEAD, POST, PUT, PATCH, DELETE");
}

static int set_up(void **state)
{
    (void)state;
    router = http_router_new(routes);
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_router_free(router);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed),   cmocka_unit_test(names),   cmocka_unit_test(fixed_before_names),
        cmocka_unit_test(nothing), cmocka_unit_test(methods),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
