/* Streams: their beginning, what they send, and all the ways in which they end. Run under ThreadSanitizer,
 * too. */
#include "base/metrics.h"
#include "streams.h"

/* ---- a feeder ---- */

enum { VIEWERS = 64 };

struct viewer {
    struct http_stream stream; /* first */
    int place;                 /* in the list; -1: not opened */
};

static struct {
    struct harness http;
    struct streams streams;
    sem_t begun, opened, writable, closed; /* one for each time */
    sem_t go_on;                           /* of /held */
    /* the stream loop's */
    struct viewer *viewers[VIEWERS]; /* in the order of opening; NULL: closed */
    int count;
    unsigned writables[VIEWERS];
} t;

static void on_opened(void *ctx, struct http_stream *s)
{
    (void)ctx;
    struct viewer *v = (struct viewer *)s;
    must(v->place < 0 && t.count < VIEWERS);
    v->place = t.count;
    t.viewers[t.count++] = v;
    sem_post(&t.opened);
}

static void on_writable(void *ctx, struct http_stream *s)
{
    (void)ctx;
    const struct viewer *v = (struct viewer *)s;
    must(v->place >= 0 && !http_stream_busy(s));
    t.writables[v->place]++;
    sem_post(&t.writable);
}

/* Freed at once, so that a sanitizer sees whoever still touches it. */
static void on_closed(void *ctx, struct http_stream *s)
{
    (void)ctx;
    struct viewer *v = (struct viewer *)s;
    if (v->place >= 0)
        t.viewers[v->place] = NULL;
    free(v);
    sem_post(&t.closed);
}

static int64_t on_turn(void *ctx, int64_t now_us)
{
    (void)ctx;
    (void)now_us;
    return INT64_MAX;
}

static const struct http_stream_handlers feeder = {NULL, on_opened, on_writable, on_closed, on_turn};

/* ---- routes ---- */

static void begin_stream(struct http_req *req)
{
    struct viewer *v = malloc(sizeof *v);
    must(v);
    v->place = -1;
    if (http_stream_begin(req, t.streams.ss, &v->stream) == 0) {
        sem_post(&t.begun);
        return;
    }
    free(v);
    http_problem(req, BOX_EUNAVAILABLE, NULL, NULL, NULL);
}

static void get_stream(struct http_req *req, void *ctx)
{
    (void)ctx;
    if (!http_stream_head(req))
        begin_stream(req);
}

/* By way of a worker, while the connection rests. */
static void finish_later(struct task *task)
{
    begin_stream(((struct job *)task)->req);
}

static void work_on_later(struct task *task)
{
    struct job *job = (struct job *)task;
    job->task.run = finish_later;
    task_post(http_mailbox(job->req), &job->task);
}

static void get_stream_later(struct http_req *req, void *ctx)
{
    (void)ctx;
    struct job *job = arena_alloc(req->arena, sizeof *job);
    *job = (struct job){.task.run = work_on_later, .req = req};
    must(work_submit(&t.http.queue, &job->task) == 0);
}

/* The handler takes its time after the stream has begun. */
static void get_held(struct http_req *req, void *ctx)
{
    (void)ctx;
    begin_stream(req);
    await(&t.go_on);
}

static const struct http_route routes[] = {
    {HTTP_GET, "/stream", get_stream, 0, false},
    {HTTP_GET, "/later", get_stream_later, 0, false},
    {HTTP_GET, "/held", get_held, 0, false},
    {HTTP_GET, "/hello", get_hello, 0, false},
    {.path = NULL},
};

/* ---- errands ---- */

/* One chunk to all that are open and not busy. */
struct shared {
    const char *data;
    size_t size;
    int took, busy;
};

static void send_now(void *ctx)
{
    struct shared *shared = ctx;
    struct buf b = {0};
    buf_add(&b, shared->data, shared->size);
    struct http_chunk *c = http_chunk_new(&b);
    for (int i = 0; i < t.count; i++) {
        if (t.viewers[i] && !http_stream_busy(&t.viewers[i]->stream)) {
            http_stream_send(&t.viewers[i]->stream, c);
            shared->took++;
        }
        shared->busy += t.viewers[i] && http_stream_busy(&t.viewers[i]->stream);
    }
    http_chunk_unref(c);
}

