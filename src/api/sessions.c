#include "api/routes.h"
#include "base/error.h"

static void out_session(struct api_req *c, struct json_out *j)
{
    json_out_object(j);
    json_out_member_uuid(j, "session_id", &c->call.session.u);
    json_out_member_text(j, "token", c->call.token);
    json_out_member_time(j, "expires_at", c->call.expires_ms);
    json_out_end_object(j);
}

static void made(struct app_call *call)
{
    struct api_req *c = api_of(call);
    if (call->code)
        api_problem(c, call->code, NULL);
    else
        api_reply_private(c, 201, out_session);
}

void post_session(struct http_req *req, void *ctx)
{
    static const char *const known[] = {NULL};
    struct api_req *c = api_begin(req, ctx, RIGHT_PUBLIC, NULL);
    if (!c)
        return;
    api_body_or_none(c, known);
    if (!api_fits(c))
        return;
    c->call.done = made;
    app_session_create(&c->call);
}
