/*
 * Several servers on one store, each with a writer of its own: the store in memory, and around it for each
 * server a store that is shared. A commit is refused when another server took the event since; it can be kept
 * back, and answered as a test wants; what is looked up can be kept back, too.
 *
 * The part of the cluster plays the test: it takes events, carries images and changes from one to the other.
 */
#ifndef UNIT_WRITER_SHARED_H
#define UNIT_WRITER_SHARED_H

#include "unit/writer/fixture.h"

#include "base/must.h"
#include "inventory/image_code.h"

enum { SERVERS = 3, LATE = 256 };

/* Who is home, as the store knows it: by event. */
struct epochs {
    struct {
        struct event_id event;
        uint64_t epoch;
    } of[MAX_EVENTS];
    unsigned count;
};

/* What becomes of a commit's groups. */
enum fate { FATE_DONE, FATE_UNKNOWN_DONE, FATE_UNKNOWN_UNDONE, FATE_UNAVAILABLE };

struct shared_store {
    struct store store; /* first */
    struct store *inner;
    struct epochs *now, mine; /* the store's, and what this server has taken */
    enum fate fate;           /* of the next group alone */
    uint32_t group_seats;
    bool keep_commits, keep_lookups;
    struct commit *commits[LATE];
    struct idem_lookup *lookups[LATE];
    unsigned commit_count, lookup_count, lookups_made;
};

static inline struct shared_store *shared_of(const struct store *s)
{
    return (struct shared_store *)(uintptr_t)s;
}

static inline uint64_t *epoch_of(struct epochs *t, const struct event_id *id)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (uuid_equal(&t->of[i].event.u, &id->u))
            return &t->of[i].epoch;
    }
    must(t->count < MAX_EVENTS);
    t->of[t->count].event = *id;
    t->of[t->count].epoch = 0;
    return &t->of[t->count++].epoch;
}

/* ---- commits ---- */

static inline void nothing_more(struct commit *c)
{
    (void)c;
}

static inline int commit_inside(struct shared_store *s, const struct event_group *group)
{
    struct event_group one = *group;
    struct commit c = {.groups = &one, .group_count = 1, .done = nothing_more};
    store_commit(s->inner, &c);
    return one.result;
}

static inline int commit_group(struct shared_store *s, const struct event_group *group)
{
    enum fate fate = s->fate;
    uint64_t *now = epoch_of(s->now, &group->event_id), *mine = epoch_of(&s->mine, &group->event_id);
    s->fate = FATE_DONE;
    if (group->follows_seq == 0 && *now == 0)
        *now = *mine = 1; /* who creates it is home */
    if (*now != *mine)
        return BOX_EFENCED;
    if (fate == FATE_UNAVAILABLE)
        return BOX_EUNAVAILABLE;
    int ret = fate == FATE_UNKNOWN_UNDONE ? BOX_EUNKNOWN : commit_inside(s, group);
    if (fate == FATE_DONE)
        return ret;
    *mine = 0; /* nothing more before it was taken */
    return BOX_EUNKNOWN;
}

static inline void shared_do_commit(struct shared_store *s, struct commit *c)
{
    for (size_t i = 0; i < c->group_count; i++)
        c->groups[i].result = commit_group(s, &c->groups[i]);
    c->done(c);
}

static inline void shared_commit(struct store *base, struct commit *c)
{
    struct shared_store *s = shared_of(base);
    must(s->commit_count < LATE);
    if (s->keep_commits)
        s->commits[s->commit_count++] = c;
    else
        shared_do_commit(s, c);
}

/* Let the oldest commit that was kept happen now. */
static inline bool shared_step(struct shared_store *s)
{
    if (s->commit_count == 0)
        return false;
    struct commit *c = s->commits[0];
    s->commit_count--;
    memmove(s->commits, s->commits + 1, s->commit_count * sizeof(s->commits[0]));
    shared_do_commit(s, c);
    return true;
}

/* ---- keys ---- */

static inline void shared_do_lookup(struct shared_store *s, struct idem_lookup *l)
{
    l->record = arena_alloc(l->arena, sizeof(*l->record));
    l->result = store_idem_find(s->inner, &l->key, l->now_ms, l->arena, l->record);
    l->done(l);
}

