#include "store/cql/take.h"
#include "base/metrics.h"
#include "base/must.h"
#include "store/cql/events.h"
#include "store/cql/load.h"
#include "store/cql/ops.h"
#include "store/cql/second_half.h"
#include "store/cql/tail.h"

/* ---- statics ---- */

static int read_statics_row(const struct cql_result *result, struct arena *arena,
                            struct cql_statics *ret_statics)
{
    struct cql_statics st = {0};
    if (cql_rows(result)) {
        struct cql_row row = cql_row_at(result, 0);
        st.has_seq = row_has(&row, "seq");
        st.seq = (uint64_t)row_bigint(&row, "seq");
        st.epoch = row_bigint(&row, "epoch");
        st.batch_id = row_uuid(&row, "batch_id");
        const uint8_t *tail = row_blob(&row, "tail", &st.tail_size);
        if (!row_ok(&row) || st.epoch < 0 || (st.has_seq && (int64_t)st.seq < 1))
            return BOX_ECORRUPT;
        if (tail)
            st.tail = arena_copy(arena, tail, st.tail_size);
    }
    *ret_statics = st;
    return 0;
}

int cql_statics_read(struct cql_store *s, const struct event_id *id, struct arena *arena,
                     struct cql_statics *ret_statics)
{
    struct cql_values v;
    struct cql_result *result;
    cql_values_init(&v, arena);
    bind_uuid(&v, &id->u);
    int ret = cql_call(s, CQL_ST_GET_STATICS, &v, &result);
    if (ret)
        return ret;
    ret = read_statics_row(result, arena, ret_statics);
    cql_result_free(result);
    return ret;
}

int cql_fence(struct cql_store *s, const struct event_id *id, int64_t epoch, int64_t *ret_epoch)
{
    struct arena arena;
    struct cql_values v;
    struct cql_result *result;
    bool applied = false;
    const struct uuid owner = uuid_random(s->rng);
    arena_init(&arena, 0);
    cql_values_init(&v, &arena);
    bind_bigint(&v, epoch + 1);
    bind_uuid(&v, &owner);
    bind_uuid(&v, &id->u);
    if (epoch)
        bind_bigint(&v, epoch);
    else
        bind_null(&v);
    bind_uuid(&v, &owner);
    int ret = cql_call_lwt(s, CQL_ST_TAKE_EVENT, &v, &applied, &result);
    if (!ret && !applied) { /* somebody else's, or an earlier try of ours */
        struct cql_row row = cql_row_at(result, 0);
        bool mine = false;
        if (row_column(&row, "owner")) {
            struct uuid now = row_uuid(&row, "owner");
            mine = row_ok(&row) && uuid_equal(&now, &owner);
        }
        ret = mine ? 0 : BOX_EFENCED;
    }
    if (!ret || ret == BOX_EFENCED)
        cql_result_free(result);
    arena_done(&arena);
    if (!ret)
        *ret_epoch = epoch + 1;
    return ret;
}

/* ---- the newest group ---- */

/* What the tail says; *ret_newest is left empty where it was cleared. */
static int decode_tail(const struct event_id *id, const struct cql_statics *st, struct arena *arena,
                       struct event_group *ret_newest)
{
    struct event_group g;
    if (!st->tail)
        return 0;
    int ret = tail_decode(st->tail, st->tail_size, arena, &g);
    if (ret)
        return ret == BOX_ENEWER ? BOX_ECORRUPT : ret;
    if (!uuid_equal(&g.event_id.u, &id->u) || g.follows_seq + g.change_count != st->seq) {
        tail_done(&g);
        return BOX_ECORRUPT;
    }
    *ret_newest = g;
    return 0;
}

/* Amounts are told in the event's currency: that of the group itself, or else of the stored version. */
static int event_of_group(struct cql_store *s, const struct event_group *g, struct arena *arena,
                          struct event **ret_event)
{
    for (const struct change *c = g->changes; c; c = c->next) {
        if (c->event) {
            *ret_event = event_ref(c->event);
            return 0;
        }
    }
    struct cql_values v;
    struct cql_result *result;
    size_t size;
    cql_values_init(&v, arena);
    bind_uuid(&v, &g->event_id.u);
    int ret = cql_call(s, CQL_ST_GET_EVENT, &v, &result);
    if (ret)
        return ret;
    ret = BOX_ECORRUPT;
    if (cql_rows(result)) {
        struct cql_row row = cql_row_at(result, 0);
        const uint8_t *data = row_blob(&row, "data", &size);
        if (row_ok(&row) && data)
            ret = event_decode(data, size, ret_event) ? BOX_ECORRUPT : 0;
    }
    cql_result_free(result);
    return ret;
}

