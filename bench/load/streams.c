/*
 * Subscribers of one event, and how long a change takes to all of them. One process applies the changes and
 * reads every stream, so all times are of one clock: from when a change was sent, before its own sync and
 * answer.
 *
 *   open      all connect at once, as after an announcement
 *   alone     single changes with a pause between: how long from the first subscriber who has it to the last
 *   steady    --rate changes a second for --seconds
 *   dropped   all connections close at once while changes go on; each comes back after the server's `retry`,
 * as a browser does, with Last-Event-ID, and is back when it got seats again
 *
 * Every message is checked: the tool knows all changes, each of one seat that comes only once in a long time.
 * So a message that leads from change P to N must name exactly N - P seats, each with the status that was
 * sent for it.
 */
#include "load.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALONE_CHANGES    10u
#define PAUSE            (NS_PER_S / 5)
#define PATIENCE         (30 * NS_PER_S)
#define BROWSER_RETRY_MS 3000 /* where the server gives none */
#define RETRY_SCAN       (5 * NS_PER_MS)

enum sub_state { SUB_WAITING, SUB_CONNECTING, SUB_OPEN };

struct sub {
    struct source source;
    enum sub_state state;
    struct sse sse;
    uint64_t last; /* change */
    int64_t retry_ms, retry_at;
    bool back; /* got seats since it connected */
};

/* What became of a change, by its seat. */
struct change {
    uint64_t seq; /* 0: not answered yet */
    int64_t sent, first, last;
    unsigned status;
};

static const struct options *opts;
static struct writer writer;
static struct sub *subs;
static struct change *changes;
static uint32_t open_count, waiting_count, back_count;
static int64_t next_scan, dropped_at;
static char received[64 * 1024];
/* of the phase */
static struct histogram latency, back_after;
static uint64_t messages, bytes;
/* of the whole run */
static uint64_t resets, faults, lost;

static void fault(const struct sub *s, const struct sse_message *m, const char *what)
{
    if (faults++ < 5)
        fprintf(stderr, "boxoffice-load: subscriber %td at change %" PRIu64 " got %" PRIu64 ": %s: %.120s\n",
                s - subs, s->last, m->id, what, m->data);
}

static void note_sent(uint32_t seat, unsigned status, int64_t now)
{
    changes[seat] = (struct change){.status = status, .sent = now};
}

static void note_answered(uint32_t seat, uint64_t seq, int64_t now)
{
    (void)now;
    changes[seat].seq = seq;
}

static void take_change(struct sub *s, const struct sse_message *m, unsigned long seat, unsigned long status,
                        int64_t now)
{
    struct change *c = seat < opts->seats ? &changes[seat] : NULL;
    if (!c || c->sent == 0 || c->status != status) {
        fault(s, m, "a change that was not made");
        return;
    }
    if (c->seq && (c->seq <= s->last || c->seq > m->id))
        fault(s, m, "a change that does not belong here");
    histogram_add(&latency, now - c->sent);
    if (!c->first)
        c->first = now;
    c->last = now;
}

static void take_seats(struct sub *s, const struct sse_message *m)
{
    int64_t now = now_ns();
    const char *at = strstr(m->data, "\"changes\":[");
    uint64_t count = 0;
    if (!at || m->id <= s->last) {
        fault(s, m, "no changes, or none that are new");
        return;
    }
    for (at += 11; *at == '['; count++) {
        char *end;
        unsigned long seat = strtoul(at + 1, &end, 10), status = strtoul(end + 1, &end, 10);
        take_change(s, m, seat, status, now);
        at = end + strspn(end, "],");
    }
    if (count != m->id - s->last)
        fault(s, m, "a gap");
    if (!s->back) {
        s->back = true;
        back_count++;
        histogram_add(&back_after, now - dropped_at);
    }
}

static void take_message(void *ctx, const struct sse_message *m)
{
    struct sub *s = ctx;
    if (m->retry_ms >= 0)
        s->retry_ms = m->retry_ms;
    if (strcmp(m->event, "seats") == 0) {
        messages++;
        take_seats(s, m);
    } else if (strcmp(m->event, "reset") == 0) {
        resets++;
    } else if (!m->event[0] && m->id > s->last) {
        fault(s, m, "an id without what led to it");
    }
    if (m->id > s->last)
        s->last = m->id;
}

