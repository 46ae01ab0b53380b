/* One request: looked up, decided on its event's inventory, and sent on its way. */
#include "writer/writer_internal.h"

/*
 * Deadlines ended in one round. Requests of the round wait for them, so that this is a bound on what a wave
 * of expiries adds to their latency; the wave goes on in the next round.
 */
enum { EXPIRIES_PER_ROUND = 2000 };

/* Let the submitter make the answer that is kept beside the change. */
static void render(struct writer_req *req, int64_t now_us)
{
    if (!req->idem)
        return;
    must(req->render);
    struct idem_record *answer = arena_alloc(req->arena, sizeof(*answer));
    req->render(req, answer);
    answer->key = req->idem->key;
    answer->request = req->idem->request;
    answer->expires_ms = now_us / 1000 + LIMIT_IDEMPOTENCY_SECONDS * INT64_C(1000);
    req->rendered = answer;
}

static void accept_request(struct writer *w, struct entry *e, struct writer_req *req, int64_t now_us)
{
    req->code = BOX_OK;
    render(req, now_us);
    group_accept(w, e, &req->verdict, req);
}

/* Would the session, or its network, hold more than it may? An API key may hold what it likes. */
static bool is_over_budget(const struct writer *w, struct writer_req *req)
{
    const struct command *c = &req->command;
    if (c->kind != COMMAND_HOLD_CREATE || c->actor.kind != ACTOR_SESSION)
        return false;
    uint32_t seats = c->seat_count ? c->seat_count : c->best.count;
    return !budget_allows(w->budget, &c->session, req->client, seats, &req->over);
}

static void decide_command(struct writer *w, struct writer_req *req, int64_t now_us)
{
    must(req->command.kind != COMMAND_HOLD_EXPIRE); /* the writer's own */
    if (!idem_enter(w, req))
        return;
    struct entry *e = entry_find(w, &req->event_id);
    if (e && (e->role != ROLE_HOME || !w->trusted)) {
        writer_answer(w, req, BOX_ENOTHOME);
        return;
    }
    if (!idem_is_new(w, req, e, now_us))
        return;
    if (!e) {
        writer_answer(w, req, BOX_ENOTFOUND);
        return;
    }
    if (e->busy || e->full) {
        list_push(&e->waiting, req);
        return;
    }

    req->command.not_before_us = w->not_before_us;
    req->command.over_budget = is_over_budget(w, req);
    int code = inventory_decide(e->inv, &req->command, now_us, req->arena, &req->verdict);
    if (code == BOX_OK) {
        accept_request(w, e, req, now_us);
    } else if (code == BOX_EDEFER) {
        must(e->part); /* only the open group defers, and its end wakes the request */
        list_push(&e->waiting, req);
    } else if (inventory_group_open(e->inv)) {
        group_refuse(e, req, code);
    } else {
        writer_answer(w, req, code);
    }
}

/* ---- claims ---- */

/* A slug that is free, or why not. */
static int take_slug(struct writer *w, const char *slug)
{
    if (slug_find(w, slug))
        return BOX_ESLUGTAKEN;
    if (HASH_COUNT(w->slugs) >= LIMIT_EVENTS)
        return BOX_EUNAVAILABLE;
    must(slug_claim(w, slug));
    return BOX_OK;
}

static void decide_claim(struct writer *w, struct writer_req *req, int64_t now_us)
{
    if (!idem_enter(w, req) || !idem_is_new(w, req, NULL, now_us))
        return;
    int code = req->slug ? take_slug(w, req->slug) : BOX_OK;
    if (code == BOX_OK && req->flight) {
        req->flight->claimed = true; /* no request's any more */
        req->flight = NULL;
    }
    writer_answer(w, req, code);
}

static void decide_release(struct writer *w, struct writer_req *req)
{
    struct flight *f = idem_claimed(w, req->idem);
    if (f)
        idem_settle(w, f, req->answer);
    if (req->slug)
        slug_unclaim(w, req->slug);
    writer_answer(w, req, BOX_OK);
}

/* From now on the key is the request's, and ends with its answer. */
static void take_over_claim(struct writer *w, struct writer_req *req)
{
    struct flight *f = idem_claimed(w, req->idem);
    if (!f)
        return;
    must(!req->flight);
    f->claimed = false;
    f->is_new = false; /* as far as is known now: the worker took its time */
    req->flight = f;
}

