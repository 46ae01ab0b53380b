/*
 * The writer's life, its entrance, and one round.
 *
 * Threads: writer_submit() and writer_stop() may be called from any; what they share with the writer's thread
 * is the mailbox and three atomics. Everything else in struct writer belongs to the one thread that runs the
 * rounds.
 *
 * The end: a submitter counts its request before it looks whether the writer stops, and the writer looks at
 * the count after it was told to stop. So either the submitter sees the stop, or the writer sees the request
 * and answers it.
 */
#include "base/metrics.h"
#include "writer/writer_internal.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* A wait ends at least so often: the wall clock may have been set forward, which no timer tells. */
enum { LONGEST_WAIT_US = 1000000, STOPPING_WAIT_US = 1000 };

/* ---- lists ---- */

void list_push(struct req_list *l, struct writer_req *req)
{
    req->next = NULL;
    if (l->last)
        l->last->next = req;
    else
        l->first = req;
    l->last = req;
}

struct writer_req *list_pop(struct req_list *l)
{
    struct writer_req *req = l->first;
    if (!req)
        return NULL;
    l->first = req->next;
    if (!l->first)
        l->last = NULL;
    req->next = NULL;
    return req;
}

void list_prepend(struct req_list *to, struct req_list *from)
{
    if (!from->first)
        return;
    from->last->next = to->first;
    if (!to->first)
        to->last = from->last;
    to->first = from->first;
    *from = (struct req_list){0};
}

/* ---- life ---- */

static void run_stop(struct task *t)
{
    (void)t; /* it was enough to wake up */
}

struct writer *writer_new(const struct writer_options *options)
{
    must(options->store && options->clock && options->rng && options->layout_of);
    struct writer *w = calloc(1, sizeof(*w));
    must(w); /* out of memory ends the program */
    w->store = options->store;
    w->clock = options->clock;
    w->rng = options->rng;
    w->observer = options->observer;
    w->layout_of = options->layout_of;
    w->layout_ctx = options->layout_ctx;
    w->queue_limit = options->queue_limit ? options->queue_limit : LIMIT_WRITER_QUEUE;
    w->reserve = options->queue_limit ? options->queue_reserve : LIMIT_WRITER_RESERVE;
    w->event_limit = options->event_limit ? options->event_limit : LIMIT_WRITER_EVENT_QUEUE;
    w->shared = store_shared(w->store);
    atomic_init(&w->trust_until_us, INT64_MAX);
    w->group_seats = store_group_seats(w->store);
    w->expiry_delay_us = options->expiry_delay_us;
    stable_init(&w->stable);
    w->stop.run = run_stop;
    heap_init(&w->deadlines);
    w->budget = budget_new(&options->limits, w->rng);
    must(mailbox_init(&w->mailbox) ==
         0); /* at the start: no file descriptors left is a wrong configuration */
    return w;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    mailbox_take(&w->mailbox); /* the stop; after a simulated crash, whatever was forgotten */
    mailbox_done(&w->mailbox);
    while (w->entries) {
        struct entry *e = w->entries;
        e->part = NULL;
        e->busy = false;
        e->lane.requests = e->waiting = (struct req_list){0};
        entry_drop(w, e);
    }
    while (w->slugs)
        slug_drop(w, w->slugs->text);
    idem_free_all(w);
    group_free_all(w);
    heap_done(&w->deadlines);
    budget_free(w->budget);
    stable_done(&w->stable);
    free(w);
}

/* ---- requests ---- */

static struct writer_req *req_of(struct task *t)
{
    return (struct writer_req *)((char *)t - offsetof(struct writer_req, completion));
}

/* On the writer's thread: the request has arrived. */
static void run_arrived(struct task *t)
{
    struct writer_req *req = req_of(t);
    queue_add(req->writer, req);
}

/* On the submitter's thread: the request is answered. */
static void run_answered(struct task *t)
{
    struct writer_req *req = req_of(t);
    req->done(req);
}

/* How many new holds of the event (and of the few that share its counter) are not yet answered. */
static atomic_uint *holds_of(struct writer *w, const struct event_id *event)
{
    return &w->holds_of[id_tag(&event->u) % HOLD_COUNTERS];
}

