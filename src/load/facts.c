#include "load/facts.h"
#include "base/error.h"
#include "base/must.h"
#include "load/loop.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, CURSOR = 256 };

/* ---- single values ---- */

/* Seats are numbered in the last four bytes of a ticket's id. */
static uint32_t seat_of(struct json_node ticket_id)
{
    struct uuid id = json_in_uuid(ticket_id);
    return (uint32_t)id.b[12] << 24 | (uint32_t)id.b[13] << 16 | (uint32_t)id.b[14] << 8 | id.b[15];
}

static struct uuid id_or_nil(struct json_node node)
{
    return json_in_absent(node) ? UUID_NIL : json_in_uuid(node);
}

/* Where the text stands in @names (ended by NULL); the number of names when it is none of them. */
static int word(struct json_node node, const char *const *names)
{
    const char *text = json_in_absent(node) ? "" : json_in_text(node, 0, 100);
    int i = 0;
    while (names[i] && (!text || strcmp(names[i], text) != 0))
        i++;
    return i;
}

static const char *const HOLD_NAMES[] = {"active", "released", "expired", "purchased", NULL};
static const char *const ORDER_NAMES[] = {"pending", "paid", "cancelled", "expired", NULL};
static const char *const SEAT_NAMES[] = {"available", "held", "sold", "blocked", NULL};

/* What the log calls the end of a hold; a cancelled order's hold counts as released. */
static enum hold_status outcome_of(struct json_node node)
{
    static const char *const NAMES[] = {"purchased", "released", "cancelled", "expired", NULL};
    static const enum hold_status STATUSES[] = {HOLD_PURCHASED, HOLD_RELEASED, HOLD_RELEASED, HOLD_EXPIRED,
                                                HOLD_UNKNOWN};
    return json_in_absent(node) ? HOLD_ACTIVE : STATUSES[word(node, NAMES)];
}

static void read_counts(struct json_node object, uint32_t *ret_counts)
{
    for (unsigned i = 0; i < SEAT_STATUSES; i++)
        ret_counts[i] = (uint32_t)json_in_int(json_in_member(object, SEAT_NAMES[i]), 0, UINT32_MAX);
}

/* Room for @more elements after @count. */
static void *room_for(void *list, size_t count, size_t more, size_t size)
{
    list = realloc(list, (count + more) * size);
    must(list || (count + more) * size == 0);
    return list;
}

/* ---- pages ---- */

/* Takes the entries of a page into the facts. */
typedef void take_page(struct facts *f, struct json_node list, size_t count);

struct reading {
    struct fetcher *fetcher;
    const char *event;
    uint64_t first_seq;
    bool changed; /* two answers showed different changes */
};

static void note_seq(struct reading *r, const struct reply *reply)
{
    if (!reply->change_seq)
        return;
    r->changed = r->changed || (r->first_seq && r->first_seq != reply->change_seq);
    r->first_seq = reply->change_seq;
}

static int not_as_documented(struct fetcher *f, const char *path, const struct json_in *in)
{
    const char *why = in->errors ? in->errors->detail : in->detail;
    snprintf(f->error, sizeof f->error, "GET %s was not answered as documented: %s%s%s", path,
             in->errors ? in->errors->pointer : "", in->errors ? " " : "", why ? why : "");
    return -1;
}

/* Read one JSON answer and hand it to @take. Returns 0 or -1. */
static int read_page(struct reading *r, struct facts *facts, const char *path, const char *member,
                     take_page *take, char ret_cursor[CURSOR])
{
    struct arena arena;
    struct json_in in;
    struct reply reply;
    arena_init(&arena, 65536);
    int ret = fetch_json(r->fetcher, path, &arena, &in, &reply);
    if (!ret) {
        size_t count = 0;
        struct json_node root = json_in_root(&in), list = member ? json_in_member(root, member) : root;
        note_seq(r, &reply);
        if (member)
            json_in_array(list, 0, SIZE_MAX, &count);
        take(facts, list, count);
        struct json_node next = json_in_member(root, "next_cursor");
        const char *cursor = member && !json_in_absent(next) ? json_in_text(next, 0, CURSOR - 1) : NULL;
        snprintf(ret_cursor, CURSOR, "%s", cursor ? cursor : "");
        if (json_in_status(&in))
            ret = not_as_documented(r->fetcher, path, &in);
    }
    json_in_done(&in);
    arena_done(&arena);
    return ret;
}

