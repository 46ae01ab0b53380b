#include "store/cql/commit.h"
#include "base/metrics.h"
#include "base/must.h"
#include "store/cql/answer.h"
#include "store/cql/batch.h"
#include "store/cql/ops.h"
#include "store/cql/second_half.h"
#include "store/cql/slice.h"
#include "store/cql/tail.h"
#include <stdlib.h>

struct job;

/* One group on its way. */
struct part {
    struct job *job;
    struct cql_store *s;
    struct event_group *group;
    struct slicer slicer;
    /* of the slice that is on its way, mostly the whole group */
    struct event_group slice;
    struct cql_event_state before; /* its epoch, seq ... */
    struct event *event;           /* the version after the slice */
    struct uuid batch_id;
    struct arena arena;
    struct batch batch;
    struct cql_op op;
    struct cql_values values; /* of the look at a change row */
    struct cql_timer timer;
    struct cql_writes writes; /* the second half's */
    unsigned tries;
    bool doubt; /* a try may have been applied */
    int64_t started_us, deadline_us;
    bool begun; /* an earlier slice of the group is durable */
};

struct job {
    struct cql_store *s;
    struct commit *commit;
    struct part *parts;
    size_t left; /* parts under way */
    struct task task;
};

/* ---- the end ---- */

static void count_result(int result)
{
    switch (result) {
    case BOX_OK:
        metrics_add(METRIC_CQL_COMMITS, 1);
        return;
    case BOX_EFENCED:
        metrics_add(METRIC_CQL_COMMITS_FENCED, 1);
        return;
    case BOX_EUNKNOWN:
        metrics_add(METRIC_CQL_COMMITS_UNKNOWN, 1);
        return;
    default:
        metrics_add(METRIC_CQL_COMMITS_NOT_DONE, 1);
    }
}

static void end_job(struct job *j)
{
    struct commit *c = j->commit;
    free(j->parts);
    free(j);
    c->done(c);
}

static void slice_done(struct part *p)
{
    cql_writes_done(&p->writes);
    cql_event_state_done(&p->before);
    event_unref(p->event);
    p->event = NULL;
    arena_done(&p->arena);
}

static void end(struct part *p, int result)
{
    struct job *j = p->job;
    if (result == BOX_EFENCED || result == BOX_EUNKNOWN)
        cql_events_lost(p->s->events, &p->group->event_id, p->before.epoch);
    if (result && p->begun)
        result = BOX_EUNKNOWN; /* a part of it happened */
    p->group->result = result;
    count_result(result);
    slice_done(p);
    if (--j->left == 0)
        end_job(j);
}

/* ---- the second half ---- */

static void begin_slice(struct part *p);

static uint32_t available_after(const struct part *p)
{
    uint32_t available = p->before.available;
    const struct change *c = p->slice.changes;
    for (uint32_t i = 0; i < p->slice.change_count; i++, c = c->next) {
        for (uint32_t k = 0; k < c->seat_count; k++) {
            available += c->seats[k].after == SEAT_AVAILABLE;
            available -= c->seats[k].before == SEAT_AVAILABLE;
        }
    }
    return available;
}

static void on_second_half(void *ctx, int result)
{
    struct part *p = ctx;
    if (result) {
        end(p, result);
        return;
    }
    struct cql_event_state after = p->before;
    after.seq += p->slice.change_count;
    after.batch_id = p->batch_id;
    after.event = p->event;
    after.available = available_after(p);
    cql_events_committed(p->s->events, &p->group->event_id, &after, clock_monotonic_us(p->s->clock));
    if (p->slicer.done == p->group->change_count) {
        end(p, BOX_OK);
        return;
    }
    p->begun = true;
    slice_done(p);
    begin_slice(p);
}

static bool fault(const struct cql_store *s, bool (*happens)(void *ctx))
{
    return happens && happens(s->faults->ctx);
}

