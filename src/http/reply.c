/*
 * Answering: which form the body takes (coding, 304), the header fields, and handing it to MHD.
 *
 * A 304 must not tell a length that differs from the full answer's, and MHD always tells one. So each loop
 * remembers how long the bodies of recent tags were in each coding; where it does not know, it compresses
 * once more to find out.
 */
#include "base/error.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/must.h"
#include "http/callbacks.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

static const char html_policy[] =
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

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

static uint64_t length_key(const struct http_request *r, const char *tag)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    uint64_t key = hash64(r->pub.raw_path, strlen(r->pub.raw_path));
    for (size_t i = 0; i < r->query_count; i++) {
        key = key * odd ^ hash64(r->query[i].name, strlen(r->query[i].name));
        key = key * odd ^ hash64(r->query[i].value, strlen(r->query[i].value));
    }
    key = key * odd ^ hash64(tag, strlen(tag));
    return key ? key : 1;
}

static void make_unchanged(struct answer *a, const char *tag, size_t length)
{
    drop_data(a);
    a->status = MHD_HTTP_NOT_MODIFIED;
    a->tag = tag;
    a->size = length;
    a->coding = HTTP_IDENTITY;
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

/* The client's copies: true if @a became a 304. Of a form that is known by its tag only the length is looked
 * up. */
static bool try_unchanged(struct http_request *r, struct answer *a, const struct http_accepted *accepted,
                          enum http_coding coding)
{
    const char *listed = http_request_header(r, "If-None-Match");
    if (!listed)
        return false;
    size_t length;
    const char *tag = http_tag(&r->arena, r->etag, coding);
    if (coding != HTTP_IDENTITY && http_tag_listed(listed, tag) &&
        http_lengths_get(r->loop->lengths, length_key(r, tag), &length)) {
        make_unchanged(a, tag, length);
        return true;
    }
    /* A copy without coding is as good as one with it. */
    const char *plain = http_tag(&r->arena, r->etag, HTTP_IDENTITY);
    if ((accepted->weight[HTTP_IDENTITY] || coding == HTTP_IDENTITY) && http_tag_listed(listed, plain)) {
        make_unchanged(a, plain, a->size);
        return true;
    }
    if (coding == HTTP_IDENTITY || !http_tag_listed(listed, tag))
        return false;
    compress(r, a, coding);
    if (a->coding != coding)
        return false;
    http_lengths_put(r->loop->lengths, length_key(r, tag), a->size);
    make_unchanged(a, tag, a->size);
    return true;
}

static void choose_form(struct http_request *r, struct answer *a)
{
    if (a->status == MHD_HTTP_NOT_MODIFIED)
        return; /* chosen already */
    bool pays = a->size && a->type && http_type_pays(a->type);
    bool tagged = r->etag && a->status == MHD_HTTP_OK;
    bool compressible = pays && a->size >= HTTP_COMPRESS_MIN;
    a->vary = pays && (tagged || compressible);
    if (!compressible && !tagged)
        return;

    struct http_accepted accepted = http_accepted_parse(http_request_header(r, "Accept-Encoding"));
    enum http_coding coding = compressible ? http_coding_choose(&accepted) : HTTP_IDENTITY;
    if (tagged && r->pub.method == HTTP_GET && try_unchanged(r, a, &accepted, coding))
        return;
    if (coding != HTTP_IDENTITY && a->coding == HTTP_IDENTITY)
        compress(r, a, coding);
    if (tagged) {
        a->tag = http_tag(&r->arena, r->etag, a->coding);
        http_lengths_put(r->loop->lengths, length_key(r, a->tag), a->size);
    }
}

/* ---- header fields ---- */

void http_response_add(struct MHD_Response *m, const char *name, const char *value)
{
    must(MHD_add_response_header(m, name, value) == MHD_YES);
}

void http_response_add_security(struct MHD_Response *m)
{
    http_response_add(m, "X-Content-Type-Options", "nosniff");
    http_response_add(m, "Referrer-Policy", "no-referrer");
}

static const struct http_field *find_field(const struct http_request *r, const char *name)
{
    const struct http_field *f = r->fields;
    while (f && strcasecmp(f->name, name) != 0)
        f = f->next;
    return f;
}

static void add_vary(struct MHD_Response *m, struct http_request *r, const struct answer *a)
{
    const char *value = a->vary ? "Accept-Encoding" : NULL;
    for (const struct http_field *f = r->fields; f; f = f->next)
        if (strcasecmp(f->name, "Vary") == 0)
            value = value ? arena_printf(&r->arena, "%s, %s", f->value, value) : f->value;
    if (value)
        http_response_add(m, "Vary", value);
}

static void add_caching(struct MHD_Response *m, struct http_request *r, const struct answer *a)
{
    if (a->tag)
        http_response_add(m, "ETag", a->tag);
    if (r->cache_control && a->status < 400)
        http_response_add(m, "Cache-Control", r->cache_control);
    else if (strncmp(r->pub.raw_path, "/v1/", 4) == 0 && !find_field(r, "Cache-Control"))
        http_response_add(m, "Cache-Control", "no-store");
    if (a->vary || r->fields)
        add_vary(m, r, a);
}

static void add_fields(struct MHD_Response *m, struct http_request *r, const struct answer *a)
{
    if (a->type && a->status != MHD_HTTP_NOT_MODIFIED)
        http_response_add(m, "Content-Type", a->type);
    if (a->coding != HTTP_IDENTITY)
        http_response_add(m, "Content-Encoding", http_coding_name(a->coding));
    add_caching(m, r, a);
    http_response_add_security(m);
    if (a->type && strncmp(a->type, "text/html", 9) == 0 && !find_field(r, "Content-Security-Policy"))
        http_response_add(m, "Content-Security-Policy", html_policy);
    for (const struct http_field *f = r->fields; f; f = f->next)
        if (strcasecmp(f->name, "Vary") != 0)
            http_response_add(m, f->name, f->value);
    if (r->loop->stopping)
        http_response_add(m, "Connection", "close");
}

/* ---- handing over ---- */

static ssize_t never_read(void *cls, uint64_t at, char *to, size_t size)
{
    (void)cls;
    (void)at;
    (void)to;
    (void)size;
    must(!"a 304 has no body");
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

struct MHD_Response *http_response_bodiless(size_t size)
{
    struct MHD_Response *m = MHD_create_response_from_callback(size, 64, never_read, NULL, NULL);
    must(m); /* out of memory ends the program */
    return m;
}

static struct MHD_Response *make_response(struct answer *a)
{
    struct MHD_Response *m;
    if (a->status == MHD_HTTP_NOT_MODIFIED && a->size)
        m = http_response_bodiless(a->size);
    else if (a->owned)
        m = MHD_create_response_from_buffer_with_free_callback(a->size, a->data, free);
    else
        m = MHD_create_response_from_buffer(a->size, a->data, MHD_RESPMEM_PERSISTENT);
    must(m); /* out of memory ends the program */
    a->owned = false;
    return m;
}

static void count(unsigned status)
{
    metrics_add(METRIC_HTTP_REQUESTS, 1);
    if (status >= 500)
        metrics_add(METRIC_HTTP_SERVER_ERRORS, 1);
}

void http_queue(struct http_request *r, unsigned status, struct MHD_Response *m)
{
    must(!r->answered);
    must(status >= 200 && status <= 599);
    r->answered = true;
    heap_remove(&r->loop->timers, &r->timer);
    count(status);
    if (!r->mhd) { /* an orphan: nobody is there to read it */
        must(r->loop->orphans > 0);
        r->loop->orphans--;
        http_request_free(r);
        return;
    }
    r->broken = MHD_queue_response(r->mhd, status, m) != MHD_YES;
    if (r->suspended)
        http_loop_resume(r);
}

static void send_answer(struct http_request *r, struct answer *a)
{
    if (r->mhd)
        choose_form(r, a);
    struct MHD_Response *m = make_response(a);
    add_fields(m, r, a);
    http_queue(r, a->status, m);
    MHD_destroy_response(m);
}

void http_reply(struct http_req *req, unsigned status, const char *type, struct buf *body)
{
    struct answer a = {.status = status, .type = type, .owned = true};
    a.data = buf_take(body, &a.size);
    must(type || a.size == 0);
    send_answer(http_request_of(req), &a);
}

void http_reply_static(struct http_req *req, unsigned status, const char *type, const void *data, size_t size)
{
    struct answer a = {.status = status, .type = type, .data = (char *)data, .size = size};
    must(type || size == 0);
    send_answer(http_request_of(req), &a);
}

int http_take_socket(struct http_request *r)
{
    must(!r->answered);
    int fd = r->mhd ? fcntl(r->conn->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0)
        return -1;
    r->answered = r->broken = true; /* MHD closes its socket, but does not shut the connection down */
    heap_remove(&r->loop->timers, &r->timer);
    count(MHD_HTTP_OK);
    if (r->suspended)
        http_loop_resume(r);
    return fd;
}

bool http_reply_unchanged(struct http_req *req)
{
    struct http_request *r = http_request_of(req);
    const char *listed = http_request_header(r, "If-None-Match");
    if (!r->etag || !listed || r->pub.method != HTTP_GET)
        return false;
    struct http_accepted accepted = http_accepted_parse(http_request_header(r, "Accept-Encoding"));
    enum http_coding tries[2] = {http_coding_choose(&accepted), HTTP_IDENTITY};
    for (int i = 0; i < (accepted.weight[HTTP_IDENTITY] ? 2 : 1); i++) {
        const char *tag = http_tag(&r->arena, r->etag, tries[i]);
        size_t length;
        if (!http_tag_listed(listed, tag) || !http_lengths_get(r->loop->lengths, length_key(r, tag), &length))
            continue;
        struct answer a = {.status = MHD_HTTP_NOT_MODIFIED, .size = length, .tag = tag, .vary = true};
        send_answer(r, &a);
        return true;
    }
    return false;
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
        return; /* MHD sends no empty ones */
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

/* ---- without MHD ---- */

void http_date(const struct clock *clock, char text[static HTTP_DATE])
{
    time_t seconds = (time_t)(clock_wall_us(clock) / 1000000);
    struct tm tm;
    must(gmtime_r(&seconds, &tm));
    must(strftime(text, HTTP_DATE, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
}

void http_reply_raw(struct http_request *r, int code)
{
    must(!r->answered && !r->running);
    r->answered = true;
    struct buf body = {0}, message = {0};
    unsigned status = http_problem_body(&body, code, NULL, NULL, NULL);
    char date[HTTP_DATE];
    http_date(r->loop->server->options.clock, date);
    buf_printf(&message,
               "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
               "Content-Length: %zu\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
               "Referrer-Policy: no-referrer\r\n%s\r\n",
               status, error_info(code)->title, date, body.size, status == 503 ? "Retry-After: 1\r\n" : "");
    if (!r->is_head)
        buf_add(&message, body.data, body.size);
    /* All before it was sent, so the socket has room; where it has none, the client loses but a reason. */
    (void)!send(r->conn->fd, message.data, message.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    count(status);
    buf_done(&body);
    buf_done(&message);
}
