/*
 * A server with small handlers, its loops in threads of their own, a worker that answers later, and a client
 * that writes and reads raw bytes. Tests that run against it include this file.
 */
#ifndef UNIT_HTTP_HARNESS_H
#define UNIT_HTTP_HARNESS_H

/* cmocka.h wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "http/http.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- server ---- */

enum { HARNESS_LOOPS = 2 };

struct harness {
    struct http_server *server;
    struct clock clock;
    pthread_t threads[HARNESS_LOOPS], worker;
    struct work_queue queue;
    unsigned loops;
};

/* What /never holds back until release() is called. */
struct held {
    struct task task;
    struct http_req *req;
};

static _Atomic(struct held *) held_request;
static atomic_int handled, finished;

static inline void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static inline void reply_text(struct http_req *req, unsigned status, const char *type, const char *text)
{
    struct buf b = {0};
    buf_adds(&b, text);
    http_reply(req, status, type, &b);
}

static inline void count_finish(struct http_req *req)
{
    (void)req;
    atomic_fetch_add(&finished, 1);
}

static inline int query_number(struct http_req *req, const char *name, int otherwise)
{
    const char *value = http_query(req, name);
    int n = value ? atoi(value) : otherwise;
    return n >= 0 && n <= 50000000 ? n : otherwise;
}

static inline void get_hello(struct http_req *req, void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&handled, 1);
    http_on_finish(req, count_finish);
    reply_text(req, 200, "text/plain; charset=utf-8", "hello");
}

static inline void get_page(struct http_req *req, void *ctx)
{
    (void)ctx;
    http_reply_static(req, 200, "text/html; charset=utf-8", "<p>page", 7);
}

static inline void get_nothing(struct http_req *req, void *ctx)
{
    (void)ctx;
    struct buf none = {0};
    http_reply(req, 204, NULL, &none);
}

static inline void get_item(struct http_req *req, void *ctx)
{
    (void)ctx;
    struct buf b = {0};
    buf_printf(&b, "%s|%s|%s|%s", req->path, req->raw_path, req->params[0], req->params[1]);
    http_reply(req, 200, "text/plain", &b);
}

static inline void get_query(struct http_req *req, void *ctx)
{
    (void)ctx;
    struct buf b = {0};
    const char *name, *value;
    for (size_t i = 0; (name = http_query_at(req, i, &value)); i++)
        buf_printf(&b, "%s=%s;", name, value);
    http_reply(req, 200, "text/plain", &b);
}

static inline void get_header(struct http_req *req, void *ctx)
{
    (void)ctx;
    const char *value = http_header(req, "x-test");
    reply_text(req, 200, "text/plain", value ? value : "(none)");
}

static inline void get_peer(struct http_req *req, void *ctx)
{
    (void)ctx;
    reply_text(req, 200, "text/plain", req->peer);
}

/* A body that gets smaller, of as many bytes as ?size= says. */
static inline void get_cached(struct http_req *req, void *ctx)
{
    (void)ctx;
    int size = query_number(req, "size", 4096);
    http_reply_header(req, "Vary", "Accept");
    http_reply_cache(req, "v1", "no-cache");
    if (http_query(req, "early") && http_reply_unchanged(req))
        return;
    struct buf b = {0};
    for (int i = 0; i < size; i++)
        buf_addc(&b, (char)('a' + i % 7));
    http_reply(req, 200, "application/json", &b);
}

static inline void get_problem(struct http_req *req, void *ctx)
{
    (void)ctx;
    http_problem(req, -query_number(req, "code", 20), http_query(req, "detail"), NULL, NULL);
}

static inline void post_echo(struct http_req *req, void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&handled, 1);
    must(req->body[req->body_size] == '\0');
    struct buf b = {0};
    buf_add(&b, req->body, req->body_size);
    http_reply(req, 200, "application/json", &b);
}

static inline void post_upload(struct http_req *req, void *ctx)
{
    (void)ctx;
    unsigned sum = 0;
    for (size_t i = 0; i < req->body_size; i++)
        sum = sum * 31 + (unsigned char)req->body[i];
    struct buf b = {0};
    buf_printf(&b, "%zu %u", req->body_size, sum);
    http_reply(req, 200, "text/plain", &b);
}

/* Answered by the worker: there and back. */
struct job {
    struct task task;
    struct http_req *req;
    long ms;
};

static inline void finish_job(struct task *t)
{
    struct job *job = (struct job *)t; /* the arena's: gone with the answer */
    reply_text(job->req, 200, "text/plain", "later");
}

static inline void work_on_job(struct task *t)
{
    struct job *job = (struct job *)t;
    pause_ms(job->ms);
    job->task.run = finish_job;
    task_post(http_mailbox(job->req), &job->task);
}

static inline void get_later(struct http_req *req, void *ctx)
{
    struct harness *h = ctx;
    atomic_fetch_add(&handled, 1);
    http_on_finish(req, count_finish);
    struct job *job = arena_alloc(req->arena, sizeof *job);
    *job = (struct job){.task.run = work_on_job, .req = req, .ms = query_number(req, "ms", 0)};
    must(work_submit(&h->queue, &job->task) == 0);
}