static bool is_new_hold(const struct writer_req *req)
{
    return req->op == WRITER_COMMAND && req->command.kind == COMMAND_HOLD_CREATE;
}

/*
 * May a new hold come in, with so many requests @before it, and so many new holds of its event? They leave
 * some places free, so that whoever has seats can pay for them or give them back, however many want to be the
 * next.
 */
static bool is_room_for_hold(const struct writer *w, size_t before, unsigned holds)
{
    return before + w->reserve < w->queue_limit && holds < w->event_limit;
}

/* The same for any request. What ends a claim must always get through: it frees more than it takes. So must
 * what says whose an event is: there is little of that, and no client asks for it. */
static bool is_room(const struct writer *w, const struct writer_req *req, size_t before, unsigned holds)
{
    if (req->op != WRITER_COMMAND && req->op != WRITER_CLAIM)
        return true;
    return is_new_hold(req) ? is_room_for_hold(w, before, holds) : before < w->queue_limit;
}

/* One less than writer_submit() has counted. */
static void uncount(struct writer *w, const struct writer_req *req)
{
    if (is_new_hold(req))
        atomic_fetch_sub(holds_of(w, &req->event_id), 1);
    atomic_fetch_sub(&w->pending, 1);
}

bool writer_full(struct writer *w, const struct event_id *event)
{
    bool room = is_room_for_hold(w, atomic_load(&w->pending), atomic_load(holds_of(w, event)));
    if (!room)
        metrics_add(METRIC_OVERLOAD_REFUSALS, 1);
    return !room;
}

int writer_submit(struct writer *w, struct writer_req *req)
{
    must(req->reply_to && req->done && req->arena);
    size_t before = atomic_fetch_add(&w->pending, 1);
    unsigned holds = is_new_hold(req) ? atomic_fetch_add(holds_of(w, &req->event_id), 1) : 0;
    int ret = 0;
    if (atomic_load(&w->stopping)) {
        ret = BOX_ESHUTDOWN;
    } else if (!is_room(w, req, before, holds)) {
        metrics_add(METRIC_OVERLOAD_REFUSALS, 1);
        ret = BOX_EBUSY;
    }
    if (ret) {
        uncount(w, req);
        return ret;
    }
    req->code = 0;
    req->replay = req->rendered = NULL;
    req->writer = w;
    req->next = NULL;
    req->flight = NULL;
    req->completion.run = run_arrived;
    task_post(&w->mailbox, &req->completion);
    return 0;
}

static void count_answer(const struct writer_req *req)
{
    bool trouble = req->code == BOX_EUNAVAILABLE || req->code == BOX_EUNKNOWN || req->code == BOX_ESHUTDOWN ||
                   req->code == BOX_ENOTHOME;
    bool counts = req->op == WRITER_COMMAND || req->op == WRITER_CREATE_EVENT;
    if (!counts || req->replay || trouble)
        return;
    if (req->code == BOX_EHOLDBUDGET)
        metrics_add(req->over.scope == BUDGET_SESSION ? METRIC_SESSION_BUDGET_REFUSALS
                                                      : METRIC_ADDRESS_BUDGET_REFUSALS,
                    1);
    metrics_add(req->code == BOX_OK ? METRIC_COMMANDS_ACCEPTED : METRIC_COMMANDS_REFUSED, 1);
}

void writer_answer(struct writer *w, struct writer_req *req, int code)
{
    req->code = code;
    struct flight *f = req->flight;
    req->flight = NULL;
    if (f) {
        const struct idem_record *answer = req->replay ? req->replay : req->rendered;
        must(code != BOX_OK || answer);
        idem_settle(w, f, code == BOX_OK ? answer : NULL);
    }
    if (req->op == WRITER_CREATE_EVENT)
        slug_unclaim(w, req->new_event->slug); /* the claim has ended; an event's slug stays */
    count_answer(req);
    req->completion.run = run_answered;
    uncount(w, req);
    task_post(req->reply_to, &req->completion); /* from here on it is the submitter's again */
}

/* ---- rounds ---- */

static bool round_failed(struct writer *w)
{
    bool did = w->ring;
    for (struct writer_req *req; (req = queue_next(w));)
        decide_nothing(w, req);
    return recover(w) || did;
}

