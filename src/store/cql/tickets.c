/*
 * The tickets of an event in creation.
 *
 * The only plain writes to `tickets`. They are USING TIMESTAMP one day back, and leave out every column
 * without a value: an LWT's cells bear the time of its Paxos round, and a plain write with a later time would
 * win over them (two holds of one seat were both told that they have it). Before the first of them the event
 * is taken: its epoch is raised, so that its first group, which ends the creation, is this server's or
 * nobody's.
 *
 * A view hangs on the table: more than TICKET_BATCHES under way at once make it slower, not faster.
 */
#include "base/params.h"
#include "store/cql/events.h"
#include "store/cql/ops.h"
#include "store/cql/take.h"
#include "store/cql/writes.h"
#include <string.h>

enum { TICKET_BATCH = 100, TICKET_BATCHES = 4, ROUND = 5000 };
static const int64_t BACK_US = INT64_C(86400000000);

/* ---- writing ---- */

static void bind_ticket(struct cql_values *v, const struct event *event, const struct layout *layout,
                        uint32_t seat, int64_t time_us)
{
    char label[4 * LIMIT_LABEL_CHARS + 1];
    struct ticket_id ticket = ticket_id_of(&event->event_id, seat);
    uint32_t index = layout_place_of(layout, seat);
    const struct layout_place *place = &layout->places[index];
    int64_t price = event_price(event, index, PRICE_STANDARD);
    const char *row = layout_row_label(layout, seat);
    bind_uuid(v, &event->event_id.u);
    bind_uuid(v, &ticket.u);
    if (price == PRICE_NONE)
        bind_unset(v);
    else
        bind_money(v, (struct money){price}, &event->currency);
    bind_uuid(v, &layout->sections[place->section].section_id.u);
    bind_text(v, seat_status_name(SEAT_AVAILABLE));
    bind_text(v, place->type_id);
    if (row)
        bind_text(v, row);
    else
        bind_unset(v);
    if (layout_seat_label(layout, seat, label))
        bind_text(v, label);
    else
        bind_unset(v);
    bind_bigint(v, time_us);
}

/* The next ROUND tickets, in batches. */
static int write_round(struct cql_store *s, const struct event *event, const struct layout *layout,
                       int64_t time_us, uint32_t *done)
{
    uint32_t left = layout->seats_total - *done;
    uint32_t end = *done + (left < ROUND ? left : ROUND);
    struct cql_writes writes;
    struct cql_write *batch = NULL;
    cql_writes_init(&writes);
    for (; *done < end; ++*done) {
        if (!batch || batch->count == TICKET_BATCH)
            batch = cql_writes_add(&writes, CQL_ST_CREATE_TICKET);
        else
            cql_write_more(&writes, batch, CQL_ST_CREATE_TICKET);
        bind_ticket(&batch->values, event, layout, *done, time_us);
    }
    int ret = cql_writes_run(s, &writes, TICKET_BATCHES);
    cql_writes_done(&writes);
    return ret;
}

/* Take the event that is to be: *ret_epoch 0 when it exists already. */
static int take_new(struct cql_store *s, const struct event_id *id, struct arena *arena, int64_t *ret_epoch)
{
    struct cql_statics st;
    int ret = cql_statics_read(s, id, arena, &st);
    if (ret)
        return BOX_EUNAVAILABLE;
    *ret_epoch = 0;
    return st.has_seq ? 0 : cql_fence(s, id, st.epoch, ret_epoch);
}

int cql_create_tickets(struct store *base, const struct event *event, const struct layout *layout,
                       void (*progress)(void *ctx, uint32_t done), void *ctx)
{
    struct cql_store *s = cql_store_of(base);
    struct arena arena;
    int64_t epoch, time_us = clock_wall_us(s->clock) - BACK_US;
    uint32_t done = 0;
    arena_init(&arena, 0);
    int ret = take_new(s, &event->event_id, &arena, &epoch);
    /* An event that exists has its tickets; its first group will be refused. */
    while (!ret && epoch && done < layout->seats_total) {
        ret = write_round(s, event, layout, time_us, &done);
        if (!ret && progress)
            progress(ctx, done);
    }
    if (!ret && epoch) {
        struct cql_event_state state = {.epoch = epoch, .available = layout->seats_total};
        state.event = event_ref(event);
        state.layout = layout_ref(layout);
        cql_events_taken(s->events, &event->event_id, &state, false, clock_monotonic_us(s->clock));
        cql_event_state_done(&state);
    }
    arena_done(&arena);
    return ret == BOX_EFENCED ? BOX_EUNAVAILABLE : ret;
}

