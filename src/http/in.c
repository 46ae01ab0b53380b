/*
 * The bytes that came in and are not used yet. A connection has memory for them only while there are any, or
 * a request is under way whose head lies in it: a buffer of SMALL bytes from the loop's spare ones, and
 * another of BIG bytes for the few heads that do not fit.
 *
 * The head of a request begins at start, which is moved to the buffer's beginning when more room is needed.
 * Once the head is complete nothing before its end moves until the request is over, because its texts are
 * used where they are. A chunked body passes through the room behind it, so no head may reach into the last
 * HTTP_IN_WINDOW bytes, neither when it is read nor when it is found behind another request's body.
 */
#include "base/must.h"
#include "base/params.h"
#include "http/internal.h"
#include <stdlib.h>
#include <string.h>

enum {
    SMALL = 4096,
    BIG = LIMIT_HEADER_BYTES + HTTP_IN_WINDOW,
    SPARE = 1024, /* kept for reuse in each loop */
};

/* One that nobody uses, in its own memory. */
struct http_spare_in {
    struct http_spare_in *next;
};

static char *get_small(struct http_loop *l)
{
    struct http_spare_in *spare = l->spare_in;
    if (spare) {
        l->spare_in = spare->next;
        l->spare_in_count--;
        return (char *)spare;
    }
    char *data = malloc(SMALL);
    must(data); /* out of memory ends the program */
    return data;
}

static void put(struct http_loop *l, char *data, unsigned room)
{
    if (room != SMALL || l->spare_in_count == SPARE) {
        free(data);
        return;
    }
    struct http_spare_in *spare = (struct http_spare_in *)(void *)data;
    spare->next = l->spare_in;
    l->spare_in = spare;
    l->spare_in_count++;
}

void http_in_free_spare(struct http_loop *l)
{
    while (l->spare_in) {
        struct http_spare_in *spare = l->spare_in;
        l->spare_in = spare->next;
        free(spare);
    }
}

void http_in_done(struct http_conn *c)
{
    if (c->in.data)
        put(c->loop, c->in.data, c->in.room);
    c->in = (struct http_in){.data = NULL};
}

void http_in_rest(struct http_conn *c)
{
    if (c->in.start == c->in.end)
        http_in_done(c);
}

/* Put what is there to the beginning, of a bigger buffer if that is not enough. False: there is none bigger.
 */
static bool make_room(struct http_conn *c)
{
    struct http_in *in = &c->in;
    unsigned size = in->end - in->start;
    bool is_enough = size < in->room - HTTP_IN_WINDOW, grows = !is_enough && in->room == SMALL;
    char *to = grows ? malloc(BIG) : in->data;
    must(to); /* out of memory ends the program */
    memmove(to, in->data + in->start, size);
    if (grows) {
        put(c->loop, in->data, in->room);
        in->data = to;
        in->room = BIG;
    }
    in->start = 0;
    in->end = size;
    return is_enough || grows;
}

/* Read into the room up to @until. */
static int fill(struct http_conn *c, unsigned until)
{
    struct http_in *in = &c->in;
    must(in->end < until && until <= in->room);
    ssize_t got = http_conn_recv(c, in->data + in->end, until - in->end);
    if (got > 0)
        in->end += (unsigned)got;
    return got < 0 ? -1 : got > 0;
}

unsigned http_in_head_size(struct http_conn *c)
{
    struct http_in *in = &c->in;
    if (in->end > in->room - HTTP_IN_WINDOW)
        make_room(c);
    unsigned end = in->room - HTTP_IN_WINDOW;
    return (in->end < end ? in->end : end) - in->start;
}

int http_in_fill_head(struct http_conn *c)
{
    struct http_in *in = &c->in;
    if (!in->data)
        *in = (struct http_in){.data = get_small(c->loop), .room = SMALL};
    if (in->end >= in->room - HTTP_IN_WINDOW && !make_room(c))
        return -2;
    return fill(c, in->room - HTTP_IN_WINDOW);
}

int http_in_fill_body(struct http_conn *c, unsigned floor)
{
    struct http_in *in = &c->in;
    must(in->data && in->start >= floor && floor + HTTP_IN_WINDOW <= in->room);
    if (in->end == in->room || in->start == in->end) {
        unsigned size = in->end - in->start;
        memmove(in->data + floor, in->data + in->start, size);
        in->start = floor;
        in->end = floor + size;
    }
    return in->end == in->room ? -2 : fill(c, in->room);
}
