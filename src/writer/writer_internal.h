/*
 * Private to writer/: what the writer's thread keeps, and the steps that the files share.
 *
 * A request is in exactly one place at a time: in the mailbox, in a lane of the queue, in an event's waiting
 * list (the event is busy or full, or the open group has changed its seats), with its key (while the store
 * looks it up), among the waiters of a key, or in a part of a batch (decided, waits for the disk). From each
 * of them it goes on to another or is answered.
 *
 *     mailbox -> queue -> decided -> part of a batch -> answered
 *                  ^  \-> waits for its event or key -/ (back to the front of the queue)
 */
#ifndef WRITER_INTERNAL_H
#define WRITER_INTERNAL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/must.h"
#include "base/params.h"
#include "writer/writer.h"
#include <pthread.h>
#include <stdatomic.h>

#define uthash_fatal(msg) must(!(msg)) /* out of memory ends the program */
#include <uthash.h>

/* Requests by next, oldest first. */
struct req_list {
    struct writer_req *first, *last;
};

/* Those who wait to be decided about one event (or about none), oldest first. */
struct lane {
    struct req_list requests;
    struct lane *prev, *next; /* in the ring (utlist) */
    bool in_ring;
    unsigned left; /* of its turn */
};

/* A key under way: owned by a request that is being decided or made durable, or claimed by a worker's job. */
struct flight {
    UT_hash_handle hh;         /* by lookup.key */
    struct req_list waiters;   /* duplicates that want the owner's answer */
    struct writer_req *asking; /* the owner, while the store looks the key up */
    struct idem_lookup lookup;
    struct task looked_up; /* to the writer's mailbox, when the store answers later */
    bool looked_up_inline; /* it answered inside store_idem_lookup() */
    bool claimed;
    bool is_new;        /* the store did not know the key ... */
    uint64_t new_since; /* ... when the event had had so many inventories (0: no event) */
};

/* A slug that is in use or promised. */
struct slug {
    UT_hash_handle hh;
    bool claimed; /* no event has it yet */
    char text[];
};

/* Who decides about an event. In a store that is not shared: always this writer. */
enum entry_role {
    ROLE_HOME,     /* this writer */
    ROLE_FOLLOWED, /* another, whose changes come by FOLLOW */
    ROLE_LOST,     /* perhaps another; the inventory is void (what is shown is not). It waits for ADOPT */
};

/* One event. */
struct entry {
    UT_hash_handle hh;
    uint64_t tag;
    struct event_id id;
    struct inventory *inv;
    uint64_t inventories; /* how many it has had: what was found out before the newest may be out of date */
    enum entry_role role;
    bool shown;          /* the observer knows it: its creation is durable */
    uint64_t shown_seq;  /* ... in this state */
    int64_t doubt_us;    /* not 0: a group that was decided not earlier is durable, or not */
    bool busy;           /* a commit of it is under way: nothing may be decided */
    bool full;           /* its part of the open batch takes no more */
    bool listed;         /* while all are loaded again: the store has it */
    uint32_t live_holds; /* as counted in the gauge; 0 where it is decided elsewhere */
    struct part *part;   /* its part of the open batch, or NULL */
    struct lane lane;
    struct req_list waiting; /* decided again when nothing of it is under way */
};

/* What one event has in a batch. Memory: the batch's arena. */
struct part {
    struct part *next;
    struct entry *entry;
    uint64_t follows_seq;
    struct change *first, *last;
    uint32_t change_count;
    uint64_t seat_count;      /* in all changes */
    struct req_list requests; /* answered when it is durable: accepted ones, and refusals that rest on it */
};

/* A group of changes on its way to the store. */
struct batch {
    struct commit commit;
    struct task completed; /* to the writer's mailbox, when the store completes later */
    bool done_inline;      /* the store completed inside store_commit() */
    struct writer *writer;
    struct batch *next_batch; /* of all there are */
    bool in_use;
    struct arena arena;
    struct part *first_part, *last_part;
    size_t part_count;
    int64_t decided_us; /* no change of it has an earlier time (shared stores) */
    int64_t begun_us;   /* monotonic */
};

