/*
 * Versions of an event. Each is a whole copy in one arena: edits are rare (a person makes them), readers are
 * many, and nobody has to ask which parts two versions share.
 */
#include "domain/event.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "domain/event_impl.h"
#include <stdlib.h>
#include <string.h>

static const char STANDARD[] = "standard";

struct event_box *event_box_new(void)
{
    struct event_box *box = calloc(1, sizeof(*box));
    must(box);
    atomic_init(&box->refs, 1);
    arena_init(&box->arena, 1024);
    return box;
}

static struct event_box *box_of(const struct event *e)
{
    return (struct event_box *)(uintptr_t)e; /* only the count is ever changed */
}

struct event *event_ref(const struct event *e)
{
    struct event_box *box = box_of(e);
    unsigned before = atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    must(before > 0);
    return &box->event;
}

void event_unref(const struct event *e)
{
    if (!e)
        return;
    struct event_box *box = box_of(e);
    unsigned before = atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before > 1)
        return;
    arena_done(&box->arena);
    free(box);
}

/* ---- price lists ---- */

static int64_t *price_cell(const struct event *e, uint32_t place, uint32_t type)
{
    must(place < e->place_count && type < e->price_type_count);
    return &e->prices[(size_t)place * e->price_type_count + type];
}

bool event_find_price_type(const struct event *e, const char *name, uint32_t *ret_type)
{
    for (uint32_t i = 0; i < e->price_type_count; i++) {
        if (strcmp(e->price_types[i], name) == 0) {
            *ret_type = i;
            return true;
        }
    }
    return false;
}

int64_t event_price(const struct event *e, uint32_t place, uint32_t price_type)
{
    return *price_cell(e, place, price_type);
}

/* Append the names of @prices that the list does not have yet. Returns 0 or BOX_EINVALID (too many). */
static int add_price_types(struct event_box *box, const struct price_entry *prices, size_t count)
{
    struct event *e = &box->event;
    for (size_t i = 0; i < count; i++) {
        uint32_t known;
        if (event_find_price_type(e, prices[i].price_type, &known))
            continue;
        if (e->price_type_count == LIMIT_PRICE_TYPES)
            return BOX_EINVALID;
        e->price_types[e->price_type_count++] = arena_strdup(&box->arena, prices[i].price_type);
    }
    return 0;
}

/* A price table without a price. */
static void new_prices(struct event_box *box, uint32_t place_count)
{
    struct event *e = &box->event;
    size_t cells = (size_t)place_count * e->price_type_count;
    e->place_count = place_count;
    e->prices = arena_array(&box->arena, cells, sizeof(*e->prices));
    for (size_t i = 0; i < cells; i++)
        e->prices[i] = PRICE_NONE;
}

static void set_prices(struct event *e, const struct price_entry *prices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t type;
        must(event_find_price_type(e, prices[i].price_type, &type));
        must(prices[i].price.minor >= 0);
        *price_cell(e, prices[i].place, type) = prices[i].price.minor;
    }
}

/* The venue's price where no other standard price was given. Returns 0 or BOX_ERANGE. */
static int set_venue_prices(struct event *e, const struct layout *layout, uint32_t *ret_place)
{
    for (uint32_t place = 0; place < e->place_count; place++) {
        int64_t *price = price_cell(e, place, PRICE_STANDARD);
        struct money m;
        if (*price != PRICE_NONE)
            continue;
        if (decimal_to_money(layout->places[place].price, &e->currency, &m) != 0) {
            *ret_place = place;
            return BOX_ERANGE;
        }
        *price = m.minor;
    }
    return 0;
}

/* ---- versions ---- */

static void apply_edit(struct event_box *box, const struct event_edit *edit)
{
    struct event *e = &box->event;
    if (edit->set & EVENT_NAME)
        e->name = arena_strdup(&box->arena, edit->name);
    if (edit->set & EVENT_TYPE)
        e->event_type = arena_strdup(&box->arena, edit->event_type ? edit->event_type : "");
    if (edit->set & EVENT_DATE)
        e->date_ms = edit->date_ms;
    if (edit->set & EVENT_ON_SALE)
        e->on_sale_ms = edit->on_sale_ms;
    if (edit->set & EVENT_OFF_SALE)
        e->off_sale_ms = edit->off_sale_ms;
    if (edit->set & EVENT_HOLD_SECONDS)
        e->hold_seconds = edit->hold_seconds;
    if (edit->set & EVENT_MAX_TICKETS)
        e->max_tickets_per_session = edit->max_tickets_per_session;
}