/* All pages of a list. @path has its query. */
static int read_pages(struct reading *r, struct facts *facts, const char *path, const char *member,
                      take_page *take)
{
    char full[700], cursor[CURSOR] = "";
    do {
        snprintf(full, sizeof full, "%s%climit=%d%s%s", path, strchr(path, '?') ? '&' : '?', PAGE,
                 *cursor ? "&cursor=" : "", cursor);
        if (read_page(r, facts, full, member, take, cursor))
            return -1;
    } while (*cursor);
    return 0;
}

static void take_event(struct facts *f, struct json_node event, size_t count)
{
    (void)count;
    read_counts(json_in_member(event, "counts"), f->event_counts);
}

static void take_availability(struct facts *f, struct json_node availability, size_t count)
{
    (void)count;
    read_counts(availability, f->availability_counts);
}

static void take_tickets(struct facts *f, struct json_node list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json_node ticket = json_in_item(list, i);
        int64_t seat = json_in_int(json_in_member(ticket, "seat_index"), 0, f->seats_total - 1);
        f->tickets[seat] = (uint8_t)word(json_in_member(ticket, "status"), SEAT_NAMES);
    }
}

static void add_seat(struct facts *f, struct json_node ticket_id)
{
    if ((f->seats_count & (f->seats_count - 1)) == 0) /* 0, 1, 2, 4, 8, ... */
        f->seats = room_for(f->seats, f->seats_count ? 2 * f->seats_count : 1, 0, sizeof *f->seats);
    f->seats[f->seats_count++] = seat_of(ticket_id);
}

static void take_holds(struct facts *f, struct json_node list, size_t count)
{
    f->holds = room_for(f->holds, f->hold_count, count, sizeof *f->holds);
    for (size_t i = 0; i < count; i++) {
        struct json_node entry = json_in_item(list, i), tickets = json_in_member(entry, "ticket_ids");
        struct fact_hold *hold = &f->holds[f->hold_count++];
        *hold =
            (struct fact_hold){.hold = json_in_uuid(json_in_member(entry, "hold_id")),
                               .status = (enum hold_status)word(json_in_member(entry, "status"), HOLD_NAMES),
                               .first = f->seats_count};
        json_in_array(tickets, 1, SIZE_MAX, &hold->count);
        for (size_t k = 0; k < hold->count; k++)
            add_seat(f, json_in_item(tickets, k));
    }
}

static void take_orders(struct facts *f, struct json_node list, size_t count)
{
    f->orders = room_for(f->orders, f->order_count, count, sizeof *f->orders);
    for (size_t i = 0; i < count; i++) {
        struct json_node entry = json_in_item(list, i), tickets = json_in_member(entry, "tickets");
        struct fact_order *order = &f->orders[f->order_count++];
        *order = (struct fact_order){
            .order = json_in_uuid(json_in_member(entry, "order_id")),
            .hold = id_or_nil(json_in_member(entry, "hold_id")),
            .status = (enum order_status)word(json_in_member(entry, "status"), ORDER_NAMES),
            .first = f->seats_count};
        json_in_array(tickets, 1, SIZE_MAX, &order->count);
        for (size_t k = 0; k < order->count; k++)
            add_seat(f, json_in_member(json_in_item(tickets, k), "ticket_id"));
    }
}

