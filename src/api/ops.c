/* What those want who run the server: health, metrics, the interface's description. No credential is asked
 * for. */
#include "api/accept.h"
#include "api/request.h"
#include "api/routes.h"
#include "base/error.h"
#include "base/metrics.h"
#include <string.h>

/* Files of the tree in the program, see cmake/embed.cmake. */
extern const unsigned char embedded_openapi_json[];
extern const size_t embedded_openapi_json_size;
extern const unsigned char embedded_index_html[];
extern const size_t embedded_index_html_size;

static const char HTML_TYPE[] = "text/html; charset=utf-8";

static void reply_ok(struct http_req *req)
{
    static const char ok[] = "{\"status\":\"ok\"}";
    http_reply_header(req, "Cache-Control", "no-store");
    http_reply_static(req, 200, "application/json", ok, sizeof(ok) - 1);
}

void get_healthz(struct http_req *req, void *ctx)
{
    (void)ctx;
    reply_ok(req);
}

/* The same, with the state of the cluster in words. */
static void reply_cluster(struct http_req *req, struct app *app)
{
    char state[256];
    struct buf b = {0};
    struct json_out j;
    cluster_state(app->parts.cluster, state, sizeof(state));
    if (!app_ready(app)) {
        http_problem(req, BOX_EUNAVAILABLE, state, NULL, NULL);
        return;
    }
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_member_text(&j, "status", "ok");
    json_out_member_text(&j, "cluster", state);
    json_out_end_object(&j);
    http_reply_header(req, "Cache-Control", "no-store");
    http_reply(req, 200, "application/json", &b);
}

void get_readyz(struct http_req *req, void *ctx)
{
    const struct api *api = ctx;
    if (api->app->parts.cluster)
        reply_cluster(req, api->app);
    else if (app_ready(api->app))
        reply_ok(req);
    else
        http_problem(req, BOX_EUNAVAILABLE, "The store does not accept writes.", NULL, NULL);
}

void get_metrics(struct http_req *req, void *ctx)
{
    struct buf b = {0};
    (void)ctx;
    metrics_render(&b);
    http_reply_header(req, "Cache-Control", "no-store");
    http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", &b);
}

/* A file of the program: as old as the program is. */
static void reply_file(struct http_req *req, const char *type, const void *data, size_t size)
{
    http_reply_cache(req, api_hash_etag(req->arena, data, size), "no-cache");
    http_reply_static(req, 200, type, data, size);
}

void get_openapi(struct http_req *req, void *ctx)
{
    (void)ctx;
    reply_file(req, "application/json", embedded_openapi_json, embedded_openapi_json_size);
}

void get_index(struct http_req *req, void *ctx)
{
    (void)ctx;
    reply_file(req, HTML_TYPE, embedded_index_html, embedded_index_html_size);
}

/* ---- problems ---- */

/* Text of the error table for a page: it has no characters but `<`, `>` and `&` that mean something there. */
static void out_escaped(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            buf_adds(b, "&lt;");
        else if (*text == '>')
            buf_adds(b, "&gt;");
        else if (*text == '&')
            buf_adds(b, "&amp;");
        else
            buf_addc(b, *text);
    }
}

static void out_page(struct buf *b, const struct error_info *info)
{
    buf_adds(b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>");
    out_escaped(b, info->title);
    buf_adds(b, "</title>\n<h1>");
    out_escaped(b, info->title);
    buf_printf(b, "</h1>\n<p>Status %d</p>\n<p>", info->http);
    out_escaped(b, info->explanation);
    buf_adds(b, "</p>\n</html>\n");
}

static void out_problem(struct buf *b, const struct error_info *info, const char *path)
{
    struct json_out j;
    json_out_init(&j, b);
    json_out_object(&j);
    json_out_member_text(&j, "type", path);
    json_out_member_text(&j, "title", info->title);
    json_out_member_int(&j, "status", info->http);
    json_out_member_text(&j, "detail", info->explanation);
    json_out_end_object(&j);
}

void get_problem(struct http_req *req, void *ctx)
{
    const struct error_info *info = error_by_slug(req->params[0]);
    bool page = accept_prefers(http_header(req, "Accept"), "text/html", "application/json");
    struct buf b = {0};
    (void)ctx;
    if (!info || !info->slug[0]) {
        http_problem(req, BOX_ENOTFOUND, NULL, NULL, NULL);
        return;
    }
    if (page)
        out_page(&b, info);
    else
        out_problem(&b, info, arena_printf(req->arena, "/problems/%s", info->slug));
    http_reply_header(req, "Vary", "Accept");
    http_reply_cache(req, api_hash_etag(req->arena, b.data, b.size), "max-age=3600");
    http_reply(req, 200, page ? HTML_TYPE : "application/json", &b);
}