/* Returns how many took it; *ret_busy: how many have something under way now. */
static int send_all(const char *data, size_t size, int *ret_busy)
{
    struct shared shared = {.data = data, .size = size};
    on_streams(&t.streams, send_now, &shared);
    if (ret_busy)
        *ret_busy = shared.busy;
    return shared.took;
}

static int send_text(const char *text)
{
    return send_all(text, strlen(text), NULL);
}

static void end_now(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < t.count; i++)
        if (t.viewers[i])
            http_stream_end(&t.viewers[i]->stream);
}

static void offset_now(void *ctx)
{
    *(size_t *)ctx = t.viewers[0]->stream.offset;
}

/* How much of its chunk the first one was sent. */
static size_t offset_of_first(void)
{
    size_t offset;
    on_streams(&t.streams, offset_now, &offset);
    return offset;
}

/* ---- life ---- */

static void open_all(struct http_stream_options o, bool turned)
{
    memset(&t, 0, sizeof t);
    sem_t *const sems[] = {&t.begun, &t.opened, &t.writable, &t.closed, &t.go_on};
    for (size_t i = 0; i < sizeof sems / sizeof sems[0]; i++)
        must(sem_init(sems[i], 0, 0) == 0);
    streams_open(&t.streams, o, turned);
    http_streams_feed(t.streams.ss, &feeder);
    harness_start(&t.http, (struct http_options){.loops = HARNESS_LOOPS, .routes = routes});
}

static void start(struct http_stream_options o, bool turned)
{
    open_all(o, turned);
    streams_start(&t.streams);
}

/* As the server does: requests end before streams. Every stream that began has been given back once. */
static void stop(void)
{
    harness_stop(&t.http);
    streams_join(&t.streams);
    http_streams_close(t.streams.ss);
    assert_int_equal(metrics_get(METRIC_STREAMS), 0);
}

static void expect_closed(int n)
{
    for (int i = 0; i < n; i++)
        await(&t.closed);
}

/* A client whose stream is open. */
static struct client *follow_with(const char *request, int room)
{
    struct client *c = client_connect_with(&t.http, room);
    client_send(c, request);
    assert_in_range(client_stream_begins(c), RETRY_MIN_MS, RETRY_MAX_MS);
    await(&t.opened);
    return c;
}

static struct client *follow(void)
{
    return follow_with(GET("/stream"), 0);
}

/* More than all buffers between here and a client with little room can take. */
enum { MUCH = 1 << 20, LITTLE_ROOM = 4096 };

static const char *much(void)
{
    static char data[MUCH];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)('a' + i % 23 + i / 4096 % 3);
    return data;
}

/* A client that takes nothing, and a chunk under way to it. */
static struct client *follow_and_stick(void)
{
    int busy;
    struct client *c = follow_with(GET("/stream"), LITTLE_ROOM);
    assert_int_equal(send_all(much(), MUCH, &busy), 1);
    assert_int_equal(busy, 1);
    return c;
}

/* ---- beginning ---- */

