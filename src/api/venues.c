#include "api/cursor.h"
#include "api/encode.h"
#include "api/routes.h"
#include "api/venue_in.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include <inttypes.h>
#include <malloc.h>
#include <string.h>

/* ---- making ---- */

struct venue_plan {
    struct app_venue_plan plan; /* first */
    const char *const *known;
    int (*read)(struct venue_in *v, struct json_node body, struct layout **ret_layout);
};

static int read_venue(const struct venue_plan *plan, struct api_req *c)
{
    struct app_call *call = &c->call;
    struct json_node body = api_body(c, plan->known);
    if (json_in_status(&c->in) == BOX_EBADREQUEST)
        return BOX_EBADREQUEST; /* a big body that is refused anyway need not be walked */
    struct rng seeded;
    struct venue_in v = {
        .in = &c->in,
        .arena = call->arena,
        .rng = app_ids(call, &seeded),
        .now_ms = call->now_ms,
    };
    return plan->read(&v, body, &call->layout);
}

/*
 * Thread: a worker. The tree of a body of 64 MiB has some 200 MiB. It is freed here, not only at the end of
 * the request: the writer and the answer do not need it. What building the layout took in small pieces is
 * given back with it: malloc would keep it for good.
 */
static int build_venue(struct app_venue_plan *p, struct app_call *call)
{
    struct api_req *c = api_of(call);
    int ret = read_venue((const struct venue_plan *)(const void *)p, c);
    json_in_done(&c->in);
    if (c->req->body_size > LIMIT_BODY_BYTES)
        malloc_trim(0);
    return ret;
}

static void out_made(struct api_req *c, struct json_out *j)
{
    encode_venue(j, c->call.layout);
}

static const char *venue_path(struct api_req *c)
{
    return api_location(c, "/v1/venues/", &c->call.layout->venue_id.u);
}

static void make_venue(struct http_req *req, void *ctx, const struct venue_plan *how)
{
    struct api_req *c = api_begin_post(req, ctx, RIGHT_KEY);
    if (!c)
        return;
    struct venue_plan *plan = arena_copy(req->arena, how, sizeof(*how));
    plan->plan.build = build_venue;
    app_venue_create(api_write(c, 201, out_made, venue_path), &plan->plan);
}

void post_venue(struct http_req *req, void *ctx)
{
    static const char *const known[] = {"name", "timezone", "size", "sections", NULL};
    static const struct venue_plan plan = {.known = known, .read = venue_from_json};
    make_venue(req, ctx, &plan);
}

void post_venue_import(struct http_req *req, void *ctx)
{
    static const char *const known[] = {"format", "name", "timezone", "prices", "plan", NULL};
    static const struct venue_plan plan = {.known = known, .read = venue_from_import};
    make_venue(req, ctx, &plan);
}

/* ---- reading ---- */

/* Find the venue of path id 0. Returns false when there is none: answered with 404. */
static bool find_venue(struct api_req *c)
{
    struct venue_id id;
    if (!api_path_id(c, 0, &id.u))
        return false;
    c->call.layout = view_venue(c->call.app->parts.view, &id);
    if (!c->call.layout)
        api_problem(c, BOX_ENOTFOUND, "There is no such venue.");
    return c->call.layout;
}

/* A venue never changes but by its revision. */
static const char *venue_etag(struct api_req *c)
{
    const struct layout *l = c->call.layout;
    return arena_printf(c->req->arena, "%016" PRIx64 "-%" PRIu32, hash64(&l->venue_id, sizeof(l->venue_id)),
                        l->rev);
}

void get_venue(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin(req, ctx, RIGHT_PUBLIC, NULL);
    if (c && find_venue(c))
        api_reply_document(c, venue_etag(c), NULL, out_made, c->call.layout->seats_total);
}

struct venue_page {
    struct layout *list[LIMIT_PAGE_MAX];
    int count;
    bool more;
};

static void release_page(struct api_req *c)
{
    struct venue_page *page = c->user;
    for (int i = 0; i < page->count; i++)
        layout_unref(page->list[i]);
}

static void out_summary(struct json_out *j, const struct layout *l)
{
    json_out_object(j);
    json_out_member_uuid(j, "venue_id", &l->venue_id.u);
    json_out_member_text(j, "name", l->name);
    json_out_member_text(j, "timezone", l->timezone);
    json_out_member_int(j, "seats_count", l->seats_total);
    json_out_member_int(j, "sections", l->section_count);
    json_out_end_object(j);
}

static void out_list(struct api_req *c, struct json_out *j)
{
    const struct venue_page *page = c->user;
    json_out_object(j);
    json_out_key(j, "venues");
    json_out_array(j);
    for (int i = 0; i < page->count; i++)
        out_summary(j, page->list[i]);
    json_out_end_array(j);
    struct cursor next = {0};
    if (page->more)
        next = cursor_of_id(&page->list[page->count - 1]->venue_id.u);
    cursor_out(j, &next);
    json_out_end_object(j);
}

void get_venues(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"limit", "cursor", NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_PUBLIC, query);
    struct venue_id after;
    uint32_t limit;
    if (!c)
        return;
    bool started = api_query_page_of(c, &after.u, &limit);
    if (!api_fits(c))
        return;
    struct venue_page *page = arena_alloc(req->arena, sizeof(*page));
    page->count =
        view_list_venues(c->call.app->parts.view, started ? &after : NULL, limit, page->list, &page->more);
    if (page->count < 0) {
        api_fault_cursor(c, "cursor");
        api_fits(c);
        return;
    }
    c->user = page;
    c->release = release_page;
    api_reply_hashed(c, out_list);
}

static void out_section_type(struct api_req *c, struct json_out *j)
{
    const struct layout *l = c->call.layout;
    const struct layout_place *place = c->user;
    char price[MONEY_TEXT];
    decimal_format(place->price, price);
    json_out_object(j);
    json_out_member_uuid(j, "venue_id", &l->venue_id.u);
    json_out_member_uuid(j, "section_id", &l->sections[place->section].section_id.u);
    json_out_member_text(j, "type_id", place->type_id);
    json_out_member_text(j, "price", price);
    json_out_member_int(j, "seats_count", place->seats);
    json_out_end_object(j);
}

void get_venue_section_type(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin(req, ctx, RIGHT_PUBLIC, NULL);
    struct section_id id;
    uint32_t section, place;
    if (!c || !find_venue(c) || !api_path_id(c, 1, &id.u))
        return;
    const struct layout *l = c->call.layout;
    if (!layout_find_section(l, &id, &section) || !layout_find_place(l, section, req->params[2], &place)) {
        api_problem(c, BOX_ENOTFOUND, "The venue has no such section or type.");
        return;
    }
    c->user = &l->places[place];
    api_reply_cached(c, venue_etag(c), out_section_type);
}