static inline void shared_idem_lookup(struct store *base, struct idem_lookup *l)
{
    struct shared_store *s = shared_of(base);
    s->lookups_made++;
    must(s->lookup_count < LATE);
    if (s->keep_lookups)
        s->lookups[s->lookup_count++] = l;
    else
        shared_do_lookup(s, l);
}

/* What was asked first is answered, as it is now. */
static inline bool shared_answer(struct shared_store *s)
{
    if (s->lookup_count == 0)
        return false;
    struct idem_lookup *l = s->lookups[0];
    s->lookup_count--;
    memmove(s->lookups, s->lookups + 1, s->lookup_count * sizeof(s->lookups[0]));
    shared_do_lookup(s, l);
    return true;
}

/* ---- the rest ---- */

static inline int shared_take_event(struct store *base, const struct event_id *id,
                                    struct layout *(*layout_of)(void *, const struct venue_id *), void *ctx,
                                    struct image *ret_image)
{
    struct shared_store *s = shared_of(base);
    uint64_t *now = epoch_of(s->now, id);
    *epoch_of(&s->mine, id) = ++*now;
    return store_load_event(s->inner, id, layout_of, ctx, ret_image);
}

static inline uint32_t shared_group_seats(const struct store *s)
{
    return shared_of(s)->group_seats;
}

static inline bool shared_writable(const struct store *s)
{
    return store_writable(shared_of(s)->inner);
}

static inline void shared_close(struct store *s)
{
    must(shared_of(s)->commit_count == 0 && shared_of(s)->lookup_count == 0);
}

static inline int shared_create_tickets(struct store *s, const struct event *event,
                                        const struct layout *layout, void (*progress)(void *, uint32_t),
                                        void *ctx)
{
    return store_create_tickets(shared_of(s)->inner, event, layout, progress, ctx);
}

static inline int shared_get_ticket(struct store *s, const struct event_id *event, uint32_t seat,
                                    struct ticket_row *ret_row)
{
    return store_get_ticket(shared_of(s)->inner, event, seat, ret_row);
}

static inline void shared_init(struct shared_store *s, struct store *inner, struct epochs *now)
{
    static const struct store_shared_ops shared = {
        .take_event = shared_take_event,
        .idem_lookup = shared_idem_lookup,
        .group_seats = shared_group_seats,
    };
    static const struct store_ops ops = {
        .commit = shared_commit,
        .close = shared_close,
        .writable = shared_writable,
        .create_tickets = shared_create_tickets,
        .get_ticket = shared_get_ticket,
        .shared = &shared,
    };
    *s = (struct shared_store){.store = {&ops}, .inner = inner, .now = now, .group_seats = UINT32_MAX};
}

/* ---- servers ---- */

/* What a server decided, as others get it. */
struct sent {
    struct event_id event;
    struct buf bytes;
};

struct server {
    struct bench *b;
    struct shared_store store;
    struct sent *sent;
    size_t sent_count;
    size_t read[SERVERS]; /* how much of another's was followed */
};

struct town {
    struct store *mem;
    struct epochs epochs;
    struct layout *layout;
    struct server servers[SERVERS];
};

static inline void send_decided(void *ctx, const struct inventory *inv, const struct change *first)
{
    struct server *s = ctx;
    (void)inv;
    for (const struct change *c = first; c; c = c->next) {
        s->sent = realloc(s->sent, (s->sent_count + 1) * sizeof(*s->sent));
        struct sent *sent = &s->sent[s->sent_count++];
        *sent = (struct sent){.event = c->event_id};
        change_encode(c, &sent->bytes);
    }
}

static inline void start_server(struct server *s)
{
    start_writer(s->b);
    assert_int_equal(writer_load(s->b->writer, NULL, NULL), 0);
    assert_true(writer_ready(s->b->writer));
}

static inline struct town *town_new(void)
{
    struct town *t = calloc(1, sizeof(*t));
    t->mem = store_mem_new();
    t->layout = hall();
    assert_int_equal(store_put_venue(t->mem, t->layout, NULL), 0);
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *s = &t->servers[i];
        shared_init(&s->store, t->mem, &t->epochs);
        s->b = calloc(1, sizeof(*s->b));
        s->b->store = &s->store.store;
        s->b->layout = layout_ref(t->layout);
        s->b->next_observer = (struct writer_observer){.ctx = s, .decided = send_decided};
        clock_init_virtual(&s->b->clock, START_US);
        rng_init_seeded(&s->b->rng, 11 + i);
        assert_int_equal(mailbox_init(&s->b->replies), 0);
        start_server(s);
    }
    return t;
}