/* The batch was applied: the group is durable. */
static void applied(struct part *p)
{
    metrics_observe_us(METRIC_CQL_FIRST_HALF_TIME, clock_monotonic_us(p->s->clock) - p->started_us);
    if (fault(p->s, p->s->faults ? p->s->faults->die_between_halves : NULL)) {
        end(p, BOX_EUNKNOWN);
        return;
    }
    uint32_t available = available_after(p);
    bool first = p->before.seq == 0, changed = (available > 0) != (p->before.available > 0);
    const struct second_half_input in = {
        .group = &p->slice,
        .event = p->event,
        .batch_id = p->batch_id,
        .has_tickets = first || changed ? available > 0 : HAS_TICKETS_AS_IT_IS,
    };
    const struct second_half_frame frame = second_half_frame_of(p->s);
    second_half_build(&frame, &in, &p->writes);
    cql_writes_start(p->s, &p->writes, SECOND_HALF_MANY, p->deadline_us, on_second_half, p);
}

/* ---- the batch ---- */

static void on_batch(struct cql_op *op);

static void issue(struct part *p)
{
    if (p->tries > 0)
        metrics_add(METRIC_CQL_COMMIT_REISSUES, 1);
    p->op = (struct cql_op){
        .batch = p->batch.statements,
        .batch_count = p->batch.count,
        .values = &p->batch.values,
        .attempt = p->tries,
        .on_loop = true,
        .done = on_batch,
        .ctx = p,
    };
    cql_op_start(p->s, &p->op);
}

static void issue_again(struct cql_timer *t)
{
    issue((struct part *)((char *)t - offsetof(struct part, timer)));
}

/* No definite answer. */
static void again_or_end(struct part *p)
{
    bool late = clock_monotonic_us(p->s->clock) >= p->deadline_us;
    bool hopeless = !p->doubt && p->tries + 1 >= COMMIT_HOPELESS_TRIES;
    if (late || hopeless) {
        end(p, p->doubt ? BOX_EUNKNOWN : BOX_EUNAVAILABLE);
        return;
    }
    p->timer.run = issue_again;
    cql_loop_after(&p->s->loop, &p->timer, cql_backoff_ms(p->s, ++p->tries));
}

static bool row_of_answer(const void *ctx, size_t index, struct answer_row *ret_row)
{
    struct cql_row r = cql_row_at(ctx, index);
    *ret_row = (struct answer_row){.applied = row_boolean(&r, "[applied]")};
    if (row_column(&r, "seq") && row_has(&r, "seq")) {
        ret_row->has_seq = true;
        ret_row->seq = row_bigint(&r, "seq");
    }
    if (row_column(&r, "batch_id") && row_has(&r, "batch_id")) {
        ret_row->has_batch = true;
        ret_row->batch_id = row_uuid(&r, "batch_id");
    }
    return row_ok(&r);
}

static void look_at_change(struct part *p);

static void on_change_row(struct cql_op *op)
{
    struct part *p = op->ctx;
    if (op->kind != CQL_OK) {
        if (clock_monotonic_us(p->s->clock) >= p->deadline_us)
            end(p, BOX_EUNKNOWN);
        else
            look_at_change(p);
        return;
    }
    bool mine = false;
    if (cql_rows(op->result) == 1) {
        struct cql_row r = cql_row_at(op->result, 0);
        struct uuid batch_id = row_uuid(&r, "batch_id");
        mine = row_ok(&r) && uuid_equal(&batch_id, &p->batch_id);
    }
    cql_result_free(op->result);
    /* If it was this slice, somebody else has written its second half and gone on: it is durable and written
       out, but the event is not ours any more, and what is left of the group will not happen. */
    if (mine)
        cql_events_lost(p->s->events, &p->group->event_id, p->before.epoch);
    bool all = p->slicer.done == p->group->change_count;
    end(p, !mine ? BOX_EFENCED : all ? BOX_OK : BOX_EUNKNOWN);
}

/* The event is further on. Whose is the change that this group would have begun with? */
static void look_at_change(struct part *p)
{
    cql_values_init(&p->values, &p->arena);
    bind_uuid(&p->values, &p->group->event_id.u);
    bind_bigint(&p->values, (int64_t)p->slice.follows_seq + 1);
    p->op = (struct cql_op){.statement = CQL_ST_GET_CHANGE,
                            .values = &p->values,
                            .on_loop = true,
                            .done = on_change_row,
                            .ctx = p};
    cql_op_start(p->s, &p->op);
}

