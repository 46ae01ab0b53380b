/* Followers of the change log, on an app with the store in memory. Its worker is the test's thread. Run under
 * ThreadSanitizer, too. */
#include "unit/app/fixture.h"
#include "unit/http/streams.h"

#include "base/metrics.h"
#include "feed/feed_internal.h"

static struct {
    struct world *world;
    struct streams streams;
    struct harness http;
    struct feed *feed;
    struct event_id event;
    unsigned rows; /* that were written */
} t;

enum { HEARTBEAT_MS = 1000, LITTLE_ROOM = 4096, PER_HOLD = 8, PADDING = 400 };

/* Longer than it needs to be, so that a page is more than what fits between here and a client. */
static void encode_row(struct json_out *j, const struct cdc_row *row)
{
    char padding[PADDING + 1];
    memset(padding, 'x', PADDING);
    padding[PADDING] = '\0';
    json_out_object(j);
    json_out_member_int(j, "seq", (int64_t)row->seq);
    json_out_member_int(j, "batch", row->batch_seq);
    json_out_member_text(j, "padding", padding);
    json_out_end_object(j);
}

static void get_log(struct http_req *req, void *ctx)
{
    struct cursor after = {0};
    (void)ctx;
    must(feed_follow_log(t.feed, req, &after) == 0);
}

static const struct http_route routes[] = {{HTTP_GET, "/log", get_log, 0, false}, {.path = NULL}};

/* A hold and its end: 2 * PER_HOLD rows. The feed is not told. */
static void write_rows(void)
{
    struct ask *a = hold_seats(ask_by(t.world, 1), &t.event, 0, PER_HOLD);
    assert_int_equal(code_of(a), 0);
    struct ask *release = ask_by(t.world, 1);
    app_hold_release(&release->call, &a->call.hold->hold_id);
    assert_int_equal(code_of(release), 0);
    t.rows += 2 * PER_HOLD;
}

static void start(void **state, unsigned holds)
{
    memset(&t, 0, sizeof t);
    t.world = *state;
    t.event = show(t.world, "a");
    for (unsigned i = 0; i < holds; i++)
        write_rows();
    streams_open(&t.streams, (struct http_stream_options){.heartbeat_ms = HEARTBEAT_MS}, true);
    const struct feed_options options = {.view = t.world->view,
                                         .app = t.world->app,
                                         .streams = t.streams.ss,
                                         .clock = &t.streams.clock,
                                         .encode_row = encode_row};
    t.feed = feed_open(&options);
    streams_start(&t.streams);
    harness_start(&t.http, (struct http_options){.loops = 1, .routes = routes});
}

static void stop(void)
{
    harness_stop(&t.http);
    streams_join(&t.streams);
    work_drain(&t.world->workers);
    http_streams_close(t.streams.ss);
    feed_close(t.feed);
}

/* ---- what the stream loop sees ---- */

static void count_reads(void *ctx)
{
    *(size_t *)ctx = t.world->workers.count; /* nobody else submits */
}

static void await_read(void)
{
    size_t count = 0;
    while (count == 0)
        on_streams(&t.streams, count_reads, &count);
}

static void is_busy(void *ctx)
{
    *(bool *)ctx = t.feed->logs && http_stream_busy(&((struct follower *)t.feed->logs)->stream);
}

static void will_tick(void *ctx)
{
    *(bool *)ctx = t.feed->changed;
}

static bool busy(void)
{
    bool ret;
    on_streams(&t.streams, is_busy, &ret);
    return ret;
}

static void nothing_to_do(struct task *task)
{
    (void)task;
}

/* ---- a follower ---- */

struct reader {
    struct client *c;
    unsigned rows;
    unsigned long seq, batch; /* of the last row */
};

static void follow(struct reader *r, int room)
{
    *r = (struct reader){.c = client_connect_with(&t.http, room)};
    client_send(r->c, GET("/log"));
    assert_true(client_stream_begins(r->c) > 0);
}

