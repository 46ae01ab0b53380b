/*
 * Pages: answers that are made once and sent many times, by any loop.
 *
 * A body has its bytes and, in each coding, a form that is made when it is first wanted. A page is a body
 * with the header fields of one version; for each form it keeps the text of these fields, which is what makes
 * an answer cheap: nothing is rendered, hashed, compressed or allocated for a request, and nothing is copied
 * but the head.
 *
 * Everything is immutable but for the slots of forms and heads. Two threads may make the same thing at the
 * same time; the first to put it into its slot wins, the other's is freed. Nobody waits. A page may be freed
 * while it is still being sent: what the socket did not take at once holds on to the body.
 */
#include "base/must.h"
#include "http/internal.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct http_body {
    atomic_uint refs;
    const char *type;
    bool pays; /* compression does, for this type and size */
    struct http_bytes plain;
    _Atomic(struct http_bytes *) forms[HTTP_CODINGS]; /* but for identity; without data: not smaller */
};

/* The fields of an answer and the empty line behind them: all but status, Date and Connection. */
struct head {
    size_t size;
    char text[];
};

struct http_page {
    atomic_uint refs;
    struct http_body *body;
    struct arena arena;             /* all text */
    const char *tags[HTTP_CODINGS]; /* quoted */
    const char *cache_control, *vary, *field_name, *field_value;
    _Atomic(struct head *) full[HTTP_CODINGS], unchanged[HTTP_CODINGS]; /* of 200 and 304 */
};

enum { PAGE_BLOCK = 512, OK = 200, NOT_MODIFIED = 304 };

/* ---- bodies ---- */

struct http_body *http_body_new(const char *type, struct buf *bytes)
{
    struct http_body *b = calloc(1, sizeof(*b));
    must(b); /* out of memory ends the program */
    atomic_init(&b->refs, 1);
    b->type = type;
    size_t size;
    char *data = buf_take(bytes, &size);
    must(size > 0);
    http_bytes_init(&b->plain, data, size);
    b->pays = size >= HTTP_COMPRESS_MIN && http_type_pays(type);
    return b;
}

struct http_body *http_body_ref(struct http_body *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

static void free_form(struct http_bytes *f)
{
    if (f)
        http_bytes_done(f);
    free(f);
}

void http_body_unref(struct http_body *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (int i = 0; i < HTTP_CODINGS; i++)
        free_form(atomic_load(&b->forms[i]));
    http_bytes_done(&b->plain);
    free(b);
}

const void *http_body_bytes(const struct http_body *b, size_t *ret_size)
{
    *ret_size = b->plain.size;
    return b->plain.data;
}

bool http_body_has(const struct http_body *b, enum http_coding coding)
{
    return coding == HTTP_IDENTITY || !b->pays ||
           atomic_load_explicit(&b->forms[coding], memory_order_acquire);
}

static void compress(struct http_body *b, enum http_coding coding, struct http_codecs *codecs,
                     enum http_effort effort)
{
    struct http_bytes *f = malloc(sizeof(*f)), *none = NULL;
    must(f); /* out of memory ends the program */
    size_t size = 0;
    char *data = http_compress(codecs, coding, effort, b->plain.data, b->plain.size, &size);
    http_bytes_init(f, data, size);
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
static const struct http_bytes *form_of(struct http_body *b, struct http_loop *loop, enum http_coding *coding)
{
    if (*coding != HTTP_IDENTITY && b->pays) {
        if (!http_body_has(b, *coding))
            compress(b, *coding, &loop->codecs, HTTP_QUICK);
        const struct http_bytes *f = atomic_load_explicit(&b->forms[*coding], memory_order_acquire);
        if (f->data)
            return f;
    }
    *coding = HTTP_IDENTITY;
    return &b->plain;
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
        free(atomic_load(&p->full[i]));
        free(atomic_load(&p->unchanged[i]));
    }
    http_body_unref(p->body);
    arena_done(&p->arena);
    free(p);
}

/* ---- heads ---- */

static void add_fields(struct buf *b, const struct http_page *p, enum http_coding coding, size_t size,
                       bool unchanged)
{
    if (!unchanged) {
        http_answer_field(b, "Content-Type", p->body->type);
        http_answer_length(b, size);
        if (coding != HTTP_IDENTITY)
            http_answer_field(b, "Content-Encoding", http_coding_name(coding));
    }
    http_answer_field(b, "ETag", p->tags[coding]);
    http_answer_field(b, "Cache-Control", p->cache_control);
    if (p->vary)
        http_answer_field(b, "Vary", p->vary);
    if (p->field_name)
        http_answer_field(b, p->field_name, p->field_value);
    http_answer_security(b);
    buf_adds(b, "\r\n");
}

static struct head *make_head(const struct http_page *p, enum http_coding coding, size_t size, bool unchanged)
{
    struct buf b = {0};
    add_fields(&b, p, coding, size, unchanged);
    struct head *head = malloc(sizeof(*head) + b.size);
    must(head); /* out of memory ends the program */
    head->size = b.size;
    memcpy(head->text, b.data, b.size);
    buf_done(&b);
    return head;
}

/* The page's head for a form of @size bytes, made if it is not there. The page keeps it. */
static const struct head *head_of(struct http_page *p, enum http_coding coding, size_t size, bool unchanged)
{
    _Atomic(struct head *) *slot = unchanged ? &p->unchanged[coding] : &p->full[coding];
    struct head *known = atomic_load_explicit(slot, memory_order_acquire);
    if (known)
        return known;
    struct head *made = make_head(p, coding, size, unchanged);
    if (atomic_compare_exchange_strong(slot, &known, made))
        return made;
    free(made);
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
    const struct http_bytes *form = form_of(p->body, r->loop, &coding);
    bool unchanged = if_none_match && is_listed(if_none_match, p, &accepted, &coding);

    const struct head *fields = head_of(p, coding, form->size, unchanged);
    unsigned status = unchanged ? NOT_MODIFIED : OK;
    struct buf *head = http_answer_begin(r, status);
    buf_add(head, fields->text, fields->size);
    struct http_piece body = {.data = form->data, .size = form->size, .shared = p->body, .file = form};
    http_answer_send(r, status, head, unchanged ? (struct http_piece){.size = 0} : body);
}