static inline void town_free(struct town *t)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *s = &t->servers[i];
        bench_free(s->b);
        for (size_t n = 0; n < s->sent_count; n++)
            buf_done(&s->sent[n].bytes);
        free(s->sent);
    }
    layout_unref(t->layout);
    store_close(t->mem);
    free(t);
}

/* The event is known to this bench by the same number as to the one that made it. */
static inline void hear_of(struct bench *b, const struct bench *maker)
{
    for (; b->event_count < maker->event_count; b->event_count++)
        b->events[b->event_count] = event_ref(maker->events[b->event_count]);
}

/* ---- what the cluster does ---- */

static inline struct layout *lend_layout(void *ctx, const struct venue_id *venue)
{
    struct bench *b = ctx;
    return uuid_equal(&venue->u, &b->layout->venue_id.u) ? b->layout : NULL;
}

static inline struct ask *about(struct bench *b, enum writer_op op, unsigned event)
{
    struct ask *a = ask_new(b, op);
    a->req.event_id = b->events[event]->event_id;
    return a;
}

/* Take the event: the inventory is this server's from now on, the writer does not know yet. */
static inline struct inventory *taken(struct server *s, unsigned event)
{
    struct image image;
    assert_int_equal(store_take_event(s->b->store, &s->b->events[event]->event_id, lend_layout, s->b, &image),
                     0);
    struct inventory *inv = inventory_new(&image, &s->b->rng);
    image_done(&image);
    return inv;
}

static inline struct ask *adopt(struct server *s, unsigned event, struct inventory *inv, bool home, int code)
{
    struct ask *a = about(s->b, WRITER_ADOPT, event);
    a->req.inventory = inv;
    a->req.home = home;
    return asked(a, code);
}

static inline void become_home(struct server *s, unsigned event)
{
    adopt(s, event, taken(s, event), true, BOX_OK);
}

/* The image that @from gives, as an inventory for @to. */
static inline struct inventory *carried(struct server *from, struct server *to, unsigned event)
{
    struct image image;
    struct buf bytes = {0};
    struct ask *a = about(from->b, WRITER_IMAGE, event);
    a->req.image = &bytes;
    asked(a, BOX_OK);
    assert_int_equal(image_decode(bytes.data, bytes.size, lend_layout, to->b, &image), 0);
    buf_done(&bytes);
    struct inventory *inv = inventory_new(&image, &to->b->rng);
    image_done(&image);
    return inv;
}

static inline void begin_to_follow(struct server *from, struct server *to, unsigned event)
{
    hear_of(to->b, from->b);
    adopt(to, event, carried(from, to, event), false, BOX_OK);
}

/* Tell @to of the change that was sent as @n-th. */
static inline int follow_one(struct server *from, struct server *to, size_t n)
{
    const struct sent *sent = &from->sent[n];
    struct ask *a = ask_new(to->b, WRITER_FOLLOW);
    a->req.event_id = sent->event;
    assert_int_equal(change_decode(sent->bytes.data, sent->bytes.size, &a->arena, &a->req.changes), 0);
    submit(a);
    settle(to->b);
    assert_true(a->answered);
    event_unref(a->req.changes->event);
    return a->req.code;
}

/* All that @from decided since the last time. */
static inline void follow_all(struct town *t, struct server *from, struct server *to)
{
    size_t *at = &from->read[to - t->servers];
    for (; *at < from->sent_count; ++*at)
        assert_int_equal(follow_one(from, to, *at), BOX_OK);
}

/* Both show the same, to the byte. */
static inline void check_same(struct server *x, struct server *y, unsigned event)
{
    struct buf one = {0}, other = {0};
    inventory_check(inventory_at(x->b, event));
    inventory_check(inventory_at(y->b, event));
    image_encode(inventory_at(x->b, event), &one);
    image_encode(inventory_at(y->b, event), &other);
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.data, other.data, one.size);
    buf_done(&one);
    buf_done(&other);
}

#endif
