/*
 * One event: loaded as a restart would load it, its log replayed up to there, then all the comparisons. A log
 * that is not sound ends the look at this event: there is nothing to compare with.
 */
#include "base/must.h"
#include "verify/verify_internal.h"
#include <stdlib.h>
#include <string.h>

void subject_finding(struct subject *s, const char *where, const char *is, const char *should_be)
{
    finding_add(s->v->findings, &s->id, where, is, should_be);
}

/* ---- the venue ---- */

/* A venue's layout, read once; NULL with *ret_error when it cannot be had. */
static struct layout *layout_of(struct verify *v, const struct venue_id *venue, int *ret_error)
{
    for (size_t i = 0; i < v->layout_count; i++)
        if (uuid_equal(&v->layouts[i]->venue_id.u, &venue->u))
            return v->layouts[i];
    struct layout *layout;
    *ret_error = store_get_venue(v->store, venue, &layout);
    if (*ret_error)
        return NULL;
    if (v->layout_count == v->layout_cap) {
        v->layout_cap = v->layout_cap ? 2 * v->layout_cap : 16;
        v->layouts = realloc(v->layouts, v->layout_cap * sizeof(struct layout *));
        must(v->layouts); /* out of memory ends the program */
    }
    v->layouts[v->layout_count++] = layout;
    return layout;
}

static struct layout *lend_layout(void *ctx, const struct venue_id *venue)
{
    int error;
    return layout_of(ctx, venue, &error);
}

/* ---- the change log ---- */

static void drop_events(struct change **changes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        event_unref(changes[i]->event);
}

/* True for what says that stored bytes are wrong, not that the store is away. */
static bool is_damage(int ret)
{
    return ret == BOX_ECORRUPT || ret == BOX_ENEWER || ret == BOX_ENOTFOUND;
}

static const char *change_where(struct subject *s, uint64_t seq)
{
    return arena_printf(&s->page, "changes, change %llu", (unsigned long long)seq);
}

/* One page of the log: replay it. *ret_sound is false, and a finding says why, when it cannot be. */
static int replay_page(struct subject *s, uint32_t limit, uint32_t *ret_count, bool *ret_sound)
{
    struct change **changes;
    int ret = store_list_changes(s->v->store, &s->id, s->replay.seq, limit, &s->page, &changes, ret_count);
    if (ret)
        return ret;
    for (uint32_t i = 0; i < *ret_count && *ret_sound; i++) {
        int code = replay_add(&s->replay, changes[i]);
        s->v->totals.changes += !code;
        if (code) {
            *ret_sound = false;
            subject_finding(
                s, change_where(s, s->replay.seq + 1),
                arena_printf(&s->page, "change %llu (%s): %s", (unsigned long long)changes[i]->seq,
                             change_kind_name(changes[i]->kind), replay_reason(&s->replay, changes[i], code)),
                "a change that follows from those before");
        }
    }
    drop_events(changes, *ret_count);
    return 0;
}

/* Replay the log up to change @until. Damage in a page is looked for change by change, to say where it is. */
static int replay_log(struct subject *s, uint64_t until, bool *ret_sound)
{
    uint32_t limit = VERIFY_PAGE, count = 1;
    while (*ret_sound && count && s->replay.seq < until) {
        uint64_t left = until - s->replay.seq;
        arena_reset(&s->page);
        int ret = replay_page(s, left < limit ? (uint32_t)left : limit, &count, ret_sound);
        if (is_damage(ret) && limit > 1) {
            limit = count = 1;
        } else if (is_damage(ret)) {
            *ret_sound = false;
            subject_finding(s, change_where(s, s->replay.seq + 1), "missing or damaged", "a change");
        } else if (ret) {
            return ret;
        }
    }
    return 0;
}

int subject_catch_up(struct subject *s)
{
    bool sound = true;
    if (!store_shared(s->v->store) || s->stuck)
        return 0;
    int ret = replay_log(s, UINT64_MAX, &sound);
    s->stuck = !sound;
    return ret;
}

/* The log must lead to the change at which the event loaded ... */
static void check_reached(struct subject *s, bool *ret_sound)
{
    if (!s->loaded || !*ret_sound || s->replay.seq == s->image.seq)
        return;
    *ret_sound = false;
    subject_finding(
        s, change_where(s, s->replay.seq + 1), "missing",
        arena_printf(&s->page,
                     "a change: the tickets are at change %llu (on a cluster: what follows a commit "
                     "was not written out; a server that takes the event does it)",
                     (unsigned long long)s->image.seq));
}

/* ... and end there. */
static int check_ends(struct subject *s)
{
    struct change **changes;
    uint32_t count = 0;
    arena_reset(&s->page);
    int ret = store_list_changes(s->v->store, &s->id, s->image.seq, 1, &s->page, &changes, &count);
    if (ret && !is_damage(ret))
        return ret;
    if (ret || count)
        subject_finding(s, "changes",
                        arena_printf(&s->page, "go on behind change %llu", (unsigned long long)s->image.seq),
                        "end there, where the event's state is");
    if (!ret)
        drop_events(changes, count);
    return 0;
}

