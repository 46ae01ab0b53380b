/*
 * Forwarding: a request goes to its event's home as it is, and the answer comes back.
 *
 * What is certainly not done is tried again, with the home as it is known then: nobody is home, the home
 * cannot be reached, or it says that it is not home (it has just given the event away). What may have been
 * done is not: the client is told so, and finds out with its Idempotency-Key. Each attempt has an id of its
 * own, which the home has seen before only if a transport has repeated it (sights.h).
 */
#include "base/log.h"
#include "base/metrics.h"
#include "cluster/homes.h"
#include "cluster/internal.h"
#include <stdlib.h>
#include <string.h>

enum { AGAIN_US = 25000, LEAST_MS = 50, FIELD_BYTES = 160, FIXED_FIELDS = 3 };

/* Of an answer, what is passed on. */
static const char *const PASSED[] = {"Content-Type", "Location", "Change-Seq",    "Idempotent-Replayed",
                                     "Retry-After",  "ETag",     "Cache-Control", NULL};

struct forwarding {
    struct link_call call; /* first */
    struct timer again;
    struct cluster *c;
    struct cluster_forward *f;
    struct forwarding *prev, *next;
    struct uuid server; /* that has it now */
    bool sent;
    int64_t deadline_us;
    char url[SERVER_ADDRESS_BYTES + LIMIT_URL_BYTES + 1];
    char own[FIXED_FIELDS][FIELD_BYTES];
    const char *fields[FIXED_FIELDS + FORWARD_FIELDS + 1];
    char *texts[FORWARD_FIELDS];
};

/* ---- the end ---- */

static void run_done(struct task *t)
{
    struct cluster_forward *f = (void *)((char *)t - offsetof(struct cluster_forward, task));
    f->done(f);
}

static void give_back(struct cluster *c, struct cluster_forward *f, int code)
{
    f->code = code;
    f->task.run = run_done;
    metrics_add(code == 0              ? METRIC_CLUSTER_FORWARDED
                : code == BOX_EUNKNOWN ? METRIC_CLUSTER_FORWARD_UNKNOWN
                                       : METRIC_CLUSTER_FORWARD_FAILED,
                1);
    atomic_fetch_sub(&c->forwards, 1);
    task_post(f->reply_to, &f->task);
}

static void end(struct forwarding *w, int code)
{
    struct cluster *c = w->c;
    heap_remove(&c->timers, &w->again.item);
    if (w->prev)
        w->prev->next = w->next;
    else
        c->forwardings = w->next;
    if (w->next)
        w->next->prev = w->prev;
    for (size_t i = 0; i < w->f->field_count; i++)
        free(w->texts[i]);
    struct cluster_forward *f = w->f;
    free(w);
    give_back(c, f, code);
}

void cluster_forward_end(struct cluster_forward *f)
{
    for (size_t i = 0; i < f->reply_field_count; i++)
        free((char *)(uintptr_t)f->reply_fields[i].value);
    f->reply_field_count = 0;
    buf_done(&f->reply);
}

/* ---- attempts ---- */

/* Where the request belongs now. Returns false when nowhere is known. */
static bool find_home(struct forwarding *w, const char **ret_address)
{
    struct cluster *c = w->c;
    const struct known *k = known_find(c, &w->f->event_id);
    const struct uuid *home = k ? &k->home : homes_winner(c->roster, c->roster_count, &w->f->event_id);
    if (!home || uuid_is_nil(home))
        return false;
    const struct peer *p = peer_find(c, home);
    if (p)
        *ret_address = p->address;
    else if (uuid_equal(home, &c->server_id))
        *ret_address = c->address;
    else
        return false;
    w->server = *home;
    return true;
}

static void later(struct forwarding *w)
{
    if (w->c->draining || now_us(w->c) + AGAIN_US >= w->deadline_us)
        end(w, BOX_EUNAVAILABLE);
    else
        timer_set(w->c, &w->again, AGAIN_US);
}

static void keep_answer(struct forwarding *w)
{
    struct cluster_forward *f = w->f;
    f->status = w->call.status;
    f->reply = w->call.reply;
    w->call.reply = (struct buf){0};
    for (const char *const *name = PASSED; *name; name++) {
        const char *value = link_reply_field(&w->call, *name);
        if (!value)
            continue;
        char *copy = strdup(value);
        must(copy); /* out of memory ends the program */
        f->reply_fields[f->reply_field_count++] = (struct cluster_field){*name, copy};
    }
}

