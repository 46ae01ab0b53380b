/* Live streams: what changes in an event, and the rows of the change log as they come. */
#include "api/changes.h"
#include "api/accept.h"
#include "api/cursor.h"
#include "api/routes.h"
#include "base/error.h"

static const char STREAM_TYPE[] = "text/event-stream";

/* What a client that lost its stream heard last; NULL: nothing, or it has not. */
static const char *last_event_id(struct api_req *c)
{
    const char *id = http_header(c->req, "Last-Event-ID");
    return id && *id ? id : NULL;
}

static void answer_failure(struct api_req *c, int code)
{
    if (code)
        api_problem(c, code,
                    "As many live streams are open as this server may have. Try again later, or ask for "
                    "what changed with ?since= now and then.");
}

/* ---- an event ---- */

static void show_changes(struct api_req *c)
{
    uint64_t seq = 0;
    enum feed_from from = api_query_number(c, "since", INT64_MAX, &seq) ? FEED_FROM_SEQ : FEED_FROM_NOW;
    if (!api_fits(c) || http_stream_head(c->req))
        return;
    const char *id = last_event_id(c);
    if (id)
        from = api_parse_number(id, INT64_MAX, &seq) ? FEED_FROM_SEQ : FEED_FROM_RESET;
    bool all = c->call.who.kind == CREDENTIAL_KEY;
    answer_failure(c,
                   feed_follow_event(c->api->feed, c->req, &c->call.event->event->event_id, from, seq, all));
}

void get_changes(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"since", NULL};
    api_event_read(req, ctx, query, show_changes);
}

/* ---- the change log ---- */

bool changes_wanted(struct api_req *c)
{
    return accept_prefers(http_header(c->req, "Accept"), STREAM_TYPE, "application/json");
}

void changes_of_log(struct api_req *c)
{
    struct cursor after = {0};
    const char *id = last_event_id(c), *name = "after";
    const char *text = id ? id : http_query(c->req, name);
    if (http_query(c->req, "limit"))
        json_in_fault_at(&c->in, "/limit", "is for pages; a stream has no end");
    if (text && (cursor_parse(text, &after) || !store_cdc_cursor_valid(c->call.app->parts.store, &after)))
        api_fault_cursor(c, name);
    if (api_fits(c) && !http_stream_head(c->req))
        answer_failure(c, feed_follow_log(c->api->feed, c->req, &after));
}
