/*
 * Sending answers: the head that every answer begins with, and what the socket does not take at once.
 *
 * A head is put together in a buffer of the loop's, and goes out with the body in one sendmsg(); a body that
 * lies in a file (bytes.c) follows its head by sendfile(). Only where
 * the socket takes less is anything kept: a copy of the rest of the head, and the body itself, of which the
 * connection is an owner from then on. The socket's next event says when to go on.
 */
#include "base/metrics.h"
#include "base/must.h"
#include "http/internal.h"
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

/* ---- heads ---- */

void http_date(const struct clock *clock, char text[static HTTP_DATE])
{
    time_t seconds = (time_t)(clock_wall_us(clock) / 1000000);
    struct tm tm;
    must(gmtime_r(&seconds, &tm));
    must(strftime(text, HTTP_DATE, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
}

/* Made once a second; the clock is looked at once a turn. */
static const char *date_of(struct http_loop *l)
{
    const struct clock *clock = l->server->options.clock;
    int64_t second = l->date_is_fresh ? l->date_second : clock_wall_us(clock) / 1000000;
    if (second != l->date_second) {
        http_date(clock, l->date);
        l->date_second = second;
    }
    l->date_is_fresh = true;
    return l->date;
}

#define ADD(buf, literal) buf_add(buf, literal, sizeof(literal) - 1)

static void add_status(struct buf *head, unsigned status)
{
    static const char *const lines[600] = {
#define STATUS(number, phrase) [number] = "HTTP/1.1 " #number " " phrase
        STATUS(200, "OK"),
        STATUS(201, "Created"),
        STATUS(204, "No Content"),
        STATUS(304, "Not Modified"),
        STATUS(400, "Bad Request"),
        STATUS(401, "Unauthorized"),
        STATUS(403, "Forbidden"),
        STATUS(404, "Not Found"),
        STATUS(405, "Method Not Allowed"),
        STATUS(408, "Request Timeout"),
        STATUS(409, "Conflict"),
        STATUS(413, "Content Too Large"),
        STATUS(415, "Unsupported Media Type"),
        STATUS(422, "Unprocessable Content"),
        STATUS(429, "Too Many Requests"),
        STATUS(431, "Request Header Fields Too Large"),
        STATUS(500, "Internal Server Error"),
        STATUS(503, "Service Unavailable"),
#undef STATUS
    };
    must(status >= 200 && status <= 599);
    if (lines[status])
        buf_adds(head, lines[status]);
    else
        buf_printf(head, "HTTP/1.1 %u ", status); /* the phrase may be empty */
}

struct buf *http_answer_begin(struct http_request *r, unsigned status)
{
    struct buf *head = &r->loop->head;
    buf_reset(head);
    add_status(head, status);
    ADD(head, "\r\nDate: ");
    buf_adds(head, date_of(r->loop));
    r->last |= r->loop->stopping;
    if (r->last)
        ADD(head, "\r\nConnection: close\r\n");
    else if (r->head.http_1_0)
        ADD(head, "\r\nConnection: keep-alive\r\n");
    else
        ADD(head, "\r\n");
    return head;
}

void http_answer_field(struct buf *head, const char *name, const char *value)
{
    buf_adds(head, name);
    ADD(head, ": ");
    buf_adds(head, value);
    ADD(head, "\r\n");
}

void http_answer_length(struct buf *head, size_t size)
{
    char digits[24], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + size % 10);
    while (size /= 10);
    ADD(head, "Content-Length: ");
    buf_add(head, at, (size_t)(digits + sizeof digits - at));
    ADD(head, "\r\n");
}

void http_answer_security(struct buf *head)
{
    ADD(head, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
}

/* ---- what is left ---- */

bool http_out_is_empty(const struct http_out *out)
{
    return out->head_size == 0 && out->body.size == 0;
}

void http_out_done(struct http_out *out)
{
    free(out->memory);
    free(out->body.owned);
    http_body_unref(out->body.shared);
    *out = (struct http_out){.memory = NULL};
}

/* Keep what is left of @head and @body after the first @sent bytes of both. */
static void keep(struct http_out *out, const struct buf *head, struct http_piece body, size_t sent)
{
    if (sent < head->size) {
        out->head_size = head->size - sent;
        out->memory = malloc(out->head_size);
        must(out->memory); /* out of memory ends the program */
        out->head = memcpy(out->memory, head->data + sent, out->head_size);
        sent = head->size;
    }
    out->body = body;
    out->body.data += sent - head->size;
    out->body.size -= sent - head->size;
    if (body.shared)
        http_body_ref(body.shared);
}

/* Head and body, each of which may be nothing. Returns how many bytes went, -1: the connection is broken. */
static ssize_t send_both(struct http_conn *c, const char *head, size_t head_size,
                         const struct http_piece *body)
{
    struct iovec iov[2] = {{(void *)(uintptr_t)head, head_size}, {(void *)(uintptr_t)body->data, body->size}};
    if (!body->size || !body->file || body->file->fd < 0)
        return http_conn_send(c, head_size ? iov : iov + 1, head_size && body->size ? 2 : 1, false);
    ssize_t of_head = head_size ? http_conn_send(c, iov, 1, true) : 0;
    if (of_head < (ssize_t)head_size)
        return of_head;
    ssize_t of_body =
        http_conn_send_file(c, body->file->fd, (size_t)(body->data - body->file->data), body->size);
    return of_body < 0 ? -1 : of_head + of_body;
}

bool http_out_flush(struct http_conn *c)
{
    struct http_out *out = &c->out;
    ssize_t sent = send_both(c, out->head, out->head_size, &out->body);
    if (sent < 0) {
        c->gone = true;
        return false;
    }
    size_t of_head = (size_t)sent < out->head_size ? (size_t)sent : out->head_size;
    out->head += of_head;
    out->head_size -= of_head;
    out->body.data += (size_t)sent - of_head;
    out->body.size -= (size_t)sent - of_head;
    if (http_out_is_empty(out)) {
        http_out_done(out);
        return true;
    }
    if (sent > 0)
        http_conn_enter(c, HTTP_SENDING); /* it got on: more time */
    return false;
}

/* ---- answers ---- */

static void count(unsigned status)
{
    metrics_add(METRIC_HTTP_REQUESTS, 1);
    if (status >= 500)
        metrics_add(METRIC_HTTP_SERVER_ERRORS, 1);
}

void http_answer_given(struct http_request *r, unsigned status)
{
    must(!r->answered);
    r->answered = true;
    heap_remove(&r->loop->timers, &r->timer);
    count(status);
    http_loop_ready(r->conn);
}

void http_answer_send(struct http_request *r, unsigned status, const struct buf *head, struct http_piece body)
{
    struct http_conn *c = r->conn;
    http_answer_given(r, status);
    if (r->is_head) {
        free(body.owned);
        body = (struct http_piece){.size = 0};
    }
    ssize_t sent = -1;
    if (c->fd >= 0)
        sent = send_both(c, head->data, head->size, &body);
    else
        r->loop->orphans--;
    if (sent < 0)
        c->gone = true;
    if (sent >= 0 && (size_t)sent < head->size + body.size)
        keep(&c->out, head, body, (size_t)sent);
    else
        free(body.owned);
}

/* The socket is empty, so it goes out at once; if not, the client has not read what it got, and is cut off.
 */
void http_out_continue(struct http_conn *c)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {(void *)(uintptr_t)line, sizeof line - 1};
    if (http_conn_send(c, &iov, 1, false) != sizeof line - 1)
        c->gone = true;
}