/* ---- dropping ---- */

static int was_deleted(struct cql_store *s, const struct event_id *id, struct arena *arena, bool *ret_deleted)
{
    struct cql_values v;
    struct cql_result *result;
    cql_values_init(&v, arena);
    bind_uuid(&v, &id->u);
    int ret = cql_call(s, CQL_ST_GET_EVENT, &v, &result);
    if (ret)
        return ret;
    if (cql_rows(result)) {
        struct cql_row row = cql_row_at(result, 0);
        *ret_deleted = row_boolean(&row, "deleted");
    }
    cql_result_free(result);
    return 0;
}

/* When the tickets were written; 0: there are none. */
static int written_at(struct cql_store *s, const struct event_id *id, struct arena *arena, int64_t *ret_us)
{
    struct cql_values v;
    struct cql_result *result;
    cql_values_init(&v, arena);
    bind_uuid(&v, &id->u);
    int ret = cql_call(s, CQL_ST_TICKETS_WRITTEN_AT, &v, &result);
    if (ret)
        return ret;
    *ret_us = 0;
    if (cql_rows(result)) {
        struct cql_row row = cql_row_at(result, 0);
        *ret_us = row_bigint(&row, "written_at");
        ret = row_ok(&row) ? 0 : BOX_ECORRUPT;
    }
    cql_result_free(result);
    return ret;
}

/*
 * Of an event that was never created: its epoch has been raised, so that it cannot be created any more by
 * whoever was about to. The deletion bears the time of the creation: it takes these tickets and no cell of an
 * LWT, and tickets that are created later stay.
 */
static int drop_uncreated(struct cql_store *s, const struct event_id *id, struct arena *arena)
{
    struct cql_values v;
    int64_t time_us;
    int ret = written_at(s, id, arena, &time_us);
    if (ret || time_us == 0)
        return ret;
    cql_values_init(&v, arena);
    bind_bigint(&v, time_us);
    bind_uuid(&v, &id->u);
    return cql_call(s, CQL_ST_DROP_TICKETS, &v, NULL);
}

/*
 * Of a deleted event: some seats may have been blocked once, by LWTs, so that an LWT has to delete them. The
 * statics stay: they fence the id.
 */
static int drop_deleted(struct cql_store *s, const struct event_id *id, const struct cql_statics *st,
                        int64_t epoch)
{
    static const struct uuid FIRST = {{0}}, LAST = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    struct cql_writes writes;
    const struct uuid owner = uuid_random(s->rng);
    cql_writes_init(&writes);
    struct cql_write *w = cql_writes_add(&writes, CQL_ST_DROP_DELETED);
    bind_uuid(&w->values, &owner);
    bind_uuid(&w->values, &id->u);
    bind_bigint(&w->values, (int64_t)st->seq);
    bind_bigint(&w->values, epoch);
    cql_write_more(&writes, w, CQL_ST_DROP_DELETED_ROWS);
    bind_uuid(&w->values, &id->u);
    bind_uuid(&w->values, &FIRST);
    bind_uuid(&w->values, &LAST);
    int ret = cql_writes_run(s, &writes, 1);
    cql_writes_done(&writes);
    return ret;
}

static int drop(struct cql_store *s, const struct event_id *id, struct arena *arena)
{
    struct cql_statics st;
    int64_t epoch;
    bool deleted = false;
    int ret = cql_statics_read(s, id, arena, &st);
    if (!ret && st.has_seq)
        ret = was_deleted(s, id, arena, &deleted);
    if (ret || (st.has_seq && !deleted))
        return ret;
    ret = cql_fence(s, id, st.epoch, &epoch);
    if (ret)
        return ret;
    cql_events_lost(s->events, id, st.epoch);
    ret = cql_statics_read(s, id, arena, &st);
    if (ret || st.epoch != epoch || (st.has_seq && !deleted))
        return ret;
    return deleted ? drop_deleted(s, id, &st, epoch) : drop_uncreated(s, id, arena);
}

void cql_drop_tickets(struct store *base, const struct event_id *event)
{
    struct arena arena;
    arena_init(&arena, 0);
    drop(cql_store_of(base), event, &arena);
    arena_done(&arena);
}
