#include "api/event_in.h"
#include "api/id_in.h"
#include "base/params.h"
#include <string.h>

enum {
    DEFAULT_HOLD_SECONDS = 900,
    DEFAULT_MAX_TICKETS = 8,
    PRICES_MAX = LIMIT_VENUE_PLACES * LIMIT_PRICE_TYPES
};

/* A time of the sale's window; 0 means open, so the first millisecond of 1970 is taken for the second. */
static int64_t window_in(struct json_node node)
{
    if (json_in_absent(node))
        return 0;
    int64_t ms = json_in_time(node);
    return ms ? ms : 1;
}

static const char *type_in(struct json_node node)
{
    return json_in_absent(node) ? "" : json_in_text(node, 1, LIMIT_TYPE_ID_CHARS);
}

static const char *slug_in(struct json_node node)
{
    const char *slug = json_in_text(node, 1, LIMIT_SLUG_CHARS);
    if (slug && !slug_valid(slug))
        json_in_fault(node, "must be a-z, 0-9 and -, and not begin with -");
    return slug;
}

static struct currency currency_in(struct json_node node)
{
    struct currency currency = {.code = ""};
    const char *code = json_in_text(node, 3, 3);
    if (code && currency_find(code, &currency) != 0)
        json_in_fault(node, "is no currency of ISO 4217");
    return currency;
}

static uint32_t hold_seconds_in(struct json_node node)
{
    return (uint32_t)json_in_int(node, 1, LIMIT_HOLD_SECONDS_MAX);
}

static uint32_t max_tickets_in(struct json_node node)
{
    return (uint32_t)json_in_int(node, 1, LIMIT_SESSION_TICKETS_MAX);
}

void event_draft_in(struct json_node body, struct event_draft *ret_draft)
{
    struct event_edit *f = &ret_draft->fields;
    struct json_node seconds = json_in_member(body, "hold_seconds");
    struct json_node tickets = json_in_member(body, "max_tickets_per_session");
    struct json_node off_sale = json_in_member(body, "off_sale_at");
    struct json_node published = json_in_member(body, "published");
    ret_draft->slug = slug_in(json_in_member(body, "slug"));
    ret_draft->currency = currency_in(json_in_member(body, "currency"));
    ret_draft->published = !json_in_absent(published) && json_in_bool(published);
    f->set = EVENT_NAME | EVENT_TYPE | EVENT_DATE | EVENT_ON_SALE | EVENT_OFF_SALE | EVENT_HOLD_SECONDS |
             EVENT_MAX_TICKETS;
    f->name = json_in_text(json_in_member(body, "name"), 1, LIMIT_NAME_CHARS);
    f->event_type = type_in(json_in_member(body, "event_type"));
    f->date_ms = json_in_time(json_in_member(body, "date"));
    f->on_sale_ms = window_in(json_in_member(body, "on_sale_at"));
    f->off_sale_ms = window_in(off_sale);
    f->hold_seconds = json_in_absent(seconds) ? DEFAULT_HOLD_SECONDS : hold_seconds_in(seconds);
    f->max_tickets_per_session = json_in_absent(tickets) ? DEFAULT_MAX_TICKETS : max_tickets_in(tickets);
    if (f->on_sale_ms && f->off_sale_ms && f->on_sale_ms >= f->off_sale_ms)
        json_in_fault(off_sale, "must be later than on_sale_at");
}

/* True (and the bit is set) if @name is given; @node is its value. */
static bool given(struct json_node body, const char *name, uint32_t bit, struct event_edit *edit,
                  struct json_node *ret_node)
{
    *ret_node = json_in_member(body, name);
    if (json_in_missing(*ret_node))
        return false;
    edit->set |= bit;
    return true;
}

void event_edit_in(struct json_node body, struct event_edit *ret_edit)
{
    struct json_node node;
    if (given(body, "name", EVENT_NAME, ret_edit, &node))
        ret_edit->name = json_in_text(node, 1, LIMIT_NAME_CHARS);
    if (given(body, "event_type", EVENT_TYPE, ret_edit, &node))
        ret_edit->event_type = type_in(node);
    if (given(body, "date", EVENT_DATE, ret_edit, &node))
        ret_edit->date_ms = json_in_time(node);
    if (given(body, "on_sale_at", EVENT_ON_SALE, ret_edit, &node))
        ret_edit->on_sale_ms = window_in(node);
    if (given(body, "off_sale_at", EVENT_OFF_SALE, ret_edit, &node))
        ret_edit->off_sale_ms = window_in(node);
    if (given(body, "hold_seconds", EVENT_HOLD_SECONDS, ret_edit, &node))
        ret_edit->hold_seconds = hold_seconds_in(node);
    if (given(body, "max_tickets_per_session", EVENT_MAX_TICKETS, ret_edit, &node))
        ret_edit->max_tickets_per_session = max_tickets_in(node);
    if (ret_edit->set == 0 && json_in_is_object(body))
        json_in_fault(body, "must change something");
}

/* The place that an entry names. Returns false (recorded) if there is none. */
static bool place_in(struct json_node entry, const struct layout *layout, uint32_t *ret_place)
{
    struct json_node section_node = json_in_member(entry, "section");
    struct json_node type_node = json_in_member(entry, "type_id");
    struct section_id id;
    bool known = id_in(section_node, &id.u);
    const char *type_id = json_in_text(type_node, 1, LIMIT_TYPE_ID_CHARS);
    uint32_t section;
    if (!known || !type_id)
        return false;
    if (!layout_find_section(layout, &id, &section))
        json_in_fault(section_node, "is no section of the venue");
    else if (!layout_find_place(layout, section, type_id, ret_place))
        json_in_fault(type_node, "is no type of this section");
    else
        return true;
    return false;
}

static struct price_entry price_in(struct json_node entry, const struct layout *layout,
                                   const struct currency *currency)
{
    static const char *const known[] = {"section", "type_id", "price_type", "price", NULL};
    struct price_entry price = {.price_type = "standard"};
    if (!json_in_object(entry, known))
        return price;
    struct json_node type = json_in_member(entry, "price_type");
    place_in(entry, layout, &price.place);
    if (!json_in_absent(type))
        price.price_type = json_in_text(type, 1, LIMIT_TYPE_ID_CHARS);
    price.price = money_in(json_in_member(entry, "price"), currency);
    return price;
}

void prices_in(struct json_node list, size_t min, const struct layout *layout,
               const struct currency *currency, const struct price_entry **ret_prices, size_t *ret_count)
{
    size_t count;
    *ret_count = 0;
    if (!json_in_array(list, min, PRICES_MAX, &count))
        return;
    struct price_entry *prices = arena_array(list.in->arena, count, sizeof(*prices));
    for (size_t i = 0; i < count; i++)
        prices[i] = price_in(json_in_item(list, i), layout, currency);
    *ret_prices = prices;
    *ret_count = count;
}
