/* Answering: which form the body takes (coding, 304), and the header fields. */
#include "base/must.h"
#include "http/internal.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char html_policy[] =
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

enum { OK = 200, NO_CONTENT = 204, NOT_MODIFIED = 304 };

struct answer {
    unsigned status;
    const char *type; /* NULL: no body */
    char *data;
    size_t size;
    bool owned;              /* data was malloc'ed for this answer */
    enum http_coding coding; /* of data */
    const char *tag;         /* quoted; NULL: none */
    bool vary;               /* another Accept-Encoding might have given another form */
};

static void drop_data(struct answer *a)
{
    if (a->owned)
        free(a->data);
    a->data = NULL;
    a->owned = false;
}

/* ---- form ---- */

static void make_unchanged(struct answer *a, const char *tag)
{
    drop_data(a);
    a->status = NOT_MODIFIED;
    a->type = NULL;
    a->size = 0;
    a->coding = HTTP_IDENTITY;
    a->tag = tag;
}

static void compress(struct http_request *r, struct answer *a, enum http_coding coding)
{
    size_t size;
    char *data = http_compress(&r->loop->codecs, coding, HTTP_QUICK, a->data, a->size, &size);
    if (!data)
        return;
    drop_data(a);
    a->data = data;
    a->size = size;
    a->owned = true;
    a->coding = coding;
}

/* The client lists no tags but has any copy ("*"). Which tag it gets is known only when its form is. */
static bool has_any_copy(struct http_request *r)
{
    const char *listed = http_request_header(r, "If-None-Match");
    return listed && r->pub.method == HTTP_GET && http_tag_any(listed);
}

/* The tag of the copy that the client has, in @coding or in none, which is as good; NULL: of none that is
 * current. */
static const char *current_copy(struct http_request *r, const struct http_accepted *accepted,
                                enum http_coding coding)
{
    const char *listed = http_request_header(r, "If-None-Match");
    if (!listed || r->pub.method != HTTP_GET || http_tag_any(listed))
        return NULL;
    const char *tag = http_tag(&r->arena, r->etag, coding);
    if (http_tag_listed(listed, tag))
        return tag;
    const char *plain = http_tag(&r->arena, r->etag, HTTP_IDENTITY);
    return accepted->weight[HTTP_IDENTITY] && http_tag_listed(listed, plain) ? plain : NULL;
}

static void choose_form(struct http_request *r, struct answer *a)
{
    bool pays = a->size && a->type && http_type_pays(a->type);
    bool tagged = r->etag && a->status == OK;
    bool compressible = pays && a->size >= HTTP_COMPRESS_MIN;
    a->vary = pays && (tagged || compressible);
    if (!compressible && !tagged)
        return;

    struct http_accepted accepted = http_accepted_parse(http_request_header(r, "Accept-Encoding"));
    enum http_coding coding = compressible ? http_coding_choose(&accepted) : HTTP_IDENTITY;
    const char *unchanged = tagged ? current_copy(r, &accepted, coding) : NULL;
    if (unchanged) {
        make_unchanged(a, unchanged);
        return;
    }
    if (coding != HTTP_IDENTITY)
        compress(r, a, coding);
    if (tagged)
        a->tag = http_tag(&r->arena, r->etag, a->coding);
    if (tagged && has_any_copy(r))
        make_unchanged(a, a->tag);
}

/* ---- header fields ---- */

static const struct http_field *find_field(const struct http_request *r, const char *name)
{
    const struct http_field *f = r->fields;
    while (f && strcasecmp(f->name, name) != 0)
        f = f->next;
    return f;
}

static void add_vary(struct buf *head, struct http_request *r, const struct answer *a)
{
    const char *value = a->vary ? "Accept-Encoding" : NULL;
    for (const struct http_field *f = r->fields; f; f = f->next)
        if (strcasecmp(f->name, "Vary") == 0)
            value = value ? arena_printf(&r->arena, "%s, %s", f->value, value) : f->value;
    if (value)
        http_answer_field(head, "Vary", value);
}