static inline void answer_after(struct http_req *req)
{
    reply_text(req, 200, "text/plain", "after");
}

static inline void get_after(struct http_req *req, void *ctx)
{
    (void)ctx;
    http_on_finish(req, count_finish);
    http_after(req, (unsigned)query_number(req, "ms", 0), answer_after);
}

static inline void get_never(struct http_req *req, void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&handled, 1);
    http_on_finish(req, count_finish);
    struct held *held = arena_alloc(req->arena, sizeof *held);
    held->req = req;
    atomic_store(&held_request, held);
}

static inline void answer_held(struct task *t)
{
    reply_text(((struct held *)t)->req, 200, "text/plain", "released");
}

/* Wait until /never has one, and answer it. */
static inline void release_held(void)
{
    struct held *held;
    while (!(held = atomic_exchange(&held_request, NULL)))
        pause_ms(1);
    held->task.run = answer_held;
    task_post(http_mailbox(held->req), &held->task);
}

static const struct http_route harness_routes[] = {
    {HTTP_GET, "/", get_page, 0, false},
    {HTTP_GET, "/hello", get_hello, 0, false},
    {HTTP_POST, "/hello", get_hello, 0, false},
    {HTTP_GET, "/nothing", get_nothing, 0, false},
    {HTTP_GET, "/item/{id}/{name}", get_item, 0, false},
    {HTTP_GET, "/query", get_query, 0, false},
    {HTTP_GET, "/header", get_header, 0, false},
    {HTTP_GET, "/peer", get_peer, 0, false},
    {HTTP_GET, "/cached", get_cached, 0, false},
    {HTTP_GET, "/v1/problem", get_problem, 0, false},
    {HTTP_POST, "/v1/echo", post_echo, LIMIT_BODY_BYTES, true},
    {HTTP_PUT, "/v1/echo", post_echo, LIMIT_BODY_BYTES, true},
    {HTTP_POST, "/upload", post_upload, 4 << 20, false},
    {HTTP_GET, "/later", get_later, 0, false},
    {HTTP_GET, "/after", get_after, 0, false},
    {HTTP_GET, "/never", get_never, 0, false},
    {.path = NULL},
};

struct harness_loop {
    struct http_server *server;
    unsigned index;
};

static inline void *harness_run(void *arg)
{
    struct harness_loop loop = *(struct harness_loop *)arg;
    free(arg);
    http_run(loop.server, loop.index);
    return NULL;
}

static inline void *harness_work(void *arg)
{
    work_loop(arg);
    return NULL;
}

/* Start with @o, in which only what differs from the usual is set. Routes of its own may need a ctx of
 * theirs; a clock of its own is turned by the test. */
static inline void harness_start(struct harness *h, struct http_options o)
{
    *h = (struct harness){.loops = o.loops ? o.loops : 1};
    signal(SIGPIPE, SIG_IGN);
    clock_init_system(&h->clock);
    work_init(&h->queue, 1000);
    atomic_store(&handled, 0);
    atomic_store(&finished, 0);
    o.address = o.address ? o.address : "127.0.0.1";
    o.loops = h->loops;
    o.ctx = o.routes ? o.ctx : h;
    o.routes = o.routes ? o.routes : harness_routes;
    o.clock = o.clock ? o.clock : &h->clock;
    o.max_connections = o.max_connections ? o.max_connections : 100;
    o.idle_seconds = o.idle_seconds ? o.idle_seconds : 30;
    o.header_seconds = o.header_seconds ? o.header_seconds : 30;
    o.body_seconds = o.body_seconds ? o.body_seconds : 30;
    o.big_body_bytes = 1 << 20;
    o.max_big_bodies = 1;
    const char *reason = NULL;
    must(http_open(&o, &h->server, &reason) == 0);
    must(pthread_create(&h->worker, NULL, harness_work, &h->queue) == 0);
    for (unsigned i = 0; i < h->loops; i++) {
        struct harness_loop *loop = malloc(sizeof *loop);
        must(loop);
        *loop = (struct harness_loop){h->server, i};
        must(pthread_create(&h->threads[i], NULL, harness_run, loop) == 0);
    }
}

/* Stop and wait for the loops. */
static inline void harness_join(struct harness *h)
{
    http_stop(h->server);
    for (unsigned i = 0; i < h->loops; i++)
        must(pthread_join(h->threads[i], NULL) == 0);
}

static inline void harness_close(struct harness *h)
{
    work_stop(&h->queue);
    must(pthread_join(h->worker, NULL) == 0);
    work_done(&h->queue);
    http_close(h->server);
}

static inline void harness_stop(struct harness *h)
{
    harness_join(h);
    harness_close(h);
}

/* ---- errands ---- */

struct errand {
    struct task task;
    void (*fn)(void *ctx);
    void *ctx;
    sem_t done;
};

static inline void await(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        continue;
}

