/* Encoders that several areas share. Each writes members or one value into a JSON document. */
#ifndef API_ENCODE_H
#define API_ENCODE_H

#include "app/call.h"
#include "json/json_out.h"

/* "total", "available", "held", "sold", "blocked" as members. */
void encode_counts(struct json_out *j, const uint32_t counts[SEAT_STATUSES]);
/* An event's members; @timezone is the venue's. */
void encode_event_members(struct json_out *j, const struct event *e, const char *timezone,
                          const uint32_t counts[SEAT_STATUSES]);
/* One event as an object, as @s shows it. */
void encode_event(struct json_out *j, const struct snapshot *s);

/* A ticket of @event as everybody may see it, at the standard price of now. */
void encode_ticket(struct json_out *j, const struct snapshot *s, uint32_t seat);

/* What the lines of a hold or an order refer to. */
struct line_names {
    const struct event *event;
    const struct layout *layout;
    const char *const *price_types;
    uint32_t price_type_count;
};
/* The names that a call's result uses. */
struct line_names names_of_call(const struct app_call *call);
/* The names of an event's newest version. */
struct line_names names_of_snapshot(const struct snapshot *s);
/* False when a line's price type is newer than these names. */
bool names_cover(const struct line_names *names, const struct line *lines, uint32_t count);

/* A hold as the interface shows it; it has its lines. */
void encode_hold(struct json_out *j, const struct hold *h, const struct line_names *names, int64_t now_ms);
/* @personal: the buyer's, with or without payment_reference. */
void encode_order(struct json_out *j, const struct order *o, const struct personal *personal,
                  const struct line_names *names, int64_t now_ms);
/* "size" of a plan, or null. */
void encode_size(struct json_out *j, const struct layout *l);
/* A venue with its sections, types, rows and seats. */
void encode_venue(struct json_out *j, const struct layout *l);

/* A row of the change log: ScyllaDB's columns, order_queue's, and ours. */
void encode_cdc_row(struct json_out *j, const struct cdc_row *row);

#endif
