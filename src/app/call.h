/*
 * Call: one request on its way through the app.
 *
 * A use case is a chain of small steps. A step runs on the call's loop, on a worker (anything that blocks) or
 * on the writer, and each hop comes back to the loop:
 *
 *     app_on_worker(call, work, then)    work(call) on a worker, then then(call) on the loop
 *     app_on_writer(call, then)          call->req through the writer, then then(call) on the loop
 *     app_done(call, code)               the end: done(call) with call->code
 *
 * A hop that cannot begin (full queue, stopping) goes on with then(call) at once and the reason in
 * call->code, so a step looks at call->code and at nothing else. done() runs exactly once, on the loop; when
 * no hop was needed it runs inside the use case's function.
 *
 * Idempotency: the writer looks the key up before it decides. A refusal that the app decides by itself (no
 * such event, an order that is finished) goes through app_refuse(), which looks the key up on a worker first,
 * so that a repeat gets its first answer whatever happened since.
 */
#ifndef APP_CALL_H
#define APP_CALL_H

#include "app/access.h"
#include "app/app.h"
#include <stdbool.h>
#include <stdint.h>

struct app_call;
typedef void app_step(struct app_call *call);

struct app_call {
    /* set by the caller; all is lent until done() */
    struct app *app;
    struct arena *arena;
    struct mailbox *reply_to; /* of the loop that made the call */
    struct credential who;
    const struct idem_key *idem; /* or NULL */
    /* Fill http_status, location and body of the answer of a write that was accepted, from what stands under
       "result" (memory from the arena). Thread: the writer's, a worker or the loop; must not block. */
    void (*render)(struct app_call *call, struct idem_record *ret_answer);
    app_step *done;

    /* the result, for render() and done() */
    int code;
    bool replayed;                    /* answer is that of an earlier request with the same key */
    const struct idem_record *answer; /* a write that was accepted */
    struct snapshot *event;           /* the event that it is about, or NULL; released by app_call_end() */
    uint64_t seq;                     /* Change-Seq, or 0 */
    int64_t now_ms;                   /* when the result was decided or read */
    const struct hold *hold;          /* with lines */
    const struct order *order;        /* with lines, */
    struct personal personal;         /* and what belongs to its buyer */
    const struct event *event_now;    /* a write on the event: the version after it, */
    uint32_t counts[SEAT_STATUSES];   /* and its seats; counted in too: changes of the same command */
    const char *const *price_types;   /* names of the lines' price types */
    uint32_t price_type_count;
    struct layout *layout; /* a venue; released by app_call_end() */
    const char *token;     /* a session */
    struct session_id session;
    int64_t expires_ms;

    /* the steps' */
    struct writer_req req; /* its verdict has what a refusal tells */
    struct task task;
    app_step *work, *then;
    struct idem_record kept;
    struct idem_record *found;
    int failure;
    void *plan; /* struct app_venue_plan, app_event_plan or app_list */
    const char *payment_reference;
    struct hold_id hold_id;
    struct order_id order_id;
};

/* A zeroed call gets its parts. Then set who, idem, render and done. */
void app_call_init(struct app_call *call, struct app *app, struct arena *arena, struct mailbox *reply_to);
/* Release what the result refers to. After done(). */
void app_call_end(struct app_call *call);

/* Find the event that the call is about, for @call->who's eyes. Returns 0 (call->event is set) or
 * BOX_ENOTFOUND. */
int app_find_event(struct app_call *call, const struct event_id *id);
/* The event that a hold's or order's id belongs to, published or not. As app_find_event(). */
int app_find_event_of(struct app_call *call, const struct uuid *id);

/* See above. Thread: the call's loop. */
void app_on_worker(struct app_call *call, app_step *work, app_step *then);
void app_on_writer(struct app_call *call, app_step *then);
void app_done(struct app_call *call, int code);
void app_refuse(struct app_call *call, int code);
/* Refuse because of a state: what `current` says. @code: BOX_EHOLDSTATE, BOX_EORDERSTATE or BOX_EEVENTSTATE.
 */
void app_refuse_state(struct app_call *call, int code, const char *current);
/* The end of a write that the writer answered: done() with its answer or refusal. An app_step for
 * app_on_writer(). */
void app_written(struct app_call *call);
/* The end of a write whose result was found in the store: it is rendered, and done() runs. */
void app_answer(struct app_call *call);

/* Prepare call->req for a command on call->event. The caller sets what the kind needs; then app_on_writer().
 */
struct command *app_command(struct app_call *call, enum command_kind kind);

#endif