static void add_caching(struct buf *head, struct http_request *r, const struct answer *a)
{
    if (a->tag)
        http_answer_field(head, "ETag", a->tag);
    if (r->cache_control && a->status < 400)
        http_answer_field(head, "Cache-Control", r->cache_control);
    else if (strncmp(r->pub.raw_path, "/v1/", 4) == 0 && !find_field(r, "Cache-Control"))
        http_answer_field(head, "Cache-Control", "no-store");
    if (a->vary || r->fields)
        add_vary(head, r, a);
}

static void add_fields(struct buf *head, struct http_request *r, const struct answer *a)
{
    if (a->type)
        http_answer_field(head, "Content-Type", a->type);
    if (a->status != NO_CONTENT && a->status != NOT_MODIFIED)
        http_answer_length(head, a->size);
    if (a->coding != HTTP_IDENTITY)
        http_answer_field(head, "Content-Encoding", http_coding_name(a->coding));
    add_caching(head, r, a);
    http_answer_security(head);
    if (a->type && strncmp(a->type, "text/html", 9) == 0 && !find_field(r, "Content-Security-Policy"))
        http_answer_field(head, "Content-Security-Policy", html_policy);
    for (const struct http_field *f = r->fields; f; f = f->next)
        if (strcasecmp(f->name, "Vary") != 0)
            http_answer_field(head, f->name, f->value);
    buf_add(head, "\r\n", 2);
}

/* ---- answering ---- */

static void send_answer(struct http_request *r, struct answer *a)
{
    struct buf *head = http_answer_begin(r, a->status);
    add_fields(head, r, a);
    struct http_piece body = {.data = a->data, .size = a->size, .owned = a->owned ? a->data : NULL};
    http_answer_send(r, a->status, head, body);
}

static void reply(struct http_request *r, struct answer *a)
{
    must(!r->answered && (a->type || a->size == 0));
    choose_form(r, a);
    send_answer(r, a);
}

void http_reply(struct http_req *req, unsigned status, const char *type, struct buf *body)
{
    struct answer a = {.status = status, .type = type, .owned = true};
    a.data = buf_take(body, &a.size);
    reply(http_request_of(req), &a);
}

void http_reply_static(struct http_req *req, unsigned status, const char *type, const void *data, size_t size)
{
    struct answer a = {.status = status, .type = type, .data = (char *)(uintptr_t)data, .size = size};
    reply(http_request_of(req), &a);
}

bool http_reply_unchanged(struct http_req *req)
{
    struct http_request *r = http_request_of(req);
    struct http_accepted accepted = http_accepted_parse(http_request_header(r, "Accept-Encoding"));
    const char *tag = r->etag ? current_copy(r, &accepted, http_coding_choose(&accepted)) : NULL;
    if (!tag)
        return false;
    struct answer a = {.status = NOT_MODIFIED, .tag = tag, .vary = true};
    send_answer(r, &a);
    return true;
}

int http_take_socket(struct http_request *r)
{
    must(!r->answered);
    if (r->conn->fd < 0)
        return -1;
    int fd = http_conn_release(r->conn);
    http_answer_given(r, OK);
    return fd;
}

static bool is_text(const char *value)
{
    for (; *value; value++)
        if ((unsigned char)*value < ' ' || *value == 0x7f)
            return false;
    return true;
}

void http_reply_header(struct http_req *req, const char *name, const char *value)
{
    struct http_request *r = http_request_of(req);
    must(!r->answered);
    must(name[0] && is_text(name) && !strchr(name, ' ') && is_text(value));
    if (!value[0])
        return;
    struct http_field **last = &r->fields;
    while (*last)
        last = &(*last)->next;
    *last = arena_alloc(&r->arena, sizeof **last);
    (*last)->name = arena_strdup(&r->arena, name);
    (*last)->value = arena_strdup(&r->arena, value);
}

void http_reply_cache(struct http_req *req, const char *etag, const char *cache_control)
{
    struct http_request *r = http_request_of(req);
    must(is_text(etag) && !strchr(etag, '"') && is_text(cache_control));
    r->etag = arena_strdup(&r->arena, etag);
    r->cache_control = arena_strdup(&r->arena, cache_control);
}
