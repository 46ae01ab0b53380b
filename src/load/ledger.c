#include "load/ledger.h"
#include "base/must.h"
#include <stdlib.h>

void ledger_open(struct ledger *l, unsigned events)
{
    *l = (struct ledger){.event_count = events};
    l->events = calloc(events, sizeof *l->events);
    must(l->events);
}

void ledger_close(struct ledger *l)
{
    for (unsigned i = 0; i < l->event_count; i++) {
        free(l->events[i].promises);
        free(l->events[i].seqs);
    }
    free(l->events);
}

/* Room for one more element of @size. */
static void *grow(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? 2 * *room : 64;
    list = realloc(list, *room * size);
    must(list);
    return list;
}

void ledger_answer(struct ledger *l, unsigned event, const struct reply *reply)
{
    must(event < l->event_count);
    struct ledger_event *e = &l->events[event];
    if (reply->error == WIRE_UNSENT || reply->error == WIRE_CONNECT)
        return; /* it did not happen */
    /* Not answered, or in a way that leaves open whether it happened: */
    if (reply->error != WIRE_OK || reply->status >= 500) {
        e->unanswered++;
        return;
    }
    if (reply->status / 100 != 2 || !reply->change_seq)
        return;
    e->seqs = grow(e->seqs, e->seq_count, &e->seq_room, sizeof *e->seqs);
    e->seqs[e->seq_count++] = reply->change_seq;
}

size_t ledger_hold(struct ledger *l, unsigned event, struct uuid hold)
{
    must(event < l->event_count);
    struct ledger_event *e = &l->events[event];
    e->promises = grow(e->promises, e->promise_count, &e->promise_room, sizeof *e->promises);
    e->promises[e->promise_count] = (struct promise){.hold = hold, .state = PROMISE_HELD};
    return e->promise_count++;
}

struct promise *ledger_promise(struct ledger *l, unsigned event, size_t index)
{
    must(event < l->event_count && index < l->events[event].promise_count);
    return &l->events[event].promises[index];
}
