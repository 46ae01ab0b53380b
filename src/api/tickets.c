#include "api/cursor.h"
#include "api/encode.h"
#include "api/routes.h"
#include "api/seats_in.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/params.h"
#include <inttypes.h>
#include <string.h>

/* ---- reading ---- */

enum { ANY_STATUS = -1 };

struct ticket_filter {
    int status;
    bool has_section;
    struct section_id section;
    const char *type_id; /* or NULL */
    uint32_t first, limit;
};

static void query_filter(struct api_req *c, struct ticket_filter *f)
{
    const char *status = http_query(c->req, "status");
    enum seat_status wanted = SEAT_AVAILABLE;
    struct cursor after;
    if (status && !seat_status_parse(status, &wanted))
        json_in_fault_at(&c->in, "/status", "must be available, held, sold or blocked");
    f->status = status ? (int)wanted : ANY_STATUS;
    f->has_section = api_query_uuid(c, "section", &f->section.u);
    f->type_id = api_query_text(c, "type_id", LIMIT_TYPE_ID_CHARS);
    api_query_page(c, &after, &f->limit);
    if (after.size && !cursor_number(&after, &f->first))
        api_fault_cursor(c, "cursor");
}

static bool place_fits(const struct ticket_filter *f, const struct layout *l,
                       const struct layout_place *place)
{
    return (!f->has_section || uuid_equal(&f->section.u, &l->sections[place->section].section_id.u)) &&
           (!f->type_id || strcmp(f->type_id, place->type_id) == 0);
}

/* The first seat in [@seat, @end) that the filter's status lets through, or NO_SEAT. */
static uint32_t next_match(const struct snapshot *s, const struct ticket_filter *f, uint32_t seat,
                           uint32_t end)
{
    if (f->status == ANY_STATUS)
        return seat < end ? seat : NO_SEAT;
    return snapshot_next_seat(s, seat, end, (enum seat_status)f->status);
}

/* Write the tickets that fit, up to the limit. Returns the first that fits and has no room, or NO_SEAT. */
static uint32_t out_matches(struct json_out *j, const struct snapshot *s, const struct ticket_filter *f)
{
    uint32_t written = 0;
    for (uint32_t i = 0; i < s->layout->place_count; i++) {
        const struct layout_place *place = &s->layout->places[i];
        uint32_t end = place->first_seat + place->seats;
        if (end <= f->first || !place_fits(f, s->layout, place))
            continue;
        uint32_t seat = f->first > place->first_seat ? f->first : place->first_seat;
        for (; (seat = next_match(s, f, seat, end)) != NO_SEAT; seat++) {
            if (written++ == f->limit)
                return seat;
            encode_ticket(j, s, seat);
        }
    }
    return NO_SEAT;
}

static void out_tickets(struct api_req *c, struct json_out *j)
{
    json_out_object(j);
    json_out_key(j, "tickets");
    json_out_array(j);
    uint32_t next = out_matches(j, c->call.event, c->user);
    json_out_end_array(j);
    struct cursor cursor = {0};
    if (next != NO_SEAT)
        cursor = cursor_of_number(next);
    cursor_out(j, &cursor);
    json_out_end_object(j);
}

static void show_tickets(struct api_req *c)
{
    struct ticket_filter *f = arena_alloc(c->req->arena, sizeof(*f));
    query_filter(c, f);
    if (!api_fits(c))
        return;
    c->user = f;
    api_reply_cached(c, api_event_etag(c, ""), out_tickets);
}

void get_tickets(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"status", "section", "type_id", "limit", "cursor", NULL};
    api_event_read(req, ctx, query, show_tickets);
}

static void out_ticket(struct api_req *c, struct json_out *j)
{
    const uint32_t *seat = c->user;
    encode_ticket(j, c->call.event, *seat);
}

static void show_ticket(struct api_req *c)
{
    const struct snapshot *s = c->call.event;
    struct ticket_id id;
    uint32_t *seat = arena_alloc(c->req->arena, sizeof(*seat));
    if (!api_path_id(c, 1, &id.u))
        return;
    if (!ticket_id_seat(&id, &s->event->event_id, seat) || *seat >= s->layout->seats_total) {
        api_problem(c, BOX_ENOTFOUND, "The event has no such ticket.");
        return;
    }
    c->user = seat;
    api_reply_cached(c, api_event_etag(c, ""), out_ticket);
}

void get_ticket(struct http_req *req, void *ctx)
{
    api_event_read(req, ctx, NULL, show_ticket);
}

/* ---- block and unblock ---- */

static void out_blocked(struct api_req *c, struct json_out *j)
{
    const struct app_call *call = &c->call;
    const struct command *command = &call->req.command;
    const struct event_id *event = &call->event->event->event_id;
    json_out_object(j);
    json_out_member_uuid(j, "event_id", &event->u);
    json_out_member_int(j, "seq", (int64_t)call->seq);
    json_out_key(j, "ticket_ids");
    json_out_array(j);
    for (uint32_t i = 0; i < command->seat_count; i++) {
        struct ticket_id id = ticket_id_of(event, command->seats[i]);
        json_out_uuid(j, &id.u);
    }
    json_out_end_array(j);
    json_out_key(j, "counts");
    json_out_object(j);
    encode_counts(j, call->counts);
    json_out_end_object(j);
    json_out_end_object(j);
}

static void block(struct http_req *req, void *ctx, enum command_kind kind)
{
    static const char *const known[] = {"ticket_ids", NULL};
    struct api_req *c = api_begin_post(req, ctx, RIGHT_KEY);
    uint32_t count = 0;
    if (!c || !api_write_event(c, 200, out_blocked))
        return;
    const struct snapshot *s = c->call.event;
    struct json_node list = json_in_member(api_body(c, known), "ticket_ids");
    const uint32_t *seats = tickets_in(list, LIMIT_BLOCK_SEATS, &s->event->event_id, s->layout, &count);
    if (api_fits(c))
        app_seats_block(&c->call, kind, seats, count);
}

void post_block(struct http_req *req, void *ctx)
{
    block(req, ctx, COMMAND_BLOCK);
}

void post_unblock(struct http_req *req, void *ctx)
{
    block(req, ctx, COMMAND_UNBLOCK);
}
