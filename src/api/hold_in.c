#include "api/hold_in.h"
#include "api/id_in.h"
#include "api/seats_in.h"
#include "base/params.h"

const char *const hold_members[] = {"ticket_ids",  "seat_indexes", "best_available",
                                    "price_types", "session_id",   NULL};

/* Whose hold it is: a session's own, or the one that a key names. */
static struct session_id session_in(const struct api_req *c, struct json_node node)
{
    const struct credential *who = &c->call.who;
    if (who->kind == CREDENTIAL_KEY)
        return (struct session_id){kept_id_in(node)};
    if (!json_in_absent(node))
        json_in_fault(node, "is for API keys; a session holds for itself");
    return who->session;
}

/* Attributes and how many seats must have each. */
static void needs_in(struct json_node node, const struct layout *l, struct best_wish *wish)
{
    void *iter = NULL;
    const char *name;
    struct json_node value;
    if (json_in_absent(node) || !json_in_object(node, NULL))
        return;
    struct best_need *needs = arena_array(node.in->arena, LIMIT_ATTRIBUTES, sizeof(*needs));
    while (json_in_next_member(node, &iter, &name, &value)) {
        struct best_need need = {.count = (uint32_t)json_in_int(value, 1, LIMIT_HOLD_SEATS)};
        if (!layout_find_attribute(l, name, &need.attribute))
            json_in_fault(value, "is no attribute of a seat of this event");
        else if (need.count > wish->count)
            json_in_fault(value, "must be at most count");
        else
            needs[wish->need_count++] = need; /* the layout's attributes are at most LIMIT_ATTRIBUTES */
    }
    wish->needs = needs;
}

/* The type must be in the section, or in any where none is wanted. */
static bool has_type(const struct layout *l, uint32_t section, const char *type_id)
{
    uint32_t place;
    if (section != UINT32_MAX)
        return layout_find_place(l, section, type_id, &place);
    for (uint32_t i = 0; i < l->section_count; i++)
        if (layout_find_place(l, i, type_id, &place))
            return true;
    return false;
}

static void best_in(struct json_node node, const struct layout *l, struct best_wish *wish)
{
    static const char *const known[] = {"count", "section", "type_id", "needs", NULL};
    if (!json_in_object(node, known))
        return;
    struct json_node section = json_in_member(node, "section"), type = json_in_member(node, "type_id");
    wish->count = (uint32_t)json_in_int(json_in_member(node, "count"), 1, LIMIT_HOLD_SEATS);
    wish->section = UINT32_MAX;
    if (!json_in_absent(section)) {
        struct section_id id;
        if (id_in(section, &id.u) && !layout_find_section(l, &id, &wish->section))
            json_in_fault(section, "is no section of this event");
    }
    if (!json_in_absent(type)) {
        wish->type_id = json_in_text(type, 1, LIMIT_TYPE_ID_CHARS);
        if (wish->type_id && !has_type(l, wish->section, wish->type_id))
            json_in_fault(type, "is no type there");
    }
    needs_in(json_in_member(node, "needs"), l, wish);
}

/* One name a seat. */
static const char *const *price_types_in(struct json_node node, uint32_t seats)
{
    size_t count;
    if (json_in_absent(node) || !json_in_array(node, 1, LIMIT_HOLD_SEATS, &count))
        return NULL;
    if (seats && count != seats)
        json_in_fault(node, "must have one entry per seat: %u", (unsigned)seats);
    const char **names = arena_array(node.in->arena, count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = json_in_text(json_in_item(node, i), 1, LIMIT_TYPE_ID_CHARS);
    return names;
}

void hold_wish_in(struct api_req *c, struct json_node body, struct app_hold_wish *ret_wish)
{
    const struct snapshot *s = c->call.event;
    struct json_node tickets = json_in_member(body, "ticket_ids");
    struct json_node indexes = json_in_member(body, "seat_indexes");
    struct json_node best = json_in_member(body, "best_available");
    int ways = !json_in_absent(tickets) + !json_in_absent(indexes) + !json_in_absent(best);
    if (ways != 1)
        json_in_fault(body, "must have exactly one of ticket_ids, seat_indexes and best_available");
    else if (!json_in_absent(tickets))
        ret_wish->seats =
            tickets_in(tickets, LIMIT_HOLD_SEATS, &s->event->event_id, s->layout, &ret_wish->seat_count);
    else if (!json_in_absent(indexes))
        ret_wish->seats = seat_indexes_in(indexes, LIMIT_HOLD_SEATS, s->layout, &ret_wish->seat_count);
    else
        best_in(best, s->layout, &ret_wish->best);
    uint32_t count = ret_wish->seat_count ? ret_wish->seat_count : ret_wish->best.count;
    ret_wish->price_types = price_types_in(json_in_member(body, "price_types"), count);
    ret_wish->session = session_in(c, json_in_member(body, "session_id"));
}
