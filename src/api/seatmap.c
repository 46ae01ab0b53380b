#include "api/seatmap.h"
#include "api/encode.h"
#include "api/kept.h"
#include "api/routes.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 12 };

/* Label of a seat of a row, by its position. */
static const char *label_of(const struct layout_row *row, uint32_t position, char scratch[NUMBER_BYTES])
{
    if (row->labels)
        return row->labels[position];
    snprintf(scratch, NUMBER_BYTES, "%" PRIu32, position + 1);
    return scratch;
}

static void out_labels(struct json_out *j, const struct layout_row *row)
{
    json_out_key(j, "seats");
    if (!row->labels) {
        json_out_int(j, row->seats);
        return;
    }
    json_out_array(j);
    for (uint32_t i = 0; i < row->seats; i++)
        json_out_text(j, row->labels[i]);
    json_out_end_array(j);
}

/* x or y of a row's seats; null when none of them has one. */
static void out_positions(struct json_out *j, const char *name, const int32_t *all,
                          const struct layout_row *row)
{
    const int32_t *at = all ? all + row->first_seat : NULL;
    uint32_t without = 0;
    while (at && without < row->seats && at[without] == NO_COORDINATE)
        without++;
    json_out_key(j, name);
    if (!at || without == row->seats) {
        json_out_null(j);
        return;
    }
    json_out_array(j);
    for (uint32_t i = 0; i < row->seats; i++) {
        if (at[i] == NO_COORDINATE)
            json_out_null(j);
        else
            json_out_int(j, at[i]);
    }
    json_out_end_array(j);
}

static void out_gaps(struct json_out *j, const struct layout *l, const struct layout_row *row)
{
    char scratch[NUMBER_BYTES];
    json_out_key(j, "gaps_after");
    json_out_array(j);
    for (uint32_t i = 0; l->gap_after && i < row->seats; i++)
        if (layout_gap_after(l, row->first_seat + i))
            json_out_text(j, label_of(row, i, scratch));
    json_out_end_array(j);
}

static void out_row(struct json_out *j, const struct layout *l, const struct layout_row *row)
{
    json_out_object(j);
    json_out_member_text(j, "row", row->label);
    json_out_member_int(j, "first_seat_index", row->first_seat);
    out_labels(j, row);
    out_positions(j, "x", l->x, row);
    out_positions(j, "y", l->y, row);
    out_gaps(j, l, row);
    json_out_end_object(j);
}

static void out_place(struct json_out *j, const struct layout *l, const struct layout_place *place)
{
    json_out_object(j);
    json_out_member_text(j, "type_id", place->type_id);
    json_out_member_int(j, "first_seat_index", place->first_seat);
    json_out_member_int(j, "seats_count", place->seats);
    if (place->numbered) {
        json_out_key(j, "rows");
        json_out_array(j);
        for (uint32_t i = 0; i < place->rows; i++)
            out_row(j, l, &l->rows[place->first_row + i]);
        json_out_end_array(j);
    }
    json_out_end_object(j);
}

static void out_section(struct json_out *j, const struct layout *l, const struct layout_section *section)
{
    json_out_object(j);
    json_out_member_uuid(j, "section", &section->section_id.u);
    json_out_member_text(j, "name", section->name);
    json_out_member_int(j, "first_seat_index", section->first_seat);
    json_out_key(j, "types");
    json_out_array(j);
    for (uint32_t i = 0; i < section->places; i++)
        out_place(j, l, &l->places[section->first_place + i]);
    json_out_end_array(j);
    json_out_end_object(j);
}

/* How a seat index becomes a ticket id. */
static void out_ticket_id(struct json_out *j, const struct event_id *event)
{
    struct buf hex = {0};
    text_hex(&hex, event->u.b, TICKET_PREFIX_BYTES);
    buf_addc(&hex, '\0');
    json_out_key(j, "ticket_id");
    json_out_object(j);
    json_out_member_text(j, "prefix", hex.data);
    json_out_member_text(j, "suffix", "seat_index, 32 bits, big-endian");
    json_out_end_object(j);
    buf_done(&hex);
}

static void out_attributes(struct json_out *j, const struct layout *l)
{
    json_out_key(j, "attributes");
    json_out_object(j);
    for (uint32_t a = 0; a < l->attribute_count; a++) {
        json_out_key_text(j, l->attributes[a]);
        json_out_array(j);
        for (uint32_t seat = 0; l->seat_attributes && seat < l->seats_total; seat++)
            if (l->seat_attributes[seat] >> a & 1)
                json_out_int(j, seat);
        json_out_end_array(j);
    }
    json_out_end_object(j);
}

