/* Errors as application/problem+json (RFC 9457), from the table of defs/errors.def. */
#include "base/error.h"
#include "base/must.h"
#include "http/internal.h"
#include <stdio.h>
#include <string.h>

/* What a client may see of an error: internal ones are all "internal", those that share a slug look the same.
 */
static const struct error_info *public_info(int code)
{
    const struct error_info *info = error_by_slug(error_info(code)->slug);
    if (!info)
        info = error_info(BOX_EINTERNAL);
    must(info->slug[0] && info->http >= 400);
    return info;
}

/* Length of the first sentence. */
static size_t first_sentence(const char *text)
{
    const char *end = strstr(text, ". ");
    return end ? (size_t)(end + 1 - text) : strlen(text);
}

static void write_problem(struct buf *b, const char *type, const char *title, unsigned status,
                          const char *detail, void (*members)(struct json_out *j, void *ctx), void *ctx)
{
    struct json_out j;
    json_out_init(&j, b);
    json_out_object(&j);
    json_out_member_text(&j, "type", type);
    json_out_member_text(&j, "title", title);
    json_out_member_int(&j, "status", status);
    json_out_member_text(&j, "detail", detail);
    if (members)
        members(&j, ctx);
    json_out_end_object(&j);
}

/* Append the JSON of the problem @code; returns its status. */
static unsigned write_known(struct buf *b, int code, const char *detail,
                            void (*members)(struct json_out *j, void *ctx), void *ctx)
{
    const struct error_info *info = public_info(code);
    char type[64], sentence[256];
    snprintf(type, sizeof type, "/problems/%s", info->slug);
    if (!detail) {
        snprintf(sentence, sizeof sentence, "%.*s", (int)first_sentence(info->explanation),
                 info->explanation);
        detail = sentence;
    }
    write_problem(b, type, info->title, (unsigned)info->http, detail, members, ctx);
    return (unsigned)info->http;
}

static const char TYPE[] = "application/problem+json";

void http_problem_plain(struct http_req *req, unsigned status, const char *title, const char *detail)
{
    struct buf body = {0};
    write_problem(&body, "about:blank", title, status, detail, NULL, NULL);
    http_reply_header(req, "Cache-Control", "no-store");
    http_reply(req, status, TYPE, &body);
}

void http_problem(struct http_req *req, int code, const char *detail,
                  void (*members)(struct json_out *j, void *ctx), void *ctx)
{
    must(code < 0);
    struct buf body = {0};
    unsigned status = write_known(&body, code, detail, members, ctx);
    if (status == 401)
        http_reply_header(req, "WWW-Authenticate", "Bearer realm=\"boxoffice\"");
    if (status == 503)
        http_reply_header(req, "Retry-After", "1");
    http_reply(req, status, TYPE, &body);
}
