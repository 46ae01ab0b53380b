/*
 * Whose event it is, on a store that several servers share (writer.h, Homes).
 *
 *     from       by                                                to
 *     ---------- ------------------------------------------------- ---------
 *     any other  ADOPT home                                        home
 *     any other  ADOPT other                                       followed
 *     home       RESIGN                                            followed
 *     home       the store did not make its group durable          lost
 *     followed   FOLLOW                                            followed
 *     followed   FOLLOW of a change that does not fit              lost
 *     any other  FORGET, or FOLLOW of its deletion                 -
 *
 * ("Any other": than home.) Until it is adopted there is no entry at all.
 *
 * A home decides in memory before it is durable. When the store then says that it is not, or cannot tell, the
 * inventory holds what never was, perhaps: it is void. Readers go on seeing the last durable version; nothing
 * is decided, expired or followed on the void state. It is kept all the same until another takes its place:
 * for the slug, and so that the budget can be told what ended and what goes on.
 *
 * A group in doubt may turn out to be durable, and nobody was told of it. So it holds the promise of stable.c
 * back until the event is adopted anew, when the store has settled it.
 */
#include "base/log.h"
#include "inventory/image_code.h"
#include "writer/writer_internal.h"

/* ---- lost ---- */

static void set_doubt(struct writer *w, struct entry *e, int64_t since_us)
{
    if (e->doubt_us)
        w->doubtful--;
    if (since_us)
        w->doubtful++;
    e->doubt_us = since_us;
}

static void lose(struct writer *w, struct entry *e)
{
    must(!e->busy && !e->part);
    e->role = ROLE_LOST;
    entry_idle(w, e);
    if (w->observer.lost)
        w->observer.lost(w->observer.ctx, &e->id);
}

static int answer_for(const struct writer_req *req, int result)
{
    if (result == BOX_EFENCED)
        return BOX_ENOTHOME;
    /* A refusal that rests on what is in doubt was not done in any case. */
    return req->code == BOX_OK && result != BOX_EUNAVAILABLE ? BOX_EUNKNOWN : BOX_EUNAVAILABLE;
}

void part_void(struct writer *w, struct part *p, int result, int64_t decided_us)
{
    struct entry *e = p->entry;
    char id[UUID_TEXT + 1];
    uuid_format(&e->id.u, id);
    log_warn("writer", "event %s is no longer decided here: %s", id, error_info(result)->title);
    e->busy = false;
    if (result != BOX_EFENCED && result != BOX_EUNAVAILABLE)
        set_doubt(w, e, decided_us);
    lose(w, e); /* before anybody is answered: who asks where to go is told right */
    for (struct writer_req *req; (req = list_pop(&p->requests));) {
        int code = answer_for(req, result);
        req->verdict = (struct verdict){0};
        req->rendered = NULL;
        writer_answer(w, req, code);
    }
}

/* ---- adopt, resign ---- */

static int check_adopt(const struct writer *w, const struct entry *e, const struct inventory *inv)
{
    const struct event *event = inventory_event(inv);
    if (event->deleted)
        return BOX_ENOTFOUND;
    if (!e)
        return entry_find_tag(w, id_tag(&event->event_id.u)) ? BOX_EUNAVAILABLE : BOX_OK;
    if (e->role == ROLE_HOME)
        return BOX_EEXISTS;
    return e->shown && inventory_seq(inv) < e->shown_seq ? BOX_ERANGE : BOX_OK;
}

static int adopt(struct writer *w, struct entry *e, struct writer_req *req)
{
    struct inventory *inv = req->inventory;
    must(uuid_equal(&inventory_event(inv)->event_id.u, &req->event_id.u) && !inventory_group_open(inv));
    req->inventory = NULL; /* taken over */
    int ret = check_adopt(w, e, inv);
    if (ret) {
        inventory_free(inv);
        return ret;
    }
    if (e)
        entry_replace(w, e, inv);
    else
        e = entry_add(w, &req->event_id, inv);
    e->role = req->home ? ROLE_HOME : ROLE_FOLLOWED;
    set_doubt(w, e, 0);
    entry_show(w, e);
    return BOX_OK;
}

/* The state is durable as it is: what another decides next can be followed from it. */
static int resign(struct writer *w, struct entry *e)
{
    if (!e || e->role != ROLE_HOME)
        return e ? BOX_ENOTHOME : BOX_ENOTFOUND;
    e->role = ROLE_FOLLOWED;
    entry_idle(w, e);
    return BOX_OK;
}

/* ---- follow, forget ---- */

/* The first change that is news, or NULL; BOX_ERANGE if one is missing, there or behind it. */
static int find_news(const struct inventory *inv, struct change *first, struct change **ret_news)
{
    while (first && first->seq <= inventory_seq(inv))
        first = first->next;
    uint64_t seq = inventory_seq(inv);
    for (const struct change *c = first; c; c = c->next) {
        if (c->seq != ++seq)
            return BOX_ERANGE;
    }
    *ret_news = first;
    return BOX_OK;
}

static int apply(struct writer *w, struct entry *e, const struct change *first, struct arena *arena)
{
    for (const struct change *c = first; c; c = c->next) {
        int ret = inventory_follow(e->inv, c, arena);
        if (ret)
            return ret;
        budget_follow_one(w->budget, c, NULL);
    }
    return BOX_OK;
}

static int follow(struct writer *w, struct entry *e, const struct writer_req *req)
{
    struct change *news = NULL;
    if (!e || e->role == ROLE_LOST)
        return BOX_ENOTFOUND;
    if (e->role == ROLE_HOME)
        return BOX_EEXISTS;
    int ret = find_news(e->inv, req->changes, &news);
    if (ret || !news)
        return ret;
    ret = apply(w, e, news, req->arena);
    if (ret) { /* perhaps half of it was applied, and none of it shown */
        must(ret == BOX_ECORRUPT);
        e->role = ROLE_LOST;
        return ret;
    }
    e->shown_seq = inventory_seq(e->inv);
    if (w->observer.changed)
        w->observer.changed(w->observer.ctx, e->inv, news);
    if (inventory_event(e->inv)->deleted)
        entry_forget(w, e);
    return BOX_OK;
}

static int forget(struct writer *w, struct entry *e)
{
    if (!e)
        return BOX_OK;
    if (e->role == ROLE_HOME)
        return BOX_EEXISTS;
    set_doubt(w, e, 0);
    entry_forget(w, e);
    return BOX_OK;
}

/* ---- image ---- */

static int image(const struct entry *e, const struct writer_req *req)
{
    if (!e || e->role != ROLE_HOME)
        return e ? BOX_ENOTHOME : BOX_ENOTFOUND;
    image_encode(e->inv, req->image);
    return BOX_OK;
}

/* ---- any of them ---- */

void decide_home(struct writer *w, struct writer_req *req)
{
    struct entry *e = entry_find(w, &req->event_id);
    must(w->shared);
    switch (req->op) {
    case WRITER_ADOPT:
        writer_answer(w, req, adopt(w, e, req));
        break;
    case WRITER_RESIGN:
    case WRITER_IMAGE:
        if (e && (e->busy || e->part)) /* what is decided becomes durable first */
            list_push(&e->waiting, req);
        else
            writer_answer(w, req, req->op == WRITER_RESIGN ? resign(w, e) : image(e, req));
        break;
    case WRITER_FOLLOW:
        writer_answer(w, req, follow(w, e, req));
        break;
    default:
        must(req->op == WRITER_FORGET);
        writer_answer(w, req, forget(w, e));
    }
}