void encode_seatmap(struct json_out *j, const struct event_id *event, const struct layout *l)
{
    json_out_object(j);
    json_out_member_uuid(j, "event_id", &event->u);
    json_out_member_int(j, "layout_rev", l->rev);
    json_out_member_int(j, "seats_total", l->seats_total);
    out_ticket_id(j, event);
    encode_size(j, l);
    json_out_key(j, "sections");
    json_out_array(j);
    for (uint32_t i = 0; i < l->section_count; i++)
        out_section(j, l, &l->sections[i]);
    json_out_end_array(j);
    out_attributes(j, l);
    json_out_end_object(j);
}

/*
 * The map of an event is made and compressed once, on a worker where it is big, and lasts as long as the
 * layout. A page of it (the header fields) is made for each version, because Change-Seq is the version's.
 */
struct kept_map {
    struct view_extra extra; /* first */
    struct http_body *body;
};

enum { MAP_SLOT = 0, LOOP_BYTES = 65536 /* more is compressed on a worker: a loop has others to serve */ };

static void free_map(struct view_extra *extra)
{
    struct kept_map *map = (struct kept_map *)extra;
    http_body_unref(map->body);
    free(map);
}

static struct http_body *find_map(const struct snapshot *s)
{
    const struct kept_map *map = (const struct kept_map *)view_lasting(s, MAP_SLOT);
    return map ? map->body : NULL;
}

/* The answer to a request for a map, on its way. */
struct map_wish {
    bool rev; /* asked for by number */
    enum http_coding coding;
};

/* Thread: a worker, or the loop for a small one. */
static void make_map(struct app_call *call)
{
    struct snapshot *s = call->event;
    if (find_map(s))
        return; /* another was quicker */
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    encode_seatmap(&j, &s->event->event_id, s->layout);
    struct kept_map *map = malloc(sizeof(*map));
    must(map); /* out of memory ends the program */
    *map = (struct kept_map){.extra.free = free_map, .body = http_body_new(JSON_TYPE, &b)};
    view_lasting_keep(s, MAP_SLOT, &map->extra);
}

/* Thread: a worker. */
static void prepare_map(struct app_call *call)
{
    const struct map_wish *wish = api_of(call)->user;
    make_map(call);
    http_body_prepare(find_map(call->event), wish->coding);
}

static void send_map(struct app_call *call)
{
    struct api_req *c = api_of(call);
    const struct map_wish *wish = c->user;
    const struct snapshot *s = call->event;
    if (call->code) {
        api_problem(c, call->code, NULL);
        return;
    }
    enum kept slot = wish->rev ? KEPT_SEATMAP_REV : KEPT_SEATMAP;
    if (kept_reply(c, slot, 0))
        return;
    const char *share = s->event->published ? "public" : "private";
    const struct kept_spec spec = {
        .slot = slot,
        .etag = arena_printf(c->req->arena, "%012" PRIx64 "-map-%" PRIu32, id_tag(&s->event->event_id.u),
                             s->layout->rev),
        .cache_control =
            wish->rev ? arena_printf(c->req->arena, "%s, max-age=31536000, immutable", share) : NULL,
    };
    kept_reply_new(c, &spec, http_body_ref(find_map(s)));
}

/* The map is there; is it in the coding that is wanted? */
static void find_form(struct app_call *call)
{
    struct api_req *c = api_of(call);
    struct map_wish *wish = c->user;
    struct http_body *body = call->code ? NULL : find_map(call->event);
    size_t size = 0;
    if (body)
        http_body_bytes(body, &size);
    wish->coding = body ? http_body_coding(c->req, body) : HTTP_IDENTITY;
    if (size > LOOP_BYTES && !http_body_has(body, wish->coding))
        app_on_worker(call, prepare_map, send_map);
    else
        send_map(call);
}

static void show_seatmap(struct api_req *c)
{
    const struct snapshot *s = c->call.event;
    uint64_t rev;
    struct map_wish *wish = arena_alloc(c->req->arena, sizeof(*wish));
    wish->rev = api_query_number(c, "rev", UINT32_MAX, &rev);
    if (wish->rev && rev == 0)
        json_in_fault_at(&c->in, "/rev", "must be at least 1");
    if (!api_fits(c))
        return;
    if (wish->rev && rev != s->layout->rev) {
        api_problem(c, BOX_ENOTFOUND, "The seat map has no such version.");
        return;
    }
    c->user = wish;
    if (!find_map(s) && s->layout->seats_total > API_LOOP_SEATS) {
        app_on_worker(&c->call, make_map, find_form);
        return;
    }
    make_map(&c->call);
    find_form(&c->call);
}

void get_seatmap(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"rev", NULL};
    api_event_read(req, ctx, query, show_seatmap);
}
