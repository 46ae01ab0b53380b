#include "api/encode.h"
#include "api/hold_in.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/must.h"
#include <stdatomic.h>
#include <string.h>

static void out_hold(struct api_req *c, struct json_out *j)
{
    struct line_names names = names_of_call(&c->call);
    encode_hold(j, c->call.hold, &names, c->call.now_ms);
}

static const char *hold_path(struct api_req *c)
{
    return api_location(c, "/v1/holds/", &c->call.hold->hold_id.u);
}

/* A proxy that nobody has named: what it says is passed over, and whoever runs this should know. */
static void say_untrusted(void)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&said))
        log_warn("api",
                 "X-Forwarded-For from an address that is not in --trusted-proxies was passed over; if "
                 "that is your proxy, --max-held-per-address cannot tell the buyers behind it apart");
}

/*
 * The network of the client, for the budget; NULL if it is not to be counted. What comes from this machine is
 * its operator's, or came through a proxy that nobody has named: then one budget for all buyers would end
 * the sale.
 */
static const struct address *client_of(const struct api_req *c)
{
    const struct proxies *proxies = c->api->proxies;
    if (!proxies)
        return NULL;
    struct address peer;
    must(address_parse(c->req->peer, strlen(c->req->peer), &peer)); /* the socket's */
    const char *forwarded = http_header(c->req, "X-Forwarded-For");
    if (forwarded && !proxies_have(proxies, &peer))
        say_untrusted();
    struct address client = client_address(proxies, &peer, forwarded);
    if (address_is_loopback(&client))
        return NULL;
    client = address_network(&client);
    return arena_copy(c->call.arena, &client, sizeof(client));
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
    wish->client = client_of(c);
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