static inline void run_errand(struct task *t)
{
    struct errand *e = (struct errand *)t;
    e->fn(e->ctx);
    must(sem_post(&e->done) == 0);
}

/* Have @fn(ctx) called by the thread that takes @mailbox's mail, and wait until it has returned. */
static inline void send_errand(struct mailbox *mailbox, void (*fn)(void *ctx), void *ctx)
{
    struct errand e = {.task.run = run_errand, .fn = fn, .ctx = ctx};
    must(sem_init(&e.done, 0, 0) == 0);
    task_post(mailbox, &e.task);
    await(&e.done);
    must(sem_destroy(&e.done) == 0);
}

static inline void do_nothing(void *ctx)
{
    (void)ctx;
}

/* A virtual clock to be turned by its reader. */
struct turning {
    struct clock *clock;
    int64_t us;
};

static inline void turn_now(void *ctx)
{
    const struct turning *t = ctx;
    t->clock->virtual_wall_us += t->us;
    t->clock->virtual_monotonic_us += t->us;
}

/* ---- client ---- */

struct client {
    int fd;
    char in[256 << 10]; /* bytes read and not used yet */
    size_t size;
    /* the last answer */
    int status;
    char head[8192];
    char body[256 << 10];
    size_t body_size;
};

/* @room: of the socket for what comes in; 0: the usual. */
static inline struct client *client_connect_with(const struct harness *h, int room)
{
    struct client *c = calloc(1, sizeof *c);
    must(c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(!room || setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_port(h->server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0);
    return c;
}

static inline struct client *client_connect(const struct harness *h)
{
    return client_connect_with(h, 0);
}

static inline void client_close(struct client *c)
{
    close(c->fd);
    free(c);
}

/* Close with a reset rather than in order. */
static inline void client_reset(struct client *c)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    client_close(c);
}

/* Send as much as the server takes; false if it closed. */
static inline bool client_write(struct client *c, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(c->fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static inline void client_send(struct client *c, const char *text)
{
    client_write(c, text, strlen(text));
}

/* Read some more; false at the end, or after 15 s. */
static inline bool client_fill(struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    must(c->size < sizeof c->in);
    if (poll(&p, 1, 15000) <= 0)
        return false;
    ssize_t n = recv(c->fd, c->in + c->size, sizeof c->in - c->size, 0);
    if (n <= 0)
        return false;
    c->size += (size_t)n;
    return true;
}

/* The value of a header field of the last answer, "" if there is none. */
static inline const char *client_header(const struct client *c, const char *name)
{
    static _Thread_local char value[1024];
    value[0] = '\0';
    for (const char *line = strstr(c->head, "\r\n"); line && line[2]; line = strstr(line, "\r\n")) {
        line += 2;
        size_t size = strlen(name);
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + size + 2, "\r"), line + size + 2);
    }
    return value;
}

static inline void client_use(struct client *c, size_t size)
{
    memmove(c->in, c->in + size, c->size - size);
    c->size -= size;
}

/* Read the header of an answer into @c. Returns its status, 0 if the connection ended before it. */
static inline int client_answer_head(struct client *c)
{
    const char *end;
    c->status = 0;
    c->head[0] = '\0';
    while (!(end = memmem(c->in, c->size, "\r\n\r\n", 4)))
        if (!client_fill(c))
            return 0;
    size_t head = (size_t)(end - c->in) + 4;
    must(head < sizeof c->head);
    memcpy(c->head, c->in, head);
    c->head[head] = '\0';
    must(sscanf(c->head, "HTTP/1.1 %d", &c->status) == 1);
    client_use(c, head);
    return c->status;
}

/* Read one answer into @c; to a HEAD it has no body. Returns its status, 0 if the connection ended before it.
 */
static inline int client_answer(struct client *c, bool to_head)
{
    if (!client_answer_head(c))
        return 0;
    if (c->status == 100)
        return 100;
    c->body_size = (size_t)atol(client_header(c, "Content-Length"));
    if (to_head || c->status == 304 || c->status == 204)
        c->body_size = 0;
    must(c->body_size < sizeof c->body);
    while (c->size < c->body_size)
        if (!client_fill(c))
            return c->status = 0;
    memcpy(c->body, c->in, c->body_size);
    c->body[c->body_size] = '\0';
    client_use(c, c->body_size);
    return c->status;
}

/* Send @text and read the answer. */
static inline int client_ask(struct client *c, const char *text)
{
    client_send(c, text);
    return client_answer(c, strncmp(text, "HEAD ", 5) == 0);
}

/* True if the server has closed (or does within 15 s) and nothing more came. */
static inline bool client_at_end(struct client *c)
{
    return c->size == 0 && !client_fill(c);
}

/* One request on a connection of its own. */
static inline int ask_once(const struct harness *h, struct client **ret_client, const char *text)
{
    *ret_client = client_connect(h);
    return client_ask(*ret_client, text);
}

#define REQUEST(line) line " HTTP/1.1\r\nHost: test\r\n"
#define GET(path)     REQUEST("GET " path) "\r\n"

#endif