/* Whether it was written out before nobody knows: write it again. */
static int repair(struct cql_store *s, const struct cql_statics *st, const struct event_group *newest,
                  struct arena *arena)
{
    struct event *event;
    if (newest->change_count == 0)
        return 0;
    int ret = event_of_group(s, newest, arena, &event);
    if (ret)
        return ret;
    const struct second_half_input in = {
        .group = newest,
        .event = event,
        .batch_id = st->batch_id,
        .has_tickets = HAS_TICKETS_AS_IT_IS, /* after the load */
    };
    const struct second_half_frame frame = second_half_frame_of(s);
    struct cql_writes writes;
    cql_writes_init(&writes);
    second_half_build(&frame, &in, &writes);
    ret = cql_writes_run(s, &writes, SECOND_HALF_MANY);
    cql_writes_done(&writes);
    event_unref(event);
    if (!ret)
        metrics_add(METRIC_CQL_REPAIRS, 1);
    return ret ? BOX_EUNAVAILABLE : 0;
}

static uint32_t count_available(const struct image *image)
{
    uint32_t available = 0;
    for (uint32_t seat = 0; seat < image->layout->seats_total; seat++)
        available += image->seats[seat].status == SEAT_AVAILABLE;
    return available;
}

/* events.has_tickets belongs to the newest group's second half, and is known only now. Best effort: it is
 * shown to other programs and written again whenever it changes. */
static void write_has_tickets(struct cql_store *s, struct image *image, bool has)
{
    struct cql_values v;
    cql_values_init(&v, &image->arena);
    bind_bigint(&v, image->time_us);
    bind_boolean(&v, has);
    bind_uuid(&v, &image->event->event_id.u);
    cql_call(s, CQL_ST_PUT_HAS_TICKETS, &v, NULL);
}

/* ---- take ---- */

static int take(struct cql_store *s, const struct event_id *id, struct arena *arena,
                struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                struct image *ret_image)
{
    struct cql_statics st;
    struct event_group newest = {0};
    int64_t epoch;
    int ret = cql_statics_read(s, id, arena, &st);
    if (!ret && !st.has_seq)
        ret = BOX_ENOTFOUND;
    if (!ret)
        ret = cql_fence(s, id, st.epoch, &epoch);
    if (!ret)
        ret = cql_statics_read(s, id, arena, &st);
    if (!ret && st.epoch != epoch)
        ret = BOX_EFENCED;
    if (!ret)
        ret = decode_tail(id, &st, arena, &newest);
    if (!ret)
        ret = repair(s, &st, &newest, arena);
    if (!ret)
        ret = cql_load_rows(s, id, &st, newest.change_count ? &newest : NULL, layout_of, ctx, ret_image);
    if (!ret) {
        const struct cql_event_state state = {
            .epoch = epoch,
            .seq = st.seq,
            .batch_id = st.batch_id,
            .event = ret_image->event,
            .layout = ret_image->layout,
            .available = count_available(ret_image),
        };
        cql_events_taken(s->events, id, &state, st.tail != NULL, clock_monotonic_us(s->clock));
        if (st.tail)
            write_has_tickets(s, ret_image, state.available > 0);
        ret_image->epoch = (uint64_t)epoch;
        metrics_add(METRIC_CQL_TAKEOVERS, 1);
    }
    tail_done(&newest);
    return ret;
}

int cql_take_event(struct store *base, const struct event_id *id,
                   struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                   struct image *ret_image)
{
    struct arena arena;
    arena_init(&arena, 0);
    int ret = take(cql_store_of(base), id, &arena, layout_of, ctx, ret_image);
    arena_done(&arena);
    return ret == BOX_EUNKNOWN ? BOX_EUNAVAILABLE : ret;
}

/* ---- look on ---- */

static bool same_moment(const struct cql_statics *a, const struct cql_statics *b)
{
    return a->seq == b->seq && a->epoch == b->epoch && uuid_equal(&a->batch_id, &b->batch_id);
}

/* One try. BOX_EBUSY: a group came in between. */
static int look(struct cql_store *s, const struct event_id *id, struct arena *arena,
                struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                struct image *ret_image)
{
    struct cql_statics before, after;
    struct event_group newest = {0};
    struct image image;
    int ret = cql_statics_read(s, id, arena, &before);
    if (!ret && !before.has_seq)
        ret = BOX_ENOTFOUND;
    if (!ret)
        ret = decode_tail(id, &before, arena, &newest);
    if (ret)
        return ret;
    ret = cql_load_rows(s, id, &before, newest.change_count ? &newest : NULL, layout_of, ctx, &image);
    tail_done(&newest);
    int again = cql_statics_read(s, id, arena, &after);
    if (!again && !same_moment(&before, &after))
        again = BOX_EBUSY; /* whatever was found */
    if (!ret && again)
        image_done(&image);
    if (!ret && !again)
        *ret_image = image;
    return again ? again : ret;
}

int cql_load_event(struct store *base, const struct event_id *id,
                   struct layout *(*layout_of)(void *ctx, const struct venue_id *venue), void *ctx,
                   struct image *ret_image)
{
    struct arena arena;
    int ret = BOX_EBUSY;
    arena_init(&arena, 0);
    for (unsigned i = 0; i < LOAD_TRIES && ret == BOX_EBUSY; i++) {
        ret = look(cql_store_of(base), id, &arena, layout_of, ctx, ret_image);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return ret;
}
