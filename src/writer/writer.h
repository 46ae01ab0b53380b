/*
 * Writer: the one thread that decides. It takes all waiting requests, decides each on its event's inventory,
 * commits what was accepted as one group, publishes it to the view, and then answers.
 *
 *     take -> decide -> commit (one sync for all events) -> publish -> answer
 *
 * Group commit needs no timer: while one commit is under way requests pile up, and the next group takes them
 * all; a single request is committed at once. Order: durable before visible, visible before answered.
 *
 *   - Requests are taken in turns, event by event (queue.c): a crowd at one event holds up no other.
 *   - A refusal that rests only on durable state is answered at once, without the disk; one that rests on
 *     the open group is answered after that group.
 *   - BOX_EDEFER: the request is decided again, first, in the next group.
 *   - A deadline that has passed is a command of the system, decided like any other and before the requests
 *     of the round, so that an expiry waits for nobody.
 *   - BOX_EUNKNOWN from the store: those requests get BOX_EUNKNOWN; the writer refuses everything
 *     (BOX_EUNAVAILABLE) while it tries store_reopen() (at once, then every second); then it loads every
 *     inventory again, tells the observer, and goes on. BOX_EFENCED: the event is loaded again, the requests
 *     are decided again.
 *
 * Idempotency: a request with a key that is under way makes a second one wait for its answer; a key that the
 * store knows is answered from there (replay); the same key with another body gets BOX_EIDEMREUSED. Only
 * accepted requests are kept: render() is called on the writer's thread after the decision and before the
 * commit, so that the answer is durable with the change. A waiting duplicate of a refused request is decided
 * anew.
 *
 * Budget (budget.h): a session that asks for more seats than it, or its network, may hold at once gets
 * BOX_EHOLDBUDGET.
 *   - The writer counts, because here a hundred requests that come together stand in a row; what the open
 *     group has changed counts at once.
 *   - The inventory refuses, last of all its rules: a request that has another fault is told that one, as
 *     ever, and learns nothing new. A replay is a replay.
 *   - The refusal may rest on holds of other events that are not durable yet, and does not wait for them: it
 *     says nothing about any seat, and should they come to nothing, those who wanted them are told.
 *   - An API key is not bound: a counter sells to a queue of people. But what it holds for a session counts
 * as that session's, so that the count is the same after a restart, when nobody knows who began a hold.
 *
 * Homes (a store that is shared, store_shared(); homes.c): the writer decides about the events that it is
 * home of, and only shows what is decided about the others. Which those are is told to it
 * (cluster/cluster.h):
 *
 *     ADOPT home    the inventory comes from store_take_event(): from now on it is decided here
 *     ADOPT other   the inventory comes from another server (image_code.h): it is shown, and FOLLOW
 *                   keeps it current
 *     RESIGN        a home stops to be one, when nothing of the event is under way any more
 *
 *   - A command on an event whose home is not here gets BOX_ENOTHOME: certainly not done.
 *   - BOX_EFENCED: somebody else has become home. The requests of the part get BOX_ENOTHOME, what the
 *     inventory decided is void, and observer.lost() says that the event needs to be adopted anew. So it
 *     is with an event that is just being created.
 *   - BOX_EUNKNOWN, BOX_EUNAVAILABLE: the requests are told so, then the same. Only the one event is
 *     concerned, the writer goes on.
 *   - A home that was asleep may have a successor that it has not heard of. Its commits are refused by the
 *     store, but a refusal needs no commit: so it decides nothing at all after writer_trust()'s time is over.
 *   - An event that is lost is shown as it was last, until it is adopted.
 *   - A former home that has not heard that it is one refuses by what it remembers, as refusals cost no
 *     look into the store: it may say SEATSTAKEN of a seat that is free again, or ENOTLIVE of a hold that
 *     began elsewhere (whoever looks that up in the store sees it). What it accepts never happens.
 *   - A hold is expired options.expiry_delay_us after its deadline: the clock of the home that took it may
 *     have been behind this one. The deadlines of other servers' events are theirs.
 *   - An open part takes no more commands once it has changed store_group_seats() seats: they are decided
 *     in the next group. One command alone may exceed it.
 *   - Times that are written are later than everything that writer_stable_us() has promised (stable.c).
 *
 * Work that is too big for a group (creating an event, a venue) is done by a worker between a CLAIM of its
 * idempotency key and slug and the CREATE_EVENT or RELEASE that ends the claim.
 */
#ifndef WRITER_WRITER_H
#define WRITER_WRITER_H

#include "base/clock.h"
#include "base/task.h"
#include "inventory/inventory.h"
#include "store/store.h"
#include "writer/budget.h"
#include <stdbool.h>