static void take_queue(struct facts *f, struct json_node list, size_t count)
{
    f->queue = room_for(f->queue, f->queue_count, count, sizeof *f->queue);
    for (size_t i = 0; i < count; i++) {
        struct json_node row = json_in_item(list, i);
        f->queue[f->queue_count++] = (struct fact_queue){.hold = json_in_uuid(json_in_member(row, "hold_id")),
                                                         .seat = seat_of(json_in_member(row, "ticket_id"))};
    }
}

static int read_bits(struct reading *r, struct facts *f)
{
    char path[100];
    struct reply reply;
    snprintf(path, sizeof path, "/v1/events/%s/availability", r->event);
    if (fetch_as(r->fetcher, path, "application/octet-stream", &reply))
        return -1;
    if (reply.kept != (f->seats_total + 3u) / 4) {
        snprintf(r->fetcher->error, sizeof r->fetcher->error, "GET %s: %zu bytes for %u seats", path,
                 reply.kept, (unsigned)f->seats_total);
        return -1;
    }
    note_seq(r, &reply);
    for (uint32_t i = 0; i < f->seats_total; i++)
        f->availability[i] = (uint8_t)reply.body[i / 4] >> (i % 4 * 2) & 3;
    return 0;
}

/* ---- the change log ---- */

void facts_log_open(struct facts_log *l, const struct house *h)
{
    *l = (struct facts_log){.event_count = h->event_count};
    l->events = calloc(h->event_count, sizeof *l->events);
    must(l->events);
    snprintf(l->cursor, sizeof l->cursor, "%s", h->log_cursor);
}

void facts_log_close(struct facts_log *l)
{
    for (unsigned i = 0; i < l->event_count; i++)
        free(l->events[i].rows);
    free(l->events);
}

/* The event of the house with this id, event_count when it is none. Rows of one event come in a run. */
static unsigned event_index(const struct house *h, const char *id, unsigned guess)
{
    if (guess < h->event_count && strcmp(h->events[guess].id, id) == 0)
        return guess;
    for (unsigned i = 0; i < h->event_count; i++) {
        if (strcmp(h->events[i].id, id) == 0)
            return i;
    }
    return h->event_count;
}

static void take_rows(struct facts_log *l, const struct house *h, struct json_node list, size_t count)
{
    unsigned event = 0;
    for (size_t i = 0; i < count; i++) {
        struct json_node row = json_in_item(list, i);
        const char *id = json_in_text(json_in_member(row, "event_id"), 0, 100);
        event = event_index(h, id ? id : "", event);
        if (event == h->event_count)
            continue;
        if (l->events[event].count == l->events[event].room) {
            l->events[event].room = l->events[event].room ? 2 * l->events[event].room : 1024;
            l->events[event].rows =
                room_for(l->events[event].rows, l->events[event].room, 0, sizeof(struct fact_log));
        }
        l->events[event].rows[l->events[event].count++] = (struct fact_log){
            .seq = (uint64_t)json_in_int(json_in_member(row, "seq"), 0, INT64_MAX),
            .hold = json_in_uuid(json_in_member(row, "hold_id")),
            .seat = seat_of(json_in_member(row, "ticket_id")),
            .operation = (int)json_in_int(json_in_member(row, "cdc$operation"), -100, 100),
            .outcome = outcome_of(json_in_member(row, "outcome")),
        };
    }
}

/* Read the log to its end. */
static int catch_up(struct facts_log *l, struct fetcher *f, const struct house *h)
{
    bool more = true;
    while (more) {
        char path[320];
        struct arena arena;
        struct json_in in;
        struct reply reply;
        arena_init(&arena, 65536);
        snprintf(path, sizeof path, "/v1/cdc/order_queue?limit=%d%s%s", PAGE, *l->cursor ? "&after=" : "",
                 l->cursor);
        int ret = fetch_json(f, path, &arena, &in, &reply);
        if (!ret) {
            size_t count;
            struct json_node root = json_in_root(&in), rows = json_in_member(root, "rows");
            json_in_array(rows, 0, SIZE_MAX, &count);
            take_rows(l, h, rows, count);
            const char *cursor = json_in_text(json_in_member(root, "next_cursor"), 1, sizeof l->cursor - 1);
            more = json_in_bool(json_in_member(root, "more"));
            if (json_in_status(&in))
                ret = not_as_documented(f, path, &in);
            else
                snprintf(l->cursor, sizeof l->cursor, "%s", cursor);
        }
        json_in_done(&in);
        arena_done(&arena);
        if (ret)
            return -1;
    }
    return 0;
}