/* All but prices. */
static struct event_box *from_draft(const struct event_draft *draft, const struct layout *layout)
{
    struct event_box *box = event_box_new();
    struct event *e = &box->event;
    must((draft->fields.set & (EVENT_NAME | EVENT_DATE)) == (EVENT_NAME | EVENT_DATE));
    e->event_id = draft->event_id;
    e->venue_id = layout->venue_id;
    e->slug = arena_strdup(&box->arena, draft->slug);
    e->event_type = "";
    e->currency = draft->currency;
    e->hold_seconds = EVENT_HOLD_SECONDS_DEFAULT;
    e->max_tickets_per_session = EVENT_MAX_TICKETS_DEFAULT;
    apply_edit(box, &draft->fields);
    e->published = e->ever_published = draft->published;
    e->status = EVENT_SCHEDULED;
    e->created_ms = draft->created_ms;
    e->layout_rev = layout->rev;
    e->price_types = arena_array(&box->arena, LIMIT_PRICE_TYPES, sizeof(*e->price_types));
    e->price_types[e->price_type_count++] = STANDARD;
    return box;
}

int event_new(const struct event_draft *draft, const struct layout *layout, uint32_t *ret_place,
              struct event **ret_event)
{
    struct event_box *box = from_draft(draft, layout);
    int ret = add_price_types(box, draft->prices, draft->price_count);
    if (ret)
        goto out;
    new_prices(box, layout->place_count);
    set_prices(&box->event, draft->prices, draft->price_count);
    ret = set_venue_prices(&box->event, layout, ret_place);
    if (ret)
        goto out;
    *ret_event = &box->event;
    return 0;
out:
    event_unref(&box->event);
    return ret;
}

/* A copy with memory of its own, but without a price table. */
static struct event_box *copy_but_prices(const struct event *e)
{
    struct event_box *box = event_box_new();
    struct event *copy = &box->event;
    *copy = *e;
    copy->name = arena_strdup(&box->arena, e->name);
    copy->slug = arena_strdup(&box->arena, e->slug);
    copy->event_type = arena_strdup(&box->arena, e->event_type);
    copy->price_types = arena_array(&box->arena, LIMIT_PRICE_TYPES, sizeof(*copy->price_types));
    for (uint32_t i = 0; i < e->price_type_count; i++)
        copy->price_types[i] = arena_strdup(&box->arena, e->price_types[i]);
    copy->prices = NULL;
    return box;
}

static struct event_box *copy_of(const struct event *e)
{
    struct event_box *box = copy_but_prices(e);
    size_t cells = (size_t)e->place_count * e->price_type_count;
    box->event.prices = arena_copy(&box->arena, e->prices, cells * sizeof(*e->prices));
    return box;
}

struct event *event_edited(const struct event *e, const struct event_edit *edit)
{
    struct event_box *box = copy_of(e);
    apply_edit(box, edit);
    return &box->event;
}

int event_repriced(const struct event *e, const struct price_entry *prices, size_t count,
                   struct event **ret_event)
{
    struct event_box *box = copy_but_prices(e);
    int ret = add_price_types(box, prices, count);
    if (ret) {
        event_unref(&box->event);
        return ret;
    }
    new_prices(box, e->place_count);
    for (uint32_t place = 0; place < e->place_count; place++) {
        for (uint32_t type = 0; type < e->price_type_count; type++)
            *price_cell(&box->event, place, type) = event_price(e, place, type);
    }
    set_prices(&box->event, prices, count);
    *ret_event = &box->event;
    return 0;
}

struct event *event_with_state(const struct event *e, bool published, enum event_status status, bool deleted)
{
    struct event *copy = &copy_of(e)->event;
    copy->published = published;
    copy->ever_published = e->ever_published || published;
    copy->status = status;
    copy->deleted = deleted;
    return copy;
}

/* ---- rules ---- */

bool event_on_sale(const struct event *e, int64_t now_ms)
{
    return e->published && !e->deleted && e->status == EVENT_SCHEDULED &&
           (e->on_sale_ms == 0 || now_ms >= e->on_sale_ms) &&
           (e->off_sale_ms == 0 || now_ms < e->off_sale_ms);
}

const char *event_status_name(enum event_status s)
{
    static const char *const names[] = {"scheduled", "paused", "cancelled"};
    must(s <= EVENT_CANCELLED);
    return names[s];
}

bool slug_valid(const char *slug)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t size = strlen(slug);
    return size > 0 && size <= LIMIT_SLUG_CHARS && strspn(slug, first) > 0 && strspn(slug, more) == size;
}
