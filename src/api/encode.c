#include "api/encode.h"
#include "base/must.h"
#include "base/params.h"

enum { SEAT_LABEL_BYTES = LIMIT_LABEL_CHARS * 4 + 1 };

void encode_counts(struct json_out *j, const uint32_t counts[SEAT_STATUSES])
{
    uint64_t total = 0;
    for (unsigned i = 0; i < SEAT_STATUSES; i++)
        total += counts[i];
    json_out_member_int(j, "total", (int64_t)total);
    json_out_member_int(j, "available", counts[SEAT_AVAILABLE]);
    json_out_member_int(j, "held", counts[SEAT_HELD]);
    json_out_member_int(j, "sold", counts[SEAT_SOLD]);
    json_out_member_int(j, "blocked", counts[SEAT_BLOCKED]);
}

void encode_event_members(struct json_out *j, const struct event *e, const char *timezone,
                          const uint32_t counts[SEAT_STATUSES])
{
    json_out_member_uuid(j, "event_id", &e->event_id.u);
    json_out_member_uuid(j, "venue_id", &e->venue_id.u);
    json_out_member_text(j, "name", e->name);
    json_out_member_text(j, "slug", e->slug);
    json_out_member_text(j, "event_type", e->event_type[0] ? e->event_type : NULL);
    json_out_member_time(j, "date", e->date_ms);
    json_out_member_text(j, "timezone", timezone);
    json_out_member_text(j, "currency", e->currency.code);
    json_out_member_bool(j, "has_tickets", counts[SEAT_AVAILABLE] > 0);
    json_out_member_bool(j, "published", e->published);
    json_out_member_text(j, "event_status", event_status_name(e->status));
    json_out_member_int(j, "hold_seconds", e->hold_seconds);
    json_out_member_int(j, "max_tickets_per_session", e->max_tickets_per_session);
    json_out_member_time_or_null(j, "on_sale_at", e->on_sale_ms);
    json_out_member_time_or_null(j, "off_sale_at", e->off_sale_ms);
    json_out_member_time(j, "created_at", e->created_ms);
    json_out_member_int(j, "layout_rev", e->layout_rev);
    json_out_key(j, "counts");
    json_out_object(j);
    encode_counts(j, counts);
    json_out_end_object(j);
}

void encode_event(struct json_out *j, const struct snapshot *s)
{
    json_out_object(j);
    encode_event_members(j, s->event, s->layout->timezone, s->counts);
    json_out_end_object(j);
}

/* Which seat it is: event_id to type_id. */
static void seat_members(struct json_out *j, const struct event *e, const struct layout *l, uint32_t seat)
{
    char label[SEAT_LABEL_BYTES];
    const struct layout_place *place = &l->places[layout_place_of(l, seat)];
    const struct layout_section *section = &l->sections[place->section];
    struct ticket_id ticket = ticket_id_of(&e->event_id, seat);
    json_out_member_uuid(j, "event_id", &e->event_id.u);
    json_out_member_uuid(j, "ticket_id", &ticket.u);
    json_out_member_int(j, "seat_index", seat);
    json_out_member_uuid(j, "section", &section->section_id.u);
    json_out_member_text(j, "section_name", section->name);
    json_out_member_text(j, "row", layout_row_label(l, seat));
    json_out_member_text(j, "seat", layout_seat_label(l, seat, label) ? label : NULL);
    json_out_member_text(j, "type_id", place->type_id);
}

void encode_ticket(struct json_out *j, const struct snapshot *s, uint32_t seat)
{
    const struct event *e = s->event;
    int64_t price = event_price(e, layout_place_of(s->layout, seat), PRICE_STANDARD);
    must(price >= 0); /* the venue gives every place one */
    json_out_object(j);
    seat_members(j, e, s->layout, seat);
    money_out(j, "price", (struct money){price}, &e->currency);
    json_out_member_text(j, "status", seat_status_name(snapshot_status(s, seat)));
    json_out_end_object(j);
}

struct line_names names_of_call(const struct app_call *call)
{
    return (struct line_names){
        .event = call->event->event,
        .layout = call->event->layout,
        .price_types = call->price_types,
        .price_type_count = call->price_type_count,
    };
}

struct line_names names_of_snapshot(const struct snapshot *s)
{
    return (struct line_names){
        .event = s->event,
        .layout = s->layout,
        .price_types = (const char *const *)s->event->price_types,
        .price_type_count = s->event->price_type_count,
    };
}

bool names_cover(const struct line_names *names, const struct line *lines, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (lines[i].price_type >= names->price_type_count)
            return false;
    return true;
}

static void encode_lines(struct json_out *j, const struct line *lines, uint32_t count,
                         const struct line_names *names)
{
    json_out_key(j, "tickets");
    json_out_array(j);
    for (uint32_t i = 0; i < count; i++) {
        must(lines[i].price_type < names->price_type_count);
        json_out_object(j);
        seat_members(j, names->event, names->layout, lines[i].seat);
        json_out_member_text(j, "price_type", names->price_types[lines[i].price_type]);
        money_out(j, "price", lines[i].price, &names->event->currency);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

void encode_hold(struct json_out *j, const struct hold *h, const struct line_names *names, int64_t now_ms)
{
    json_out_object(j);
    json_out_member_uuid(j, "hold_id", &h->hold_id.u);
    json_out_member_uuid(j, "event_id", &h->event_id.u);
    json_out_member_uuid(j, "session_id", &h->session_id.u);
    json_out_member_text(j, "status", hold_status_name(h->status));
    json_out_member_time(j, "started_at", h->started_ms);
    json_out_member_time(j, "expires_at", h->expires_ms);
    json_out_member_time(j, "now", now_ms);
    json_out_member_time_or_null(j, "ended_at", h->ended_ms);
    json_out_member_uuid_or_null(j, "order_id", &h->order_id.u);
    money_out(j, "total_price", h->total, &names->event->currency);
    json_out_member_text(j, "currency", names->event->currency.code);
    encode_lines(j, h->lines, h->line_count, names);
    json_out_end_object(j);
}

static void encode_buyer(struct json_out *j, const struct personal *personal)
{
    json_out_key(j, "buyer");
    if (!personal->name && !personal->email) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_member_text(j, "name", personal->name);
    json_out_member_text(j, "email", personal->email);
    json_out_end_object(j);
}

void encode_order(struct json_out *j, const struct order *o, const struct personal *personal,
                  const struct line_names *names, int64_t now_ms)
{
    json_out_object(j);
    json_out_member_uuid(j, "order_id", &o->order_id.u);
    json_out_member_text(j, "code", o->code);
    json_out_member_uuid(j, "event_id", &o->event_id.u);
    json_out_member_uuid(j, "hold_id", &o->hold_id.u);
    json_out_member_uuid(j, "session_id", &o->session_id.u);
    json_out_member_uuid_or_null(j, "user_id", &o->user_id);
    json_out_member_text(j, "status", order_status_name(o->status));
    money_out(j, "total_price", o->total, &names->event->currency);
    json_out_member_text(j, "currency", names->event->currency.code);
    json_out_member_time(j, "created_at", o->created_ms);
    json_out_member_time(j, "expires_at", o->expires_ms);
    json_out_member_time(j, "now", now_ms);
    json_out_member_time_or_null(j, "purchased_at", o->purchased_ms);
    json_out_member_time_or_null(j, "ended_at", o->ended_ms);
    encode_buyer(j, personal);
    json_out_member_text(j, "payment_reference", personal->payment_reference);
    encode_lines(j, o->lines, o->line_count, names);
    json_out_end_object(j);
}
