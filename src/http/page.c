/*
 * Pages: answers that are made once and sent many times, by any loop.
 *
 * A body has its bytes and, in each coding, a form that is made when it is first wanted. A page is a body
 * with the header fields of one version; of each form it keeps the response object of MHD, which is what
 * makes an answer cheap: nothing is rendered, hashed, compressed, copied or allocated for a request.
 *
 * Everything is immutable but for the slots of forms and responses. Two threads may make the same thing at
 * the same time; the first to put it into its slot wins, the other's is freed. Nobody waits. MHD counts the
 * users of a response under a lock of its own, so that a page may be freed while it is still being sent; the
 * response holds on to the body.
 */
#include "base/must.h"
#include "http/callbacks.h"
#include <stdlib.h>
#include <string.h>

/* The bytes in one coding. */
struct form {
    char *data; /* NULL: they would not get smaller */
    size_t size;
};

struct http_body {
    atomic_uint refs;
    const char *type;
    bool pays; /* compression does, for this type and size */
    char *data;
    size_t size;
    _Atomic(struct form *) forms[HTTP_CODINGS]; /* but for identity */
};

struct http_page {
    atomic_uint refs;
    struct http_body *body;
    struct arena arena;             /* all text */
    const char *tags[HTTP_CODINGS]; /* quoted */
    const char *cache_control, *vary, *field_name, *field_value;
    _Atomic(struct MHD_Response *) full[HTTP_CODINGS], unchanged[HTTP_CODINGS];
};

enum { PAGE_BLOCK = 512 };

/* ---- bodies ---- */

struct http_body *http_body_new(const char *type, struct buf *bytes)
{
    struct http_body *b = calloc(1, sizeof(*b));
    must(b); /* out of memory ends the program */
    atomic_init(&b->refs, 1);
    b->type = type;
    b->data = buf_take(bytes, &b->size);
    must(b->size > 0);
    b->pays = b->size >= HTTP_COMPRESS_MIN && http_type_pays(type);
    return b;
}