/* ---- all of it ---- */

static int read_once(struct reading *r, struct facts *f, const struct house *h, struct facts_log *log)
{
    char path[200], cursor[CURSOR];
    *f = (struct facts){.seats_total = h->seats};
    f->availability = calloc(h->seats, 1);
    f->tickets = calloc(h->seats, 1);
    must(f->availability && f->tickets);
#define PATH(...) (snprintf(path, sizeof path, __VA_ARGS__), path)
    if (read_bits(r, f) || read_page(r, f, PATH("/v1/events/%s", r->event), NULL, take_event, cursor) ||
        read_page(r, f, PATH("/v1/events/%s/availability", r->event), NULL, take_availability, cursor) ||
        read_pages(r, f, PATH("/v1/events/%s/tickets", r->event), "tickets", take_tickets) ||
        read_pages(r, f, PATH("/v1/events/%s/checkouts", r->event), "checkouts", take_holds) ||
        read_pages(r, f, PATH("/v1/orders?event_id=%s", r->event), "orders", take_orders) ||
        read_pages(r, f, PATH("/v1/order_queue?event_id=%s", r->event), "rows", take_queue) ||
        catch_up(log, r->fetcher, h) ||
        read_page(r, f, PATH("/v1/events/%s", r->event), NULL, take_event, cursor))
        return -1;
#undef PATH
    f->seq = r->first_seq;
    return 0;
}

static void *copy(const void *list, size_t count, size_t size)
{
    void *made = malloc(count * size + 1);
    must(made);
    if (count)
        memcpy(made, list, count * size);
    return made;
}

/* The ledger's part, and the rows of the log. */
static void add_memory(struct facts *f, const struct house *h, unsigned index, const struct facts_log *log,
                       const struct ledger *ledger)
{
    const struct ledger_event *e = &ledger->events[index];
    f->promises = copy(e->promises, e->promise_count, sizeof *e->promises);
    f->promise_count = e->promise_count;
    f->answered_seqs =
        room_for(copy(e->seqs, e->seq_count, sizeof *e->seqs), e->seq_count, 1, sizeof *e->seqs);
    f->answered_seqs[e->seq_count] = h->events[index].created_seq;
    f->seq_count = e->seq_count + 1;
    f->unanswered = e->unanswered;
    f->log = copy(log->events[index].rows, log->events[index].count, sizeof *f->log);
    f->log_count = log->events[index].count;
}

int facts_read(struct facts *ret, struct fetcher *f, const struct house *h, unsigned index,
               struct facts_log *log, const struct ledger *ledger, double patience_s)
{
    int64_t end = now_ns() + (int64_t)(patience_s * (double)NS_PER_S);
    for (;;) {
        struct reading r = {.fetcher = f, .event = h->events[index].id};
        if (read_once(&r, ret, h, log))
            return -1;
        if (!r.changed)
            break;
        if (now_ns() >= end) {
            snprintf(f->error, sizeof f->error,
                     "event %s went on changing for %.0f s; its rules could not be checked", r.event,
                     patience_s);
            return -1;
        }
        facts_done(ret);
    }
    add_memory(ret, h, index, log, ledger);
    return 0;
}

void facts_done(struct facts *f)
{
    free(f->availability);
    free(f->tickets);
    free(f->seats);
    free(f->holds);
    free(f->orders);
    free(f->queue);
    free(f->log);
    free(f->promises);
    free(f->answered_seqs);
    *f = (struct facts){0};
}
