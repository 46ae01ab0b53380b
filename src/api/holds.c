#include "api/encode.h"
#include "api/hold_in.h"
#include "api/routes.h"

static void out_hold(struct api_req *c, struct json_out *j)
{
    struct line_names names = names_of_call(&c->call);
    encode_hold(j, c->call.hold, &names, c->call.now_ms);
}

static const char *hold_path(struct api_req *c)
{
    return api_location(c, "/v1/holds/", &c->call.hold->hold_id.u);
}

void post_hold(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin_post(req, ctx, RIGHT_BEGIN);
    if (!c || !api_write_event(c, 201, out_hold))
        return;
    if (app_hold_is_hopeless(&c->call)) { /* before the body is even looked at */
        api_problem(c, BOX_EBUSY, NULL);
        return;
    }
    c->location = hold_path;
    struct app_hold_wish *wish = arena_alloc(req->arena, sizeof(*wish));
    hold_wish_in(c, api_body(c, hold_members), wish);
    wish->client = api_client(c);
    if (api_fits(c))
        app_hold_create(&c->call, wish);
}

void get_hold(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin(req, ctx, RIGHT_BUYER, NULL);
    struct hold_id id;
    if (c && api_path_id(c, 0, &id.u))
        app_hold_get(api_read(c, out_hold), &id);
}

void delete_hold(struct http_req *req, void *ctx)
{
    struct api_req *c = api_begin(req, ctx, RIGHT_BUYER, NULL);
    struct hold_id id;
    if (c && api_path_id(c, 0, &id.u))
        app_hold_release(api_write(c, 204, NULL, NULL), &id);
}

void post_extend(struct http_req *req, void *ctx)
{
    static const char *const known[] = {"until", NULL};
    struct api_req *c = api_begin_post(req, ctx, RIGHT_BUYER);
    struct hold_id id;
    if (!c || !api_path_id(c, 0, &id.u))
        return;
    struct json_node until = json_in_member(api_body_or_none(c, known), "until");
    int64_t until_ms = json_in_absent(until) ? 0 : json_in_time(until);
    if (!json_in_absent(until) && until_ms == 0)
        until_ms = 1; /* 1970: refused as any time that has passed */
    if (api_fits(c))
        app_hold_extend(api_write(c, 200, out_hold, NULL), &id, until_ms);
}