struct http_body *http_body_ref(struct http_body *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

static void free_form(struct form *f)
{
    if (f)
        free(f->data);
    free(f);
}

void http_body_unref(struct http_body *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (int i = 0; i < HTTP_CODINGS; i++)
        free_form(atomic_load(&b->forms[i]));
    free(b->data);
    free(b);
}

const void *http_body_bytes(const struct http_body *b, size_t *ret_size)
{
    *ret_size = b->size;
    return b->data;
}

bool http_body_has(const struct http_body *b, enum http_coding coding)
{
    return coding == HTTP_IDENTITY || !b->pays ||
           atomic_load_explicit(&b->forms[coding], memory_order_acquire);
}

static void compress(struct http_body *b, enum http_coding coding, struct http_codecs *codecs,
                     enum http_effort effort)
{
    struct form *f = calloc(1, sizeof(*f)), *none = NULL;
    must(f); /* out of memory ends the program */
    f->data = http_compress(codecs, coding, effort, b->data, b->size, &f->size);
    if (!atomic_compare_exchange_strong(&b->forms[coding], &none, f))
        free_form(f); /* another was quicker */
}

/* What is accepted matters only where there is a choice; of nothing said, everything but identity is refused.
 */
static enum http_coding choose(struct http_request *r, const struct http_body *b,
                               struct http_accepted *ret_accepted)
{
    const char *accepts = b->pays ? http_request_header(r, "Accept-Encoding") : NULL;
    *ret_accepted = http_accepted_parse(accepts);
    return accepts ? http_coding_choose(ret_accepted) : HTTP_IDENTITY;
}

enum http_coding http_body_coding(struct http_req *req, const struct http_body *b)
{
    struct http_accepted accepted;
    return choose(http_request_of(req), b, &accepted);
}

void http_body_prepare(struct http_body *b, enum http_coding coding)
{
    struct http_codecs codecs = {NULL, NULL};
    if (http_body_has(b, coding))
        return;
    compress(b, coding, &codecs, HTTP_THOROUGH);
    http_codecs_done(&codecs);
}

/* The bytes in @coding, made here if they are not there; falls back to identity. */
static struct form form_of(struct http_body *b, struct http_loop *loop, enum http_coding *coding)
{
    if (*coding != HTTP_IDENTITY && b->pays) {
        if (!http_body_has(b, *coding))
            compress(b, *coding, &loop->codecs, HTTP_QUICK);
        const struct form *f = atomic_load_explicit(&b->forms[*coding], memory_order_acquire);
        if (f->data)
            return *f;
    }
    *coding = HTTP_IDENTITY;
    return (struct form){b->data, b->size};
}

/* ---- pages ---- */

struct http_page *http_page_new(struct http_body *body, const struct http_page_head *head)
{
    struct http_page *p = calloc(1, sizeof(*p));
    must(p); /* out of memory ends the program */
    atomic_init(&p->refs, 1);
    p->body = body;
    arena_init(&p->arena, PAGE_BLOCK);
    for (int i = 0; i < HTTP_CODINGS; i++)
        p->tags[i] = http_tag(&p->arena, head->etag, (enum http_coding)i);
    p->cache_control = arena_strdup(&p->arena, head->cache_control);
    p->vary = head->vary;
    if (http_type_pays(body->type))
        p->vary = p->vary ? arena_printf(&p->arena, "%s, Accept-Encoding", p->vary) : "Accept-Encoding";
    if (head->field_name) {
        p->field_name = head->field_name;
        p->field_value = arena_strdup(&p->arena, head->field_value);
    }
    return p;
}

struct http_page *http_page_ref(struct http_page *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void http_page_unref(struct http_page *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (int i = 0; i < HTTP_CODINGS; i++) {
        MHD_destroy_response(atomic_load(&p->full[i]));
        MHD_destroy_response(atomic_load(&p->unchanged[i]));
    }
    http_body_unref(p->body);
    arena_done(&p->arena);
    free(p);
}

/* ---- responses ---- */

static void drop_body(void *body)
{
    http_body_unref(body);
}

static void add_fields(struct MHD_Response *m, const struct http_page *p, enum http_coding coding,
                       bool unchanged)
{
    if (!unchanged) {
        http_response_add(m, "Content-Type", p->body->type);
        if (coding != HTTP_IDENTITY)
            http_response_add(m, "Content-Encoding", http_coding_name(coding));
    }
    http_response_add(m, "ETag", p->tags[coding]);
    http_response_add(m, "Cache-Control", p->cache_control);
    if (p->vary)
        http_response_add(m, "Vary", p->vary);
    if (p->field_name)
        http_response_add(m, p->field_name, p->field_value);
    http_response_add_security(m);
}

static struct MHD_Response *make_response(const struct http_page *p, enum http_coding coding,
                                          struct form form, bool unchanged)
{
    struct MHD_Response *m = unchanged ? http_response_bodiless(form.size)
                                       : MHD_create_response_from_buffer_with_free_callback_cls(
                                             form.size, form.data, drop_body, http_body_ref(p->body));
    must(m); /* out of memory ends the program */
    add_fields(m, p, coding, unchanged);
    return m;
}

/* The page's response for this form, made if it is not there. The page keeps it. */
static struct MHD_Response *response_of(struct http_page *p, enum http_coding coding, struct form form,
                                        bool unchanged)
{
    _Atomic(struct MHD_Response *) *slot = unchanged ? &p->unchanged[coding] : &p->full[coding];
    struct MHD_Response *known = atomic_load_explicit(slot, memory_order_acquire);
    if (known)
        return known;
    struct MHD_Response *made = make_response(p, coding, form, unchanged);
    if (atomic_compare_exchange_strong(slot, &known, made))
        return made;
    MHD_destroy_response(made);
    return known;
}

/* The client's copy is as good as what it would get now, or as the bytes without coding. */
static bool is_listed(const char *if_none_match, const struct http_page *p,
                      const struct http_accepted *accepted, enum http_coding *coding)
{
    if (http_tag_listed(if_none_match, p->tags[*coding]))
        return true;
    if (!accepted->weight[HTTP_IDENTITY] || !http_tag_listed(if_none_match, p->tags[HTTP_IDENTITY]))
        return false;
    *coding = HTTP_IDENTITY;
    return true;
}

void http_reply_page(struct http_req *req, struct http_page *p)
{
    struct http_request *r = http_request_of(req);
    must(r->pub.method == HTTP_GET);
    struct http_accepted accepted;
    enum http_coding coding = choose(r, p->body, &accepted);
    const char *if_none_match = http_request_header(r, "If-None-Match");
    /* What does not get smaller has the tag of identity. */
    struct form form = form_of(p->body, r->loop, &coding);
    bool unchanged = if_none_match && is_listed(if_none_match, p, &accepted, &coding);
    if (unchanged)
        form = form_of(p->body, r->loop, &coding); /* that of the client's copy */

    unsigned status = unchanged ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
    if (!r->loop->stopping) {
        http_queue(r, status, response_of(p, coding, form, unchanged));
        return;
    }
    struct MHD_Response *last = make_response(p, coding, form, unchanged);
    http_response_add(last, "Connection", "close");
    http_queue(r, status, last);
    MHD_destroy_response(last);
}
