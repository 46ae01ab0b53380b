#include "transfer/export.h"
#include "base/error.h"
#include "base/must.h"
#include "transfer/event_file.h"
#include "verify/replay.h"
#include <string.h>

struct export
{
    const struct export_options *options;
    struct export_totals totals;
    struct pack_writer pack;
    struct layout *layout; /* of its venue, once it was asked for */
    struct image image;
    struct replay replay;
    struct arena page;
    const char *reason;
};

static int fail(struct export *x, int code, const char *reason)
{
    x->reason = reason;
    return code;
}

static struct layout *layout_of(void *ctx, const struct venue_id *venue)
{
    struct export *x = ctx;
    if (!x->layout && store_get_venue(x->options->store, venue, &x->layout))
        x->layout = NULL;
    return x->layout;
}

static int load(struct export *x)
{
    int ret = store_load_event(x->options->store, &x->options->event_id, layout_of, x, &x->image);
    if (ret == BOX_ENOTFOUND)
        return fail(x, ret, "there is no such event");
    if (ret == BOX_EBUSY)
        return fail(x, ret, "the event is changing too quickly to be read; try again, or pause it");
    if (ret == BOX_ECORRUPT || ret == BOX_ENEWER)
        return fail(x, ret, "the event cannot be loaded; 'boxoffice verify' says what is wrong with it");
    return ret ? fail(x, ret, "the store cannot be read") : 0;
}

static void put_head(struct export *x)
{
    const struct event *event = x->image.event;
    const struct event_head head = {
        .event_id = event->event_id,
        .venue_id = event->venue_id,
        .changes = x->image.seq,
        .hash = x->image.hash,
        .exported_ms = x->options->now_ms,
        .slug = event->slug,
        .name = event->name,
        .version = BOXOFFICE_VERSION,
    };
    pack_write_begin(&x->pack, x->options->file);
    event_file_put_head(&x->pack, &head);
    event_file_put_layout(&x->pack, x->layout);
}

/* ---- changes ---- */

/* Personal data of the orders that these changes created. */
static int put_personal(struct export *x, struct change *const *changes, uint32_t count)
{
    struct personal_record *records = arena_array(&x->page, count, sizeof(*records));
    size_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i]->kind != CHANGE_ORDER_CREATED)
            continue;
        struct personal_record r = {.order_id = changes[i]->order->order_id};
        int ret = store_get_personal(x->options->store, &r.order_id, &x->page, &r.personal);
        if (ret && ret != BOX_ENOTFOUND)
            return fail(x, ret, "an order's personal data cannot be read");
        x->totals.orders++;
        if (!ret && (r.personal.name || r.personal.email || r.personal.payment_reference))
            records[found++] = r;
    }
    event_file_put_personal(&x->pack, records, found);
    return 0;
}

/* A file that could not be imported must not be written: the log has to lead where the store says it does. */
static int replay_page(struct export *x, struct change **changes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        changes[i]->commit_no = 0; /* this store's affair */
        if (replay_add(&x->replay, changes[i]))
            return fail(x, BOX_ECORRUPT, "its change log is not sound; 'boxoffice verify' says where");
    }
    return 0;
}

static int put_page(struct export *x, uint64_t left)
{
    struct change **changes;
    uint32_t count = 0, limit = left < BLOCK_CHANGES ? (uint32_t)left : BLOCK_CHANGES;
    int ret = store_list_changes(x->options->store, &x->options->event_id, x->replay.seq, limit, &x->page,
                                 &changes, &count);
    if (ret)
        return fail(x, ret,
                    ret == BOX_ECORRUPT ? "its change log is damaged; 'boxoffice verify' says where"
                                        : "its change log cannot be read");
    if (count == 0)
        return fail(x, BOX_ECORRUPT,
                    "its change log ends before the change at which its tickets are; on a cluster: try again "
                    "when a server has taken the event");
    ret = replay_page(x, changes, count);
    if (!ret) {
        event_file_put_changes(&x->pack, changes, count);
        ret = put_personal(x, changes, count);
    }
    for (uint32_t i = 0; i < count; i++)
        event_unref(changes[i]->event);
    return ret;
}

static int put_changes(struct export *x)
{
    const struct export_options *o = x->options;
    uint64_t total = x->image.seq;
    int ret = 0;
    while (!ret && x->replay.seq < total && !x->pack.error) {
        if (o->progress)
            o->progress(o->ctx, x->replay.seq, total);
        ret = put_page(x, total - x->replay.seq);
        arena_reset(&x->page);
    }
    if (!ret && !x->pack.error && memcmp(x->replay.hash.b, x->image.hash.b, DIGEST_BYTES) != 0)
        ret = fail(x, BOX_ECORRUPT, "its newest change is not the one that its state shows");
    return ret;
}

static int write_all(struct export *x)
{
    put_head(x);
    replay_begin(&x->replay, &x->options->event_id, x->layout);
    int ret = put_changes(x);
    int written = pack_write_end(&x->pack);
    if (!ret && written)
        ret = fail(x, written, "the file cannot be written");
    x->totals.changes = x->replay.seq;
    x->totals.seats = x->layout->seats_total;
    replay_done(&x->replay);
    return ret;
}

int export_event(const struct export_options *options, struct export_totals *ret_totals,
                 const char **ret_reason)
{
    must(options->store && options->file);
    struct export x = {.options = options, .reason = ""};
    arena_init(&x.page, 0);
    int ret = load(&x);
    if (!ret) {
        ret = write_all(&x);
        image_done(&x.image);
    }
    layout_unref(x.layout);
    arena_done(&x.page);
    *ret_totals = x.totals;
    *ret_reason = x.reason;
    return ret;
}