static void check_fields(const struct client *c)
{
    static const struct {
        const char *name, *value;
    } fields[] = {
        {"Content-Type", "text/event-stream"},
        {"Connection", "close"},
        {"Cache-Control", "no-store"},
        {"X-Accel-Buffering", "no"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Length", ""},
        {"Transfer-Encoding", ""},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_string_equal(client_header(c, fields[i].name), fields[i].value);
    assert_int_equal(strlen(client_header(c, "Date")), 29);
}

static void header(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/stream"), GET("/later"), "GET /stream HTTP/1.0\r\n\r\n"};
    start((struct http_stream_options){.max = 0}, true);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct client *c = follow_with(requests[i], 0);
        check_fields(c);
        assert_string_equal(client_header(c, "Date"), "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_int_equal(send_text("data: x\n\n"), 1);
        assert_true(client_reads_text(c, "data: x\n\n"));
        client_close(c);
        expect_closed(1);
    }
    stop();
}

static void retry_differs(void **state)
{
    (void)state;
    start((struct http_stream_options){.max = 0}, false);
    long first = -1;
    bool differs = false;
    for (int i = 0; i < 20; i++) {
        struct client *c = client_connect(&t.http);
        client_send(c, GET("/stream"));
        long retry = client_stream_begins(c);
        assert_in_range(retry, RETRY_MIN_MS, RETRY_MAX_MS);
        differs |= first >= 0 && retry != first;
        first = first >= 0 ? first : retry;
        client_close(c);
    }
    assert_true(differs);
    stop();
}

/* A connection that was used before brings along how the HTTP server had set up its socket. */
static void after_other_requests(void **state)
{
    (void)state;
    start((struct http_stream_options){.max = 0}, false);
    struct client *c = client_connect(&t.http);
    for (int i = 0; i < 3; i++)
        assert_int_equal(client_ask(c, GET("/hello")), 200);
    client_send(c, GET("/later"));
    assert_true(client_stream_begins(c) >= 0);
    await(&t.opened);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(send_text("data: x\n\n"), 1);
        assert_true(client_reads_text(c, "data: x\n\n"));
    }
    client_close(c);
    stop();
}

/* As the stream's would be; and with nothing behind it, not even the end of no chunks. */
static void head(void **state)
{
    (void)state;
    static const char *const requests[] = {REQUEST("HEAD /stream") "\r\n", "HEAD /stream HTTP/1.0\r\n\r\n"};
    start((struct http_stream_options){.max = 0}, false);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct client *c;
        assert_int_equal(ask_once(&t.http, &c, requests[i]), 200);
        check_fields(c);
        assert_true(client_at_end(c));
        client_close(c);
    }
    assert_int_equal(how_many(&t.begun), 0);
    stop();
}

static void pipelined_is_not_answered(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/stream") GET("/hello"), GET("/later") GET("/hello")};
    start((struct http_stream_options){.max = 0}, false);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct client *c = follow_with(requests[i], 0);
        client_send(c, GET("/hello"));
        assert_int_equal(send_text("data: x\n\n"), 1);
        on_streams(&t.streams, end_now, NULL);
        assert_true(client_reads_text(c, "data: x\n\n"));
        assert_true(client_at_end(c));
        assert_int_equal(atomic_load(&handled), 0);
        client_close(c);
        expect_closed(1);
    }
    stop();
}

static void at_most(void **state)
{
    (void)state;
    start((struct http_stream_options){.max = 2}, false);
    struct client *a = follow(), *b = follow(), *c;
    assert_int_equal(ask_once(&t.http, &c, GET("/stream")), 503);
    assert_int_equal(client_ask(c, GET("/later")), 503); /* the connection is as good as before */
    assert_string_equal(client_header(c, "Retry-After"), "1");
    assert_string_equal(client_header(c, "Content-Type"), "application/problem+json");
    client_close(a);
    expect_closed(1);
    client_send(c, GET("/stream"));
    assert_true(client_stream_begins(c) >= 0);
    assert_int_equal(send_text("data: x\n\n"), 2);
    assert_true(client_reads_text(b, "data: x\n\n"));
    assert_true(client_reads_text(c, "data: x\n\n"));
    client_close(b);
    client_close(c);
    stop();
}

/* ---- sending ---- */

static void shared_chunks(void **state)
{
    (void)state;
    enum { CLIENTS = 5 };
    struct client *c[CLIENTS];
    start((struct http_stream_options){.max = 0}, false);
    for (int i = 0; i < CLIENTS; i++)
        c[i] = follow();
    for (int round = 0; round < 50; round++)
        assert_int_equal(send_text("data: to all\n\n"), CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        for (int round = 0; round < 50; round++)
            assert_true(client_reads_text(c[i], "data: to all\n\n"));
    for (int i = 0; i < CLIENTS; i++)
        client_close(c[i]);
    expect_closed(CLIENTS);
    assert_int_equal(how_many(&t.writable), 0); /* nothing ever had to wait */
    stop();
}

/* One that takes nothing has one chunk under way, and the others do not notice. */
static void slow_reader(void **state)
{
    (void)state;
    int busy;
    start((struct http_stream_options){.max = 0}, false);
    struct client *slow = follow_and_stick(), *quick = follow();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(send_all("data: x\n\n", 9, &busy), 1);
        assert_int_equal(busy, 1);
        assert_true(client_reads_text(quick, "data: x\n\n"));
    }
    assert_int_equal(how_many(&t.writable), 0);
    assert_true(client_reads(slow, much(), MUCH));
    await(&t.writable);
    assert_int_equal(t.writables[0], 1);
    assert_int_equal(send_all("data: y\n\n", 9, &busy), 2);
    assert_int_equal(busy, 0);
    assert_true(client_reads_text(slow, "data: y\n\n"));
    assert_true(client_reads_text(quick, "data: y\n\n"));
    client_close(slow);
    client_close(quick);
    stop();
}

