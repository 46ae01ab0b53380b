/* A venue as it is shown: the form in which it was given, with its ids. */
#include "api/encode.h"
#include "base/must.h"
#include "base/params.h"
#include <stdio.h>

enum { LABEL_BYTES = LIMIT_LABEL_CHARS * 4 + 1 };

static const char *label_of(const struct layout_row *row, uint32_t position, char scratch[LABEL_BYTES])
{
    if (row->labels)
        return row->labels[position];
    snprintf(scratch, LABEL_BYTES, "%u", position + 1);
    return scratch;
}

static bool has_position(const struct layout *l, uint32_t seat)
{
    return l->x && l->x[seat] != NO_COORDINATE;
}

static bool is_plain(const struct layout *l, uint32_t seat)
{
    return !has_position(l, seat) && !(l->seat_attributes && l->seat_attributes[seat]);
}

static void out_attributes(struct json_out *j, const struct layout *l, uint32_t bits)
{
    json_out_key(j, "attributes");
    json_out_array(j);
    for (uint32_t i = 0; i < l->attribute_count; i++)
        if (bits >> i & 1)
            json_out_text(j, l->attributes[i]);
    json_out_end_array(j);
}

static void out_seat(struct json_out *j, const struct layout *l, uint32_t seat, const char *label)
{
    if (is_plain(l, seat)) {
        json_out_text(j, label);
        return;
    }
    json_out_object(j);
    json_out_member_text(j, "label", label);
    if (has_position(l, seat)) {
        json_out_member_int(j, "x", l->x[seat]);
        json_out_member_int(j, "y", l->y[seat]);
    }
    if (l->seat_attributes && l->seat_attributes[seat])
        out_attributes(j, l, l->seat_attributes[seat]);
    json_out_end_object(j);
}

static void out_seats(struct json_out *j, const struct layout *l, const struct layout_row *row)
{
    char scratch[LABEL_BYTES];
    uint32_t plain = 0;
    while (plain < row->seats && is_plain(l, row->first_seat + plain))
        plain++;
    json_out_key(j, "seats");
    if (!row->labels && plain == row->seats) {
        json_out_int(j, row->seats);
        return;
    }
    json_out_array(j);
    for (uint32_t i = 0; i < row->seats; i++)
        out_seat(j, l, row->first_seat + i, label_of(row, i, scratch));
    json_out_end_array(j);
}

static bool has_gap(const struct layout *l, const struct layout_row *row)
{
    for (uint32_t i = 0; l->gap_after && i < row->seats; i++)
        if (layout_gap_after(l, row->first_seat + i))
            return true;
    return false;
}

static void out_row(struct json_out *j, const struct layout *l, const struct layout_row *row)
{
    char scratch[LABEL_BYTES];
    json_out_object(j);
    json_out_member_text(j, "row", row->label);
    out_seats(j, l, row);
    if (row->has_xy) {
        json_out_member_int(j, "x", row->x);
        json_out_member_int(j, "y", row->y);
    }
    if (has_gap(l, row)) {
        json_out_key(j, "gaps_after");
        json_out_array(j);
        for (uint32_t i = 0; i < row->seats; i++)
            if (layout_gap_after(l, row->first_seat + i))
                json_out_text(j, label_of(row, i, scratch));
        json_out_end_array(j);
    }
    json_out_end_object(j);
}

static void out_place(struct json_out *j, const struct layout *l, const struct layout_place *place)
{
    char price[MONEY_TEXT];
    decimal_format(place->price, price);
    json_out_object(j);
    json_out_member_text(j, "type_id", place->type_id);
    json_out_member_text(j, "price", price);
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
    json_out_member_uuid(j, "section_id", &section->section_id.u);
    json_out_member_text(j, "name", section->name);
    json_out_key(j, "types");
    json_out_array(j);
    for (uint32_t i = 0; i < section->places; i++)
        out_place(j, l, &l->places[section->first_place + i]);
    json_out_end_array(j);
    json_out_end_object(j);
}

void encode_size(struct json_out *j, const struct layout *l)
{
    json_out_key(j, "size");
    if (!l->has_size) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_member_int(j, "width", l->width);
    json_out_member_int(j, "height", l->height);
    json_out_end_object(j);
}

void encode_venue(struct json_out *j, const struct layout *l)
{
    json_out_object(j);
    json_out_member_uuid(j, "venue_id", &l->venue_id.u);
    json_out_member_text(j, "name", l->name);
    json_out_member_text(j, "timezone", l->timezone);
    json_out_member_int(j, "seats_count", l->seats_total);
    encode_size(j, l);
    json_out_key(j, "sections");
    json_out_array(j);
    for (uint32_t i = 0; i < l->section_count; i++)
        out_section(j, l, &l->sections[i]);
    json_out_end_array(j);
    json_out_end_object(j);
}