struct writer;

enum writer_op {
    WRITER_COMMAND, /* decide req->command on req->event_id */
    WRITER_CLAIM,   /* reserve req->idem and req->slug (either may be NULL) until RELEASE or CREATE_EVENT */
    WRITER_RELEASE, /* end the claim of req->idem and req->slug; req->answer (or NULL) is what waiters get */
    /* Of a shared store only; never refused for want of room. */
    WRITER_ADOPT,  /* show req->inventory and, if req->home, decide about it from now on. BOX_ERANGE (older
                      than what is shown), BOX_EEXISTS (the writer is home already), BOX_ENOTFOUND (a deleted
                      event), BOX_EUNAVAILABLE (another event has its tag) */
    WRITER_RESIGN, /* be no longer home of req->event_id; FOLLOW may go on from what is shown. observer.lost()
                      is not called. BOX_ENOTHOME if it was not, or is lost meanwhile; BOX_ENOTFOUND */
    WRITER_FOLLOW, /* req->changes, by next, of another's event: applied and shown. Those that are not news
                      are passed over. BOX_ERANGE (one is missing), BOX_ENOTFOUND (not adopted, or lost),
                      BOX_EEXISTS (home is here), BOX_ECORRUPT (one does not fit; the event is then lost,
                      observer.lost() is not called): nothing was shown, ask for the image */
    WRITER_FORGET, /* another's event that was deleted, or never was: show it no more. BOX_EEXISTS (home is
                      here) */
    WRITER_IMAGE,  /* append the state of req->event_id to req->image, as durable as everything that is shown.
                      BOX_ENOTHOME, BOX_ENOTFOUND */
    WRITER_CREATE_EVENT, /* commit CHANGE_EVENT_CREATED of req->new_event (its tickets are in the store); the
                            claim of its slug and of req->idem ends, whatever the answer */
};

struct idem_key {
    struct digest key, request;
};

struct writer_req {
    /* set by the submitter; all pointers are lent until done() runs */
    enum writer_op op;
    struct event_id event_id;
    struct command command;           /* COMMAND; its actor also for CREATE_EVENT */
    const struct idem_key *idem;      /* or NULL */
    const char *slug;                 /* CLAIM, RELEASE, CREATE_EVENT */
    const struct event *new_event;    /* CREATE_EVENT */
    const struct layout *new_layout;  /* CREATE_EVENT */
    const struct idem_record *answer; /* RELEASE */
    const struct personal *personal; /* stored beside the order that the command makes or confirms; or NULL */
    struct inventory *inventory;     /* ADOPT: taken over, whatever the answer; NULL afterwards */
    bool home;                       /* ADOPT */
    struct change *changes;          /* FOLLOW: their references to events stay the submitter's */
    struct buf *image;               /* IMAGE */
    const struct address *client;    /* the network it came from, for a session's budget; or NULL */
    struct arena *arena;             /* where the verdict's parts go, and a replay: the request's own */
    /*
     * Accepted, with a key: fill http_status, change_seq, location, body of the answer to keep (from
     * req->verdict; memory from req->arena). Thread: the writer's; must be quick and must not block.
     */
    void (*render)(struct writer_req *req, struct idem_record *ret_answer);
    /*
     * done() runs as a task on the thread that takes this mailbox, exactly once, never from inside
     * writer_submit(). The mailbox must outlive the writer's thread, which may still be inside mailbox_post()
     * when done() runs.
     */
    struct mailbox *reply_to;
    void (*done)(struct writer_req *req);

    /* the result, for done() */
    int code; /* BOX_OK, a refusal of inventory_decide(), BOX_ENOTFOUND (no such event), BOX_EIDEMREUSED,
                 BOX_ESLUGTAKEN, BOX_EUNKNOWN, BOX_EUNAVAILABLE, BOX_ENOTHOME, BOX_ESHUTDOWN; of ADOPT and
                 those that follow it see there */
    struct verdict verdict;     /* COMMAND decided, CREATE_EVENT: with the change, but change->event NULL: in
                                   render() and for the observer it is set, later read the view */
    struct budget_refusal over; /* BOX_EHOLDBUDGET */
    const struct idem_record *replay;   /* code 0: the first answer, given again; NULL: this is the first */
    const struct idem_record *rendered; /* code 0, not a replay, had a key: what render() made */

    /* the writer's */
    struct task completion; /* in the writer's mailbox, then in reply_to */
    struct writer *writer;
    struct writer_req *next; /* in one of the writer's lists */
    struct flight *flight;   /* the key that it owns */
};

/*
 * Who is told of what became durable, before anybody is answered. Thread: the writer's (writer_load: the
 * caller's). Each function may be NULL. What it is given is lent for the call.
 */