static void came_back(struct link_call *call)
{
    struct forwarding *w = (struct forwarding *)call;
    w->sent = false;
    bool not_home = call->code == 0 && link_reply_field(call, CLUSTER_NOT_HOME);
    if (call->code == 0 && !not_home)
        keep_answer(w);
    buf_done(&call->reply);
    if (call->code == BOX_EUNAVAILABLE || not_home)
        later(w);
    else
        end(w, call->code);
}

static void set_own_fields(struct forwarding *w)
{
    struct uuid request = uuid_random(w->c->options.rng);
    char text[UUID_TEXT + 1];
    snprintf(w->own[0], FIELD_BYTES, CLUSTER_SECRET ": %s", w->c->secret);
    uuid_format(&request, text);
    snprintf(w->own[1], FIELD_BYTES, CLUSTER_REQUEST_ID ": %s", text);
    uuid_format(&w->server, text);
    snprintf(w->own[2], FIELD_BYTES, CLUSTER_SERVER ": %s", text);
}

static void attempt(struct forwarding *w)
{
    const char *address;
    int64_t left_ms = (w->deadline_us - now_us(w->c)) / 1000;
    if (!find_home(w, &address) || left_ms < LEAST_MS) {
        later(w);
        return;
    }
    set_own_fields(w);
    snprintf(w->url, sizeof w->url, "%s%s", address, w->f->target);
    w->call = (struct link_call){
        .method = w->f->method,
        .url = w->url,
        .fields = w->fields,
        .body = w->f->body,
        .body_size = w->f->body_size,
        .timeout_ms = left_ms,
        .done = came_back,
    };
    w->sent = true;
    link_send(w->c->link, &w->call);
}

static void attempt_again(struct timer *t)
{
    attempt((struct forwarding *)(void *)((char *)t - offsetof(struct forwarding, again)));
}

/* ---- the beginning ---- */

static char *field_text(const struct cluster_field *field)
{
    char *text;
    must(asprintf(&text, "%s: %s", field->name, field->value) > 0); /* out of memory ends the program */
    return text;
}

static void begin(struct task *t)
{
    struct cluster_forward *f = (void *)((char *)t - offsetof(struct cluster_forward, task));
    struct cluster *c = f->own;
    struct forwarding *w = calloc(1, sizeof *w);
    must(w && f->field_count <= FORWARD_FIELDS); /* out of memory ends the program */
    w->c = c;
    w->f = f;
    w->again.run = attempt_again;
    w->deadline_us = now_us(c) + LIMIT_FORWARD_MS * INT64_C(1000);
    size_t n = 0;
    for (; n < FIXED_FIELDS; n++)
        w->fields[n] = w->own[n];
    for (size_t i = 0; i < f->field_count; i++)
        w->fields[n++] = w->texts[i] = field_text(&f->fields[i]);
    w->next = c->forwardings;
    if (w->next)
        w->next->prev = w;
    c->forwardings = w;
    attempt(w);
}

void cluster_forward(struct cluster *c, struct cluster_forward *f)
{
    f->own = c;
    f->status = 0;
    f->reply_field_count = 0;
    f->reply = (struct buf){0};
    if (atomic_fetch_add(&c->forwards, 1) >= LIMIT_FORWARDS) {
        metrics_add(METRIC_OVERLOAD_REFUSALS, 1);
        give_back(c, f, BOX_EBUSY);
        return;
    }
    f->task.run = begin;
    task_post(&c->inbox, &f->task);
}

void forward_server_died(struct cluster *c, const struct uuid *server)
{
    for (struct forwarding *w = c->forwardings, *next; w; w = next) {
        next = w->next;
        if (w->sent && uuid_equal(&w->server, server))
            link_abort(c->link, &w->call); /* what was sent is unknown, the rest goes elsewhere */
    }
}

void forward_end_all(struct cluster *c)
{
    c->draining = true;
    for (struct forwarding *w = c->forwardings, *next; w; w = next) {
        next = w->next;
        if (w->sent)
            link_abort(c->link, &w->call);
        else
            end(w, BOX_EUNAVAILABLE);
    }
}