/* Up to when everything is told (stable.c). */
struct stable {
    pthread_mutex_t mtx;
    /* under mtx */
    int64_t told_us;   /* promised: never goes back */
    int64_t oldest_us; /* the earliest time of a change that is being decided or not told; INT64_MAX: none */
};

enum { HOLD_COUNTERS = 1024 };

struct writer {
    /* immutable after writer_new() */
    struct store *store;
    const struct clock *clock;
    struct rng *rng;
    struct writer_observer observer;
    struct layout *(*layout_of)(void *ctx, const struct venue_id *venue);
    void *layout_ctx;
    size_t queue_limit, reserve, event_limit;
    bool shared;          /* the store is: see Homes */
    uint32_t group_seats; /* the store's wish */
    int64_t expiry_delay_us;

    /* any thread */
    struct stable stable;
    struct mailbox mailbox;
    atomic_size_t pending; /* submitted and not yet answered */
    /* ... of these, new holds by event: counted by the tag's last bits, so that two events seldom share one
     */
    atomic_uint holds_of[HOLD_COUNTERS];
    _Atomic int64_t trust_until_us; /* monotonic: see writer_trust() */
    atomic_bool stopping;
    atomic_bool ready;
    struct task stop; /* wakes the writer once */

    /* the writer's thread */
    struct lane general; /* what is about no event that there is */
    struct lane *ring;   /* the lanes that somebody is in: whose turn is next */
    struct entry *entries;
    struct slug *slugs;
    struct flight *flights;
    struct heap deadlines; /* of the inventories that are decided here and not busy */
    bool trusted;          /* in this round; false: homes decide nothing */
    int64_t not_before_us; /* of what is decided in this round; 0: any time */
    struct budget *budget; /* follows the inventories: what they have decided counts at once */
    struct batch *batches; /* all there are */
    struct batch *open;    /* the one that is being filled */
    size_t under_way;      /* batches that the store has */
    size_t doubtful;       /* events with a group in doubt */
    bool failed;           /* an outcome is unknown: nothing is decided until all was loaded again */
    int64_t retry_us;      /* monotonic: when to try that */
};

/* ---- lists (writer.c) ---- */
void list_push(struct req_list *l, struct writer_req *req);
struct writer_req *list_pop(struct req_list *l);
/* Move all of @from, in order, to the front of @to. */
void list_prepend(struct req_list *to, struct req_list *from);

/* Give @req its answer; if it owns a key and this is not success, its duplicates are decided anew. */
void writer_answer(struct writer *w, struct writer_req *req, int code);

/* ---- who is next (queue.c) ---- */

/* The back of its event's lane. */
void queue_add(struct writer *w, struct writer_req *req);
/* The front of it, in order: requests of one event that were taken from the queue before. @list is then
 * empty. */
void queue_again(struct writer *w, struct req_list *list);
/* Take the next out of the queue; NULL: nobody waits. */
struct writer_req *queue_next(struct writer *w);
/* The event is no more: what waits for it goes to the general lane. */
void queue_forget(struct writer *w, struct entry *e);

/* ---- deciding (decide.c) ---- */

/* Decide the command of a request: it is then answered, or waits in one of the lists or in the open batch. */
void decide_request(struct writer *w, struct writer_req *req, int64_t now_us);
/* End holds whose time has come, at most a round's share. Returns how many. */
size_t decide_expiries(struct writer *w, int64_t now_us);
/* The store has failed: answer a request without deciding anything. */
void decide_nothing(struct writer *w, struct writer_req *req);

/* ---- the open batch and its commit (group.c) ---- */

/* Take the changes of @verdict, which @req (NULL: the system) made, into the open batch. An event is full
 * once it has as many seats in it as the store likes: then nothing more is decided about it in this group. */
void group_accept(struct writer *w, struct entry *e, const struct verdict *verdict, struct writer_req *req);
/* Answer the refusal @code when the open batch is durable, on which it rests. */
void group_refuse(struct entry *e, struct writer_req *req, int code);
/* The open batch's memory. */
struct arena *group_arena(struct writer *w);
/* Give the open batch to the store, unless it is empty. */
void group_commit(struct writer *w);
/* Free every batch. */
void group_free_all(struct writer *w);