/* The event may be created: its slug is claimed (or was free) and its tag is unique. */
static int check_create(struct writer *w, const struct event *event)
{
    struct entry *same = entry_find(w, &event->event_id);
    if (same && same->role != ROLE_HOME)
        return BOX_ENOTHOME; /* another server has made it, or an attempt of this one is in doubt */
    struct slug *slug = slug_find(w, event->slug);
    int code = slug && slug->claimed ? BOX_OK : take_slug(w, event->slug);
    if (code == BOX_OK && entry_find_tag(w, id_tag(&event->event_id.u)))
        code = BOX_EUNAVAILABLE; /* one in 2^48: another try has another tag */
    return code;
}

static void decide_create(struct writer *w, struct writer_req *req, int64_t now_us)
{
    must(req->new_event && req->new_layout);
    take_over_claim(w, req);
    if (!idem_enter(w, req) || !idem_is_new(w, req, NULL, now_us))
        return;
    const struct event *event = req->new_event;
    int code = check_create(w, event);
    if (code) {
        writer_answer(w, req, code);
        return;
    }
    struct inventory *inv = inventory_new_event(event, req->new_layout, w->rng);
    struct entry *e = entry_add(w, &event->event_id, inv);
    int64_t created_us = now_us > w->not_before_us ? now_us : w->not_before_us;
    struct change *created = inventory_create(inv, &req->command.actor, created_us, req->arena);
    req->verdict = (struct verdict){.code = BOX_OK, .changes = created, .last = created};
    accept_request(w, e, req, now_us);
}

/* ---- any request ---- */

void decide_request(struct writer *w, struct writer_req *req, int64_t now_us)
{
    req->replay = req->rendered = NULL;
    req->verdict = (struct verdict){0};
    switch (req->op) {
    case WRITER_COMMAND:
        decide_command(w, req, now_us);
        break;
    case WRITER_CLAIM:
        decide_claim(w, req, now_us);
        break;
    case WRITER_RELEASE:
        decide_release(w, req);
        break;
    case WRITER_CREATE_EVENT:
        decide_create(w, req, now_us);
        break;
    case WRITER_ADOPT:
    case WRITER_RESIGN:
    case WRITER_FOLLOW:
    case WRITER_FORGET:
    case WRITER_IMAGE:
        decide_home(w, req);
    }
}

void decide_nothing(struct writer *w, struct writer_req *req)
{
    req->verdict = (struct verdict){0};
    if (req->op == WRITER_RELEASE) {
        decide_release(w, req);
        return;
    }
    if (req->op == WRITER_CREATE_EVENT)
        take_over_claim(w, req);
    writer_answer(w, req, BOX_EUNAVAILABLE);
}

/* ---- deadlines ---- */

static void expire(struct writer *w, struct entry *e, const struct hold_id *hold, int64_t now_us)
{
    struct command command = {
        .kind = COMMAND_HOLD_EXPIRE,
        .not_before_us = w->not_before_us,
        .actor = actor_system(),
        .hold_id = *hold,
    };
    struct verdict verdict;
    int code = inventory_decide(e->inv, &command, now_us, group_arena(w), &verdict);
    must(code == BOX_OK); /* it is due, and no earlier change of the group can have touched its seats */
    group_accept(w, e, &verdict, NULL);
}

size_t decide_expiries(struct writer *w, int64_t now_us)
{
    size_t count = 0;
    while (count < EXPIRIES_PER_ROUND) {
        struct heap_item *item = heap_first(&w->deadlines);
        if (!item || item->key * 1000 + w->expiry_delay_us > now_us)
            break;
        struct inventory *inv = inventory_of_heap_item(item);
        struct entry *e = entry_find(w, &inventory_event(inv)->event_id);
        int64_t expires_ms;
        struct hold_id hold;
        must(e && e->inv == inv && !e->busy && e->role == ROLE_HOME);
        if (e->full) {
            heap_remove(&w->deadlines, item); /* until the next group */
            continue;
        }
        must(inventory_next_deadline(inv, &expires_ms, &hold) && expires_ms == item->key);
        expire(w, e, &hold, now_us);
        entry_set_deadline(w, e);
        count++;
    }
    return count;
}
