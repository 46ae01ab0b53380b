/* Errors as application/problem+json (RFC 9457), from the table of defs/errors.def. */
#include "base/error.h"
#include "base/must.h"
#include "http/internal.h"
#include <stdio.h>
#include <stdlib.h>
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

/* The members that every problem has; the object stays open. */
static void open_problem(struct json_out *j, const char *type, const char *title, unsigned status,
                         const char *detail)
{
    json_out_object(j);
    json_out_member_text(j, "type", type);
    json_out_member_text(j, "title", title);
    json_out_member_int(j, "status", status);
    json_out_member_text(j, "detail", detail);
}

/* The same for a known error; @detail NULL: the first sentence of its explanation. Returns the status. */
static unsigned open_known(struct json_out *j, int code, const char *detail)
{
    const struct error_info *info = public_info(code);
    char type[64], sentence[256];
    snprintf(type, sizeof type, "/problems/%s", info->slug);
    if (!detail) {
        snprintf(sentence, sizeof sentence, "%.*s", (int)first_sentence(info->explanation),
                 info->explanation);
        detail = sentence;
    }
    open_problem(j, type, info->title, (unsigned)info->http, detail);
    return (unsigned)info->http;
}

/* ---- what is the same each time ---- */

/* How the problem of an error begins that says nothing of its own. */
struct opening {
    struct buf text;
    unsigned status;
};

struct http_problems {
    size_t count;
    struct opening of[]; /* by code: of[-code] */
};

struct http_problems *http_problems_new(void)
{
    size_t count = 0;
    const struct error_info *info;
    for (size_t i = 0; (info = error_at(i)); i++)
        if (count <= (size_t)-info->code)
            count = (size_t)-info->code + 1;
    struct http_problems *p = calloc(1, sizeof *p + count * sizeof p->of[0]);
    must(p); /* out of memory ends the program */
    p->count = count;
    for (size_t i = 0; (info = error_at(i)); i++) {
        struct opening *o = &p->of[-info->code];
        struct json_out j;
        json_out_init(&j, &o->text);
        o->status = open_known(&j, info->code, NULL);
    }
    return p;
}

void http_problems_free(struct http_problems *p)
{
    for (size_t i = 0; i < p->count; i++)
        buf_done(&p->of[i].text);
    free(p);
}

/* ---- answering ---- */

enum { USUAL_BYTES = 512 };

static const char TYPE[] = "application/problem+json";

void http_problem_plain(struct http_req *req, unsigned status, const char *title, const char *detail)
{
    struct buf body = {0};
    struct json_out j;
    json_out_init(&j, &body);
    open_problem(&j, "about:blank", title, status, detail);
    json_out_end_object(&j);
    http_reply_header(req, "Cache-Control", "no-store");
    http_reply(req, status, TYPE, &body);
}

void http_problem(struct http_req *req, int code, const char *detail,
                  void (*members)(struct json_out *j, void *ctx), void *ctx)
{
    const struct http_problems *p = http_request_of(req)->loop->server->problems;
    must(code < 0);
    const struct opening *o =
        (size_t)-code < p->count && p->of[-code].status ? &p->of[-code] : &p->of[-BOX_EINTERNAL];
    unsigned status = o->status;
    struct buf body = {0};
    struct json_out j;
    buf_reserve(&body, USUAL_BYTES);
    if (detail) {
        json_out_init(&j, &body);
        status = open_known(&j, code, detail);
    } else {
        buf_add(&body, o->text.data, o->text.size);
        json_out_resume(&j, &body);
    }
    if (members)
        members(&j, ctx);
    json_out_end_object(&j);
    if (status == 401)
        http_reply_header(req, "WWW-Authenticate", "Bearer realm=\"boxoffice\"");
    if (status == 503)
        http_reply_header(req, "Retry-After", "1");
    http_reply(req, status, TYPE, &body);
}