static void on_batch(struct cql_op *op)
{
    struct part *p = op->ctx;
    if (fault(p->s, p->s->faults ? p->s->faults->lose_answer : NULL)) {
        cql_result_free(op->result);
        op->kind = CQL_UNKNOWN;
    }
    if (op->kind != CQL_OK) {
        int error = cql_write_error(op->kind);
        p->doubt |= error == BOX_EUNKNOWN;
        if (!p->doubt && !cql_worth_retry(op->kind))
            end(p, error); /* it will never be accepted: BOX_EUNAVAILABLE */
        else
            again_or_end(p);
        return;
    }
    const struct answer_rows rows = {.count = cql_rows(op->result), .row = row_of_answer, .ctx = op->result};
    enum batch_answer answer = answer_of(&rows, &p->batch_id, p->slice.follows_seq + p->slice.change_count);
    cql_result_free(op->result);
    switch (answer) {
    case ANSWER_APPLIED:
    case ANSWER_MINE:
        applied(p);
        return;
    case ANSWER_MOVED_ON:
        look_at_change(p);
        return;
    case ANSWER_REFUSED:
        end(p, BOX_EFENCED);
        return;
    case ANSWER_STRANGE:
        break;
    }
    p->doubt = true;
    again_or_end(p);
}

/* ---- the beginning of a slice, and of all ---- */

/* The version of the event after the slice: that of its newest change which has one. */
static struct event *event_after(const struct part *p)
{
    const struct event *event = p->before.event;
    const struct change *c = p->slice.changes;
    for (uint32_t i = 0; i < p->slice.change_count; i++, c = c->next)
        event = c->event ? c->event : event;
    return event_ref(event);
}

static void begin_slice(struct part *p)
{
    struct cql_store *s = p->s;
    struct buf tail = {0};
    arena_init(&p->arena, 16384);
    cql_writes_init(&p->writes);
    p->started_us = clock_monotonic_us(s->clock);
    p->deadline_us = p->started_us + COMMIT_DEADLINE_MS * 1000LL;
    p->tries = 0;
    p->doubt = false;
    must(slicer_next(&p->slicer, &p->arena, &p->slice));
    int ret = cql_events_begin(s->events, &p->slice.event_id, p->slice.follows_seq, &p->before);
    if (ret) {
        end(p, ret);
        return;
    }
    p->event = event_after(p);
    p->batch_id = uuid_random(s->rng);
    tail_encode(&p->slice, &tail);
    if (tail.size > COMMIT_TAIL_BYTES) {
        const struct cql_error error = {.message = "a group of changes is too large for one batch"};
        cql_failed(s, "COMMIT_EVENT", &error);
        end(p, BOX_EUNAVAILABLE);
    } else {
        batch_build(&p->slice, &p->before, p->event, &p->batch_id, &tail, &p->arena, &p->batch);
        issue(p);
    }
    buf_done(&tail);
}

static void begin(struct task *t)
{
    struct job *j = (struct job *)((char *)t - offsetof(struct job, task));
    struct commit *c = j->commit;
    size_t count = c->group_count;
    j->left = count + 1; /* one for this loop: parts may end at once */
    for (size_t i = 0; i < count; i++) {
        j->parts[i] = (struct part){.job = j, .s = j->s, .group = &c->groups[i]};
        slicer_init(&j->parts[i].slicer, &c->groups[i]);
        begin_slice(&j->parts[i]);
    }
    if (--j->left == 0)
        end_job(j);
}

void cql_commit(struct store *base, struct commit *c)
{
    struct job *j = calloc(1, sizeof(*j));
    must(j && c->group_count > 0);
    j->parts = calloc(c->group_count, sizeof(*j->parts));
    must(j->parts);
    j->s = cql_store_of(base);
    j->commit = c;
    j->task = (struct task){.run = begin};
    cql_loop_post(&j->s->loop, &j->task);
}

uint32_t cql_group_seats(const struct store *base)
{
    (void)base;
    return COMMIT_GROUP_SEATS;
}