/* ---- time ---- */

enum { HEARTBEAT_MS = 10000, STALL_MS = 25000 };

static const struct http_stream_options timed = {.heartbeat_ms = HEARTBEAT_MS, .stall_ms = STALL_MS};

static void heartbeats(void **state)
{
    (void)state;
    start(timed, true);
    struct client *c = follow();
    streams_pass(&t.streams, HEARTBEAT_MS);
    assert_true(client_reads_text(c, ":\n\n"));
    streams_pass(&t.streams, HEARTBEAT_MS - 1);
    assert_int_equal(send_text("data: x\n\n"), 1); /* counts like a heartbeat */
    streams_pass(&t.streams, HEARTBEAT_MS - 1);
    assert_int_equal(send_text("data: y\n\n"), 1);
    assert_true(client_reads_text(c, "data: x\n\ndata: y\n\n"));
    for (int i = 0; i < 3; i++) {
        streams_pass(&t.streams, HEARTBEAT_MS);
        assert_true(client_reads_text(c, ":\n\n"));
    }
    client_close(c);
    stop();
}

/* The same by the machine's clock: the loop wakes by itself. */
static void heartbeats_by_themselves(void **state)
{
    (void)state;
    start((struct http_stream_options){.heartbeat_ms = 20}, false);
    struct client *a = follow(), *b = follow();
    assert_true(client_reads_text(a, ":\n\n:\n\n:\n\n"));
    assert_true(client_reads_text(b, ":\n\n:\n\n:\n\n"));
    client_close(a);
    client_close(b);
    stop();
}

static void stalled(void **state)
{
    (void)state;
    int64_t before = metrics_get(METRIC_STREAMS_CUT_OFF);
    start(timed, true);
    struct client *slow = follow_and_stick(), *quick = follow();
    streams_pass(&t.streams, STALL_MS - 1);
    streams_pass(&t.streams, 0);
    assert_int_equal(how_many(&t.closed), 0);
    streams_pass(&t.streams, HEARTBEAT_MS);
    expect_closed(1);
    assert_int_equal(metrics_get(METRIC_STREAMS_CUT_OFF), before + 1);
    assert_true(client_reads_text(quick, ":\n\n:\n\n"));
    assert_int_equal(send_text("data: x\n\n"), 1);
    assert_true(client_reads_text(quick, "data: x\n\n"));
    client_close(slow);
    client_close(quick);
    stop();
}

/* Whoever takes a little now and then is slow, but not stuck. */
static void slow_is_not_stalled(void **state)
{
    (void)state;
    start(timed, true);
    struct client *c = follow_and_stick();
    for (size_t done = 0; done < MUCH; done += MUCH / 8) {
        size_t before = offset_of_first();
        streams_pass(&t.streams, STALL_MS - 1);
        assert_true(client_reads(c, much() + done, MUCH / 8));
        while (how_many(&t.writable) == 0 && offset_of_first() == before)
            continue;
    }
    await(&t.writable);
    assert_int_equal(how_many(&t.closed), 0);
    client_close(c);
    stop();
}

static void stalled_by_themselves(void **state)
{
    (void)state;
    start((struct http_stream_options){.heartbeat_ms = 50, .stall_ms = 200}, false);
    struct client *c = follow_and_stick();
    expect_closed(1);
    client_close(c);
    stop();
}

/* ---- ends ---- */

