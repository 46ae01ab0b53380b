/*
 * An event with its feed: the view, the stream loop, an HTTP server with one route, and a record of what was
 * shown at each seq, against which followers check what they are told.
 */
#ifndef UNIT_FEED_STAND_H
#define UNIT_FEED_STAND_H

#include "unit/http/streams.h"
#include "unit/view/stage.h"

#include "base/text.h"
#include "feed/feed_internal.h"

enum { SEQS_MAX = 16384, BITMAP_MAX = 6000 };

struct stand {
    struct stage stage;
    struct streams streams;
    struct harness http;
    struct feed *feed;
    /* The record, by seq. Written before it is shown; who has read @recorded may read up to there. */
    _Atomic uint64_t recorded;
    uint8_t *bitmaps; /* stage.layout's bitmap_size each */
    size_t bitmap_size;
    size_t log_end[SEQS_MAX]; /* of stage.log, whose memory stays where it is */
    bool event_changed[SEQS_MAX];
};

static inline const uint8_t *shown_at(const struct stand *t, uint64_t seq)
{
    must(seq > 0 && seq <= atomic_load(&t->recorded));
    return t->bitmaps + seq * t->bitmap_size;
}

/* ---- publishing ---- */

static inline void record(struct stand *t, const struct change *c)
{
    must(c->seq < SEQS_MAX);
    uint8_t *bitmap = t->bitmaps + c->seq * t->bitmap_size;
    memcpy(bitmap, bitmap - t->bitmap_size, t->bitmap_size);
    for (uint32_t i = 0; i < c->seat_count; i++)
        replay(bitmap, &(struct seat_delta){c->seats[i].seat, (uint8_t)c->seats[i].after}, 1);
    t->event_changed[c->seq] = c->event != NULL;
    t->log_end[c->seq] = t->log_end[c->seq - 1] + c->seat_count + (c->event != NULL);
}

/* Show what was decided, @first and what follows it, and wake the feed. */
static inline void publish(struct stand *t, const struct change *first)
{
    for (const struct change *c = first; c; c = c->next)
        record(t, c);
    must(t->stage.log_count < t->stage.log_cap); /* never moved */
    atomic_store(&t->recorded, inventory_seq(t->stage.inv));
    view_apply(t->stage.view, t->stage.inv, first);
    inventory_group_done(t->stage.inv);
    feed_wake(t->feed);
}

static inline void publish_group(struct stand *t)
{
    struct arena arena;
    arena_init(&arena, 0);
    publish(t, decide_group(&t->stage, &arena));
    arena_done(&arena);
}

/* One command, which must be accepted. */
static inline void publish_command(struct stand *t, struct command command)
{
    struct arena arena;
    struct verdict verdict;
    arena_init(&arena, 0);
    command.actor = actor_key("test");
    assert_int_equal(inventory_decide(t->stage.inv, &command, 1700000001000000, &arena, &verdict), 0);
    for (const struct change *c = verdict.changes; c; c = c->next)
        note_change(&t->stage, c);
    publish(t, verdict.changes);
    arena_done(&arena);
}

/* Block or unblock seats @from to @end - 1. */
static inline void publish_blocked(struct stand *t, uint32_t from, uint32_t end, bool blocked)
{
    uint32_t *seats = malloc((end - from) * sizeof *seats);
    must(seats);
    for (uint32_t i = from; i < end; i++)
        seats[i - from] = i;
    publish_command(t, (struct command){.kind = blocked ? COMMAND_BLOCK : COMMAND_UNBLOCK,
                                        .seats = seats,
                                        .seat_count = end - from});
    free(seats);
}

static inline void publish_removal(struct stand *t)
{
    view_remove(t->stage.view, &t->stage.id);
    feed_wake(t->feed);
}

/* ---- life ---- */

/* "Last-Event-ID: 12" begins there; anything else that is no number: what it knows is of no use. */
static inline void get_event_changes(struct http_req *req, void *ctx)
{
    struct stand *t = ctx;
    const char *id = http_header(req, "Last-Event-ID");
    char *end = NULL;
    uint64_t seq = id ? strtoull(id, &end, 10) : 0;
    enum feed_from from = !id ? FEED_FROM_NOW : *end ? FEED_FROM_RESET : FEED_FROM_SEQ;
    bool all = http_query(req, "all") != NULL;
    must(feed_follow_event(t->feed, req, &t->stage.id, from, seq, all) == 0);
}

