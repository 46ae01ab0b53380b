#include "api/seatmap.h"
#include "api/encode.h"
#include "api/routes.h"
#include "base/error.h"
#include "base/params.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>

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

static void out_seatmap(struct api_req *c, struct json_out *j)
{
    encode_seatmap(j, &c->call.event->event->event_id, c->call.event->layout);
}

static void show_seatmap(struct api_req *c)
{
    const struct snapshot *s = c->call.event;
    uint64_t rev;
    bool given = api_query_number(c, "rev", UINT32_MAX, &rev);
    if (given && rev == 0)
        json_in_fault_at(&c->in, "/rev", "must be at least 1");
    if (!api_fits(c))
        return;
    if (given && rev != s->layout->rev) {
        api_problem(c, BOX_ENOTFOUND, "The seat map has no such version.");
        return;
    }
    const char *etag = arena_printf(c->req->arena, "%012" PRIx64 "-map-%" PRIu32,
                                    id_tag(&s->event->event_id.u), s->layout->rev);
    const char *share = s->event->published ? "public" : "private";
    const char *kept = arena_printf(c->req->arena, "%s, max-age=31536000, immutable", share);
    api_reply_document(c, etag, given ? kept : NULL, out_seatmap, s->layout->seats_total);
}

void get_seatmap(struct http_req *req, void *ctx)
{
    static const char *const query[] = {"rev", NULL};
    api_event_read(req, ctx, query, show_seatmap);
}