static void leave(struct client *c)
{
    client_close(c);
}

static void send_too_much(struct client *c)
{
    char data[5000];
    memset(data, 'x', sizeof data);
    client_write(c, data, sizeof data);
    while (client_fill(c))
        c->size = 0; /* to the end or a reset */
    client_close(c);
}

static void say_no_more(struct client *c)
{
    shutdown(c->fd, SHUT_WR);
    assert_true(client_at_end(c));
    client_close(c);
}

static void clients_leave(void **state)
{
    (void)state;
    static void (*const ways[])(struct client *) = {leave, client_reset, send_too_much, say_no_more};
    start((struct http_stream_options){.max = 0}, false);
    struct client *stays = follow();
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct client *c = follow();
        ways[i](c);
        expect_closed(1);
        assert_int_equal(metrics_get(METRIC_STREAMS), 1);
    }
    client_send(stays, "a client may say a little");
    assert_int_equal(send_text("data: x\n\n"), 1);
    assert_true(client_reads_text(stays, "data: x\n\n"));
    client_close(stays);
    stop();
}

static void clients_leave_with_a_chunk_under_way(void **state)
{
    (void)state;
    static void (*const ways[])(struct client *) = {leave, client_reset};
    start((struct http_stream_options){.max = 0}, false);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        ways[i](follow_and_stick());
        expect_closed(1);
    }
    assert_int_equal(how_many(&t.writable), 0);
    stop();
}

/* Every stream that began is given back, whether it was opened or not. */
static void clients_leave_before_the_answer(void **state)
{
    (void)state;
    start((struct http_stream_options){.max = 0}, false);
    for (int i = 0; i < 40; i++) {
        struct client *c = client_connect(&t.http);
        client_send(c, i % 4 > 1 ? GET("/stream") : GET("/later"));
        if (i % 2)
            client_close(c);
        else
            client_reset(c);
    }
    stop();
    assert_int_equal(how_many(&t.closed), how_many(&t.begun));
    assert_true(how_many(&t.opened) <= how_many(&t.closed));
}

static void ended(void **state)
{
    (void)state;
    start((struct http_stream_options){.max = 0}, false);
    struct client *slow = follow_and_stick(), *quick = follow();
    on_streams(&t.streams, end_now, NULL);
    assert_true(client_at_end(quick));
    expect_closed(1);
    assert_int_equal(send_text("data: x\n\n"), 0); /* the other one is still busy */
    assert_true(client_reads(slow, much(), MUCH));
    assert_true(client_at_end(slow));
    expect_closed(1);
    assert_int_equal(how_many(&t.writable), 0); /* it was over by then */
    client_close(slow);
    client_close(quick);
    stop();
}

/* The stream is over before the HTTP loop has forgotten its connection, whose descriptor another may have by
 * then. */
static void over_while_the_handler_runs(void **state)
{
    (void)state;
    start((struct http_stream_options){.max = 0}, false);
    for (int i = 0; i < 5; i++) {
        char data[5000];
        memset(data, 'x', sizeof data);
        struct client *c = follow_with(GET("/held"), 0);
        client_write(c, data, sizeof data);
        expect_closed(1);
        client_write(c, data, sizeof data);
        shutdown(c->fd, SHUT_WR);
        for (int k = 0; k < 3; k++)
            on_streams(&t.streams, do_nothing, NULL);
        sem_post(&t.go_on);
        client_close(c);
    }
    assert_int_equal(how_many(&t.closed), 0);
    stop();
}

static void stop_with_open_ones(void **state)
{
    (void)state;
    enum { CLIENTS = 8 };
    struct client *c[CLIENTS];
    start((struct http_stream_options){.max = 0}, false);
    c[0] = follow_and_stick();
    for (int i = 1; i < CLIENTS; i++)
        c[i] = follow();
    harness_stop(&t.http);
    assert_int_equal(send_text("data: last\n\n"), CLIENTS - 1);
    streams_join(&t.streams);
    assert_int_equal(how_many(&t.closed), CLIENTS);
    http_streams_close(t.streams.ss);
    assert_int_equal(how_many(&t.closed), CLIENTS);
    assert_int_equal(metrics_get(METRIC_STREAMS), 0);
    for (int i = 0; i < CLIENTS; i++) {
        if (i > 0)
            assert_true(client_reads_text(c[i], "data: last\n\n") && client_at_end(c[i]));
        client_close(c[i]);
    }
}

