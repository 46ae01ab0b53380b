/*
 * The list of events. A page is rendered once for each query, and good for as long as nothing that is shown
 * has changed.
 */
#include "api/cursor.h"
#include "api/encode.h"
#include "api/routes.h"
#include "api/shelf.h"
#include "base/error.h"
#include "base/params.h"
#include <string.h>

struct event_page {
    /* what is wanted */
    const struct credential *who;
    bool available;
    const char *slug, *event_type; /* or NULL */
    /* what was found */
    struct snapshot *list[LIMIT_PAGE_MAX];
    int count;
    bool more;
};

static void release_page(struct api_req *c)
{
    struct event_page *page = c->user;
    for (int i = 0; i < page->count; i++)
        view_release(page->list[i]);
}

static bool keep_event(void *ctx, const struct snapshot *s)
{
    const struct event_page *page = ctx;
    return app_sees_event(page->who, s->event) && (!page->available || s->counts[SEAT_AVAILABLE] > 0) &&
           (!page->event_type || strcmp(page->event_type, s->event->event_type) == 0) &&
           (!page->slug || strcmp(page->slug, s->event->slug) == 0);
}

/* Filters of the list. Faults are recorded. */
static void query_filters(struct api_req *c, struct event_page *page)
{
    const char *available = http_query(c->req, "available");
    page->who = &c->call.who;
    page->slug = http_query(c->req, "slug");
    page->event_type = http_query(c->req, "event_type");
    page->available = available && strcmp(available, "true") == 0;
    if (available && !page->available && strcmp(available, "false") != 0)
        json_in_fault_at(&c->in, "/available", "must be true or false");
    if (page->slug && !slug_valid(page->slug))
        json_in_fault_at(&c->in, "/slug", "must be a-z, 0-9 and -, and not begin with -");
    api_query_text(c, "event_type", LIMIT_TYPE_ID_CHARS);
}

static void out_list(struct api_req *c, struct json_out *j)
{
    const struct event_page *page = c->user;
    json_out_object(j);
    json_out_key(j, "events");
    json_out_array(j);
    for (int i = 0; i < page->count; i++)
        encode_event(j, page->list[i]);
    json_out_end_array(j);
    struct cursor next = {0};
    if (page->more)
        next = cursor_of_id(&page->list[page->count - 1]->event->event_id.u);
    cursor_out(j, &next);
    json_out_end_object(j);
}

/* The events of the page. A slug has at most one: no need to look at all. */
static void find_page(struct view *view, struct event_page *page, const struct event_id *after,
                      uint32_t limit)
{
    if (!page->slug) {
        page->count =
            view_list(view, after, page->available, limit, keep_event, page, page->list, &page->more);
        return;
    }
    struct snapshot *s = after ? NULL : view_find_slug(view, page->slug);
    if (s && keep_event(page, s))
        page->list[page->count++] = s;
    else if (s)
        view_release(s);
}

/* What a page depends on beside the view: the query, and whether the reader sees what is not published. */
static const char *shelf_key(struct api_req *c)
{
    struct buf b = {0};
    const char *name, *value;
    buf_addc(&b, c->call.who.kind == CREDENTIAL_KEY ? 'k' : 'p');
    for (size_t i = 0; (name = http_query_at(c->req, i, &value)); i++)
        buf_printf(&b, "&%s=%zu:%s", name, strlen(value), value); /* no two queries look the same */
    const char *key = arena_strndup(c->req->arena, b.data, b.size);
    buf_done(&b);
    return key;
}

static void reply_new(struct api_req *c, const char *key, uint64_t version)
{
    struct buf b = {0};
    api_encode_into(c, out_list, &b);
    const struct http_page_head head = {
        .etag = api_hash_etag(c->req->arena, b.data, b.size),
        .cache_control = api_revalidated(c),
    };
    struct http_page *page = http_page_new(http_body_new(JSON_TYPE, &b), &head);
    shelf_put(c->api->lists, key, version, page);
    http_reply_page(c->req, page);
    http_page_unref(page);
}

static bool reply_kept(struct api_req *c, const char *key, uint64_t version)
{
    struct http_page *page = shelf_find(c->api->lists, key, version);
    if (!page)
        return false;
    http_reply_page(c->req, page);
    http_page_unref(page);
    return true;
}

void get_events(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"available", "slug", "event_type", "limit", "cursor", NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_PUBLIC, query);
    struct event_id after;
    uint32_t limit;
    if (!c)
        return;
    struct view *view = c->call.app->parts.view;
    uint64_t version = view_version(view); /* before anything is looked at */
    const char *key = shelf_key(c);
    if (reply_kept(c, key, version))
        return;
    struct event_page *page = arena_alloc(req->arena, sizeof(*page));
    query_filters(c, page);
    bool started = api_query_page_of(c, &after.u, &limit);
    if (!api_fits(c))
        return;
    find_page(view, page, started ? &after : NULL, limit);
    if (page->count < 0) {
        api_fault_cursor(c, "cursor");
        api_fits(c);
        return;
    }
    c->user = page;
    c->release = release_page;
    reply_new(c, key, version);
}
