/*
 * Who is decided next: fair between events.
 *
 * Each event has a lane of its own, and so has all that belongs to no event (claims, new events). The lanes
 * that have somebody in them form a ring. A lane's turn is TURN requests; then the next lane has its turn,
 * and the first goes to the back of the ring. So an event that a crowd wants costs the others at most one
 * turn of each crowded event, however long its lane is, and where there is only one lane it is simply a
 * queue. Within a lane the order is that of arrival.
 *
 * The second bound is at the entrance (writer.c): the new holds of one event take at most
 * LIMIT_WRITER_EVENT_QUEUE of the LIMIT_WRITER_QUEUE places, and those of all leave LIMIT_WRITER_RESERVE
 * free.
 */
#include "writer/writer_internal.h"
#include <utlist.h>

enum { TURN = 64 };

static void enter_ring(struct writer *w, struct lane *l)
{
    if (l->in_ring || !l->requests.first)
        return;
    l->in_ring = true;
    l->left = TURN;
    DL_APPEND(w->ring, l);
}

static void leave_ring(struct writer *w, struct lane *l)
{
    if (!l->in_ring)
        return;
    DL_DELETE(w->ring, l);
    l->in_ring = false;
}

static struct lane *lane_of(struct writer *w, const struct writer_req *req)
{
    bool about_one = req->op != WRITER_CLAIM && req->op != WRITER_RELEASE && req->op != WRITER_CREATE_EVENT;
    struct entry *e = about_one ? entry_find(w, &req->event_id) : NULL;
    return e ? &e->lane : &w->general;
}

void queue_add(struct writer *w, struct writer_req *req)
{
    struct lane *l = lane_of(w, req);
    list_push(&l->requests, req);
    enter_ring(w, l);
}

void queue_again(struct writer *w, struct req_list *list)
{
    if (!list->first)
        return;
    struct lane *l = lane_of(w, list->first);
    list_prepend(&l->requests, list);
    enter_ring(w, l);
}

void queue_forget(struct writer *w, struct entry *e)
{
    leave_ring(w, &e->lane);
    list_prepend(&w->general.requests, &e->lane.requests);
    list_prepend(&w->general.requests, &e->waiting);
    enter_ring(w, &w->general);
}

struct writer_req *queue_next(struct writer *w)
{
    struct lane *l = w->ring;
    if (!l)
        return NULL;
    struct writer_req *req = list_pop(&l->requests);
    must(req);
    if (!l->requests.first) {
        leave_ring(w, l);
    } else if (--l->left == 0) {
        leave_ring(w, l);
        enter_ring(w, l);
    }
    return req;
}