static void leave(struct sub *s)
{
    if (s->state == SUB_OPEN)
        open_count--;
    close(s->source.fd);
    s->state = SUB_WAITING;
    s->retry_at = now_ns() + s->retry_ms * NS_PER_MS;
    waiting_count++;
}

/* As a browser: the address stays the same, and what it got last comes with it. */
static void ask(struct sub *s)
{
    char request[512];
    int size = snprintf(request, sizeof request,
                        "GET /v1/events/%s/changes?since=%" PRIu64
                        " HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n",
                        opts->event, writer.first_seq, opts->host);
    if (s->last > writer.first_seq)
        size += snprintf(request + size, sizeof request - (size_t)size, "Last-Event-ID: %" PRIu64 "\r\n",
                         s->last);
    size += snprintf(request + size, sizeof request - (size_t)size, "\r\n");
    if (send(s->source.fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        die("send: %s", strerror(errno));
}

static void sub_ready(struct source *source, uint32_t events)
{
    struct sub *s = (struct sub *)source;
    (void)events;
    if (s->state == SUB_CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            lost++;
            leave(s);
            return;
        }
        ask(s);
        s->state = SUB_OPEN;
        open_count++; /* it counts when the head of the answer came, see all_open() */
        loop_change(&loop, source, EPOLLIN);
        return;
    }
    ssize_t got = recv(source->fd, received, sizeof received, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        lost++;
        leave(s);
        return;
    }
    bytes += (uint64_t)got;
    if (!sse_feed(&s->sse, received, (size_t)got, take_message, s))
        die("a subscriber was answered: %.300s", s->sse.data);
}

static void sub_connect(struct sub *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)&opts->address, sizeof opts->address) != 0 &&
        errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    sse_reset(&s->sse);
    s->source = (struct source){.ready = sub_ready, .fd = fd};
    s->state = SUB_CONNECTING;
    s->back = false;
    waiting_count--;
    loop_add(&loop, &s->source, EPOLLOUT);
}

/* Connect those whose time has come. Returns when to be called next. */
static int64_t retry_turn(void)
{
    int64_t now = now_ns();
    if (waiting_count == 0)
        return NEVER;
    if (now < next_scan)
        return next_scan;
    for (uint32_t i = 0; i < opts->count; i++) {
        if (subs[i].state == SUB_WAITING && subs[i].retry_at <= now)
            sub_connect(&subs[i]);
    }
    next_scan = now + RETRY_SCAN;
    return waiting_count ? next_scan : NEVER;
}

static bool never(void)
{
    return false;
}

static bool all_open(void)
{
    for (uint32_t i = 0; open_count == opts->count && i < opts->count; i++) {
        if (!subs[i].sse.in_body)
            return false;
    }
    return open_count == opts->count;
}

/* The changes are applied and everybody has the last of them. */
static bool all_reached(void)
{
    for (uint32_t i = 0; writer_done(&writer) && i < opts->count; i++) {
        if (subs[i].last < writer.last_seq)
            return false;
    }
    return writer_done(&writer);
}

static bool all_back(void)
{
    return back_count == opts->count;
}

/* Turn the loop until @finished, or the time is over. Returns the first. */
static bool run_until(bool (*finished)(void), int64_t end)
{
    while (!finished()) {
        if (now_ns() >= end)
            return false;
        int64_t write = writer_turn(&writer), retry = retry_turn();
        int64_t next = write < retry ? write : retry;
        loop_turn(&loop, next < end ? next : end);
    }
    return true;
}

static void begin_phase(void)
{
    latency = back_after = (struct histogram){0};
    messages = bytes = 0;
}

static void open_phase(void)
{
    int64_t began = now_ns();
    if (!run_until(all_open, began + PATIENCE))
        die("only %" PRIu32 " of %" PRIu32 " subscribers are connected after 30 s", open_count, opts->count);
    printf("OPEN count=%" PRIu32 " seconds=%.3f lost=%" PRIu64 "\n", open_count,
           (double)(now_ns() - began) / NS_PER_S, lost);
    fflush(stdout);
    run_until(never, now_ns() + NS_PER_S); /* whoever started this looks at the server's memory now */
}

