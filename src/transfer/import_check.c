/* What is looked at before an import writes anything: the file as a whole, and the place in the store. */
#include "base/error.h"
#include "store/event_names.h"
#include "transfer/import_internal.h"
#include "verify/replay.h"
#include <string.h>
#include <time.h>

/* ---- what the store has of the event ---- */

struct venue_of {
    struct store *store;
    struct layout *layout;
};

static struct layout *layout_of(void *ctx, const struct venue_id *venue)
{
    struct venue_of *v = ctx;
    if (!v->layout && store_get_venue(v->store, venue, &v->layout))
        v->layout = NULL;
    return v->layout;
}

/* Has it ever had changes? Of an event that was deleted there is nothing else. */
static int check_not_deleted(struct import *m)
{
    struct change **changes;
    uint32_t count = 0;
    int ret = store_list_changes(m->options->store, &m->result->event_id, 0, 1, &m->page, &changes, &count);
    if (ret)
        return import_fail_store(m, ret, "looking for the event");
    for (uint32_t i = 0; i < count; i++)
        event_unref(changes[i]->event);
    return count ? import_fail(m, BOX_EEXISTS,
                               "the store had this event and it was deleted; its id cannot be used again")
                 : 0;
}

int import_look(struct import *m)
{
    struct venue_of venue = {.store = m->options->store};
    struct image image;
    int ret = store_load_event(venue.store, &m->result->event_id, layout_of, &venue, &image);
    layout_unref(venue.layout);
    if (ret == BOX_ENOTFOUND)
        return check_not_deleted(m);
    if (ret == BOX_ECORRUPT || ret == BOX_ENEWER)
        return import_fail(m, ret, "the store has this event, damaged; 'boxoffice verify' says how");
    if (ret)
        return import_fail_store(m, ret, "looking for the event");
    m->result->had = image.seq;
    m->had_hash = image.hash;
    image_done(&image);
    if (m->result->had > m->result->changes)
        return import_fail(m, BOX_EEXISTS,
                           "the store has this event already, and it has gone on: change %llu there, %llu in "
                           "the file",
                           (unsigned long long)m->result->had, (unsigned long long)m->result->changes);
    return 0;
}

/* ---- the file ---- */

static int check_change(struct import *m, struct replay *r, const struct change *c)
{
    int code = replay_add(r, c);
    if (code)
        return import_fail(m, BOX_ECORRUPT, "the file is damaged: change %llu: %s",
                           (unsigned long long)c->seq, replay_reason(r, c, code));
    if (c->seq == 1)
        m->created = event_ref(c->event);
    m->result->orders += c->kind == CHANGE_ORDER_CREATED;
    if (c->seq == m->result->had && memcmp(c->hash.b, m->had_hash.b, DIGEST_BYTES) != 0)
        return import_fail(m, BOX_EEXISTS,
                           "the store has an event with this id already, with other changes up to %llu",
                           (unsigned long long)c->seq);
    return 0;
}

static int check_part(struct import *m, struct replay *r, const struct event_part *part)
{
    int ret = 0;
    for (uint32_t i = 0; i < part->count && !ret; i++)
        ret = check_change(m, r, part->changes[i]);
    return ret;
}

int import_check_file(struct import *m)
{
    const struct event_head *head = &m->file.head;
    struct replay replay;
    struct event_part part;
    int ret = 0;
    bool more = true;
    replay_begin(&replay, &head->event_id, m->file.layout);
    while (!ret && more) {
        import_progress(m, IMPORT_CHECK, replay.seq, head->changes);
        ret = event_file_next(&m->file, &m->page, &part);
        ret = ret ? import_fail_file(m, ret) : check_part(m, &replay, &part);
        more = part.count > 0;
        event_part_done(&part);
        arena_reset(&m->page);
    }
    if (!ret && memcmp(replay.hash.b, head->hash.b, DIGEST_BYTES) != 0)
        ret = import_fail(m, BOX_ECORRUPT, "the file is damaged: its head is another event's");
    replay_done(&replay);
    return ret;
}

