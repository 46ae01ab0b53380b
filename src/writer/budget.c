#include "writer/budget.h"
#include "base/heap.h"
#include "base/idmap.h"
#include "base/must.h"
#include <stddef.h>
#include <stdlib.h>

/* One session or one address; exists while it has a hold. */
struct client {
    struct uuid id;        /* the session's, or the masked address */
    uint64_t held;         /* seats */
    struct heap deadlines; /* of its stakes */
};

/* A hold counts for its session and perhaps for an address. */
struct share {
    struct client *client; /* or NULL */
    struct heap_item deadline;
};

/* One live hold. */
struct stake {
    struct hold_id hold;
    uint32_t seats;
    struct share shares[BUDGET_SCOPES];
};

struct budget {
    struct budget_limits limits;
    struct address mask; /* secret */
    struct idmap stakes; /* by hold */
    struct idmap clients[BUDGET_SCOPES];
};

/* ---- clients ---- */

/*
 * Addresses are chosen by those who have them, and a map of ids relies on ids that nobody chose. Under a
 * random mask an address is as good as random, and stays different from all others.
 */
static struct uuid masked(const struct budget *b, const struct address *address)
{
    struct uuid id;
    for (unsigned i = 0; i < sizeof(id.b); i++)
        id.b[i] = address->b[i] ^ b->mask.b[i];
    return id;
}

static struct client *client_get(struct budget *b, enum budget_scope scope, const struct uuid *id)
{
    struct client *c = idmap_find(&b->clients[scope], id);
    if (c)
        return c;
    c = calloc(1, sizeof(*c));
    must(c); /* out of memory ends the program */
    c->id = *id;
    heap_init(&c->deadlines);
    idmap_add(&b->clients[scope], c);
    return c;
}

static void client_free(struct client *c)
{
    heap_done(&c->deadlines);
    free(c);
}

/* The stake counts for a client from now on. */
static void share_add(struct budget *b, struct stake *s, enum budget_scope scope, const struct uuid *id,
                      int64_t expires_ms)
{
    struct share *share = &s->shares[scope];
    must(!share->client);
    share->client = client_get(b, scope, id);
    share->client->held += s->seats;
    heap_set(&share->client->deadlines, &share->deadline, expires_ms);
}

static void share_drop(struct budget *b, struct stake *s, enum budget_scope scope)
{
    struct share *share = &s->shares[scope];
    struct client *c = share->client;
    if (!c)
        return;
    must(c->held >= s->seats);
    c->held -= s->seats;
    heap_remove(&c->deadlines, &share->deadline);
    if (c->deadlines.count > 0)
        return;
    must(c->held == 0);
    idmap_remove(&b->clients[scope], c);
    client_free(c);
}

/* ---- stakes ---- */

static struct stake *stake_find(const struct budget *b, const struct hold_id *hold)
{
    return idmap_find(&b->stakes, &hold->u);
}

static void begin(struct budget *b, const struct hold *hold, uint32_t seats, const struct address *address)
{
    must(seats > 0);
    struct stake *s = calloc(1, sizeof(*s));
    must(s); /* out of memory ends the program */
    s->hold = hold->hold_id;
    s->seats = seats;
    idmap_add(&b->stakes, s);
    share_add(b, s, BUDGET_SESSION, &hold->session_id.u, hold->expires_ms);
    if (!address)
        return;
    struct uuid id = masked(b, address);
    share_add(b, s, BUDGET_ADDRESS, &id, hold->expires_ms);
}

static void set_deadline(struct stake *s, int64_t expires_ms)
{
    must(s);
    for (unsigned i = 0; i < BUDGET_SCOPES; i++) {
        struct share *share = &s->shares[i];
        if (share->client)
            heap_set(&share->client->deadlines, &share->deadline, expires_ms);
    }
}

void budget_end(struct budget *b, const struct hold_id *hold)
{
    struct stake *s = stake_find(b, hold);
    must(s);
    for (unsigned i = 0; i < BUDGET_SCOPES; i++)
        share_drop(b, s, (enum budget_scope)i);
    idmap_remove(&b->stakes, s);
    free(s);
}

void budget_loaded(struct budget *b, const struct hold *hold)
{
    struct stake *s = stake_find(b, &hold->hold_id);
    if (!s) {
        begin(b, hold, hold->line_count, NULL);
        return;
    }
    must(s->seats == hold->line_count);
    set_deadline(s, hold->expires_ms);
}