static void alone_phase(void)
{
    double rounds[ALONE_CHANGES], whole[ALONE_CHANGES];
    begin_phase();
    for (unsigned i = 0; i < ALONE_CHANGES; i++) {
        writer_begin(&writer, 1, 1);
        if (!run_until(all_reached, now_ns() + PATIENCE))
            die("a change did not reach all subscribers within 30 s");
        const struct change *c = &changes[writer.position];
        rounds[i] = (double)(c->last - c->first) / NS_PER_MS;
        whole[i] = (double)(c->last - c->sent) / NS_PER_MS;
        run_until(never, now_ns() + PAUSE);
    }
    printf("ALONE changes=%u round_ms=%.3f whole_ms=%.3f message_bytes=%.0f\n", ALONE_CHANGES,
           median(rounds, ALONE_CHANGES), median(whole, ALONE_CHANGES), (double)bytes / (double)messages);
    fflush(stdout);
}

static void steady_phase(void)
{
    begin_phase();
    writer_begin(&writer, opts->rate, (uint64_t)(opts->rate * opts->seconds));
    int64_t cpu = cpu_ns();
    bool reached = run_until(all_reached, now_ns() + (int64_t)(opts->seconds * NS_PER_S) + PATIENCE);
    double busy = busy_share(writer.began, cpu), lasted = (double)(now_ns() - writer.began) / NS_PER_S;
    printf("STEADY changes=%" PRIu64 " rate=%.1f p50_ms=%.3f p99_ms=%.3f max_ms=%.3f pairs=%" PRIu64
           " missing=%" PRIu64 " messages=%" PRIu64 " bytes=%" PRIu64
           " rounds_per_s=%.1f answer_p50_ms=%.3f answer_p99_ms=%.3f reached=%d busy=%.2f\n",
           writer.answered, writer_reached(&writer), histogram_ms(&latency, 0.5),
           histogram_ms(&latency, 0.99), histogram_ms(&latency, 1), latency.total,
           writer.answered * opts->count - latency.total, messages, bytes,
           (double)messages / opts->count / lasted, histogram_ms(&writer.latency, 0.5),
           histogram_ms(&writer.latency, 0.99), reached, busy);
    fflush(stdout);
}

static void dropped_phase(void)
{
    begin_phase();
    back_count = 0;
    uint64_t lost_before = lost;
    writer_begin(&writer, opts->rate, UINT64_MAX);
    dropped_at = now_ns();
    for (uint32_t i = 0; i < opts->count; i++)
        leave(&subs[i]);
    double closed = (double)(now_ns() - dropped_at) / NS_PER_S;
    if (!run_until(all_back, dropped_at + PATIENCE))
        die("only %" PRIu32 " of %" PRIu32 " subscribers are back after 30 s", back_count, opts->count);
    writer.wanted = writer.sent;
    bool reached = run_until(all_reached, now_ns() + PATIENCE);
    printf("BACK count=%" PRIu32 " p50_s=%.3f last_s=%.3f closing_s=%.3f refused=%" PRIu64 " reached=%d\n",
           back_count, histogram_ms(&back_after, 0.5) / 1000, histogram_ms(&back_after, 1) / 1000, closed,
           lost - lost_before, reached);
}

int cmd_streams(const struct options *o)
{
    if (o->count == 0)
        die("--count is needed");
    need_open_files(o->count);
    opts = o;
    loop_open(&loop);
    writer_open(&writer, o);
    writer.on_sent = note_sent;
    writer.on_answered = note_answered;
    changes = allocate(o->seats, sizeof *changes);
    subs = allocate(o->count, sizeof *subs);
    for (uint32_t i = 0; i < o->count; i++) {
        subs[i].last = writer.first_seq;
        subs[i].retry_ms = BROWSER_RETRY_MS;
        subs[i].back = true;
    }
    waiting_count = o->count;
    open_phase();
    for (uint32_t i = 0; i < o->count; i++)
        subs[i].back = true;
    alone_phase();
    steady_phase();
    dropped_phase();
    printf("CHECKED resets=%" PRIu64 " faults=%" PRIu64 "\n", resets, faults);
    return 0;
}