/* Take what has come; whole messages are used. */
static void read_some(struct reader *r)
{
    struct pollfd p = {.fd = r->c->fd, .events = POLLIN};
    if (poll(&p, 1, 0) > 0)
        assert_true(client_fill(r->c));
    const char *end;
    while ((end = memmem(r->c->in, r->c->size, "\n\n", 2))) {
        const char *data = memmem(r->c->in, (size_t)(end - r->c->in), "\ndata: ", 7);
        unsigned long seq, batch;
        if (data) {
            assert_int_equal(sscanf(data, "\ndata: {\"seq\":%lu,\"batch\":%lu,", &seq, &batch), 2);
            assert_int_equal(batch, r->rows % PER_HOLD);
            assert_true(batch ? seq == r->seq : seq > r->seq);
            r->seq = seq;
            r->rows++;
        } else {
            assert_memory_equal(r->c->in, ":\n\n", 3);
        }
        client_use(r->c, (size_t)(end - r->c->in) + 2);
    }
}

/* Work and read until every row has come. */
static void read_all(struct reader *r)
{
    while (r->rows < t.rows) {
        streams_pass(&t.streams, TICK_US / 1000);
        work_drain(&t.world->workers);
        read_some(r);
    }
    assert_int_equal(r->rows, t.rows);
}

/* ---- tests ---- */

/* All that was written and all that is, page by page, in order and once. */
static void every_row(void **state)
{
    struct reader a, b;
    start(state, 40);
    follow(&a, 0);
    follow(&b, LITTLE_ROOM);
    read_all(&a);
    for (int i = 0; i < 5; i++) {
        write_rows();
        feed_wake(t.feed);
        read_all(&a);
    }
    read_all(&b);
    client_close(a.c);
    client_close(b.c);
    stop();
}

/* No worker has time: the follower tries again, although nothing else happens. */
static void tried_again(void **state)
{
    struct reader r;
    bool changed;
    static struct task idle[64];
    start(state, 1);
    follow(&r, 0);
    read_all(&r);
    write_rows();
    size_t queued = 0;
    while (queued < sizeof idle / sizeof idle[0]) {
        idle[queued].run = nothing_to_do;
        if (work_submit(&t.world->workers, &idle[queued]))
            break;
        queued++;
    }
    feed_wake(t.feed);
    while (atomic_load(&t.feed->awake))
        streams_pass(&t.streams, TICK_US / 1000);
    on_streams(&t.streams, will_tick, &changed);
    assert_true(changed);
    work_drain(&t.world->workers);
    read_all(&r);
    client_close(r.c);
    stop();
}

/* While a page is read a heartbeat is sent that does not fit: the page has to wait. */
static void page_behind_a_heartbeat(void **state)
{
    struct reader r;
    start(state, 40);
    follow(&r, LITTLE_ROOM);
    await_read();
    work_drain(&t.world->workers);
    size_t reads = 0;
    while (reads == 0) { /* until the first page is gone and the second is to be read */
        read_some(&r);
        on_streams(&t.streams, count_reads, &reads);
    }
    while (!busy())
        streams_pass(&t.streams, HEARTBEAT_MS);
    read_all(&r);
    client_close(r.c);
    stop();
}

static void await_closed(void)
{
    while (metrics_get(METRIC_STREAMS) > 0)
        on_streams(&t.streams, do_nothing, NULL);
}

/* The follower is freed when its page comes, be it after the loop has ended. */
static void gone_while_reading(void **state)
{
    struct reader r;
    start(state, 1);
    for (int i = 0; i < 3; i++) {
        follow(&r, 0);
        await_read();
        client_close(r.c);
        await_closed();
        if (i < 2)
            work_drain(&t.world->workers);
    }
    assert_int_equal(t.world->workers.count, 1);
    stop();
    assert_int_equal(t.world->workers.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row, setup, teardown),
        cmocka_unit_test_setup_teardown(tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(page_behind_a_heartbeat, setup, teardown),
        cmocka_unit_test_setup_teardown(gone_while_reading, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
