/*
 * Idempotency: what happens when the same key comes again.
 *
 *   - The store knows the key: its answer is given again (replay), or refused when the body was another.
 *   - The key is under way (a flight): the duplicate waits. When the owner's answer is durable, the duplicate
 * gets a copy. When the owner was refused, nothing is kept under the key: the duplicate is decided anew and
 * may become the owner itself. Only what was kept counts as a use of the key, so whether a duplicate's body
 * is the same is looked at then, not before.
 *   - A claim keeps a flight beyond the request that made it, until RELEASE or CREATE_EVENT ends it. Claims
 * rest on nothing in the store and so survive its failure; those who wait for them do not.
 *
 * A request becomes the owner before it waits for its event, and asks the store only when it is about to be
 * decided: in between, another server may have used the key.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "writer/writer_internal.h"
#include <stdlib.h>

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
    f->key = req->idem->key;
    HASH_ADD(hh, w->flights, key, sizeof(f->key), f);
    req->flight = f;
    return true;
}

struct flight *idem_claimed(struct writer *w, const struct idem_key *key)
{
    struct flight *f = key ? find(w, &key->key) : NULL;
    return f && f->claimed ? f : NULL;
}

bool idem_replay(struct writer *w, struct writer_req *req, int64_t now_us)
{
    if (!req->idem)
        return false;
    struct idem_record *record = arena_alloc(req->arena, sizeof(*record));
    int ret = store_idem_find(w->store, &req->idem->key, now_us / 1000, req->arena, record);
    if (ret == BOX_ENOTFOUND)
        return false;
    if (ret) {
        log_error("writer", "looking up an idempotency key: %s", error_info(ret)->title);
        writer_answer(w, req, BOX_EUNAVAILABLE);
    } else if (!digest_equal(&record->request, &req->idem->request)) {
        writer_answer(w, req, BOX_EIDEMREUSED);
    } else {
        metrics_add(METRIC_COMMANDS_REPLAYED, 1);
        req->replay = record;
        writer_answer(w, req, BOX_OK);
    }
    return true;
}

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
