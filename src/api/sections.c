#include "api/encode.h"
#include "api/kept.h"
#include "api/routes.h"
#include "base/must.h"

/* The price of each type that has one here, by name. */
static void out_prices(struct json_out *j, const struct event *e, uint32_t place)
{
    json_out_key(j, "prices");
    json_out_object(j);
    for (uint32_t type = 0; type < e->price_type_count; type++) {
        int64_t price = event_price(e, place, type);
        if (price == PRICE_NONE)
            continue;
        char text[MONEY_TEXT];
        money_format((struct money){price}, &e->currency, text);
        json_out_key_text(j, e->price_types[type]);
        json_out_text(j, text);
    }
    json_out_end_object(j);
}

static void out_place(struct json_out *j, const struct snapshot *s, uint32_t index)
{
    const struct event *e = s->event;
    const struct layout_place *place = &s->layout->places[index];
    const struct layout_section *section = &s->layout->sections[place->section];
    const uint32_t *n = s->places[index].n;
    json_out_object(j);
    json_out_member_uuid(j, "section", &section->section_id.u);
    json_out_member_text(j, "name", section->name);
    json_out_member_text(j, "type_id", place->type_id);
    money_out(j, "price", (struct money){event_price(e, index, PRICE_STANDARD)}, &e->currency);
    out_prices(j, e, index);
    json_out_member_int(j, "seats_count", place->seats);
    json_out_member_int(j, "available", n[SEAT_AVAILABLE]);
    json_out_member_int(j, "held", n[SEAT_HELD]);
    json_out_member_int(j, "sold", n[SEAT_SOLD]);
    json_out_member_int(j, "blocked", n[SEAT_BLOCKED]);
    json_out_end_object(j);
}

static void out_sections(struct api_req *c, struct json_out *j)
{
    const struct snapshot *s = c->call.event;
    json_out_object(j);
    json_out_member_uuid(j, "event_id", &s->event->event_id.u);
    json_out_member_int(j, "seq", (int64_t)s->seq);
    json_out_key(j, "sections");
    json_out_array(j);
    for (uint32_t i = 0; i < s->layout->place_count; i++)
        out_place(j, s, i);
    json_out_end_array(j);
    json_out_end_object(j);
}

static void show_sections(struct api_req *c)
{
    kept_reply_json(c, KEPT_SECTIONS, NULL, out_sections);
}

void get_sections(struct http_req *req, void *ctx)
{
    api_event_read(req, ctx, NULL, show_sections);
}