struct writer_observer {
    void *ctx;
    /* The whole state of an event: at start, after creation, after a reload, when it is adopted. */
    void (*loaded)(void *ctx, const struct inventory *inv);
    /* Changes of one event, in order; @inv is the state after them. Decided here or followed. */
    void (*changed)(void *ctx, const struct inventory *inv, const struct change *first);
    /* Deleted (after changed() with that change), not found when it was loaded again, or forgotten. */
    void (*gone)(void *ctx, const struct event_id *id);
    /* The changes that were made durable here, before changed() or loaded(): for those who follow. */
    void (*decided)(void *ctx, const struct inventory *inv, const struct change *first);
    /* Shared store: this writer is no longer home of the event, which needs ADOPT, see Homes. */
    void (*lost)(void *ctx, const struct event_id *id);
    /* The store is open again after a failure, its events are not loaded yet: what workers wrote, and were
       told that it is unknown, may be there. Returns 0, or an error: then all is tried again. */
    int (*reopened)(void *ctx);
};

struct writer_options {
    struct store *store;
    const struct clock *clock;
    struct rng *rng;
    struct writer_observer observer;
    /* The layout of a venue: a new reference or NULL. */
    struct layout *(*layout_of)(void *ctx, const struct venue_id *venue);
    void *layout_ctx;
    int64_t expiry_delay_us; /* shared store: see Homes; else 0 */
    size_t queue_limit;      /* 0: LIMIT_WRITER_QUEUE, and LIMIT_WRITER_RESERVE */
    size_t queue_reserve;    /* of these, places that new holds may not take */
    size_t event_limit;      /* new holds of one event; 0: LIMIT_WRITER_EVENT_QUEUE */
    struct budget_limits limits;
};

/* Nothing is loaded yet and no thread started; @options is copied, what it points to must outlive the writer.
 */
struct writer *writer_new(const struct writer_options *options);
/*
 * Every request must have been answered and writer_stop() have returned. (A simulated crash may leave
 * requests: they must still exist, and are forgotten.)
 */
void writer_free(struct writer *w);

/*
 * Load every event of the store, tell the observer, and expire what fell due meanwhile (durable at return).
 * On a shared store nothing: events come by ADOPT.
 * @progress (or NULL) after each event. Thread: before writer_run(). Returns 0 or the store's error.
 */
int writer_load(struct writer *w, void (*progress)(void *ctx, size_t events, uint64_t tickets), void *ctx);

/*
 * Queue one request; never blocks.
 * Thread:     any.
 * Ownership:  @req is lent until done() runs; on error it was never lent and done() never runs.
 * Durability: done with code 0: the change survives power loss. BOX_EUNKNOWN: it may have happened; the same
 *             idempotency key finds out.
 * Returns 0, BOX_EBUSY (the queue is full; for a new hold also: only the reserve is left, or its event has
 * its share: answer 503; never but for COMMAND and CLAIM) or BOX_ESHUTDOWN.
 */
int writer_submit(struct writer *w, struct writer_req *req);
/* Would a new hold of this event be refused now (and it is counted as refused)? For saying so before any work
   was done for the request. Thread: any. */
bool writer_full(struct writer *w, const struct event_id *event);

/* One round: take, decide, commit, publish, answer. Returns true if it did anything. Thread: the writer's. */
bool writer_step(struct writer *w);
/* When the next expiry is due, in us of the wall clock; INT64_MAX: none. Thread: the writer's. */
int64_t writer_next_wake_us(const struct writer *w);
/* Rounds until writer_stop(): then refuse new requests, answer all, return. Thread: the writer's. */
void writer_run(struct writer *w);
void writer_stop(struct writer *w); /* Thread: any; async-signal-safe */

/*
 * Shared store: nobody else can have become home of this writer's events before @until_us of the monotonic
 * clock. Afterwards commands on them get BOX_ENOTHOME, until a later time is given. At first there is no end.
 * Thread: any.
 */
void writer_trust(struct writer *w, int64_t until_us);

/*
 * Every change that this writer will ever make durable has a time_us later than this, or was told to
 * observer.decided() before this returned; or its event was lost, and was adopted or forgotten since. Never
 * goes back. Shared stores only. Thread: any.
 */
int64_t writer_stable_us(struct writer *w);

/* True while requests are decided (not while the store is failed or cannot be reached). Thread: any. */
bool writer_ready(const struct writer *w);
/* For tests: the inventory of an event, or NULL. Thread: the writer's. */
const struct inventory *writer_inventory(const struct writer *w, const struct event_id *id);
/* For tests: what it counts of each client. Thread: the writer's. */
const struct budget *writer_budget(const struct writer *w);

#endif