static const struct http_route stand_routes[] = {
    {HTTP_GET, "/changes", get_event_changes, 0, false},
    {.path = NULL},
};

/* @seats standing, beside those of hall_of(); at most @entries of the log. */
static inline void stand_init(struct stand *t, uint32_t seats, size_t entries)
{
    memset(t, 0, sizeof *t);
    stage_init(&t->stage, seats, 1);
    t->stage.log_cap = entries;
    t->stage.log = calloc(entries, sizeof t->stage.log[0]);
    t->bitmap_size = (t->stage.layout->seats_total + 3) / 4;
    must(t->bitmap_size <= BITMAP_MAX);
    t->bitmaps = calloc(SEQS_MAX, t->bitmap_size); /* untouched pages cost nothing; 0 is available */
    must(t->stage.log && t->bitmaps && SEAT_AVAILABLE == 0 && inventory_seq(t->stage.inv) == 1);
    atomic_store(&t->recorded, 1);
    streams_open(&t->streams, (struct http_stream_options){.max = 0}, false);
    const struct feed_options options = {
        .view = t->stage.view, .streams = t->streams.ss, .clock = &t->streams.clock};
    t->feed = feed_open(&options);
    streams_start(&t->streams);
    harness_start(&t->http, (struct http_options){.loops = HARNESS_LOOPS, .routes = stand_routes, .ctx = t});
}

static inline void stand_free(struct stand *t)
{
    harness_stop(&t->http);
    streams_join(&t->streams);
    http_streams_close(t->streams.ss);
    feed_close(t->feed);
    free(t->bitmaps);
    stage_free(&t->stage);
}

/* ---- followers ---- */

struct follower_client {
    struct stand *stand;
    struct client *c;
    bool all;
    bool fresh; /* nothing was heard on this connection */
    enum feed_from from;
    uint64_t asked; /* FEED_FROM_SEQ: after this */
    uint64_t id;    /* everything up to here is known; 0: nothing */
    uint8_t bitmap[BITMAP_MAX];
    bool owed; /* the event changed before id, and that is to be said by the next message */
    unsigned messages, resets;
};

/* What was read, until the next is. */
struct sse {
    char event[16];
    uint64_t id;
    const char *data;
};

static inline void follow_from(struct follower_client *f, enum feed_from from, uint64_t seq, int room)
{
    char request[200], id[60] = "";
    if (from == FEED_FROM_SEQ)
        snprintf(id, sizeof id, "Last-Event-ID: %llu\r\n", (unsigned long long)seq);
    if (from == FEED_FROM_RESET)
        snprintf(id, sizeof id, "Last-Event-ID: a-word\r\n");
    snprintf(request, sizeof request, "GET /changes%s HTTP/1.1\r\nHost: test\r\n%s\r\n",
             f->all ? "?all=1" : "", id);
    f->from = from;
    f->asked = seq;
    f->fresh = true;
    f->c = client_connect_with(&f->stand->http, room);
    client_send(f->c, request);
}

static inline void unfollow(struct follower_client *f, bool hard)
{
    if (hard)
        client_reset(f->c);
    else
        client_close(f->c);
    f->c = NULL;
}

/* The next message; false at the end. */
static inline bool next_sse(struct client *c, char *text, size_t size, struct sse *ret)
{
    const char *end;
    while (!(end = memmem(c->in, c->size, "\n\n", 2)))
        if (!client_fill(c))
            return false;
    size_t used = (size_t)(end - c->in) + 2;
    must(used < size);
    memcpy(text, c->in, used);
    text[used - 1] = '\0';
    client_use(c, used);
    *ret = (struct sse){.event = ""};
    for (char *line = text; *line;) {
        char *stop = strchr(line, '\n');
        *stop = '\0';
        if (strncmp(line, "event: ", 7) == 0)
            snprintf(ret->event, sizeof ret->event, "%s", line + 7);
        else if (strncmp(line, "id: ", 4) == 0)
            ret->id = strtoull(line + 4, NULL, 10);
        else if (strncmp(line, "data: ", 6) == 0)
            ret->data = line + 6;
        else
            must(!"a line of its kind is not known");
        line = stop + 1;
    }
    return true;
}