/* No change that somebody may still have to be told of is older. */
static int64_t oldest_untold_us(const struct writer *w)
{
    int64_t oldest_us = INT64_MAX;
    for (const struct batch *b = w->batches; b; b = b->next_batch) {
        if (b->in_use && b->part_count > 0 && b->decided_us < oldest_us)
            oldest_us = b->decided_us;
    }
    for (const struct entry *e = w->doubtful ? w->entries : NULL; e; e = e->hh.next) {
        if (e->doubt_us && e->doubt_us < oldest_us)
            oldest_us = e->doubt_us;
    }
    return oldest_us;
}

static bool round_decide(struct writer *w)
{
    int64_t now_us = clock_wall_us(w->clock);
    w->trusted = !w->shared || clock_monotonic_us(w->clock) < atomic_load(&w->trust_until_us);
    if (w->shared)
        w->not_before_us = stable_begin(&w->stable, now_us);
    size_t expired = decide_expiries(w, now_us);
    size_t decided = 0;
    for (struct writer_req *req; decided < LIMIT_GROUP_COMMANDS && (req = queue_next(w)); decided++)
        decide_request(w, req, now_us);
    group_commit(w);
    if (w->shared)
        stable_end(&w->stable, oldest_untold_us(w));
    return expired || decided;
}

bool writer_step(struct writer *w)
{
    bool did = task_run_all(&w->mailbox) > 0;
    bool writable = store_writable(w->store);
    if (w->shared && writable != writer_ready(w))
        writer_set_ready(w, writable);
    else if (!w->shared && !w->failed && !writable)
        recover_begin(w, BOX_EUNAVAILABLE); /* it failed under a worker */
    if (atomic_load(&w->stopping))
        idem_refuse_claims(w, BOX_ESHUTDOWN);
    bool more = w->failed ? round_failed(w) : round_decide(w);
    metrics_set(METRIC_WRITER_QUEUE, (int64_t)atomic_load(&w->pending));
    metrics_set(METRIC_EVENTS, (int64_t)HASH_COUNT(w->entries));
    return did || more;
}

int64_t writer_next_wake_us(const struct writer *w)
{
    int64_t now_us = clock_wall_us(w->clock);
    if (w->ring)
        return now_us;
    if (w->failed) {
        int64_t left_us = w->retry_us - clock_monotonic_us(w->clock);
        return w->under_way ? INT64_MAX : now_us + (left_us > 0 ? left_us : 0);
    }
    const struct heap_item *first = heap_first(&w->deadlines);
    return first ? first->key * 1000 + w->expiry_delay_us : INT64_MAX;
}

static int64_t wait_us(const struct writer *w)
{
    int64_t longest_us = atomic_load(&w->stopping) ? STOPPING_WAIT_US : LONGEST_WAIT_US;
    int64_t wake_us = writer_next_wake_us(w);
    if (wake_us == INT64_MAX)
        return longest_us;
    int64_t left_us = wake_us - clock_wall_us(w->clock);
    return left_us < 0 ? 0 : left_us < longest_us ? left_us : longest_us;
}

static bool ended(const struct writer *w)
{
    return atomic_load(&w->stopping) && atomic_load(&w->pending) == 0 && w->under_way == 0;
}

void writer_run(struct writer *w)
{
    while (!ended(w)) {
        if (!writer_step(w))
            mailbox_wait(&w->mailbox, wait_us(w));
    }
}

void writer_stop(struct writer *w)
{
    int saved = errno; /* this may be a signal handler */
    if (!atomic_exchange(&w->stopping, true))
        task_post(&w->mailbox, &w->stop);
    errno = saved;
}

void writer_trust(struct writer *w, int64_t until_us)
{
    atomic_store(&w->trust_until_us, until_us);
}

/* ---- looking in ---- */

int64_t writer_stable_us(struct writer *w)
{
    must(w->shared);
    return stable_promise(&w->stable, clock_wall_us(w->clock));
}

bool writer_ready(const struct writer *w)
{
    return atomic_load(&w->ready);
}

const struct budget *writer_budget(const struct writer *w)
{
    return w->budget;
}

const struct inventory *writer_inventory(const struct writer *w, const struct event_id *id)
{
    const struct entry *e = entry_find(w, id);
    return e ? e->inv : NULL;
}