/* ---- the event's own version ---- */

static bool same_version(const struct event *a, const struct event *b)
{
    struct buf x = {0}, y = {0};
    event_encode(a, &x);
    event_encode(b, &y);
    bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    buf_done(&x);
    buf_done(&y);
    return same;
}

static void check_state(struct subject *s)
{
    const struct image *image = &s->image;
    const struct replay *r = &s->replay;
    must(r->seq == image->seq);
    if (memcmp(image->hash.b, r->hash.b, DIGEST_BYTES) != 0)
        subject_finding(s, "the loaded event, hash", "not that of its newest change",
                        "the hash of the newest change");
    if (image->time_us != r->time_us)
        subject_finding(
            s, "the loaded event, time", arena_printf(&s->page, "%lld us", (long long)image->time_us),
            arena_printf(&s->page, "%lld us, as the newest change has it", (long long)r->time_us));
    if (!same_version(image->event, inventory_event(r->inv)))
        subject_finding(s, "events", "a version that no change made", "the version of the newest change");
}

/* ---- all of it ---- */

/* The event's venue. Returns 0 with s->layout, or without after a finding. */
static int find_venue(struct subject *s, const struct venue_id *venue)
{
    int ret = 0;
    s->layout = layout_of(s->v, venue, &ret);
    if (!is_damage(ret))
        return ret;
    subject_finding(s, arena_printf(&s->page, "venues, %s", say_id(&s->page, &venue->u)),
                    "missing or damaged", "the event's venue");
    return 0;
}

/* The first change tells the venue. */
static int find_layout(struct subject *s)
{
    struct change **changes;
    uint32_t count = 0;
    int ret = store_list_changes(s->v->store, &s->id, 0, 1, &s->page, &changes, &count);
    if (!ret && count && changes[0]->event)
        ret = find_venue(s, &changes[0]->event->venue_id);
    else if (!ret || is_damage(ret))
        subject_finding(s, change_where(s, 1), ret ? "damaged" : "missing", "the event's creation");
    drop_events(changes, count);
    return is_damage(ret) ? 0 : ret;
}

/* As a restart would. An event that does not load is looked at all the same; also one that changes too
 * quickly to be loaded: every row of it is then read by itself. */
static int load(struct subject *s)
{
    int ret = store_load_event(s->v->store, &s->id, lend_layout, s->v, &s->image);
    s->loaded = !ret;
    if (!is_damage(ret))
        return ret == BOX_EBUSY ? 0 : ret;
    subject_finding(s, "the loaded event",
                    ret == BOX_ENOTFOUND ? "not there" : "not loadable: its rows do not fit together",
                    "loadable");
    return 0;
}

/* Keep what the look at the CDC log needs; of an event whose log could not be replayed, that there is one. */
static void keep_for_cdc(struct subject *s)
{
    struct ledger *l = &s->replay.ledger;
    struct checked_event *e = calloc(1, sizeof(*e));
    must(e); /* out of memory ends the program */
    *e = (struct checked_event){
        .id = s->id.u, .known = true, .seq = s->replay.seq, .cdc = l->cdc, .cdc_count = l->cdc_count};
    l->cdc = NULL;
    l->cdc_count = l->cdc_cap = 0;
    idmap_add(&s->v->events, e);
}

static int compare(struct subject *s)
{
    int ret = 0;
    if (s->loaded) {
        ret = check_ends(s);
        check_state(s);
    }
    if (!ret)
        ret = verify_seats(s);
    if (!ret)
        ret = verify_records(s);
    if (!ret)
        ret = verify_queue(s);
    return ret;
}

static int look(struct subject *s)
{
    bool sound = true;
    int ret = load(s);
    if (ret)
        return ret;
    replay_begin(&s->replay, &s->id, s->layout);
    ret = replay_log(s, s->loaded ? s->image.seq : UINT64_MAX, &sound);
    if (!ret)
        check_reached(s, &sound);
    if (!ret && sound && s->replay.inv)
        ret = compare(s);
    if (s->replay.time_us > s->v->newest_us)
        s->v->newest_us = s->replay.time_us;
    keep_for_cdc(s);
    replay_done(&s->replay);
    if (s->loaded)
        image_done(&s->image);
    return ret;
}

int verify_event(struct verify *v, const struct event_id *id)
{
    struct subject s = {.v = v, .id = *id};
    arena_init(&s.page, 0);
    int ret = find_layout(&s);
    if (!ret && s.layout)
        ret = look(&s);
    else
        keep_for_cdc(&s);
    v->totals.events++;
    arena_done(&s.page);
    return ret;
}