void budget_follow_one(struct budget *b, const struct change *c, const struct address *address)
{
    switch (c->kind) {
    case CHANGE_HOLD_CREATED:
        begin(b, c->hold, c->seat_count, address);
        break;
    case CHANGE_HOLD_EXTENDED:
        set_deadline(stake_find(b, &c->hold->hold_id), c->hold->expires_ms);
        break;
    case CHANGE_HOLD_RELEASED:
    case CHANGE_HOLD_EXPIRED:
    case CHANGE_ORDER_PAID:
    case CHANGE_ORDER_CANCELLED:
        budget_end(b, &c->hold->hold_id);
        break;
    default: /* nothing else begins or ends a hold, or moves its deadline */
        break;
    }
}

void budget_follow(struct budget *b, const struct change *first, const struct address *address)
{
    for (const struct change *c = first; c; c = c->next)
        budget_follow_one(b, c, address);
}

/* ---- life ---- */

struct budget *budget_new(const struct budget_limits *limits, struct rng *rng)
{
    struct budget *b = calloc(1, sizeof(*b));
    must(b); /* out of memory ends the program */
    b->limits = *limits;
    rng_bytes(rng, b->mask.b, sizeof(b->mask.b));
    idmap_init(&b->stakes, offsetof(struct stake, hold));
    for (unsigned i = 0; i < BUDGET_SCOPES; i++)
        idmap_init(&b->clients[i], offsetof(struct client, id));
    return b;
}

void budget_free(struct budget *b)
{
    if (!b)
        return;
    size_t at = 0;
    for (struct stake *s; (s = idmap_next(&b->stakes, &at));)
        free(s);
    idmap_done(&b->stakes);
    for (unsigned i = 0; i < BUDGET_SCOPES; i++) {
        at = 0;
        for (struct client *c; (c = idmap_next(&b->clients[i], &at));)
            client_free(c);
        idmap_done(&b->clients[i]);
    }
    free(b);
}

/* ---- questions ---- */

/* Room in one scope. */
static bool fits(const struct budget *b, enum budget_scope scope, const struct uuid *id, uint32_t seats,
                 struct budget_refusal *ret_refusal)
{
    uint32_t limit = b->limits.seats[scope];
    if (limit == 0)
        return true;
    const struct client *c = idmap_find(&b->clients[scope], id);
    uint64_t held = c ? c->held : 0;
    if (held + seats <= limit)
        return true;
    *ret_refusal = (struct budget_refusal){
        .scope = scope,
        .limit = limit,
        .held = held,
        .retry_ms = c ? heap_first(&c->deadlines)->key : 0,
    };
    return false;
}

bool budget_allows(const struct budget *b, const struct session_id *session, const struct address *address,
                   uint32_t seats, struct budget_refusal *ret_refusal)
{
    if (!fits(b, BUDGET_SESSION, &session->u, seats, ret_refusal))
        return false;
    if (!address)
        return true;
    struct uuid id = masked(b, address);
    return fits(b, BUDGET_ADDRESS, &id, seats, ret_refusal);
}

/* ---- for tests ---- */

uint64_t budget_held(const struct budget *b, const struct session_id *session)
{
    const struct client *c = idmap_find(&b->clients[BUDGET_SESSION], &session->u);
    return c ? c->held : 0;
}

uint64_t budget_held_at(const struct budget *b, const struct address *address)
{
    struct uuid id = masked(b, address);
    const struct client *c = idmap_find(&b->clients[BUDGET_ADDRESS], &id);
    return c ? c->held : 0;
}

size_t budget_holds(const struct budget *b)
{
    return b->stakes.count;
}

static void check_scope(const struct budget *b, enum budget_scope scope)
{
    uint64_t held = 0, counted = 0;
    size_t deadlines = 0, shares = 0, at = 0;
    for (const struct client *c; (c = idmap_next(&b->clients[scope], &at));) {
        must(c->held > 0 && c->deadlines.count > 0);
        held += c->held;
        deadlines += c->deadlines.count;
    }
    at = 0;
    for (const struct stake *s; (s = idmap_next(&b->stakes, &at));) {
        const struct share *share = &s->shares[scope];
        if (!share->client)
            continue;
        must(idmap_find(&b->clients[scope], &share->client->id) == share->client);
        must(share->deadline.key == s->shares[BUDGET_SESSION].deadline.key && heap_has(&share->deadline));
        must(heap_first(&share->client->deadlines)->key <= share->deadline.key);
        counted += s->seats;
        shares++;
    }
    must(held == counted && deadlines == shares);
    must(scope != BUDGET_SESSION || shares == b->stakes.count);
}

void budget_check(const struct budget *b)
{
    for (unsigned i = 0; i < BUDGET_SCOPES; i++)
        check_scope(b, (enum budget_scope)i);
}

const char *budget_scope_name(enum budget_scope scope)
{
    static const char *const names[] = {[BUDGET_SESSION] = "session", [BUDGET_ADDRESS] = "address"};
    must(scope < BUDGET_SCOPES);
    return names[scope];
}
