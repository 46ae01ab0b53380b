#include "api/kept.h"
#include "base/must.h"
#include <inttypes.h>
#include <stdlib.h>

/* What stands in a slot. */
struct kept_page {
    struct view_extra extra; /* first */
    uint64_t key;
    struct http_page *page;
};

static void free_kept(struct view_extra *extra)
{
    struct kept_page *kept = (struct kept_page *)extra;
    http_page_unref(kept->page);
    free(kept);
}

bool kept_reply(struct api_req *c, enum kept slot, uint64_t key)
{
    const struct kept_page *kept = (const struct kept_page *)view_extra(c->call.event, slot);
    if (!kept || kept->key != key)
        return false;
    http_reply_page(c->req, kept->page);
    return true;
}

void kept_reply_new(struct api_req *c, const struct kept_spec *spec, struct http_body *body)
{
    struct snapshot *s = c->call.event;
    const struct http_page_head head = {
        .etag = spec->etag,
        .cache_control = spec->cache_control ? spec->cache_control : api_revalidated(c),
        .vary = spec->vary,
        .field_name = "Change-Seq",
        .field_value = arena_printf(c->req->arena, "%" PRIu64, s->seq),
    };
    struct kept_page *kept = malloc(sizeof(*kept));
    must(kept); /* out of memory ends the program */
    *kept = (struct kept_page){.extra.free = free_kept, .key = spec->key, .page = http_page_new(body, &head)};
    struct http_page *page = http_page_ref(kept->page); /* the slot may be taken: then kept is freed */
    view_extra_keep(s, spec->slot, &kept->extra);
    http_reply_page(c->req, page);
    http_page_unref(page);
}

void kept_reply_json(struct api_req *c, enum kept slot, const char *vary, api_encode *encode)
{
    if (kept_reply(c, slot, 0))
        return;
    struct buf b = {0};
    api_encode_into(c, encode, &b);
    const struct kept_spec spec = {.slot = slot, .etag = api_event_etag(c, ""), .vary = vary};
    kept_reply_new(c, &spec, http_body_new(JSON_TYPE, &b));
}