/* On their way to a loop that never ran: given back without having been opened. */
static void close_with_mail(void **state)
{
    (void)state;
    enum { CLIENTS = 5 };
    struct client *c[CLIENTS];
    open_all((struct http_stream_options){.max = 0}, false);
    for (int i = 0; i < CLIENTS; i++) {
        c[i] = client_connect(&t.http);
        client_send(c[i], i % 2 ? GET("/stream") : GET("/later"));
        await(&t.begun);
    }
    harness_stop(&t.http);
    http_streams_close(t.streams.ss);
    assert_int_equal(how_many(&t.closed), CLIENTS);
    assert_int_equal(how_many(&t.opened), 0);
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(client_at_end(c[i]));
        client_close(c[i]);
    }
}

/* ---- all at once ---- */

enum { CROWDS = 4, VISITS = 100 };

static atomic_int crowds_left;

static void visit(struct rng *rng)
{
    struct client *c = client_connect_with(&t.http, rng_below(rng, 4) ? 0 : LITTLE_ROOM);
    client_send(c, rng_below(rng, 2) ? GET("/stream") : GET("/later"));
    if (rng_below(rng, 4) > 0) {
        must(client_stream_begins(c) >= RETRY_MIN_MS);
        for (uint32_t left = rng_below(rng, 4); left > 0; left--)
            must(client_reads_text(c, "data: crowd\n\n"));
    }
    if (rng_below(rng, 2))
        client_close(c);
    else
        client_reset(c);
}

static void *crowd(void *arg)
{
    struct rng rng;
    rng_init_seeded(&rng, (uint64_t)(uintptr_t)arg);
    for (int i = 0; i < VISITS; i++)
        visit(&rng);
    atomic_fetch_sub(&crowds_left, 1);
    return NULL;
}

static void forget_closed(void *ctx)
{
    (void)ctx;
    int kept = 0;
    for (int i = 0; i < t.count; i++) {
        if (!t.viewers[i])
            continue;
        t.viewers[kept] = t.viewers[i];
        t.viewers[kept]->place = kept;
        kept++;
    }
    t.count = kept;
}

static void crowds(void **state)
{
    (void)state;
    pthread_t threads[CROWDS];
    start((struct http_stream_options){.max = 0}, false);
    atomic_store(&crowds_left, CROWDS);
    for (uintptr_t i = 0; i < CROWDS; i++)
        must(pthread_create(&threads[i], NULL, crowd, (void *)(i + 1)) == 0);
    while (atomic_load(&crowds_left) > 0) {
        send_text("data: crowd\n\n");
        on_streams(&t.streams, forget_closed, NULL);
    }
    for (int i = 0; i < CROWDS; i++)
        pthread_join(threads[i], NULL);
    stop();
    assert_int_equal(how_many(&t.closed), how_many(&t.begun));
    assert_true(how_many(&t.closed) > CROWDS * VISITS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header),
        cmocka_unit_test(retry_differs),
        cmocka_unit_test(after_other_requests),
        cmocka_unit_test(head),
        cmocka_unit_test(pipelined_is_not_answered),
        cmocka_unit_test(at_most),
        cmocka_unit_test(shared_chunks),
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(heartbeats),
        cmocka_unit_test(heartbeats_by_themselves),
        cmocka_unit_test(stalled),
        cmocka_unit_test(slow_is_not_stalled),
        cmocka_unit_test(stalled_by_themselves),
        cmocka_unit_test(clients_leave),
        cmocka_unit_test(clients_leave_with_a_chunk_under_way),
        cmocka_unit_test(clients_leave_before_the_answer),
        cmocka_unit_test(ended),
        cmocka_unit_test(over_while_the_handler_runs),
        cmocka_unit_test(stop_with_open_ones),
        cmocka_unit_test(close_with_mail),
        cmocka_unit_test(crowds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