/* ---- keys (idem.c) ---- */

/* Make @req the owner of its key. Returns false when another has it: @req then waits for that one's answer.
 */
bool idem_enter(struct writer *w, struct writer_req *req);
/* The claimed key, or NULL. */
struct flight *idem_claimed(struct writer *w, const struct idem_key *key);
/*
 * Is it certain that the key of @req, which owns it, was never used for @e (NULL: no event)? If false, @req
 * was answered, because the store knows the key or cannot tell, or it comes again when the store has said so.
 */
bool idem_is_new(struct writer *w, struct writer_req *req, const struct entry *e, int64_t now_us);
/* End a key under way: its first answer is durable (or NULL: there is none, duplicates are decided anew). */
void idem_settle(struct writer *w, struct flight *f, const struct idem_record *answer);
/* Answer those who wait for a claimed key with @code. */
void idem_refuse_claims(struct writer *w, int code);
void idem_free_all(struct writer *w);

/* ---- events and slugs (events.c) ---- */

/* NULL if there is none. */
struct entry *entry_find(const struct writer *w, const struct event_id *id);
/* The event that has this tag; tags are unique. */
struct entry *entry_find_tag(const struct writer *w, uint64_t tag);
/* Takes over @inv. */
struct entry *entry_add(struct writer *w, const struct event_id *id, struct inventory *inv);
/* Put another inventory in its place; NULL: none, until the next call. */
void entry_replace(struct writer *w, struct entry *e, struct inventory *inv);
/* Forget an event; requests that wait for it go back to the queue. */
void entry_drop(struct writer *w, struct entry *e);
/* Show the state of its inventory, as a whole, and go on. */
void entry_show(struct writer *w, struct entry *e);
/* Show it no more, and forget it. */
void entry_forget(struct writer *w, struct entry *e);
/* Put it into the heap by its next deadline, or out of it; and count its live holds. What is decided
 * elsewhere has neither. */
void entry_set_deadline(struct writer *w, struct entry *e);
/* Its requests go back to the queue, its deadlines count again. */
void entry_idle(struct writer *w, struct entry *e);

/* NULL: free. */
struct slug *slug_find(const struct writer *w, const char *text);
/* The slug becomes an event's. */
void slug_own(struct writer *w, const char *text);
/* Returns false if it is in use or promised. */
bool slug_claim(struct writer *w, const char *text);
/* End a claim; a slug that an event has is left alone. */
void slug_unclaim(struct writer *w, const char *text);
void slug_drop(struct writer *w, const char *text);

/* ---- whose event it is (homes.c; shared stores only) ---- */

/* ADOPT, RESIGN, FOLLOW, FORGET, IMAGE. */
void decide_home(struct writer *w, struct writer_req *req);
/* A part of a batch decided at @decided_us that the store did not make durable, because of @result: its event
 * is lost, its requests are told. */
void part_void(struct writer *w, struct part *p, int result, int64_t decided_us);

/* ---- what is told up to when (stable.c; shared stores only) ---- */
void stable_init(struct stable *s);
void stable_done(struct stable *s);
/* Decisions are made at @now_us. Returns the time that their changes must have at least. */
int64_t stable_begin(struct stable *s, int64_t now_us);
/* They are made. @oldest_us: no change that is not told yet has an earlier time; INT64_MAX: all is told. */
void stable_end(struct stable *s, int64_t oldest_us);
/* Promise that all before @now_us is told, or as much as can be. Returns up to when. Thread: any. */
int64_t stable_promise(struct stable *s, int64_t now_us);

/* ---- a failed store (recover.c; never a shared one) ---- */

/* Requests are decided from now on, or are not. */
void writer_set_ready(struct writer *w, bool ready);

/* Refuse everything from now on, until recover() succeeds. */
void recover_begin(struct writer *w, int code);
/* If it is time: open the store again and load everything. Returns true if it was tried. */
bool recover(struct writer *w);
/* Load one event anew after it was fenced. Returns 0, BOX_ENOTFOUND (it is gone, @e is freed) or the store's
 * error. */
int recover_event(struct writer *w, struct entry *e);

#endif
