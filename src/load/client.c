#include "load/client.h"
#include "base/must.h"
#include "base/params.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client_conn {
    struct conn conn;
    struct client *client;
    struct request *request; /* under way, or NULL */
};

enum { PATROL_MS = 250 };

void kind_add(struct kind *k, const struct reply *reply, int64_t latency_ns)
{
    if (reply->error != WIRE_OK) {
        k->errors[reply->error]++;
        return;
    }
    must(reply->status < STATUS_END);
    k->statuses[reply->status]++;
    histogram_add(&k->latency, latency_ns);
}

uint64_t kind_answered(const struct kind *k)
{
    return k->latency.total;
}

uint64_t kind_errors(const struct kind *k)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < WIRE_ERRORS; i++)
        sum += k->errors[i];
    return sum;
}

static void finish(struct client *c, struct request *r, const struct reply *reply)
{
    int64_t now = now_ns();
    r->latency_ns = now > r->due_ns ? now - r->due_ns : 0;
    must(r->kind < c->kind_count);
    if (r->due_ns >= c->from_ns && r->due_ns < c->until_ns) {
        kind_add(&c->kinds[r->kind], reply, r->latency_ns);
        if (reply->error == WIRE_OK)
            histogram_add(&c->all, r->latency_ns);
    }
    c->finished++;
    c->failed += reply->error != WIRE_OK || reply->status >= 500;
    r->done(r, reply);
}

static void send_on(struct client_conn *cc, struct request *r)
{
    cc->request = r;
    cc->client->under_way++;
    conn_send(&cc->conn, r->text.data, r->text.size, r->keep);
}

static struct request *take_first(struct client *c, bool urgent)
{
    struct line *line = &c->lines[urgent];
    struct request *r = line->first;
    if (!r)
        return NULL;
    line->first = r->next;
    if (!line->first)
        line->last = NULL;
    c->waiting--;
    return r;
}

/* Who may have a connection that is idle now, beside the others that are. */
static struct request *take_next(struct client *c)
{
    struct request *r = take_first(c, true);
    return r || c->idle_count < c->reserved ? r : take_first(c, false);
}

static void answered(struct conn *conn, const struct reply *reply)
{
    struct client_conn *cc = (struct client_conn *)conn;
    struct client *c = cc->client;
    struct request *r = cc->request;
    cc->request = NULL;
    c->under_way--;
    /* The reply lies in this connection, which stays untouched until done() has read it. */
    finish(c, r, reply);
    struct request *next = take_next(c);
    if (next)
        send_on(cc, next);
    else
        c->idle[c->idle_count++] = cc;
}

static void give_up(struct client *c, bool urgent, enum wire_error error)
{
    const struct reply none = {.error = error, .body = ""};
    finish(c, take_first(c, urgent), &none);
}

static void look_for_timeouts(struct timer *t)
{
    struct client *c = (struct client *)((char *)t - offsetof(struct client, patrol));
    int64_t now = now_ns();
    loop_set(c->loop, t, now + PATROL_MS * NS_PER_MS);
    for (unsigned i = 0; i < c->count; i++) {
        if (c->conns[i].request && now - c->conns[i].conn.sent_ns > c->timeout_ns)
            conn_abandon(&c->conns[i].conn, WIRE_TIMEOUT);
    }
    for (unsigned urgent = 0; urgent < 2; urgent++) {
        while (c->lines[urgent].first && now - c->lines[urgent].first->due_ns > c->timeout_ns)
            give_up(c, urgent, WIRE_TIMEOUT);
    }
}

void client_open(struct client *c, struct loop *loop, const struct sockaddr_in *address, const char *host,
                 unsigned connections, unsigned reserved, int64_t timeout_ns, const char *const *kind_names)
{
    *c = (struct client){.loop = loop,
                         .address = *address,
                         .timeout_ns = timeout_ns,
                         .count = connections + reserved,
                         .reserved = reserved};
    snprintf(c->host, sizeof c->host, "%s", host);
    while (kind_names[c->kind_count])
        c->kind_count++;
    c->kinds = calloc(c->kind_count, sizeof *c->kinds);
    c->conns = calloc(c->count, sizeof *c->conns);
    c->idle = calloc(c->count, sizeof(struct client_conn *));
    must(c->kinds && c->conns && c->idle && connections > 0);
    for (unsigned i = 0; i < c->kind_count; i++)
        c->kinds[i].name = kind_names[i];
    for (unsigned i = 0; i < c->count; i++) {
        conn_init(&c->conns[i].conn, loop, &c->address, answered);
        c->conns[i].client = c;
        c->idle[c->idle_count++] = &c->conns[i];
    }
    c->patrol.due = look_for_timeouts;
    loop_set(loop, &c->patrol, now_ns() + PATROL_MS * NS_PER_MS);
}

void client_close(struct client *c)
{
    loop_unset(c->loop, &c->patrol);
    for (unsigned i = 0; i < c->count; i++)
        conn_done(&c->conns[i].conn);
    free(c->conns);
    free(c->idle);
    free(c->kinds);
}

void client_send(struct client *c, struct request *r)
{
    r->next = NULL;
    if (c->idle_count > (r->urgent ? 0 : c->reserved)) {
        send_on(c->idle[--c->idle_count], r);
        return;
    }
    /* done() of one that finds the line full runs from here; it is the only way to say so at once. */
    if (c->waiting >= LIMIT_BENCH_WAITING) {
        const struct reply unsent = {.error = WIRE_UNSENT, .body = ""};
        finish(c, r, &unsent);
        return;
    }
    struct line *line = &c->lines[r->urgent];
    if (line->last)
        line->last->next = r;
    else
        line->first = r;
    line->last = r;
    c->waiting++;
}

void client_drop_line(struct client *c)
{
    for (unsigned urgent = 0; urgent < 2; urgent++) {
        while (c->lines[urgent].first)
            give_up(c, urgent, WIRE_UNSENT);
    }
}

bool client_is_quiet(const struct client *c)
{
    return c->waiting == 0 && c->under_way == 0;
}