/* ---- the place in the store ---- */

/* Refuse what has the same slug, or ids that look alike, but is another event. */
static int check_name(void *ctx, const struct event *other)
{
    struct import *m = ctx;
    if (uuid_equal(&other->event_id.u, &m->result->event_id.u))
        return 0;
    if (strcmp(other->slug, m->created->slug) == 0)
        return import_fail(m, BOX_ESLUGTAKEN, "the store has another event with the slug '%s'", other->slug);
    if (id_tag(&other->event_id.u) == id_tag(&m->result->event_id.u))
        return import_fail(m, BOX_EEXISTS,
                           "the store has another event whose ids begin in the same way ('%s')", other->slug);
    return 0;
}

static bool same_layout(const struct layout *a, const struct layout *b)
{
    struct buf x = {0}, y = {0};
    layout_encode(a, &x);
    layout_encode(b, &y);
    bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    buf_done(&x);
    buf_done(&y);
    return same;
}

static int check_venue(struct import *m)
{
    struct layout *there;
    int ret = store_get_venue(m->options->store, &m->file.head.venue_id, &there);
    m->result->venue_there = !ret;
    if (ret)
        return ret == BOX_ENOTFOUND ? 0 : import_fail_store(m, ret, "looking for the venue");
    bool same = same_layout(there, m->file.layout);
    layout_unref(there);
    return same ? 0 : import_fail(m, BOX_EEXISTS, "the store has another venue with the id of this event's");
}

int import_check_store(struct import *m)
{
    int ret = check_venue(m);
    if (ret || m->result->had)
        return ret;
    ret = event_names_each(m->options->store, check_name, m);
    return ret && !*m->result->reason ? import_fail_store(m, ret, "looking at the store's events") : ret;
}

/* ---- servers ---- */

/* A server beats every quarter of its lease (--server-lease-ms, at most 60 s). */
enum { LONGEST_BEAT_SECONDS = 16 };

static bool has_beaten(const struct server_row *then, uint32_t then_count, const struct server_row *now)
{
    for (uint32_t i = 0; i < then_count; i++)
        if (uuid_equal(&then[i].server_id, &now->server_id))
            return now->beat != then[i].beat;
    return true; /* it began meanwhile */
}

/* One more look. Returns 0, BOX_EBUSY (a server lives), or why the rows cannot be read. */
static int look_at_servers(struct import *m, struct server_row *me, const struct server_row *then,
                           uint32_t then_count)
{
    struct server_row *now;
    uint32_t count;
    me->beat++;
    int ret = store_beat(m->options->store, me, &m->page, &now, &count);
    for (uint32_t i = 0; i < count && !ret; i++)
        if (!uuid_equal(&now[i].server_id, &me->server_id) && has_beaten(then, then_count, &now[i]))
            ret = import_fail(m, BOX_EBUSY,
                              "a server lives on this cluster (%s); stop all of them for the import, because "
                              "they would sell the event before it is complete",
                              now[i].address);
    return ret;
}

int import_check_servers(struct import *m)
{
    struct store *s = m->options->store;
    struct server_row me = {.server_id = uuid_random(m->options->rng), .version = BOXOFFICE_VERSION}, *then;
    uint32_t then_count = 0;
    const struct timespec pause = {.tv_sec = 1};
    if (!store_shared(s))
        return 0;
    me.started_ms = clock_wall_us(m->options->clock) / 1000;
    int ret = store_beat(s, &me, &m->page, &then, &then_count);
    /* Rows of servers, which may be dead: those that live write theirs again. */
    for (int i = 0; i < LONGEST_BEAT_SECONDS && !ret && then_count > 1; i++) {
        nanosleep(&pause, NULL);
        ret = look_at_servers(m, &me, then, then_count);
    }
    store_leave(s, &me.server_id);
    arena_reset(&m->page);
    return ret && ret != BOX_EBUSY ? import_fail_store(m, ret, "looking for servers on this cluster") : ret;
}