/* What a message of seats says, as a list; checked against all that happened after what was known. */
static inline void hear_seats(struct follower_client *f, const struct sse *m)
{
    const struct stand *t = f->stand;
    uint32_t total = t->stage.layout->seats_total, heard = 0;
    static _Thread_local uint8_t wanted[BITMAP_MAX * 4];
    memset(wanted, 0xff, total);
    for (size_t i = t->log_end[f->id]; i < t->log_end[m->id]; i++) {
        if (t->stage.log[i].seat == NO_SEAT)
            f->owed = true; /* where it changed again later, only that is said */
        else
            wanted[t->stage.log[i].seat] = t->stage.log[i].status;
    }
    char start[60];
    int size = snprintf(start, sizeof start, "{\"seq\":%llu,\"changes\":[", (unsigned long long)m->id);
    must(strncmp(m->data, start, (size_t)size) == 0);
    const char *at = m->data + size;
    for (long last = -1; *at == '['; heard++) {
        char *end;
        long seat = strtol(at + 1, &end, 10);
        must(*end == ',' && seat > last && seat < (long)total);
        long status = strtol(end + 1, &end, 10);
        must(*end == ']' && wanted[seat] == status);
        wanted[seat] = 0xff;
        replay(f->bitmap, &(struct seat_delta){(uint32_t)seat, (uint8_t)status}, 1);
        last = seat;
        at = end + 1 + (end[1] == ',');
    }
    must(strcmp(at, "]}") == 0 && heard > 0);
    for (uint32_t i = 0; i < total; i++)
        must(wanted[i] == 0xff); /* nothing is missing */
}

/* What it asked for was not what it knows. */
static inline bool starts_over(const struct follower_client *f)
{
    return f->fresh &&
           (f->from == FEED_FROM_RESET || (f->from == FEED_FROM_SEQ && (f->asked == 0 || f->asked != f->id)));
}

static inline bool may_be_reset(const struct follower_client *f, uint64_t id)
{
    return starts_over(f) || f->stand->log_end[id] - f->stand->log_end[f->id] > LIMIT_DELTA_RING;
}

/* Check a message and take what it says. */
static inline void hear(struct follower_client *f, const struct sse *m)
{
    const uint8_t *now = shown_at(f->stand, m->id);
    char only_seq[40];
    snprintf(only_seq, sizeof only_seq, "{\"seq\":%llu}", (unsigned long long)m->id);
    if (!*m->event) {
        must(f->fresh && f->from == FEED_FROM_NOW && !m->data);
        memcpy(f->bitmap, now, f->stand->bitmap_size); /* it reads what is shown */
        f->owed = false;
    } else if (strcmp(m->event, "reset") == 0) {
        must(strcmp(m->data, only_seq) == 0 && may_be_reset(f, m->id));
        memcpy(f->bitmap, now, f->stand->bitmap_size);
        f->owed = false;
        f->resets++;
    } else {
        must(!starts_over(f) && m->id > f->id);
        must(!f->fresh || f->from == FEED_FROM_SEQ);
        if (strcmp(m->event, "seats") == 0) {
            must(!f->owed || f->fresh);
            hear_seats(f, m);
        } else {
            must(strcmp(m->event, "event") == 0 && strcmp(m->data, only_seq) == 0 &&
                 f->stand->event_changed[m->id]);
            f->owed = false;
        }
        must(memcmp(f->bitmap, now, f->stand->bitmap_size) == 0);
    }
    f->id = m->id;
    f->fresh = false;
    f->messages++;
}

/* Read one message and check it. Returns false at the end. */
static inline bool hear_next(struct follower_client *f, struct sse *ret)
{
    static _Thread_local char text[256 << 10];
    struct sse m;
    if (f->fresh && f->c->head[0] == '\0')
        must(client_stream_begins(f->c) >= RETRY_MIN_MS);
    if (!next_sse(f->c, text, sizeof text, &m))
        return false;
    hear(f, &m);
    if (ret)
        *ret = m;
    return true;
}

#endif
