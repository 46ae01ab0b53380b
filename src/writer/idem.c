/*
 * Idempotency: what happens when the same key comes again.
 *
 *   - The store knows the key: its answer is given again (replay), or refused when the body was another.
 *   - The key is under way (a flight): the duplicate waits. When the owner's answer is durable, the duplicate
 *     gets a copy. When the owner was refused, nothing is kept under the key: the duplicate is decided anew
 *     and may become the owner itself. Only what was kept counts as a use of the key, so whether a
 *     duplicate's body is the same is looked at then, not before.
 *   - A claim keeps a flight beyond the request that made it, until RELEASE or CREATE_EVENT ends it. Claims
 *     rest on nothing in the store and so survive its failure; those who wait for them do not.
 *
 * A request first becomes the owner of its key, then the store is asked, then it waits for its event and is
 * decided. While it owns the key nobody else here can use it; and no other server can where this one is home
 * of the event. So the answer "new" holds until the event's inventory is replaced: then somebody else may
 * have decided meanwhile, and the store is asked again.
 *
 * An embedded store answers at once, a shared one later, on a thread of its own: meanwhile the request rests
 * with its flight, and then goes to the front of the queue. As with commits (group.c) a thread-local tells
 * the two apart.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "writer/writer_internal.h"
#include <stddef.h>
#include <stdlib.h>

static _Thread_local struct flight *asking_for;

static void lookup_done(struct idem_lookup *l);
static void run_looked_up(struct task *t);

/* ---- flights ---- */

static struct flight *find(const struct writer *w, const struct digest *key)
{
    struct flight *f;
    HASH_FIND(hh, w->flights, key, sizeof(*key), f);
    return f;
}

bool idem_enter(struct writer *w, struct writer_req *req)
{
    if (!req->idem || req->flight)
        return true;
    struct flight *f = find(w, &req->idem->key);
    if (f) {
        list_push(&f->waiters, req);
        return false;
    }
    f = calloc(1, sizeof(*f));
    must(f); /* out of memory ends the program */
    f->lookup.key = req->idem->key;
    f->lookup.done = lookup_done;
    f->lookup.ctx = f;
    f->looked_up.run = run_looked_up;
    HASH_ADD(hh, w->flights, lookup.key, sizeof(f->lookup.key), f);
    req->flight = f;
    return true;
}

struct flight *idem_claimed(struct writer *w, const struct idem_key *key)
{
    struct flight *f = key ? find(w, &key->key) : NULL;
    return f && f->claimed ? f : NULL;
}

/* ---- what the store says ---- */

static void lookup_done(struct idem_lookup *l)
{
    struct flight *f = l->ctx;
    if (asking_for == f)
        f->looked_up_inline = true;
    else
        task_post(&f->asking->writer->mailbox, &f->looked_up);
}

/* The store has answered. Returns true if the key is new; else the request is answered. */
static bool take_lookup(struct writer *w, struct flight *f)
{
    struct writer_req *req = f->asking;
    const struct idem_lookup *l = &f->lookup;
    f->asking = NULL;
    f->is_new = l->result == BOX_ENOTFOUND;
    if (f->is_new)
        return true;
    if (l->result) {
        if (l->result != BOX_EUNAVAILABLE) /* of which the store speaks itself */
            log_error("writer", "looking up an idempotency key: %s", error_info(l->result)->title);
        writer_answer(w, req, BOX_EUNAVAILABLE);
    } else if (!digest_equal(&l->record->request, &req->idem->request)) {
        writer_answer(w, req, BOX_EIDEMREUSED);
    } else {
        metrics_add(METRIC_COMMANDS_REPLAYED, 1);
        req->replay = l->record;
        writer_answer(w, req, BOX_OK);
    }
    return false;
}

static void run_looked_up(struct task *t)
{
    struct flight *f = (struct flight *)((char *)t - offsetof(struct flight, looked_up));
    struct req_list one = {0};
    struct writer *w = f->asking->writer;
    list_push(&one, f->asking);
    if (take_lookup(w, f))
        queue_again(w, &one);
}

bool idem_is_new(struct writer *w, struct writer_req *req, const struct entry *e, int64_t now_us)
{
    if (!req->idem)
        return true;
    struct flight *f = req->flight;
    uint64_t since = e ? e->inventories : 0;
    must(f && !f->asking);
    if (f->is_new && f->new_since == since)
        return true;
    f->new_since = since;
    f->asking = req;
    f->looked_up_inline = false;
    f->lookup.now_ms = now_us / 1000;
    f->lookup.arena = req->arena;
    asking_for = f;
    store_idem_lookup(w->store, &f->lookup);
    asking_for = NULL;
    return f->looked_up_inline && take_lookup(w, f);
}

/* ---- the end of a flight ---- */

static struct idem_record *copy_record(struct arena *arena, const struct idem_record *record)
{
    struct idem_record *copy = arena_copy(arena, record, sizeof(*record));
    if (record->location)
        copy->location = arena_strdup(arena, record->location);
    if (record->body)
        copy->body = arena_copy(arena, record->body, record->body_size);
    return copy;
}

static void answer_waiter(struct writer *w, struct writer_req *req, const struct idem_record *answer)
{
    must(!req->flight);
    if (!digest_equal(&answer->request, &req->idem->request)) {
        writer_answer(w, req, BOX_EIDEMREUSED);
        return;
    }
    metrics_add(METRIC_COMMANDS_REPLAYED, 1);
    req->replay = copy_record(req->arena, answer);
    writer_answer(w, req, BOX_OK);
}

void idem_settle(struct writer *w, struct flight *f, const struct idem_record *answer)
{
    HASH_DEL(w->flights, f);
    if (answer) {
        for (struct writer_req *req; (req = list_pop(&f->waiters));)
            answer_waiter(w, req, answer);
    } else {
        for (struct writer_req *req; (req = list_pop(&f->waiters));)
            queue_add(w, req);
    }
    free(f);
}

void idem_refuse_claims(struct writer *w, int code)
{
    for (struct flight *f = w->flights; f; f = f->hh.next) {
        if (!f->claimed)
            continue;
        for (struct writer_req *req; (req = list_pop(&f->waiters));)
            writer_answer(w, req, code);
    }
}

void idem_free_all(struct writer *w)
{
    while (w->flights) {
        struct flight *f = w->flights;
        HASH_DEL(w->flights, f);
        free(f);
    }
}
